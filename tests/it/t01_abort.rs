//! T1: the process is killed before disk operation n = 1, 2, ... until a run completes; after each kill a
//! run to the end has the golden bytes; then the same with a second kill inside the recovery.
//!
//! The kill is real: the test starts its own binary again, whose disk sends SIGKILL to itself before the
//! n-th change. So no switch for it is in the product. All pairs of kills are tried on the modelled disk,
//! where a kill is a copy of the disk between two operations.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};

use crate::disks::failing::Fate;
use crate::disks::{FailingDisk, ModelDisk};
use opev::disk::{Disk, RealDisk};
use opev::output::commit::{CheckpointedOutput, OutputTarget};
use opev::output::sink::Sink;

use crate::rehearsal::{Rehearsal, clock, drain, golden};

const DIRECTORY: &str = "OPEV_T01_DIRECTORY";
const KILL_AT: &str = "OPEV_T01_KILL_AT";

/// Does nothing unless started by the tests below.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the parent speaks to its child")]
fn child() {
    let (Ok(directory), Ok(kill_at)) = (std::env::var(DIRECTORY), std::env::var(KILL_AT)) else { return };
    let kill_at: u64 = kill_at.parse().unwrap();
    let mut changes = 0;
    let disk = FailingDisk::new(RealDisk, move |operation| {
        changes += u64::from(operation.verb.is_change());
        if operation.verb.is_change() && changes == kill_at {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
            std::thread::park();
        }
        Fate::Pass
    });
    Rehearsal::under(Path::new(&directory)).run(Arc::new(disk)).unwrap();
}

/// A run in a process of its own, killed before its n-th change; true when it was.
fn killed(directory: &Path, kill_at: u64) -> bool {
    let status: ExitStatus = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "t01_abort::child", "--quiet"])
        .env(DIRECTORY, directory)
        .env(KILL_AT, kill_at.to_string())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status}");
    status.signal() == Some(9)
}

/// A run to the end, and one more on top, which must change nothing.
fn recovers(directory: &Path, context: &str) {
    let rehearsal = Rehearsal::under(directory);
    for round in ["recovery", "run after it"] {
        rehearsal.run_for_real().unwrap_or_else(|e| panic!("{context}: {round}: {e}"));
        let output = std::fs::read(&rehearsal.output).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output),
            String::from_utf8_lossy(&golden()),
            "{context}: {round}"
        );
    }
}

/// A directory in memory where there is one: a kill loses nothing that the kernel has, so syncs to a real
/// disk would only cost time.
fn quick_directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn killed_before_every_operation_and_again_in_the_recovery() {
    let mut first = 0;
    loop {
        first += 1;
        let once = quick_directory();
        if !killed(once.path(), first) {
            break;
        }
        recovers(once.path(), &format!("killed at {first}"));
        // The second kill moves through the recovery as the first moves through the run.
        let twice = quick_directory();
        killed(twice.path(), first);
        let second = first % 12 + 1;
        killed(twice.path(), second);
        recovers(twice.path(), &format!("killed at {first}, then at {second}"));
    }
    assert!(first > 40, "only {first} operations: does the child run at all?");
}

#[test]
fn killed_at_every_pair_of_operations() {
    let rehearsal = Rehearsal::modelled();
    let history = |disk: &ModelDisk| {
        disk.keep_history();
        rehearsal.run(Arc::new(disk.clone())).unwrap();
        assert_eq!(disk.contents(&rehearsal.output).unwrap(), golden());
        disk.history()
    };
    let mut pairs = 0;
    for (first, killed) in history(&crate::t02_power_loss::empty_disk()).iter().enumerate() {
        for (second, killed) in history(&killed.after_kill()).iter().enumerate() {
            pairs += 1;
            for round in 0..2 {
                let outcome = rehearsal.run(Arc::new(killed.clone()));
                outcome.unwrap_or_else(|e| panic!("killed at {first} and {second}, run {round}: {e}"));
                let output = killed.contents(&rehearsal.output).unwrap();
                assert_eq!(output, golden(), "killed at {first} and {second}, run {round}");
            }
        }
    }
    println!("{pairs} pairs of kills");
}

/// A reader that took what it was given, however the run ended.
#[derive(Debug)]
struct Reader(Arc<Mutex<Vec<String>>>);

impl Sink for Reader {
    fn write(&mut self, bytes: &[u8]) -> opev::error::Result<()> {
        let page = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.lock().unwrap().push(page.strip_prefix("header\n").unwrap_or(&page).to_owned());
        Ok(())
    }

    fn sync(&mut self) -> opev::error::Result<()> {
        Ok(())
    }
}

#[test]
fn on_stdout_a_kill_repeats_at_most_one_page() {
    let run = |disk: Arc<dyn Disk>, pages: &Arc<Mutex<Vec<String>>>| {
        let target =
            OutputTarget::Stream { consumer: "stdout".into(), sink: Box::new(Reader(pages.clone())) };
        let setup = Rehearsal::modelled().setup();
        CheckpointedOutput::open(disk, Arc::new(clock()), setup, target).and_then(drain)
    };
    let mut repeated = 0;
    for kill_at in 1.. {
        let (disk, pages) = (crate::t02_power_loss::empty_disk(), Arc::default());
        // From the kill on nothing reaches the disk any more.
        let dying = FailingDisk::new(disk.clone(), move |op| {
            if op.number >= kill_at { Fate::Fail(rustix::io::Errno::IO.raw_os_error()) } else { Fate::Pass }
        });
        if run(Arc::new(dying), &pages).is_ok() {
            break;
        }
        run(Arc::new(disk.after_kill()), &pages).unwrap();
        let mut pages = pages.lock().unwrap().clone();
        let count = pages.len();
        pages.dedup();
        assert!(count - pages.len() <= 1, "killed at {kill_at}: more than a page again");
        repeated += count - pages.len();
        let golden = golden();
        assert_eq!(
            pages.concat().as_bytes(),
            golden.strip_prefix(b"header\n").unwrap(),
            "killed at {kill_at}"
        );
    }
    assert!(repeated > 0, "no kill fell between a write and its commit");
}
