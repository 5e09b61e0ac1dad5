//! Parquet, where the program is built with it: rolled files and files of a question, read with another reader. Each
//! event is in one of them as it came, its columns say what it says, and the same events are the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::record::Field;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::frozen::{beginning, counts, frozen, truth};
use crate::harness::Account;
use crate::lake::{assert_partitioned, files, named, survive};

const LAKE: &str = "lake/{stream}/date={date}/{batch}.parquet";

fn reader(path: &Path) -> SerializedFileReader<File> {
    SerializedFileReader::new(File::open(path).unwrap())
        .unwrap_or_else(|e| panic!("{} is not whole: {e}", path.display()))
}

/// The rows of a file, by column.
fn rows(path: &Path) -> Vec<BTreeMap<String, Field>> {
    let rows = reader(path).into_iter().map(|row| row.unwrap().into_columns().into_iter().collect());
    rows.collect()
}

/// The whole events of a file, a line each.
fn raw(path: &Path) -> Vec<u8> {
    let raw = |row: BTreeMap<String, Field>| match &row["raw"] {
        Field::Str(text) => text.clone() + "\n",
        other => panic!("{other}"),
    };
    rows(path).into_iter().map(raw).collect::<String>().into_bytes()
}

/// The bytes of every file.
fn bytes(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(directory).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// What a column must hold for an event.
fn expected(event: &Value, column: &str) -> Field {
    let value = event.pointer(&format!("/{}", column.replace('.', "/"))).unwrap_or(&Value::Null);
    let time = |text: &str| text.parse::<DateTime<Utc>>().ok().map(|time| time.timestamp_micros());
    let typed = match column {
        "timestamp" | "session.login_time" => value.as_str().and_then(time).map(Field::TimestampMicros),
        "used_version" | "aux_id" => value.as_i64().map(Field::Long),
        "location.latitude" | "location.longitude" => value.as_f64().map(Field::Double),
        _ => match value {
            Value::Null => None,
            Value::String(text) => Some(Field::Str(text.clone())),
            other => Some(Field::Str(other.to_string())),
        },
    };
    typed.unwrap_or(Field::Null)
}

/// Every column says what the event in the last one says.
fn assert_columns(path: &Path) {
    for row in rows(path) {
        let Field::Str(raw) = &row["raw"] else { panic!("{row:?}") };
        let event: Value = serde_json::from_str(raw).unwrap();
        for (column, found) in row.iter().filter(|(name, _)| *name != "raw" && *name != "stream") {
            assert_eq!(*found, expected(&event, column), "{column} of {event}");
        }
    }
}

#[test]
fn rolled_files_hold_each_event_once_and_its_columns() {
    let options = frozen(3_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let fetch = ["fetch", "--resume", "--since", &since, "-o", LAKE];
    account.run([&fetch[..], &["--roll", "1MB"]].concat()).expect(0);
    let lake = account.sandbox.path("lake");
    let found = named(&lake, "parquet", raw);
    assert_partitioned(&lake, &found);
    assert_eq!(counts(&found.values().flatten().copied().collect::<Vec<_>>()), truth(&account));
    found.keys().for_each(|path| assert_columns(path));
    // The columns of CSV, and the whole event in the place of the one for other fields.
    let file = found.keys().find(|path| path.starts_with(lake.join("itemusages"))).unwrap();
    let schema = reader(file);
    let schema = schema.metadata().file_metadata().schema_descr();
    let columns: Vec<_> = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let csv = account.run(["fetch", "items", "--since", &since, "--format", "csv", "--limit", "1"]).expect(0);
    let header = csv.lines()[0].replace(",other", ",raw");
    assert_eq!(columns.join(","), header);
    // Nothing new, and nothing changed.
    let before = bytes(&lake);
    account.run(fetch).expect(0);
    assert!(bytes(&lake) == before, "a second run changed files");
    let run = account.run(["fetch", "--from", file.to_str().unwrap()]).expect(3);
    assert!(run.stderr.contains("a Parquet file"), "{}", run.stderr);
    let run = account.run(["fetch", "--from", "lake"]).expect(3);
    assert!(run.stderr.contains("Parquet"), "{}", run.stderr);
}

#[test]
fn the_same_events_are_the_same_bytes() {
    let options = frozen(2_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let lake = account.sandbox.path("lake");
    let run = |state: &str| {
        let fetch = ["fetch", "--resume", "--since", &since, "-o", LAKE, "--roll", "500KB"];
        account.run([&fetch[..], &["--state-dir", state]].concat()).expect(0);
        let found = bytes(&lake);
        std::fs::remove_dir_all(&lake).unwrap();
        found
    };
    let first = run("one");
    assert!(first.len() > 6 && run("two") == first, "{} files", first.len());
}

#[test]
fn kills_lose_nothing_repeat_nothing_and_leave_no_partial_parquet() {
    survive(("parquet", raw), 3_000, 20, "120KB", 250, 6);
}

#[test]
fn a_question_makes_one_file_of_all_streams_and_an_empty_one_of_none() {
    let options = frozen(400);
    let since = beginning(&options);
    let account = Account::new(options);
    account.run(["fetch", "--since", &since, "-o", "all.parquet", "--sort", "timeline"]).expect(0);
    let file = account.sandbox.path("all.parquet");
    assert_eq!(counts(&raw(&file)), truth(&account));
    assert_columns(&file);
    account.run(["fetch", "--since", &since, "-o", "all.parquet"]).expect(2);
    let fields = ["--fields", "stream,uuid,client,location.city,new.field"];
    let fetch = ["fetch", "items", "--since", &since, "-o", "all.parquet", "--overwrite"];
    account.run([&fetch[..], &fields].concat()).expect(0);
    assert_columns(&file);
    assert_eq!(rows(&file)[0].len(), 6);
    account.run(["fetch", "--since", &since, "--user", "nobody-at-all", "-o", "none.parquet"]).expect(0);
    assert!(rows(&account.sandbox.path("none.parquet")).is_empty());
    let envelope = ["--shape", "envelope", "--mask", "client.ip_address"];
    account.run([&["fetch", "--since", &since, "-o", "shaped.parquet"], &envelope[..]].concat()).expect(0);
    let shaped = rows(&account.sandbox.path("shaped.parquet"));
    assert!(matches!(shaped[0]["received_at"], Field::TimestampMicros(_)), "{:?}", shaped[0]);
    assert!(shaped[0]["profile"] == Field::Str("default".into()), "{:?}", shaped[0]);
    assert!(shaped.iter().all(|row| !row["raw"].to_string().contains("\"ip_address\":\"1")));
}

#[test]
fn values_of_other_types_are_null_beside_the_event_as_it_came() {
    let account = Account::new(frozen(1));
    let event = r#"{"uuid":"E1","timestamp":"then","used_version":1.5,"item_uuid":{"a":[1, 2]},
        "location":{"latitude":"1e999","longitude":"-7.25","city":"a\u0000\ud800 é"},"new":true}"#;
    account.sandbox.write("itemusages.ndjson", event.replace('\n', " ") + "\n");
    account.run(["fetch", "items", "--from", "itemusages.ndjson", "-o", "odd.parquet"]).expect(0);
    let row = rows(&account.sandbox.path("odd.parquet")).remove(0);
    for column in ["timestamp", "used_version", "location.latitude", "action"] {
        assert_eq!(row[column], Field::Null, "{column}");
    }
    assert_eq!(row["item_uuid"], Field::Str(r#"{"a":[1,2]}"#.into()));
    assert_eq!(row["location.longitude"], Field::Double(-7.25));
    assert_eq!(row["location.city"], Field::Str("a\u{0}\u{fffd} é".into()));
    assert_eq!(row["raw"], Field::Str(event.replace('\n', " ")));
}

#[test]
fn places_and_names_that_parquet_cannot_have_are_refused() {
    let account = Account::new(frozen(10));
    for (args, words) in [
        (&["fetch", "--format", "parquet"][..], "add -o FILE.parquet"),
        (&["fetch", "--format", "parquet", "-o", "/dev/null"], "add -o FILE.parquet"),
        (&["fetch", "-o", "x.parquet.zst"], "end the name with .parquet"),
        (&["fetch", "--resume", "-o", "x.parquet"], "{batch}.parquet"),
        (&["fetch", "--resume", "--format", "parquet", "--consumer", "x"], "{batch}.parquet"),
        (&["tail", "--resume", "-o", "x.parquet"], "{batch}.parquet"),
        (&["fetch", "-o", "x.parquet", "--fields", "uuid,uuid"], "two columns uuid"),
        (&["fetch", "-o", "x.parquet", "--fields", "uuid,raw"], "two columns raw"),
        (&["fetch", "-o", "x.parquet", "--shape", "ecs"], "ecs"),
        (&["fetch", "-o", "x.parquet", "--jq", ".uuid"], "--jq yields JSON"),
        (&["fetch", "--exec", "cat", "--format", "parquet"], "--batch-format"),
    ] {
        let run = account.run(args).expect(2);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
        assert_eq!(files(&account.sandbox.path(".")).iter().filter(|p| p.ends_with("x.parquet")).count(), 0);
    }
}

#[test]
fn duckdb_reads_types_and_partitions_of_parquet() {
    let Some(python) = crate::summary_sql::python() else {
        // Not in CI, where it is insisted on.
        return;
    };
    let options = frozen(600);
    let since = beginning(&options);
    let account = Account::new(options);
    account.run(["fetch", "--resume", "--since", &since, "-o", LAKE]).expect(0);
    let script = r#"
import duckdb, json
found = duckdb.sql("""
    select count(*), count(distinct uuid), sum((strftime(timestamp at time zone 'UTC', '%Y-%m-%d') = date::text)::int),
        sum((json_extract_string(raw, '$.client.ip_address') = "client.ip_address")::int), typeof(max(timestamp))
    from read_parquet('lake/itemusages/*/*.parquet', hive_partitioning = true)""").fetchall()[0]
print(json.dumps(found))
"#;
    let output =
        Command::new(python).args(["-c", script]).current_dir(account.sandbox.path(".")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let items = account.run(["fetch", "items", "--since", &since, "--format", "ndjson"]).expect(0);
    let all = items.lines().len();
    assert_eq!(found, serde_json::json!([all, all, all, all, "TIMESTAMP WITH TIME ZONE"]));
}
