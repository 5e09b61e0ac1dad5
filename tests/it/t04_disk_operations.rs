//! T4: what is asked of the disk, at the start and for each page, is the documented list: three syncs a
//! page, and four where the log of identities is written anew.

use std::sync::Arc;

use crate::disks::RecordingDisk;
use opev::clock::Clock as _;
use opev::disk::Disk;
use opev::event::Stream;
use opev::output::commit::{CheckpointedOutput, OutputTarget};
use opev::page::{Cursor, Next};

use crate::rehearsal::{Lines, Rehearsal, clock, golden, next_page, page_of};
use crate::t02_power_loss::empty_disk;

fn cursor(text: &str) -> Next {
    Next::CaughtUp(Some(Cursor::new(text)))
}

#[test]
fn the_operations_are_the_documented_ones() {
    let rehearsal = Rehearsal::modelled();
    let key = rehearsal.place().directory().file_name().unwrap().to_string_lossy().into_owned();
    let sync_key = format!("sync_dir {key}");
    let disk = Arc::new(RecordingDisk::new(empty_disk()));
    let clock = clock();
    let open = || {
        let target = OutputTarget::File { path: rehearsal.output.clone(), mode: 0o600 };
        CheckpointedOutput::open(disk.clone(), Arc::new(clock.clone()), rehearsal.setup(), target).unwrap()
    };

    let mut pipeline = open();
    let make = format!("create_dir {key}");
    #[rustfmt::skip]
    let first_start = [
        "create_dir state", "create_dir profiles", "create_dir default", "create_dir consumers", &make,
        "open lock", "lock lock", "truncate lock", "write_at lock",
        // The output comes into being under its lock, and its name is durable.
        "open out", "lock out", "sync_dir ",
        // So is the way to the checkpoint, and then the checkpoint, which says that the file is empty.
        &sync_key, "sync_dir consumers", "sync_dir default", "sync_dir profiles", "sync_dir state",
        "sync_dir home", "sync_dir ",
        "open checkpoint.new", "truncate checkpoint.new", "write_at checkpoint.new",
        "sync_data checkpoint.new", "rename to checkpoint.a", &sync_key,
    ];
    assert_eq!(disk.take(), first_start, "the first start");

    let first = next_page(&pipeline).unwrap();
    pipeline.deliver(&first, &mut Lines).unwrap();
    #[rustfmt::skip]
    let first_page = [
        // What is appended is noted before, without a sync.
        "open intent", "truncate intent", "write_at intent",
        "append out", "sync_data out",
        "open seen.0", &sync_key, "append seen.0", "sync_data seen.0",
        "open checkpoint.new", "truncate checkpoint.new", "write_at checkpoint.new",
        "sync_data checkpoint.new", "rename to checkpoint.b", &sync_key,
    ];
    assert_eq!(disk.take(), first_page, "the first page makes the log and the second slot");

    pipeline.deliver(&page_of(Stream::AuditEvents, &[11], cursor("a")), &mut Lines).unwrap();
    drop(pipeline);
    disk.take();
    let mut pipeline = open();
    #[rustfmt::skip]
    let later_start = [
        "open lock", "lock lock", "truncate lock", "write_at lock",
        "open out", "lock out", "sync_dir ",
        // The record that was read is made durable before anything builds on it.
        "open checkpoint.a", "write_at checkpoint.a", "sync_data checkpoint.a", &sync_key,
    ];
    assert_eq!(disk.take(), later_start, "a later start");

    pipeline.deliver(&page_of(Stream::AuditEvents, &[12], cursor("b")), &mut Lines).unwrap();
    disk.take();
    pipeline.deliver(&page_of(Stream::AuditEvents, &[13], cursor("c")), &mut Lines).unwrap();
    #[rustfmt::skip]
    let page = [
        "truncate intent", "write_at intent",
        "append out", "sync_data out",
        "append seen.0", "sync_data seen.0",
        "write_at checkpoint.a", "sync_data checkpoint.a",
    ];
    assert_eq!(disk.take(), page, "a page: three syncs");

    pipeline.deliver(&page_of(Stream::AuditEvents, &[], cursor("d")), &mut Lines).unwrap();
    assert!(disk.take().is_empty(), "a page without events waits");
    clock.advance(std::time::Duration::from_secs(30));
    let delivered = pipeline.deliver(&page_of(Stream::AuditEvents, &[13], cursor("e")), &mut Lines).unwrap();
    assert!(delivered.committed && delivered.repeats == 1);
    assert_eq!(disk.take(), ["write_at checkpoint.b", "sync_data checkpoint.b"], "30 s later: one sync");

    pipeline.deliver(&page_of(Stream::AuditEvents, &[], cursor("f")), &mut Lines).unwrap();
    pipeline.finish().unwrap();
    assert_eq!(disk.take(), ["write_at checkpoint.a", "sync_data checkpoint.a"], "the end saves the rest");
}

