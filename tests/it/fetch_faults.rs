//! Whatever the service or the way to it does wrong: recovered without loss or repeat, or told in one clear
//! message with the exit code of the table, within the time that was allowed.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use opev::simulator::SimulatorOptions;

use crate::harness::{Account, Run, assert_same, faulty, now, seeded, sorted_lines, truth, typed};

/// Asks a service with such troubles for a range of which 3,000 events are most.
fn ask(at: DateTime<Utc>, options: SimulatorOptions, more: &[&str]) -> (Account, Run) {
    let account = Account::new(options);
    let (since, until) = (typed(at - TimeDelta::days(29)), typed(at - TimeDelta::hours(3)));
    let mut args = vec!["fetch", "--since", &since, "--until", &until, "--page-size", "200", "-q"];
    args.extend(more);
    let run = account.run(args);
    (account, run)
}

/// Runs `each` over a table, some rows at a time: they wait rather than work.
fn at_once<T: Sync>(rows: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst)) {
            each(row);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        let failed = threads.into_iter().filter_map(|thread| thread.join().err()).count();
        assert_eq!(failed, 0, "rows failed; each has said why above");
    });
}

#[test]
fn a_trouble_that_passes_changes_no_byte() {
    let at = now();
    let (_, clean) = ask(at, seeded(3_000, at), &[]);
    let clean = clean.expect(0);
    let faults = [
        "status=500@2",
        "status=502@1",
        "status=503,body=html@3",
        "status=504,body=empty@4",
        "status=429@2",
        "status=429,retry-after=0@2-4",
        "status=429,retry-after=1,ratelimit@2",
        "status=503,retry-after=date:1@2",
        "status=503,retry-after=soon@2",
        "status=408@2",
        "cut=before@1",
        "cut=in-head@2",
        "cut=after-head@3",
        "cut=in-body@4",
        "cut=unframed@2",
        "cut-json@2",
        "bad-json@2",
        "html@2",
        "gzip-bomb=100@2",
        "delay=300ms@2",
        "drip=1ms,bytes=20000@2",
        "empty@2",
        "null-items@3",
        "repeat=5@4",
        "short@2",
        "hang@2",
    ];
    at_once(&faults, |fault| {
        let (account, run) = ask(at, faulty(at, fault), &["--timeout", "5s", "--retry-for", "5m"]);
        assert!(account.simulator.report().faults > 0, "{fault} did not happen");
        assert_eq!(run.code, Some(0), "{fault}: {}", run.stderr);
        assert!(
            run.stdout == clean.stdout,
            "{fault}: {} lines instead of {}",
            run.lines().len(),
            clean.lines().len()
        );
    });
}

#[test]
fn a_trouble_every_so_often_loses_nothing() {
    let at = now();
    let faults = "status=503,retry-after=0@every:3 cut=in-body@5 repeat=3@every:4";
    let (account, run) = ask(at, faulty(at, faults), &["--retry-for", "5m"]);
    let run = run.expect(0);
    let truth = truth(&account.simulator, at - TimeDelta::days(29)..at - TimeDelta::hours(3));
    assert_same(&sorted_lines(&run.stdout), &truth);
}

#[test]
fn a_byte_that_is_not_utf8_stops_nothing() {
    let at = now();
    let (account, run) = ask(at, faulty(at, "bad-utf8@2"), &[]);
    let run = run.expect(0);
    let truth = truth(&account.simulator, at - TimeDelta::days(29)..at - TimeDelta::hours(3));
    let found = sorted_lines(&run.stdout);
    assert_eq!(found.len(), truth.len());
    let odd: Vec<_> = found.iter().filter(|line| !truth.contains(line)).collect();
    assert_eq!(odd.len(), 1);
    assert!(std::str::from_utf8(odd[0]).is_err());
}

/// A trouble that does not pass, on item usages alone and on all streams: codes and words.
struct Lasting {
    fault: &'static str,
    code: i32,
    says: &'static [&'static str],
}

