//! Deciding: for each setting the first of flag, environment, profile and `[defaults]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Config;
use super::environment::{self, Environment};
use super::file::{DEMO, PathChoice};
use super::origin::{Origin, Setting};
use super::program::Program;
use super::section::{Located, Section, TokenKey};
use super::token::{TokenFile, TokenSource};
use crate::api::endpoint::{ApiVersion, BaseUrl, Region};
use crate::api::proxy;
use crate::cli::{self, AccountArgs, Zone, duration, size};
use crate::failure::{Failure, Kind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// The service's own limit of requests in a minute.
const REQUESTS_PER_MINUTE: u32 = 600;

/// What was typed, as far as it concerns settings.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// The account flags.
    pub account: &'a AccountArgs,
    /// `--tz`.
    pub tz: Option<Zone>,
    /// `--page-size`.
    pub page_size: Option<u16>,
    /// `--jobs`.
    pub jobs: Option<u8>,
}

/// One profile, everything decided but what only its token can say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The profile's name.
    pub profile: String,
    /// The server, where one is configured; else the token names it.
    pub server: Option<BaseUrl>,
    /// Hosts beside 1Password's that may get the token.
    pub allow_host: Vec<String>,
    /// Where the token comes from.
    pub token: TokenSource,
    /// The API's version.
    pub api: ApiVersion,
    /// Events asked for in one request, 1 to 1000.
    pub page_size: u16,
    /// Requests under way at once, 1 to 16, where it was said.
    pub jobs: Option<u8>,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a failing request is retried, where it was said; commands differ in their default.
    pub retry_for: Option<Duration>,
    /// How long the whole run may take.
    pub deadline: Option<Duration>,
    /// Requests in any minute; 0 for no limit.
    pub rate_limit: u32,
    /// The greatest answer that is accepted, in bytes after decompression.
    pub max_response_bytes: u64,
    /// Certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The environment's proxy variables.
    pub proxies: proxy::Environment,
    /// The zone that times are read and shown in.
    pub zone: Zone,
    /// Variables that hold tokens and that no child may get (P10).
    pub token_variables: Vec<String>,
    /// Every value with its origin, for `opev config show`.
    pub shown: Vec<Setting>,
    state_dir: Option<PathBuf>,
}

impl Settings {
    /// Decides the settings of the profile `name`; `ambient` says whether the environment's token and
    /// server may serve it.
    pub(super) fn decide(
        config: &Config,
        name: &str,
        chosen_by: Origin,
        typed: &Typed<'_>,
        ambient: bool,
    ) -> Result<Settings> {
        let layers = Layers::new(config, name);
        let flags = typed.account;
        let environment = &config.environment;
        let demo = name == DEMO;
        let ambient = ambient && !demo;
        if demo {
            refuse_account_flags(flags)?;
        }
        let mut shown = Shown(Vec::new());

        shown.add("profile", name, chosen_by);
        shown.config_file(config);
        let (server, origin) = layers.server(flags, environment, ambient)?;
        let text = match &server {
            Some(server) => server.to_string(),
            None if demo => "a simulator inside this process".into(),
            None => "the one that the token names".into(),
        };
        shown.add("base_url", text, if demo { Origin::Demo } else { origin });
        let typed_hosts = Some(flags.allow_host.clone()).filter(|hosts| !hosts.is_empty());
        let (allow_host, origin) =
            layers.decide(typed_hosts, "--allow-host", |s| &s.allow_host).or_default(Vec::new());
        shown.add("allow_host", sanitize::message(&allow_host.join(", ")), origin);
        let (token, origin) =
            if demo { (TokenSource::Demo, Origin::Demo) } else { layers.token(config, flags, ambient) };
        let text = if matches!(token, TokenSource::None) {
            "not set".into()
        } else {
            format!("set (from {origin})")
        };
        shown.add("token", text, origin);

        let mut state_dir = flags.state_dir.clone().map(|dir| (dir, Origin::Flag("--state-dir")));
        if let Some(directory) = environment.path(environment::STATE_DIR) {
            state_dir = state_dir.or(Some((directory, Origin::Variable(environment::STATE_DIR.into()))));
        }
        let state_dir = state_dir.or_else(|| layers.written(|s| &s.state_dir)).or_else(|| {
            let (directory, variable) = environment.state_directory()?;
            Some((directory, Origin::Variable(variable.into())))
        });
        shown.optional("state_dir", &state_dir, |dir| dir.display().to_string(), "nowhere: HOME is not set");

        let api = layers.decide(flags.api.map(version), "--api", |s| &s.api).or_default(ApiVersion::V2);
        let page_size = layers.decide(typed.page_size, "--page-size", |s| &s.page_size).or_default(1000);
        let jobs = layers.decide(typed.jobs, "--jobs", |s| &s.jobs);
        let timeout =
            layers.decide(flags.timeout, "--timeout", |s| &s.timeout).or_default(Duration::from_secs(60));
        let retry_for = layers.decide(flags.retry_for, "--retry-for", |s| &s.retry_for);
        let deadline = layers.decide(flags.deadline, "--deadline", |s| &s.deadline);
        let rate_limit = layers
            .decide(flags.rate_limit, "--rate-limit", |s| &s.rate_limit)
            .or_default(REQUESTS_PER_MINUTE);
        let max_response_bytes = layers
            .decide(flags.max_response_bytes, "--max-response-bytes", |s| &s.max_response_bytes)
            .or_default(64 << 20);
        let ca_file = layers.decide(flags.ca_file.clone(), "--ca-file", |s| &s.ca_file);
        let tz = layers.decide(typed.tz, "--tz", |s| &s.tz).or_default(Zone::Utc);

        shown.value("api", &api, ToString::to_string);
        shown.value("page_size", &page_size, ToString::to_string);
        shown.optional("jobs", &jobs.0, ToString::to_string, "by range and latency");
        shown.value("timeout", &timeout, |d| duration::show(*d));
        shown.optional("retry_for", &retry_for.0, |d| duration::show(*d), "2m (fetch), 90m (tail)");
        shown.optional("deadline", &deadline.0, |d| duration::show(*d), "none");
        shown.value(
            "rate_limit",
            &rate_limit,
            |n| if *n == 0 { "none".into() } else { format!("{n} a minute") },
        );
        shown.value("max_response_bytes", &max_response_bytes, |n| size::show(*n));
        shown.optional("ca_file", &ca_file.0, |path| path.display().to_string(), "none");
        shown.value("tz", &tz, ToString::to_string);

        Ok(Settings {
            profile: name.into(),
            server,
            allow_host,
            token,
            api: api.0,
            page_size: page_size.0,
            jobs: jobs.value(),
            timeout: timeout.0,
            retry_for: retry_for.value(),
            deadline: deadline.value(),
            rate_limit: rate_limit.0,
            max_response_bytes: max_response_bytes.0,
            ca_file: ca_file.value(),
            proxies: environment.proxies(),
            zone: if tz.0 == Zone::Local { environment.local_zone() } else { tz.0 },
            token_variables: config.file.token_variables(),
            shown: shown.0,
            state_dir: state_dir.map(|(directory, _)| directory),
        })
    }

