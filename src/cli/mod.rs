//! What can be typed: clap definitions, value parsers and help text.
//!
//! No I/O and no environment: `config` reads that, and turns what was typed into what is decided. Each
//! command has one file here; help, completions and man pages all come from these definitions.

pub mod account;
pub mod analysis;
mod argument_order;
pub mod codes;
pub mod collect;
pub mod completions;
pub mod config;
pub mod connection;
pub mod console;
pub mod delivery;
pub mod detect;
pub mod detection;
pub mod exposure;
pub mod fetch;
pub mod filter;
mod help;
pub mod introspect;
pub mod names;
pub mod profiles;
pub mod range;
pub mod redaction;
pub mod roll;
pub mod saved_events;
pub mod setup;
pub mod shape_options;
pub mod show;
#[cfg(feature = "simulator")]
pub mod simulate;
#[cfg(not(feature = "simulator"))]
#[path = "without_simulator.rs"]
pub mod simulate;
pub mod state;
pub mod status;
pub mod stream;
pub mod summary;
mod synonyms;
pub mod tail;
pub mod token_check;
pub mod words;

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use account::{AccountArgs, ConfigFileArg};
pub use console::{ColorChoice, ConsoleArgs, LogLevel};
pub use fetch::{FetchArgs, Sort};
pub use tail::TailArgs;

use crate::sanitize;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  opev fetch --profile demo              made-up events; needs no account
  opev setup                             set up a real account
  opev fetch signin --since 2h           sign-in attempts of the last two hours
  opev fetch --since 7d --format csv -o week.csv

Exit codes: 0 done, 1 a check said no, 2 usage, 3 configuration, 4 token, 5 feature missing,
6 service or network, 7 output, 8 a person must look, 9 locked, 10 partly done.";

