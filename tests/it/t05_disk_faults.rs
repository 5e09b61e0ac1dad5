//! T5: each disk operation fails in each way, once and ever after; the run ends with 7 and never with 0
//! and a wrong file; a run after the repair has the golden bytes. And disks that are really full.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use crate::disks::failing::{Fate, Verb};
use crate::disks::{FailingDisk, ModelDisk};
use chrono::{DateTime, Utc};
use opev::disk::RealDisk;
use opev::error::ErrorKind;
use opev::event::Event;
use opev::output::commit::{CheckpointedOutput, Encode, OutputTarget};
use opev::output::sink::stream::StreamSink;

use crate::rehearsal::{Rehearsal, clock, code, drain, drain_as, golden};
use crate::t02_power_loss::empty_disk;

const DIRECTORY: &str = "OPEV_T05_DIRECTORY";

fn fates() -> Vec<(&'static str, Fate)> {
    use rustix::io::Errno;
    let fail = |errno: Errno| Fate::Fail(errno.raw_os_error());
    vec![
        ("ENOSPC", fail(Errno::NOSPC)),
        ("EIO", fail(Errno::IO)),
        ("EINTR", fail(Errno::INTR)),
        ("EACCES", fail(Errno::ACCESS)),
        ("a short write", Fate::Short),
    ]
}

/// What happened in a run whose operation `at` (and those after it, when `forever`) met `fate`.
struct Outcome {
    code: u8,
    /// Whether there was an operation `at`.
    is_hit: bool,
    /// The operation that failed, and whether the same one was asked for again.
    failed: Option<(Verb, String)>,
    is_retried: bool,
}

fn run(disk: &ModelDisk, at: u64, fate: Fate, forever: bool) -> Outcome {
    let seen = Arc::new(Mutex::new((None::<(Verb, String)>, false)));
    let note = seen.clone();
    let failing = Arc::new(FailingDisk::new(disk.clone(), move |op| {
        let name = op.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut note = note.lock().unwrap();
        // An interrupted write is asked for again, as it must be; ever after, it would never end.
        let is_write = matches!(op.verb, Verb::Append | Verb::WriteAt | Verb::Read);
        let is_hit = if forever { op.number >= at } else { op.number == at };
        note.1 |= op.number > at && note.0 == Some((op.verb, name.clone()));
        match fate {
            Fate::Fail(errno) if is_write && errno == rustix::io::Errno::INTR.raw_os_error() => {
                if op.number == at { fate } else { Fate::Pass }
            }
            _ if !is_hit => Fate::Pass,
            _ => {
                if op.number == at {
                    note.0 = Some((op.verb, name));
                }
                fate
            }
        }
    }));
    let outcome = Rehearsal::modelled().run(failing.clone());
    let (failed, is_retried) = seen.lock().unwrap().clone();
    Outcome { code: code(&outcome), is_hit: failing.count() >= at, failed, is_retried }
}

#[test]
fn every_operation_fails_in_every_way() {
    let mut faults = 0;
    let output = Rehearsal::modelled().output;
    for (name, fate) in fates() {
        for forever in [false, true] {
            for at in 1.. {
                let context = || format!("{name} at {at}, ever after: {forever}");
                let disk = empty_disk();
                let outcome = run(&disk, at, fate, forever);
                if !outcome.is_hit {
                    break;
                }
                faults += 1;
                match outcome.code {
                    0 => assert_eq!(disk.contents(&output).unwrap(), golden(), "{}", context()),
                    7 => {
                        let is_sync = matches!(outcome.failed, Some((Verb::SyncData | Verb::SyncDir, _)));
                        assert!(!(is_sync && outcome.is_retried), "{}: a failed sync again", context());
                    }
                    code => panic!("{}: exit {code}", context()),
                }
                let repaired = disk.after_kill();
                Rehearsal::modelled().run(Arc::new(repaired.clone())).unwrap_or_else(|e| {
                    panic!("{}, repaired: {e}", context());
                });
                assert_eq!(repaired.contents(&output).unwrap(), golden(), "{}", context());
            }
        }
    }
    println!("{faults} faults injected");
    assert!(faults > 500, "only {faults} faults");
}

#[test]
fn nothing_is_written_after_a_failure() {
    let disk = Arc::new(FailingDisk::new(empty_disk(), |op| {
        let is_it = op.verb == Verb::SyncData && op.path.ends_with("out");
        if is_it { Fate::Fail(rustix::io::Errno::IO.raw_os_error()) } else { Fate::Pass }
    }));
    let mut pipeline = Rehearsal::modelled().open(disk.clone()).unwrap();
    let page = crate::rehearsal::next_page(&pipeline).unwrap();
    assert!(pipeline.deliver(&page, &mut crate::rehearsal::Lines).is_err());
    let count = disk.count();
    assert_eq!(pipeline.deliver(&page, &mut crate::rehearsal::Lines).unwrap_err().kind(), ErrorKind::Output);
    assert_eq!(pipeline.reopen().unwrap_err().kind(), ErrorKind::Output);
    assert_eq!(pipeline.finish().unwrap_err().kind(), ErrorKind::Output);
    assert_eq!(disk.count(), count);
}

#[test]
fn a_full_device_commits_nothing() {
    let disk = Arc::new(empty_disk());
    for round in 0..2 {
        let sink = Box::new(StreamSink::at(&RealDisk, Path::new("/dev/full")).unwrap());
        let target = OutputTarget::Stream { consumer: "stdout".into(), sink };
        let setup = Rehearsal::modelled().setup();
        let pipeline = CheckpointedOutput::open(disk.clone(), Arc::new(clock()), setup, target).unwrap();
        for stream in opev::event::Stream::ALL {
            assert!(pipeline.position(stream).is_none(), "round {round}");
        }
        assert_eq!(code(&drain(pipeline)), 7, "round {round}");
    }
}

/// Lines of 400 bytes, so that a few pages are longer than a slot of the checkpoint.
struct WideLines;

impl Encode for WideLines {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn event(&mut self, event: &Event<'_>, _received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(event.raw);
        out.resize(start + 399, b' ');
        out.push(b'\n');
    }
}

fn run_wide(directory: &Path) -> u8 {
    let opened = Rehearsal::under(directory).open(Arc::new(RealDisk));
    code(&opened.and_then(|pipeline| drain_as(pipeline, &mut WideLines)))
}

/// Does nothing unless started by the test below: a run that may write files of 4,200 bytes at most, which
/// is enough for a slot and not for the output.
#[test]
#[expect(clippy::disallowed_methods, clippy::exit, reason = "how parent and child speak to each other")]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    // Without a handler the signal would end the process; with one, the write returns EFBIG.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).unwrap();
    let limit = rustix::process::Rlimit { current: Some(4200), maximum: Some(4200) };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    std::process::exit(i32::from(run_wide(Path::new(&directory))));
}

#[test]
fn a_file_size_limit_ends_with_7_and_a_run_without_it_completes_the_file() {
    let (limited, free) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "t05_disk_faults::child", "--quiet", "--nocapture"])
            .env(DIRECTORY, limited.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!((status.code(), status.signal()), (Some(7), None));
        assert_eq!(std::fs::metadata(Rehearsal::under(limited.path()).output).unwrap().len(), 4200);
    }
    assert_eq!((run_wide(limited.path()), run_wide(free.path())), (0, 0));
    let output = |directory: &Path| std::fs::read(Rehearsal::under(directory).output).unwrap();
    assert_eq!(output(limited.path()), output(free.path()));
    assert!(output(free.path()).len() > 4200);
}
