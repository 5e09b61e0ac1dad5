//! Which lines may hold a wanted event, told by their bytes alone, so that only these are parsed.
//!
//! May say yes too often and never no too often: a line in which a character is escaped may spell any text,
//! and two letters beyond ASCII have lower cases within it.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64};
use memchr::memchr3;

/// How many bytes are looked at together.
const LANES: usize = 64;

/// The difference between the cases of a letter in ASCII.
const CASE: u8 = 0x20;

/// What begins a character with an ASCII letter in its lower case: the Kelvin sign is a `k`, U+0130 an `i`
/// with a dot.
const FOLDS_TO_ASCII: [u8; 2] = [0xe2, 0xc4];

/// Texts of which one stands in every line that may hold a wanted event, in any case.
#[derive(Clone, Debug)]
pub struct TextSearch(Vec<SoughtText>);

#[derive(Clone, Debug)]
struct SoughtText {
    /// In lower case.
    text: Box<[u8]>,
    /// The places of its two bytes that stand in events most seldom, in order.
    places: (usize, usize),
}

/// The search of one block, line after line.
pub(super) struct BlockSearch<'s, 'b> {
    texts: &'s [SoughtText],
    block: &'b [u8],
    /// Where each text is found next; behind the block where it is not.
    next: Vec<usize>,
    /// Where the next byte is that makes a line one to parse.
    next_special: usize,
}

impl TextSearch {
    /// Searches for these texts; `None` where one is too short to be worth it.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Option<Self> {
        texts
            .into_iter()
            .map(|text| SoughtText::new(text.as_ref()))
            .collect::<Option<Vec<_>>>()
            .map(TextSearch)
    }

    pub(super) fn start<'s, 'b>(&'s self, block: &'b [u8]) -> BlockSearch<'s, 'b> {
        let next = self.0.iter().map(|text| text.find(block, 0)).collect();
        BlockSearch { texts: &self.0, block, next, next_special: special(block, 0) }
    }
}

impl BlockSearch<'_, '_> {
    /// Whether the line may hold a wanted event. Lines are asked for in order.
    pub(super) fn may_hold(&mut self, line: &Range<usize>) -> bool {
        if self.next_special < line.start {
            self.next_special = special(self.block, line.start);
        }
        for (text, next) in self.texts.iter().zip(&mut self.next) {
            if *next < line.start {
                *next = text.find(self.block, line.start);
            }
        }
        // No text has a line break: one that begins in the line ends in it.
        self.next_special < line.end || self.next.iter().any(|next| *next < line.end)
    }
}

/// Where the next byte is, from `at` on, after which a line cannot be judged by its bytes.
fn special(block: &[u8], at: usize) -> usize {
    let [kelvin, dotted] = FOLDS_TO_ASCII;
    memchr3(b'\\', kelvin, dotted, &block[at..]).map_or(usize::MAX, |found| at + found)
}

impl SoughtText {
    fn new(text: &str) -> Option<Self> {
        if text.len() < 3 || !text.is_ascii() || text.contains('\n') {
            return None;
        }
        let text: Box<[u8]> = text.to_ascii_lowercase().into_bytes().into();
        let mut places: Vec<usize> = (0..text.len()).collect();
        places.sort_by_key(|place| frequency(text[*place]));
        Some(SoughtText { places: (places[0].min(places[1]), places[0].max(places[1])), text })
    }

    /// Where it is found, in any case, from `at` on; `usize::MAX` where it is not.
    fn find(&self, block: &[u8], at: usize) -> usize {
        let level = Level::new();
        dispatch!(level, simd => self.find_with(simd, block, at))
    }

    #[inline(always)]
    fn find_with<S: Simd>(&self, simd: S, block: &[u8], mut at: usize) -> usize {
        let (first, second) = self.places;
        let case = u8x64::splat(simd, CASE);
        // Both sides have the bit set, so that cases are alike; what else is then alike is compared again.
        let wanted = [first, second].map(|place| u8x64::splat(simd, self.text[place] | CASE));
        while at + second + LANES <= block.len() {
            let [one, other] = [first, second].map(|place| {
                let bytes = &block[at + place..][..LANES];
                u8x64::from_slice(simd, bytes) | case
            });
            let mut found = (one.simd_eq(wanted[0]) & other.simd_eq(wanted[1])).to_bitmask();
            while found != 0 {
                let place = at + found.trailing_zeros() as usize;
                if self.is_at(block, place) {
                    return place;
                }
                found &= found - 1;
            }
            at += LANES;
        }
        (at..block.len()).find(|place| self.is_at(block, *place)).unwrap_or(usize::MAX)
    }

    fn is_at(&self, block: &[u8], place: usize) -> bool {
        block.get(place..place + self.text.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(&self.text))
    }
}

/// How often a byte stands in events, roughly: marks within addresses seldom, then what uuids have not.
fn frequency(byte: u8) -> u8 {
    match byte {
        b'@' | b'_' | b'+' | b'/' | b'\'' => 0,
        b'-' | b'.' | b' ' => 1,
        b'8' | b'9' | b'0' | b'1' => 2,
        b'j' | b'q' | b'x' | b'z' | b'w' | b'v' | b'k' => 3,
        b'a'..=b'z' | b'2'..=b'7' => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(texts: &[&str], block: &[u8]) -> Vec<bool> {
        let search = TextSearch::new(texts.iter().copied()).expect("texts to search for");
        let mut search = search.start(block);
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', block).map(|end| end + 1);
        ends.map(|end| search.may_hold(&(std::mem::replace(&mut start, end)..end - 1))).collect()
    }

    #[test]
    fn every_letter_whose_lower_case_has_ascii_is_known() {
        for c in ('\u{80}'..=char::MAX).filter(|c| c.to_lowercase().any(|lower| lower.is_ascii())) {
            let first = c.to_string().as_bytes()[0];
            assert!(FOLDS_TO_ASCII.contains(&first), "{c:?}");
        }
    }

    #[test]
    fn short_texts_and_others_are_not_searched_for() {
        for text in ["", "ab", "caf\u{e9}", "a\nbc"] {
            assert!(TextSearch::new([text]).is_none(), "{text:?}");
            assert!(TextSearch::new(["abc", text]).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_line_is_judged_by_its_own_bytes() {
        let block = b"xADA@x.testx\nada@x.tes\nt\n\\\nada@\xe2\x84\xaa\nada@x.test\n\n";
        assert_eq!(judged(&["ada@x.test"], block), [true, false, false, true, true, true, false]);
        assert_eq!(judged(&["nobody", "tes\tt", "x.tes"], block)[..3], [true, true, false]);
    }

    proptest! {
        #[test]
        fn found_is_what_a_plain_search_finds(
            block in prop::collection::vec(prop::sample::select(b"aAbB@.-j\n\\".to_vec()), 0..400),
            text in "[abAB@.j-]{3,6}",
        ) {
            let mut block = block;
            block.push(b'\n');
            let wanted: Vec<bool> = block[..block.len() - 1].split(|byte| *byte == b'\n').map(|line| {
                let mut windows = line.windows(text.len());
                line.contains(&b'\\') || windows.any(|some| some.eq_ignore_ascii_case(text.as_bytes()))
            }).collect();
            prop_assert_eq!(judged(&[&text], &block), wanted);
        }
    }
}
