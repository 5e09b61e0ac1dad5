//! When two events are the same event, and the latest identities of a stream in bounded memory, so that an
//! event is not delivered twice (P2).
//!
//! The one definition, used by everything that drops repeats: questions, windows and managed files. In memory
//! only, no I/O; `output::seen` saves a [`RecentSet`] across restarts.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashTable;
use siphasher::sip128::{SipHasher13, SipHasher24};

use crate::event::Event;

/// The identity of an event: its stream, uuid and timestamp; without a uuid, or with an empty one, its stream
/// and bytes.
///
/// The timestamp is part of it because published fixtures have several events with one uuid.
pub fn of(event: &Event<'_>) -> u128 {
    /// Room for the time and a uuid of up to twice its usual length: hashing one piece is faster.
    const TIME: usize = 12;
    let stream = event.stream as u64;
    let Some(uuid) = event.uuid.filter(|uuid| !uuid.is_empty()) else {
        return SipHasher13::new_with_keys(stream, 1).hash(event.raw).as_u128();
    };
    let Some(time) = event.time else {
        return SipHasher13::new_with_keys(stream, 2).hash(uuid).as_u128();
    };
    let hasher = SipHasher13::new_with_keys(stream, 0);
    let mut bytes = [0; TIME + 52];
    bytes[..8].copy_from_slice(&time.timestamp().to_le_bytes());
    bytes[8..TIME].copy_from_slice(&time.timestamp_subsec_nanos().to_le_bytes());
    match bytes.get_mut(TIME..TIME + uuid.len()) {
        Some(place) => {
            place.copy_from_slice(uuid);
            hasher.hash(&bytes[..TIME + uuid.len()]).as_u128()
        }
        None => hasher.hash(&[&bytes[..TIME], uuid].concat()).as_u128(),
    }
}

/// The identity of an event as version 0.1 saved it in logs of delivered events: its stream and uuid, else its
/// stream and bytes. Needed as long as a log holds such entries (P12), and for nothing else.
pub fn of_version_1(event: &Event<'_>) -> u128 {
    let stream = event.stream as u64;
    let (key, bytes) = match event.uuid {
        Some(uuid) if !uuid.is_empty() => (0, uuid),
        _ => (1, event.raw),
    };
    SipHasher24::new_with_keys(stream, key).hash(bytes).into()
}

/// The capacity from which on freeing a table's memory is worth it.
const LARGE: usize = 10_000;

/// The last identities of one stream: a ring in order of arrival, and an index into it.
///
/// Three of them, of 100,000 each, hold 6.8 MB: 16 bytes each in the ring, and 2^17 buckets of 5 bytes in
/// the index.
#[derive(Clone, Debug)]
pub struct RecentSet {
    capacity: usize,
    ring: Vec<u128>,
    /// Where in the ring the oldest identity is, once the ring is full.
    oldest: usize,
    /// Places in the ring, by identity.
    index: HashTable<u32>,
}

impl RecentSet {
    /// A memory of the last `capacity` identities (at least 1, at most 2^30).
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, 1 << 30);
        RecentSet { capacity, ring: Vec::new(), oldest: 0, index: HashTable::new() }
    }

    /// Adds an identity; false when the set had it already.
    pub fn insert(&mut self, identity: u128) -> bool {
        if self.contains(identity) {
            return false;
        }
        let place = if self.ring.len() < self.capacity {
            if self.ring.len() == self.ring.capacity() {
                // An exact reservation: doubling would take 131,072 places for 100,000 identities.
                let more = self.ring.len().max(64).min(self.capacity - self.ring.len());
                self.ring.reserve_exact(more);
            }
            self.ring.push(identity);
            self.ring.len() - 1
        } else {
            let place = self.oldest;
            self.forget(place);
            self.ring[place] = identity;
            self.oldest = (place + 1) % self.capacity;
            place
        };
        let ring = &self.ring;
        // The clamp of the capacity keeps places within 32 bits.
        self.index.insert_unique(hash(identity), place as u32, |&place| hash(ring[place as usize]));
        true
    }

    /// Whether the set has an identity.
    pub fn contains(&self, identity: u128) -> bool {
        self.index.find(hash(identity), |&place| self.ring[place as usize] == identity).is_some()
    }

    /// The identities, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u128> {
        self.ring[self.oldest..].iter().chain(&self.ring[..self.oldest]).copied()
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether the next new identity replaces the oldest.
    pub fn is_full(&self) -> bool {
        self.ring.len() == self.capacity
    }

    /// Takes an identity out of the index.
    fn forget(&mut self, place: usize) {
        let identity = self.ring[place];
        if let Ok(found) = self.index.find_entry(hash(identity), |&other| other as usize == place) {
            found.remove();
        }
        if self.index.len() == self.index.capacity() {
            // Full of tombstones of removed entries. Growing would double the memory permanently.
            self.index.clear();
            for other in (0..self.ring.len()).filter(|other| *other != place) {
                self.index.insert_unique(hash(self.ring[other]), other as u32, |_| 0);
            }
        }
    }
}

/// The hash of an identity: its own bits, since it is a hash already.
fn hash(identity: u128) -> u64 {
    identity as u64
}

