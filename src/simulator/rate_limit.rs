//! Sliding windows over requests: how many came, and the limit that is enforced.
//!
//! A window of length L holds the requests at t - L < s <= t. Times come from the clock's steady side.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use super::fault::{InvalidFault, bad, duration};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// So many requests in any stretch of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateWindow {
    /// The most requests.
    pub most: usize,
    /// The length of the stretch, at most an hour.
    pub length: Duration,
}

/// Two windows of allowed requests, and how a request beyond them is answered: always 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The short window; a minute at the real service.
    pub short: RateWindow,
    /// The long window; an hour at the real service.
    pub long: RateWindow,
    /// Refused requests use up the limit too, as they do behind haproxy's `http_req_rate`: a client that
    /// keeps asking is kept out.
    pub counts_refused: bool,
    /// A 429 says `Retry-After`.
    pub retry_after: bool,
    /// Which answers carry the `RateLimit-*` headers.
    pub headers: QuotaHeaders,
}

/// Which answers carry the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaHeaders {
    /// No answer.
    Never,
    /// A 429 alone.
    WhenRefused,
    /// Every answer.
    Always,
}

impl RateLimit {
    /// What 1Password documents.
    pub const DOCUMENTED: RateLimit = RateLimit::new(600, 30_000);

    /// So many requests in any minute and in any hour; refused requests use up nothing, and a 429 says
    /// when to come back.
    pub const fn new(per_minute: usize, per_hour: usize) -> Self {
        RateLimit {
            short: RateWindow { most: per_minute, length: MINUTE },
            long: RateWindow { most: per_hour, length: HOUR },
            counts_refused: false,
            retry_after: true,
            headers: QuotaHeaders::WhenRefused,
        }
    }
}

/// `COUNT[/WINDOW][,COUNT[/WINDOW]]`, then any of `count-refused`, `no-retry-after`, `headers` and `no-headers`.
impl FromStr for RateLimit {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let mut limit = RateLimit::DOCUMENTED;
        let mut windows = 0;
        for part in text.split(',').map(str::trim) {
            match part {
                "count-refused" => limit.counts_refused = true,
                "no-retry-after" => limit.retry_after = false,
                "headers" => limit.headers = QuotaHeaders::Always,
                "no-headers" => limit.headers = QuotaHeaders::Never,
                window => {
                    let of = match windows {
                        0 => &mut limit.short,
                        1 => &mut limit.long,
                        _ => return bad(format!("\"{window}\" is a third window: there are two")),
                    };
                    *of = parse_window(window, of.length)?;
                    windows += 1;
                }
            }
        }
        if windows == 0 {
            return bad(format!("\"{text}\" names no number of requests: write 600, or 600,30000"));
        }
        Ok(limit)
    }
}

fn parse_window(text: &str, usual: Duration) -> Result<RateWindow, InvalidFault> {
    let (count, length) = text.split_once('/').map_or((text, None), |(count, length)| (count, Some(length)));
    let length = length.map_or(Ok(usual), duration)?;
    match count.parse() {
        Ok(most) if most > 0 && !length.is_zero() && length <= HOUR => Ok(RateWindow { most, length }),
        _ => bad(format!(
            "\"{text}\" is not a limit: write a number from 1, or one with a window of up to 60m such as 100/10s"
        )),
    }
}

/// When requests came, as far back as an hour.
#[derive(Debug, Default)]
pub(super) struct RequestTimes {
    times: VecDeque<Duration>,
}

impl RequestTimes {
    /// More than any limit: the memory is bounded, and beyond this it only says "at least".
    const MOST: usize = 100_000;

    /// Notes a request.
    pub(super) fn note(&mut self, at: Duration) {
        while self.times.front().is_some_and(|time| *time + HOUR <= at) || self.times.len() >= Self::MOST {
            self.times.pop_front();
        }
        self.times.push_back(at);
    }

    /// How many came in the minute and in the hour that end at `at`.
    pub(super) fn counts(&self, at: Duration) -> (usize, usize) {
        (self.within(MINUTE, at), self.within(HOUR, at))
    }

    /// How many came in the stretch of this length that ends at `at`.
    pub(super) fn within(&self, length: Duration, at: Duration) -> usize {
        self.times.len() - self.times.partition_point(|time| *time + length <= at)
    }

    /// When a window has room for one more request.
    fn room_at(&self, window: RateWindow) -> Option<Duration> {
        let oldest = self.times.len().checked_sub(window.most)?;
        self.times.get(oldest).map(|time| *time + window.length)
    }
}