const fn lasting(fault: &'static str, code: i32, says: &'static [&'static str]) -> Lasting {
    Lasting { fault, code, says }
}

const LASTING: [Lasting; 22] = [
    lasting("status=500", 6, &["500", "hint: "]),
    lasting("status=503,retry-after=1", 6, &["503"]),
    lasting("status=503,retry-after=600", 6, &["503", "it asks to be left alone until 20", "--retry-for"]),
    lasting("status=429,retry-after=date:600", 6, &["429", "it asks to be left alone until 20"]),
    lasting("status=429", 6, &["429"]),
    lasting("cut=before", 6, &["no answer from 127.0.0.1"]),
    lasting("cut=in-head", 6, &["127.0.0.1"]),
    lasting("cut=after-head", 6, &[""]),
    lasting("cut=in-body", 6, &[""]),
    lasting("cut=unframed", 6, &["cannot be read"]),
    lasting("cut-json", 6, &["cannot be read"]),
    lasting("bad-json", 6, &["cannot be read"]),
    lasting("html", 6, &["cannot be read", "base URL"]),
    lasting("gzip-bomb=100", 6, &["--max-response-bytes"]),
    lasting("hang", 6, &["no answer"]),
    lasting("stuck", 6, &["no progress"]),
    lasting("redirect=http://127.0.0.1:9/elsewhere", 3, &["redirects to 127.0.0.1:9", "never followed"]),
    lasting("status=400", 6, &["400"]),
    lasting("status=401", 4, &["refused the token"]),
    lasting("status=403", 4, &["403", "plan"]),
    lasting("status=404", 3, &["404", "base URL"]),
    lasting("status=418", 6, &["418"]),
];

/// What is broken is not tried for long. What is not has time to answer, also where much else is going on.
const IMPATIENT: [&str; 4] = ["--timeout", "20s", "--retry-for", "1s"];

#[test]
fn a_trouble_that_lasts_is_told_with_its_code() {
    let at = now();
    at_once(&LASTING, |row| {
        let (_, run) = ask(at, faulty(at, &format!("{}@always", row.fault)), &IMPATIENT);
        assert_eq!(run.code, Some(row.code), "{}: {}", row.fault, run.stderr);
        for words in row.says {
            assert!(run.stderr.contains(words), "{}: no \"{words}\" in {}", row.fault, run.stderr);
        }
        for line in run.stderr.lines() {
            assert!(
                line.starts_with("error: ") || line.starts_with(" hint: ") || line.starts_with("   "),
                "{line}"
            );
        }
        assert!(run.stderr.contains(" hint: "), "{}: no hint in {}", row.fault, run.stderr);
    });
}

#[test]
fn one_stream_that_fails_leaves_the_others_whole_and_gives_ten() {
    let at = now();
    let (_, clean) = ask(at, seeded(3_000, at), &["signin", "audit"]);
    let clean = clean.expect(0);
    at_once(&LASTING, |row| {
        let (_, run) = ask(at, faulty(at, &format!("{}@always,on=itemusages", row.fault)), &IMPATIENT);
        assert_eq!(run.code, Some(10), "{}: {}", row.fault, run.stderr);
        assert!(run.stderr.starts_with("error: items: "), "{}: {}", row.fault, run.stderr);
        assert!(run.stderr.ends_with("error: the rest is done\n"), "{}: {}", row.fault, run.stderr);
        // Whatever of item usages came before the trouble may be among them.
        let others: Vec<_> =
            run.lines().into_iter().filter(|line| !line.contains("\"used_version\":")).collect();
        assert!(others == clean.lines(), "{}", row.fault);
    });
}

#[test]
fn streams_that_fail_differently_give_the_first_code_of_the_order() {
    let at = now();
    let faults = "status=404@always,on=signinattempts status=401@always,on=itemusages status=503@always,on=auditevents";
    let (_, run) = ask(at, faulty(at, faults), &IMPATIENT);
    let run = run.expect(4);
    for words in ["signin: ", "items: ", "audit: ", "3 failures; exit code 4"] {
        assert!(run.stderr.contains(words), "no \"{words}\" in {}", run.stderr);
    }
}

#[test]
fn the_deadline_ends_everything() {
    let at = now();
    let (_, run) = ask(at, faulty(at, "hang@always"), &["--deadline", "1s"]);
    assert!(run.expect(6).stderr.contains("deadline"));
}

#[test]
fn a_refused_cursor_of_a_question_is_a_refused_request() {
    let at = now();
    let (_, run) = ask(at, faulty(at, "refuse-cursor@2"), &["items"]);
    assert!(run.expect(6).stderr.contains("400"));
}

#[test]
fn warnings_of_retries_are_short_and_name_stream_and_wait() {
    let at = now();
    let account = Account::new(faulty(at, "status=503,retry-after=0@1-2"));
    let run = account.run(["fetch", "signin", "--retry-for", "5m", "-v"]).expect(0);
    assert!(run.stderr.contains("signin: "), "{}", run.stderr);
    assert!(run.stderr.lines().all(|line| line.len() < 160), "{}", run.stderr);
}
