//! `opev simulate`: its arguments, parsed into the simulator's own types.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::event::Stream;
use crate::simulator::{
    AnnouncementForm, CursorWithRange, ErrorShape, FaultRule, FilterBy, KeyOrder, Latency, RangeEnds,
    RateLimit, Rhythm, UserTypeKey, parse_live_rate, parse_time,
};

/// A local stand-in of the Events API, for rehearsal and tests
///
/// Serves the events of a made-up company, or those of NDJSON files, on 127.0.0.1, and issues a token that
/// opens them. It says where it listens on stdout, serves until it is interrupted, and then sums up on
/// stderr what its clients did.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = FAULTS)]
#[command(after_help = "Examples:\n\x20 opev simulate --live 5                 5 new events a second")]
pub struct SimulateArgs {
    /// Port on 127.0.0.1
    ///
    /// 0 takes a free one, which is then announced.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// How to say where it listens
    ///
    /// `text` is for people and ends with a command line to paste; `env` is lines for a shell's `eval`; `json`
    /// is one object on one line. It is complete and flushed before the first request is taken.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = AnnouncementForm::Text)]
    pub announce: AnnouncementForm,

    /// Write the token to a file
    ///
    /// The file is made or replaced with mode 0600, and the announcement then names it in place of the token.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Add a line of JSON to a file for every request
    ///
    /// When it arrived and when its answer was ready, on which connection, for which stream, the status, and
    /// how many events the answer held; never a token. The line comes with the answer. The file is made with
    /// mode 0600.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Exit with 1 if a client broke a rule
    ///
    /// The rules: at most 600 requests in any 60 s and 30,000 in any 3,600 s (or --rate-limit), a bearer token,
    /// Content-Type on POST, a User-Agent, never a cursor and a range at once, only cursors that were given,
    /// no cursor twice at the same time.
    ///
    /// 1Password's own clients in Go send no Content-Type with a POST, and the service answers them: expect them
    /// to fail this check on that rule alone.
    #[arg(long)]
    pub assert: bool,

    /// Take two requests under way on one stream for a broken rule
    ///
    /// A client that keeps saved positions has to ask one question after another. Counts with --assert.
    #[arg(long)]
    pub one_at_a_time: bool,

