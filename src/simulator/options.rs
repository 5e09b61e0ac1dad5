//! What a simulator can be told: which events, which of the service's unknown behavior, which troubles.
//!
//! Plain data, with the words by which the command line names it; what the options do is in the other files
//! here.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::Sender;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::fault::{InvalidFault, duration};
use super::logged_request::LoggedRequest;
use super::rate_limit::RateLimit;
use super::script::FaultScript;
use crate::event::Stream;

/// How a simulator is set up. Start from [`SimulatorOptions::default`].
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// The loopback port; 0 takes a free one.
    pub port: u16,
    /// The events to serve.
    pub data: EventData,
    /// Stands still at this time instead of following the clock: no new events, and `now` is here.
    pub at: Option<DateTime<Utc>>,
    /// What nobody knows of the real service.
    pub behavior: ServiceBehavior,
    /// The token it issues.
    pub token: TokenOptions,
    /// Troubles, on request.
    pub script: FaultScript,
    /// How long each answer takes.
    pub latency: Latency,
    /// How many requests are allowed, and how more of them are answered.
    pub rate_limit: Option<RateLimit>,
    /// Compresses answers for clients that accept gzip.
    pub gzip: bool,
    /// Takes a second request under way on the same stream for a broken rule.
    pub one_at_a_time: bool,
    /// How many connections may be open at once; more are answered 503.
    pub connections: usize,
    /// Is told every request once its answer is ready.
    pub log: Option<Sender<LoggedRequest>>,
}

impl SimulatorOptions {
    /// The demo: enough events for a few in every stream in every hour, and now and then one that comes twice.
    pub fn demo() -> Self {
        let data = SeededData { events: 30_000, repeats: true, ..SeededData::default() };
        SimulatorOptions { data: EventData::Seeded(data), ..SimulatorOptions::default() }
    }
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        SimulatorOptions {
            port: 0,
            data: EventData::Seeded(SeededData::default()),
            at: None,
            behavior: ServiceBehavior::default(),
            token: TokenOptions::default(),
            script: FaultScript::default(),
            latency: Latency::default(),
            rate_limit: None,
            gzip: false,
            one_at_a_time: false,
            connections: 256,
            log: None,
        }
    }
}

/// Where the events come from.
#[derive(Clone, Debug)]
pub enum EventData {
    /// A made-up company's, from a seed.
    Seeded(SeededData),
    /// NDJSON files, one event a line, served byte for byte in the order of the lines.
    Files(Vec<PathBuf>),
}

/// The made-up company's events.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededData {
    /// Another seed, another company.
    pub seed: u64,
    /// How many events there are at the start, in all streams together.
    pub events: u64,
    /// The days before the start over which they lie.
    pub days: u32,
    /// How they lie there.
    pub rhythm: Rhythm,
    /// From the start on, this many new events a second in all streams together, instead of the
    /// everyday rhythm.
    pub live: Option<f64>,
    /// When `live` begins, if not at the start. A second simulator that is to go on where a first one
    /// stopped needs the first one's.
    pub live_from: Option<DateTime<Utc>>,
    /// Sprinkles values that are valid and hard to bear.
    pub hostile: bool,
    /// Two in a thousand events are one of the last thirty once more, as seen at the real service.
    pub repeats: bool,
}

impl Default for SeededData {
    fn default() -> Self {
        SeededData {
            seed: 1,
            events: 12_000,
            days: 30,
            rhythm: Rhythm::Office,
            live: None,
            live_from: None,
            hostile: false,
            repeats: false,
        }
    }
}

/// When the made-up company is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rhythm {
    /// In office hours most of all
    Office,
    /// At every hour alike
    Even,
}

/// Whether a bound belongs to the range it bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It does.
    Inclusive,
    /// It does not.
    Exclusive,
}

/// Which bounds of a range belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RangeEnds {
    /// Start and end
    Closed,
    /// The start alone
    ClosedOpen,
    /// The end alone
    OpenClosed,
    /// Neither
    Open,
}

impl RangeEnds {
    /// What it says of the start and of the end.
    pub fn bounds(self) -> (Bound, Bound) {
        match self {
            RangeEnds::Closed => (Bound::Inclusive, Bound::Inclusive),
            RangeEnds::ClosedOpen => (Bound::Inclusive, Bound::Exclusive),
            RangeEnds::OpenClosed => (Bound::Exclusive, Bound::Inclusive),
            RangeEnds::Open => (Bound::Exclusive, Bound::Exclusive),
        }
    }
}

