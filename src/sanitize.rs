//! Foreign text made harmless for a terminal or a log line.
//!
//! Events, file names, server messages and claims can hold escape sequences, line breaks and bidi marks.
//! Nothing here knows where the text goes; beside the text, only the tokens in use decide.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::secret;

/// The longest foreign text that goes into a message or a log line, in characters.
pub const MESSAGE_LIMIT: usize = 300;

/// A text without the byte order mark that some editors and shells put before it.
pub fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// Whether a character could move the cursor, change the terminal's state, or reorder or hide the text
/// around it.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every harmful character written as an escape (`\n`, `\t`, `\u{1b}`).
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_harmful(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text with every harmful character written as JSON spells it (`\n`, `\u001b`), which inside a JSON
/// text keeps the value.
pub fn escaped_as_json(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) || !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_harmful(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON text in which no character can harm a terminal: JSON's own escapes stand for those, so that it
/// still has the same value. Line breaks between its parts stay.
pub fn json_for_terminal(json: &str) -> Cow<'_, str> {
    if !json.chars().any(|c| is_harmful(c) && c != '\n') {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    let (mut in_string, mut is_escaped) = (false, false);
    for c in json.chars() {
        match c {
            '\n' if !in_string => out.push(c),
            c if is_harmful(c) && in_string => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c if is_harmful(c) => out.push(' '),
            c => out.push(c),
        }
        in_string ^= c == '"' && !is_escaped;
        is_escaped = in_string && c == '\\' && !is_escaped;
    }
    Cow::Owned(out)
}

/// The text escaped, without tokens and cut to [`MESSAGE_LIMIT`] characters, for messages and logs.
pub fn message(text: &str) -> Cow<'_, str> {
    let escaped = match without_tokens(text) {
        Cow::Borrowed(text) => escaped(text),
        Cow::Owned(text) => Cow::Owned(escaped(&text).into_owned()),
    };
    match escaped.char_indices().nth(MESSAGE_LIMIT) {
        None => escaped,
        Some((end, _)) => Cow::Owned(format!("{}...", &escaped[..end])),
    }
}

/// How the header of every token begins: `{"` in base64.
const TOKEN_BEGINS: &str = "eyJ";

/// The fewest characters that are taken for a token rather than for a word.
const TOKEN_LENGTH: usize = 20;

/// The text with `[token]` in place of the tokens in use, of their parts, and of whatever looks like one: a
/// server or a program may send back what it was given, and a person may type it where something else
/// belongs (P10).
pub fn without_tokens(text: &str) -> Cow<'_, str> {
    let hidden = secret::hidden_ranges(text);
    if hidden.is_empty() {
        return without_lookalikes(text);
    }
    let mut out = String::new();
    let mut at = 0;
    for range in hidden {
        out.push_str(&without_lookalikes(&text[at..range.start]));
        out.push_str("[token]");
        at = range.end;
    }
    out.push_str(&without_lookalikes(&text[at..]));
    // A whole token is its parts with dots between them.
    Cow::Owned(out.replace("[token].[token]", "[token]").replace("[token].[token]", "[token]"))
}

fn without_lookalikes(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(TOKEN_BEGINS) {
        let (before, found) = rest.split_at(start);
        let end =
            found.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.=+/".contains(c)).unwrap_or(found.len());
        out.push_str(before);
        out.push_str(if end >= TOKEN_LENGTH { "[token]" } else { &found[..end] });
        rest = &found[end..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_token_is_not_repeated() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOlsiZXZlbnRzIl19.c2lnbmF0dXJl";
        assert_eq!(
            without_tokens(&format!("Bearer {token}: \"{token}\" ops_{token}")),
            "Bearer [token]: \"[token]\" ops_[token]"
        );
        assert_eq!(message(&format!("{}{token}", "x".repeat(290))), format!("{}[token]", "x".repeat(290)));
        assert_eq!(without_tokens("eyJ and eyJelly are words"), "eyJ and eyJelly are words");
    }

    #[test]
    fn escape_sequences_line_breaks_and_bidi_marks_are_spelled_out() {
        assert_eq!(escaped("a\x1b[31m\nb\t\u{202e}c\u{9b}"), "a\\u{1b}[31m\\nb\\t\\u{202e}c\\u{9b}");
        assert_eq!(escaped("Zoë 王小明 🔑"), "Zoë 王小明 🔑");
    }

    #[test]
    fn harmful_characters_are_written_as_json_spells_them() {
        assert_eq!(
            escaped_as_json("a\x1b[31m\nb\t\u{202e}c\u{e0041}"),
            "a\\u001b[31m\\nb\\t\\u202ec\\udb40\\udc41"
        );
    }

    #[test]
    fn harmful_characters_become_json_escapes_that_read_back() {
        let value = serde_json::json!({ "a\u{202e}\"b": ["\u{9b}c\\", "\u{e0041}\n\u{1b}"] });
        let json = serde_json::to_string_pretty(&value).unwrap();
        let harmless = json_for_terminal(&json);
        assert!(!harmless.chars().any(|c| is_harmful(c) && c != '\n'), "{harmless}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), value);
        assert_eq!(harmless.lines().count(), json.lines().count());
        assert_eq!(json_for_terminal("{\t\"a\": 1}\r"), "{ \"a\": 1} ");
    }

    #[test]
    fn a_message_is_cut() {
        let long = "x".repeat(400);
        assert_eq!(message(&long).chars().count(), MESSAGE_LIMIT + 3);
        assert_eq!(message("short"), "short");
    }
}
