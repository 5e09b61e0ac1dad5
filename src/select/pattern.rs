//! Words and globs, as filters compare them with what an event says. A missing value matches nothing.

use crate::facts::{NameKind, Names};

/// A text to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextPattern {
    typed: String,
    /// The same in lower case.
    folded: String,
    is_glob: bool,
    /// Where what is behind the last `*` begins in `folded`.
    end: usize,
    words: Vec<String>,
    /// The uuids of what has such a name, sorted.
    uuids: Vec<String>,
}

impl TextPattern {
    /// Takes what was typed; `*` stands for any characters.
    pub(super) fn new(typed: &str) -> Self {
        let folded = typed.to_lowercase();
        TextPattern {
            typed: typed.to_owned(),
            is_glob: typed.contains('*'),
            end: folded.rfind('*').map_or(0, |star| star + 1),
            words: words(&folded).map(str::to_owned).collect(),
            uuids: Vec::new(),
            folded,
        }
    }

    /// The same, which also stands for what is of this kind and has such a name.
    pub(super) fn with_names(mut self, kind: NameKind, names: &Names) -> Self {
        let has_it = names.iter().filter(|(_, known)| known.kind == kind && self.names(&known.name));
        self.uuids = has_it.map(|(uuid, _)| uuid.to_owned()).collect();
        self.uuids.sort_unstable();
        self
    }

    /// Whether nothing is known to have such a name, and it does not look like a uuid either.
    pub(super) fn is_unknown_name(&self) -> bool {
        self.uuids.is_empty() && !self.is_glob && !is_uuid(&self.typed)
    }

    /// Whether `uuid` is it, letter by letter, or the uuid of what has such a name.
    pub(super) fn is_uuid(&self, uuid: &str) -> bool {
        self.is_exactly(uuid) || self.is_named(uuid)
    }

    /// Whether `uuid` is that of what has such a name.
    pub(super) fn is_named(&self, uuid: &str) -> bool {
        !self.uuids.is_empty() && self.uuids.binary_search_by(|known| known.as_str().cmp(uuid)).is_ok()
    }

    /// Texts of which one stands, in some case of its letters, in everything that this pattern fits: parts of
    /// what was typed, without letters beyond ASCII, whose cases differ in more than a bit. `has_names` where
    /// it is held against names too.
    pub(super) fn needed_texts(&self, has_names: bool) -> impl Iterator<Item = &str> {
        let folded = self.folded.as_str();
        let typed = match has_names && !self.is_glob && !self.typed.contains('@') {
            true => words(folded).max_by_key(|word| word.len()).unwrap_or(folded),
            false => folded,
        };
        let runs = typed.split(|c: char| c == '*' || !c.is_ascii());
        let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
        std::iter::once(longest).chain(self.uuids.iter().map(String::as_str))
    }

    /// Whether `*` stands in it.
    pub(super) fn is_glob(&self) -> bool {
        self.is_glob
    }

    /// What was typed.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    /// What was typed, in lower case.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether `value` is it, letter by letter.
    pub(super) fn is_exactly(&self, value: &str) -> bool {
        !value.is_empty() && if self.is_glob { glob(&self.typed, value) } else { self.typed == value }
    }

    /// Whether `value` is it, but for case.
    pub(super) fn is(&self, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        match (self.is_glob, value.is_ascii()) {
            (true, true) => self.may_fit(value) && glob(&self.folded, &value.to_ascii_lowercase()),
            (true, false) => glob(&self.folded, &value.to_lowercase()),
            (false, true) => value.eq_ignore_ascii_case(&self.folded),
            (false, false) => value.to_lowercase() == self.folded,
        }
    }

    /// Whether a value in ASCII ends as the pattern does, in any case; most do not, and need no look at the rest.
    fn may_fit(&self, value: &str) -> bool {
        let end = &self.folded.as_bytes()[self.end..];
        let start = value.len().checked_sub(end.len());
        start.is_some_and(|start| value.as_bytes()[start..].eq_ignore_ascii_case(end))
    }

    /// Whether `value`, a name, has its words one after another; a glob or an e-mail address is held against
    /// all of the name.
    pub(super) fn names(&self, value: &str) -> bool {
        if self.is_glob || self.typed.contains('@') {
            return self.is(value);
        }
        if value.is_empty() || self.words.is_empty() {
            return false;
        }
        let folded = value.to_lowercase();
        let found: Vec<&str> = words(&folded).collect();
        found.windows(self.words.len()).any(|some| some.iter().zip(&self.words).all(|(a, b)| a == b))
    }
}

/// Whether a text fits one of these patterns, in which `*` stands for any characters.
pub fn any_glob<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    patterns.into_iter().any(|pattern| TextPattern::new(pattern).is_exactly(text))
}

/// Whether a text looks like one of 1Password's uuids.
fn is_uuid(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The words of a text: what lies between anything but letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Whether all of `text` fits `pattern`, in which `*` stands for any characters, also for none.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, behind)) = pattern.split_once('*') else { return pattern == text };
    let (between, end) = behind.rsplit_once('*').unwrap_or(("", behind));
    let Some(mut rest) = text.strip_prefix(start) else { return false };
    for part in between.split('*') {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, fits, does_not) in [
            ("*", "x", ""),
            ("a*", "abc", "bca"),
            ("*c", "abc", "abcd"),
            ("a*c", "ac", "a"),
            ("*b*", "abc", "ac"),
            ("a*b*c", "a1b2c", "a1c2b"),
            ("aa*aa", "aaaa", "aaa"),
            ("*é", "caf\u{e9}", "cafe"),
        ] {
            assert!(TextPattern::new(pattern).is_exactly(fits), "{pattern} {fits}");
            assert!(!TextPattern::new(pattern).is_exactly(does_not), "{pattern} {does_not}");
        }
        assert!(TextPattern::new("*@X.test").is("Ada@x.TEST") && !TextPattern::new("A*").is_exactly("ab"));
    }

    #[test]
    fn a_name_has_whole_words_one_after_another_in_any_case() {
        for (pattern, name) in [
            ("rafael", "Rafael Antunes"),
            ("RAFAEL ANTUNES", "Dr. Rafael Antunes"),
            ("desrosiers", "Anne-Sophie Desrosiers-Montgomery"),
            ("ελένη", "ΕΛΈΝΗ Παπαδάκη"),
            ("o'brien", "Pat O'Brien"),
            ("raf*", "Rafael Antunes"),
        ] {
            assert!(TextPattern::new(pattern).names(name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("raf", "Rafael Antunes"), ("antunes rafael", "Rafael Antunes"), ("-", "A-B"), ("x", "")]
        {
            assert!(!TextPattern::new(pattern).names(name), "{pattern} {name}");
        }
    }
}
