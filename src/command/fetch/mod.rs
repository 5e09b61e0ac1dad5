//! `opev fetch`: get events once and exit.
//!
//! ```text
//! plan      what was typed -> streams, form and place of the output
//! question  a time range, no state: one timeline to stdout or into a new file
//! lines     what goes out as it came, without a copy
//! profiles  the same for every profile: one after another, or side by side
//! resume    from the saved position, saving as it delivers
//! ```

mod lines;
mod plan;
mod profiles;
mod question;
mod resume;

use std::time::Duration;

use crate::cli::FetchArgs;
use crate::command::session::{Connections, Session};
use crate::command::{End, Invocation};
use crate::config::{Config, ResolvedRange, SettingFlags, Settings};
use crate::encode::Fields;
use crate::error::{Error, ErrorKind, Result};

/// How long a failing request is asked again, unless `--retry-for` says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a run came to: what was delivered, and what failed.
#[derive(Debug, Default)]
struct Outcome {
    events: u64,
    /// Whether a stream was read to its end.
    anything_done: bool,
    failures: Vec<Error>,
}

impl Outcome {
    /// Of a run that ended with a failure before anything was done.
    fn of(failure: Error) -> Self {
        Outcome { failures: vec![failure], ..Outcome::default() }
    }
}

/// Runs `opev fetch`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are reported here.
pub fn run(invocation: &Invocation, args: &FetchArgs) -> Result<End> {
    if args.fields.as_deref() == Some("help") {
        let streams = if args.streams.is_empty() { &crate::event::Stream::ALL[..] } else { &args.streams };
        return super::print(Fields::help(streams).as_bytes());
    }
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let typed = SettingFlags {
        account: &args.account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: args.page_size,
        jobs: args.jobs,
    };
    let connections = Connections::default();
    let whole = if args.all_profiles {
        profiles::run(invocation, &connections, config.all_settings(&typed)?, args)?
    } else {
        let settings = config.settings(&typed)?;
        fetch_profile(invocation, &connections, settings, args).unwrap_or_else(Outcome::of)
    };
    Ok(report(invocation, args, whole))
}

fn fetch_profile(
    invocation: &Invocation,
    connections: &Connections,
    settings: Settings,
    args: &FetchArgs,
) -> Result<Outcome> {
    let span = plan::span(invocation, &settings, args)?;
    let session = Session::open(invocation, connections, settings, PATIENCE)?;
    fetch_session(invocation, &session, args, span, None)
}

fn fetch_session(
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    span: ResolvedRange,
    document: Option<&mut profiles::Document>,
) -> Result<Outcome> {
    let plan = plan::Plan::make(invocation, session, args, span)?;
    if args.dry_run {
        invocation.runtime.console.say(&plan.describe(session));
        return Ok(Outcome { anything_done: true, events: 1, failures: Vec::new() });
    }
    if args.resume {
        resume::run(invocation, session, args, &plan)
    } else {
        question::run(invocation, session, args, &plan, document)
    }
}

/// Tells every failure, and gives the one exit code for all.
fn report(invocation: &Invocation, args: &FetchArgs, outcome: Outcome) -> End {
    let told: Vec<&Error> =
        outcome.failures.iter().filter(|f| !matches!(f.kind(), ErrorKind::Interrupted(_))).collect();
    let told = invocation.runtime.console.failures(&told);
    let kinds: Vec<ErrorKind> = outcome.failures.iter().map(Error::kind).collect();
    let end = super::conclude(invocation, &kinds, told, outcome.anything_done);
    if end.is_none() && outcome.events == 0 {
        invocation.runtime.console.note(if args.resume { "no new events" } else { "no events" });
        if args.fail_if_empty {
            return End::Failed(ErrorKind::CheckFailed);
        }
    }
    End::of(end)
}
