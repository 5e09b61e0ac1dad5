//! P11 through the real program: no silent gap. A refused cursor, a position older than the service
//! remembers, state of another account, host or API: named, exit 8, nothing changed, and never from now by
//! itself. With the mistakes of other collectors that would leave one, by name.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use opev::event::Stream;
use opev::output::checkpoint::record::Checkpoint;
use opev::simulator::{
    EventData, FaultRule, FaultScript, RequestKind, RequestTarget, SeededData, SimulatorOptions,
};

use crate::frozen::{beginning, counts, frozen, resume_to, truth};
use crate::harness::Account;

/// Every slot of every checkpoint under a state directory.
pub fn slots(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { slots(&path) } else { vec![path] });
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("checkpoint.")).collect()
}

/// The newest record of the one checkpoint there is.
fn saved(account: &Account) -> Checkpoint {
    let records = slots(&account.sandbox.path("state"));
    let records = records.iter().map(|path| Checkpoint::from_bytes(&std::fs::read(path).unwrap()).unwrap());
    records.max_by_key(|record| record.sequence).unwrap()
}

/// Changes what is saved, as if an earlier run had saved it so.
fn rewrite(account: &Account, change: impl Fn(&mut Checkpoint)) {
    for path in slots(&account.sandbox.path("state")) {
        let mut record = Checkpoint::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut record);
        std::fs::write(&path, record.to_bytes().unwrap()).unwrap();
    }
}

/// Everything under a directory, and what it holds, but for notes in locks.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // Who holds the lock and how the last run went: said for people, promised to nobody.
        .filter(|path| !path.ends_with("lock") && !path.ends_with("health.json"))
        .flat_map(|path| {
            if path.is_dir() { contents(&path) } else { vec![(path.clone(), std::fs::read(&path).unwrap())] }
        })
        .collect();
    all.sort();
    all
}

fn at(account: &Account, file: &str) -> Vec<u8> {
    std::fs::read(account.sandbox.path(file)).unwrap()
}

#[test]
fn a_refused_cursor_ends_with_8_and_names_what_may_be_missing() {
    // The first run asks with one cursor; the second run's first question is refused, and refused again.
    let rule: FaultRule = "refuse-cursor@2-3,on=audit".parse().unwrap();
    let options = SimulatorOptions { script: FaultScript::from(rule), ..frozen(600) };
    let since = beginning(&options);
    let account = Account::new(options);
    let args = [&resume_to("out.ndjson", &since)[..], &["--retry-for", "1s"]].concat();
    account.run(&args).expect(0);
    let first = at(&account, "out.ndjson");
    assert_eq!(counts(&first), truth(&account));
    let reached = saved(&account).position(Stream::AuditEvents).unwrap().reached().unwrap();

    let run = account.run(&args).expect(8);
    let since_when = reached.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert!(run.stderr.contains("audit: the service refuses the saved cursor"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("events after {since_when} may be missing")), "{}", run.stderr);
    assert!(run.stderr.contains("--accept-gap"), "{}", run.stderr);
    assert!(at(&account, "out.ndjson") == first);
}

#[test]
fn an_accepted_gap_starts_before_the_last_event_and_drops_what_was_delivered() {
    let rule: FaultRule = "refuse-cursor@2-3,on=audit".parse().unwrap();
    let options = SimulatorOptions { script: FaultScript::from(rule), ..frozen(600) };
    let since = beginning(&options);
    let account = Account::new(options);
    let args = [&resume_to("out.ndjson", &since)[..], &["--retry-for", "1s"]].concat();
    account.run(&args).expect(0);
    let first = at(&account, "out.ndjson");
    let last = saved(&account).position(Stream::AuditEvents).unwrap().restart_from(Utc::now());

    let run = account.run(args.iter().chain(&["--accept-gap"])).expect(0);
    assert!(run.stderr.contains("accepted"), "{}", run.stderr);
    assert!(at(&account, "out.ndjson") == first, "the overlap was delivered again");
    let asked = account.simulator.requests();
    let asked = asked.iter().rfind(|request| {
        request.target == Some(RequestTarget::Stream(Stream::AuditEvents))
            && request.ask == Some(RequestKind::First)
    });
    let body: serde_json::Value = serde_json::from_str(&asked.unwrap().body).unwrap();
    let from: DateTime<Utc> = body["start_time"].as_str().unwrap().parse().unwrap();
    assert!((from - last).abs() < TimeDelta::seconds(2), "{from} {last}");
    assert!(saved(&account).position(Stream::AuditEvents).unwrap().repeats > 0);
}

