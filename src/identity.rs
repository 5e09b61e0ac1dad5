//! The last identities of a stream, in bounded memory: what was given lately is not given again (P2).
//!
//! Says what makes an event of a question the same event; what makes it so in a managed file, over restarts,
//! is `deliver`'s to say. Pure memory, no I/O.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip128::SipHasher13;

use crate::event::Event;

/// What makes an event of a question the same event again: its uuid and its timestamp, or its bytes where
/// it has no uuid.
///
/// The timestamp is part of it because published fixtures give one uuid to several events.
pub fn identity(event: &Event<'_>) -> u128 {
    /// The time, and a uuid of up to twice its usual length: hashed in one piece, which is faster.
    const TIME: usize = 12;
    let hasher = SipHasher13::new();
    let Some(uuid) = event.uuid else { return hasher.hash(event.raw).as_u128() };
    let mut bytes = [0; TIME + 52];
    let mut from = TIME;
    if let Some(time) = event.time {
        bytes[..8].copy_from_slice(&time.timestamp().to_le_bytes());
        bytes[8..TIME].copy_from_slice(&time.timestamp_subsec_nanos().to_le_bytes());
        from = 0;
    }
    match bytes.get_mut(TIME..TIME + uuid.len()) {
        Some(place) => {
            place.copy_from_slice(uuid);
            hasher.hash(&bytes[from..TIME + uuid.len()]).as_u128()
        }
        None => hasher.hash(&[&bytes[from..TIME], uuid].concat()).as_u128(),
    }
}

/// Up to how many identities memory matters less than time.
const SMALL: usize = 20_000;

/// From how many places on a table's memory is worth giving back.
const LARGE: usize = 10_000;

/// The last identities of one stream: a ring in order of arrival, and an index into it.
///
/// Three of them, of 100,000 each, hold 6.4 MB: 16 bytes each in the ring, and 2^17 slots of 4 bytes
/// in an open-addressed index, which is grown by doubling and at most three quarters full. The bits that
/// a slot has left over hold a part of the identity, so that a search hardly ever looks into the ring. A
/// small memory keeps more of its index free, so that searches are shorter.
#[derive(Clone, Debug)]
pub struct RecentSet {
    capacity: usize,
    ring: Vec<u128>,
    /// Where in the ring the oldest identity is, once the ring is full.
    oldest: usize,
    /// The lower bits are places in the ring plus one, 0 a free slot. Its length is 0 or a power of two.
    index: Vec<u32>,
    /// How many bits of a slot are for the place.
    place_bits: u32,
}

