//! `opev fetch`: which events, in which form, where to.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use super::account::AccountArgs;
use crate::encode::{self, Fields, Format, OutputUse, Shape};
use crate::event::Stream;
use crate::time::duration;
use crate::time::expression::TimeExpr;

/// The order of the events of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// As they come, all streams merged into one timeline
    Timeline,
    /// Strictly by timestamp; reads all of them first
    Time,
}

const EXAMPLES: &str = "\
Examples:
  opev fetch --profile demo                      made-up events; needs no account
  opev fetch signin --since 2h                   sign-in attempts of the last two hours
  opev fetch --since yesterday --until today --format csv -o yesterday.csv
  opev fetch audit --since 7d | jq -r .action | sort | uniq -c
  opev fetch --resume -o events.ndjson           from cron: each event once, whatever happens";

/// The arguments of `opev fetch`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct FetchArgs {
    /// signinattempts, itemusages or auditevents; all of them by default
    ///
    /// Also understood: signin, items, usages, audit and the like. None named means every stream that
    /// the token grants.
    #[arg(value_name = "STREAM", value_parser = stream(), hide_possible_values = true)]
    pub streams: Vec<Stream>,

    /// Events from this time on [default: 24h]
    ///
    /// 2026-11-20, "2026-11-20 14:05", 2026-11-20T14:05:06Z, @1763700000, now, today, yesterday, or a
    /// length of time ago: 90s, 15m, 2h, 7d, 1w, 1h30m. Inclusive. The service keeps 120 days. Under
    /// --resume it counts only until a position is saved.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub since: Option<TimeExpr>,

    /// Events before this time [default: now]
    ///
    /// The same forms as for --since. Exclusive.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub until: Option<TimeExpr>,

    /// How long after --until events may have reached the service [default: 1d]
    ///
    /// Clients that were offline deliver old events later. Where the service filters by arrival it has to
    /// be asked beyond the end of the range to find them; events outside the range are not shown.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "until",
          help_heading = "Which events")]
    pub late: Option<Duration>,

    /// Only the first N events
    ///
    /// The first N of the order in which they come out.
    #[arg(long, value_name = "N", help_heading = "Which events", conflicts_with = "last")]
    pub limit: Option<u64>,

    /// Only the newest N events
    ///
    /// The whole range is read; the newest N of it come out.
    #[arg(long, value_name = "N", help_heading = "Which events")]
    pub last: Option<u64>,

    /// Order of the events
    ///
    /// timeline merges the streams as their events come; it needs no memory. time reads everything
    /// first, then sorts by timestamp, stream and uuid; it is the default for tables on a terminal.
    #[arg(long, value_name = "ORDER", help_heading = "Which events")]
    pub sort: Option<Sort>,

    /// Form of the output
    ///
    /// By default a table when standard output is a terminal, else ndjson; with -o by the file's
    /// extension: .ndjson, .jsonl, .json or .csv. Any other extension needs --format.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<Format>,

    /// Schema of an event [default: raw]
    ///
    /// raw is the event as the service sent it, byte for byte. envelope wraps it with stream, profile,
    /// account_uuid and received_at.
    #[arg(long, value_name = "SHAPE", help_heading = "Output")]
    pub shape: Option<Shape>,

    /// Columns of tables and CSV, separated by commas; help lists them
    ///
    /// Dots reach into objects: timestamp,target_user.email,client.ip_address.
    #[arg(long, value_name = "LIST", help_heading = "Output")]
    pub fields: Option<String>,

    /// Write to this file; - is standard output
    ///
    /// {stream} and {profile} in the name stand for themselves. A question is written beside the file
    /// and renamed into place when complete; with --resume the file is managed: each event once,
    /// whatever happens.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Replace an output file that exists
    ///
    /// A file that is managed by --resume is never replaced.
    #[arg(long, requires = "output", conflicts_with = "resume", help_heading = "Output")]
    pub overwrite: bool,

    /// Permissions of a new output file, in octal [default: 600]
    ///
    /// Events tell who did what from where; others can read the file only when this says so.
    #[arg(long, value_name = "OCTAL", requires = "output", value_parser = file_mode, help_heading = "Output")]
    pub file_mode: Option<u32>,

    /// Exit with 1 when there was no event
    ///
    /// Without it, no events is success.
    #[arg(long, help_heading = "Output")]
    pub fail_if_empty: bool,

    /// Say what would be asked and written, and stop
    ///
    /// The settings, the token and the range are checked; nothing is sent and nothing is written.
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,

    /// Continue from the saved position, and save it as events are delivered
    ///
    /// Without a saved position it starts at --since. A position belongs to the profile and to the
    /// output file, or to --consumer. Running it again is always safe.
    #[arg(long, help_heading = "Saved positions", conflicts_with_all = ["until", "limit", "last", "sort"])]
    pub resume: bool,

    /// Keep the position under this name [default: stdout]
    ///
    /// For output that is no file. Needed with --resume on a terminal, so that nobody reads away the
    /// events of a job by hand.
    #[arg(long, value_name = "NAME", requires = "resume", help_heading = "Saved positions")]
    pub consumer: Option<String>,

    /// Wait this long for another run to end
    ///
    /// Without it, a position that another run is using ends this one at once with exit code 9.
    #[arg(long, value_name = "DURATION", requires = "resume", value_parser = duration::parse,
          help_heading = "Saved positions")]
    pub lock_wait: Option<Duration>,

    /// Go on although events may be missing
    ///
    /// When the saved position is too old or refused by the service, the run ends with exit code 8 and
    /// names the missing range. With this flag it starts again at the last delivered event instead.
    #[arg(long, requires = "resume", help_heading = "Saved positions")]
    pub accept_gap: bool,

    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Run for every enabled profile of the configuration
    ///
    /// Each profile brings its own server and token; those of the environment and of the command line do
    /// not apply. On standard output one profile comes after another, in the order of their names, and
    /// the default shape is envelope, which names the profile. With -o, {profile} must stand in the
    /// file's name; the profiles are then read side by side. --limit and --last count for each profile,
    /// --jobs over all of them. A profile that fails stops no other.
    #[arg(long, help_heading = "Account",
          conflicts_with_all = ["profile", "region", "base_url", "token_file", "token_command"])]
    pub all_profiles: bool,

    /// Ask for this many events a request, 1 to 1000 [default: 1000]
    ///
    /// Changes how many requests are made, never what comes out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000),
          help_heading = "Connection")]
    pub page_size: Option<u16>,

    /// Have this many requests under way at once, 1 to 16
    ///
    /// By default as many as range and latency call for. Changes how long it takes, never what comes
    /// out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16),
          help_heading = "Connection")]
    pub jobs: Option<u8>,
}