/// What is answered to a body that holds a cursor and also a limit or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CursorWithRange {
    /// 400
    Refused,
    /// The cursor counts, the other fields are ignored
    #[value(name = "cursor")]
    CursorWins,
    /// The other fields count, the cursor is ignored
    #[value(name = "range")]
    RangeWins,
}

/// Which of an event's times a range is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FilterBy {
    /// When it happened
    #[value(name = "event")]
    EventTime,
    /// When it reached the service
    Arrival,
}

/// The order of keys in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyOrder {
    /// `cursor`, then `has_more` and `items`, as seen
    #[value(name = "cursor")]
    CursorFirst,
    /// `items`, then `has_more` and `cursor`, as documented
    #[value(name = "items")]
    ItemsFirst,
}

/// What a v2 user object calls the user's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UserTypeKey {
    /// As documented
    #[value(name = "user_type")]
    UserType,
    /// As seen
    #[value(name = "type")]
    Type,
}

/// The shape of an error's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ErrorShape {
    /// Nested for v1, flat for the others
    #[value(name = "version")]
    ByVersion,
    /// {"Error":{"Message":...}}
    Nested,
    /// {"status":...,"message":...}
    Flat,
}

/// What nobody knows of the real service, each as a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceBehavior {
    /// Whether an event at `start_time` is in the range.
    pub start: Bound,
    /// Whether an event at `end_time` is in the range.
    pub end: Bound,
    /// Which time a range is about.
    pub filter: FilterBy,
    /// The cursor of a range with an end forgets that end.
    pub cursor_forgets_end: bool,
    /// The order of keys in an answer.
    pub keys: KeyOrder,
    /// The name of the user type's key.
    pub user_type_key: UserTypeKey,
    /// The shape of an error's body.
    pub errors: ErrorShape,
    /// `has_more: true` is said once too often: an empty page comes before the end.
    pub empty_page_before_end: bool,
    /// A cursor that was given with `has_more: false` brings this many of the last events again.
    pub repeats_when_followed: u64,
    /// What a cursor beside a limit or a time means.
    pub cursor_with_range: CursorWithRange,
    /// A field that is `null` counts as absent; otherwise it is refused.
    pub null_is_absent: bool,
    /// `1.0` is a limit of 1; otherwise it is refused.
    pub accepts_whole_floats: bool,
}

impl Default for ServiceBehavior {
    fn default() -> Self {
        ServiceBehavior {
            start: Bound::Inclusive,
            end: Bound::Exclusive,
            filter: FilterBy::EventTime,
            cursor_forgets_end: false,
            keys: KeyOrder::CursorFirst,
            user_type_key: UserTypeKey::UserType,
            errors: ErrorShape::ByVersion,
            empty_page_before_end: true,
            repeats_when_followed: 0,
            cursor_with_range: CursorWithRange::Refused,
            null_is_absent: false,
            accepts_whole_floats: false,
        }
    }
}

/// The version of the API whose form an item has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiForm {
    /// v1.
    V1,
    /// v2, with account identifiers and types of users.
    V2,
    /// The v3 beta; audit events only.
    V3,
}

/// The token that the simulator issues.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// The streams it grants.
    pub features: Vec<Stream>,
    /// Seconds from the start to its expiry; negative for one that has expired, `None` for never.
    pub expires_in: Option<i64>,
    /// Its first audience; the simulator's own `127.0.0.1:PORT` if none is given.
    pub audience: Option<String>,
}

impl Default for TokenOptions {
    fn default() -> Self {
        TokenOptions { features: Stream::ALL.to_vec(), expires_in: None, audience: None }
    }
}

/// How long each answer takes: `fixed`, and up to `jitter` more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The least.
    pub fixed: Duration,
    /// What chance adds at most.
    pub jitter: Duration,
}

/// `100ms`, or `100ms+50ms` with a jitter.
impl FromStr for Latency {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let (fixed, jitter) = text.split_once('+').unwrap_or((text, "0ms"));
        Ok(Latency { fixed: duration(fixed)?, jitter: duration(jitter)? })
    }
}

/// Reads an RFC 3339 time.
///
/// # Errors
/// Fails for anything else.
pub fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc()).map_err(|_| "write an RFC 3339 time such as 2026-11-20T12:00:00Z".into())
}

/// Reads the rate of new events.
///
/// # Errors
/// Fails for anything but a number above 0 and up to 100,000.
pub fn parse_live_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 100_000.0);
    rate.ok_or_else(|| "write a number of events a second, above 0 and up to 100000".into())
}