impl RecentSet {
    /// A memory of the last `capacity` identities (at least 1, at most 2^30).
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, 1 << 30);
        let place_bits = usize::BITS - capacity.leading_zeros();
        RecentSet { capacity, ring: Vec::new(), oldest: 0, index: Vec::new(), place_bits }
    }

    /// Remembers an identity; false when it was remembered already.
    pub fn insert(&mut self, identity: u128) -> bool {
        if self.contains(identity) {
            return false;
        }
        self.push(identity);
        true
    }

    /// Remembers an identity that is not remembered.
    fn push(&mut self, identity: u128) {
        if self.ring.len() < self.capacity {
            self.grow();
            self.ring.push(identity);
            self.occupy(identity, self.ring.len() - 1);
        } else {
            self.vacate(self.oldest);
            self.ring[self.oldest] = identity;
            self.occupy(identity, self.oldest);
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// Whether an identity is remembered.
    pub fn contains(&self, identity: u128) -> bool {
        self.slot_of(identity).is_some()
    }

    /// The identities, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u128> {
        self.ring[self.oldest..].iter().chain(&self.ring[..self.oldest]).copied()
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The slot where a search for `identity` begins: its own bits are as good as any hash of them.
    fn home(&self, identity: u128) -> usize {
        identity as usize & (self.index.len() - 1)
    }

    fn next(&self, slot: usize) -> usize {
        (slot + 1) & (self.index.len() - 1)
    }

    /// What a slot says of an identity at a place.
    fn entry(&self, identity: u128, place: usize) -> u32 {
        ((identity >> 96) as u32) << self.place_bits | (place as u32 + 1)
    }

    /// The place that a slot names.
    fn place(&self, entry: u32) -> usize {
        (entry & ((1 << self.place_bits) - 1)) as usize - 1
    }

    fn slot_of(&self, identity: u128) -> Option<usize> {
        if self.index.is_empty() {
            return None;
        }
        let like = self.entry(identity, 0);
        let mut slot = self.home(identity);
        loop {
            match self.index[slot] {
                0 => return None,
                entry
                    if (entry ^ like) >> self.place_bits == 0 && self.ring[self.place(entry)] == identity =>
                {
                    return Some(slot);
                }
                _ => slot = self.next(slot),
            }
        }
    }

    fn occupy(&mut self, identity: u128, place: usize) {
        let mut slot = self.home(identity);
        while self.index[slot] != 0 {
            slot = self.next(slot);
        }
        self.index[slot] = self.entry(identity, place);
    }

    /// Frees the slot of an occupied place and moves up those that had to go around it.
    fn vacate(&mut self, place: usize) {
        let identity = self.ring[place];
        let mut hole = self.home(identity);
        while self.index[hole] != self.entry(identity, place) {
            hole = self.next(hole);
        }
        let mut slot = self.next(hole);
        while self.index[slot] != 0 {
            let home = self.home(self.ring[self.place(self.index[slot])]);
            let around = self.index.len() - 1;
            // It may move only when the hole lies between its home and where it is.
            if (slot.wrapping_sub(home) & around) >= (slot.wrapping_sub(hole) & around) {
                self.index[hole] = self.index[slot];
                hole = slot;
            }
            slot = self.next(slot);
        }
        self.index[hole] = 0;
    }

    /// Makes room in the index for one more.
    fn grow(&mut self) {
        // 100,000 of 2^17 slots are 76 %: the last doubling stops just there.
        let fullest = if self.capacity <= SMALL { 40 } else { 77 };
        if (self.ring.len() + 1) * 100 <= self.index.len() * fullest {
            return;
        }
        self.index = vec![0; (self.index.len() * 2).max(256)];
        for place in 0..self.ring.len() {
            self.occupy(self.ring[place], place);
        }
        // An exact reservation: doubling would take 131,072 places for 100,000 identities.
        let places = (self.index.len() * fullest / 100).min(self.capacity);
        self.ring.reserve_exact(places - self.ring.len());
    }
}

/// The identities of late, in two generations: cheaper than [`RecentSet`], which forgets them one by one.
#[derive(Clone, Debug)]
pub struct Generations {
    most: usize,
    young: Identities,
    old: Identities,
}

/// Identities in no order. Such a table tells what is new from one byte of each, and takes half the memory
/// of a [`RecentSet`].
type Identities = HashSet<u128, BuildHasherDefault<OwnBits>>;

impl Generations {
    /// A memory of at least the last `most` identities, and at most twice as many.
    pub fn of(most: usize) -> Self {
        Generations { most, young: Identities::default(), old: Identities::default() }
    }

    /// Whether an identity is remembered.
    pub fn contains(&self, identity: u128) -> bool {
        self.young.contains(&identity) || self.old.contains(&identity)
    }

    /// Remembers an identity, once more where it is old.
    pub fn insert(&mut self, identity: u128) {
        if self.young.len() == self.most {
            self.turn();
        }
        self.young.insert(identity);
    }

    /// How many were remembered since the last turn.
    pub fn young(&self) -> usize {
        self.young.len()
    }

    /// Forgets what was old where that takes much memory.
    pub fn forgo_old(&mut self) {
        if self.old.capacity() > LARGE {
            self.old = Identities::default();
        }
    }

    /// Forgets what was old, and makes old what was young.
    pub fn turn(&mut self) {
        std::mem::swap(&mut self.young, &mut self.old);
        self.young.clear();
    }
}

/// The hash of an identity: its own bits are as good as any.
#[derive(Clone, Copy, Debug, Default)]
struct OwnBits(u64);

impl Hasher for OwnBits {
    fn write_u128(&mut self, identity: u128) {
        self.0 = identity as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |bits, byte| bits.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::output::seen::REMEMBERED;

    #[test]
    fn three_full_memories_stay_under_eight_mebibytes() {
        let mut recent = RecentSet::with_capacity(REMEMBERED);
        for n in 0..(REMEMBERED as u128 + 10) {
            assert!(recent.insert(crate::output::digest::Digest::of(&n.to_le_bytes()).0));
        }
        assert_eq!(recent.len(), REMEMBERED);
        let bytes = recent.ring.capacity() * 16 + recent.index.capacity() * 4;
        assert!(3 * bytes < 8 << 20, "{bytes} bytes each");
    }

    #[test]
    fn an_identity_is_of_time_and_uuid_whatever_their_length() {
        let time = chrono::DateTime::from_timestamp(1, 2);
        let long = [b'A'; 60];
        let mut seen = Vec::new();
        for uuid in [Some(&b"A"[..]), Some(b""), Some(&long[..52]), Some(&long), None] {
            for time in [time, None] {
                let event = Event { stream: crate::event::Stream::ItemUsages, raw: b"{}", uuid, time };
                seen.push(identity(&event));
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 9, "without a uuid it is the bytes, whatever the time");
    }

    #[test]
    fn generations_remember_at_least_the_last_ones() {
        let mut known = Generations::of(10);
        for n in 0..25 {
            known.insert(n);
            assert!((n.saturating_sub(9)..=n).all(|id| known.contains(id)));
        }
        assert!(!known.contains(4) && known.young() == 5);
        known.turn();
        assert!(known.contains(24) && !known.contains(19) && known.young() == 0);
        known.forgo_old();
        assert!(known.contains(24), "so few cost nothing");
    }

    #[test]
    fn a_large_old_generation_can_be_given_up() {
        let mut known = Generations::of(70_000);
        (0..LARGE as u128 + 1).for_each(|n| known.insert(n));
        known.turn();
        known.insert(1);
        known.forgo_old();
        assert!(known.contains(1) && !known.contains(2));
    }

    proptest! {
        #[test]
        fn it_remembers_exactly_the_last_ones(
            capacity in 1usize..40,
            // Few distinct values with equal low bits: long detours around each other.
            inserts in prop::collection::vec((0u128..60).prop_map(|n| n * 16), 0..400),
        ) {
            let mut recent = RecentSet::with_capacity(capacity);
            let mut model = VecDeque::new();
            for identity in inserts {
                let new = !model.contains(&identity);
                prop_assert_eq!(recent.insert(identity), new);
                if new {
                    model.push_back(identity);
                    if model.len() > capacity {
                        model.pop_front();
                    }
                }
                prop_assert_eq!(recent.iter().collect::<VecDeque<_>>(), model.clone());
                prop_assert!(model.iter().all(|known| recent.contains(*known)));
            }
        }
    }
}
