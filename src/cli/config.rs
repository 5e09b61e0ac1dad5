//! `opev config`: what is in force, where it is written, and a first file.

use clap::{Args, Subcommand};

use super::account::{AccountArgs, ConfigFile};

/// The arguments of `opev config`.
#[derive(Args, Debug)]
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
    Show(Box<ShowArgs>),
    /// Print the path of the configuration file
    ///
    /// The file need not exist; `opev config init` creates it there.
    Path(ConfigFile),
    /// Write a commented configuration file
    ///
    /// Every key is there, as a comment with its default. The file is made readable by its owner only.
    Init(InitArgs),
}

/// The arguments of `opev config show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
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
pub struct InitArgs {
    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFile,

    /// Replace a file that exists
    ///
    /// Without it, a file that exists is left alone and the exit code is 3.
    #[arg(long)]
    pub force: bool,
}
