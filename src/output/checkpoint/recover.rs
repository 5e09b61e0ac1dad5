//! Whether a checkpoint still fits the run and the output, and what may be done (P6).
//!
//! The decisions are pure functions; [`open_output`] reads the file, calls them and acts. Only bytes that are
//! proved to be opev's own are cut off, and a refusal changes nothing.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::super::digest::Digest;
use super::super::intent::{self, IntentNote, TailOrigin};
use super::super::sink::managed::{Found, ManagedFile, TAIL};
use super::super::whole::{WholeDigest, WholeMark};
use super::super::{disk_failure, shown};
use super::lock;
use super::record::{Checkpoint, OutputContract, OutputMark};
use crate::disk::{self, Disk, File, FileKind, Metadata, Open};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// The largest file that is read in full at the start, to detect an edit in its middle.
const CHEAP: u64 = 64 << 20;
/// The most uncommitted bytes that are read to judge them by their form.
const LONGEST_TAIL: usize = 1 << 30;
/// How many columns that differ are named in a message.
const NAMED: usize = 6;
/// How much of a file is searched for the end of its header.
const LONGEST_HEADER: usize = 64 << 10;

/// How a managed file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Unchanged, perhaps with an uncommitted tail, which is cut off.
    Continued,
    /// New and empty.
    New,
    /// The old file was moved: its events are delivered, and the new one starts empty.
    Rotated,
}

/// Why a managed file cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It holds bytes that no checkpoint accounts for.
    Foreign,
    /// The same file was truncated: by copytruncate or an editor.
    CutShort,
    /// It is another, shorter file.
    Replaced,
    /// The bytes before the recorded length were changed.
    Changed,
    /// This many bytes after the recorded length are not opev's.
    Appended(u64),
}

/// Compares the terms of the run with those of the position.
///
/// For a file, everything that decides what is written must be the same; streams may be added where the format
/// has no columns. Terms that an older program did not save are not compared (P12).
///
/// # Errors
/// Fails with `Disagreement` on the first that differs, and names both.
pub fn check_terms(record: &Checkpoint, now: &OutputContract, is_file: bool) -> Result<()> {
    let saved = &record.terms;
    let consumer = sanitize::message(&record.consumer);
    if let (Some(saved), Some(now)) = (&saved.account, &now.account)
        && saved != now
    {
        return Err(other_position(&consumer, "account", saved, now));
    }
    for (what, saved, now) in [("host", &saved.host, &now.host), ("API version", &saved.api, &now.api)] {
        if saved != now {
            return Err(other_position(&consumer, what, saved, now));
        }
    }
    if !is_file {
        return Ok(());
    }
    let listed = |names: &[String]| names.join(",");
    let encoder = |version: u32| if version == 0 { String::new() } else { version.to_string() };
    let written = [
        ("format", saved.format.clone(), now.format.clone()),
        ("shape", saved.shape.clone(), now.shape.clone()),
        ("compression", saved.compression.to_string(), now.compression.to_string()),
        (
            "filters",
            named_or(&saved.filters, "that leave nothing out"),
            named_or(&now.filters, "that leave nothing out"),
        ),
        ("redaction", named_or(&saved.redaction, "of nothing"), named_or(&now.redaction, "of nothing")),
        (
            "fields",
            named_or(&listed(&saved.fields), "as they are by default"),
            named_or(&listed(&now.fields), "as they are by default"),
        ),
    ];
    let additions = |text: &Option<String>| text.as_deref().map(|text| named_or(text, "that add nothing"));
    // Empty where none were saved, or where there are none.
    let since_version_2 = [
        (
            "tags and options",
            additions(&saved.additions).unwrap_or_default(),
            additions(&now.additions).unwrap_or_default(),
        ),
        ("encoder version", encoder(saved.encoder), encoder(now.encoder)),
        ("columns", listed(&saved.columns), listed(&now.columns)),
    ];
    let known = since_version_2.iter().filter(|(_, saved, now)| !saved.is_empty() && !now.is_empty());
    match written.iter().chain(known).find(|(_, saved, now)| saved != now) {
        Some(("columns", ..)) => Err(other_columns(&consumer, &saved.columns, &now.columns)),
        Some((what, saved, now)) => Err(other_contents(&consumer, what, saved, now)),
        None => Ok(()),
    }
}

