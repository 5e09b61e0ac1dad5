//! `opev summary`: what happened, counted.

use clap::Args;

use super::analysis::AnalysisArgs;
use crate::analyze::{ByFields, ReportFormat};

const EXAMPLES: &str = "\
Examples:
  opev summary signin --by user,ip --failed --since 7d
  opev summary --by action --since 30d --format csv
  opev summary --by country --from saved.ndjson.gz --top 20";

/// The arguments of `opev summary`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct SummaryArgs {
    /// Which events.
    #[command(flatten)]
    pub analysis: AnalysisArgs,

    /// Count the events by these fields
    ///
    /// One to four, with commas between them: stream, user (who acted, or tried to sign in), target (whom it was
    /// done to), ip, country, city, action, object, outcome, reason, item, vault, group, device, platform, app, os,
    /// session, account, day, hour, weekday. An event without the field is counted as one without it.
    #[arg(long, value_name = "FIELD[,FIELD]", required = true, help_heading = "Summary")]
    pub by: ByFields,

    /// Only the N most frequent
    ///
    /// Of equal counts the first by name comes first.
    #[arg(long, value_name = "N", help_heading = "Summary")]
    pub top: Option<usize>,

    /// Only the N least frequent
    ///
    /// With --top both ends.
    #[arg(long, value_name = "N", help_heading = "Summary")]
    pub bottom: Option<usize>,

    /// Form of the output: table, json, ndjson or csv
    ///
    /// By default a table when standard output is a terminal, else ndjson.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<ReportFormat>,

    /// Show codes instead of words in tables
    ///
    /// The service's own codes, as opev words lists them.
    #[arg(long, help_heading = "Output")]
    pub codes: bool,
}

impl SummaryArgs {
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        self.analysis.check()
    }
}
