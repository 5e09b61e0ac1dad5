//! Where the answer goes and what is said beside it: files, devices, columns, dry runs, levels of messages.

use std::os::unix::fs::PermissionsExt as _;

use opev::simulator::SimulatorOptions;

use crate::harness::{Account, BEFORE_ALL, Run, faulty, now, seeded};

fn account() -> Account {
    Account::new(seeded(3_000, now()))
}

/// The names of the files in the sandbox, hidden ones too, but for configuration and state.
fn files(account: &Account) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(account.sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["config", "state", "home"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_written_whole_for_its_owner_alone_and_never_replaced_unasked() {
    let account = account();
    let expected = account.run(["fetch", "--since", BEFORE_ALL]).expect(0).stdout;
    account.run(["fetch", "--since", BEFORE_ALL, "-o", "out.ndjson"]).expect(0);
    let path = account.sandbox.path("out.ndjson");
    assert!(std::fs::read(&path).unwrap() == expected);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let run = account.run(["fetch", "-o", "out.ndjson"]).expect(2);
    assert!(run.stderr.contains("exists already") && run.stderr.contains("--overwrite"), "{}", run.stderr);
    assert!(std::fs::read(&path).unwrap() == expected);
    account.run(["fetch", "--since", "7d", "--limit", "1", "-o", "out.ndjson", "--overwrite"]).expect(0);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);

    account.run(["fetch", "--limit", "1", "-o", "shared.json", "--file-mode", "640"]).expect(0);
    let shared = account.sandbox.path("shared.json");
    assert_eq!(shared.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    // The extension decides the form.
    let items: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(shared).unwrap()).unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(files(&account), ["out.ndjson", "shared.json"]);
}

#[test]
fn marks_in_the_name_stand_for_stream_and_profile() {
    let account = account();
    account.run(["fetch", "--since", "7d", "-o", "{profile}-{stream}.csv"]).expect(0);
    let expected = ["default-auditevents.csv", "default-itemusages.csv", "default-signinattempts.csv"];
    assert_eq!(files(&account), expected);
    let csv = std::fs::read_to_string(account.sandbox.path(expected[0])).unwrap();
    assert!(csv.lines().count() > 10 && csv.starts_with("uuid,timestamp,"), "{csv:.100}");
    let run = account.run(["fetch", "--limit", "1", "-o", "-"]).expect(0);
    assert_eq!(run.uuids().len(), 1);
}

#[test]
fn a_failing_stream_leaves_no_file_under_the_final_name_and_says_so() {
    let account = Account::new(faulty(now(), "status=403@always,on=itemusages"));
    let run = account.run(["fetch", "-o", "out.ndjson"]).expect(4);
    assert!(run.stderr.contains("out.ndjson was not written"), "{}", run.stderr);
    assert_eq!(files(&account), Vec::<String>::new());

    let run = account.run(["fetch", "-o", "{stream}.ndjson"]).expect(10);
    assert!(run.stderr.contains("itemusages.ndjson was not written"), "{}", run.stderr);
    assert_eq!(files(&account), ["auditevents.ndjson", "signinattempts.ndjson"]);
}

#[test]
fn a_place_that_cannot_be_written_is_seven_before_anything_is_sent() {
    let account = account();
    let run = account.run(["fetch", "-o", "no/such/directory/out"]).expect(7);
    assert!(run.stderr.contains("no/such/directory/out") && run.stderr.contains("hint: "), "{}", run.stderr);
    assert_eq!(account.simulator.report().requests, 0);
}

#[test]
fn a_fifo_is_written_like_standard_output() {
    let account = account();
    let fifo = account.sandbox.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read(fifo).unwrap()
    });
    account.run(["fetch", "--since", BEFORE_ALL, "-o", fifo.to_str().unwrap()]).expect(0);
    let expected = account.run(["fetch", "--since", BEFORE_ALL]).expect(0).stdout;
    assert!(!expected.is_empty() && reader.join().unwrap() == expected);
}

#[test]
fn columns_are_chosen_and_listed() {
    let account = account();
    let fields = "timestamp,actor_details.email,no.such";
    let run =
        account.run(["fetch", "audit", "--since", "7d", "--format", "csv", "--fields", fields]).expect(0);
    let mut reader = csv::Reader::from_reader(&run.stdout[..]);
    assert_eq!(reader.headers().unwrap(), &fields.split(',').collect::<Vec<_>>()[..]);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| row[0].starts_with("20") && row[1].contains('@')));

    let help = account.run(["fetch", "--fields", "help", "signin"]).expect(0);
    assert!(
        help.text().contains("target_user.email") && !help.text().contains("vault_uuid"),
        "{}",
        help.text()
    );
}