/// Names the columns that differ, and not those that both have.
fn other_columns(consumer: &str, saved: &[String], now: &[String]) -> Error {
    let only = |these: &[String], those: &[String]| {
        let mut names: Vec<String> = these.iter().filter(|name| !those.contains(name)).cloned().collect();
        if names.len() > NAMED {
            let more = names.len() - NAMED;
            names.truncate(NAMED);
            names.push(format!("and {more} more"));
        }
        (!names.is_empty()).then(|| sanitize::message(&names.join(", ")).into_owned())
    };
    let message = match (only(saved, now), only(now, saved)) {
        (Some(gone), Some(new)) => {
            format!("{consumer} was written with the columns {gone}, this run would write {new} instead")
        }
        (Some(gone), None) => {
            format!("{consumer} was written with the columns {gone}, this run has none of them")
        }
        (None, Some(new)) => {
            format!("{consumer} was written without the columns {new}, this run would add them")
        }
        (None, None) => format!("{consumer} was written with the same columns in another order"),
    };
    of_the_file(message)
}

fn named_or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

fn other_position(consumer: &str, what: &str, saved: &str, now: &str) -> Error {
    let (saved, now) = (sanitize::message(saved), sanitize::message(now));
    let message = format!("the saved position of {consumer} has {what} {saved}, this run has {now}");
    Error::new(ErrorKind::Disagreement, message)
        .hint("run with the terms of the saved position, or use another -o or --consumer")
}

fn other_contents(consumer: &str, what: &str, saved: &str, now: &str) -> Error {
    let (saved, now) = (sanitize::message(saved), sanitize::message(now));
    of_the_file(format!("{consumer} was written with {what} {saved}, this run would write {what} {now}"))
}

fn of_the_file(message: String) -> Error {
    Error::new(ErrorKind::Disagreement, message)
        .hint("run with the terms of the file, or give -o another name; nothing was changed")
}

/// Fills in the columns that version 0.1 did not save, from the first line of the file they head.
///
/// # Errors
/// Fails with `Output` when the file cannot be read.
pub fn complete_columns(disk: &dyn Disk, record: &mut Checkpoint) -> Result<()> {
    let Some(output) = record.output.as_ref().filter(|output| output.length > 0) else { return Ok(()) };
    if record.terms.format != "csv" || !record.terms.columns.is_empty() {
        return Ok(());
    }
    let path = Path::new(&output.path);
    let file = match disk.open(path, Open::Read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(|e| disk_failure("open", path, e))?,
    };
    let start = disk::read_range(&*file, 0, LONGEST_HEADER).map_err(|e| disk_failure("read", path, e))?;
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    record.terms.columns = String::from_utf8_lossy(header).split(',').map(str::to_owned).collect();
    Ok(())
}

/// Clears the record of a file that was moved or removed: its events are delivered, and a new one starts empty.
/// True when there was such a record.
pub fn forget_missing(disk: &dyn Disk, path: &Path, recorded: &mut Option<OutputMark>) -> bool {
    let is_missing = disk.metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    match recorded {
        Some(output) if is_missing && output.length > 0 => {
            log::info!("{} is gone: going on in a new file", shown(path));
            *output = OutputMark {
                device: 0,
                inode: 0,
                length: 0,
                digest: Digest::of(b""),
                whole: None,
                ..output.clone()
            };
            true
        }
        _ => false,
    }
}

/// The arguments for opening a managed file.
#[derive(Clone, Copy, Debug)]
pub struct OpenManaged<'a> {
    /// The file, by its absolute path.
    pub path: &'a Path,
    /// Its permissions, if it is made.
    pub mode: u32,
    /// The [`intent`] file.
    pub note: &'a Path,
    /// Its state in the last checkpoint.
    pub recorded: Option<&'a OutputMark>,
    /// How it is written.
    pub terms: &'a OutputContract,
}

