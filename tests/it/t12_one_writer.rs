//! T12: two runs at once: one wins, the other ends with 9; a lock ends with its holder, however that ends;
//! another state directory does not help against the lock of the output; both never write.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use opev::disk::{Disk, RealDisk};
use opev::error::ErrorKind;
use opev::output::sink::replaced::ReplacedFile;
use opev::output::{CheckpointDir, saved_state};

use crate::rehearsal::{Lines, Rehearsal, clock, drain, golden, next_page};

const DIRECTORY: &str = "OPEV_T12_DIRECTORY";

/// Does nothing unless started by the test below: delivers one page, says so, and waits to be killed.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the parent speaks to its child")]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let mut pipeline = Rehearsal::under(Path::new(&directory)).open(Arc::new(RealDisk)).unwrap();
    let page = next_page(&pipeline).unwrap();
    pipeline.deliver(&page, &mut Lines).unwrap();
    println!("\nholding");
    std::thread::park();
}

#[test]
fn another_process_is_kept_out_until_the_holder_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "t12_one_writer::child", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));
    let before = std::fs::read(&rehearsal.output).unwrap();

    assert_eq!(rehearsal.run(Arc::new(RealDisk)).unwrap_err().kind(), ErrorKind::Locked);
    // Another state directory has another lock, but the output has its own.
    let other = Rehearsal { state_dir: directory.path().join("other"), ..rehearsal.clone() };
    assert_eq!(other.run(Arc::new(RealDisk)).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), before);
    let saved = saved_state::list(&RealDisk, &rehearsal.state_dir).unwrap();
    assert_eq!(saved[0].holder.clone().flatten().unwrap().pid, holder.id());
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let exported = saved_state::export(&disk, &clock(), &rehearsal.state_dir, "default", &saved[0].key);
    assert_eq!(exported.unwrap_err().kind(), ErrorKind::Locked);

    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(saved_state::list(&RealDisk, &rehearsal.state_dir).unwrap()[0].holder, None);
    rehearsal.run(Arc::new(RealDisk)).unwrap();
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
    // And then the file is known to be another's: not to be written from another state directory.
    assert_eq!(other.run(Arc::new(RealDisk)).unwrap_err().kind(), ErrorKind::Disagreement);
}

#[test]
fn of_many_at_once_each_page_is_written_by_one() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    let kinds: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..8).map(|_| scope.spawn(|| rehearsal.run(Arc::new(RealDisk)).map_err(|e| e.kind()))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(kinds.contains(&Ok(())), "{kinds:?}");
    assert!(kinds.iter().all(|kind| matches!(kind, Ok(()) | Err(ErrorKind::Locked))), "{kinds:?}");
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
}

#[test]
fn a_lock_on_a_file_that_lost_its_name_is_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    let pipeline = rehearsal.open(Arc::new(RealDisk)).unwrap();
    // A reset by hand under a running service: the new run has a new lock file, and the output's lock.
    std::fs::remove_dir_all(&rehearsal.state_dir).unwrap();
    assert_eq!(rehearsal.run(Arc::new(RealDisk)).unwrap_err().kind(), ErrorKind::Locked);
    drop(pipeline);
    rehearsal.run(Arc::new(RealDisk)).unwrap();
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
}

/// A live tail with another state directory holds the file's own lock, and that keeps a question out.
#[test]
fn a_question_does_not_replace_a_file_that_another_run_holds() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    let mut holder = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let page = next_page(&holder).unwrap();
    holder.deliver(&page, &mut Lines).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let other = directory.path().join("other-state");
    let replace = || ReplacedFile::create(&disk, &rehearsal.output, 0o600, true, Some(&other));
    assert_eq!(replace().unwrap_err().kind(), ErrorKind::Locked);
    drain(holder).unwrap();
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
    replace().unwrap();
}

#[test]
fn state_moves_to_another_machine_and_is_thrown_away() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rehearsal = Rehearsal::under(here.path());
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut pipeline = rehearsal.open(disk.clone()).unwrap();
    for _ in 0..3 {
        let page = next_page(&pipeline).unwrap();
        pipeline.deliver(&page, &mut Lines).unwrap();
    }
    pipeline.finish().unwrap();

    let clock = clock();
    let key = saved_state::list(&*disk, &rehearsal.state_dir).unwrap().remove(0).key;
    let json = saved_state::export(&disk, &clock, &rehearsal.state_dir, "default", &key).unwrap();
    let moved = Rehearsal { state_dir: there.path().join("state"), ..rehearsal.clone() };
    let import = |json: &str| saved_state::import(&disk, &clock, &moved.state_dir, json.as_bytes());
    assert_eq!(import("{}").unwrap_err().kind(), ErrorKind::Usage);
    let newer = json.replace("\"opev_state\": 2", "\"opev_state\": 9");
    assert_eq!(import(&newer).unwrap_err().kind(), ErrorKind::Disagreement);
    assert_eq!(import(&json).unwrap(), ("default".to_owned(), key.clone()));
    assert_eq!(import(&json).unwrap_err().kind(), ErrorKind::Disagreement);
    drain(moved.open(disk.clone()).unwrap()).unwrap();
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());

    // A question never replaces what is managed, under whichever name.
    let alias = here.path().join("alias");
    std::fs::hard_link(&rehearsal.output, &alias).unwrap();
    for path in [&rehearsal.output, &alias] {
        let replaced = ReplacedFile::create(&disk, path, 0o600, true, Some(&moved.state_dir));
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Usage);
    }
    saved_state::reset(&*disk, &clock, &moved.state_dir, "default", &key).unwrap();
    assert!(saved_state::list(&*disk, &moved.state_dir).unwrap().is_empty());
    assert!(!CheckpointDir::at(&moved.state_dir, "default", &key).directory().exists());
    let again = saved_state::reset(&*disk, &clock, &moved.state_dir, "default", "../default");
    assert_eq!(again.unwrap_err().kind(), ErrorKind::CheckFailed);
}
