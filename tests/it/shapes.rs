//! The shapes through the program: every event of a hostile service comes out as one line that its reader
//! accepts.

use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde::de::IgnoredAny;

use crate::harness::Account;

const JSON: [&str; 8] = ["ecs", "ocsf", "datadog", "sentinel", "sentinel-stream", "splunk", "sumo", "dnif"];

#[test]
fn hostile_events_are_a_readable_line_each_with_uuid() {
    let data = SeededData { events: 3_000, hostile: true, ..SeededData::default() };
    let account =
        Account::new(SimulatorOptions { data: EventData::Seeded(data), ..SimulatorOptions::default() });
    let fetch =
        |shape: &str| account.run(["fetch", "--since", "60d", "--sort", "time", "--shape", shape]).expect(0);
    let uuid = |line: &str| line.split('"').nth(3).map(str::to_owned);
    let uuids: Vec<String> = fetch("raw").text().lines().filter_map(uuid).collect();
    assert!(uuids.len() > 2_000, "{}", uuids.len());
    for shape in JSON.into_iter().chain(["cef", "leef"]) {
        let text = fetch(shape).text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), uuids.len(), "{shape}");
        for (line, uuid) in lines.into_iter().zip(&uuids) {
            assert!(line.contains(uuid.as_str()), "{shape} lost {uuid}: {line}");
            match shape {
                "cef" => assert!(line.starts_with("CEF:0|1Password|Events API|2|"), "{line}"),
                "leef" => assert!(line.starts_with("LEEF:2.0|1Password|Events API|2|"), "{line}"),
                // Numbers that no reader can hold and lone surrogates stand as they came.
                _ => drop(serde_json::from_str::<IgnoredAny>(line).unwrap_or_else(|e| panic!("{e}: {line}"))),
            }
        }
    }
}

#[test]
fn lines_of_text_are_refused_in_other_formats_and_taken_by_default() {
    let account = Account::new(SimulatorOptions::default());
    for format in ["json", "csv", "table", "record"] {
        let run = account.run(["fetch", "--since", "1d", "--shape", "cef", "--format", format]).expect(2);
        assert!(run.stderr.contains("--format ndjson"), "{}", run.stderr);
    }
    let run = account.run_on_terminal(100, ["fetch", "--since", "30d", "--limit", "1", "--shape", "leef"]);
    assert!(run.expect(0).text().contains("LEEF:2.0|"));
}

#[test]
fn an_aux_id_too_large_for_sentinel_is_warned_of_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auditevents.ndjson");
    let event = |number: u32| {
        format!(
            "{{\"uuid\":\"A{number}\",\"timestamp\":\"2026-01-15T12:00:0{number}Z\",\"aux_id\":2147483648}}\n"
        )
    };
    std::fs::write(&file, event(1) + &event(2)).unwrap();
    let data = EventData::Files(vec![file]);
    let account = Account::new(SimulatorOptions { data, ..SimulatorOptions::default() });
    let run = account.run(["fetch", "audit", "--since", "2025-01-01", "--shape", "sentinel"]).expect(0);
    assert_eq!(run.text().matches("\"aux_id\":2147483648").count(), 2);
    assert_eq!(run.stderr.matches("32 bits").count(), 1, "{}", run.stderr);
}

#[test]
fn tags_come_from_profile_and_flags_and_belong_to_the_contract_of_a_file() {
    let account = Account::new(SimulatorOptions::default());
    account.sandbox.configure("[profiles.default]\ntag = [\"env:prod\", \"team:red\"]\n");
    let tags = ["--tag", "team:blue", "--shape", "datadog"];
    let run = account.run([&["fetch", "--since", "7d", "--limit", "1"], &tags[..]].concat()).expect(0);
    assert!(run.text().contains(",env:prod,team:blue\""), "{}", run.text());
    let file = ["fetch", "--resume", "--since", "7d", "-o", "events.ndjson", "--shape", "datadog"];
    account.run(file).expect(0);
    let run = account.run([&file[..], &["--tag", "team:blue"]].concat()).expect(8);
    assert!(
        run.stderr.contains("tags and options tag env:prod, tag team:red, this run would"),
        "{}",
        run.stderr
    );
    account.run(file).expect(0);
}

#[test]
fn what_a_shape_has_no_place_for_is_refused() {
    let account = Account::new(SimulatorOptions::default());
    for (flags, why) in [
        (&["--tag", "a:b"][..], "the shape raw has no place for tags; use one of envelope, ecs"),
        (&["--tag", "a:b", "--shape", "cef"], "the shape cef has no place"),
        (&["--tag", "production", "--shape", "ecs"], "write KEY:VALUE"),
        (&["--category", "x", "--shape", "ecs"], "--category is for --shape sumo"),
        (&["--ocsf-version", "1.6.0", "--shape", "ecs"], "--ocsf-version is for --shape ocsf"),
        (&["--ocsf-version", "1.1.0", "--shape", "ocsf"], "1.8.0"),
    ] {
        let run = account.run([&["fetch"], flags].concat()).expect(2);
        assert!(run.stderr.contains(why), "{flags:?}: {}", run.stderr);
    }
}
