//! What one engine for questions, resumed runs and tail promises, through the real program.

use chrono::TimeDelta;
use rustix::process::Signal;

use crate::harness::{
    Account, BEFORE_ALL, Run, faulty, now, seeded, signal, start, typed, uuids, wait_until,
};

/// P4: a managed file of several streams has the same bytes whatever the page size.
#[test]
fn a_managed_file_of_several_streams_does_not_depend_on_the_page_size() {
    let at = now();
    let account = Account::new(seeded(6_000, at));
    let since = typed(at - TimeDelta::days(29));
    let mut files = Vec::new();
    for size in ["1000", "333", "70"] {
        let name = format!("{size}.ndjson");
        account.run(["fetch", "--resume", "-o", &name, "--since", &since, "--page-size", size]).expect(0);
        files.push(std::fs::read(account.sandbox.path(&name)).unwrap());
    }
    assert!(uuids(&files[0]).len() > 5_000);
    assert!(files.iter().all(|file| *file == files[0]));
}

/// Files of one run have nothing to do with each other: none waits for another's retries.
#[test]
fn a_stream_that_hangs_holds_up_no_other_file() {
    let account = Account::new(faulty(now(), "hang@always,on=signinattempts"));
    for resume in [&["--resume"][..], &[]] {
        let name = if resume.is_empty() { "q-{stream}.ndjson" } else { "{stream}.ndjson" };
        let args = [&["fetch", "--since", BEFORE_ALL, "-o", name][..], resume].concat();
        let child = start(account.command(args));
        let whole = |stream: &str| {
            let file = name.replace("{stream}", stream);
            let found = std::fs::read(account.sandbox.path(&file)).unwrap_or_default();
            found.iter().filter(|byte| **byte == b'\n').count() > 100
        };
        wait_until(|| whole("itemusages") && whole("auditevents"));
        signal(&child, Signal::TERM);
        let run = Run::wait(child);
        assert_eq!(run.signal, Some(Signal::TERM.as_raw()), "{:?}: {}", run.code, run.stderr);
    }
}

/// Tables, CSV and JSON have the same order on a terminal, in a pipe and in a file: that of time.
#[test]
fn tables_csv_and_json_are_in_order_of_time_wherever_they_go() {
    let account = Account::new(seeded(3_000, now()));
    let csv =
        account.run(["fetch", "--since", BEFORE_ALL, "--format", "csv", "--fields", "timestamp"]).expect(0);
    // The times are RFC 3339 with fractions of different lengths.
    let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
    let times: Vec<_> = csv.lines()[1..].iter().map(|line| time(line)).collect();
    assert!(times.len() > 2_000 && times.is_sorted());
    let json = account.run(["fetch", "--since", BEFORE_ALL, "--format", "json"]).expect(0);
    let items: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert!(items.iter().map(|item| time(item["timestamp"].as_str().unwrap())).is_sorted());
    let first = account.run([
        "fetch",
        "--since",
        BEFORE_ALL,
        "--format",
        "csv",
        "--fields",
        "timestamp",
        "--limit",
        "3",
    ]);
    assert_eq!(first.expect(0).lines(), csv.lines()[..4], "the first of the order in which they come out");
    let arrival =
        ["fetch", "--since", BEFORE_ALL, "--format", "csv", "--fields", "uuid", "--sort", "timeline"];
    let arrived = account.run(arrival).expect(0);
    let plain = account.run(["fetch", "--since", BEFORE_ALL]).expect(0);
    assert_eq!(arrived.lines()[1..], plain.uuids(), "--sort decides otherwise");
}

/// A run that is interrupted while it sorts shows what it has.
#[test]
fn an_interrupted_table_shows_what_it_has() {
    let account = Account::new(faulty(now(), "hang@always,on=itemusages"));
    let child =
        start(account.command(["fetch", "audit", "items", "--since", BEFORE_ALL, "--format", "table"]));
    wait_until(|| account.simulator.report().per_stream[2] > 0 && account.simulator.report().faults > 0);
    // The audit events that came before the first item usage may not be known yet; the header always is.
    signal(&child, Signal::INT);
    let run = Run::wait(child);
    assert_eq!(run.signal, Some(Signal::INT.as_raw()), "{:?}: {}", run.code, run.stderr);
    assert!(run.text().starts_with("TIME (UTC)"), "{}", run.text());
}

/// One deadline is told once, whatever the number of streams that it ends.
#[test]
fn a_deadline_is_told_once() {
    let account = Account::new(seeded(300, now()));
    for args in [
        &["tail", "-n", "0", "--deadline", "1s"][..],
        &["tail", "--resume", "-o", "{stream}.ndjson", "--deadline", "1s"],
    ] {
        let run = account.run(args).expect(6);
        assert_eq!(run.stderr.matches("deadline has passed").count(), 1, "{}", run.stderr);
    }
}
