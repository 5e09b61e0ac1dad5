//! The feed of `--health-file`: one JSON object per line at each change, for monitors of a collector.
//!
//! ```text
//! {"time":"...","event":"Failure","state":"Error","profile":"default","consumer":"stdout",
//!  "stream":"auditevents","class":"ThirdPartyGeneric","kind":"network","reason":"..."}
//! ```
//!
//! `state` has the names of Sumo Logic's collectors. `class`, `kind` and `reason` are null without a
//! failure. Lines are written by a separate thread: a FIFO without a reader delays nothing (P9).
//! Lines that find no room, or cannot be written, are counted, and the next line that can be written is
//! preceded by `{"time":"...","event":"Dropped","lines":12}`. It never stops a run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use crate::console::{BackgroundQueue, Console, QueueWorker};
use crate::disk::{self, Disk, File, FileKind, Open};
use crate::error::{Error, ErrorKind, Result};
use crate::output::shown;
use crate::sanitize;

/// How many lines may wait for a reader: hours of changes of many streams.
const CAPACITY: usize = 1024;

/// How long the end of a run waits for lines that are not written yet.
const PATIENCE_AT_END: Duration = Duration::from_millis(500);

/// Where the lines go; clones share it.
#[derive(Clone, Debug)]
pub struct HealthFeed(Arc<FeedTarget>);

#[derive(Debug)]
enum FeedTarget {
    Nowhere,
    Console(Console),
    Queue(BackgroundQueue<FeedLine>),
}

/// A finished line and its time.
#[derive(Debug)]
struct FeedLine {
    time: String,
    json: String,
}

/// A change of a collector's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum HealthChange {
    /// A stream came to another state.
    StateChange,
    /// A stream failed, or fails differently than before.
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
        HealthFeed(Arc::new(FeedTarget::Nowhere))
    }

    /// A feed to standard error.
    pub fn console(console: &Console) -> Self {
        HealthFeed(Arc::new(FeedTarget::Console(console.clone())))
    }

    /// A feed to what `--health-file` names: `-` is standard error, a FIFO or device (`/dev/fd/3`) is
    /// written as it is, and a file is appended to. Does not wait for a FIFO's reader.
    ///
    /// # Errors
    /// Fails with `Output` when a file cannot be opened, or no thread be started.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, console: &Console) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(HealthFeed::console(console));
        }
        let cannot_open = |e: io::Error| {
            Error::new(ErrorKind::Output, format!("cannot open the health file {}", shown(path)))
                .because(e)
                .hint("name a file that this user can write, or - for standard error")
        };
        let is_stream = disk.metadata(path).is_ok_and(|found| found.kind == FileKind::Other);
        let how = if is_stream { Open::Stream } else { Open::Append { mode: 0o600 } };
        // A FIFO's open waits for its reader, so that is the thread's.
        let file = if is_stream { None } else { Some(disk.open(path, how).map_err(cannot_open)?) };
        let worker = FeedWorker {
            disk,
            path: path.to_owned(),
            how,
            file,
            lost: 0,
            is_failing: false,
            is_line_begun: false,
        };
        let queue = BackgroundQueue::start("health", CAPACITY, worker).map_err(cannot_open)?;
        Ok(HealthFeed(Arc::new(FeedTarget::Queue(queue))))
    }

    /// Writes a line, sooner or later.
    pub(super) fn write(&self, line: &HealthLine<'_>) {
        match &*self.0 {
            FeedTarget::Nowhere => {}
            FeedTarget::Console(console) => console.say(&harmless(line)),
            FeedTarget::Queue(queue) => {
                queue.push(FeedLine { time: line.time.clone(), json: harmless(line) });
            }
        }
    }

    /// Waits at the end of a run until all lines are written, but for a reader no longer than half a second. A reader of
    /// pages may still have a clone while its request is under way: the last one is not dropped before the process ends.
    pub fn finish(&self) {
        self.flush(PATIENCE_AT_END);
    }

    /// Waits until all lines are written, but not longer than `patience`; true when they are.
    pub fn flush(&self, patience: Duration) -> bool {
        match &*self.0 {
            FeedTarget::Queue(queue) => queue.flush(patience),
            FeedTarget::Nowhere | FeedTarget::Console(_) => true,
        }
    }
}

/// Writes the lines.
struct FeedWorker {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    how: Open,
    file: Option<Box<dyn File>>,
    /// How many lines were not written since the last one that was.
    lost: u64,
    /// Whether the last line could not be written.
    is_failing: bool,
    /// Whether a part of a line was written, and not its end.
    is_line_begun: bool,
}

impl QueueWorker for FeedWorker {
    type Item = FeedLine;

    fn handle(&mut self, line: FeedLine, dropped: u64) {
        self.lost += dropped;
        match self.write(&line) {
            Ok(()) => {
                if std::mem::take(&mut self.is_failing) {
                    log::warn!("the health file {} can be written again", shown(&self.path));
                }
                self.lost = 0;
            }
            Err(e) => {
                self.lost += 1;
                // Opened again for the next line: a FIFO gets another reader, a full disk gets room.
                self.file = None;
                if !std::mem::replace(&mut self.is_failing, true) {
                    let path = shown(&self.path);
                    log::warn!("cannot write the health file {path}: {e}; trying again with the next change");
                }
            }
        }
    }
}

impl FeedWorker {
    fn write(&mut self, line: &FeedLine) -> io::Result<()> {
        let mut text = String::new();
        if self.is_line_begun {
            text.push('\n');
        }
        if self.lost > 0 {
            let dropped = json!({ "time": line.time, "event": "Dropped", "lines": self.lost });
            text += &format!("{dropped}\n");
        }
        text += &line.json;
        text.push('\n');
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(self.disk.open(&self.path, self.how)?),
        };
        self.is_line_begun = true;
        disk::append_all(&mut **file, text.as_bytes())?;
        self.is_line_begun = false;
        Ok(())
    }
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
