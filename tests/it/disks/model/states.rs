//! The states in which a power failure can leave a modelled disk: all of them where they are few, else a
//! seeded sample that always holds the two extremes.

use std::collections::BTreeSet;

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

use super::{Change, ModelDisk, Names, Node, State};

/// What a power failure does to one pending change of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Lost,
    Kept,
    /// The file got its new length, but not its new bytes.
    Zeros,
}

impl ModelDisk {
    /// The distinct states after a power failure at this moment: all when there are at most `limit`
    /// combinations, else that many drawn with `seed`.
    pub fn crash_states(&self, limit: u64, seed: u64) -> Vec<ModelDisk> {
        let state = self.state().bare();
        let choices = state.choices();
        let combinations = choices.iter().try_fold(1u64, |product, n| product.checked_mul(*n));
        let picks: Vec<Vec<u64>> = match combinations {
            Some(all) if all <= limit => (0..all).map(|nth| digits(nth, &choices)).collect(),
            _ => sample(&choices, limit, seed),
        };
        let mut seen = BTreeSet::new();
        picks
            .iter()
            .map(|pick| state.after_power_failure(pick))
            .filter(|after| seen.insert(after.fingerprint()))
            .map(ModelDisk::from)
            .collect()
    }
}

/// The digits of `nth` in a number system with these bases.
fn digits(mut nth: u64, bases: &[u64]) -> Vec<u64> {
    bases
        .iter()
        .map(|base| {
            let digit = nth % base;
            nth /= base;
            digit
        })
        .collect()
}

fn sample(choices: &[u64], limit: u64, seed: u64) -> Vec<Vec<u64>> {
    let nothing = choices.iter().map(|_| 0).collect();
    // Kept is the second outcome of a write, and the last of a directory's prefixes.
    let everything = choices.iter().map(|n| if *n == 3 { 1 } else { n - 1 }).collect();
    let mut picks = vec![nothing, everything];
    for draw in 2..limit.max(2) {
        picks.push(choices.iter().zip(0u64..).map(|(n, at)| mix(seed, draw, at) % n).collect());
    }
    picks
}

fn mix(seed: u64, draw: u64, at: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, draw);
    hasher.write_u64(at);
    hasher.finish()
}

impl State {
    /// How many ways there are for each uncertain thing to come out, in the order of the inodes.
    fn choices(&self) -> Vec<u64> {
        let mut choices = Vec::new();
        for node in self.nodes.values() {
            match node {
                Node::File(content) => {
                    let mut length = content.durable.len();
                    for change in &content.pending {
                        let end = change.end();
                        let lengthens = matches!(change, Change::Write { .. }) && end > length;
                        choices.push(if lengthens { 3 } else { 2 });
                        length =
                            if lengthens || matches!(change, Change::Truncate(_)) { end } else { length };
                    }
                }
                Node::Directory(names) => choices.push(names.pending.len() as u64 + 1),
            }
        }
        choices
    }

    fn after_power_failure(&self, pick: &[u64]) -> State {
        let mut state = self.clone();
        state.boots += 1;
        let mut picks = pick.iter().copied();
        for node in state.nodes.values_mut() {
            match node {
                Node::File(content) => {
                    for change in std::mem::take(&mut content.pending) {
                        let outcome = match picks.next() {
                            Some(1) => Outcome::Kept,
                            Some(2) => Outcome::Zeros,
                            _ => Outcome::Lost,
                        };
                        change.survive(outcome, &mut content.durable);
                    }
                    content.current = content.durable.clone();
                }
                Node::Directory(names) => names.survive(picks.next().unwrap_or(0)),
            }
        }
        state
    }

    /// A digest of everything that can be reached from the root.
    fn fingerprint(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        let mut rest = vec![super::ROOT];
        while let Some(inode) = rest.pop() {
            hasher.write_u64(inode);
            match self.nodes.get(&inode) {
                Some(Node::File(content)) => hasher.write(&content.current),
                Some(Node::Directory(names)) => {
                    for (name, inode) in &names.current {
                        hasher.write(name.as_encoded_bytes());
                        rest.push(*inode);
                    }
                }
                None => {}
            }
        }
        hasher.finish()
    }
}

impl Change {
    fn end(&self) -> usize {
        match self {
            Change::Write { offset, bytes } => offset + bytes.len(),
            Change::Truncate(length) => *length,
        }
    }

    fn survive(&self, outcome: Outcome, durable: &mut Vec<u8>) {
        match outcome {
            Outcome::Lost => {}
            Outcome::Kept => self.apply(durable),
            Outcome::Zeros => {
                if durable.len() < self.end() {
                    durable.resize(self.end(), 0);
                }
            }
        }
    }
}

impl Names {
    /// Keeps the first `kept` of the pending changes.
    fn survive(&mut self, kept: u64) {
        for (change, nth) in std::mem::take(&mut self.pending).iter().zip(0u64..) {
            if nth < kept {
                change.apply(&mut self.durable);
            }
        }
        self.current = self.durable.clone();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::{Disk as _, Open};
    use super::*;

    fn contents(disk: &ModelDisk, limit: u64) -> BTreeSet<Option<Vec<u8>>> {
        disk.crash_states(limit, 1).iter().map(|state| state.contents(Path::new("/f"))).collect()
    }

    #[test]
    fn an_unsynced_write_may_be_there_in_part_or_as_zeros_or_not_at_all() {
        let disk = ModelDisk::new();
        let mut file = disk.open(Path::new("/f"), Open::Append { mode: 0o600 }).unwrap();
        assert_eq!(contents(&disk, 100), BTreeSet::from([None, Some(vec![])]));
        disk.sync_dir(Path::new("/")).unwrap();
        file.append(b"abc").unwrap();
        let states = contents(&disk, 100);
        for expected in [&b""[..], b"abc", b"a", b"\0\0c", b"\0b", b"ab\0", b"\0\0\0"] {
            assert!(states.contains(&Some(expected.to_vec())), "{expected:?}");
        }
        file.sync_data().unwrap();
        assert_eq!(contents(&disk, 100), BTreeSet::from([Some(b"abc".to_vec())]));
    }

    #[test]
    fn names_survive_as_a_prefix_of_their_changes() {
        let disk = ModelDisk::new();
        for name in ["/f", "/g"] {
            let mut file = disk.open(Path::new(name), Open::Append { mode: 0o600 }).unwrap();
            file.append(name.as_bytes()).unwrap();
            file.sync_data().unwrap();
        }
        disk.sync_dir(Path::new("/")).unwrap();
        disk.rename(Path::new("/g"), Path::new("/f")).unwrap();
        assert_eq!(contents(&disk, 100), BTreeSet::from([Some(b"/f".to_vec()), Some(b"/g".to_vec())]));
        assert_eq!(disk.contents(Path::new("/f")).unwrap(), b"/g");
    }

    #[test]
    fn a_sample_holds_both_extremes() {
        let disk = ModelDisk::new();
        let mut file = disk.open(Path::new("/f"), Open::Append { mode: 0o600 }).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        for _ in 0..20 {
            file.append(b"xyz").unwrap();
        }
        let states = contents(&disk, 10);
        assert!(states.contains(&Some(vec![])) && states.contains(&Some(b"xyz".repeat(20))));
    }
}
