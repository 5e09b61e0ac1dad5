//! `opev summary`: arguments in, a report out.

use std::sync::Arc;

use super::analysis::{self, Analysis, AnalysisPlan, FoldScope};
use super::report_output::ReportOutput;
use super::{End, Invocation, detect, rules};
use crate::analyze::detect::{Level, RuleSet, of_level};
use crate::analyze::{CountBy, Fold, Report, ReportFormat, ReportStyle, RowLimit, Summary};
use crate::cli::detect::RuleArgs;
use crate::cli::summary::SummaryArgs;
use crate::config::Settings;
use crate::disk::real;
use crate::error::Result;
use crate::scratch::Scratch;
use crate::select::Names;

/// Runs `opev summary`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are told at the end.
pub fn run(invocation: &Invocation, args: &SummaryArgs) -> Result<End> {
    let limit = RowLimit { top: args.top, bottom: args.bottom };
    let profiles = analysis::profiles(invocation, &args.analysis)?;
    let output = ReportOutput::open(invocation, &args.output, &args.analysis, &profiles)?;
    let run = SummaryRun { invocation, args, output };
    match &args.by {
        Some(fields) => run.summarize(
            profiles,
            |scope| CountBy::new(fields, scope.period, scope.zone),
            |counts, _| Ok(counts.report(limit)),
        ),
        None => {
            let rules = match run.output.format() {
                ReportFormat::Html => Some(looked_for(&profiles)?),
                _ => None,
            };
            let scratch = Arc::new(Scratch::new(real::scratch));
            run.summarize(
                profiles,
                |scope| {
                    let summary = Summary::new(scope.period, scope.zone);
                    rules.iter().fold(summary, |summary, rules| summary.with_rules(rules, &scratch))
                },
                |summary, names| summary.report(limit, names),
            )
        }
    }
}

/// The rules of `opev detect`, for a page that tells what they found.
fn looked_for(profiles: &[Settings]) -> Result<Arc<RuleSet>> {
    let args = RuleArgs::default();
    let shown = of_level(rules::all(&args, profiles)?, Level::SHOWN);
    rules::ready(&args, shown, profiles, &detect::known_names(profiles))
}

/// What is summarised, and where it goes.
struct SummaryRun<'a> {
    invocation: &'a Invocation,
    args: &'a SummaryArgs,
    output: ReportOutput<'a>,
}

impl SummaryRun<'_> {
    fn summarize<F: Fold>(
        self,
        profiles: Vec<Settings>,
        make: impl Fn(&FoldScope<'_>) -> F + Sync,
        report: impl FnOnce(&mut F, &Names) -> Result<Report>,
    ) -> Result<End> {
        let SummaryRun { invocation, args, output } = self;
        let plan = AnalysisPlan { profiles, compare: args.compare, folds_all: false };
        let Analysis { fold, names, zone, tally } = analysis::fold(invocation, &args.analysis, plan, make)?;
        if let Some(mut fold) = fold {
            let report = report(&mut fold, &names)?;
            let style = ReportStyle::new(names, args.output.codes.codes, zone, super::text_style(invocation));
            output.write(&report, &style)?;
        }
        let end = tally.conclude();
        if !args.analysis.filter.terms().is_empty() {
            tally.note_selection();
        }
        Ok(End::of(end))
    }
}
