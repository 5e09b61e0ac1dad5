//! The rate limiter: never exceeds the service's limits, however many workers and streams there are (P9).
//!
//! A request holds its slot in the minute (and in the hour) from its start until a minute after its
//! *end*. The server counts arrivals, and an arrival lies somewhere between start and end: when the last of
//! the requests in any window starts, every other one in that window is still held here, so the server
//! never sees more than the limit however the network bunches them. The price is one round trip a minute.
//!
//! Counted per host and account, on the monotonic clock, over all clients of the process. Waiting is fair:
//! who came first goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::api::retry::RateLimitHeaders;
use crate::api::throttle::Throttle;
use crate::api::turn_queue::TurnQueue;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};

/// The service's limit per minute, and the default.
pub const PER_MINUTE: u32 = 600;

/// The service's limit per hour.
pub const PER_HOUR: u32 = 30_000;

/// A minute and an hour, a little longer than they are: clocks do not run alike.
const MINUTE: Duration = Duration::from_millis(60_020);
const HOUR: Duration = Duration::from_millis(3_600_500);

/// From how much of the hour's requests on the rest is spread evenly, in hundredths. Shorter runs never
/// notice the hour; longer ones slow down instead of standing still for minutes.
const PACED_FROM: u32 = 80;

/// Of a told limit, the part from which on what remains is spread over the rest of the server's window; and
/// from how many requests on where no limit was told. Above, bursts are fine: they are what `--jobs` is for.
const LOW_PART: u64 = 5;
const LOW_REMAINING: u64 = 100;

/// The longest that a told window is waited for without asking: after that the service has to say it again.
const MOST_TOLD: Duration = Duration::from_secs(60);

/// How often to check again while only the end of a running request can make room.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The limiters of a process, one for each host and account.
#[derive(Debug)]
pub struct Limiters {
    per_minute: u32,
    clock: Arc<dyn Clock>,
    by_account: Mutex<HashMap<(String, String), Limiter>>,
}

impl Limiters {
    /// Limiters of `per_minute` requests; 0 lifts the limits, the hour's too.
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Limiters { per_minute, clock, by_account: Mutex::default() }
    }

    /// The one limiter of an account on a host.
    pub fn get(&self, host: &str, account: &str) -> Limiter {
        let mut by_account = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
        by_account
            .entry((host.to_owned(), account.to_owned()))
            .or_insert_with(|| Limiter::new(self.per_minute, Arc::clone(&self.clock)))
            .clone()
    }
}

/// A sliding history of the requests to one account; clones share it.
#[derive(Clone, Debug)]
pub struct Limiter(Arc<LimiterState>);

#[derive(Debug)]
struct LimiterState {
    clock: Arc<dyn Clock>,
    history: Mutex<RequestHistory>,
    queue: TurnQueue,
    throttle: Throttle,
}

/// A request's slot in the rate limit; the request runs until this is dropped.
#[derive(Debug)]
pub struct RequestSlot(Limiter);

impl Drop for RequestSlot {
    fn drop(&mut self) {
        let mut history = self.0.history();
        history.end(self.0.0.clock.elapsed());
    }
}

impl Limiter {
    /// A limiter of `per_minute` requests; 0 lifts the limits, the hour's too.
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        let history = Mutex::new(RequestHistory::new(per_minute));
        let throttle = Throttle::new(Arc::clone(&clock));
        Limiter(Arc::new(LimiterState { clock, history, queue: TurnQueue::default(), throttle }))
    }

    /// What a 429 changes for the account.
    pub(super) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Waits until a request may start, after all earlier calls.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled, and with `Deadline`, at once, when it could only start
    /// after `deadline` (on the monotonic clock).
    pub fn wait(&self, cancel: &Cancel, deadline: Option<Duration>) -> Result<RequestSlot> {
        loop {
            if let Some(slot) = self.wait_while(cancel, deadline, || true)? {
                return Ok(slot);
            }
        }
    }

    /// As [`Limiter::wait`]; gives none, and counts none, once the request is not wanted any more.
    ///
    /// # Errors
    /// As [`Limiter::wait`].
    pub(super) fn wait_while(
        &self,
        cancel: &Cancel,
        deadline: Option<Duration>,
        is_wanted: impl Fn() -> bool,
    ) -> Result<Option<RequestSlot>> {
        let _turn = self.0.queue.turn(cancel)?;
        loop {
            cancel.check()?;
            if !is_wanted() {
                return Ok(None);
            }
            // The lock is let go before sleeping.
            let verdict = self.history().start(self.0.clock.elapsed());
            let Err(wait) = verdict else { return Ok(Some(RequestSlot(self.clone()))) };
            if deadline.is_some_and(|deadline| self.0.clock.elapsed().saturating_add(wait) >= deadline) {
                return Err(Error::new(
                    ErrorKind::Deadline,
                    "the deadline passes while waiting for the own rate limit",
                )
                .hint("give more time with --deadline"));
            }
            self.0.clock.sleep(wait, cancel)?;
        }
    }

    /// Keeps to what the server says of its own limit, where that is less than what was set. `reset` is how
    /// long its window still lasts, where it says so.
    pub(super) fn learn(&self, told: &RateLimitHeaders, reset: Option<Duration>) {
        let now = self.0.clock.elapsed();
        let mut history = self.history();
        if let Some(per_minute) = told.per_minute() {
            history.per_minute = per_minute.clamp(1, history.configured.max(1));
        }
        if let (Some(remaining), Some(reset)) = (told.remaining, reset) {
            history.learn(now, told.limit, remaining, reset);
        }
    }

    /// The current limit per minute; none when there is no limit.
    pub fn per_minute(&self) -> Option<u32> {
        let history = self.history();
        (history.configured > 0).then_some(history.per_minute)
    }

    fn history(&self) -> MutexGuard<'_, RequestHistory> {
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When requests ended, and how many have not. At most an hour's worth: 30,000 times of 16 bytes.
#[derive(Debug)]
struct RequestHistory {
    configured: u32,
    per_minute: u32,
    per_hour: u32,
    under_way: usize,
    /// In order of time.
    ended: VecDeque<Duration>,
    last_start: Option<Duration>,
    told: Option<ToldQuota>,
}