/// 1Password's security events at the command line: fetch, follow, pipe, and never lose one
#[derive(Debug, Parser)]
#[command(
    name = "opev",
    bin_name = "opev",
    version,
    styles = STYLES,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// How to talk to the person.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Get events once and exit
    Fetch(Box<FetchArgs>),
    /// Follow new events
    Tail(Box<TailArgs>),
    /// Find what rules look for: exports, guessed passwords, rights, silence
    Detect(Box<detect::DetectArgs>),
    /// Find events by their uuids and show them whole
    Show(Box<show::ShowArgs>),
    /// Count events by what they say
    Summary(Box<summary::SummaryArgs>),
    /// Show who has seen which secrets: the list to rotate
    Exposure(Box<exposure::ExposureArgs>),
    /// Show what this token may read, according to the service
    Introspect(Box<introspect::IntrospectArgs>),
    /// Check whether the token is usable, now and for how long
    TokenCheck(Box<token_check::TokenCheckArgs>),
    /// Show the status of every saved position; a health check for monitors
    Status(status::StatusArgs),
    /// Carry a saved position to another machine, or forget it
    State(state::StateArgs),
    /// Import, list or forget names of vaults, items, users and groups
    Names(names::NamesArgs),
    /// Show what the service's codes mean, in plain words
    Words(words::WordsArgs),
    /// A local stand-in of the Events API, for rehearsal and tests
    Simulate(Box<simulate::SimulateArgs>),
    /// Set up an account: ask for its token, check it, write a profile
    Setup(Box<setup::SetupArgs>),
    /// Show, list, edit, locate or create the configuration
    Config(config::ConfigArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

impl Cli {
    /// Reads a command line, the program's name included.
    ///
    /// # Errors
    /// Fails with the message and exit code of a usage error (2), or with the text that `--help` and
    /// `--version` ask for (0).
    pub fn read(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let args = argument_order::in_order(args, Cli::command);
        let mut cli = parsed(&args).map_err(|error| with_the_right_flag(error, &args))?;
        match &mut cli.command {
            Command::Fetch(args) => {
                args.collect.streams.read();
                args.check().map_err(|why| usage("fetch", ErrorKind::ArgumentConflict, why))?
            }
            Command::Tail(args) => {
                args.collect.streams.read();
                args.check().map_err(|why| usage("tail", ErrorKind::ArgumentConflict, why))?
            }
            Command::Summary(args) => {
                args.analysis.streams.read();
                args.check().map_err(|why| usage("summary", ErrorKind::ArgumentConflict, why))?
            }
            Command::Detect(args) => {
                args.analysis.streams.read();
                args.check().map_err(|why| usage("detect", ErrorKind::ArgumentConflict, why))?
            }
            Command::Exposure(args) => {
                args.analysis.streams.read();
                args.check().map_err(|why| usage("exposure", ErrorKind::ArgumentConflict, why))?
            }
            Command::Show(_)
            | Command::Introspect(_)
            | Command::TokenCheck(_)
            | Command::Status(_)
            | Command::State(_)
            | Command::Names(_)
            | Command::Words(_)
            | Command::Simulate(_)
            | Command::Setup(_)
            | Command::Config(_)
            | Command::Completions(_) => {}
        }
        Ok(cli)
    }
}

/// Whether an invalid command line requests messages as JSON.
pub fn wants_json(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--log-format=json")
        || args.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
}

/// What is wrong with a command line, in one sentence: without usage, tips and colours.
pub fn sentence(error: &clap::Error) -> String {
    let text = complaint(error);
    let what = text.strip_prefix("error: ").unwrap_or(&text);
    let first = what.split("\n\n").next().unwrap_or(what);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Parses a command line whose flags stand behind the subcommand.
fn parsed(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = match args.iter().any(|arg| arg == "--help" || arg == "-h" || arg == "help") {
        true => help::arranged(Cli::command(), help::wants_screen(args)),
        // Help is not laid out for runs that do not show it.
        false => Cli::command(),
    };
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The definition as it is written, to be changed before it is completed.
pub fn outline() -> clap::Command {
    help::arranged(Cli::command(), false)
}

/// The definition that help, completions and man pages are made from, complete.
pub fn definition() -> clap::Command {
    let mut command = outline();
    command.build();
    command
}

/// The text of a usage error, harmless for a terminal: it repeats what was typed, which a script may have
/// taken from anywhere.
pub fn complaint(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = sanitize::without_tokens(&text);
    text.lines().map(|line| format!("{}\n", sanitize::escaped(line))).collect()
}

/// An error of the command line of `subcommand`, with its usage line.
fn usage(subcommand: &str, kind: ErrorKind, message: String) -> clap::Error {
    let mut command = definition();
    match command.find_subcommand_mut(subcommand) {
        Some(subcommand) => subcommand.error(kind, message),
        None => command.error(kind, message),
    }
}

/// Answers an unknown flag with the one that does it here, and `--token VALUE` with the reason why there is
/// no such flag. Never repeats the value (P10).
fn with_the_right_flag(error: clap::Error, args: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let name = typed.split('=').next().unwrap_or(typed);
    let mut root = definition();
    let word = args.iter().skip(1).find(|word| root.find_subcommand(word).is_some());
    if name == "--token" {
        let ways = match word {
            Some(word) if word == "setup" => {
                "--token-reference op://vault/item/field, --token-file FILE, or --save-token, which reads it \
                 from standard input"
            }
            _ => "EVENTS_API_TOKEN, --token-file FILE (- for stdin) or --token-command CMD",
        };
        let why = "there is no --token, because everybody on this machine can read command lines; use";
        return Cli::command().error(ErrorKind::UnknownArgument, format!("{why} {ways}"));
    }
    let Some(command) = word.and_then(|word| root.find_subcommand_mut(word)) else { return error };
    match synonyms::hint(command, name) {
        Some(hint) => command.error(ErrorKind::UnknownArgument, format!("there is no {name}; {hint}")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a command line, as text, with its exit code.
    pub(crate) fn refused(line: &str) -> String {
        let error = Cli::read(line.split(' ')).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        error.render().to_string()
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_has_a_short_line_and_a_paragraph() {
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for arg in command.get_arguments() {
                let name = format!("{} {}", command.get_name(), arg.get_id());
                if matches!(arg.get_id().as_str(), "help" | "version") {
                    continue;
                }
                let short = arg.get_help().unwrap_or_else(|| panic!("{name}: no short help")).to_string();
                let long = arg.get_long_help().unwrap_or_else(|| panic!("{name}: no paragraph")).to_string();
                assert!(short.chars().count() <= 72, "{name}: {short}");
                assert!(!short.ends_with('.'), "{name}: {short}");
                assert!(long.len() > short.len() && long.ends_with('.'), "{name}: {long}");
            }
            command.get_subcommands().for_each(look);
        }
        look(&definition());
    }

    #[test]
    fn a_typed_token_is_refused_with_the_reason_and_never_repeated() {
        for line in ["opev fetch --token eyJhbGciOiJ", "opev fetch --token=eyJhbGciOiJ"] {
            let text = refused(line);
            assert!(text.contains("there is no --token"), "{text}");
            assert!(!text.contains("eyJ"), "{text}");
        }
    }

    #[test]
    fn what_was_typed_is_repeated_without_harm() {
        let error = Cli::read(["opev", "fetch", "--format", "a\u{202e}x"]).unwrap_err();
        let text = complaint(&error);
        assert!(text.starts_with("error: invalid value 'a\\u{202e}x' for '--format <FORMAT>'\n"), "{text}");
        assert!(
            text.contains("\n  [possible values: table, ndjson, json, csv, record, parquet]\n"),
            "{text}"
        );
    }

    #[test]
    fn typos_get_the_nearest_name() {
        assert!(refused("opev fetsh").contains("'fetch'"));
        assert!(refused("opev fetch --sinse 2h").contains("'--since'"));
        assert!(refused("opev fetch --region uss").contains("'us'"));
        let text = refused("opev fetch signinatempts");
        assert!(text.contains("no such stream; did you mean signin?"), "{text}");
    }
}
