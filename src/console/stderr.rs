//! The thread that writes to standard error: finished lines, and the progress line below them.

use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::background_queue::{BackgroundQueue, QueueWorker};
use super::{ConsoleOptions, LogFormat};
use crate::clock::Clock;

/// How many lines may wait for a reader.
const CAPACITY: usize = 1024;

/// How often the progress line is drawn.
const DRAW_PERIOD: Duration = Duration::from_millis(120);

/// How often the progress line is redrawn at most, per second.
const REDRAWS: u8 = 10;

/// The text of the progress line; set by the run, read by the drawing thread.
pub(super) type ProgressText = Arc<Mutex<String>>;

/// The writer of standard error; its thread starts with the first line.
#[derive(Debug)]
pub(super) struct StderrQueue {
    options: ConsoleOptions,
    clock: Arc<dyn Clock>,
    /// None where the thread could not be started.
    queue: OnceLock<Option<BackgroundQueue<StderrItem>>>,
}

/// What is done to standard error.
#[derive(Debug)]
enum StderrItem {
    Line(String),
    Question(String),
    ShowProgress(ProgressText),
    ClearProgress,
}

impl StderrQueue {
    pub(super) fn new(options: ConsoleOptions, clock: Arc<dyn Clock>) -> Self {
        StderrQueue { options, clock, queue: OnceLock::new() }
    }

    /// Writes a finished line, and waits for that as long as `patience`.
    pub(super) fn line(&self, text: &str, is_important: bool, patience: Duration) {
        match self.queue() {
            Some(queue) => queue.push_and_wait(StderrItem::Line(text.to_owned()), is_important, patience),
            None => write_line(text),
        }
    }

    /// Writes a question, whose answer is typed behind it.
    pub(super) fn question(&self, text: &str, patience: Duration) {
        match self.queue() {
            Some(queue) => queue.push_and_wait(StderrItem::Question(text.to_owned()), true, patience),
            None => write_question(text),
        }
    }

    /// Draws a progress line from now on.
    pub(super) fn show_progress(&self, text: ProgressText, patience: Duration) {
        if let Some(queue) = self.queue() {
            queue.push_and_wait(StderrItem::ShowProgress(text), true, patience);
        }
    }

    /// Takes the progress line off the screen.
    pub(super) fn clear_progress(&self, patience: Duration) {
        if let Some(queue) = self.queue() {
            queue.push_and_wait(StderrItem::ClearProgress, true, patience);
        }
    }

    /// Waits until everything is written, but not longer than `patience`.
    pub(super) fn finish(&self, patience: Duration) {
        if let Some(Some(queue)) = self.queue.get() {
            queue.flush(patience);
        }
    }

    fn queue(&self) -> Option<&BackgroundQueue<StderrItem>> {
        let start = || {
            let worker = StderrWorker { options: self.options, clock: Arc::clone(&self.clock), bar: None };
            BackgroundQueue::start("stderr", CAPACITY, worker).ok()
        };
        self.queue.get_or_init(start).as_ref()
    }
}

/// Writes what is queued.
struct StderrWorker {
    options: ConsoleOptions,
    clock: Arc<dyn Clock>,
    bar: Option<(ProgressBar, ProgressText)>,
}

impl StderrWorker {
    fn line(&self, text: &str) {
        match &self.bar {
            // The progress line steps aside for other lines.
            Some((bar, _)) => bar.suspend(|| write_line(text)),
            None => write_line(text),
        }
    }

    /// Says that lines were lost.
    fn lost(&self, count: u64) -> String {
        let lines = if count == 1 { "1 line was".to_owned() } else { format!("{count} lines were") };
        let text = format!("{lines} not written here: standard error was not read");
        match self.options.format {
            LogFormat::Text => format!("warning: {text}"),
            LogFormat::Json => json!({
                "type": "log",
                "time": self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                "level": "warning",
                "message": text,
                "lost": count,
            })
            .to_string(),
        }
    }
}

impl QueueWorker for StderrWorker {
    type Item = StderrItem;

    fn handle(&mut self, item: StderrItem, dropped: u64) {
        if dropped > 0 {
            self.line(&self.lost(dropped));
        }
        match item {
            StderrItem::Line(text) => self.line(&text),
            StderrItem::Question(text) => write_question(&text),
            StderrItem::ShowProgress(text) => {
                let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
                let bar = ProgressBar::with_draw_target(Some(1_000), target);
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                    bar.set_style(style);
                }
                self.bar = Some((bar, text));
                // Drawn at once, so that something is visible before the first page.
                self.tick();
            }
            StderrItem::ClearProgress => {
                if let Some((bar, _)) = self.bar.take() {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn tick_period(&self) -> Option<Duration> {
        self.bar.as_ref().map(|_| DRAW_PERIOD)
    }

    fn tick(&mut self) {
        if let Some((bar, text)) = &self.bar {
            bar.set_message(text.lock().unwrap_or_else(PoisonError::into_inner).clone());
            bar.tick();
        }
    }
}

fn write_line(text: &str) {
    // A failure of standard error cannot be reported.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn write_question(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}
