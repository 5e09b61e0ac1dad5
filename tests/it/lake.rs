//! Rolled files: `-o 'lake/{stream}/date={date}/{batch}.ndjson.zst'`. Each event is in one of them, under the date
//! of its own time, and no kill leaves a partial file under a final name.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use opev::simulator::{EventData, Latency, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{Dice, beginning, counts, frozen, truth};
use crate::harness::Account;

const LAKE: &str = "lake/{stream}/date={date}/{batch}.ndjson.zst";

/// How the lines of a lake's file are read; must fail where the file is not whole.
type ReadLines = fn(&Path) -> Vec<u8>;

/// The lines of a compressed file.
fn zst(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let text = zstd::stream::decode_all(&bytes[..])
        .unwrap_or_else(|e| panic!("{} is not whole: {e}", path.display()));
    assert!(text.ends_with(b"\n"), "{} ends within a line", path.display());
    text
}

/// Every file below a directory, hidden ones included.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut all: Vec<_> =
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    all.sort();
    all
}

/// The files under a final name, with their text; each must be whole.
fn whole(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    named(directory, "zst", zst)
}

/// The files that have this extension, with their lines.
pub fn named(directory: &Path, extension: &str, read: ReadLines) -> BTreeMap<PathBuf, Vec<u8>> {
    let named = files(directory).into_iter().filter(|path| path.extension().is_some_and(|e| e == extension));
    named.map(|path| (path.clone(), read(&path))).collect()
}

/// Every line lies where its stream and its time say.
pub fn assert_partitioned(directory: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, text) in files {
        let below: Vec<_> =
            path.strip_prefix(directory).unwrap().iter().map(|p| p.to_str().unwrap()).collect();
        assert_eq!(below.len(), 3, "{below:?}");
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line).unwrap();
            let date = &event["timestamp"].as_str().unwrap()[..10];
            assert_eq!(below[1], format!("date={date}"), "{event}");
        }
    }
}

#[test]
fn events_are_filed_under_their_stream_and_date_once() {
    let options = frozen(3_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let fetch = ["fetch", "--resume", "--since", &since, "-o", LAKE];
    account.run([&fetch[..], &["--roll", "200KB", "--file-mode", "640"]].concat()).expect(0);
    let lake = account.sandbox.path("lake");
    let files = whole(&lake);
    assert_partitioned(&lake, &files);
    let streams: BTreeSet<_> = files
        .keys()
        .map(|path| path.strip_prefix(&lake).unwrap().iter().next().unwrap().to_owned())
        .collect();
    assert_eq!(streams.len(), 3);
    assert_eq!(counts(&files.values().flatten().copied().collect::<Vec<_>>()), truth(&account));
    let batches: BTreeSet<_> = files.keys().map(|path| path.file_name().unwrap()).collect();
    let (bytes, text) = (200_000, files.values().map(Vec::len).sum::<usize>());
    assert!(batches.len() >= text / bytes && batches.len() <= text / bytes + 6, "{} files", batches.len());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = files.keys().next().unwrap();
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o640, 0o750));
    // Nothing new, and nothing changed.
    account.run(fetch).expect(0);
    assert_eq!(whole(&lake), files);
    assert_eq!(self::files(&lake).len(), files.len(), "something unfinished is left");
    // The lake can be asked as any saved events can.
    let run = account.run(["fetch", "--from", "lake", "--format", "ndjson"]).expect(0);
    assert_eq!(counts(&run.stdout), truth(&account));
}

#[test]
fn an_event_without_a_time_has_a_partition_of_its_own_and_the_rest_of_the_batch_stays_together() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("itemusages.ndjson");
    let time = (crate::harness::now() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let dated = |n| format!("{{\"uuid\":\"E{n}\",\"timestamp\":\"{time}\"}}\n");
    std::fs::write(&file, dated(1) + "{\"uuid\":\"E2\",\"timestamp\":7}\n" + &dated(3)).unwrap();
    let data = EventData::Files(vec![file]);
    let account = Account::new(SimulatorOptions { data, ..SimulatorOptions::default() });
    account.run(["fetch", "items", "--resume", "--since", "2d", "-o", LAKE]).expect(0);
    let lake = account.sandbox.path("lake");
    let files = whole(&lake);
    let undated: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.to_string_lossy().contains("date=__HIVE_DEFAULT_PARTITION__"))
        .collect();
    assert_eq!((files.len(), undated.len()), (2, 1), "{:?}", files.keys());
    assert!(undated[0].1.starts_with(b"{\"uuid\":\"E2\""));
}

