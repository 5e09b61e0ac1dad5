//! Events as JSON text: NDJSON, or one array with an event a line.
//!
//! The shape decides the bytes; this file frames them. For a file or a pipe NDJSON passes them on
//! untouched, bytes that are not UTF-8 included (P5). The array promises to be valid JSON, so there such
//! bytes become U+FFFD. On a terminal every character that could move the cursor or reorder the text becomes a JSON
//! escape: harmless, and still the same value.

use std::io::Write as _;

use crate::sanitize;

/// Appends the event's text as it may be shown on a terminal.
pub(super) fn for_terminal(json: &[u8], out: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    for c in String::from_utf8_lossy(json).chars() {
        if sanitize::is_harmful(c) {
            if in_string {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a Vec cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            } else {
                out.push(b' ');
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
}

/// Appends the event's text with bytes that are not UTF-8 replaced.
pub(super) fn as_utf8(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(String::from_utf8_lossy(json).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_escapes_and_the_value_stays_the_same() {
        let json = "{\t\"a\\\"b\": \"x\u{7f}\u{202e}\u{e0041}\\n\\\\\" }";
        let mut out = Vec::new();
        for_terminal(json.as_bytes(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"{ "a\"b": "x\u007f\u202e\udb40\udc41\n\\" }"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(json));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let (mut shown, mut stored) = (Vec::new(), Vec::new());
        for_terminal(b"\"a\xff\"", &mut shown);
        as_utf8(b"\"a\xff\"", &mut stored);
        assert_eq!(
            (shown.as_slice(), stored.as_slice()),
            ("\"a\u{fffd}\"".as_bytes(), "\"a\u{fffd}\"".as_bytes())
        );
    }
}
