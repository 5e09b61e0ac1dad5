//! `opev state`: a saved position carried to another machine, or forgotten.
//!
//! What a position is and how it is written is for `output`; this finds the one that is meant, and asks.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cli::state::{
    PositionArgs, ProfileArgs, StateArgs, StateCommand, StateImportArgs, StateResetArgs,
};
use crate::command::{End, Invocation, print};
use crate::config::{Config, SettingFlags, environment};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, ErrorKind, Result};
use crate::output::saved_state::{self, SavedPosition};
use crate::output::{Consumer, shown};
use crate::sanitize;

/// The greatest export that is read: 300,000 delivered identities make about 10 MiB.
const LIMIT: u64 = 64 << 20;

/// Runs `opev state`.
///
/// # Errors
/// Fails when no such position is there, when a run writes it, and as the disk does.
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
    let (directory, found) = find(invocation, which)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut text = String::new();
    // Where nothing is saved yet, a run may be about to: what was named, or is all there is, is not passed
    // over in silence.
    let is_named = which.consumer.is_some() || which.output.is_some();
    let is_empty = |saved: &SavedPosition| matches!(saved.record, Ok(None));
    let skips_empty = !is_named && !found.iter().all(is_empty);
    for saved in found.iter().filter(|saved| !(skips_empty && is_empty(saved))) {
        text +=
            &saved_state::export(&disk, &*invocation.runtime.clock, &directory, &saved.profile, &saved.key)?;
        text.push('\n');
    }
    invocation.runtime.console.note(
        "two machines must not go on from one position: once it is imported there, `opev state reset` it here",
    );
    print(text.as_bytes())
}

fn import(invocation: &Invocation, args: &StateImportArgs) -> Result<End> {
    let config = Config::read(args.whose.file.config.as_deref(), invocation.environment.clone())?;
    let exported = exported(&read(&args.from)?)?;
    if args.output.is_some() && exported.len() > 1 {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("-o is for one position, and here are {}", exported.len()),
        )
        .hint("export that one alone, with `opev state export -o FILE`"));
    }
    let output = args.output.as_deref().map(absolute).transpose()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    for mut luggage in exported {
        // Only in so many words: a position knows whose it is.
        relabel(&mut luggage, args.whose.profile.as_deref(), output.as_deref())?;
        let owner = luggage["record"]["profile"].as_str().unwrap_or_default();
        let directory = directory(&config, &args.whose, owner)?;
        let json = luggage.to_string();
        let (profile, key) =
            saved_state::import(&disk, &*invocation.runtime.clock, &directory, json.as_bytes())?;
        invocation
            .runtime
            .console
            .note(&format!("profile {profile}: the next run goes on from the imported {key}"));
    }
    Ok(End::Done)
}

/// The exported positions of a text: one JSON object after the other.
fn exported(json: &[u8]) -> Result<Vec<Value>> {
    let invalid = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Usage, format!("this is no exported state: {why}"))
            .hint("give the output of `opev state export`")
    };
    let all: Vec<Value> = serde_json::Deserializer::from_slice(json)
        .into_iter()
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| invalid(&e))?;
    if all.is_empty() || !all.iter().all(|one| one["record"].is_object()) {
        return Err(invalid(&"there is no position in it"));
    }
    Ok(all)
}

/// Gives an exported position the profile and the file that it has on this machine.
fn relabel(luggage: &mut Value, profile: Option<&str>, output: Option<&Path>) -> Result<()> {
    let record = &mut luggage["record"];
    if let Some(profile) = profile {
        record["profile"] = profile.into();
    }
    if let Some(path) = output {
        if !record["output"].is_object() {
            return Err(Error::new(ErrorKind::Usage, "the exported position has no managed file")
                .hint("leave out -o; the consumer keeps its name"));
        }
        let path = path.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("the name {} is not UTF-8", shown(path)))
                .hint("give the file another name")
        })?;
        record["consumer"] = path.into();
        record["output"]["path"] = path.into();
    }
    Ok(())
}

fn read(from: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let source: io::Result<Box<dyn io::Read>> = if from.as_os_str() == "-" {
        Ok(Box::new(io::stdin().lock()))
    } else {
        std::fs::File::open(from).map(|file| Box::new(file) as _)
    };
    source.and_then(|source| source.take(LIMIT).read_to_end(&mut bytes)).map_err(|e| {
        Error::new(ErrorKind::Usage, format!("cannot read {}", shown(from)))
            .because(e)
            .hint("name the output of `opev state export`, or - for standard input")
    })?;
    Ok(bytes)
}

