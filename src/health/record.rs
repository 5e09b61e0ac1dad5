//! The health file: one JSON object, replaced atomically.
//!
//! Written beside the checkpoint by the run that holds its lock, read by `opev status`. Small whatever
//! happens: events are counted by the hour, for a week.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CollectorState, ErrorClass};
use crate::disk::{self, Disk, Open};
use crate::error::Error;
use crate::event::Stream;
use crate::output::checkpoint::lock;
use crate::output::{CheckpointDir, shown};
use crate::sanitize;

/// The file's name beside the checkpoint.
pub const FILE: &str = "health.json";
/// The name under which it is written before it is renamed.
const FRESH: &str = "health.new";
/// The version of the form, raised when an older program could misread it.
const VERSION: u32 = 1;
/// The greatest file that is read back.
const LIMIT: usize = 1 << 20;

/// How many hours of counts are kept: a week.
const HOURS: i64 = 7 * 24;

/// The health of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The version of the form.
    pub version: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The profile's name.
    pub profile: String,
    /// The consumer: a path or a name.
    pub consumer: String,
    /// Whether it is to run once or for good.
    pub work: RunMode,
    /// The number of its process.
    pub pid: u32,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// When this was written.
    pub updated_at: DateTime<Utc>,
    /// Why the last run could not even begin.
    #[serde(default)]
    pub blocked: Option<LastError>,
    /// The health of each stream, by its name.
    pub streams: BTreeMap<String, StreamHealth>,
}

/// What sort of run it is; decides when it is late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// `opev fetch --resume`: now and then.
    #[default]
    Fetch,
    /// `opev tail`: all the time.
    Tail,
}

/// The health of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHealth {
    /// Its state.
    pub state: CollectorState,
    /// Since when.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// How long it waits between two polls, in milliseconds, when it follows.
    #[serde(default)]
    pub interval_ms: Option<u64>,
    /// When it was last polled.
    #[serde(default)]
    pub last_poll: Option<DateTime<Utc>>,
    /// When it last answered with a page.
    #[serde(default)]
    pub last_good_poll: Option<DateTime<Utc>>,
    /// The last failure, kept when it has passed.
    #[serde(default)]
    pub last_error: Option<LastError>,
    /// How many events were read, by hours since 1970.
    #[serde(default)]
    pub(super) events: BTreeMap<i64, u64>,
}

/// A failure, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whose move it is.
    pub class: ErrorClass,
    /// The kind's stable name.
    pub kind: String,
    /// What failed and why, escaped and shortened.
    pub message: String,
}

impl LastError {
    /// Remembers a failure. Its stream and profile are known where it is kept.
    pub(super) fn of(failure: &Error, at: DateTime<Utc>) -> Self {
        let text = failure.to_string();
        let mut message = text.as_str();
        if let Some(profile) = failure.profile() {
            message = message.strip_prefix(&format!("profile {profile}: ")).unwrap_or(message);
        }
        if let Some(stream) = failure.stream() {
            message = message.strip_prefix(&format!("{stream}: ")).unwrap_or(message);
        }
        LastError {
            at,
            class: ErrorClass::of(failure.kind()),
            kind: failure.kind().name().to_owned(),
            message: sanitize::message(message).into_owned(),
        }
    }

    /// Whether it is the same trouble as another, at another time.
    pub(super) fn is_like(&self, other: &LastError) -> bool {
        (self.class, &self.kind, &self.message) == (other.class, &other.kind, &other.message)
    }
}

impl RunMode {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            RunMode::Fetch => "fetch",
            RunMode::Tail => "tail",
        }
    }
}

impl StreamHealth {
    /// Counts events that were read at `at`, and forgets counts older than a week.
    pub(super) fn count(&mut self, at: DateTime<Utc>, events: u64) {
        let hour = hour_of(at);
        if events > 0 {
            *self.events.entry(hour).or_default() += events;
        }
        // After the clock was set back, counts must still expire.
        self.events.retain(|then, _| (hour - HOURS < *then) && *then <= hour);
    }

    /// How long it waits between two polls, when it follows.
    pub fn interval(&self) -> Option<Duration> {
        self.interval_ms.map(Duration::from_millis)
    }

