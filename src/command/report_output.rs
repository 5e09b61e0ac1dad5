//! Where a report goes: standard output, a pager, or a file that appears whole or not at all.

use std::path::Path;
use std::sync::Arc;

use super::{Invocation, print, print_json, print_paged};
use crate::analyze::{Report, ReportFormat, ReportStyle};
use crate::cli::analysis::{AnalysisArgs, ReportOutputArgs};
use crate::collect::plan::FILE_MODE;
use crate::config::Settings;
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, ErrorKind, Result};
use crate::output::Sink as _;
use crate::output::sink::replaced::ReplacedFile;
use crate::sanitize;

/// A report's form and place, decided before anything is read.
#[derive(Debug)]
pub(super) struct ReportOutput<'a> {
    invocation: &'a Invocation,
    /// The configuration file, which names variables that a pager does not get.
    config: Option<&'a Path>,
    format: ReportFormat,
    file: Option<ReplacedFile>,
}

impl<'a> ReportOutput<'a> {
    /// Decides the form, and opens a file, which no saved position of these profiles may manage.
    ///
    /// # Errors
    /// `Usage` when the file exists or its name tells no form; `Output` when it cannot be written, or standard
    /// output is closed.
    pub(super) fn open(
        invocation: &'a Invocation,
        args: &ReportOutputArgs,
        analysis: &'a AnalysisArgs,
        profiles: &[Settings],
    ) -> Result<Self> {
        let config = analysis.account.file.config.as_deref();
        let state_dir = profiles.first().and_then(|settings| settings.state_dir().ok());
        let path = args.output.as_deref().filter(|path| path.as_os_str() != "-");
        let Some(path) = path else {
            super::require_stdout()?;
            let is_terminal = invocation.stdout_is_terminal;
            let default = if is_terminal { ReportFormat::Table } else { ReportFormat::Ndjson };
            let format = args.format.unwrap_or(default);
            return Ok(ReportOutput { invocation, config, format, file: None });
        };
        let format = match args.format.or_else(|| ReportFormat::of_path(path)) {
            Some(format) => format,
            None => {
                let text = format!("-o {}: the name tells no format", shown(path));
                return Err(Error::new(ErrorKind::Usage, text)
                    .hint("end it with .html, .json, .ndjson, .csv or .txt, or add --format"));
            }
        };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let file = ReplacedFile::create(&disk, path, FILE_MODE, args.overwrite, state_dir)?;
        Ok(ReportOutput { invocation, config, format, file: Some(file) })
    }

    /// The form of the report.
    pub(super) fn format(&self) -> ReportFormat {
        self.format
    }

    /// Writes a report, and says what of it is not exact.
    ///
    /// # Errors
    /// `Output` as the sink does; a closed pipe is not a failure.
    pub(super) fn write(self, report: &Report, style: &ReportStyle) -> Result<()> {
        let mut bytes = Vec::new();
        self.format.write(report, style, &mut bytes);
        report.notes().iter().for_each(|note| log::warn!("{note}"));
        match (self.file, self.format) {
            (Some(mut file), _) => {
                file.write(&bytes)?;
                file.finish()
            }
            (None, ReportFormat::Json | ReportFormat::Ndjson) => {
                print_json(self.invocation, &bytes).map(drop)
            }
            (None, ReportFormat::Table) => print_paged(self.invocation, self.config, &bytes).map(drop),
            (None, _) => print(&bytes).map(drop),
        }
    }
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}
