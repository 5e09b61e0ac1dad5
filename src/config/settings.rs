//! Deciding: for each setting the first of flag, environment, profile and `[defaults]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Config;
use super::file::DEMO;
use super::origin::{Origin, SettingRow};
use super::setting_sources::SettingSources;
use super::token::TokenSource;
use crate::analyze::detect::Lists;
use crate::api::endpoint::{ApiVersion, BaseUrl};
use crate::api::{limiter, proxy};
use crate::cli::AccountArgs;
use crate::cli::shape_options::Tag;
use crate::error::{Error, ErrorKind, Result};
use crate::size;
use crate::time::{Zone, duration};

/// The service's largest page.
const MAX_PAGE_SIZE: u16 = 1000;

const TIMEOUT: Duration = Duration::from_secs(60);

const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// What was typed, as far as it concerns settings.
#[derive(Clone, Copy, Debug)]
pub struct SettingFlags<'a> {
    /// The account flags.
    pub account: &'a AccountArgs,
    /// `--tz`.
    pub tz: Option<&'a Zone>,
    /// `--page-size`.
    pub page_size: Option<u16>,
    /// `--jobs`.
    pub jobs: Option<u8>,
}

/// The settings of one profile, except for what only its token tells.
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
    /// Events per request, 1 to 1000.
    pub page_size: u16,
    /// Parallel requests, 1 to 16, if set.
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
    /// Whether a clock that disagrees with the service's by days is to be trusted.
    pub trusts_clock: bool,
    /// Certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The environment's proxy variables.
    pub proxies: proxy::ProxyVariables,
    /// The zone that times are read and shown in.
    pub zone: Zone,
    /// What stands on every event, in shapes that have a place for it.
    pub tags: Vec<Tag>,
    /// Files and folders of rules, beside those that come along.
    pub rules: Vec<PathBuf>,
    /// Lists that rules name.
    pub lists: Lists,
    /// Variables that hold tokens and that no child may get (P10).
    pub token_variables: Vec<String>,
    /// Every value with its origin, for `opev config show`.
    pub shown: Vec<SettingRow>,
    /// What is wrong with the machine's zone, where it is used.
    pub(super) zone_warning: Option<String>,
    state_dir: Option<PathBuf>,
}

impl Settings {
    /// Decides the settings of the profile `name`; `ambient` says whether the environment's token and
    /// server may serve it.
    pub(super) fn decide(
        config: &Config,
        name: &str,
        chosen_by: Origin,
        typed: &SettingFlags<'_>,
        ambient: bool,
    ) -> Result<Settings> {
        let flags = typed.account;
        let demo = name == DEMO;
        if demo {
            refuse_account_flags(flags)?;
        }
        let mut sources = SettingSources::new(config, name, ambient && !demo);
        sources.show("profile", name, chosen_by);
        sources.show_config_file();
        let (zone, zone_warning) =
            match sources.value("tz", typed.tz.cloned(), |s| &s.tz, ToString::to_string, Zone::Utc) {
                Zone::Local => config.environment.local_zone(),
                zone => (zone, None),
            };
        Ok(Settings {
            profile: name.into(),
            server: sources.server(flags)?,
            allow_host: sources.allow_host(flags),
            token: sources.token(flags),
            state_dir: sources.state_dir(flags),
            api: sources.value("api", flags.api, |s| &s.api, ToString::to_string, ApiVersion::V2),
            page_size: sources.value(
                "page_size",
                typed.page_size,
                |s| &s.page_size,
                ToString::to_string,
                MAX_PAGE_SIZE,
            ),
            jobs: sources.optional(
                "jobs",
                typed.jobs,
                |s| &s.jobs,
                ToString::to_string,
                "by range and latency",
            ),
            timeout: sources.value("timeout", flags.timeout, |s| &s.timeout, duration_text, TIMEOUT),
            retry_for: sources.optional(
                "retry_for",
                flags.retry_for,
                |s| &s.retry_for,
                duration_text,
                "2m for fetch, 90m for tail",
            ),
            deadline: sources.optional("deadline", flags.deadline, |s| &s.deadline, duration_text, "none"),
            rate_limit: rate_limit(&mut sources, flags),
            max_response_bytes: max_response_bytes(&mut sources, flags),
            trusts_clock: flags.trust_clock,
            ca_file: ca_file(&mut sources, flags),
            zone,
            tags: tags(&mut sources),
            rules: rules(&mut sources),
            lists: sources.optional("lists", None, |s| &s.lists, Lists::describe, "none").unwrap_or_default(),
            zone_warning,
            proxies: config.environment.proxies(),
            token_variables: config.file.token_variables(),
            shown: sources.shown(),
        })
    }

    /// Where saved positions and locks are kept. The directory need not exist yet.
    ///
    /// # Errors
    /// Fails when nothing names a place.
    pub fn state_dir(&self) -> Result<&Path> {
        self.state_dir.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Config, "no place for saved positions: HOME is not set")
                .hint("name one with --state-dir or OPEV_STATE_DIR")
        })
    }

    /// Whether this is the built-in demo, whose server and token come from a simulator inside the process.
    pub fn is_demo(&self) -> bool {
        matches!(self.token, TokenSource::Demo)
    }
}

/// The demo has a fixed server and token.
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
            Err(Error::new(ErrorKind::Usage, message).hint("leave out one of the two"))
        }
        None => Ok(()),
    }
}

fn rate_limit(sources: &mut SettingSources<'_>, flags: &AccountArgs) -> u32 {
    let shown = |limit: &u32| if *limit == 0 { "none".into() } else { format!("{limit} a minute") };
    sources.value("rate_limit", flags.rate_limit, |s| &s.rate_limit, shown, limiter::PER_MINUTE)
}

fn max_response_bytes(sources: &mut SettingSources<'_>, flags: &AccountArgs) -> u64 {
    let (typed, shown) = (flags.max_response_bytes, |bytes: &u64| size::show(*bytes));
    sources.value("max_response_bytes", typed, |s| &s.max_response_bytes, shown, MAX_RESPONSE_BYTES)
}

fn ca_file(sources: &mut SettingSources<'_>, flags: &AccountArgs) -> Option<PathBuf> {
    let shown = |path: &PathBuf| path.display().to_string();
    sources.optional("ca_file", flags.ca_file.clone(), |s| &s.ca_file, shown, "none")
}

fn tags(sources: &mut SettingSources<'_>) -> Vec<Tag> {
    let shown = |tags: &Vec<Tag>| tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    sources.optional("tag", None, |s| &s.tag, shown, "none").unwrap_or_default()
}

fn rules(sources: &mut SettingSources<'_>) -> Vec<PathBuf> {
    let shown = |paths: &Vec<PathBuf>| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    sources.optional("rules", None, |s| &s.rules, shown, "none").unwrap_or_default()
}

fn duration_text(duration: &Duration) -> String {
    duration::show(*duration)
}
