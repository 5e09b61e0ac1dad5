//! Texts by number: keys of counters are small, and a text is kept once, however many events have it.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// The longest text that is kept whole, in bytes (P9); of a longer one the beginning counts.
const LONGEST: usize = 1 << 10;

/// The number of a text; [`TextId::EMPTY`] is the empty text, for what an event does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TextId(u32);

impl TextId {
    pub(super) const EMPTY: TextId = TextId(0);
}

/// Texts, each once.
#[derive(Debug)]
pub(super) struct Texts {
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    index: HashTable<u32>,
    /// Keyed by chance, because events are hostile.
    hasher: RandomState,
}

impl Default for Texts {
    fn default() -> Self {
        Texts { text: String::new(), ends: vec![0], index: HashTable::new(), hasher: RandomState::new() }
    }
}

impl Texts {
    /// The number of a text, which is added if it is new.
    pub(super) fn add(&mut self, text: &str) -> TextId {
        if text.is_empty() {
            return TextId::EMPTY;
        }
        let text = beginning(text);
        let Texts { text: all, ends, index, hasher } = self;
        let hash = hasher.hash_one(text.as_bytes());
        let at = |number: u32| {
            let number = number as usize;
            &all[ends[number - 1]..ends[number]]
        };
        if let Some(number) = index.find(hash, |number| at(*number) == text) {
            return TextId(*number);
        }
        let number = ends.len() as u32;
        index.insert_unique(hash, number, |number| hasher.hash_one(at(*number).as_bytes()));
        all.push_str(text);
        ends.push(all.len());
        TextId(number)
    }

    /// A text.
    pub(super) fn get(&self, id: TextId) -> &str {
        match id.0 as usize {
            0 => "",
            number => &self.text[self.ends[number - 1]..self.ends[number]],
        }
    }

    /// How many there are, the empty one included.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// As much of a text as is kept.
fn beginning(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Numbers of one store as numbers of another, which takes those texts that are asked for.
#[derive(Debug)]
pub(super) struct Renumbering<'a> {
    from: &'a Texts,
    known: Vec<TextId>,
}

impl<'a> Renumbering<'a> {
    pub(super) fn new(from: &'a Texts) -> Self {
        Renumbering { from, known: vec![TextId::EMPTY; from.len()] }
    }

    /// The number in `into` of a text of the other store.
    pub(super) fn of(&mut self, id: TextId, into: &mut Texts) -> TextId {
        let known = &mut self.known[id.0 as usize];
        if *known == TextId::EMPTY && id != TextId::EMPTY {
            *known = into.add(self.from.get(id));
        }
        *known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_a_long_one_is_cut() {
        let mut texts = Texts::default();
        let (a, b) = (texts.add("a"), texts.add("b"));
        assert_eq!((texts.add("a"), texts.add("")), (a, TextId::EMPTY));
        assert_eq!((texts.get(a), texts.get(b)), ("a", "b"));
        let long = texts.add(&"é".repeat(LONGEST));
        assert_eq!(texts.get(long).len(), LONGEST);
        for number in 0..10_000 {
            texts.add(&format!("text {number}"));
        }
        let last = texts.add("text 9999");
        assert_eq!((texts.get(last), texts.len()), ("text 9999", 10_004));
    }

    #[test]
    fn another_store_takes_only_what_is_asked_for() {
        let (mut from, mut into) = (Texts::default(), Texts::default());
        let (a, b) = (from.add("a"), from.add("b"));
        let mut numbers = Renumbering::new(&from);
        let moved = numbers.of(b, &mut into);
        assert_eq!((into.get(moved), into.len()), ("b", 2));
        assert_eq!(numbers.of(b, &mut into), moved);
        assert_eq!(numbers.of(TextId::EMPTY, &mut into), TextId::EMPTY);
        let a = numbers.of(a, &mut into);
        assert_eq!(into.get(a), "a");
    }
}
