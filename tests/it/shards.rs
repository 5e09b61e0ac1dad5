//! `--shard K/N`: several processes share many accounts. No two hold the same one, and each event comes once per
//! account, whoever dies and however many processes there are.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opev::simulator::{Latency, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{Dice, beginning, counts, frozen, truth};
use crate::harness::{Account, Sandbox};

const ACCOUNTS: usize = 30;
const PODS: usize = 6;

/// A configuration of accounts, each with a service of its own.
fn fleet(latency: Latency) -> (Sandbox, BTreeMap<String, Account>, String) {
    let sandbox = Sandbox::new();
    let (mut accounts, mut config, mut since) = (BTreeMap::new(), String::new(), String::new());
    for number in 0..ACCOUNTS {
        let name = format!("account-{number:02}");
        let options = SimulatorOptions { latency, ..frozen(120) };
        since = beginning(&options);
        let account = Account::new(options);
        let token = sandbox.write(&format!("{name}.token"), account.simulator.token().expose());
        let server = account.simulator.base_url();
        config +=
            &format!("[profiles.{name}]\nbase_url = \"{server}\"\ntoken_file = \"{}\"\n", token.display());
        accounts.insert(name, account);
    }
    sandbox.configure(&config);
    (sandbox, accounts, since)
}

/// The profiles of a part.
fn part(sandbox: &Sandbox, shard: &str) -> Vec<String> {
    let run = sandbox.run(["token-check", "--all-profiles", "--shard", shard, "--offline", "--json"]);
    let found: Value = serde_json::from_slice(&run.expect(0).stdout).unwrap();
    let name = |one: &Value| one["profile"].as_str().unwrap().to_owned();
    found.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn each_profile_belongs_to_one_part_and_moves_only_when_it_must() {
    let (sandbox, accounts, _) = fleet(Latency::default());
    let parts = |count: usize| -> BTreeMap<String, usize> {
        let all = (1..=count)
            .flat_map(|k| part(&sandbox, &format!("{k}/{count}")).into_iter().map(move |p| (p, k)));
        let all: Vec<_> = all.collect();
        assert_eq!(all.len(), ACCOUNTS, "none is held twice, none is left");
        all.into_iter().collect()
    };
    let (five, six) = (parts(5), parts(6));
    assert!(five.keys().eq(accounts.keys()));
    for (profile, part) in &six {
        assert!(*part == 6 || five[profile] == *part, "{profile} moved from {} to {part}", five[profile]);
    }
}

#[test]
fn what_is_no_part_is_refused() {
    let (sandbox, ..) = fleet(Latency::default());
    for (shard, words) in
        [("7/6", "there is no part 7 of 6"), ("0/6", "the first is 1/6"), ("half", "not a part")]
    {
        let run = sandbox.run(["fetch", "--all-profiles", "--shard", shard]).expect(2);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    sandbox.run(["fetch", "--shard", "1/6"]).expect(2);
    let run = sandbox.run(["fetch", "--all-profiles", "--shard", "job/6"]).expect(3);
    assert!(run.stderr.contains("JOB_COMPLETION_INDEX is not set"), "{}", run.stderr);
    let mut command = sandbox.command(["fetch", "--all-profiles", "--shard", "job/6"]);
    let run = crate::harness::Run::of(command.env("JOB_COMPLETION_INDEX", "6").output().unwrap()).expect(3);
    assert!(run.stderr.contains("not a number from 0 to 5"), "{}", run.stderr);
    // More parts than profiles: some have nothing to do, which is no failure.
    let most: Vec<usize> = (1..=9).map(|k| part(&sandbox, &format!("{k}/900")).len()).collect();
    assert!(most.contains(&0), "{most:?}");
    let empty = most.iter().position(|size| *size == 0).unwrap() + 1;
    sandbox.run(["fetch", "--all-profiles", "--since", "1h", "--shard", &format!("{empty}/900")]).expect(0);
}

/// The process of one part, which takes its number as a pod of an Indexed Job does.
fn pod(sandbox: &Sandbox, since: &str, index: usize, count: usize) -> Child {
    let shard = format!("job/{count}");
    let args = [
        "fetch",
        "--all-profiles",
        "--resume",
        "--since",
        since,
        "-o",
        "{profile}.ndjson",
        "--page-size",
        "10",
    ];
    let mut command: Command = sandbox.command(args.into_iter().chain(["--shard", &shard]));
    command.env("JOB_COMPLETION_INDEX", index.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_third_of_the_pods_dies_and_their_number_changes_and_every_event_comes_once_per_account() {
    let latency = Latency { fixed: Duration::from_millis(3), jitter: Duration::from_millis(3) };
    let (sandbox, accounts, since) = fleet(latency);
    let mut dice = Dice::new(3);
    let mut pods: Vec<Child> = (0..PODS).map(|index| pod(&sandbox, &since, index, PODS)).collect();
    std::thread::sleep(Duration::from_millis(200 + dice.below(300)));
    pods.iter_mut().take(PODS / 3).for_each(|pod| pod.kill().unwrap());
    for (index, pod) in pods.into_iter().enumerate() {
        let run = crate::harness::Run::wait(pod);
        if index >= PODS / 3 {
            run.expect(0);
        }
    }
    // One pod less, on the same state: what the dead ones had left is read now.
    let pods: Vec<Child> = (0..PODS - 1).map(|index| pod(&sandbox, &since, index, PODS - 1)).collect();
    for pod in pods {
        crate::harness::Run::wait(pod).expect(0);
    }
    for (name, account) in accounts {
        let file = std::fs::read(sandbox.path(&format!("{name}.ndjson"))).unwrap();
        assert_eq!(counts(&file), truth(&account), "{name}");
    }
}