/// What remains of the window that the server announced.
#[derive(Debug)]
struct ToldQuota {
    until: Duration,
    left: u64,
    /// Whether so little is left that it is spread over the rest of the window.
    is_low: bool,
}

impl ToldQuota {
    /// How long until the next start, so that the remaining requests last.
    fn until_next(&self, now: Duration, last_start: Option<Duration>) -> Duration {
        let rest = self.until.saturating_sub(now);
        let wait = match u32::try_from(self.left).unwrap_or(u32::MAX) {
            0 => rest,
            left if self.is_low => match last_start {
                Some(last) => (last + rest / left).saturating_sub(now),
                None => Duration::ZERO,
            },
            _ => Duration::ZERO,
        };
        wait.min(rest)
    }
}

impl RequestHistory {
    fn new(per_minute: u32) -> Self {
        RequestHistory {
            configured: per_minute,
            per_minute,
            per_hour: PER_HOUR,
            under_way: 0,
            ended: VecDeque::new(),
            last_start: None,
            told: None,
        }
    }

    /// Starts a request at `now`, or says how long to wait before trying again.
    fn start(&mut self, now: Duration) -> Result<(), Duration> {
        if self.configured > 0 {
            while self.ended.front().is_some_and(|end| *end + HOUR <= now) {
                self.ended.pop_front();
            }
            let wait = self
                .until_room(now, MINUTE, self.per_minute)
                .max(self.until_room(now, HOUR, self.per_hour))
                .max(self.until_paced(now))
                .max(self.until_told(now));
            if !wait.is_zero() {
                return Err(wait);
            }
        }
        if let Some(told) = &mut self.told {
            told.left = told.left.saturating_sub(1);
        }
        self.under_way += 1;
        self.last_start = Some(now);
        Ok(())
    }

