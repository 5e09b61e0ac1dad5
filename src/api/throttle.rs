//! The throttle after a 429: all requests of the account pause, one probes, and then fewer run at once.
//!
//! Without it all workers wait the same time and retry at the same moment; a service that counts refused
//! requests too then keeps refusing (P9). The number of parallel requests is halved by a 429 and grows again by
//! one at a time. Without a 429 there is no limit here.
//!
//! Counts, and sends nothing. The own rate is [`limiter`](crate::api::limiter)'s, the budget of a request
//! [`retry`](crate::api::retry)'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::api::jitter::jitter;
use crate::api::retry::{SHORTEST, backoff};
use crate::api::turn_queue::TurnQueue;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};

/// How many requests each of those at once has to have answered before one more may run beside them.
const ANSWERS_TO_GROW: usize = 10;

/// A Retry-After is spread by a tenth of it, at most by this: other clients may have got the same.
const MOST_SPREAD: Duration = Duration::from_secs(5);

/// The throttle of one account; clones share it.
#[derive(Clone, Debug)]
pub struct Throttle(Arc<ThrottleShared>);

#[derive(Debug)]
struct ThrottleShared {
    clock: Arc<dyn Clock>,
    state: Mutex<ThrottleState>,
    queue: TurnQueue,
    /// Told when a request has ended; only the first in the queue listens.
    ended: (Sender<()>, Receiver<()>),
}

/// The right of one request to be sent, until it is dropped.
#[derive(Debug)]
pub struct Passage {
    throttle: Throttle,
    generation: u64,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.throttle.state().leave(self.generation);
        let _ = self.throttle.0.ended.0.try_send(());
    }
}

impl Passage {
    /// Whether no 429 has come since it was given.
    pub(super) fn is_current(&self) -> bool {
        self.throttle.state().generation == self.generation
    }

    /// Takes note of an answer other than a 429, from the endpoint `path`.
    pub(super) fn answered(&self, path: &str) {
        let now = self.throttle.0.clock.elapsed();
        let mut state = self.throttle.state();
        state.answered(self.generation);
        state.last_answers.insert(path.to_owned(), now);
    }

    /// Takes note of a 429. Gives the time until the next request may start, and whether this 429 was the
    /// first one since then. `retry_after` is the server's Retry-After, `most` the longest wait without one.
    pub(super) fn refused(&self, retry_after: Option<Duration>, most: Duration) -> (Duration, bool) {
        let now = self.throttle.0.clock.elapsed();
        self.throttle.state().refused(self.generation, now, retry_after, most, jitter())
    }

    /// When the last answer other than a 429 came from the endpoint `path`, on the monotonic clock.
    pub(super) fn last_answer(&self, path: &str) -> Option<Duration> {
        self.throttle.state().last_answers.get(path).copied()
    }
}

impl Throttle {
    /// A throttle that holds nothing back yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Throttle(Arc::new(ThrottleShared {
            clock,
            state: Mutex::default(),
            queue: TurnQueue::default(),
            ended: bounded(1),
        }))
    }

    /// Waits until a request may be sent, after all earlier calls.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled, and with `Deadline`, at once, when it could only be sent
    /// after `deadline` (on the monotonic clock).
    pub(super) fn enter(&self, cancel: &Cancel, deadline: Option<Duration>) -> Result<Passage> {
        let _turn = self.0.queue.turn(cancel)?;
        loop {
            cancel.check()?;
            let now = self.0.clock.elapsed();
            // The lock is let go before waiting.
            let entered = self.state().enter(now);
            let pause = match entered {
                Ok(generation) => return Ok(Passage { throttle: self.clone(), generation }),
                Err(Held::Paused(pause)) => pause,
                Err(Held::Full) => {
                    select! {
                        recv(self.0.ended.1) -> _ => continue,
                        recv(cancel.channel()) -> _ => return Err(cancel.failure()),
                    }
                }
            };
            if deadline.is_some_and(|deadline| now.saturating_add(pause) >= deadline) {
                return Err(Error::new(
                    ErrorKind::Deadline,
                    "the deadline passes before the service may be asked again after a 429",
                )
                .hint("give more time with --deadline"));
            }
            self.0.clock.sleep(pause, cancel)?;
        }
    }

    fn state(&self) -> MutexGuard<'_, ThrottleState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a request may not be sent yet.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    /// Nobody may, for this long.
    Paused(Duration),
    /// As many as may run at once do.
    Full,
}

