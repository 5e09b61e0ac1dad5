//! `opev fetch`: which events, in which form, where to.

use clap::{Args, ValueEnum};

use super::collect::CollectArgs;
use super::connection::JobArgs;
use super::range::RangeArgs;
use super::saved_events::SavedEventArgs;
use crate::encode::{OutputUse, Shape};

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
  opev fetch --profile demo                    made-up events; needs no account
  opev fetch signin --since 2h                 sign-ins of the last two hours
  opev fetch --resume -o events.ndjson         from cron: each event once
  opev fetch --since yesterday --until today --format csv -o yesterday.csv
  opev fetch audit --since 7d | jq -r .action | sort | uniq -c
  opev fetch --failed --from yesterday.ndjson  the same questions to saved events";

/// The arguments of `opev fetch`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct FetchArgs {
    /// What fetch and tail have in common.
    #[command(flatten)]
    pub collect: CollectArgs,

    /// Files instead of the service.
    #[command(flatten)]
    pub saved: SavedEventArgs,

    /// From when to when.
    #[command(flatten)]
    pub range: RangeArgs,

    /// Only the first N events
    ///
    /// The first N of the order in which they come out, of each profile.
    #[arg(long, value_name = "N", help_heading = "Which events", conflicts_with_all = ["last", "resume"])]
    pub limit: Option<u64>,

    /// Only the newest N events
    ///
    /// The whole range is read; the newest N of it come out, of each profile.
    #[arg(long, value_name = "N", help_heading = "Which events", conflicts_with = "resume")]
    pub last: Option<u64>,

    /// Order of the events
    ///
    /// timeline merges the streams as their events come; it needs no memory, and is the default for ndjson.
    /// time reads everything first, then sorts by timestamp, stream and uuid; it is the default for tables,
    /// csv and json.
    #[arg(long, value_name = "ORDER", help_heading = "Which events", conflicts_with = "resume")]
    pub sort: Option<Sort>,

    /// Newest events first
    ///
    /// Reads everything, then sorts by time. --limit counts the newest then.
    #[arg(short, long, help_heading = "Which events", conflicts_with = "resume")]
    pub reverse: bool,

    /// Replace an output file that exists
    ///
    /// A file that is managed by --resume is never replaced.
    #[arg(long, requires = "output", conflicts_with = "resume", help_heading = "Output")]
    pub overwrite: bool,

    /// Exit with 1 when there was no event
    ///
    /// Without it, no events is success.
    #[arg(long, help_heading = "Output")]
    pub fail_if_empty: bool,

    /// Show what would be requested and written, and stop
    ///
    /// The settings, the token and the range are checked; nothing is sent and nothing is written.
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,

    /// How much is done at once.
    #[command(flatten)]
    pub job: JobArgs,
}

impl FetchArgs {
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.reverse && self.sort == Some(Sort::Timeline) {
            return Err("--reverse sorts by time, and cannot be used with --sort timeline".into());
        }
        let collect = &self.collect;
        self.saved.refuse_beside(&[
            ("--resume", collect.resume),
            ("--all-profiles", collect.profiles.all),
            ("--late <DURATION>", self.range.late.is_some()),
        ])?;
        if collect.resume && self.range.until.is_some() {
            return Err("the argument '--resume' cannot be used with '--until <TIME>'".into());
        }
        let purpose = self.collect.saved_use().unwrap_or(OutputUse::Question);
        let is_mixed = self.collect.profiles.all && !self.collect.names_a_file();
        self.collect.check(purpose, if is_mixed { Shape::Envelope } else { Shape::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::tests::refused;
    use crate::cli::{Cli, Command};
    use crate::event::Stream;
    use crate::time::TimeExpr;

    fn fetch(line: &str) -> FetchArgs {
        match Cli::read(line.split(' ')).unwrap().command {
            Command::Fetch(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn streams_are_read_by_name_and_alias() {
        let args = fetch("opev fetch sign-in itemUsage audit");
        assert_eq!(args.collect.streams.named, Stream::ALL);
        let args = fetch("opev fetch audit,signin signinattempts");
        assert_eq!(args.collect.streams.named, [Stream::AuditEvents, Stream::SignInAttempts]);
        assert!(fetch("opev fetch all").collect.streams.named.is_empty());
        assert!(fetch("opev fetch signin,all").collect.streams.named.is_empty());
        assert!(fetch("opev fetch").collect.streams.named.is_empty());
    }

    #[test]
    fn times_numbers_and_modes_are_read() {
        let args = fetch("opev fetch --since 1h30m --until now --page-size 7 --jobs 16 -o x --file-mode 640");
        assert_eq!(args.range.since, Some(TimeExpr::Ago(Duration::from_secs(5400))));
        assert_eq!(
            (args.collect.page.page_size, args.job.jobs, args.collect.file_mode),
            (Some(7), Some(16), Some(0o640))
        );
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
            ("opev fetch --since 1763700000", "did you mean @1763700000?"),
            ("opev fetch -o x --file-mode 9", "not permissions"),
            ("opev fetch -o x --file-mode 4755", "not permissions"),
            ("opev fetch --format yaml", "[possible values: table, ndjson, json, csv, record, parquet]"),
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
        assert_eq!(fetch("opev fetch --resume --consumer me -o -").collect.consumer.as_deref(), Some("me"));
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
