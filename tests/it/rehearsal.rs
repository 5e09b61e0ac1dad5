//! A scripted service, a run against it, and the output that run must have: for the proofs of the commit
//! protocol, which need no network.
//!
//! Three streams feed one output: pages of different sizes, an empty page in the middle, an event without a
//! uuid, and events that the service delivers again, some of them long after.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use opev::clock::ManualClock;
use opev::compression::Compression;
use opev::disk::{Disk, RealDisk};
use opev::error::{ErrorKind, Result};
use opev::event::{Event, Stream};
use opev::output::commit::{CheckpointedOutput, Encode, OutputSetup, OutputTarget};
use opev::output::{CheckpointDir, Consumer, OutputContract};
use opev::page::{Cursor, Next, Page, Span};

/// How many events a stream are remembered: few, so that the log is compacted within a run.
pub(crate) const REMEMBERED: usize = 6;

/// The events of each page of each stream, by number; a number that was there before is a repeat.
const SCRIPT: [&[&[u32]]; 3] =
    [&[&[1, 2, 3], &[3, 4], &[], &[4, 5, 6, 7]], &[&[1], &[2, 1], &[3, 4]], &[&[1, 2], &[2], &[3, 4, 5, 3]]];

/// What makes up one run.
#[derive(Clone)]
pub(crate) struct Rehearsal {
    pub(crate) state_dir: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) compression: Compression,
    /// How many pages are one commit.
    pub(crate) batch: usize,
}

impl Rehearsal {
    /// One on a modelled disk, whose directories are missing at first.
    pub(crate) fn modelled() -> Self {
        Rehearsal {
            state_dir: "/home/state".into(),
            output: "/out".into(),
            compression: Compression::None,
            batch: 1,
        }
    }

    /// One in a directory of the machine's disk.
    pub(crate) fn under(directory: &Path) -> Self {
        let (state_dir, output) = (directory.join("state"), directory.join("out"));
        Rehearsal { state_dir, output, ..Rehearsal::modelled() }
    }

    /// The directory of its checkpoint.
    pub(crate) fn place(&self) -> CheckpointDir {
        CheckpointDir::of(&self.state_dir, "default", &Consumer::File(self.output.clone()))
    }

    pub(crate) fn setup(&self) -> OutputSetup {
        OutputSetup {
            state_dir: self.state_dir.clone(),
            profile: "default".into(),
            terms: OutputContract { compression: self.compression, ..terms() },
            remembered: REMEMBERED,
        }
    }

    /// Opens it.
    pub(crate) fn open(&self, disk: Arc<dyn Disk>) -> Result<CheckpointedOutput> {
        let target = OutputTarget::File { path: self.output.clone(), mode: 0o600 };
        CheckpointedOutput::open(disk, Arc::new(clock()), self.setup(), target)
    }

    /// One whole run, from where the last one stopped until the service has no more.
    pub(crate) fn run(&self, disk: Arc<dyn Disk>) -> Result<()> {
        let mut output = self.open(disk)?;
        let mut staged = 0;
        while let Some(page) = next_page(&output) {
            output.stage(&page, 0..page.len(), &mut Lines)?;
            staged += 1;
            if staged % self.batch == 0 {
                output.commit_if_due()?;
            }
        }
        output.finish()
    }

    /// What a reader finds in bytes of the output.
    pub(crate) fn read(&self, bytes: &[u8]) -> Vec<u8> {
        use std::io::Read as _;
        let mut text = Vec::new();
        match self.compression {
            Compression::None => return bytes.to_vec(),
            Compression::Gzip => {
                flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
            }
            Compression::Zstd => text = zstd::stream::decode_all(bytes).unwrap(),
        }
        text
    }

    /// The same on the machine's disk.
    pub(crate) fn run_for_real(&self) -> Result<()> {
        self.run(Arc::new(RealDisk))
    }
}

