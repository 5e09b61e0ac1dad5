//! `opev tail` as a person or a service manager runs it: the real program against a simulator over a real
//! socket.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use crossbeam_channel::{Receiver, unbounded};
use opev::clock::{Clock, ManualClock, RealClock};
use opev::event::Stream;
use opev::simulator::{
    ApiForm, EventData, FaultScript, RunningSimulator, SeededData, SimulatedEvent, Simulator,
    SimulatorOptions, TokenOptions,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Account, LONG, Run, uuids, wait_until};
use crate::scripted::{Way, nobody};

/// A past of 300 events in a day, and so many new ones a second.
pub fn live(per_second: f64, faults: &[&str]) -> SimulatorOptions {
    let data = SeededData { events: 300, days: 1, live: Some(per_second), ..SeededData::default() };
    SimulatorOptions {
        data: EventData::Seeded(data),
        script: FaultScript::new(faults.iter().map(|fault| fault.parse().unwrap())),
        ..SimulatorOptions::default()
    }
}

/// Insists that each stream's part of `found` is the beginning of the truth: nothing lost, nothing twice.
#[track_caller]
pub fn assert_once_each(simulator: &RunningSimulator, found: &[String], at_least: usize) {
    let all = DateTime::<Utc>::MIN_UTC..;
    let mut stream_of = HashMap::new();
    for stream in Stream::ALL {
        stream_of.extend(simulator.truth(stream, ApiForm::V2, all.clone()).map(|fact| (fact.uuid, stream)));
    }
    for stream in Stream::ALL {
        let found: Vec<_> = found.iter().filter(|uuid| stream_of[*uuid] == stream).collect();
        let truth: Vec<_> = simulator.truth(stream, ApiForm::V2, all.clone()).map(|fact| fact.uuid).collect();
        let truth: Vec<_> = truth.iter().take(found.len()).collect();
        assert!(found == truth, "{stream}: {} events are not the first {}", found.len(), truth.len());
    }
    assert!(found.len() >= at_least, "only {} events", found.len());
}

/// A tail at work.
struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout: ChildStdout = child.stdout.take().unwrap();
        let (sender, lines) = unbounded();
        std::thread::spawn(move || {
            let read = BufReader::new(stdout).lines().map_while(Result::ok);
            read.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Tail { child, lines }
    }

    /// The next lines of its output.
    fn take(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.lines.recv_timeout(LONG).unwrap()).collect()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it by a signal; gives what is left.
    fn end(self, signal: Signal) -> Run {
        self.signal(signal);
        let run = self.wait();
        assert_eq!(run.signal, Some(signal.as_raw()), "code {:?}: {}", run.code, run.stderr);
        run
    }

    fn wait(self) -> Run {
        let mut run = Run::wait(self.child);
        run.stdout = self.lines.iter().flat_map(|line| (line + "\n").into_bytes()).collect();
        run
    }
}

/// Waits until a file holds so many lines.
fn wait_for_lines(path: &std::path::Path, count: usize) {
    wait_until(|| {
        std::fs::read(path).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() >= count
    });
}

#[test]
fn the_last_ten_are_shown_first_and_no_follow_ends() {
    // Nothing new comes between the runs; what came last by now may have happened hours ago.
    let account = Account::new(SimulatorOptions { at: Some(Utc::now()), ..SimulatorOptions::default() });
    let run = account.run(["tail", "--no-follow"]).expect(0);
    let mut truth: Vec<_> = Stream::ALL
        .iter()
        .flat_map(|stream| account.simulator.truth(*stream, ApiForm::V2, DateTime::<Utc>::MIN_UTC..))
        .map(|fact| (fact.timestamp, fact.uuid))
        .collect();
    truth.sort();
    let newest: Vec<_> = truth.iter().rev().take(10).rev().map(|(_, uuid)| uuid.clone()).collect();
    assert_eq!((run.uuids(), run.stderr.as_str()), (newest, ""));

    assert_eq!(account.run(["tail", "--no-follow", "-n", "3"]).expect(0).uuids().len(), 3);
    assert!(account.run(["tail", "--no-follow", "-n", "0"]).expect(0).stdout.is_empty());
    let table = account.run(["tail", "--no-follow", "--format", "table", "-n", "4"]).expect(0);
    assert_eq!(table.lines().len(), 5);
}

