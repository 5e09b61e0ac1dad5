//! T7: a corpus of damaged states, one folder a case, under `tests/corpus/state/`; each says in `expect`
//! which exit code and words it must bring. What is refused is untouched afterwards, byte for byte.
//!
//! The folders were written once by `make_the_corpus` and stay as they are: they are also the proof that a
//! later program reads what this one wrote (P12). Cases in which an inode decides cannot be kept in a
//! folder; they are made on the spot below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use opev::compression::Compression;
use opev::disk::RealDisk;
use opev::error::ErrorKind;
use opev::event::Stream;
use opev::output::checkpoint::record::{Checkpoint, OutputMark};
use opev::output::commit::{CheckpointedOutput, OutputTarget};
use opev::output::gap;
use opev::page::{Cursor, Next};

use crate::rehearsal::{Lines, Rehearsal, clock, code, golden, next_page, page_of};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/state")
}

/// Every file below a directory but the lock, with its bytes.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != "lock" {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Lays a case out as a run would find it.
fn laid_out(case: &Path, directory: &Path) -> Rehearsal {
    let rehearsal = Rehearsal::under(directory);
    let place = rehearsal.place();
    std::fs::create_dir_all(place.directory()).unwrap();
    for entry in std::fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            "expect" => {}
            "out" => drop(std::fs::copy(&path, &rehearsal.output).unwrap()),
            name => drop(std::fs::copy(&path, place.file(name)).unwrap()),
        }
    }
    rehearsal
}

#[test]
fn every_case_of_the_corpus() {
    let mut count = 0;
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let case = entry.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expect = std::fs::read_to_string(case.join("expect")).unwrap();
        let (expected, words) = expect.trim_end().split_once('\n').unwrap_or((expect.trim_end(), ""));
        let directory = tempfile::tempdir().unwrap();
        let rehearsal = laid_out(&case, directory.path());
        let before = files(directory.path());

        let outcome = rehearsal.run_for_real();
        assert_eq!(code(&outcome).to_string(), expected, "{name}: {outcome:?}");
        match outcome {
            Ok(()) => {
                let output = std::fs::read(&rehearsal.output).unwrap();
                // A rotated file begins behind what the old one holds.
                let is_whole =
                    if words == "rotated" { golden().ends_with(&output[7..]) } else { output == golden() };
                assert!(is_whole, "{name}: {}", String::from_utf8_lossy(&output));
            }
            Err(failure) => {
                let said = failure.to_string();
                assert!(said.contains(words), "{name}: {said}");
                assert!(failure.advice().is_some(), "{name} gives no advice");
                assert_eq!(files(directory.path()), before, "{name}: something was changed");
            }
        }
        count += 1;
    }
    println!("{count} damaged states");
    assert!(count >= 20, "only {count} cases");
}

/// The log of the corpus is of the first build, which knew an event by its stream and uuid alone. The service
/// gives three of its events again, and the next run drops them (P12).
#[test]
fn events_that_the_first_build_delivered_are_not_delivered_again() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = laid_out(&corpus().join("as-left"), directory.path());
    let log = std::fs::read(rehearsal.place().file("seen.0")).unwrap();
    assert!(log.chunks(17).all(|entry| entry[0] < 3), "the log is of version 1");
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let mut repeats = 0;
    while let Some(page) = next_page(&output) {
        repeats += output.deliver(&page, &mut Lines).unwrap().repeats;
    }
    output.finish().unwrap();
    assert_eq!(repeats, 4, "three of the first build, one of this run");
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
}

/// A run of a few pages, left as a kill would leave it.
fn half_run(directory: &Path) -> Rehearsal {
    let rehearsal = Rehearsal::under(directory);
    let mut pipeline = rehearsal.open(Arc::new(RealDisk)).unwrap();
    for _ in 0..4 {
        let page = next_page(&pipeline).unwrap();
        pipeline.deliver(&page, &mut Lines).unwrap();
    }
    rehearsal
}