    /// Where saved positions and locks are kept. The directory need not exist yet.
    ///
    /// # Errors
    /// Fails when nothing names a place.
    pub fn state_dir(&self) -> Result<&Path> {
        self.state_dir.as_deref().ok_or_else(|| {
            Failure::new(Kind::Config, "no place for saved positions: HOME is not set")
                .hint("name one with --state-dir or OPEV_STATE_DIR")
        })
    }

    /// Whether this is the built-in demo, whose server and token come from a simulator inside the process.
    pub fn is_demo(&self) -> bool {
        matches!(self.token, TokenSource::Demo)
    }
}

/// The tables of the file that speak about one profile.
struct Layers<'a> {
    name: &'a str,
    profile: Option<&'a Section>,
    defaults: &'a Section,
}

/// A value and its origin, where there is one.
struct Decided<T>(Option<(T, Origin)>);

impl<T> Decided<T> {
    fn or_default(self, value: T) -> (T, Origin) {
        self.0.unwrap_or((value, Origin::Default))
    }

    fn value(self) -> Option<T> {
        self.0.map(|(value, _)| value)
    }
}

impl<'a> Layers<'a> {
    fn new(config: &'a Config, name: &'a str) -> Self {
        Layers { name, profile: config.file.profiles.get(name), defaults: &config.file.defaults }
    }

    /// What the file says: the profile, else `[defaults]`.
    fn written<T: Clone>(&self, key: impl Fn(&Section) -> &Option<Located<T>>) -> Option<(T, Origin)> {
        let of_profile = self.profile.and_then(|profile| key(profile).as_ref());
        match (of_profile, key(self.defaults)) {
            (Some(found), _) => Some((found.value.clone(), Origin::Profile(self.name.into(), found.line))),
            (None, Some(found)) => Some((found.value.clone(), Origin::Defaults(found.line))),
            (None, None) => None,
        }
    }

    fn decide<T: Clone>(
        &self,
        typed: Option<T>,
        flag: &'static str,
        key: impl Fn(&Section) -> &Option<Located<T>>,
    ) -> Decided<T> {
        Decided(typed.map(|value| (value, Origin::Flag(flag))).or_else(|| self.written(key)))
    }

    fn server(
        &self,
        flags: &AccountArgs,
        environment: &Environment,
        ambient: bool,
    ) -> Result<(Option<BaseUrl>, Origin)> {
        let read = |text: &str, origin: Origin| {
            let server = text.parse::<BaseUrl>().map_err(|e| {
                Failure::new(Kind::Config, format!("the base URL ({origin}) cannot be used"))
                    .because(e)
                    .hint("write a host such as events.1password.com, or https://HOST")
            })?;
            Ok((Some(server), origin))
        };
        if let Some(region) = flags.region {
            return Ok((Some(home(region).base_url()), Origin::Flag("--region")));
        }
        if let Some(url) = &flags.base_url {
            return read(url, Origin::Flag("--base-url"));
        }
        match environment.text(environment::BASE_URL).filter(|_| ambient) {
            Some(url) => read(url, Origin::Variable(environment::BASE_URL.into())),
            // The demo has its own, whatever [defaults] say.
            None if self.name == DEMO => Ok((None, Origin::Demo)),
            None => Ok(match self.written(|s| &s.server) {
                Some((server, origin)) => (Some(server.base_url()), origin),
                None => (None, Origin::Token),
            }),
        }
    }

