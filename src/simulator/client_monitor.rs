//! What the simulator notices about its clients: figures, broken rules, a log of requests.
//!
//! Kept as the requests come, in bounded memory. Never holds a token. Judges nothing but the client: what
//! the simulator itself does wrong on purpose is only counted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::http::ReceivedRequest;
use super::logged_request::LoggedRequest;
use super::rate_limit::{RateLimit, RequestTimes};
use super::script::{RequestKind, RequestTarget};
use crate::event::Stream;

/// How many requests the log keeps.
const LOGGED: usize = 10_000;
/// How many bytes of a body the log keeps; a cursor has a few hundred.
const LONGEST_BODY: usize = 2_000;

/// A rule of the API, or of good manners, that a client can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientRule {
    /// Too many requests in a minute, or in the short window of another limit.
    MinuteLimit,
    /// Too many requests in an hour, or in the long window of another limit.
    HourLimit,
    /// No `Authorization: Bearer` header.
    Bearer,
    /// A POST without `Content-Type: application/json`.
    ContentType,
    /// No `User-Agent` header.
    UserAgent,
    /// A cursor and a range in one request, whether or not the service takes it.
    OneForm,
    /// A body or query that the API does not allow.
    WellFormed,
    /// A cursor that no simulator gave.
    KnownCursor,
    /// The same cursor asked with while a request with it was under way.
    CursorOnce,
    /// Two requests under way on one stream, where one at a time was promised.
    OneAtATime,
    /// An address or method that the API does not have.
    KnownAddress,
}

impl fmt::Display for ClientRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClientRule::MinuteLimit => "more requests in a minute than allowed",
            ClientRule::HourLimit => "more requests in an hour than allowed",
            ClientRule::Bearer => "no bearer token in the Authorization header",
            ClientRule::ContentType => "a POST whose Content-Type is not application/json",
            ClientRule::UserAgent => "no User-Agent header",
            ClientRule::OneForm => "a cursor and a range in one request",
            ClientRule::WellFormed => "a request that the API does not allow",
            ClientRule::KnownCursor => "a cursor that was never given",
            ClientRule::CursorOnce => "a cursor used twice at the same time",
            ClientRule::OneAtATime => "two requests under way on one stream",
            ClientRule::KnownAddress => "an address or method that the API does not have",
        })
    }
}

/// How often a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule.
    pub rule: ClientRule,
    /// How often.
    pub times: u64,
    /// The number of the request that broke it first, from 1.
    pub first: u64,
}

/// What a simulator has noticed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientReport {
    /// Requests of any kind.
    pub requests: u64,
    /// Requests for events, in the order of [`Stream::ALL`].
    pub per_stream: [u64; 3],
    /// Questions what the token may read.
    pub introspections: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// The most requests in any 60 s.
    pub most_in_a_minute: usize,
    /// The most requests in any 3,600 s.
    pub most_in_an_hour: usize,
    /// The most requests under way at once, per stream.
    pub most_under_way: [usize; 3],
    /// Events that were sent, repeats included.
    pub events: u64,
    /// Answers by status; 0 counts those that had none.
    pub answers: BTreeMap<u16, u64>,
    /// Answers that were spoiled on purpose.
    pub faults: u64,
    /// The rules that clients broke.
    pub broken: Vec<BrokenRule>,
}

impl fmt::Display for ClientReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [signins, usages, audits] = self.per_stream;
        let statuses: Vec<String> =
            self.answers.iter().map(|(code, count)| format!("{count} x {code}")).collect();
        writeln!(f, "requests     {} on {} connections", self.requests, self.connections)?;
        writeln!(
            f,
            "             {signins} signinattempts, {usages} itemusages, {audits} auditevents, {} introspect",
            self.introspections
        )?;
        writeln!(f, "busiest      {} in 60 s, {} in 3,600 s", self.most_in_a_minute, self.most_in_an_hour)?;
        writeln!(
            f,
            "answers      {}",
            if statuses.is_empty() { "none".into() } else { statuses.join(", ") }
        )?;
        writeln!(f, "events sent  {}", self.events)?;
        writeln!(f, "faults       {}", self.faults)?;
        if self.broken.is_empty() {
            return writeln!(f, "rules        none broken");
        }
        for BrokenRule { rule, times, first } in &self.broken {
            writeln!(f, "broken       {rule}: {times} times, first by request {first}")?;
        }
        Ok(())
    }
}

/// Watches the clients of one simulator.
#[derive(Debug)]
pub(super) struct ClientMonitor {
    limit: RateLimit,
    one_at_a_time: bool,
    report: ClientReport,
    broken: BTreeMap<ClientRule, (u64, u64)>,
    history: RequestTimes,
    under_way: [usize; 3],
    cursors: HashMap<Vec<u8>, usize>,
    log: VecDeque<LoggedRequest>,
    listener: Option<Sender<LoggedRequest>>,
}

impl ClientMonitor {
    /// Watches clients against this limit; `listener` is sent every request once its answer is ready.
    pub(super) fn new(
        limit: RateLimit,
        one_at_a_time: bool,
        listener: Option<Sender<LoggedRequest>>,
    ) -> Self {
        ClientMonitor {
            limit,
            one_at_a_time,
            report: ClientReport::default(),
            broken: BTreeMap::new(),
            history: RequestTimes::default(),
            under_way: [0; 3],
            cursors: HashMap::new(),
            log: VecDeque::new(),
            listener,
        }
    }

