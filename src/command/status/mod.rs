//! `opev status`: where every saved position stands, and whether anything is late or in error.
//!
//! ```text
//! view     checkpoints + health files -> one overview, which is also the JSON
//! judge    the overview -> problems
//! table    the overview -> lines for people
//! ```
//!
//! Only looks: no lock is taken that could keep a run out, and nothing is written or sent.

mod problems;
mod table;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;

use crate::cli::status::StatusArgs;
use crate::command::state::{directory, known_directory, named_profile};
use crate::command::{End, Invocation, print};
use crate::config::{Config, SettingFlags, terminal};
use crate::disk::RealDisk;
use crate::error::{ErrorKind, Result};

/// How old the position of a fetch may be, unless `--max-age` says otherwise.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Runs `opev status`.
///
/// # Errors
/// Fails when the configuration is wrong or a state directory cannot be read; a damaged checkpoint is
/// shown and is no failure.
pub fn run(invocation: &Invocation, args: &StatusArgs) -> Result<End> {
    let config = Config::read(args.whose.file.config.as_deref(), invocation.environment.clone())?;
    let places = places(&config, args)?;
    let now = invocation.runtime.clock.now();
    let mut overview = view::Overview::take(&RealDisk, &places, now)?;
    let max_age = TimeDelta::from_std(args.max_age.unwrap_or(MAX_AGE)).unwrap_or(TimeDelta::MAX);
    overview.problems = problems::problems(&overview, max_age);
    overview.ok = overview.problems.is_empty();
    let end = if args.check && !overview.ok { End::Failed(ErrorKind::CheckFailed) } else { End::Done };

    let text = if args.json {
        let mut json = serde_json::to_string_pretty(&overview).unwrap_or_default();
        json.push('\n');
        json
    } else if args.check {
        if overview.ok {
            invocation
                .runtime
                .console
                .note(&format!("{} saved positions, all is well", overview.positions.len()));
        }
        overview.problems.iter().map(|problem| format!("{problem}\n")).collect()
    } else if overview.positions.is_empty() {
        let looked: Vec<String> = places.iter().map(|place| crate::output::shown(&place.directory)).collect();
        format!("no saved positions in {}\n", looked.join(", "))
    } else {
        let console = &invocation.console_args;
        let stdout = std::io::stdout();
        let look = table::Look {
            width: if invocation.stdout_is_terminal { terminal::width(&stdout) } else { usize::MAX },
            colour: terminal::colour(console.color, &invocation.environment, invocation.stdout_is_terminal),
            zone: zone(&config, invocation, args)?,
        };
        table::table(&overview, &look)
    };
    print(text.as_bytes())?;
    Ok(end)
}

/// A state directory, and the profile to show of it; all there are when none is named.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    directory: PathBuf,
    profile: Option<String>,
}

/// Where to look.
fn places(config: &Config, args: &StatusArgs) -> Result<Vec<Place>> {
    if let Some(profile) = named_profile(config, &args.whose).filter(|_| !args.all_profiles) {
        return Ok(vec![Place {
            directory: known_directory(config, &args.whose, &profile)?,
            profile: Some(profile),
        }]);
    }
    let account = args.whose.account(None);
    let typed = SettingFlags { account: &account, tz: None, page_size: None, jobs: None };
    if args.all_profiles {
        let all = config.all_settings(&typed)?;
        return all
            .iter()
            .map(|one| {
                Ok(Place { directory: one.state_dir()?.to_owned(), profile: Some(one.profile.clone()) })
            })
            .collect();
    }
    // Profiles may keep their state in directories of their own.
    let mut places = Vec::new();
    for profile in ["default"].into_iter().chain(config.file.profiles.keys().map(String::as_str)) {
        let place = Place { directory: directory(config, &args.whose, profile)?, profile: None };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The zone that times are shown in.
fn zone(config: &Config, invocation: &Invocation, args: &StatusArgs) -> Result<crate::time::Zone> {
    let account = args.whose.account(Some("default".into()));
    let typed = SettingFlags {
        account: &account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: None,
        jobs: None,
    };
    Ok(config.settings(&typed)?.zone)
}
