//! `--jq`: select keeps events byte for byte, other values are written instead of them, mistakes have a place, and a
//! managed file keeps to one filter.

use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::harness::{Account, BEFORE_ALL, assert_same, now, seeded, sorted_lines};

const SINCE: [&str; 3] = ["fetch", "--since", BEFORE_ALL];

/// An account with so many events over the last five days, and never another one.
fn account(events: u64) -> Account {
    let data = EventData::Seeded(SeededData { events, days: 5, ..SeededData::default() });
    Account::new(SimulatorOptions { data, ..seeded(events, now()) })
}

fn fetch(account: &Account, args: &[&str]) -> crate::harness::Run {
    account.run(SINCE.iter().chain(args))
}

#[test]
fn select_keeps_events_byte_for_byte_in_every_way_of_reading() {
    let account = account(500);
    let all = fetch(&account, &[]).expect(0);
    let is_wanted = |line: &&[u8]| serde_json::from_slice::<Value>(line).unwrap()["action"] == "reveal";
    let wanted: Vec<Vec<u8>> = all
        .stdout
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .filter(is_wanted)
        .map(<[u8]>::to_vec)
        .collect();
    assert!(wanted.len() > 10);
    let select = "select(.action == \"reveal\")";
    let found = fetch(&account, &["--jq", select]).expect(0);
    assert_eq!(sorted_lines(&found.stdout), sorted_lines(&wanted.join(&b'\n')));
    let counts = format!("{} of them wanted", wanted.len());
    assert!(!found.stderr.contains("wanted") || found.stderr.contains(&counts), "{}", found.stderr);
    for args in [&["--sort", "time"][..], &["--page-size", "7", "--jobs", "1"], &["--last", "1000000"]] {
        let found = fetch(&account, &[&["--jq", select], args].concat()).expect(0);
        assert_same(&sorted_lines(&found.stdout), &sorted_lines(&wanted.join(&b'\n')));
    }
    let both = fetch(&account, &["--jq", select, "--action", "export"]).expect(0);
    assert!(both.stdout.is_empty());
    let resumed =
        account.run(["fetch", "--resume", "--since", BEFORE_ALL, "--jq", select, "-o", "r.ndjson"]).expect(0);
    assert!(resumed.stdout.is_empty());
    let file = std::fs::read(account.sandbox.path("r.ndjson")).unwrap();
    assert_same(&sorted_lines(&file), &sorted_lines(&wanted.join(&b'\n')));
    let again = account
        .run(["fetch", "--resume", "-o", "r.ndjson", "--jq", "select(.action == \"export\")"])
        .expect(8);
    assert!(again.stderr.contains("--jq"), "{}", again.stderr);
    account.run(["fetch", "--resume", "-o", "r.ndjson", "--jq", select]).expect(0);
    assert_eq!(std::fs::read(account.sandbox.path("r.ndjson")).unwrap(), file);
}

#[test]
fn other_values_are_written_instead_of_events() {
    let account = account(500);
    let all = fetch(&account, &["--sort", "time"]).expect(0);
    let pairs = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        [event["uuid"].to_string(), event["timestamp"].to_string()]
    };
    let expected: Vec<String> = all.lines().iter().flat_map(pairs).collect();
    let sorted = fetch(&account, &["--sort", "time", "--jq", ".uuid, .timestamp"]).expect(0);
    assert_eq!(sorted.lines(), expected);
    let array = fetch(&account, &["--format", "json", "--jq", ".uuid, .timestamp"]).expect(0);
    let array: Vec<Value> = serde_json::from_slice(&array.stdout).unwrap();
    assert_eq!(array.iter().map(Value::to_string).collect::<Vec<_>>(), expected);
    let limited = fetch(&account, &["--limit", "3", "--jq", "$stream, 1"]).expect(0);
    assert_eq!(limited.lines().len(), 6);
    let none = fetch(&account, &["--format", "json", "--jq", "empty", "--fail-if-empty"]).expect(1);
    assert_eq!(none.text().split_whitespace().collect::<String>(), "[]");
    let ecs = fetch(&account, &["--shape", "ecs", "--jq", "select(.action == \"export\")"]).expect(0);
    assert!(ecs.text().contains("ecs"), "{}", ecs.text());
    let shown =
        account.run_on_terminal(80, ["fetch", "-q", "--since", BEFORE_ALL, "--jq", ".uuid"]).expect(0).text();
    assert!(shown.starts_with('"'), "{shown}");
    let tail = account
        .run(["tail", "--no-follow", "--since", BEFORE_ALL, "--jq", "select(.category) | .type"])
        .expect(0);
    assert!(tail.lines().iter().all(|line| line.starts_with('"')) && !tail.stdout.is_empty());
}

#[test]
fn mistakes_have_a_place_and_nothing_is_asked() {
    let account = account(200);
    for (args, text) in [
        (&["--jq", "select(.a ="][..], "--jq: line 1, column 12: closing parenthesis is missing"),
        (
            &["--jq", ".a\n| selct(.b)"],
            "--jq: line 2, column 3: there is no filter selct; did you mean select?",
        ),
        (&["--jq", ".", "--format", "table"], "--jq yields JSON, and table has columns"),
        (&["--jq", ".", "--shape", "cef"], "--jq yields JSON, and the shape cef is lines of text"),
        (&["--jq", ".", "-o", "x.csv"], "--jq yields JSON, and csv has columns"),
        (&["--jq", "env.EVENTS_API_TOKEN"], "there is no filter env"),
    ] {
        let run = fetch(&account, args).expect(2);
        assert!(run.stderr.contains(text) && run.stdout.is_empty(), "{args:?}: {}", run.stderr);
    }
    assert_eq!(account.simulator.report().requests, 0);
}

