//! The last identities of a stream, in bounded memory: a ring in order of arrival, and an index into it.

/// A memory of so many identities, the oldest of which gives way.
#[derive(Debug)]
pub(super) struct Recent {
    capacity: usize,
    ring: Vec<u128>,
    /// Where in the ring the oldest identity is, once the ring is full.
    oldest: usize,
    /// Places in the ring plus one, 0 for a free slot; open addressing, its length 0 or a power of two.
    index: Vec<u32>,
}

impl Recent {
    /// A memory of the last `capacity` identities, at least 1.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Recent { capacity: capacity.max(1), ring: Vec::new(), oldest: 0, index: Vec::new() }
    }

    /// Remembers an identity; false when it was remembered already.
    pub(super) fn insert(&mut self, identity: u128) -> bool {
        if self.contains(identity) {
            return false;
        }
        if self.ring.len() < self.capacity {
            self.grow();
            self.ring.push(identity);
            self.occupy(self.ring.len() - 1);
        } else {
            self.vacate(self.oldest);
            self.ring[self.oldest] = identity;
            self.occupy(self.oldest);
            self.oldest = (self.oldest + 1) % self.capacity;
        }
        true
    }

    /// Whether an identity is remembered.
    pub(super) fn contains(&self, identity: u128) -> bool {
        let mut slot = self.home(identity);
        loop {
            match self.index.get(slot) {
                None | Some(0) => return false,
                Some(place) if self.ring[*place as usize - 1] == identity => return true,
                Some(_) => slot = self.after(slot),
            }
        }
    }

    /// The slot where a search begins: an identity's own bits are as good as any hash of them.
    fn home(&self, identity: u128) -> usize {
        identity as usize & self.index.len().wrapping_sub(1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.index.len() - 1)
    }

    fn occupy(&mut self, place: usize) {
        let mut slot = self.home(self.ring[place]);
        while self.index[slot] != 0 {
            slot = self.after(slot);
        }
        self.index[slot] = place as u32 + 1;
    }

    /// Frees the slot of a place and moves up those that had to go around it.
    fn vacate(&mut self, place: usize) {
        let mut hole = self.home(self.ring[place]);
        while self.index[hole] != place as u32 + 1 {
            hole = self.after(hole);
        }
        let around = self.index.len() - 1;
        let mut slot = self.after(hole);
        while self.index[slot] != 0 {
            let home = self.home(self.ring[self.index[slot] as usize - 1]);
            // It may move only when the hole lies between its home and where it is.
            if (slot.wrapping_sub(home) & around) >= (slot.wrapping_sub(hole) & around) {
                self.index[hole] = self.index[slot];
                hole = slot;
            }
            slot = self.after(slot);
        }
        self.index[hole] = 0;
    }

    /// Makes room in the index for one more, keeping a quarter free.
    fn grow(&mut self) {
        if (self.ring.len() + 1) * 4 <= self.index.len() * 3 {
            return;
        }
        self.index = vec![0; (self.index.len() * 2).max(16)];
        // No more than the index can serve: doubling would take more than is ever used.
        let places = (self.index.len() * 3 / 4).min(self.capacity);
        self.ring.reserve_exact(places - self.ring.len());
        for place in 0..self.ring.len() {
            self.occupy(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seventy_thousand_take_less_than_two_mebibytes() {
        let mut recent = Recent::with_capacity(70_000);
        for n in 0..100_000u128 {
            // Identities are hashes: numbers in a row would all seek the same slots.
            assert!(recent.insert(n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)));
        }
        let bytes = recent.ring.capacity() * 16 + recent.index.capacity() * 4;
        assert!(bytes < 1_700_000, "{bytes} bytes");
    }

    proptest! {
        #[test]
        fn it_remembers_exactly_the_last(
            capacity in 1usize..40,
            // Few distinct values with equal low bits: long detours around each other.
            inserts in prop::collection::vec((0u128..60).prop_map(|n| n * 16), 0..400),
        ) {
            let mut recent = Recent::with_capacity(capacity);
            let mut model = VecDeque::new();
            for identity in inserts {
                let is_new = !model.contains(&identity);
                prop_assert_eq!(recent.insert(identity), is_new);
                if is_new {
                    model.push_back(identity);
                    if model.len() > capacity {
                        model.pop_front();
                    }
                }
                prop_assert!((0..60).map(|n| n * 16).all(|n| recent.contains(n) == model.contains(&n)));
            }
        }
    }
}