#[derive(Debug, Default)]
struct ThrottleState {
    /// Counts the 429s that were news: requests that were under way then tell nothing new.
    generation: u64,
    /// How many requests of this generation run, and the most that did.
    under_way: usize,
    busiest: usize,
    /// How many may run at once; none without a 429.
    allowed: Option<usize>,
    /// How many of this generation were answered since `allowed` last grew.
    answers: usize,
    /// Whether one request probes whether the service answers again.
    is_probing: bool,
    paused_until: Duration,
    /// How often the wait was doubled: up with every 429, down by one with every answered probe.
    doublings: u32,
    /// By endpoint; there are four.
    last_answers: HashMap<String, Duration>,
}

impl ThrottleState {
    fn enter(&mut self, now: Duration) -> Result<u64, Held> {
        if self.paused_until > now {
            return Err(Held::Paused(self.paused_until - now));
        }
        let most = if self.is_probing { Some(1) } else { self.allowed };
        if most.is_some_and(|most| self.under_way >= most) {
            return Err(Held::Full);
        }
        self.under_way += 1;
        self.busiest = self.busiest.max(self.under_way);
        Ok(self.generation)
    }

    fn leave(&mut self, generation: u64) {
        if generation == self.generation {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    fn answered(&mut self, generation: u64) {
        if generation != self.generation {
            return;
        }
        if std::mem::take(&mut self.is_probing) {
            self.doublings = self.doublings.saturating_sub(1);
        }
        let Some(allowed) = &mut self.allowed else { return };
        self.answers += 1;
        if self.answers >= *allowed * ANSWERS_TO_GROW {
            self.answers = 0;
            *allowed += 1;
        }
    }

    fn refused(
        &mut self,
        generation: u64,
        now: Duration,
        retry_after: Option<Duration>,
        most: Duration,
        jitter: f64,
    ) -> (Duration, bool) {
        let is_news = generation == self.generation;
        let own = if is_news { backoff(self.doublings, jitter).min(most.max(SHORTEST)) } else { SHORTEST };
        let pause = match retry_after {
            // This one ends now; the others each have to hear it for themselves.
            Some(retry_after) if retry_after > most => SHORTEST,
            Some(retry_after) => retry_after
                .max(SHORTEST)
                .saturating_add((retry_after / 10).min(MOST_SPREAD).mul_f64(jitter.clamp(0.0, 1.0))),
            None => own,
        };
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
        if is_news {
            let before = self.allowed.map_or(self.busiest, |allowed| allowed.min(self.busiest));
            self.allowed = Some((before / 2).max(1));
            self.generation += 1;
            self.is_probing = true;
            self.doublings = self.doublings.saturating_add(1);
            (self.under_way, self.busiest, self.answers) = (0, 0, 0);
        }
        (self.paused_until - now, is_news)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const MOST: Duration = secs(120);

    fn enter(state: &mut ThrottleState, now: Duration, count: usize) -> Vec<u64> {
        (0..count).map(|_| state.enter(now).unwrap()).collect()
    }

    #[test]
    fn without_a_429_nothing_is_held_back() {
        let mut state = ThrottleState::default();
        for generation in enter(&mut state, secs(0), 1_000) {
            state.answered(generation);
        }
        assert_eq!(state.allowed, None);
    }

    #[test]
    fn after_a_429_one_request_tries_and_then_half_as_many_run() {
        let mut state = ThrottleState::default();
        let first = enter(&mut state, secs(0), 16);
        assert_eq!(state.refused(first[0], secs(1), Some(secs(10)), MOST, 0.0), (secs(10), true));
        // The others were under way by then: one event, one halving.
        for generation in &first[1..] {
            assert_eq!(state.refused(*generation, secs(1), Some(secs(10)), MOST, 0.0), (secs(10), false));
        }
        first.iter().for_each(|generation| state.leave(*generation));
        assert_eq!(state.enter(secs(10)), Err(Held::Paused(secs(1))));
        let probe = state.enter(secs(11)).unwrap();
        assert_eq!(state.enter(secs(11)), Err(Held::Full));
        state.answered(probe);
        state.leave(probe);
        assert_eq!(enter(&mut state, secs(11), 8).len(), 8);
        assert_eq!(state.enter(secs(11)), Err(Held::Full));
    }

    #[test]
    fn waits_double_while_the_tries_are_refused_and_remember_how_long_it_took() {
        let mut state = ThrottleState::default();
        let mut now = secs(0);
        let mut pauses = Vec::new();
        let refuse = |state: &mut ThrottleState, now: &mut Duration| {
            let generation = state.enter(*now).unwrap();
            let (pause, _) = state.refused(generation, *now, None, MOST, 0.0);
            *now += pause;
            pause.as_secs()
        };
        for _ in 0..5 {
            pauses.push(refuse(&mut state, &mut now));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 15]);
        let probe = state.enter(now).unwrap();
        state.answered(probe);
        state.leave(probe);
        assert_eq!(refuse(&mut state, &mut now), 15);
    }

    #[test]
    fn it_grows_by_one_at_a_time() {
        let mut state = ThrottleState { allowed: Some(2), ..ThrottleState::default() };
        for count in 1..=20 {
            assert_eq!(state.allowed, Some(2), "{count}");
            let generation = state.enter(secs(0)).unwrap();
            state.answered(generation);
            state.leave(generation);
        }
        assert_eq!(state.allowed, Some(3));
    }

    #[test]
    fn a_servers_wish_is_spread_and_holds_nobody_longer_than_it_is_waited_for() {
        let pause = |retry_after, jitter| {
            let mut state = ThrottleState::default();
            let generation = state.enter(secs(0)).unwrap();
            state.refused(generation, secs(0), Some(secs(retry_after)), MOST, jitter).0
        };
        assert_eq!((pause(0, 0.0), pause(60, 0.0), pause(60, 1.0)), (secs(1), secs(60), secs(65)));
        assert_eq!(pause(10, 0.5), Duration::from_millis(10_500));
        // Longer than the request goes on: others, perhaps at another endpoint, are not held that long.
        assert_eq!(pause(600, 0.5), secs(1));
    }

    #[test]
    fn a_deadline_ends_the_pause_before_it_begins() {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let throttle = Throttle::new(clock.clone());
        let passage = throttle.enter(&Cancel::new(), None).unwrap();
        passage.refused(Some(secs(60)), MOST);
        let failure = throttle.enter(&Cancel::new(), Some(secs(30))).map(drop).unwrap_err();
        assert_eq!((failure.kind(), clock.elapsed()), (ErrorKind::Deadline, secs(0)));
        assert!(!passage.is_current());
        throttle.enter(&Cancel::new(), Some(secs(70))).unwrap();
    }

    #[test]
    fn the_end_of_a_request_lets_the_next_one_in() {
        let throttle = Throttle::new(Arc::new(ManualClock::at(DateTime::UNIX_EPOCH)));
        let first = throttle.enter(&Cancel::new(), None).unwrap();
        first.refused(None, MOST);
        drop(first);
        let probe = throttle.enter(&Cancel::new(), None).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| throttle.enter(&Cancel::new(), None).unwrap().generation);
            probe.answered("/api");
            let generation = probe.generation;
            drop(probe);
            assert_eq!(next.join().unwrap(), generation);
        });
    }
}
