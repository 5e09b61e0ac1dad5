//! Standard input and output of commands: what is read whole, printed, paged, and how wide and colourful it may be.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use log::LevelFilter;

use super::{End, Invocation};
use crate::cli::ConsoleArgs;
use crate::config::{Config, Environment, environment, terminal};
use crate::console::{ConsoleOptions, PagerCommand, TextStyle};
use crate::disk::real;
use crate::error::{Error, ErrorKind, Result};
use crate::output::sink::stream::StreamSink;
use crate::output::{Sink as _, shown};
use crate::sanitize;

/// Reads a file, or standard input for `-`, whole; `hint` says what can be read.
///
/// # Errors
/// `Usage` where it cannot be read, or has more than `limit` bytes.
pub(super) fn read_input(from: &Path, limit: usize, hint: &str) -> Result<Vec<u8>> {
    let failure = |text: String| Error::new(ErrorKind::Usage, text).hint(hint);
    let source: io::Result<Box<dyn Read>> = match from.as_os_str() == "-" {
        true => Ok(Box::new(io::stdin().lock())),
        false => File::open(from).map(|file| Box::new(file) as _),
    };
    let mut bytes = Vec::new();
    source
        .and_then(|source| source.take(limit as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| failure(format!("cannot read {}", shown(from))).because(e))?;
    if bytes.len() > limit {
        return Err(failure(format!("{} is longer than {} MiB", shown(from), limit >> 20)));
    }
    Ok(bytes)
}

/// Writes a finished text to standard output; a closed pipe is not a failure.
pub(super) fn print(bytes: &[u8]) -> Result<End> {
    match StreamSink::stdout()?.write(bytes) {
        Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
        _ => Ok(End::Done),
    }
}

/// The same through a pager, where there is one.
pub(super) fn print_paged(invocation: &Invocation, config: Option<&Path>, bytes: &[u8]) -> Result<End> {
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
pub(super) fn pager(invocation: &Invocation, config: Option<&Path>, is_wide: bool) -> Option<PagerCommand> {
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
pub(super) fn require_stdout() -> Result<()> {
    StreamSink::stdout_for_data().map(drop)
}

/// Writes finished JSON to standard output: exact values into pipes and files, harmless ones on a terminal.
pub(super) fn print_json(invocation: &Invocation, json: &[u8]) -> Result<End> {
    if invocation.stdout_is_terminal {
        print(sanitize::json_for_terminal(&String::from_utf8_lossy(json)).as_bytes())
    } else {
        print(json)
    }
}

/// Width and colours of standard output.
pub(super) fn text_style(invocation: &Invocation) -> TextStyle {
    let is_terminal = invocation.stdout_is_terminal;
    let width = is_terminal.then(|| terminal::width(std::io::stdout()));
    TextStyle {
        width: width.map(|width| u16::try_from(width).unwrap_or(u16::MAX)),
        colour: terminal::colour(invocation.console_args.color, &invocation.environment, is_terminal),
    }
}

/// The width of messages, in which there are no colours but the console's own.
pub(super) fn message_style() -> TextStyle {
    let is_terminal = std::io::stderr().is_terminal();
    let width = is_terminal.then(|| terminal::width(std::io::stderr()));
    TextStyle { width: width.map(|width| u16::try_from(width).unwrap_or(u16::MAX)), colour: false }
}

pub(super) fn console_options(args: &ConsoleArgs, environment: &Environment) -> ConsoleOptions {
    let level = args.level().filter();
    let format = args.log_format;
    let colour = terminal::colour(args.color, environment, std::io::stderr().is_terminal());
    ConsoleOptions { level, format, colour, progress: level == LevelFilter::Warn }
}