impl FetchArgs {
    /// Whether the output is a named file rather than standard output.
    pub fn names_a_file(&self) -> bool {
        self.output.as_ref().is_some_and(|path| path.as_os_str() != "-")
    }

    /// Whether each profile has an output of its own.
    pub fn names_a_file_per_profile(&self) -> bool {
        let names_it = |path: &PathBuf| path.to_string_lossy().contains("{profile}");
        self.output.as_ref().is_some_and(names_it)
    }

    /// Refuses what only the values tell to be contradictory.
    pub(super) fn check(&self) -> Result<(), String> {
        let purpose = match (self.resume, self.names_a_file()) {
            (false, _) => OutputUse::Question,
            (true, true) => OutputUse::ManagedFile,
            (true, false) => OutputUse::Follow,
        };
        check_encoder(self.format, self.shape, self.fields.as_deref(), purpose)?;
        if self.all_profiles && self.names_a_file() && !self.names_a_file_per_profile() {
            return Err(
                "--all-profiles with -o FILE needs {profile} in the file's name, so that no profile \
                        writes over another"
                    .into(),
            );
        }
        if self.consumer.is_some() && self.names_a_file() {
            return Err("--consumer cannot be used with -o FILE, whose position belongs to the file".into());
        }
        Ok(())
    }
}

/// Refuses formats, shapes and columns that cannot be combined, as far as they were typed; what a file's
/// name or a mistyped column says is refused where it is read.
pub(super) fn check_encoder(
    format: Option<Format>,
    shape: Option<Shape>,
    fields: Option<&str>,
    purpose: OutputUse,
) -> Result<(), String> {
    let Some(format) = format else { return Ok(()) };
    let fields = fields.filter(|text| *text != "help").and_then(|text| Fields::parse(text).ok());
    encode::check(format, shape.unwrap_or_default(), fields.as_ref(), purpose).map_err(|error| {
        let hint = error.advice().map(|hint| format!("; {hint}"));
        format!("{}{}", error.message(), hint.unwrap_or_default())
    })
}

