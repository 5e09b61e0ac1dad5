//! What a simulator can be told: which events, which of the service's unknown behavior, which troubles.
//!
//! Plain data. The command line's words for it are in `cli`; what they do is in the other files here.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

use chrono::{DateTime, Utc};

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
    /// Requests allowed in any minute and any hour; more are answered 429.
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
        }
    }
}

/// When the made-up company is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// In the offices' working hours most of all, on weekends hardly.
    Office,
    /// At every hour of the week alike.
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

/// Which of an event's times a range is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterBy {
    /// When it happened.
    EventTime,
    /// When it reached the service.
    Arrival,
}

/// The order of keys in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// `cursor`, `has_more`, `items`: as seen.
    CursorFirst,
    /// `items` before the others: as documented.
    ItemsFirst,
}

/// What a v2 user object calls the user's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTypeKey {
    /// `user_type`: as documented.
    UserType,
    /// `type`: as seen.
    Type,
}

/// The shape of an error's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorShape {
    /// The nested one for v1, the flat one for the rest.
    ByVersion,
    /// `{"Error":{"Message":"..."}}`.
    Nested,
    /// `{"status":401,"message":"..."}`.
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
