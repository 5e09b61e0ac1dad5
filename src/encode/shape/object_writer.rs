//! A JSON object, written member by member: what is empty is left out, and an object without members too.

use std::fmt::Display;
use std::io::Write as _;

use crate::facts::{JsonText, UnusedValue};

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
    /// Writes a key, for a value that is written by hand.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.has_members, true) {
            self.out.push(b',');
        }
        write_text(key, self.out);
        self.out.push(b':');
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
    pub(super) fn value(&mut self, key: &str, value: JsonText<'_>) {
        write_value(value, self.key(key));
    }

    /// An object, unless nothing is written into it.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let (start, had_members) = (self.out.len(), self.has_members);
        self.key(key).push(b'{');
        let mut inner = ObjectWriter { out: self.out, has_members: false };
        write(&mut inner);
        if inner.has_members {
            self.out.push(b'}');
        } else {
            self.out.truncate(start);
            self.has_members = had_members;
        }
    }

    /// What nobody used of an event, each member under its own name.
    pub(super) fn unused(&mut self, unused: &[(&str, UnusedValue<'_, '_>)]) {
        for (key, value) in unused {
            match value {
                UnusedValue::Whole(value) => self.value(key, *value),
                UnusedValue::Members(members) => self.object(key, |object| {
                    members.iter().for_each(|(key, value)| object.value(key, *value));
                }),
            }
        }
    }
}

/// Appends a text as a JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, and a string is always JSON.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a value's JSON text as valid UTF-8, without space between tokens.
pub(super) fn write_value(value: JsonText<'_>, out: &mut Vec<u8>) {
    match value.is_nested() {
        true => out.extend_from_slice(value.text().as_bytes()),
        false => out.extend_from_slice(String::from_utf8_lossy(value.bytes()).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out_and_commas_are_right() {
        let mut out = Vec::new();
        object(&mut out, |w| {
            w.object("none", |w| w.object("inner", |w| w.text("x", "")));
            w.text("a\"", "b\n");
            w.text("empty", "");
            w.texts("list", ["x", "", "y"]);
            w.texts("no", [""]);
            w.object("o", |w| w.number("n", 7));
            w.value("v", JsonText::new(b"[ 1.0, \"a b\" ]"));
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a\"":"b\n","list":["x","y"],"o":{"n":7},"v":[1.0,"a b"]}"#
        );
    }
}
