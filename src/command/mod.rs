//! One file per subcommand: settings in, calls below, a report out.
//!
//! This file reads the command line, builds what every command shares, and turns the outcome into an
//! exit code. It must not know how any command works.

mod analysis;
mod completion;
pub mod config;
mod delivery;
mod demo;
pub mod detect;
pub mod exposure;
pub mod fetch;
pub mod introspect;
mod limits;
pub mod names;
mod report_output;
mod rules;
mod saved_events;
pub mod session;
pub mod show;
#[cfg(feature = "simulator")]
pub mod simulate;
#[cfg(not(feature = "simulator"))]
#[path = "without_simulator.rs"]
pub mod simulate;
pub mod state;
pub mod status;
pub mod summary;
pub mod tail;
pub mod token_check;
pub mod words;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use log::LevelFilter;

use crate::api::endpoint::BaseUrl;
use crate::cancel::{self, Cancel, Hangup};
use crate::cli::collect::CollectArgs;
use crate::cli::connection::PageArgs;
use crate::cli::filter::FilterArgs;
use crate::cli::range::RangeArgs;
use crate::cli::shard::Shard;
use crate::cli::{self, AccountArgs, Cli, Command, ConsoleArgs};
use crate::clock::{Clock, RealClock};
use crate::collect::plan::{OutputRequest, ResumeOptions, Terminal};
use crate::config::token::read_secret_file;
use crate::config::{Config, Environment, ResolvedRange, SettingFlags, Settings, environment, terminal};
use crate::console::{Console, ConsoleOptions, LogFormat, PagerCommand, TextStyle};
use crate::disk::{RealDisk, real};
use crate::encode::{Fields, OutputUse, Redaction, WordStyle};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::RunMode;
use crate::names::NameStore;
use crate::output::Sink;
use crate::output::sink::stream::StreamSink;
use crate::runtime::Runtime;
use crate::sanitize;
use crate::select::{Filter, Names};
use crate::source::range::TimeRange;

/// How long after the range's end an event of it may arrive, without `--late`.
const LATE: TimeDelta = TimeDelta::days(1);

/// How long a failing request of a question is retried without `--retry-for`.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Success.
    Done,
    /// Failure; every failure was reported.
    Failed(ErrorKind),
    /// A signal came, and nothing failed.
    Signal(i32),
    /// The command line was wrong, or requested help; it is printed already. With the exit code.
    Usage(u8),
}

impl End {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            End::Done => 0,
            End::Failed(kind) => kind.exit_code(),
            End::Signal(signal) => ErrorKind::Interrupted(signal).exit_code(),
            End::Usage(code) => code,
        }
    }

    /// The end of a run whose failures, each reported already, come to `kind`.
    pub fn of(kind: Option<ErrorKind>) -> Self {
        match kind {
            None => End::Done,
            Some(ErrorKind::Interrupted(signal)) if signal != 0 => End::Signal(signal),
            Some(kind) => End::Failed(kind),
        }
    }
}

/// The arguments of every command.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The clock, the cancel token and the console.
    pub runtime: Runtime,
    /// The environment, read once.
    pub environment: Environment,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// What was typed about colour, zone and messages.
    pub console_args: ConsoleArgs,
}

/// Runs the program.
pub fn run(args: impl IntoIterator<Item = OsString>, environment: Environment) -> End {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(end) = completion::answer(&args, &environment) {
        return end;
    }
    limits::reserve_less(&args, &environment);
    let options = console_options(&ConsoleArgs::default(), &environment);
    limits::with_enough_stack(move || run_here(args, environment)).unwrap_or_else(|e| {
        let failure = Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e);
        Console::new(options, Arc::new(RealClock::new())).failure(&failure);
        End::of(Some(failure.kind()))
    })
}

fn run_here(args: Vec<OsString>, environment: Environment) -> End {
    let cli = match Cli::read(args.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return tell(&error, &args, &environment),
    };
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let console = Console::new(console_options(&cli.console, &environment), Arc::clone(&clock));
    console.install();
    let invocation = Invocation {
        runtime: Runtime { clock, cancel: Cancel::new(), console },
        environment,
        stdout_is_terminal: std::io::stdout().is_terminal(),
        console_args: cli.console,
    };
    let console = &invocation.runtime.console;
    let end = match dispatch(&invocation, cli.command) {
        Ok(end) => end,
        Err(failure) => {
            if !matches!(failure.kind(), ErrorKind::Interrupted(_)) {
                console.failure(&failure);
            }
            End::of(Some(failure.kind()))
        }
    };
    console.finish();
    end
}

