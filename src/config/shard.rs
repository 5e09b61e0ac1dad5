//! Which profiles belong to one of several runs that share them.
//!
//! By rendezvous hashing: each part has a weight for each name, and the heaviest has the profile. A part that
//! joins takes profiles from the others and moves none between them.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::Environment;
use crate::cli::profiles::Shard;
use crate::error::{Error, ErrorKind, Result};

/// Where Kubernetes says which pod of an Indexed Job this is, counted from 0.
const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

/// The part that a profile belongs to, counted from 1.
fn part_of(name: &str, count: u32) -> u32 {
    let weight = |part: u32| {
        let mut hasher = SipHasher24::new_with_keys(u64::from(part), 0);
        hasher.write(name.as_bytes());
        hasher.finish()
    };
    (1..=count).max_by_key(|part| weight(*part)).unwrap_or(1)
}

/// Whether a profile belongs to a run, for all profiles by name.
///
/// # Errors
/// Fails with `Config` where the job's index is wanted and missing, or is not one of the parts.
pub(super) fn owner(shard: Option<Shard>, environment: &Environment) -> Result<impl Fn(&str) -> bool> {
    let own = match shard {
        None => None,
        Some(Shard { number: Some(number), count }) => Some((number, count)),
        Some(Shard { number: None, count }) => {
            let fail = |why: String| {
                Error::new(ErrorKind::Config, format!("--shard job/{count}: {why}")).hint(
                    "run it in a Kubernetes Indexed Job with this many completions, or name the part: 1/3",
                )
            };
            let index = environment.text(JOB_INDEX).ok_or_else(|| fail(format!("{JOB_INDEX} is not set")))?;
            let number = index.parse().ok().and_then(|index: u32| index.checked_add(1));
            match number.filter(|number| *number <= count) {
                Some(number) => Some((number, count)),
                None => return Err(fail(format!("{JOB_INDEX} is not a number from 0 to {}", count - 1))),
            }
        }
    };
    Ok(move |name: &str| own.is_none_or(|(number, count)| part_of(name, count) == number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> impl Iterator<Item = String> {
        (0..3_000).map(|n| format!("account-{n}"))
    }

    #[test]
    fn a_profile_moves_only_to_the_part_that_joins() {
        for count in 1..20 {
            for name in names() {
                let (before, after) = (part_of(&name, count), part_of(&name, count + 1));
                assert!(before == after || after == count + 1, "{name}: {before} of {count} to {after}");
            }
        }
    }

    #[test]
    fn parts_are_of_about_the_same_size() {
        for count in [2, 6, 30] {
            let mut sizes = vec![0; count as usize];
            names().for_each(|name| sizes[part_of(&name, count) as usize - 1] += 1);
            let fair = 3_000 / count;
            assert!(sizes.iter().all(|size| *size > fair / 2 && *size < fair * 2), "{sizes:?}");
        }
    }

    #[test]
    fn the_assignment_is_part_of_the_interface() {
        // Machines of different versions share profiles: it must never change.
        let parts: Vec<u32> =
            ["acme", "subsidiary", "default", "emea", "x"].map(|name| part_of(name, 6)).into();
        assert_eq!(parts, [4, 5, 4, 4, 5]);
    }
}
