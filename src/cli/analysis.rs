//! What `summary`, `exposure` and `detect` have in common: which events they look at, and whose.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::account::AccountArgs;
use super::codes::CodesArg;
use super::connection::{JobArgs, PageArgs};
use super::filter::FilterArgs;
use super::profiles::ProfilesArgs;
use super::range::RangeArgs;
use super::saved_events::SavedEventArgs;
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

    /// One profile, or all.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

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

    /// Codes or words.
    #[command(flatten)]
    pub codes: CodesArg,

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
            ("--all-profiles", self.profiles.all),
            ("--late <DURATION>", self.range.late.is_some()),
        ])
    }
}
