//! Looking fields up in an event's raw text: an index of wanted paths, compiled once; one pass an event.
//!
//! Only places are found; nothing is decoded until it is asked for. Where a key is repeated the last one
//! counts, as for most JSON readers. Recursion follows the wanted paths, never the event.

use std::borrow::Cow;

use memchr::memchr;

use super::FoundFields;
use super::json::{end_of_string, end_of_value, skip, unescape};

/// No node, no guess.
pub(super) const NOBODY: u32 = u32::MAX;

/// Dotted paths to look up together, each with a slot for what is found.
#[derive(Debug)]
pub struct Lookup {
    pub(super) nodes: Vec<LookupNode>,
    slots: usize,
    keeps_rest: bool,
    /// Whether texts of values are asked for, and not only where these lie: worth a look at the whole event first.
    pub(super) says_texts: bool,
    /// Nodes of which the second is shown only where the first is missing.
    alternatives: Vec<(u32, u32)>,
}

#[derive(Debug)]
pub(super) struct LookupNode {
    /// The key's characters.
    pub(super) name: Box<str>,
    /// The key as JSON has it from its first character on, with quote and colon behind it; none where that needs an
    /// escape.
    spelled: Option<Box<str>>,
    parent: u32,
    slot: Option<usize>,
    /// Length and last bytes of each child's name, beside its number: most keys differ in these already.
    children: Vec<(u32, u32)>,
}

/// What the look-ups of many events share, so that none of them allocates.
#[derive(Debug, Default)]
pub struct LookupBuffer {
    /// Start and end of what each slot found; an empty range is nothing.
    pub(super) spans: Vec<(usize, usize)>,
    /// Which nodes were met in this event already.
    met: Vec<u32>,
    event: u32,
    /// Which node followed a node last time, and, behind these, which came first in it. Events of a stream
    /// have their keys in the same order, so that a guess is nearly always right.
    followers: Vec<u32>,
    pub(super) rest: Vec<RestMember>,
}

/// A member that no path leads to, or that another one is shown instead of.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestMember {
    pub(super) object: u32,
    /// The key where it lies; a node has its own name.
    pub(super) key: Result<(usize, usize), u32>,
    pub(super) value: (usize, usize),
}

impl Default for Lookup {
    fn default() -> Self {
        let root = LookupNode {
            name: "".into(),
            spelled: spelled(""),
            parent: NOBODY,
            slot: None,
            children: Vec::new(),
        };
        Lookup { nodes: vec![root], slots: 0, keeps_rest: false, says_texts: false, alternatives: Vec::new() }
    }
}

impl Lookup {
    /// Notes, from now on, also the members that no path leads to.
    pub fn keep_rest(&mut self) {
        self.keeps_rest = true;
    }

    /// Adds a path and another one that is looked at where the first is missing or `null`; where both are
    /// there, the other one counts as rest. Gives both slots.
    pub fn add_with_alternative(&mut self, path: &str, other: &str) -> (usize, usize) {
        let (node, slot) = self.add_node(path);
        let (other_node, other_slot) = self.add_node(other);
        if !self.alternatives.contains(&(node, other_node)) {
            self.alternatives.push((node, other_node));
        }
        (slot, other_slot)
    }

    /// Adds a path and gives its slot; the same path has the same slot.
    pub fn add(&mut self, path: &str) -> usize {
        self.add_node(path).1
    }

    /// With this many slots from the beginning, to be filled with [`Lookup::add_at`], for texts.
    pub(super) fn with_slots(slots: usize) -> Self {
        Lookup { slots, says_texts: true, ..Lookup::default() }
    }

    /// Adds a path whose slot has this number.
    pub(super) fn add_at(&mut self, path: &str, slot: usize) {
        let node = self.node(path);
        self.nodes[node as usize].slot = Some(slot);
    }

    fn add_node(&mut self, path: &str) -> (u32, usize) {
        let node = self.node(path);
        let slots = &mut self.slots;
        let slot = *self.nodes[node as usize].slot.get_or_insert_with(|| {
            *slots += 1;
            *slots - 1
        });
        (node, slot)
    }

    /// The node that a path leads to; it is made where there is none.
    fn node(&mut self, path: &str) -> u32 {
        let mut node = 0;
        for part in path.split('.') {
            node = self.child(node, part.as_bytes(), NOBODY).unwrap_or_else(|| {
                let new = self.nodes.len() as u32;
                self.nodes.push(LookupNode {
                    name: part.into(),
                    spelled: spelled(part),
                    parent: node,
                    slot: None,
                    children: Vec::new(),
                });
                self.nodes[node as usize].children.push((signature(part.as_bytes()), new));
                new
            });
        }
        node
    }

