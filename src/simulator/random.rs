//! Chance that is no chance: numbers and identifiers that follow from a seed alone.
//!
//! The same parts give the same throws in every process and on every machine; nothing here may depend on
//! the time, on addresses or on the order of calls elsewhere.

/// A small generator (splitmix64), seeded by what it decides about.
#[derive(Clone, Debug)]
pub(super) struct SeededRandom(u64);

impl SeededRandom {
    /// Random numbers that are decided by with these parts: a seed, a purpose, a number.
    pub(super) fn new(parts: &[u64]) -> Self {
        SeededRandom(parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| mix(state ^ mix(*part))))
    }

    /// The next throw.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `limit` - 1; 0 for a limit of 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // The high half of the product: even enough for small limits, and without a division.
        ((u128::from(self.roll()) * u128::from(limit)) >> 64) as u64
    }

    /// True in this many of a thousand throws.
    pub(super) fn in_thousand(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    /// One of these, each as likely as the others.
    ///
    /// # Panics
    /// Panics when there is none.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// An identifier in 1Password's upper-case form.
    pub(super) fn id(&mut self) -> Id {
        Id::of(self.roll(), self.roll(), UPPER)
    }

    /// An identifier in the lower-case form that vaults, items, devices and groups have.
    pub(super) fn lower_id(&mut self) -> Id {
        Id::of(self.roll(), self.roll(), LOWER)
    }
}

const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The finalizer of splitmix64: every bit of the input moves every bit of the output.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A 26-character identifier as 1Password writes them (base32, 128 bits).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id([u8; 26]);

impl Id {
    fn of(high: u64, low: u64, alphabet: &[u8; 32]) -> Self {
        let mut bits = u128::from(high) << 64 | u128::from(low);
        Id(std::array::from_fn(|_| {
            let letter = alphabet[(bits & 31) as usize];
            bits >>= 5;
            letter
        }))
    }

    /// The identifier's text.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_throws_for_ever() {
        // Literal values: a change here would change every event of every seed.
        let mut random = SeededRandom::new(&[1, 2, 3]);
        let again = SeededRandom::new(&[1, 2, 3]).roll();
        assert_eq!(random.roll(), again);
        assert_ne!(SeededRandom::new(&[1, 3, 2]).roll(), again);
        assert_eq!(SeededRandom::new(&[7]).id().as_str().len(), 26);
        assert_eq!(
            SeededRandom::new(&[7]).lower_id().to_string(),
            SeededRandom::new(&[7]).id().to_string().to_lowercase()
        );
    }

    #[test]
    fn throws_stay_below_their_limit_and_reach_all_of_it() {
        let mut random = SeededRandom::new(&[42]);
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[random.below(6) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(random.below(0), 0);
    }
}
