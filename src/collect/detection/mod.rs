//! Rules beside the events of a run: `fetch --detect` and `tail --detect`.
//!
//! Rules look at the events that the filters let through, in the run that writes them. With a saved position what
//! they have gathered and the file of hits are saved in the same commit as the events; without one they begin
//! anew with each run.

mod command;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::analyze::Fold as _;
use crate::analyze::detect::{DetectFold, Hit, HitFormat, HitStyle, Level, RuleSet};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::facts::{EventFacts, Lookup, LookupBuffer};
use crate::output::CheckpointedOutput;
use crate::page::{Next, Page, Reading};
use crate::runtime::Runtime;
use crate::select::Names;

pub use self::command::HitCommand;

/// How often what is too old to become part of a hit is forgotten, in runs that go on.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// How long hits wait for a stream that is behind and answers no more.
const PATIENCE: Duration = Duration::from_secs(60);

/// What rules look for, and where hits go.
#[derive(Clone, Debug)]
pub struct DetectRequest {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// The names that are known of what events concern.
    pub names: Arc<Names>,
    /// The least level of hits.
    pub level: Level,
    /// The file of hits, with a saved position; else they are told.
    pub hits: Option<PathBuf>,
    /// A command for each hit.
    pub command: Option<Arc<HitCommand>>,
    /// How hits are told: as lines for people on a terminal, else as NDJSON.
    pub style: HitStyle,
    /// Whether messages go to a terminal.
    pub is_terminal: bool,
}

/// The rules of one output at work.
#[derive(Debug)]
pub(super) struct Detection<'a> {
    request: &'a DetectRequest,
    runtime: &'a Runtime,
    fold: DetectFold,
    lookup: Lookup,
    buffer: LookupBuffer,
    /// Until when each stream is known to have nothing more.
    until: [Option<DateTime<Utc>>; 3],
    /// How far each of the streams that are read has come, and when it answered last; none where it is at its end.
    reached: [Option<(DateTime<Utc>, Duration)>; 3],
    /// Whether events came since hits were looked for.
    is_new: bool,
    forgotten: Duration,
}

impl<'a> Detection<'a> {
    /// Rules that have seen nothing.
    pub(super) fn new(request: &'a DetectRequest, runtime: &'a Runtime, streams: &[Stream]) -> Self {
        let now = runtime.clock.elapsed();
        let mut reached = [None; 3];
        for stream in streams {
            reached[*stream as usize] = Some((DateTime::<Utc>::MIN_UTC, now));
        }
        Detection {
            request,
            runtime,
            fold: DetectFold::new(&request.rules),
            lookup: Lookup::for_facts(),
            buffer: LookupBuffer::default(),
            until: [None; 3],
            reached,
            is_new: false,
            forgotten: Duration::ZERO,
        }
    }

