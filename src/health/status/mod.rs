//! The status of every saved position and its problems, for `opev status`.
//!
//! ```text
//! consumers  checkpoints, health files and locks -> the state of each position
//! problems   these states -> problems
//! problem    the type of a problem
//! table      the report as a table for people
//! ```
//!
//! Only looks: no lock is taken that could keep a run out, nothing is written, nothing is sent.

mod consumers;
mod problem;
mod problems;
mod table;

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

pub use consumers::ConsumerStatus;
pub use problem::StatusProblem;
pub use table::table;

use crate::disk::Disk;
use crate::error::Result;
use crate::output::saved_state;

/// A state directory, and the profile to show of it; all profiles when none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLocation {
    /// The state directory.
    pub directory: PathBuf,
    /// The profile to show.
    pub profile: Option<String>,
}

/// Everything that is saved, at one moment; its JSON form is `opev status --json`.
#[derive(Debug, Serialize)]
pub struct StatusReport {
    /// The moment.
    pub time: DateTime<Utc>,
    /// Whether there is no problem.
    pub ok: bool,
    /// What is late or in error.
    pub problems: Vec<StatusProblem>,
    /// The saved positions.
    pub positions: Vec<ConsumerStatus>,
    /// Profiles that were named and have no position.
    pub without_position: Vec<String>,
}

impl StatusReport {
    /// Reads everything at these locations, the managed files too if it `verifies`; a fetch's position may be
    /// as old as `max_age`.
    ///
    /// # Errors
    /// Fails when a state directory cannot be read. A damaged checkpoint is a problem and no failure.
    pub fn read(
        disk: &dyn Disk,
        locations: &[StateLocation],
        max_age: TimeDelta,
        verifies: bool,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let (mut positions, mut without_position) = (Vec::new(), Vec::new());
        for StateLocation { directory, profile } in locations {
            let before = positions.len();
            for saved in saved_state::list(disk, directory)? {
                if profile.as_ref().is_none_or(|wanted| *wanted == saved.profile) {
                    positions.push(consumers::read(disk, directory, saved, verifies, now));
                }
            }
            if let Some(profile) = profile.as_ref().filter(|_| positions.len() == before) {
                without_position.push(profile.clone());
            }
        }
        let problems = problems::find(&positions, &without_position, max_age, now);
        Ok(StatusReport { time: now, ok: problems.is_empty(), problems, positions, without_position })
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
