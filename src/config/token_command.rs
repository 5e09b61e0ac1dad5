//! Running the program that prints a token, as ssh and git run their helpers.
//!
//! Bounded in time and output, deaf to the terminal unless standard input is one, and without the token
//! variables in its environment (P10). What it prints to standard error is shown only when it fails,
//! escaped.

use std::io::{IsTerminal as _, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, select};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::environment::Environment;
use crate::cancel::{self, Cancel};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::time::duration;

/// How long a token command may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end after a signal.
const GRACE: Duration = Duration::from_secs(1);

/// Longer than any token; output beyond it is dropped.
const MAX_OUTPUT: u64 = 64 << 10;

/// A program to run, and the environment it gets.
#[derive(Clone, Debug)]
pub struct TokenCommand {
    /// Its name in messages: `token_command of profile acme`.
    pub title: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The environment it is given,
    pub environment: Environment,
    /// without these variables.
    pub hidden: Vec<String>,
}

struct FinishedCommand {
    status: std::io::Result<ExitStatus>,
    output: Vec<u8>,
    complaint: Vec<u8>,
}

impl TokenCommand {
    /// Runs it to its end, at most for `limit`, and returns its output.
    ///
    /// # Errors
    /// Fails with `TokenMissing` when it cannot be started, ends badly or takes too long, and when
    /// cancelled.
    pub fn run(&self, limit: Duration, cancel: &Cancel) -> Result<Vec<u8>> {
        cancel.check()?;
        let on_terminal = std::io::stdin().is_terminal();
        let (pid, ended) = self.start(on_terminal)?;
        let outcome = select! {
            recv(ended) -> outcome => outcome.ok(),
            recv(cancel.channel()) -> _ => None,
            default(limit) => None,
        };
        let Some(outcome) = outcome else {
            stop(pid, on_terminal, &ended);
            cancel.check()?;
            return Err(self
                .failure(format!("took longer than {}", duration::show(limit)))
                .hint("run it by hand: it may be waiting for an answer it cannot get"));
        };
        match outcome.status {
            Ok(status) if status.success() => Ok(outcome.output),
            Ok(status) => {
                Err(self.failure(ending(status, &outcome.complaint)).hint("run it by hand to see why"))
            }
            Err(e) => Err(self.failure("cannot be waited for").because(e)),
        }
    }

