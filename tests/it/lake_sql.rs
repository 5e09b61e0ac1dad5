//! The questions of `docs/sql`, asked of a lake by DuckDB, have the answers that `opev` gives to the command in their
//! second line. `contrib/pipelines/check` does the same with Spark and ClickHouse.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::harness::{Account, now, seeded, typed};
use crate::summary_sql::python;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn questions() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("docs/sql")).unwrap().map(|entry| entry.unwrap().path());
    let is_question = |path: &PathBuf| {
        path.file_name().unwrap().to_str().unwrap().starts_with(|c: char| c.is_ascii_digit())
    };
    let mut files: Vec<PathBuf> = files.filter(is_question).collect();
    files.sort();
    files
}

/// The arguments of the command in the second line; times that count from now count from `at`.
fn command(file: &Path, at: DateTime<Utc>) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().nth(1).unwrap();
    let line =
        line.strip_prefix("-- opev ").unwrap_or_else(|| panic!("{}: no command: {line}", file.display()));
    let words = shlex(line).into_iter().map(|word| {
        let days = word.strip_suffix('d').and_then(|days| days.parse().ok());
        let clock = word.strip_prefix("yesterday ");
        match (days, clock) {
            (Some(days), _) => typed(at - TimeDelta::days(days)),
            (_, Some(clock)) => format!("{}T{clock}:00Z", (at - TimeDelta::days(1)).date_naive()),
            _ => word,
        }
    });
    words.collect()
}

/// Words as a shell takes them apart; the commands have no other quotes.
fn shlex(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

/// Rows by what both have, in order.
fn rows(found: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |row: &Value| match row.get("uuid") {
        Some(uuid) => text(uuid),
        None => {
            let person = row.get("person").or_else(|| row.get("user"));
            let others = ["ip", "action", "day", "item_uuid", "vault_uuid", "count"];
            let cells = [person].into_iter().chain(others.map(|name| row.get(name)));
            cells
                .map(|cell| cell.filter(|cell| !cell.is_null()).map(text).unwrap_or_default() + " ")
                .collect()
        }
    };
    let mut rows: Vec<String> = found.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn duckdb_gives_the_answers_of_opev() {
    let Some(python) = python() else {
        // Not in CI, where it is insisted on.
        return;
    };
    let at = now();
    let data = EventData::Seeded(SeededData { events: 12_000, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(12_000, at) });
    let lake = ["fetch", "--resume", "-o", "lake/{stream}/date={date}/{batch}.ndjson.zst", "--since"];
    account.run([&lake[..], &[&typed(at - TimeDelta::days(31))]].concat()).expect(0);
    let output = Command::new(python)
        .arg(root().join("contrib/pipelines/checks/ask.py"))
        .args(["duckdb", root().join("docs/sql").to_str().unwrap(), &at.format("%FT%TZ").to_string()])
        .current_dir(account.sandbox.path("."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = questions();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut args = command(&file, at);
        args.extend(["--from", "lake", "--format", "ndjson"].map(str::to_owned));
        if args[0] == "summary" {
            args.extend(["--top", "1000000"].map(str::to_owned));
        }
        let run = account.sandbox.run(args.iter().map(String::as_str)).expect(0);
        let expected: Vec<Value> =
            run.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answer = rows(found["answers"][name].as_array().unwrap());
        assert!(!answer.is_empty(), "{name} finds nothing");
        assert!(answer == rows(&expected), "{name}: {} rows and {}", answer.len(), expected.len());
    }
}
