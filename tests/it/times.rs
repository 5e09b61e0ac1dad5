//! Times as people type them, through the real program: clocks that change, zones that are not there.

use crate::harness::Account;
use opev::simulator::{EventData, SimulatorOptions};

/// Four sign-ins around the end of summer time in Berlin: 01:45, 02:15, 02:15 again, 03:15.
fn night_of_the_change(account: &Account) -> String {
    let times =
        ["2026-10-24T23:45:00Z", "2026-10-25T00:15:00Z", "2026-10-25T01:15:00Z", "2026-10-25T02:15:00Z"];
    let line = |(n, time)| format!("{{\"uuid\": \"D{n}\", \"timestamp\": \"{time}\"}}\n");
    let text: String = times.iter().enumerate().map(line).collect();
    account.sandbox.write("night_signin.ndjson", text).to_str().unwrap().to_owned()
}

#[test]
fn an_until_in_the_hour_that_happens_twice_is_the_later_one_and_is_said() {
    let files = Account::new(SimulatorOptions::default());
    let path = night_of_the_change(&files);
    let account = Account::new(SimulatorOptions {
        data: EventData::Files(vec![path.into()]),
        ..SimulatorOptions::default()
    });
    let fetch = |since: &str, until: &str| {
        let args = ["fetch", "signin", "--tz", "Europe/Berlin", "--since", since, "--until", until];
        account.run(args).expect(0)
    };
    let run = fetch("2026-10-25 01:30", "2026-10-25 02:59");
    assert_eq!(run.uuids(), ["D0", "D1", "D2"]);
    assert!(run.stderr.contains("--until: 2026-10-25 02:59:00 happens twice"), "{}", run.stderr);
    assert!(run.stderr.contains("2026-10-25T02:59:00+01:00 is meant"), "{}", run.stderr);
    assert!(!run.stderr.contains("--since: "), "{}", run.stderr);
    let run = fetch("2026-10-25 02:10", "2026-10-25 04:00");
    assert_eq!(run.uuids(), ["D1", "D2", "D3"], "a beginning is the earlier one");
    assert!(run.stderr.contains("--since: 2026-10-25 02:10:00 happens twice"), "{}", run.stderr);
    let run = fetch("2026-03-29 02:30", "2026-10-25 02:00");
    assert!(run.stderr.contains("--since: 2026-03-29 02:30:00 does not exist"), "{}", run.stderr);
}

#[test]
fn a_tz_that_is_not_a_zone_warns_once_where_the_machines_zone_is_used() {
    let account = Account::new(SimulatorOptions::default());
    let run = |zone: &str| {
        let mut command = account.command(["fetch", "--since", "1h", "--tz", zone]);
        crate::harness::Run::of(command.env("TZ", "garbage").output().unwrap()).expect(0)
    };
    assert_eq!(run("local").stderr.matches("TZ=garbage is not a time zone").count(), 1);
    assert!(!run("utc").stderr.contains("TZ=garbage"));
}

#[test]
fn a_number_without_its_sign_is_asked_about_and_spoken_times_are_read() {
    let account = Account::new(SimulatorOptions::default());
    let run = account.run(["fetch", "--since", "1763700000"]).expect(2);
    assert!(run.stderr.contains("did you mean @1763700000?"), "{}", run.stderr);
    for since in ["-2h", "2 hours ago", "yesterday 09:00", "monday", "1mo"] {
        account.run(["fetch", "signin", "--since", since, "--dry-run"]).expect(0);
    }
}
