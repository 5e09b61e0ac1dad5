//! `opev status` and `opev state` as a monitor, a cron job and a person moving a service use them.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use opev::event::Stream;
use opev::simulator::{Fault, FaultRule, FaultScript, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{beginning, frozen};
use crate::harness::{Account, NO_TIMEOUT, Run, Sandbox, typed};

/// A service whose time stands still, so that two runs see the same events.
fn still(script: impl IntoIterator<Item = FaultRule>) -> SimulatorOptions {
    SimulatorOptions {
        at: Some(chrono::Utc::now() - chrono::TimeDelta::minutes(1)),
        script: FaultScript::new(script),
        ..SimulatorOptions::default()
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap()
}

fn stream<'a>(overview: &'a Value, position: usize, name: &str) -> &'a Value {
    let streams = overview["positions"][position]["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["stream"] == name).unwrap()
}

/// Every file under the state directory.
fn files(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![sandbox.path("state")];
    while let Some(path) = left.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => left.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn nothing_saved_is_said_and_is_a_problem_only_for_a_check() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["status"]).expect(0);
    assert!(run.text().starts_with("no saved positions in "), "{}", run.text());
    assert_eq!(sandbox.run(["status", "--check"]).expect(1).text(), "MISSING: no saved position\n");
    let overview = json(&sandbox.run(["status", "--json"]).expect(0));
    assert_eq!((&overview["ok"], &overview["positions"]), (&false.into(), &serde_json::json!([])));
    assert!(!sandbox.path("state").exists(), "looking makes nothing");

    sandbox.configure("[profiles.acme]\ntoken_env = \"NOTHING\"\n");
    let run = sandbox.run(["status", "--all-profiles", "--check"]).expect(1);
    assert_eq!(run.text(), "MISSING acme: no saved position\n");
}

#[test]
fn a_resumed_fetch_is_seen_with_its_counts_and_grows_late() {
    let account = Account::new(still([]));
    let delivered = account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    assert_eq!(delivered.stderr, "");
    let before = files(&account.sandbox);
    assert!(before.iter().any(|path| path.ends_with("health.json")));

    let overview = json(&account.run(["status", "--json"]).expect(0));
    let position = &overview["positions"][0];
    assert_eq!(position["consumer"], account.sandbox.path("out.ndjson").to_str().unwrap());
    assert_eq!((&position["work"], &position["running"]), (&"fetch".into(), &false.into()));
    let audit = stream(&overview, 0, "auditevents");
    assert_eq!(audit["state"], "stopping");
    assert_eq!(audit["events_24h"], audit["delivered"]);
    assert_eq!(audit["last_error"], Value::Null);
    assert!(audit["delivered"].as_u64().unwrap() > 0);
    assert!(audit["retention_days_left"].as_i64().unwrap() >= 119);

    assert_eq!(account.run(["status", "--check"]).expect(0).text(), "");
    let late = account.run(["status", "--check", "--max-age", "1ms"]).expect(1);
    assert_eq!(late.lines().len(), 3, "{}", late.text());
    assert!(late.text().starts_with("LATE default "), "{}", late.text());
    assert_eq!(files(&account.sandbox), before, "looking leaves nothing behind");
}

