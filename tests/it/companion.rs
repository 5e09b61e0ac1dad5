//! T1, T2 and T4 with a file of hits: what rules have gathered, their hits and the events are one commit. Whatever is
//! killed or cut off, each event and each hit is in its file once.
//!
//! The rule is one whose hits depend on all that it gathered: every third event is one, and how many there were
//! before is its state.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use opev::disk::Disk;
use opev::error::Result;
use opev::event::{Event, Stream};
use opev::output::commit::{CheckpointedOutput, Encode};
use opev::page::{Cursor, Next};

use crate::disks::{ModelDisk, RecordingDisk};
use crate::rehearsal::{Lines, Rehearsal, golden, next_page, page_of};
use crate::t02_power_loss::empty_disk;

const HITS: &str = "/hits";

/// How many crash states of one moment are tried.
const PER_POINT: u64 = 60;

/// Lines, and which events they were.
#[derive(Default)]
struct Noted(Vec<String>);

impl Encode for Noted {
    fn begin(&mut self, out: &mut Vec<u8>) {
        Lines.begin(out);
    }

    fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        Lines.event(event, received_at, out);
        self.0.push(String::from_utf8_lossy(event.raw).into_owned());
    }
}

/// The hits of events that come after so many, and how many there are then.
fn hits(before: usize, events: &[String]) -> (String, usize) {
    let numbered = events.iter().enumerate().map(|(index, event)| (before + index + 1, event));
    let third = numbered.filter(|(number, _)| number % 3 == 0);
    (
        third.map(|(number, event)| format!("{{\"hit\":{number},\"event\":{event}}}\n")).collect(),
        before + events.len(),
    )
}

/// Every hit of an undisturbed run.
fn golden_hits() -> String {
    let text = String::from_utf8(golden()).unwrap();
    let events: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    hits(0, &events).0
}

fn accompanied(output: &mut CheckpointedOutput) -> Result<usize> {
    let state = output.accompany(Some((PathBuf::from(HITS), 0o600)))?;
    Ok(state.map_or(0, |state| String::from_utf8(state).unwrap().parse().unwrap()))
}

/// One whole run with the rule beside the events.
fn run(rehearsal: &Rehearsal, disk: Arc<dyn Disk>) -> Result<()> {
    let mut output = rehearsal.open(disk)?;
    let mut count = accompanied(&mut output)?;
    while let Some(page) = next_page(&output) {
        let mut noted = Noted::default();
        output.stage(&page, 0..page.len(), &mut noted)?;
        let lines;
        (lines, count) = hits(count, &noted.0);
        if !noted.0.is_empty() {
            output.stage_companion(lines.as_bytes(), count.to_string().into_bytes())?;
        }
        output.commit_if_due()?;
    }
    output.finish()
}

/// Runs to the end, twice, and compares both files each time.
fn recovers(disk: &ModelDisk, rehearsal: &Rehearsal, context: &str) {
    for round in ["recovery", "the run after it"] {
        run(rehearsal, Arc::new(disk.clone())).unwrap_or_else(|e| panic!("{context}: {round}: {e}"));
        is_golden(disk, rehearsal, &format!("{context}: {round}"));
    }
}

fn is_golden(disk: &ModelDisk, rehearsal: &Rehearsal, context: &str) {
    let text = |path: &Path| String::from_utf8(disk.contents(path).unwrap_or_default()).unwrap();
    assert_eq!(text(&rehearsal.output).as_bytes(), golden(), "{context}");
    assert_eq!(text(Path::new(HITS)), golden_hits(), "{context}");
}

/// The disk before each operation of a run, and after the last.
fn moments(disk: &ModelDisk, rehearsal: &Rehearsal) -> Vec<ModelDisk> {
    let disk = disk.after_kill();
    disk.keep_history();
    run(rehearsal, Arc::new(disk.clone())).unwrap();
    is_golden(&disk, rehearsal, "undisturbed");
    let mut moments = disk.history();
    moments.push(disk.after_kill());
    moments
}

