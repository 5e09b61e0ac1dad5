//! A problem of a saved position: kind, position and text.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::health::LastError;
use crate::sanitize;

/// One problem; its text is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusProblem {
    /// The profile, where one is known.
    pub profile: Option<String>,
    /// The consumer, where one is known.
    pub consumer: Option<String>,
    /// The stream, where it is about one.
    pub stream: Option<String>,
    /// What sort of problem.
    pub problem: ProblemKind,
    /// What is wrong, in words.
    pub message: String,
}

/// What sort of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// There is no saved position.
    Missing,
    /// The checkpoint cannot be used.
    Damaged,
    /// The managed file was moved away or removed.
    OutputMissing,
    /// The managed file does not hold what was delivered to it, or cannot be read.
    OutputChanged,
    /// The service has forgotten events that were not delivered (P11).
    Gap,
    /// The last thing that happened is a failure.
    Error,
    /// The collector was killed or crashed.
    Died,
    /// No answer, or no new position, for too long.
    Late,
}

impl ProblemKind {
    fn name(self) -> &'static str {
        match self {
            ProblemKind::Missing => "MISSING",
            ProblemKind::Damaged => "DAMAGED",
            ProblemKind::OutputMissing => "OUTPUT-MISSING",
            ProblemKind::OutputChanged => "OUTPUT-CHANGED",
            ProblemKind::Gap => "GAP",
            ProblemKind::Error => "ERROR",
            ProblemKind::Died => "DIED",
            ProblemKind::Late => "LATE",
        }
    }
}

impl fmt::Display for StatusProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem.name())?;
        for part in [&self.profile, &self.consumer, &self.stream].into_iter().flatten() {
            write!(f, " {}", sanitize::message(part))?;
        }
        write!(f, ": {}", sanitize::escaped(&self.message))
    }
}

/// Class, age and text of an error.
pub(super) fn error_text(error: &LastError, now: DateTime<Utc>) -> String {
    format!("{} {} ago: {}", error.class, short(now - error.at), error.message)
}

/// A length of time in its greatest unit: `12s`, `3m`, `2h`, `5d`.
pub(super) fn short(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
