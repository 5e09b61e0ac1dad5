//! The flags about talking to the person: how much, in which form, in which colours and which zone.

use clap::{Args, ValueEnum};

use crate::console::LogFormat;
use crate::time::Zone;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Only why the run failed
    #[value(alias = "6")]
    Critical,
    /// Errors
    #[value(alias = "5")]
    Error,
    /// And warnings
    #[value(aliases = ["warn", "4"])]
    Warning,
    /// And what is done
    #[value(alias = "1")]
    Info,
    /// And every request
    #[value(alias = "0")]
    Debug,
    /// And everything else
    #[value(hide = true)]
    Trace,
}

impl LogLevel {
    /// What the `log` crate lets through at this level.
    pub fn filter(self) -> log::LevelFilter {
        match self {
            LogLevel::Critical => log::LevelFilter::Off,
            LogLevel::Error => log::LevelFilter::Error,
            LogLevel::Warning => log::LevelFilter::Warn,
            LogLevel::Info => log::LevelFilter::Info,
            LogLevel::Debug => log::LevelFilter::Debug,
            LogLevel::Trace => log::LevelFilter::Trace,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// When to use a pager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PagerChoice {
    /// On a terminal, where there is one
    #[default]
    Auto,
    /// Never
    Never,
}

/// How to talk to the person.
#[derive(Args, Clone, Debug, Default)]
pub struct ConsoleArgs {
    /// Say what is done; -vv also says every request
    ///
    /// Goes to standard error. -vv names method, path, status, milliseconds and retries. No level ever
    /// shows the token.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Messages",
          conflicts_with_all = ["quiet", "log_level"])]
    pub verbose: u8,

    /// Say nothing but errors
    ///
    /// No progress, no notes, no warnings, and nothing about another run that holds the lock and makes
    /// progress.
    #[arg(short, long, global = true, help_heading = "Messages", conflicts_with = "log_level")]
    pub quiet: bool,

    /// Say this much: debug, info, warning, error or critical
    ///
    /// Also takes the numbers 0 (debug), 1 (info), 4 (warning), 5 (error) and 6 (critical), as other
    /// collectors do. The default is warning.
    #[arg(long, value_name = "LEVEL", global = true, hide_possible_values = true, help_heading = "Messages")]
    pub log_level: Option<LogLevel>,

    /// Form of the messages on standard error
    ///
    /// json writes one object a line, and on failure a last one of type "error" with kind, code,
    /// message, hint and retryable.
    #[arg(long, value_name = "FORM", global = true, default_value = "text", help_heading = "Messages")]
    pub log_format: LogFormat,

    /// When to use colour
    ///
    /// auto obeys NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM=dumb, in this order, and else colours on a
    /// terminal.
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", help_heading = "Messages")]
    pub color: ColorChoice,

    /// When answers on a terminal go through a pager
    ///
    /// auto is on a terminal, for what fetch, show, words and names list print: OPEV_PAGER, PAGER, or less, which
    /// leaves at once when all fits on the screen. An empty variable or cat means none.
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", help_heading = "Messages")]
    pub pager: PagerChoice,

    /// The same as --pager never
    ///
    /// As git and journalctl have it.
    #[arg(long, global = true, help_heading = "Messages")]
    pub no_pager: bool,

    /// Read and show times in this zone: UTC, local or a name
    ///
    /// Names are those of the IANA database, such as Europe/Berlin. Concerns times that are typed
    /// without a zone, and tables; events keep their own text. The default is UTC.
    #[arg(long, value_name = "ZONE", global = true, help_heading = "Messages")]
    pub tz: Option<Zone>,
}

impl ConsoleArgs {
    /// Whether a pager may be used.
    pub fn allows_pager(&self) -> bool {
        self.pager == PagerChoice::Auto && !self.no_pager
    }

    /// How much is to be said.
    pub fn level(&self) -> LogLevel {
        match (self.log_level, self.quiet, self.verbose) {
            (Some(level), ..) => level,
            (None, true, _) => LogLevel::Error,
            (None, false, 0) => LogLevel::Warning,
            (None, false, 1) => LogLevel::Info,
            (None, false, 2) => LogLevel::Debug,
            (None, false, _) => LogLevel::Trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::cli::tests::refused;

    fn console(line: &str) -> ConsoleArgs {
        Cli::read(line.split(' ')).unwrap().console
    }

    #[test]
    fn levels_come_from_counts_words_and_numbers() {
        for (line, level) in [
            ("opev fetch", LogLevel::Warning),
            ("opev fetch -v", LogLevel::Info),
            ("opev -vv fetch", LogLevel::Debug),
            ("opev fetch -vvv", LogLevel::Trace),
            ("opev fetch -q", LogLevel::Error),
            ("opev fetch --log-level 0", LogLevel::Debug),
            ("opev fetch --log-level 1", LogLevel::Info),
            ("opev fetch --log-level 4", LogLevel::Warning),
            ("opev fetch --log-level 5", LogLevel::Error),
            ("opev fetch --log-level 6", LogLevel::Critical),
            ("opev fetch --log-level warn", LogLevel::Warning),
        ] {
            assert_eq!(console(line).level(), level, "{line}");
        }
        assert!(refused("opev fetch -q -v").contains("cannot be used with"));
        assert!(refused("opev fetch --log-level 3").contains("invalid value '3'"));
    }

    #[test]
    fn a_zone_that_is_none_is_refused_with_the_nearest() {
        assert_eq!(console("opev fetch --tz local").tz, Some(Zone::Local));
        assert!(refused("opev fetch --tz Europe/Berln").contains("did you mean Europe/Berlin?"));
    }
}
