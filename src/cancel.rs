//! Cancellation and signals: SIGINT and SIGTERM trigger one token; SIGHUP asks to reopen the output file.
//!
//! The first signal asks for a clean end. A second signal ends the process at once, and so does a clean end
//! that takes too long: a write into a pipe that nobody reads cannot be cancelled (P9). A signal that was
//! ignored when the process started (as under `nohup`) stays ignored. This module does not print and does
//! not exit: `main` does, with [`die_by`].

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use signal_hook::consts::{SIGABRT, SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::error::{Error, ErrorKind, Result};

/// How long a clean end may take after the first signal.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// A cancellation token: once triggered it stays triggered. Clones share it.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<CancelState>);

#[derive(Debug)]
struct CancelState {
    signal: AtomicI32,
    triggered: AtomicBool,
    /// Whether a program that this one started, as a pager, has the terminal.
    terminal_is_lent: AtomicBool,
    /// Holds at most one request to reopen.
    reopen: (Sender<()>, Receiver<()>),
    /// Dropped on trigger: every receiver then wakes, and every later receive returns at once.
    keep_open: Mutex<Option<Sender<()>>>,
    wake: Receiver<()>,
}

impl Default for Cancel {
    fn default() -> Self {
        Cancel::new()
    }
}

impl Cancel {
    /// A token that is not triggered.
    pub fn new() -> Self {
        let (sender, wake) = bounded(0);
        Cancel(Arc::new(CancelState {
            signal: AtomicI32::new(0),
            triggered: AtomicBool::new(false),
            terminal_is_lent: AtomicBool::new(false),
            reopen: bounded(1),
            keep_open: Mutex::new(Some(sender)),
            wake,
        }))
    }

    /// Triggers the token; `signal` is the cause, 0 when there was no signal.
    pub fn trigger(&self, signal: i32) {
        if signal != 0 {
            let _ = self.0.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        }
        self.0.triggered.store(true, Ordering::SeqCst);
        if let Ok(mut sender) = self.0.keep_open.lock() {
            sender.take();
        }
    }

    /// Notes whether a program that this one started, as a pager, has the terminal. SIGINT then only triggers the
    /// token: the process ends when that program does.
    pub fn lend_terminal(&self, is_lent: bool) {
        self.0.terminal_is_lent.store(is_lent, Ordering::SeqCst);
    }

    /// Whether it was triggered.
    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::SeqCst)
    }

    /// The signal that triggered it, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// Waits until triggered or until `duration` has passed; true when triggered.
    pub fn wait(&self, duration: Duration) -> bool {
        match self.0.wake.recv_timeout(duration) {
            Err(RecvTimeoutError::Timeout) => self.is_triggered(),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    /// A channel that becomes ready (disconnected) on trigger, for `crossbeam_channel::select!`.
    pub fn channel(&self) -> &Receiver<()> {
        &self.0.wake
    }

    /// An error to return where work stops because of this token.
    pub fn failure(&self) -> Error {
        match self.signal() {
            Some(signal) => Error::new(ErrorKind::Interrupted(signal), "stopped by a signal"),
            None => Error::new(ErrorKind::Interrupted(0), "stopped"),
        }
    }

    /// Fails with [`Cancel::failure`] once triggered.
    pub fn check(&self) -> Result<()> {
        if self.is_triggered() { Err(self.failure()) } else { Ok(()) }
    }

    /// Does something that may block for ever, such as reading a pipe without a writer, and abandons it when
    /// cancelled.
    ///
    /// # Errors
    /// Fails when cancelled, and when no thread can be started.
    pub fn interruptible<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (sender, done) = bounded(1);
        let working = move || {
            // After a cancellation there is no receiver.
            let _ = sender.send(work());
        };
        std::thread::Builder::new()
            .name("blocking".into())
            .spawn(working)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e))?;
        select! {
            recv(done) -> outcome => {
                outcome.map_err(|_| Error::new(ErrorKind::Unexpected, "a thread ended early"))
            }
            recv(self.channel()) -> _ => Err(self.failure()),
        }
    }

    /// Requests that the output file is reopened.
    pub fn ask_reopen(&self) {
        // A full channel holds such a request already.
        let _ = self.0.reopen.0.try_send(());
    }

    /// The channel to which [`Cancel::ask_reopen`] sends, for `crossbeam_channel::Select`.
    pub fn reopen_channel(&self) -> &Receiver<()> {
        &self.0.reopen.1
    }
}

