//! The configuration file: TOML, with `[defaults]` and one `[profiles.NAME]` per account.
//!
//! Whatever is wrong is said with file and line, and an unknown key with the nearest known one. This
//! module only reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{self, Environment};
use super::section::{ACCOUNT_KEYS, Entry, KEYS, Problem, Section, TokenKey, unknown};
use crate::failure::{Failure, Kind, Result};
use crate::sanitize;

/// The profile that is built in.
pub const DEMO: &str = "demo";

/// The profile that is used when nothing names one.
pub const DEFAULT: &str = "default";

/// A configuration file is text that people write.
const MAX_BYTES: u64 = 4 << 20;

/// What the configuration file says; empty where there is none.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// Where it is, or would be; `None` where not even that is known (no HOME).
    pub path: Option<PathBuf>,
    /// What decided the path.
    pub chosen_by: PathChoice,
    /// Whether it exists.
    pub exists: bool,
    /// `[defaults]`.
    pub defaults: Section,
    /// `[profiles.NAME]`, by name.
    pub profiles: BTreeMap<String, Section>,
}

/// What decided where the configuration file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathChoice {
    /// `--config`.
    Flag,
    /// `OPEV_CONFIG`.
    Variable,
    /// XDG's rule.
    #[default]
    Xdg,
}

/// Where the configuration file is, or would be, and what decided it.
pub fn locate(flag: Option<&Path>, environment: &Environment) -> (Option<PathBuf>, PathChoice) {
    match (flag, environment.path(environment::CONFIG)) {
        (Some(path), _) => (Some(path.to_owned()), PathChoice::Flag),
        (None, Some(path)) => (Some(path), PathChoice::Variable),
        (None, None) => (environment.config_file(), PathChoice::Xdg),
    }
}

