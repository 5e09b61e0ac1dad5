//! `opev config list`: every profile, its server, its token's source and expiry, and when it last polled.
//!
//! Offline: sends nothing, runs no program, does not block.

use chrono::{DateTime, Utc};

use crate::api::claims::Claims;
use crate::cli::AccountArgs;
use crate::cli::config::ConfigListArgs;
use crate::command::Invocation;
use crate::config::file::{DEFAULT, DEMO};
use crate::config::{Config, SettingFlags, Settings};
use crate::diagnosis::ProfileRow;
use crate::disk::RealDisk;
use crate::error::Result;
use crate::health;
use crate::output::{CheckpointDir, saved_state};

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
    let now = invocation.runtime.clock.now();
    Ok(if args.json { ProfileRow::to_json(&rows) } else { ProfileRow::table(&rows, now) })
}

fn row(config: &Config, name: &str, invocation: &Invocation) -> ProfileRow {
    let enabled = config.file.profiles.get(name).and_then(|profile| profile.enabled.as_ref());
    let mut row = ProfileRow {
        profile: name.to_owned(),
        enabled: enabled.is_none_or(|enabled| enabled.value),
        is_demo: name == DEMO,
        ..ProfileRow::default()
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
