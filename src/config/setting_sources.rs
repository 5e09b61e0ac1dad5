//! The sources of settings for one profile, in their order, and the record of what was decided.
//!
//! [`SettingSources`] answers one question at a time and notes value and origin for `opev config show`; what is
//! asked, and with which defaults, is in `settings`.

use std::path::{Path, PathBuf};

use super::Config;
use super::environment::{self, Environment};
use super::file::{DEMO, PathChoice};
use super::origin::{Origin, SettingRow};
use super::profile_table::{FileValue, ProfileTable, TokenKey};
use super::token::{TokenFile, TokenSource};
use super::token_command::TokenCommand;
use crate::api::endpoint::BaseUrl;
use crate::cli::AccountArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// What speaks about one profile.
pub(super) struct SettingSources<'a> {
    name: &'a str,
    config: &'a Config,
    profile: Option<&'a ProfileTable>,
    /// Whether the environment's token and server may serve this profile.
    ambient: bool,
    shown: Vec<SettingRow>,
}

impl<'a> SettingSources<'a> {
    pub(super) fn new(config: &'a Config, name: &'a str, ambient: bool) -> Self {
        SettingSources { name, config, profile: config.file.profiles.get(name), ambient, shown: Vec::new() }
    }

    /// Every value that was decided so far, with its origin.
    pub(super) fn shown(self) -> Vec<SettingRow> {
        self.shown
    }

    pub(super) fn show(&mut self, key: &'static str, value: impl AsRef<str>, origin: Origin) {
        self.shown.push(SettingRow { key, value: sanitize::message(value.as_ref()).into_owned(), origin });
    }

    pub(super) fn show_config_file(&mut self) {
        let file = &self.config.file;
        let origin = match file.chosen_by {
            PathChoice::Flag => Origin::Flag("config"),
            PathChoice::Variable => Origin::Variable(environment::CONFIG.into()),
            PathChoice::Xdg => Origin::Default,
        };
        let value = match &file.path {
            Some(path) if file.exists => path.display().to_string(),
            Some(path) => format!("{} (does not exist)", path.display()),
            None => "none: HOME is not set".into(),
        };
        self.show("config", value, origin);
    }

    /// The first of flag, profile and `[defaults]`.
    pub(super) fn optional<T: Clone>(
        &mut self,
        key: &'static str,
        typed: Option<T>,
        field: impl Fn(&ProfileTable) -> &Option<FileValue<T>>,
        text: impl Fn(&T) -> String,
        otherwise: &str,
    ) -> Option<T> {
        let decided = typed.map(|value| (value, Origin::Flag(key))).or_else(|| self.written(field));
        self.note(key, decided, text, otherwise)
    }

    /// The first of flag, profile and `[defaults]`, else `default`.
    pub(super) fn value<T: Clone>(
        &mut self,
        key: &'static str,
        typed: Option<T>,
        field: impl Fn(&ProfileTable) -> &Option<FileValue<T>>,
        text: impl Fn(&T) -> String,
        default: T,
    ) -> T {
        let otherwise = text(&default);
        self.optional(key, typed, field, text, &otherwise).unwrap_or(default)
    }

    /// What the file says: the profile, else `[defaults]`.
    fn written<T: Clone>(
        &self,
        field: impl Fn(&ProfileTable) -> &Option<FileValue<T>>,
    ) -> Option<(T, Origin)> {
        let of_profile = self.profile.and_then(|profile| field(profile).as_ref());
        match (of_profile, field(&self.config.file.defaults)) {
            (Some(found), _) => Some((found.value.clone(), Origin::Profile(self.name.into(), found.line))),
            (None, Some(found)) => Some((found.value.clone(), Origin::Defaults(found.line))),
            (None, None) => None,
        }
    }

    fn note<T>(
        &mut self,
        key: &'static str,
        decided: Option<(T, Origin)>,
        text: impl Fn(&T) -> String,
        otherwise: &str,
    ) -> Option<T> {
        match decided {
            Some((value, origin)) => {
                self.show(key, text(&value), origin);
                Some(value)
            }
            None => {
                self.show(key, otherwise, Origin::Default);
                None
            }
        }
    }

    /// Hosts that were allowed by name.
    pub(super) fn allow_host(&mut self, flags: &AccountArgs) -> Vec<String> {
        let typed = Some(flags.allow_host.clone()).filter(|hosts| !hosts.is_empty());
        self.optional("allow_host", typed, |s| &s.allow_host, |hosts| hosts.join(", "), "none")
            .unwrap_or_default()
    }

