//! The feed of `--health-file`: one JSON object a line at each change, for whoever watches a collector.
//!
//! ```text
//! {"time":"...","event":"Failure","state":"Error","profile":"default","consumer":"stdout",
//!  "stream":"auditevents","class":"ThirdPartyGeneric","kind":"network","reason":"..."}
//! ```
//!
//! `state` has the names of Sumo Logic's collectors. `class`, `kind` and `reason` are null without a
//! failure. A feed that cannot be written is said once and given up; it never stops a run.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::console::Console;
use crate::disk::{self, Disk, File, FileKind, Open};
use crate::error::{Error, ErrorKind, Result};
use crate::output::shown;
use crate::sanitize;

/// Where the lines go; clones share it.
#[derive(Clone, Debug)]
pub struct HealthFeed(Arc<Mutex<FeedTarget>>);

#[derive(Debug)]
enum FeedTarget {
    Nowhere,
    Console(Console),
    File(Box<dyn File>),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum HealthChange {
    /// A stream came to another state.
    StateChange,
    /// A stream failed, or fails in another way than before.
    Failure,
    /// A stream that failed works again.
    Recovery,
    /// A stream waits longer or shorter between polls.
    IntervalChange,
}

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct HealthLine<'a> {
    pub time: String,
    pub event: HealthChange,
    pub state: &'static str,
    pub profile: &'a str,
    pub consumer: &'a str,
    pub stream: &'static str,
    pub class: Option<&'static str>,
    pub kind: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub interval_seconds: Option<f64>,
}

impl HealthFeed {
    /// No feed.
    pub fn nowhere() -> Self {
        HealthFeed::to(FeedTarget::Nowhere)
    }

    /// A feed to standard error.
    pub fn console(console: &Console) -> Self {
        HealthFeed::to(FeedTarget::Console(console.clone()))
    }

    /// A feed to what `--health-file` names: `-` is standard error, a FIFO or device (`/dev/fd/3`) is
    /// written as it is, and a file is appended to.
    ///
    /// # Errors
    /// Fails with `Output` when it cannot be opened.
    pub fn open(disk: &dyn Disk, path: &Path, console: &Console) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(HealthFeed::console(console));
        }
        let is_stream = disk.metadata(path).is_ok_and(|found| found.kind == FileKind::Other);
        let how = if is_stream { Open::Stream } else { Open::Append { mode: 0o600 } };
        let file = disk.open(path, how).map_err(|e| {
            Error::new(ErrorKind::Output, format!("cannot open the health file {}", shown(path)))
                .because(e)
                .hint("name a file that this user can write, or - for standard error")
        })?;
        Ok(HealthFeed::to(FeedTarget::File(file)))
    }

    fn to(outlet: FeedTarget) -> Self {
        HealthFeed(Arc::new(Mutex::new(outlet)))
    }

    /// Writes a line.
    pub(super) fn write(&self, line: &HealthLine<'_>) {
        let mut outlet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *outlet {
            FeedTarget::Nowhere => return,
            FeedTarget::Console(console) => {
                console.say(&harmless(line));
                Ok(())
            }
            FeedTarget::File(file) => disk::append_all(&mut **file, (harmless(line) + "\n").as_bytes()),
        };
        if let Err(e) = written {
            give_up(&mut outlet, &e);
        }
    }
}

fn give_up(outlet: &mut FeedTarget, error: &io::Error) {
    *outlet = FeedTarget::Nowhere;
    log::warn!("the health file cannot be written and is given up: {error}");
}

/// The line as JSON in which no character can harm a terminal.
fn harmless(line: &impl Serialize) -> String {
    let json = serde_json::to_string(line).unwrap_or_else(|_| "{}".into());
    sanitize::json_for_terminal(&json).into_owned()
}

/// A time as the feed writes it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