    /// Starts it; its outcome comes through the channel.
    fn start(&self, on_terminal: bool) -> Result<(Pid, Receiver<FinishedCommand>)> {
        cancel::keep_the_ends_of_children().map_err(|e| self.failure("cannot be waited for").because(e))?;
        let mut command = Command::new(&self.argv[0]);
        command
            .args(&self.argv[1..])
            .env_clear()
            .envs(self.environment.without(&self.hidden))
            .stdin(if on_terminal { Stdio::inherit() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !on_terminal {
            // A group of its own can be ended whole. On a terminal it must stay in ours: another group
            // would be stopped by the kernel as soon as it asked for a passphrase.
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(|e| {
            let hint = format!("install {}, and have it on PATH", sanitize::message(&self.argv[0]));
            self.failure("cannot be started").because(e).hint(hint)
        })?;
        let pid = Pid::from_child(&child);
        let (sender, ended) = bounded(1);
        let wait = move || {
            let stderr = child.stderr.take().map(|pipe| Builder::new().spawn(move || read_all(pipe)));
            let output = child.stdout.take().map(read_all).unwrap_or_default();
            let status = child.wait();
            let complaint = stderr.and_then(|reader| reader.ok()?.join().ok()).unwrap_or_default();
            // Nobody listens any more when it took too long.
            let _ = sender.send(FinishedCommand { status, output, complaint });
        };
        if let Err(e) = Builder::new().name("token command".into()).spawn(wait) {
            let _ = kill_process(pid, Signal::KILL);
            return Err(self.failure("cannot be waited for").because(e));
        }
        Ok((pid, ended))
    }

    fn failure(&self, what: impl AsRef<str>) -> Error {
        Error::new(ErrorKind::TokenMissing, format!("{} {}", self.title, what.as_ref()))
    }
}

/// Asks it to end, and ends it when it does not.
fn stop(pid: Pid, on_terminal: bool, ended: &Receiver<FinishedCommand>) {
    let kill = |signal| {
        // Fails only when it has ended by itself in this very moment.
        let _ = if on_terminal { kill_process(pid, signal) } else { kill_process_group(pid, signal) };
    };
    kill(Signal::TERM);
    if ended.recv_timeout(GRACE).is_err() {
        kill(Signal::KILL);
    }
}

/// Reads to the end and keeps the beginning, so that neither memory nor a full pipe is a danger.
fn read_all(mut pipe: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    // A broken pipe reads as its end: the exit status says the rest.
    let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut kept);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    kept
}

fn ending(status: ExitStatus, complaint: &[u8]) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    };
    let complaint = String::from_utf8_lossy(complaint);
    match complaint.trim() {
        "" => how,
        complaint => format!("{how}: {}", sanitize::message(complaint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> TokenCommand {
        let variables = [("PATH", "/usr/bin:/bin"), ("EVENTS_API_TOKEN", "eyJsecret"), ("HOME", "/h")];
        TokenCommand {
            title: "the token command".into(),
            argv: ["sh", "-c", script].map(str::to_owned).into(),
            environment: variables.into_iter().collect(),
            hidden: vec!["EVENTS_API_TOKEN".into()],
        }
    }

    fn failure(script: &str, limit: Duration) -> Error {
        shell(script).run(limit, &Cancel::new()).unwrap_err()
    }

    #[test]
    fn what_it_prints_is_the_answer_and_standard_error_is_not() {
        let output = shell("echo noise >&2; printf token").run(LIMIT, &Cancel::new()).unwrap();
        assert_eq!(output, b"token");
    }

    #[test]
    fn it_gets_no_token_and_no_input() {
        let output = shell("printf '%s' \"${EVENTS_API_TOKEN-none} $HOME\"; cat").run(LIMIT, &Cancel::new());
        assert_eq!(output.unwrap(), b"none /h");
    }

    #[test]
    fn a_bad_end_shows_its_complaint_escaped() {
        let failure = failure("printf 'not signed\\033[31m in\\n' >&2; exit 3", LIMIT);
        assert_eq!(failure.kind(), ErrorKind::TokenMissing);
        assert_eq!(failure.to_string(), "the token command ended with exit code 3: not signed\\u{1b}[31m in");
    }

    #[test]
    fn one_that_takes_too_long_is_ended_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // The FIFO ends for its reader when the last of them is gone; TERM alone would not do it.
        let script = format!("trap '' TERM; exec 3>{}; (sleep 3; echo survived >&3) & wait", fifo.display());
        let reader = std::thread::spawn(move || std::fs::read_to_string(fifo).unwrap());
        let failure = failure(&script, Duration::from_millis(100));
        assert_eq!(failure.to_string(), "the token command took longer than 100ms");
        assert_eq!(reader.join().unwrap(), "");
    }

    #[test]
    fn a_flood_of_output_is_cut_and_does_not_block() {
        let script = "dd if=/dev/zero bs=1024 count=1024 2>/dev/null; dd if=/dev/zero bs=1024 count=512 >&2";
        let output = shell(script).run(LIMIT, &Cancel::new()).unwrap();
        assert_eq!(output.len() as u64, MAX_OUTPUT);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let program = TokenCommand { argv: vec!["no-such-program".into()], ..shell("") };
        let failure = program.run(LIMIT, &Cancel::new()).unwrap_err();
        assert!(failure.to_string().starts_with("the token command cannot be started: "));
        assert_eq!(failure.advice(), Some("install no-such-program, and have it on PATH"));
    }

    #[test]
    fn cancelling_ends_the_wait() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let waiter = std::thread::spawn(move || shell("exec sleep 60").run(LIMIT, &other));
        cancel.trigger(15);
        assert_eq!(waiter.join().unwrap().unwrap_err().kind(), ErrorKind::Interrupted(15));
    }
}
