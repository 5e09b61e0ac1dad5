//! A loopback Events API: seeded data, faults, and assertions on its clients.
//!
//! The project's test double, the stand-in for rehearsals (`opev simulate`) and the server inside the
//! `demo` profile. It listens on 127.0.0.1 only. From the outside in:
//!
//! ```text
//!  server     connections, routes, token      http, answer    requests in, answers out (or spoiled)
//!    |                                        script, fault   what goes wrong, and when
//!    |                                        rate_limit      the limit that is enforced
//!    |                                        client_monitor  what clients did, and which rules they broke
//!  requests   what a client asks for          token           issued and checked
//!  pages      which events, which cursor      cursor          what a cursor holds
//!  event_source   events by number
//!    |-- event_files   from NDJSON, byte for byte
//!    `-- event_store   from a seed: schedule (when), company (who), sites (where), signins, usages, audits,
//!                       hostile (what), incidents (what there is to find)
//! ```
//!
//! An event is a pure function of seed and number, a number one of rate and time; so the same options give
//! the same bytes and the same cursors in every process, and memory does not grow with the events.

mod announcement;
mod answer;
mod audit_operations;
mod audits;
mod client_monitor;
mod company;
mod cursor;
mod event_files;
mod event_json;
mod event_source;
mod event_store;
mod event_writer;
mod fault;
mod hostile;
mod http;
mod incidents;
mod json_writer;
mod logged_request;
mod options;
mod pages;
mod random;
mod rate_limit;
mod request_log;
mod requests;
mod schedule;
mod script;
mod server;
mod signins;
mod sites;
#[cfg(test)]
mod tests;
mod token;
mod usages;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use chrono::{DateTime, Utc};

pub use announcement::AnnouncementForm;
pub use client_monitor::{BrokenRule, ClientReport, ClientRule};
pub use event_source::SimulatedEvent;
pub use fault::{ConnectionCut, ErrorBody, Fault, InvalidFault, RetryAfter};
pub use logged_request::LoggedRequest;
pub use options::{
    ApiForm, Bound, CursorWithRange, ErrorShape, EventData, FilterBy, KeyOrder, Latency, RangeEnds, Rhythm,
    SeededData, ServiceBehavior, SimulatorOptions, TokenOptions, UserTypeKey, parse_live_rate, parse_time,
};
pub use rate_limit::{QuotaHeaders, RateLimit, RateWindow};
pub use request_log::RequestLog;
pub use script::{FaultRule, FaultScript, FaultTiming, RequestKind, RequestTarget, RuleScope};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::secret::Secret;

/// The stand-in for 1Password's Events API.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on loopback.
    ///
    /// # Errors
    /// Fails when the port is taken or a data file cannot be used.
    pub fn start(options: SimulatorOptions, clock: Arc<dyn Clock>) -> Result<RunningSimulator> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let cannot = |what: String| Error::new(ErrorKind::Config, what);
        let listener = TcpListener::bind(address).map_err(|e| {
            cannot(format!("the stand-in cannot listen on {address}"))
                .because(e)
                .hint("choose another --port, or 0 for a free one")
        })?;
        let port = listener
            .local_addr()
            .map_err(|e| cannot("the stand-in has no address".into()).because(e))?
            .port();

        let now = options.at.unwrap_or_else(|| clock.now());
        let nanoseconds = now.timestamp_nanos_opt().unwrap_or(i64::MAX);
        let source = event_source::EventSource::new(&options.data, &options.behavior, nanoseconds)?;
        let (seed, hostile) = match &options.data {
            EventData::Seeded(seeded) => (seeded.seed, seeded.hostile),
            EventData::Files(_) => (SeededData::default().seed, false),
        };
        let company = company::Company::new(seed);
        let lasts = options.token.expires_in;
        let grant = token::grant(
            &company.account,
            &company.integration,
            &options.token.features,
            now.timestamp(),
            lasts,
        );
        let audience = options.token.audience.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
        let token = Secret::new(token::issue(&grant, &audience, seed)?);

        let seal = cursor::CursorSeal::new(&fingerprint(&options.data, &source));
        let pages = pages::PageBuilder { source, behavior: options.behavior, seal, escape_slashes: hostile };
        let monitor = client_monitor::ClientMonitor::new(
            options.rate_limit.unwrap_or(RateLimit::DOCUMENTED),
            options.one_at_a_time,
            options.log.clone(),
        );
        let server = Arc::new(server::SimulatorServer {
            pages,
            account: grant.account,
            clock,
            stop: Cancel::new(),
            monitor: Mutex::new(monitor),
            enforcer: options.rate_limit.map(|limit| Mutex::new(rate_limit::RateEnforcer::new(limit))),
            random: Mutex::new(random::SeededRandom::new(&[seed, 0x1a])),
            known_token: Mutex::default(),
            open: Mutex::default(),
            options,
        });
        let accepting = Arc::clone(&server);
        let thread = thread::Builder::new()
            .name("simulator".into())
            .spawn(move || accepting.accept(&listener))
            .map_err(|e| {
                Error::new(ErrorKind::Unexpected, "cannot start the stand-in's thread").because(e)
            })?;
        Ok(RunningSimulator { server, port, token, thread: Some(thread) })
    }
}