#[test]
fn a_cursor_refused_in_the_middle_of_a_run_counts_from_what_that_run_has_read() {
    for accepts in [false, true] {
        let rule: FaultRule = "refuse-cursor@3-4,on=audit".parse().unwrap();
        let options = SimulatorOptions { script: FaultScript::from(rule), ..frozen(900) };
        let since = beginning(&options);
        let account = Account::new(options);
        let quick = ["--retry-for", "1s", "--page-size", "20"];
        let args = [&resume_to("out.ndjson", &since)[..], &quick].concat();
        let sixty = account.simulator.truth(Stream::AuditEvents, opev::simulator::ApiForm::V2, ..);
        let read = sixty.take(60).map(|fact| fact.timestamp).max().unwrap();
        let read = read.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let run = match accepts {
            false => account.run(&args).expect(8),
            true => account.run(args.iter().chain(&["--accept-gap"])).expect(0),
        };
        assert!(run.stderr.contains(&format!("events after {read} may be missing")), "{}", run.stderr);
        if accepts {
            let bodies: Vec<_> = account.simulator.requests().into_iter().map(|r| r.body).collect();
            let restarted = bodies.iter().filter(|body| body.contains("start_time")).count();
            assert_eq!(restarted, 4);
            assert_eq!(counts(&at(&account, "out.ndjson")), truth(&account));
        }
    }
}

#[test]
fn a_position_older_than_the_service_remembers_ends_with_8_and_names_the_range() {
    let options = frozen(600);
    let (since, now) = (beginning(&options), options.at.unwrap());
    let account = Account::new(options);
    let args = resume_to("out.ndjson", &since);
    account.run(&args).expect(0);
    let long_ago = now - TimeDelta::days(130);
    rewrite(&account, |record| {
        let position = record.streams.get_mut("itemusages").unwrap();
        position.caught_up_at = Some(long_ago);
        position.newest = Some(long_ago);
        position.last_event.as_mut().unwrap().time = Some(long_ago);
    });
    let before = contents(&account.sandbox.path("."));
    let run = account.run(&args).expect(8);
    assert!(run.stderr.contains("items: the saved position is older than the 120 days"), "{}", run.stderr);
    let day = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
    assert!(run.stderr.contains(&format!("from {}", day(long_ago))), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("to {}", day(now - TimeDelta::days(120)))), "{}", run.stderr);
    let output = |contents: &[(PathBuf, Vec<u8>)]| {
        contents.iter().filter(|(path, _)| path.ends_with("out.ndjson")).cloned().collect::<Vec<_>>()
    };
    assert!(output(&contents(&account.sandbox.path("."))) == output(&before));
    // It stays refused: nothing was moved to now meanwhile.
    account.run(&args).expect(8);
    account.run(args.iter().chain(&["--accept-gap"])).expect(0);
    assert_eq!(counts(&at(&account, "out.ndjson")), truth(&account));
    account.run(&args).expect(0);
}