    /// How many events were read in the last `hours` hours, including the current one.
    pub fn events_in(&self, hours: i64, now: DateTime<Utc>) -> u64 {
        let now = hour_of(now);
        self.events.iter().filter(|(then, _)| now - hours < **then && **then <= now).map(|(_, n)| n).sum()
    }
}

impl Health {
    /// What a new run of `work` begins with.
    pub(super) fn new(profile: &str, consumer: &str, work: RunMode, now: DateTime<Utc>) -> Self {
        Health {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            profile: profile.to_owned(),
            consumer: consumer.to_owned(),
            work,
            pid: std::process::id(),
            started_at: now,
            updated_at: now,
            blocked: None,
            streams: BTreeMap::new(),
        }
    }

    /// The health of a stream.
    pub fn stream(&self, stream: Stream) -> Option<&StreamHealth> {
        self.streams.get(stream.name())
    }

    /// Takes over what earlier runs recorded: counts, last polls, last errors.
    pub(super) fn inherit(&mut self, earlier: Health) {
        for (name, old) in earlier.streams {
            let Some(new) = self.streams.get_mut(&name) else {
                // Not this run's stream: only its history is of interest.
                let state = if old.state == CollectorState::Error {
                    CollectorState::Error
                } else {
                    CollectorState::Stopping
                };
                self.streams.insert(name, StreamHealth { state, interval_ms: None, ..old });
                continue;
            };
            new.last_poll = new.last_poll.max(old.last_poll);
            new.last_good_poll = new.last_good_poll.max(old.last_good_poll);
            new.last_error = new.last_error.take().or(old.last_error);
            for (hour, events) in old.events {
                *new.events.entry(hour).or_default() += events;
            }
        }
    }

    /// Replaces the health file at `place`: atomically, without a sync.
    pub(super) fn write(&self, disk: &dyn Disk, place: &CheckpointDir) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        bytes.push(b'\n');
        let fresh = place.file(FRESH);
        let mut file = disk.open(&fresh, Open::InPlace { mode: 0o600 })?;
        file.truncate(0)?;
        disk::write_all_at(&mut *file, &bytes, 0)?;
        disk.rename(&fresh, &place.file(FILE))
    }
}

/// Notes why a run could not begin, for a run that came to no lock and so to no [`super::HealthReporter`].
/// Where another run holds the lock, the file is that one's, and nothing is noted (P7).
pub fn note_blocked(
    disk: &dyn Disk,
    place: &CheckpointDir,
    about: super::CollectorIdentity<'_>,
    failure: &Error,
    now: DateTime<Utc>,
) {
    if lock::holder(disk, &place.file("lock")).is_some() {
        return;
    }
    let earlier = read(disk, place);
    let mut health = earlier.unwrap_or_else(|| Health::new(about.profile, about.consumer, about.work, now));
    (health.blocked, health.updated_at) = (Some(LastError::of(failure, now)), now);
    if let Err(e) = health.write(disk, place) {
        log::debug!("no health file in {}: {e}", shown(place.directory()));
    }
}

/// Reads the health file at `place`; none when it is missing or cannot be read.
pub fn read(disk: &dyn Disk, place: &CheckpointDir) -> Option<Health> {
    let file = disk.open(&place.file(FILE), Open::Read).ok()?;
    let bytes = disk::read_all(&*file, LIMIT).ok()?;
    let health: Health = serde_json::from_slice(&bytes)
        .inspect_err(|e| log::debug!("the health file in {} is not read: {e}", shown(place.directory())))
        .ok()?;
    (health.version <= VERSION).then_some(health)
}

fn hour_of(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(3600)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn hour(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(n)
    }

    #[test]
    fn counts_cover_a_day_and_a_week_and_stay_small() {
        let mut stream = StreamHealth::default();
        for n in 0..2000 {
            stream.count(hour(n), 2);
        }
        let now = hour(1999);
        assert_eq!((stream.events_in(24, now), stream.events_in(HOURS, now)), (48, 336));
        assert_eq!(stream.events.len(), 168);
        assert_eq!(stream.events_in(24, hour(1999 + 20)), 8);
        stream.count(hour(100), 1);
        assert_eq!(stream.events_in(24, hour(100)), 1, "a clock set back leaves nothing in the future");
    }
}