/// What tells these events from others: cursors are good wherever it is the same.
fn fingerprint(data: &EventData, source: &event_source::EventSource) -> Vec<u8> {
    match (data, source) {
        (EventData::Seeded(SeededData { seed, events, days, rhythm, hostile, repeats, .. }), _) => {
            format!("{seed} {events} {days} {rhythm:?} {hostile} {repeats}").into_bytes()
        }
        (EventData::Files(_), event_source::EventSource::Files(files)) => files.bytes().to_vec(),
        (EventData::Files(_), event_source::EventSource::Seeded(_)) => Vec::new(),
    }
}

/// A simulator at work; dropping it stops it.
#[derive(Debug)]
pub struct RunningSimulator {
    server: Arc<server::SimulatorServer>,
    port: u16,
    token: Secret,
    thread: Option<JoinHandle<()>>,
}

impl RunningSimulator {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A token that it accepts.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The account that the events and the token are of.
    pub fn account_uuid(&self) -> &str {
        &self.server.account
    }

    /// The events of a stream that happened within these times, as far as they have arrived by now, in
    /// the order of their arrival. Times are the events' own, whatever the behavior says; an event without a
    /// readable time is in every range.
    pub fn truth<R: RangeBounds<DateTime<Utc>>>(
        &self,
        stream: Stream,
        form: ApiForm,
        times: R,
    ) -> impl Iterator<Item = SimulatedEvent> + use<'_, R> {
        let bound = |bound: std::ops::Bound<&DateTime<Utc>>| match bound {
            std::ops::Bound::Included(time) => (time.timestamp_nanos_opt(), Bound::Inclusive),
            std::ops::Bound::Excluded(time) => (time.timestamp_nanos_opt(), Bound::Exclusive),
            std::ops::Bound::Unbounded => (None, Bound::Inclusive),
        };
        let ((start, at_start), (end, at_end)) = (bound(times.start_bound()), bound(times.end_bound()));
        let behavior = ServiceBehavior {
            start: at_start,
            end: at_end,
            filter: FilterBy::EventTime,
            ..self.server.options.behavior
        };
        let span = event_source::NanosecondRange { start, end };
        let source = &self.server.pages.source;
        let (first, last) = source.numbers(stream, span, behavior.filter, self.server.nanoseconds());
        (first..last)
            .filter(move |number| source.is_in(stream, *number, span, &behavior))
            .map(move |number| source.fact(stream, number, form))
    }

    /// What it has noticed about its clients so far.
    pub fn report(&self) -> ClientReport {
        self.server.monitor().report()
    }

    /// The last 10,000 requests, oldest first; never with a token.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.server.monitor().log()
    }
}

impl Drop for RunningSimulator {
    fn drop(&mut self) {
        self.server.stop.trigger(0);
        // Wakes the thread that waits for connections; if that fails, it is not waiting.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.server.shut();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}
