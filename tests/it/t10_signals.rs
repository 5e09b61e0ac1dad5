//! T10: SIGTERM and SIGINT wherever a run can stand: it ends soon, by the signal, and the next run completes the
//! output. What was ignored at the start stays ignored, and a second signal ends at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use opev::event::Stream;
use opev::simulator::{FaultRule, FaultScript, RequestTarget, SimulatorOptions};
use rustix::process::{Pid, Signal, kill_process};

use crate::frozen::{after_shell, beginning, counts, frozen, resume_to, truth, undisturbed, until};
use crate::harness::{Account, NO_TIMEOUT};

/// Five seconds are promised, and a test of `cancel` holds them against the patience there. Here the machine may be slow:
/// what would go on without the signal takes longer than this, or for ever.
const IN_TIME: Duration = Duration::from_secs(25);
const BOTH: [Signal; 2] = [Signal::TERM, Signal::INT];

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Sends a signal; the run has to end by it, in time.
#[track_caller]
fn ends_by(child: &mut Child, signal: Signal) {
    let sent = Instant::now();
    send(child, signal);
    let status = child.wait().unwrap();
    assert!(sent.elapsed() < IN_TIME, "{:?} after {signal:?}", sent.elapsed());
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
}

fn with_fault(rule: &str) -> SimulatorOptions {
    SimulatorOptions { script: FaultScript::from(rule.parse::<FaultRule>().unwrap()), ..frozen(1_000) }
}

/// Runs into a managed file, with this fault, until `stands`; sends each signal; the next run completes.
#[track_caller]
fn stopped_by_both(rule: &str, what: &str, stands: impl Fn(&Account) -> bool) {
    for signal in BOTH {
        let options = with_fault(rule);
        let since = beginning(&options);
        let account = Account::new(options);
        let args = [&resume_to("out.ndjson", &since)[..], &["--page-size", "40"]].concat();
        let mut child = account.command(&args).spawn().unwrap();
        until(what, || stands(&account));
        ends_by(&mut child, signal);

        let run = account.run(&args).expect(0);
        assert_eq!(run.stderr, "");
        let golden = [&resume_to("golden.ndjson", &since)[..], &["--page-size", "40"]].concat();
        let golden = undisturbed(&account, &golden, "golden.ndjson");
        assert!(std::fs::read(account.sandbox.path("out.ndjson")).unwrap() == golden, "{what} {signal:?}");
        assert_eq!(counts(&golden), truth(&account));
    }
}

/// Whether audit events were asked for so often, the last time without an answer. Not any request without an answer:
/// one that is still being answered is such a one too, and a run that is stopped there leaves the hang to the next.
fn is_asked_in_vain(account: &Account, number: usize) -> bool {
    let audit = Some(RequestTarget::Stream(Stream::AuditEvents));
    account.simulator.requests().iter().filter(|request| request.target == audit).count() >= number
}

#[test]
fn waiting_for_a_server_that_hangs() {
    stopped_by_both("hang@2,on=audit", "a request without an answer", |account| is_asked_in_vain(account, 2));
}

#[test]
fn reading_a_body_that_drips() {
    stopped_by_both("drip=100ms,bytes=100@2,on=items", "a dripping answer", |account| {
        account.simulator.requests().iter().any(|request| request.spoiled)
    });
}

#[test]
fn sleeping_for_a_retry_after() {
    stopped_by_both("status=503,retry-after=60@2,on=signin", "an answer of 503", |account| {
        account.simulator.requests().iter().any(|request| request.status == Some(503))
    });
}

#[test]
fn a_question_waits_for_a_server_that_hangs() {
    for signal in BOTH {
        let account = Account::new(with_fault("hang@2,on=audit"));
        let mut child = account.command(["fetch", "--page-size", "40", "-o", "out.ndjson"]).spawn().unwrap();
        until("a request without an answer", || is_asked_in_vain(&account, 2));
        ends_by(&mut child, signal);
        // Neither a part of the answer nor what it was written beside.
        assert_eq!(std::fs::read_dir(account.sandbox.path(".")).unwrap().count(), 0);
    }
}

/// Starts a run that writes into a pipe, and waits until the pipe is full.
fn stuck_in_a_pipe(account: &Account, args: &[&str]) -> Child {
    let child = account.command(args).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdout.as_ref().unwrap();
    until("a full pipe", || rustix::io::ioctl_fionread(pipe).unwrap() >= 60_000);
    child
}

