//! `fetch --from`: saved events answer as the service did, in whatever form they were saved, and what cannot be
//! read is told with its place.

use std::io::Write as _;
use std::process::Stdio;

use chrono::{DateTime, TimeDelta, Utc};
use opev::event::Stream;
use opev::simulator::{EventData, SeededData, SimulatorOptions};

use crate::harness::{Account, Run, Sandbox, now, seeded, sorted_lines, start, typed};

const EVENTS: u64 = 3_000;

/// An account with hostile events, too, and everything of it in `all.ndjson`.
fn saved(at: DateTime<Utc>, hostile: bool) -> Account {
    let data = EventData::Seeded(SeededData { events: EVENTS, hostile, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(EVENTS, at) });
    account.run(["fetch", "--since", &typed(at - TimeDelta::days(31)), "-o", "all.ndjson"]).expect(0);
    account
}

/// Runs without anything that leads to an account.
fn offline(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run([&["fetch"], args].concat())
}

fn read(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    std::fs::read(sandbox.path(name)).unwrap()
}

/// Pipes bytes into the program.
fn piped(sandbox: &Sandbox, args: &[&str], bytes: &[u8]) -> Run {
    let mut command = sandbox.command([&["fetch"], args].concat());
    command.stdin(Stdio::piped());
    let mut child = start(command);
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let run = Run::wait(child);
    writer.join().unwrap();
    run
}

#[track_caller]
fn same(found: &Run, expected: &[u8], what: &str) {
    assert_eq!(found.code, Some(0), "{what}: {}", found.stderr);
    assert!(found.stdout == expected, "{what}: {} bytes instead of {}", found.stdout.len(), expected.len());
}