fn dispatch(invocation: &Invocation, command: Command) -> Result<End> {
    match command {
        Command::Fetch(args) => {
            limits::check_memory()?;
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            fetch::run(invocation, &args)
        }
        Command::Tail(args) => {
            limits::check_memory()?;
            let rotates = args.collect.resume && args.collect.names_a_file();
            cancel::listen(&invocation.runtime.cancel, if rotates { Hangup::Reopens } else { Hangup::Ends })?;
            tail::run(invocation, &args)
        }
        Command::Detect(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            detect::run(invocation, &args)
        }
        Command::Show(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            show::run(invocation, &args)
        }
        Command::Summary(args) => {
            limits::check_memory()?;
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            summary::run(invocation, &args)
        }
        Command::Exposure(args) => {
            limits::check_memory()?;
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            exposure::run(invocation, &args)
        }
        Command::Status(args) => status::run(invocation, &args),
        Command::State(args) => state::run(invocation, &args),
        Command::Names(args) => names::run(invocation, &args),
        Command::Words(args) => words::run(invocation, &args),
        Command::Introspect(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            introspect::run(invocation, &args)
        }
        Command::TokenCheck(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            token_check::run(invocation, &args)
        }
        Command::Simulate(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            let (clock, cancel) = (Arc::clone(&invocation.runtime.clock), &invocation.runtime.cancel);
            simulate::run(&args, clock, cancel, &mut std::io::stdout(), &mut std::io::stderr())?;
            Ok(End::Done)
        }
        Command::Config(args) => print(&config::run(&args, invocation)?),
        Command::Completions(args) => print(&cli::completions::script(args.shell)),
    }
}

