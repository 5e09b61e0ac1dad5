//! All members of an event, each marked once its value was used, so that what nobody used can be told.
//!
//! A schema has places for some of an event; the rest must not be lost. Objects are looked into one level
//! deep, as the documented ones are; what lies deeper goes with the member that holds it. Where a key is
//! repeated the last one counts.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::ops::Range;

use memchr::memchr;

use super::json::{compact_text, end_of_value, next_key, skip, unescape_text};

/// Up to this many members are compared with each other; a set costs more than that.
const FEW: usize = 64;

/// The members of one event.
#[derive(Clone, Copy, Debug)]
pub struct EventMembers<'a, 'b> {
    text: &'a str,
    buffer: &'b MemberBuffer,
}

/// What the members of many events are noted in, so that none of them allocates.
#[derive(Debug, Default)]
pub struct MemberBuffer {
    outer: MemberList,
    inner: MemberList,
    /// Whether the event has an escaped character anywhere; most have none.
    has_escapes: bool,
}

/// Members in their order; signatures lie beside them, so that many are looked over at once.
#[derive(Debug, Default)]
struct MemberList {
    members: Vec<EventMember>,
    signatures: Vec<u32>,
}

/// Ranges are those of the event's text, the one of `inner` that of [`MemberBuffer::inner`].
#[derive(Debug)]
struct EventMember {
    key: Range<usize>,
    value: Range<usize>,
    /// The members of its object.
    inner: Range<usize>,
    is_used: Cell<bool>,
    /// Whether a later member has its key; told of long objects alone.
    is_repeated: bool,
}

/// The keys that lead to a value: `"uuid"`, `"client.ip"`, or an object's and one in it.
pub trait MemberPath: Copy {
    /// The first key and, for a value in an object, the second.
    fn keys(&self) -> (SoughtKey<'_>, Option<SoughtKey<'_>>);
}

impl MemberPath for &str {
    #[inline(always)]
    fn keys(&self) -> (SoughtKey<'_>, Option<SoughtKey<'_>>) {
        // Of a constant all of this is done by the compiler.
        match self.bytes().position(|byte| byte == b'.') {
            Some(dot) => (SoughtKey::new(&self[..dot]), Some(SoughtKey::new(&self[dot + 1..]))),
            None => (SoughtKey::new(self), None),
        }
    }
}

impl MemberPath for (&str, &str) {
    #[inline(always)]
    fn keys(&self) -> (SoughtKey<'_>, Option<SoughtKey<'_>>) {
        (SoughtKey::new(self.0), Some(SoughtKey::new(self.1)))
    }
}

/// A key, and what tells most others from it at a glance.
#[derive(Clone, Copy, Debug)]
pub struct SoughtKey<'k> {
    text: &'k str,
    signature: u32,
}

impl<'k> SoughtKey<'k> {
    #[inline(always)]
    fn new(text: &'k str) -> Self {
        SoughtKey { text, signature: signature(text) }
    }
}

/// The JSON text of a member's value, without space around it.
#[derive(Clone, Copy, Debug)]
pub struct MemberValue<'a> {
    json: &'a str,
    may_have_escapes: bool,
}

/// What nobody used of a member.
#[derive(Debug)]
pub enum UnusedValue<'a, 'b> {
    /// The value.
    Whole(MemberValue<'a>),
    /// Some of the members of its object.
    Members(UnusedMembers<'a, 'b>),
}

/// Those members of one object that nobody used, with their keys as they are spelled.
#[derive(Debug)]
pub struct UnusedMembers<'a, 'b> {
    members: EventMembers<'a, 'b>,
    left: Range<usize>,
    end: usize,
}

impl MemberBuffer {
    /// Reads the members of an item.
    pub fn read<'a, 'b>(&'b mut self, text: &'a str) -> EventMembers<'a, 'b> {
        let MemberBuffer { outer, inner, has_escapes } = self;
        outer.clear();
        inner.clear();
        *has_escapes = memchr(b'\\', text.as_bytes()).is_some();
        let bytes = text.as_bytes();
        let mut at = start_of_members(bytes, skip(bytes, 0, b' '));
        while let Some((key, value)) = next_key(bytes, at) {
            let first = inner.members.len();
            at = match bytes.get(value) {
                Some(b'{') => inner.read_object(text, value, *has_escapes),
                _ => end_of_value(bytes, value),
            };
            if at == value {
                break;
            }
            inner.mark_repeated(text, first);
            outer.add(text, *has_escapes, EventMember::new(key, value..at, first..inner.members.len()));
        }
        outer.mark_repeated(text, 0);
        EventMembers { text, buffer: self }
    }
}

/// Where the first member of the object at `at` may be; behind everything where there is no object.
fn start_of_members(text: &[u8], at: usize) -> usize {
    if text.get(at) == Some(&b'{') { at + 1 } else { text.len() }
}

impl MemberList {
    fn clear(&mut self) {
        self.members.clear();
        self.signatures.clear();
    }

