//! `opev tail` over a long time: half an hour of virtual time with every fault there is, and three minutes
//! of real time.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use opev::cancel::Cancel;
use opev::cli::{Cli, Command, ConsoleArgs};
use opev::clock::{Clock, ManualClock, RealClock};
use opev::command::{End, Invocation, tail};
use opev::config::Environment;
use opev::console::{Console, ConsoleOptions, LogFormat};
use opev::runtime::Runtime;
use opev::simulator::{BrokenRule, ClientReport, ClientRule, RunningSimulator, Simulator};

use crate::harness::{Account, Sandbox, seeded, uuids};
use crate::tail::{assert_once_each, live};

/// Every fault that a service may recover from, each again and again.
const FAULTS: [&str; 24] = [
    "status=429,retry-after=2@every:41",
    "status=429,ratelimit@37-39",
    "status=500@every:23",
    "status=503,retry-after=date:5@every:43",
    "status=502,body=html@every:47",
    "cut=before@every:29",
    "cut=in-head@every:31",
    "cut=after-head@every:53",
    "cut=in-body@every:19",
    "cut=unframed@every:59",
    "cut-json@every:61",
    "bad-json@every:67",
    "html@every:71",
    "bad-utf8@every:73",
    "drip=1ms,bytes=4096@every:79",
    "delay=1s@every:83",
    "hang@101",
    "empty@every:17",
    "null-items@every:89",
    "stuck@every:97",
    "repeat=20@every:13",
    "short@every:7",
    "grow@every:11",
    "gzip-bomb=2@every:103",
];

/// Runs `opev tail` in this process, on this clock.
fn run_here(sandbox: &Sandbox, simulator: &RunningSimulator, clock: &ManualClock, line: &[&str]) -> End {
    let words = ["opev", "tail"].iter().chain(line).map(OsString::from);
    let Command::Tail(args) = Cli::read(words).unwrap().command else { unreachable!() };
    let environment: Environment = [
        ("OPEV_BASE_URL", simulator.base_url().into()),
        ("EVENTS_API_TOKEN", simulator.token().expose().into()),
        ("XDG_STATE_HOME", sandbox.path("state").into_os_string()),
        ("HOME", sandbox.path("home").into_os_string()),
    ]
    .into_iter()
    .collect::<Environment>();
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let level = log::LevelFilter::Error;
    let options = ConsoleOptions { level, format: LogFormat::Text, colour: false, progress: false };
    let invocation = Invocation {
        runtime: Runtime { console: Console::new(options, Arc::clone(&clock)), clock, cancel: Cancel::new() },
        environment,
        stdout_is_terminal: false,
        console_args: ConsoleArgs::default(),
    };
    tail::run(&invocation, &args).unwrap()
}

/// The uuids in a file, among them those of events that hold a byte which is not UTF-8.
fn in_file(path: &Path) -> Vec<String> {
    uuids(String::from_utf8_lossy(&std::fs::read(path).unwrap()).as_bytes())
}

/// No rule was broken, but that a client cannot take back a question that it gave up on, or that was under
/// way when the run ended.
fn assert_polite(report: &ClientReport) {
    let is_other = |broken: &&BrokenRule| broken.rule != ClientRule::CursorOnce || broken.times > 4;
    assert_eq!(report.broken.iter().find(is_other), None, "{report}");
}

#[test]
fn half_an_hour_with_every_fault_loses_and_repeats_nothing() {
    let clock = ManualClock::at(RealClock::new().now() - TimeDelta::days(1));
    let simulator = Simulator::start(live(2.0, &FAULTS), Arc::new(clock.clone())).unwrap();
    let sandbox = Sandbox::new();
    let file = sandbox.path("events.ndjson");
    let line = ["--resume", "--since", "3d", "--timeout", "2s", "--max-response-bytes", "1MiB", "-o"];
    let line: Vec<_> = line.iter().copied().chain([file.to_str().unwrap()]).collect();
    let follow = |more: &[&str]| run_here(&sandbox, &simulator, &clock, &[&line, more].concat());
    for _ in 0..3 {
        assert_eq!(follow(&["--for", "10m"]), End::Done);
    }
    assert!(clock.elapsed() >= std::time::Duration::from_secs(1800));
    assert_eq!(follow(&["--no-follow"]), End::Done);
    let report = simulator.report();
    assert!(report.faults > 20, "{report}");
    assert_polite(&report);
    assert_once_each(&simulator, &in_file(&file), 3000);
}

#[test]
fn a_second_does_a_request_an_interval() {
    let clock = ManualClock::at(RealClock::new().now());
    let simulator = Simulator::start(seeded(300, clock.now()), Arc::new(clock.clone())).unwrap();
    let sandbox = Sandbox::new();
    let file = sandbox.path("events.ndjson");
    let line = ["items", "--resume", "--since", "60d", "--interval", "1s", "--for", "10s", "-o"];
    let line: Vec<_> = line.iter().copied().chain([file.to_str().unwrap()]).collect();
    assert_eq!(run_here(&sandbox, &simulator, &clock, &line), End::Done);
    let report = simulator.report();
    // Before the first interval there are a page, and the empty one behind it.
    assert!((10..=13).contains(&report.requests), "{report}");
}

#[test]
#[ignore = "takes three minutes of real time"]
fn three_real_minutes_with_every_fault_lose_and_repeat_nothing() {
    let account = Account::new(live(20.0, &FAULTS));
    let line =
        ["tail", "--resume", "-o", "events.ndjson", "--since", "3d", "--interval", "1s", "--timeout", "5s"];
    for _ in 0..3 {
        account.run(line.iter().copied().chain(["--for", "1m"])).expect(0);
    }
    account.run(line.iter().copied().chain(["--no-follow"])).expect(0);
    let report = account.simulator.report();
    assert_polite(&report);
    assert_once_each(&account.simulator, &in_file(&account.sandbox.path("events.ndjson")), 3500);
}