/// Delivers all there is, and ends.
pub(crate) fn drain(pipeline: CheckpointedOutput) -> Result<()> {
    drain_as(pipeline, &mut Lines)
}

/// Delivers all there is in a form of one's own, and ends.
pub(crate) fn drain_as(mut pipeline: CheckpointedOutput, encode: &mut dyn Encode) -> Result<()> {
    while let Some(page) = next_page(&pipeline) {
        pipeline.deliver(&page, encode)?;
    }
    pipeline.finish()
}

pub(crate) fn terms() -> OutputContract {
    OutputContract {
        account: Some("ACCOUNT".into()),
        host: "events.1password.com".into(),
        api: "v2".into(),
        shape: "raw".into(),
        format: "ndjson".into(),
        fields: Vec::new(),
        ..OutputContract::default()
    }
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(now())
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// The page to ask for next: of the stream that is furthest behind, so that the order of pages is the same
/// however often the run was interrupted.
pub(crate) fn next_page(pipeline: &CheckpointedOutput) -> Option<Page> {
    let asked = |stream: Stream| {
        let cursor = pipeline.position(stream).and_then(|position| position.cursor());
        cursor.map_or(0, |cursor| cursor.as_str().parse::<usize>().unwrap())
    };
    let stream = Stream::ALL
        .into_iter()
        .filter(|stream| asked(*stream) < SCRIPT[*stream as usize].len())
        .min_by_key(|stream| asked(*stream))?;
    Some(page(stream, asked(stream)))
}

/// Page number `at` of a stream.
pub(crate) fn page(stream: Stream, at: usize) -> Page {
    let pages = SCRIPT[stream as usize];
    let cursor = Cursor::new((at + 1).to_string());
    let next = if at + 1 < pages.len() { Next::More(cursor) } else { Next::CaughtUp(Some(cursor)) };
    page_of(stream, pages[at], next)
}

/// A page of these events.
pub(crate) fn page_of(stream: Stream, numbers: &[u32], next: Next) -> Page {
    let (mut body, mut spans) = (Vec::new(), Vec::new());
    for number in numbers {
        let start = body.len();
        // Every fifth event has no uuid and is known by its bytes.
        let uuid = if number % 5 == 0 {
            body.extend_from_slice(format!("{{\"{}\":{number}}}", stream.name()).as_bytes());
            None
        } else {
            body.extend_from_slice(
                format!("{{\"uuid\":\"E{number:03}\",\"of\":\"{}\"}}", stream.name()).as_bytes(),
            );
            Some(start + 9..start + 13)
        };
        let time = Some(now() - TimeDelta::minutes(i64::from(*number)));
        spans.push(Span { raw: start..body.len(), uuid, time });
    }
    Page { stream, body, spans, next, received_at: now(), has_lines: false, origins: Vec::new() }
}

/// One line an event, below a header.
pub(crate) struct Lines;

impl Encode for Lines {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"header\n");
    }

    fn event(&mut self, event: &Event<'_>, _received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        out.extend_from_slice(event.raw);
        out.push(b'\n');
    }
}

/// What the output is after an undisturbed run; written down from the script, not taken from a run.
pub(crate) fn golden() -> Vec<u8> {
    let mut lines = vec!["header".to_owned()];
    let mut seen = std::collections::HashSet::new();
    for at in 0..4 {
        for stream in Stream::ALL {
            for number in SCRIPT[stream as usize].get(at).copied().unwrap_or_default() {
                if seen.insert((stream, number)) {
                    lines.push(match number % 5 {
                        0 => format!("{{\"{}\":{number}}}", stream.name()),
                        _ => format!("{{\"uuid\":\"E{number:03}\",\"of\":\"{}\"}}", stream.name()),
                    });
                }
            }
        }
    }
    (lines.join("\n") + "\n").into_bytes()
}

/// The exit code of a run.
pub(crate) fn code(outcome: &Result<()>) -> u8 {
    outcome.as_ref().err().map_or(0, |failure| ErrorKind::exit_code(failure.kind()))
}
