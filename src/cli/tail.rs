//! `opev tail`: which events, how often to look, in which form, where to.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::collect::CollectArgs;
use crate::encode::{OutputUse, Shape};
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
    /// What fetch and tail have in common.
    #[command(flatten)]
    pub collect: CollectArgs,

    /// Begin with the last N events, of all streams together [default: 10]
    ///
    /// Looks back one hour, then a day, then a week, and shows fewer when there are fewer. 0 begins now, and is
    /// the default with --exec and --post.
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

    /// Show the events that there are, and do not wait for more
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

    /// Highlight what matches this regular expression
    ///
    /// Every row is shown; the matches stand out, where there is colour. (?i) at the start ignores case.
    /// What a row does not show (a column cut short, or left out) is not looked at.
    #[arg(long, value_name = "REGEX", help_heading = "Output", conflicts_with = "resume")]
    pub highlight: Option<String>,

    /// Write a JSON line here whenever a stream's state changes; - is stderr
    ///
    /// Pending, Started, Initialized, Authenticated, Collecting, Error, Stopping, each with time, stream
    /// and reason. A file is appended to; /dev/fd/3 is an open descriptor.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Messages")]
    pub health_file: Option<PathBuf>,
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
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        let purpose = self.collect.saved_use().unwrap_or(OutputUse::Follow);
        self.collect.check(purpose, Shape::default())
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
        assert!(refused("opev tail --format json").contains("never be written"));
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
