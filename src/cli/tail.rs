//! `opev tail`: which events, how often to look, in which form, where to.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::account::AccountArgs;
use super::fetch::{Format, Shape, file_mode};
use super::stream::{StreamChoice, StreamParser};
use crate::event::Stream;
use crate::time::TimeExpr;
use crate::time::duration;

/// The shortest interval: the service has nothing newer more often, and allows ten requests a second.
const SHORTEST: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  opev tail                                    the last 10 events, then new ones as they come
  opev tail signin --since 1h --highlight 203.0.113
  opev tail --interval 10s --interval items=1m
  opev tail audit -n 0 | jq -r .action         from now on
  opev tail --resume -o events.ndjson          as a service: each event once, whatever happens";

/// The arguments of `opev tail`.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// signin, items, audit or all; all by default
    ///
    /// Several may be given, with spaces or commas between them. The API's names (signinattempts,
    /// itemusages, auditevents) are understood as well. all means every stream that the token grants.
    #[arg(value_name = "STREAM", value_parser = StreamParser, value_delimiter = ',', hide_possible_values = true)]
    pub stream_choices: Vec<StreamChoice>,

    /// The streams that were named, each once; none where all are wanted.
    #[arg(skip)]
    pub streams: Vec<Stream>,

    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Follow every enabled profile of the configuration
    ///
    /// Each profile brings its own server and token; those of the environment and of the command line do
    /// not apply. One that fails does not stop the others.
    #[arg(long, help_heading = "Account",
          conflicts_with_all = ["profile", "region", "base_url", "token_file", "token_command"])]
    pub all_profiles: bool,

    /// Begin with the last N events, of all streams together [default: 10]
    ///
    /// Looks back one hour, then a day, then a week, and shows fewer when there are fewer. 0 begins now.
    #[arg(short = 'n', long, value_name = "N", help_heading = "Which events", conflicts_with = "resume")]
    pub lines: Option<u64>,

    /// Begin with the events from this time on
    ///
    /// 2026-11-20, "2026-11-20 14:05", 09:00, "yesterday 09:00", monday, @1763700000, now, today,
    /// yesterday, or a length of time ago: 90s, 15m, 2h, 7d, "2 hours ago". Inclusive. With -n the last N of them. Under --resume it counts only until a position
    /// is saved [default there: 24h].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub since: Option<TimeExpr>,

    /// Look for new events this often, 1s at least [default: 30s]
    ///
    /// Moved by a tenth either way by chance. STREAM=DURATION is for one stream; may be given several
    /// times. Where the service refuses requests (429) it is doubled, up to 15m, until all is well again.
    #[arg(long, value_name = "[STREAM=]DURATION", help_heading = "Which events")]
    pub interval: Vec<Interval>,

    /// Show what there is, and do not wait for more
    ///
    /// The run ends with 0 once every stream is read to its end.
    #[arg(long, help_heading = "Which events")]
    pub no_follow: bool,

    /// End after this long, with 0
    ///
    /// Counts from the start of the run.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse,
          help_heading = "Which events", conflicts_with = "no_follow")]
    pub duration: Option<Duration>,

    /// Ask for this many events a request, 1 to 1000 [default: 1000]
    ///
    /// Changes how many requests are made, never what comes out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000),
          help_heading = "Connection")]
    pub page_size: Option<u16>,

    /// Form of the output: table, ndjson or csv
    ///
    /// By default a table when standard output is a terminal, else ndjson; with -o by the file's
    /// extension. json is refused, because its array would never end.
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

    /// Mark what matches this regular expression
    ///
    /// Every row is shown; the matches stand out, where there is colour. (?i) at the start ignores case.
    /// What a row does not show (a column cut short, or left out) is not looked at.
    #[arg(long, value_name = "REGEX", help_heading = "Output", conflicts_with = "resume")]
    pub highlight: Option<String>,

    /// With --resume, manage this file; - is standard output
    ///
    /// {stream} and {profile} in the name stand for themselves. Each event is in the file once, whatever
    /// happens. SIGHUP opens it anew, for log rotation. FIFOs and devices do without --resume.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Permissions of a new output file, in octal [default: 600]
    ///
    /// Events tell who did what from where; others can read the file only when this says so.
    #[arg(long, value_name = "OCTAL", requires = "output", value_parser = file_mode, help_heading = "Output")]
    pub file_mode: Option<u32>,

    /// Write a JSON line here whenever a stream's state changes; - is stderr
    ///
    /// Pending, Started, Initialized, Authenticated, Collecting, Error, Stopping, each with time, stream
    /// and reason. A file is appended to; /dev/fd/3 is an open descriptor.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Messages")]
    pub health_file: Option<PathBuf>,

    /// Continue from the saved position, and save it as events are delivered
    ///
    /// The mode for a service. A position belongs to the profile and to the output file, or to
    /// --consumer. Without one it starts at --since. Running it again is always safe.
    #[arg(long, help_heading = "Saved positions")]
    pub resume: bool,

    /// Keep the position under this name [default: stdout]
    ///
    /// For output that is not a file. Needed with --resume on a terminal, so that nobody reads away the
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
}

