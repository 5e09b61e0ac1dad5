//! `fetch --detect` and `tail --detect`: hits beside the events, each once, whatever is killed.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use opev::simulator::{EventData, Latency, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{Dice, beginning, frozen};
use crate::harness::{Account, Run, wait_until};

/// What tells a hit from another: the rule, the group, and when it begins.
fn keys(text: &str) -> BTreeMap<(String, String, String), u64> {
    let mut keys = BTreeMap::new();
    for line in text.lines() {
        let hit: Value = serde_json::from_str(line).unwrap();
        let key = (hit["rule"].to_string(), hit["group"].to_string(), hit["first"].to_string());
        *keys.entry(key).or_default() += 1;
    }
    keys
}

fn read(account: &Account, name: &str) -> String {
    std::fs::read_to_string(account.sandbox.path(name)).unwrap_or_default()
}

/// What `opev detect` finds in the events that were written.
fn expected(account: &Account, file: &str) -> BTreeMap<(String, String, String), u64> {
    let run: Run = account.sandbox.run(["detect", "--from", file, "--only", "!stream-silent"]).expect(0);
    let found = keys(&String::from_utf8_lossy(&run.stdout));
    assert!(found.len() > 20, "{}", found.len());
    found
}

fn options(events: u64) -> SimulatorOptions {
    let data = EventData::Seeded(SeededData { events, ..SeededData::default() });
    SimulatorOptions { data, ..frozen(events) }
}

fn beside<'a>(command: &'a str, since: &'a str) -> Vec<&'a str> {
    beside_in(command, since, "e.ndjson", "h.ndjson")
}

/// Events and hits in these files.
fn beside_in<'a>(command: &'a str, since: &'a str, events: &'a str, hits: &'a str) -> Vec<&'a str> {
    let mut args = vec![command, "--resume", "-o", events, "--since", since, "--page-size", "100"];
    args.extend(["--detect", "--hits", hits, "--only", "!stream-silent"]);
    args
}

/// Kills `tail --detect` until there were so many kills, in other files whenever it has come to the end: how far a run
/// gets before it is killed, the machine decides.
fn killed(kills: u64, seed: u64) {
    let fixed = Duration::from_millis(3);
    let options =
        SimulatorOptions { latency: Latency { fixed, jitter: Duration::from_millis(4) }, ..options(6_000) };
    let since = beginning(&options);
    let account = Account::new(options);
    let mut dice = Dice::new(seed);
    let (mut count, mut round) = (0, 0);
    while count < kills {
        round += 1;
        let (events, hits) = (format!("e-{round}.ndjson"), format!("h-{round}.ndjson"));
        let args = [&beside_in("tail", &since, &events, &hits)[..], &["--no-follow"]].concat();
        let mut is_done = false;
        while count < kills && !is_done {
            let mut command = account.command(&args);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(40 + dice.below(160)));
            child.kill().unwrap();
            is_done = child.wait().unwrap().success();
            count += u64::from(!is_done);
        }
        account.run(&args).expect(0);
        let found = keys(&read(&account, &hits));
        assert!(found.values().all(|count| *count == 1), "{found:?}");
        assert_eq!(found, expected(&account, &events));
        // Another run gives none of them again.
        account.run(&args).expect(0);
        assert_eq!(keys(&read(&account, &hits)), found);
    }
}

#[test]
fn killed_again_and_again_each_hit_is_in_the_file_once() {
    killed(12, 3);
}

#[test]
#[ignore = "fifty kills take a while"]
fn fifty_kills() {
    killed(50, 4);
}

#[test]
fn a_resumed_fetch_gives_the_hits_that_its_events_have() {
    let options = options(6_000);
    let since = beginning(&options);
    let account = Account::new(options);
    account.run(beside("fetch", &since)).expect(0);
    let found = keys(&read(&account, "h.ndjson"));
    assert_eq!(found, expected(&account, "e.ndjson"));
    account.run(beside("fetch", &since)).expect(0);
    assert_eq!(keys(&read(&account, "h.ndjson")), found);
}

#[test]
fn what_rules_have_gathered_goes_along_with_an_exported_position() {
    let fixed = Duration::from_millis(3);
    let options = SimulatorOptions { latency: Latency { fixed, jitter: Duration::ZERO }, ..options(6_000) };
    let since = beginning(&options);
    let account = Account::new(options);
    let args = beside("fetch", &since);
    let mut child = account.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| !read(&account, "h.ndjson").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let exported = account.run(["state", "export"]).expect(0).stdout;
    account.sandbox.write("exported.json", &exported);
    let elsewhere = ["--state-dir", "elsewhere"];
    account.run([&["state", "import", "exported.json"], &elsewhere[..]].concat()).expect(0);
    account.run([&args[..], &elsewhere].concat()).expect(0);
    let found = keys(&read(&account, "h.ndjson"));
    assert!(found.values().all(|count| *count == 1), "{found:?}");
    assert_eq!(found, expected(&account, "e.ndjson"));
    // What was changed on the way is not taken.
    let text = String::from_utf8(exported).unwrap();
    let place = text.find("\"rules\": \"").unwrap() + 12;
    let other = if text[place..].starts_with('A') { "B" } else { "A" };
    account.sandbox.write("changed.json", format!("{}{other}{}", &text[..place], &text[place + 1..]));
    let run = account.run(["state", "import", "changed.json", "--state-dir", "third"]).expect(2);
    assert!(run.stderr.contains("what rules have gathered is damaged"), "{}", run.stderr);
}

#[test]
fn hits_of_a_question_are_told_on_standard_error_and_events_stay_as_they_are() {
    let options = options(6_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let plain = account.run(["fetch", "--since", &since]).expect(0);
    let args = ["fetch", "--since", &since, "--detect", "--level", "high"];
    let run = account.run(args).expect(0);
    assert_eq!(run.stdout, plain.stdout);
    assert!(keys(&run.stderr).len() > 10, "{}", run.stderr);
}

#[test]
fn a_new_hit_is_told_while_tail_goes_on() {
    let account = Account::new(SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 300, live: Some(40.0), ..SeededData::default() }),
        ..SimulatorOptions::default()
    });
    let rule = r#"id = "any"
title = "Something was filled in"
level = "low"
kind = "match"
stream = "items"
action = "fill"
[[test]]
hits = 1
event = [{ action = "fill", item_uuid = "I", user = { uuid = "A" } }]
[[test]]
hits = 0
event = [{ action = "reveal", item_uuid = "I", user = { uuid = "A" } }]
"#;
    account.sandbox.write("any.toml", rule);
    let args = ["tail", "--detect", "--rules", "any.toml", "--only", "any", "--interval", "1s", "--hit-exec"];
    let mut command = account.command([&args[..], &["cat >> got.ndjson"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| read(&account, "got.ndjson").contains("\n"));
    child.kill().unwrap();
    child.wait().unwrap();
    let line = read(&account, "got.ndjson");
    let hit: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(hit["rule"], "any");
}

#[test]
fn what_cannot_go_together_is_refused() {
    let account = Account::new(options(100));
    for (line, told) in [
        ("fetch --only x", "--only chooses among rules; add --detect"),
        ("fetch --detect --hits h", "--hits FILE is managed with the position; add --resume"),
        ("tail --hits h", "--detect"),
        ("fetch --detect --resume -o {stream}.ndjson", "--detect needs all streams in one output"),
    ] {
        let run = account.run(line.split(' ')).expect(2);
        assert!(run.stderr.contains(told), "{line}: {}", run.stderr);
    }
}
