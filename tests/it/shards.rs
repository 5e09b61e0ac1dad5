//! `--shard K/N`: several processes share many accounts. No two hold the same one at a time, and each event comes once
//! per account, whoever dies and however many processes there are.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opev::simulator::{Latency, LoggedRequest, RequestTarget, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{beginning, counts, frozen, truth, until};
use crate::harness::{Account, Sandbox};

const ACCOUNTS: usize = 30;
const PODS: usize = 6;
/// How many there are in the end.
const FEWER: usize = 4;

/// A configuration of accounts, each with a service of its own.
fn fleet(size: usize, events: u64, latency: Latency) -> (Sandbox, BTreeMap<String, Account>, String) {
    let sandbox = Sandbox::new();
    let (mut accounts, mut config, mut since) = (BTreeMap::new(), String::new(), String::new());
    for number in 0..size {
        let name = format!("account-{number:03}");
        let options = SimulatorOptions { latency, ..frozen(events) };
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
    let (sandbox, accounts, _) = fleet(ACCOUNTS, 120, Latency::default());
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
    let (sandbox, ..) = fleet(ACCOUNTS, 120, Latency::default());
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

/// The process of one part, which takes its number as a pod of an Indexed Job does, and waits for accounts that
/// others hold.
fn pod(sandbox: &Sandbox, since: &str, index: usize, count: usize) -> Child {
    let shard = format!("job/{count}");
    let args = ["fetch", "--all-profiles", "--resume", "--since", since, "-o", "{profile}.ndjson"];
    let rest = ["--page-size", "10", "--lock-wait", "10m", "-v", "--shard", &shard];
    let mut command: Command = sandbox.command(args.into_iter().chain(rest));
    command.env("JOB_COMPLETION_INDEX", index.to_string());
    // Into a file: nobody reads a pipe while the pods run.
    let log = sandbox.write(&format!("pod-{index}-of-{count}-{}.log", next_number()), "");
    let log = std::fs::File::options().append(true).open(log).unwrap();
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn next_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// How often two runs asked for the same stream of an account at the same time. One run asks for a page when it has
/// the page before. A request that was under way when its run was killed does not count: its connection asks for
/// nothing more.
fn simultaneous_requests(account: &Account) -> usize {
    let all = account.simulator.requests();
    let mut last_of_connection = BTreeMap::new();
    for request in &all {
        last_of_connection.insert(request.connection, request.at);
    }
    let ends = |request: &LoggedRequest| request.answered.unwrap_or(Duration::MAX);
    let overlap = |one: &LoggedRequest, other: &LoggedRequest| {
        one.target == other.target
            && one.at <= other.at
            && other.at < ends(one)
            && last_of_connection[&one.connection] > other.at
    };
    let pairs =
        all.iter().enumerate().flat_map(|(at, one)| all[at + 1..].iter().map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| matches!(one.target, Some(RequestTarget::Stream(..))) && overlap(one, other))
        .count()
}

#[test]
fn two_runs_that_share_no_state_are_seen_to_ask_at_the_same_time() {
    // That the proof below can fail: without a common lock the same account is read twice at once.
    let latency = Latency { fixed: Duration::from_millis(40), jitter: Duration::ZERO };
    let (sandbox, accounts, since) = fleet(1, 600, latency);
    let run = |state: &str| {
        let args = [
            "fetch",
            "--since",
            &since,
            "--resume",
            "--consumer",
            "x",
            "--page-size",
            "10",
            "--state-dir",
            state,
        ];
        let mut command = sandbox.command(args.into_iter().chain(["--profile", "account-000"]));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let runs = [run("one"), run("two")];
    runs.into_iter().for_each(|run| drop(crate::harness::Run::wait(run).expect(0)));
    assert!(accounts.values().map(simultaneous_requests).sum::<usize>() > 0);
}

/// Six pods, of which two are killed and come back; then four, which begin while the six are at work.
fn survive(size: usize, events: u64, latency: u64) {
    let latency = Duration::from_millis(latency);
    let latency = Latency { fixed: latency, jitter: latency };
    let (sandbox, accounts, since) = fleet(size, events, latency);
    let begun = Instant::now();
    let files = || accounts.keys().filter(|name| sandbox.path(&format!("{name}.ndjson")).exists()).count();
    let mut pods: Vec<Child> = (0..PODS).map(|index| pod(&sandbox, &since, index, PODS)).collect();
    until("a sixth of the accounts", || files() >= size / 6);
    let mut killed = 0;
    for (index, place) in pods.iter_mut().take(PODS / 3).enumerate() {
        place.kill().unwrap();
        killed += usize::from(!place.wait().unwrap().success());
        *place = pod(&sandbox, &since, index, PODS);
    }
    until("a third of the accounts", || files() >= size / 3);
    // Two pods less, on the same state, before the others have ended: an account is waited for by whom it moves to.
    let files_then = files();
    pods.extend((0..FEWER).map(|index| pod(&sandbox, &since, index, FEWER)));
    for mut pod in pods {
        assert!(pod.wait().unwrap().success());
    }
    let logs: String = (0..next_number())
        .flat_map(|number| (0..PODS).flat_map(move |index| [(index, PODS, number), (index, FEWER, number)]))
        .filter_map(|(index, count, number)| {
            std::fs::read_to_string(sandbox.path(&format!("pod-{index}-of-{count}-{number}.log"))).ok()
        })
        .collect();
    let mut all = 0;
    for (name, account) in &accounts {
        let file = std::fs::read(sandbox.path(&format!("{name}.ndjson"))).unwrap();
        let found = counts(&file);
        assert_eq!(found, truth(account), "{name}");
        assert_eq!(simultaneous_requests(account), 0, "{name} was held twice");
        all += found.len();
    }
    let waits = logs.matches("waiting up to").count();
    eprintln!(
        "{size} accounts, {all} events, {:.0} s; {killed} of {PODS} pods killed; {FEWER} pods began with {files_then} \
         accounts begun, and waited {waits} times for one",
        begun.elapsed().as_secs_f64()
    );
}

#[test]
fn a_third_of_the_pods_dies_and_their_number_changes_and_every_event_comes_once_per_account() {
    survive(ACCOUNTS, 120, 3);
}

#[test]
#[ignore = "some minutes"]
fn three_hundred_accounts_on_six_pods_of_which_a_third_dies() {
    survive(300, 300, 50);
}