    /// Rules that go on with what was saved with a position, whose file of hits is opened.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::accompany`], and `Disagreement` where the saved state cannot be read.
    pub(super) fn resume(
        request: &'a DetectRequest,
        (runtime, streams): (&'a Runtime, &[Stream]),
        output: &mut CheckpointedOutput,
        mode: u32,
    ) -> Result<Self> {
        let mut detection = Detection::new(request, runtime, streams);
        if let Some(state) = output.accompany(request.hits.clone().map(|path| (path, mode)))? {
            let anew = detection.fold.restore(&state).map_err(|why| {
                Error::new(ErrorKind::Disagreement, format!("what rules have gathered cannot be read: {why}"))
                    .hint("give up the position with `opev state reset` and begin anew")
            })?;
            if !anew.is_empty() {
                log::warn!("rules that were changed begin anew: {}", anew.join(", "));
            }
        }
        Ok(detection)
    }

    /// Looks at an event.
    pub(super) fn event(&mut self, event: &Event<'_>, reading: Reading) {
        let facts = EventFacts::new(event.stream, self.lookup.find(event.raw, &mut self.buffer));
        self.fold.add(event, &facts, reading);
        self.is_new = true;
    }

    /// Notes how far a stream has come, once the events of a page were looked at.
    pub(super) fn page(&mut self, page: &Page) {
        let until = matches!(page.next, Next::CaughtUp(_)).then_some(page.received_at);
        let stream = page.stream as usize;
        self.until[stream] = until;
        let newest = (0..page.len()).filter_map(|index| page.event_at(index).time).max();
        let before = self.reached[stream].map(|(reached, _)| reached);
        let reached = newest.max(before).unwrap_or(DateTime::<Utc>::MIN_UTC);
        self.reached[stream] = until.is_none().then(|| (reached, self.runtime.clock.elapsed()));
    }

    /// Up to where all streams have come; none where nothing is waited for.
    fn up_to(&self) -> Option<DateTime<Utc>> {
        let now = self.runtime.clock.elapsed();
        let waits = |(_, heard): &&(DateTime<Utc>, Duration)| now.saturating_sub(*heard) < PATIENCE;
        self.reached.iter().flatten().filter(waits).map(|(reached, _)| *reached).min()
    }

    /// The hits that were not told before.
    fn hits(&mut self) -> Result<Vec<Hit>> {
        self.is_new = false;
        let mut hits = self.fold.take_hits_up_to(self.up_to(), self.until, &self.request.names)?;
        let elapsed = self.runtime.clock.elapsed();
        if elapsed.saturating_sub(self.forgotten) >= FORGET_EVERY {
            self.forgotten = elapsed;
            self.fold.forget(self.runtime.clock.now());
        }
        hits.retain(|hit| hit.level >= self.request.level);
        Ok(hits)
    }

    /// Tells new hits; at the end no stream is waited for.
    ///
    /// # Errors
    /// As the command for hits.
    pub(super) fn tell(&mut self, is_end: bool) -> Result<()> {
        if is_end {
            self.reached = [None; 3];
        }
        let hits = self.hits()?;
        self.say(&hits)?;
        self.hand_over(&hits)
    }

    /// Stages new hits and what was gathered, to be committed with the events; tells them where they go to no file.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::stage_companion`] and the command for hits.
    pub(super) fn stage(&mut self, output: &mut CheckpointedOutput) -> Result<()> {
        let was_new = self.is_new;
        let hits = self.hits()?;
        if hits.is_empty() && !was_new {
            return Ok(());
        }
        let mut lines = Vec::new();
        if self.request.hits.is_some() {
            HitFormat::Ndjson.write(&hits, &self.request.style, &mut lines);
        }
        output.stage_companion(&lines, self.fold.to_bytes())?;
        // Before the commit: after a kill a hit is told again rather than not at all.
        self.say(&hits)?;
        self.hand_over(&hits)
    }

    fn say(&self, hits: &[Hit]) -> Result<()> {
        if self.request.hits.is_some() || hits.is_empty() {
            return Ok(());
        }
        let format = if self.request.is_terminal { HitFormat::Table } else { HitFormat::Ndjson };
        let mut text = Vec::new();
        format.write(hits, &self.request.style, &mut text);
        self.runtime.console.say(String::from_utf8_lossy(&text).trim_end());
        Ok(())
    }

    fn hand_over(&self, hits: &[Hit]) -> Result<()> {
        let Some(command) = &self.request.command else { return Ok(()) };
        hits.iter().try_for_each(|hit| command.run(hit))
    }

    /// Says what people should know of the rules after the run.
    pub(super) fn conclude(&self) {
        self.fold.remarks().iter().for_each(|remark| log::warn!("{remark}"));
    }
}

/// Whether the rules see every stream that is asked for: each output has rules of its own.
///
/// # Errors
/// Fails with `Usage` where streams go to different outputs.
pub(super) fn check(streams: usize, outputs: usize) -> Result<()> {
    if outputs < 2 || streams < 2 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, "--detect needs all streams in one output: rules look at them together")
        .hint("write to one file without {stream}, or name one stream"))
}
