//! `fetch --all-profiles`: one output of all, or one output each; a failure stops no other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use crate::harness::{Account, BEFORE_ALL, Sandbox, now, seeded, typed};
use opev::simulator::{EventData, Latency, SeededData, SimulatorOptions};
use serde_json::Value;

/// Profiles named by `names`, each with its own simulator, which stands still, in one sandbox.
fn accounts(names: &[&str]) -> (Sandbox, Vec<Account>) {
    let sandbox = Sandbox::new();
    let mut config = String::new();
    let at = now();
    let accounts: Vec<Account> = names.iter().map(|_| Account::new(seeded(2_000, at))).collect();
    for (name, account) in names.iter().zip(&accounts) {
        config += &profile(&sandbox, name, account);
    }
    sandbox.configure(&config);
    (sandbox, accounts)
}

fn profile(sandbox: &Sandbox, name: &str, account: &Account) -> String {
    let token = sandbox.write(&format!("{name}.token"), account.simulator.token().expose());
    let server = account.simulator.base_url();
    format!("[profiles.{name}]\nbase_url = \"{server}\"\ntoken_file = \"{}\"\n", token.display())
}

#[test]
fn one_profile_comes_after_another_and_each_event_names_its_own() {
    let (sandbox, _accounts) = accounts(&["a", "b", "c"]);
    // b's token is another's: not this simulator's fault.
    sandbox.write("b.token", "not-a-token");
    let run = sandbox.run(["fetch", "--all-profiles", "--since", "7d"]).expect(10);
    let profiles: Vec<String> = run
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["profile"].as_str().unwrap().to_owned())
        .collect();
    assert!(profiles.is_sorted() && profiles.contains(&"a".into()) && profiles.contains(&"c".into()));
    assert!(!profiles.contains(&"b".into()));
    assert!(run.stderr.contains("error: profile b: "), "{}", run.stderr);
}

#[test]
fn an_array_is_one_array_and_a_header_one_header() {
    let (sandbox, _accounts) = accounts(&["a", "b"]);
    let single = sandbox.run(["fetch", "--profile", "a", "--since", BEFORE_ALL]).expect(0).lines().len();
    let run = sandbox.run(["fetch", "--all-profiles", "--since", BEFORE_ALL, "--format", "json"]).expect(0);
    let events: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(events.len(), 2 * single);
    let run = sandbox.run(["fetch", "--all-profiles", "--since", "7d", "--format", "csv"]).expect(0);
    assert_eq!(run.lines().iter().filter(|line| line.starts_with("stream,profile,")).count(), 1);
    // Nothing in it, and still one array.
    let none = ["fetch", "--all-profiles", "--since", "90d", "--until", "80d", "--format", "json"];
    assert_eq!(sandbox.run(none).expect(0).text(), "[]\n");
    // The last one fails: the array is whole all the same.
    sandbox.write("b.token", "not-a-token");
    let run = sandbox.run(["fetch", "--all-profiles", "--since", BEFORE_ALL, "--format", "json"]).expect(10);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&run.stdout).unwrap().len(), single);
}