    /// Notes a new connection and gives it a number.
    pub(super) fn connect(&mut self) -> u64 {
        self.report.connections += 1;
        self.report.connections
    }

    /// Notes a request that is now under way and gives it a number.
    pub(super) fn arrive(
        &mut self,
        at: Duration,
        connection: u64,
        request: &ReceivedRequest,
        target: Option<RequestTarget>,
        ask: Option<RequestKind>,
    ) -> u64 {
        self.report.requests += 1;
        let number = self.report.requests;
        self.history.note(at);
        let (minute, hour) = self.history.counts(at);
        let in_windows = [self.limit.short, self.limit.long].map(|w| self.history.within(w.length, at));
        self.report.most_in_a_minute = self.report.most_in_a_minute.max(minute);
        self.report.most_in_an_hour = self.report.most_in_an_hour.max(hour);
        let bearer = request.bearer().is_some_and(|token| !token.is_empty());
        let json = request.content_type.as_deref().is_some_and(|kind| kind.starts_with("application/json"));
        for (rule, kept) in [
            (ClientRule::MinuteLimit, in_windows[0] <= self.limit.short.most),
            (ClientRule::HourLimit, in_windows[1] <= self.limit.long.most),
            (ClientRule::Bearer, bearer),
            (ClientRule::ContentType, request.method != "POST" || json),
            (ClientRule::UserAgent, request.user_agent.as_deref().is_some_and(|agent| !agent.is_empty())),
            (ClientRule::KnownAddress, target.is_some()),
        ] {
            if !kept {
                self.breaks(rule, number);
            }
        }
        match target {
            Some(RequestTarget::Stream(stream)) => self.begin(stream, request, ask, number),
            Some(RequestTarget::Introspect) => self.report.introspections += 1,
            None => {}
        }
        if self.log.len() == LOGGED {
            self.log.pop_front();
        }
        self.log.push_back(LoggedRequest {
            number,
            at,
            answered: None,
            connection,
            method: request.method.clone(),
            path: request.path_and_query(),
            body: String::from_utf8_lossy(&request.body[..request.body.len().min(LONGEST_BODY)]).into_owned(),
            target,
            ask,
            status: None,
            events: 0,
            spoiled: false,
        });
        number
    }

    fn begin(&mut self, stream: Stream, request: &ReceivedRequest, ask: Option<RequestKind>, number: u64) {
        let index = stream as usize;
        self.report.per_stream[index] += 1;
        self.under_way[index] += 1;
        self.report.most_under_way[index] = self.report.most_under_way[index].max(self.under_way[index]);
        if self.one_at_a_time && self.under_way[index] > 1 {
            self.breaks(ClientRule::OneAtATime, number);
        }
        if ask == Some(RequestKind::Cursor) {
            let same = self.cursors.entry(cursor_key(request)).or_default();
            *same += 1;
            if *same > 1 {
                self.breaks(ClientRule::CursorOnce, number);
            }
        }
    }

    /// Notes that a request is no longer under way.
    pub(super) fn leave(&mut self, stream: Stream, request: &ReceivedRequest, ask: Option<RequestKind>) {
        let count = &mut self.under_way[stream as usize];
        *count = count.saturating_sub(1);
        if ask == Some(RequestKind::Cursor) {
            let key = cursor_key(request);
            if let Some(same) = self.cursors.get_mut(&key) {
                *same -= 1;
                if *same == 0 {
                    self.cursors.remove(&key);
                }
            }
        }
    }

    /// Notes what a request is answered, now that the answer is ready.
    pub(super) fn answer(
        &mut self,
        number: u64,
        at: Duration,
        status: Option<u16>,
        events: usize,
        spoiled: bool,
    ) {
        *self.report.answers.entry(status.unwrap_or(0)).or_default() += 1;
        self.report.events += events as u64;
        self.report.faults += u64::from(spoiled);
        let first = self.log.front().map_or(number, |logged| logged.number);
        if let Some(logged) = number.checked_sub(first).and_then(|i| self.log.get_mut(i as usize)) {
            logged.answered = Some(at);
            (logged.status, logged.events, logged.spoiled) = (status, events, spoiled);
            if let Some(listener) = &self.listener {
                // Whoever stops listening has their reasons; it is no matter of the clients'.
                let _ = listener.send(logged.clone());
            }
        }
    }

    /// Notes a broken rule.
    pub(super) fn breaks(&mut self, rule: ClientRule, number: u64) {
        self.broken.entry(rule).or_insert((0, number)).0 += 1;
    }

    /// What was noticed so far.
    pub(super) fn report(&self) -> ClientReport {
        let broken = self.broken.iter();
        let broken =
            broken.map(|(rule, (times, first))| BrokenRule { rule: *rule, times: *times, first: *first });
        ClientReport { broken: broken.collect(), ..self.report.clone() }
    }

    /// The last requests, oldest first.
    pub(super) fn log(&self) -> Vec<LoggedRequest> {
        self.log.iter().cloned().collect()
    }
}

/// Requests with the same cursor have the same key, whatever else the bodies hold.
fn cursor_key(request: &ReceivedRequest) -> Vec<u8> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match body.get("cursor").and_then(|cursor| cursor.as_str()) {
        Some(cursor) => cursor.trim_end().into(),
        None => request.query.clone().into_bytes(),
    }
}