/// The latest identities, in two generations: cheaper than [`RecentSet`], which forgets them one by one.
#[derive(Clone, Debug)]
pub struct Generations {
    most: usize,
    young: Identities,
    old: Identities,
}

/// Identities in no order, in several tables: while a table grows it is in memory twice, and so only a part of
/// them is. Such tables find most new ones by one byte each, and need half the memory of a [`RecentSet`].
#[derive(Clone, Debug, Default)]
struct Identities {
    tables: Box<[HashSet<u128, BuildHasherDefault<OwnBits>>; 8]>,
    len: usize,
}

impl Identities {
    /// The number of the table for an identity; not by the bits that place it there.
    fn table(identity: u128) -> usize {
        (identity >> 64) as usize % 8
    }

    fn contains(&self, identity: u128) -> bool {
        self.tables[Identities::table(identity)].contains(&identity)
    }

    fn insert(&mut self, identity: u128) -> bool {
        let is_new = self.tables[Identities::table(identity)].insert(identity);
        self.len += usize::from(is_new);
        is_new
    }

    fn capacity(&self) -> usize {
        self.tables.iter().map(HashSet::capacity).sum()
    }

    fn clear(&mut self) {
        self.tables.iter_mut().for_each(HashSet::clear);
        self.len = 0;
    }
}

impl Generations {
    /// A memory of at least the last `most` identities, and at most twice as many.
    pub fn of(most: usize) -> Self {
        Generations { most, young: Identities::default(), old: Identities::default() }
    }

    /// Whether the set has an identity.
    pub fn contains(&self, identity: u128) -> bool {
        self.young.contains(identity) || self.old.contains(identity)
    }

    /// Adds an identity, or renews one of the older generation; false when it was there already.
    pub fn insert(&mut self, identity: u128) -> bool {
        if self.young.len == self.most {
            self.turn();
        }
        self.young.insert(identity) && !self.old.contains(identity)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.young = Identities::default();
        self.old = Identities::default();
    }

    /// How many were remembered since the last turn.
    pub fn young(&self) -> usize {
        self.young.len
    }

    /// Drops the older generation where it takes much memory.
    pub fn forgo_old(&mut self) {
        if self.old.capacity() > LARGE {
            self.old = Identities::default();
        }
    }

    /// Drops the older generation, and makes the younger one the older.
    pub fn turn(&mut self) {
        std::mem::swap(&mut self.young, &mut self.old);
        self.young.clear();
    }
}

/// The hash of an identity: its own bits, since it is a hash already.
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
    use crate::event::Stream;

    /// As many as the log of delivered events keeps.
    const REMEMBERED: usize = 100_000;

    fn of_bytes(raw: &[u8]) -> u128 {
        of(&Event { stream: Stream::AuditEvents, raw, uuid: None, time: None })
    }

    #[test]
    fn three_full_memories_stay_under_eight_mebibytes() {
        let mut recent = RecentSet::with_capacity(REMEMBERED);
        for n in 0..(REMEMBERED as u128 + 10) {
            assert!(recent.insert(of_bytes(&n.to_le_bytes())));
        }
        assert_eq!(recent.len(), REMEMBERED);
        // Many more, until tombstones fill the index.
        for n in 0..10 * REMEMBERED as u128 {
            recent.insert(of_bytes(&n.to_be_bytes()));
        }
        let bytes = recent.ring.capacity() * 16 + recent.index.allocation_size();
        assert!(3 * bytes < 8 << 20, "{bytes} bytes each");
    }

    #[test]
    fn an_identity_is_of_stream_uuid_and_time_else_of_stream_and_bytes() {
        let (early, late) = (chrono::DateTime::from_timestamp(1, 2), chrono::DateTime::from_timestamp(2, 2));
        let long = [b'A'; 60];
        let mut seen = Vec::new();
        for stream in [Stream::ItemUsages, Stream::AuditEvents] {
            for uuid in [Some(&b"A"[..]), Some(&long[..52]), Some(&long)] {
                for time in [early, late, None] {
                    seen.push(of(&Event { stream, raw: b"{}", uuid, time }));
                }
            }
            for raw in [b"{1}", b"{2}"] {
                let known = [Some(&b""[..]), None].map(|uuid| of(&Event { stream, raw, uuid, time: early }));
                assert_eq!(known[0], known[1], "an empty uuid is none");
                seen.push(known[0]);
            }
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
        let event = |raw| Event { stream: Stream::ItemUsages, raw, uuid: Some(b"U"), time: early };
        assert_eq!(of(&event(b"{1}")), of(&event(b"{2}")), "the bytes of an event with a uuid do not matter");
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
        assert!((0..LARGE as u128 + 1).all(|n| known.insert(n)));
        known.turn();
        known.insert(1);
        known.forgo_old();
        assert!(known.contains(1) && !known.contains(2));
    }

    proptest! {
        #[test]
        fn it_remembers_exactly_the_last_ones(
            capacity in 1usize..40,
            // Few distinct values, half of them with equal hashes.
            inserts in prop::collection::vec((0u128..60).prop_map(|n| (n % 30) | (n / 30) << 64), 0..400),
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
