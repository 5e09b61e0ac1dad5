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

use super::json::{compact_text, next_member, skip, unescape_text};

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
    outer: Vec<EventMember>,
    inner: Vec<EventMember>,
    /// Whether the event has an escaped character anywhere; most have none.
    has_escapes: bool,
}

/// Ranges are those of the event's text, the one of `inner` that of [`MemberBuffer::inner`].
#[derive(Debug)]
struct EventMember {
    key: Range<usize>,
    /// Tells most keys apart at a glance.
    signature: u32,
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
    fn keys(&self) -> (&str, Option<&str>);
}

impl MemberPath for &str {
    fn keys(&self) -> (&str, Option<&str>) {
        match memchr(b'.', self.as_bytes()) {
            Some(dot) => (&self[..dot], Some(&self[dot + 1..])),
            None => (self, None),
        }
    }
}

impl MemberPath for (&str, &str) {
    fn keys(&self) -> (&str, Option<&str>) {
        (self.0, Some(self.1))
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
        for (key, value) in member_ranges(text, 0..text.len()) {
            let start = inner.len();
            for (key, value) in member_ranges(text, value.clone()) {
                inner.push(EventMember::new(text, key, value, 0..0));
            }
            if inner.len() - start > FEW {
                mark_repeated(text, &mut inner[start..]);
            }
            outer.push(EventMember::new(text, key, value, start..inner.len()));
        }
        if outer.len() > FEW {
            mark_repeated(text, outer);
        }
        EventMembers { text, buffer: self }
    }
}

/// The members of the object in a range of the text: where their keys and values are; none of another value.
fn member_ranges(text: &str, object: Range<usize>) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let text = &text.as_bytes()[..object.end];
    let start = skip(text, object.start, b' ');
    let mut at = if text.get(start) == Some(&b'{') { start + 1 } else { text.len() };
    std::iter::from_fn(move || next_member(text, &mut at))
}

/// Length, first and last byte of a key.
fn signature(key: &str) -> u32 {
    match key.as_bytes() {
        [] => 0,
        [first, .., last] => (key.len() as u32) << 16 | u32::from(*first) << 8 | u32::from(*last),
        [only] => 1 << 16 | u32::from(*only) << 8,
    }
}

fn mark_repeated(text: &str, members: &mut [EventMember]) {
    let mut seen = HashSet::new();
    for member in members.iter_mut().rev() {
        member.is_repeated = !seen.insert(unescape_text(&text[member.key.clone()]));
    }
}

impl<'a, 'b> EventMembers<'a, 'b> {
    /// The value at a path, `null` included.
    pub fn get(&self, path: impl MemberPath) -> Option<MemberValue<'a>> {
        self.member(path).map(|member| self.value(member))
    }

    /// What is said at a path; empty for nothing, for an object and for a list.
    pub fn peek(&self, path: impl MemberPath) -> Cow<'a, str> {
        self.member(path).map_or(Cow::Borrowed(""), |member| self.said(member))
    }

    /// The same, which counts as used.
    pub fn text(&self, path: impl MemberPath) -> Cow<'a, str> {
        let Some(member) = self.member(path) else { return Cow::Borrowed("") };
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
    pub fn mark(&self, path: impl MemberPath) {
        if let Some(member) = self.member(path) {
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
        (0..outer.len()).filter_map(move |index| {
            let member = &outer[index];
            if !members.is_left(member) || members.is_repeated(outer, index, outer.len()) {
                return None;
            }
            let value = members.value(member);
            let unused = if value.is_object() {
                let (left, end) = (member.inner.clone(), member.inner.end);
                let left = left.start..left.end;
                let mut unused = UnusedMembers { members, left, end };
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
    fn is_repeated(&self, members: &[EventMember], index: usize, end: usize) -> bool {
        let member = &members[index];
        if member.is_repeated {
            return true;
        }
        // The long ones were compared when they were read.
        end - index <= FEW && {
            let spelled = &self.text[member.key.clone()];
            let key = if self.buffer.has_escapes { unescape_text(spelled) } else { spelled.into() };
            let key = (signature(&key), &*key);
            members[index + 1..end].iter().any(|other| self.has_key(other, key))
        }
    }

    /// Whether a member has this key, whose signature is given with it.
    fn has_key(&self, member: &EventMember, (signature, key): (u32, &str)) -> bool {
        let spelled = || &self.text.as_bytes()[member.key.clone()];
        (member.signature == signature && spelled() == key.as_bytes())
            || (self.buffer.has_escapes
                && memchr(b'\\', spelled()).is_some()
                && unescape_text(&self.text[member.key.clone()]) == key)
    }

    fn member(&self, path: impl MemberPath) -> Option<&'b EventMember> {
        let MemberBuffer { outer, inner, .. } = self.buffer;
        let last = |members: &'b [EventMember], key: &str| {
            let key = (signature(key), key);
            members.iter().rfind(|member| self.has_key(member, key))
        };
        let (first, second) = path.keys();
        let member = last(outer, first)?;
        match second {
            None => Some(member),
            Some(key) => last(&inner[member.inner.clone()], key),
        }
    }
}

impl EventMember {
    fn new(text: &str, key: Range<usize>, value: Range<usize>, inner: Range<usize>) -> Self {
        let signature = signature(&text[key.clone()]);
        EventMember { key, signature, value, inner, is_used: Cell::new(false), is_repeated: false }
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
            if self.members.is_left(&inner[index]) && !self.members.is_repeated(inner, index, self.end) {
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
        let member = &self.members.buffer.inner[self.left.start];
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
    fn an_item_that_is_no_object_has_no_members() {
        let mut buffer = MemberBuffer::default();
        let members = buffer.read(" [1, 2] ");
        assert_eq!((&*members.item().text(), unused(&members).len()), ("[1,2]", 0));
        assert!(unused(&buffer.read("{}")).is_empty());
    }
}