    /// Looks all paths up.
    pub fn find<'a, 'b>(&'b self, raw: &'a [u8], buffer: &'b mut LookupBuffer) -> FoundFields<'a, 'b> {
        buffer.begin(self.slots, self.nodes.len());
        let at = skip(raw, 0, b' ');
        if raw.get(at) == Some(&b'{') {
            self.object(0, raw, at + 1, buffer);
        } else if self.keeps_rest && at < raw.len() {
            buffer.rest.push(RestMember { object: NOBODY, key: Err(0), value: (at, raw.len()) });
        }
        if self.keeps_rest {
            self.keep_alternatives(raw, buffer);
        }
        FoundFields::new(raw, self, buffer)
    }

    /// Notes the alternatives that are there beside what they are shown instead of.
    fn keep_alternatives(&self, raw: &[u8], buffer: &mut LookupBuffer) {
        let before = buffer.rest.len();
        for &(node, other) in &self.alternatives {
            let place = |node: u32| {
                let (start, end) = buffer.spans[self.nodes[node as usize].slot?];
                (start < end && &raw[start..end] != b"null").then_some((start, end))
            };
            if let (Some(_), Some(value)) = (place(node), place(other)) {
                let object = self.nodes[other as usize].parent;
                buffer.rest.push(RestMember { object, key: Err(other), value });
            }
        }
        if buffer.rest.len() > before {
            buffer.rest.sort_by_key(|member| member.value);
        }
    }

    /// Reads the members of the object whose first one is at `at`; gives the index after its end.
    fn object(&self, node: u32, text: &[u8], mut at: usize, buffer: &mut LookupBuffer) -> usize {
        let mut before = self.nodes.len() + node as usize;
        loop {
            at = skip(text, at, b',');
            match text.get(at) {
                Some(b'"') => {}
                Some(b'}') => return at + 1,
                _ => return text.len(),
            }
            let guess = buffer.followers[before];
            if let Some((key, value)) = self.guessed_member(node, text, at + 1, guess) {
                before = guess as usize;
                at = self.member(guess, text, (key, value), buffer);
                continue;
            }
            let key = (at + 1, end_of_string(text, at + 1) - 1);
            let value = skip(text, key.1 + 1, b':');
            if value >= text.len() || key.1 < key.0 {
                return text.len();
            }
            match self.child(node, &text[key.0..key.1], guess) {
                Some(child) => {
                    if guess != child {
                        buffer.followers[before] = child;
                    }
                    before = child as usize;
                    at = self.member(child, text, (key, value), buffer);
                }
                None => {
                    at = end_of_value(text, value);
                    if self.keeps_rest {
                        buffer.rest.push(RestMember { object: node, key: Ok(key), value: (value, at) });
                    }
                }
            }
        }
    }

    /// The key and the value of the member whose key begins at `start`, if it is spelled as the name of `guess`, a
    /// child of `node`, and its value follows at once. Nothing has to be searched then.
    #[inline]
    fn guessed_member(
        &self,
        node: u32,
        text: &[u8],
        start: usize,
        guess: u32,
    ) -> Option<((usize, usize), usize)> {
        let guessed = self.nodes.get(guess as usize).filter(|guessed| guessed.parent == node)?;
        let after = text[start..].strip_prefix(guessed.spelled.as_deref()?.as_bytes())?;
        let value = text.len() - after.len();
        after.first().filter(|first| **first > b' ')?;
        // Behind the name there are a quote and a colon.
        Some(((start, value - 2), value))
    }

    /// Reads a member that a path leads to or through; gives the index after its value.
    fn member(
        &self,
        child: u32,
        text: &[u8],
        (key, value): ((usize, usize), usize),
        buffer: &mut LookupBuffer,
    ) -> usize {
        if std::mem::replace(&mut buffer.met[child as usize], buffer.event) == buffer.event {
            self.forget(child, buffer);
        }
        let LookupNode { parent, slot, children, .. } = &self.nodes[child as usize];
        let is_inner = !children.is_empty();
        let end = if is_inner && text[value] == b'{' {
            self.object(child, text, value + 1, buffer)
        } else {
            end_of_value(text, value)
        };
        match *slot {
            Some(slot) => buffer.spans[slot] = (value, end),
            None if self.keeps_rest && is_inner && text[value] != b'{' && &text[value..end] != b"null" => {
                buffer.rest.push(RestMember { object: *parent, key: Ok(key), value: (value, end) });
            }
            None => {}
        }
        end
    }

