//! A pager between this program and the terminal, as git has one.
//!
//! While it runs, the terminal is its own: SIGINT ends the reading of events and not the process, which would
//! leave the pager without a parent in the middle of a screen.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::cancel::{self, Cancel};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// What a shell says of a command that it cannot find or run.
const NOT_STARTED: [i32; 2] = [126, 127];

/// A pager that can be started.
#[derive(Clone, Debug)]
pub struct PagerCommand {
    /// A shell's command, as PAGER holds it.
    pub command: String,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Told while the terminal is the pager's.
    pub cancel: Cancel,
}

/// A pager that runs. Waited for when it is dropped; what it reads must be closed before.
#[derive(Debug)]
pub struct Pager {
    command: PagerCommand,
    child: Child,
    is_over: bool,
}

impl PagerCommand {
    /// Starts it; gives also what it reads from.
    ///
    /// # Errors
    /// Fails with `Output` when no process can be started.
    pub fn start(&self) -> Result<(Pager, OwnedFd)> {
        let failed = |e: std::io::Error| self.failure().because(e);
        cancel::keep_the_ends_of_children().map_err(failed)?;
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let Some(input) = child.stdin.take() else { return Err(self.failure()) };
        self.cancel.lend_terminal(true);
        Ok((Pager { command: self.clone(), child, is_over: false }, input.into()))
    }

    fn failure(&self) -> Error {
        let command = sanitize::message(&self.command).into_owned();
        Error::new(ErrorKind::Output, format!("the pager {command} cannot be started"))
            .hint("set PAGER to one that is installed, or use --pager never")
    }
}

impl Pager {
    /// Waits for its end.
    ///
    /// # Errors
    /// Fails with `Output` when it could not be started at all.
    pub fn wait(&mut self) -> Result<()> {
        let status = if self.is_over { None } else { self.child.wait().ok() };
        self.is_over = true;
        self.command.cancel.lend_terminal(false);
        match status.as_ref().and_then(ExitStatus::code) {
            Some(code) if NOT_STARTED.contains(&code) => Err(self.command.failure()),
            _ => Ok(()),
        }
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        let _ = self.wait();
    }
}
