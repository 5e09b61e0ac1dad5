//! T3: a program that leaves out one step of the protocol fails T1 or T2.
//!
//! The mutants need no switch in the product: a disk that claims a step it has not done is, to everybody
//! outside, a program that left it out.

use std::path::Path;
use std::sync::Arc;

use crate::disks::failing::{Fate, Operation, Verb};
use crate::disks::{FailingDisk, ModelDisk};
use opev::disk::{Disk, Open, append_all};
use opev::error::{Error, ErrorKind, Result};
use opev::output::commit::{CheckpointedOutput, OutputTarget};
use opev::output::sink::Sink;

use crate::rehearsal::{Rehearsal, clock, drain, golden};
use crate::t02_power_loss::{Program, survives_kills, survives_power_loss};

/// A program that leaves out what `rule` says.
fn mutant(disk: &ModelDisk, rule: impl FnMut(Operation<'_>) -> Fate + Send + 'static) -> Arc<dyn Disk> {
    Arc::new(FailingDisk::new(disk.clone(), rule))
}

fn name<'a>(operation: &Operation<'a>) -> &'a str {
    operation.path.file_name().and_then(|name| name.to_str()).unwrap_or("/")
}

fn left_out(is_it: bool) -> Fate {
    if is_it { Fate::Pretend } else { Fate::Pass }
}

/// Leaves out one verb on paths whose last part begins so.
macro_rules! without {
    ($verb:ident, $start:literal) => {
        (|disk| mutant(disk, |op| left_out(op.verb == Verb::$verb && name(&op).starts_with($start))))
            as Program
    };
}

#[expect(clippy::print_stdout, reason = "shown with --nocapture: how each mutant dies")]
fn assert_bites(what: &str, program: Program) {
    let kills = survives_kills(program);
    let outcome = kills.and_then(|_| survives_power_loss(program));
    match outcome {
        Ok(count) => panic!("a program that {what} passes T1 and T2 ({count} states)"),
        Err(why) => println!("{what}: {}", why.lines().next().unwrap_or_default()),
    }
}

#[test]
fn each_sync_matters() {
    assert_bites("does not sync the data", without!(SyncData, "out"));
    assert_bites("does not sync the log of identities", without!(SyncData, "seen."));
    assert_bites("does not sync a slot that it makes", |disk| mutant(disk, slot_syncs(true)));
    assert_bites("does not sync a slot that it overwrites", |disk| mutant(disk, slot_syncs(false)));
    assert_bites("does not sync the output's directory", |disk| {
        mutant(disk, |op| left_out(op.verb == Verb::SyncDir && op.path == Path::new("/")))
    });
    assert_bites("does not sync the checkpoint's directory", without!(SyncDir, "out@"));
    assert_bites("does not sync the directories above", |disk| {
        mutant(disk, |op| left_out(op.verb == Verb::SyncDir && name(&op) == "consumers"))
    });
}

/// Leaves out the syncs of slots: those of new ones, or those of all others. A slot keeps the handle it was
/// made with, so the first sync after opening `checkpoint.new` is that of a new one.
fn slot_syncs(of_new_ones: bool) -> impl FnMut(Operation<'_>) -> Fate + Send {
    let mut is_new = false;
    move |op| {
        is_new |= op.verb == Verb::Open && name(&op) == "checkpoint.new";
        if op.verb != Verb::SyncData || !name(&op).starts_with("checkpoint.") {
            return Fate::Pass;
        }
        left_out(std::mem::take(&mut is_new) == of_new_ones)
    }
}

#[test]
fn each_cut_matters() {
    assert_bites("does not cut the uncommitted tail", without!(Truncate, "out"));
    assert_bites("does not cut the uncommitted identities", without!(Truncate, "seen."));
    assert_bites("does not sync the cut", |disk| {
        let mut was_cut = false;
        mutant(disk, move |op| {
            let is_cut = op.verb == Verb::Truncate && name(&op) == "out";
            let is_it = was_cut && op.verb == Verb::SyncData;
            was_cut = is_cut || (was_cut && !op.verb.is_change());
            left_out(is_it)
        })
    });
}

