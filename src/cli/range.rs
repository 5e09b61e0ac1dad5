//! The time range of a question.

use std::time::Duration;

use clap::Args;

use crate::time::{TimeExpr, duration};

/// From when to when.
#[derive(Args, Clone, Debug, Default)]
pub struct RangeArgs {
    /// Events from this time on [default: 24h]
    ///
    /// 2026-11-20, "2026-11-20 14:05", 2026-11-20T14:05:06Z, 09:00, "yesterday 09:00", monday, @1763700000,
    /// now, today, yesterday, or a length of time ago: 90s, 15m, 2h, 7d, 1w, 1mo, 1h30m, "2 hours ago".
    /// Inclusive. The service keeps 120 days. Under --resume it counts only until a position is saved.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub since: Option<TimeExpr>,

    /// Events before this time [default: now]
    ///
    /// The same forms as for --since. Exclusive.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub until: Option<TimeExpr>,

    /// How long after --until events may have reached the service [default: 1d]
    ///
    /// Clients that were offline deliver old events later. Where the service filters by arrival it has to
    /// be asked beyond the end of the range to find them; events outside the range are not shown.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "until",
          help_heading = "Which events")]
    pub late: Option<Duration>,
}
