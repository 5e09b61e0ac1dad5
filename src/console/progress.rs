//! One line that tells how far a run is: events, pages, rate, how far through the range, how long to go.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// How often the line is redrawn at most, per second.
const REDRAWS: u8 = 10;

/// A progress line; one that is not wanted costs a branch.
#[derive(Debug)]
pub struct Progress {
    console: Console,
    bar: Option<ProgressBar>,
    pages: u64,
    events: u64,
    range: Option<(DateTime<Utc>, DateTime<Utc>)>,
    reached: Option<DateTime<Utc>>,
}

impl Progress {
    pub(super) fn new(console: Console, wanted: bool) -> Self {
        let bar = wanted.then(|| {
            let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr_with_hz(REDRAWS));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.set_message("asking the service");
            // Drawn at once, so that nobody stares at nothing while the first page is on its way.
            bar.tick();
            bar.enable_steady_tick(Duration::from_millis(120));
            *console.0.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
            bar
        });
        Progress { console, bar, pages: 0, events: 0, range: None, reached: None }
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
        if let Some(bar) = &self.bar {
            bar.set_message(self.message(bar.elapsed()));
        }
    }

    /// Takes the line off the screen, for good.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            *self.console.0.bar.lock().unwrap_or_else(PoisonError::into_inner) = None;
            bar.finish_and_clear();
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

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A duration for people: `5s`, `3m`, `2h`.
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
    fn the_line_tells_rate_share_and_time_to_go() {
        let options = ConsoleOptions {
            level: LevelFilter::Warn,
            format: LogFormat::Text,
            colour: false,
            progress: true,
        };
        let console = Console::new(options, Arc::new(RealClock::new()));
        let mut progress = Progress::new(console, false);
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        progress.set_range(at(0), at(1000));
        progress.page(500, Some(at(250)));
        assert_eq!(progress.message(Duration::from_secs(10)), "500 events, 1 page, 50/s, 25 %, 30s to go");
    }
}
