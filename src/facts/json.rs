//! JSON text read where it lies: what a value says, and where strings and values end.
//!
//! Events stay text (P5): a value is a slice of the item, so numbers keep their digits. Nothing here
//! validates: the page's scan did, and on any other bytes these functions find less but never panic. No
//! recursion depends on the event: it may be nested as deep as it likes.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

/// The JSON text of one value, without space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonText<'a>(&'a [u8]);

impl<'a> JsonText<'a> {
    /// Takes the text of a whole value.
    pub fn new(raw: &'a [u8]) -> Self {
        JsonText(raw.trim_ascii())
    }

    /// Takes the text of a whole value that has no space around it.
    pub(super) fn trimmed(raw: &'a [u8]) -> Self {
        JsonText(raw)
    }

    /// The text as it lies in the item.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// Whether it is an object or a list.
    pub fn is_nested(self) -> bool {
        matches!(self.0.first(), Some(b'{' | b'['))
    }

    /// The members of an object; none when it is no object.
    pub fn members(self) -> JsonMembers<'a> {
        let at = if self.0.first() == Some(&b'{') { 1 } else { self.0.len() };
        JsonMembers { text: self.0, at }
    }

    /// A string's characters as they are spelled between its quotes; `None` when it is no string.
    pub fn inside_quotes(self) -> Option<&'a [u8]> {
        match self.0 {
            [b'"', inner @ ..] => Some(inner.strip_suffix(b"\"").unwrap_or(inner)),
            _ => None,
        }
    }

    /// What it says: a string's characters, nothing for `null`, else its JSON text without space between
    /// tokens. Lone surrogates and bytes that are not UTF-8 become U+FFFD.
    pub fn text(self) -> Cow<'a, str> {
        match self.0 {
            b"null" => Cow::Borrowed(""),
            [b'"', inner @ ..] => unescape(inner.strip_suffix(b"\"").unwrap_or(inner)),
            [b'{' | b'[', ..] => compact(self.0),
            other => text_of(other),
        }
    }
}

/// The members of an object in their order: each key's text between its quotes, escapes unresolved, and its
/// value.
pub struct JsonMembers<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for JsonMembers<'a> {
    type Item = (&'a [u8], JsonText<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = next_member(self.text, &mut self.at)?;
        Some((&self.text[key], JsonText(&self.text[value])))
    }
}

/// The member whose key is the next thing from `at` on: where its key is, between the quotes, and its value.
fn next_member(text: &[u8], at: &mut usize) -> Option<(Range<usize>, Range<usize>)> {
    let (key, start) = next_key(text, *at)?;
    *at = end_of_value(text, start);
    (start < *at).then_some((key, start..*at))
}

/// Where the next key from `at` on is, between its quotes, and where its value begins.
pub(super) fn next_key(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let quote = skip(text, at, b',');
    if text.get(quote) != Some(&b'"') {
        return None;
    }
    let after_key = end_of_string(text, quote + 1);
    let key = quote + 1..after_key - 1;
    (key.start <= key.end).then(|| (key, skip(text, after_key, b':')))
}

