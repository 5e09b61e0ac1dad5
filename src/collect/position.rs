//! A saved position at work: opened under its lock, turned into the first request, and asked with care when
//! the service refuses it (P11).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::plan::ResumeOptions;
use super::session::Session;
use crate::api::client::Client;
use crate::api::endpoint::PageRequest;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::disk::{Disk as _, RealDisk};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{self, CollectorIdentity, CollectorState, HealthFeed, HealthReporter, RunMode};
use crate::output::commit::OutputSetup;
use crate::output::gap;
use crate::output::seen::REMEMBERED;
use crate::output::{
    CheckpointDir, CheckpointedOutput, Consumer, OutputContract, OutputTarget, StreamPosition,
};
use crate::page::Page;
use crate::runtime::Runtime;
use crate::time::duration;

/// How long a refused cursor rests before it is asked once more.
const SECOND_ASK: Duration = Duration::from_secs(30);

/// How often a lock that somebody else holds is tried again, under `--lock-wait`.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Opens the pipeline of a position, waiting for its lock for as long as was allowed.
///
/// # Errors
/// As [`CheckpointedOutput::open`].
pub(super) fn open(
    runtime: &Runtime,
    session: &Session,
    terms: OutputContract,
    options: &ResumeOptions,
    target: impl Fn() -> Result<OutputTarget>,
) -> Result<CheckpointedOutput> {
    let settings = &session.settings;
    let setup = OutputSetup {
        state_dir: settings.state_dir()?.to_owned(),
        profile: settings.profile.clone(),
        terms,
        remembered: REMEMBERED,
    };
    let lock_wait = options.lock_wait.unwrap_or_default();
    let give_up = runtime.clock.elapsed() + lock_wait;
    let mut is_told = false;
    loop {
        let target = target()?;
        let consumer = match &target {
            OutputTarget::Stream { consumer, .. } => Consumer::Named(consumer.clone()),
            OutputTarget::File { path, .. } => {
                Consumer::File(RealDisk.absolute(path).unwrap_or(path.clone()))
            }
        };
        let opened =
            CheckpointedOutput::open(Arc::new(RealDisk), Arc::clone(&runtime.clock), setup.clone(), target);
        match opened {
            Err(failure) if failure.kind() == ErrorKind::Locked && runtime.clock.elapsed() < give_up => {
                if !std::mem::replace(&mut is_told, true) {
                    let length = duration::show(lock_wait);
                    runtime.console.note(&format!("{failure}; waiting up to {length} for it to end"));
                }
                runtime.clock.sleep(LOCK_POLL, &runtime.cancel)?;
            }
            outcome => {
                return outcome
                    .inspect_err(|failure| note_blocked(runtime, session, &consumer, options.mode, failure));
            }
        }
    }
}

/// Tells `opev status` about a run, beside the position whose lock it holds.
pub(super) fn reporter(
    runtime: &Runtime,
    session: &Session,
    pipeline: &CheckpointedOutput,
    streams: &[Stream],
    work: RunMode,
    feed: HealthFeed,
) -> HealthReporter {
    let about = CollectorIdentity { profile: &session.settings.profile, consumer: pipeline.consumer(), work };
    let health = HealthReporter::new(about, streams, Arc::clone(&runtime.clock), feed);
    health.keep_at(Arc::new(RealDisk), pipeline.place());
    health.state_all(CollectorState::Initialized);
    health
}

/// Where to start asking when nothing is saved yet.
#[derive(Clone, Copy, Debug)]
pub struct StartAt {
    /// The time.
    pub since: DateTime<Utc>,
    /// Whether it was typed.
    pub is_typed: bool,
}

/// The first question to a stream: its saved cursor, or the beginning.
///
/// # Errors
/// `Gap` when the service no longer keeps what follows the position, unless that was accepted.
pub(super) fn first_request(
    runtime: &Runtime,
    session: &Session,
    stream: Stream,
    position: Option<&StreamPosition>,
    beginning: StartAt,
    accept_gap: bool,
) -> Result<PageRequest> {
    let zone = &session.settings.zone;
    let from =
        |since| PageRequest::First { limit: session.settings.page_size, since: Some(since), until: None };
    let Some(position) = position else {
        runtime
            .console
            .note(&format!("{stream}: no saved position, starting at {}", zone.show(beginning.since)));
        return Ok(from(beginning.since));
    };
    if beginning.is_typed {
        runtime.console.note(&format!("{stream}: going on from the saved position; --since is not used"));
    }
    if let Some(gap) = gap::by_age(stream, position, runtime.clock.now()) {
        if !accept_gap {
            return Err(gap.failure());
        }
        return Ok(from(accept(gap, position, runtime.clock.now())));
    }
    match position.cursor() {
        Some(cursor) => Ok(PageRequest::Cursor(cursor)),
        None => Ok(from(position.restart_from(runtime.clock.now()))),
    }
}

