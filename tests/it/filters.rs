//! Filters through the real program: what comes out is what a plain look at the service's events says, however
//! it is read, and a managed file has each wanted event once.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opev::clock::ManualClock;
use opev::disk::RealDisk;
use opev::event::{Event, Stream};
use opev::output::commit::{Encode, OutputSetup, Staged};
use opev::output::{CheckpointedOutput, OutputContract, OutputTarget};
use opev::page::{Cursor, Next, Page, Span};
use opev::simulator::{ApiForm, EventData, Latency, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{beginning, counts, frozen, resume_to, undisturbed};
use crate::harness::{
    Account, BEFORE_ALL, Sandbox, assert_same, now, seeded, sorted_lines, typed, wait_until,
};

/// An event as a test looks at it.
struct Fact {
    stream: Stream,
    value: Value,
    raw: Vec<u8>,
}

impl Fact {
    fn at(&self, path: &str) -> &str {
        self.value.pointer(path).and_then(Value::as_str).unwrap_or("")
    }

    fn any(&self, paths: &[&str], is: impl Fn(&str) -> bool) -> bool {
        paths.iter().any(|path| is(self.at(path)))
    }
}

fn facts(account: &Account, since: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Fact> {
    let of = |stream| account.simulator.truth(stream, ApiForm::V2, since..until);
    Stream::ALL
        .into_iter()
        .flat_map(of)
        .map(|fact| Fact {
            stream: fact.stream,
            value: serde_json::from_slice(&fact.raw).unwrap(),
            raw: fact.raw,
        })
        .collect()
}

fn lines(facts: &[Fact], is_wanted: impl Fn(&Fact) -> bool) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> =
        facts.iter().filter(|fact| is_wanted(fact)).map(|fact| fact.raw.clone()).collect();
    lines.sort();
    lines
}

const PEOPLE: [&str; 5] = ["/target_user", "/user", "/actor_details", "/object_details", "/aux_details"];

fn is_from(fact: &Fact, code: &str, name: &str) -> bool {
    fact.at("/country") == code || fact.at("/location/country") == name
}

/// The value of the first event that has one there.
fn first(facts: &[Fact], stream: Stream, path: &str) -> String {
    let mut of_stream = facts.iter().filter(|fact| fact.stream == stream);
    of_stream.find(|fact| !fact.at(path).is_empty()).unwrap().at(path).to_owned()
}

type Wanted<'a> = Box<dyn Fn(&Fact) -> bool + 'a>;

/// Arguments, and which events they want.
fn questions(facts: &[Fact]) -> Vec<(Vec<String>, Wanted<'_>)> {
    let email = first(facts, Stream::ItemUsages, "/user/email");
    let actor = first(facts, Stream::AuditEvents, "/actor_details/email");
    let session = first(facts, Stream::AuditEvents, "/session/uuid");
    let item = first(facts, Stream::ItemUsages, "/item_uuid");
    let vault = first(facts, Stream::ItemUsages, "/vault_uuid");
    let device = first(facts, Stream::AuditEvents, "/session/device_uuid");
    let group =
        facts.iter().find(|fact| fact.at("/object_type") == "gm").unwrap().at("/object_uuid").to_owned();
    let of = |flag: &str, value: &str| vec![flag.to_owned(), value.to_owned()];
    let is_sign_in = |fact: &Fact| fact.stream == Stream::SignInAttempts;
    let mail = email.clone();
    let is_there = move |fact: &Fact, uuid: &str| {
        fact.any(
            &["/item_uuid", "/vault_uuid", "/object_uuid", "/aux_uuid", "/session/device_uuid"],
            |found| found == uuid,
        )
    };
    vec![
        (
            of("--user", &email.to_uppercase()),
            Box::new(move |fact| PEOPLE.iter().any(|at| fact.at(&format!("{at}/email")) == mail)),
        ),
        (
            of("--actor", &actor.clone()),
            Box::new(move |fact| PEOPLE[..3].iter().any(|at| fact.at(&format!("{at}/email")) == actor)),
        ),
        (
            of("--ip", "198.51.100.32/27"),
            Box::new(|fact| {
                fact.any(&["/client/ip_address", "/session/ip"], |ip| {
                    let last = ip.strip_prefix("198.51.100.").and_then(|last| last.parse::<u8>().ok());
                    last.is_some_and(|last| (32..64).contains(&last))
                })
            }),
        ),
        (
            of("--country", "ca,Portugal"),
            Box::new(|fact| is_from(fact, "CA", "Canada") || is_from(fact, "PT", "Portugal")),
        ),
        (of("--country", "!CA"), Box::new(|fact| !is_from(fact, "CA", "Canada"))),
        (
            of("--action", "reveal,success"),
            Box::new(|fact| fact.at("/action") == "reveal" || fact.at("/category") == "success"),
        ),
        (
            of("--action", "gave access to a vault to a group"),
            Box::new(|fact| (fact.at("/object_type"), fact.at("/action")) == ("gva", "grant")),
        ),
        (of("--object", "gva,gm"), Box::new(|fact| ["gva", "gm"].contains(&fact.at("/object_type")))),
        (of("--item", &item.clone()), Box::new(move |fact| is_there(fact, &item))),
        (of("--vault", &vault.clone()), Box::new(move |fact| is_there(fact, &vault))),
        (of("--group", &group.clone()), Box::new(move |fact| is_there(fact, &group))),
        (of("--device", &device.clone()), Box::new(move |fact| is_there(fact, &device))),
        (of("--app", "cli"), Box::new(|fact| fact.at("/client/app_name") == "1Password CLI")),
        (
            of("--session", &session.clone()),
            Box::new(move |fact| fact.any(&["/session_uuid", "/session/uuid"], |found| found == session)),
        ),
        (
            vec!["--no-sessions".into()],
            Box::new(|fact| !["dlgsess", "ssotknv"].contains(&fact.at("/action"))),
        ),
        (
            vec!["--failed".into()],
            Box::new(move |fact| is_sign_in(fact) && fact.at("/category").ends_with("_failed")),
        ),
        (
            vec!["--succeeded".into()],
            Box::new(move |fact| is_sign_in(fact) && fact.at("/category").contains("success")),
        ),
        (
            of("--grep", "\"(reveal|fill)\".*Chrome"),
            Box::new(|fact| {
                ["reveal", "fill"].contains(&fact.at("/action"))
                    && fact.at("/client/platform_name") == "Chrome"
            }),
        ),
        (
            [of("--country", "CA"), of("--action", "reveal")].concat(),
            Box::new(|fact| is_from(fact, "CA", "Canada") && fact.at("/action") == "reveal"),
        ),
    ]
}

#[test]
fn each_flag_gives_the_events_that_a_plain_look_gives() {
    let at = now();
    let account = Account::new(seeded(4_000, at));
    let (since, until) = (at - TimeDelta::days(29), at - TimeDelta::hours(26));
    let facts = facts(&account, since, until);
    for (args, is_wanted) in questions(&facts) {
        let expected = lines(&facts, is_wanted);
        assert!(!expected.is_empty() && expected.len() < facts.len(), "{args:?}: {}", expected.len());
        let (since, until) = (typed(since), typed(until));
        let range =
            ["fetch", "--since", &since, "--until", &until, "--rate-limit", "0", "-v"].map(String::from);
        let run = account.run(range.iter().chain(&args)).expect(0);
        assert_same(&sorted_lines(&run.stdout), &expected);
        assert!(
            run.stderr.contains(&format!(" events, {} of them wanted\n", grouped(expected.len()))),
            "{}",
            run.stderr
        );
    }
}

fn grouped(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

#[test]
fn limits_count_wanted_events_and_nothing_wanted_is_success() {
    let account = Account::new(seeded(3_000, now()));
    let ask = |more: &[&str]| {
        let args = ["fetch", "items", "--since", BEFORE_ALL, "--action", "reveal", "--rate-limit", "0"];
        account.run(args.iter().chain(more)).expect(0).uuids()
    };
    let all = ask(&["--sort", "time"]);
    assert!(all.len() > 20);
    assert_eq!(ask(&["--sort", "time", "--limit", "7"]), all[..7]);
    assert_eq!(ask(&["--limit", "7"]).len(), 7);
    assert_eq!(ask(&["--last", "7"]), all[all.len() - 7..]);

    let nothing = ["fetch", "--since", "20d", "--user", "nobody@example.test", "-v"];
    let run = account.run(nothing).expect(0);
    assert!(run.stdout.is_empty() && run.stderr.contains(" events, 0 of them wanted\n"), "{}", run.stderr);
    account.run(nothing.iter().chain(&["--fail-if-empty"])).expect(1);
    let run = account.run(nothing.iter().chain(&["--format", "json"])).expect(0);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&run.stdout).unwrap().len(), 0);
    let wanted = ["fetch", "--since", "20d", "--action", "reveal", "--limit", "1", "--fail-if-empty"];
    assert_eq!(account.run(wanted).expect(0).uuids().len(), 1);
}

