//! The record of what is about to be appended to a managed file, so that bytes after the committed length can
//! be proved to be this program's own before they are cut off (P6).
//!
//! It is written before each append and never synced: a kill leaves it in place. After a power failure it may
//! be lost or stale, so it counts only within one boot; otherwise the bytes are judged by their form. It holds
//! lengths and digests, no byte of an event.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, RunningDigest};
use super::disk_failure;
use crate::compression::Compression;
use crate::disk::{self, Disk, File, Open};
use crate::error::Result;

/// The distance between digests: an interrupted write ends at a memory page.
const STEP: u64 = 4096;
/// The largest intent that is read.
const LIMIT: usize = 64 << 20;

/// What was announced since the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Announced {
    /// The boot in which it was written.
    boot: Option<String>,
    /// The committed length.
    from: u64,
    /// Lengths after it, in ascending order, each with the digest of the bytes from `from` up to there.
    marks: Vec<(u64, Digest)>,
}

/// The intent file beside a checkpoint.
#[derive(Debug)]
pub struct IntentNote {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<Box<dyn File>>,
    announced: Announced,
    end: u64,
    running: RunningDigest,
}

/// Who wrote the bytes after the committed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailOrigin {
    /// This program: they are what was announced, or the beginning of it.
    Announced,
    /// Another program.
    Foreign,
    /// Unknown: power may have failed since.
    Unknown,
}

impl IntentNote {
    /// The intent at `path`, for a file with `length` committed bytes.
    pub fn new(disk: &Arc<dyn Disk>, path: PathBuf, length: u64) -> Self {
        let announced = Announced { boot: disk.boot_id(), from: length, marks: Vec::new() };
        let running = RunningDigest::default();
        IntentNote { disk: disk.clone(), path, file: None, announced, end: length, running }
    }

    /// Records what is appended next.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does.
    pub fn announce(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let step = usize::try_from(STEP - self.end % STEP).unwrap_or(bytes.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(step);
            self.running.add(now);
            self.end += now.len() as u64;
            self.announced.marks.push((self.end, self.running.digest()));
            bytes = rest;
        }
        self.write().map_err(|e| disk_failure("write", &self.path, e))
    }

    /// Sets the committed length of the file.
    pub fn committed(&mut self, length: u64) {
        self.announced.from = length;
        self.announced.marks.clear();
        self.end = length;
        self.running = RunningDigest::default();
    }

    fn write(&mut self) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(&self.announced)?;
        bytes.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.disk.open(&self.path, Open::InPlace { mode: 0o600 })?),
        };
        file.truncate(0)?;
        disk::write_all_at(&mut **file, &bytes, 0)
    }
}

/// Who wrote the bytes of `file` between the committed and the present length, by the intent at `path`.
///
/// # Errors
/// Fails when the bytes cannot be read.
pub fn origin(
    disk: &dyn Disk,
    path: &Path,
    file: &dyn File,
    committed: u64,
    length: u64,
) -> std::io::Result<TailOrigin> {
    let note = disk.open(path, Open::Read).and_then(|note| disk::read_all(&*note, LIMIT)).unwrap_or_default();
    let Ok(note) = serde_json::from_slice::<Announced>(&note) else { return Ok(TailOrigin::Unknown) };
    if note.boot.is_none() || note.boot != disk.boot_id() {
        return Ok(TailOrigin::Unknown);
    }
    let end = note.marks.last().map_or(note.from, |(end, _)| *end);
    if note.from != committed || length > end {
        return Ok(TailOrigin::Foreign);
    }
    let (mut running, mut at) = (RunningDigest::default(), committed);
    // The bytes after the last mark that was reached are less than a page, and the beginning of the next one.
    for (mark, digest) in note.marks.iter().take_while(|(mark, _)| *mark <= length) {
        let Some(more) = mark.checked_sub(at).and_then(|more| usize::try_from(more).ok()) else {
            // A note that this program did not write.
            return Ok(TailOrigin::Foreign);
        };
        running.add(&disk::read_range(file, at, more)?);
        if running.digest() != *digest {
            return Ok(TailOrigin::Foreign);
        }
        at = *mark;
    }
    Ok(TailOrigin::Announced)
}

/// Whether bytes can be what this program was writing in a format when the power failed: whole lines of the
/// format, a begun last one, and zeros where bytes never reached the disk. The first line of a file may be a
/// header.
pub fn looks_like(format: &str, compression: Compression, tail: &[u8], is_first: bool) -> bool {
    let magic: &[u8] = match compression {
        Compression::None => return lines_look_like(format, tail, is_first),
        Compression::Gzip => &[0x1f, 0x8b],
        Compression::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
    };
    let begun = &tail[..tail.len().min(magic.len())];
    magic.starts_with(begun) || begun.contains(&0)
}

fn lines_look_like(format: &str, tail: &[u8], is_first: bool) -> bool {
    let mut lines = tail.split(|byte| *byte == b'\n');
    // After the last line break is an incomplete line.
    lines.next_back();
    if is_first {
        lines.next();
    }
    match format {
        "ndjson" => lines.all(|line| line.contains(&0) || (line.starts_with(b"{") && line.ends_with(b"}"))),
        // A record may span lines; only its separators can be checked.
        "csv" => lines.all(|line| line.contains(&0) || line.contains(&b',')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_format_look_like_it() {
        let ndjson = |tail: &[u8]| looks_like("ndjson", Compression::None, tail, false);
        assert!(
            ndjson(b"{\"a\":1}\n{\"b") && ndjson(b"") && ndjson(b"\0\0\0\n{}\n") && ndjson(b"half a line")
        );
        assert!(!ndjson(b"{\"a\":1}\nhello\n") && !ndjson(b"note of a person\n{}\n"));
        assert!(looks_like("ndjson", Compression::None, b"header\n{}\n", true));
        let csv = |tail: &[u8]| looks_like("csv", Compression::None, tail, false);
        assert!(csv(b"a,b\n") && !csv(b"a\n"));
        let gzip = |tail: &[u8]| looks_like("ndjson", Compression::Gzip, tail, false);
        assert!(gzip(&[0x1f]) && gzip(&[0x1f, 0x8b, 8]) && gzip(&[0, 0, 0]) && !gzip(b"{}\n"));
    }
}
