//! One offer to a command: the batch on its standard input, what it is in its environment, an answer by its exit
//! code.
//!
//! Run by `sh -c`, in a process group of its own, without the variables that hold tokens (P10). Its standard
//! output is ours; the end of its standard error is kept for messages. One that takes too long is ended.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, select};
use rustix::process::{Pid, Signal, kill_process_group};

use super::OfferOutcome;
use crate::cancel::{self, Cancel};
use crate::error::{Error, ErrorKind, Result};
use crate::output::batch::Batch;
use crate::sanitize;
use crate::time::duration;

/// How long a command may go on after the run was asked to stop.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// How long it may take to end after a signal.
const KILL_GRACE: Duration = Duration::from_millis(500);

/// How long its last words are waited for: something that it left behind may hold them open.
const WORDS_GRACE: Duration = Duration::from_millis(200);

/// How much of its standard error is kept.
const LAST_WORDS: usize = 4096;

/// The exit codes of sysexits.h that say more than failure.
const EX_DATAERR: i32 = 65;

/// Runs a command for each offer.
#[derive(Debug)]
pub(in crate::collect) struct CommandChannel {
    line: String,
    environment: Vec<(OsString, OsString)>,
    cancel: Cancel,
}

/// How a command ended, and its last words.
pub(in crate::collect) type CommandEnd = (std::io::Result<ExitStatus>, Vec<u8>);

/// A command that runs.
struct RunningCommand {
    pid: Pid,
    ended: Receiver<std::io::Result<ExitStatus>>,
    words: Receiver<Vec<u8>>,
}

impl CommandChannel {
    pub(in crate::collect) fn new(
        line: &str,
        environment: &[(OsString, OsString)],
        named: &[(&str, &str)],
        cancel: &Cancel,
    ) -> Self {
        let mut environment = environment.to_vec();
        environment.extend(named.iter().map(|(name, value)| (name.into(), value.into())));
        CommandChannel { line: line.to_owned(), environment, cancel: cancel.clone() }
    }

    /// Offers a batch once.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled before the command has taken it.
    pub(super) fn offer(&self, batch: &Batch, attempt: u32, timeout: Duration) -> Result<OfferOutcome> {
        let variables = [
            ("OPEV_BATCH_ID", batch.id.clone()),
            ("OPEV_BATCH_EVENTS", batch.events.to_string()),
            ("OPEV_BATCH_BYTES", batch.body.len().to_string()),
            ("OPEV_BATCH_ATTEMPT", attempt.to_string()),
        ];
        let (status, words) = match self.run(&batch.body, &variables, timeout)? {
            Ok(ended) => ended,
            Err(why) => return Ok(OfferOutcome::Retry(why, None)),
        };
        let outcome = judged(batch, status, &words);
        if let (OfferOutcome::Retry(..), true) = (&outcome, self.cancel.is_triggered()) {
            return Err(self.cancel.failure());
        }
        Ok(outcome)
    }

    /// Runs the command once, with `body` on its standard input; gives how it ended and its last words, or why it
    /// did not end.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled before the command has ended.
    pub(in crate::collect) fn run(
        &self,
        body: &Arc<[u8]>,
        variables: &[(&str, String)],
        timeout: Duration,
    ) -> Result<Result<CommandEnd, String>> {
        self.cancel.check()?;
        let running = match self.start(body, variables) {
            Ok(running) => running,
            Err(e) => return Ok(Err(format!("the command cannot be started: {e}"))),
        };
        let status = select! {
            recv(running.ended) -> status => status.ok(),
            recv(self.cancel.channel()) -> _ => running.ended.recv_timeout(STOP_GRACE.min(timeout)).ok(),
            default(timeout) => None,
        };
        let Some(status) = status else {
            running.stop();
            self.cancel.check()?;
            let limit = duration::show(timeout);
            return Ok(Err(format!("the command took longer than {limit}")));
        };
        Ok(Ok((status, running.words.recv_timeout(WORDS_GRACE).unwrap_or_default())))
    }