/// Opens, locks and recovers a managed file.
///
/// # Errors
/// Fails with `Locked` when another run writes it, with `Disagreement` when it is not as it was left.
pub fn open_output(disk: &Arc<dyn Disk>, how: OpenManaged<'_>) -> Result<ManagedFile> {
    let OpenManaged { path, mode, note, recorded, terms } = how;
    let (mut file, metadata) = lock::open_locked(&**disk, path, Open::Append { mode })?;
    if metadata.kind != FileKind::Regular {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} cannot be managed: not a regular file", shown(path)),
        )
        .hint("give --resume a regular file, or write to stdout with --consumer NAME"));
    }
    let unreadable = |e| disk_failure("read", path, e);
    let tail = match recorded {
        Some(output) if output.length <= metadata.length => {
            let start = output.length.saturating_sub(TAIL as u64);
            disk::read_range(&*file, start, (output.length - start) as usize).map_err(unreadable)?
        }
        _ => Vec::new(),
    };
    let found = judge(recorded, &metadata, Digest::of(&tail)).map_err(|why| refused(path, why, recorded))?;
    let recorded = recorded.filter(|_| found == FileState::Continued);
    let length = recorded.map_or(0, |output| output.length);
    let mark = recorded.and_then(|output| output.whole.as_ref());
    let whole = checked_whole(mark, &*file, length)
        .map_err(unreadable)?
        .map_err(|why| refused(path, why, recorded))?;
    if metadata.length > length {
        check_tail(&**disk, &*file, how, length, metadata.length)?;
        let more = metadata.length - length;
        log::warn!(
            "{more} bytes that were written and never committed are cut off the end of {}; what they held is \
             delivered again",
            shown(path)
        );
        file.truncate(length).map_err(|e| disk_failure("cut", path, e))?;
        // Before this is durable the cut bytes could reappear after a run that ended with 0 (P3, P8).
        file.sync_data().map_err(|e| disk_failure("sync", path, e))?;
    }
    // An earlier run may have created the name and been killed before it could sync it. With a symbolic link it
    // is the name of the link's target.
    let name = disk.target(path).map_err(|e| disk_failure("look at", path, e))?;
    let directory = name.parent().unwrap_or(Path::new("/"));
    disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))?;
    let tail = if length == 0 { Vec::new() } else { tail };
    let intent = IntentNote::new(disk, note.to_owned(), length);
    Ok(ManagedFile::new(file, path, &metadata, Found { length, tail, whole }, terms.compression, intent))
}

/// The digest of the whole file, which must be the recorded one. A large file is read only as far as needed to
/// continue; where no digest was recorded for it, there is none.
fn checked_whole(
    mark: Option<&WholeMark>,
    file: &dyn File,
    length: u64,
) -> io::Result<Result<Option<WholeDigest>, Refusal>> {
    if length > CHEAP {
        let Some(mark) = mark else { return Ok(Ok(None)) };
        return Ok(WholeDigest::resume(mark, file, length)?.map(Some).ok_or(Refusal::Changed));
    }
    let whole = WholeDigest::of(file, length)?;
    let is_another = length > 0 && mark.is_some_and(|mark| *mark != whole.mark());
    Ok(if is_another { Err(Refusal::Changed) } else { Ok(Some(whole)) })
}

/// Whether the bytes after the committed length may be cut off (P6): they are what was announced, or, where
/// power may have failed since, have its form.
fn check_tail(
    disk: &dyn Disk,
    file: &dyn File,
    how: OpenManaged<'_>,
    committed: u64,
    length: u64,
) -> Result<()> {
    let unreadable = |e| disk_failure("read", how.path, e);
    let is_ours = match intent::origin(disk, how.note, file, committed, length).map_err(unreadable)? {
        TailOrigin::Announced => true,
        TailOrigin::Foreign => false,
        TailOrigin::Unknown => {
            let more = usize::try_from(length - committed).unwrap_or(usize::MAX);
            more <= LONGEST_TAIL && {
                let tail = disk::read_range(file, committed, more).map_err(unreadable)?;
                intent::looks_like(&how.terms.format, how.terms.compression, &tail, committed == 0)
            }
        }
    };
    if is_ours { Ok(()) } else { Err(refused(how.path, Refusal::Appended(length - committed), how.recorded)) }
}

