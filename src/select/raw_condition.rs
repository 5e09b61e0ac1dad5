//! Conditions on the fields of events as the API names them, by path: tests of values, joined by and, or and not.
//! Sigma rules are made of them.
//!
//! Nothing is allocated while events are looked at, unless a value has escapes.

use regex_lite::Regex;

use super::network::Network;
use crate::event::Event;
use crate::facts::{FoundFields, Lookup, unescape};

/// Which events fit, by paths into their JSON. Made ready with [`RawCondition::bind`].
#[derive(Clone, Debug)]
pub enum RawCondition {
    /// All of these.
    All(Vec<RawCondition>),
    /// One of these.
    Any(Vec<RawCondition>),
    /// Not this.
    Not(Box<RawCondition>),
    /// A test of one field's value.
    Field {
        /// The dotted path.
        path: String,
        /// The slot of the path in the look-up.
        slot: usize,
        /// The test.
        test: RawTest,
    },
    /// The event's text has it, escapes resolved.
    Keyword(TextGlob),
}

/// What is asked of a value. A value that is an object or a list is there, and fits nothing else.
#[derive(Clone, Debug)]
pub enum RawTest {
    /// Whether there is one, `null` not counted.
    Exists(bool),
    /// Its text.
    Text(TextGlob),
    /// Its text has a part that the expression fits.
    Regex(Regex),
    /// It is an address in a network.
    Network(RawNetwork),
}

/// A network that addresses are held against.
#[derive(Clone, Copy, Debug)]
pub struct RawNetwork(Network);

impl RawNetwork {
    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    ///
    /// # Errors
    /// Fails with the reason where the text is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        Network::parse(text).map(RawNetwork)
    }
}

impl RawCondition {
    /// A test of the field at a path.
    pub fn field(path: &str, test: RawTest) -> Self {
        RawCondition::Field { path: path.to_owned(), slot: usize::MAX, test }
    }

    /// How many tests it has.
    pub fn tests(&self) -> usize {
        match self {
            RawCondition::All(parts) | RawCondition::Any(parts) => {
                parts.iter().map(RawCondition::tests).sum()
            }
            RawCondition::Not(part) => part.tests(),
            RawCondition::Field { .. } | RawCondition::Keyword(_) => 1,
        }
    }

    /// Adds the paths to a look-up, whose results [`RawCondition::wants`] is given from then on.
    pub fn bind(&mut self, lookup: &mut Lookup) {
        match self {
            RawCondition::All(parts) | RawCondition::Any(parts) => {
                parts.iter_mut().for_each(|part| part.bind(lookup));
            }
            RawCondition::Not(part) => part.bind(lookup),
            RawCondition::Field { path, slot, .. } => *slot = lookup.add(path),
            RawCondition::Keyword(_) => {}
        }
    }

    /// Calls `take` with each path, its slot, and whether a value is wanted there, as often as they are named.
    pub fn paths<'s>(&'s self, take: &mut impl FnMut(&'s str, usize, bool)) {
        match self {
            RawCondition::All(parts) | RawCondition::Any(parts) => {
                parts.iter().for_each(|part| part.paths(take));
            }
            RawCondition::Not(part) => part.negated_paths(take),
            RawCondition::Field { path, slot, test } => {
                take(path, *slot, !matches!(test, RawTest::Exists(false)));
            }
            RawCondition::Keyword(_) => {}
        }
    }

    fn negated_paths<'s>(&'s self, take: &mut impl FnMut(&'s str, usize, bool)) {
        match self {
            RawCondition::All(parts) | RawCondition::Any(parts) => {
                parts.iter().for_each(|part| part.negated_paths(take));
            }
            RawCondition::Not(part) => part.negated_paths(take),
            RawCondition::Field { path, slot, .. } => take(path, *slot, false),
            RawCondition::Keyword(_) => {}
        }
    }

    /// Whether the event fits; `found` is what the look-up found in it.
    pub fn wants(&self, event: &Event<'_>, found: &FoundFields<'_, '_>) -> bool {
        match self {
            RawCondition::All(parts) => parts.iter().all(|part| part.wants(event, found)),
            RawCondition::Any(parts) => parts.iter().any(|part| part.wants(event, found)),
            RawCondition::Not(part) => !part.wants(event, found),
            RawCondition::Field { slot, test, .. } => test.fits(*slot, found),
            RawCondition::Keyword(glob) => glob.fits(&unescape(event.raw)),
        }
    }

