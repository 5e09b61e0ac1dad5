//! The table, in Markdown, as BENCHMARKS.md holds it; a row is printed as soon as it is known.

use std::time::Duration;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) beside: String,
    pub(crate) ratio: String,
    /// What the row is held against, and whether that was kept.
    pub(crate) limit: Option<(String, bool)>,
}

/// Prints the header.
pub(crate) fn begin() {
    println!("| what | opev | beside | ratio | limit |");
    println!("|---|---|---|---|---|");
}

impl Row {
    /// A row with nothing beside it.
    pub(crate) fn alone(what: impl Into<String>, measured: String) -> Self {
        Row { what: what.into(), measured, beside: String::new(), ratio: String::new(), limit: None }
    }

    /// Says what it is compared with.
    pub(crate) fn beside(mut self, beside: String, ratio: f64) -> Self {
        self.beside = beside;
        self.ratio = format!("{ratio:.2}");
        self
    }

    /// Says what it is held against.
    pub(crate) fn limit(mut self, limit: impl Into<String>, kept: bool) -> Self {
        self.limit = Some((limit.into(), kept));
        self
    }

    pub(crate) fn print(self) {
        let limit = match &self.limit {
            Some((limit, true)) => format!("{limit}: kept"),
            Some((limit, false)) => format!("{limit}: NOT KEPT"),
            None => String::new(),
        };
        println!("| {} | {} | {} | {} | {limit} |", self.what, self.measured, self.beside, self.ratio);
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