#[test]
fn since_shows_everything_from_then_on_in_one_timeline() {
    // `12h` begins a little later in the second run, and the account is of this hour: both times are given.
    let now = Utc::now();
    let account = Account::new(SimulatorOptions { at: Some(now), ..SimulatorOptions::default() });
    let since = (now - TimeDelta::hours(12)).to_rfc3339();
    let run = account.run(["tail", "--no-follow", "--since", &since]).expect(0);
    let fetched = account.run(["fetch", "--since", &since]).expect(0);
    assert!(run.uuids().len() > 20);
    assert_eq!(run.uuids(), fetched.uuids());
}

#[test]
fn new_events_come_as_they_arrive_and_sigint_is_the_end() {
    let account = Account::new(live(40.0, &[]));
    let tail = Tail::start(account.command(["tail", "--since", "3d", "--interval", "1s"]));
    let mut lines = tail.take(400);
    lines.extend(tail.end(Signal::INT).lines());
    let found = uuids(lines.join("\n").as_bytes());
    assert_once_each(&account.simulator, &found, 400);
    let report = account.simulator.report();
    assert_eq!((report.broken, report.most_under_way), (vec![], [1; 3]));
}

#[test]
fn for_ends_with_0_and_a_second_does_no_more_than_a_request_an_interval() {
    let account = Account::new(SimulatorOptions::default());
    let run = account.run(["tail", "-n", "0", "--for", "3s", "--interval", "1s"]).expect(0);
    assert_eq!(run.stderr, "");
    // A slow machine may not come to ask again within three seconds.
    assert!(account.simulator.report().per_stream.iter().all(|n| *n <= 7));
}

#[test]
fn every_event_is_in_the_file_once_across_ends_starts_and_faults() {
    let faults = ["status=503@every:7", "cut=in-body@every:11", "repeat=5@every:5", "short@every:3"];
    let account = Account::new(live(60.0, &faults));
    let file = account.sandbox.path("events.ndjson");
    let arguments = ["tail", "--resume", "-o", "events.ndjson", "--since", "3d", "--interval", "1s"];
    for round in 1..=3 {
        let tail = Tail::start(account.command(arguments));
        wait_for_lines(&file, 300 + 60 * round);
        tail.end(Signal::TERM);
    }
    account.run(arguments.iter().copied().chain(["--no-follow"])).expect(0);
    assert_once_each(&account.simulator, &uuids(&std::fs::read(file).unwrap()), 480);
}

#[test]
fn a_token_that_is_refused_ends_it_at_once() {
    let account = Account::new(live(1.0, &["status=401@always,on=any"]));
    let run = account.run(["tail"]).expect(4);
    assert!(run.stderr.contains("refused the token"), "{}", run.stderr);
    let report = account.simulator.report();
    assert!(report.per_stream.iter().all(|n| *n <= 1) && report.introspections <= 1, "{report:?}");
}

#[test]
fn a_stream_that_is_not_granted_does_not_stop_the_others() {
    let token = TokenOptions { features: vec![Stream::SignInAttempts], ..TokenOptions::default() };
    let account = Account::new(SimulatorOptions { token, ..live(30.0, &[]) });
    let tail = Tail::start(account.command(["tail", "signin", "audit", "--since", "3d", "--interval", "1s"]));
    // The past has 105 sign-ins: more of them are new.
    assert_eq!(tail.take(110).len(), 110);
    tail.signal(Signal::TERM);
    let run = tail.wait().expect(10);
    assert!(run.stderr.contains("audit"), "{}", run.stderr);
    let run = account.run(["tail", "audit"]).expect(5);
    assert!(run.stdout.is_empty());
}

#[test]
fn a_service_that_stays_away_ends_it_when_the_budget_is_spent() {
    let account = Account::new(live(1.0, &["status=503@always"]));
    let run = account.run(["tail", "--retry-for", "2s"]).expect(6);
    assert!(run.stderr.contains("503"), "{}", run.stderr);
    let run = account.run(["tail", "--resume", "-o", "x.ndjson", "--retry-for", "1s"]).expect(6);
    assert!(run.stderr.contains("503"), "{}", run.stderr);
    account.run(["tail", "--deadline", "1s"]).expect(6);
}