#[test]
fn the_table_fits_eighty_columns_and_harms_no_terminal() {
    let account =
        Account::new(still([FaultRule::new(Fault::status(403)).stream(Stream::AuditEvents).always()]));
    let name = "odd\u{1b}[31m\nname\u{202e}";
    account.run(["fetch", "--resume", "--consumer", name]).expect(10);
    let text = account.run_on_terminal(80, ["status", "--color", "never"]).expect(0).text();
    assert!(text.contains("odd\\u{1b}[31m\\nname\\u{202e}"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    for line in text.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
    assert!(text.contains("ThirdPartyConfig"), "{text}");
}

#[test]
fn a_failed_stream_is_an_error_until_it_works_again() {
    let rule = FaultRule::new(Fault::status(404)).stream(Stream::AuditEvents).on(1);
    let account = Account::new(still([rule]));
    account.run(["fetch", "--resume", "--consumer", "cron"]).expect(10);
    let check = account.run(["status", "--check"]).expect(1);
    assert_eq!(check.lines().len(), 1, "{}", check.text());
    assert!(
        check.text().starts_with("ERROR default cron auditevents: ThirdPartyConfig "),
        "{}",
        check.text()
    );

    account.run(["fetch", "--resume", "--consumer", "cron"]).expect(0);
    account.run(["status", "--check"]).expect(0);
    let overview = json(&account.run(["status", "--json"]).expect(0));
    let audit = stream(&overview, 0, "auditevents");
    assert_eq!((&audit["state"], &audit["last_error"]["kind"]), (&"stopping".into(), &"not_found".into()));
    assert!(account.run(["status"]).expect(0).text().contains("over: ThirdPartyConfig"));
}

#[test]
fn a_running_fetch_is_named_and_a_killed_one_recognised() {
    let rule = FaultRule::new(Fault::Hang).stream(Stream::SignInAttempts).on(3);
    let account = Account::new(still([rule]));
    let args = ["fetch", "signin", "--resume", "--page-size", "5"];
    let mut child = account.command(args.iter().chain(&NO_TIMEOUT)).stdout(Stdio::piped()).spawn().unwrap();
    // The reader stays: a pipe that closes would end the run.
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();

    let overview = json(&account.run(["status", "--json"]).expect(0));
    let position = &overview["positions"][0];
    assert_eq!(position["running"], true);
    assert_eq!(position["holder"]["pid"], child.id());
    let refused = account.run(["state", "export", "--consumer", "stdout"]).expect(9);
    assert!(refused.stdout.is_empty());
    account.run(["state", "reset", "--consumer", "stdout", "--yes"]).expect(9);

    child.kill().unwrap();
    child.wait().unwrap();
    let overview = json(&account.run(["status", "--json"]).expect(0));
    let signins = stream(&overview, 0, "signinattempts");
    assert_eq!((&signins["state"], &signins["died"]), (&"error".into(), &true.into()));
    let text = account.run(["status"]).expect(0).text();
    assert!(text.contains("signin  error ") && text.contains("ended without saying so"), "{text}");
}

#[test]
fn damage_is_shown_and_stops_nothing() {
    let account = Account::new(still([]));
    account.run(["fetch", "--resume", "--consumer", "good"]).expect(0);
    account.run(["fetch", "--resume", "--consumer", "bad"]).expect(0);
    let place = account.sandbox.path("state/opev/profiles/default/consumers/bad");
    for name in ["checkpoint.a", "checkpoint.b", "health.json"] {
        std::fs::write(place.join(name), [0; 4096]).unwrap();
    }
    let text = account.run(["status"]).expect(0).text();
    assert!(text.contains("default  good") && text.contains("the saved position is damaged"), "{text}");
    let check = account.run(["status", "--check"]).expect(1);
    assert!(check.text().starts_with("DAMAGED default bad: "), "{}", check.text());
    assert_eq!(check.lines().len(), 1);
}

#[test]
fn a_service_moves_to_another_machine_without_loss_or_repeat() {
    let options = still([FaultRule::new(Fault::status(404)).stream(Stream::SignInAttempts).on(4)]);
    let since = typed(options.at.unwrap() - chrono::TimeDelta::days(3));
    let golden = Account::new(SimulatorOptions { script: FaultScript::default(), ..options.clone() });
    golden
        .run(["fetch", "signin", "--resume", "-o", "golden", "--page-size", "10", "--since", &since])
        .expect(0);
    let golden = std::fs::read(golden.sandbox.path("golden")).unwrap();

    let mut account = Account::new(options);
    account
        .run(["fetch", "signin", "--resume", "-o", "here", "--page-size", "10", "--since", &since])
        .expect(3);
    let export = account.run(["state", "export", "-o", "here"]).expect(0);
    assert!(!export.text().contains(account.simulator.token().expose()));

    // The other machine has another home, another state directory and the file at another path.
    let here = std::fs::read(account.sandbox.path("here")).unwrap();
    assert!(!here.is_empty() && here.len() < golden.len());
    account.sandbox = Sandbox::new();
    let json = account.sandbox.write("position.json", &export.stdout);
    account.sandbox.write("there", &here);
    account.run(["state", "import", json.to_str().unwrap(), "-o", "there"]).expect(0);
    account.run(["state", "import", json.to_str().unwrap(), "-o", "there"]).expect(8);
    account.run(["fetch", "signin", "--resume", "-o", "there", "--page-size", "10"]).expect(0);
    assert_eq!(std::fs::read(account.sandbox.path("there")).unwrap(), golden);
}

#[test]
fn a_reset_forgets_the_position_and_keeps_the_output() {
    let account = Account::new(still([]));
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    account.run(["fetch", "--resume", "--consumer", "cron"]).expect(0);
    let bytes = std::fs::read(account.sandbox.path("out.ndjson")).unwrap();

    let unasked = account.run(["state", "reset", "--consumer", "cron"]).expect(2);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    account.run(["state", "reset", "--yes"]).expect(2);
    let all = account.run(["state", "export"]).expect(0);
    assert_eq!(all.text().matches("\"opev_state\"").count(), 2);
    let nowhere = account.run(["state", "reset", "--consumer", "corn", "--yes"]).expect(1);
    assert!(nowhere.stderr.contains("choose one of: cron, "), "{}", nowhere.stderr);

    account.run(["state", "reset", "-o", "out.ndjson", "--yes"]).expect(0);
    assert_eq!(std::fs::read(account.sandbox.path("out.ndjson")).unwrap(), bytes);
    let overview = json(&account.run(["status", "--json"]).expect(0));
    assert_eq!(overview["positions"].as_array().unwrap().len(), 1);
    assert_eq!(overview["positions"][0]["consumer"], "cron");

    let both = account.sandbox.write("both.json", &all.stdout);
    let both = both.to_str().unwrap();
    account.run(["state", "import", both, "-o", "elsewhere"]).expect(2);
    account.run(["state", "import", both, "--state-dir", "other"]).expect(0);
    account.run(["status", "--check", "--state-dir", "other"]).expect(0);
    let resumed = account.run(["fetch", "--resume", "-o", "out.ndjson", "--state-dir", "other"]).expect(0);
    assert_eq!(resumed.stderr, "");
    assert_eq!(std::fs::read(account.sandbox.path("out.ndjson")).unwrap(), bytes);
}

#[test]
fn what_is_no_export_is_refused_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let junk = sandbox.write("junk.json", "{\"record\":1}");
    for args in [["state", "import", junk.to_str().unwrap()], ["state", "import", "missing.json"]] {
        let run = sandbox.run(args).expect(2);
        assert!(run.stderr.contains("opev state export"), "{}", run.stderr);
    }
    assert!(!sandbox.path("state").exists());
}

#[test]
fn a_run_that_cannot_begin_is_told_until_one_can() {
    let account = Account::new(still([]));
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    let whole = std::fs::read(account.sandbox.path("out.ndjson")).unwrap();
    std::fs::write(account.sandbox.path("out.ndjson"), &whole[..whole.len() / 2]).unwrap();
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(8);
    let check = account.run(["status", "--check"]).expect(1);
    assert_eq!(check.lines().len(), 1, "{}", check.text());
    assert!(check.text().contains("out.ndjson: FirstPartyGeneric "), "{}", check.text());
    assert!(account.run(["status"]).expect(0).text().contains("the last run could not begin: "));

    std::fs::write(account.sandbox.path("out.ndjson"), &whole).unwrap();
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    account.run(["status", "--check"]).expect(0);
}

#[test]
fn one_state_has_one_word_in_table_and_json() {
    let account = Account::new(still([]));
    account.run(["fetch", "--resume", "--consumer", "cron"]).expect(0);
    let overview = json(&account.run(["status", "--json"]).expect(0));
    let text = account.run(["status"]).expect(0).text();
    for (word, name) in [("signin", "signinattempts"), ("items", "itemusages"), ("audit", "auditevents")] {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{word} "))).unwrap();
        let state = stream(&overview, 0, name)["state"].as_str().unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(state), "{text}");
    }
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest_name_and_one_with_positions_is_not() {
    let account = Account::new(still([]));
    account.sandbox.configure("[profiles.acme]\ntoken_env = \"EVENTS_API_TOKEN\"\n");
    for more in [&[][..], &["--check"], &["--json"]] {
        let refused = account.run([&["status", "--profile", "acne"], more].concat()).expect(3);
        assert!(refused.stderr.contains("did you mean acme?"), "{}", refused.stderr);
        assert!(refused.stdout.is_empty(), "{}", refused.text());
    }
    account.run(["status", "--profile", "acme", "--check"]).expect(1);
    account.run(["fetch", "--resume", "--profile", "acme", "--consumer", "cron"]).expect(0);
    account.sandbox.configure("");
    account.run(["status", "--profile", "acme", "--check"]).expect(0);
}

#[test]
fn a_managed_file_that_is_missing_is_a_problem() {
    let account = Account::new(still([]));
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    account.run(["status", "--check"]).expect(0);
    std::fs::remove_file(account.sandbox.path("out.ndjson")).unwrap();
    let check = account.run(["status", "--check"]).expect(1);
    assert_eq!(check.lines().len(), 1, "{}", check.text());
    assert!(check.text().starts_with("OUTPUT-MISSING default "), "{}", check.text());
    let overview = json(&account.run(["status", "--json"]).expect(0));
    assert_eq!(overview["positions"][0]["output_missing"], true);
    assert_eq!(overview["problems"][0]["problem"], "output_missing");
    assert!(account.run(["status"]).expect(0).text().contains("the file is missing"));
    account.run(["fetch", "--resume", "-o", "out.ndjson"]).expect(0);
    account.run(["status", "--check"]).expect(0);
}

#[test]
fn json_on_a_terminal_harms_it_no_more_than_a_table_and_is_exact_in_a_pipe() {
    let account = Account::new(still([]));
    let name = "odd\u{202e}name\u{9b}";
    account.run(["fetch", "--resume", "--consumer", name]).expect(0);
    let shown = account.run_on_terminal(80, ["status", "--json"]).expect(0);
    assert!(!shown.text().contains(['\u{202e}', '\u{9b}']), "{}", shown.text());
    assert!(shown.text().contains("odd\\u202ename\\u009b"), "{}", shown.text());
    assert_eq!(json(&shown)["positions"][0]["consumer"], name);
    let piped = account.run(["status", "--json"]).expect(0);
    assert!(piped.text().contains(name), "{}", piped.text());
}

#[test]
fn an_edit_anywhere_in_a_managed_file_is_found_by_verify() {
    let account = Account::new(frozen(400));
    let since = beginning(&frozen(400));
    let args = ["fetch", "--resume", "--since", &since, "-o", "out.ndjson"];
    account.run(args).expect(0);
    let path = account.sandbox.path("out.ndjson");
    assert!(account.run(["status", "--verify", "--check"]).expect(0).text().is_empty());
    assert!(account.run(["status", "--verify"]).expect(0).text().contains("holds what was delivered"));
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[200] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    account.run(["status", "--check"]).expect(0);
    let check = account.run(["status", "--verify", "--check"]).expect(1);
    assert!(check.text().starts_with("OUTPUT-CHANGED default "), "{}", check.text());
    let overview = json(&account.run(["status", "--verify", "--json"]).expect(0));
    assert_eq!(overview["positions"][0]["output_verified"], "changed");
    assert_eq!(overview["problems"][0]["problem"], "output_changed");
    assert!(account.run(["status", "--verify"]).expect(0).text().contains("the managed file was changed"));
    std::fs::write(&path, &whole).unwrap();
    account.run(["status", "--verify", "--check"]).expect(0);
    // A rotation that left an empty file in its place is no edit.
    std::fs::rename(&path, account.sandbox.path("out.ndjson.1")).unwrap();
    std::fs::write(&path, "").unwrap();
    let overview = json(&account.run(["status", "--verify", "--json"]).expect(0));
    assert_eq!(overview["positions"][0]["output_verified"], "missing");
}
