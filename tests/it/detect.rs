//! `opev detect`: planted incidents are found, whatever the order of events, files and threads; hits are told once,
//! in forms for programs and people; rules that are wrong are refused with their place.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use chrono::{DateTime, TimeDelta, Utc};
use opev::simulator::{EventData, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::harness::{Account, Run, Sandbox, now, seeded, start, typed};

const EVENTS: u64 = 12_000;

/// An account with 30 days of events, and all of them in `all.ndjson`.
fn saved(at: DateTime<Utc>, seed: u64, events: u64, hostile: bool) -> Account {
    let data = EventData::Seeded(SeededData { seed, events, hostile, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(events, at) });
    account.run(["fetch", "--since", &typed(at - TimeDelta::days(31)), "-o", "all.ndjson"]).expect(0);
    account
}

fn hits(run: &Run) -> Vec<Value> {
    String::from_utf8_lossy(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn time(hit: &Value, key: &str) -> DateTime<Utc> {
    hit[key].as_str().unwrap().parse().unwrap()
}

/// When the incidents of the made-up company begin that are over before `at`, in the days before it.
fn incidents(at: DateTime<Utc>, days: i64) -> Vec<DateTime<Utc>> {
    let first = DateTime::<Utc>::from_timestamp(4 * 86_400 + 3_600, 0).unwrap();
    let count = (at - first).num_hours() / 21;
    let begins = (count - 200..=count).map(|number| first + TimeDelta::hours(21 * number));
    begins
        .filter(|begin| *begin > at - TimeDelta::days(days) && *begin + TimeDelta::minutes(110) < at)
        .collect()
}

#[test]
fn every_planted_incident_is_found_in_each_of_its_parts() {
    let at = now();
    let account = saved(at, 1, EVENTS, false);
    let run = account.sandbox.run(["detect", "--from", "all.ndjson"]).expect(0);
    let hits = hits(&run);
    let begins = incidents(at, 28);
    assert!(begins.len() > 25, "{}", begins.len());
    for begin in begins {
        for (rule, from, to) in [
            ("password-spray", 10, 23),
            ("guessed-then-second-factor", 10, 23),
            ("failures-then-success", 24, 30),
            ("sso-changed", 30, 33),
            ("blocked-by-firewall", 45, 66),
            ("rights-piled-up", 46, 53),
            ("items-exported", 75, 77),
            ("many-items-in-minutes", 75, 77),
            ("vault-export", 76, 78),
            ("own-vault-rights", 82, 84),
            ("own-rights-then-use", 82, 92),
            ("export-then-suspended", 75, 100),
        ] {
            // Scenes are made of arrivals, and an event happened up to half a second before it arrived.
            let (from, to) = (begin + TimeDelta::minutes(from), begin + TimeDelta::minutes(to));
            let from = from - TimeDelta::seconds(1);
            let is_it =
                |hit: &&Value| hit["rule"] == rule && time(hit, "first") <= to && time(hit, "last") >= from;
            assert!(hits.iter().any(|hit| is_it(&hit)), "{rule} at {from}");
        }
    }
}

#[test]
fn the_hits_do_not_depend_on_the_order_of_events_and_files_or_on_threads() {
    let at = now();
    let account = saved(at, 3, EVENTS, false);
    let sandbox = &account.sandbox;
    let text = std::fs::read_to_string(sandbox.path("all.ndjson")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let level = ["--level", "info"];
    let expected =
        sandbox.run([&["detect", "--from", "all.ndjson", "--jobs", "1"], &level[..]].concat()).expect(0);
    assert!(hits(&expected).len() > 500);
    let mut state = 7_u64;
    for round in 0..4 {
        for index in (1..lines.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            lines.swap(index, (state >> 33) as usize % (index + 1));
        }
        let parts = ["b", "c", "a", "d"].map(|name| format!("part-{name}.ndjson"));
        for (part, lines) in parts.iter().zip(lines.chunks(lines.len() / 4 + 1)) {
            sandbox.write(part, format!("{}\n", lines.join("\n")));
        }
        let jobs = ["1", "2", "8", "16"][round];
        let mut args = vec!["detect", "--jobs", jobs, "--level", "info", "--from"];
        args.extend(parts.iter().map(String::as_str));
        let run = sandbox.run(args).expect(0);
        assert!(run.stdout == expected.stdout, "round {round}");
    }
}

#[test]
fn the_service_a_file_and_a_pipe_give_the_same_hits() {
    let at = now();
    let account = saved(at, 1, 3_000, false);
    let args = ["detect", "--only", "!stream-silent"];
    let since = typed(at - TimeDelta::days(31));
    let from_service = account.run([&args[..], &["--since", &since]].concat()).expect(0);
    let from_file = account.sandbox.run([&args[..], &["--from", "all.ndjson"]].concat()).expect(0);
    assert!(!hits(&from_file).is_empty());
    assert_eq!(from_service.stdout, from_file.stdout);
    let mut command = account.sandbox.command([&args[..], &["--from", "-"]].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(command);
    let text = std::fs::read(account.sandbox.path("all.ndjson")).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    assert_eq!(Run::wait(child).expect(0).stdout, from_file.stdout);
}

#[test]
fn what_to_look_at_next_is_a_command_that_works() {
    let at = now();
    let account = saved(at, 1, 3_000, false);
    let hits = hits(&account.sandbox.run(["detect", "--from", "all.ndjson"]).expect(0));
    let mut tried = std::collections::BTreeSet::new();
    for hit in &hits {
        if !tried.insert(hit["rule"].as_str().unwrap().to_owned()) {
            continue;
        }
        let next = hit["next"].as_str().unwrap();
        let args: Vec<&str> = next.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect();
        if args[0] == "fetch" {
            let run = account.run(&args).expect(0);
            assert!(!run.stdout.is_empty(), "{next}");
        }
    }
    assert!(tried.len() > 8, "{tried:?}");
}

#[test]
fn a_hit_that_matters_ends_with_1_and_others_do_not() {
    let sandbox = Sandbox::new();
    let event = r#"{"uuid":"E","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","object_uuid":"V","actor_uuid":"A"}"#;
    sandbox.write("e.ndjson", event);
    let args = ["detect", "--from", "e.ndjson", "--fail-on"];
    let run = sandbox.run([&args[..], &["medium"]].concat()).expect(1);
    let hit = &hits(&run)[0];
    assert_eq!((hit["rule"].as_str(), hit["count"].as_u64()), (Some("vault-export"), Some(1)));
    assert_eq!(hit["events"][0], "E");
    sandbox.run([&args[..], &["high"]].concat()).expect(0);
    let run = sandbox.run(["detect", "--from", "e.ndjson", "--format", "table"]).expect(0);
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.starts_with("MEDIUM    A vault was exported (vault-export)\n"), "{text}");
    let run = sandbox.run(["detect", "--from", "e.ndjson", "--only", "sso-*", "--format", "json"]).expect(0);
    assert_eq!(String::from_utf8(run.stdout).unwrap(), "[]\n");
}

#[test]
fn a_command_gets_each_hit_on_its_standard_input_and_no_token() {
    let at = now();
    let account = saved(at, 1, 3_000, true);
    let command = "cat >> got.ndjson; env >> env.txt; echo $OPEV_RULE >> rules.txt";
    let since = typed(at - TimeDelta::days(31));
    let run = account.run(["detect", "--level", "high", "--since", &since, "--exec", command]).expect(0);
    let got = std::fs::read(account.sandbox.path("got.ndjson")).unwrap();
    assert!(!got.is_empty() && got == run.stdout);
    let rules = std::fs::read_to_string(account.sandbox.path("rules.txt")).unwrap();
    let told: Vec<String> = hits(&run).iter().map(|hit| hit["rule"].as_str().unwrap().to_owned()).collect();
    assert_eq!(rules.lines().collect::<Vec<_>>(), told);
    let environment = std::fs::read_to_string(account.sandbox.path("env.txt")).unwrap();
    assert!(environment.contains("OPEV_LEVEL="), "{environment}");
    assert!(!environment.contains(account.simulator.token().expose()));
}

#[test]
fn a_command_that_fails_is_told_and_ends_the_run_with_7() {
    let sandbox = Sandbox::new();
    let event = r#"{"uuid":"E","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","actor_uuid":"A"}"#;
    sandbox.write("e.ndjson", event);
    let run =
        sandbox.run(["detect", "--from", "e.ndjson", "--exec", "echo no such pager >&2; exit 3"]).expect(7);
    let text = run.stderr.clone();
    assert!(text.contains("a hit of vault-export was not handed over"), "{text}");
    assert!(text.contains("exit code 3: no such pager"), "{text}");
}

const GOOD: &str = r#"id = "mine"
title = "Mine"
level = "high"
kind = "match"
stream = "audit"
action = "export"

[[test]]
hits = 1
event = [{ action = "export", object_type = "vault", actor_uuid = "A" }]

[[test]]
hits = 0
event = [{ action = "create", object_type = "vault", actor_uuid = "A" }]
"#;

#[test]
fn a_bad_rule_is_refused_with_file_line_and_column_before_anything_is_looked_at() {
    let sandbox = Sandbox::new();
    for (from, to, told) in [
        ("kind = \"match\"", "knd = \"match\"", "r.toml:4:1: unknown key knd"),
        ("kind = \"match\"", "kind = \"macth\"", "r.toml:4:8: kind: no such kind macth"),
        ("level = \"high\"", "level = \"hihg\"", "r.toml:3:9: level: no such level"),
        (
            "stream = \"audit\"",
            "stream = \"adit\"",
            "r.toml:5:10: stream: no such stream; did you mean audit?",
        ),
        ("action = \"export\"\n", "ip = \"10.0.0.0/33\"\n", "r.toml:6:6: ip 10.0.0.0/33: a network's length"),
        ("action = \"export\"\n", "country = \"Germny\"\n", "r.toml:6:11: country Germny: no such country"),
        (
            "action = \"export\"\n",
            "vault = \"@privleged_vaults\"\n",
            "r.toml:6:9: vault: no such list @privleged_vaults",
        ),
        ("action = \"export\"\n", "grep = \"(\"\n", "r.toml:6:8: grep (: not a regular expression"),
        ("hits = 1", "hits = 2", "r.toml:8:1: the test of mine has 1 hits and should have 2"),
        ("hits = 0", "hits = 1", "the rule mine has no test that nearly hits"),
        ("hits = 1\n", "hits = 0\n", "the rule mine has no test that hits"),
        ("id = \"mine\"", "id = \"vault-export\"", "r.toml:1:1: the id vault-export is taken by"),
        ("id = \"mine\"", "id = mine", "r.toml:1:6: "),
        ("level = \"high\"\n", "", "r.toml:1:1: level is missing"),
        (
            "kind = \"match\"",
            "kind = \"match\"\nnext = \"opev show {evnt}\"",
            "r.toml:5:1: next: no such placeholder {evnt}",
        ),
        ("kind = \"match\"", "kind = \"match\"\nby = \"usr\"", "r.toml:5:6: by: no such field usr"),
        ("kind = \"match\"", "kind = \"count\"", "r.toml:4:8: a rule of the kind count needs threshold"),
        ("kind = \"match\"", "kind = \"match\"\nwithin = \"1\"", "r.toml:5:10: within: a unit is missing"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        sandbox.write("r.toml", GOOD.replacen(from, to, 1));
        let run = sandbox.run(["detect", "--rules", "r.toml", "--from", "no-such-file"]).expect(2);
        let text = run.stderr.clone();
        assert!(text.contains(told), "{to}: {text}");
        assert!(run.stdout.is_empty());
    }
    sandbox.write("r.toml", GOOD);
    let run = sandbox.run(["detect", "--test", "r.toml"]).expect(0);
    assert_eq!(String::from_utf8(run.stdout).unwrap(), "1 rules, 2 tests: all passed\n");
}

#[test]
fn a_rule_without_an_end_or_of_more_than_a_mebibyte_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("e.ndjson", "");
    // With a comment that makes it just as long as a rule may be.
    let whole = format!("{GOOD}#{}\n", " ".repeat((1 << 20) - GOOD.len() - 2));
    sandbox.write("longest.toml", &whole);
    sandbox.run(["detect", "--rules", "longest.toml", "--from", "e.ndjson"]).expect(0);
    sandbox.write("longer.toml", format!("{whole} "));
    sandbox.write("longer.yml", " ".repeat((1 << 20) + 1));
    std::os::unix::fs::symlink("/dev/zero", sandbox.path("endless.yml")).unwrap();
    for name in ["longer.toml", "longer.yml", "endless.yml", "/dev/zero"] {
        for args in [&["detect", "--from", "e.ndjson", "--rules", name][..], &["detect", "--test", name]] {
            let run = sandbox.run(args).expect(2);
            let told = format!("cannot read the rule {name}: it is greater than 1 MiB");
            assert!(run.stderr.contains(&told) && run.stdout.is_empty(), "{name}: {}", run.stderr);
            assert!(run.stderr.contains(" hint: name a file or a folder of rules"), "{}", run.stderr);
        }
    }
}

#[test]
fn rules_and_lists_of_the_profile_count() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("rules")).unwrap();
    sandbox.write("rules/mine.toml", GOOD);
    sandbox.write("rules/notes.txt", "not a rule");
    let rules = sandbox.path("rules");
    sandbox.configure(&format!(
        "[profiles.default]\nrules = [{rules:?}]\n[profiles.default.lists]\nbreak_glass = [\"e@x.test\"]\n"
    ));
    let events = r#"{"uuid":"1","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","actor_uuid":"A"}
{"uuid":"2","timestamp":"2026-01-05T11:00:00Z","category":"success","target_user":{"uuid":"E","email":"e@x.test"}}
"#;
    sandbox.write("e.ndjson", events);
    let run = sandbox.run(["detect", "--from", "e.ndjson"]).expect(0);
    let found: BTreeMap<String, u64> = hits(&run)
        .iter()
        .map(|hit| (hit["rule"].as_str().unwrap().to_owned(), hit["count"].as_u64().unwrap()))
        .collect();
    let expected = [("break-glass-signin", 1), ("mine", 1), ("vault-export", 1)];
    assert_eq!(found, expected.map(|(rule, count)| (rule.to_owned(), count)).into());
    sandbox.configure("[profiles.default.lists]\nbreak_glas = [\"e@x.test\"]\n");
    let run = sandbox.run(["detect", "--from", "e.ndjson"]).expect(3);
    let text = run.stderr.clone();
    assert!(
        text.contains(":1: unknown list break_glas") && text.contains("did you mean break_glass?"),
        "{text}"
    );
}

#[test]
fn rules_are_found_by_words_by_lists_and_by_the_ids_of_published_rules() {
    let sandbox = Sandbox::new();
    let list = |word: &str| {
        let run = sandbox.run(["detect", "--list", word, "--format", "ndjson"]).expect(0);
        hits(&run).iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("sentinel.privesc_vault"), ["own-vault-rights"]);
    assert!(list("T1555.005").len() > 10);
    assert_eq!(list("break_glass"), ["break-glass-signin"]);
    let run = sandbox.run(["detect", "--list", "nonsense"]).expect(2);
    assert!(run.stderr.clone().contains("no rule has nonsense"));
    let run = sandbox.run(["detect", "--explain", "vault-exprt"]).expect(2);
    assert!(run.stderr.clone().contains("did you mean vault-export?"));
    let run = sandbox.run(["detect", "--explain", "sentinel.vault_export"]).expect(0);
    assert!(String::from_utf8(run.stdout).unwrap().starts_with("A vault was exported\n"));
}

#[test]
fn foreign_text_in_hits_is_harmless_on_a_terminal_and_in_what_to_do_next() {
    let sandbox = Sandbox::new();
    let event = r#"{"uuid":"E\u001b[2J","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","actor_uuid":"$(rm -rf ~)';\u001b[31mx"}"#;
    sandbox.write("e.ndjson", event);
    let run = sandbox.run(["detect", "--from", "e.ndjson", "--format", "table"]).expect(0);
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(text.contains(r"opev fetch --user '$(rm -rf ~)'\'';[31mx' --since"), "{text}");
}

/// Run with `cargo test --release --test it -- --ignored false_alarms --nocapture`.
#[test]
#[ignore = "reads 90 days of five companies: minutes without optimisation"]
fn false_alarms_of_quiet_life_are_fewer_than_one_a_week() {
    let at = now();
    let mut alarms: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut worst = 0;
    for seed in 1..=5 {
        let data = SeededData { seed, events: 36_000, days: 90, ..SeededData::default() };
        let account = Account::new(SimulatorOptions { data: EventData::Seeded(data), ..seeded(36_000, at) });
        let since = typed(at - TimeDelta::days(90));
        let run = account.run(["detect", "--since", &since, "--level", "medium"]).expect(0);
        let begins = incidents(at, 92);
        let is_planted = |hit: &Value| {
            begins.iter().any(|begin| {
                let (from, to) = (*begin + TimeDelta::minutes(9), *begin + TimeDelta::minutes(101));
                time(hit, "first") <= to && time(hit, "last") >= from
            })
        };
        let false_ones: Vec<Value> = hits(&run).into_iter().filter(|hit| !is_planted(hit)).collect();
        worst = worst.max(false_ones.len());
        for hit in false_ones {
            let key = |name: &str| hit[name].as_str().unwrap().to_owned();
            *alarms.entry((key("level"), key("rule"))).or_default() += 1;
        }
    }
    for ((level, rule), count) in &alarms {
        println!("{level:<9} {rule:<28} {count} in 5 x 90 days");
    }
    assert!(worst <= 90 / 7, "{worst} in 90 days: {alarms:?}");
}
