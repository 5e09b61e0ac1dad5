//! `opev completions`: completion scripts for shells.
//!
//! Those for bash, zsh and fish ask the program at each press of the key, so that they know profiles, names and
//! whatever else there is at that moment; those for PowerShell and elvish are made from the definitions alone.

use clap::Args;
pub use clap_complete::Shell;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use super::definition;

/// The variable in which a script names its shell.
pub const VARIABLE: &str = "OPEV_COMPLETE";

/// The arguments of `opev completions`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 opev completions bash > ~/.local/share/bash-completion/completions/opev\n\
\x20 opev completions zsh > ~/.zfunc/_opev")]
pub struct CompletionsArgs {
    /// The shell to complete for
    ///
    /// For bash, put the output into ~/.local/share/bash-completion/completions/opev; for zsh, into a
    /// file _opev in a directory of $fpath; for fish, into ~/.config/fish/completions/opev.fish. These three ask
    /// opev for profiles, fields, zones, codes, consumers and imported names when the key is pressed; they send
    /// nothing.
    pub shell: Shell,
}

/// The completion script for a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let asking: Option<&dyn EnvCompleter> = match shell {
        Shell::Bash => Some(&Bash),
        Shell::Zsh => Some(&Zsh),
        Shell::Fish => Some(&Fish),
        _ => None,
    };
    let mut script = Vec::new();
    match asking {
        // Writing to a Vec cannot fail.
        Some(asking) => drop(asking.write_registration(VARIABLE, "opev", "opev", "opev", &mut script)),
        None => clap_complete::generate(shell, &mut definition(), "opev", &mut script),
    }
    script
}