#[test]
fn state_of_another_account_host_or_api_is_refused_and_nothing_changes() {
    let options = frozen(300);
    let since = beginning(&options);
    let account = Account::new(options);
    let args = resume_to("out.ndjson", &since);
    account.run(&args).expect(0);
    let before = contents(&account.sandbox.path("."));
    let refused = |run: crate::harness::Run, what: &str| {
        let run = run.expect(8);
        assert!(run.stderr.contains("the saved position of"), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("has {what}")), "{}", run.stderr);
        assert!(contents(&account.sandbox.path(".")) == before, "{what}: something was changed");
    };
    refused(account.run(args.iter().chain(&["--api", "v1"])), "API version");

    let other = SimulatorOptions {
        data: EventData::Seeded(SeededData { seed: 99, events: 10, ..SeededData::default() }),
        ..SimulatorOptions::default()
    };
    let other = Account::new(other);
    let mut command = account.command(&args);
    command.env("EVENTS_API_TOKEN", other.simulator.token().expose());
    refused(crate::harness::Run::of(command.output().unwrap()), "account");
    let requests = account.simulator.requests().len();
    let mut command = account.command(&args);
    command.env("OPEV_BASE_URL", account.simulator.base_url().replace("127.0.0.1", "localhost"));
    refused(crate::harness::Run::of(command.output().unwrap()), "host");
    assert_eq!(account.simulator.requests().len(), requests, "something was asked before it was refused");
}

#[test]
fn sentinels_mistake_a_placeholder_is_never_saved_as_a_cursor() {
    // A first run that gets no answer at all, then one with answers: whatever is asked with was given.
    let rules = ["status=503@1-3", "cut=in-body@4-6"].map(|rule| rule.parse::<FaultRule>().unwrap());
    let options = SimulatorOptions { script: FaultScript::new(rules), ..frozen(300) };
    let since = beginning(&options);
    let account = Account::new(options);
    let args = [&resume_to("out.ndjson", &since)[..], &["--retry-for", "0"]].concat();
    for _ in 0..2 {
        account.run(&args).expect(6);
        assert!(saved(&account).streams.values().all(|position| position.cursor.is_none()));
    }
    account.run(&args).expect(0);
    account.run(&args).expect(0);
    let given = saved(&account);
    assert!(given.streams.values().all(|position| position.cursor.is_some()));
    // The service knows every cursor that it was asked with, and no body held a cursor and a range.
    assert_eq!(account.simulator.report().broken, []);
    assert_eq!(counts(&at(&account, "out.ndjson")), truth(&account));
}

#[test]
fn groves_mistake_a_failed_first_page_does_not_move_the_beginning() {
    let options = SimulatorOptions {
        script: FaultScript::from("status=500@1-3".parse::<FaultRule>().unwrap()),
        ..frozen(300)
    };
    let since = beginning(&options);
    let account = Account::new(options);
    account.run([&resume_to("out.ndjson", &since)[..], &["--retry-for", "0"]].concat()).expect(6);
    account.run(resume_to("out.ndjson", &since)).expect(0);
    assert_eq!(counts(&at(&account, "out.ndjson")), truth(&account));
}

#[test]
fn the_splunk_add_ons_mistake_a_bounded_questions_cursor_never_becomes_a_position() {
    let options = frozen(600);
    let since = beginning(&options);
    let account = Account::new(options);
    // A question with an end, to a file and to stdout, keeps no state at all.
    account.run(["fetch", "--since", &since, "--until", "1d", "-o", "question.ndjson"]).expect(0);
    account.run(["fetch", "--since", &since, "--until", "1d", "--page-size", "20"]).expect(0);
    assert!(!account.sandbox.path("state").exists());
    // And what is saved is asked for without an end.
    let before = account.simulator.requests().len();
    account.run(resume_to("out.ndjson", &since)).expect(0);
    for request in &account.simulator.requests()[before..] {
        assert!(!request.body.contains("end_time"), "{}", request.body);
    }
    account.run(["fetch", "--resume", "--until", "1d", "-o", "out.ndjson"]).expect(2);
    assert_eq!(counts(&at(&account, "out.ndjson")), truth(&account));
    assert_eq!(account.simulator.report().broken, []);
}