    fn add(&mut self, text: &str, has_escapes: bool, member: EventMember) {
        let key = &text[member.key.clone()];
        let signature = if has_escapes { signature(&unescape_text(key)) } else { signature(key) };
        self.signatures.push(signature);
        self.members.push(member);
    }

    /// Adds the members of the object that begins at `start`; gives the index after its end.
    fn read_object(&mut self, text: &str, start: usize, has_escapes: bool) -> usize {
        let bytes = text.as_bytes();
        let mut at = start_of_members(bytes, start);
        while let Some((key, value)) = next_key(bytes, at) {
            at = end_of_value(bytes, value);
            if at == value {
                break;
            }
            self.add(text, has_escapes, EventMember::new(key, value..at, 0..0));
        }
        let end = skip(bytes, at, b',');
        // Anything else is no JSON, and ends where it can.
        if bytes.get(end) == Some(&b'}') { end + 1 } else { end_of_value(bytes, start) }
    }

    /// Where many members follow, those whose key comes again are marked.
    fn mark_repeated(&mut self, text: &str, first: usize) {
        if self.members.len() - first <= FEW {
            return;
        }
        let mut seen = HashSet::new();
        for member in self.members[first..].iter_mut().rev() {
            member.is_repeated = !seen.insert(unescape_text(&text[member.key.clone()]));
        }
    }
}

/// Length, first and last byte of a key.
#[inline(always)]
fn signature(key: &str) -> u32 {
    match key.as_bytes() {
        [] => 0,
        [first, .., last] => (key.len() as u32) << 16 | u32::from(*first) << 8 | u32::from(*last),
        [only] => 1 << 16 | u32::from(*only) << 8,
    }
}

impl<'a, 'b> EventMembers<'a, 'b> {
    /// The value at a path, `null` included.
    #[inline]
    pub fn get(&self, path: impl MemberPath) -> Option<MemberValue<'a>> {
        self.member(path.keys()).map(|member| self.value(member))
    }

