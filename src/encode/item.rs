//! Looking fields up in an event's raw JSON text, in one pass and without building a document.
//!
//! Events stay text (P5): a value is a slice of the item, so numbers keep their digits. Nothing here
//! validates: the page's scan did, and on any other bytes these functions find less but never panic. No
//! recursion depends on the event: it may be nested as deep as it likes.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The JSON text of one value, without space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// Takes the text of a whole item.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Value(raw.trim_ascii())
    }

    /// Whether it is `null`.
    pub(super) fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// Whether it is a string.
    pub(super) fn is_string(self) -> bool {
        self.0.first() == Some(&b'"')
    }

    /// What it says: a string's characters, nothing for `null`, else its JSON text without space between
    /// tokens. Lone surrogates and bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self.0 {
            b"null" => Cow::Borrowed(""),
            [b'"', inner @ ..] => unescape(inner.strip_suffix(b"\"").unwrap_or(inner)),
            [b'{' | b'[', ..] => compact(self.0),
            other => String::from_utf8_lossy(other),
        }
    }

    /// The members of an object in their order; none when it is no object.
    pub(super) fn members(self) -> Members<'a> {
        let at = if self.0.first() == Some(&b'{') { 1 } else { self.0.len() };
        Members { text: self.0, at }
    }
}

/// The members of an object: each key's text between its quotes, escapes unresolved, and its value.
pub(super) struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text;
        // The next index that holds neither space nor this separator.
        let skip = |at: usize, byte: u8| {
            let more = text.get(at..)?.iter().position(|b| !b.is_ascii_whitespace() && *b != byte)?;
            Some(at + more)
        };
        let quote = skip(self.at, b',')?;
        if text[quote] != b'"' {
            return None;
        }
        let after_key = end_of_string(text, quote + 1);
        let key = text.get(quote + 1..after_key.checked_sub(1)?)?;
        let start = skip(after_key, b':')?;
        self.at = end_of_value(text, start);
        Some((key, Value(&text[start..self.at])))
    }
}

/// The index after the closing quote of the string whose first character is at `at`.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(step) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += step;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// The index after the value that starts at `start`.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut depth = 0usize;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The characters of a JSON string's inside.
fn unescape(raw: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(raw);
    if memchr(b'\\', raw).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let (c, length) = code_point(escape);
                out.push(c);
                rest = &escape[length..];
                continue;
            }
            Some(c) => out.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of an escape that begins with the `u` of `\uXXXX`, and how many bytes spell it.
fn code_point(escape: &str) -> (char, usize) {
    let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(&escape[1..]) else { return (char::REPLACEMENT_CHARACTER, 1) };
    let second = escape[5..].strip_prefix("\\u").and_then(unit);
    match (first, second) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            let point = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
        }
        _ => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5),
    }
}

/// The JSON text without space between tokens.
fn compact(text: &[u8]) -> Cow<'_, str> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let start = at;
        at = if text[at] == b'"' { end_of_string(text, at + 1) } else { at + 1 };
        if !text[start].is_ascii_whitespace() {
            out.extend_from_slice(&text[start..at]);
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Dotted paths to look up together, each with a slot for what is found.
#[derive(Debug, Default)]
pub(super) struct Paths {
    root: Node,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    slot: Option<usize>,
    children: Vec<(String, Node)>,
}

/// The values found in one event, by slot.
pub(super) type Found<'a> = Vec<Option<Value<'a>>>;

impl Paths {
    /// Adds a path and gives its slot; the same path has the same slot.
    pub(super) fn add(&mut self, path: &str) -> usize {
        let mut node = &mut self.root;
        for part in path.split('.') {
            let index = node.children.iter().position(|(key, _)| key == part).unwrap_or_else(|| {
                node.children.push((part.to_owned(), Node::default()));
                node.children.len() - 1
            });
            node = &mut node.children[index].1;
        }
        *node.slot.get_or_insert_with(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    /// Looks all paths up. Where a key is repeated the last one counts, as for most JSON readers.
    pub(super) fn find<'a>(&self, raw: &'a [u8]) -> Found<'a> {
        let mut found = vec![None; self.slots];
        self.root.fill(Value::new(raw), &mut found);
        found
    }
}

impl Node {
    fn fill<'a>(&self, value: Value<'a>, found: &mut Found<'a>) {
        if let Some(slot) = self.slot {
            found[slot] = Some(value);
        }
        if self.children.is_empty() {
            return;
        }
        for (key, value) in value.members() {
            if let Some(child) = self.child(key) {
                child.clear(found);
                child.fill(value, found);
            }
        }
    }

    fn child(&self, key: &[u8]) -> Option<&Node> {
        let key = if memchr(b'\\', key).is_some() {
            Cow::Owned(unescape(key).into_owned().into_bytes())
        } else {
            Cow::Borrowed(key)
        };
        self.children.iter().find(|(name, _)| name.as_bytes() == &*key).map(|(_, node)| node)
    }

    /// Forgets what an earlier member of the same name held.
    fn clear(&self, found: &mut Found<'_>) {
        if let Some(slot) = self.slot {
            found[slot] = None;
        }
        self.children.iter().for_each(|(_, child)| child.clear(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(path: &str, raw: &str) -> Option<String> {
        let mut paths = Paths::default();
        let slot = paths.add(path);
        paths.find(raw.as_bytes())[slot].map(|value| value.text().into_owned())
    }

    #[test]
    fn paths_lead_into_objects_and_values_keep_their_text() {
        let raw =
            r#" { "a" : { "b" : 12345678901234567890.10 , "c" : [ 1, { "x y" : "z \" " } ] }, "d":null}"#;
        assert_eq!(look("a.b", raw).unwrap(), "12345678901234567890.10");
        assert_eq!(look("a.c", raw).unwrap(), r#"[1,{"x y":"z \" "}]"#);
        assert_eq!(look("d", raw).unwrap(), "");
        assert_eq!(look("a.b.c", raw), None);
        assert_eq!(look("e", raw), None);
    }

    #[test]
    fn the_last_of_repeated_keys_counts_with_all_it_holds() {
        assert_eq!(look("a.b", r#"{"a":{"b":1},"a":{"c":2}}"#), None);
        assert_eq!(look("a", r#"{"a":1,"a":2}"#).unwrap(), "2");
        assert_eq!(look("a", r#"{"\u0061":"x"}"#).unwrap(), "x");
    }

    #[test]
    fn strings_are_unescaped_and_lone_surrogates_replaced() {
        assert_eq!(look("a", r#"{"a":"\n\t\"\\\/\u00e9\ud83d\udd11"}"#).unwrap(), "\n\t\"\\/é🔑");
        assert_eq!(look("a", r#"{"a":"\ud83dx\udd11\ud83d\u0041"}"#).unwrap(), "\u{fffd}x\u{fffd}\u{fffd}A");
        assert_eq!(Value(b"\"a\xffb\"").text(), "a\u{fffd}b");
    }

    #[test]
    fn what_is_no_object_or_no_json_finds_nothing_and_does_not_panic() {
        for raw in ["", "null", "7", "[]", "\"a\"", "{", "{\"a", "{\"a\"", "{\"a\":", "{a:1}", "{\"a\\", "}"]
        {
            assert_eq!(look("a", raw).unwrap_or_default(), "", "{raw}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(look("a", &deep).unwrap().len(), 200_000);
    }
}
