//! `opev names`: titles for uuids, imported from `op`'s JSON and kept per profile.
//!
//! Reads files and prints; what `op` prints and how names are kept is in `names`. Titles are never logged.

use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;

use crate::cli::names::{KindArg, NamesArgs, NamesCommand, NamesForgetArgs, NamesImportArgs, NamesListArgs};
use crate::cli::state::ProfileArgs;
use crate::command::state::{directory, named_profile};
use crate::command::{End, Invocation, print_json, print_paged, require_stdout, text_style};
use crate::config::Config;
use crate::console::{CellTone, TextStyle, TextTable};
use crate::disk::RealDisk;
use crate::error::{Error, ErrorKind, Result};
use crate::facts::{KnownName, NameKind};
use crate::names::{ImportedName, LIMIT, NameStore};
use crate::output::shown;
use crate::sanitize;

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
        let names = ImportedName::read_all(&read(path)?, kind);
        imported.extend(names.map_err(|failure| in_file(failure, path))?);
    }
    let mut names = store.read(&RealDisk)?;
    let mut counts = NameKind::ALL.map(|kind| (kind, 0_usize));
    for ImportedName { uuid, kind, name } in imported {
        let is_new = names.insert(uuid, kind, name);
        counts
            .iter_mut()
            .filter(|(counted, _)| *counted == kind)
            .for_each(|(_, n)| *n += usize::from(is_new));
    }
    store.write(&RealDisk, &names)?;
    let new: Vec<String> =
        counts.iter().filter(|(_, n)| *n > 0).map(|(kind, n)| counted(*n, kind.noun())).collect();
    let new = if new.is_empty() { "nothing new".to_owned() } else { format!("new: {}", new.join(", ")) };
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

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn read(from: &Path) -> Result<Vec<u8>> {
    let failure =
        |why: Error| why.hint("name a file that `op ... --format json` wrote, or - for standard input");
    let mut bytes = Vec::new();
    let source: io::Result<Box<dyn io::Read>> = if from.as_os_str() == "-" {
        Ok(Box::new(io::stdin().lock()))
    } else {
        std::fs::File::open(from).map(|file| Box::new(file) as _)
    };
    source.and_then(|source| source.take(LIMIT as u64 + 1).read_to_end(&mut bytes)).map_err(|e| {
        failure(Error::new(ErrorKind::Usage, format!("cannot read {}", shown(from))).because(e))
    })?;
    if bytes.len() > LIMIT {
        let text = format!("{} is longer than {} MiB", shown(from), LIMIT >> 20);
        return Err(failure(Error::new(ErrorKind::Usage, text)));
    }
    Ok(bytes)
}

fn list(invocation: &Invocation, args: &NamesListArgs) -> Result<End> {
    require_stdout()?;
    let (profile, store) = store(invocation, &args.whose)?;
    let names = store.read(&RealDisk)?;
    let wanted: Vec<String> = args.wanted.iter().map(|text| text.to_lowercase()).collect();
    let has = |uuid: &str, known: &KnownName, text: &String| {
        uuid.eq_ignore_ascii_case(text) || known.name.to_lowercase().contains(text)
    };
    let rows: Vec<(&str, &KnownName)> = names
        .sorted()
        .into_iter()
        .filter(|(uuid, known)| wanted.iter().all(|text| has(uuid, known, text)))
        .collect();
    if args.json {
        return print_json(invocation, json(&rows).as_bytes());
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
        table(&rows, text_style(invocation)).as_bytes(),
    )
}

fn table(rows: &[(&str, &KnownName)], style: TextStyle) -> String {
    let mut table = TextTable::new(style, 0);
    table.header(["KIND", "UUID", "NAME"]);
    for (uuid, known) in rows {
        table.row([
            (CellTone::Plain, known.kind.noun().into()),
            (CellTone::Plain, (*uuid).into()),
            (CellTone::Plain, known.name.as_str().into()),
        ]);
    }
    table.keep_whole([0, 1]).render()
}

/// One name, for programs.
#[derive(Serialize)]
struct JsonName<'a> {
    kind: NameKind,
    name: &'a str,
    uuid: &'a str,
}

fn json(rows: &[(&str, &KnownName)]) -> String {
    let rows: Vec<JsonName<'_>> =
        rows.iter().map(|(uuid, known)| JsonName { kind: known.kind, name: &known.name, uuid }).collect();
    format!("{}\n", serde_json::to_string_pretty(&rows).unwrap_or_default())
}

fn forget(invocation: &Invocation, args: &NamesForgetArgs) -> Result<End> {
    let (profile, store) = store(invocation, &args.whose)?;
    let text = if store.forget(&RealDisk)? { "the names are forgotten" } else { "there were no names" };
    invocation.runtime.console.note(&format!("profile {}: {text}", sanitize::message(&profile)));
    Ok(End::Done)
}
