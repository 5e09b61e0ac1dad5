//! `opev names`: names of vaults, items, users and groups, from 1Password's command-line tool.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::state::ProfileArgs;

const EXAMPLES: &str = "\
Examples:
  op vault list --format json | opev names import -
  op item list --format json | opev names import -
  op user list --format json | opev names import -
  op group list --format json | opev names import -
  opev names list payroll
  opev fetch items --vault payroll --since 7d";

/// The arguments of `opev names`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct NamesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NamesCommand,
}

/// What to do with names.
#[derive(Debug, Subcommand)]
pub enum NamesCommand {
    /// Keep the names that op prints with --format json
    ///
    /// Uuid, name and kind are kept in the profile's state, in a file for its owner alone; nothing else of what op
    /// prints. Names that are there already stay, unless the same uuid comes with another one. From then on
    /// tables and records show names, and filters accept them; events in ndjson, json and csv stay as they
    /// are.
    #[command(after_help = "Examples:\n\
\x20 op vault list --format json | opev names import -\n\
\x20 op item list --format json | opev names import -")]
    Import(NamesImportArgs),
    /// List the names that were imported
    #[command(after_help = "Examples:\n\
\x20 opev names list                  all of the profile\n\
\x20 opev names list aws              those that have the word")]
    List(NamesListArgs),
    /// Forget all imported names of the profile
    #[command(after_help = "Examples:\n\
\x20 opev names forget                of the default profile\n\
\x20 opev names forget -p acme        of another one")]
    Forget(NamesForgetArgs),
}

/// What imported objects are, where their keys do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// Vaults
    Vault,
    /// Items
    Item,
    /// Users
    User,
    /// Groups
    Group,
}

/// The arguments of `opev names import`.
#[derive(Args, Debug)]
pub struct NamesImportArgs {
    /// What op printed; - is standard input
    ///
    /// Several files may be given; each may hold several lists, and is read up to 64 MiB.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub from: Vec<PathBuf>,

    /// What the objects are, where their keys do not say
    ///
    /// Items are told by a title, users by an email, vaults by a content_version, groups by a state.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<KindArg>,

    /// Whose names they will be.
    #[command(flatten)]
    pub whose: ProfileArgs,
}

/// The arguments of `opev names list`.
#[derive(Args, Debug)]
pub struct NamesListArgs {
    /// A uuid, or a part of names; of several, each must be found
    ///
    /// In any case. Without one, all names are listed.
    #[arg(value_name = "UUID|NAME")]
    pub wanted: Vec<String>,

    /// Print a JSON array
    ///
    /// An object a name, with the keys kind, name and uuid.
    #[arg(long)]
    pub json: bool,

    /// Whose names.
    #[command(flatten)]
    pub whose: ProfileArgs,
}

/// The arguments of `opev names forget`.
#[derive(Args, Debug)]
pub struct NamesForgetArgs {
    /// Whose names.
    #[command(flatten)]
    pub whose: ProfileArgs,
}
