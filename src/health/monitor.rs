//! How the service fares, told to who wants to know: intervals grow when it refuses, health says what is
//! wrong at once, systemd hears of the first answer, and a person hears once that the connection was lost
//! and once that it is back.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::systemd::SystemdNotifier;
use super::{CollectorState, HealthReporter};
use crate::api::observer::{Observation, Observer};
use crate::clock::Clock;
use crate::console::Console;
use crate::error::{Error, ErrorKind};
use crate::event::Stream;
use crate::source::poll_interval::PollInterval;
use crate::time::duration;

/// The answer to asking too much.
const TOO_MANY_REQUESTS: u16 = 429;

/// How often the same request fails before a person hears of it; a longer wait is said at once.
const BLIPS: u32 = 2;

/// A wait that is worth being said.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Watches the requests of one profile.
pub struct ServiceMonitor {
    cadences: [PollInterval; 3],
    notify: Arc<SystemdNotifier>,
    console: Console,
    clock: Arc<dyn Clock>,
    /// Said before messages where several profiles run.
    prefix: String,
    seen: Mutex<ConnectionState>,
}

#[derive(Default)]
struct ConnectionState {
    /// Who reports on which streams.
    reporters: Vec<(Vec<Stream>, HealthReporter)>,
    answered: BTreeSet<Stream>,
    /// The streams whose last request failed.
    troubled: BTreeSet<Stream>,
    /// Since when one has been.
    since: Option<Duration>,
    /// Whether it is the connection, which all streams share.
    is_network: bool,
    is_told: bool,
}

impl fmt::Debug for ServiceMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceMonitor").field("cadences", &self.cadences).finish_non_exhaustive()
    }
}

impl ServiceMonitor {
    /// A watch over streams with these intervals; `profile` is named where there are several.
    pub fn new(
        interval: impl Fn(Stream) -> Duration,
        notify: Arc<SystemdNotifier>,
        console: &Console,
        clock: Arc<dyn Clock>,
        profile: Option<&str>,
    ) -> Self {
        ServiceMonitor {
            cadences: Stream::ALL.map(|stream| PollInterval::new(stream, interval(stream))),
            notify,
            console: console.clone(),
            clock,
            prefix: profile.map(|name| format!("profile {name}: ")).unwrap_or_default(),
            seen: Mutex::default(),
        }
    }

    /// A stream's interval.
    pub fn cadence(&self, stream: Stream) -> &PollInterval {
        &self.cadences[stream as usize]
    }

    /// Reports on these streams to `reporter` from now on.
    pub fn report_to(&self, reporter: HealthReporter, streams: &[Stream]) {
        for &stream in streams {
            reporter.interval(stream, self.cadence(stream).interval());
        }
        self.seen().reporters.push((streams.to_vec(), reporter));
    }

    /// Reports on a stream, where somebody listens.
    pub fn report(&self, stream: Stream, tell: impl FnOnce(&HealthReporter)) {
        if let Some(reporter) = self.seen().reporter(stream) {
            tell(&reporter);
        }
    }

    fn answered(&self, stream: Stream) {
        let mut seen = self.seen();
        if seen.answered.insert(stream)
            && let Some(reporter) = seen.reporter(stream)
        {
            reporter.state(stream, CollectorState::Authenticated);
        }
        self.notify.ready();
        if seen.is_network {
            seen.troubled.clear();
        } else if !seen.troubled.remove(&stream) || !seen.troubled.is_empty() {
            return;
        }
        seen.is_network = false;
        let lost = seen.since.take();
        if let Some(since) = lost.filter(|_| std::mem::take(&mut seen.is_told)) {
            let seconds = self.clock.elapsed().saturating_sub(since).as_secs();
            let after = duration::show(Duration::from_secs(seconds));
            let text = format!("{}connected again after {after}", self.prefix);
            // Whoever was told of the loss is told of the end.
            if self.console.is_terminal() { self.console.note(&text) } else { log::warn!("{text}") }
        }
    }

    fn troubled(&self, stream: Stream, kind: ErrorKind, what: &str, is_worth_saying: bool) {
        let mut seen = self.seen();
        seen.troubled.insert(stream);
        seen.is_network = kind == ErrorKind::Network;
        seen.since.get_or_insert_with(|| self.clock.elapsed());
        if let Some(reporter) = seen.reporter(stream) {
            reporter.failed(stream, &Error::new(kind, what));
            reporter.interval(stream, self.cadence(stream).interval());
        }
        if is_worth_saying && !std::mem::replace(&mut seen.is_told, true) {
            let lost =
                if kind == ErrorKind::Network { "lost the connection" } else { "the service has trouble" };
            log::warn!("{}{lost}: {stream}: {what}; trying again", self.prefix);
        }
    }

    fn seen(&self) -> MutexGuard<'_, ConnectionState> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionState {
    fn reporter(&self, stream: Stream) -> Option<HealthReporter> {
        let found = self.reporters.iter().find(|(streams, _)| streams.contains(&stream));
        found.map(|(_, reporter)| reporter.clone())
    }
}

impl Observer for ServiceMonitor {
    fn observe(&self, stream: Option<Stream>, observation: &Observation<'_>) {
        let Some(stream) = stream else { return };
        match *observation {
            Observation::Answered => self.answered(stream),
            Observation::Retrying { kind, status, what, wait, attempt } => {
                if status == Some(TOO_MANY_REQUESTS) {
                    self.cadence(stream).refused();
                }
                self.troubled(stream, kind, what, attempt >= BLIPS || wait >= LONG_WAIT);
            }
        }
    }
}
