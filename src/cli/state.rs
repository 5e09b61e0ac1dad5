//! `opev state`: saved positions carried to another machine, or thrown away.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::account::{AccountArgs, ConfigFileArg};

/// Whose saved positions.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfileArgs {
    /// The positions of this profile
    ///
    /// Without the flag, OPEV_PROFILE names it; imported positions keep the profile they were exported
    /// from. A profile that is no longer configured can be named too.
    #[arg(short, long, value_name = "NAME", help_heading = "Account")]
    pub profile: Option<String>,

    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Look in this state directory
    ///
    /// Without the flag: OPEV_STATE_DIR, the profile's state_dir, systemd's STATE_DIRECTORY, then
    /// $XDG_STATE_HOME/opev (most often ~/.local/state/opev).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Account")]
    pub state_dir: Option<PathBuf>,
}

impl ProfileArgs {
    /// The same as flags that find an account, for the profile `profile`.
    pub(crate) fn account(&self, profile: Option<String>) -> AccountArgs {
        AccountArgs {
            profile,
            file: self.file.clone(),
            state_dir: self.state_dir.clone(),
            ..AccountArgs::default()
        }
    }
}

/// Which of a profile's saved positions.
#[derive(Args, Clone, Debug, Default)]
pub struct PositionArgs {
    /// Whose they are.
    #[command(flatten)]
    pub whose: ProfileArgs,

    /// The position of this consumer
    ///
    /// The name that --consumer gave, "stdout" where it gave none, or a key that opev status --json shows.
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,

    /// The position of this managed file
    ///
    /// The file that fetch --resume -o or tail --resume -o writes. It need not exist any more.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "consumer")]
    pub output: Option<PathBuf>,
}

/// The arguments of `opev state`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 opev state export > state.json   on the old machine\n\
\x20 opev state import state.json     on the new one")]
pub struct StateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// What to do with a saved position.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Print saved positions as JSON, to go on from on another machine
    ///
    /// All of the profile's, or the one that is named. Stop the service first: a position that a run
    /// writes is refused with exit code 9. Copy the managed file as well, and the one of --hits. What rules of
    /// --detect have gathered goes along. The token is not in it.
    #[command(after_help = "Examples:\n\
\x20 opev state export > state.json\n\
\x20 opev state export -o events.ndjson > state.json")]
    Export(PositionArgs),
    /// Save exported positions here
    ///
    /// The next run goes on from it without loss or repeat. A position that is here already is not
    /// replaced: reset it first.
    #[command(after_help = "Examples:\n\
\x20 opev state import state.json\n\
\x20 opev state import state.json -o /new/place/events.ndjson")]
    Import(StateImportArgs),
    /// Forget a saved position; the output is not touched
    ///
    /// Asks on a terminal. The next run starts again at --since or 24 hours ago.
    #[command(after_help = "Examples:\n\
\x20 opev state reset -o events.ndjson\n\
\x20 opev state reset --consumer siem --yes")]
    Reset(StateResetArgs),
}

/// The arguments of `opev state import`.
#[derive(Args, Debug)]
pub struct StateImportArgs {
    /// The exported positions; - is standard input
    ///
    /// What opev state export printed, once or several times.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: PathBuf,

    /// The path of the managed file on this machine
    ///
    /// For a file that was copied to another path. Without the flag it is looked for at its old one.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Whose it will be.
    #[command(flatten)]
    pub whose: ProfileArgs,
}

/// The arguments of `opev state reset`.
#[derive(Args, Debug)]
pub struct StateResetArgs {
    /// Which position.
    #[command(flatten)]
    pub which: PositionArgs,

    /// Do not ask
    ///
    /// Needed where there is no terminal to ask on; the position must then be named with --consumer or -o.
    #[arg(short, long)]
    pub yes: bool,
}