    /// What is said at a path; empty for nothing, for an object and for a list.
    #[inline]
    pub fn peek(&self, path: impl MemberPath) -> Cow<'a, str> {
        self.member(path.keys()).map_or(Cow::Borrowed(""), |member| self.said(member))
    }

    /// The same, which counts as used.
    #[inline]
    pub fn text(&self, path: impl MemberPath) -> Cow<'a, str> {
        let Some(member) = self.member(path.keys()) else { return Cow::Borrowed("") };
        let text = self.said(member);
        if !text.is_empty() {
            member.is_used.set(true);
        }
        text
    }

    /// The first of the paths that says something; it counts as used.
    pub fn first(&self, paths: &[&str]) -> Cow<'a, str> {
        paths.iter().map(|path| self.text(*path)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// Counts the value at a path as used, with all that is in it.
    #[inline]
    pub fn mark(&self, path: impl MemberPath) {
        if let Some(member) = self.member(path.keys()) {
            member.is_used.set(true);
        }
    }

    /// The whole item.
    pub fn item(&self) -> MemberValue<'a> {
        MemberValue { json: self.text.trim_ascii(), may_have_escapes: self.buffer.has_escapes }
    }

    /// What nobody used, in the event's order; `null` and empty texts say nothing.
    pub fn unused(&self) -> impl Iterator<Item = (MemberKey<'a>, UnusedValue<'a, 'b>)> + use<'a, 'b> {
        let members = *self;
        let outer = &members.buffer.outer;
        (0..outer.members.len()).filter_map(move |index| {
            let member = &outer.members[index];
            if !members.is_left(member) || members.is_repeated(outer, index, outer.members.len()) {
                return None;
            }
            let value = members.value(member);
            let unused = if value.is_object() {
                let mut unused = UnusedMembers { members, left: member.inner.clone(), end: member.inner.end };
                unused.advance();
                if unused.left.is_empty() {
                    return None;
                }
                UnusedValue::Members(unused)
            } else {
                UnusedValue::Whole(value)
            };
            Some((members.key(member), unused))
        })
    }

    fn key(&self, member: &EventMember) -> MemberKey<'a> {
        MemberKey(&self.text[member.key.clone()])
    }

    fn value(&self, member: &EventMember) -> MemberValue<'a> {
        MemberValue { json: &self.text[member.value.clone()], may_have_escapes: self.buffer.has_escapes }
    }

    fn said(&self, member: &EventMember) -> Cow<'a, str> {
        let value = self.value(member);
        if value.is_nested() { Cow::Borrowed("") } else { value.text() }
    }

    fn is_left(&self, member: &EventMember) -> bool {
        !member.is_used.get() && !matches!(&self.text[member.value.clone()], "null" | "\"\"")
    }

    /// Whether one of the members up to `end` has the same key, and counts instead.
    fn is_repeated(&self, list: &MemberList, index: usize, end: usize) -> bool {
        let member = &list.members[index];
        if member.is_repeated {
            return true;
        }
        // The long ones were compared when they were read.
        end - index <= FEW && {
            let key = self.key(member).text();
            let key = SoughtKey { text: &key, signature: list.signatures[index] };
            self.last(list, index + 1..end, key).is_some()
        }
    }

    /// The last of the members in this range that has a key.
    fn last<'l>(
        &self,
        list: &'l MemberList,
        range: Range<usize>,
        key: SoughtKey<'_>,
    ) -> Option<&'l EventMember> {
        let members = &list.members[range.clone()];
        let signatures = list.signatures[range].iter().zip(members).rev();
        let mut alike = signatures.filter(|(signature, _)| **signature == key.signature);
        alike.find(|(_, member)| self.has_key(member, key.text)).map(|(_, member)| member)
    }

    fn has_key(&self, member: &EventMember, key: &str) -> bool {
        let spelled = &self.text[member.key.clone()];
        spelled == key || (self.buffer.has_escapes && unescape_text(spelled) == key)
    }

    fn member(&self, (first, second): (SoughtKey<'_>, Option<SoughtKey<'_>>)) -> Option<&'b EventMember> {
        let MemberBuffer { outer, inner, .. } = self.buffer;
        let member = self.last(outer, 0..outer.members.len(), first)?;
        match second {
            None => Some(member),
            Some(key) => self.last(inner, member.inner.clone(), key),
        }
    }
}

impl EventMember {
    fn new(key: Range<usize>, value: Range<usize>, inner: Range<usize>) -> Self {
        EventMember { key, value, inner, is_used: Cell::new(false), is_repeated: false }
    }
}

/// A member's key as it is spelled between its quotes.
#[derive(Clone, Copy, Debug)]
pub struct MemberKey<'a>(&'a str);

impl<'a> MemberKey<'a> {
    /// As it lies in the item.
    pub fn json(self) -> &'a str {
        self.0
    }

    /// Its characters.
    pub fn text(self) -> Cow<'a, str> {
        unescape_text(self.0)
    }
}

impl<'a> MemberValue<'a> {
    /// As it lies in the item.
    pub fn json(self) -> &'a str {
        self.json
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.json == "null"
    }

    /// Whether it is an object or a list.
    pub fn is_nested(self) -> bool {
        self.json.starts_with(['{', '['])
    }

    /// Whether it is a string.
    pub fn is_string(self) -> bool {
        self.json.starts_with('"')
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.json.starts_with('{')
    }

    /// What it says, as [`JsonText::text`](super::JsonText::text).
    pub fn text(self) -> Cow<'a, str> {
        let json = self.json;
        match json.as_bytes() {
            b"null" => Cow::Borrowed(""),
            [b'"', ..] => {
                let inside = json[1..].strip_suffix('"').unwrap_or(&json[1..]);
                if self.may_have_escapes { unescape_text(inside) } else { Cow::Borrowed(inside) }
            }
            _ => self.compact(),
        }
    }

    /// Its JSON text without space between tokens.
    pub fn compact(self) -> Cow<'a, str> {
        if self.is_nested() { compact_text(self.json) } else { Cow::Borrowed(self.json) }
    }
}

