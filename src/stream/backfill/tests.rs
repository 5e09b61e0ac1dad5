//! The pages of many windows beside those of one cursor loop, under every behaviour of the service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::density::Density;
use super::lane::Given;
use super::model::{Behaviour, Event, Model, at};
use super::queue::Queue;
use super::seam::Seam;
use super::window::Question;
use super::*;
use crate::stream::cursor::CursorLoop;

const STREAM: Stream = Stream::ItemUsages;

/// When the questions are asked.
const NOW: i64 = 700_000;

/// Measures so small that little data goes through everything.
const SMALL: Density = Density {
    first_mark: 20,
    last_mark: 80,
    least: 12,
    windows: 8,
    target_min: 8,
    target_max: 30,
    most_windows: 6,
    shortest: TimeDelta::seconds(4),
};

/// When answers come, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Pacing {
    latency: u64,
    /// The time between two requests that the limiter allows.
    slot: u64,
    /// Latency is up to so much longer, by a fixed pseudo-random sequence.
    jitter: u64,
}

const AT_ONCE: Pacing = Pacing { latency: 1, slot: 0, jitter: 0 };

/// What a run gave.
#[derive(Debug, PartialEq)]
struct Run {
    numbers: Vec<usize>,
    requests: usize,
    full_pages: usize,
    millis: u64,
    /// The most bytes that lay ahead of the reader.
    most_held: usize,
}

/// Runs a question to its end without threads: requests are made and answered in the order of virtual time.
fn run(
    model: &Arc<Model>,
    range: &Range,
    density: Density,
    page_size: u16,
    jobs: usize,
    pacing: Pacing,
) -> Run {
    run_at(model, range, density, page_size, jobs, pacing, NOW)
}

