//! All members of an event, each marked once its value was used, so that what nobody used can be told.
//!
//! A schema has places for some of an event; the rest must not be lost. Objects are looked into one level
//! deep, as the documented ones are; what lies deeper goes with the member that holds it. Where a key is
//! repeated the last one counts.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::ops::Range;

use super::json::{JsonText, unescape};

/// The members of one event.
#[derive(Debug)]
pub struct EventMembers<'a> {
    item: JsonText<'a>,
    outer: Vec<EventMember<'a>>,
    inner: Vec<EventMember<'a>>,
}

#[derive(Debug)]
struct EventMember<'a> {
    key: Cow<'a, str>,
    value: JsonText<'a>,
    /// The members of its object.
    inner: Range<usize>,
    is_used: Cell<bool>,
}

/// What nobody used of a member.
#[derive(Debug)]
pub enum UnusedValue<'m, 'a> {
    /// The value.
    Whole(JsonText<'a>),
    /// Some of the members of its object.
    Members(Vec<(&'m str, JsonText<'a>)>),
}

impl<'a> EventMembers<'a> {
    /// Reads the members of an item.
    pub fn new(raw: &'a [u8]) -> Self {
        let item = JsonText::new(raw);
        let (mut outer, mut inner) = (Vec::with_capacity(20), Vec::with_capacity(32));
        for (key, value) in item.members() {
            let start = inner.len();
            inner.extend(value.members().map(|(key, value)| EventMember::new(key, value, 0..0)));
            outer.push(EventMember::new(key, value, start..inner.len()));
        }
        EventMembers { item, outer, inner }
    }

    /// The value at a path of one or two keys, `null` included.
    pub fn get(&self, path: &str) -> Option<JsonText<'a>> {
        self.member(path).map(|member| member.value)
    }

    /// What is said at a path; empty for nothing, for an object and for a list.
    pub fn peek(&self, path: &str) -> Cow<'a, str> {
        self.member(path).map_or(Cow::Borrowed(""), EventMember::text)
    }

    /// The same, which counts as used.
    pub fn text(&self, path: &str) -> Cow<'a, str> {
        let Some(member) = self.member(path) else { return Cow::Borrowed("") };
        let text = member.text();
        if !text.is_empty() {
            member.is_used.set(true);
        }
        text
    }

    /// The first of the paths that says something; it counts as used.
    pub fn first(&self, paths: &[&str]) -> Cow<'a, str> {
        paths.iter().map(|path| self.text(path)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// Counts the value at a path as used, with all that is in it.
    pub fn mark(&self, path: &str) {
        if let Some(member) = self.member(path) {
            member.is_used.set(true);
        }
    }

    /// What nobody used, in the event's order; `null` and empty texts say nothing. An item that is no object
    /// stands under `event`.
    pub fn unused(&self) -> Vec<(&str, UnusedValue<'_, 'a>)> {
        if self.item.bytes().first() != Some(&b'{') {
            return vec![("event", UnusedValue::Whole(self.item))];
        }
        let tells = |member: &EventMember<'_>| match member.value.bytes().first() {
            Some(b'{') => self.inner[member.inner.clone()].iter().any(EventMember::is_left),
            _ => true,
        };
        let members = left(&self.outer, tells).into_iter().map(|member| {
            let inner = &self.inner[member.inner.clone()];
            let unused = match inner.is_empty() {
                true => UnusedValue::Whole(member.value),
                false => {
                    let left = left(inner, |_| true).into_iter();
                    UnusedValue::Members(left.map(|member| (&*member.key, member.value)).collect())
                }
            };
            (&*member.key, unused)
        });
        let is_some = |(_, value): &(_, UnusedValue<'_, '_>)| match value {
            UnusedValue::Whole(_) => true,
            UnusedValue::Members(members) => !members.is_empty(),
        };
        members.filter(is_some).collect()
    }

    fn member(&self, path: &str) -> Option<&EventMember<'a>> {
        let last =
            |members: &'_ [EventMember<'a>], key: &str| members.iter().rposition(|member| member.key == key);
        match path.split_once('.') {
            None => last(&self.outer, path).map(|index| &self.outer[index]),
            Some((object, key)) => {
                let inner = self.outer[last(&self.outer, object)?].inner.clone();
                last(&self.inner[inner.clone()], key).map(|index| &self.inner[inner.start + index])
            }
        }
    }
}

impl<'a> EventMember<'a> {
    fn new(key: &'a [u8], value: JsonText<'a>, inner: Range<usize>) -> Self {
        EventMember { key: unescape(key), value, inner, is_used: Cell::new(false) }
    }

    fn text(&self) -> Cow<'a, str> {
        if self.value.is_nested() { Cow::Borrowed("") } else { self.value.text() }
    }

    fn is_left(&self) -> bool {
        !self.is_used.get() && !matches!(self.value.bytes(), b"null" | b"\"\"")
    }
}

/// The members that nobody used, of equal keys the last; a set of the keys is made only where there are any.
fn left<'m, 'a>(
    members: &'m [EventMember<'a>],
    tells: impl Fn(&EventMember<'_>) -> bool,
) -> Vec<&'m EventMember<'a>> {
    let is_left = |member: &EventMember<'_>| member.is_left() && tells(member);
    if !members.iter().any(is_left) {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let last = members.iter().rev().filter(|member| seen.insert(&*member.key) && is_left(member));
    let mut last: Vec<_> = last.collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unused(members: &EventMembers<'_>) -> Vec<String> {
        let told = members.unused().into_iter().map(|(key, value)| match value {
            UnusedValue::Whole(value) => format!("{key}={}", value.text()),
            UnusedValue::Members(members) => {
                let members = members.iter().map(|(key, value)| format!("{key}={}", value.text()));
                format!("{key}({})", members.collect::<Vec<_>>().join(" "))
            }
        });
        told.collect()
    }

    #[test]
    fn what_was_not_used_is_told_in_order_and_nothing_else() {
        let raw = br#"{"uuid":"U","n":1e400,"client":{"ip":"1","a\u0062":"x","deep":{"y":[ 1 ]}},"null":null,
            "empty":"","o":{},"list":[],"user":{"name":{"x":1}}}"#;
        let members = EventMembers::new(raw);
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
        let members = EventMembers::new(br#"{"a":1,"a":2,"b":{"x":1},"b":{"y":1,"y":2},"c":1,"c":null}"#);
        assert_eq!((&*members.text("a"), &*members.text("b.x"), &*members.text("b.y")), ("2", "", "2"));
        assert!(unused(&members).is_empty());
    }

    #[test]
    fn an_item_that_is_no_object_is_told_as_it_is() {
        assert_eq!(unused(&EventMembers::new(b" [1, 2] ")), ["event=[1,2]"]);
        assert!(unused(&EventMembers::new(b"{}")).is_empty());
    }
}
