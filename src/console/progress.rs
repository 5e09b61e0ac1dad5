//! The progress line: events, pages, rate, part of the range, remaining time.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::fs::FileType;

use crate::console::stderr::ProgressText;
use crate::console::{Console, PATIENCE};

/// A progress line; one that is not wanted costs a branch.
#[derive(Debug)]
pub struct Progress {
    console: Console,
    /// The text of the line; none where no line is drawn.
    text: Option<ProgressText>,
    started: Duration,
    pages: u64,
    events: u64,
    range: Option<(DateTime<Utc>, DateTime<Utc>)>,
    reached: Option<DateTime<Utc>>,
}

impl Progress {
    /// A line that says `begun` until the first page is there.
    pub(super) fn new(console: Console, wanted: bool, begun: String) -> Self {
        let text = wanted.then(|| {
            let text: ProgressText = Arc::new(Mutex::new(begun));
            console.0.stderr.show_progress(Arc::clone(&text), PATIENCE);
            text
        });
        let started = console.0.clock.elapsed();
        Progress { console, text, started, pages: 0, events: 0, range: None, reached: None }
    }

    /// Says which range is read, so that a share of it can be shown.
    pub fn set_range(&mut self, since: DateTime<Utc>, until: DateTime<Utc>) {
        self.range = Some((since, until));
    }

    /// Counts a page with its events and the latest time among them.
    pub fn page(&mut self, events: usize, latest: Option<DateTime<Utc>>) {
        self.pages += 1;
        self.events += events as u64;
        self.reached = self.reached.max(latest);
        if let Some(text) = &self.text {
            let elapsed = self.console.0.clock.elapsed().saturating_sub(self.started);
            *text.lock().unwrap_or_else(PoisonError::into_inner) = self.message(elapsed);
        }
    }

    /// Data has gone to standard output. Where that is a pipe, its reader (a pager, most often) draws on
    /// the same terminal from now on, so the line is taken away; likewise where it is the terminal itself.
    pub fn data_written(&mut self, output: DataOutput) {
        if matches!(output, DataOutput::Terminal | DataOutput::Pipe) {
            self.clear();
        }
    }

    /// Takes the line off the screen, for good.
    pub fn clear(&mut self) {
        if self.text.take().is_some() {
            self.console.0.stderr.clear_progress(PATIENCE);
        }
    }

    fn message(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let rate = (self.events as f64 / seconds).round();
        let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (events, pages) = (counted(self.events, "event"), counted(self.pages, "page"));
        let mut text = format!("{events}, {pages}, {rate}/s");
        if let Some(share) = self.share() {
            text.push_str(&format!(", {:.0} %", share * 100.0));
            if share > 0.02 && share < 1.0 {
                let left = seconds / share - seconds;
                text.push_str(&format!(", {} to go", short(left)));
            }
        }
        text
    }

    /// How much of the range's time has been read, from 0 to 1.
    fn share(&self) -> Option<f64> {
        let ((since, until), reached) = (self.range?, self.reached?);
        let whole = (until - since).num_milliseconds().max(1) as f64;
        Some(((reached - since).num_milliseconds() as f64 / whole).clamp(0.0, 1.0))
    }
}

/// Where a run's data goes, as far as the progress line must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataOutput {
    /// Standard output is a terminal.
    Terminal,
    /// Standard output is a pipe, a FIFO or a socket: another program reads it.
    Pipe,
    /// Data goes to a file or a device that is not a terminal.
    File,
}

impl DataOutput {
    /// What standard output is.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            return DataOutput::Terminal;
        }
        match rustix::fs::fstat(&stdout).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::Fifo | FileType::Socket) => DataOutput::Pipe,
            _ => DataOutput::File,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A duration as text: `5s`, `3m`, `2h`.
fn short(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0}s"),
        s if s < 5400.0 => format!("{:.0}m", s / 60.0),
        s => format!("{:.0}h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use log::LevelFilter;

    use super::*;
    use crate::clock::RealClock;
    use crate::console::{ConsoleOptions, LogFormat};

    #[test]
    fn the_line_goes_once_data_has_gone_to_a_pager_and_stays_beside_a_file() {
        for (output, stays) in
            [(DataOutput::File, true), (DataOutput::Pipe, false), (DataOutput::Terminal, false)]
        {
            let mut progress = line();
            progress.text = Some(ProgressText::default());
            progress.data_written(output);
            assert_eq!(progress.text.is_some(), stays, "{output:?}");
        }
    }

    #[test]
    fn the_line_tells_rate_share_and_time_to_go() {
        let mut progress = line();
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        progress.set_range(at(0), at(1000));
        progress.page(500, Some(at(250)));
        assert_eq!(progress.message(Duration::from_secs(10)), "500 events, 1 page, 50/s, 25 %, 30s to go");
    }

    /// A line that is not drawn.
    fn line() -> Progress {
        let options = ConsoleOptions {
            level: LevelFilter::Warn,
            format: LogFormat::Text,
            colour: false,
            progress: true,
        };
        let console = Console::new(options, Arc::new(RealClock::new()));
        Progress::new(console, false, String::new())
    }
}