    fn start(&self, body: &Arc<[u8]>, variables: &[(&str, String)]) -> std::io::Result<RunningCommand> {
        cancel::keep_the_ends_of_children()?;
        // Where no file can be had, through a pipe.
        let whole = whole_input(body);
        let child = Command::new("/bin/sh")
            .args(["-c", &self.line])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(whole.map_or_else(|_| Stdio::piped(), Stdio::from))
            .stderr(Stdio::piped())
            // Ctrl-C is for us: the command may finish what it has begun.
            .process_group(0)
            .spawn()?;
        Ok(RunningCommand::watch(child, Arc::clone(body)))
    }
}

/// The input as a file without a name, so that a command has all of it although this process is killed. Through a pipe
/// it would take what was written by then for the whole batch, under the id of the whole batch.
fn whole_input(body: &[u8]) -> std::io::Result<File> {
    let mut file = nameless_file()?;
    file.write_all(body)?;
    file.rewind()?;
    Ok(file)
}

/// In memory.
#[cfg(target_os = "linux")]
fn nameless_file() -> std::io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(File::from(memfd_create("batch", MemfdFlags::CLOEXEC)?))
}

/// In the directory for temporary files.
#[cfg(not(target_os = "linux"))]
fn nameless_file() -> std::io::Result<File> {
    tempfile::tempfile()
}

impl RunningCommand {
    /// Feeds it and waits for it, on threads that end with it.
    fn watch(mut child: Child, body: Arc<[u8]>) -> Self {
        let pid = Pid::from_child(&child);
        let (say_ended, ended) = bounded(1);
        let (say_words, words) = bounded(1);
        if let Some(mut stdin) = child.stdin.take() {
            std::thread::spawn(move || {
                // One that does not read it all still answers by its exit code.
                let _ = stdin.write_all(&body);
            });
        }
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || say_words.send(last_of(stderr)));
        }
        std::thread::spawn(move || say_ended.send(child.wait()));
        RunningCommand { pid, ended, words }
    }

    /// Asks it to end, and ends it when it does not, with what it started.
    fn stop(&self) {
        // Fails only when it has ended by itself in this very moment.
        let _ = kill_process_group(self.pid, Signal::TERM);
        if self.ended.recv_timeout(KILL_GRACE).is_err() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

/// How a command that did not succeed ended, with its last words.
pub(in crate::collect) fn complaint(status: ExitStatus, words: &[u8]) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command ended with exit code {code}"),
        (None, signal) => format!("the command was ended by signal {}", signal.unwrap_or_default()),
    };
    match shown(words) {
        Some(words) => format!("{how}: {words}"),
        None => how,
    }
}

/// What an exit code means.
fn judged(batch: &Batch, status: std::io::Result<ExitStatus>, words: &[u8]) -> OfferOutcome {
    let status = match status {
        Ok(status) if status.success() => {
            if let Some(words) = shown(words) {
                log::info!("the command took batch {} and said: {words}", batch.id);
            }
            return OfferOutcome::Accepted;
        }
        Ok(status) => status,
        Err(e) => return OfferOutcome::Retry(format!("the command cannot be waited for: {e}"), None),
    };
    let why = complaint(status, words);
    if status.code() != Some(EX_DATAERR) {
        return OfferOutcome::Retry(why, None);
    }
    let message = format!("batch {} of {} events was rejected: {why}", batch.id, batch.events);
    OfferOutcome::Rejected(
        Error::new(ErrorKind::Output, message).on_stream(batch.stream).hint(
            "exit code 65 says that the data is at fault; set such batches aside with --reject-to FILE",
        ),
    )
}

/// The last line that is not empty, escaped.
fn shown(words: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(words);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(sanitize::message(last).into_owned())
}

/// Reads to the end and keeps the last bytes, so that neither memory nor a full pipe is a danger.
fn last_of(mut pipe: impl Read) -> Vec<u8> {
    let mut kept: VecDeque<u8> = VecDeque::with_capacity(2 * LAST_WORDS);
    let mut piece = [0; LAST_WORDS];
    // A broken pipe reads as its end: the exit code says the rest.
    while let Ok(count @ 1..) = pipe.read(&mut piece) {
        kept.extend(&piece[..count]);
        kept.drain(..kept.len().saturating_sub(LAST_WORDS));
    }
    kept.into()
}
