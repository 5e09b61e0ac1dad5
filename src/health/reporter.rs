//! Keeps a collector's health: counts, states and failures, into the health file and the feed.
//!
//! Every call is cheap and never fails: a file that cannot be written is said once. Calls come from the
//! threads of several streams. Holds no lock of its own: [`HealthReporter::keep_at`] is for the run that holds
//! the checkpoint's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::feed::{self, HealthChange, HealthLine};
use super::record::{self, Health, LastError, RunMode, StreamHealth};
use super::{CollectorState, HealthFeed};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind};
use crate::event::Stream;
use crate::output::CheckpointDir;

/// The shortest time between two writes of the file, except for urgent ones.
const PAUSE: Duration = Duration::from_secs(5);

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct CollectorIdentity<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// The consumer: a path or a name.
    pub consumer: &'a str,
    /// Whether it is to run once or for good.
    pub work: RunMode,
}

/// Reports what a collector does; clones share everything.
#[derive(Clone, Debug)]
pub struct HealthReporter(Arc<Mutex<HealthLog>>);

#[derive(Debug)]
struct HealthLog {
    clock: Arc<dyn Clock>,
    feed: HealthFeed,
    health: Health,
    file: Option<(Arc<dyn Disk>, CheckpointDir)>,
    last_write: Option<Duration>,
    /// Whether the file is out of date.
    is_stale: bool,
}

impl HealthReporter {
    /// A reporter of these streams, each pending. Writes to `feed` alone until it is told where to keep a
    /// file.
    pub fn new(
        about: CollectorIdentity<'_>,
        streams: &[Stream],
        clock: Arc<dyn Clock>,
        feed: HealthFeed,
    ) -> Self {
        let health = Health::new(about.profile, about.consumer, about.work, clock.now());
        let log = HealthLog { clock, feed, health, file: None, last_write: None, is_stale: false };
        let reporter = HealthReporter(Arc::new(Mutex::new(log)));
        reporter.with(|log| {
            for &stream in streams {
                let since = Some(log.health.started_at);
                let pending = StreamHealth { since, ..StreamHealth::default() };
                log.health.streams.insert(stream.name().to_owned(), pending);
                log.tell(stream, HealthChange::StateChange, CollectorState::Pending);
            }
        });
        reporter
    }

    /// Keeps the health file beside the checkpoint at `place` from now on, and goes on with the counts of
    /// the one there. For the run that holds the checkpoint's lock (P7).
    pub fn keep_at(&self, disk: Arc<dyn Disk>, place: &CheckpointDir) {
        self.with(|log| {
            if let Some(earlier) = record::read(&*disk, place) {
                log.health.inherit(earlier);
            }
            log.file = Some((disk, place.clone()));
            log.changed(true);
        });
    }

    /// Sets the state of a stream. A failed one stays failed in the file when it stops.
    pub fn state(&self, stream: Stream, state: CollectorState) {
        self.with(|log| {
            let now = log.clock.now();
            let entry = log.entry(stream);
            if entry.state == state {
                return;
            }
            if !(entry.state == CollectorState::Error && state == CollectorState::Stopping) {
                (entry.state, entry.since) = (state, Some(now));
            }
            log.tell(stream, HealthChange::StateChange, state);
            log.changed(matches!(state, CollectorState::Stopping | CollectorState::Error));
        });
    }

    /// Sets the state of all streams.
    pub fn state_all(&self, state: CollectorState) {
        let streams = self.with(|log| {
            let reported = |stream: &Stream| log.health.streams.contains_key(stream.name());
            Stream::ALL.into_iter().filter(reported).collect::<Vec<_>>()
        });
        for stream in streams {
            self.state(stream, state);
        }
    }

