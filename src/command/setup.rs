//! `opev setup`: one account, from its token to a checked profile and a first fetch.
//!
//! The questions are `setup`'s, the text of the configuration is `config::setup`'s; this checks, writes and fetches.
//! Everything for people goes to standard error: standard output is for the events of the first fetch.

use std::path::Path;

use super::{End, Invocation, fetch, message_style, session};
use crate::api::claims::Claims;
use crate::cli::setup::SetupArgs;
use crate::cli::{AccountArgs, Cli, Command, LogLevel};
use crate::collect::plan::time_style;
use crate::collect::session::Connections;
use crate::config::file::{self, DEMO};
use crate::config::setup::{self as profile_text, NewProfile, NewServer, SetupPlan};
use crate::config::{Config, SettingFlags, TokenSource};
use crate::console::Prompt;
use crate::diagnosis::{self, CheckDepth, DiagnosisStyle, ProfileToken};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::output::shown;
use crate::setup::{AfterFailure, ChosenName, Conversation, next_steps};

/// A token that lasts less is told of, and its profile written.
const MIN_DAYS: u16 = 14;

/// Runs `opev setup`.
///
/// # Errors
/// Fails when a flag is missing without a terminal, when the token does not work, and when a file cannot be written.
pub fn run(invocation: &Invocation, args: &SetupArgs) -> Result<End> {
    let path = file::place(args.file.config.as_deref(), &invocation.environment)?;
    let config = Config::read_or_begin(args.file.config.as_deref(), &path, invocation.environment.clone())?;
    let cancel = &invocation.runtime.cancel;
    let person = Prompt::new(&invocation.runtime.console, cancel, message_style());
    let talk = Conversation::new(args, &config, &path, person, cancel);
    if talk.named_profile() == Some(DEMO) {
        return rehearse(invocation, args, &config, &talk);
    }
    talk.greet();
    let Some(chosen) = talk.name()? else { return Ok(unchanged(invocation)) };
    if chosen.name == DEMO {
        return rehearse(invocation, args, &config, &talk);
    }
    let plan = match checked_plan(invocation, args, &path, &talk, &chosen)? {
        Ok(plan) => plan,
        Err(end) => return Ok(end),
    };
    if let Some(file) = &plan.token_file
        && !talk.may_write_token(&file.path, chosen.replaces)?
    {
        return Ok(unchanged(invocation));
    }
    cancel.check()?;
    plan.write()?;
    invocation.runtime.console.say(&format!("wrote the profile {} to {}", chosen.name, shown(&path)));
    // As every later run reads it: another user's directory, for one, is refused there.
    Config::read(Some(&path), invocation.environment.clone())?;
    finish(invocation, args, &talk, &chosen.name)
}

fn unchanged(invocation: &Invocation) -> End {
    invocation.runtime.console.say("nothing was changed");
    End::Failed(ErrorKind::CheckFailed)
}

/// The profile to write, once its token works or the person wants it written all the same; else the end of the run.
fn checked_plan(
    invocation: &Invocation,
    args: &SetupArgs,
    path: &Path,
    talk: &Conversation<'_>,
    chosen: &ChosenName,
) -> Result<Result<SetupPlan, End>> {
    let mut token = talk.token_place(&chosen.name)?;
    loop {
        let profile = NewProfile {
            name: chosen.name.clone(),
            token,
            server: talk.server(),
            allow_host: args.allow_host.clone(),
            ca_file: talk.ca_file()?,
        };
        let plan = profile_text::plan(path, profile, &invocation.environment)?;
        if args.no_check {
            return Ok(Ok(plan));
        }
        let (plan, kind) = check(invocation, args, path, talk, plan)?;
        // One that ends soon works.
        let Some(kind) = kind.filter(|kind| *kind != ErrorKind::CheckFailed) else { return Ok(Ok(plan)) };
        match talk.after_failure()? {
            AfterFailure::AskAgain => token = talk.ask_token_place(&chosen.name)?,
            AfterFailure::Write => return Ok(Ok(plan)),
            AfterFailure::End => {
                invocation.runtime.console.say("nothing was written");
                return Ok(Err(End::of(Some(kind))));
            }
        }
    }
}

