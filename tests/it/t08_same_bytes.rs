//! T8: what a question's answer is does not depend on how it is asked: jobs, page sizes, faults, and the
//! service's unknown behavior (bounds, filter, cursors that forget their end) are combined, and all answers
//! are held against each other and against the service's truth.
//!
//! Always the same set of events; with `--sort time` always the same bytes; in the default order always the
//! same bytes where the service hands out its events in the same order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use opev::event::Stream;
use opev::simulator::{ApiForm, Bound, FaultRule, FaultScript, FilterBy, ServiceBehavior, SimulatorOptions};

use crate::frozen::{Dice, frozen};
use crate::harness::{Account, uuids};

const JOBS: [u8; 4] = [1, 2, 8, 16];

/// Page sizes, and over how many of the last hours they are asked: small pages for few events.
const PAGES: [(u16, i64); 4] = [(1, 3), (7, 12), (100, 60), (1000, 60)];

/// Troubles that pass; few of those that have to be waited for.
const FAULTS: [&str; 6] = [
    "",
    "status=503,retry-after=0@2",
    "cut=in-body@3",
    "empty@every:4;short@every:7",
    "repeat=3@2-3,on=items,ask=cursor;null-items@every:8",
    "bad-json@2;cut=before@6",
];

fn script(rules: &str) -> FaultScript {
    FaultScript::new(
        rules.split(';').filter(|rule| !rule.is_empty()).map(|rule| rule.parse::<FaultRule>().unwrap()),
    )
}

/// One way of asking.
#[derive(Clone, Debug)]
struct Way {
    jobs: u8,
    page_size: u16,
    fault: &'static str,
    behavior: ServiceBehavior,
}

/// The answers to one question, by how they were ordered.
#[derive(Default)]
struct Answers {
    by_time: Option<Vec<u8>>,
    /// By what decides the order in which the service hands out: its filter.
    as_they_come: BTreeMap<bool, Vec<u8>>,
}

fn ways() -> Vec<(Way, i64)> {
    let mut ways = Vec::new();
    for jobs in JOBS {
        for (page_size, hours) in PAGES {
            for fault in FAULTS {
                // A page that only holds what was there before leads nowhere, and that is an error.
                if page_size != 7 && fault.starts_with("repeat") {
                    continue;
                }
                for bits in 0..16 {
                    let bound = |bit: u8| if bits & bit == 0 { Bound::Inclusive } else { Bound::Exclusive };
                    let filter = if bits & 4 == 0 { FilterBy::EventTime } else { FilterBy::Arrival };
                    let behavior = ServiceBehavior {
                        start: bound(1),
                        end: bound(2),
                        filter,
                        cursor_forgets_end: bits & 8 != 0,
                        ..ServiceBehavior::default()
                    };
                    ways.push((Way { jobs, page_size, fault, behavior }, hours));
                }
            }
        }
    }
    ways
}

/// Asks in one way and in both orders, and holds the answers against those of other ways.
fn ask(way: &Way, at: DateTime<Utc>, hours: i64, answers: &Mutex<BTreeMap<i64, Answers>>) {
    let data = frozen(900);
    let options =
        SimulatorOptions { at: Some(at), behavior: way.behavior, script: script(way.fault), ..data };
    // Round hours, so that events lie on both bounds now and then.
    let (since, until) = (at - TimeDelta::hours(hours + 1), at - TimeDelta::hours(1));
    let account = Account::new(options);
    let (jobs, page_size) = (way.jobs.to_string(), way.page_size.to_string());
    let (from, to) = (since.to_rfc3339(), until.to_rfc3339());
    let range = ["fetch", "--since", &from, "--until", &to, "--jobs", &jobs, "--page-size", &page_size];
    let mut truth: Vec<String> = Stream::ALL
        .into_iter()
        .flat_map(|stream| account.simulator.truth(stream, ApiForm::V2, since..until))
        .map(|fact| fact.uuid)
        .collect();
    truth.sort();
    for sort in ["time", "timeline"] {
        let run = account.run(range.iter().chain(&["--sort", sort]));
        assert_eq!(run.code, Some(0), "{way:?}: {}", run.stderr);
        let mut delivered = uuids(&run.stdout);
        delivered.sort();
        assert!(delivered == truth, "{way:?}: {} of {} events", delivered.len(), truth.len());
        let mut answers = answers.lock().unwrap();
        let answers = answers.entry(hours).or_default();
        let known = match sort {
            "time" => answers.by_time.get_or_insert_with(|| run.stdout.clone()),
            _ => {
                let filter = way.behavior.filter == FilterBy::Arrival;
                answers.as_they_come.entry(filter).or_insert_with(|| run.stdout.clone())
            }
        };
        assert!(*known == run.stdout, "{way:?}: other bytes in --sort {sort}");
    }
    let broken = account.simulator.report().broken;
    assert!(broken.is_empty(), "{way:?}: {broken:?}");
}

/// Asks in all these ways, some at a time: most of it is waiting before a request is tried again.
fn all_agree(ways: &[(Way, i64)]) {
    let (at, answers, next) = (Utc::now(), Mutex::default(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((way, hours)) = ways.get(next.fetch_add(1, Ordering::SeqCst)) {
                    ask(way, at, *hours, &answers);
                }
            });
        }
    });
}

#[test]
fn every_way_of_asking_gives_the_same_answer() {
    // A fixed sample; the whole product is the test below.
    let (mut ways, mut dice) = (ways(), Dice::new(8));
    for index in (1..ways.len()).rev() {
        ways.swap(index, dice.below(index as u64 + 1) as usize);
    }
    all_agree(&ways[..96]);
}

/// Events that share a uuid and differ in time are different ones; equal events are one, on one page and on
/// two, in a question and in a managed file, with and without a uuid.
#[test]
fn identical_events_on_one_page_or_on_two_are_one_event() {
    let sandbox = crate::harness::Sandbox::new();
    let start = Utc::now() - TimeDelta::hours(5);
    let at = |minute: i64| (start + TimeDelta::minutes(minute)).to_rfc3339();
    let uuid = |uuid: &str, minute| format!("{{\"uuid\":\"{uuid}\",\"timestamp\":\"{}\"}}\n", at(minute));
    let bare = |n: u32| format!("{{\"n\":{n},\"timestamp\":\"{}\"}}\n", at(3));
    let given =
        [uuid("A", 0), uuid("A", 1), uuid("A", 0), uuid("B", 2), uuid("B", 2), bare(1), bare(1), bare(2)];
    let shown = [0, 1, 3, 5, 7].map(|n| given[n].clone()).concat();
    let text = given.concat();
    sandbox.write("auditevents.ndjson", &text);
    let data = opev::simulator::EventData::Files(vec![sandbox.path("auditevents.ndjson")]);
    let account = Account::new(SimulatorOptions { data, ..SimulatorOptions::default() });
    for page_size in ["1000", "3", "2", "1"] {
        let asked = ["fetch", "audit", "--since", "100d", "--page-size", page_size];
        let question = account.run(asked).expect(0);
        assert_eq!(String::from_utf8_lossy(&question.stdout), shown, "--page-size {page_size}");
        let file = format!("managed-{page_size}.ndjson");
        account.run(asked.iter().copied().chain(["--resume", "-o", &file])).expect(0);
        let managed = std::fs::read_to_string(account.sandbox.path(&file)).unwrap();
        assert_eq!(managed, shown, "--resume, --page-size {page_size}");
    }
}

#[test]
#[ignore = "all 1,344 ways; CONTRIBUTING.md has the command"]
fn really_every_way_of_asking_gives_the_same_answer() {
    all_agree(&ways());
}
