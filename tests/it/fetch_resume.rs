//! Saved positions at work: only what is new, each event once, one run at a time, and no silent gap.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opev::clock::ManualClock;
use opev::disk::RealDisk;
use opev::event::{Event, Stream};
use opev::output::commit::{Encode, OutputSetup};
use opev::output::{CheckpointedOutput, OutputContract, OutputTarget};
use opev::page::{Cursor, Next, Page};
use opev::simulator::{
    RunningSimulator, SeededData, ServiceBehavior, Simulator, SimulatorOptions, TokenOptions,
};
use rustix::process::Signal;

use crate::harness::{
    Account, BEFORE_ALL, NO_TIMEOUT, Run, Sandbox, faulty, now, seeded, signal, start, uuids, wait_until,
};

const RESUME: [&str; 4] = ["fetch", "--resume", "--since", BEFORE_ALL];

fn and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = RESUME.to_vec();
    args.extend(more);
    args
}

/// Insists that no uuid is there twice.
#[track_caller]
fn distinct(uuids: Vec<String>) -> BTreeSet<String> {
    let count = uuids.len();
    let set: BTreeSet<String> = uuids.into_iter().collect();
    assert_eq!(set.len(), count, "some came twice");
    set
}

#[test]
fn a_first_run_says_where_it_starts_and_a_second_gives_only_what_is_new() {
    // The service's clock is the test's: what arrives between two runs is its decision.
    let clock = Arc::new(ManualClock::at(now() - TimeDelta::hours(12)));
    let simulator = Simulator::start(SimulatorOptions::default(), clock.clone()).unwrap();
    let account = Account { sandbox: Sandbox::new(), simulator };
    let first = account.run(and(&["-v"])).expect(0);
    assert!(first.stderr.contains("signin: no saved position, starting at 20"), "{}", first.stderr);
    let first = distinct(first.uuids());
    assert_eq!(account.run(RESUME).expect(0).uuids().len(), 0);

    clock.advance(Duration::from_secs(11 * 3600));
    let second = account.run(and(&["-v"])).expect(0);
    assert!(
        second.stderr.contains("continuing from the saved position; --since is not used"),
        "{}",
        second.stderr
    );
    let second = distinct(second.uuids());
    assert!(!second.is_empty() && first.is_disjoint(&second));

    // Another consumer has a position of its own.
    let other = distinct(account.run(and(&["--consumer", "other"])).expect(0).uuids());
    assert_eq!(other, first.union(&second).cloned().collect());
}

#[test]
fn a_managed_file_holds_each_event_once_though_the_service_repeats_some() {
    let clock = Arc::new(ManualClock::at(now() - TimeDelta::hours(12)));
    let behavior = ServiceBehavior { repeats_when_followed: 5, ..ServiceBehavior::default() };
    let simulator =
        Simulator::start(SimulatorOptions { behavior, ..SimulatorOptions::default() }, clock.clone())
            .unwrap();
    let account = Account { sandbox: Sandbox::new(), simulator };
    for _ in 0..4 {
        account.run(and(&["-o", "out.ndjson"])).expect(0);
        clock.advance(Duration::from_secs(3 * 3600));
    }
    account.run(and(&["-o", "out.ndjson"])).expect(0);
    let found = distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));
    assert_eq!(found, distinct(account.run(and(&["--consumer", "whole"])).expect(0).uuids()));
}

/// Kills runs into one file, each after so many more pages, or where it hangs, until one ends by itself; gives how many
/// died.
fn kill_loop(account: &Account, out: &str, pages: impl Iterator<Item = u64>) -> usize {
    let args = and(&[&["-o", out, "--page-size", "100", "--rate-limit", "0"][..], &NO_TIMEOUT].concat());
    let mut killed = 0;
    for pages in pages {
        let before = account.simulator.report();
        let mut child = start(account.command(&args));
        wait_until(|| {
            let report = account.simulator.report();
            child.try_wait().unwrap().is_some()
                || report.requests >= before.requests + pages
                || report.faults > before.faults
        });
        let _ = child.kill();
        if child.wait().unwrap().success() {
            return killed;
        }
        killed += 1;
    }
    account.run(&args).expect(0);
    killed
}

