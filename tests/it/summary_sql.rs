//! The numbers of the whole summary are those that DuckDB counts of the same file, section by section.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::harness::{Account, now, seeded, typed};

/// The Python that has DuckDB: the one that `.ci/run` prepares, else the usual one.
#[allow(clippy::disallowed_methods, reason = "a test reads its switch")]
pub fn python() -> Option<String> {
    let python = std::env::var("OPEV_DUCKDB_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import duckdb"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "{python} has no module duckdb: .ci/run installs it");
    None
}

/// The cells of a row that DuckDB's query gives, by section.
fn columns(section: &str) -> &'static [&'static str] {
    match section {
        "streams" => &["stream", "count"],
        "timeline" => &["time", "signinattempts", "itemusages", "auditevents", "session_traffic"],
        "hours" => &["weekday", "hour", "count"],
        "sign_ins" => &["outcome", "reason", "count"],
        "failed_sign_ins" => &["user", "ip", "country", "count"],
        "users" => &["user", "count"],
        "countries" => &["country", "count"],
        "clients" => &["client", "count"],
        "actions" => &["stream", "action", "object_type", "count"],
        "items" => &["item_uuid", "vault_uuid", "count"],
        "vaults" => &["vault_uuid", "count"],
        "exports_and_shares" => &["stream", "action", "object_type", "user", "object_uuid", "count"],
        "changes" => &["stream", "action", "object_type", "user", "count"],
        "exposure" => &["user", "count", "uses"],
        "first_seen" => &["user", "kind", "value", "count"],
        "places" => &["city", "country", "succeeded", "failed"],
        "travel" => &["user", "km", "minutes"],
        other => panic!("the section {other} has no query in tests/it/sql/summary.py"),
    }
}

/// Rows as sorted texts; days by their date, and hours without an event left out.
fn sorted(section: &str, rows: impl Iterator<Item = Vec<Value>>) -> Vec<String> {
    let mut rows: Vec<String> = rows
        .filter(|row| !(matches!(section, "hours" | "timeline") && row[2..].iter().all(|count| *count == 0)))
        .map(|mut row| {
            if section == "timeline" {
                row[0] = row[0].as_str().unwrap()[..10].into();
            }
            Value::from(row).to_string()
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn every_section_has_the_numbers_of_duckdb() {
    let Some(python) = python() else {
        // Not in CI, where it is insisted on.
        return;
    };
    let at = now();
    let data = EventData::Seeded(SeededData { events: 12_000, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(12_000, at) });
    account.run(["fetch", "--since", &typed(at - TimeDelta::days(31)), "-o", "all.ndjson"]).expect(0);
    let args = ["summary", "--from", "all.ndjson", "--format", "json", "--top", "1000000"];
    let found: Value = serde_json::from_slice(&account.sandbox.run(args).expect(0).stdout).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sql/summary.py");
    let output = Command::new(python).arg(script).arg(account.sandbox.path("all.ndjson")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: BTreeMap<String, Vec<Vec<Value>>> = serde_json::from_slice(&output.stdout).unwrap();
    let sections = found["sections"].as_array().unwrap();
    assert_eq!(sections.len(), expected.len(), "every section has a query, and every query a section");
    for section in sections {
        let name = section["name"].as_str().unwrap();
        let cells = |row: &Value| columns(name).iter().map(|column| row[*column].clone()).collect();
        let rows = sorted(name, section["rows"].as_array().unwrap().iter().map(cells));
        assert!(!rows.is_empty(), "{name}");
        let expected = sorted(name, expected[name].iter().cloned());
        let differ: Vec<_> = rows.iter().zip(&expected).filter(|(a, b)| a != b).take(3).collect();
        assert!(rows == expected, "{name}: {} rows and {}; {differ:?}", rows.len(), expected.len());
    }
}
