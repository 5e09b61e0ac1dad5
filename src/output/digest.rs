//! Digests of saved bytes, to recognise them again.
//!
//! SipHash-2-4 with 128 bits: detects accidental changes, not deliberate ones by somebody who can write the
//! files. The identity of events is defined in [`crate::identity`].

use std::fmt;
use std::hash::Hasher as _;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// A digest; in text, 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut running = RunningDigest::default();
        running.add(bytes);
        running.digest()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Digest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An incremental digest.
#[derive(Clone, Debug, Default)]
pub struct RunningDigest(SipHasher24);

impl RunningDigest {
    /// Adds bytes after those so far.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The digest of all bytes so far.
    pub fn digest(&self) -> Digest {
        Digest(self.0.finish128().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_pieces_or_at_once_is_the_same_and_text_reads_back() {
        let mut running = RunningDigest::default();
        running.add(b"ab");
        running.add(b"c");
        assert_eq!(running.digest(), Digest::of(b"abc"));
        assert_eq!(Digest::of(b"abc").to_string().parse(), Ok(Digest::of(b"abc")));
    }
}
