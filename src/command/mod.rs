//! One file per subcommand: settings in, calls below, a report out.
//!
//! This file reads the command line, builds what every command shares, and turns the outcome into an
//! exit code. It must not know how any command works.

mod analysis;
pub mod config;
mod delivery;
mod demo;
pub mod detect;
pub mod exposure;
pub mod fetch;
pub mod introspect;
pub mod names;
mod report_output;
mod rules;
mod saved_events;
pub mod session;
pub mod setup;
mod shared_args;
pub mod show;
#[cfg(feature = "simulator")]
pub mod simulate;
#[cfg(not(feature = "simulator"))]
#[path = "without_simulator.rs"]
pub mod simulate;
mod standard_streams;
pub mod state;
pub mod status;
pub mod summary;
pub mod tail;
pub mod token_check;
pub mod words;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::{self, Cancel, Hangup};
use crate::cli::{self, Cli, Command, ConsoleArgs};
use crate::clock::{Clock, RealClock};
use crate::completion;
use crate::config::Environment;
use crate::console::{Console, LogFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::runtime::Runtime;

use shared_args::{
    ChosenEvents, known_names, or_all, output_request, profiles, range, range_of_files, redaction,
    resume_options, settings_of, time_range,
};
use standard_streams::{
    console_options, message_style, pager, print, print_json, print_paged, read_input, require_stdout,
    text_style,
};

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
    if let Some(candidates) = completion::answer(&args, &environment) {
        // A failure offers nothing, which is all that a shell could say of it.
        let _ = print(&candidates);
        return End::Done;
    }
    limits::reserve_less(&args, environment.raw(limits::ARENAS).is_some());
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
        Command::Setup(args) => {
            cancel::listen(&invocation.runtime.cancel, Hangup::Ends)?;
            setup::run(invocation, &args)
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