#[test]
fn writing_into_a_pipe_that_nobody_reads() {
    let check = |signal: Signal| {
        let options = frozen(1_500);
        let since = beginning(&options);
        let account = Account::new(options);
        let args = ["fetch", "--resume", "--since", &since];
        let mut child = stuck_in_a_pipe(&account, &args);
        let mut pipe = child.stdout.take().unwrap();
        ends_by(&mut child, signal);
        let mut first = Vec::new();
        pipe.read_to_end(&mut first).unwrap();
        first.truncate(first.iter().rposition(|byte| *byte == b'\n').unwrap() + 1);
        let second = account.run(args).expect(0);
        let delivered = counts(&[first, second.stdout].concat());
        assert_eq!(delivered.keys().collect::<Vec<_>>(), truth(&account).keys().collect::<Vec<_>>());
    };
    // Each takes more than four seconds.
    std::thread::scope(|scope| BOTH.map(|signal| scope.spawn(move || check(signal))).map(drop));
}

#[test]
fn a_second_signal_ends_at_once() {
    let account = Account::new(frozen(1_500));
    let mut child = stuck_in_a_pipe(&account, &["fetch", "--since", "9d"]);
    send(&child, Signal::INT);
    // Signals of one kind that come close together are one to the kernel.
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
        send(&child, Signal::TERM);
    };
    // By the second one: at the end of the first one's patience it would have ended by that.
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn waiting_for_a_lock() {
    let account = Account::new(with_fault("hang@1,on=audit"));
    let args = [&["fetch", "--resume", "-o", "out.ndjson"][..], &NO_TIMEOUT].concat();
    let mut holder = account.command(&args).spawn().unwrap();
    until("the holder's request", || is_asked_in_vain(&account, 1));
    for signal in BOTH {
        let waiting = args.iter().chain(&["--lock-wait", "60s", "-v"]);
        let mut child = account.command(waiting).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("waiting up to 1m")));
        ends_by(&mut child, signal);
    }
    ends_by(&mut holder, Signal::TERM);
    account.run(args).expect(0);
}

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let options = with_fault("delay=700ms@4");
    let since = beginning(&options);
    let account = Account::new(options);
    let command = account.command(resume_to("out.ndjson", &since));
    let mut child = after_shell(&command, "trap '' INT HUP").spawn().unwrap();
    until("the request that takes long", || account.simulator.requests().len() >= 4);
    for signal in [Signal::INT, Signal::HUP, Signal::INT] {
        send(&child, signal);
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(counts(&std::fs::read(account.sandbox.path("out.ndjson")).unwrap()), truth(&account));

    // And what was not ignored still ends it.
    let account = Account::new(with_fault("hang@2,on=audit"));
    let command = account.command(["fetch", "--page-size", "40"]);
    let mut shell = after_shell(&command, "trap '' INT HUP");
    let mut child = shell.stdout(Stdio::null()).spawn().unwrap();
    until("a request without an answer", || is_asked_in_vain(&account, 2));
    send(&child, Signal::HUP);
    ends_by(&mut child, Signal::TERM);
}

#[test]
fn a_hangup_ends_a_run_of_fetch() {
    let account = Account::new(with_fault("hang@2,on=audit"));
    let mut child = account.command(["fetch", "--page-size", "40"]).stdout(Stdio::null()).spawn().unwrap();
    until("a request without an answer", || is_asked_in_vain(&account, 2));
    ends_by(&mut child, Signal::HUP);
}

/// As `tail -f` and `journalctl -f` do: what a shell gives a job in the background (`opev tail &` in a script) is an
/// ignored SIGINT, and it stays ignored; SIGTERM ends it.
#[test]
fn tail_in_the_background_of_a_script_goes_on_under_an_interrupt() {
    let account = Account::new(frozen(100));
    let command = account.command(["tail", "--resume", "-o", "out.ndjson", "--interval", "1s"]);
    let mut child = after_shell(&command, "trap '' INT").spawn().unwrap();
    let asked = || account.simulator.requests().len();
    until("the first requests", || asked() >= 3);
    for _ in 0..2 {
        send(&child, Signal::INT);
        let before = asked();
        until("requests after an interrupt", || asked() > before);
    }
    ends_by(&mut child, Signal::TERM);
}
