//! Readers that go away, outputs that are full, signals: a quiet and quick end, never a lost or torn line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use opev::simulator::{SeededData, SimulatorOptions};
use rustix::process::Signal;

use crate::harness::{Account, BEFORE_ALL, Run, faulty, now, seeded, signal, start, wait_until};

/// Waits until the service was asked: from then on the program waits for it.
fn wait_until_asked(account: &Account) {
    wait_until(|| account.simulator.report().requests > 0);
}

/// Runs a shell's line with the account's environment and the program as `opev`.
fn shell(account: &Account, line: &str) -> Run {
    let inner = account.command(["x"]);
    let mut command = Command::new("sh");
    let bin = crate::harness::program().parent().unwrap();
    command.args(["-c", line]).env_clear().envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let path = std::env::join_paths(
        std::iter::once(bin.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    command.env("PATH", path.unwrap()).current_dir(account.sandbox.path(""));
    Run::of(command.output().unwrap())
}

#[test]
fn a_reader_that_had_enough_ends_it_quietly_and_well() {
    let account = Account::new(seeded(20_000, now()));
    for args in ["", "--format csv", "--format json", "--format table", "--sort time"] {
        let line = format!("{{ opev fetch --since 60d {args}; echo code $? >&2; }} | head -1");
        let run = shell(&account, &line).expect(0);
        assert_eq!(run.stderr, "code 0\n", "{args}");
        assert_eq!(run.lines().len(), 1, "{args}");
    }
    let run = shell(&account, "{ opev fetch --since 60d; echo code $? >&2; } | true").expect(0);
    assert_eq!(run.stderr, "code 0\n");
    let run = shell(&account, "{ opev fetch --fields help; echo code $? >&2; } | true").expect(0);
    assert_eq!(run.stderr, "code 0\n");
}

#[test]
fn a_reader_that_dies_under_resume_is_seven_and_its_page_is_delivered_again() {
    let account = Account::new(seeded(20_000, now()));
    let resume = "opev fetch --resume --since 60d --page-size 1000";
    let run = shell(&account, &format!("{{ {resume}; echo code $? >&2; }} | head -1")).expect(0);
    assert!(run.stderr.ends_with("code 7\n"), "{}", run.stderr);
    assert!(run.stderr.contains("error: "), "{}", run.stderr);
    let first = run.uuids();
    // What head took was not committed: it comes again.
    let again = shell(&account, resume).expect(0);
    assert!(again.uuids().contains(&first[0]));
    assert!(again.uuids().len() > 15_000);
    assert_eq!(shell(&account, resume).expect(0).uuids().len(), 0);
}

#[test]
fn a_full_disk_is_seven() {
    let account = Account::new(seeded(3_000, now()));
    for args in ["", "--format json", "--format table", "--sort time", "--resume"] {
        let run = shell(&account, &format!("opev fetch --since 60d {args} > /dev/full")).expect(7);
        assert!(run.stderr.contains("No space left on device"), "{args}: {}", run.stderr);
    }
    let run = shell(&account, "opev fetch --since 60d -o /dev/full").expect(7);
    assert!(run.stderr.contains("/dev/full"), "{}", run.stderr);
    // Nothing was saved of what nobody got.
    assert!(shell(&account, "opev fetch --since 60d --resume").expect(0).uuids().len() > 2_000);
}

#[test]
fn a_slow_reader_gets_everything_and_memory_stays_flat() {
    let account = Account::new(seeded(20_000, now()));
    let mut child = start(account.command(["fetch", "--since", BEFORE_ALL]));
    let mut reader = BufReader::with_capacity(1 << 10, child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    // It has started, and the reader rests until all that can be read ahead was read.
    wait_until(|| account.simulator.report().per_stream.iter().all(|requests| *requests >= 2));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.lines().count() > 15_000 && rest.len() > 10 << 20);
    assert!(peak < 48 << 10, "{peak} KiB");
}

#[test]
fn a_signal_while_a_server_hangs_ends_it_by_that_signal_with_a_whole_array() {
    let account = Account::new(faulty(now(), "hang@always,on=itemusages"));
    for which in [Signal::INT, Signal::TERM, Signal::HUP] {
        let asked = account.simulator.report().per_stream[1];
        let child = start(account.command(["fetch", "--since", BEFORE_ALL, "--format", "json"]));
        wait_until(|| account.simulator.report().per_stream[1] > asked);
        assert!(handles_signals(&child), "it asks before it can be stopped");
        signal(&child, which);
        let run = Run::wait(child);
        assert_eq!(run.signal, Some(which.as_raw()), "{:?}: {}", run.code, run.stderr);
        assert_eq!(run.stderr, "");
        let items: Vec<serde_json::Value> = serde_json::from_slice(&run.stdout).unwrap();
        assert!(items.iter().all(|item| item["uuid"].is_string()));
    }
}

/// Whether SIGHUP, SIGINT and SIGTERM have handlers.
fn handles_signals(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    [Signal::HUP, Signal::INT, Signal::TERM].iter().all(|signal| caught & (1 << (signal.as_raw() - 1)) != 0)
}

#[test]
fn a_signal_while_resuming_commits_and_the_next_run_goes_on() {
    let account = Account::new(faulty(now(), "hang@6"));
    let resume = ["fetch", "--resume", "--since", BEFORE_ALL, "--page-size", "200", "-o", "out.ndjson"];
    let child = start(account.command(resume));
    wait_until(|| account.simulator.report().faults > 0);
    signal(&child, Signal::TERM);
    let run = Run::wait(child);
    assert_eq!(run.signal, Some(Signal::TERM.as_raw()), "{:?}: {}", run.code, run.stderr);
    account.run(resume).expect(0);
    let found = std::fs::read(account.sandbox.path("out.ndjson")).unwrap();
    let mut uuids = crate::harness::uuids(&found);
    let count = uuids.len();
    uuids.sort();
    uuids.dedup();
    assert!(uuids.len() == count && count > 2_000);
}

#[test]
fn an_interrupted_file_leaves_nothing_behind() {
    let account = Account::new(faulty(now(), "hang@6"));
    let child =
        start(account.command(["fetch", "--since", BEFORE_ALL, "--page-size", "200", "-o", "out.ndjson"]));
    wait_until(|| account.simulator.report().faults > 0);
    signal(&child, Signal::INT);
    assert_eq!(Run::wait(child).signal, Some(Signal::INT.as_raw()));
    let left: Vec<_> =
        std::fs::read_dir(account.sandbox.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("out")), "{left:?}");
}

#[test]
fn a_second_signal_ends_at_once_even_when_nobody_reads() {
    let account = Account::new(seeded(20_000, now()));
    let child = start(account.command(["fetch", "--since", BEFORE_ALL]));
    wait_until_asked(&account);
    assert!(handles_signals(&child), "it asks before it can be stopped");
    signal(&child, Signal::INT);
    signal(&child, Signal::TERM);
    assert!(Run::wait(child).signal.is_some());
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let account = Account::new(faulty(now(), "delay=300ms@always"));
    let inner = account.command(["x"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" fetch --since 60d"]).arg(crate::harness::program());
    command.env_clear().envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let child = start(command);
    wait_until_asked(&account);
    signal(&child, Signal::HUP);
    assert!(Run::wait(child).expect(0).uuids().len() > 2_000);
}

/// The peak of resident memory of a whole run, in KiB, by the kernel's count.
fn peak_of(account: &Account, args: &[&str]) -> u64 {
    let mut command = account.command(args.iter().copied());
    command.stdout(File::options().write(true).open("/dev/null").unwrap());
    let inner: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%M"]).args(inner).envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let run = Run::of(timed.stdout(Stdio::null()).output().unwrap()).expect(0);
    run.stderr.trim().parse().unwrap()
}

#[test]
#[ignore = "a measurement for release builds: cargo test --release -- --ignored memory"]
fn memory_does_not_grow_with_the_number_of_events() {
    let of = |events| {
        let data = opev::simulator::EventData::Seeded(SeededData { events, ..SeededData::default() });
        let account = Account::new(SimulatorOptions { data, at: Some(now()), ..SimulatorOptions::default() });
        peak_of(&account, &["fetch", "--since", "30d", "--rate-limit", "0"])
    };
    let (small, large) = (of(30_000), of(600_000));
    eprintln!("peak memory: {small} KiB for 30,000 events, {large} KiB for 600,000");
    assert!(small < 24 << 10 && large < 24 << 10);
    assert!(large < small * 3 / 2);
}
