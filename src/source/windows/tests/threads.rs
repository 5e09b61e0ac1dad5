//! The same with real threads: order, failures, panics and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;

use super::super::model::{Behaviour, Model, ModelEvent, at};
use super::super::*;
use super::virtual_time::clock;
use super::{LATER, NOW, STREAM, history};
use crate::page::{Cursor, Next};

/// Reads a stream with threads until it ends or fails.
pub(super) fn read(source: &mut WindowedPages) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut events = Vec::new();
    loop {
        match source.next_page() {
            Ok(Some(page)) => events.extend(page.events().map(|event| event.raw.trim_ascii().to_vec())),
            Ok(None) => return (events, None),
            Err(failure) => return (events, Some(failure)),
        }
    }
}

#[test]
fn threads_give_the_same_for_every_number_of_jobs() {
    let (model, range) = history(20_000, |part| 1.0 + part);
    let golden: Vec<_> = (0..model.events.len()).map(|number| number.to_string().into_bytes()).collect();
    for jobs in [1, 2, 8, 16] {
        let mut started =
            start(model.fetch(), &Stream::ALL, &range, &clock(LATER), 500, jobs, &Cancel::new()).unwrap();
        // One stream after the other: those that wait must not keep the others from going on.
        for (stream, source) in started.iter_mut().rev() {
            let (events, failure) = read(source);
            assert!(failure.is_none() && events == golden, "{stream}, {jobs} jobs: {failure:?}");
        }
    }
}

#[test]
fn a_failure_comes_after_everything_before_it() {
    let (model, range) = history(20_000, |_| 1.0);
    let fetch = model.fetch();
    let failing: Fetch = Arc::new(move |stream, ask| {
        let page = fetch(stream, ask)?;
        // Somewhere in the last tenth: the windows there are read long before their turn.
        match page.spans.first().and_then(|span| span.time) {
            Some(time) if time > at(90 * 86_400_000) => Err(Error::new(ErrorKind::Network, "gone")),
            _ => Ok(page),
        }
    });
    let mut started = start(failing, &[STREAM], &range, &clock(LATER), 500, 16, &Cancel::new()).unwrap();
    let (events, failure) = read(&mut started[0].1);
    assert_eq!(failure.unwrap().to_string(), "items: gone");
    assert!((17_000..=18_500).contains(&events.len()), "{}", events.len());
}

#[test]
fn a_panic_of_a_thread_is_a_failure_of_its_stream() {
    let fetch: Fetch = Arc::new(|_, _| panic!("on purpose"));
    let range = TimeRange { since: at(0), until: None, late: TimeDelta::zero() };
    let mut started = start(fetch, &[STREAM], &range, &clock(NOW), 1_000, 2, &Cancel::new()).unwrap();
    assert_eq!(read(&mut started[0].1).1.unwrap().kind(), ErrorKind::Unexpected);
}

#[test]
fn the_same_events_for_ever_under_new_cursors_end_a_question() {
    let events = (1..40).map(|n| ModelEvent { time: n, arrival: n }).collect();
    let model = Model::new(events, Behaviour::default());
    let count = AtomicU64::new(0);
    let again: Fetch = Arc::new(move |stream, _| {
        let mut page = model.answer(stream, &PageRequest::First { limit: 100, since: None, until: None });
        page.next = Next::More(Cursor::new(format!("n{}", count.fetch_add(1, Ordering::Relaxed))));
        Ok(page)
    });
    let range = TimeRange { since: at(0), until: None, late: TimeDelta::zero() };
    let mut started = start(again, &[STREAM], &range, &clock(NOW), 1_000, 2, &Cancel::new()).unwrap();
    let failure = read(&mut started[0].1).1.unwrap();
    assert!(failure.to_string().contains("without a new event"), "{failure}");
}

#[test]
fn a_cancelled_reader_does_not_wait() {
    let fetch: Fetch = Arc::new(|_, _| {
        loop {
            thread::park();
        }
    });
    let cancel = Cancel::new();
    let range = TimeRange { since: at(0), until: None, late: TimeDelta::zero() };
    let mut started = start(fetch, &[STREAM], &range, &clock(NOW), 1_000, 2, &cancel).unwrap();
    let trigger = cancel.clone();
    let signal = thread::spawn(move || trigger.trigger(15));
    assert_eq!(started[0].1.next_page().unwrap_err().kind(), ErrorKind::Interrupted(15));
    signal.join().unwrap();
}