#[test]
fn the_loaded_record_is_made_durable_first() {
    assert_bites("builds on a record that it only read", |disk| {
        // The first write to a slot after taking the lock, unless it makes one, and the sync after it.
        let (mut armed, mut skipping) = (false, false);
        mutant(disk, move |op| {
            if op.verb == Verb::Lock && name(&op) == "lock" {
                (armed, skipping) = (true, false);
            }
            if op.verb == Verb::WriteAt && name(&op).starts_with("checkpoint.") {
                skipping = armed && name(&op) != "checkpoint.new";
                armed = false;
                return left_out(skipping);
            }
            let is_sync = skipping && op.verb == Verb::SyncData;
            skipping &= !is_sync;
            left_out(is_sync)
        })
    });
}

#[test]
fn the_commit_comes_after_the_write() {
    assert_bites("commits before writing", |disk| {
        let below = disk.clone();
        let mut held: Vec<u8> = Vec::new();
        mutant(disk, move |op| match (op.verb, name(&op)) {
            (Verb::Append, "out") => {
                held.extend_from_slice(op.bytes);
                Fate::Pretend
            }
            (Verb::SyncData, "out") if !held.is_empty() => Fate::Pretend,
            (Verb::SyncData, "checkpoint.a" | "checkpoint.b" | "checkpoint.new") if !held.is_empty() => {
                let mut file = below.open(Path::new("/out"), Open::Append { mode: 0o600 }).unwrap();
                append_all(&mut *file, &std::mem::take(&mut held)).unwrap();
                file.sync_data().unwrap();
                Fate::Pass
            }
            _ => Fate::Pass,
        })
    });
}

#[test]
fn a_failed_sync_ends_the_run() {
    assert_bites("ignores a failed sync", |disk| {
        let mut syncs = 0;
        let failing = FailingDisk::new(disk.clone(), move |op| {
            let is_sync = op.verb == Verb::SyncData && name(&op) == "out";
            syncs += u32::from(is_sync);
            if is_sync && syncs % 3 == 2 { Fate::Fail(eio()) } else { Fate::Pass }
        });
        Arc::new(FailingDisk::new(failing, |op| {
            if op.verb == Verb::SyncData { Fate::Swallow } else { Fate::Pass }
        }))
    });
}

fn eio() -> i32 {
    rustix::io::Errno::IO.raw_os_error()
}

/// A reader that takes `takes` writes and goes away.
#[derive(Debug)]
struct Reader {
    taken: Arc<std::sync::Mutex<Vec<u8>>>,
    takes: usize,
    /// Whether the program fails to notice.
    is_ignored: bool,
}

impl Sink for Reader {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.takes == 0 {
            let closed = Error::new(ErrorKind::ClosedPipe, "the reader went away");
            return if self.is_ignored { Ok(()) } else { Err(closed) };
        }
        self.takes -= 1;
        self.taken.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Runs to a reader that goes away after each number of pages in turn, then to one that stays: the lines
/// that reached readers.
fn lines_past_leaving_readers(is_ignored: bool) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for takes in 0..6 {
        let disk: Arc<dyn Disk> = Arc::new(ModelDisk::new());
        let taken = Arc::new(std::sync::Mutex::new(Vec::new()));
        for takes in [takes, usize::MAX] {
            let sink = Box::new(Reader { taken: taken.clone(), takes, is_ignored });
            let target = OutputTarget::Stream { consumer: "stdout".into(), sink };
            let setup = Rehearsal::modelled().setup();
            let outcome =
                CheckpointedOutput::open(disk.clone(), Arc::new(clock()), setup, target).and_then(drain);
            if takes != usize::MAX && !is_ignored {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ClosedPipe);
            }
        }
        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        all.push(text.lines().filter(|line| *line != "header").map(str::to_owned).collect());
    }
    all
}

#[test]
fn a_closed_pipe_is_not_a_commit() {
    let golden = String::from_utf8(golden()).unwrap();
    let golden: Vec<&str> = golden.lines().skip(1).collect();
    assert!(lines_past_leaving_readers(false).iter().all(|lines| *lines == golden), "the product");
    assert!(lines_past_leaving_readers(true).iter().any(|lines| *lines != golden), "commits on EPIPE");
}