/// Reads a stream's name or alias; a typo is refused with the nearest.
pub(super) fn stream() -> impl TypedValueParser<Value = Stream> {
    #[derive(Clone)]
    struct Names;
    impl TypedValueParser for Names {
        type Value = Stream;

        fn parse_ref(
            &self,
            command: &clap::Command,
            arg: Option<&clap::Arg>,
            value: &std::ffi::OsStr,
        ) -> Result<Stream, clap::Error> {
            let parser = |text: &str| text.parse::<Stream>();
            TypedValueParser::parse_ref(&parser, command, arg, value)
        }

        fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
            Some(Box::new(Stream::ALL.into_iter().map(|stream| PossibleValue::new(stream.name()))))
        }
    }
    Names
}

/// Reads permissions such as `640` or `0640`.
pub(super) fn file_mode(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| digits && *mode <= 0o777)
        .ok_or_else(|| "not permissions; write three octal digits, as 600 or 640".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::refused;
    use crate::cli::{Cli, Command};

    fn fetch(line: &str) -> FetchArgs {
        match Cli::read(line.split(' ')).unwrap().command {
            Command::Fetch(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn streams_are_read_by_name_and_alias() {
        let args = fetch("opev fetch sign-in itemUsage audit");
        assert_eq!(args.streams, Stream::ALL);
        assert!(fetch("opev fetch").streams.is_empty());
    }

    #[test]
    fn times_numbers_and_modes_are_read() {
        let args = fetch("opev fetch --since 1h30m --until now --page-size 7 --jobs 16 -o x --file-mode 640");
        assert_eq!(args.since, Some(TimeExpr::Ago(Duration::from_secs(5400))));
        assert_eq!((args.page_size, args.jobs, args.file_mode), (Some(7), Some(16), Some(0o640)));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (line, text) in [
            ("opev fetch --page-size 0", "0 is not in 1..=1000"),
            ("opev fetch --page-size 1001", "1001 is not in 1..=1000"),
            ("opev fetch --jobs 17", "17 is not in 1..=16"),
            ("opev fetch --timeout 0", "0 leaves no time at all"),
            ("opev fetch --timeout 30", "did you mean 30s?"),
            ("opev fetch --since someday", "not a time; write 2026-11-20"),
            ("opev fetch --since -2h", "not a time; write 2026-11-20"),
            ("opev fetch -o x --file-mode 9", "not permissions"),
            ("opev fetch -o x --file-mode 4755", "not permissions"),
            ("opev fetch --format yaml", "[possible values: table, ndjson, json, csv, record]"),
        ] {
            let error = refused(line);
            assert!(error.contains(text), "{line}: {error}");
        }
    }

    #[test]
    fn a_resumed_stream_refuses_what_belongs_to_questions() {
        for rest in ["--until now", "--limit 1", "--last 1", "--sort time", "-o x --overwrite"] {
            let error = refused(&format!("opev fetch --resume {rest}"));
            assert!(error.contains("cannot be used with"), "{rest}: {error}");
        }
        assert!(refused("opev fetch --resume --format json").contains("use ndjson"));
        assert!(refused("opev fetch --resume --format table -o x").contains("use ndjson or csv"));
        assert!(refused("opev fetch --resume --consumer me -o x").contains("belongs to the file"));
        assert_eq!(fetch("opev fetch --resume --consumer me -o -").consumer.as_deref(), Some("me"));
        for flag in ["--consumer me", "--lock-wait 1m", "--accept-gap"] {
            assert!(refused(&format!("opev fetch {flag}")).contains("--resume"), "{flag}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for rest in [
            "--limit 1 --last 1",
            "--region eu --base-url x",
            "--token-file x --token-command y",
            "--all-profiles --profile x",
            "--all-profiles --token-file x",
            "--all-profiles --base-url x",
        ] {
            let error = refused(&format!("opev fetch {rest}"));
            assert!(error.contains("cannot be used with"), "{rest}: {error}");
        }
        assert!(refused("opev fetch --fields a --format json").contains("use jq"));
        assert!(refused("opev fetch --file-mode 600").contains("--output <FILE>"));
    }
}
