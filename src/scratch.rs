//! A temporary file without a name, for what does not fit into memory: appended to, and read from anywhere.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};

/// A scratch file, opened when it is first needed. Several threads may use one.
pub struct Scratch {
    place: Mutex<ScratchPlace>,
}

struct ScratchPlace {
    open: Box<dyn FnMut() -> io::Result<File> + Send>,
    file: Option<File>,
    end: u64,
}

impl Scratch {
    /// A scratch file that `open` opens.
    pub fn new(open: impl FnMut() -> io::Result<File> + Send + 'static) -> Self {
        Scratch { place: Mutex::new(ScratchPlace { open: Box::new(open), file: None, end: 0 }) }
    }

    /// Whether something was written to it.
    pub fn is_used(&self) -> bool {
        self.place().file.is_some()
    }

    /// Writes at the end, and says where it lies now.
    ///
    /// # Errors
    /// As the file.
    pub fn append(&self, bytes: &[u8]) -> io::Result<Range<u64>> {
        let mut place = self.place();
        if place.file.is_none() {
            place.file = Some((place.open)()?);
        }
        let start = place.end;
        place.file.as_ref().ok_or(io::ErrorKind::NotFound)?.write_all_at(bytes, start)?;
        place.end += bytes.len() as u64;
        Ok(start..place.end)
    }

    /// Fills `bytes` with what lies at `at`.
    ///
    /// # Errors
    /// As the file, and where there is less.
    pub fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.place().file.as_ref().ok_or(io::ErrorKind::NotFound)?.read_exact_at(bytes, at)
    }

    /// The error of a run that cannot go on without it; `what` it is for.
    pub fn failure(what: &str, error: io::Error) -> Error {
        Error::new(ErrorKind::Output, format!("cannot use a scratch file for {what}"))
            .because(error)
            .hint("make room in the temporary directory, or set TMPDIR to one that has it")
    }

    fn place(&self) -> std::sync::MutexGuard<'_, ScratchPlace> {
        // A thread that panicked left it as it was.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("end", &self.place().end).finish_non_exhaustive()
    }
}