    /// Texts in small letters of which the field has one in every event that fits; none where that is not known.
    pub fn required_texts(&self, wanted: &str) -> Option<Vec<String>> {
        match self {
            RawCondition::All(parts) => parts.iter().find_map(|part| part.required_texts(wanted)),
            RawCondition::Any(parts) => {
                let texts: Option<Vec<Vec<String>>> =
                    parts.iter().map(|part| part.required_texts(wanted)).collect();
                texts.map(|texts| texts.concat())
            }
            RawCondition::Field { path, test: RawTest::Text(glob), .. } if path == wanted => {
                glob.literal().map(|text| vec![text.to_lowercase()])
            }
            _ => None,
        }
    }
}

impl RawTest {
    fn fits(&self, slot: usize, found: &FoundFields<'_, '_>) -> bool {
        let value = found.value(slot);
        if let RawTest::Exists(wanted) = self {
            return value.is_some() == *wanted;
        }
        let Some(value) = value.filter(|value| !value.is_nested()) else { return false };
        let text = value.text();
        match self {
            RawTest::Exists(_) => false,
            RawTest::Text(glob) => glob.fits(&text),
            RawTest::Regex(regex) => regex.is_match(&text),
            RawTest::Network(network) => network.0.contains(&text),
        }
    }
}

/// A text in which `*` stands for any characters and `?` for one, unless a backslash is before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextGlob {
    parts: Vec<GlobPart>,
    is_cased: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GlobPart {
    Char(char),
    AnyChar,
    AnyText,
}

/// Which part of a value a text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobPlace {
    /// All of it.
    Whole,
    /// Any part of it.
    Inside,
    /// Its beginning.
    Start,
    /// Its end.
    End,
}

impl TextGlob {
    /// Reads a text. A backslash before `*`, `?` or a backslash takes away its meaning, and is itself elsewhere.
    pub fn new(text: &str, place: GlobPlace, is_cased: bool) -> Self {
        let mut parts = Vec::new();
        if matches!(place, GlobPlace::Inside | GlobPlace::End) {
            parts.push(GlobPart::AnyText);
        }
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let literal = match c {
                '*' => {
                    if parts.last() != Some(&GlobPart::AnyText) {
                        parts.push(GlobPart::AnyText);
                    }
                    continue;
                }
                '?' => {
                    parts.push(GlobPart::AnyChar);
                    continue;
                }
                '\\' => chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or(c),
                _ => c,
            };
            match is_cased {
                true => parts.push(GlobPart::Char(literal)),
                false => parts.extend(literal.to_lowercase().map(GlobPart::Char)),
            }
        }
        if matches!(place, GlobPlace::Inside | GlobPlace::Start) && parts.last() != Some(&GlobPart::AnyText) {
            parts.push(GlobPart::AnyText);
        }
        TextGlob { parts, is_cased }
    }

    /// The text, where no character stands for others.
    fn literal(&self) -> Option<String> {
        let char = |part: &GlobPart| match part {
            GlobPart::Char(c) => Some(*c),
            GlobPart::AnyChar | GlobPart::AnyText => None,
        };
        self.parts.iter().map(char).collect()
    }

    /// Whether a text is it.
    pub fn fits(&self, text: &str) -> bool {
        match self.is_cased {
            true => fits(&self.parts, text.chars()),
            false if text.is_ascii() => {
                fits(&self.parts, text.bytes().map(|b| b.to_ascii_lowercase().into()))
            }
            false => fits(&self.parts, text.chars().flat_map(char::to_lowercase)),
        }
    }
}

