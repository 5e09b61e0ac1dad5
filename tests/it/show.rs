//! `opev show`: events by uuid, whole, and which were not found.

use serde_json::Value;

use crate::harness::{Account, Run, now, seeded};

#[test]
fn events_are_found_by_uuid_and_shown_whole() {
    let account = Account::new(seeded(3_000, now()));
    let all = account.run(["fetch", "--since", "6d"]).expect(0);
    let (lines, uuids) = (all.lines(), all.uuids());
    let picks = [3, lines.len() / 2];
    let [one, other] = picks.map(|index| uuids[index].clone());
    let run = account.run(["show", &one.to_lowercase(), &other, &one]).expect(0);
    let text = run.text();
    assert_eq!(text.matches("\nuuid: ").count(), 2, "{text}");
    assert!(text.starts_with("what: ") && text.contains(&format!("uuid: {one}\n")), "{text}");
    let json = account.run(["show", "--format", "json", &one, &other]).expect(0);
    let mut found_sorted: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
    let mut expected = picks.map(|index| serde_json::from_str::<Value>(&lines[index]).unwrap()).to_vec();
    let key = |value: &Value| value["uuid"].to_string();
    found_sorted.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(found_sorted, expected);
}

#[test]
fn what_is_not_found_is_told_beside_what_is() {
    let account = Account::new(seeded(3_000, now()));
    let one = account.run(["fetch", "--since", "6d", "--limit", "1"]).expect(0).uuids().remove(0);
    let run = account.run(["show", &one, "NOSUCHEVENT"]).expect(1);
    assert!(run.text().contains(&one));
    assert!(run.stderr.contains("no event NOSUCHEVENT in this time"), "{}", run.stderr);
    let run = account.run(["show", &one, "--since", "1s"]).expect(1);
    assert!(run.stdout.is_empty() && run.stderr.contains(&one));
    assert!(account.run(["show"]).expect(2).stderr.contains("<UUID>"));
}

#[test]
fn saved_events_are_shown_as_the_service_has_them() {
    let account = Account::new(seeded(3_000, now()));
    account.run(["fetch", "--since", "6d", "-o", "saved.ndjson"]).expect(0);
    let saved = std::fs::read_to_string(account.sandbox.path("saved.ndjson")).unwrap();
    let event: Value = serde_json::from_str(saved.lines().nth(7).unwrap()).unwrap();
    let uuid = event["uuid"].as_str().unwrap();
    let asked = account.run(["show", uuid]).expect(0);
    // No account is needed.
    let offline = |args: &[&str]| Run::of(account.sandbox.command(args).output().unwrap());
    let found = offline(&["show", uuid, "--from", "saved.ndjson"]).expect(0);
    assert_eq!(found.text(), asked.text());
    let run = offline(&["show", "NOSUCHEVENT", "--from", "saved.ndjson"]).expect(1);
    assert!(run.stderr.contains("no event NOSUCHEVENT in these files"), "{}", run.stderr);
    let run = offline(&["show", uuid, "--until", "2020-01-01", "--from", "saved.ndjson"]).expect(1);
    assert!(run.stderr.contains("leave out --since and --until"), "{}", run.stderr);
}
