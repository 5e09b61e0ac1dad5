//! The table, in Markdown, as BENCHMARKS.md holds it; a row is printed as soon as it is known.

use std::fmt::Display;
use std::time::Duration;

/// One line of the table.
#[derive(Debug, Default)]
pub(crate) struct Row {
    what: String,
    measured: String,
    beside: String,
    ratio: String,
    limits: Vec<String>,
}

/// Prints the header.
pub(crate) fn begin() {
    println!("| what | opev | beside | ratio | limit |");
    println!("|---|---|---|---|---|");
}

impl Row {
    /// A row with this name.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Row { what: what.into(), ..Row::default() }
    }

    /// Says what was found.
    pub(crate) fn measured(mut self, measured: impl Into<String>) -> Self {
        self.measured = measured.into();
        self
    }

    /// Says what it is compared with, and how many times that it is.
    pub(crate) fn beside(mut self, beside: String, ratio: f64) -> Self {
        self.beside = beside;
        self.ratio = format!("{ratio:.2}");
        self
    }

    /// Says what it is held against, and whether that is kept.
    pub(crate) fn limit(mut self, limit: impl Display, kept: bool) -> Self {
        self.limits.push(format!("{limit}: {}", if kept { "kept" } else { "NOT KEPT" }));
        self
    }

    pub(crate) fn print(self) {
        let Row { what, measured, beside, ratio, limits } = self;
        println!("| {what} | {measured} | {beside} | {ratio} | {} |", limits.join("; "));
    }
}

/// A duration in the unit that suits it.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.1 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// KiB as MiB.
pub(crate) fn memory(kibibytes: u64) -> String {
    format!("{}.{} MiB", kibibytes / 1024, kibibytes % 1024 * 10 / 1024)
}

/// How many times one duration is another.
pub(crate) fn times(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-9)
}
