//! `opev state`: a saved position carried to another machine, or forgotten.
//!
//! Reads and asks; what a position is, which one is meant and how it is written is `output`'s.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::state::{
    PositionArgs, ProfileArgs, StateArgs, StateCommand, StateImportArgs, StateResetArgs,
};
use crate::command::{End, Invocation, message_style, print, read_input, require_stdout};
use crate::config::{Config, SettingFlags, environment};
use crate::console::Prompt;
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, ErrorKind, Result};
use crate::output::exported_state::ExportedPosition;
use crate::output::position_query::{self, PositionQuery};
use crate::output::saved_state::{self, SavedPosition};

/// The greatest export that is read: 300,000 delivered identities make about 10 MiB, and what rules have gathered 43 at
/// most.
const LIMIT: usize = 256 << 20;

/// What can be imported.
const HINT: &str = "name the output of `opev state export`, or - for standard input";

/// Runs `opev state`.
///
/// # Errors
/// Fails when the position is missing, when a run writes it, and as the disk does.
pub fn run(invocation: &Invocation, args: &StateArgs) -> Result<End> {
    match &args.command {
        StateCommand::Export(which) => export(invocation, which),
        StateCommand::Import(args) => import(invocation, args),
        StateCommand::Reset(args) => reset(invocation, args),
    }
}

/// As [`directory`], for a profile that has to be known: configured, or with positions saved before it was
/// taken out of the configuration.
pub(super) fn known_directory(config: &Config, whose: &ProfileArgs, profile: &str) -> Result<PathBuf> {
    let directory = directory(config, whose, profile)?;
    if !saved_state::list(&RealDisk, &directory)?.iter().any(|saved| saved.profile == profile) {
        config.check_profile(profile)?;
    }
    Ok(directory)
}

/// Where a profile's positions lie; a profile that is no longer configured has them at the usual place.
pub(super) fn directory(config: &Config, whose: &ProfileArgs, profile: &str) -> Result<PathBuf> {
    let is_known = config.file.profiles.contains_key(profile);
    let account = whose.account(Some(if is_known { profile } else { "default" }.to_owned()));
    let typed = SettingFlags { account: &account, tz: None, page_size: None, jobs: None };
    Ok(config.settings(&typed)?.state_dir()?.to_owned())
}

/// The profile that was named, by flag or environment.
pub(super) fn named_profile(config: &Config, whose: &ProfileArgs) -> Option<String> {
    let ambient = || config.environment.text(environment::PROFILE).map(str::to_owned);
    whose.profile.clone().or_else(ambient)
}

fn export(invocation: &Invocation, which: &PositionArgs) -> Result<End> {
    require_stdout()?;
    let (directory, found) = find(invocation, which)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut text = String::new();
    // Where nothing is saved yet, a run may be about to: what was named, or is all there is, is not passed
    // over in silence.
    let is_empty = |saved: &SavedPosition| matches!(saved.record, Ok(None));
    let is_named = which.consumer.is_some() || which.output.is_some();
    let skips_empty = !is_named && !found.iter().all(is_empty);
    for saved in found.iter().filter(|saved| !(skips_empty && is_empty(saved))) {
        let clock = &*invocation.runtime.clock;
        text += &saved_state::export(&disk, clock, &directory, &saved.profile, &saved.key)?;
        text.push('\n');
    }
    invocation.runtime.console.note(
        "two machines must not go on from one position: once it is imported there, `opev state reset` it here",
    );
    print(text.as_bytes())
}

fn import(invocation: &Invocation, args: &StateImportArgs) -> Result<End> {
    let config = Config::read(args.whose.file.config.as_deref(), invocation.environment.clone())?;
    let exported = ExportedPosition::parse_all(&read_input(&args.from, LIMIT, HINT)?)?;
    if args.output.is_some() && exported.len() > 1 {
        let text = format!("-o is for one position, and here are {}", exported.len());
        return Err(Error::new(ErrorKind::Usage, text)
            .hint("export that one alone, with `opev state export -o FILE`"));
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let output = args.output.as_deref().map(|path| position_query::absolute(&*disk, path)).transpose()?;
    for mut position in exported {
        // Only where it is named: a position knows whose it is.
        position.relabel(args.whose.profile.as_deref(), output.as_deref())?;
        let directory = directory(&config, &args.whose, position.profile())?;
        let clock = &*invocation.runtime.clock;
        let (profile, key) = saved_state::import(&disk, clock, &directory, position.to_json().as_bytes())?;
        let text = format!("profile {profile}: the next run goes on from the imported {key}");
        invocation.runtime.console.note(&text);
    }
    Ok(End::Done)
}

fn reset(invocation: &Invocation, args: &StateResetArgs) -> Result<End> {
    let is_named = args.which.consumer.is_some() || args.which.output.is_some();
    if args.yes && !is_named {
        return Err(Error::new(ErrorKind::Usage, "--yes needs the position's name")
            .hint("name it with --consumer NAME or -o FILE; `opev status` lists the saved positions"));
    }
    let person = Prompt::new(&invocation.runtime.console, &invocation.runtime.cancel, message_style())
        .filter(|_| !args.yes);
    if !args.yes && person.is_none() {
        return Err(Error::new(
            ErrorKind::Usage,
            "cannot ask whether to reset the position: there is no terminal",
        )
        .hint("add --yes"));
    }
    let (directory, found) = find(invocation, &args.which)?;
    let [saved] = &found[..] else {
        return Err(Error::new(ErrorKind::Usage, "which position? name it with --consumer NAME or -o FILE")
            .hint(position_query::choices(&found)));
    };
    if let Some(person) = &person
        && !agreed(person, saved)?
    {
        invocation.runtime.console.say("nothing was changed");
        return Ok(End::Failed(ErrorKind::CheckFailed));
    }
    saved_state::reset(&RealDisk, &*invocation.runtime.clock, &directory, &saved.profile, &saved.key)?;
    invocation.runtime.console.note(&format!(
        "profile {}: {} is forgotten",
        saved.profile,
        position_query::label(saved)
    ));
    Ok(End::Done)
}

fn agreed(person: &Prompt, saved: &SavedPosition) -> Result<bool> {
    person.say(&format!(
        "profile {}: forget the saved position of {}?\n\
         The output is not touched. The next run starts anew, at --since or 24 hours ago.",
        saved.profile,
        position_query::label(saved)
    ));
    let answer = person.ask("Type yes to forget it: ")?;
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// The positions that are meant, all of the profile's where none is named, and the directory they lie in.
fn find(invocation: &Invocation, which: &PositionArgs) -> Result<(PathBuf, Vec<SavedPosition>)> {
    let config = Config::read(which.whose.file.config.as_deref(), invocation.environment.clone())?;
    let profile = named_profile(&config, &which.whose).unwrap_or_else(|| "default".into());
    let directory = known_directory(&config, &which.whose, &profile)?;
    let (consumer, output) = (which.consumer.as_deref(), which.output.as_deref());
    let found = PositionQuery { profile: &profile, consumer, output }.find(&RealDisk, &directory)?;
    Ok((directory, found))
}
