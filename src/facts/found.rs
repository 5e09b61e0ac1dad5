//! What a look-up found in one event, and what of the event no path leads to.
//!
//! Values are decoded when they are asked for, not before.

use std::borrow::Cow;

use memchr::memchr;

use super::json::{JsonText, unescape};
use super::lookup::{Lookup, LookupBuffer, NOBODY};

/// Where the wanted fields of one event are.
#[derive(Clone, Copy, Debug)]
pub struct FoundFields<'a, 'b> {
    raw: &'a [u8],
    /// The same where texts are asked for and it is UTF-8 without escapes, as nearly always: what values say then
    /// lies there as it is.
    plain: Option<&'a str>,
    lookup: &'b Lookup,
    buffer: &'b LookupBuffer,
}

impl<'a, 'b> FoundFields<'a, 'b> {
    pub(super) fn new(raw: &'a [u8], lookup: &'b Lookup, buffer: &'b LookupBuffer) -> Self {
        let may_be = lookup.says_texts && memchr(b'\\', raw).is_none();
        let plain = if may_be { std::str::from_utf8(raw).ok() } else { None };
        FoundFields { raw, plain, lookup, buffer }
    }

    /// The value in a slot, `null` included.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<JsonText<'a>> {
        let (start, end) = self.buffer.spans[slot];
        (start < end).then(|| JsonText::trimmed(&self.raw[start..end]))
    }

    /// The value in a slot, unless it is `null`.
    #[inline]
    pub fn value(&self, slot: usize) -> Option<JsonText<'a>> {
        self.get(slot).filter(|value| !value.is_null())
    }

    /// What a slot says, as [`JsonText::text`]; empty where there is nothing.
    pub fn text(&self, slot: usize) -> Cow<'a, str> {
        let (start, end) = self.buffer.spans[slot];
        match (self.plain, self.raw.get(start)) {
            _ if start >= end => Cow::Borrowed(""),
            (Some(plain), Some(b'"')) => {
                let is_whole = end > start + 1 && self.raw[end - 1] == b'"';
                Cow::Borrowed(&plain[start + 1..end - usize::from(is_whole)])
            }
            _ => JsonText::trimmed(&self.raw[start..end]).text(),
        }
    }

    /// Whether a slot holds an object or a list.
    pub fn is_nested(&self, slot: usize) -> bool {
        self.get(slot).is_some_and(JsonText::is_nested)
    }

    /// Whether members were met that no path leads to.
    pub fn has_rest(&self) -> bool {
        !self.buffer.rest.is_empty()
    }

    /// The dotted names of the members that no path leads to.
    pub fn rest_names(&self) -> impl Iterator<Item = String> {
        self.buffer.rest.iter().map(|member| {
            let mut name = String::new();
            for node in self.lookup.path(member.object) {
                name += &self.lookup.nodes[node as usize].name;
                name.push('.');
            }
            match member.key {
                Ok((start, end)) => name + &unescape(&self.raw[start..end]),
                Err(node) => name + &self.lookup.nodes[node as usize].name,
            }
        })
    }

    /// Appends an object of the members that no path leads to, each below the objects that hold it; an item
    /// that is no object is appended itself.
    pub fn write_rest(&self, out: &mut Vec<u8>) {
        let mut open: Vec<u32> = Vec::new();
        let mut is_first = true;
        for member in &self.buffer.rest {
            let value = JsonText::new(&self.raw[member.value.0..member.value.1]);
            if member.object == NOBODY {
                return write_json(value, out);
            }
            let path = self.lookup.path(member.object);
            let shared = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
            out.extend(std::iter::repeat_n(b'}', open.len() - shared));
            open.truncate(shared);
            out.push(if std::mem::take(&mut is_first) { b'{' } else { b',' });
            for &node in &path[shared..] {
                // Writing to a Vec cannot fail, and a string is always JSON.
                let _ = serde_json::to_writer(&mut *out, &self.lookup.nodes[node as usize].name);
                out.extend_from_slice(b":{");
                open.push(node);
            }
            match member.key {
                Ok((start, end)) => {
                    out.push(b'"');
                    out.extend_from_slice(&self.raw[start..end]);
                    out.extend_from_slice(b"\":");
                }
                Err(node) => {
                    let _ = serde_json::to_writer(&mut *out, &self.lookup.nodes[node as usize].name);
                    out.push(b':');
                }
            }
            write_json(value, out);
        }
        out.extend(std::iter::repeat_n(b'}', open.len() + usize::from(!is_first)));
    }
}

/// Appends a value's JSON text without space between tokens.
fn write_json(value: JsonText<'_>, out: &mut Vec<u8>) {
    match value.is_nested() {
        true => out.extend_from_slice(value.text().as_bytes()),
        false => out.extend_from_slice(value.bytes()),
    }
}
