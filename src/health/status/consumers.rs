//! What is known of each saved position: checkpoint, health file and lock, read once and put together.
//!
//! Only looks: takes no lock that could keep a run out, and writes nothing.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::disk::Disk;
use crate::event::Stream;
use crate::health::{self, CollectorState, Health, LastError, RunMode};
use crate::output::CheckpointDir;
use crate::output::checkpoint::lock::{self, Holder};
use crate::output::checkpoint::record::{Checkpoint, OutputMark, StreamPosition};
use crate::output::gap::RETENTION;
use crate::output::saved_state::{self, SavedPosition, Verified};

/// The state of one saved position, which belongs to a profile and a consumer.
#[derive(Debug, Serialize)]
pub struct ConsumerStatus {
    /// The profile's name.
    pub profile: String,
    /// A path or a name; else the key.
    pub consumer: String,
    /// The name of its directory.
    pub key: String,
    /// What sort of run wrote the health file.
    pub work: Option<RunMode>,
    /// Whether a run holds the lock.
    pub running: bool,
    /// Who holds it, where that is known.
    pub holder: Option<Holder>,
    /// Why the checkpoint cannot be used.
    pub damage: Option<String>,
    /// Why the last run could not even begin.
    pub blocked: Option<LastError>,
    /// The server that gave the position.
    pub host: Option<String>,
    /// The account's uuid.
    pub account: Option<String>,
    /// The managed file's path.
    pub output: Option<String>,
    /// Whether that file has delivered events and is no longer at its path.
    pub output_missing: bool,
    /// How that file compares with what was delivered to it; none where it was not read.
    pub output_verified: Option<Verified>,
    /// Why that file could not be read.
    pub output_unreadable: Option<String>,
    /// When the position was saved last.
    pub saved_at: Option<DateTime<Utc>>,
    /// The state of each stream, in output order.
    pub streams: Vec<StreamStatus>,
}

/// The state of one stream of a saved position.
#[derive(Debug, Default, Serialize)]
pub struct StreamStatus {
    /// The stream's name.
    pub stream: String,
    /// The state of its collector; none if no collector recorded one.
    pub state: Option<CollectorState>,
    /// Whether its collector was killed or crashed.
    pub died: bool,
    /// Since when it is in this state.
    pub since: Option<DateTime<Utc>>,
    /// Up to when everything was delivered.
    pub reached: Option<DateTime<Utc>>,
    /// How long ago that is.
    pub position_age_seconds: Option<i64>,
    /// Whether the last answer was caught up.
    pub caught_up: Option<bool>,
    /// The time of the newest delivered event.
    pub newest_event: Option<DateTime<Utc>>,
    /// Events delivered over all runs.
    pub delivered: Option<u64>,
    /// Events that came again and were dropped.
    pub repeats: Option<u64>,
    /// Events read in the last 24 hours.
    pub events_24h: Option<u64>,
    /// Events read in the last 7 days.
    pub events_7d: Option<u64>,
    /// When it was last polled.
    pub last_poll: Option<DateTime<Utc>>,
    /// When the service last answered.
    pub last_good_poll: Option<DateTime<Utc>>,
    /// The last failure, kept when it has passed.
    pub last_error: Option<LastError>,
    /// The interval in force, of a stream that is followed.
    pub interval_seconds: Option<f64>,
    /// How long the service still has the events after the position; below 0 there is a gap.
    pub retention_days_left: Option<i64>,
    /// When the run started that recorded this.
    #[serde(skip)]
    pub started_at: Option<DateTime<Utc>>,
}