/// How often to look, for one stream or for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The stream; none means those without an interval of their own.
    pub stream: Option<Stream>,
    /// How often.
    pub every: Duration,
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stream, every) = match text.split_once('=') {
            Some((stream, every)) => {
                (Some(stream.parse().map_err(|e: crate::event::UnknownStream| e.to_string())?), every)
            }
            None => (None, text),
        };
        let every = duration::parse(every)?;
        if every < SHORTEST {
            return Err("shorter than 1s".into());
        }
        Ok(Interval { stream, every })
    }
}

impl TailArgs {
    /// Whether the output is a named file rather than standard output.
    pub fn names_a_file(&self) -> bool {
        self.output.as_ref().is_some_and(|path| path.as_os_str() != "-")
    }

    /// Refuses what only the values tell to be contradictory.
    pub(super) fn check(&self) -> Result<(), String> {
        let because = |text: &str| Err(text.to_owned());
        match self.format {
            Some(Format::Json) => {
                because("--format json cannot be used with tail, whose array would never end; use ndjson")
            }
            Some(Format::Table) if self.resume && self.names_a_file() => {
                because("--format table cannot be used with --resume -o FILE; use ndjson or csv")
            }
            Some(Format::Ndjson) if self.fields.as_deref().is_some_and(|f| f != "help") => {
                because("--fields chooses columns of tables and CSV; for JSON use jq")
            }
            _ if self.consumer.is_some() && self.names_a_file() => {
                because("--consumer cannot be used with -o FILE, whose position belongs to the file")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::refused;
    use crate::cli::{Cli, Command};

    fn tail(line: &str) -> TailArgs {
        match Cli::read(line.split(' ')).unwrap().command {
            Command::Tail(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn intervals_are_for_all_streams_or_for_one() {
        let args = tail("opev tail --interval 10s --interval usages=1m -n 0 --for 10m");
        let every = |stream, s| Interval { stream, every: Duration::from_secs(s) };
        assert_eq!(args.interval, [every(None, 10), every(Some(Stream::ItemUsages), 60)]);
        assert_eq!((args.lines, args.duration), (Some(0), Some(Duration::from_secs(600))));
        for wrong in ["999ms", "0", "30", "audits=", "nobody=3s"] {
            refused(&format!("opev tail --interval {wrong}"));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(refused("opev tail --format json").contains("never end"));
        for line in [
            "--resume -n 5",
            "--resume --highlight x",
            "--for 1m --no-follow",
            "--accept-gap",
            "--all-profiles --profile x",
        ] {
            refused(&format!("opev tail {line}"));
        }
        assert!(refused("opev tail --fields a --format ndjson").contains("use jq"));
    }
}