#[test]
fn nothing_found_is_success_unless_it_must_not_be() {
    let account = Account::new(seeded(1_000, now() - chrono::TimeDelta::days(2)));
    let run = account.run(["fetch", "--since", "1h"]).expect(0);
    assert_eq!((run.stdout.len(), run.stderr.as_str()), (0, ""));
    account.run(["fetch", "--since", "1h", "--fail-if-empty"]).expect(1);
    account.run(["fetch", "--since", "9d", "--fail-if-empty"]).expect(0);
}

#[test]
fn a_dry_run_tells_everything_and_sends_nothing() {
    let account = account();
    let run =
        account.run(["fetch", "--dry-run", "--since", "2h", "-o", "{stream}.csv", "--api", "v1"]).expect(0);
    let said = format!("{}{}", run.text(), run.stderr);
    for words in
        ["default", &account.simulator.base_url(), "v1", "signinattempts.csv", "csv", "nothing was sent"]
    {
        assert!(said.contains(words), "no \"{words}\" in {said}");
    }
    assert_eq!(account.simulator.report().requests, 0);
    assert_eq!(files(&account), Vec::<String>::new());
    assert!(!account.sandbox.path("state").exists());
}

#[test]
fn quiet_is_quiet_and_each_v_says_more() {
    let account = account();
    assert_eq!(account.run(["fetch"]).expect(0).stderr, "");
    assert_eq!(account.run(["fetch", "-q", "--since", "200d"]).expect(0).stderr, "");
    let said = |flag: &str| account.run(["fetch", "signin", flag]).expect(0).stderr;
    assert!(said("-v").starts_with("info: signin from 20"), "{}", said("-v"));
    let more = said("-vv");
    assert!(more.contains("debug: POST /api/v2/signinattempts 200 in "), "{more}");

    let run = account.run(["fetch", "signin", "-vv", "--log-format", "json"]).expect(0);
    let lines: Vec<serde_json::Value> =
        run.stderr.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let request = lines.iter().find(|line| line["path"] == "/api/v2/signinattempts").unwrap();
    assert_eq!((request["method"].as_str(), request["status"].as_u64()), (Some("POST"), Some(200)));
}

#[test]
fn more_than_the_service_keeps_is_said_and_a_stand_in_is_asked_all_the_same() {
    let account = account();
    let run = account.run(["fetch", "--since", "2020-01-01"]).expect(0);
    assert!(
        run.stderr.starts_with("warning: --since (2020-01-01T00:00:00Z) is more than 120d ago"),
        "{}",
        run.stderr
    );
    let run = account
        .run(["fetch", "--dry-run", "--since", "200d", "--base-url", "events.1password.com"])
        .expect(0);
    assert!(run.stderr.contains("so the range starts at"), "{}", run.stderr);
    // The environment's server and the token's do not agree, and nothing was sent to either.
    let run = Run::of(account.command(["fetch", "--until", "2020-02-01"]).output().unwrap()).expect(2);
    assert!(run.stderr.contains("is not before --until"), "{}", run.stderr);
}

#[test]
fn zones_change_reading_and_showing() {
    let at = "2026-07-01T12:00:00Z".parse().unwrap();
    let account = Account::new(SimulatorOptions { at: Some(at), ..seeded(1_000, at) });
    let table = |zone: &str| {
        let range = ["--since", "2026-06-30 12:00", "--until", "2026-06-30 23:00"];
        let mut args = vec!["fetch", "--format", "table", "--tz", zone];
        args.extend(range);
        account.run(args).expect(0).lines()
    };
    let (utc, kathmandu) = (table("UTC"), table("Asia/Kathmandu"));
    assert!(
        utc.len() > 2
            && utc[1..]
                .iter()
                .all(|line| line[..19] >= *"2026-06-30 12:00:00" && line[..19] < *"2026-06-30 23:00:00")
    );
    assert!(utc != kathmandu);
    assert!(
        kathmandu[1..]
            .iter()
            .all(|line| line[..19] >= *"2026-06-30 12:00:00" && line[..19] < *"2026-06-30 23:00:00")
    );
}