#[test]
fn tail_shows_the_wanted_events_as_fetch_does() {
    // Half of a week, and as much again before it: each has events of every kind, whatever the day is.
    let at = now();
    let data = EventData::Seeded(SeededData { events: 1_000, days: 7, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, at: Some(at), ..SimulatorOptions::default() });
    let since = at - TimeDelta::hours(84);
    let facts = facts(&account, since, at);
    let since = typed(since);
    for (args, _) in questions(&facts) {
        let tail = ["tail", "--no-follow", "--since", &since, "--rate-limit", "0"].map(String::from);
        let fetch = ["fetch", "--since", &since, "--rate-limit", "0"].map(String::from);
        let shown = account.run(tail.iter().chain(&args)).expect(0).uuids();
        assert_eq!(shown, account.run(fetch.iter().chain(&args)).expect(0).uuids(), "{args:?}");
    }
    let newest = ["fetch", "--since", BEFORE_ALL, "--country", "CA", "--last", "4"];
    let run = account.run(["tail", "--no-follow", "-n", "4", "--country", "CA", "-v"]).expect(0);
    assert_eq!(run.uuids(), account.run(newest).expect(0).uuids());
    assert!(run.stderr.contains(" of them wanted\n"), "{}", run.stderr);
}

#[test]
fn a_killed_run_with_a_filter_goes_on_to_the_same_bytes() {
    let fixed = Duration::from_millis(15);
    let latency = Latency { fixed, ..Latency::default() };
    let options = SimulatorOptions { latency, ..frozen(2_000) };
    let since = beginning(&options);
    let account = Account::new(options);
    let filter = ["--action", "reveal,success,grant", "--no-sessions", "--page-size", "50"];
    let args = [&resume_to("golden.ndjson", &since)[..], &filter].concat();
    let golden = undisturbed(&account, &args, "golden.ndjson");
    let is_wanted =
        |fact: &Fact| ["reveal", "grant"].contains(&fact.at("/action")) || fact.at("/category") == "success";
    let all = facts(&account, DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    assert_same(&sorted_lines(&golden), &lines(&all, is_wanted));
    assert!(counts(&golden).values().all(|count| *count == 1));

    // Pages of another size change no byte.
    let state = account.sandbox.path("other-pages");
    let pages = ["--page-size", "1000", "--state-dir", state.to_str().unwrap()];
    account
        .run(resume_to("pages.ndjson", &since).into_iter().chain(filter[..3].iter().copied()).chain(pages))
        .expect(0);
    assert!(std::fs::read(account.sandbox.path("pages.ndjson")).unwrap() == golden);

    // A run may come to its end before the test has seen that it has begun: then another file is begun.
    let mut kills = 0;
    for round in 0.. {
        let name = format!("killed-{round}.ndjson");
        let file = account.sandbox.path(&name);
        let args = [&resume_to(&name, &since)[..], &filter].concat();
        let length = || std::fs::metadata(&file).map_or(0, |found| found.len());
        for _ in 0..4 {
            let before = length();
            let mut child =
                account.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_until(|| length() > before || child.try_wait().unwrap().is_some());
            child.kill().unwrap();
            kills += usize::from(!child.wait().unwrap().success());
        }
        account.run(&args).expect(0);
        assert!(std::fs::read(&file).unwrap() == golden);
        account.run(&args).expect(0);
        assert!(std::fs::read(&file).unwrap() == golden);
        if kills > 0 {
            break;
        }
    }
}

#[test]
fn a_managed_file_keeps_its_filter_and_unwanted_events_never_come_later() {
    let options = frozen(1_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let run = |more: &[&str]| account.run(resume_to("out.ndjson", &since).iter().chain(more));
    run(&["--country", "CA,pt", "--user", "!Nobody"]).expect(0);
    let written = std::fs::read(account.sandbox.path("out.ndjson")).unwrap();
    assert!(!written.is_empty());

    // Another spelling of the same filter goes on; another filter, or none, is refused.
    run(&["--user", "!nobody", "--country", "Portugal", "--country", "Canada"]).expect(0);
    for more in [&["--country", "CA"][..], &[]] {
        let refused = run(more).expect(8);
        assert!(
            refused.stderr.contains("was written with filters --country CA,PT --user !nobody"),
            "{}",
            refused.stderr
        );
    }
    assert!(std::fs::read(account.sandbox.path("out.ndjson")).unwrap() == written);

    // A stream's position moves over what was not wanted.
    let stream = ["fetch", "--resume", "--since", &since, "--consumer", "alerts"];
    let wanted = account.run(stream.iter().chain(&["--failed"])).expect(0).uuids();
    assert!(!wanted.is_empty() && wanted.len() < 1_000);
    assert!(account.run(stream).expect(0).stdout.is_empty());
}

/// Takes the events whose uuid begins with `w`.
struct OnlySome;

impl Encode for OnlySome {
    fn wants(&mut self, event: &Event<'_>) -> bool {
        event.uuid.is_some_and(|uuid| uuid.starts_with(b"w"))
    }

    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn event(&mut self, event: &Event<'_>, _: DateTime<Utc>, out: &mut Vec<u8>) {
        out.extend_from_slice(event.raw);
    }
}

#[test]
fn a_position_moves_over_unwanted_events_which_are_no_repeats_and_not_remembered() {
    let sandbox = Sandbox::new();
    let setup = OutputSetup {
        state_dir: sandbox.path("state"),
        profile: "default".into(),
        terms: OutputContract::default(),
        remembered: 100,
    };
    let target = OutputTarget::File { path: sandbox.path("out.ndjson"), mode: 0o600 };
    let at = now();
    let clock = Arc::new(ManualClock::at(at));
    let mut output = CheckpointedOutput::open(Arc::new(RealDisk), clock, setup, target).unwrap();
    let page = |names: &[&str], cursor: &str| {
        let mut body = Vec::new();
        let spans = names.iter().map(|name| {
            let start = body.len();
            body.extend_from_slice(name.as_bytes());
            let time = at - TimeDelta::hours(9 - i64::from(name.as_bytes()[1] - b'0'));
            Span { raw: start..body.len(), uuid: Some(start..body.len()), time: Some(time) }
        });
        let spans = spans.collect();
        let (stream, next) = (Stream::AuditEvents, Next::More(Cursor::new(cursor)));
        Page { stream, body, spans, next, received_at: at, has_lines: false, origins: Vec::new() }
    };
    let staged = output.stage(&page(&["u1", "w1", "w1", "u1", "u2"], "c1"), 0..5, &mut OnlySome).unwrap();
    assert_eq!((staged.events, staged.repeats, staged.unwanted, staged.bytes), (1, 1, 3, 2));
    let staged = output.stage(&page(&["u3", "u1"], "c2"), 0..2, &mut OnlySome).unwrap();
    assert_eq!(staged, Staged { unwanted: 2, taken: 2, ..Staged::default() });
    output.commit().unwrap();
    let position = output.position(Stream::AuditEvents).unwrap().clone();
    assert_eq!((position.delivered, position.repeats, position.cursor.as_deref()), (1, 1, Some("c2")));
    assert_eq!(position.newest, Some(at - TimeDelta::hours(6)));
    assert_eq!(position.last_event.unwrap().uuid.as_deref(), Some("u1"));
    // Whoever wants them later finds no trace of them.
    struct All;
    impl Encode for All {
        fn begin(&mut self, _: &mut Vec<u8>) {}
        fn event(&mut self, event: &Event<'_>, _: DateTime<Utc>, out: &mut Vec<u8>) {
            out.extend_from_slice(event.raw);
        }
    }
    let staged = output.stage(&page(&["u1", "w1"], "c3"), 0..2, &mut All).unwrap();
    assert_eq!((staged.events, staged.repeats), (1, 1));
    output.finish().unwrap();
    assert_eq!(std::fs::read(sandbox.path("out.ndjson")).unwrap(), b"w1u1");
}

#[test]
fn a_service_follows_only_what_is_wanted() {
    let account = Account::new(SimulatorOptions::default());
    let args =
        ["tail", "--resume", "-o", "live.ndjson", "--since", "2d", "--no-follow", "--action", "success"];
    account.run(args).expect(0);
    let bytes = std::fs::read(account.sandbox.path("live.ndjson")).unwrap();
    let lines = sorted_lines(&bytes);
    assert!(!lines.is_empty());
    for line in lines {
        let value: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["category"], "success");
    }
}

#[test]
fn what_is_left_out_can_be_seen_before_it_is_asked() {
    let account = Account::new(seeded(10, now()));
    let run = account.run(["fetch", "--dry-run", "--user", "Ada,!BOB", "--no-sessions"]).expect(0);
    assert!(run.stderr.contains("filters   --user !bob,ada --no-sessions\n"), "{}", run.stderr);
    let run = account.run(["fetch", "--ip", "10.0.0.1,10.0.0/8"]).expect(2);
    assert!(run.stderr.contains("--ip, value 2, 10.0.0/8: not an address or a network"), "{}", run.stderr);
    let run = account.run(["fetch", "--action", "exprot"]).expect(0);
    assert!(run.stderr.contains("no such action is known; did you mean export?"), "{}", run.stderr);
}
