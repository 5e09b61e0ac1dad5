//! `opev config`: what is in force, where it is written, and a first file.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::account::{AccountArgs, ConfigFileArg};

/// The arguments of `opev config`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 opev config show                 what is in force, and where it comes from\n\
\x20 opev config edit                 edit the file; it counts once it is right")]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every value in force and where it comes from
    ///
    /// Takes the same flags as the commands that fetch, so that their effect can be seen. The token is
    /// not read and not shown, only where it would come from.
    #[command(after_help = "Examples:\n\
\x20 opev config show                 what is in force, and where it comes from\n\
\x20 opev config show -p acme --json  for programs")]
    Show(Box<ConfigShowArgs>),
    /// List the profiles: server, token, expiry, last poll
    ///
    /// Nothing is sent and no program is run: the expiry is shown where the token can be read from a file
    /// or a variable.
    #[command(after_help = "Examples:\n\
\x20 opev config list                 every profile: server, token, expiry, last poll\n\
\x20 opev config list --json          for programs")]
    List(ConfigListArgs),
    /// Edit the configuration file with $VISUAL or $EDITOR
    ///
    /// What was written is checked before it replaces the file. A draft with a mistake is kept beside it,
    /// and the next edit goes on with it.
    #[command(after_help = "Examples:\n\
\x20 opev config edit                 the draft counts once it is right\n\
\x20 EDITOR=nano opev config edit     with another editor")]
    Edit(ConfigFileArg),
    /// Print the path of the configuration file
    ///
    /// The file need not exist; `opev config init` creates it there.
    #[command(after_help = "Examples:\n\
\x20 opev config path                 where the file is, or would be")]
    Path(ConfigFileArg),
    /// Write a commented configuration file
    ///
    /// Every key is there, as a comment with its default. The file is made readable by its owner only.
    #[command(after_help = "Examples:\n\
\x20 opev config init                     at the usual place\n\
\x20 opev config init --config own.toml   somewhere else")]
    Init(ConfigInitArgs),
    /// Turn a Sumo Logic source's JSON into a profile
    ///
    /// Reads the configuration of Sumo Logic's 1Password source, as its Collector Management API or
    /// Terraform show it, and prints profiles that read the same accounts. A token in the clear is never
    /// printed and never written into the configuration.
    #[command(after_help = "Examples:\n\
\x20 opev config import-sumo source.json\n\
\x20 opev config import-sumo source.json --write --token-to '{profile}.token'")]
    ImportSumo(ImportSumoArgs),
}

/// The arguments of `opev config import-sumo`.
#[derive(Args, Debug)]
pub struct ImportSumoArgs {
    /// The source's JSON; - is standard input
    ///
    /// A configuration object, a source that holds one, or a list of sources, of which those of type
    /// 1Password are taken.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub source: PathBuf,

    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Give the profile this name
    ///
    /// Without it, the source's own name is used, with dashes for what cannot stand in a profile's name.
    #[arg(short, long, value_name = "NAME", help_heading = "Account")]
    pub profile: Option<String>,

    /// Add the profile to the configuration file
    ///
    /// Without it, the profile is printed. A profile that exists already is never changed: the exit code
    /// is then 3 and nothing is written.
    #[arg(long)]
    pub write: bool,

    /// Put the source's token into this file, readable by you alone
    ///
    /// The profile then names it as its token_file; {profile} in the name stands for itself. Without the
    /// flag the token is left where it is. A file that exists is never replaced.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_to: Option<PathBuf>,
}

/// The arguments of `opev config list`.
#[derive(Args, Debug)]
pub struct ConfigListArgs {
    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Print JSON: an array of one object a profile
    ///
    /// Its keys: profile, enabled, server, token, expires_at, last_poll and error. What is not known is
    /// null; times are RFC 3339 in UTC.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `opev config show`.
#[derive(Args, Debug)]
pub struct ConfigShowArgs {
    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// Print one JSON object
    ///
    /// Its keys are the settings' names; each holds value and origin.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `opev config init`.
#[derive(Args, Debug)]
pub struct ConfigInitArgs {
    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Replace a file that exists
    ///
    /// Without it, a file that exists is left alone and the exit code is 3.
    #[arg(long)]
    pub force: bool,
}
