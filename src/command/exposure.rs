//! `opev exposure`: arguments in, a report out.

use super::analysis::{self, Analysis, AnalysisPlan};
use super::report_output::ReportOutput;
use super::{End, Invocation};
use crate::analyze::{Exposure, ExposureOf, ReportStyle};
use crate::cli::exposure::ExposureArgs;
use crate::error::Result;

/// Runs `opev exposure`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are told at the end.
pub fn run(invocation: &Invocation, args: &ExposureArgs) -> Result<End> {
    let of = if args.asks_of_viewers() { ExposureOf::Viewer } else { ExposureOf::Secret };
    let profiles = analysis::profiles(invocation, &args.analysis)?;
    let output = ReportOutput::open(invocation, &args.output, &args.analysis, &profiles)?;
    // Who else saw something is said by events that the filter does not want.
    let plan = AnalysisPlan { profiles, compare: None, folds_all: true };
    let Analysis { fold, names, zone, tally } =
        analysis::fold(invocation, &args.analysis, plan, |scope| Exposure::new(of, scope.filter))?;
    if let Some(fold) = fold {
        let style = ReportStyle::new(names, args.output.codes.codes, zone, super::text_style(invocation));
        let report = fold.report(args.top);
        if report.is_empty() {
            invocation.runtime.console.note("nothing of it was seen in this time");
        }
        output.write(&report, &style)?;
    }
    Ok(End::of(tally.conclude()))
}
