//! `opev summary`: what happened, counted.

use std::time::Duration;

use clap::Args;

use super::analysis::{AnalysisArgs, ReportOutputArgs};
use crate::analyze::ByFields;
use crate::time::duration;

const EXAMPLES: &str = "\
Examples:
  opev summary --since 7d                        the week in a terminal
  opev summary --since 7d --compare 7d           beside the week before
  opev summary --since 7d -o week.html           a page with charts, a map and what rules found
  opev summary signin --by user,ip --failed --since 7d
  opev summary --by action --since 30d --format csv
  opev summary --from saved.ndjson.gz --format json | jq '.sections[] | select(.name == \"travel\")'";

/// The arguments of `opev summary`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct SummaryArgs {
    /// Which events.
    #[command(flatten)]
    pub analysis: AnalysisArgs,

    /// Count the events by these fields only
    ///
    /// One to four, with commas between them: stream, user (who acted, or tried to sign in), target (whom it was
    /// done to), ip, network, country, city, action, object, outcome, reason, item, vault, group, device, platform, app, os,
    /// session, account, day, hour, weekday. An event without the field is counted as one without it. Session
    /// traffic counts too, unless --no-sessions leaves it out.
    #[arg(long, value_name = "FIELD[,FIELD]", help_heading = "Summary")]
    pub by: Option<ByFields>,

    /// Only the N most frequent [default: 10 a section; with --by all]
    ///
    /// Of equal counts the first by name comes first.
    #[arg(long, value_name = "N", help_heading = "Summary")]
    pub top: Option<usize>,

    /// Only the N least frequent [default: 5 a section]
    ///
    /// With --by and --top both ends.
    #[arg(long, value_name = "N", help_heading = "Summary")]
    pub bottom: Option<usize>,

    /// Compare with the same range this much earlier
    ///
    /// --since 7d --compare 7d: the last seven days, and beside each count that of the seven days before. Needs
    /// --since for files.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Summary")]
    pub compare: Option<Duration>,

    /// The output.
    #[command(flatten)]
    pub output: ReportOutputArgs,
}

impl SummaryArgs {
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.compare.is_some() && self.analysis.saved.is_given() && self.analysis.range.since.is_none() {
            return Err(
                "--compare with --from needs --since: without it every event of the files counts".into()
            );
        }
        self.analysis.check()
    }
}