/// Decides what a file is, by its record and its contents.
fn judge(recorded: Option<&OutputMark>, found: &Metadata, before: Digest) -> Result<FileState, Refusal> {
    let Some(recorded) = recorded else {
        return if found.length == 0 { Ok(FileState::New) } else { Err(Refusal::Foreign) };
    };
    let is_same = (recorded.device, recorded.inode) == (found.device, found.inode);
    match (recorded.length, found.length) {
        (0, 0) => Ok(FileState::Continued),
        // Nothing was committed, so there is no digest of the bytes; the inode decides.
        (0, _) if is_same => Ok(FileState::Continued),
        (0, _) => Err(Refusal::Foreign),
        // Only the inode distinguishes a new file from an emptied one.
        (_, 0) if !is_same => Ok(FileState::Rotated),
        (length, now) if now < length && is_same => Err(Refusal::CutShort),
        (length, now) if now < length => Err(Refusal::Replaced),
        _ if recorded.digest != before => Err(Refusal::Changed),
        _ => Ok(FileState::Continued),
    }
}

fn refused(path: &Path, why: Refusal, recorded: Option<&OutputMark>) -> Error {
    let path = shown(path);
    let length = recorded.map_or(0, |output| output.length);
    let message = match why {
        Refusal::Foreign => format!("{path} holds bytes that opev did not write under this position"),
        Refusal::CutShort => format!(
            "{path} is shorter than the {length} bytes delivered to it: something cut it in place, as \
             logrotate's copytruncate does, which can lose events between copy and cut"
        ),
        Refusal::Replaced => {
            format!("{path} is another file than the one of {length} bytes that was delivered to")
        }
        Refusal::Changed => {
            format!("{path} was changed: its first {length} bytes are not those that were delivered")
        }
        Refusal::Appended(more) => format!(
            "{path} holds {more} bytes behind the {length} delivered to it that opev did not write: another \
             program appended to it"
        ),
    };
    Error::new(ErrorKind::Disagreement, message).hint(match why {
        Refusal::Foreign => "nothing was changed; move the file away, or give -o another name",
        Refusal::Appended(_) => {
            "nothing was changed; take those bytes off its end, or move the file away: opev then goes on in a \
             new file from the saved position"
        }
        _ => {
            "nothing was changed; put the file back as it was, or move it away: opev then goes on in a new \
             file from the saved position (rotate by renaming, not by copytruncate)"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(inode: u64, length: u64) -> OutputMark {
        OutputMark { path: "/out".into(), device: 1, inode, length, digest: Digest::of(b"good"), whole: None }
    }

    fn judged(
        record: Option<OutputMark>,
        inode: u64,
        length: u64,
        before: &[u8],
    ) -> Result<FileState, Refusal> {
        let found = Metadata { length, device: 1, inode, links: 1, kind: FileKind::Regular };
        judge(record.as_ref(), &found, Digest::of(before))
    }

    #[test]
    fn the_table_of_outputs() {
        for (name, record, inode, length, before, expected) in [
            ("first start", None, 7, 0, "", Ok(FileState::New)),
            ("first start on bytes", None, 7, 5, "", Err(Refusal::Foreign)),
            ("as left", Some(recorded(7, 10)), 7, 10, "good", Ok(FileState::Continued)),
            ("uncommitted tail", Some(recorded(7, 10)), 7, 12, "good", Ok(FileState::Continued)),
            ("restored from a backup", Some(recorded(7, 10)), 8, 10, "good", Ok(FileState::Continued)),
            ("other bytes", Some(recorded(7, 10)), 7, 10, "evil", Err(Refusal::Changed)),
            ("rotated", Some(recorded(7, 10)), 8, 0, "", Ok(FileState::Rotated)),
            ("copytruncate", Some(recorded(7, 10)), 7, 0, "", Err(Refusal::CutShort)),
            ("copytruncate, grown", Some(recorded(7, 10)), 7, 9, "", Err(Refusal::CutShort)),
            ("another, shorter", Some(recorded(7, 10)), 8, 9, "", Err(Refusal::Replaced)),
            ("nothing committed, a tail", Some(recorded(7, 0)), 7, 9, "", Ok(FileState::Continued)),
            ("nothing committed, another", Some(recorded(7, 0)), 8, 9, "", Err(Refusal::Foreign)),
            ("nothing committed, empty", Some(recorded(7, 0)), 8, 0, "", Ok(FileState::Continued)),
        ] {
            assert_eq!(judged(record, inode, length, before.as_bytes()), expected, "{name}");
        }
    }
}
