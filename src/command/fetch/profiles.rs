//! Every profile of a run: one after another into one output, or side by side into outputs of their own.
//!
//! A profile that fails stops no other. Tokens are read one after another in both cases, because a
//! token's command may have a question for the person.

use super::plan::{self, Plan};
use super::{Outcome, PATIENCE, fetch_session};
use crate::cli::FetchArgs;
use crate::command::session::{Connections, Session};
use crate::command::{Invocation, side_by_side};
use crate::config::{Range, Settings};
use crate::encode::{EventContext, EventEncoder, Shape};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::output::Sink;
use crate::output::sink::stream::StreamSink;
use crate::runtime::Runtime;

/// How many profiles are read side by side; `--jobs` bounds their requests.
const AT_ONCE: usize = 16;

/// One output that several profiles write, one after another: one header, one array.
#[derive(Debug, Default)]
pub(super) struct Document {
    renderer: Option<EventEncoder>,
    /// Whether its reader has had enough.
    is_closed: bool,
}

impl Document {
    /// The renderer for a session's events, and whether the document begins with them.
    pub(super) fn renderer(
        &mut self,
        session: &Session,
        args: &FetchArgs,
        plan: &Plan,
    ) -> Result<(EventEncoder, bool)> {
        if let Some(mut renderer) = self.renderer.take() {
            let (profile, account_uuid) = (session.settings.profile.clone(), session.account_uuid());
            renderer.speak_for(EventContext { profile, account_uuid });
            return Ok((renderer, false));
        }
        // Other profiles may be granted other streams: the columns have to suit all.
        let streams = if args.streams.is_empty() { &Stream::ALL[..] } else { &args.streams };
        Ok((plan.form.renderer(streams)?, true))
    }

    /// Keeps the renderer for the next profile.
    pub(super) fn keep(&mut self, renderer: EventEncoder, is_closed: bool) {
        self.renderer = Some(renderer);
        self.is_closed |= is_closed;
    }

    /// Makes the output whole, if it was begun.
    fn finish(self) -> Result<()> {
        let Some(mut renderer) = self.renderer.filter(|_| !self.is_closed) else { return Ok(()) };
        let mut end = Vec::new();
        renderer.end(&mut end);
        if end.is_empty() {
            return Ok(());
        }
        let mut sink = StreamSink::stdout()?;
        sink.write(&end)?;
        sink.sync()
    }
}

/// Fetches for every profile.
///
/// # Errors
/// Fails only when the output cannot be made whole; failures of profiles are in the outcome.
pub(super) fn run(
    invocation: &Invocation,
    connections: &Connections,
    profiles: Vec<Settings>,
    args: &FetchArgs,
) -> Result<Outcome> {
    let mut whole = Outcome::default();
    if args.names_a_file_per_profile() && !args.dry_run {
        apart(invocation, connections, profiles, args, &mut whole);
        return Ok(whole);
    }
    let mut args = args.clone();
    if !args.names_a_file() {
        // Who reads one output of many accounts needs to know whose event it is.
        args.shape.get_or_insert(Shape::Envelope);
    }
    let mut document = Document::default();
    for settings in profiles {
        let profile = settings.profile.clone();
        invocation.runtime.console.note(&format!("profile {profile}"));
        let outcome = open(invocation, connections, settings, &args).and_then(|(session, span)| {
            fetch_session(invocation, &session, &args, span, Some(&mut document))
        });
        whole.add(&profile, outcome);
        let is_gone = |failure: &Error| failure.kind() == ErrorKind::ClosedPipe;
        if invocation.runtime.cancel.is_triggered()
            || document.is_closed
            || whole.failures.iter().any(is_gone)
        {
            break;
        }
    }
    match document.finish() {
        Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
        _ => Ok(whole),
    }
}

/// Each profile has an output of its own, so none has to wait for another.
fn apart(
    invocation: &Invocation,
    connections: &Connections,
    profiles: Vec<Settings>,
    args: &FetchArgs,
    whole: &mut Outcome,
) {
    let mut opened = Vec::new();
    for settings in profiles {
        let profile = settings.profile.clone();
        match open(invocation, connections, settings, args) {
            Ok((session, span)) => opened.push((profile, session, span)),
            Err(failure) => whole.add(&profile, Err(failure)),
        }
    }
    // Several progress lines would write over each other.
    let quiet = Invocation {
        runtime: Runtime {
            console: invocation.runtime.console.without_progress(),
            ..invocation.runtime.clone()
        },
        ..invocation.clone()
    };
    let outcomes = side_by_side::map(opened, AT_ONCE, |(profile, session, span)| {
        let outcome =
            quiet.runtime.cancel.check().and_then(|()| fetch_session(&quiet, &session, args, span, None));
        if let Ok(outcome) = &outcome {
            quiet.runtime.console.note(&format!("profile {profile}: {} events", outcome.events));
        }
        (profile, outcome)
    });
    for (profile, outcome) in outcomes {
        whole.add(&profile, outcome);
    }
}

fn open(
    invocation: &Invocation,
    connections: &Connections,
    settings: Settings,
    args: &FetchArgs,
) -> Result<(Session, Range)> {
    let span = plan::span(invocation, &settings, args)?;
    Ok((Session::open(invocation, connections, settings, PATIENCE)?, span))
}

impl Outcome {
    /// Adds what a profile came to.
    fn add(&mut self, profile: &str, outcome: Result<Outcome>) {
        let outcome = outcome.unwrap_or_else(Outcome::of);
        self.events += outcome.events;
        self.anything_done |= outcome.anything_done;
        let named = |failure: Error| failure.on_profile(profile);
        self.failures.extend(outcome.failures.into_iter().map(named));
    }
}