#[test]
fn copytruncate_is_refused_at_the_start_and_in_the_middle() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    cut(&rehearsal.output, 0);
    let failure = rehearsal.run_for_real().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Disagreement);
    assert!(failure.to_string().contains("copytruncate"), "{failure}");
    assert_eq!(std::fs::metadata(&rehearsal.output).unwrap().len(), 0);

    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut pipeline = rehearsal.open(Arc::new(RealDisk)).unwrap();
    cut(&rehearsal.output, 10);
    let page = next_page(&pipeline).unwrap();
    assert_eq!(pipeline.deliver(&page, &mut Lines).unwrap_err().kind(), ErrorKind::Disagreement);
    assert_eq!(std::fs::metadata(&rehearsal.output).unwrap().len(), 10);
}

/// Runs on `rehearsal`, which must be refused with these words and change nothing.
#[track_caller]
fn refused(rehearsal: &Rehearsal, words: &str) {
    let before = std::fs::read(&rehearsal.output).unwrap();
    let failure = rehearsal.run_for_real().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Disagreement, "{failure}");
    assert!(failure.to_string().contains(words) && failure.advice().is_some(), "{failure}");
    assert!(std::fs::read(&rehearsal.output).unwrap() == before, "the file was changed");
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn lines_that_another_program_appended_are_never_cut() {
    let words = "opev did not write";
    // Behind a run that ended, however much they look like events.
    for lines in ["a note\n", "{\"uuid\":\"F\"}\n", "{\"begun"] {
        let directory = tempfile::tempdir().unwrap();
        let rehearsal = half_run(directory.path());
        append(&rehearsal.output, lines.as_bytes());
        refused(&rehearsal, words);
    }
    // Behind what a killed run had written and not committed.
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let page = next_page(&output).unwrap();
    output.stage(&page, 0..page.len(), &mut Lines).unwrap();
    drop(output);
    append(&rehearsal.output, b"{\"uuid\":\"F\"}\n");
    refused(&rehearsal, words);
    // After a start of the machine nothing is known of what was announced, and looks decide.
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    append(&rehearsal.output, b"{\"uuid\":\"G\"}\na note\n");
    std::fs::remove_file(rehearsal.place().file("intent")).unwrap();
    refused(&rehearsal, words);
}

#[test]
fn an_edit_in_the_middle_of_a_managed_file_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    for number in 100..400 {
        let next = opev::page::Next::More(opev::page::Cursor::new("2"));
        let page = crate::rehearsal::page_of(opev::event::Stream::AuditEvents, &[number], next);
        output.deliver(&page, &mut Lines).unwrap();
    }
    output.finish().unwrap();
    let mut bytes = std::fs::read(&rehearsal.output).unwrap();
    assert!(bytes.len() > 8192);
    bytes[200] ^= 1;
    write(&rehearsal.output, &bytes);
    refused(&rehearsal, "was changed");
    let saved = opev::output::saved_state::list(&RealDisk, &rehearsal.state_dir).unwrap().remove(0);
    let mark = saved.record.unwrap().unwrap().output.unwrap();
    let verified = || opev::output::saved_state::verify(&RealDisk, &mark).unwrap();
    assert_eq!(verified(), opev::output::saved_state::Verified::Changed);
    bytes[200] ^= 1;
    write(&rehearsal.output, &bytes);
    assert_eq!(verified(), opev::output::saved_state::Verified::AsDelivered);
    rename(&rehearsal.output, &directory.path().join("elsewhere"));
    assert_eq!(verified(), opev::output::saved_state::Verified::Missing);
}

/// What happens to the file between two pages of one run, and what each file then holds.
#[test]
fn a_file_that_is_moved_or_removed_under_a_run_loses_nothing() {
    for (what, compression) in
        [("moved", Compression::None), ("removed", Compression::None), ("removed", Compression::Gzip)]
    {
        for batch in [1, 2] {
            let directory = tempfile::tempdir().unwrap();
            let mut rehearsal = Rehearsal { compression, ..Rehearsal::under(directory.path()) };
            rehearsal.output = directory.path().join("out");
            let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
            let rotated = directory.path().join("out.1");
            let mut staged = 0;
            // What the old file held when it was moved or removed, as far as it was committed.
            let mut old = Vec::new();
            while let Some(page) = next_page(&output) {
                output.stage(&page, 0..page.len(), &mut Lines).unwrap();
                staged += 1;
                if staged == 4 {
                    if what == "moved" {
                        rename(&rehearsal.output, &rotated);
                    } else {
                        std::fs::remove_file(&rehearsal.output).unwrap();
                    }
                }
                if staged % batch == 0 || staged == 4 {
                    output.commit_if_due().unwrap();
                    if staged < 4 {
                        old = rehearsal.read(&std::fs::read(&rehearsal.output).unwrap());
                    }
                }
            }
            output.finish().unwrap();
            if what == "moved" {
                old = std::fs::read(&rotated).unwrap();
            }
            let new = rehearsal.read(&std::fs::read(&rehearsal.output).unwrap());
            let both = [&old[..], new.strip_prefix(b"header\n").unwrap()].concat();
            assert_eq!(String::from_utf8(both), String::from_utf8(golden()), "{what}, {batch} a commit");
            rehearsal.run_for_real().unwrap();
        }
    }
}

