//! What the limits of the process (`ulimit`) allow: a run under small ones works, or says which one is in the way.
//!
//! Reads no environment, and knows nothing of what is fetched.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::error::{Error, ErrorKind, Result};

/// The stack that a run needs.
const STACK: usize = 2 << 20;

/// The stack of a thread that asks a filter, as large as that of the first thread nearly everywhere: a filter in jq's
/// language may call itself. Only what is used of it takes memory.
pub const FILTER_STACK: usize = 8 << 20;

/// The memory that a run with one profile needs: 16 workers, and a page of each stream in several forms.
const MEMORY: u64 = 128 << 20;

/// The address space that the arenas of all threads may take.
const ROOM_OF_ARENAS: u64 = 4 << 30;

/// The variable that says how many arenas the C library may have.
pub const ARENAS: &str = "MALLOC_ARENA_MAX";

/// How many open files one output of a profile needs where a position is saved: the file, the lock, both
/// slots of the checkpoint, the log of identities, the note of the next write, a file being replaced.
const FILES_OF_OUTPUT: usize = 7;

/// How many open files a run needs beside its outputs and connections: the standard streams, signals, logs.
const OTHER_FILES: usize = 16;

/// Does `work` where the stack is large enough: on this thread, or under a small limit (`ulimit -s`) on one with
/// a stack of its own.
///
/// # Errors
/// Fails when that thread cannot be started.
pub fn with_enough_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    if getrlimit(Resource::Stack).current.is_none_or(|limit| limit >= STACK as u64) {
        return Ok(work());
    }
    let thread = thread::Builder::new().name("main".into()).stack_size(STACK).spawn(work)?;
    Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// Starts the program again with one arena, under a limit of address space (`ulimit -v`) that many would fill.
///
/// The C library reserves 64 MiB of address space for each thread that allocates, be they used or not. It can be
/// told not to at the start of a process only, by [`ARENAS`]; `is_chosen` says that the user set it.
pub fn reserve_less(args: &[OsString], is_chosen: bool) {
    let is_limited = getrlimit(Resource::As).current.is_some_and(|limit| limit < ROOM_OF_ARENAS);
    if !cfg!(target_env = "gnu") || !is_limited || is_chosen {
        return;
    }
    if let (Ok(program), Some((name, rest))) = (std::env::current_exe(), args.split_first()) {
        // It comes back only where it fails; the run is then tried as it is.
        let _ = Command::new(program).arg0(name).args(rest).env(ARENAS, "1").exec();
    }
}

/// Refuses a limit of memory under which a run would be ended in the middle.
///
/// # Errors
/// Fails with `Unexpected` and names the limit.
pub fn check_memory() -> Result<()> {
    for (resource, name) in [(Resource::As, "ulimit -v"), (Resource::Data, "ulimit -d")] {
        if let Some(limit) = getrlimit(resource).current.filter(|limit| *limit < MEMORY) {
            let (limit, needed) = (limit >> 20, MEMORY >> 20);
            return Err(Error::new(
                ErrorKind::Unexpected,
                format!("the limit of memory ({name}) is {limit} MiB, and a run needs {needed} MiB"),
            )
            .hint(format!("raise it: {name} {}", MEMORY >> 10)));
        }
    }
    Ok(())
}

/// Takes as many open files as the system grants: the usual 1,024 are not enough for hundreds of profiles.
pub fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        log::info!("the limit of open files stays as it is: {e}");
    }
}

/// How many outputs can be written side by side, with so many connections; at least one.
pub fn outputs_at_once(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
    let left = limit.unwrap_or(usize::MAX).saturating_sub(OTHER_FILES + connections);
    (left / FILES_OF_OUTPUT).max(1)
}

/// Refuses to follow more outputs and connections than there may be open files.
///
/// # Errors
/// Fails with `Unexpected` and says how many are needed.
pub fn check_open_files(profiles: usize, outputs: usize, connections: usize) -> Result<()> {
    let needed = OTHER_FILES + outputs * FILES_OF_OUTPUT + connections;
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed as u64 => Err(Error::new(
            ErrorKind::Unexpected,
            format!("following {profiles} profiles needs {needed} open files, and the limit is {limit}"),
        )
        .hint(format!("raise it: ulimit -n {needed}, or LimitNOFILE={needed} in the unit file"))),
        _ => Ok(()),
    }
}