/// Walks over both; where they part, goes back to the last `*` and lets it have one character more.
fn fits(parts: &[GlobPart], mut text: impl Iterator<Item = char> + Clone) -> bool {
    let mut at = 0;
    let mut retry = None;
    loop {
        if parts.get(at) == Some(&GlobPart::AnyText) {
            at += 1;
            if at == parts.len() {
                return true;
            }
            retry = Some((at, text.clone()));
            continue;
        }
        let c = text.next();
        let is_fit = match (parts.get(at), c) {
            (None, None) => return true,
            (Some(GlobPart::AnyChar), Some(_)) => true,
            (Some(GlobPart::Char(wanted)), Some(c)) => *wanted == c,
            _ => false,
        };
        if is_fit {
            at += 1;
            continue;
        }
        match &mut retry {
            // At the end of the text no longer piece can help.
            Some((back, from)) if c.is_some() => {
                from.next();
                (at, text) = (*back, from.clone());
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;
    use crate::facts::LookupBuffer;

    #[test]
    fn wildcards_stand_for_characters_unless_a_backslash_is_before_them() {
        for (pattern, fitting, others) in [
            ("", &[""][..], &["a"][..]),
            ("*", &["", "a"], &[]),
            ("?", &["a", "é", "*"], &["", "ab"]),
            ("a*c", &["ac", "ABBC"], &["acx", "a"]),
            ("*ab*ab", &["abab", "xabyabzab"], &["ab", "abxabx"]),
            ("a?c*e", &["abcde", "aXce"], &["ace"]),
            (r"a\*", &["a*", "A*"], &["ab", r"a\*"]),
            (r"a\?b", &["a?b"], &["acb"]),
            (r"a\\*", &[r"a\", r"a\b"], &["a*"]),
            (r"a\b", &[r"a\b"], &["ab"]),
            (r"a\\b", &[r"a\b"], &[r"a\\b"]),
            ("ÉTÉ*", &["étés"], &["ete"]),
            ("***x", &["x", "yx"], &["xy"]),
        ] {
            let glob = TextGlob::new(pattern, GlobPlace::Whole, false);
            for text in fitting {
                assert!(glob.fits(text), "{pattern} {text}");
            }
            for text in others {
                assert!(!glob.fits(text), "{pattern} {text}");
            }
        }
        let fits = |place, cased, text| TextGlob::new("Ab", place, cased).fits(text);
        assert!(fits(GlobPlace::Inside, false, "xaBy") && !fits(GlobPlace::Inside, true, "xaby"));
        assert!(fits(GlobPlace::Start, false, "abx") && !fits(GlobPlace::Start, false, "xab"));
        assert!(fits(GlobPlace::End, true, "xAb") && !fits(GlobPlace::End, false, "abx"));
        // What would take years if every `*` tried every length.
        let hostile = TextGlob::new(&"a*".repeat(200), GlobPlace::End, false);
        assert!(!hostile.fits(&("a".repeat(199) + "b")));
    }

    fn wants(condition: RawCondition, raw: &str) -> bool {
        let mut condition = condition;
        let mut lookup = Lookup::default();
        condition.bind(&mut lookup);
        let mut buffer = LookupBuffer::default();
        let event = Event { stream: Stream::AuditEvents, raw: raw.as_bytes(), uuid: None, time: None };
        condition.wants(&event, &lookup.find(raw.as_bytes(), &mut buffer))
    }

    fn text(path: &str, text: &str) -> RawCondition {
        RawCondition::field(path, RawTest::Text(TextGlob::new(text, GlobPlace::Whole, false)))
    }

    #[test]
    fn values_are_compared_as_the_event_has_them() {
        let raw =
            r#"{"a":{"b":"V\u00e9 \"x\"","n":5,"t":true,"z":null,"o":{"k":"v"}},"ip":"::ffff:10.1.2.3"}"#;
        assert!(wants(text("a.b", "vé \"X\""), raw));
        assert!(wants(text("a.n", "5"), raw) && wants(text("a.t", "True"), raw));
        for path in ["a.z", "a.o", "a.missing", "a"] {
            assert!(!wants(text(path, "*"), raw), "{path}");
        }
        let exists = |path, wanted| wants(RawCondition::field(path, RawTest::Exists(wanted)), raw);
        assert!(exists("a.o", true) && exists("a.z", false) && exists("a.missing", false));
        assert!(!exists("a.n", false) && !exists("a.z", true));
        let network = |text| RawCondition::field("ip", RawTest::Network(RawNetwork::parse(text).unwrap()));
        assert!(wants(network("10.0.0.0/8"), raw) && !wants(network("11.0.0.0/8"), raw));
        let regex = |code| RawCondition::field("a.b", RawTest::Regex(Regex::new(code).unwrap()));
        assert!(wants(regex("^V.*\"$"), raw) && !wants(regex("^v"), raw));
        let keyword = |word| RawCondition::Keyword(TextGlob::new(word, GlobPlace::Inside, false));
        assert!(wants(keyword("VÉ"), raw) && !wants(keyword("nobody"), raw));
    }

    #[test]
    fn what_every_fitting_event_has_is_known_where_it_can_be() {
        let (a, b) = (text("action", "Export"), text("action", "share"));
        let other = text("object_type", "vault");
        let all = |parts| RawCondition::All(parts);
        let any = |parts| RawCondition::Any(parts);
        let texts = |condition: RawCondition| condition.required_texts("action");
        let known = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(texts(all(vec![other.clone(), any(vec![a.clone(), b])])), known(&["export", "share"]));
        assert_eq!(texts(any(vec![a.clone(), other.clone()])), None);
        assert_eq!(texts(RawCondition::Not(Box::new(a))), None);
        assert_eq!(texts(text("action", "ex*")), None);
    }
}