impl UnusedMembers<'_, '_> {
    /// Moves to the next member that nobody used.
    fn advance(&mut self) {
        let inner = &self.members.buffer.inner;
        while !self.left.is_empty() {
            let index = self.left.start;
            if self.members.is_left(&inner.members[index])
                && !self.members.is_repeated(inner, index, self.end)
            {
                return;
            }
            self.left.start += 1;
        }
    }
}

impl<'a> Iterator for UnusedMembers<'a, '_> {
    type Item = (MemberKey<'a>, MemberValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let member = &self.members.buffer.inner.members[self.left.start];
        self.left.start += 1;
        self.advance();
        Some((self.members.key(member), self.members.value(member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unused(members: &EventMembers<'_, '_>) -> Vec<String> {
        let told = members.unused().map(|(key, value)| match value {
            UnusedValue::Whole(value) => format!("{}={}", key.text(), value.text()),
            UnusedValue::Members(members) => {
                let members = members.map(|(key, value)| format!("{}={}", key.text(), value.text()));
                format!("{}({})", key.text(), members.collect::<Vec<_>>().join(" "))
            }
        });
        told.collect()
    }

    #[test]
    fn what_was_not_used_is_told_in_order_and_nothing_else() {
        let raw = r#"{"uuid":"U","n":1e400,"client":{"ip":"1","a\u0062":"x","deep":{"y":[ 1 ]}},"null":null,
            "empty":"","o":{},"list":[],"user":{"name":{"x":1}}}"#;
        let mut buffer = MemberBuffer::default();
        let members = buffer.read(raw);
        assert_eq!((&*members.text("uuid"), &*members.peek("client.ip")), ("U", "1"));
        assert_eq!((&*members.text("user.name"), &*members.text("client.ab")), ("", "x"));
        assert_eq!(
            unused(&members),
            ["n=1e400", r#"client(ip=1 deep={"y":[1]})"#, "list=[]", r#"user(name={"x":1})"#]
        );
        members.mark("client");
        assert!(!unused(&members).concat().contains("client"));
    }

    #[test]
    fn of_equal_keys_the_last_counts() {
        let mut buffer = MemberBuffer::default();
        let members = buffer.read(r#"{"a":1,"a":2,"b":{"x":1},"b":{"y":1,"y":2},"c":1,"c":null}"#);
        assert_eq!((&*members.text("a"), &*members.text("b.x"), &*members.text("b.y")), ("2", "", "2"));
        assert!(unused(&members).is_empty());
    }

    #[test]
    fn of_equal_keys_in_long_objects_and_in_other_spellings_the_last_counts_too() {
        let many: Vec<String> = (0..FEW).map(|n| format!(r#""k{n}":{n}"#)).collect();
        let raw = format!(r#"{{"\u006b7":"first","o":{{"k7":1,{0}}},{0}}}"#, many.join(","));
        let mut buffer = MemberBuffer::default();
        let members = buffer.read(&raw);
        assert_eq!((&*members.text("k7"), &*members.peek("o.k7")), ("7", "7"));
        let left = unused(&members);
        assert_eq!(left.len(), FEW);
        assert!(left[0].starts_with("o(k0=0 ") && left[0].matches("k7=7").count() == 1, "{left:?}");
        let members = buffer.read(r#"{"a":1,"\u0061":2,"b":3,"a":4}"#);
        assert_eq!(unused(&members), ["b=3", "a=4"]);
        members.mark("a");
        assert_eq!(unused(&members), ["b=3"]);
    }

    #[test]
    fn an_item_that_is_cut_off_has_fewer_members_and_does_not_panic() {
        let whole = r#"{"ä":"é\"ü","öé":{"ß":["x",{"ñ":"\\é"}],"ü\né":null}, "é" : 1}"#;
        let mut buffer = MemberBuffer::default();
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            let members = buffer.read(&whole[..end]);
            members.peek("ä");
            members.peek(("öé", "ß"));
            assert!(unused(&members).len() <= 3, "{end}");
        }
        assert_eq!(unused(&buffer.read(whole)).len(), 3);
    }

    #[test]
    fn an_item_that_is_no_object_has_no_members() {
        let mut buffer = MemberBuffer::default();
        let members = buffer.read(" [1, 2] ");
        assert_eq!((&*members.item().text(), unused(&members).len()), ("[1,2]", 0));
        assert!(unused(&buffer.read("{}")).is_empty());
    }
}