fn run_at(
    model: &Arc<Model>,
    range: &Range,
    density: Density,
    page_size: u16,
    jobs: usize,
    pacing: Pacing,
    at_now: i64,
) -> Run {
    let fetch = model.fetch();
    model.requests.store(0, Ordering::Relaxed);
    model.full_pages.store(0, Ordering::Relaxed);
    let question = Question::about(range, at(at_now), page_size, density);
    let mut queue = Queue::new(&[STREAM], question, jobs);
    let mut seam = Seam::new();
    let mut numbers = Vec::new();
    let mut under_way = BTreeMap::new();
    let (mut now, mut next_slot, mut made) = (0u64, 0u64, 0u64);
    let mut most_held = 0;
    loop {
        while under_way.len() < jobs
            && let Some((lane, job)) = queue.pick()
        {
            let start = now.max(next_slot);
            next_slot = start + pacing.slot;
            made += 1;
            let jitter = (made.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % (pacing.jitter + 1);
            under_way.insert((start + pacing.latency + jitter, made), (lane, job));
        }
        match queue.take(0).unwrap() {
            Given::Page(window, batch) => {
                let page = seam.pass(&window, batch);
                numbers.extend(page.events().filter(|event| range.holds(event)).map(|event| {
                    std::str::from_utf8(event.uuid.unwrap()).unwrap().parse::<usize>().unwrap()
                }));
            }
            Given::Wait => {
                let ((time, _), (lane, job)) = under_way.pop_first().expect("waits for nothing");
                now = time;
                let done = job.run(&fetch);
                queue.complete(lane, done);
                most_held = most_held.max(queue.held());
            }
            Given::End => break,
        }
    }
    Run {
        numbers,
        requests: model.requests.load(Ordering::Relaxed),
        full_pages: model.full_pages.load(Ordering::Relaxed),
        millis: now,
        most_held,
    }
}

/// What one cursor loop gives, repeats dropped.
fn serial(model: &Arc<Model>, range: &Range, page_size: u16) -> (Vec<usize>, usize) {
    model.requests.store(0, Ordering::Relaxed);
    let first =
        Ask::First { limit: page_size, since: Some(range.asked_since()), until: range.asked_until(at(NOW)) };
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

prop_compose! {
    fn behaviours()(
        by_arrival: bool, orders_by_time: bool, forgets_end: bool, since_inclusive: bool,
        until_inclusive: bool, empty_last_page: bool, repeats in 0usize..4,
    ) -> Behaviour {
        Behaviour {
            filters_by_arrival: by_arrival,
            orders_by_time: orders_by_time && !by_arrival,
            forgets_end,
            since_inclusive,
            until_inclusive,
            empty_last_page,
            repeats: repeats.saturating_sub(1),
            event_bytes: 0,
        }
    }
}

prop_compose! {
    /// A stretch of events: from when, how far apart, how many.
    fn stretches()(
        start in 0i64..400_000,
        apart in prop_oneof![Just(0i64), 1i64..50, 100i64..3_000, Just(1_000i64)],
        count in 0usize..80,
        // By how much they are late; and one in so many is late by much, or early.
        lag in prop_oneof![Just(0i64), 0i64..2_000, 0i64..60_000],
        odd_one in 2usize..40,
        odd_lag in prop_oneof![Just(0i64), 1_000i64..200_000, -100_000i64..0],
    ) -> Vec<Event> {
        (0..count).map(|n| {
            let time = start + n as i64 * apart;
            let lag = if n % odd_one == 1 { odd_lag } else { lag };
            Event { time, arrival: time + lag }
        }).collect()
    }
}

fn ranges() -> impl Strategy<Value = Range> {
    (0i64..100_000, prop::option::of(100_000i64..450_000), prop_oneof![Just(0i64), 1i64..100]).prop_map(
        |(since, until, late)| Range {
            since: at(since),
            until: until.map(at),
            late: TimeDelta::seconds(late),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// P4 and P1: whatever the jobs, page size and timing, one output, and nothing lost or given twice.
    #[test]
    fn one_output_that_is_whole(
        stretches in prop::collection::vec(stretches(), 1..6),
        behaviour in behaviours(),
        range in ranges(),
        jobs in prop::sample::select(vec![1usize, 2, 8, 16]),
        page_size in prop::sample::select(vec![1u16, 2, 7, 100, 1_000]),
        jitter in 0u64..5,
    ) {
        let mut range = range;
        if behaviour.filters_by_arrival && behaviour.forgets_end {
            // What arrived after the asked end comes or not as pages happen to be cut: for one cursor
            // loop too, and nobody can tell it by its time. Without an end there is no such event.
            range.until = None;
        }
        let model = Model::new(stretches.concat(), behaviour);
        let pacing = Pacing { latency: 1, slot: 0, jitter };
        let golden = run(&model, &range, SMALL, 1_000, 1, AT_ONCE).numbers;
        let (serial, _) = serial(&model, &range, 1_000);
        let mut sorted = (golden.clone(), serial.clone());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        prop_assert_eq!(sorted.0, sorted.1, "lost or given twice");
        if behaviour.filters_by_arrival || behaviour.forgets_end || behaviour.orders_by_time {
            prop_assert_eq!(&golden, &serial, "not the serial order");
        }
        let other = run(&model, &range, SMALL, page_size, jobs, pacing).numbers;
        prop_assert_eq!(&other, &golden, "{} a page, {} jobs", page_size, jobs);
    }
}

/// So many events spread over 100 days: evenly, or as thick as `weight` says at each part of 0 to 1.
fn history(count: usize, weight: impl Fn(f64) -> f64) -> (Arc<Model>, Range) {
    let days = 100.0 * 86_400_000.0;
    let steps = 100_000;
    let total: f64 = (0..steps).map(|n| weight(f64::from(n) / f64::from(steps))).sum();
    let mut events = Vec::new();
    let mut due = 0.0;
    for n in 0..steps {
        let part = f64::from(n) / f64::from(steps);
        let share = weight(part) / total * count as f64;
        while (events.len() as f64) < due + share {
            let within = (events.len() as f64 - due) / share / f64::from(steps);
            let time = ((part + within) * days) as i64;
            events.push(Event { time, arrival: time });
        }
        due += share;
    }
    let behaviour = Behaviour { event_bytes: 900, ..Behaviour::default() };
    let range = Range { since: at(0), until: Some(at(days as i64)), late: TimeDelta::zero() };
    (Model::new(events, behaviour), range)
}

#[test]
fn figures() {
    let day = |part: f64| (part * 100.0).fract();
    let shapes: [(&str, Box<dyn Fn(f64) -> f64>); 5] = [
        ("even", Box::new(|_| 1.0)),
        ("work hours", Box::new(move |p| if (0.3..0.7).contains(&day(p)) { 10.0 } else { 1.0 })),
        ("growing", Box::new(|p| (p * 5.0).exp())),
        ("shrinking", Box::new(|p| (-p * 5.0).exp())),
        ("bursts", Box::new(|p| if (p * 10.0).fract() < 0.02 { 100.0 } else { 1.0 })),
    ];
    for (name, weight) in &shapes {
        for (pages, jobs, latency, slot) in [
            (600, 16, 300, 100),
            (600, 16, 1000, 100),
            (600, 8, 300, 100),
            (40, 16, 100, 0),
            (40, 16, 100, 100),
            (100, 16, 100, 100),
            (2, 16, 100, 0),
            (4, 16, 100, 0),
            (10, 16, 100, 0),
        ] {
            let (model, range) = history(pages * 1000, weight);
            let pacing = Pacing { latency, slot, jitter: 0 };
            let run = run_at(&model, &range, Density::STANDARD, 1_000, jobs, pacing, 9_000_000_000);
            assert_eq!(run.numbers.len(), pages * 1000);
            println!(
                "{name:10} {pages:4} pages {jobs:2} jobs {latency:4} ms: {:4} requests {:3} full, {:6} ms, {:.0}/min, full {:.0}/min, {:.1}x, {} MiB",
                run.requests,
                run.full_pages,
                run.millis,
                run.requests as f64 * 60e3 / run.millis as f64,
                run.full_pages as f64 * 60e3 / run.millis as f64,
                (pages as u64 * latency) as f64 / run.millis as f64,
                run.most_held >> 20,
            );
        }
    }
}
