//! `opev names`: titles for uuids, imported from `op`'s JSON and kept per profile.
//!
//! Reads files and prints; what `op` prints and how names are kept is in `names`. Titles are never logged.

use std::path::Path;

use crate::cli::names::{KindArg, NamesArgs, NamesCommand, NamesForgetArgs, NamesImportArgs, NamesListArgs};
use crate::cli::state::ProfileArgs;
use crate::command::state::{directory, named_profile};
use crate::command::{End, Invocation, print_json, print_paged, read_input, require_stdout, text_style};
use crate::config::Config;
use crate::disk::RealDisk;
use crate::error::{Error, Result};
use crate::facts::NameKind;
use crate::names::{ImportedName, LIMIT, NameStore, NewNames, counted, listing};
use crate::output::shown;
use crate::sanitize;

/// What can be imported.
const HINT: &str = "name a file that `op ... --format json` wrote, or - for standard input";

/// Runs `opev names`.
///
/// # Errors
/// Fails when a file cannot be read or is not what `op` prints, and as the state directory does.
pub fn run(invocation: &Invocation, args: &NamesArgs) -> Result<End> {
    match &args.command {
        NamesCommand::Import(args) => import(invocation, args),
        NamesCommand::List(args) => list(invocation, args),
        NamesCommand::Forget(args) => forget(invocation, args),
    }
}

/// The profile that is meant, and where its names are.
fn store(invocation: &Invocation, whose: &ProfileArgs) -> Result<(String, NameStore)> {
    let config = Config::read(whose.file.config.as_deref(), invocation.environment.clone())?;
    let profile = named_profile(&config, whose).unwrap_or_else(|| "default".into());
    config.check_profile(&profile)?;
    let store = NameStore::new(&directory(&config, whose, &profile)?, &profile);
    Ok((profile, store))
}

fn import(invocation: &Invocation, args: &NamesImportArgs) -> Result<End> {
    let (profile, store) = store(invocation, &args.whose)?;
    let kind = args.kind.map(|kind| match kind {
        KindArg::Vault => NameKind::Vault,
        KindArg::Item => NameKind::Item,
        KindArg::User => NameKind::User,
        KindArg::Group => NameKind::Group,
    });
    let mut imported = Vec::new();
    for path in &args.from {
        let names = ImportedName::read_all(&read_input(path, LIMIT, HINT)?, kind);
        imported.extend(names.map_err(|failure| in_file(failure, path))?);
    }
    let mut names = store.read(&RealDisk)?;
    let new = NewNames::add(imported, &mut names);
    store.write(&RealDisk, &names)?;
    let known = counted(names.len(), "name");
    invocation.runtime.console.note(&format!("profile {profile}: {new}; {known} in all"));
    Ok(End::Done)
}

/// The same failure, with the file in its message.
fn in_file(failure: Error, path: &Path) -> Error {
    let hint = failure.advice().unwrap_or_default().to_owned();
    let place = if path.as_os_str() == "-" { "standard input".into() } else { shown(path) };
    Error::new(failure.kind(), format!("{place}: {}", failure.message())).hint(hint)
}

fn list(invocation: &Invocation, args: &NamesListArgs) -> Result<End> {
    require_stdout()?;
    let (profile, store) = store(invocation, &args.whose)?;
    let names = store.read(&RealDisk)?;
    let rows = listing::find(&names, &args.wanted);
    if args.json {
        return print_json(invocation, listing::json(&rows).as_bytes());
    }
    if rows.is_empty() {
        let text = match names.is_empty() {
            true => format!("profile {profile}: no names; import them with `opev names import`"),
            false => format!("profile {profile}: none of {} has that", counted(names.len(), "name")),
        };
        invocation.runtime.console.note(&text);
        return Ok(End::Done);
    }
    print_paged(
        invocation,
        args.whose.file.config.as_deref(),
        listing::table(&rows, text_style(invocation)).as_bytes(),
    )
}

fn forget(invocation: &Invocation, args: &NamesForgetArgs) -> Result<End> {
    let (profile, store) = store(invocation, &args.whose)?;
    let text = if store.forget(&RealDisk)? { "the names are forgotten" } else { "there were no names" };
    invocation.runtime.console.note(&format!("profile {}: {text}", sanitize::message(&profile)));
    Ok(End::Done)
}