/// The first index from `at` on that holds no JSON space and not `separator`.
#[inline]
pub(super) fn skip(text: &[u8], mut at: usize, separator: u8) -> usize {
    while let Some(&byte) = text.get(at) {
        if byte > b' ' && byte != separator {
            break;
        }
        at += 1;
    }
    at
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// A word whose lowest set bit is in the lowest byte of `word` that is zero.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The index after the closing quote of the string whose first character is at `at`.
///
/// Keys and most values are shorter than what a vectorised search needs to start, so eight bytes at a time
/// are looked at in a word.
#[inline]
pub(super) fn end_of_string(text: &[u8], mut at: usize) -> usize {
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    loop {
        let Some(rest) = text.get(at..) else { return text.len() };
        let step = match rest.first_chunk::<8>() {
            Some(chunk) => {
                let word = u64::from_le_bytes(*chunk);
                let found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
                if found == 0 {
                    at += 8;
                    continue;
                }
                (found.trailing_zeros() / 8) as usize
            }
            None => match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(step) => step,
                None => return text.len(),
            },
        };
        at += step;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
}

/// The index after the value that starts at `start`.
#[inline]
pub(super) fn end_of_value(text: &[u8], start: usize) -> usize {
    // Nearly all values are these two.
    match text.get(start) {
        Some(b'"') => end_of_string(text, start + 1),
        Some(b'n') if text[start..].starts_with(b"null,") => start + 4,
        _ => end_of_any_value(text, start),
    }
}

fn end_of_any_value(text: &[u8], start: usize) -> usize {
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

/// Whether each byte is a printable ASCII character but `"`, `\\` and `,`: itself in JSON and in CSV.
pub fn is_plain_ascii(text: &[u8]) -> bool {
    let is_odd = |byte: u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\' | b',');
    let Some(last) = text.last_chunk::<8>() else { return !text.iter().any(|byte| is_odd(*byte)) };
    // The last word overlaps the one before it, so that no byte is left over.
    let mut odd = odd_bytes(u64::from_le_bytes(*last));
    for chunk in text.as_chunks::<8>().0 {
        odd |= odd_bytes(u64::from_le_bytes(*chunk));
    }
    odd == 0
}

/// A word that is zero where every byte of `word` is one of [`is_plain_ascii`].
#[inline]
fn odd_bytes(word: u64) -> u64 {
    let is = |byte: u8| zero_bytes(word ^ (ONES * u64::from(byte)));
    let below_space = word.wrapping_sub(ONES * u64::from(b' ')) & !word & HIGHS;
    (word & HIGHS) | below_space | is(0x7f) | is(b'"') | is(b'\\') | is(b',')
}

/// The bytes as text; those that are not UTF-8 become U+FFFD.
pub fn text_of(raw: &[u8]) -> Cow<'_, str> {
    // Nearly all texts are valid, and the check for that alone is much faster.
    str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}

/// The characters of a JSON string's inside.
pub fn unescape(raw: &[u8]) -> Cow<'_, str> {
    match text_of(raw) {
        Cow::Borrowed(text) => unescape_text(text),
        Cow::Owned(text) => Cow::Owned(unescape_text(&text).into_owned()),
    }
}

/// The same of text that is known to be UTF-8.
pub(super) fn unescape_text(text: &str) -> Cow<'_, str> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
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

/// The character of an escape that begins with its `u`, which four digits follow, and how many bytes spell it.
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
    match text_of(text) {
        Cow::Borrowed(text) => compact_text(text),
        Cow::Owned(text) => Cow::Owned(compact_text(&text).into_owned()),
    }
}

/// The same of text that is known to be UTF-8. Most has no space to begin with.
pub(super) fn compact_text(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().fold(false, |found, byte| found | (*byte <= b' ')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut kept, mut at) = (0, 0);
    while at < bytes.len() {
        let start = at;
        at = if bytes[at] == b'"' { end_of_string(bytes, at + 1) } else { at + 1 };
        if bytes[start].is_ascii_whitespace() {
            out.push_str(&text[kept..start]);
            kept = at;
        }
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ascii_is_told_by_words_as_by_bytes() {
        let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\,".contains(&byte);
        for len in 0..26 {
            assert!(is_plain_ascii(&b"abcdefghijklmnopqrstuvwxyz"[..len]));
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = [b' '; 26];
                    text[at] = byte;
                    assert_eq!(is_plain_ascii(&text[..len]), is_plain(byte), "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn strings_are_unescaped_and_lone_surrogates_replaced() {
        let text = |json: &'static str| JsonText::new(json.as_bytes()).text().into_owned();
        assert_eq!(text(r#""\n\t\"\\\/\u00e9\ud83d\udd11""#), "\n\t\"\\/é🔑");
        assert_eq!(text(r#""\ud83dx\udd11\ud83d\u0041""#), "\u{fffd}x\u{fffd}\u{fffd}A");
        assert_eq!(JsonText::new(b"\"a\xffb\"").text(), "a\u{fffd}b");
    }

    #[test]
    fn a_string_ends_at_the_first_quote_without_a_backslash_wherever_it_lies() {
        for length in 0..40 {
            for filler in ["a", "\\\"", "\\\\", "é", "#"] {
                let inside = filler.repeat(length);
                let text = format!("{inside}\" : \"more\"");
                assert_eq!(end_of_string(text.as_bytes(), 0), inside.len() + 1, "{text}");
                assert_eq!(end_of_string(inside.as_bytes(), 0), inside.len());
            }
        }
    }
}