const QUIET: &str = "OPEV_T07_QUIET";

/// Says on standard error what is logged.
struct OnStandardError;

impl log::Log for OnStandardError {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{}: {}", record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Does nothing unless started by the test below: what is logged belongs to the process.
#[test]
fn child_whose_file_is_removed_at_a_quiet_commit() {
    let Ok(directory) = std::env::var(QUIET) else { return };
    log::set_logger(&OnStandardError).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let rehearsal = Rehearsal::under(Path::new(&directory));
    let clock = Arc::new(clock());
    let target = OutputTarget::File { path: rehearsal.output.clone(), mode: 0o600 };
    let setup = rehearsal.setup();
    let mut output = CheckpointedOutput::open(Arc::new(RealDisk), clock.clone(), setup, target).unwrap();
    let mut deliver = |numbers: &[u32], cursor: &str| {
        // A page without events is worth a commit now and then.
        clock.advance(Duration::from_secs(60));
        let page = page_of(Stream::AuditEvents, numbers, Next::CaughtUp(Some(Cursor::new(cursor))));
        assert!(output.deliver(&page, &mut Lines).unwrap().committed, "{cursor}");
        eprintln!("{cursor}");
    };
    deliver(&[1, 2], "events");
    std::fs::remove_file(&rehearsal.output).unwrap();
    deliver(&[], "quiet");
    deliver(&[], "quiet again");
    assert!(!rehearsal.output.exists(), "nothing is to be written");
    deliver(&[3], "more events");
    deliver(&[4], "the last events");
    output.finish().unwrap();
}

/// A commit without events has nothing to put into a new file: the next event begins one, and then it is said what went
/// with the old one, once.
#[test]
fn a_file_that_is_removed_before_a_commit_without_events_is_told_with_the_next_event() {
    let directory = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "t07_damaged_states::child_whose_file_is_removed_at_a_quiet_commit", "--nocapture"])
        .env(QUIET, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(child.stderr).unwrap();
    assert!(child.status.success(), "{said}");
    let rehearsal = Rehearsal::under(directory.path());
    let (before, after) = said.split_once("quiet again\n").unwrap();
    assert!(!before.contains("WARN"), "{said}");
    // The header, and two events.
    let lost = "header\n".len() + 2 * "{\"uuid\":\"E001\",\"of\":\"auditevents\"}\n".len();
    let told = format!(
        "WARN: {} was removed while it was written: {lost} bytes that were delivered to it went with it; going on in a \
         new file\nmore events\nthe last events\n",
        rehearsal.output.display()
    );
    assert_eq!(after, told);
    let new = std::fs::read(&rehearsal.output).unwrap();
    assert_eq!(new.iter().filter(|byte| **byte == b'\n').count(), 3, "the header, and what came since");
}

/// A compressor that reads a renamed file to its end and removes it must not have a page written behind its back.
#[test]
fn a_page_that_comes_after_a_rename_goes_into_the_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let rotated = directory.path().join("out.1");
    rename(&rehearsal.output, &rotated);
    let old = std::fs::read(&rotated).unwrap();
    while let Some(page) = next_page(&output) {
        output.deliver(&page, &mut Lines).unwrap();
    }
    output.finish().unwrap();
    assert_eq!(std::fs::read(&rotated).unwrap(), old, "the renamed file was written");
    let new = std::fs::read(&rehearsal.output).unwrap();
    assert_eq!([&old[..], new.strip_prefix(b"header\n").unwrap()].concat(), golden());
}