    /// Serve events from NDJSON files
    ///
    /// One event a line, byte for byte, in the order of the lines, for v1 and v2 alike. The stream is told by
    /// the file's name (signin, itemusage or audit in it), else by the event's fields.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["events", "seed", "days",
        "rhythm", "live", "live_from", "hostile", "repeats"], help_heading = "Events")]
    pub data: Vec<PathBuf>,

    /// How many events there are, in all streams together
    ///
    /// At the start, over --days: 35 % sign-in attempts, 50 % item usages, 15 % audit events. While it runs,
    /// new ones arrive as in a company's everyday life, or as --live says.
    #[arg(long, value_name = "N", default_value_t = 12_000, help_heading = "Events")]
    pub events: u64,

    /// Which company: the same number brings the same events
    ///
    /// Events are a function of this number and of the time: cursors stay good over a new start.
    #[arg(long, value_name = "S", default_value_t = 1, help_heading = "Events")]
    pub seed: u64,

    /// Over how many days before now the events lie
    ///
    /// The service itself keeps 120 days.
    #[arg(long, value_name = "D", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366),
        help_heading = "Events")]
    pub days: u32,

    /// How the events lie over those days
    ///
    /// A company is quiet at night and on weekends; even events lie at every hour of the week alike.
    #[arg(long, value_enum, value_name = "RHYTHM", default_value_t = Rhythm::Office, help_heading = "Events")]
    pub rhythm: Rhythm,

    /// New events a second, from the start on
    ///
    /// In all streams together, in place of the company's own rhythm, which brings a new event every few
    /// minutes.
    #[arg(long, value_name = "PER_SECOND", value_parser = parse_live_rate, help_heading = "Events")]
    pub live: Option<f64>,

    /// When --live began, if not now (RFC 3339)
    ///
    /// For a stand-in that is started anew and goes on where the last one stopped; the announcement in JSON
    /// says it.
    #[arg(long, value_name = "TIME", requires = "live", value_parser = parse_time, help_heading = "Events")]
    pub live_from: Option<DateTime<Utc>>,

    /// Stand still at this time (RFC 3339)
    ///
    /// No new events arrive, and "the last hour" is the hour before it: the same answers at every start.
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Events")]
    pub at: Option<DateTime<Utc>>,

    /// Sprinkle values that are valid JSON and hard to bear
    ///
    /// Escape sequences, tabs, line breaks, bidi marks, wide characters, lone surrogates, unknown fields and
    /// values, nulls, big numbers, repeated keys.
    #[arg(long, help_heading = "Events")]
    pub hostile: bool,

    /// Send two in a thousand events twice
    ///
    /// Seen at the real service: an event comes once more, a few events later. The demo has such repeats.
    #[arg(long, help_heading = "Events")]
    pub repeats: bool,

    /// Streams that the token grants, separated by commas
    ///
    /// All of them when the flag is left out. The others are answered 401.
    #[arg(long, value_name = "STREAM", value_delimiter = ',', help_heading = "Token")]
    pub features: Vec<Stream>,

    /// Seconds to the token's expiry; negative: it has expired
    ///
    /// Without the flag the token says nothing of an expiry, as most tokens do.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, help_heading = "Token")]
    pub expires_in: Option<i64>,

    /// The token's audience, in place of 127.0.0.1:PORT
    ///
    /// The audience is the server that the token names: a client without a base URL asks there.
    #[arg(long, value_name = "HOST", help_heading = "Token")]
    pub audience: Option<String>,

    /// Which bounds of a range belong to it
    ///
    /// `closed-open` is start yes, end no.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = RangeEnds::ClosedOpen,
        help_heading = "Undocumented behaviour of the service")]
    pub bounds: RangeEnds,

    /// Which time of an event a range is about
    ///
    /// When it happened, or when it reached the service. The difference is what arrives late.
    #[arg(long, value_enum, value_name = "TIME", default_value_t = FilterBy::EventTime,
        help_heading = "Undocumented behaviour of the service")]
    pub filter: FilterBy,

    /// The cursor of a range with an end forgets that end
    ///
    /// Following such a cursor leads beyond the range, to the end of what there is.
    #[arg(long, help_heading = "Undocumented behaviour of the service")]
    pub cursor_forgets_end: bool,

    /// Which key of an answer comes first
    ///
    /// JSON objects have no order, and a client must not need one.
    #[arg(long, value_enum, value_name = "KEY", default_value_t = KeyOrder::CursorFirst,
        help_heading = "Undocumented behaviour of the service")]
    pub keys: KeyOrder,

    /// What a v2 user object calls the user's type
    ///
    /// Documentation and observed answers differ.
    #[arg(long, value_enum, value_name = "KEY", default_value_t = UserTypeKey::UserType,
        help_heading = "Undocumented behaviour of the service")]
    pub user_type: UserTypeKey,

    /// The shape of an error's body
    ///
    /// `nested` is {"Error":{"Message":...}}, `flat` is {"status":...,"message":...}; `version` is nested for
    /// v1 and flat for the others.
    #[arg(long, value_enum, value_name = "SHAPE", default_value_t = ErrorShape::ByVersion,
        help_heading = "Undocumented behaviour of the service")]
    pub errors: ErrorShape,

    /// Never say has_more: true before an empty page
    ///
    /// Without the flag, has_more is true once too often, as the documentation allows.
    #[arg(long, help_heading = "Undocumented behaviour of the service")]
    pub no_empty_page: bool,

    /// This many last events come again on the next poll
    ///
    /// Seen at the real service: a poll begins with events that the last one ended with.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        help_heading = "Undocumented behaviour of the service"
    )]
    pub repeat_when_followed: u64,

    /// What is answered to a cursor together with a limit or a time
    ///
    /// Whichever it is, --assert takes such a request for a broken rule.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = CursorWithRange::Refused,
        help_heading = "Undocumented behaviour of the service")]
    pub cursor_with_range: CursorWithRange,

    /// Take a field that is null for one that is absent
    ///
    /// Without the flag, a null is refused with 400.
    #[arg(long, help_heading = "Undocumented behaviour of the service")]
    pub accept_null: bool,

    /// Take 1.0 for 1
    ///
    /// Some clients write all numbers so. Without the flag, such a limit is refused with 400.
    #[arg(long, help_heading = "Undocumented behaviour of the service")]
    pub accept_float: bool,

    /// Spoil answers; may be given several times
    ///
    /// A fault, its values and when: status=503,retry-after=2@every:7. See below for the words.
    #[arg(long = "fault", value_name = "FAULT", help_heading = "Troubles")]
    pub faults: Vec<FaultRule>,

    /// How long each answer takes: 100ms, or 100ms+50ms with chance
    ///
    /// The chance comes from the seed. A request under way waits; others are answered side by side.
    #[arg(long, value_name = "TIME[+JITTER]", help_heading = "Troubles")]
    pub latency: Option<Latency>,

    /// Answer 429 beyond this: 600 a minute, or 600,30000 with the hour
    ///
    /// Counted as they arrive, over sliding windows; 100/10s counts over ten seconds. The 429 carries Retry-After
    /// and RateLimit headers. More words after a comma: `count-refused` lets refused requests use up the limit
    /// too, as haproxy's http_req_rate does, `no-retry-after` and `no-headers` leave headers away, `headers`
    /// puts the RateLimit headers on every answer.
    #[arg(long, value_name = "COUNT[/WINDOW][,...]", help_heading = "Troubles")]
    pub rate_limit: Option<RateLimit>,

    /// Compress answers for clients that accept gzip
    ///
    /// Off by default, to keep the stand-in fast.
    #[arg(long, help_heading = "Troubles")]
    pub gzip: bool,
}

const FAULTS: &str = "\
Faults (--fault):
  status=CODE            another status; retry-after=SECONDS, retry-after=date:SECONDS or any
                         text, ratelimit (adds RateLimit headers), body=json|html|empty
  redirect=URL           a redirect; code=302
  refuse-cursor          400 to a cursor
  cut=WHERE              the connection ends: before, in-head, after-head, in-body, or unframed
                         (in a body whose length was never announced)
  cut-json               half of the JSON text, of the right length
  bad-json, html         a body that is no JSON; a proxy's page with status 200
  bad-utf8               a byte that is not UTF-8 in the first item
  gzip-bomb[=MIB]        a small body that grows to 1024 MiB
  drip=PAUSE             a byte at a time; bytes=N
  delay=TIME, hang       a late answer; none
  empty, null-items      no items and has_more: true, although there are some
  stuck                  the same page and cursor again, and has_more: true
  repeat=N               the last N items of the page before once more
  short, grow            half a page, with has_more: true or false; the rest follows

When (@WHEN, counted among the requests that fit; without it, @1):
  @3  @2-5  @every:7  @always
  on=STREAM|events|introspect|any   only these requests (without it, events)
  ask=first|cursor                  only requests with a range, or with a cursor

  --fault 'status=503,retry-after=2@3'
  --fault 'cut=in-body@every:7,on=itemusages' --fault 'drip=20ms,bytes=512@always,ask=cursor'";