#[test]
fn files_give_byte_for_byte_what_the_service_gave() {
    let at = now();
    let account = saved(at, true);
    let since = typed(at - TimeDelta::days(31));
    for args in [
        &[][..],
        &["--sort", "time"],
        &["--format", "json"],
        &["--format", "csv"],
        &["--format", "table", "--tz", "Europe/Berlin"],
        &["--format", "record", "--limit", "200"],
        &["--shape", "sentinel-stream"],
        &["--shape", "sumo"],
        &["--shape", "dnif", "--format", "json"],
        &["--shape", "cef"],
        &["--shape", "leef", "--sort", "time"],
        &["audit", "signin", "--format", "csv", "--fields", "timestamp,who,what"],
        &["--limit", "17"],
        &["--last", "17"],
        &["--failed"],
        &["--no-sessions", "--country", "!CA"],
        &["--user", "*a*", "--format", "csv"],
        &["--grep", "(?i)reveal"],
        // Values that can be searched for as bytes, which the hostile events spell with escapes too.
        &["--user", "kestrelvane.example,*@kestrelvane.example,daisuke"],
        &["--grep", "example"],
        &["--ip", "0.0.0.0/0,!10.0.0.0/24"],
    ] {
        let service = account.run([&["fetch", "--since", &since], args].concat()).expect(0);
        let files = offline(&account.sandbox, &[args, &["--since", &since, "--from", "all.ndjson"]].concat());
        assert!(service.stdout.len() > 500, "{args:?}");
        same(&files, &service.stdout, &format!("{args:?}"));
    }
    let [twenty, ten, three] = [20, 10, 3].map(|days| typed(at - TimeDelta::days(days)));
    for narrow in [&["--since", &twenty][..], &["--since", &twenty, "--until", &ten], &["--since", &three]] {
        let service = account.run([&["fetch", "--sort", "time"], narrow].concat()).expect(0);
        let files =
            offline(&account.sandbox, &[&["--sort", "time", "--from", "all.ndjson"], narrow].concat());
        same(&files, &service.stdout, &format!("{narrow:?}"));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The lines as pretty JSON values, one after another.
fn pretty(lines: &[u8]) -> String {
    let lines = String::from_utf8_lossy(lines).into_owned();
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    lines.lines().map(|line| format!("{:#}\n", value(line))).collect()
}

#[test]
fn every_form_of_the_same_events_gives_the_same_lines() {
    let account = saved(now(), false);
    let sandbox = &account.sandbox;
    let raw = read(sandbox, "all.ndjson");
    let text = String::from_utf8(raw.clone()).unwrap();
    let list = text.lines().collect::<Vec<_>>().join(",");
    let answers: String = text
        .lines()
        .collect::<Vec<_>>()
        .chunks(700)
        .map(|lines| format!("{{\"cursor\":\"c\",\"items\":[{}],\"has_more\":true}}\n", lines.join(",")))
        .collect();
    let forms = [
        ("crlf", text.replace('\n', "\r\n").into_bytes()),
        ("bom", [&b"\xef\xbb\xbf"[..], &raw].concat()),
        ("boms", [&b"\xef\xbb\xbf"[..], &raw[..], b"\xef\xbb\xbf\n\n \n"].concat()),
        ("no last line break", raw[..raw.len() - 1].to_vec()),
        ("a list on one line", format!("[{list}]").into_bytes()),
        ("a list", format!("[\n{}\n]\n", text.lines().collect::<Vec<_>>().join(",\n")).into_bytes()),
        (
            "a line each in a list",
            text.lines().map(|line| format!(" [ {line} ] \n")).collect::<String>().into(),
        ),
        ("an answer", format!("{{\"items\":[{list}],\"cursor\":\"x\",\"has_more\":false}}").into_bytes()),
        ("answers", answers.into_bytes()),
        ("two gzip members", [gzip(&raw[..10_000]), gzip(&raw[10_000..])].concat()),
        ("gzip of a list", gzip(format!("[{list}]").as_bytes())),
    ];
    for (what, bytes) in forms {
        sandbox.write("form", &bytes);
        same(&offline(sandbox, &["--from", "form"]), &raw, what);
        same(&piped(sandbox, &["--from", "-"], &bytes), &raw, &format!("{what} in a pipe"));
    }
    for (name, args) in [
        ("out.ndjson.gz", &[][..]),
        ("out.ndjson.zst", &[]),
        ("out.json", &["--sort", "timeline"]),
        ("out.json.zst", &["--sort", "timeline"]),
        ("envelope.ndjson", &["--shape", "envelope"]),
        ("envelope.json.gz", &["--shape", "envelope", "--sort", "timeline"]),
        ("splunk.ndjson", &["--shape", "splunk"]),
    ] {
        offline(sandbox, &[&["--from", "all.ndjson", "-o", name], args].concat()).expect(0);
        same(&offline(sandbox, &["--from", name]), &raw, name);
    }
    sandbox.write("pretty.json", pretty(&raw));
    let found = offline(sandbox, &["--from", "pretty.json"]).expect(0);
    assert_eq!(pretty(&found.stdout), pretty(&raw), "values are the same, space between tokens is not");
}

#[test]
fn an_envelope_keeps_its_profile_account_and_time_of_reading() {
    let account = saved(now(), false);
    let sandbox = &account.sandbox;
    account.run(["fetch", "--since", "31d", "--shape", "envelope", "-o", "envelope.ndjson"]).expect(0);
    let envelope = read(sandbox, "envelope.ndjson");
    let other = String::from_utf8(envelope.clone()).unwrap().replace("\"default\"", "\"other\"");
    sandbox.write("other.ndjson", &other);
    let args = ["--shape", "envelope", "--from"];
    same(&offline(sandbox, &[&args[..], &["envelope.ndjson"]].concat()), &envelope, "as it was");
    same(&offline(sandbox, &[&args[..], &["other.ndjson"]].concat()), other.as_bytes(), "another profile");
    // Also over a sort, and for every shape that says when an event was read.
    for shape in ["envelope", "ecs", "ocsf", "datadog", "sentinel", "splunk"] {
        let sorted = |from: &str| {
            offline(sandbox, &["--format", "json", "--shape", shape, "--from", from]).expect(0).stdout
        };
        offline(
            sandbox,
            &["--from", "other.ndjson", "--shape", "envelope", "-o", "by-time.json", "--overwrite"],
        )
        .expect(0);
        assert!(sorted("other.ndjson") == sorted("by-time.json"), "{shape}");
    }
}

#[test]
fn sorted_formats_do_not_depend_on_the_order_of_files_or_events() {
    let account = saved(now(), false);
    let sandbox = &account.sandbox;
    let raw = read(sandbox, "all.ndjson");
    let mut lines: Vec<&[u8]> = raw.split_inclusive(|byte| *byte == b'\n').collect();
    fastrand::Rng::with_seed(12).shuffle(&mut lines);
    let (one, other) = lines.split_at(lines.len() / 3);
    sandbox.write("d/1.ndjson", one.concat());
    sandbox.write("d/sub/2.jsonl.gz", gzip(&other.concat()));
    sandbox.write("d/readme.txt", "no events");
    sandbox.write("d/.3.ndjson", "hidden");
    for format in ["csv", "json", "table"] {
        let sorted = offline(sandbox, &["--format", format, "--from", "all.ndjson"]).expect(0).stdout;
        for from in [&["d/1.ndjson", "d/sub/2.jsonl.gz"][..], &["d/sub/2.jsonl.gz", "d/1.ndjson"], &["d"]] {
            same(&offline(sandbox, &[&["--format", format, "--from"], from].concat()), &sorted, format);
        }
    }
    // Files that overlap give each event once.
    let found = offline(sandbox, &["--from", "d", "all.ndjson"]).expect(0);
    assert_eq!(sorted_lines(&found.stdout), sorted_lines(&raw));
    for jobs in ["1", "2", "7"] {
        same(&offline(sandbox, &["--from", "all.ndjson", "--jobs", jobs]), &raw, jobs);
    }
}

/// An event of each stream with no more than its keys.
const PLAIN: [&str; 3] = [
    r#"{"uuid":"S","timestamp":"2026-01-02T03:04:05Z","category":"success"}"#,
    r#"{"uuid":"I","timestamp":"2026-01-02T03:04:06Z","item_uuid":"i","used_version":1}"#,
    r#"{"uuid":"A","timestamp":"2026-01-02T03:04:07Z","object_type":"user","action":"create"}"#,
];

#[test]
fn the_stream_is_what_the_label_says_then_the_file_then_the_keys_then_the_flag() {
    let sandbox = Sandbox::new();
    let streams = |args: &[&str]| -> Vec<String> {
        let run = offline(&sandbox, &[args, &["--shape", "envelope"]].concat());
        run.lines().iter().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect()
    };
    sandbox.write("x.ndjson", PLAIN.join("\n"));
    assert_eq!(streams(&["--from", "x.ndjson"]), Stream::ALL.map(Stream::name));
    assert_eq!(streams(&["items", "--from", "x.ndjson"]), ["itemusages"]);
    sandbox.write("old-auditevents-1.ndjson", PLAIN.join("\n"));
    assert_eq!(streams(&["--from", "old-auditevents-1.ndjson"]), ["auditevents"; 3]);
    let label = format!(r#"{{"stream":"signinattempts","event":{}}}"#, PLAIN[1]);
    sandbox.write("auditevents.ndjson", label);
    assert_eq!(streams(&["--from", "auditevents.ndjson"]), ["signinattempts"]);
    sandbox.write("unknown.ndjson", "{\"uuid\":\"U\"}\n");
    let run = offline(&sandbox, &["--from", "unknown.ndjson"]).expect(3);
    assert!(
        run.stderr.contains("unknown.ndjson, line 1: nothing tells which stream it is of"),
        "{}",
        run.stderr
    );
    assert_eq!(streams(&["--from", "unknown.ndjson", "--stream", "audit"]), ["auditevents"]);
    for (name, stream) in [("auditevents", 3), ("itemusages", 2)] {
        let out = format!("{name}-only.ndjson");
        offline(&sandbox, &["--from", "x.ndjson", "-o", "{stream}-only.ndjson", "--overwrite"]).expect(0);
        assert_eq!(read(&sandbox, &out), format!("{}\n", PLAIN[stream - 1]).into_bytes());
    }
}

#[test]
fn lines_without_the_text_of_a_filter_are_passed_over_and_the_wanted_ones_never() {
    let sandbox = Sandbox::new();
    let escaped = r#"{"uuid":"E9","item_uuid":"i","used_version":1,"user":{"email":"\u0042OB@x.test"}}"#;
    let plain =
        "{\"uuid\":\"E8\",\"item_uuid\":\"i\",\"used_version\":1,\"user\":{\"email\":\"bob@x.test\"}}\r";
    let other = r#"{"uuid":"E7","item_uuid":"i","used_version":1,"user":{"email":"eve@x.test"}}"#;
    // The third line is no JSON, but neither cut off nor about what is looked for; the fourth is cut off.
    let lines = [escaped, other, "{\"a\":1}}", "{\"uuid\":\"E6\"", plain, &other.replace("E7", "E5")];
    sandbox.write("a.ndjson", lines.join("\n"));
    let run = offline(&sandbox, &["--from", "a.ndjson", "--user", "bob@x.test", "-v"]).expect(10);
    assert_eq!(run.uuids(), ["E9", "E8"]);
    let told = "2 events, 2 of them wanted; 3 lines without the text that is looked for were passed over";
    assert!(run.stderr.contains(told) && run.stderr.contains("line 4: not whole"), "{}", run.stderr);
    let run = offline(&sandbox, &["--from", "a.ndjson", "--user", "bob@x.test", "--strict"]).expect(3);
    assert!(run.stderr.contains("a.ndjson, line 3: "), "{}", run.stderr);
    let run = offline(&sandbox, &["--from", "a.ndjson", "--user", "!bob@x.test", "-v"]).expect(10);
    assert_eq!(run.uuids(), ["E7", "E5"]);
    assert!(!run.stderr.contains("passed over"), "{}", run.stderr);
}

#[test]
fn bad_lines_are_told_once_a_file_and_the_rest_is_read() {
    let sandbox = Sandbox::new();
    let lines = [PLAIN[0], "{\"uuid\":", PLAIN[1], "hello", "", PLAIN[2], "{\"a\":1}}"].join("\n");
    sandbox.write("a.ndjson", &lines);
    let good = PLAIN.map(|line| format!("{line}\n")).concat();
    let run = offline(&sandbox, &["--from", "a.ndjson"]).expect(10);
    assert_eq!(run.text(), good);
    let told = "a.ndjson, line 2: not whole: it is cut off; and 2 more lines";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    // The rest is the answer: a file gets its name.
    offline(&sandbox, &["--from", "a.ndjson", "-o", "out.ndjson"]).expect(10);
    assert_eq!(read(&sandbox, "out.ndjson"), good.as_bytes());
    let run = offline(&sandbox, &["--strict", "--from", "a.ndjson"]).expect(3);
    assert!(run.stderr.contains("a.ndjson, line 2: not whole"), "{}", run.stderr);
    offline(&sandbox, &["--strict", "--from", "a.ndjson", "-o", "strict.ndjson"]).expect(3);
    assert!(!sandbox.path("strict.ndjson").exists());
    // The number of a line counts from the beginning of its file, over blocks.
    let many = format!("{}\n", PLAIN[2]).repeat(9_000) + "{\"x\":1 2}\n";
    sandbox.write("b.ndjson", &many);
    let run = offline(&sandbox, &["--from", "a.ndjson", "b.ndjson", "--limit", "5"]).expect(10);
    assert!(!run.stderr.contains("b.ndjson, line 1:"), "{}", run.stderr);
    let run = offline(&sandbox, &["--from", "b.ndjson", "a.ndjson"]).expect(10);
    let told = "b.ndjson, line 9001: column 8: not JSON: neither comma nor end of object";
    assert!(run.stderr.contains(told) && run.stderr.contains("a.ndjson, line 2: "), "{}", run.stderr);
    sandbox.write("list.json", format!("[{},{}, {{\"a\":}}, {}", PLAIN[0], PLAIN[1], PLAIN[2]));
    let run = offline(&sandbox, &["--from", "list.json"]).expect(10);
    assert_eq!(run.text(), good);
    assert!(run.stderr.contains("list.json, value 3: column 6: not JSON: no value; and 1 more value"));
    let run =
        piped(&sandbox, &["--from", "-"], format!("{}\n{{\"uuid\":\"x", PLAIN[0]).as_bytes()).expect(10);
    assert!(run.stderr.contains("standard input, line 2: not whole: it is cut off"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("good.ndjson", PLAIN[0]);
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    let whole = gzip(PLAIN.map(|line| format!("{line}\n")).concat().as_bytes());
    sandbox.write("cut.gz", &whole[..whole.len() - 9]);
    sandbox.write("cut.zst", &zstd_bytes()[..40]);
    sandbox.write("zip.json", b"PK\x03\x04....");
    sandbox.write("utf16.json", b"\xff\xfe{\0}\0");
    for (args, code, words) in [
        (&["--from", "good.ndjson", "missing.ndjson"][..], 3, "cannot read missing.ndjson: No such file"),
        (&["--from", "audit"], 3, "name streams before --from"),
        (&["--from", "empty"], 3, "empty holds no file of events"),
        (&["--from", "-", "-"], 2, "standard input is named twice"),
        (&["--from", "-", "-o", "{stream}.ndjson"], 2, "standard input is read once"),
        (&["--from", "cut.gz", "-o", "out.ndjson"], 3, "cut.gz cannot be read to its end"),
        (&["--from", "good.ndjson", "cut.zst", "-o", "out.ndjson"], 3, "cannot read cut.zst"),
        (&["--from", "zip.json"], 3, "cannot read zip.json: it is a zip archive"),
        (&["--from", "utf16.json"], 3, "it is UTF-16 text"),
        (&["--from", "good.ndjson", "--resume"], 2, "cannot be used with"),
        (&["--from", "good.ndjson", "--stream", "sign"], 2, "no such stream"),
        (&["--from"], 2, "a value is required"),
        (&["--strict"], 2, "--from <FILE>"),
        (&["--from", "good.ndjson", "--since", "2d", "--until", "3d"], 2, "is not before --until"),
    ] {
        let run = offline(&sandbox, args).expect(code);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
        assert!(!sandbox.path("out.ndjson").exists(), "{args:?}");
    }
    let names: Vec<_> =
        std::fs::read_dir(sandbox.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("opev-")), "{names:?}");
}

fn zstd_bytes() -> Vec<u8> {
    let sandbox = Sandbox::new();
    sandbox.write("x.ndjson", PLAIN.join("\n"));
    offline(&sandbox, &["--from", "x.ndjson", "-o", "x.ndjson.zst"]).expect(0);
    read(&sandbox, "x.ndjson.zst")
}

#[test]
fn it_needs_no_home_no_configuration_and_no_state() {
    let sandbox = Sandbox::new();
    sandbox.write("x.ndjson", PLAIN.join("\n"));
    let mut command = sandbox.command(["fetch", "--from", "x.ndjson", "--format", "csv", "-o", "x.csv"]);
    command.env_clear();
    Run::of(command.output().unwrap()).expect(0);
    assert_eq!(String::from_utf8(read(&sandbox, "x.csv")).unwrap().lines().count(), 4);
    let left = ["home", "config", "state"].map(|name| sandbox.path(name).exists());
    assert_eq!(left, [false; 3], "nothing was made beside the output");
    let run = sandbox.run(["fetch", "--from", "x.ndjson", "--dry-run"]).expect(0);
    assert!(run.stderr.contains("nothing was read") && run.stdout.is_empty(), "{}", run.stderr);
}

#[test]
fn empty_files_growing_files_and_closed_pipes_are_no_trouble() {
    let account = saved(now(), false);
    let sandbox = &account.sandbox;
    sandbox.write("empty.ndjson", "");
    sandbox.write("blank.ndjson", "\n\n  \n");
    let run = offline(sandbox, &["--from", "empty.ndjson", "blank.ndjson", "--fail-if-empty"]).expect(1);
    assert!(run.stdout.is_empty());
    assert_eq!(offline(sandbox, &["--from", "empty.ndjson", "--format", "json"]).expect(0).text(), "[]\n");
    // The output is appended to the file that is read: it ends all the same.
    let path = sandbox.path("all.ndjson");
    let before = read(sandbox, "all.ndjson").len();
    let appended = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut command = sandbox.command(["fetch", "--from", "all.ndjson"]);
    assert!(command.stdout(appended).status().unwrap().success());
    assert_eq!(read(sandbox, "all.ndjson").len(), 2 * before);
    let head = format!("{} fetch --from all.ndjson | head -1", crate::harness::program().display());
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &head]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let run = Run::of(command.current_dir(sandbox.path(".")).output().unwrap()).expect(0);
    assert_eq!((run.lines().len(), run.stderr.as_str()), (1, ""));
}

/// Lines of a pipe come out while it is still open.
#[test]
fn a_pipe_is_read_as_it_comes() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["fetch", "--from", "-"]);
    command.stdin(Stdio::piped());
    let mut child = start(command);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    for line in PLAIN {
        writeln!(stdin, "{line}").unwrap();
        let mut found = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut found).unwrap();
        assert_eq!(found.trim_end(), line);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
