//! All text for people: status, progress, logs and error reports. Standard error only.
//!
//! Lines are written by a thread of their own: a terminal that is stopped or a pipe that nobody reads must
//! not hold up collection or its end (P9). Whoever says a line waits a moment for it, so that lines and
//! data on one terminal stay in order.
//!
//! Data goes to standard output and is not this module's business. Every foreign text that passes
//! through here is escaped and cut (`sanitize::message`), terminal or not.

mod background_queue;
mod logger;
mod pager;
mod progress;
mod prompt;
mod report;
mod stderr;
mod table;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};

pub use background_queue::{BackgroundQueue, QueueWorker};
pub use pager::{Pager, PagerCommand};
pub use progress::{DataOutput, Progress};
pub use prompt::Prompt;
pub use table::{CellTone, TextStyle, TextTable};

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Options of the console: level, colours, format.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleOptions {
    /// Errors are always shown; warnings, steps (`-v`) and requests (`-vv`) by level.
    pub level: LevelFilter,
    /// Text or JSON lines.
    pub format: LogFormat,
    /// Whether standard error may be coloured.
    pub colour: bool,
    /// Whether neither `-q` nor `-v` was given, so that a progress line may be drawn.
    pub progress: bool,
}

/// How long a line is waited for before it is left to its thread.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long the end of the program waits for lines that are not written yet.
const PATIENCE_AT_END: Duration = Duration::from_secs(1);

/// The one writer to standard error; clones share it.
#[derive(Clone, Debug)]
pub struct Console(Arc<ConsoleState>);

#[derive(Debug)]
struct ConsoleState {
    options: ConsoleOptions,
    terminal: bool,
    clock: Arc<dyn Clock>,
    stderr: Arc<stderr::StderrQueue>,
}

impl Console {
    /// A console on this process's standard error.
    pub fn new(options: ConsoleOptions, clock: Arc<dyn Clock>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let stderr = Arc::new(stderr::StderrQueue::new(options, Arc::clone(&clock)));
        Console(Arc::new(ConsoleState { options, terminal, clock, stderr }))
    }

    /// Makes this console the receiver of the `log` macros. Only the first console of a process is.
    pub fn install(&self) {
        if log::set_boxed_logger(Box::new(logger::Logger(self.clone()))).is_ok() {
            log::set_max_level(self.0.options.level);
        }
    }

    /// Whether standard error is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.0.terminal
    }

    /// Says something that helps a person who watches, and would only fill a cron mail: shown on a
    /// terminal (unless `-q`), and with `-v`.
    pub fn note(&self, text: &str) {
        let unasked = self.0.options.level == LevelFilter::Warn && self.0.options.format == LogFormat::Text;
        if self.0.terminal && unasked {
            self.line(&self.dim(&crate::sanitize::message(text)));
        } else {
            log::info!("{text}");
        }
    }

    /// Writes text that was requested explicitly, at any level.
    pub fn say(&self, text: &str) {
        for line in text.lines() {
            self.line(&crate::sanitize::escaped(line));
        }
    }

    /// Writes a question, with the cursor behind it.
    fn question(&self, text: &str) {
        self.0.stderr.question(&crate::sanitize::escaped(text), PATIENCE);
    }

    /// Reports a failure with its cause and hint; false when it is routine and `-q` was given.
    pub fn failure(&self, failure: &Error) -> bool {
        if !self.is_worth_telling(failure) {
            return false;
        }
        self.outcome_line(&match self.0.options.format {
            LogFormat::Text => report::text(failure, self.0.options.colour),
            LogFormat::Json => report::json(failure, failure.kind(), self.0.clock.now()),
        });
        true
    }

    /// Reports failures, equal ones of several streams in one message; returns how many were shown.
    pub fn failures(&self, failures: &[&Error]) -> usize {
        if self.0.options.format == LogFormat::Json {
            return failures.iter().filter(|failure| self.failure(failure)).count();
        }
        let worth_it: Vec<&Error> = failures.iter().copied().filter(|f| self.is_worth_telling(f)).collect();
        let texts = report::together(&worth_it, self.0.options.colour);
        texts.iter().for_each(|text| self.outcome_line(text));
        texts.len()
    }

    /// Whether a failure is shown: every one except routine ones under `-q`.
    fn is_worth_telling(&self, failure: &Error) -> bool {
        !failure.is_routine() || self.0.options.level >= LevelFilter::Warn
    }

    /// Says at the end of a resumed run what it has added to a file: events, file, up to when. For a person
    /// who watches, as [`Console::note`].
    pub fn delivered(&self, events: u64, file: &str, up_to: Option<&str>) {
        let up_to = up_to.map(|time| format!(", up to {time}")).unwrap_or_default();
        self.note(&match events {
            0 => format!("no new events; {file} has all of them{up_to}"),
            1 => format!("1 event added to {file}{up_to}"),
            events => format!("{events} events added to {file}{up_to}"),
        });
    }

    /// Summarises a run after several failures were reported.
    pub fn summary(&self, kind: ErrorKind, text: &str) {
        let failure = Error::new(kind, text);
        self.outcome_line(&match self.0.options.format {
            LogFormat::Text => report::text(&failure, self.0.options.colour),
            LogFormat::Json => report::json(&failure, kind, self.0.clock.now()),
        });
    }

    /// The same console without progress lines, for work in parallel.
    #[must_use]
    pub fn without_progress(&self) -> Self {
        let ConsoleState { options, terminal, clock, stderr } = &*self.0;
        let options = ConsoleOptions { progress: false, ..*options };
        let (terminal, clock, stderr) = (*terminal, Arc::clone(clock), Arc::clone(stderr));
        Console(Arc::new(ConsoleState { options, terminal, clock, stderr }))
    }

    /// A progress line, drawn only where a person watches and wants it.
    pub fn progress(&self, wanted: bool, begun: String) -> Progress {
        let options = &self.0.options;
        Progress::new(
            self.clone(),
            wanted && options.progress && self.0.terminal && options.format == LogFormat::Text,
            begun,
        )
    }

    fn dim(&self, text: &str) -> String {
        if self.0.options.colour { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Waits a moment for lines that are not written yet. For the end of the program.
    pub fn finish(&self) {
        self.0.stderr.finish(PATIENCE_AT_END);
    }

    /// Writes one finished line, above the progress line if there is one.
    fn line(&self, text: &str) {
        self.0.stderr.line(text, false, PATIENCE);
    }

    /// Writes a line about the outcome, even when a long log has filled the queue.
    fn outcome_line(&self, text: &str) {
        self.0.stderr.line(text, true, PATIENCE);
    }
}