#[test]
fn sighup_opens_the_file_anew_even_while_nothing_happens() {
    let account = Account::new(live(60.0, &[]));
    let file = account.sandbox.path("events.ndjson");
    let rotated = account.sandbox.path("events.ndjson.1");
    let arguments = ["tail", "--resume", "-o", "events.ndjson", "--since", "3d", "--interval", "1s"];
    let tail = Tail::start(account.command(arguments));
    wait_for_lines(&file, 320);
    std::fs::rename(&file, &rotated).unwrap();
    tail.signal(Signal::HUP);
    wait_for_lines(&file, 60);
    tail.end(Signal::TERM);
    let found: Vec<String> =
        [rotated, file].iter().flat_map(|path| uuids(&std::fs::read(path).unwrap())).collect();
    assert_once_each(&account.simulator, &found, 380);
    // Without a file to reopen, the terminal is gone and so is the tail.
    let tail = Tail::start(account.command(["tail", "-n", "2"]));
    tail.take(2);
    tail.end(Signal::HUP);
}

#[test]
fn systemd_hears_of_readiness_life_and_the_end() {
    let account = Account::new(live(5.0, &["status=503@1-3"]));
    let path = account.sandbox.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let mut command = account.command(["tail", "-n", "0", "--interval", "1s"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000");
    let tail = Tail::start(command);
    let hear = || {
        let mut buffer = [0; 1000];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let first = hear();
    assert!(first.starts_with("STATUS=") && first.contains("EXTEND_TIMEOUT_USEC="), "{first}");
    while hear() != "READY=1" {}
    let alive = hear();
    assert!(alive.starts_with("STATUS=following") && alive.ends_with("WATCHDOG=1"), "{alive}");
    tail.end(Signal::TERM);
    while hear() != "STOPPING=1" {}
}

#[test]
fn a_reader_that_goes_away_is_no_failure_unless_a_position_is_kept() {
    let account = Account::new(live(100.0, &[]));
    let end = |arguments: &[&str]| {
        let mut child =
            account.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with('{'));
        let run = Run::wait(child);
        assert!(!run.stderr.contains("panick"), "{}", run.stderr);
        run
    };
    assert_eq!(end(&["tail", "--interval", "1s"]).expect(0).stderr, "");
    end(&["tail", "--resume", "--interval", "1s"]).expect(7);
}

#[test]
fn a_reader_that_goes_away_is_noticed_while_nothing_happens() {
    let account = Account::new(SimulatorOptions::default());
    let mut child =
        account.command(["tail", "-n", "2"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(Run::wait(child).expect(0).stderr, "");
}

#[test]
fn a_stream_that_hangs_holds_nobody() {
    let account = Account::new(live(30.0, &["hang@always,on=auditevents"]));
    let tail = Tail::start(account.command(["tail", "signin", "audit", "--interval", "1s"]));
    assert_eq!(uuids(tail.take(20).join("\n").as_bytes()).len(), 20);
    tail.end(Signal::TERM);
}

#[test]
fn an_event_that_comes_in_two_hours_late_is_shown() {
    // The service's time goes on in one step, after the tails have been there.
    let clock = ManualClock::at(Clock::now(&RealClock::new()));
    let mut account = Account::new(SimulatorOptions::default());
    account.simulator = Simulator::start(live(40.0, &[]), Arc::new(clock.clone())).unwrap();
    let start = clock.now();
    let live = Tail::start(account.command(["tail", "-n", "0", "--interval", "1s"]));
    let file = account.sandbox.path("events.ndjson");
    let line = ["tail", "--resume", "--since", "3d", "--interval", "1s", "-o", "events.ndjson"];
    let saved = Tail::start(account.command(line));
    wait_for_lines(&file, 300);
    wait_until(|| account.simulator.report().per_stream.iter().all(|requests| *requests >= 6));
    clock.advance(Duration::from_secs(600));

    let all = DateTime::<Utc>::MIN_UTC..;
    let new =
        |stream| account.simulator.truth(stream, ApiForm::V2, all.clone()).filter(|f| f.arrival >= start);
    let new: Vec<_> = Stream::ALL.into_iter().flat_map(new).collect();
    let late = |fact: &&SimulatedEvent| start - fact.timestamp > TimeDelta::minutes(100);
    let late: Vec<_> = new.iter().filter(late).map(|fact| fact.uuid.clone()).collect();
    assert!(new.len() > 20_000 && !late.is_empty(), "{} of {}", late.len(), new.len());

    wait_for_lines(&file, 300 + new.len());
    saved.end(Signal::TERM);
    assert_once_each(&account.simulator, &uuids(&std::fs::read(file).unwrap()), 300 + new.len());
    let shown = uuids(live.take(new.len()).join("\n").as_bytes());
    live.end(Signal::TERM);
    let expected: HashSet<_> = new.into_iter().map(|fact| fact.uuid).collect();
    assert_eq!(shown.len(), expected.len());
    assert!(shown.into_iter().collect::<HashSet<_>>() == expected);
}

#[test]
fn a_refused_cursor_is_a_new_start_without_loss_or_repeat() {
    let account =
        Account::new(live(60.0, &["refuse-cursor@4-5,on=itemusages", "refuse-cursor@9,on=itemusages"]));
    let tail = Tail::start(account.command(["tail", "--since", "3d", "--interval", "1s"]));
    let mut lines = tail.take(800);
    let run = tail.end(Signal::INT);
    lines.extend(run.lines());
    assert_once_each(&account.simulator, &uuids(lines.join("\n").as_bytes()), 800);
    assert_eq!(run.stderr.matches("going on from").count(), 1, "{}", run.stderr);
}

#[test]
fn a_stream_that_hangs_holds_nobody_whatever_jobs_says() {
    let account = Account::new(live(30.0, &["hang@always,on=auditevents"]));
    account.sandbox.configure("[defaults]\njobs = 1\n");
    let tail = Tail::start(account.command(["tail", "--interval", "1s", "-n", "0"]));
    assert_eq!(tail.take(20).len(), 20);
    tail.end(Signal::TERM);
}

#[test]
fn a_token_that_is_refused_in_the_middle_ends_it_after_saving() {
    let account = Account::new(live(60.0, &["status=401@4-999999,on=any"]));
    let line = ["tail", "--resume", "--since", "3d", "--interval", "1s", "-o", "events.ndjson"];
    let run = account.run(line).expect(4);
    assert!(run.stderr.contains("refused the token"), "{}", run.stderr);
    let file = account.sandbox.path("events.ndjson");
    let before = uuids(&std::fs::read(&file).unwrap()).len();
    let report = account.simulator.report();
    assert!(report.requests <= 3 + 3 + report.introspections && report.introspections <= 1, "{report:?}");
    // What it had was saved: the next run begins behind it.
    let token = account.simulator.token().expose().to_owned();
    assert!(!token.is_empty());
    assert_once_each(&account.simulator, &uuids(&std::fs::read(&file).unwrap()), before);
    account.run(["status", "--check"]).expect(1);
}

#[test]
fn a_lost_connection_is_said_once_and_so_is_its_end() {
    let way = Way::start();
    let mut options = live(30.0, &[]);
    options.token.audience = Some(way.address.to_string());
    if let EventData::Seeded(seeded) = &mut options.data {
        seeded.live_from = Some(opev::clock::Clock::now(&RealClock::new()));
    }
    let mut account = Account::new(options.clone());
    let lead = |simulator: &RunningSimulator| way.lead_to(Some(([127, 0, 0, 1], simulator.port()).into()));
    lead(&account.simulator);
    let mut command = account.command(["tail", "--since", "3d", "--interval", "1s"]);
    let mut tail = Tail::start({
        command.env("OPEV_BASE_URL", format!("http://{}", way.address));
        command
    });
    let mut lines = tail.take(310);
    way.lead_to(None);
    let elsewhere = Simulator::start(SimulatorOptions::default(), Arc::new(RealClock::new())).unwrap();
    drop(std::mem::replace(&mut account.simulator, elsewhere));
    // Once it is heard of, the service comes back.
    let mut stderr = BufReader::new(tail.child.stderr.take().unwrap());
    let mut lost = String::new();
    stderr.read_line(&mut lost).unwrap();
    assert!(lost.contains("lost the connection"), "{lost}");
    account.simulator = Simulator::start(options, Arc::new(RealClock::new())).unwrap();
    lead(&account.simulator);
    lines.extend(tail.take(100));
    lines.extend(tail.end(Signal::INT).lines());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("connected again after") && rest.lines().count() == 1, "{rest}");
    assert_once_each(&account.simulator, &uuids(lines.join("\n").as_bytes()), 410);
}

#[test]
fn a_service_that_was_never_reached_is_said_at_once_and_once_for_all_streams() {
    let account = Account::new(live(1.0, &[]));
    let mut command = account.command(["tail", "-n", "0", "--retry-for", "3s"]);
    let nobody = nobody();
    command.env("OPEV_BASE_URL", format!("http://{}", nobody.address));
    let run = Run::of(command.output().unwrap()).expect(6);
    let told: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(told.len(), 1, "{}", run.stderr);
    assert!(told[0].starts_with("warning: cannot reach the service: "), "{}", run.stderr);
}

#[test]
fn every_profile_is_followed_and_one_that_fails_stops_no_other() {
    let account = Account::new(live(30.0, &[]));
    let token = account.sandbox.write("token", account.simulator.token().expose());
    let server = account.simulator.base_url();
    let profile = |name: &str, server: &str| {
        format!("[profiles.{name}]\nbase_url = \"{server}\"\ntoken_file = \"{}\"\n", token.display())
    };
    let profiles = ["a", "b"].map(|name| profile(name, &server));
    let gone = profile("gone", "http://127.0.0.1:1");
    account.sandbox.configure(&(profiles.concat() + &gone + "retry_for = \"0s\"\n"));
    let line = "tail --all-profiles --resume --since 3d -o {profile}.ndjson --interval 1s";
    let tail = Tail::start(account.sandbox.command(line.split(' ')));
    for name in ["a.ndjson", "b.ndjson"] {
        wait_for_lines(&account.sandbox.path(name), 330);
    }
    tail.signal(Signal::TERM);
    let run = tail.wait().expect(10);
    assert!(run.stderr.contains("profile gone: "), "{}", run.stderr);
    for name in ["a.ndjson", "b.ndjson"] {
        let found = uuids(&std::fs::read(account.sandbox.path(name)).unwrap());
        assert_once_each(&account.simulator, &found, 330);
    }
    let line = "tail --all-profiles -n 3 --no-follow --format table";
    let run = Run::of(account.sandbox.command(line.split(' ')).output().unwrap()).expect(10);
    assert_eq!(run.lines().len(), 1 + 2 * 3, "{}", run.text());
}

#[test]
fn what_cannot_be_is_refused() {
    let account = Account::new(live(1.0, &[]));
    for arguments in [
        &["tail", "--format", "json"][..],
        &["tail", "-o", "file.ndjson"],
        &["tail", "--resume", "-o", "file", "--format", "table"],
        &["tail", "--highlight", "("],
        &["tail", "--interval", "10ms"],
    ] {
        let run = account.run(arguments).expect(2);
        assert!(run.stdout.is_empty());
    }
    assert_eq!(account.simulator.report().requests, 0);
}

#[test]
fn health_is_told_at_every_change() {
    let account = Account::new(live(20.0, &["status=429,retry-after=1@2-3,on=auditevents"]));
    let arguments = ["tail", "audit", "--health-file", "health", "-n", "0", "--interval", "1s"];
    let tail = Tail::start(account.command(arguments));
    let told = || -> Vec<String> {
        let text = std::fs::read_to_string(account.sandbox.path("health")).unwrap_or_default();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["event"] != "IntervalChange")
            .map(|line| line["state"].as_str().unwrap().to_owned())
            .collect()
    };
    wait_until(|| told().windows(2).any(|pair| pair == ["Error", "Collecting"]));
    tail.end(Signal::TERM);
    let told = told();
    assert_eq!(told[..4], ["Pending", "Started", "Initialized", "Authenticated"]);
    // A page that came before the trouble may be shown after it has begun, and ends it not.
    let told: Vec<_> =
        told[4..].iter().map(String::as_str).skip_while(|state| *state == "Collecting").collect();
    assert_eq!(told, ["Error", "Collecting", "Stopping"]);
}