/// Cut between the write of a page and its commit: the page is in no file, and is not committed.
#[test]
fn a_file_that_is_cut_before_a_commit_is_noticed_by_the_commit() {
    for compression in [Compression::None, Compression::Gzip] {
        let directory = tempfile::tempdir().unwrap();
        let rehearsal = Rehearsal { compression, ..Rehearsal::under(directory.path()) };
        let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
        let page = next_page(&output).unwrap();
        output.deliver(&page, &mut Lines).unwrap();
        let whole = std::fs::read(&rehearsal.output).unwrap();
        let page = next_page(&output).unwrap();
        output.stage(&page, 0..page.len(), &mut Lines).unwrap();
        cut(&rehearsal.output, 0);
        let failure = output.commit().unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Disagreement);
        assert!(failure.to_string().contains("0 bytes where opev left"), "{failure}");
        drop(output);
        // Put back as it was copied before, nothing is missing.
        write(&rehearsal.output, &whole);
        rehearsal.run_for_real().unwrap();
        assert_eq!(rehearsal.read(&std::fs::read(&rehearsal.output).unwrap()), golden());
    }
}

#[test]
fn another_file_in_the_place_of_the_managed_one_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let precious = directory.path().join("precious");
    write(&precious, b"precious");
    rename(&precious, &rehearsal.output);
    let page = next_page(&output).unwrap();
    assert_eq!(output.deliver(&page, &mut Lines).unwrap_err().kind(), ErrorKind::Disagreement);
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), b"precious");
}

#[test]
fn a_state_directory_that_is_removed_under_a_run_is_noticed_at_the_next_commit() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let mut output = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let page = next_page(&output).unwrap();
    output.deliver(&page, &mut Lines).unwrap();
    std::fs::remove_dir_all(&rehearsal.state_dir).unwrap();
    let failure = loop {
        // A page of repeats alone is not worth a commit.
        let page = next_page(&output).unwrap();
        if let Err(failure) = output.deliver(&page, &mut Lines) {
            break failure;
        }
    };
    assert_eq!(failure.kind(), ErrorKind::Output);
    assert_eq!(output.finish().unwrap_err().kind(), ErrorKind::Output);
}

#[test]
fn state_behind_a_link_or_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let victim = directory.path().join("victim");
    write(&victim, b"precious");
    for name in ["lock", "checkpoint.a", "seen.0"] {
        let path = rehearsal.place().file(name);
        let aside = rehearsal.place().file("aside");
        rename(&path, &aside);
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(rehearsal.run_for_real().is_err(), "{name}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "{name}");
        rename(&aside, &path);
    }
    let open_to_all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&rehearsal.state_dir, open_to_all).unwrap();
    let failure = rehearsal.run_for_real().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Config);
    assert!(failure.to_string().contains("everybody may write it"), "{failure}");
    std::fs::set_permissions(&rehearsal.state_dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    rehearsal.run_for_real().unwrap();
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), golden());
}

#[test]
fn a_removed_file_is_a_rotated_one_even_if_the_new_one_gets_its_inode() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let removed = std::fs::read(&rehearsal.output).unwrap();
    std::fs::remove_file(&rehearsal.output).unwrap();
    rehearsal.run_for_real().unwrap();
    let new = std::fs::read(&rehearsal.output).unwrap();
    assert_eq!([&removed[..], new.strip_prefix(b"header\n").unwrap()].concat(), golden());
}

#[test]
fn rotation_by_renaming_goes_on_in_a_new_file() {
    for reopens in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let rehearsal = half_run(directory.path());
        let rotated = directory.path().join("out.1");
        if reopens {
            let mut pipeline = rehearsal.open(Arc::new(RealDisk)).unwrap();
            pipeline.reopen().unwrap();
            assert!(!rotated.exists());
            let page = next_page(&pipeline).unwrap();
            pipeline.deliver(&page, &mut Lines).unwrap();
            rename(&rehearsal.output, &rotated);
            pipeline.reopen().unwrap();
            assert_eq!(std::fs::metadata(&rehearsal.output).unwrap().len(), 0);
            pipeline.finish().unwrap();
        } else {
            rename(&rehearsal.output, &rotated);
        }
        rehearsal.run_for_real().unwrap();
        let mut both = std::fs::read(&rotated).unwrap();
        both.extend_from_slice(std::fs::read(&rehearsal.output).unwrap().strip_prefix(b"header\n").unwrap());
        assert_eq!(both, golden(), "reopens: {reopens}");
    }
}

