//! Resuming from a saved position: it is opened under its lock and becomes the first request; a refused cursor
//! is tried once more before it counts as a gap (P11).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::OutputRun;
use super::file_form;
use super::plan::{Destination, FILE_MODE, OutputPlan, ResumeOptions};
use super::session::Session;
use crate::api::client::Client;
use crate::api::endpoint::PageRequest;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::disk::{Disk as _, RealDisk};
use crate::encode::WordStyle;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{self, CollectorIdentity, CollectorState, HealthFeed, HealthReporter, RunMode};
use crate::output::commit::OutputSetup;
use crate::output::gap;
use crate::output::seen::REMEMBERED;
use crate::output::sink::stream::StreamSink;
use crate::output::{
    CheckpointDir, CheckpointedOutput, Consumer, OutputContract, OutputTarget, StreamPosition,
};
use crate::page::Page;
use crate::runtime::Runtime;
use crate::time::duration;

/// How long to wait before a refused cursor is sent once more.
const SECOND_ASK: Duration = Duration::from_secs(30);

/// How often a lock that another run holds is tried again, under `--lock-wait`.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Opens the saved position of an output, and the output itself; waits for the lock up to `--lock-wait`.
///
/// # Errors
/// As [`CheckpointedOutput::open`].
pub(super) fn open(run: &OutputRun<'_>, options: &ResumeOptions) -> Result<CheckpointedOutput> {
    let (runtime, session) = (run.runtime, run.session);
    let settings = &session.settings;
    let setup = OutputSetup {
        state_dir: settings.state_dir()?.to_owned(),
        profile: settings.profile.clone(),
        terms: contract(run)?,
        remembered: REMEMBERED,
    };
    let lock_wait = options.lock_wait.unwrap_or_default();
    let give_up = runtime.clock.elapsed() + lock_wait;
    let mut is_told = false;
    loop {
        let target = target(run, options)?;
        let consumer = match &target {
            OutputTarget::Stream { consumer, .. } | OutputTarget::Batches { consumer, .. } => {
                Consumer::Named(consumer.clone())
            }
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

/// What the output is to hold, as its checkpoint records it.
fn contract(run: &OutputRun<'_>) -> Result<OutputContract> {
    let (session, plan, streams) = (run.session, run.plan, &run.output.streams);
    let encoder = plan.encoder(streams)?;
    Ok(OutputContract {
        account: session.account_uuid(),
        host: session.home(),
        api: session.settings.api.name().into(),
        shape: match plan.context.adds_names {
            true => format!("{} with --names", plan.shape),
            false => plan.shape.name().into(),
        },
        format: plan.format.name().into(),
        fields: fields(plan),
        encoder: encoder.version(),
        columns: encoder.columns().unwrap_or_default(),
        compression: plan.compression,
        streams: streams.iter().map(|stream| stream.name().to_owned()).collect(),
        filters: plan.filter.describe().to_owned(),
        redaction: plan.context.redaction.describe(),
        additions: Some(plan.context.options.describe(plan.shape)),
    })
}

/// The chosen columns, and how they say what happened.
fn fields(plan: &OutputPlan) -> Vec<String> {
    let chosen = plan.fields.iter().map(ToString::to_string);
    let codes =
        (plan.fields.is_some() && plan.render.words == WordStyle::Codes).then(|| "--codes".to_owned());
    chosen.chain(codes).collect()
}

/// The output that a destination stands for.
fn target(run: &OutputRun<'_>, options: &ResumeOptions) -> Result<OutputTarget> {
    let stream = |default: &str, sink| {
        let consumer = options.consumer.as_deref().unwrap_or(default).to_owned();
        OutputTarget::Stream { consumer, sink: Box::new(sink) }
    };
    Ok(match &run.output.destination {
        Destination::Stdout => stream("stdout", StreamSink::stdout_for_data()?),
        Destination::Device(path) => stream(&path.to_string_lossy(), StreamSink::at(&RealDisk, path)?),
        Destination::File(path) => {
            OutputTarget::File { path: path.clone(), mode: options.file_mode.unwrap_or(FILE_MODE) }
        }
        Destination::Receivers(targets) => {
            let [target] = &targets[..] else {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    "one position for the batches of several streams",
                ));
            };
            OutputTarget::Batches {
                consumer: target.consumer(options.consumer.as_deref()),
                sink: Box::new(target.sink(
                    run.runtime,
                    run.session,
                    file_form::of(&run.plan.encoder(&run.output.streams)?)?,
                )?),
            }
        }
    })
}

/// A health reporter that keeps its file beside the position whose lock the run holds.
pub(super) fn reporter(
    runtime: &Runtime,
    session: &Session,
    output: &CheckpointedOutput,
    streams: &[Stream],
    work: RunMode,
    feed: HealthFeed,
) -> HealthReporter {
    let about = CollectorIdentity { profile: &session.settings.profile, consumer: output.consumer(), work };
    let health = HealthReporter::new(about, streams, Arc::clone(&runtime.clock), feed);
    health.keep_at(Arc::new(RealDisk), output.place());
    health.state_all(CollectorState::Initialized);
    health
}

/// Where to start when nothing is saved yet.
#[derive(Clone, Copy, Debug)]
pub struct StartAt {
    /// The time.
    pub since: DateTime<Utc>,
    /// Whether `--since` was given.
    pub is_typed: bool,
}

/// The first request of a stream: its saved cursor, or the start time.
///
/// # Errors
/// `Gap` when the service no longer has the events after the position, unless gaps are accepted.
pub(super) fn first_request(
    runtime: &Runtime,
    session: &Session,
    stream: Stream,
    position: Option<&StreamPosition>,
    start: StartAt,
    accept_gap: bool,
) -> Result<PageRequest> {
    let zone = &session.settings.zone;
    let from =
        |since| PageRequest::First { limit: session.settings.page_size, since: Some(since), until: None };
    let Some(position) = position else {
        runtime.console.note(&format!("{stream}: no saved position, starting at {}", zone.show(start.since)));
        return Ok(from(start.since));
    };
    if start.is_typed {
        runtime.console.note(&format!("{stream}: continuing from the saved position; --since is not used"));
    }
    if let Some(gap) = gap::by_age(stream, position, runtime.clock.now()) {
        if !accept_gap {
            return Err(gap.failure());
        }
        return Ok(from(accept(gap, position, runtime.clock.now())));
    }
    match position.cursor() {
        Some(cursor) => Ok(PageRequest::Cursor(cursor)),
        None => Ok(from(position.asked_since.unwrap_or_else(|| position.restart_from(runtime.clock.now())))),
    }
}

/// Logs the accepted gap, and returns the time to start again from.
fn accept(gap: gap::Gap, position: &StreamPosition, now: DateTime<Utc>) -> DateTime<Utc> {
    log::warn!("accepted: {}", gap.failure());
    position.restart_from(now)
}

/// Requests the pages of a stream after a saved position.
#[derive(Debug)]
pub(super) struct ResumingFetcher {
    client: Client,
    stream: Stream,
    page_size: u16,
    position: Option<StreamPosition>,
    accept_gap: bool,
    /// How long to wait after a refused cursor.
    rest: Duration,
    clock: Arc<dyn Clock>,
    cancel: Cancel,
}

impl ResumingFetcher {
    /// A fetcher for a stream whose saved position is `position`.
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

    /// Requests a page. A refused cursor is sent once more after a pause; if it is refused again, it is a gap.
    ///
    /// # Errors
    /// As [`Client::page`], and `Gap`.
    pub(super) fn fetch(&mut self, ask: &PageRequest) -> Result<Page> {
        let page = self.ask_twice(ask)?;
        // Pages read in this run count too: they are delivered before a later refusal is reported, and a cursor
        // that is refused after months must be reported by the events since (P11).
        let last = page.len().checked_sub(1);
        self.position.get_or_insert_default().advance(&page, page.len() as u64, last);
        Ok(page)
    }

    fn ask_twice(&self, ask: &PageRequest) -> Result<Page> {
        let refused = match self.client.page(self.stream, ask) {
            Err(failure) if is_refused_cursor(&failure, ask) => failure,
            outcome => return outcome,
        };
        log::warn!("{refused}; the cursor is sent once more in {} s", self.rest.as_secs());
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

/// Whether the service refused the cursor itself.
fn is_refused_cursor(failure: &Error, ask: &PageRequest) -> bool {
    failure.kind() == ErrorKind::BadRequest && matches!(ask, PageRequest::Cursor(_))
}

/// Records for `opev status` why a run could not begin; not for a held lock, whose holder reports.
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
