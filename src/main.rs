//! Arguments in, exit code out: the only process exit.

use std::process::ExitCode;

use opev::cancel;
use opev::command::{self, End};
use opev::config::Environment;
use opev::secret;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before the environment is read: the token may be in it.
    secret::forbid_core_dumps();
    cancel::exit_instead_of_abort();
    let end = command::run(std::env::args_os(), Environment::capture());
    if let End::Signal(signal) = end {
        // The shell should see the truth: ended by the signal, not by an exit code that looks like it.
        cancel::die_by(signal);
    }
    ExitCode::from(end.exit_code())
}
