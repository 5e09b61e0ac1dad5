//! `opev summary`: arguments in, a report out.

use super::analysis::{self, Analysis};
use super::{End, Invocation};
use crate::analyze::{CountBy, Report, ReportFormat, ReportStyle, RowLimit};
use crate::cli::summary::SummaryArgs;
use crate::error::Result;

/// Runs `opev summary`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are told at the end.
pub fn run(invocation: &Invocation, args: &SummaryArgs) -> Result<End> {
    super::require_stdout()?;
    let Analysis { fold, names, zone, tally } =
        analysis::fold(invocation, &args.analysis, |scope| CountBy::new(&args.by, scope.period, scope.zone))?;
    let limit = RowLimit { top: args.top, bottom: args.bottom };
    if let Some(fold) = fold {
        let style = ReportStyle { names, codes: args.codes, zone, text: super::text_style(invocation) };
        print_report(invocation, args, &fold.report(limit), &style)?;
    }
    let end = tally.conclude();
    if !args.analysis.filter.terms().is_empty() {
        tally.note_selection();
    }
    Ok(End::of(end))
}

fn print_report(
    invocation: &Invocation,
    args: &SummaryArgs,
    report: &Report,
    style: &ReportStyle,
) -> Result<()> {
    let is_terminal = invocation.stdout_is_terminal;
    let format = args.format.unwrap_or(if is_terminal { ReportFormat::Table } else { ReportFormat::Ndjson });
    let mut bytes = Vec::new();
    format.write(report, style, &mut bytes);
    report.notes().iter().for_each(|note| log::warn!("{note}"));
    match format {
        ReportFormat::Json | ReportFormat::Ndjson => super::print_json(invocation, &bytes)?,
        ReportFormat::Table | ReportFormat::Csv => {
            super::print_paged(invocation, args.analysis.account.file.config.as_deref(), &bytes)?
        }
    };
    Ok(())
}
