//! The pages of many windows beside those of one cursor loop, under every behaviour of the service.

mod threads;
mod virtual_time;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use proptest::prelude::*;

use self::threads::read;
use self::virtual_time::{AT_ONCE, Pacing, clock, run, run_at, serial};
use super::model::{Behaviour, Model, ModelEvent, at};
use super::window_sizing::WindowSizing;
use super::*;

const STREAM: Stream = Stream::ItemUsages;

/// About when events happen, and when the questions are asked: after the full hour that ends windows.
const THEN: i64 = 2_950_000;
const NOW: i64 = 3_700_000;
const LATER: i64 = 9_000_000_000;

/// Measures so small that little data goes through everything.
const SMALL: WindowSizing = WindowSizing {
    first_mark: 20,
    last_mark: 80,
    least: 12,
    least_again: 20,
    windows: 8,
    size: (8, 30),
    most_windows: 6,
    most_pieces: 3,
    shortest: TimeDelta::seconds(4),
};

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
    ) -> Vec<ModelEvent> {
        (0..count).map(|n| {
            let time = THEN + start + n as i64 * apart;
            let lag = if n % odd_one == 1 { odd_lag } else { lag };
            ModelEvent { time, arrival: time + lag }
        }).collect()
    }
}

fn ranges() -> impl Strategy<Value = TimeRange> {
    (0i64..100_000, prop::option::of(100_000i64..450_000), prop_oneof![Just(0i64), 1i64..100]).prop_map(
        |(since, until, late)| TimeRange {
            since: at(THEN + since),
            until: until.map(|until| at(THEN + until)),
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
        let pacing = Pacing { latency: 1, a_minute: 0, jitter };
        let golden = run(&model, &range, SMALL, 1_000, 1, AT_ONCE).numbers;
        let (serial, _) = serial(&model, &range, 1_000);
        let mut sorted = (golden.clone(), serial.clone());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        prop_assert_eq!(sorted.0, sorted.1, "lost or given twice");
        if behaviour.filters_by_arrival || behaviour.forgets_end || behaviour.orders_by_time {
            prop_assert_eq!(&golden, &serial, "not the serial order");
        }
        // A little later, where that is not another hour, and may be before the end that is asked for.
        let now = NOW + i64::from(page_size) * 1_000;
        let other = run_at(&model, &range, SMALL, page_size, jobs, pacing, now).numbers;
        prop_assert_eq!(&other, &golden, "{} a page, {} jobs", page_size, jobs);
    }
}

/// So many events of 900 bytes spread over 100 days: evenly, or as thick as `weight` says at each part of 0 to 1.
fn history(count: usize, weight: impl Fn(f64) -> f64) -> (Arc<Model>, TimeRange) {
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
            events.push(ModelEvent { time, arrival: time });
        }
        due += share;
    }
    let behaviour = Behaviour { event_bytes: 900, ..Behaviour::default() };
    let range = TimeRange { since: at(0), until: Some(at(days as i64 + 1000)), late: TimeDelta::zero() };
    (Model::new(events, behaviour), range)
}

/// What 600 pages at 300 ms must come to in the first minute.
#[derive(Clone, Copy)]
struct Wanted {
    requests: usize,
    full_pages: usize,
}

/// Ten times as much in office hours as at night.
fn office_hours(part: f64) -> f64 {
    if (0.3..0.7).contains(&(part * 100.0).fract()) { 10.0 } else { 1.0 }
}

/// The same history as a service gives it that lets an empty page follow every end.
fn with_empty_pages(model: &Arc<Model>) -> Arc<Model> {
    Model::new(model.events.clone(), Behaviour { empty_last_page: true, ..model.behaviour })
}

/// 600 pages, 300 ms, 600 requests a minute: how near to the limit, and how many of them bring full pages.
fn six_hundred_pages(weight: impl Fn(f64) -> f64, wanted: Wanted) {
    let (model, range) = history(600_000, weight);
    for model in [with_empty_pages(&model), model] {
        let pacing = Pacing { latency: 300, a_minute: 600, jitter: 0 };
        let run = run_at(&model, &range, WindowSizing::STANDARD, 1_000, 16, pacing, LATER);
        assert_eq!(run.numbers.len(), model.events.len());
        assert!(run.numbers.is_sorted(), "the order of arrival");
        assert!(run.most_held <= BUDGET_ALONE + (1 << 20), "{} bytes held", run.most_held);
        let (requests, full) = (run.minute.requests, run.minute.full_pages);
        assert!(requests >= wanted.requests && full >= wanted.full_pages, "{requests} {full}");
    }
}

#[test]
fn an_even_history_comes_at_the_limit_in_full_pages() {
    six_hundred_pages(|_| 1.0, Wanted { requests: 570, full_pages: 480 });
}

