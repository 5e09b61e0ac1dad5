//! A loopback Events API: seeded data, faults, and assertions on its clients.
//!
//! The project's test double, the stand-in for rehearsals (`opev simulate`) and the server inside the
//! `demo` profile. It listens on 127.0.0.1 only. From the outside in:
//!
//! ```text
//!  server    connections, routes, token     http, wire    requests in, answers out (or spoiled)
//!    |                                      script, fault what goes wrong, and when
//!    |                                      limit, watch  the rate limit; what clients did
//!  asks      what is asked for              token         issued and checked
//!  pages     which events, which cursor     position      what a cursor holds
//!  source    events by number
//!    |-- files       from NDJSON, byte for byte
//!    `-- chronicle   from a seed: rhythm (when), company (who), signins, usages, audits, hostile (what)
//! ```
//!
//! An event is a pure function of seed and number, a number one of rate and time; so the same options give
//! the same bytes and the same cursors in every process, and memory does not grow with the events.

mod audits;
mod company;
mod event_store;
mod event_writer;
mod fault;
mod files;
mod hostile;
mod http;
mod limit;
mod options;
mod pages;
mod position;
mod random;
mod requests;
mod schedule;
mod script;
mod server;
mod signins;
mod source;
mod text;
mod token;
mod usages;
mod watch;
mod wire;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::{Bound as RangeBound, RangeBounds};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use chrono::{DateTime, Utc};

pub use fault::{BadFault, Cut, ErrorBody, Fault, RetryAfter, duration as parse_duration};
pub use options::{
    Bound, Data, ErrorShape, FilterBy, Form, Habits, Hours, KeyOrder, Latency, Options, RateLimit, Seeded,
    TokenOptions, UserTypeKey,
};
pub use script::{RequestKind, Rule, Scope, Script, Target, When};
pub use source::Fact;
pub use watch::{Broken, ClientRule, Logged, Report};

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
    pub fn start(options: Options, clock: Arc<dyn Clock>) -> Result<Running> {
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
        let source = source::Source::new(&options.data, &options.habits, nanoseconds)?;
        let (seed, hostile) = match &options.data {
            Data::Seeded(seeded) => (seeded.seed, seeded.hostile),
            Data::Files(_) => (Seeded::default().seed, false),
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

        let seal = position::Seal::new(&fingerprint(&options.data, &source));
        let pages = pages::Pages { source, habits: options.habits, seal, escape_slashes: hostile };
        let server = Arc::new(server::Server {
            pages,
            account: grant.account,
            clock,
            stop: Cancel::new(),
            watch: Mutex::new(watch::Watch::new(&options)),
            gate: options.rate_limit.map(|limit| Mutex::new(limit::Gate::new(limit))),
            dice: Mutex::new(random::SeededRandom::new(&[seed, 0x1a])),
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
        Ok(Running { server, port, token, thread: Some(thread) })
    }
}

/// What tells these events from others: cursors are good wherever it is the same.
fn fingerprint(data: &Data, source: &source::Source) -> Vec<u8> {
    match (data, source) {
        (Data::Seeded(Seeded { seed, events, days, hours, hostile, .. }), _) => {
            format!("{seed} {events} {days} {hours:?} {hostile}").into_bytes()
        }
        (Data::Files(_), source::Source::Files(files)) => files.bytes().to_vec(),
        (Data::Files(_), source::Source::Seeded(_)) => Vec::new(),
    }
}

/// A simulator at work; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    server: Arc<server::Server>,
    port: u16,
    token: Secret,
    thread: Option<JoinHandle<()>>,
}

impl Running {
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
    /// the order of their arrival. Times are the events' own, whatever the habits say; an event without a
    /// readable time is in every range.
    pub fn truth<R: RangeBounds<DateTime<Utc>>>(
        &self,
        stream: Stream,
        form: Form,
        times: R,
    ) -> impl Iterator<Item = Fact> + use<'_, R> {
        let bound = |bound: RangeBound<&DateTime<Utc>>| match bound {
            RangeBound::Included(time) => (time.timestamp_nanos_opt(), Bound::Inclusive),
            RangeBound::Excluded(time) => (time.timestamp_nanos_opt(), Bound::Exclusive),
            RangeBound::Unbounded => (None, Bound::Inclusive),
        };
        let ((start, at_start), (end, at_end)) = (bound(times.start_bound()), bound(times.end_bound()));
        let habits = Habits {
            start: at_start,
            end: at_end,
            filter: FilterBy::EventTime,
            ..self.server.options.habits
        };
        let span = source::Span { start, end };
        let source = &self.server.pages.source;
        let (first, last) = source.numbers(stream, span, habits.filter, self.server.nanoseconds());
        (first..last)
            .filter(move |number| source.is_in(stream, *number, span, &habits))
            .map(move |number| source.fact(stream, number, form))
    }

    /// What it has noticed about its clients so far.
    pub fn report(&self) -> Report {
        self.server.watch().report()
    }

    /// The last 10,000 requests, oldest first; never with a token.
    pub fn requests(&self) -> Vec<Logged> {
        self.server.watch().log()
    }
}

impl Drop for Running {
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
