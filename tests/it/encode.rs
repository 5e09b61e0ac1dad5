//! What people and spreadsheets get to see of events: nothing is lost, nothing harms, and it is said in
//! words what happened.

use opev::simulator::{EventData, SimulatorOptions};

use crate::harness::{Account, Run};

/// An account with these events, and the arguments that fetch all of them.
fn fetched(stream: &str, events: &str, args: &[&str]) -> (Account, Run) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(format!("{stream}.ndjson"));
    std::fs::write(&file, events).unwrap();
    let account =
        Account::new(SimulatorOptions { data: EventData::Files(vec![file]), ..SimulatorOptions::default() });
    let run = account.run([&["fetch", stream, "--since", "2020-01-01"], args].concat()).expect(0);
    (account, run)
}

const AUDITS: &str = r#"{"uuid":"W0","action":"share","object_type":"item","timestamp":"2026-11-20T20:00:00Z","actor_details":{"name":"Pat"},"object_uuid":"ITEM","aux_uuid":"VAULT"}
{"uuid":"W1","action":"grant","object_type":"gva","timestamp":"2026-11-20T20:00:01Z","actor_details":{"name":"Pat"},"object_uuid":"VAULT","aux_uuid":"GROUP","aux_info":"1057906"}
{"uuid":"W2","action":"grant","object_type":"uva","timestamp":"2026-11-20T20:00:02Z","actor_details":{"name":"Pat"},"object_uuid":"VAULT","aux_uuid":"USER","aux_info":"16777200"}
{"uuid":"W3","action":"dlgsess","object_type":"dlgdsess","timestamp":"2026-11-20T20:00:03Z","actor_details":{"name":"Pat"},"object_uuid":"NEW","aux_uuid":"OLD"}
{"uuid":"W4","action":"patch","object_type":"items","timestamp":"2026-11-20T20:00:04Z","actor_details":{"name":"Pat"},"object_uuid":"VAULT","aux_info":"3"}
"#;

#[test]
fn a_table_names_each_thing_in_its_role() {
    let text = fetched("auditevents", AUDITS, &["--format", "table", "--sort", "time"]).1.text();
    let rows: Vec<&str> = text.lines().skip(1).map(|row| row.rsplit("  ").next().unwrap()).collect();
    assert_eq!(
        rows,
        [
            "shared item ITEM in vault VAULT",
            "gave access to vault VAULT to group GROUP (1057906)",
            "gave access to vault VAULT to user USER (16777200)",
            "started delegated session NEW from session OLD",
            "added or changed in vault VAULT: 3 items",
        ]
    );
}

const USAGE: &str = r#"{"uuid":"N1","timestamp":"2026-11-20T12:00:00Z","action":"reveal","item_uuid":"i1","vault_uuid":"v1","user":{"uuid":"U","name":"Pat","risk":"high"},"client":"CLI","reason":"break-glass","account_uuid":"A"}
"#;

#[test]
fn csv_holds_the_fields_that_nobody_knows_also_in_a_managed_file() {
    let other = r#"{"user":{"risk":"high"},"client":"CLI","reason":"break-glass"}"#;
    let (account, run) = fetched("itemusages", USAGE, &["--format", "csv"]);
    let args = ["fetch", "items", "--resume", "--since", "2020-01-01", "-o", "x.csv"];
    account.run(args).expect(0);
    let managed = std::fs::read(account.sandbox.path("x.csv")).unwrap();
    for csv in [&run.stdout, &managed] {
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        assert_eq!(reader.headers().unwrap().iter().next_back(), Some("other"));
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(record.iter().next_back(), Some(other));
    }
}

const HARMFUL: &str = "{\"uuid\":\"E1\",\"timestamp\":\"2026-11-20T12:00:00Z\",\"category\":\"credentials_failed\",\
    \"type\":\"x\\u001b[8m\",\"target_user\":{\"name\":\"Eve\\u001b[2K\\u001b]0;owned\\u0007\\u0000\u{202e}\"}}\n";

#[test]
fn nothing_that_harms_a_terminal_gets_through_a_pipe_or_a_file() {
    for format in ["table", "csv", "record"] {
        let (account, run) = fetched("signinattempts", HARMFUL, &["--format", format, "--color", "never"]);
        account
            .run(["fetch", "signin", "--since", "2020-01-01", "-o", "t.csv", "--format", format])
            .expect(0);
        let file = std::fs::read_to_string(account.sandbox.path("t.csv")).unwrap();
        for text in [run.text(), file] {
            assert!(text.contains("Eve"), "{text}");
            let harmful = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(harmful, None, "{format}: {text:?}");
        }
    }
}

#[test]
fn a_format_without_an_end_is_asked_for_where_the_name_alone_says_json() {
    let account = Account::new(SimulatorOptions::default());
    for command in ["fetch", "tail"] {
        let run = account.run([command, "--resume", "-o", "x.json"]).expect(2);
        assert!(run.stderr.contains("ndjson or csv"), "{}", run.stderr);
        assert!(!account.sandbox.path("x.json").exists());
    }
}

#[test]
fn a_name_whose_extension_no_format_has_is_refused_unless_the_format_is_said() {
    let account = Account::new(SimulatorOptions::default());
    for name in ["x.tsv", "x.txt", "x.xlsx", "x.tsv.gz"] {
        let run = account.run(["fetch", "-o", name]).expect(2);
        assert!(run.stderr.contains("--format") && run.stderr.contains(".csv"), "{}", run.stderr);
        assert!(!account.sandbox.path(name).exists());
        account.run(["fetch", "--since", "1h", "--format", "csv", "-o", name]).expect(0);
    }
}
