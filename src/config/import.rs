//! Profiles from Sumo Logic's 1Password sources, for `opev config import-sumo`.
//!
//! Decides and checks everything, and writes nothing: the caller carries the plan out. A token in the clear
//! goes into a file of its own when that is asked for, and nowhere else (P10).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Environment;
use super::file::{self, ConfigFile};
use super::sumo::{self, TokenPlace};
use crate::api::claims::Claims;
use crate::cli::config::ImportSumoArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// A source's configuration is text that people write.
const MAX_BYTES: u64 = 4 << 20;

/// What an import comes to, checked as a whole.
#[derive(Debug)]
pub struct ImportPlan {
    /// The tables of the new profiles.
    pub profiles: String,
    /// The tokens that go into files of their own, none of which exists.
    pub token_files: Vec<TokenToWrite>,
    /// The configuration file and its new text, where it is to be written.
    pub config: Option<(PathBuf, String)>,
}

/// A token to be written to a file.
#[derive(Debug)]
pub struct TokenToWrite {
    /// The file, which does not exist.
    pub path: PathBuf,
    /// The token.
    pub token: Secret,
}

/// Reads the sources and decides what to write.
///
/// # Errors
/// Fails when there is no such source, and when a profile or token file exists already.
pub fn plan(args: &ImportSumoArgs, environment: &Environment) -> Result<ImportPlan> {
    let sources = sumo::sources(&read(&args.source)?)?;
    if sources.len() > 1 && args.profile.is_some() {
        let message = format!("--profile names one profile, but there are {} sources", sources.len());
        return Err(
            Error::new(ErrorKind::Usage, message).hint("leave it out: each source has a name of its own")
        );
    }
    let mut tables = Vec::new();
    let mut token_files: Vec<TokenToWrite> = Vec::new();
    for source in sources {
        let name = source.profile_name(args.profile.as_deref())?;
        for note in &source.notes {
            log::warn!("{name}: {note}");
        }
        let token = token(source.token.as_ref(), &name, args.token_to.as_deref())?;
        let place = match &token {
            Some(file) => TokenPlace::File(text(&file.path)?),
            None => TokenPlace::Open,
        };
        let table = source.to_profile(&name, &place)?;
        tables.push((name, table));
        if let Some(file) = token {
            if token_files.iter().any(|other| other.path == file.path) {
                return Err(Error::new(ErrorKind::Usage, "--token-to names one file for several tokens")
                    .hint("put {profile} into its name"));
            }
            token_files.push(file);
        }
    }
    let profiles = tables.iter().map(|(_, table)| table.as_str()).collect::<Vec<_>>().join("\n");
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let config = if args.write {
        let path = file::place(args.file.config.as_deref(), environment)?;
        let text = extended(&path, &names, &profiles, environment)?;
        Some((path, text))
    } else {
        None
    };
    Ok(ImportPlan { profiles, token_files, config })
}

/// Where a source's token is to go, if it is to go anywhere; what to do otherwise is said.
fn token(token: Option<&Secret>, profile: &str, to: Option<&Path>) -> Result<Option<TokenToWrite>> {
    let Some(token) = token else {
        let masked = "the source's token is missing or masked (********)";
        if to.is_some() {
            return Err(Error::new(ErrorKind::TokenMissing, format!("{profile}: {masked}")).hint(
                "leave --token-to out, and name the token in the profile: token = \"op://...\" or token_file",
            ));
        }
        log::warn!("{profile}: {masked}: name the token in the profile");
        return Ok(None);
    };
    if let Err(why) = Claims::read(token) {
        log::warn!("{profile}: the source's token may not work: {why}");
    }
    let Some(to) = to else {
        log::warn!(
            "{profile}: the source holds a token in the clear, which was not copied; put it into 1Password, \
             or let --token-to FILE put it into a file of its own"
        );
        return Ok(None);
    };
    let path = PathBuf::from(text(to)?.replace("{profile}", profile));
    // Relative paths in the configuration would start at its directory.
    let path = std::path::absolute(&path)
        .map_err(|e| Error::new(ErrorKind::Output, "--token-to names no file").because(e))?;
    if path.symlink_metadata().is_ok() {
        return Err(exists(&path));
    }
    Ok(Some(TokenToWrite { path, token: token.clone() }))
}

/// The configuration's text with the new profiles at its end, checked as a whole.
fn extended(path: &Path, names: &[&str], addition: &str, environment: &Environment) -> Result<String> {
    let before = file::text_at(path)?.unwrap_or_default();
    let file = ConfigFile::parse(path, &before, environment)?;
    for (index, name) in names.iter().enumerate() {
        if file.profiles.contains_key(*name) || names[..index].contains(name) {
            return Err(Error::new(ErrorKind::Config, format!("the profile {name} exists already"))
                .hint("choose another name with --profile NAME"));
        }
    }
    let after = appended(&before, addition);
    ConfigFile::parse(path, &after, environment)?;
    Ok(after)
}

/// A text with more tables at its end, and an empty line before them.
pub(super) fn appended(before: &str, addition: &str) -> String {
    let gap = if before.is_empty() || before.ends_with("\n\n") {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    format!("{before}{gap}{addition}")
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let shown = sanitize::message(&path.to_string_lossy()).into_owned();
    let failure = || Error::new(ErrorKind::Config, format!("cannot read {shown}"));
    let mut text = Zeroizing::new(Vec::new());
    let outcome = if path.as_os_str() == "-" {
        io::stdin().take(MAX_BYTES + 1).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text))
    };
    outcome.map_err(|e| failure().because(e).hint("check the path and its permissions"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(failure().because("it is greater than 4 MiB").hint("give the JSON of the source alone"));
    }
    Ok(text)
}

fn exists(path: &Path) -> Error {
    let shown = sanitize::message(&path.to_string_lossy()).into_owned();
    Error::new(ErrorKind::Config, format!("{shown} exists already"))
        .hint("name another file, or move it away")
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "the path is not UTF-8, which a configuration file must be")
            .hint("choose another place with --token-to")
    })
}
