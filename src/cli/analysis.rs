//! What `summary`, `exposure` and `detect` have in common: which events they look at, and whose.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::account::AccountArgs;
use super::connection::{JobArgs, PageArgs};
use super::filter::FilterArgs;
use super::range::RangeArgs;
use super::saved_events::SavedEventArgs;
use super::shard::ShardArg;
use super::stream::StreamArgs;
use crate::analyze::ReportFormat;

/// Which events are looked at, and whose.
#[derive(Args, Clone, Debug, Default)]
pub struct AnalysisArgs {
    /// Which streams.
    #[command(flatten)]
    pub streams: StreamArgs,

    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Look at every enabled profile of the configuration, all together
    ///
    /// Each profile brings its own server and token; those of the environment and of the command line do
    /// not apply. A profile that fails stops no other.
    #[arg(long, help_heading = "Account",
          conflicts_with_all = ["profile", "region", "base_url", "token_file", "token_command"])]
    pub all_profiles: bool,

    /// Which of them.
    #[command(flatten)]
    pub shard: ShardArg,

    /// Which events.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Files instead of the service.
    #[command(flatten)]
    pub saved: SavedEventArgs,

    /// From when to when.
    #[command(flatten)]
    pub range: RangeArgs,

    /// How large the service's answers are.
    #[command(flatten)]
    pub page: PageArgs,

    /// How much is done at once.
    #[command(flatten)]
    pub job: JobArgs,
}

/// The form and place of a report.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportOutputArgs {
    /// Form of the output
    ///
    /// By default a table when standard output is a terminal, else ndjson; with -o by the file's extension.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<ReportFormat>,

    /// Show codes instead of words
    ///
    /// In what is made for people: the service's own codes, as opev words lists them.
    #[arg(long, help_heading = "Output")]
    pub codes: bool,

    /// Write to this file; - is standard output
    ///
    /// It is written beside the file and renamed into place when complete.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Replace an output file that exists
    ///
    /// A file that is managed by opev fetch --resume is never replaced.
    #[arg(long, requires = "output", help_heading = "Output")]
    pub overwrite: bool,
}

impl AnalysisArgs {
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        self.filter.check()?;
        self.saved.refuse_beside(&[
            ("--all-profiles", self.all_profiles),
            ("--late <DURATION>", self.range.late.is_some()),
        ])
    }
}