/// Reads the token of a planned profile and tries it; asks for the region where the token does not name a server.
fn check(
    invocation: &Invocation,
    args: &SetupArgs,
    path: &Path,
    talk: &Conversation<'_>,
    mut plan: SetupPlan,
) -> Result<(SetupPlan, Option<ErrorKind>)> {
    let depth = CheckDepth { min_days: MIN_DAYS, offline: args.offline, sample: false };
    let connections = Connections::default();
    let mut read = ProfileToken::read(&invocation.runtime, plan.settings()?, None, &depth)?;
    if plan.profile().server.is_none()
        && let Some(token) = read.token().cloned()
        && Claims::read(&token).is_ok_and(|claims| claims.is_old())
        && let Some(region) = talk.region()?
    {
        let server = Some(NewServer::Region(region));
        plan = profile_text::plan(
            path,
            NewProfile { server, ..plan.profile().clone() },
            &invocation.environment,
        )?;
        // It was read already, and its command may ask for something.
        let mut settings = plan.settings()?;
        settings.token = TokenSource::Typed(token);
        read = ProfileToken::read(&invocation.runtime, settings, None, &depth)?;
    }
    let kind = tell(invocation, read, &connections, &depth)?;
    Ok((plan, kind))
}

/// Goes the whole way with a token, and says what was found.
fn tell(
    invocation: &Invocation,
    token: ProfileToken,
    connections: &Connections,
    depth: &CheckDepth,
) -> Result<Option<ErrorKind>> {
    let (console, now) = (&invocation.runtime.console, invocation.runtime.clock.now());
    console.note("checking the token");
    let zone = token.zone().clone();
    let checks = vec![token.check(&invocation.runtime, connections, depth)?];
    let event_time = time_style(&zone);
    let style = DiagnosisStyle { text: message_style(), zone, event_time, offline: depth.offline };
    if invocation.console_args.level() >= LogLevel::Warning {
        console.say(&format!("\n{}", String::from_utf8_lossy(&diagnosis::table(&checks, &style, now)?)));
    }
    Ok(diagnosis::tell(console, checks, false))
}

/// Offers the first fetch, and says what to do from here.
fn finish(invocation: &Invocation, args: &SetupArgs, talk: &Conversation<'_>, profile: &str) -> Result<End> {
    let config = args.file.config.as_deref();
    let console = &invocation.runtime.console;
    let end = if talk.wants_fetch()? { first_fetch(invocation, profile, config)? } else { End::Done };
    console.say(&format!("\nNext:\n{}", next_steps(profile, config)));
    Ok(end)
}

/// Fetches the last day, as `opev fetch` does.
fn first_fetch(invocation: &Invocation, profile: &str, config: Option<&Path>) -> Result<End> {
    let words = ["opev", "fetch", "--profile", profile].map(Into::into).into_iter();
    let config = config.into_iter().flat_map(|path| ["--config".into(), path.as_os_str().to_owned()]);
    match Cli::read(words.chain(config)).map(|cli| cli.command) {
        Ok(Command::Fetch(args)) => {
            limits::check_memory()?;
            fetch::run(invocation, &args)
        }
        _ => Err(Error::new(ErrorKind::Unexpected, "the first fetch cannot be put together")),
    }
}

/// The same with the demo, for which nothing is written.
fn rehearse(
    invocation: &Invocation,
    args: &SetupArgs,
    config: &Config,
    talk: &Conversation<'_>,
) -> Result<End> {
    let console = &invocation.runtime.console;
    console.say(
        "The profile demo is built in: its server and its token are inside opev, and nothing is written.",
    );
    let account = AccountArgs { profile: Some(DEMO.into()), ..AccountArgs::default() };
    let settings =
        config.settings(&SettingFlags { account: &account, tz: None, page_size: None, jobs: None })?;
    let depth = CheckDepth { min_days: MIN_DAYS, offline: args.offline, sample: false };
    let connections = Connections::default();
    let session = session::of_demo(invocation, &connections, &settings)?;
    let token = ProfileToken::read(&invocation.runtime, settings, session, &depth)?;
    match tell(invocation, token, &connections, &depth)? {
        None | Some(ErrorKind::CheckFailed) => finish(invocation, args, talk, DEMO),
        kind => Ok(End::of(kind)),
    }
}
