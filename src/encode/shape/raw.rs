//! The item as the service sent it (P5): unknown fields, digits, escapes and odd bytes included.
//!
//! Only line breaks between tokens are removed, so that an event is one line. JSON allows none inside a string, so
//! dropping every CR and LF is exactly that. This is the path of every byte of the default output: when
//! there is nothing to drop, it is one search and one copy.

use memchr::memchr2_iter;

use crate::event::Event;

/// Appends the item without its line breaks.
pub(super) fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    out.reserve(event.raw.len() + 1);
    let mut from = 0;
    for at in memchr2_iter(b'\n', b'\r', event.raw) {
        out.extend_from_slice(&event.raw[from..at]);
        from = at + 1;
    }
    out.extend_from_slice(&event.raw[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    #[test]
    fn only_line_breaks_between_tokens_are_dropped() {
        let raw = b"{\r\n  \"n\": 1e400,\n\t\"s\": \"a\\n\xff\"\n}";
        let event = Event { stream: Stream::ItemUsages, raw, uuid: None, time: None };
        let mut out = Vec::new();
        write(&event, &mut out);
        assert_eq!(out, b"{  \"n\": 1e400,\t\"s\": \"a\\n\xff\"}");
    }
}
