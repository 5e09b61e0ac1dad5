//! T15: what the service sends comes out byte for byte, however odd it is, and the stream goes on: for a
//! question and for a managed file.

use std::path::PathBuf;

use opev::event::Stream;
use opev::simulator::{
    ApiForm, EventData, FaultRule, FaultScript, KeyOrder, SeededData, ServiceBehavior, SimulatorOptions,
};

use crate::frozen::{after_shell, beginning, frozen};
use crate::harness::{Account, Run};
use crate::scripted::{Scripted, answer};

fn odd_events() -> Vec<u8> {
    std::fs::read(fixture()).unwrap()
}

fn fixture() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/faithful/auditevents.ndjson").into()
}

/// The bytes of a question and of a managed file, with pages of this size.
fn both(account: &Account, page_size: &str, since: &str) -> [Vec<u8>; 2] {
    let common = ["fetch", "audit", "--since", since, "--page-size", page_size];
    let question = account.run(common).expect(0);
    // The events of the fixture grow old: after 120 days that is said.
    let said = question.stderr.lines().find(|line| !line.contains(" is more than 120d ago"));
    assert_eq!(said, None);
    let file = format!("{page_size}.ndjson");
    account.run(common.iter().chain(&["--resume", "-o", &file])).expect(0);
    [question.stdout, std::fs::read(account.sandbox.path(&file)).unwrap()]
}