#[test]
fn killed_before_every_operation_and_again_in_the_recovery_each_hit_is_there_once() {
    let rehearsal = Rehearsal::modelled();
    let moments = moments(&empty_disk(), &rehearsal);
    assert!(moments.len() > 80 && golden_hits().lines().count() > 4, "{}", moments.len());
    for (first, killed) in moments.iter().enumerate() {
        recovers(&killed.after_kill(), &rehearsal, &format!("killed at {first}"));
        let again = self::moments(&killed.after_kill(), &rehearsal);
        for (second, killed) in again.iter().enumerate().skip(first % 3).step_by(3) {
            recovers(&killed.after_kill(), &rehearsal, &format!("killed at {first}, then at {second}"));
        }
    }
}

#[test]
fn power_that_fails_before_any_operation_loses_and_repeats_no_hit() {
    let rehearsal = Rehearsal::modelled();
    let moments = moments(&empty_disk(), &rehearsal);
    for (at, moment) in moments.iter().enumerate() {
        for state in moment.crash_states(PER_POINT, at as u64) {
            if at + 1 == moments.len() {
                is_golden(&state, &rehearsal, "power cut after the end");
            }
            recovers(&state, &rehearsal, &format!("power cut at {at}"));
        }
    }
}

#[test]
fn several_pages_in_one_commit_keep_events_and_hits_together() {
    let rehearsal = Rehearsal::modelled();
    let two_pages = |disk: Arc<dyn Disk>| -> Result<()> {
        let mut output = rehearsal.open(disk)?;
        let mut count = accompanied(&mut output)?;
        let mut staged = 0;
        while let Some(page) = next_page(&output) {
            let mut noted = Noted::default();
            output.stage(&page, 0..page.len(), &mut noted)?;
            let lines;
            (lines, count) = hits(count, &noted.0);
            output.stage_companion(lines.as_bytes(), count.to_string().into_bytes())?;
            staged += 1;
            if staged % 2 == 0 {
                output.commit_if_due()?;
            }
        }
        output.finish()
    };
    let disk = empty_disk();
    disk.keep_history();
    two_pages(Arc::new(disk.clone())).unwrap();
    is_golden(&disk, &rehearsal, "undisturbed");
    for (at, killed) in disk.history().iter().enumerate() {
        let killed = killed.after_kill();
        two_pages(Arc::new(killed.clone())).unwrap_or_else(|e| panic!("killed at {at}: {e}"));
        is_golden(&killed, &rehearsal, &format!("killed at {at}"));
    }
}

#[test]
fn a_commit_with_hits_has_the_documented_operations() {
    let rehearsal = Rehearsal::modelled();
    let key = rehearsal.place().directory().file_name().unwrap().to_string_lossy().into_owned();
    let sync_key = format!("sync_dir {key}");
    let disk = Arc::new(RecordingDisk::new(empty_disk()));
    let mut output = rehearsal.open(disk.clone()).unwrap();
    accompanied(&mut output).unwrap();
    let mut page = |number: u32, hit: &str| {
        disk.take();
        let cursor = Cursor::new(number.to_string());
        let page = page_of(Stream::AuditEvents, &[number], Next::CaughtUp(Some(cursor)));
        output.stage(&page, 0..page.len(), &mut Lines).unwrap();
        output.stage_companion(hit.as_bytes(), number.to_string().into_bytes()).unwrap();
        output.commit_if_due().unwrap();
        disk.take()
    };
    for number in [11, 12, 13] {
        page(number, "hit\n");
    }
    #[rustfmt::skip]
    let with_hit = [
        "truncate intent", "write_at intent", "append out",
        // The hits as the events: what is appended is noted before.
        "truncate hits.intent", "write_at hits.intent", "append hits",
        "sync_data out", "sync_data hits",
        // The state is a new file; the one before the last is not needed any more.
        "remove detect.4", "open detect.4", "write_at detect.4", "sync_data detect.4", &sync_key,
        // Then what says that all of it counts; the slot has the name that it was made under.
        "append seen.0", "sync_data seen.0", "write_at checkpoint.new", "sync_data checkpoint.new",
        "remove detect.2",
    ];
    assert_eq!(page(14, "hit\n"), with_hit, "a page with a hit");
    let without = page(16, "");
    assert!(!without.iter().any(|operation| operation.ends_with("hits")), "{without:?}");
    assert!(without.contains(&"sync_data detect.5".to_owned()), "{without:?}");
}
