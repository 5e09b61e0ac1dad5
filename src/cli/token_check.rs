//! `opev token-check`: is the token usable, now and for how long.

use clap::Args;

use super::account::AccountArgs;
use super::profiles::ProfilesArgs;

const EXAMPLES: &str = "\
Examples:
  opev token-check                             the whole way, step by step
  opev token-check --offline                   only what the token says of itself; nothing is sent
  opev token-check --all-profiles --min-days 30    from cron, before tokens run out
  opev token-check --sample                    and the newest event of each stream

A question that fails is asked once, unless --retry-for says otherwise.

Exit codes: 0 usable, 1 expires too soon, 3 configuration (also TLS and 404), 4 token refused or expired,
5 it grants no stream, 6 service or network, 10 some streams or profiles failed.";

/// The arguments of `opev token-check`.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct TokenCheckArgs {
    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// One profile, or all.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// Look at the token alone; send nothing
    ///
    /// Its parts, algorithm, audience, features and times are read. Whether the service accepts it is
    /// not tried.
    #[arg(long, help_heading = "Check")]
    pub offline: bool,

    /// Exit with 1 when the token expires within this many days
    ///
    /// 0 looks only at whether it has expired already.
    #[arg(long, value_name = "DAYS", default_value_t = 14, help_heading = "Check",
          value_parser = clap::value_parser!(u16).range(0..=3650))]
    pub min_days: u16,

    /// Print the newest event of each stream
    ///
    /// Looks back an hour, then a day, then a week, until there is one.
    #[arg(long, conflicts_with = "offline", help_heading = "Check")]
    pub sample: bool,

    /// Print JSON: one object, or an array of them with --all-profiles
    ///
    /// Each object holds profile, server, state, code, expires_at, days_left and every step with state,
    /// milliseconds, kind and hint.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
