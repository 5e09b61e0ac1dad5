//! `opev summary`: arguments in, a report out.

use super::analysis::{self, Analysis, AnalysisPlan, FoldScope};
use super::report_output::ReportOutput;
use super::{End, Invocation};
use crate::analyze::{CountBy, Fold, Report, ReportStyle, RowLimit, Summary};
use crate::cli::summary::SummaryArgs;
use crate::error::Result;

/// Runs `opev summary`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are told at the end.
pub fn run(invocation: &Invocation, args: &SummaryArgs) -> Result<End> {
    let limit = RowLimit { top: args.top, bottom: args.bottom };
    match &args.by {
        Some(fields) => summarize(
            invocation,
            args,
            |scope| CountBy::new(fields, scope.period, scope.zone),
            |counts| counts.report(limit),
        ),
        None => summarize(
            invocation,
            args,
            |scope| Summary::new(scope.period, scope.zone),
            |summary| summary.report(limit),
        ),
    }
}

fn summarize<F: Fold>(
    invocation: &Invocation,
    args: &SummaryArgs,
    make: impl Fn(&FoldScope<'_>) -> F + Sync,
    report: impl Fn(&F) -> Report,
) -> Result<End> {
    let profiles = analysis::profiles(invocation, &args.analysis)?;
    let output = ReportOutput::open(invocation, &args.output, &args.analysis, &profiles)?;
    let plan = AnalysisPlan { profiles, compare: args.compare, folds_all: false };
    let Analysis { fold, names, zone, tally } = analysis::fold(invocation, &args.analysis, plan, make)?;
    if let Some(fold) = fold {
        let style = ReportStyle::new(names, args.output.codes, zone, super::text_style(invocation));
        output.write(&report(&fold), &style)?;
    }
    let end = tally.conclude();
    if !args.analysis.filter.terms().is_empty() {
        tally.note_selection();
    }
    Ok(End::of(end))
}
