//! Counts by key, in bounded memory.
//!
//! Up to [`MOST_KEYS`] different keys are counted exactly. Beyond, the counter is the Misra-Gries sketch in the form of
//! Anderson and others (2017): the median count is taken off every key, and keys with nothing left are dropped. A
//! count is then too low by [`Counter::error`] at most, which is at most twice the number of events by the number
//! of keys; a key that is not there had no more than that.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use hashbrown::HashMap;

use super::texts::{Renumbering, TextId, Texts};

/// How many keys one counter has at most (P9).
pub(super) const MOST_KEYS: usize = 1_000_000;

/// What is counted by.
pub(super) trait CountKey: Copy + Eq + Hash {
    /// The same key with the numbers that its texts have in another store.
    fn renumbered(self, numbers: &mut Renumbering<'_>, into: &mut Texts) -> Self;
}

impl<const N: usize> CountKey for [TextId; N] {
    fn renumbered(self, numbers: &mut Renumbering<'_>, into: &mut Texts) -> Self {
        self.map(|id| numbers.of(id, into))
    }
}

/// What is known of a key.
pub(super) trait KeyCount: Default {
    /// Adds what another counter knows of the same key.
    fn merge(&mut self, other: &Self);

    /// By how many events it is known.
    fn weight(&self) -> u64;

    /// Takes so many events off; only called where there are more.
    fn take_off(&mut self, events: u64);
}

/// Tallies by key.
#[derive(Debug)]
pub(super) struct Counter<K, T> {
    tallies: HashMap<K, T, BuildHasherDefault<NumberHasher>>,
    most: usize,
    error: u64,
}

impl<K: CountKey, T: KeyCount> Default for Counter<K, T> {
    fn default() -> Self {
        Counter { tallies: HashMap::default(), most: MOST_KEYS, error: 0 }
    }
}

impl<K: CountKey, T: KeyCount> Counter<K, T> {
    /// The tally of a key, for an event to be added.
    pub(super) fn of(&mut self, key: K) -> &mut T {
        if self.tallies.len() >= self.most && !self.tallies.contains_key(&key) {
            self.thin_out();
        }
        self.tallies.entry(key).or_default()
    }

    /// Adds what another counter has, whose keys have the texts of `numbers`.
    pub(super) fn merge(&mut self, other: Self, numbers: &mut Renumbering<'_>, into: &mut Texts) {
        self.error += other.error;
        for (key, tally) in other.tallies {
            self.of(key.renumbered(numbers, into)).merge(&tally);
        }
    }

    /// Takes the median off every key.
    fn thin_out(&mut self) {
        let mut weights: Vec<u64> = self.tallies.values().map(KeyCount::weight).collect();
        let middle = weights.len() / 2;
        let (_, median, _) = weights.select_nth_unstable(middle);
        let median = (*median).max(1);
        self.error += median;
        self.tallies.retain(|_, tally| {
            let is_left = tally.weight() > median;
            if is_left {
                tally.take_off(median);
            }
            is_left
        });
    }

    /// Every key with its tally, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        self.tallies.iter()
    }

    #[cfg(test)]
    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// By how much a count may be too low; 0 where all are exact.
    pub(super) fn error(&self) -> u64 {
        self.error
    }
}

/// A hash of small numbers, which are given out one after another and chosen by nobody.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

/// An odd number without a pattern: the golden ratio's digits.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(29) ^ number).wrapping_mul(MIX);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A plain count, in the time range and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EventCount {
    pub(super) now: u64,
    pub(super) before: u64,
}

impl KeyCount for EventCount {
    fn merge(&mut self, other: &Self) {
        self.now += other.now;
        self.before += other.before;
    }

    fn weight(&self) -> u64 {
        self.now + self.before
    }

    fn take_off(&mut self, events: u64) {
        let from_before = self.before.min(events);
        self.before -= from_before;
        self.now = self.now.saturating_sub(events - from_before);
    }
}

/// How often in the time range and in the one before, and from when to when in both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) count: EventCount,
    /// The earliest time, in microseconds since 1970; `i64::MAX` where no event had one.
    pub(super) first: i64,
    /// The latest time; `i64::MIN` where no event had one.
    pub(super) last: i64,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { count: EventCount::default(), first: i64::MAX, last: i64::MIN }
    }
}

impl Seen {
    /// Adds an event.
    pub(super) fn add(&mut self, (is_now, is_before): (bool, bool), time: Option<i64>) {
        self.count.now += u64::from(is_now);
        self.count.before += u64::from(is_before);
        self.first = self.first.min(time.unwrap_or(i64::MAX));
        self.last = self.last.max(time.unwrap_or(i64::MIN));
    }
}

impl KeyCount for Seen {
    fn merge(&mut self, other: &Self) {
        self.count.merge(&other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn weight(&self) -> u64 {
        self.count.weight()
    }

    fn take_off(&mut self, events: u64) {
        self.count.take_off(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(texts: &mut Texts, most: usize, words: &[(&str, u64)]) -> Counter<[TextId; 1], EventCount> {
        let mut counter = Counter::<[TextId; 1], EventCount> { most, ..Counter::default() };
        for (word, count) in words {
            for _ in 0..*count {
                counter.of([texts.add(word)]).now += 1;
            }
        }
        counter
    }

    #[test]
    fn beyond_the_bound_frequent_keys_stay_and_no_count_is_off_by_more_than_the_error() {
        let mut texts = Texts::default();
        let rare: Vec<String> = (0..10_000).map(|number| format!("rare {number}")).collect();
        let mut words: Vec<(&str, u64)> = rare.iter().map(|word| (&**word, 1)).collect();
        for at in [0, 2_000, 9_000] {
            words.insert(at, ("often", 400));
        }
        let counter = counted(&mut texts, 100, &words);
        assert!(counter.len() <= 100 && counter.error() > 0, "{}", counter.len());
        assert!(counter.error() <= 2 * 11_200 / 100, "{}", counter.error());
        let often = counter.iter().find(|(key, _)| texts.get(key[0]) == "often").unwrap().1.now;
        assert!(often <= 1_200 && often + counter.error() >= 1_200, "{often} {}", counter.error());
    }

    #[test]
    fn counters_of_other_texts_are_merged() {
        let (mut ours, mut theirs) = (Texts::default(), Texts::default());
        let mut counter = counted(&mut ours, 100, &[("a", 2), ("b", 1)]);
        let other = counted(&mut theirs, 100, &[("c", 5), ("b", 3)]);
        counter.merge(other, &mut Renumbering::new(&theirs), &mut ours);
        let mut found: Vec<_> = counter.iter().map(|(key, count)| (ours.get(key[0]), count.now)).collect();
        found.sort_unstable();
        assert_eq!((found, counter.error()), (vec![("a", 2), ("b", 4), ("c", 5)], 0));
    }
}