#[test]
fn a_history_of_office_hours_comes_near_the_limit() {
    six_hundred_pages(office_hours, Wanted { requests: 570, full_pages: 400 });
}

#[test]
fn a_history_that_grew_or_shrank_comes_near_the_limit() {
    six_hundred_pages(|part| (part * 5.0).exp(), Wanted { requests: 570, full_pages: 400 });
    six_hundred_pages(|part| (part * -5.0).exp(), Wanted { requests: 570, full_pages: 400 });
}

/// Bursts make windows be cut again and again, and what was given be read again as often.
#[test]
fn a_history_of_bursts_is_given_once() {
    let bursts = |part: f64| if (part * 37.0).fract() < 0.03 { 300.0 } else { 1.0 };
    let (model, range) = history(600_000, bursts);
    let run = run_at(&model, &range, WindowSizing::STANDARD, 1_000, 16, AT_ONCE, LATER);
    assert_eq!(run.numbers.len(), model.events.len());
    assert!(run.numbers.is_sorted() && run.requests < 1_500, "{} requests", run.requests);
}

#[test]
fn forty_pages_take_six_rounds() {
    for weight in [|_| 1.0, office_hours] {
        let (model, range) = history(40_000, weight);
        let pacing = Pacing { latency: 1, ..AT_ONCE };
        let rounds = |model| {
            let run = run_at(model, &range, WindowSizing::STANDARD, 1_000, 16, pacing, LATER);
            (run.millis, run.requests)
        };
        let (few, with_empty) = (rounds(&model), rounds(&with_empty_pages(&model)));
        assert!(few <= (5, 55) && with_empty <= (6, 70), "{few:?} {with_empty:?}");
    }
}

#[test]
fn one_job_is_at_most_one_page_ahead() {
    let (model, range) = history(40_000, |_| 1.0);
    let run = run_at(&model, &range, WindowSizing::STANDARD, 1_000, 1, AT_ONCE, LATER);
    assert!(run.most_held <= 1_000 * (900 + 100), "{}", run.most_held);
    assert!(run.numbers.is_sorted() && run.numbers.len() == model.events.len());
}

#[test]
fn a_small_question_costs_what_the_serial_loop_costs() {
    for (count, page_size) in [(0, 1_000), (1, 1_000), (999, 1_000), (999, 7), (999, 100)] {
        let (model, range) = history(count, |_| 1.0);
        let run = run_at(&model, &range, WindowSizing::STANDARD, page_size, 16, AT_ONCE, LATER);
        assert_eq!(run.requests, serial(&model, &range, page_size).1, "{count} by {page_size}");
    }
}

/// A service that only forgets when nobody probes it: each window would read to the end of the stream.
#[test]
fn a_window_that_overruns_is_the_last() {
    let (carrying, range) = history(20_000, |_| 1.0);
    let behaviour = Behaviour { forgets_end: true, filters_by_arrival: true, ..carrying.behaviour };
    let forgetful = Model::new(carrying.events.clone(), behaviour);
    let (probed, read_model) = (Arc::clone(&carrying), Arc::clone(&forgetful));
    let fetch: Fetch = Arc::new(move |stream, ask| {
        let of_probe = match ask {
            PageRequest::First { limit, .. } => *limit != 500,
            PageRequest::Cursor(cursor) => !cursor.as_str().contains(",500,"),
        };
        Ok(if of_probe { probed.answer(stream, ask) } else { read_model.answer(stream, ask) })
    });
    let mut started = start(fetch, &[STREAM], &range, &clock(LATER), 500, 1, &Cancel::new()).unwrap();
    let (events, failure) = read(&mut started[0].1);
    assert!(failure.is_none());
    assert_eq!(events.len(), carrying.events.len());
    assert!(forgetful.requests.load(Ordering::Relaxed) < 55, "{:?}", forgetful.requests);
}

#[test]
fn of_equal_events_of_one_page_the_first_is_given() {
    let event = ModelEvent { time: 5_000, arrival: 5_000 };
    let model = Model::new(vec![event], Behaviour { since_inclusive: true, ..Behaviour::default() });
    let twice: Fetch = Arc::new(move |stream, ask| {
        let mut page = model.answer(stream, ask);
        page.spans.push(page.spans[0].clone());
        Ok(page)
    });
    let range = TimeRange { since: at(0), until: None, late: TimeDelta::zero() };
    let streams = [STREAM];
    let mut started = start(twice, &streams, &range, &clock(NOW), 1_000, 4, &Cancel::new()).unwrap();
    assert_eq!(started[0].1.next_page().unwrap().unwrap().len(), 1);
}
