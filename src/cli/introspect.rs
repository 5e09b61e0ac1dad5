//! `opev introspect`: what the service says this token may read.

use clap::Args;

use super::account::AccountArgs;

const EXAMPLES: &str = "\
Examples:
  opev introspect                              features, account and expiry of the default profile's token
  opev introspect --profile demo               the built-in demo's
  opev introspect --json | jq -r .features[]   for programs";

/// The arguments of `opev introspect`.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct IntrospectArgs {
    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Print one JSON object
    ///
    /// Its keys: profile, server, api, uuid, account_uuid, issued_at, features, expires_at and days_left.
    /// Unknown values are null; a token that does not expire has a null expires_at.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