/// Prints help, or the error of a wrong command line.
fn tell(error: &clap::Error, args: &[OsString], environment: &Environment) -> End {
    if error.use_stderr() {
        let log_format = if cli::wants_json(args) { LogFormat::Json } else { LogFormat::Text };
        let typed = ConsoleArgs { log_format, ..ConsoleArgs::default() };
        let console = Console::new(console_options(&typed, environment), Arc::new(RealClock::new()));
        match log_format {
            LogFormat::Text => console.say(cli::complaint(error).trim_end()),
            LogFormat::Json => {
                let failure = Error::new(ErrorKind::Usage, cli::sentence(error));
                console.failure(&failure.hint("see opev --help, or --help after the command"));
            }
        }
        console.finish();
    } else {
        // Help and version, in colour where it may be. A closed pipe is not a failure.
        let _ = error.print();
    }
    End::Usage(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Writes a finished text to standard output; a closed pipe is not a failure.
fn print(bytes: &[u8]) -> Result<End> {
    match StreamSink::stdout()?.write(bytes) {
        Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
        _ => Ok(End::Done),
    }
}

/// The same through a pager, where there is one.
fn print_paged(invocation: &Invocation, config: Option<&Path>, bytes: &[u8]) -> Result<End> {
    let pager = invocation.stdout_is_terminal.then(|| pager(invocation, config, false)).flatten();
    let Some(pager) = pager else { return print(bytes) };
    let (mut pager, input) = pager.start()?;
    let written =
        StreamSink::of(real::of_descriptor(input), "the pager").and_then(|mut sink| sink.write(bytes));
    pager.wait()?;
    match written {
        Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
        _ => Ok(End::Done),
    }
}

/// The pager for answers on a terminal. It gets no token (P10): a configuration that cannot be read names no more
/// variables than the usual one.
fn pager(invocation: &Invocation, config: Option<&Path>, is_wide: bool) -> Option<PagerCommand> {
    if !invocation.console_args.allows_pager() {
        return None;
    }
    let environment = &invocation.environment;
    let hidden = Config::read(config, environment.clone())
        .map_or_else(|_| vec![environment::TOKEN.to_owned()], |config| config.file.token_variables());
    let (command, environment) = terminal::pager(environment, &hidden, is_wide)?;
    Some(PagerCommand { command, environment, cancel: invocation.runtime.cancel.clone() })
}

/// Refuses a closed standard output, where what is printed is all that the command is for.
fn require_stdout() -> Result<()> {
    StreamSink::stdout_for_data().map(drop)
}

/// Writes finished JSON to standard output: exact values into pipes and files, harmless ones on a terminal.
fn print_json(invocation: &Invocation, json: &[u8]) -> Result<End> {
    if invocation.stdout_is_terminal {
        print(sanitize::json_for_terminal(&String::from_utf8_lossy(json)).as_bytes())
    } else {
        print(json)
    }
}

/// Width and colours of standard output.
fn text_style(invocation: &Invocation) -> TextStyle {
    let is_terminal = invocation.stdout_is_terminal;
    let width = is_terminal.then(|| terminal::width(std::io::stdout()));
    TextStyle {
        width: width.map(|width| u16::try_from(width).unwrap_or(u16::MAX)),
        colour: terminal::colour(invocation.console_args.color, &invocation.environment, is_terminal),
    }
}

/// The width of messages, in which there are no colours but the console's own.
fn message_style() -> TextStyle {
    let is_terminal = std::io::stderr().is_terminal();
    let width = is_terminal.then(|| terminal::width(std::io::stderr()));
    TextStyle { width: width.map(|width| u16::try_from(width).unwrap_or(u16::MAX)), colour: false }
}

fn console_options(args: &ConsoleArgs, environment: &Environment) -> ConsoleOptions {
    let level = args.level().filter();
    let format = args.log_format;
    let colour = terminal::colour(args.color, environment, std::io::stderr().is_terminal());
    ConsoleOptions { level, format, colour, progress: level == LevelFilter::Warn }
}

/// What `fetch` and `tail` want of the output, but for a saved position.
fn output_request(
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
        names_tenant: args.all_profiles,
        redaction: Arc::default(),
        fields: args.fields.clone(),
        filter: chosen.filter,
        detect: None,
        names: chosen.names,
        adds_names: args.names,
        words: if args.codes { WordStyle::Codes } else { WordStyle::Words },
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
fn redaction(invocation: &Invocation, args: &CollectArgs) -> Result<Arc<Redaction>> {
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
struct ChosenEvents {
    filter: Arc<Filter>,
    names: Arc<Names>,
}

impl ChosenEvents {
    /// Reads the filters with the profile's names; warns of what may be a slip.
    fn of(args: &FilterArgs, settings: &Settings) -> Result<ChosenEvents> {
        let names = Arc::new(known_names(settings));
        let filter = Filter::compile_with_names(&args.terms(), &names)?;
        filter.warnings().iter().for_each(|warning| log::warn!("{warning}"));
        Ok(ChosenEvents { filter: Arc::new(filter), names })
    }
}

/// The names that were imported for a profile. Events can be read without them: a failure is a warning.
fn known_names(settings: &Settings) -> Names {
    let Ok(state_dir) = settings.state_dir() else { return Names::default() };
    NameStore::new(state_dir, &settings.profile).read(&RealDisk).unwrap_or_else(|failure| {
        log::warn!("names are not shown: {failure}");
        Names::default()
    })
}

/// The settings of every profile that `fetch` and `tail` run for; none where the columns were asked for, which are
/// then printed.
fn profiles(invocation: &Invocation, args: &CollectArgs, jobs: Option<u8>) -> Result<Option<Vec<Settings>>> {
    if args.fields.as_deref() == Some("help") {
        print(Fields::help(or_all(&args.streams.named)).as_bytes())?;
        return Ok(None);
    }
    settings_of(invocation, &args.account, (args.all_profiles, args.shard.shard), &args.page, jobs).map(Some)
}

/// The settings of the profile that is used, or of every enabled one, or of a part of these.
fn settings_of(
    invocation: &Invocation,
    account: &AccountArgs,
    (all_profiles, shard): (bool, Option<Shard>),
    page: &PageArgs,
    jobs: Option<u8>,
) -> Result<Vec<Settings>> {
    let config = Config::read(account.file.config.as_deref(), invocation.environment.clone())?;
    let tz = invocation.console_args.tz.as_ref();
    let flags = SettingFlags { account, tz, page_size: page.page_size, jobs };
    Ok(if all_profiles { config.all_settings(&flags, shard)? } else { vec![config.settings(&flags)?] })
}

/// Decides the range of a question to the service before any token is read, so that wrong arguments are reported
/// first.
fn range(invocation: &Invocation, settings: &Settings, args: &RangeArgs) -> Result<ResolvedRange> {
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
fn range_of_files(invocation: &Invocation, settings: &Settings, args: &RangeArgs) -> Result<ResolvedRange> {
    let (since, until) = (args.since.as_ref(), args.until.as_ref());
    let now = invocation.runtime.clock.now();
    let decided = ResolvedRange::decide_for_files(since, until, now, &settings.zone)?;
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(decided)
}

/// The range as the engine takes it.
fn time_range(decided: &ResolvedRange, args: &RangeArgs) -> TimeRange {
    TimeRange {
        since: decided.since,
        until: decided.until_is_typed.then_some(decided.until),
        late: args.late.map_or(LATE, |late| TimeDelta::from_std(late).unwrap_or(TimeDelta::MAX)),
    }
}

/// How `fetch` and `tail` keep a position.
fn resume_options(args: &CollectArgs, mode: RunMode) -> ResumeOptions {
    ResumeOptions {
        consumer: args.consumer.clone(),
        lock_wait: args.lock_wait,
        file_mode: args.file_mode,
        mode,
    }
}

/// The streams that were named, or all there are.
fn or_all(streams: &[Stream]) -> &[Stream] {
    if streams.is_empty() { &Stream::ALL } else { streams }
}
