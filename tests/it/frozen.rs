//! A service whose time stands still, so that two runs against it can be held against each other byte for
//! byte; what the proofs that drive the real program share.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use opev::event::Stream;
use opev::simulator::{ApiForm, EventData, SeededData, SimulatorOptions};

use crate::harness::{Account, LONG, uuids};

/// So many events over the last three days, and never another one.
pub fn frozen(events: u64) -> SimulatorOptions {
    SimulatorOptions {
        at: Some(Utc::now()),
        data: EventData::Seeded(SeededData { seed: 7, events, days: 3, ..SeededData::default() }),
        ..SimulatorOptions::default()
    }
}

/// Before the first event, whenever the test runs.
pub fn beginning(options: &SimulatorOptions) -> String {
    (options.at.unwrap() - chrono::TimeDelta::days(10)).to_rfc3339()
}

/// The arguments of a run that delivers everything into a managed file.
pub fn resume_to<'a>(file: &'a str, since: &'a str) -> Vec<&'a str> {
    vec!["fetch", "--resume", "-o", file, "--since", since]
}

/// What an undisturbed run writes with these arguments, from a state directory of its own.
#[track_caller]
pub fn undisturbed(account: &Account, args: &[&str], file: &str) -> Vec<u8> {
    let state = account.sandbox.path("state-of-the-undisturbed");
    account.run(args.iter().copied().chain(["--state-dir", state.to_str().unwrap()])).expect(0);
    std::fs::read(account.sandbox.path(file)).unwrap()
}

/// Everything the service has, of all streams: how often each uuid has to come out.
pub fn truth(account: &Account) -> BTreeMap<String, usize> {
    let all = |_: &DateTime<Utc>| true;
    let facts = Stream::ALL.into_iter().flat_map(|s| account.simulator.truth(s, ApiForm::V2, ..));
    facts.filter(|fact| all(&fact.timestamp)).fold(BTreeMap::new(), |mut counts, fact| {
        *counts.entry(fact.uuid).or_default() += 1;
        counts
    })
}

/// How often each uuid is in some NDJSON, all of whose lines must be whole.
#[track_caller]
pub fn counts(ndjson: &[u8]) -> BTreeMap<String, usize> {
    uuids(ndjson).into_iter().fold(BTreeMap::new(), |mut counts, uuid| {
        *counts.entry(uuid).or_default() += 1;
        counts
    })
}

/// Waits until something is so; a test that waits in vain fails in the end.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The same command, started by a shell that first runs `before` (a `trap`, a `ulimit`, a redirection).
pub fn after_shell(command: &Command, before: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}; exec \"$@\""), "sh"]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap_or(Path::new("/"))).stdin(Stdio::null());
    // A group of its own: what the test sends goes to the run alone.
    shell.process_group(0);
    shell
}

/// Numbers that look like chance and are the same in every run.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of this seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