#[test]
fn bytes_in_a_file_that_nobody_manages_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    write(&rehearsal.output, b"precious");
    assert_eq!(rehearsal.run_for_real().unwrap_err().kind(), ErrorKind::Disagreement);
    assert_eq!(std::fs::read(&rehearsal.output).unwrap(), b"precious");
}

#[test]
fn the_state_holds_no_event_and_no_more_than_it_should() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    for (path, bytes) in files(&rehearsal.state_dir) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("\"of\""), "{} holds an event", path.display());
    }
    assert_no_cursor_before_the_first_answer();
    let pipeline = rehearsal.open(Arc::new(RealDisk)).unwrap();
    let position = pipeline.position(opev::event::Stream::SignInAttempts).unwrap();
    let later = crate::rehearsal::now() + chrono::TimeDelta::days(130);
    let gap = gap::by_age(opev::event::Stream::SignInAttempts, position, later).unwrap();
    assert_eq!(gap.failure().kind(), ErrorKind::Gap);
}

/// Only what the service gave is a cursor: other collectors saved a placeholder, and never recovered.
fn assert_no_cursor_before_the_first_answer() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::under(directory.path());
    rehearsal.open(Arc::new(RealDisk)).unwrap().finish().unwrap();
    let saved = opev::output::saved_state::list(&RealDisk, &rehearsal.state_dir).unwrap().remove(0);
    assert!(saved.record.unwrap().unwrap().streams.is_empty());
}

