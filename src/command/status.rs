//! `opev status`: the state of every saved position, and whether anything is late or in error.
//!
//! Decides the locations and the form of the answer; `health::status` finds the problems.

use std::time::Duration;

use chrono::TimeDelta;

use crate::cli::status::StatusArgs;
use crate::command::state::{directory, named_profile};
use crate::command::{End, Invocation, print, print_json, text_style};
use crate::config::{Config, SettingFlags};
use crate::disk::RealDisk;
use crate::error::{ErrorKind, Result};
use crate::health::status::{StateLocation, StatusReport, table};
use crate::output::shown;
use crate::time::Zone;

/// How old the position of a fetch may be without `--max-age`.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Runs `opev status`.
///
/// # Errors
/// Fails when the configuration is wrong, when the named profile is unknown, or when a state directory
/// cannot be read; a damaged checkpoint is shown and does not fail the run.
pub fn run(invocation: &Invocation, args: &StatusArgs) -> Result<End> {
    let config = Config::read(args.whose.file.config.as_deref(), invocation.environment.clone())?;
    let locations = locations(&config, args)?;
    let max_age = TimeDelta::from_std(args.max_age.unwrap_or(MAX_AGE)).unwrap_or(TimeDelta::MAX);
    let report =
        StatusReport::read(&RealDisk, &locations, max_age, args.verify, invocation.runtime.clock.now())?;
    // A name without positions may be one that was mistyped; a profile that is gone can still have some.
    for profile in &report.without_position {
        config.check_profile(profile)?;
    }
    let end = if args.check && !report.ok { End::Failed(ErrorKind::CheckFailed) } else { End::Done };
    if args.json {
        print_json(invocation, report.to_json().as_bytes())?;
        return Ok(end);
    }
    let text = if args.check {
        if report.ok {
            let text = format!("{} saved positions, all is well", report.positions.len());
            invocation.runtime.console.note(&text);
        }
        report.problems.iter().map(|problem| format!("{problem}\n")).collect()
    } else if report.positions.is_empty() {
        let looked: Vec<String> = locations.iter().map(|location| shown(&location.directory)).collect();
        format!("no saved positions in {}\n", looked.join(", "))
    } else {
        table(&report, text_style(invocation), &zone(&config, invocation, args)?)
    };
    print(text.as_bytes())?;
    Ok(end)
}

/// Where to look.
fn locations(config: &Config, args: &StatusArgs) -> Result<Vec<StateLocation>> {
    if let Some(profile) = named_profile(config, &args.whose).filter(|_| !args.all_profiles) {
        let directory = directory(config, &args.whose, &profile)?;
        return Ok(vec![StateLocation { directory, profile: Some(profile) }]);
    }
    if args.all_profiles {
        let account = args.whose.account(None);
        let typed = SettingFlags { account: &account, tz: None, page_size: None, jobs: None };
        let all = config.all_settings(&typed, args.shard.shard)?;
        let location = |one: &crate::config::Settings| -> Result<StateLocation> {
            Ok(StateLocation { directory: one.state_dir()?.to_owned(), profile: Some(one.profile.clone()) })
        };
        return all.iter().map(location).collect();
    }
    // Profiles may keep their state in directories of their own.
    let mut locations = Vec::new();
    for profile in ["default"].into_iter().chain(config.file.profiles.keys().map(String::as_str)) {
        let location = StateLocation { directory: directory(config, &args.whose, profile)?, profile: None };
        if !locations.contains(&location) {
            locations.push(location);
        }
    }
    Ok(locations)
}

/// The zone that times are shown in.
fn zone(config: &Config, invocation: &Invocation, args: &StatusArgs) -> Result<Zone> {
    let account = args.whose.account(Some("default".into()));
    let typed = SettingFlags {
        account: &account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: None,
        jobs: None,
    };
    Ok(config.settings(&typed)?.zone)
}
