//! What several commands make of the same arguments: profiles, events, time range, output.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{Invocation, print};
use crate::api::endpoint::BaseUrl;
use crate::cli::AccountArgs;
use crate::cli::collect::CollectArgs;
use crate::cli::filter::FilterArgs;
use crate::cli::profiles::ProfilesArgs;
use crate::cli::range::RangeArgs;
use crate::collect::plan::{OutputRequest, ResumeOptions, Terminal};
use crate::config::token::read_secret_file;
use crate::config::{Config, ResolvedRange, SettingFlags, Settings, terminal};
use crate::disk::RealDisk;
use crate::encode::{Fields, OutputUse, Redaction, WordStyle};
use crate::error::Result;
use crate::event::Stream;
use crate::health::RunMode;
use crate::names::NameStore;
use crate::select::{Filter, Names};
use crate::source::range::TimeRange;

/// How long after the range's end an event of it may arrive, without `--late`.
const LATE: TimeDelta = TimeDelta::days(1);

/// What `fetch` and `tail` want of the output, but for a saved position.
pub(super) fn output_request(
    invocation: &Invocation,
    args: &CollectArgs,
    chosen: ChosenEvents,
    purpose: OutputUse,
) -> OutputRequest {
    let is_terminal = invocation.stdout_is_terminal;
    let choice = invocation.console_args.color;
    OutputRequest {
        output: args.output.clone(),
        format: args.format,
        shape: args.shape,
        options: args.shape_options.options(),
        names_tenant: args.profiles.all,
        redaction: Arc::default(),
        fields: args.fields.clone(),
        filter: chosen.filter,
        detect: None,
        names: chosen.names,
        adds_names: args.names,
        words: if args.codes.codes { WordStyle::Codes } else { WordStyle::Words },
        wide: args.wide,
        csv_bom: args.csv_bom,
        delivery: None,
        resume: None,
        purpose,
        terminal: Terminal {
            is_terminal,
            width: u16::try_from(terminal::width(std::io::stdout())).unwrap_or(u16::MAX),
            colour: terminal::colour(choice, &invocation.environment, is_terminal),
        },
    }
}

/// Which values do not go out of `fetch` and `tail`; warns of what may be a slip.
pub(super) fn redaction(invocation: &Invocation, args: &CollectArgs) -> Result<Arc<Redaction>> {
    let args = &args.redaction;
    let credentials = invocation.environment.path("CREDENTIALS_DIRECTORY");
    let read = |path| read_secret_file(path, credentials.clone(), "key file", &invocation.runtime.cancel);
    let key = args.hash_key_file.as_deref().map(read).transpose()?;
    let redaction = Redaction::compile(&args.mask, &args.hash, key.as_ref().map(|key| key.trim_ascii_end()))?;
    redaction.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    Ok(Arc::new(redaction))
}

/// Which events of a profile are wanted, and the names that are known of what they concern.
#[derive(Debug)]
pub(super) struct ChosenEvents {
    pub(super) filter: Arc<Filter>,
    pub(super) names: Arc<Names>,
}

impl ChosenEvents {
    /// Reads the filters with the profile's names; warns of what may be a slip.
    pub(super) fn of(args: &FilterArgs, settings: &Settings) -> Result<ChosenEvents> {
        let names = Arc::new(known_names(settings));
        let filter = Filter::compile_with_names(&args.terms(), &names)?;
        filter.warnings().iter().for_each(|warning| log::warn!("{warning}"));
        Ok(ChosenEvents { filter: Arc::new(filter), names })
    }
}

/// The names that were imported for a profile. Events can be read without them: a failure is a warning.
pub(super) fn known_names(settings: &Settings) -> Names {
    let Ok(state_dir) = settings.state_dir() else { return Names::default() };
    NameStore::new(state_dir, &settings.profile).read(&RealDisk).unwrap_or_else(|failure| {
        log::warn!("names are not shown: {failure}");
        Names::default()
    })
}

/// The settings of every profile that `fetch` and `tail` run for; none where the columns were asked for, which are
/// then printed.
pub(super) fn profiles(
    invocation: &Invocation,
    args: &CollectArgs,
    jobs: Option<u8>,
) -> Result<Option<Vec<Settings>>> {
    if args.fields.as_deref() == Some("help") {
        print(Fields::help(or_all(&args.streams.named)).as_bytes())?;
        return Ok(None);
    }
    settings_of(invocation, &args.account, &args.profiles, args.page.page_size, jobs).map(Some)
}

/// The settings of the profile that is used, or of every enabled one, or of a part of these.
pub(super) fn settings_of(
    invocation: &Invocation,
    account: &AccountArgs,
    profiles: &ProfilesArgs,
    page_size: Option<u16>,
    jobs: Option<u8>,
) -> Result<Vec<Settings>> {
    let config = Config::read(account.file.config.as_deref(), invocation.environment.clone())?;
    let tz = invocation.console_args.tz.as_ref();
    let flags = SettingFlags { account, tz, page_size, jobs };
    Ok(match profiles.all {
        true => config.all_settings(&flags, profiles.part.shard)?,
        false => vec![config.settings(&flags)?],
    })
}

/// Decides the range of a question to the service before any token is read, so that wrong arguments are reported
/// first.
pub(super) fn range(invocation: &Invocation, settings: &Settings, args: &RangeArgs) -> Result<ResolvedRange> {
    let (since, until) = (args.since.as_ref(), args.until.as_ref());
    let now = invocation.runtime.clock.now();
    let decided = if settings.server.as_ref().is_some_and(BaseUrl::is_loopback) {
        ResolvedRange::decide_for_stand_in(since, until, now, &settings.zone)?
    } else {
        ResolvedRange::decide(since, until, now, &settings.zone)?
    };
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(decided)
}

/// The same of a question to files.
pub(super) fn range_of_files(
    invocation: &Invocation,
    settings: &Settings,
    args: &RangeArgs,
) -> Result<ResolvedRange> {
    let (since, until) = (args.since.as_ref(), args.until.as_ref());
    let now = invocation.runtime.clock.now();
    let decided = ResolvedRange::decide_for_files(since, until, now, &settings.zone)?;
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(decided)
}

/// The range as the engine takes it.
pub(super) fn time_range(decided: &ResolvedRange, args: &RangeArgs) -> TimeRange {
    TimeRange {
        since: decided.since,
        until: decided.until_is_typed.then_some(decided.until),
        late: args.late.map_or(LATE, |late| TimeDelta::from_std(late).unwrap_or(TimeDelta::MAX)),
    }
}

/// How `fetch` and `tail` keep a position.
pub(super) fn resume_options(args: &CollectArgs, mode: RunMode) -> ResumeOptions {
    ResumeOptions {
        consumer: args.consumer.clone(),
        lock_wait: args.lock_wait,
        file_mode: args.file_mode,
        mode,
    }
}

/// The streams that were named, or all there are.
pub(super) fn or_all(streams: &[Stream]) -> &[Stream] {
    if streams.is_empty() { &Stream::ALL } else { streams }
}
