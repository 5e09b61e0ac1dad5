//! `opev status`: the status of every saved position.

use std::time::Duration;

use clap::Args;

use super::profiles::ShardArg;
use super::state::ProfileArgs;
use crate::time::duration;

/// The arguments of `opev status`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 opev status                      every saved position\n\
\x20 opev status --check -q           for a monitor: 1 when something is late")]
pub struct StatusArgs {
    /// Whose positions; all there are, when no profile is named.
    #[command(flatten)]
    pub whose: ProfileArgs,

    /// Look at every enabled profile of the configuration
    ///
    /// A profile that never saved a position is then shown too, and is a problem under --check.
    #[arg(long, conflicts_with = "profile", help_heading = "Account")]
    pub all_profiles: bool,

    /// Which of them.
    #[command(flatten)]
    pub shard: ShardArg,

    /// Print one JSON object
    ///
    /// Its keys: time, ok, problems (profile, consumer, stream, problem, message) and positions, each with
    /// its streams. Times are RFC 3339 in UTC, lengths are seconds, what is unknown is null.
    #[arg(long)]
    pub json: bool,

    /// Exit with 1 when something is late or in error
    ///
    /// Prints one line a problem and nothing when all is well, for monitors and cron. Late is: no answer
    /// for two intervals of tail, or a position older than --max-age. An error that tail has asked again
    /// about for less than that does not count yet. No saved position at all is a problem as well, and so
    /// is a managed file that is missing.
    #[arg(long)]
    pub check: bool,

    /// Read the managed files and compare them with what was delivered
    ///
    /// Finds an edit anywhere in a file, where a run looks only at the end of a large one. What was changed
    /// is a problem under --check. Takes as long as reading the files does.
    #[arg(long)]
    pub verify: bool,

    /// How old the position of a fetch may be [default: 1d]
    ///
    /// A little more than the time between two runs of the cron job. Streams that a tail follows go by
    /// their interval.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub max_age: Option<Duration>,
}
