//! What there is to say of each saved position: checkpoint, health file and lock, read once and put
//! together. Its JSON form is `opev status --json`.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::StateLocation;
use super::problems::StatusProblem;
use crate::disk::Disk;
use crate::error::Result;
use crate::event::Stream;
use crate::health::{self, CollectorState, Health, LastError, RunMode};
use crate::output::CheckpointDir;
use crate::output::checkpoint::lock::{self, Holder};
use crate::output::checkpoint::record::{Checkpoint, StreamPosition};
use crate::output::gap::RETENTION;
use crate::output::saved_state::{self, SavedPosition};

/// Everything that is saved, at one moment.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    /// The moment.
    pub time: DateTime<Utc>,
    /// Whether there is no problem.
    pub ok: bool,
    /// What is late or in error.
    pub problems: Vec<StatusProblem>,
    /// The saved positions.
    pub positions: Vec<ConsumerStatus>,
    /// Profiles that were asked for and have none.
    pub without_position: Vec<String>,
}

/// Where one (profile, consumer) stands.
#[derive(Debug, Serialize)]
pub(super) struct ConsumerStatus {
    pub profile: String,
    /// A path or a name; the key, where nothing else is known.
    pub consumer: String,
    /// The name of its directory.
    pub key: String,
    /// What sort of run was here last.
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
    pub account: Option<String>,
    /// When the position was saved last.
    pub saved_at: Option<DateTime<Utc>>,
    pub streams: Vec<StreamStatus>,
}

/// Where one stream stands.
#[derive(Debug, Default, Serialize)]
pub(super) struct StreamStatus {
    pub stream: String,
    /// How far its collector has come; none when none ever said so.
    pub state: Option<CollectorState>,
    /// Whether its collector ended without a word.
    pub died: bool,
    /// Since when it is in this state.
    pub since: Option<DateTime<Utc>>,
    /// Up to when everything was delivered.
    pub reached: Option<DateTime<Utc>>,
    /// How long ago that is.
    pub position_age_seconds: Option<i64>,
    /// Whether the service had no more when it was asked last.
    pub caught_up: Option<bool>,
    pub newest_event: Option<DateTime<Utc>>,
    /// Events delivered over all runs.
    pub delivered: Option<u64>,
    /// Events that came again and were dropped.
    pub repeats: Option<u64>,
    pub events_24h: Option<u64>,
    pub events_7d: Option<u64>,
    pub last_poll: Option<DateTime<Utc>>,
    pub last_good_poll: Option<DateTime<Utc>>,
    pub last_error: Option<LastError>,
    /// The interval in force, of a stream that is followed.
    pub interval_seconds: Option<f64>,
    /// How long the service will still keep what follows the position; below 0, there is a gap.
    pub retention_days_left: Option<i64>,
    /// When the run began that says this.
    #[serde(skip)]
    pub started_at: Option<DateTime<Utc>>,
}

impl StatusReport {
    /// Reads everything at these places.
    pub(super) fn take(disk: &dyn Disk, places: &[StateLocation], now: DateTime<Utc>) -> Result<Self> {
        let (mut positions, mut without_position) = (Vec::new(), Vec::new());
        for StateLocation { directory, profile } in places {
            let before = positions.len();
            for saved in saved_state::list(disk, directory)? {
                if profile.as_ref().is_none_or(|wanted| *wanted == saved.profile) {
                    positions.push(standing(disk, directory, saved, now));
                }
            }
            if let Some(profile) = profile.as_ref().filter(|_| positions.len() == before) {
                without_position.push(profile.clone());
            }
        }
        Ok(StatusReport { time: now, ok: true, problems: Vec::new(), positions, without_position })
    }
}

fn standing(disk: &dyn Disk, directory: &Path, saved: SavedPosition, now: DateTime<Utc>) -> ConsumerStatus {
    let place = CheckpointDir::at(directory, &saved.profile, &saved.key);
    let health = health::read(disk, &place);
    // The run may have begun between the two looks.
    let holder = saved.holder.or_else(|| lock::holder(disk, &place.file("lock")));
    let (record, damage) = match saved.record {
        Ok(record) => (record, None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let consumer = record.as_ref().map(|record| &record.consumer);
    let consumer = consumer.or(health.as_ref().map(|health| &health.consumer)).unwrap_or(&saved.key);
    ConsumerStatus {
        consumer: consumer.clone(),
        work: health.as_ref().map(|health| health.work),
        running: holder.is_some(),
        damage,
        blocked: health.as_ref().and_then(|health| health.blocked.clone()),
        host: record.as_ref().map(|record| record.terms.host.clone()),
        account: record.as_ref().and_then(|record| record.terms.account.clone()),
        saved_at: record.as_ref().map(|record| record.updated_at),
        streams: streams(record.as_ref(), health.as_ref(), holder.as_ref(), now),
        holder: holder.flatten(),
        profile: saved.profile,
        key: saved.key,
    }
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
        let mut standpoint = StreamStatus { stream: stream.name().to_owned(), ..StreamStatus::default() };
        if let Some(position) = position {
            standpoint.place(position, now);
        }
        if let Some(health) = said {
            standpoint.hear(health, stream, holder, now);
        }
        Some(standpoint)
    };
    Stream::ALL.into_iter().filter_map(of).collect()
}

impl StreamStatus {
    /// Takes what the checkpoint says.
    fn place(&mut self, position: &StreamPosition, now: DateTime<Utc>) {
        self.reached = position.reached();
        self.position_age_seconds = self.reached.map(|then| (now - then).num_seconds().max(0));
        self.caught_up = Some(position.caught_up);
        self.newest_event = position.newest;
        self.delivered = Some(position.delivered);
        self.repeats = Some(position.repeats);
        self.retention_days_left = self.reached.map(|then| days(then + RETENTION - now));
    }

    /// Takes what the collector said of itself, and whether it still lives.
    fn hear(&mut self, health: &Health, stream: Stream, holder: Option<&Option<Holder>>, now: DateTime<Utc>) {
        let Some(said) = health.stream(stream) else { return };
        (self.state, self.since) = (Some(said.state), said.since);
        self.events_24h = Some(said.events_in(24, now));
        self.events_7d = Some(said.events_in(7 * 24, now));
        (self.last_poll, self.last_good_poll) = (said.last_poll, said.last_good_poll);
        self.last_error.clone_from(&said.last_error);
        self.interval_seconds = said.interval().map(|interval| interval.as_secs_f64());
        self.started_at = Some(health.started_at);
        match holder {
            // The kernel gave the lock back, and the run did not say that it ends.
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