#[test]
fn killed_at_any_moment_a_managed_file_has_the_bytes_of_a_run_that_was_not() {
    // However late the test comes to look: the run that asks the twelfth time, and others after it, wait to be killed,
    // no more than three of these requests in one run.
    let hangs: Vec<String> = (1..=15).map(|n| format!("hang@{}", 4 * n)).collect();
    let options = SimulatorOptions { script: faulty(now(), &hangs.join(" ")).script, ..seeded(6_000, now()) };
    let account = Account::new(options);
    let killed = kill_loop(&account, "killed.ndjson", (0..60).map(|n| 1 + n * 5 % 9));
    assert!(killed > 3, "{killed}");
    assert_eq!(account.simulator.report().faults, 15, "every one of them was met");
    account.run(and(&["-o", "whole.ndjson", "--page-size", "100", "--rate-limit", "0"])).expect(0);
    let read = |name: &str| std::fs::read(account.sandbox.path(name)).unwrap();
    distinct(uuids(&read("killed.ndjson")));
    assert!(read("killed.ndjson") == read("whole.ndjson"));
}

#[test]
#[ignore = "takes minutes"]
fn killed_hundreds_of_times_it_is_the_same() {
    let account = Account::new(seeded(60_000, now()));
    kill_loop(&account, "killed.ndjson", (0..300).map(|n| 1 + n * 7 % 5));
    account.run(and(&["-o", "whole.ndjson", "--page-size", "100", "--rate-limit", "0"])).expect(0);
    let read = |name: &str| std::fs::read(account.sandbox.path(name)).unwrap();
    assert!(read("killed.ndjson") == read("whole.ndjson"));
}

#[test]
fn of_two_runs_at_once_the_second_is_nine() {
    let account = Account::new(faulty(now(), "hang@2"));
    let first = start(account.command(and(&["-o", "out.ndjson", "signin"]).into_iter().chain(NO_TIMEOUT)));
    wait_until(|| account.simulator.report().faults > 0);
    let second = account.run(and(&["-o", "out.ndjson", "signin"])).expect(9);
    assert!(second.stdout.is_empty());
    // It waits when told to, and its turn comes.
    let waiting = start(account.command(and(&["-o", "out.ndjson", "signin", "--lock-wait", "10m"])));
    signal(&first, Signal::TERM);
    assert_eq!(Run::wait(first).signal, Some(Signal::TERM.as_raw()));
    Run::wait(waiting).expect(0);
    distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));
}

#[test]
fn another_account_host_or_api_than_the_positions_is_eight() {
    let account = Account::new(seeded(1_000, now()));
    account.run(RESUME).expect(0);
    let run = account.run(and(&["--api", "v1"])).expect(8);
    assert!(
        run.stderr.contains("v1") && run.stderr.contains("v2") && run.stderr.contains("hint: "),
        "{}",
        run.stderr
    );

    let elsewhere = |options: SimulatorOptions| -> RunningSimulator {
        Simulator::start(options, Arc::new(opev::clock::RealClock::new())).unwrap()
    };
    let host = elsewhere(seeded(1_000, now()));
    let mut command = account.command(RESUME);
    command.env("OPEV_BASE_URL", host.base_url()).env("EVENTS_API_TOKEN", host.token().expose());
    let run = Run::of(command.output().unwrap()).expect(8);
    assert!(run.stderr.contains("127.0.0.1"), "{}", run.stderr);

    let company = SeededData { seed: 9, events: 1_000, ..SeededData::default() };
    let other = elsewhere(SimulatorOptions {
        data: opev::simulator::EventData::Seeded(company),
        ..SimulatorOptions::default()
    });
    assert_ne!(other.account_uuid(), account.simulator.account_uuid());
    let mut command = account.command(RESUME);
    command.env("EVENTS_API_TOKEN", other.token().expose());
    let run = Run::of(command.output().unwrap()).expect(8);
    assert!(run.stderr.contains(other.account_uuid()), "{}", run.stderr);
}

#[test]
fn a_refused_cursor_is_eight_and_an_accepted_gap_goes_on_without_repeats() {
    let account = Account::new(faulty(now(), "refuse-cursor@7-8 refuse-cursor@9-10"));
    let args = and(&["signin", "-o", "out.ndjson", "--page-size", "1000", "--retry-for", "1s"]);
    // The first run: two pages and an empty one. Then the saved cursor is refused twice.
    let mut runs = 0;
    let refused = loop {
        let run = account.run(&args);
        runs += 1;
        match run.code {
            Some(0) if runs < 9 => {}
            _ => break run.expect(8),
        }
    };
    assert!(refused.stderr.contains("refuses the saved cursor"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--accept-gap"), "{}", refused.stderr);
    let before = distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));

    let mut accepting = args.clone();
    accepting.push("--accept-gap");
    let run = account.run(&accepting).expect(0);
    assert!(run.stderr.contains("accepted: "), "{}", run.stderr);
    let after = distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));
    assert!(after.is_superset(&before));
}

