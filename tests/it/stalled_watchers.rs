//! Nothing that watches can hold up collection (P9): a FIFO without a reader, one whose reader stalls, a
//! socket of systemd that nobody reads, a pipe on standard error that nobody reads.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use opev::simulator::SimulatorOptions;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::pipe::fcntl_setpipe_size;
use serde_json::Value;

use crate::harness::{Account, Run, now, seeded, uuids, wait_until};

/// The smallest pipe there is: a few lines fill it.
const SMALL: usize = 4096;

fn make_fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Opens a small FIFO to be read, without waiting for a writer.
fn open_fifo(path: &Path) -> File {
    let reader =
        File::from(rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap());
    fcntl_setpipe_size(&reader, SMALL).unwrap();
    reader
}

/// Waits for the end of a run that nobody may hold up.
#[track_caller]
fn ends(mut child: Child) -> Option<i32> {
    wait_until(|| child.try_wait().unwrap().is_some());
    child.wait().unwrap().code()
}

fn account() -> Account {
    Account::new(seeded(3_000, now()))
}

/// A tail of everything that ends once it has caught up, its events in a file.
fn tail(account: &Account) -> Command {
    let mut command = account.command(["tail", "--since", "29d", "--no-follow"]);
    command.stdout(File::create(account.sandbox.path("out")).unwrap());
    command
}

fn events(account: &Account) -> usize {
    uuids(&std::fs::read(account.sandbox.path("out")).unwrap()).len()
}

#[test]
fn a_health_fifo_without_a_reader_holds_nobody() {
    let account = account();
    make_fifo(&account.sandbox.path("fifo"));
    let child = tail(&account).args(["--health-file", "fifo"]).spawn().unwrap();
    assert_eq!(ends(child), Some(0));
    assert!(events(&account) > 2_500);
}

#[test]
fn a_health_fifo_whose_reader_stalls_holds_nobody_and_its_lines_are_whole() {
    let account = account();
    let fifo = account.sandbox.path("fifo");
    make_fifo(&fifo);
    let mut reader = open_fifo(&fifo);
    let child = tail(&account).args(["--health-file", "fifo"]).spawn().unwrap();
    assert_eq!(ends(child), Some(0));
    assert!(events(&account) > 2_500);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let first: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(first["state"], "Pending");
    assert!(lines.all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn a_systemd_socket_that_nobody_reads_holds_nobody() {
    let account = account();
    let path = account.sandbox.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // As full as a socket that nobody reads becomes.
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send_to(b"STATUS=old", &path).is_ok() {}
    let child = tail(&account).env("NOTIFY_SOCKET", &path).spawn().unwrap();
    assert_eq!(ends(child), Some(0));
    assert!(events(&account) > 2_500);
    drop(socket);
}

#[test]
fn messages_that_nobody_reads_hold_nobody() {
    let account = account();
    for command in [&["fetch", "--since", "29d", "--page-size", "10", "-vv"][..], &["fetch", "-vv"]] {
        let mut command = account.command(command);
        command.stdout(File::create(account.sandbox.path("out")).unwrap()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        fcntl_setpipe_size(child.stderr.as_ref().unwrap(), SMALL).unwrap();
        let stderr = child.stderr.take();
        assert_eq!(ends(child), Some(0));
        drop(stderr);
    }
    let mut command = account.command(["fetch", "--since", "29d", "--page-size", "10", "-vv"]);
    command.args(["--resume", "-o", "managed.ndjson"]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    fcntl_setpipe_size(child.stderr.as_ref().unwrap(), SMALL).unwrap();
    let stderr = child.stderr.take();
    assert_eq!(ends(child), Some(0));
    drop(stderr);
    let found = uuids(&std::fs::read(account.sandbox.path("managed.ndjson")).unwrap());
    assert!(found.len() > 2_500, "{}", found.len());
}

#[test]
fn messages_come_in_order_and_the_error_last_when_somebody_reads() {
    let account = Account::new(SimulatorOptions {
        script: opev::simulator::FaultScript::from(
            "status=503@always".parse::<opev::simulator::FaultRule>().unwrap(),
        ),
        ..SimulatorOptions::default()
    });
    let command = account.command(["fetch", "audit", "-vv", "--retry-for", "0s"]);
    let mut command = command;
    let run = Run::of(command.output().unwrap()).expect(6);
    let last: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(last.len(), 1, "{}", run.stderr);
    let after = run.stderr.split("error:").nth(1).unwrap();
    assert!(after.lines().skip(1).all(|line| line.starts_with(' ')), "{}", run.stderr);
    assert!(run.stderr.lines().next().unwrap().starts_with("info:") || run.stderr.contains("debug:"));
}
