//! `opev config list`: every profile, its server, its token's source and expiry, and when it last polled.
//!
//! Offline: sends nothing, runs no program, does not block.

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::api::claims::Claims;
use crate::cli::AccountArgs;
use crate::cli::config::ConfigListArgs;
use crate::command::Invocation;
use crate::config::file::{DEFAULT, DEMO};
use crate::config::{Config, SettingFlags, Settings};
use crate::disk::RealDisk;
use crate::error::Result;
use crate::health;
use crate::output::{CheckpointDir, saved_state};
use crate::sanitize;

const HEAD: [&str; 5] = ["PROFILE", "SERVER", "TOKEN", "EXPIRES", "LAST POLL"];

/// One profile, as the list shows it.
#[derive(Debug, Serialize)]
struct ProfileRow {
    profile: String,
    enabled: bool,
    server: Option<String>,
    /// Where the token comes from; never the token (P10).
    token: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    last_poll: Option<DateTime<Utc>>,
    /// Why the token or a setting cannot be read.
    error: Option<String>,
}

/// Lists the profiles, as a table or as JSON.
///
/// # Errors
/// Fails when the configuration file cannot be read or is wrong.
pub(super) fn run(args: &ConfigListArgs, invocation: &Invocation) -> Result<String> {
    let config = Config::read(args.file.config.as_deref(), invocation.environment.clone())?;
    let named = config.file.profiles.keys().map(String::as_str);
    let implied = [DEFAULT].into_iter().filter(|name| !config.file.profiles.contains_key(*name));
    let names = implied.chain(named).filter(|name| *name != DEMO).chain([DEMO]);
    let rows: Vec<ProfileRow> = names.map(|name| row(&config, name, invocation)).collect();
    if args.json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&rows).unwrap_or_default()));
    }
    Ok(table(&rows, invocation))
}

fn row(config: &Config, name: &str, invocation: &Invocation) -> ProfileRow {
    let enabled = config.file.profiles.get(name).and_then(|profile| profile.enabled.as_ref());
    let mut row = ProfileRow {
        profile: name.to_owned(),
        enabled: enabled.is_none_or(|enabled| enabled.value),
        server: None,
        token: None,
        expires_at: None,
        last_poll: None,
        error: None,
    };
    let account = AccountArgs { profile: Some(name.to_owned()), ..AccountArgs::default() };
    let flags = SettingFlags { account: &account, tz: None, page_size: None, jobs: None };
    match config.settings(&flags) {
        Ok(settings) => fill(&mut row, &settings, invocation),
        Err(failure) => row.error = Some(failure.to_string()),
    }
    row
}

fn fill(row: &mut ProfileRow, settings: &Settings, invocation: &Invocation) {
    row.token = settings.token.describe();
    row.server = settings.server.as_ref().map(ToString::to_string);
    row.last_poll = settings.state_dir().ok().and_then(|directory| last_poll(directory, &row.profile));
    match settings.token.load_offline(&invocation.runtime.cancel) {
        Some(Ok(token)) => match Claims::read(&token) {
            Ok(claims) => {
                row.expires_at = claims.expires_at;
                row.server = row.server.take().or_else(|| claims.base_url().map(|url| url.to_string()));
            }
            Err(why) => row.error = Some(why.to_string()),
        },
        Some(Err(failure)) => row.error = Some(failure.to_string()),
        None => {}
    }
}

/// When any run of the profile last polled the service; unknown where it cannot be read.
fn last_poll(state_dir: &std::path::Path, profile: &str) -> Option<DateTime<Utc>> {
    let saved = saved_state::list(&RealDisk, state_dir).unwrap_or_default();
    let of_profile = saved.iter().filter(|saved| saved.profile == profile);
    of_profile
        .filter_map(|saved| health::read(&RealDisk, &CheckpointDir::at(state_dir, profile, &saved.key)))
        .filter_map(|health| health.streams.values().filter_map(|stream| stream.last_poll).max())
        .max()
}

/// A finite table, so comfy-table may measure it. What is wrong with a profile stands beneath.
fn table(rows: &[ProfileRow], invocation: &Invocation) -> String {
    let now = invocation.runtime.clock.now();
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(HEAD);
    for row in rows {
        let is_demo = row.profile == DEMO;
        let off = if row.enabled { "" } else { " (disabled)" };
        let server = row.server.clone().unwrap_or_else(|| if is_demo { "inside opev" } else { "-" }.into());
        let expires = match row.expires_at {
            Some(end) if end <= now => format!("{} (expired)", time(end)),
            Some(end) => format!("{} (in {} days)", time(end), (end - now).num_days()),
            None => "-".into(),
        };
        let token = row.token.clone().unwrap_or_else(|| if is_demo { "made up" } else { "not set" }.into());
        let polled = row.last_poll.map_or_else(|| "-".into(), time);
        let cells = [format!("{}{off}", row.profile), server, token, expires, polled];
        table.add_row(cells.map(|cell| sanitize::message(&cell).into_owned()));
    }
    let mut text: String = table.lines().map(|line| format!("{}\n", line.trim())).collect();
    let errors = rows.iter().filter_map(|row| Some((&row.profile, row.error.as_ref()?)));
    for (profile, error) in errors {
        text.push_str(&format!("{}: {}\n", sanitize::message(profile), sanitize::message(error)));
    }
    text
}