fn reset(invocation: &Invocation, args: &StateResetArgs) -> Result<End> {
    let is_named = args.which.consumer.is_some() || args.which.output.is_some();
    if args.yes && !is_named {
        return Err(Error::new(ErrorKind::Usage, "--yes needs the position's name")
            .hint("name it with --consumer NAME or -o FILE; `opev status` lists what there is"));
    }
    let can_ask = io::stdin().is_terminal() && invocation.runtime.console.is_terminal();
    if !args.yes && !can_ask {
        return Err(Error::new(ErrorKind::Usage, "a position is not forgotten without being asked")
            .hint("add --yes where there is no terminal to ask on"));
    }
    let (directory, found) = find(invocation, &args.which)?;
    let [saved] = &found[..] else {
        return Err(Error::new(ErrorKind::Usage, "which position? name it with --consumer NAME or -o FILE")
            .hint(there_are(&found)));
    };
    if !args.yes && !agreed(invocation, saved)? {
        invocation.runtime.console.say("nothing was changed");
        return Ok(End::Failed(ErrorKind::CheckFailed));
    }
    saved_state::reset(&RealDisk, &*invocation.runtime.clock, &directory, &saved.profile, &saved.key)?;
    invocation.runtime.console.note(&format!("profile {}: {} is forgotten", saved.profile, label(saved)));
    Ok(End::Done)
}

fn agreed(invocation: &Invocation, saved: &SavedPosition) -> Result<bool> {
    invocation.runtime.console.say(&format!(
        "profile {}: forget the saved position of {}?\n\
         The output is not touched. The next run starts anew, at --since or 24 hours ago.\n\
         Type yes to forget it:",
        saved.profile,
        label(saved)
    ));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot read the answer").because(e))?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

/// The positions that are meant, all of the profile's where none is named, and the directory they lie in.
fn find(invocation: &Invocation, which: &PositionArgs) -> Result<(PathBuf, Vec<SavedPosition>)> {
    let config = Config::read(which.whose.file.config.as_deref(), invocation.environment.clone())?;
    let profile = named_profile(&config, &which.whose).unwrap_or_else(|| "default".into());
    let directory = known_directory(&config, &which.whose, &profile)?;
    let mut all = saved_state::list(&RealDisk, &directory)?;
    all.retain(|saved| saved.profile == profile);
    let key = which.output.as_deref().map(absolute).transpose()?.map(|path| Consumer::File(path).key());
    let is_meant = |saved: &SavedPosition| match (&which.consumer, &key) {
        (Some(name), _) => saved.key == *name || consumer(saved) == Some(name.as_str()),
        (None, Some(key)) => saved.key == *key,
        (None, None) => true,
    };
    let (found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
    if !found.is_empty() {
        return Ok((directory, found));
    }
    let mut text = format!("profile {} has no saved position", sanitize::message(&profile));
    if let Some(name) = which.consumer.clone().or_else(|| which.output.as_deref().map(shown)) {
        text += &format!(" for {}", sanitize::message(&name));
    }
    let hint = if others.is_empty() {
        format!("{} holds none of it; see --profile and --state-dir", shown(&directory))
    } else {
        there_are(&others)
    };
    Err(Error::new(ErrorKind::CheckFailed, text).hint(hint))
}

fn there_are(positions: &[SavedPosition]) -> String {
    format!("there are: {}", positions.iter().map(label).collect::<Vec<_>>().join(", "))
}

fn consumer(saved: &SavedPosition) -> Option<&str> {
    saved.record.as_ref().ok()?.as_ref().map(|record| record.consumer.as_str())
}

/// The position's name as it can be typed, made harmless.
fn label(saved: &SavedPosition) -> String {
    sanitize::message(consumer(saved).unwrap_or(&saved.key)).into_owned()
}

/// The path as a managed file's position knows it; its directory may be gone.
fn absolute(path: &Path) -> Result<PathBuf> {
    RealDisk.absolute(path).or_else(|_| std::path::absolute(path)).map_err(|e| {
        Error::new(ErrorKind::Usage, format!("cannot find {}", shown(path)))
            .because(e)
            .hint("give its full path")
    })
}