#[expect(clippy::disallowed_methods, reason = "the test does what another program would")]
fn cut(path: &Path, length: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test does what another program would")]
fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test does what another program would")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Wrote `tests/corpus/state/` for version 1 of the record. To be run again only for cases of a new
/// version, beside the old ones: `cargo test --test it -- --ignored make_the_corpus`.
#[test]
#[ignore = "writes into the source tree"]
fn make_the_corpus() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = half_run(directory.path());
    let place = rehearsal.place();
    // No file anywhere has this inode, so that no checkout has it by chance.
    let read = |name: &str| std::fs::read(place.file(name)).unwrap();
    let nowhere = |slot: &str| {
        let bytes = read(slot);
        let record = Checkpoint::from_bytes(&bytes).unwrap();
        let output = record.output.clone().map(|output| OutputMark { device: 0, inode: 0, ..output });
        Checkpoint { output, ..record }.to_bytes().unwrap()
    };
    // Slot a holds record 5, slot b record 4: one for the new file, and four pages.
    let (a, b, seen) = (nowhere("checkpoint.a"), nowhere("checkpoint.b"), read("seen.0"));
    let out = std::fs::read(&rehearsal.output).unwrap();
    let edited = |from: &str, to: &str| {
        let text = String::from_utf8(a.clone()).unwrap();
        assert!(text.contains(from), "{from}");
        let (_, json) = text.split_once('\n').unwrap();
        let json = json.trim_end().replace(from, to);
        let checksum = opev::output::digest::Digest::of(json.as_bytes());
        format!("opev checkpoint 1 {} {checksum}\n{json}\n", json.len()).into_bytes()
    };
    let changed = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let newer = |bytes: &[u8]| [b"opev checkpoint 9 ", &bytes[18..]].concat();
    type Files<'a> = Vec<(&'a str, Vec<u8>)>;
    let with =
        |a: Option<Vec<u8>>, b: Option<Vec<u8>>, seen: Option<&[u8]>, out: Option<&[u8]>| -> Files<'_> {
            let mut files: Files<'_> = Vec::new();
            files.extend(a.map(|bytes| ("checkpoint.a", bytes)));
            files.extend(b.map(|bytes| ("checkpoint.b", bytes)));
            files.extend(seen.map(|bytes| ("seen.0", bytes.to_vec())));
            files.extend(out.map(|bytes| ("out", bytes.to_vec())));
            files
        };
    let usual = |a: Vec<u8>, b: Vec<u8>| with(Some(a), Some(b), Some(&seen), Some(&out));
    let term = |from: &str, to: &str| usual(edited(from, to), Vec::from(b"opev checkpoint 1 "));
    let good = || usual(a.clone(), b.clone());
    let tail = [&out[..], b"{\"uuid\":\"half a li"].concat();
    #[rustfmt::skip]
    let cases: Vec<(&str, &str, Files<'_>)> = vec![
        ("as-left", "0", good()),
        ("of-an-older-program", "0",
            usual(edited("\"program\":\"0.2.0\"", "\"program\":\"0.0.1\""), Vec::from(b"opev checkpoint 1 "))),
        ("without-optional-fields", "0",
            usual(edited("\"fields\":[],", ""), Vec::from(b"opev checkpoint 1 "))),
        ("slots-empty", "8\nthe saved position is damaged", usual(vec![], vec![])),
        ("slots-zeros", "8\nthe saved position is damaged", usual(vec![0; 4096], vec![0; 4096])),
        ("slots-cut", "8\nthe saved position is damaged", usual(a[..300].to_vec(), b[..400].to_vec())),
        ("slots-bad-checksum", "8\nthe checksum does not fit", usual(changed(&a, 200), changed(&b, 300))),
        ("newest-slot-empty", "0", usual(vec![], b.clone())),
        ("newest-slot-zeros", "0", usual(vec![0; 4096], b.clone())),
        ("newest-slot-torn", "0", usual([&a[..512], &b[512..]].concat(), b.clone())),
        ("newest-slot-missing", "0", with(None, Some(b.clone()), Some(&seen), Some(&out))),
        ("older-slot-damaged", "0", usual(a.clone(), changed(&b, 200))),
        ("only-the-temporary-file", "0", vec![("checkpoint.new", a.clone())]),
        ("only-the-temporary-file-and-bytes", "8\nthat opev did not write",
            vec![("checkpoint.new", a.clone()), ("out", out.clone())]),
        ("newer-version", "8\nwritten by a newer opev", usual(newer(&a), newer(&b))),
        ("newer-version-in-one-slot", "8\nwritten by a newer opev", usual(newer(&a), b.clone())),
        ("other-account", "8\nhas account OTHER", term("\"ACCOUNT\"", "\"OTHER\"")),
        ("account-unknown", "0", term("\"ACCOUNT\"", "null")),
        ("other-host", "8\nhas host events.1password.eu", term("events.1password.com", "events.1password.eu")),
        ("other-api", "8\nhas API version v1", term("\"v2\"", "\"v1\"")),
        ("other-shape", "8\nwas written with shape ecs", term("\"shape\":\"raw\"", "\"shape\":\"ecs\"")),
        ("other-format", "8\nwas written with format csv", term("\"ndjson\"", "\"csv\"")),
        ("other-fields", "8\nwas written with fields uuid", term("\"fields\":[]", "\"fields\":[\"uuid\"]")),
        ("file-shorter", "8\nis another file", with(Some(a.clone()), Some(b.clone()), Some(&seen), Some(&out[..99]))),
        ("file-changed", "8\nwas changed",
            with(Some(a.clone()), Some(b.clone()), Some(&seen), Some(&changed(&out, out.len() - 9)))),
        ("file-with-a-tail", "0", with(Some(a.clone()), Some(b.clone()), Some(&seen), Some(&tail))),
        ("file-missing", "0\nrotated", with(Some(a.clone()), Some(b.clone()), Some(&seen), None)),
        ("file-new-and-empty", "0\nrotated", with(Some(a.clone()), Some(b.clone()), Some(&seen), Some(b""))),
        ("log-missing", "8\nis missing", with(Some(a.clone()), Some(b.clone()), None, Some(&out))),
        ("log-cut", "8\nis cut short", with(Some(a.clone()), Some(b.clone()), Some(&seen[..20]), Some(&out))),
        ("log-changed", "8\nwas changed",
            with(Some(a.clone()), Some(b.clone()), Some(&changed(&seen, 5)), Some(&out))),
        ("log-with-a-tail", "0",
            with(Some(a.clone()), Some(b.clone()), Some(&[&seen[..], b"tail"].concat()), Some(&out))),
    ];
    for (name, expect, files) in cases {
        let folder = corpus().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder.join("expect"), format!("{expect}\n").as_bytes());
        for (file, bytes) in files {
            write(&folder.join(file), &bytes);
        }
    }
}