/// Writes nothing: the position is what matters.
struct Silent;

impl Encode for Silent {
    fn begin(&mut self, _: &mut Vec<u8>) {}
    fn event(&mut self, _: &Event<'_>, _: DateTime<Utc>, _: &mut Vec<u8>) {}
}

/// Saves a position that was caught up at `then`, as a run at that time would have.
fn save_position(account: &Account, state_dir: &Path, then: DateTime<Utc>) {
    let setup = OutputSetup {
        state_dir: state_dir.to_owned(),
        profile: "default".into(),
        terms: OutputContract {
            account: Some(account.simulator.account_uuid().into()),
            host: account.simulator.base_url().replace("http://", ""),
            api: "v2".into(),
            shape: "raw".into(),
            format: "ndjson".into(),
            fields: Vec::new(),
            ..OutputContract::default()
        },
        remembered: 100,
    };
    let target = OutputTarget::File { path: account.sandbox.path("out.ndjson"), mode: 0o600 };
    let clock = Arc::new(ManualClock::at(then));
    let mut pipeline = CheckpointedOutput::open(Arc::new(RealDisk), clock, setup, target).unwrap();
    let next = Next::CaughtUp(Some(Cursor::new("an old one")));
    let page = Page {
        stream: Stream::SignInAttempts,
        body: Vec::new(),
        spans: Vec::new(),
        next,
        received_at: then,
        has_lines: false,
        origins: Vec::new(),
    };
    pipeline.deliver(&page, &mut Silent).unwrap();
    pipeline.finish().unwrap();
}

#[test]
fn a_position_older_than_the_service_remembers_is_eight_with_the_missing_range() {
    let account = Account::new(seeded(1_000, now()));
    let state = account.sandbox.path("state/opev");
    let long_ago = now() - TimeDelta::days(130);
    save_position(&account, &state, long_ago);
    let args = ["fetch", "--resume", "signin", "-o", "out.ndjson"];
    let run = account.run(args).expect(8);
    let missing = long_ago.format("%Y-%m-%d").to_string();
    assert!(run.stderr.contains("older than the 120 days"), "{}", run.stderr);
    assert!(run.stderr.contains(&missing) && run.stderr.contains("--accept-gap"), "{}", run.stderr);
    assert_eq!(account.simulator.report().requests, 0);

    let run = account.run(args.into_iter().chain(["--accept-gap"])).expect(0);
    assert!(run.stderr.contains("accepted: "), "{}", run.stderr);
    let found = distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));
    assert_eq!(found.len(), account.run(["fetch", "signin", "--since", "119d"]).expect(0).uuids().len());
}

#[test]
fn a_question_touches_no_position_and_replaces_no_managed_file() {
    let account = Account::new(seeded(1_000, now()));
    account.run(and(&["-o", "out.ndjson"])).expect(0);
    let before = std::fs::read(account.sandbox.path("out.ndjson")).unwrap();
    let run = account.run(["fetch", "-o", "out.ndjson", "--overwrite"]).expect(2);
    assert!(run.stderr.contains("--resume") || run.stderr.contains("managed"), "{}", run.stderr);
    account.run(["fetch", "--since", "29d"]).expect(0);
    assert_eq!(account.run(and(&["-o", "out.ndjson"])).expect(0).stderr, "");
    assert!(std::fs::read(account.sandbox.path("out.ndjson")).unwrap() == before);
}

#[test]
fn one_stream_that_fails_is_ten_and_goes_on_from_its_own_place() {
    let account = Account::new(SimulatorOptions {
        token: TokenOptions::default(),
        ..faulty(now(), "status=403@2,on=itemusages")
    });
    let args = and(&["-o", "out.ndjson", "--page-size", "200"]);
    let run = account.run(&args).expect(10);
    assert!(run.stderr.starts_with("error: items: "), "{}", run.stderr);
    account.run(&args).expect(0);
    let found = distinct(uuids(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()));
    assert!(found.len() > 2_500);
}