/// What SIGHUP means to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// The terminal was closed: end as for SIGTERM.
    Ends,
    /// Log rotation: reopen the output file.
    Reopens,
}

/// Starts listening for signals on behalf of `cancel`.
///
/// # Errors
/// Fails when the handlers cannot be installed.
pub fn listen(cancel: &Cancel, hangup: Hangup) -> Result<()> {
    let ignored = ignored_at_start();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|s| !ignored.contains(s));
    // With a handler, a limit on file sizes fails the write like a full disk; without one it kills the process.
    let failed =
        |e: std::io::Error| Error::new(ErrorKind::Unexpected, "cannot listen for signals").because(e);
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map_err(failed)?;
    let mut signals = Signals::new(wanted).map_err(failed)?;
    let cancel = cancel.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGHUP && hangup == Hangup::Reopens {
                    cancel.ask_reopen();
                } else if signal == SIGINT && cancel.0.terminal_is_lent.load(Ordering::SeqCst) {
                    cancel.trigger(signal);
                } else if cancel.is_triggered() {
                    die_by(signal);
                } else {
                    cancel.trigger(signal);
                    let patience = crossbeam_channel::after(PATIENCE);
                    // If the thread cannot be started, a second signal still ends the process.
                    let _ = std::thread::Builder::new().name("patience".into()).spawn(move || {
                        let _ = patience.recv();
                        die_by(signal);
                    });
                }
            }
        })
        .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start the signal thread").because(e))?;
    Ok(())
}

/// Ends the process as if the signal had never been caught, so that a shell sees the true wait status.
pub fn die_by(signal: i32) {
    // Only fails for signals that cannot end a process; the caller then exits with 128 + signal.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Makes an abort exit with 1, after the message that the runtime writes: it is how an allocation that the
/// system refuses ends, and whoever started the process should see a failure and not a crash.
pub fn exit_instead_of_abort() {
    // Where it cannot be registered, an abort is an abort.
    let always = Arc::new(AtomicBool::new(true));
    let code = i32::from(ErrorKind::Unexpected.exit_code());
    let _ = signal_hook::flag::register_conditional_shutdown(SIGABRT, code, always);
}

/// Makes the exit status of child processes available; call it before one is started.
///
/// An ignored SIGCHLD is inherited, and the kernel then discards the exit status of children. An empty
/// handler replaces the inherited setting; children start with the default.
///
/// # Errors
/// Fails when the handler cannot be installed.
pub fn keep_the_ends_of_children() -> std::io::Result<()> {
    static KEPT: AtomicBool = AtomicBool::new(false);
    if KEPT.swap(true, Ordering::SeqCst) || ignored_mask().is_some_and(|mask| !is_in(mask, SIGCHLD)) {
        return Ok(());
    }
    signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false))).map(drop)
}

/// The signals whose disposition was "ignore" when the process started. Without /proc, none
/// counts as ignored.
fn ignored_at_start() -> Vec<i32> {
    let mask = ignored_mask().unwrap_or(0);
    [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| is_in(mask, *signal)).collect()
}

/// The signals that are ignored, as bits.
///
/// signal-hook would replace an inherited ignore, so the kernel is asked (`SigIgn` in
/// `/proc/self/status`, a hexadecimal mask). `None` where there is no /proc.
fn ignored_mask() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let hex = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(hex.trim(), 16).ok()
}

fn is_in(mask: u64, signal: i32) -> bool {
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_wakes_who_waits_and_stays() {
        let cancel = Cancel::new();
        assert!(!cancel.wait(Duration::from_millis(1)));
        let other = cancel.clone();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        cancel.trigger(SIGTERM);
        assert!(waiter.join().unwrap());
        assert!(cancel.wait(Duration::from_secs(60)));
        assert_eq!(cancel.signal(), Some(SIGTERM));
        assert_eq!(cancel.check().unwrap_err().kind(), ErrorKind::Interrupted(SIGTERM));
    }

    #[test]
    fn a_run_that_cannot_end_cleanly_ends_within_the_five_seconds_that_are_promised() {
        assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&PATIENCE), "{PATIENCE:?}");
    }

    #[test]
    fn the_first_signal_is_the_reason() {
        let cancel = Cancel::new();
        cancel.trigger(SIGINT);
        cancel.trigger(SIGTERM);
        assert_eq!(cancel.signal(), Some(SIGINT));
    }
}
