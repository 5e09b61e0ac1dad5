//! Observes the requests to the service: poll intervals grow after refusals, health records failures at once,
//! systemd is told of the first answer, and the console reports once that the
//! service cannot be reached and once that it can again.
//!
//! One message for all streams. Reads the given clock only and sends nothing.

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
use crate::time::duration;

/// The answer to asking too much.
const TOO_MANY_REQUESTS: u16 = 429;

/// How often the same request fails before a person hears of it; a longer wait is said at once, and so is
/// a service that was never reached.
const BLIPS: u32 = 2;

/// A wait that is worth being said.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// The intervals between the polls of streams that are followed.
pub trait PollPace: Send + Sync {
    /// The interval in force.
    fn interval(&self, stream: Stream) -> Duration;

    /// The service refused a request for asking too much.
    fn refused(&self, stream: Stream);
}

/// Watches the requests of one profile.
pub struct ServiceMonitor {
    /// None where streams are read once.
    pace: Option<Arc<dyn PollPace>>,
    systemd: Option<Arc<SystemdNotifier>>,
    console: Console,
    clock: Arc<dyn Clock>,
    /// The prefix of messages where several profiles run.
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
        f.debug_struct("ServiceMonitor").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl ServiceMonitor {
    /// A monitor of streams that are followed at these intervals; `profile` is named if there are several.
    pub fn new(
        pace: Arc<dyn PollPace>,
        systemd: Arc<SystemdNotifier>,
        console: &Console,
        clock: Arc<dyn Clock>,
        profile: Option<&str>,
    ) -> Self {
        let once = ServiceMonitor::of_one_run(console, clock, profile);
        ServiceMonitor { pace: Some(pace), systemd: Some(systemd), ..once }
    }

    /// A monitor of streams that are read once: it only reports why a run waits.
    pub fn of_one_run(console: &Console, clock: Arc<dyn Clock>, profile: Option<&str>) -> Self {
        ServiceMonitor {
            pace: None,
            systemd: None,
            console: console.clone(),
            clock,
            prefix: profile.map(|name| format!("profile {name}: ")).unwrap_or_default(),
            seen: Mutex::default(),
        }
    }

    /// Reports on these streams to `reporter` from now on.
    pub fn report_to(&self, reporter: HealthReporter, streams: &[Stream]) {
        if let Some(pace) = &self.pace {
            streams.iter().for_each(|&stream| reporter.interval(stream, pace.interval(stream)));
        }
        self.seen().reporters.push((streams.to_vec(), reporter));
    }

    fn answered(&self, stream: Stream) {
        let mut seen = self.seen();
        if seen.answered.insert(stream)
            && let Some(reporter) = seen.reporter(stream)
        {
            reporter.state(stream, CollectorState::Authenticated);
        }
        if let Some(systemd) = &self.systemd {
            systemd.ready();
        }
        if seen.is_network {
            seen.troubled.clear();
        } else if !seen.troubled.remove(&stream) || !seen.troubled.is_empty() {
            return;
        }
        seen.is_network = false;
        let lost = seen.since.take();
        if let Some(since) = lost.filter(|_| std::mem::take(&mut seen.is_told)) {
            let after = outage(self.clock.elapsed().saturating_sub(since));
            let text = format!("connected again after {after}");
            drop(seen);
            // The end is reported if the outage was.
            if self.console.is_terminal() {
                self.console.note(&format!("{}{text}", self.prefix));
            } else {
                self.tell(&text);
            }
        }
    }

    fn troubled(&self, stream: Stream, kind: ErrorKind, what: &str, is_worth_saying: bool) {
        let mut seen = self.seen();
        seen.troubled.insert(stream);
        seen.is_network = kind == ErrorKind::Network;
        seen.since.get_or_insert_with(|| self.clock.elapsed());
        if let Some(reporter) = seen.reporter(stream) {
            reporter.failed(stream, &Error::new(kind, what));
            if let Some(pace) = &self.pace {
                reporter.interval(stream, pace.interval(stream));
            }
        }
        // A server that cannot be reached from the start is most often a wrong name: no use in waiting.
        let is_unreachable = seen.is_network && seen.answered.is_empty();
        if !(is_worth_saying || is_unreachable) || std::mem::replace(&mut seen.is_told, true) {
            return;
        }
        drop(seen);
        self.tell(&match kind {
            ErrorKind::Network if is_unreachable => unreachable(what),
            ErrorKind::Network => format!("lost the connection: {what}; trying again"),
            _ => format!("the service has trouble: {stream}: {what}; trying again"),
        });
    }

    /// The question what the token grants comes before all streams, and may be the first to meet a server
    /// that cannot be reached.
    fn introspecting(&self, observation: &Observation<'_>) {
        let Observation::Retrying { kind: ErrorKind::Network, what, .. } = *observation else { return };
        let mut seen = self.seen();
        if seen.answered.is_empty() && !std::mem::replace(&mut seen.is_told, true) {
            seen.is_network = true;
            seen.since.get_or_insert_with(|| self.clock.elapsed());
            drop(seen);
            self.tell(&unreachable(what));
        }
    }

    /// Reports on the console; for a run that ends by itself only on a terminal, since its result follows.
    fn tell(&self, text: &str) {
        let text = format!("{}{text}", self.prefix);
        if self.pace.is_some() { log::warn!("{text}") } else { self.console.note(&text) }
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
        let Some(stream) = stream else { return self.introspecting(observation) };
        match *observation {
            Observation::Answered => self.answered(stream),
            Observation::Retrying { kind, status, what, wait, attempt } => {
                if status == Some(TOO_MANY_REQUESTS) {
                    self.pace.iter().for_each(|pace| pace.refused(stream));
                }
                self.troubled(stream, kind, what, attempt >= BLIPS || wait >= LONG_WAIT);
            }
        }
    }
}

fn unreachable(what: &str) -> String {
    format!("cannot reach the service: {what}; trying again")
}

/// The length of an outage as text.
fn outage(length: Duration) -> String {
    match length.as_secs() {
        0 => "less than a second".to_owned(),
        seconds => duration::show(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_never_lasts_0s() {
        assert_eq!(outage(Duration::from_millis(3)), "less than a second");
        assert_eq!(outage(Duration::from_millis(61_900)), "1m1s");
    }
}