/// The status of one saved position.
pub(super) fn read(
    disk: &dyn Disk,
    directory: &Path,
    saved: SavedPosition,
    verifies: bool,
    now: DateTime<Utc>,
) -> ConsumerStatus {
    let place = CheckpointDir::at(directory, &saved.profile, &saved.key);
    let health = health::read(disk, &place);
    // The run may have begun between the two looks.
    let holder = saved.holder.or_else(|| lock::holder(disk, &place.file("lock")));
    let (record, damage) = match saved.record {
        Ok(record) => (record, None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let consumer = record.as_ref().map(|record| &record.consumer);
    let output = record.as_ref().and_then(|record| record.output.as_ref());
    let verified = output.filter(|_| verifies).map(|output| saved_state::verify(disk, output)).transpose();
    let consumer = consumer.or(health.as_ref().map(|health| &health.consumer)).unwrap_or(&saved.key);
    ConsumerStatus {
        consumer: consumer.clone(),
        work: health.as_ref().map(|health| health.work),
        running: holder.is_some(),
        damage,
        blocked: health.as_ref().and_then(|health| health.blocked.clone()),
        host: record.as_ref().map(|record| record.terms.host.clone()),
        account: record.as_ref().and_then(|record| record.terms.account.clone()),
        output: output.map(|output| output.path.clone()),
        output_missing: output.is_some_and(|output| is_missing(disk, output)),
        output_unreadable: verified.as_ref().err().map(ToString::to_string),
        output_verified: verified.unwrap_or_default(),
        saved_at: record.as_ref().map(|record| record.updated_at),
        streams: streams(record.as_ref(), health.as_ref(), holder.as_ref(), now),
        holder: holder.flatten(),
        profile: saved.profile,
        key: saved.key,
    }
}

/// Whether a file that holds delivered events is gone from its path.
fn is_missing(disk: &dyn Disk, output: &OutputMark) -> bool {
    // A file without events is made again by the next run, and nothing is lost with it.
    output.length > 0
        && disk.metadata(Path::new(&output.path)).is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
}

/// Every stream that the checkpoint or the health file knows, in output order.
fn streams(
    record: Option<&Checkpoint>,
    health: Option<&Health>,
    holder: Option<&Option<Holder>>,
    now: DateTime<Utc>,
) -> Vec<StreamStatus> {
    let of = |stream: Stream| {
        let position = record.and_then(|record| record.position(stream));
        let said = health.filter(|health| health.stream(stream).is_some());
        if position.is_none() && said.is_none() {
            return None;
        }
        let mut status = StreamStatus { stream: stream.name().to_owned(), ..StreamStatus::default() };
        if let Some(position) = position {
            status.apply_position(position, now);
        }
        if let Some(health) = said {
            status.apply_health(health, stream, holder, now);
        }
        Some(status)
    };
    Stream::ALL.into_iter().filter_map(of).collect()
}

impl StreamStatus {
    /// Adds the values of the checkpoint.
    fn apply_position(&mut self, position: &StreamPosition, now: DateTime<Utc>) {
        self.reached = position.reached();
        self.position_age_seconds = self.reached.map(|then| (now - then).num_seconds().max(0));
        self.caught_up = Some(position.caught_up);
        self.newest_event = position.newest;
        self.delivered = Some(position.delivered);
        self.repeats = Some(position.repeats);
        self.retention_days_left = self.reached.map(|then| days(then + RETENTION - now));
    }

    /// Adds the health of the collector, and whether it still runs.
    fn apply_health(
        &mut self,
        health: &Health,
        stream: Stream,
        holder: Option<&Option<Holder>>,
        now: DateTime<Utc>,
    ) {
        let Some(said) = health.stream(stream) else { return };
        (self.state, self.since) = (Some(said.state), said.since);
        self.events_24h = Some(said.events_in(24, now));
        self.events_7d = Some(said.events_in(7 * 24, now));
        (self.last_poll, self.last_good_poll) = (said.last_poll, said.last_good_poll);
        self.last_error.clone_from(&said.last_error);
        self.interval_seconds = said.interval().map(|interval| interval.as_secs_f64());
        self.started_at = Some(health.started_at);
        match holder {
            // The kernel released the lock, and the run did not record its end.
            None if !matches!(said.state, CollectorState::Stopping | CollectorState::Error) => {
                (self.state, self.died) = (Some(CollectorState::Error), true);
            }
            // Another run has the lock than the one that wrote this.
            Some(Some(holder)) if holder.pid != health.pid => {
                (self.state, self.since) = (Some(CollectorState::Started), Some(holder.since));
            }
            _ => {}
        }
    }

    /// The interval in force, of a stream that is followed.
    pub(super) fn interval(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.interval_seconds?).ok()
    }

    /// Whether the last thing that its collector said is a failure.
    pub(super) fn is_failing(&self) -> bool {
        self.state == Some(CollectorState::Error) && !self.died
    }

    /// The latest moment of which it is known that nothing was missing then.
    pub(super) fn fresh_at(&self) -> Option<DateTime<Utc>> {
        // The time of a caught-up answer is saved seldom when nothing comes; the health file has the last.
        let polled = self.last_good_poll.filter(|_| self.caught_up == Some(true));
        self.reached.max(polled)
    }
}

/// Whole days, rounded down.
fn days(length: TimeDelta) -> i64 {
    length.num_seconds().div_euclid(86_400)
}
