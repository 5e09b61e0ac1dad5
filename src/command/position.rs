//! Saved positions as commands use them: opened under their lock, turned into the first question, and
//! asked with care when the service refuses them (P11).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::api::client::Client;
use crate::api::endpoint::Ask;
use crate::cancel::Cancel;
use crate::cli::duration;
use crate::clock::Clock;
use crate::command::Process;
use crate::command::output::Saving;
use crate::command::session::Session;
use crate::deliver::gap;
use crate::deliver::pipeline::Setup;
use crate::deliver::repeats::REMEMBERED;
use crate::deliver::{Consumer, Encode, Pipeline, Place, Position, Target, Terms};
use crate::disk::{Disk as _, RealDisk};
use crate::event::{Event, Stream};
use crate::failure::{Failure, Kind, Result};
use crate::health::{self, About, Feed, Reporter, State, Work};
use crate::page::Page;
use crate::render::Renderer;

/// How long a refused cursor rests before it is asked once more.
const SECOND_ASK: Duration = Duration::from_secs(30);

/// How often a lock that somebody else holds is tried again, under `--lock-wait`.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Opens the pipeline of a position, waiting for its lock for as long as was allowed.
///
/// # Errors
/// As [`Pipeline::open`].
pub(super) fn open(
    process: &Process,
    session: &Session,
    terms: Terms,
    saving: &Saving<'_>,
    target: impl Fn() -> Result<Target>,
) -> Result<Pipeline> {
    let settings = &session.settings;
    let setup = Setup {
        state_dir: settings.state_dir()?.to_owned(),
        profile: settings.profile.clone(),
        terms,
        remembered: REMEMBERED,
    };
    let lock_wait = saving.lock_wait.unwrap_or_default();
    let give_up = process.clock.elapsed() + lock_wait;
    let mut is_told = false;
    loop {
        let target = target()?;
        let consumer = match &target {
            Target::Stream { consumer, .. } => Consumer::Named(consumer.clone()),
            Target::File { path, .. } => Consumer::File(RealDisk.absolute(path).unwrap_or(path.clone())),
        };
        let opened = Pipeline::open(Arc::new(RealDisk), Arc::clone(&process.clock), setup.clone(), target);
        match opened {
            Err(failure) if failure.kind() == Kind::Locked && process.clock.elapsed() < give_up => {
                if !std::mem::replace(&mut is_told, true) {
                    let length = duration::show(lock_wait);
                    process.console.note(&format!("{failure}; waiting up to {length} for it to end"));
                }
                process.clock.sleep(LOCK_POLL, &process.cancel)?;
            }
            outcome => {
                return outcome
                    .inspect_err(|failure| note_blocked(process, session, &consumer, saving.work, failure));
            }
        }
    }
}

/// Tells `opev status` about a run, beside the position whose lock it holds.
pub(super) fn reporter(
    process: &Process,
    session: &Session,
    pipeline: &Pipeline,
    streams: &[Stream],
    work: Work,
    feed: Feed,
) -> Reporter {
    let about = About { profile: &session.settings.profile, consumer: pipeline.consumer(), work };
    let health = Reporter::new(about, streams, Arc::clone(&process.clock), feed);
    health.keep_at(Arc::new(RealDisk), pipeline.place());
    health.state_all(State::Initialized);
    health
}

/// Where to start asking when nothing is saved yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    /// The time.
    pub since: DateTime<Utc>,
    /// Whether it was typed.
    pub is_typed: bool,
}

/// The first question to a stream: its saved cursor, or the beginning.
///
/// # Errors
/// `Gap` when the service no longer keeps what follows the position, unless that was accepted.
pub(super) fn first_ask(
    process: &Process,
    session: &Session,
    stream: Stream,
    position: Option<&Position>,
    beginning: Beginning,
    accept_gap: bool,
) -> Result<Ask> {
    let zone = &session.settings.zone;
    let from = |since| Ask::First { limit: session.settings.page_size, since: Some(since), until: None };
    let Some(position) = position else {
        process
            .console
            .note(&format!("{stream}: no saved position, starting at {}", zone.show(beginning.since)));
        return Ok(from(beginning.since));
    };
    if beginning.is_typed {
        process.console.note(&format!("{stream}: going on from the saved position; --since is not used"));
    }
    if let Some(gap) = gap::by_age(stream, position, process.clock.now()) {
        if !accept_gap {
            return Err(gap.failure());
        }
        return Ok(from(accept(gap, position, process.clock.now())));
    }
    match position.cursor() {
        Some(cursor) => Ok(Ask::Cursor(cursor)),
        None => Ok(from(position.restart_from(process.clock.now()))),
    }
}

/// Says which gap is accepted, and gives the time to start again at.
fn accept(gap: gap::Gap, position: &Position, now: DateTime<Utc>) -> DateTime<Utc> {
    log::warn!("accepted: {}", gap.failure());
    position.restart_from(now)
}

/// Asks a stream on behalf of a saved position.
#[derive(Debug)]
pub(super) struct Asker {
    client: Client,
    stream: Stream,
    page_size: u16,
    position: Option<Position>,
    accept_gap: bool,
    /// How long a refused cursor rests.
    rest: Duration,
    clock: Arc<dyn Clock>,
    cancel: Cancel,
}

impl Asker {
    /// An asker for a stream whose position was `position` at the start.
    pub(super) fn new(
        process: &Process,
        session: &Session,
        stream: Stream,
        position: Option<Position>,
        accept_gap: bool,
    ) -> Self {
        let budget = session.settings.retry_for.unwrap_or(SECOND_ASK);
        Asker {
            client: session.client.clone(),
            stream,
            page_size: session.settings.page_size,
            position,
            accept_gap,
            rest: SECOND_ASK.min(budget),
            clock: Arc::clone(&process.clock),
            cancel: process.cancel.clone(),
        }
    }

    /// Asks. A cursor that is refused rests and is asked once more; refused again, it is a gap.
    ///
    /// # Errors
    /// As [`Client::page`], and `Gap`.
    pub(super) fn ask(&mut self, ask: &Ask) -> Result<Page> {
        let page = self.ask_twice(ask)?;
        // What this run has read counts too: it is delivered before a later refusal is told, and a cursor
        // that is refused after months must be told by what came since (P11).
        let last = page.len().checked_sub(1);
        self.position.get_or_insert_default().advance(&page, page.len() as u64, last);
        Ok(page)
    }

    fn ask_twice(&self, ask: &Ask) -> Result<Page> {
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
        let again = Ask::First { limit: self.page_size, since: Some(since), until: None };
        self.client.page(self.stream, &again)
    }
}

/// Whether the service refused the position itself.
fn is_refused_cursor(failure: &Failure, ask: &Ask) -> bool {
    failure.kind() == Kind::BadRequest && matches!(ask, Ask::Cursor(_))
}

/// Tells `opev status` why a run could not begin. A busy lock is no trouble: its holder reports.
fn note_blocked(process: &Process, session: &Session, consumer: &Consumer, work: Work, failure: &Failure) {
    let settings = &session.settings;
    if matches!(failure.kind(), Kind::Locked | Kind::Interrupted(_)) {
        return;
    }
    if let Ok(state_dir) = settings.state_dir() {
        let place = Place::of(state_dir, &settings.profile, consumer);
        let about = About { profile: &settings.profile, consumer: &consumer.to_string(), work };
        health::note_blocked(&RealDisk, &place, about, failure, process.clock.now());
    }
}

impl Encode for Renderer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        Renderer::begin(self, out);
    }

    fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        Renderer::event(self, event, received_at, out);
    }
}