impl ConfigFile {
    /// Reads the file that `flag` names, else the environment, else the one at the usual place.
    ///
    /// # Errors
    /// Fails when it cannot be read, says something that is not understood, or names a command while
    /// others could write it; and when it was named but does not exist.
    pub fn read(flag: Option<&Path>, environment: &Environment) -> Result<ConfigFile> {
        let (path, chosen_by) = locate(flag, environment);
        let Some(path) = path else { return Ok(ConfigFile::default()) };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound && chosen_by == PathChoice::Xdg => {
                return Ok(ConfigFile { path: Some(path), chosen_by, ..ConfigFile::default() });
            }
            Err(e) => return Err(unreadable(&path).because(e)),
        };
        let mut text = String::new();
        file.by_ref().take(MAX_BYTES).read_to_string(&mut text).map_err(|e| unreadable(&path).because(e))?;
        let mut config = ConfigFile::parse(&path, &text, environment)?;
        config.chosen_by = chosen_by;
        // The opened file is asked, not the path, which may point elsewhere by now.
        let metadata = file.metadata().map_err(|e| unreadable(&path).because(e))?;
        config.refuse_foreign_commands(&path, metadata.permissions().mode())?;
        Ok(config)
    }

    /// Reads the text of a file that lies at `path`.
    ///
    /// # Errors
    /// Fails when the text says something that is not understood.
    pub fn parse(path: &Path, text: &str, environment: &Environment) -> Result<ConfigFile> {
        let line_at = |offset: usize| {
            1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count()
        };
        let fail = |offset: usize, problem: Problem| {
            let place = format!("{}:{}", sanitize::message(&path.to_string_lossy()), line_at(offset));
            let failure = Failure::new(Kind::Config, format!("{place}: {}", problem.message));
            match problem.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        };
        let document = DeTable::parse(text).map_err(|e| {
            let message = e.message().replace('\n', ", ");
            fail(e.span().map_or(0, |span| span.start), Problem::new(sanitize::message(&message)))
        })?;
        let home = environment.home();
        let section = |name: &str, table: &Spanned<DeValue<'_>>| -> Result<Section> {
            let wrong =
                || fail(table.span().start, Problem::new(format!("{name} must be a table: [{name}]")));
            let mut section = Section::default();
            for (key, value) in in_order(table.get_ref().as_table().ok_or_else(wrong)?) {
                let entry = Entry {
                    key: key.get_ref(),
                    value,
                    line: line_at(key.span().start),
                    base: path.parent().unwrap_or(Path::new("")),
                    home: home.as_deref(),
                };
                allowed(name, key.get_ref())
                    .and_then(|()| section.set(key.get_ref(), &entry))
                    .map_err(|problem| fail(key.span().start, problem))?;
            }
            Ok(section)
        };
        let mut config = ConfigFile { path: Some(path.into()), exists: true, ..ConfigFile::default() };
        for (key, value) in in_order(document.get_ref()) {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("defaults", _) => config.defaults = section("defaults", value)?,
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, table) in in_order(profiles) {
                        check_name(name.get_ref()).map_err(|problem| fail(name.span().start, problem))?;
                        let profile = section(&format!("profiles.{}", name.get_ref()), table)?;
                        config.profiles.insert(name.get_ref().to_string(), profile);
                    }
                }
                ("profiles", _) => {
                    let problem = Problem::new("profiles must hold tables: [profiles.NAME]");
                    return Err(fail(key.span().start, problem));
                }
                (word, _) => return Err(fail(key.span().start, misplaced(word))),
            }
        }
        Ok(config)
    }

    /// The variables that hold tokens: no child gets them (P10).
    pub fn token_variables(&self) -> Vec<String> {
        let named = self.profiles.values().filter_map(|profile| match &profile.token.as_ref()?.value {
            TokenKey::Variable(name) => Some(name.clone()),
            _ => None,
        });
        [environment::TOKEN.to_owned()].into_iter().chain(named).collect()
    }

    /// Who can write the file could make whoever runs `opev` run anything.
    fn refuse_foreign_commands(&self, path: &Path, mode: u32) -> Result<()> {
        let runs = self.profiles.values().filter_map(|profile| profile.token.as_ref());
        match runs.into_iter().find(|token| token.value.runs_a_program()) {
            Some(token) if mode & 0o022 != 0 => {
                let path = sanitize::message(&path.to_string_lossy()).into_owned();
                let message = format!(
                    "{path} names a command ({}, line {}), but others can write it (mode {:03o})",
                    token.value.name(),
                    token.line,
                    mode & 0o777
                );
                Err(Failure::new(Kind::Config, message).hint(format!("chmod go-w {path}")))
            }
            _ => Ok(()),
        }
    }
}

/// Checks the name of a profile: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
///
/// # Errors
/// Fails with the rule.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let fits = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if fits {
        return Ok(());
    }
    Err(Problem::new(format!("{} cannot be the name of a profile", sanitize::message(name)))
        .hint("use 1 to 64 letters, digits, dots, underscores and dashes, with a letter or digit first"))
}

/// Whether `key` may stand in `table`.
fn allowed(table: &str, key: &str) -> Result<(), Problem> {
    if table == "defaults" && ACCOUNT_KEYS.contains(&key) {
        return Err(Problem::new(format!("{key} cannot stand in [defaults]: it belongs to one account"))
            .hint(format!("move it into [profiles.{DEFAULT}]")));
    }
    let server = ["region", "base_url", "allow_host"];
    if table == "profiles.demo" && (ACCOUNT_KEYS.contains(&key) || server.contains(&key)) {
        return Err(Problem::new(format!(
            "{key} cannot be set for demo, which brings its own server and token"
        ))
        .hint("give the profile another name"));
    }
    Ok(())
}

/// A word at the top of the file that is neither table.
fn misplaced(word: &str) -> Problem {
    if KEYS.contains(&word) {
        let table = if ACCOUNT_KEYS.contains(&word) { "[profiles.default]" } else { "[defaults]" };
        return Problem::new(format!("{word} stands outside of any table"))
            .hint(format!("put a line {table} above it"));
    }
    unknown("table", word, &["defaults", "profiles"])
}

/// The entries in the order of the file, so that the first mistake is the one that is named.
fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn unreadable(path: &Path) -> Failure {
    let path = sanitize::message(&path.to_string_lossy()).into_owned();
    Failure::new(Kind::Config, format!("cannot read the configuration file {path}"))
}
