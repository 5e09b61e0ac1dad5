//! `opev exposure`: who has seen which secrets.

use clap::Args;

use super::analysis::{AnalysisArgs, ReportOutputArgs};

const EXAMPLES: &str = "\
Examples:
  opev exposure --user rafael.antunes@example.com --since 90d
  opev exposure --device 'Pixel 9' --since 30d --format csv -o rotate.csv
  opev exposure --vault amsdiruxsuxxm7ickkm3gyfdhl --from saved.ndjson.gz";

/// The arguments of `opev exposure`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ExposureArgs {
    /// Which events.
    #[command(flatten)]
    pub analysis: AnalysisArgs,

    /// Only the N that were seen last
    ///
    /// Without it all of them.
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub top: Option<usize>,

    /// The output.
    #[command(flatten)]
    pub output: ReportOutputArgs,
}

impl ExposureArgs {
    /// Whether it is asked what somebody saw, and not who saw something.
    pub fn asks_of_viewers(&self) -> bool {
        let filter = &self.analysis.filter;
        [&filter.user, &filter.actor, &filter.device, &filter.ip].iter().any(|values| !values.is_empty())
    }

    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        let filter = &self.analysis.filter;
        if !self.asks_of_viewers() && filter.item.is_empty() && filter.vault.is_empty() {
            return Err(
                "name whom it is about: --user, --device or --ip (what they saw), or --item or --vault \
                        (who saw it)"
                    .into(),
            );
        }
        if filter.jq.is_some() {
            return Err("--jq is not for exposure: use the other filters".into());
        }
        self.analysis.check()
    }
}
