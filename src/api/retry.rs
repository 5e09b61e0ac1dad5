//! The retry policy: whether and when to retry. Pure: no clock, sleep or jitter.
//!
//! Every wait is bounded by the budget of `--retry-for` and by `--deadline` (P9).

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::api::http::HttpResponse;

/// The shortest wait before asking again.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// The longest wait without a Retry-After.
pub const LONGEST: Duration = Duration::from_secs(30);

/// How many 429s of one request, and for how many times its budget, are forgiven while others at its endpoint
/// are answered.
const TRIES_FORGIVEN: u32 = 30;
const BUDGETS_FORGIVEN: u32 = 4;

/// How long to keep trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long after the first failure to go on (`--retry-for`); a success makes it whole again.
    pub budget: Duration,
    /// When the whole run has to end, on the monotonic clock.
    pub deadline: Option<Duration>,
}

impl RetryPolicy {
    /// The time left until the deadline, if there is one; zero once it has passed.
    pub fn until_deadline(&self, elapsed: Duration) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(elapsed))
    }
}

/// Whether a request with this status may succeed on a retry.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// What to do after a failure that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Ask again after this long.
    Wait(Duration),
    /// The budget is spent.
    Spent,
    /// The server's Retry-After is longer than the rest of the budget.
    TooLong(Duration),
    /// The run would end before the next try.
    Deadline,
}

/// The failures of one request since its last success.
#[derive(Debug)]
pub struct RetryState {
    policy: RetryPolicy,
    /// The very first failure, and the one from which on the budget counts.
    begin: Option<Duration>,
    first_failure: Option<Duration>,
    failures: u32,
}

impl RetryState {
    /// No failure yet.
    pub fn new(policy: RetryPolicy) -> Self {
        RetryState { policy, begin: None, first_failure: None, failures: 0 }
    }

    /// How long to keep trying.
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The number of the next or running attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.failures + 1
    }

    /// Begins the budget anew where others at the same endpoint were answered at `last_answer`, after a
    /// failure of this one: a service that lets some through will let this one through as well. Bounded by a
    /// few budgets and by this one's own tries (P9).
    pub fn others_were_answered(&mut self, last_answer: Option<Duration>) {
        let (Some(begin), Some(last_answer)) = (self.begin, last_answer) else { return };
        let is_forgiven = last_answer.saturating_sub(begin) <= self.policy.budget * BUDGETS_FORGIVEN;
        if is_forgiven && self.failures < TRIES_FORGIVEN {
            self.first_failure = self.first_failure.map(|first| first.max(last_answer));
        }
    }

    /// The time left of the budget at `elapsed`.
    pub fn left(&self, elapsed: Duration) -> Duration {
        let first = self.first_failure.unwrap_or(elapsed);
        first.saturating_add(self.policy.budget).saturating_sub(elapsed)
    }

    /// Counts a 429 at `elapsed` and decides; `pause` is how long the account pauses, `retry_after` the server's
    /// Retry-After.
    pub fn refused(
        &mut self,
        elapsed: Duration,
        retry_after: Option<Duration>,
        pause: Duration,
    ) -> RetryDecision {
        self.note_failure(elapsed);
        let left = self.left(elapsed);
        match retry_after {
            Some(retry_after) if retry_after > left => RetryDecision::TooLong(retry_after),
            _ => self.decide(elapsed, left, pause),
        }
    }

    /// Counts a failure at `elapsed` and decides. `retry_after` is the server's Retry-After, `jitter` a
    /// number from 0 to 1.
    pub fn failed(&mut self, elapsed: Duration, retry_after: Option<Duration>, jitter: f64) -> RetryDecision {
        self.note_failure(elapsed);
        let left = self.left(elapsed);
        let wait = match retry_after {
            Some(retry_after) if retry_after > left => return RetryDecision::TooLong(retry_after),
            Some(retry_after) => retry_after.max(SHORTEST),
            // The last attempt is at the end of the budget, not a whole wait before it.
            None => backoff(self.failures, jitter).min(left),
        };
        self.decide(elapsed, left, wait)
    }

    fn note_failure(&mut self, elapsed: Duration) {
        self.begin.get_or_insert(elapsed);
        self.first_failure.get_or_insert(elapsed);
    }

    fn decide(&mut self, elapsed: Duration, left: Duration, wait: Duration) -> RetryDecision {
        self.failures = self.failures.saturating_add(1);
        if left.is_zero() {
            RetryDecision::Spent
        } else if self.policy.until_deadline(elapsed).is_some_and(|left| wait >= left) {
            RetryDecision::Deadline
        } else {
            RetryDecision::Wait(wait)
        }
    }
}