#[test]
fn summaries_and_hits_are_of_all_profiles_together() {
    let sandbox = Sandbox::new();
    let data = |seed| EventData::Seeded(SeededData { seed, events: 3_000, ..SeededData::default() });
    let accounts =
        [1, 2].map(|seed| Account::new(SimulatorOptions { data: data(seed), ..SimulatorOptions::default() }));
    let both: String =
        accounts.iter().zip(["a", "b"]).map(|(account, name)| profile(&sandbox, name, account)).collect();
    sandbox.configure(&both);
    let (since, until) = (typed(now() - TimeDelta::days(20)), typed(now() - TimeDelta::days(1)));
    let range = ["--since", &since, "--until", &until, "--format", "ndjson"];
    let lines = |command: &[&str], whose: &[&str]| {
        let run = sandbox.run([command, whose, &range].concat()).expect(0);
        run.lines().iter().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let of = [&["--all-profiles"][..], &["--profile", "a"], &["--profile", "b"]];
    let counts = of.map(|whose| {
        let rows = lines(&["summary", "--by", "stream"], whose);
        let count =
            |row: &Value| (row["stream"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap());
        rows.iter().map(count).collect::<BTreeMap<_, _>>()
    });
    for (stream, count) in &counts[0] {
        assert_eq!(*count, counts[1][stream] + counts[2][stream], "{stream}");
    }
    assert_eq!(counts[0].len(), 3);
    let [all, a, b] = of.map(|whose| {
        let hits = lines(&["detect", "--level", "medium"], whose);
        hits.iter().map(|hit| hit["rule"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    });
    assert!(a.len() > 5 && a.union(&b).all(|rule| all.contains(rule)), "{all:?} {a:?} {b:?}");
    // A profile that fails is named, and the others are looked at.
    sandbox.write("b.token", "not-a-token");
    for command in [&["summary", "--by", "stream"][..], &["detect", "--level", "medium"]] {
        let run = sandbox.run([command, &["--all-profiles"], &range].concat()).expect(10);
        assert!(run.stderr.contains("error: profile b: ") && !run.stdout.is_empty(), "{}", run.stderr);
    }
}

#[test]
fn each_profile_has_a_file_of_its_own_and_a_disabled_one_none() {
    let (sandbox, accounts) = accounts(&["a", "b"]);
    let off = format!("{}enabled = false\n", profile(&sandbox, "off", &accounts[0]));
    let config = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    sandbox.configure(&format!("{config}{off}"));
    let run = sandbox.run(["fetch", "--all-profiles", "--since", "7d", "-o", "all.ndjson"]).expect(2);
    assert!(run.stderr.contains("{profile}"), "{}", run.stderr);
    assert!(!sandbox.path("all.ndjson").exists());
    for resume in [&[][..], &["--resume"]] {
        let name = format!("{{profile}}{}.ndjson", resume.len());
        let args = [&["fetch", "--all-profiles", "--since", BEFORE_ALL, "-o", &name], resume].concat();
        sandbox.run(&args).expect(0);
        for profile in ["a", "b"] {
            let one = sandbox.run(["fetch", "--profile", profile, "--since", BEFORE_ALL]).expect(0).uuids();
            let bytes = std::fs::read(sandbox.path(&name.replace("{profile}", profile))).unwrap();
            assert_eq!(crate::harness::uuids(&bytes).len(), one.len(), "{profile}");
        }
        assert!(!sandbox.path(&name.replace("{profile}", "off")).exists());
    }
}

#[test]
fn jobs_counts_requests_over_all_profiles() {
    let latency = Latency { fixed: Duration::from_millis(5), jitter: Duration::ZERO };
    let account =
        Account::new(SimulatorOptions { latency, one_at_a_time: true, ..SimulatorOptions::default() });
    let sandbox = Sandbox::new();
    let profiles = ["a", "b", "c", "d"].map(|name| profile(&sandbox, name, &account));
    sandbox.configure(&profiles.concat());
    let args = ["fetch", "--all-profiles", "--since", "7d", "-o", "{profile}.ndjson", "--jobs", "1"];
    sandbox.run(args).expect(0);
    let report = account.simulator.report();
    assert!(report.broken.is_empty(), "{:?}", report.broken);
}

#[test]
fn a_reader_that_has_enough_spares_the_other_accounts() {
    let (sandbox, accounts) = accounts(&["a", "b"]);
    let line = format!("{} fetch --all-profiles --since 30d | head -1", crate::harness::program().display());
    let mut shell = std::process::Command::new("sh");
    let from = sandbox.command([""; 0]);
    shell.args(["-c", &line]).env_clear().envs(from.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let run = crate::harness::Run::of(shell.output().unwrap()).expect(0);
    assert_eq!((run.lines().len(), run.stderr.as_str()), (1, ""));
    assert!(accounts[1].simulator.requests().is_empty());
}

#[test]
fn every_event_of_many_profiles_names_its_tenant() {
    let (sandbox, _accounts) = accounts(&["a", "b"]);
    let config = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    sandbox.configure(&format!("{config}tag = \"tenant:other\"\n"));
    let run = sandbox.run(["fetch", "--all-profiles", "--since", "7d", "--shape", "ecs"]).expect(0);
    let tenants: Vec<Value> = run
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["labels"]["tenant"].clone())
        .collect();
    assert!(
        tenants.contains(&"a".into()) && tenants.contains(&"other".into()) && !tenants.contains(&"b".into())
    );
    assert!(tenants.iter().all(Value::is_string));
}

#[test]
fn every_profile_delivers_batches_of_its_own_and_one_that_fails_stops_no_other() {
    let (sandbox, _accounts) = accounts(&["a", "b", "c"]);
    sandbox.write("b.token", "not-a-token");
    let store = "mkdir -p got; cat > got/$OPEV_BATCH_PROFILE.$OPEV_BATCH_ID; [ -z \"${EVENTS_API_TOKEN-}\" ]";
    let since = typed(now() - TimeDelta::days(7));
    let before = sandbox.run(["fetch", "--profile", "a", "--since", &since]).expect(0).uuids();
    let deliver =
        ["fetch", "--all-profiles", "--resume", "--since", &since, "--batch-max", "50", "--exec", store];
    sandbox.run(deliver).expect(10);
    let mut delivered = std::collections::BTreeMap::<String, Vec<String>>::new();
    for entry in std::fs::read_dir(sandbox.path("got")).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let name = entry.file_name().into_string().unwrap();
        let profile = name.split('.').next().unwrap();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&event["profile"], &event["tags"]["tenant"]), (&profile.into(), &profile.into()));
            let uuid = event["event"]["uuid"].as_str().unwrap();
            delivered.entry(profile.to_owned()).or_default().push(uuid.to_owned());
        }
    }
    assert_eq!(delivered.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert!(before.len() > 50 && before.iter().all(|uuid| delivered["a"].contains(uuid)));
}
