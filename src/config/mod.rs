//! Flags + environment + file -> [`Settings`]: one profile, everything decided, each value with its origin.
//!
//! Flag over environment over profile over `[defaults]`, with the exceptions that keep a token from
//! serving an account it was not meant for. The only module that reads the environment, and the only one
//! that touches token sources. Sends nothing, and writes nothing but configuration files of the user.

pub mod account;
pub mod edit;
pub mod environment;
pub mod file;
pub mod import;
pub mod origin;
pub mod profile_table;
pub mod range;
mod setting_sources;
mod settings;
pub mod setup;
mod shard;
mod sumo;
pub mod template;
pub mod terminal;
pub mod token;
pub mod token_command;
mod trust;

use std::path::Path;

pub use account::Account;
pub use environment::Environment;
pub use file::ConfigFile;
pub use origin::{Origin, SettingRow};
pub use range::ResolvedRange;
pub use settings::{SettingFlags, Settings};
pub use token::TokenSource;

use crate::cli::profiles::Shard;
use crate::error::{Error, ErrorKind, Result};
use crate::suggest::suggest;
use file::{DEFAULT, DEMO};

/// The environment and the configuration file: all that settings are made from, besides flags.
#[derive(Clone, Debug)]
pub struct Config {
    /// The environment.
    pub environment: Environment,
    /// The configuration file.
    pub file: ConfigFile,
}

impl Config {
    /// Reads the configuration file: `flag`, else the environment's, else the usual one.
    ///
    /// # Errors
    /// Fails as [`ConfigFile::read`] does.
    pub fn read(flag: Option<&Path>, environment: Environment) -> Result<Config> {
        Ok(Config { file: ConfigFile::read(flag, &environment)?, environment })
    }

    /// The same, where the file at `path` may still have to be made and then says nothing.
    ///
    /// # Errors
    /// Fails as [`ConfigFile::read`] does.
    pub fn read_or_begin(flag: Option<&Path>, path: &Path, environment: Environment) -> Result<Config> {
        if file::text_at(path)?.is_some() {
            return Config::read(flag, environment);
        }
        let file = ConfigFile { path: Some(path.to_owned()), ..ConfigFile::default() };
        Ok(Config { environment, file })
    }

    /// The settings of the one profile that was chosen.
    ///
    /// # Errors
    /// Fails when there is no such profile, or a setting is malformed.
    pub fn settings(&self, typed: &SettingFlags<'_>) -> Result<Settings> {
        let (name, origin) = match (&typed.account.profile, self.environment.text(environment::PROFILE)) {
            (Some(name), _) => (name.as_str(), Origin::Flag("profile")),
            (None, Some(name)) => (name, Origin::Variable(environment::PROFILE.into())),
            (None, None) => (DEFAULT, Origin::Default),
        };
        self.check_profile(name)?;
        let settings = Settings::decide(self, name, origin, typed, true)?;
        settings.zone_warning.iter().for_each(|warning| log::warn!("{warning}"));
        Ok(settings)
    }

    /// The settings of every enabled profile of the file that belongs to this part, by name. The environment's
    /// token and server apply to none of them.
    ///
    /// # Errors
    /// Fails when there is none, or a setting is malformed.
    pub fn all_settings(&self, typed: &SettingFlags<'_>, shard: Option<Shard>) -> Result<Vec<Settings>> {
        let is_own = shard::owner(shard, &self.environment)?;
        let enabled = self
            .file
            .profiles
            .iter()
            .filter(|(name, profile)| *name != DEMO && profile.enabled.as_ref().is_none_or(|e| e.value));
        let mut is_any = false;
        let all: Vec<_> = enabled
            .inspect(|_| is_any = true)
            .filter(|(name, _)| is_own(name))
            .map(|(name, _)| {
                Settings::decide(self, name, Origin::Flag("all_profiles"), typed, false)
                    .map_err(|failure| failure.on_profile(name))
            })
            .collect::<Result<_>>()?;
        if !is_any {
            return Err(Error::new(ErrorKind::Config, "--all-profiles: no profile is enabled")
                .hint("write profiles with `opev setup`"));
        }
        // One local zone for all profiles.
        all.iter()
            .find_map(|one| one.zone_warning.as_ref())
            .into_iter()
            .for_each(|warning| log::warn!("{warning}"));
        Ok(all)
    }

    /// Refuses a profile that does not exist, with the nearest name. `default` and `demo` need no file.
    ///
    /// # Errors
    /// Fails with `Config`.
    pub fn check_profile(&self, name: &str) -> Result<()> {
        if let Err(problem) = file::check_name(name) {
            let failure = Error::new(ErrorKind::Config, problem.message);
            return Err(failure.hint(problem.hint.unwrap_or_default()));
        }
        if matches!(name, DEFAULT | DEMO) || self.file.profiles.contains_key(name) {
            return Ok(());
        }
        let place = match &self.file.path {
            Some(path) if self.file.exists => {
                format!(" in {}", crate::sanitize::message(&path.to_string_lossy()))
            }
            _ => ": there is no configuration file".into(),
        };
        let failure = Error::new(ErrorKind::Config, format!("no profile {name}{place}"));
        let known = self.file.profiles.keys().map(String::as_str).chain([DEMO]);
        Err(match suggest(name, known.clone()) {
            Some(nearest) => failure.hint(format!("did you mean {nearest}?")),
            None if self.file.exists => {
                failure.hint(format!("use one of {}", known.collect::<Vec<_>>().join(", ")))
            }
            None => failure.hint("write one with `opev setup`"),
        })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests;
