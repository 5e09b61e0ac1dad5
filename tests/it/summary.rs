//! `opev summary`: what is counted equals what a plain program counts, from the service, from files and from a pipe,
//! whatever the order and the number of threads.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use chrono::{DateTime, TimeDelta, Utc};
use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::harness::{Account, Run, now, seeded, start, typed};

const EVENTS: u64 = 3_000;

/// An account, and everything of it in `all.ndjson`.
fn saved(at: DateTime<Utc>, hostile: bool) -> Account {
    let data = EventData::Seeded(SeededData { events: EVENTS, hostile, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(EVENTS, at) });
    account.run(["fetch", "--since", &typed(at - TimeDelta::days(31)), "-o", "all.ndjson"]).expect(0);
    account
}

fn events(account: &Account) -> Vec<Value> {
    let text = std::fs::read_to_string(account.sandbox.path("all.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn rows(run: &Run) -> Vec<Value> {
    String::from_utf8_lossy(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn rows_by_fields_are_those_that_a_plain_count_gives() {
    let at = now();
    let account = saved(at, false);
    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    for event in events(&account).iter().filter(|event| text(event, "/category").ends_with("_failed")) {
        let user = [text(event, "/target_user/email"), text(event, "/target_user/name")];
        let user = user.into_iter().find(|text| !text.is_empty()).unwrap_or(text(event, "/target_user/uuid"));
        let ip = [text(event, "/client/ip_address"), text(event, "/client/ip")];
        let ip = ip.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        *expected.entry((user.to_owned(), ip.to_owned())).or_default() += 1;
    }
    let mut expected: Vec<_> = expected.into_iter().collect();
    expected.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    assert!(expected.len() > 20, "{}", expected.len());
    let since = typed(at - TimeDelta::days(31));
    let args = ["summary", "signin", "--failed", "--by", "user,ip"];
    let from_service = account.run([&args[..], &["--since", &since]].concat()).expect(0);
    let from_file = account.sandbox.run([&args[..], &["--from", "all.ndjson"]].concat()).expect(0);
    assert_eq!(from_service.stdout, from_file.stdout);
    let found: Vec<_> = rows(&from_file)
        .iter()
        .map(|row| {
            ((text(row, "/user").to_owned(), text(row, "/ip").to_owned()), row["count"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_order_of_events_files_and_the_number_of_threads_change_nothing() {
    let account = saved(now(), true);
    let text = std::fs::read(account.sandbox.path("all.ndjson")).unwrap();
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut shuffled = lines.clone();
    shuffled.sort_by_key(|line| {
        line.iter().fold(7_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    });
    account.sandbox.write("shuffled.ndjson", shuffled.concat());
    let third = lines.len() / 3;
    lines.rotate_left(third);
    let (one, other) = lines.split_at(lines.len() / 2);
    account.sandbox.write("one.ndjson", one.concat());
    account.sandbox.write("other.ndjson", other.concat());
    let whole = ["summary", "--format", "json", "--from"];
    let viewers = ["exposure", "--user", "*a*", "--from"];
    let secrets = ["exposure", "--vault", "*a*", "--format", "csv", "--from"];
    for by in ["user,action", "item,day", "weekday", "ip,country,app,hour", "", "viewers", "secrets"] {
        let by_fields = ["summary", "--by", by, "--from"];
        let args = match by {
            "" => &whole[..],
            "viewers" => &viewers,
            "secrets" => &secrets,
            _ => &by_fields,
        };
        let expected = account.sandbox.run([args, &["all.ndjson", "--jobs", "1"]].concat()).expect(0);
        assert!(expected.stdout.len() > 150, "{by}");
        for files in [
            &["shuffled.ndjson", "--jobs", "2"][..],
            &["one.ndjson", "other.ndjson", "--jobs", "3"],
            &["other.ndjson", "one.ndjson", "all.ndjson", "--jobs", "4"],
        ] {
            let found = account.sandbox.run([args, files].concat()).expect(0);
            assert!(found.stdout == expected.stdout, "{by} {files:?}");
        }
        let mut command = account.sandbox.command([args, &["-"]].concat());
        command.stdin(Stdio::piped());
        let mut child = start(command);
        let mut stdin = child.stdin.take().unwrap();
        let bytes = text.clone();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        assert!(Run::wait(child).expect(0).stdout == expected.stdout, "{by} from a pipe");
        writer.join().unwrap();
    }
}

#[test]
fn both_ends_of_a_list_are_cut_where_asked() {
    let account = saved(now(), false);
    let summary = |args: &[&str]| {
        let run = account.sandbox.run([&["summary", "--by", "app", "--from", "all.ndjson"], args].concat());
        rows(&run.expect(0))
    };
    let all = summary(&[]);
    assert!(all.len() > 5);
    assert_eq!(summary(&["--top", "2"]), all[..2]);
    assert_eq!(summary(&["--bottom", "2"]), all[all.len() - 2..]);
    assert_eq!(summary(&["--top", "2", "--bottom", "1"]), [&all[..2], &all[all.len() - 1..]].concat());
    assert_eq!(summary(&["--top", "9999", "--bottom", "5"]), all);
}

#[test]
fn the_time_before_stands_beside_each_count() {
    let at = now();
    let account = saved(at, false);
    let [one, eight, fifteen] = [1, 8, 15].map(|days| typed(at - TimeDelta::days(days)));
    let week = |from: &str, until: &str| {
        let args = ["summary", "--by", "app", "--from", "all.ndjson", "--since", from, "--until", until];
        let run = account.sandbox.run(args).expect(0);
        let counts =
            rows(&run).into_iter().map(|row| (row["app"].to_string(), row["count"].as_u64().unwrap()));
        counts.collect::<BTreeMap<_, _>>()
    };
    let (current, before) = (week(&eight, &one), week(&fifteen, &eight));
    let args = [
        "summary",
        "--by",
        "app",
        "--from",
        "all.ndjson",
        "--since",
        &eight,
        "--until",
        &one,
        "--compare",
        "7d",
    ];
    let found = rows(&account.sandbox.run(args).expect(0));
    assert!(found.len() > 5);
    for row in &found {
        let app = row["app"].to_string();
        let of = |counts: &BTreeMap<String, u64>| counts.get(&app).copied().unwrap_or(0);
        assert_eq!(
            (row["count"].as_u64(), row["before"].as_u64()),
            (Some(of(&current)), Some(of(&before))),
            "{app}"
        );
    }
    let refused = account.sandbox.run(["summary", "--from", "all.ndjson", "--compare", "7d"]).expect(2);
    assert!(refused.stderr.contains("needs --since"), "{}", refused.stderr);
}

#[test]
fn tables_fit_the_terminal_and_hostile_names_do_it_no_harm() {
    let account = saved(now(), true);
    for columns in [60, 100] {
        let mut command = account.sandbox.command(["--no-pager", "summary", "--from", "all.ndjson"]);
        command.env("TERM", "xterm");
        let run = crate::harness::run_on_terminal(command, columns);
        assert_eq!(run.code, Some(0));
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(text.contains("Events by weekday and hour"), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{7}']), "{text}");
    }
}

#[test]
fn a_reader_that_is_gone_is_no_failure_and_a_full_disk_is_one() {
    let account = saved(now(), false);
    for args in
        [&["summary", "--from", "all.ndjson"][..], &["exposure", "--user", "*a*", "--from", "all.ndjson"]]
    {
        let mut command = account.sandbox.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = account.sandbox.command(args);
        let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
