//! `opev setup`: one account, from its token to a checked profile.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};

use super::account::ConfigFileArg;
use crate::api::endpoint::Region;

const EXAMPLES: &str = "\
Examples:
  opev setup                              asks for what it needs, on a terminal
  opev setup --profile demo               a rehearsal with the built-in demo
  opev setup -p acme --token-reference op://Security/events/credential
  opev setup -p acme --save-token < token    from a pipe, into a file of mode 600

Whatever no flag says is asked for where standard input and standard error are a terminal; elsewhere a
missing flag is an error (2). A profile is written only after its token was checked, and is whole or not
there at all.

Exit codes: 0 written, 1 nothing was changed, 2 a flag is missing, 3 configuration, also a profile that exists,
4 token refused or expired, 5 it grants no stream, 6 service or network, 7 the file cannot be written.";

/// The arguments of `opev setup`.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct SetupArgs {
    /// Give the profile this name
    ///
    /// Without the flag, OPEV_PROFILE names it; else it is asked for, or is "default", the profile that
    /// every command uses where none is named. "demo" is built in: it is checked, and nothing is written.
    #[arg(short, long, value_name = "NAME", help_heading = "Account")]
    pub profile: Option<String>,

    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Where the token is.
    #[command(flatten)]
    pub token: TokenPlaceArgs,

    /// The account's region: decides the server
    ///
    /// us is 1password.com, ca is 1password.ca, eu is 1password.eu, ent is ent.1password.com. Seldom
    /// needed: the token names its server. The profile keeps it.
    #[arg(long, value_name = "REGION", conflicts_with = "base_url", help_heading = "Account")]
    pub region: Option<Region>,

    /// The server, as a host or a URL
    ///
    /// For stand-ins and gateways; a host that is neither 1Password's nor this machine also needs
    /// --allow-host. Without the flag: OPEV_BASE_URL, then the token's own server. The profile keeps it.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Account")]
    pub base_url: Option<String>,

    /// Let the token go to this host, which is not 1Password's
    ///
    /// The token is sent to 1Password's four servers and to this machine only. For a stand-in elsewhere,
    /// name its host here, with a port to allow that port alone; may be repeated. The profile keeps it.
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname, help_heading = "Account",
          value_parser = NonEmptyStringValueParser::new())]
    pub allow_host: Vec<String>,

    /// Trust the certificates in this PEM file as well
    ///
    /// They are added to the system's own, for networks whose proxy opens TLS connections. The profile
    /// keeps it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Account")]
    pub ca_file: Option<PathBuf>,

    /// Replace the token and server of a profile
    ///
    /// Its other keys, other profiles and comments stay as they are. Without the flag it is asked for, or
    /// the exit code is 3. Also replaces the token's file that --save-token would write.
    #[arg(long, help_heading = "Steps")]
    pub force: bool,

    /// Look at the token alone; send nothing
    ///
    /// Its parts, audience, features and times are read. Whether the service accepts it is not tried.
    #[arg(long, help_heading = "Steps")]
    pub offline: bool,

    /// Write the profile without checking the token
    ///
    /// For machines that are prepared before the token is there; `opev token-check` checks it later.
    #[arg(long, conflicts_with_all = ["offline", "fetch"], help_heading = "Steps")]
    pub no_check: bool,

    /// Fetch the last 24 hours afterwards
    ///
    /// Without asking. The events go to standard output as `opev fetch` writes them: a table on a terminal, else NDJSON.
    #[arg(long, conflicts_with = "no_fetch", help_heading = "Steps")]
    pub fetch: bool,

    /// Do not ask whether to fetch; the command is printed
    ///
    /// As it is where there is no terminal.
    #[arg(long, help_heading = "Steps")]
    pub no_fetch: bool,
}

/// Where the token is; one of these.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "token_place", multiple = false)]
pub struct TokenPlaceArgs {
    /// The token is in 1Password: the secret reference of its field
    ///
    /// As op://vault/item/field. Each run reads it with `op read`, 1Password's own command, which must be
    /// installed and signed in.
    #[arg(long, value_name = "REF", help_heading = "Token",
          value_parser = NonEmptyStringValueParser::new())]
    pub token_reference: Option<String>,

    /// The token is in this file
    ///
    /// A regular file that others can read is refused (mode 600). The profile names it by its whole path.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Token")]
    pub token_file: Option<PathBuf>,

    /// The token is printed by this shell command
    ///
    /// It runs under sh at each start, gets 60 seconds, and must print the token alone.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Token",
          value_parser = NonEmptyStringValueParser::new())]
    pub token_command: Option<String>,

    /// The token is in this environment variable
    ///
    /// The profile keeps the variable's name; each run needs the variable.
    #[arg(long, value_name = "NAME", help_heading = "Token", value_parser = NonEmptyStringValueParser::new())]
    pub token_env: Option<String>,

    /// Read the token now, and save it in a file beside the configuration
    ///
    /// On a terminal it is asked for and not shown; else it is read from standard input. The file is
    /// PROFILE.token in the directory of the configuration, readable by you alone.
    #[arg(long, help_heading = "Token")]
    pub save_token: bool,
}
