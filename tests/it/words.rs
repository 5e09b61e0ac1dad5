//! `opev words`: codes are looked up as a table or as JSON, and an unknown one is refused with the nearest.

use serde_json::Value;

use crate::harness::{Sandbox, run_on_terminal};

#[test]
fn a_code_is_looked_up_in_words_and_for_programs() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["words", "gva", "grant"]).expect(0);
    let lines = run.lines();
    assert!(lines[0].starts_with("STREAM  FIELD   CODE   OBJECT TYPE  MEANING"), "{lines:?}");
    assert_eq!(lines[1], "audit   action  grant  gva          gave access to a vault to a group");
    assert_eq!(lines.len(), 2);
    let json = sandbox.run(["words", "totp_bad", "--json"]).expect(0);
    let rows: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        rows,
        [serde_json::json!({
            "stream": "signinattempts", "field": "type", "code": "totp_bad", "object_type": null,
            "words": "wrong one-time code", "documented": true
        })]
    );
    let all: Vec<Value> = serde_json::from_slice(&sandbox.run(["words", "--json"]).expect(0).stdout).unwrap();
    assert!(all.len() > 150 && all.iter().any(|row| row["documented"] == false));
}

#[test]
fn an_unknown_code_is_refused_with_the_nearest() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["words", "suspned"]).expect(2);
    assert!(run.stdout.is_empty());
    assert!(run.stderr.contains("no code or word suspned"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean suspend?"), "{}", run.stderr);
    let run = sandbox.run(["words", "chngpsso", "vault"]).expect(2);
    assert!(run.stderr.contains("no row has all of: chngpsso, vault"), "{}", run.stderr);
    let run = sandbox.run(["words", "\u{1b}[2J"]).expect(2);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}

#[test]
fn the_table_fits_a_narrow_terminal() {
    let sandbox = Sandbox::new();
    let text = run_on_terminal(sandbox.command(["words"]), 60).expect(0).text();
    let mut widest = 0;
    for line in text.replace("\x1b[2m", "").replace("\x1b[1m", "").replace("\x1b[0m", "").lines() {
        widest = widest.max(line.trim_end().chars().count());
    }
    assert!((40..=60).contains(&widest), "{widest}");
}
