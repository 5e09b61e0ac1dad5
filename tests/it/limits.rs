//! Runs under small limits of the process (`ulimit`): they work, or say which limit is in the way; none aborts.

use std::fmt::Write as _;

use opev::simulator::{FaultRule, FaultScript, SimulatorOptions};
use rustix::process::Signal;

use crate::frozen::{after_shell, beginning, counts, frozen, truth, until};
use crate::harness::{Account, Run, signal};

/// An account, and a file of configuration with many profiles of it.
fn many_profiles(profiles: usize) -> (Account, String) {
    let options = frozen(60);
    let since = beginning(&options);
    let account = Account::new(options);
    let token = account.sandbox.write("token", account.simulator.token().expose());
    let server = account.simulator.base_url();
    let mut config = String::new();
    for number in 0..profiles {
        let _ = writeln!(config, "[profiles.p{number}]\nbase_url = \"{server}\"");
        let _ = writeln!(config, "token_file = \"{}\"", token.display());
    }
    account.sandbox.configure(&config);
    (account, since)
}

fn limited(account: &Account, limit: &str, args: &[&str]) -> Run {
    let command = account.sandbox.command(args);
    Run::of(after_shell(&command, limit).output().unwrap())
}

#[test]
fn a_hundred_profiles_with_64_open_files_are_fetched() {
    let (account, since) = many_profiles(100);
    let args = ["fetch", "--all-profiles", "--since", &since, "--resume", "-o", "{profile}.ndjson"];
    for _ in 0..2 {
        assert_eq!(limited(&account, "ulimit -n 64", &args).expect(0).stderr, "");
    }
    for number in 0..100 {
        let written = std::fs::read(account.sandbox.path(&format!("p{number}.ndjson"))).unwrap();
        assert_eq!(counts(&written), truth(&account), "p{number}");
    }
}

#[test]
fn following_more_than_there_may_be_open_files_is_refused_with_the_number() {
    let (account, since) = many_profiles(100);
    let args = |output| {
        ["tail", "--all-profiles", "--no-follow", "--since", &since, "--resume", "-o", output]
            .map(String::from)
    };
    for (output, needed) in [("{profile}.ndjson", 1016), ("{profile}-{stream}.ndjson", 2416)] {
        let args = args(output);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let refused = limited(&account, "ulimit -n 64", &args).expect(1);
        let said = format!("following 100 profiles needs {needed} open files, and the limit is 64");
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("ulimit -n {needed}")), "{}", refused.stderr);
        assert!(!account.sandbox.path("state").exists());
    }
    // Where the system grants more than is set, it is taken.
    let args = args("{profile}.ndjson");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    limited(&account, "ulimit -S -n 64", &args).expect(0);
}

#[test]
fn without_a_free_descriptor_it_is_said_that_there_is_none() {
    let (account, since) = many_profiles(1);
    for files in 4..16 {
        let limit = format!("ulimit -n {files}");
        let run = limited(&account, &limit, &["fetch", "--profile", "p0", "--since", &since]);
        assert!(matches!(run.code, Some(0..=9)), "{files}: {:?} {:?}", run.code, run.stderr);
        if run.code != Some(0) {
            assert!(run.stderr.contains("Too many open files"), "{files}: {}", run.stderr);
        }
    }
}

#[test]
fn a_small_stack_is_enough() {
    let (account, since) = many_profiles(1);
    let fetch = ["fetch", "--profile", "p0", "--since", &since];
    for kilobytes in [64, 128, 1024] {
        let limit = format!("ulimit -s {kilobytes}");
        assert_eq!(counts(&limited(&account, &limit, &fetch).expect(0).stdout), truth(&account));
        limited(&account, &limit, &["--help"]).expect(0);
        limited(&account, &limit, &["fetch", "--no-such-flag"]).expect(2);
        limited(&account, &limit, &["fetch", "--profile", "nobody"]).expect(3);
        limited(&account, &limit, &["status", "--check"]);
    }
}

#[test]
fn a_run_on_a_stack_of_its_own_ends_by_the_signal_it_gets() {
    for number in [Signal::TERM, Signal::INT] {
        // The first request of each run hangs, so that the run is there when the signal comes.
        let rule: FaultRule = "hang@1".parse().unwrap();
        let account = Account::new(SimulatorOptions { script: FaultScript::from(rule), ..frozen(60) });
        let command = account.command(["fetch", "audit", "-o", "out.ndjson"]);
        let mut child = after_shell(&command, "ulimit -s 64").spawn().unwrap();
        until("a request", || !account.simulator.requests().is_empty());
        signal(&child, number);
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number.as_raw()));
    }
}

#[test]
fn too_little_memory_is_said_before_anything_is_done() {
    let (account, since) = many_profiles(1);
    for (limit, name) in [("ulimit -v 100000", "ulimit -v"), ("ulimit -d 50000", "ulimit -d")] {
        for args in [
            &["fetch", "--profile", "p0", "--since", &since, "-o", "out.ndjson"][..],
            &["fetch", "--profile", "p0", "--since", &since, "--resume", "-o", "out.ndjson"],
            &["tail", "--profile", "p0", "--no-follow"],
        ] {
            let refused = limited(&account, limit, args).expect(1);
            assert!(refused.stderr.contains(&format!("limit of memory ({name})")), "{}", refused.stderr);
        }
    }
    assert_eq!(account.simulator.report().requests, 0);
}

#[test]
fn memory_for_what_is_read_is_enough_however_many_threads_there_are() {
    let (account, since) = many_profiles(20);
    let limit = "ulimit -v 262144";
    let question = limited(&account, limit, &["fetch", "--profile", "p0", "--since", &since]).expect(0);
    assert_eq!(counts(&question.stdout), truth(&account));
    let all = ["fetch", "--all-profiles", "--since", &since, "--resume", "-o", "{profile}.ndjson"];
    limited(&account, limit, &all).expect(0);
    let written = std::fs::read(account.sandbox.path("p19.ndjson")).unwrap();
    assert_eq!(counts(&written), truth(&account));
}

/// The memory of one answer is more than the limit leaves: the run fails like any other, and what comes after
/// it goes on where it was.
#[test]
fn memory_that_ends_in_the_middle_is_a_failure_and_no_abort() {
    let options = frozen(60);
    let since = beginning(&options);
    let account = Account::new(options);
    let huge = crate::scripted::Scripted::start(|_| {
        let padding = "x".repeat(300 << 20);
        crate::scripted::answer(
            "200 OK",
            "",
            format!(r#"{{"items":[{{"uuid":"{padding}"}}],"has_more":false}}"#),
        )
    });
    let args = ["fetch", "audit", "--since", &since, "--resume", "-o", "out.ndjson"];
    let mut command = account.command(args.iter().chain(&["--max-response-bytes", "1g"]));
    command.env("OPEV_BASE_URL", format!("http://{}", huge.address));
    let run = Run::of(after_shell(&command, "ulimit -v 300000").output().unwrap());
    assert_eq!((run.code, run.signal), (Some(1), None), "{}", run.stderr);
    assert!(run.stderr.contains("memory"), "{}", run.stderr);
}