/// Exponential backoff with jitter in the upper half, so that many clients do not retry at the same time.
pub(super) fn backoff(failures: u32, jitter: f64) -> Duration {
    let most = SHORTEST.saturating_mul(2_u32.saturating_pow(failures.saturating_add(1))).min(LONGEST);
    let least = most / 2;
    least + (most - least).mul_f64(jitter.clamp(0.0, 1.0))
}

/// The Retry-After of an answer, if there is one.
pub(super) fn retry_after_of(answer: &HttpResponse, now: DateTime<Utc>) -> Option<Duration> {
    retry_after(answer.header("retry-after")?, answer.header("date"), now)
}

/// Reads a Retry-After: seconds, or a date that is held against the answer's own Date, else against `now`.
pub fn retry_after(value: &str, date: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    // The server's clock and ours may differ; its dates agree with each other.
    let from = date.and_then(http_date).unwrap_or(now);
    Some((http_date(value)? - from).to_std().unwrap_or(Duration::ZERO))
}

/// The forms of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`, and the two obsolete ones.
pub(super) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let obsolete = || {
        ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    };
    match DateTime::parse_from_rfc2822(text) {
        Ok(time) => Some(time.to_utc()),
        Err(_) => obsolete().map(|time| time.and_utc()),
    }
}

/// What a server says of its own rate limit (`RateLimit-*`, as the v3 beta documents them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimitHeaders {
    /// How many requests a window holds.
    pub limit: Option<u64>,
    /// How long that window is in seconds, where it is said (`600;w=60`).
    pub window: Option<u64>,
    /// How many are left in this one.
    pub remaining: Option<u64>,
    /// When it ends: in this many seconds, or in seconds since 1970.
    pub reset: Option<u64>,
}

