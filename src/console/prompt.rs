//! Questions to a person: shown on standard error, answered on standard input, where both are terminals.
//!
//! An answer is waited for until the run is cancelled. What is typed as a secret is not shown; the terminal shows
//! again what is typed as soon as the question is over, however it ends.

use std::io::{self, IsTerminal as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::{Console, TextStyle};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The longest answer, in bytes: a terminal takes no longer line.
const MAX_BYTES: usize = 4096;

/// A person who can be asked.
#[derive(Clone, Debug)]
pub struct Prompt {
    console: Console,
    cancel: Cancel,
    style: TextStyle,
}

impl Prompt {
    /// The person at the terminal, whose width `style` has; `None` where standard input or standard error is not
    /// one.
    pub fn new(console: &Console, cancel: &Cancel, style: TextStyle) -> Option<Prompt> {
        let is_there = io::stdin().is_terminal() && console.is_terminal();
        is_there.then(|| Prompt { console: console.clone(), cancel: cancel.clone(), style })
    }

    /// Says something, at any level, in lines that are broken between words.
    pub fn say(&self, text: &str) {
        for line in text.lines() {
            let words = line.trim_start();
            let indent = &line[..line.len() - words.len()];
            self.console.say(&self.style.wrap(words, indent));
        }
    }

    /// Asks, and gives the answer without the space around it.
    ///
    /// # Errors
    /// Fails when cancelled, and at the end of standard input.
    pub fn ask(&self, question: &str) -> Result<String> {
        self.console.question(question);
        let line = self.line()?;
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Asks for a secret, which is not shown while it is typed.
    ///
    /// # Errors
    /// Fails as [`Prompt::ask`] does, and when the terminal cannot be told not to show it.
    pub fn ask_secret(&self, question: &str) -> Result<Secret> {
        // Before the question: who is fast must not be shown either.
        let _hidden = HiddenInput::begin().map_err(|e| {
            Error::new(ErrorKind::Unexpected, "cannot hide what is typed on this terminal").because(e)
        })?;
        self.console.question(question);
        let line = self.line()?;
        let text = Zeroizing::new(String::from_utf8_lossy(&line).into_owned());
        Ok(Secret::new(text.trim()))
    }

    /// Asks for yes or no, until one of them is answered; an empty answer is `usual`.
    ///
    /// # Errors
    /// Fails as [`Prompt::ask`] does.
    pub fn agrees(&self, question: &str, usual: bool) -> Result<bool> {
        let choice = if usual { "[Y/n]" } else { "[y/N]" };
        loop {
            match self.ask(&format!("{question} {choice} "))?.to_lowercase().as_str() {
                "" => return Ok(usual),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.say("Answer y or n."),
            }
        }
    }

    /// One line of the terminal, which hands out no more than a line at once.
    fn line(&self) -> Result<Zeroizing<Vec<u8>>> {
        let failed = |e: io::Error| Error::new(ErrorKind::Unexpected, "cannot read the answer").because(e);
        let line = self.cancel.interruptible(|| -> io::Result<_> {
            let mut line = Zeroizing::new(vec![0; MAX_BYTES]);
            let length = loop {
                match rustix::io::read(io::stdin(), &mut line[..]) {
                    Err(rustix::io::Errno::INTR) => {}
                    read => break read?,
                }
            };
            line.truncate(length);
            Ok(line)
        })?;
        let line = line.map_err(failed)?;
        if line.is_empty() {
            // Ctrl-D.
            self.say(" ");
            return Err(Error::new(ErrorKind::Usage, "there was no answer: standard input has ended")
                .hint("answer the questions, or say it with flags; --help lists them"));
        }
        Ok(line)
    }
}

/// The terminal does not show what is typed, until this is dropped.
struct HiddenInput {
    before: Termios,
}

impl HiddenInput {
    fn begin() -> io::Result<HiddenInput> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(HiddenInput { before })
    }
}

impl Drop for HiddenInput {
    /// The rest of a secret that was pasted with a line break in it is dropped, and not shown.
    fn drop(&mut self) {
        // Where the terminal is gone, there is nothing to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