#[test]
fn tail_ends_a_file_by_its_age_and_at_its_own_end() {
    let account = Account::new(frozen(200));
    let tail = ["tail", "items", "--resume", "--since", "5d", "--interval", "1s", "-o", LAKE];
    let mut command = account.command([&tail[..], &["--roll", "1s"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lake = account.sandbox.path("lake");
    crate::harness::wait_until(|| !whole(&lake).is_empty());
    crate::harness::signal(&child, rustix::process::Signal::TERM);
    child.wait().unwrap();
    let first = whole(&lake);
    account.run([&tail[..], &["--roll", "1d", "--no-follow"]].concat()).expect(0);
    assert!(whole(&lake).len() >= first.len());
    let items = account.run(["fetch", "items", "--since", "10d", "--format", "ndjson"]).expect(0);
    let lines: Vec<u8> = whole(&lake).into_values().flatten().collect();
    assert_eq!(counts(&lines), counts(&items.stdout));
}

#[test]
fn a_directory_that_cannot_be_written_ends_the_run_with_7_and_moves_no_position() {
    let account = Account::new(frozen(100));
    // Where a directory should be is a file: not even root can write there.
    account.sandbox.write("lake", "");
    let run = account.run(["fetch", "items", "--resume", "--since", "5d", "-o", LAKE]).expect(7);
    assert!(run.stderr.contains("lake/itemusages"), "{}", run.stderr);
    std::fs::remove_file(account.sandbox.path("lake")).unwrap();
    account.run(["fetch", "items", "--resume", "--since", "5d", "-o", LAKE]).expect(0);
    let items = account.run(["fetch", "items", "--since", "10d", "--format", "ndjson"]).expect(0);
    let lines: Vec<u8> = whole(&account.sandbox.path("lake")).into_values().flatten().collect();
    assert_eq!(counts(&lines), counts(&items.stdout));
}

/// Kills runs until there were enough kills, then lets them end; after each kill every file under a final name
/// must be whole, and at the end every event is in one file.
pub fn survive(form: (&str, ReadLines), events: u64, kills: u64, roll: &str, wait: u64, seed: u64) {
    let whole = |directory: &Path| named(directory, form.0.rsplit('.').next().unwrap(), form.1);
    let options = SimulatorOptions {
        data: EventData::Seeded(SeededData { events, days: 3, ..SeededData::default() }),
        latency: Latency { fixed: Duration::from_millis(1), jitter: Duration::from_millis(2) },
        ..frozen(events)
    };
    let since = beginning(&options);
    let account = Account::new(options);
    let truth = truth(&account);
    let (mut dice, mut toll, mut round) = (Dice::new(seed), 0, 0);
    while toll < kills || round == 0 {
        round += 1;
        let pattern = format!("lake-{round}/{{stream}}/date={{date}}/{{batch}}.{}", form.0);
        let lake = account.sandbox.path(&format!("lake-{round}"));
        loop {
            let mut command =
                account.command(["fetch", "--resume", "--since", &since, "-o", &pattern, "--roll", roll]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            if toll >= kills {
                assert_eq!(child.wait().unwrap().code(), Some(0));
                break;
            }
            std::thread::sleep(Duration::from_millis(wait / 10 + dice.below(wait)));
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                break;
            }
            toll += 1;
            let files = whole(&lake);
            let found = counts(&files.values().flatten().copied().collect::<Vec<_>>());
            assert!(found.iter().all(|(uuid, count)| truth.get(uuid) == Some(count)), "a repeat");
        }
        let files = whole(&lake);
        assert_partitioned(&lake, &files);
        assert_eq!(counts(&files.values().flatten().copied().collect::<Vec<_>>()), truth);
        assert_eq!(self::files(&lake).len(), files.len(), "something unfinished is left");
    }
}

#[test]
fn thirty_kills_lose_nothing_repeat_nothing_and_leave_no_partial_file() {
    survive(("ndjson.zst", zst), 3_000, 30, "60KB", 250, 5);
}

#[test]
#[ignore = "some minutes"]
fn twenty_kills_of_three_million_events() {
    survive(("ndjson.zst", zst), 3_000_000, 20, "32MiB", 8_000, 9);
}

#[test]
#[cfg(not(feature = "parquet"))]
fn a_build_without_parquet_says_so_and_how_to_get_one() {
    let account = Account::new(frozen(10));
    for args in [
        &["fetch", "--format", "parquet"][..],
        &["fetch", "-o", "events.parquet"],
        &["fetch", "--resume", "-o", "lake/{stream}/{batch}.parquet"],
        &["tail", "--resume", "-o", "lake/{stream}/{batch}.parquet"],
    ] {
        let run = account.run(args).expect(2);
        assert!(run.stderr.contains("was built without parquet"), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("--features parquet"), "{args:?}: {}", run.stderr);
    }
}