    /// The child of this name; `guess` is tried first.
    fn child(&self, node: u32, key: &[u8], guess: u32) -> Option<u32> {
        if let Some(guessed) = self.nodes.get(guess as usize)
            && guessed.parent == node
            && guessed.name.as_bytes() == key
        {
            return Some(guess);
        }
        let key = if memchr(b'\\', key).is_some() {
            Cow::Owned(unescape(key).into_owned().into_bytes())
        } else {
            Cow::Borrowed(key)
        };
        let wanted = signature(&key);
        let children = self.nodes[node as usize].children.iter();
        children
            .filter(|(signature, _)| *signature == wanted)
            .map(|(_, child)| *child)
            .find(|child| self.nodes[*child as usize].name.as_bytes() == &*key)
    }

    /// Forgets what an earlier member of the same name held.
    fn forget(&self, node: u32, buffer: &mut LookupBuffer) {
        let LookupNode { slot, children, .. } = &self.nodes[node as usize];
        if let Some(slot) = slot {
            buffer.spans[*slot] = (0, 0);
        }
        buffer.rest.retain(|member| member.object != node);
        children.iter().for_each(|(_, child)| self.forget(*child, buffer));
    }

    /// The keys that lead to a node, outermost first.
    pub(super) fn path(&self, node: u32) -> Vec<u32> {
        let mut path: Vec<u32> = std::iter::successors(Some(node), |node| {
            self.nodes.get(*node as usize).map(|found| found.parent)
        })
        .take_while(|node| *node != 0 && *node != NOBODY)
        .collect();
        path.reverse();
        path
    }
}

/// How a name stands in JSON, as [`LookupNode::spelled`].
fn spelled(name: &str) -> Option<Box<str>> {
    let needs_escapes = name.contains(['"', '\\']) || name.chars().any(char::is_control);
    (!needs_escapes).then(|| format!("{name}\":").into())
}

fn signature(name: &[u8]) -> u32 {
    let last = name.iter().rev().take(3).fold(0, |last, byte| last << 8 | u32::from(*byte));
    last << 8 | (name.len() as u32 & 0xff)
}