/// Says which gap is accepted, and gives the time to start again at.
fn accept(gap: gap::Gap, position: &StreamPosition, now: DateTime<Utc>) -> DateTime<Utc> {
    log::warn!("accepted: {}", gap.failure());
    position.restart_from(now)
}

/// Asks a stream on behalf of a saved position.
#[derive(Debug)]
pub(super) struct ResumingFetcher {
    client: Client,
    stream: Stream,
    page_size: u16,
    position: Option<StreamPosition>,
    accept_gap: bool,
    /// How long a refused cursor rests.
    rest: Duration,
    clock: Arc<dyn Clock>,
    cancel: Cancel,
}

impl ResumingFetcher {
    /// An asker for a stream whose position was `position` at the start.
    pub(super) fn new(
        runtime: &Runtime,
        session: &Session,
        stream: Stream,
        position: Option<StreamPosition>,
        accept_gap: bool,
    ) -> Self {
        let budget = session.settings.retry_for.unwrap_or(SECOND_ASK);
        ResumingFetcher {
            client: session.client.clone(),
            stream,
            page_size: session.settings.page_size,
            position,
            accept_gap,
            rest: SECOND_ASK.min(budget),
            clock: Arc::clone(&runtime.clock),
            cancel: runtime.cancel.clone(),
        }
    }

    /// Asks. A cursor that is refused rests and is asked once more; refused again, it is a gap.
    ///
    /// # Errors
    /// As [`Client::page`], and `Gap`.
    pub(super) fn fetch(&mut self, ask: &PageRequest) -> Result<Page> {
        let page = self.ask_twice(ask)?;
        // What this run has read counts too: it is delivered before a later refusal is told, and a cursor
        // that is refused after months must be told by what came since (P11).
        let last = page.len().checked_sub(1);
        self.position.get_or_insert_default().advance(&page, page.len() as u64, last);
        Ok(page)
    }

    fn ask_twice(&self, ask: &PageRequest) -> Result<Page> {
        let refused = match self.client.page(self.stream, ask) {
            Err(failure) if is_refused_cursor(&failure, ask) => failure,
            outcome => return outcome,
        };
        log::warn!("{refused}; the cursor is asked once more in {} s", self.rest.as_secs());
        self.clock.sleep(self.rest, &self.cancel)?;
        match self.client.page(self.stream, ask) {
            Err(failure) if is_refused_cursor(&failure, ask) => {}
            outcome => return outcome,
        }
        let position = self.position.clone().unwrap_or_default();
        let gap = gap::by_refusal(self.stream, &position, self.clock.now());
        if !self.accept_gap {
            return Err(gap.failure().because(refused));
        }
        let since = accept(gap, &position, self.clock.now());
        let again = PageRequest::First { limit: self.page_size, since: Some(since), until: None };
        self.client.page(self.stream, &again)
    }
}

/// Whether the service refused the position itself.
fn is_refused_cursor(failure: &Error, ask: &PageRequest) -> bool {
    failure.kind() == ErrorKind::BadRequest && matches!(ask, PageRequest::Cursor(_))
}

/// Tells `opev status` why a run could not begin. A busy lock is no trouble: its holder reports.
fn note_blocked(runtime: &Runtime, session: &Session, consumer: &Consumer, work: RunMode, failure: &Error) {
    let settings = &session.settings;
    if matches!(failure.kind(), ErrorKind::Locked | ErrorKind::Interrupted(_)) {
        return;
    }
    if let Ok(state_dir) = settings.state_dir() {
        let place = CheckpointDir::of(state_dir, &settings.profile, consumer);
        let about = CollectorIdentity { profile: &settings.profile, consumer: &consumer.to_string(), work };
        health::note_blocked(&RealDisk, &place, about, failure, runtime.clock.now());
    }
}
