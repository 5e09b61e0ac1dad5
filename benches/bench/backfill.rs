//! The time of a backfill of one stream whose answers are slow, beside asking for one page after another.

use opev::event::Stream;

use crate::rivals::Curl;
use crate::service::{Service, events, observe};
use crate::stopwatch::{in_turn, measure};
use crate::table::{Row, time, times};
use crate::{Choice, Result};

const PAGES: usize = 40;
/// How many of 100 events are item usages.
const SHARE: usize = 50;

/// A service.
struct Case {
    rhythm: &'static str,
    latency: &'static str,
    /// Whether an empty page comes before each end.
    empty_page: bool,
    /// Information alone: without a limit, and not for `--quick`.
    aside: bool,
}

const fn case(rhythm: &'static str, empty_page: bool) -> Case {
    Case { rhythm, latency: "100ms", empty_page, aside: false }
}

const CASES: [Case; 5] = [
    case("even", true),
    case("office", true),
    case("even", false),
    case("office", false),
    Case { latency: "300ms", aside: true, ..case("office", true) },
];

impl Case {
    fn title(&self) -> String {
        let Case { rhythm, latency, .. } = self;
        let end = if self.empty_page { "" } else { ", no empty pages" };
        format!("backfill: {PAGES} pages of {latency}, {rhythm}{end}")
    }

    fn args(&self) -> Vec<&'static str> {
        let mut args = vec!["--rhythm", self.rhythm, "--latency", self.latency];
        if !self.empty_page {
            args.push("--no-empty-page");
        }
        args
    }
}

pub(crate) fn run(choice: &Choice) -> Result<()> {
    for case in CASES.iter().filter(|case| choice.wants(&case.title()) && !(choice.quick && case.aside)) {
        beside_serial(choice, case)?;
    }
    Ok(())
}

fn beside_serial(choice: &Choice, case: &Case) -> Result<()> {
    let events = events(PAGES, SHARE);
    let fetch = |service: &Service, jobs: &[&str]| {
        service.fetch(&[&["itemusages", "--format", "ndjson"], jobs].concat())
    };
    let service = Service::start(events, &case.args())?;
    let pages = service.pages(&[Stream::ItemUsages])?;
    let curl = Curl::new(&service, &pages)?;
    let count = if case.aside { 1 } else { choice.few_times() };
    let [ours, serial] = in_turn(count, [&fetch(&service, &[]), &curl.command()])?;
    let (_, asked) = observe(events, &case.args(), PAGES, |service| fetch(service, &[]))?;
    let ratio = times(ours.wall, serial.wall);
    let serial_words = format!("one after another: {}", time(serial.wall));
    let row = Row::new(case.title())
        .measured(format!("{}, {} requests", time(ours.wall), asked.len()))
        .beside(format!("{serial_words}, {} requests", pages.len()), ratio);
    if case.aside {
        row.print();
        return Ok(());
    }
    row.limit("at most 0.167 (6 times faster)", ratio <= 1.0 / 6.0).print();
    if choice.quick || !case.empty_page {
        return Ok(());
    }
    for jobs in ["1", "2", "8", "16"] {
        let cost = measure(count, &fetch(&service, &["--jobs", jobs]))?;
        Row::new(format!("{}, --jobs {jobs}", case.title()))
            .measured(time(cost.wall))
            .beside(serial_words.clone(), times(cost.wall, serial.wall))
            .print();
    }
    Ok(())
}