#[test]
fn odd_items_come_out_byte_for_byte() {
    for page_size in ["1", "3", "1000"] {
        for keys in [KeyOrder::CursorFirst, KeyOrder::ItemsFirst] {
            let behavior = ServiceBehavior { keys, ..ServiceBehavior::default() };
            let options = SimulatorOptions {
                data: EventData::Files(vec![fixture()]),
                behavior,
                ..SimulatorOptions::default()
            };
            let account = Account::new(options);
            for bytes in both(&account, page_size, "2026-10-01") {
                assert!(bytes == odd_events(), "{page_size}: {}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}

#[test]
fn a_hostile_service_is_passed_on_byte_for_byte() {
    for fault in ["null-items@2", "null-items@1", "empty@3"] {
        let data = EventData::Seeded(SeededData {
            seed: 15,
            events: 1_500,
            days: 3,
            hostile: true,
            ..SeededData::default()
        });
        let script = FaultScript::from(fault.parse::<FaultRule>().unwrap());
        let options = SimulatorOptions { data, script, ..frozen(0) };
        let since = beginning(&options);
        let account = Account::new(options);
        // Line breaks between tokens are the one thing that a line cannot hold.
        let truth: Vec<u8> = account
            .simulator
            .truth(Stream::AuditEvents, ApiForm::V2, ..)
            .flat_map(|fact| [without_line_breaks(&fact.raw), b"\n".to_vec()].concat())
            .collect();
        let [question, file] = both(&account, "50", &since);
        assert!(file == truth, "{fault}: a managed file");
        // A question is a timeline; its lines are the same.
        let sorted = |bytes: &[u8]| {
            let mut lines: Vec<_> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            lines.sort();
            lines
        };
        assert!(sorted(&question) == sorted(&truth), "{fault}: a question");
    }
}

/// A text with the line breaks between tokens left out; within a string they cannot be.
fn without_line_breaks(raw: &[u8]) -> Vec<u8> {
    raw.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect()
}

#[test]
fn a_byte_that_is_not_utf8_inside_an_item_stops_nothing() {
    let script = FaultScript::from("bad-utf8@2".parse::<FaultRule>().unwrap());
    let options = SimulatorOptions { script, ..frozen(300) };
    let since = beginning(&options);
    let account = Account::new(options);
    let truth = account.simulator.truth(Stream::AuditEvents, ApiForm::V2, ..).count();
    for bytes in both(&account, "10", &since) {
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), truth);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_kept_in_a_managed_file_or_replaced_as_it_was_begun() {
    let script = FaultScript::from("bad-utf8@always".parse::<FaultRule>().unwrap());
    let options = SimulatorOptions { script, ..frozen(100) };
    let since = beginning(&options);
    let account = Account::new(options);
    let managed = |file: &str, more: &[&str]| {
        let args = ["fetch", "audit", "--resume", "--page-size", "5", "--since", &since, "-o", file];
        account.run(args.iter().chain(more))
    };
    let lines = |file: &str| std::fs::read(account.sandbox.path(file)).unwrap();
    let told = managed("kept.ndjson", &["-v"]).expect(0).stderr;
    assert_eq!(told.matches("bytes that are not UTF-8; they are kept").count(), 1, "{told}");
    assert!(std::str::from_utf8(&lines("kept.ndjson")).is_err());

    managed("replaced.ndjson", &["--utf8", "replace"]).expect(0);
    let replaced = lines("replaced.ndjson");
    assert!(replaced == String::from_utf8_lossy(&lines("kept.ndjson")).as_bytes());
    assert!(replaced.contains(&0xef));
    crate::harness::uuids(&replaced);
    managed("replaced.ndjson", &["--utf8", "replace"]).expect(0);
    // What was begun one way is not continued the other way.
    for (file, more) in [("replaced.ndjson", "keep"), ("kept.ndjson", "replace")] {
        let refused = managed(file, &["--utf8", more]).expect(8);
        assert!(refused.stderr.contains("invalid UTF-8 replaced"), "{}", refused.stderr);
    }
    // The same for a question.
    let question =
        account.run(["fetch", "audit", "--since", &since, "--page-size", "5", "--utf8", "replace"]);
    assert!(std::str::from_utf8(&question.expect(0).stdout).is_ok());
}

#[test]
fn repeated_keys_and_escaped_slashes_in_an_answer_are_understood() {
    let bodies = [
        r#"{"has_more":false,"items":null,"cursor":"no","items":[{"uuid":"A","timestamp":"2026-11-01T00:00:00Z"}],"has_more":true,"cursor":"a\/b+c=\u002f"}"#,
        "{\"items\": [ {\"uuid\":\"B\",\"timestamp\":\"2026-11-01T00:00:01Z\"}\r\n],\n\"cursor\":\"d\\/e\",\"has_more\":true}",
        r#"{"cursor":"d/f","has_more":true,"items":null}"#,
        r#"{"cursor":"g","has_more":false,"items":[]}"#,
    ];
    let resumed = r#"{"cursor":"h","has_more":false,"items":[{"uuid":"C"}]}"#;
    let server = Scripted::start(move |number| {
        let body = bodies.get(number % 4).copied().filter(|_| number < 8).unwrap_or(resumed);
        answer("200 OK", "Content-Type: application/json\r\n", body)
    });
    let sandbox = crate::harness::Sandbox::new();
    let account = Account::new(frozen(0));
    let fetch = |more: &[&str]| {
        let mut command = sandbox.command(["fetch", "audit", "--since", "2026-10-01"].iter().chain(more));
        command.env("OPEV_BASE_URL", format!("http://{}", server.address));
        command.env("EVENTS_API_TOKEN", account.simulator.token().expose());
        command
    };
    let run = Run::of(fetch(&[]).output().unwrap()).expect(0);
    assert_eq!(run.uuids(), ["A", "B"]);
    let managed = || std::fs::read(sandbox.path("out")).unwrap();
    Run::of(fetch(&["--resume", "-o", "out"]).output().unwrap()).expect(0);
    assert_eq!(managed(), run.stdout);
    // In the next run, from a shell as cron would, with the cursor of the answer that had no more.
    let next = after_shell(&fetch(&["--resume", "-o", "out"]), ":").output().unwrap();
    Run::of(next).expect(0);
    assert_eq!(managed(), [&run.stdout[..], b"{\"uuid\":\"C\"}\n"].concat());
    let cursors: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.rsplit_once("\r\n\r\n").unwrap().1.to_owned())
        .filter(|body| body.contains("cursor"))
        .collect();
    let once = [r#"{"cursor":"a/b+c=/"}"#, r#"{"cursor":"d/e"}"#, r#"{"cursor":"d/f"}"#];
    assert_eq!(cursors, [&once[..], &once[..], &[r#"{"cursor":"g"}"#]].concat());
}