    /// Flag, environment, profile, `[defaults]`, systemd, XDG.
    pub(super) fn state_dir(&mut self, flags: &AccountArgs) -> Option<PathBuf> {
        let environment = &self.config.environment;
        let variable = |(path, name): (PathBuf, &str)| (path, Origin::Variable(name.into()));
        let typed = flags.state_dir.clone().map(|path| (path, Origin::Flag("state_dir")));
        let decided = typed
            .or_else(|| Some(variable((environment.path(environment::STATE_DIR)?, environment::STATE_DIR))))
            .or_else(|| self.written(|s| &s.state_dir))
            .or_else(|| environment.state_directory().map(variable));
        self.note("state_dir", decided, |path| path.display().to_string(), "nowhere: HOME is not set")
    }

    /// Flag, environment, profile, `[defaults]`; without any, the token names it.
    pub(super) fn server(&mut self, flags: &AccountArgs) -> Result<Option<BaseUrl>> {
        if self.name == DEMO {
            // The demo has its own, independent of [defaults].
            self.show("base_url", "a simulator inside this process", Origin::Demo);
            return Ok(None);
        }
        let environment = self.config.environment.text(environment::BASE_URL).filter(|_| self.ambient);
        let decided = if let Some(region) = flags.region {
            Some((region.base_url(), Origin::Flag("region")))
        } else if let Some(url) = &flags.base_url {
            Some(read_url(url, Origin::Flag("base_url"))?)
        } else if let Some(url) = environment {
            Some(read_url(url, Origin::Variable(environment::BASE_URL.into()))?)
        } else {
            self.written(|s| &s.server).map(|(server, origin)| (server.base_url(), origin))
        };
        Ok(self.note("base_url", decided, ToString::to_string, "the one that the token names"))
    }

    /// A flag, else what the profile names; `EVENTS_API_TOKEN` serves only a profile that names nothing.
    pub(super) fn token(&mut self, flags: &AccountArgs) -> TokenSource {
        let (source, origin) = self.token_source(flags);
        let text = if matches!(source, TokenSource::None) { "not set" } else { "set" };
        self.show("token", text, origin);
        source
    }

    fn token_source(&self, flags: &AccountArgs) -> (TokenSource, Origin) {
        if self.name == DEMO {
            return (TokenSource::Demo, Origin::Demo);
        }
        if let Some(path) = &flags.token_file {
            let source = if path == Path::new("-") { TokenSource::Stdin } else { self.file(path) };
            return (source, Origin::Flag("token_file"));
        }
        if let Some(line) = &flags.token_command {
            let source = self.program("--token-command".into(), &["sh", "-c", line]);
            return (source, Origin::Flag("token_command"));
        }
        if let Some(token) = self.profile.and_then(|profile| profile.token.as_ref()) {
            let title = format!("the {} of profile {}", token.value.name(), self.name);
            let source = match &token.value {
                TokenKey::File(path) => self.file(path),
                TokenKey::Command(line) => self.program(title, &["sh", "-c", line]),
                TokenKey::Reference(reference) => {
                    self.program(format!("{title} (op read)"), &["op", "read", "--", reference])
                }
                TokenKey::Variable(name) => self.variable(name),
            };
            return (source, Origin::Profile(self.name.into(), token.line));
        }
        if self.ambient && self.environment().raw(environment::TOKEN).is_some() {
            return (self.variable(environment::TOKEN), Origin::Variable(environment::TOKEN.into()));
        }
        (TokenSource::None, Origin::Default)
    }

    fn environment(&self) -> &'a Environment {
        &self.config.environment
    }

    fn file(&self, path: &Path) -> TokenSource {
        let any_mode = self.profile.and_then(|profile| profile.token_file_any_mode.as_ref());
        TokenSource::File(TokenFile {
            path: path.to_owned(),
            any_mode: any_mode.is_some_and(|any| any.value),
            credentials: self.environment().path("CREDENTIALS_DIRECTORY"),
        })
    }

    fn program(&self, title: String, argv: &[&str]) -> TokenSource {
        TokenSource::Command(TokenCommand {
            title,
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            environment: self.environment().clone(),
            hidden: self.config.file.token_variables(),
        })
    }

    fn variable(&self, name: &str) -> TokenSource {
        let value = self.environment().raw(name).and_then(|value| value.to_str()).map(Secret::new);
        TokenSource::Variable { name: name.into(), value }
    }
}

fn read_url(text: &str, origin: Origin) -> Result<(BaseUrl, Origin)> {
    let url = text.parse::<BaseUrl>().map_err(|e| {
        Error::new(ErrorKind::Config, format!("the base URL ({origin}) cannot be used"))
            .because(e)
            .hint("write a host such as events.1password.com, or https://HOST")
    })?;
    Ok((url, origin))
}