#[test]
fn no_page_takes_more_than_four_syncs() {
    let rehearsal = Rehearsal::modelled();
    let disk = Arc::new(RecordingDisk::new(empty_disk()));
    let mut pipeline = rehearsal.open(disk.clone()).unwrap();
    let mut counts = Vec::new();
    for number in 0..60 {
        disk.take();
        let page = page_of(Stream::AuditEvents, &[number], cursor(&number.to_string()));
        pipeline.deliver(&page, &mut Lines).unwrap();
        counts.push(disk.take().iter().filter(|operation| operation.starts_with("sync")).count());
    }
    // The first page makes the log and the second slot.
    assert!(counts[1..].iter().all(|syncs| matches!(syncs, 3 | 4)), "{counts:?}");
    assert!(counts.contains(&4), "the log was never written anew");
}

#[test]
fn a_quiet_stream_is_proved_quiet_every_five_minutes() {
    let rehearsal = Rehearsal::modelled();
    let disk = Arc::new(RecordingDisk::new(empty_disk()));
    let clock = clock();
    let target = OutputTarget::File { path: rehearsal.output.clone(), mode: 0o600 };
    let mut pipeline = CheckpointedOutput::open(
        disk.clone() as Arc<dyn Disk>,
        Arc::new(clock.clone()),
        rehearsal.setup(),
        target,
    )
    .unwrap();
    let mut commits = 0;
    for _ in 0..24 * 60 {
        clock.advance(std::time::Duration::from_secs(60));
        let mut page = page_of(Stream::AuditEvents, &[], cursor("same"));
        page.received_at = clock.now();
        commits += u32::from(pipeline.deliver(&page, &mut Lines).unwrap().committed);
    }
    assert!((287..=289).contains(&commits), "{commits} commits in a day");
    assert_eq!(pipeline.position(Stream::AuditEvents).unwrap().caught_up_at, Some(clock.now()));
}

#[test]
fn several_pages_of_several_streams_are_one_commit() {
    let rehearsal = Rehearsal::modelled();
    let disk = Arc::new(RecordingDisk::new(empty_disk()));
    for numbers in [[90, 91], [92, 93]] {
        // The second time, both slots and the log are there.
        let mut output = rehearsal.open(disk.clone()).unwrap();
        for number in numbers {
            output.deliver(&page_of(Stream::AuditEvents, &[number], cursor("a")), &mut Lines).unwrap();
        }
    }
    let mut output = rehearsal.open(disk.clone()).unwrap();
    disk.take();
    for (stream, numbers) in [(Stream::AuditEvents, [1, 2]), (Stream::ItemUsages, [1, 2])] {
        let page = page_of(stream, &numbers, cursor("b"));
        let staged = output.stage(&page, 0..page.len(), &mut Lines).unwrap();
        assert_eq!((staged.events, staged.repeats), (2, 0));
    }
    #[rustfmt::skip]
    let staged = [
        "open intent", "truncate intent", "write_at intent", "append out",
        "truncate intent", "write_at intent", "append out",
    ];
    assert_eq!(disk.take(), staged, "staging changes nothing but the output and the note of it");
    assert!(output.commit_if_due().unwrap());
    #[rustfmt::skip]
    let batch = [
        "sync_data out", "open seen.0", "append seen.0", "sync_data seen.0",
        "open checkpoint.b", "write_at checkpoint.b", "sync_data checkpoint.b",
    ];
    assert_eq!(disk.take(), batch, "a batch of pages: three syncs");
    output.commit().unwrap();
    assert!(!output.commit_if_due().unwrap());
    assert!(disk.take().is_empty(), "nothing to save");
}

#[test]
fn a_page_that_is_staged_in_part_keeps_the_cursor_before_it() {
    let rehearsal = Rehearsal::modelled();
    let disk = empty_disk();
    let mut output = rehearsal.open(Arc::new(disk.clone())).unwrap();
    let page = page_of(Stream::AuditEvents, &[1, 2, 3], cursor("behind"));
    output.stage(&page, 0..2, &mut Lines).unwrap();
    output.commit().unwrap();
    let position = output.position(Stream::AuditEvents).unwrap().clone();
    assert_eq!((position.cursor, position.caught_up, position.delivered), (None, false, 2));
    drop(output);
    // The next run is given the same page again, and what it wrote in part is not written twice (P2).
    let mut output = rehearsal.open(Arc::new(disk.clone())).unwrap();
    let staged = output.stage(&page, 0..3, &mut Lines).unwrap();
    assert_eq!((staged.events, staged.repeats), (1, 2));
    output.finish().unwrap();
    let output = rehearsal.open(Arc::new(disk.clone())).unwrap();
    assert_eq!(output.position(Stream::AuditEvents).unwrap().cursor.as_deref(), Some("behind"));
    assert_eq!(String::from_utf8(disk.contents(&rehearsal.output).unwrap()).unwrap().lines().count(), 4);
}

#[test]
fn what_was_staged_and_not_committed_is_cut_by_the_next_run() {
    let rehearsal = Rehearsal::modelled();
    let disk = empty_disk();
    let mut output = rehearsal.open(Arc::new(disk.clone())).unwrap();
    while let Some(page) = next_page(&output) {
        output.stage(&page, 0..page.len(), &mut Lines).unwrap();
    }
    assert_eq!(disk.contents(&rehearsal.output).unwrap(), golden());
    drop(output);
    rehearsal.run(Arc::new(disk.clone())).unwrap();
    assert_eq!(disk.contents(&rehearsal.output).unwrap(), golden());
}
