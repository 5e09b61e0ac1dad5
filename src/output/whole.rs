//! A digest of a whole growing file that can be resumed after a restart without reading the file: a chain over
//! its blocks of 64 KiB, and the digest of the last, incomplete block.

use std::io;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, RunningDigest};
use crate::disk::{self, File};

/// The length of a block.
const BLOCK: usize = 64 << 10;

/// What a file of a certain length holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeMark {
    /// The chain over the whole blocks.
    pub chain: Digest,
    /// The digest of the bytes after them.
    pub rest: Digest,
}

/// The digest of a file as it grows.
#[derive(Clone, Debug)]
pub struct WholeDigest {
    chain: Digest,
    rest: RunningDigest,
    filled: usize,
}

impl Default for WholeDigest {
    fn default() -> Self {
        WholeDigest { chain: Digest::of(b""), rest: RunningDigest::default(), filled: 0 }
    }
}

impl WholeDigest {
    /// Adds bytes at the end.
    pub fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.rest.add(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                let block = self.rest.digest();
                let both = [self.chain.0.to_le_bytes(), block.0.to_le_bytes()].concat();
                *self = WholeDigest { chain: Digest::of(&both), ..WholeDigest::default() };
            }
            bytes = rest;
        }
    }

    /// The values to save.
    pub fn mark(&self) -> WholeMark {
        WholeMark { chain: self.chain, rest: self.rest.digest() }
    }

    /// The digest of the first `length` bytes of a file.
    ///
    /// # Errors
    /// Fails when they cannot be read.
    pub fn of(file: &dyn File, length: u64) -> io::Result<Self> {
        let (mut whole, mut at) = (WholeDigest::default(), 0);
        while at < length {
            let wanted = usize::try_from(length - at).map_or(BLOCK, |rest| rest.min(BLOCK));
            let bytes = disk::read_range(file, at, wanted)?;
            if bytes.is_empty() {
                break;
            }
            whole.add(&bytes);
            at += bytes.len() as u64;
        }
        Ok(whole)
    }

    /// Resumes a saved digest of `length` bytes; none when the last, incomplete block of the file differs.
    ///
    /// # Errors
    /// Fails when that block cannot be read.
    pub fn resume(mark: &WholeMark, file: &dyn File, length: u64) -> io::Result<Option<Self>> {
        let filled = (length % BLOCK as u64) as usize;
        let bytes = disk::read_range(file, length - filled as u64, filled)?;
        let mut whole = WholeDigest { chain: mark.chain, ..WholeDigest::default() };
        whole.add(&bytes);
        Ok((whole.mark() == *mark).then_some(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk as _, Open, RealDisk, append_all};

    #[test]
    fn in_pieces_at_once_and_taken_up_again_it_is_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let mut file = RealDisk.open(&path, Open::Append { mode: 0o600 }).unwrap();
        let bytes: Vec<u8> = (0..3 * BLOCK + 777).map(|n| (n % 251) as u8).collect();
        let mut whole = WholeDigest::default();
        for piece in bytes.chunks(50_001) {
            append_all(&mut *file, piece).unwrap();
            whole.add(piece);
            let length = file.metadata().unwrap().length;
            assert_eq!(WholeDigest::of(&*file, length).unwrap().mark(), whole.mark());
            let again = WholeDigest::resume(&whole.mark(), &*file, length).unwrap().unwrap();
            assert_eq!(again.mark(), whole.mark());
        }
        let shorter = WholeDigest::of(&*file, bytes.len() as u64 - 1).unwrap().mark();
        assert!(WholeDigest::resume(&shorter, &*file, bytes.len() as u64).unwrap().is_none());
    }
}