impl LookupBuffer {
    fn begin(&mut self, slots: usize, nodes: usize) {
        self.spans.clear();
        self.spans.resize(slots, (0, 0));
        self.rest.clear();
        self.event = self.event.wrapping_add(1);
        if self.met.len() != nodes || self.event == 0 {
            self.event = 1;
            self.met = vec![0; nodes];
            self.followers = vec![NOBODY; 2 * nodes];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(path: &str, raw: &str) -> Option<String> {
        let mut lookup = Lookup::default();
        let slot = lookup.add(path);
        let mut buffer = LookupBuffer::default();
        let found = lookup.find(raw.as_bytes(), &mut buffer);
        found.get(slot).map(|value| value.text().into_owned())
    }

    #[test]
    fn paths_lead_into_objects_and_values_keep_their_text() {
        let raw =
            r#" { "a" : { "b" : 12345678901234567890.10 , "c" : [ 1, { "x y" : "z \" " } ] }, "d":null}"#;
        assert_eq!(look("a.b", raw).unwrap(), "12345678901234567890.10");
        assert_eq!(look("a.c", raw).unwrap(), r#"[1,{"x y":"z \" "}]"#);
        assert_eq!(look("d", raw).unwrap(), "");
        assert_eq!(look("a.b.c", raw), None);
        assert_eq!(look("e", raw), None);
    }

    #[test]
    fn the_last_of_repeated_keys_counts_with_all_it_holds() {
        assert_eq!(look("a.b", r#"{"a":{"b":1},"a":{"c":2}}"#), None);
        assert_eq!(look("a", r#"{"a":1,"a":2}"#).unwrap(), "2");
        assert_eq!(look("a", r#"{"\u0061":"x"}"#).unwrap(), "x");
    }

    #[test]
    fn what_is_no_object_or_no_json_finds_nothing_and_does_not_panic() {
        for raw in ["", "null", "7", "[]", "\"a\"", "{", "{\"a", "{\"a\"", "{\"a\":", "{a:1}", "{\"a\\", "}"]
        {
            assert_eq!(look("a", raw).unwrap_or_default(), "", "{raw}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(look("a", &deep).unwrap().len(), 200_000);
    }

    #[test]
    fn guesses_of_earlier_events_never_decide() {
        let mut lookup = Lookup::default();
        let slots = ["a", "b.a", "b.b", "a.b"].map(|path| lookup.add(path));
        let mut buffer = LookupBuffer::default();
        for (raw, expected) in [
            (r#"{"a":1,"b":{"a":2,"b":3}}"#, ["1", "2", "3", ""]),
            (r#"{"b":{"b":3},"a":{"b":4}}"#, [r#"{"b":4}"#, "", "3", "4"]),
            (r#"{"b":{"a":2,"a":5},"c":0,"a":1}"#, ["1", "5", "", ""]),
        ] {
            for _ in 0..3 {
                let found = lookup.find(raw.as_bytes(), &mut buffer);
                assert_eq!(slots.map(|slot| found.text(slot)), expected);
            }
            // Spelled otherwise the same is found.
            for spaced in [raw.replace(':', " : "), raw.replace('a', r"\u0061")] {
                let found = lookup.find(spaced.as_bytes(), &mut buffer);
                assert_eq!(
                    slots.map(|slot| found.text(slot).replace(" : ", ":").replace(r"\u0061", "a")),
                    expected
                );
            }
        }
    }

    #[test]
    fn names_that_need_escapes_are_found_and_nothing_else_for_them() {
        let mut lookup = Lookup::default();
        let slots = ["x", "\0", "a\"", "b\\", ""].map(|path| lookup.add(path));
        let mut buffer = LookupBuffer::default();
        let texts = |raw: &str, buffer: &mut LookupBuffer| {
            let found = lookup.find(raw.as_bytes(), buffer);
            slots.map(|slot| found.text(slot).into_owned())
        };
        for _ in 0..3 {
            let raw = r#"{"x":1,"\u0000":2,"a\"":3,"b\\":4,"":5}"#;
            assert_eq!(texts(raw, &mut buffer), ["1", "2", "3", "4", "5"]);
            assert_eq!(texts("{\"x\":1,\"\0\":2,\"a\"\":3}", &mut buffer)[..2], ["1", "2"]);
            assert_eq!(texts("{\"x\":1,\"\0", &mut buffer)[0], "1");
        }
    }

    fn rest(paths: &[&str], raw: &str) -> (String, Vec<String>) {
        let mut lookup = Lookup::default();
        for path in paths {
            lookup.add(path);
        }
        lookup.keep_rest();
        let mut buffer = LookupBuffer::default();
        let found = lookup.find(raw.as_bytes(), &mut buffer);
        let mut out = Vec::new();
        found.write_rest(&mut out);
        assert_eq!(found.has_rest(), !out.is_empty());
        (String::from_utf8(out).unwrap(), found.rest_names().collect())
    }

    #[test]
    fn the_rest_is_what_no_path_leads_to_below_its_objects() {
        let paths = ["uuid", "user.name", "user.deep.x", "client.ip"];
        let raw = r#"{"uuid":1,"user":{"name":"P","risk":"high","deep":{"y":[ 1 ],"x":2}},"new" : {"a": 1},
            "client":"CLI","\u0061":null}"#;
        let (json, names) = rest(&paths, raw);
        let expected =
            r#"{"user":{"risk":"high","deep":{"y":[1]}},"new":{"a":1},"client":"CLI","\u0061":null}"#;
        assert_eq!(json, expected);
        assert_eq!(names, ["user.risk", "user.deep.y", "new", "client", "a"]);
        assert_eq!(rest(&paths, r#"{"uuid":{"x":1},"client":null,"user":{}}"#).0, "");
        assert_eq!(rest(&paths, r#"{"user":{"a":1},"user":{"b":2}}"#).0, r#"{"user":{"b":2}}"#);
        let mut lookup = Lookup::default();
        lookup.add_with_alternative("client.ip_address", "client.ip");
        lookup.keep_rest();
        let mut buffer = LookupBuffer::default();
        let raw = br#"{"client":{"ip":"2","x":0,"ip_address":"1"}}"#;
        let mut out = Vec::new();
        lookup.find(raw, &mut buffer).write_rest(&mut out);
        assert_eq!(out, br#"{"client":{"ip":"2","x":0}}"#);
        let mut buffer = LookupBuffer::default();
        assert!(!lookup.find(br#"{"client":{"ip":"2","ip_address":null}}"#, &mut buffer).has_rest());
        assert_eq!(rest(&paths, " [ 1, 2 ] ").0, "[1,2]");
        assert_eq!(rest(&paths, "\"text\"").0, "\"text\"");
    }
}
