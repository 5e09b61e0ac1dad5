//! Questions in virtual time: without threads, requests are made and answered in the order of a clock that is
//! counted and not waited for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

use super::super::boundary_dedup::BoundaryDedup;
use super::super::model::{Model, at};
use super::super::queue::RequestQueue;
use super::super::stream_windows::NextPage;
use super::super::window::WindowQuery;
use super::super::window_sizing::WindowSizing;
use super::super::*;
use super::{NOW, STREAM};
use crate::source::cursor::CursorLoop;

/// A clock by which every request is slow.
#[derive(Debug)]
pub(super) struct SlowClock(i64, AtomicU64);

impl Clock for SlowClock {
    fn now(&self) -> DateTime<Utc> {
        at(self.0)
    }

    fn elapsed(&self) -> Duration {
        SLOW * self.1.fetch_add(1, Ordering::Relaxed) as u32
    }

    fn sleep(&self, _: Duration, _: &Cancel) -> Result<()> {
        Ok(())
    }
}

pub(super) fn clock(now: i64) -> Arc<dyn Clock> {
    Arc::new(SlowClock(now, 0.into()))
}

/// When answers come, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacing {
    pub(super) latency: u64,
    /// How many requests the limiter allows in a minute; 0 means any number.
    pub(super) a_minute: usize,
    /// Latency is up to so much longer, by a fixed pseudo-random sequence.
    pub(super) jitter: u64,
}

pub(super) const AT_ONCE: Pacing = Pacing { latency: 1, a_minute: 0, jitter: 0 };

/// What a run gave.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    pub(super) numbers: Vec<usize>,
    pub(super) requests: usize,
    /// Of the first minute.
    pub(super) minute: Minute,
    pub(super) millis: u64,
    /// The most bytes that lay ahead of the reader.
    pub(super) most_held: usize,
}

/// The requests answered in a minute.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Minute {
    pub(super) requests: usize,
    pub(super) full_pages: usize,
}

/// Runs a question to its end without threads: requests are made and answered in the order of virtual time.
pub(super) fn run(
    model: &Arc<Model>,
    range: &TimeRange,
    sizing: WindowSizing,
    page_size: u16,
    jobs: usize,
    pacing: Pacing,
) -> Run {
    run_at(model, range, sizing, page_size, jobs, pacing, NOW)
}

pub(super) fn run_at(
    model: &Arc<Model>,
    range: &TimeRange,
    sizing: WindowSizing,
    page_size: u16,
    jobs: usize,
    pacing: Pacing,
    at_now: i64,
) -> Run {
    let fetch = model.fetch();
    model.requests.store(0, Ordering::Relaxed);
    model.full_pages.store(0, Ordering::Relaxed);
    let question = WindowQuery::about(range, at(at_now), page_size, sizing);
    let mut queue = RequestQueue::new(&[STREAM], question, jobs);
    queue.expect_slow();
    let mut dedup = BoundaryDedup::new();
    let mut numbers = Vec::new();
    let mut under_way = BTreeMap::new();
    let mut waiting = VecDeque::new();
    let mut ended = VecDeque::new();
    let (mut now, mut made, mut minute, mut most_held) = (0u64, 0u64, Minute::default(), 0);
    loop {
        while under_way.len() + waiting.len() < jobs
            && let Some(job) = queue.pick()
        {
            waiting.push_back(job);
        }
        while ended.pop_front_if(|end| *end + 60_000 <= now).is_some() {}
        while (pacing.a_minute == 0 || ended.len() + under_way.len() < pacing.a_minute)
            && let Some(job) = waiting.pop_front()
        {
            made += 1;
            let jitter = (made.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % (pacing.jitter + 1);
            under_way.insert((now + pacing.latency + jitter, made), job);
        }
        match queue.take(0).unwrap() {
            NextPage::Page(window, batch) => {
                let page = dedup.pass(&window, batch);
                numbers.extend(page.events().filter(|event| range.holds(event)).map(|event| {
                    std::str::from_utf8(event.uuid.unwrap()).unwrap().parse::<usize>().unwrap()
                }));
            }
            NextPage::Wait => {
                let Some(((time, _), (index, job))) = under_way.pop_first() else {
                    now = ended.front().expect("waits for nothing") + 60_000;
                    continue;
                };
                now = time;
                let full_before = model.full_pages.load(Ordering::Relaxed);
                let done = job.run(&fetch);
                if now <= 60_000 {
                    minute.requests += 1;
                    minute.full_pages += model.full_pages.load(Ordering::Relaxed) - full_before;
                }
                ended.push_back(now);
                queue.complete(index, done);
                most_held = most_held.max(queue.held());
            }
            NextPage::End => break,
        }
    }
    Run { numbers, requests: model.requests.load(Ordering::Relaxed), minute, millis: now, most_held }
}

/// What one cursor loop gives, repeats dropped.
pub(super) fn serial(model: &Arc<Model>, range: &TimeRange, page_size: u16) -> (Vec<usize>, usize) {
    model.requests.store(0, Ordering::Relaxed);
    let first = PageRequest::First {
        limit: page_size,
        since: Some(range.asked_since()),
        until: range.asked_until(at(NOW)),
    };
    let mut source = CursorLoop::new(STREAM, first, |ask| Ok(model.answer(STREAM, ask)));
    let mut seen = BTreeSet::new();
    let mut numbers = Vec::new();
    while let Some(page) = source.next_page().unwrap() {
        for event in page.events().filter(|event| range.holds(event)) {
            let number = std::str::from_utf8(event.uuid.unwrap()).unwrap().parse().unwrap();
            if seen.insert(number) {
                numbers.push(number);
            }
        }
    }
    (numbers, model.requests.load(Ordering::Relaxed))
}
