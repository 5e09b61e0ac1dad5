//! `opev completions`: completion scripts for shells, made from the definitions.

use clap::Args;
pub use clap_complete::Shell;

use super::definition;

/// The arguments of `opev completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell to complete for
    ///
    /// For bash, put the output into ~/.local/share/bash-completion/completions/opev; for zsh, into a
    /// file _opev in a directory of $fpath; for fish, into ~/.config/fish/completions/opev.fish.
    pub shell: Shell,
}

/// The completion script for a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "opev", &mut script);
    script
}