#[test]
fn events_on_which_it_fails_are_told_counted_and_end_with_10() {
    let account = account(200);
    let run = fetch(&account, &["audit", "--jq", "select(.item_uuid | startswith(\"a\"))"]).expect(10);
    assert!(run.stdout.is_empty());
    assert_eq!(run.stderr.matches("--jq fails on the event ").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("events, which are left out"), "{}", run.stderr);
    let file = fetch(
        &account,
        &["signin", "items", "-o", "f.ndjson", "--jq", "select(.item_uuid | length > error)"],
    );
    file.expect(10);
    assert!(account.sandbox.path("f.ndjson").exists());
}

#[test]
fn masked_values_are_masked_for_it_too() {
    let account = account(200);
    let run = fetch(
        &account,
        &["items", "--mask", "users.email,ip_address", "--jq", ".user.email, .client.ip_address"],
    );
    let lines = run.expect(0).lines();
    assert!(lines.len() > 10 && lines.iter().all(|line| line == "\"[masked]\""), "{:?}", lines.first());
    let kept =
        fetch(&account, &["items", "--mask", "users.email", "--jq", "select(.user.email == \"[masked]\")"])
            .expect(0);
    assert!(kept.lines().len() > 5 && !kept.text().contains('@'));
}

#[test]
fn saved_events_are_passed_over_only_where_nothing_could_come() {
    let account = account(500);
    fetch(&account, &["-o", "all.ndjson"]).expect(0);
    let saved = |args: &[&str]| account.run(["fetch", "--from", "all.ndjson"].iter().chain(args));
    for select in [
        r#"select(.action == "reveal")"#,
        r#"select($stream == "itemusages" and .action == "reveal" or .category == "firewall_failed") | .uuid"#,
        r#"select(.category != "success" and .type == "credentials_ok")"#,
    ] {
        // A strict reading looks at every line.
        let wanted = saved(&["--strict", "--jq", select]).expect(0);
        assert_eq!(saved(&["--jq", select]).expect(0).stdout, wanted.stdout, "{select}");
        assert!(wanted.stdout.len() > 100 || select.contains("!="), "{select}: {}", wanted.text());
    }
    // What is masked is no longer what the file has.
    let masked = r#"select(.aux_info == "[masked]")"#;
    let found = saved(&["--mask", "aux_info", "--jq", masked]).expect(0);
    assert!(found.lines().len() > 10, "{} lines", found.lines().len());
    let failing = saved(&["--jq", r#"select(.action.x == "reveal")"#]).expect(10);
    assert!(failing.stderr.contains("fails"), "{}", failing.stderr);
}

#[test]
fn saved_events_are_judged_on_several_threads_as_those_of_the_service_on_one() {
    let account = account(600);
    fetch(&account, &["-o", "all.ndjson"]).expect(0);
    let from_file = ["fetch", "--from", "all.ndjson", "--since", BEFORE_ALL];
    // Kept as they are, replaced, left out; and, in the second, failing. The last makes more of a block of lines than
    // is made on the thread that reads it.
    let mixed = r#"if .action == "reveal" then ., {uuid} elif .action == "fill" then .uuid else
        select(.category == "success") end"#;
    let failing = r#"if .action == "reveal" then error("no") elif .action then {action} else . end"#;
    for (filter, code) in [(mixed, 0), (failing, 10), ("{uuid, action}", 0), ("[., ., ., ., ., .]", 0)] {
        for format in [&["--sort", "time"][..], &["--format", "json"], &["-r", "--limit", "40"]] {
            let asked = [&["-v", "--jq", filter, "--action", "!delete"], format].concat();
            let service = fetch(&account, &asked).expect(code);
            assert!(service.stdout.len() > 1_000, "{filter}: {}", service.text());
            for jobs in ["1", "2", "7"] {
                let saved = account.run(from_file.iter().chain(&asked).chain(&["--jobs", jobs])).expect(code);
                assert!(saved.stdout == service.stdout, "{filter} {jobs}: {}", saved.text());
                let counts = |run: &crate::harness::Run| {
                    let told = run
                        .stderr
                        .lines()
                        .filter(|line| line.contains("wanted") || line.contains("left out"));
                    told.map(str::to_owned).collect::<Vec<_>>()
                };
                assert_eq!(counts(&saved), counts(&service), "{filter} {jobs}");
            }
        }
    }
}

#[test]
fn a_filter_may_call_itself_as_deep_on_the_threads_that_read_as_on_the_first_one() {
    let account = Account::new(seeded(1_000, now()));
    fetch(&account, &["-o", "all.ndjson"]).expect(0);
    let deep = "def f($n): if $n == 0 then 0 else 1 + f($n - 1) end; f(DEPTH)";
    // Without optimization a call takes several times the stack.
    let deep = deep.replace("DEPTH", if cfg!(debug_assertions) { "250" } else { "1000" });
    for from in [&["--since", "5d"][..], &["--from", "all.ndjson"]] {
        let args = [&["fetch"], from, &["--limit", "3", "--jq", &deep]].concat();
        let values = account.run(args).expect(0).lines();
        assert_eq!(values.len(), 3);
        assert!(deep.contains(&format!("f({})", values[0])), "{values:?}");
    }
    let counted = account.run(["summary", "--from", "all.ndjson", "--by", "action", "--jq", &deep]).expect(0);
    assert!(!counted.stdout.is_empty());
}