    /// The service answered with a page at `at`, of which `events` were new. Ends a failure, but for one
    /// that came after the page: pages are read ahead of their delivery.
    pub fn polled(&self, stream: Stream, at: DateTime<Utc>, events: u64) {
        let has_failed_since = self.with(|log| {
            let entry = log.entry(stream);
            entry.state == CollectorState::Error
                && entry.last_error.as_ref().is_some_and(|error| error.at > at)
        });
        if !has_failed_since {
            self.recovered(stream);
            self.state(stream, CollectorState::Collecting);
        }
        self.with(|log| {
            let entry = log.entry(stream);
            (entry.last_poll, entry.last_good_poll) = (entry.last_poll.max(Some(at)), Some(at));
            entry.count(at, events);
            log.changed(false);
        });
    }

    /// A stream failed. A signal does not count as a failure; the same failure again counts as a poll.
    pub fn failed(&self, stream: Stream, failure: &Error) {
        if matches!(failure.kind(), ErrorKind::Interrupted(_)) {
            return;
        }
        self.with(|log| {
            let now = log.clock.now();
            let error = LastError::of(failure, now);
            let entry = log.entry(stream);
            let is_known = entry.state == CollectorState::Error
                && entry.last_error.as_ref().is_some_and(|e| e.is_like(&error));
            if entry.state != CollectorState::Error {
                (entry.state, entry.since) = (CollectorState::Error, Some(now));
            }
            entry.last_poll = entry.last_poll.max(Some(now));
            entry.last_error = Some(error);
            if !is_known {
                log.tell(stream, HealthChange::Failure, CollectorState::Error);
            }
            log.changed(!is_known);
        });
    }

    /// A stream that failed works again.
    pub fn recovered(&self, stream: Stream) {
        self.with(|log| {
            let now = log.clock.now();
            let entry = log.entry(stream);
            if entry.state == CollectorState::Error {
                (entry.state, entry.since) = (CollectorState::Collecting, Some(now));
                log.tell(stream, HealthChange::Recovery, CollectorState::Collecting);
                log.changed(true);
            }
        });
    }

    /// Sets the poll interval of a stream.
    pub fn interval(&self, stream: Stream, interval: Duration) {
        self.with(|log| {
            let entry = log.entry(stream);
            let interval = Some(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
            if entry.interval_ms != interval {
                entry.interval_ms = interval;
                let state = entry.state;
                log.tell(stream, HealthChange::IntervalChange, state);
                log.changed(false);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut HealthLog) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HealthLog {
    fn entry(&mut self, stream: Stream) -> &mut StreamHealth {
        self.health.streams.entry(stream.name().to_owned()).or_default()
    }

    /// Writes a line to the feed.
    fn tell(&self, stream: Stream, what: HealthChange, state: CollectorState) {
        let entry = self.health.stream(stream);
        let error =
            entry.and_then(|entry| entry.last_error.as_ref()).filter(|_| state == CollectorState::Error);
        self.feed.write(&HealthLine {
            time: feed::time(self.clock.now()),
            event: what,
            state: state.name(),
            profile: &self.health.profile,
            consumer: &self.health.consumer,
            stream: stream.name(),
            class: error.map(|error| error.class.name()),
            kind: error.map(|error| error.kind.as_str()),
            reason: error.map(|error| error.message.as_str()),
            interval_seconds: entry.and_then(StreamHealth::interval).map(|i| i.as_secs_f64()),
        });
    }

    /// Writes the file now, if that cannot wait or the last time is long enough ago.
    fn changed(&mut self, is_urgent: bool) {
        self.is_stale = true;
        let rested = self.last_write.is_none_or(|then| self.clock.elapsed().saturating_sub(then) >= PAUSE);
        if is_urgent || rested {
            self.write();
        }
    }

    fn write(&mut self) {
        let Some((disk, place)) = self.file.as_ref().filter(|_| self.is_stale) else { return };
        self.health.updated_at = self.clock.now();
        if let Err(e) = self.health.write(&**disk, place) {
            log::warn!("cannot keep the health file in {}: {e}", crate::output::shown(place.directory()));
            self.file = None;
        }
        self.is_stale = false;
        self.last_write = Some(self.clock.elapsed());
    }
}

impl Drop for HealthLog {
    fn drop(&mut self) {
        self.write();
    }
}

#[cfg(test)]
mod tests;
