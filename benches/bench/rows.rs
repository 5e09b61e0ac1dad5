//! The rows: what is measured, beside what, and the limit each is held against.

use opev::event::Stream;

use crate::rivals::{self, Curl};
use crate::service::Service;
use crate::stopwatch::{Cost, measure};
use crate::table::{self, Row, memory, time, times};
use crate::{Choice, OPEV, Result};

/// Runs what was asked for.
pub(crate) fn run(choice: &Choice) -> Result<()> {
    table::begin();
    cpu(choice)?;
    peak(choice)?;
    backfill(choice)?;
    start(choice)
}

/// CPU by format and shape, beside others that move or read the same pages.
fn cpu(choice: &Choice) -> Result<()> {
    const FORMS: [(&str, &[&str]); 5] = [
        ("ndjson, raw", &["--format", "ndjson"]),
        ("ndjson, envelope", &["--format", "ndjson", "--shape", "envelope"]),
        ("json, raw", &["--format", "json"]),
        ("csv", &["--format", "csv"]),
        ("table", &["--format", "table"]),
    ];
    let rival = |name| choice.wants("cpu", name);
    if !FORMS.iter().any(|(name, _)| rival(name)) && !rival("python") && !rival("jq") {
        return Ok(());
    }
    let events = if choice.quick { 30_000 } else { 300_000 };
    let service = Service::start(events, &[])?;
    let pages = service.pages(&Stream::ALL)?;
    let curl = Curl::new(&service, &pages)?;
    let bare = measure(choice.times(), &curl.command())?;
    let fetch = |form: &[&str]| measure(choice.times(), &service.fetch(&[form, &["--jobs", "1"]].concat()));
    let raw = fetch(FORMS[0].1)?;
    for (name, form) in FORMS {
        if !choice.wants("cpu", name) {
            continue;
        }
        let cost = if name == FORMS[0].0 { raw } else { fetch(form)? };
        let ratio = times(cost.cpu, bare.cpu);
        let rate = events as f64 / cost.cpu.as_secs_f64() / 1e6;
        let row = Row::alone(
            format!("cpu: {name}, {events} events"),
            format!("{} ({rate:.1} million events a second), {}", time(cost.cpu), memory(cost.peak)),
        )
        .beside(format!("curl {}", time(bare.cpu)), ratio);
        if name == FORMS[0].0 { row.limit("at most 4", ratio <= 4.0).print() } else { row.print() }
    }
    let streams = Stream::ALL.map(Stream::name);
    let others = [
        ("python", "a Python loop", rivals::python(&service, &streams), Some(("at most 0.10", 0.10))),
        ("jq", "curl with jq", curl.with_jq(), None),
    ];
    for (name, words, command, limit) in others {
        if !choice.wants("cpu", name) || !rivals::is_there(if name == "jq" { "jq" } else { "python3" }) {
            continue;
        }
        let other = measure(choice.times().min(3), &command)?;
        let ratio = times(raw.cpu, other.cpu);
        let row = Row::alone(format!("cpu: ndjson beside {words}, {events} events"), time(raw.cpu))
            .beside(format!("{} {}, {}", words, time(other.cpu), memory(other.peak)), ratio);
        match limit {
            Some((words, most)) => row.limit(words, ratio <= most).print(),
            None => row.print(),
        }
    }
    Ok(())
}

/// Peak memory by events and jobs.
fn peak(choice: &Choice) -> Result<()> {
    let sizes: &[u64] = if choice.quick { &[30_000, 300_000] } else { &[30_000, 300_000, 3_000_000] };
    let mut first: [Option<Cost>; 2] = [None, None];
    for &events in sizes {
        let kinds = [("1", 16_u64), ("8", 48)];
        let names = kinds.map(|(jobs, _)| format!("memory: {events} events, {jobs} jobs"));
        if !names.iter().any(|name| choice.wants("memory", name)) {
            continue;
        }
        let service = Service::start(events, &[])?;
        for (index, (jobs, most)) in kinds.into_iter().enumerate() {
            if !choice.wants("memory", &names[index]) {
                continue;
            }
            let count = if events > 1_000_000 { 1 } else { choice.times() };
            let cost = measure(count, &service.fetch(&["--format", "ndjson", "--jobs", jobs]))?;
            let least = *first[index].get_or_insert(cost);
            Row::alone(names[index].clone(), memory(cost.peak))
                .beside(
                    format!("the fewest events {}", memory(least.peak)),
                    cost.peak as f64 / least.peak as f64,
                )
                .limit(format!("under {most} MiB"), cost.peak < most * 1024)
                .print();
        }
    }
    Ok(())
}

/// The time of a backfill by latency and jobs, beside one page after another.
fn backfill(choice: &Choice) -> Result<()> {
    const PAGES: u64 = 40;
    for (latency, least) in [("100ms", Some(6.0)), ("300ms", None)] {
        let name = format!("backfill: {PAGES} pages, {latency} each");
        if !choice.wants("backfill", &name) || (choice.quick && least.is_none()) {
            continue;
        }
        // The stand-in divides its events over three streams; audit events are about a sixth.
        let service = Service::start(PAGES * 1000 * 6, &["--latency", latency])?;
        let fetch = |jobs: &[&str]| {
            measure(
                choice.times().min(3),
                &service.fetch(&[&["auditevents", "--format", "ndjson"], jobs].concat()),
            )
        };
        let serial = fetch(&["--jobs", "1"])?;
        for jobs in ["2", "8", "16", "default"] {
            let cost = if jobs == "default" { fetch(&[])? } else { fetch(&["--jobs", jobs])? };
            let gain = times(serial.wall, cost.wall);
            let row = Row::alone(format!("{name}, {jobs} jobs"), time(cost.wall))
                .beside(format!("1 job {}", time(serial.wall)), 1.0 / gain);
            match least {
                Some(least) if jobs == "default" => {
                    row.limit(format!("{least} times faster"), gain >= least).print()
                }
                _ => row.print(),
            }
        }
    }
    Ok(())
}

/// Start-up: what a run costs that does next to nothing.
fn start(choice: &Choice) -> Result<()> {
    const TIMES: usize = 21;
    if choice.wants("start", "--version") {
        let version = |program: &str| {
            let mut command = std::process::Command::new(program);
            command.arg("--version");
            measure(TIMES, &command)
        };
        let (ours, curl) = (version(OPEV)?, version("curl")?);
        let ratio = times(ours.wall, curl.wall);
        Row::alone("start: --version", format!("{}, {} of CPU", time(ours.wall), time(ours.cpu)))
            .beside(format!("curl --version {}", time(curl.wall)), ratio)
            .limit("at most 1.5", ratio <= 1.5)
            .print();
    }
    if choice.wants("start", "one page") {
        let service = Service::start(2_000, &[])?;
        let cost = measure(TIMES, &service.fetch(&["auditevents", "--format", "ndjson", "--limit", "1"]))?;
        let pages = service.pages(&[Stream::AuditEvents])?;
        let curl = measure(TIMES, &Curl::new(&service, &pages[..1])?.command())?;
        Row::alone("start: fetch of one page", format!("{}, {} of CPU", time(cost.wall), time(cost.cpu)))
            .beside(format!("curl {}", time(curl.wall)), times(cost.wall, curl.wall))
            .limit("under 15 ms", cost.wall.as_millis() < 15)
            .print();
    }
    Ok(())
}