impl RateLimitHeaders {
    /// Reads the headers that `header` returns by name; a value that is not a number counts as absent.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let number = |text: &str| {
            let text = text.trim();
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse().ok()
        };
        let limit = header("ratelimit-limit");
        let window =
            limit.and_then(|text| text.split([';', ',']).find_map(|part| part.trim().strip_prefix("w=")));
        RateLimitHeaders {
            limit: limit.and_then(number),
            window: window.and_then(number),
            remaining: header("ratelimit-remaining").and_then(number),
            reset: header("ratelimit-reset").and_then(number),
        }
    }

    /// The limit per minute; none where its window is not known to be a minute.
    pub fn per_minute(&self) -> Option<u32> {
        let limit = self.limit.filter(|limit| *limit > 0)?;
        let per_minute = match (self.window, self.reset) {
            (Some(window), _) => limit.saturating_mul(60).checked_div(window)?,
            (None, Some(_)) => return None,
            (None, None) => limit,
        };
        Some(u32::try_from(per_minute).unwrap_or(u32::MAX))
    }

    /// How long the window still lasts; `now` is the server's time, if known.
    pub fn resets_in(&self, now: DateTime<Utc>) -> Option<Duration> {
        /// No window is that long: a greater number counts from 1970.
        const YEAR: u64 = 365 * 86_400;
        let reset = self.reset?;
        if reset < YEAR {
            return Some(Duration::from_secs(reset));
        }
        let now = u64::try_from(now.timestamp()).ok()?;
        Some(Duration::from_secs(reset.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn retries(budget: u64, deadline: Option<u64>) -> RetryState {
        RetryState::new(RetryPolicy { budget: secs(budget), deadline: deadline.map(secs) })
    }

    #[test]
    fn waits_double_up_to_the_longest_and_stay_within_1_and_30_seconds() {
        let mut least = retries(10_000, None);
        let waits: Vec<_> = (0..7).map(|_| least.failed(secs(0), None, 0.0)).collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15].map(|s| RetryDecision::Wait(secs(s))));
        let mut most = retries(10_000, None);
        let waits: Vec<_> = (0..7).map(|_| most.failed(secs(0), None, 1.0)).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30].map(|s| RetryDecision::Wait(secs(s))));
        assert_eq!(backoff(u32::MAX, 5.0), LONGEST);
    }

    #[test]
    fn the_budget_counts_from_the_first_failure_and_its_end_is_used() {
        let mut retries = retries(120, None);
        assert_eq!(retries.failed(secs(1000), None, 0.0), RetryDecision::Wait(secs(1)));
        assert_eq!(retries.failed(secs(1119), None, 1.0), RetryDecision::Wait(secs(1)));
        assert_eq!(retries.failed(secs(1120), None, 1.0), RetryDecision::Spent);
        assert_eq!(super::tests::retries(0, None).failed(secs(5), None, 0.5), RetryDecision::Spent);
    }

    #[test]
    fn the_servers_wish_is_obeyed_unless_it_is_beyond_the_budget() {
        let mut retries = retries(120, None);
        assert_eq!(retries.failed(secs(0), Some(secs(60)), 0.0), RetryDecision::Wait(secs(60)));
        assert_eq!(retries.failed(secs(60), Some(secs(60)), 0.0), RetryDecision::Wait(secs(60)));
        assert_eq!(retries.failed(secs(61), Some(secs(60)), 0.0), RetryDecision::TooLong(secs(60)));
        assert_eq!(retries.failed(secs(61), Some(secs(0)), 0.0), RetryDecision::Wait(SHORTEST));
    }

    #[test]
    fn nothing_waits_past_the_deadline() {
        let mut retries = retries(120, Some(10));
        assert_eq!(retries.failed(secs(0), None, 0.0), RetryDecision::Wait(secs(1)));
        assert_eq!(retries.failed(secs(8), None, 0.0), RetryDecision::Deadline);
        assert_eq!(retries.failed(secs(20), Some(secs(1)), 0.0), RetryDecision::Deadline);
    }

    #[test]
    fn a_429_does_not_use_up_the_budget_while_others_are_answered_but_not_for_ever() {
        let mut state = retries(60, None);
        for number in 0..=4 {
            let now = secs(number * 50);
            state.others_were_answered(Some(now));
            assert_eq!(state.refused(now, None, secs(9)), RetryDecision::Wait(secs(9)), "{number}");
        }
        state.others_were_answered(Some(secs(290)));
        assert_eq!(state.refused(secs(290), None, secs(9)), RetryDecision::Spent);
        let retry_after = Some(secs(61));
        assert_eq!(
            retries(60, None).refused(secs(0), retry_after, secs(61)),
            RetryDecision::TooLong(secs(61))
        );
    }

    #[test]
    fn retry_after_comes_in_seconds_or_as_a_date() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        for (value, expected) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
        ] {
            assert_eq!(retry_after(value, None, now), expected.map(secs), "{value}");
        }
        let late = "2000-01-01T00:00:00Z".parse().unwrap();
        let date = Some("Sun, 06 Nov 1994 08:49:27 GMT");
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", date, late), Some(secs(10)));
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        assert!([408, 429, 500, 502, 503, 504, 599].into_iter().all(is_passing));
        assert!(![200, 204, 301, 400, 401, 403, 404, 405, 413].into_iter().any(is_passing));
    }

    #[test]
    fn rate_limit_headers_are_read_when_they_are_numbers() {
        let limit = RateLimitHeaders::read(|name| match name {
            "ratelimit-limit" => Some("600, 600;w=60"),
            "ratelimit-remaining" => Some("x"),
            _ => None,
        });
        let expected = RateLimitHeaders { limit: Some(600), window: Some(60), ..RateLimitHeaders::default() };
        assert_eq!(limit, expected);
        let now = "2026-11-20T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for (reset, expected) in [(0, 0), (60, 60), (now.timestamp() as u64 + 9, 9), (1_000_000_000, 0)] {
            let told = RateLimitHeaders { reset: Some(reset), ..RateLimitHeaders::default() };
            assert_eq!(told.resets_in(now), Some(secs(expected)), "{reset}");
        }
    }
}
