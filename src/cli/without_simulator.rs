//! `opev simulate` in a build without the feature `simulator`: takes any arguments, so that the command can
//! answer which build has it.

use std::ffi::OsString;

use clap::Args;

/// The arguments of a command that this build does not have.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// Whatever was typed.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub ignored: Vec<OsString>,
}