    fn end(&mut self, now: Duration) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.configured > 0 {
            self.ended.push_back(now);
        }
    }

    /// Takes the values of an answer. Requests that still run may not be counted in them.
    fn learn(&mut self, now: Duration, limit: Option<u64>, remaining: u64, reset: Duration) {
        let under_way = u64::try_from(self.under_way).unwrap_or(u64::MAX);
        let left = remaining.saturating_sub(under_way);
        let is_low = limit.map_or(remaining < LOW_REMAINING, |limit| remaining < limit / LOW_PART);
        let until = now.saturating_add(reset.min(MOST_TOLD));
        self.told = (!reset.is_zero()).then_some(ToldQuota { until, left, is_low });
    }

    /// How long until the next start by the server's values; a window that is over is dropped.
    fn until_told(&mut self, now: Duration) -> Duration {
        self.told.take_if(|told| told.until <= now);
        self.told.as_ref().map_or(Duration::ZERO, |told| told.until_next(now, self.last_start))
    }

    /// How long until fewer than `limit` requests are held by a window.
    fn until_room(&self, now: Duration, window: Duration, limit: u32) -> Duration {
        let first_held = self.ended.partition_point(|end| *end + window <= now);
        let held = self.ended.len() - first_held + self.under_way;
        match held.checked_sub(limit as usize) {
            None => Duration::ZERO,
            Some(over) => self.ended.get(first_held + over).map_or(LOOK_AGAIN, |end| *end + window - now),
        }
    }

    /// How long until the next start where the rest of the hour's requests is spread evenly.
    fn until_paced(&self, now: Duration) -> Duration {
        let used = self.ended.len() + self.under_way;
        let left = (self.per_hour as usize).saturating_sub(used);
        let paced_from = self.per_hour as usize * PACED_FROM as usize / 100;
        let (Some(last), Some(oldest)) = (self.last_start, self.ended.front()) else { return Duration::ZERO };
        if used < paced_from || left == 0 {
            return Duration::ZERO;
        }
        // No slot is free before the oldest request leaves the window: the rest must last until then.
        let until_oldest_leaves = (*oldest + HOUR).saturating_sub(now);
        let apart = (until_oldest_leaves / u32::try_from(left).unwrap_or(u32::MAX)).max(HOUR / self.per_hour);
        (last + apart).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn manual() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(DateTime::UNIX_EPOCH))
    }

    /// The most arrivals in any window of this length, its both ends included.
    fn most_within(arrivals: &[Duration], window: Duration) -> usize {
        let mut sorted = arrivals.to_vec();
        sorted.sort();
        (0..sorted.len())
            .map(|i| sorted.partition_point(|arrival| *arrival <= sorted[i] + window) - i)
            .max()
            .unwrap_or(0)
    }

    /// Plays workers against a history until `end`; gives the times of start and of arrival.
    fn play(
        mut history: RequestHistory,
        workers: usize,
        end: Duration,
        mut latency: impl FnMut() -> (Duration, Duration),
    ) -> (Vec<Duration>, Vec<Duration>) {
        let (mut now, mut starts, mut arrivals) = (Duration::ZERO, Vec::new(), Vec::new());
        let mut under_way: Vec<Duration> = Vec::new();
        while now < end {
            under_way.sort();
            while under_way.first().is_some_and(|done| *done <= now) {
                history.end(under_way.remove(0));
            }
            let next_end = under_way.first().copied();
            let wait = if under_way.len() == workers { Err(Duration::MAX) } else { history.start(now) };
            match wait {
                Ok(()) => {
                    let (there, back) = latency();
                    starts.push(now);
                    arrivals.push(now + there);
                    under_way.push(now + there + back);
                }
                Err(wait) => now = now.saturating_add(wait).min(next_end.unwrap_or(Duration::MAX)),
            }
        }
        (starts, arrivals)
    }

    #[test]
    fn the_limit_of_a_minute_is_used_to_95_percent_and_never_passed() {
        for (workers, milliseconds) in [(1, 20), (4, 300), (16, 300), (16, 1000)] {
            let latency = || (ms(milliseconds / 2), ms(milliseconds / 2));
            let (starts, arrivals) = play(RequestHistory::new(PER_MINUTE), workers, ms(1_200_000), latency);
            assert!(most_within(&arrivals, ms(60_000)) <= 600);
            assert!(starts.len() >= 600 * 20 * 95 / 100, "{workers} {milliseconds}: {}", starts.len());
        }
    }

    #[test]
    fn the_hour_is_kept_evenly_and_short_runs_do_not_notice_it() {
        let latency = || (ms(50), ms(50));
        let (starts, arrivals) = play(RequestHistory::new(PER_MINUTE), 8, ms(4 * 3_600_000), latency);
        assert!(most_within(&arrivals, ms(3_600_000)) <= 30_000);
        assert!(most_within(&arrivals, ms(60_000)) <= 600);
        assert!(starts.len() >= 4 * 30_000 * 95 / 100, "{}", starts.len());
        let of_first_39_minutes = starts.iter().filter(|start| **start < ms(39 * 60_000)).count();
        assert!(of_first_39_minutes >= 39 * 600 * 95 / 100, "{of_first_39_minutes}");
        // It slows down, but never stands still.
        let slowest = (45..240)
            .map(|minute| {
                let minute = ms(minute * 60_000)..ms((minute + 1) * 60_000);
                starts.iter().filter(|start| minute.contains(start)).count()
            })
            .min();
        assert!(slowest >= Some(200), "{slowest:?}");
    }

    proptest! {
        #[test]
        fn no_window_holds_more_however_the_network_bunches_requests(
            per_minute in 1_u32..40,
            workers in 1_usize..20,
            latencies in prop::collection::vec((0_u64..90_000, 0_u64..90_000), 1..50),
        ) {
            let mut next = latencies.iter().cycle().map(|(there, back)| (ms(*there), ms(*back)));
            let (starts, arrivals) =
                play(RequestHistory::new(per_minute), workers, ms(900_000), || next.next().unwrap());
            prop_assert!(most_within(&arrivals, ms(60_000)) <= per_minute as usize);
            prop_assert!(!starts.is_empty());
        }

        #[test]
        fn no_hour_holds_more_either(per_hour in 10_u32..200, there in 0_u64..5_000, back in 0_u64..5_000) {
            let history = RequestHistory { per_hour, ..RequestHistory::new(30) };
            let (_, arrivals) = play(history, 3, ms(3 * 3_600_000), || (ms(there), ms(back + 1)));
            prop_assert!(most_within(&arrivals, ms(3_600_000)) <= per_hour as usize);
            prop_assert!(arrivals.len() >= per_hour as usize * 5 / 2);
        }
    }

    #[test]
    fn many_threads_on_a_manual_clock_keep_the_limit() {
        let clock = manual();
        let limiter = Limiter::new(50, clock.clone());
        let starts = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..40 {
                        let place = limiter.wait(&Cancel::new(), None).unwrap();
                        starts.lock().unwrap().push(clock.elapsed());
                        clock.advance(ms(10));
                        drop(place);
                    }
                });
            }
        });
        let starts = starts.into_inner().unwrap();
        assert_eq!(starts.len(), 640);
        assert!(most_within(&starts, ms(60_000)) <= 50, "{}", most_within(&starts, ms(60_000)));
        assert!(clock.elapsed() < ms(60_000 * 14));
    }

    #[test]
    fn a_deadline_ends_the_waiting_before_it_begins() {
        let clock = manual();
        let limiter = Limiter::new(1, clock.clone());
        drop(limiter.wait(&Cancel::new(), Some(ms(10_000))).unwrap());
        let failure = limiter.wait(&Cancel::new(), Some(ms(10_000))).map(drop).unwrap_err();
        assert_eq!((failure.kind(), clock.elapsed()), (ErrorKind::Deadline, Duration::ZERO));
        limiter.wait(&Cancel::new(), Some(ms(61_000))).unwrap();
    }

    #[test]
    fn nought_lifts_the_limits() {
        let clock = manual();
        let limiter = Limiter::new(0, clock.clone());
        for _ in 0..50_000 {
            drop(limiter.wait(&Cancel::new(), None).unwrap());
        }
        limiter.learn(&told("5", None, None), None);
        assert_eq!((clock.elapsed(), limiter.per_minute()), (Duration::ZERO, None));
        assert!(limiter.history().ended.is_empty());
    }

    fn told(limit: &str, remaining: Option<&str>, reset: Option<&str>) -> RateLimitHeaders {
        RateLimitHeaders::read(|name| match name {
            "ratelimit-limit" => Some(limit),
            "ratelimit-remaining" => remaining,
            _ => reset,
        })
    }

    #[test]
    fn a_lower_limit_is_learned_and_a_higher_one_is_not() {
        let limiter = Limiter::new(600, manual());
        for (limit, expected) in [("100", 100), ("0", 100), ("10000", 600), ("50, 50;w=10", 300)] {
            limiter.learn(&told(limit, None, None), None);
            assert_eq!(limiter.per_minute(), Some(expected), "{limit}");
        }
    }

    #[test]
    fn a_limit_whose_window_is_another_is_never_taken_as_one_of_a_minute() {
        let limiter = Limiter::new(600, manual());
        for (limit, reset) in [("20", Some("1")), ("2000", Some("3000")), ("20, 20;w=1", None)] {
            limiter.learn(&told(limit, None, reset), None);
            assert_eq!(limiter.per_minute(), Some(600), "{limit}");
        }
    }

    #[test]
    fn what_remains_is_spread_over_the_rest_of_the_servers_window_once_it_is_little() {
        let clock = manual();
        let limiter = Limiter::new(600, clock.clone());
        let ask = |remaining: &str, reset: u64| {
            drop(limiter.wait(&Cancel::new(), None).unwrap());
            limiter.learn(&told("100", Some(remaining), Some("x")), Some(ms(reset * 1_000)));
            clock.elapsed().as_secs()
        };
        // Much remains: no pacing. A tenth remains: ten requests in 40 s. Nothing remains: a new window.
        assert_eq!((ask("90", 50), ask("80", 50), ask("10", 40), ask("9", 36)), (0, 0, 0, 4));
        assert_eq!((ask("0", 32), ask("99", 60)), (8, 40));
        // A window without end is not waited for without asking.
        assert_eq!((ask("0", 36_000), ask("0", 36_000)), (40, 100));
    }

    #[test]
    fn an_account_on_a_host_has_one_limiter() {
        let limiters = Limiters::new(600, manual());
        let same = |a: &Limiter, b: &Limiter| Arc::ptr_eq(&a.0, &b.0);
        assert!(same(&limiters.get("h", "a"), &limiters.get("h", "a")));
        assert!(!same(&limiters.get("h", "a"), &limiters.get("h", "b")));
    }
}
