//! Output that cannot be rewound: stdout, a FIFO, a device.
//!
//! Writes go directly to the descriptor, without Rust's line buffer: a page is one write. The only sink that
//! uses the standard streams.

use std::io::{self, IoSlice};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::super::{disk_failure, shown};
use super::Sink;
use crate::disk::{self, Disk, File, FileKind, Open};
use crate::error::{Error, ErrorKind, Result};

/// How a missing stdout is named.
const MISSING: &str = "stdout is closed, or is /dev/null open for reading too";

/// Stdout, a FIFO or a device.
#[derive(Debug)]
pub struct StreamSink {
    file: Box<dyn File>,
    name: String,
    /// Stdout can be a regular file (`> file`), and then it can be synced.
    is_regular: bool,
}

impl StreamSink {
    /// The process's stdout.
    ///
    /// # Errors
    /// Fails with `Output` when it cannot be had.
    pub fn stdout() -> Result<Self> {
        let file = disk::real::stdout().map_err(|e| broken("stdout", "open", e))?;
        StreamSink::of(file, "stdout")
    }

    /// The process's stdout, for data: what goes to nobody must not count as delivered (P1).
    ///
    /// A parent that wants no text may open /dev/null for reading too, as Python's `subprocess.DEVNULL` does,
    /// which cannot be told from no stdout at all.
    ///
    /// # Errors
    /// Fails with `Output` when it is closed, also where the process was started without one.
    pub fn stdout_for_data() -> Result<Self> {
        if disk::real::stdout_is_missing() {
            return Err(Error::new(ErrorKind::Output, MISSING)
                .hint("give the output a place: -o FILE or > FILE, or > /dev/null if it may be lost"));
        }
        StreamSink::stdout()
    }

    /// Calls `tell` once the reader of stdout has gone away, which a write would only find out with the next
    /// event. Where stdout is no pipe that never happens.
    pub fn when_reader_leaves(tell: impl FnOnce() + Send + 'static) {
        let wait = move || {
            let stdout = io::stdout();
            loop {
                // No events are requested: the kernel always reports that the other side closed.
                let mut descriptors = [PollFd::new(&stdout, PollFlags::empty())];
                match poll(&mut descriptors, None) {
                    Ok(_) if !descriptors[0].revents().is_empty() => return tell(),
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(_) => return,
                }
            }
        };
        // Without the thread, the next write notices.
        let _ = std::thread::Builder::new().name("reader".into()).spawn(wait);
    }

    /// A FIFO or device at `path`; waits for a FIFO's reader, as a shell does.
    ///
    /// # Errors
    /// Fails with `Output` when it cannot be opened.
    pub fn at(disk: &dyn Disk, path: &Path) -> Result<Self> {
        let file = disk.open(path, Open::Stream).map_err(|e| disk_failure("open", path, e))?;
        StreamSink::of(file, &shown(path))
    }

    /// An open file, called `name` in messages.
    ///
    /// # Errors
    /// Fails with `Output` when its metadata cannot be read.
    pub fn of(file: Box<dyn File>, name: &str) -> Result<Self> {
        let found = file.metadata().map_err(|e| broken(name, "look at", e))?;
        Ok(StreamSink { file, name: name.to_owned(), is_regular: found.kind == FileKind::Regular })
    }
}

impl Sink for StreamSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        disk::append_all(&mut *self.file, bytes).map_err(|e| broken(&self.name, "write to", e))
    }

    fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
        disk::append_all_pieces(&mut *self.file, pieces).map_err(|e| broken(&self.name, "write to", e))
    }

    fn sync(&mut self) -> Result<()> {
        if !self.is_regular {
            return Ok(());
        }
        self.file.sync_data().map_err(|e| broken(&self.name, "sync", e))
    }
}

fn broken(name: &str, what: &str, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(ErrorKind::ClosedPipe, format!("the reader of {name} went away"))
            .hint("run again: undelivered events come again");
    }
    disk_failure(what, Path::new(name), error)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn a_closed_pipe_and_a_full_device_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let path = fifo.clone();
        let reader = std::thread::spawn(move || {
            let mut one = [0];
            std::fs::File::open(path).unwrap().read_exact(&mut one).unwrap();
        });
        let mut sink = StreamSink::at(&RealDisk, &fifo).unwrap();
        sink.write(b"x").unwrap();
        reader.join().unwrap();
        assert_eq!(sink.write(b"y").unwrap_err().kind(), ErrorKind::ClosedPipe);

        let mut full = StreamSink::at(&RealDisk, Path::new("/dev/full")).unwrap();
        let failure = full.write(b"x").unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Output);
        assert_eq!(failure.advice(), Some("make room and run again"));
    }

    #[test]
    fn a_regular_file_as_stdout_is_synced_and_a_pipe_is_not() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let file = disk::real::of_descriptor(writer.into());
        let mut sink = StreamSink::of(file, "stdout").unwrap();
        sink.write(b"line\n").unwrap();
        sink.sync().unwrap();
        assert!(!sink.is_regular);
    }
}
