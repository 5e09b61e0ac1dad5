//! `opev show`: events by their uuids, whole.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::account::AccountArgs;
use crate::encode::Format;
use crate::time::TimeExpr;

const EXAMPLES: &str = "\
Examples:
  opev show 5PT463UU4WS7LI3RUUULMGH2EH
  opev show --since 30d --format json 5PT463UU4WS7LI3RUUULMGH2EH M3CKCBPOHZFGTOYWNQVNVAJBGV
  opev show 5PT463UU4WS7LI3RUUULMGH2EH --from saved.ndjson";

/// The arguments of `opev show`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// The uuids of the events
    ///
    /// The field uuid of an event: the first line that --format record has of it, behind what happened and the
    /// stream. In any case of letters.
    #[arg(value_name = "UUID", required = true)]
    pub uuids: Vec<String>,

    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Look for them in files instead of the service; - is standard input
    ///
    /// As opev fetch --from. Name the uuids before this flag.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::AnyPath,
          help_heading = "Which events")]
    pub from: Vec<PathBuf>,

    /// Look for them from this time on [default: 7d; with --from everything]
    ///
    /// The forms of opev fetch --since. The service cannot be asked for a uuid: all events since then are
    /// read until all are found.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub since: Option<TimeExpr>,

    /// Look for them before this time [default: now]
    ///
    /// The forms of opev fetch --since.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which events")]
    pub until: Option<TimeExpr>,

    /// Form of the output: record, table, ndjson, json or csv [default: record]
    ///
    /// record is a block an event, a line a field, everything in it, nothing cut.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<Format>,
}