    /// A flag, else what the profile names; `EVENTS_API_TOKEN` serves only a profile that names nothing.
    fn token(&self, config: &Config, flags: &AccountArgs, ambient: bool) -> (TokenSource, Origin) {
        let environment = &config.environment;
        let any_mode = |s: &'a Section| s.token_file_any_mode.as_ref().is_some_and(|any| any.value);
        let file = |path: PathBuf, any_mode: bool| {
            TokenSource::File(TokenFile {
                path,
                any_mode,
                credentials: environment.path("CREDENTIALS_DIRECTORY"),
            })
        };
        let program = |title: String, argv: &[&str]| {
            TokenSource::Command(Program {
                title,
                argv: argv.iter().map(|word| (*word).to_owned()).collect(),
                environment: environment.clone(),
                hidden: config.file.token_variables(),
            })
        };
        let variable = |name: &str| TokenSource::Variable {
            name: name.into(),
            value: environment.raw(name).and_then(|value| value.to_str()).map(Secret::new),
        };
        if let Some(path) = &flags.token_file {
            let source = if path.as_os_str() == "-" {
                TokenSource::Stdin
            } else {
                file(path.clone(), self.profile.is_some_and(any_mode))
            };
            return (source, Origin::Flag("--token-file"));
        }
        if let Some(line) = &flags.token_command {
            return (program("--token-command".into(), &["sh", "-c", line]), Origin::Flag("--token-command"));
        }
        let written = self.profile.and_then(|profile| Some((profile, profile.token.as_ref()?)));
        let Some((profile, token)) = written else {
            return match environment.raw(environment::TOKEN).filter(|_| ambient) {
                Some(_) => (variable(environment::TOKEN), Origin::Variable(environment::TOKEN.into())),
                None => (TokenSource::None, Origin::Default),
            };
        };
        let title = format!("the {} of profile {}", token.value.name(), self.name);
        let source = match &token.value {
            TokenKey::File(path) => file(path.clone(), any_mode(profile)),
            TokenKey::Command(line) => program(title, &["sh", "-c", line]),
            TokenKey::Reference(reference) => {
                program(format!("{title} (op read)"), &["op", "read", "--", reference])
            }
            TokenKey::Variable(name) => variable(name),
        };
        (source, Origin::Profile(self.name.into(), token.line))
    }
}

/// The demo is one whole: another server or token would make it something else.
fn refuse_account_flags(flags: &AccountArgs) -> Result<()> {
    let given = [
        ("--region", flags.region.is_some()),
        ("--base-url", flags.base_url.is_some()),
        ("--allow-host", !flags.allow_host.is_empty()),
        ("--token-file", flags.token_file.is_some()),
        ("--token-command", flags.token_command.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            let message =
                format!("{flag} cannot be used with the profile demo, which brings its own server and token");
            Err(Failure::new(Kind::Usage, message).hint("leave out one of the two"))
        }
        None => Ok(()),
    }
}

fn home(region: cli::Region) -> Region {
    match region {
        cli::Region::Us => Region::Us,
        cli::Region::Ca => Region::Ca,
        cli::Region::Eu => Region::Eu,
        cli::Region::Ent => Region::Ent,
    }
}

fn version(api: cli::Api) -> ApiVersion {
    match api {
        cli::Api::V1 => ApiVersion::V1,
        cli::Api::V2 => ApiVersion::V2,
        cli::Api::V3 => ApiVersion::V3,
    }
}

/// The rows of `opev config show`, in the making.
struct Shown(Vec<Setting>);

impl Shown {
    fn add(&mut self, key: &'static str, value: impl Into<String>, origin: Origin) {
        self.0.push(Setting { key, value: value.into(), origin });
    }

    fn value<T>(&mut self, key: &'static str, (value, origin): &(T, Origin), show: impl Fn(&T) -> String) {
        self.add(key, show(value), origin.clone());
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        found: &Option<(T, Origin)>,
        show: impl Fn(&T) -> String,
        otherwise: &str,
    ) {
        match found {
            Some((value, origin)) => self.add(key, sanitize::message(&show(value)), origin.clone()),
            None => self.add(key, otherwise, Origin::Default),
        }
    }

    fn config_file(&mut self, config: &Config) {
        let file = &config.file;
        let origin = match file.chosen_by {
            PathChoice::Flag => Origin::Flag("--config"),
            PathChoice::Variable => Origin::Variable(environment::CONFIG.into()),
            PathChoice::Xdg => Origin::Default,
        };
        let value = match &file.path {
            Some(path) if file.exists => path.display().to_string(),
            Some(path) => format!("{} (does not exist)", path.display()),
            None => "none: HOME is not set".into(),
        };
        self.add("config", sanitize::message(&value), origin);
    }
}
