//! A JSON object, written member by member: what is empty is left out, and an object without members too.

use std::fmt::Display;
use std::io::Write as _;

use crate::facts::{EventMembers, MemberKey, MemberValue, UnusedValue};

/// An object that is being written.
#[derive(Debug)]
pub(super) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    has_members: bool,
}

/// Appends an object.
pub(super) fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    out.push(b'{');
    write(&mut ObjectWriter { out, has_members: false });
    out.push(b'}');
}

impl ObjectWriter<'_> {
    /// Writes a key that needs no escape, for a value that is written by hand.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        debug_assert!(!needs_escape(key), "{key:?}");
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A text, unless it is empty.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            write_text(text, self.key(key));
        }
    }

    /// A number, or another value that is JSON as it is shown.
    pub(super) fn number(&mut self, key: &str, number: impl Display) {
        // Writing to a Vec cannot fail.
        let _ = write!(self.key(key), "{number}");
    }

    /// Texts, as a list.
    pub(super) fn texts<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t str>) {
        let mut texts = texts.into_iter().filter(|text| !text.is_empty()).peekable();
        if texts.peek().is_none() {
            return;
        }
        let out = self.key(key);
        let mut before = b'[';
        for text in texts {
            out.push(before);
            write_text(text, out);
            before = b',';
        }
        out.push(b']');
    }

    /// A value of the event as it is, numbers with their digits, without space between tokens.
    pub(super) fn value(&mut self, key: &str, value: MemberValue<'_>) {
        write_value(value, self.key(key));
    }

    /// An object, unless nothing is written into it.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let (start, had_members) = (self.out.len(), self.has_members);
        self.key(key).push(b'{');
        self.end_object(start, had_members, write);
    }

    /// What nobody used of an event, each member under its own name; an item that is no object stands under
    /// `event`.
    pub(super) fn unused(&mut self, members: &EventMembers<'_, '_>) {
        if !members.item().is_object() {
            return self.value("event", members.item());
        }
        for (key, value) in members.unused() {
            let (start, had_members) = (self.out.len(), self.has_members);
            self.member_key(key);
            match value {
                UnusedValue::Whole(value) => write_value(value, self.out),
                UnusedValue::Members(members) => {
                    self.out.push(b'{');
                    self.end_object(start, had_members, |object| {
                        for (key, value) in members {
                            object.member_key(key);
                            write_value(value, object.out);
                        }
                    });
                }
            }
        }
    }

    /// Writes into the object whose bracket was written last; takes it back where nothing is written.
    fn end_object(&mut self, start: usize, had_members: bool, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let mut inner = ObjectWriter { out: self.out, has_members: false };
        write(&mut inner);
        if inner.has_members {
            self.out.push(b'}');
        } else {
            self.out.truncate(start);
            self.has_members = had_members;
        }
    }

    /// Writes a key of the event.
    fn member_key(&mut self, key: MemberKey<'_>) {
        self.comma();
        write_text(&key.text(), self.out);
        self.out.push(b':');
    }

    fn comma(&mut self) {
        if std::mem::replace(&mut self.has_members, true) {
            self.out.push(b',');
        }
    }
}

/// Appends a text as a JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    if needs_escape(text) {
        // Writing to a Vec cannot fail, and a string is always JSON.
        let _ = serde_json::to_writer(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// Whether a JSON string cannot hold the text as it is. Most can; many bytes are compared at once where all are.
fn needs_escape(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

/// Appends a value's JSON text without space between tokens.
pub(super) fn write_value(value: MemberValue<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(value.compact().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::MemberBuffer;

    #[test]
    fn what_is_empty_is_left_out_and_commas_are_right() {
        let mut out = Vec::new();
        object(&mut out, |w| {
            w.object("none", |w| w.object("inner", |w| w.text("x", "")));
            w.text("a", "b\n");
            w.text("empty", "");
            w.texts("list", ["x", "", "y"]);
            w.texts("no", [""]);
            w.object("o", |w| w.number("n", 7));
            let mut buffer = MemberBuffer::default();
            if let Some(value) = buffer.read(r#"{"x":[ 1.0, "a b" ]}"#).get("x") {
                w.value("v", value);
            }
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":"b\n","list":["x","y"],"o":{"n":7},"v":[1.0,"a b"]}"#
        );
    }
}
