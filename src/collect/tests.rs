//! The engine on canned pages: one table of streams, read in every order and with every page size.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::engine::{Engine, Flow, Interrupts, Order, PageConsumer, PhaseEnd, Until};
use super::reader::StreamReader;
use crate::cancel::Cancel;
use crate::clock::RealClock;
use crate::console::{Console, ConsoleOptions, LogFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page, Span};
use crate::runtime::Runtime;
use crate::source::PageSource;
use crate::source::range::TimeRange;

/// An event's name, which is also its uuid, and its time in seconds.
type Named = (&'static str, i64);

const SIGNINS: [Named; 5] = [("s1", 10), ("s2", 30), ("s3-late", 5), ("s4", 30), ("s5", 40)];
const AUDITS: [Named; 3] = [("a1", 10), ("a2", 30), ("a3", 35)];

struct ScriptedPages(VecDeque<Result<Page>>);

impl PageSource for ScriptedPages {
    fn next_page(&mut self) -> Result<Option<Page>> {
        self.0.pop_front().transpose()
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn page(stream: Stream, events: &[Named]) -> Page {
    let mut body = Vec::new();
    let spans = events.iter().map(|(name, time)| {
        let start = body.len();
        body.extend_from_slice(name.as_bytes());
        Span { raw: start..body.len(), uuid: Some(start..body.len()), time: Some(at(*time)) }
    });
    let spans = spans.collect();
    Page {
        stream,
        body,
        spans,
        next: Next::More(Cursor::new("c")),
        received_at: at(0),
        has_lines: false,
        origins: Vec::new(),
    }
}

/// A stream in pages of `size`, an empty one at the end, and then `last`.
fn reader(stream: Stream, size: usize, events: &[Named], last: Option<Error>) -> StreamReader {
    let pages = events.chunks(size).chain([&[][..]]).map(|events| Ok(page(stream, events)));
    let pages = ScriptedPages(pages.chain(last.map(Err)).collect());
    StreamReader::on_thread(stream, Cancel::new(), pages).unwrap()
}

/// Notes what it is given.
#[derive(Default)]
struct Notes {
    names: Vec<String>,
    most: Option<usize>,
    delivered: [u64; 3],
    whole_pages: usize,
    caught_up: Vec<Stream>,
    failures: Vec<Error>,
}

impl PageConsumer for Notes {
    fn page(&mut self, _: &Page) {}

    fn take(&mut self, page: &Rc<Page>, events: Range<usize>) -> Result<Flow> {
        self.whole_pages += usize::from(events.end == page.len());
        for index in events {
            self.names.push(String::from_utf8_lossy(page.event_at(index).raw).into_owned());
            self.delivered[page.stream as usize] += 1;
            if self.most.is_some_and(|most| self.names.len() >= most) {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::Continue)
    }

    fn done(&mut self, _: Rc<Page>) -> Result<()> {
        Ok(())
    }

    fn waiting(&mut self) -> Result<()> {
        Ok(())
    }

    fn caught_up(&mut self, stream: Stream) -> Result<()> {
        self.caught_up.push(stream);
        Ok(())
    }

    fn failed(&mut self, failure: Error) {
        self.failures.push(failure);
    }

    fn reopen(&mut self) -> Result<()> {
        Ok(())
    }

    fn delivered(&self, stream: Stream) -> u64 {
        self.delivered[stream as usize]
    }

    fn alive(&self) {}
}

fn all() -> TimeRange {
    TimeRange { since: at(0), until: None, late: TimeDelta::zero() }
}

fn runtime() -> Runtime {
    let clock = Arc::new(RealClock::new());
    let level = log::LevelFilter::Off;
    let options = ConsoleOptions { level, format: LogFormat::Text, colour: false, progress: false };
    Runtime { console: Console::new(options, clock.clone()), clock, cancel: Cancel::new() }
}

/// Runs readers to their end; gives what the consumer noted.
fn run(readers: Vec<StreamReader>, order: Order, mut notes: Notes) -> (Notes, PhaseEnd) {
    let (runtime, interrupts) = (runtime(), Interrupts::default());
    let end = Engine::new(&runtime, &interrupts, readers).run(order, Until::CaughtUp, &mut notes).unwrap();
    (notes, end)
}

#[test]
fn a_timeline_merges_on_the_running_maximum_whatever_the_page_size() {
    for size in [1, 2, 3, 100] {
        let readers = vec![
            reader(Stream::AuditEvents, size, &AUDITS, None),
            reader(Stream::SignInAttempts, size, &SIGNINS, None),
        ];
        let (notes, end) = run(readers, Order::Timeline(all()), Notes::default());
        assert_eq!(notes.names, ["s1", "a1", "s2", "s3-late", "s4", "a2", "a3", "s5"], "{size}");
        assert_eq!((end, notes.caught_up.len()), (PhaseEnd::Done, 2));
    }
}

#[test]
fn a_timeline_leaves_out_what_is_out_of_range() {
    let events = [("x", 30), ("out", 10), ("y", 31), ("z", 40)];
    for size in [1, 2, 100] {
        let readers = vec![reader(Stream::SignInAttempts, size, &events, None)];
        let range = TimeRange { since: at(20), until: Some(at(40)), late: TimeDelta::zero() };
        let (notes, _) = run(readers, Order::Timeline(range), Notes::default());
        assert_eq!(notes.names, ["x", "y"]);
    }
}

#[test]
fn it_stops_when_the_consumer_has_enough() {
    let readers = vec![reader(Stream::SignInAttempts, 2, &SIGNINS, None)];
    let notes = Notes { most: Some(2), ..Notes::default() };
    let (notes, end) = run(readers, Order::Timeline(all()), notes);
    assert_eq!((notes.names, end), (vec!["s1".to_owned(), "s2".to_owned()], PhaseEnd::Enough));
}

#[test]
fn a_failing_stream_ends_alone() {
    for order in [Order::Timeline(all()), Order::LeastDelivered, Order::Arrival] {
        let gone = Error::new(ErrorKind::Network, "gone");
        let readers = vec![
            reader(Stream::SignInAttempts, 2, &SIGNINS[..2], Some(gone)),
            reader(Stream::AuditEvents, 1, &AUDITS, None),
        ];
        let (mut notes, _) = run(readers, order, Notes::default());
        notes.names.sort();
        assert_eq!(notes.names, ["a1", "a2", "a3", "s1", "s2"], "{order:?}");
        assert_eq!(notes.failures[0].stream(), Some(Stream::SignInAttempts));
        assert_eq!(notes.caught_up, [Stream::AuditEvents]);
    }
}

#[test]
fn streams_take_turns_by_events_and_not_by_pages() {
    let many = |name| vec![(name, 1); 2_500];
    let mut orders = Vec::new();
    for size in [7, 100, 999, 1_000, 5_000] {
        let readers = vec![
            reader(Stream::SignInAttempts, size, &many("s"), None),
            reader(Stream::AuditEvents, size, &many("a"), None),
        ];
        let (notes, _) = run(readers, Order::LeastDelivered, Notes::default());
        assert_eq!(notes.names.len(), 5_000);
        assert_eq!(notes.whole_pages, 2 * (2_500_usize.div_ceil(size) + 1), "each page is passed once");
        orders.push(notes.names);
    }
    assert!(orders.iter().all(|order| *order == orders[0]));
    assert!(orders[0][..1_000].iter().all(|name| name == "s"));
    assert!(orders[0][1_000..2_000].iter().all(|name| name == "a"));
}

#[test]
fn a_run_that_goes_on_takes_the_turns_of_the_one_before() {
    let many = |name| vec![(name, 1); 3_000];
    let readers = |from: [usize; 2]| {
        vec![
            reader(Stream::SignInAttempts, 100, &many("s")[from[0]..], None),
            reader(Stream::AuditEvents, 100, &many("a")[from[1]..], None),
        ]
    };
    let (whole, _) = run(readers([0, 0]), Order::LeastDelivered, Notes::default());
    for cut in [50, 1_000, 1_700, 4_321] {
        let notes = Notes { most: Some(cut), ..Notes::default() };
        let (first, _) = run(readers([0, 0]), Order::LeastDelivered, notes);
        let from = [first.delivered[0] as usize, first.delivered[2] as usize];
        let (second, _) = run(readers(from), Order::LeastDelivered, Notes { most: None, ..first });
        assert!(second.names == whole.names, "cut at {cut}");
    }
}

#[test]
fn a_stream_that_does_not_answer_is_late_and_the_others_go_on() {
    struct Silent;
    impl PageSource for Silent {
        fn next_page(&mut self) -> Result<Option<Page>> {
            loop {
                std::thread::park();
            }
        }
    }
    let (runtime, interrupts, mut notes) = (runtime(), Interrupts::default(), Notes::default());
    let silent = StreamReader::on_thread(Stream::SignInAttempts, Cancel::new(), Silent).unwrap();
    let readers = vec![silent, reader(Stream::AuditEvents, 2, &AUDITS, None)];
    let mut engine = Engine::new(&runtime, &interrupts, readers);
    let until = Until::LookedBack(std::time::Duration::from_millis(20));
    assert_eq!(engine.run(Order::Timeline(all()), until, &mut notes).unwrap(), PhaseEnd::Done);
    assert_eq!(notes.names, ["a1", "a2", "a3"]);
    assert!(engine.readers[0].is_late && !engine.readers[1].is_late);
    runtime.cancel.trigger(2);
    let end = engine.run(Order::Arrival, Until::Forever, &mut notes).unwrap();
    assert_eq!(end, PhaseEnd::Stopped, "a silent stream does not hold up the end");
}

#[test]
fn a_panic_in_a_reader_is_a_failure_of_its_stream() {
    struct Panics;
    impl PageSource for Panics {
        fn next_page(&mut self) -> Result<Option<Page>> {
            panic!("as planned");
        }
    }
    let reader = StreamReader::on_thread(Stream::ItemUsages, Cancel::new(), Panics).unwrap();
    let (notes, _) = run(vec![reader], Order::LeastDelivered, Notes::default());
    assert_eq!(notes.failures[0].kind(), ErrorKind::Unexpected);
    assert!(notes.caught_up.is_empty());
}
