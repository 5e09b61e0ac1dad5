//! T12 through the real program: of two runs at once one wins and the other ends with 9; another state
//! directory does not help; a killed holder leaves nothing in the way; `--lock-wait` waits. And cron's rule:
//! a busy lock is news only when its holder stands still.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use chrono::{TimeDelta, Utc};
use opev::event::Stream;
use opev::output::checkpoint::record::Checkpoint;
use opev::simulator::{FaultRule, FaultScript, RequestKind, RequestTarget, SimulatorOptions};

use crate::frozen::{beginning, counts, frozen, resume_to, truth, until};
use crate::harness::{Account, NO_TIMEOUT, Run};

/// An account, and a run that holds the lock of `out.ndjson` until it is killed.
fn held() -> (Account, String, Child) {
    // The first page of the stream whose turn it is comes, and the second one hangs: once, so that nothing is left
    // to hang for the run that comes after.
    let rule: FaultRule = "hang@1,ask=cursor,on=signin".parse().unwrap();
    let options = SimulatorOptions { script: FaultScript::from(rule), ..frozen(600) };
    let since = beginning(&options);
    let account = Account::new(options);
    let args = [&resume_to("out.ndjson", &since)[..], &["--page-size", "40"], &NO_TIMEOUT].concat();
    let holder = account.command(args).spawn().unwrap();
    until("the first page of the first stream", || {
        let output = std::fs::read(account.sandbox.path("out.ndjson")).unwrap_or_default();
        output.iter().filter(|byte| **byte == b'\n').count() == 40
    });
    until("the request that hangs", || {
        let hangs = Some(RequestTarget::Stream(Stream::SignInAttempts));
        let requests = account.simulator.requests();
        requests.iter().any(|request| request.target == hangs && request.ask == Some(RequestKind::Cursor))
    });
    (account, since, holder)
}

fn end(mut holder: Child) {
    holder.kill().unwrap();
    holder.wait().unwrap();
}

fn output(account: &Account) -> Vec<u8> {
    std::fs::read(account.sandbox.path("out.ndjson")).unwrap()
}

#[test]
fn the_second_ends_with_9_and_writes_nothing_and_goes_on_when_the_first_was_killed() {
    let (account, since, holder) = held();
    let args = resume_to("out.ndjson", &since);
    let before = output(&account);
    let run = account.run(args.iter().chain(&["-v"])).expect(9);
    assert!(run.stderr.contains(&format!("process {}", holder.id())), "{}", run.stderr);
    let elsewhere = account.run(args.iter().chain(&["--state-dir", "elsewhere"])).expect(9);
    assert!(elsewhere.stderr.contains("out.ndjson"), "{}", elsewhere.stderr);
    assert!(output(&account) == before);
    end(holder);
    account.run(&args).expect(0);
    assert_eq!(counts(&output(&account)), truth(&account));
}

#[test]
fn lock_wait_waits_for_the_holder_to_end() {
    let (account, since, holder) = held();
    let args = [&resume_to("out.ndjson", &since)[..], &["--lock-wait", "10m", "-v"]].concat();
    let mut waiting = account.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let stderr = waiting.stderr.as_mut().unwrap();
    while !said.contains("waiting up to") {
        let mut one = [0];
        std::io::Read::read_exact(stderr, &mut one).unwrap();
        said.push(char::from(one[0]));
    }
    end(holder);
    Run::wait(waiting).expect(0);
    assert_eq!(counts(&output(&account)), truth(&account));

    // And gives up when the time is over.
    let (account, since, holder) = held();
    account.run([&resume_to("out.ndjson", &since)[..], &["--lock-wait", "300ms"]].concat()).expect(9);
    end(holder);
}

#[test]
fn a_busy_lock_is_told_and_silent_with_q_until_its_holder_stands_still() {
    let (account, since, holder) = held();
    let args = resume_to("out.ndjson", &since);
    let quietly: Vec<_> = args.iter().chain(&["-q"]).copied().collect();
    let told = account.run(&args).expect(9).stderr;
    assert!(told.starts_with("error: another run holds") && told.lines().count() <= 2, "{told}");
    assert_eq!(account.run(&quietly).expect(9).stderr, "");
    let json = account.run(args.iter().chain(&["--log-format", "json"])).expect(9);
    assert!(json.stderr.contains("\"code\":9"), "{}", json.stderr);
    let on_terminal = account.run_on_terminal(80, &args).expect(9);
    assert!(on_terminal.text().contains("another run holds"), "{}", on_terminal.text());

    // As if the holder had taken its lock and saved its last page eleven minutes ago.
    for path in files(&account.sandbox.path("state")) {
        let long_ago = Utc::now() - TimeDelta::minutes(11);
        match path.file_name().unwrap().to_str().unwrap() {
            "lock" => {
                let note = format!("{{\"pid\":{},\"since\":\"{}\"}}", holder.id(), long_ago.to_rfc3339());
                std::fs::write(&path, note).unwrap();
            }
            "checkpoint.a" | "checkpoint.b" => {
                let mut record = Checkpoint::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
                record.updated_at = long_ago;
                std::fs::write(&path, record.to_bytes().unwrap()).unwrap();
            }
            _ => {}
        }
    }
    let stderr = account.run(&quietly).expect(9).stderr;
    assert!(stderr.contains("it has saved nothing since"), "{stderr}");
    assert!(stderr.contains(&format!("process {}", holder.id())), "{stderr}");
    end(holder);
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