/// What is left of a limit, for the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RemainingQuota {
    pub(super) limit: usize,
    pub(super) remaining: usize,
    /// Seconds until there is more room, rounded up.
    pub(super) reset: u64,
}

/// Enforces a rate limit.
#[derive(Debug)]
pub(super) struct RateEnforcer {
    limit: RateLimit,
    counted: RequestTimes,
}

impl RateEnforcer {
    pub(super) fn new(limit: RateLimit) -> Self {
        RateEnforcer { limit, counted: RequestTimes::default() }
    }

    /// Lets a request pass, or says when to come back.
    pub(super) fn pass(&mut self, at: Duration) -> Result<RemainingQuota, RemainingQuota> {
        let windows = [self.limit.short, self.limit.long];
        let full = windows.map(|window| self.counted.within(window.length, at) >= window.most);
        let passes = !full.contains(&true);
        if passes || self.limit.counts_refused {
            self.counted.note(at);
        }
        if passes {
            let least = windows.map(|window| self.quota(window, at));
            return Ok(if least[1].remaining < least[0].remaining { least[1] } else { least[0] });
        }
        let refused = windows.into_iter().zip(full).filter(|(_, full)| *full);
        let latest = refused.map(|(window, _)| self.quota(window, at)).max_by_key(|quota| quota.reset);
        Err(latest.unwrap_or(RemainingQuota { limit: self.limit.short.most, remaining: 0, reset: 1 }))
    }

    fn quota(&self, window: RateWindow, at: Duration) -> RemainingQuota {
        let remaining = window.most.saturating_sub(self.counted.within(window.length, at));
        let room = self.counted.room_at(window).unwrap_or(at + window.length).saturating_sub(at);
        let reset = room.as_secs() + u64::from(room.subsec_nanos() > 0);
        RemainingQuota { limit: window.most, remaining, reset: reset.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn refusal(limit: usize, reset: u64) -> Result<RemainingQuota, RemainingQuota> {
        Err(RemainingQuota { limit, remaining: 0, reset })
    }

    #[test]
    fn windows_slide() {
        let mut history = RequestTimes::default();
        for time in [0, 30_000, 59_999] {
            history.note(at(time));
        }
        assert_eq!(history.counts(at(59_999)), (3, 3));
        assert_eq!(history.counts(at(60_000)), (2, 3));
        assert_eq!(history.counts(at(3_600_000)), (0, 2));
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let mut enforcer = RateEnforcer::new(RateLimit::new(2, 3));
        assert!(enforcer.pass(at(0)).is_ok());
        assert!(enforcer.pass(at(10_500)).is_ok());
        assert_eq!(enforcer.pass(at(20_000)), refusal(2, 40));
        assert!(enforcer.pass(at(60_000)).is_ok());
        assert_eq!(enforcer.pass(at(80_000)), refusal(3, 3520));
        assert!(enforcer.pass(at(3_600_000)).is_ok());
    }

    #[test]
    fn a_limit_that_counts_refused_requests_keeps_out_who_keeps_asking() {
        let mut enforcer = RateEnforcer::new("2/10s,count-refused".parse().unwrap());
        assert!(enforcer.pass(at(0)).is_ok());
        assert_eq!(enforcer.pass(at(0)), Ok(RemainingQuota { limit: 2, remaining: 0, reset: 10 }));
        for second in 1..30 {
            assert!(enforcer.pass(at(second * 1000)).is_err(), "second {second}");
        }
        assert_eq!(enforcer.pass(at(30_000)), refusal(2, 9), "one of the last two has to leave the window");
        assert!(enforcer.pass(at(39_000)).is_ok(), "a client that waits as told gets through");
    }

    #[test]
    fn limits_are_read_from_words() {
        let documented = RateLimit::DOCUMENTED;
        assert_eq!("600".parse(), Ok(documented));
        assert_eq!("60,3000".parse(), Ok(RateLimit::new(60, 3000)));
        let gateway: RateLimit = "100/10s,no-retry-after,headers".parse().unwrap();
        assert_eq!(gateway.short, RateWindow { most: 100, length: Duration::from_secs(10) });
        assert_eq!((gateway.long, gateway.counts_refused), (documented.long, false));
        assert_eq!((gateway.retry_after, gateway.headers), (false, QuotaHeaders::Always));
        for wrong in ["", "0", "-1", "5/2h", "5/0s", "5/120m", "1,2,3", "count-refused", "600,soon"] {
            assert!(wrong.parse::<RateLimit>().is_err(), "{wrong}");
        }
    }
}
