//! `opev simulate --log`: every request that was answered, as a line of JSON.
//!
//! ```text
//! {"number":7,"connection":2,"arrived":"2026-11-20T12:00:00.123456Z","answered":"2026-11-20T12:00:00.424567Z",
//!  "target":"itemusages","ask":"cursor","status":200,"events":1000,"spoiled":false}
//! ```
//!
//! `target` is null for an unknown address, `ask` where no events were asked for, `status` where there was no
//! answer. Nothing that a client sent is in it, and so never a token. A thread of its own writes: the service
//! waits for no disk.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::{LoggedRequest, RequestKind, RequestTarget};
use crate::clock::Clock;
use crate::disk::{self, Disk as _, File, FileKind, Open, RealDisk};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// A log that is being written.
#[derive(Debug)]
pub struct RequestLog {
    name: String,
    writer: JoinHandle<io::Result<()>>,
}

/// One line.
#[derive(Debug, Serialize)]
struct RequestLine {
    number: u64,
    connection: u64,
    arrived: String,
    answered: Option<String>,
    target: Option<&'static str>,
    ask: Option<&'static str>,
    status: Option<u16>,
    events: usize,
    spoiled: bool,
}

impl RequestLog {
    /// Opens the file, and says where to send the requests.
    ///
    /// # Errors
    /// Fails with `Output` when it cannot be opened.
    pub fn open(path: &Path, clock: &dyn Clock) -> Result<(Self, Sender<LoggedRequest>)> {
        let is_stream = RealDisk.metadata(path).is_ok_and(|found| found.kind == FileKind::Other);
        let how = if is_stream { Open::Stream } else { Open::Append { mode: 0o600 } };
        let name = sanitize::message(&path.to_string_lossy()).into_owned();
        let mut file = RealDisk.open(path, how).map_err(|e| cannot("open", &name).because(e))?;
        let start = clock.now() - TimeDelta::from_std(clock.elapsed()).unwrap_or_default();
        let (sender, requests) = channel();
        let write = move || requests.iter().try_for_each(|request| append(&mut *file, start, &request));
        let writer = thread::Builder::new()
            .name("request-log".into())
            .spawn(write)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start the log's thread").because(e))?;
        Ok((RequestLog { name, writer }, sender))
    }

    /// Waits until the last line is written; nobody must be left who could send another.
    ///
    /// # Errors
    /// Fails with `Output` when a line could not be written; none was from there on.
    pub fn close(self) -> Result<()> {
        let ended = self.writer.join().unwrap_or_else(|_| Err(io::Error::other("its thread panicked")));
        ended.map_err(|e| cannot("write", &self.name).because(e))
    }
}

fn cannot(act: &str, name: &str) -> Error {
    Error::new(ErrorKind::Output, format!("cannot {act} the log {name}"))
        .hint("name a --log that this user can write")
}

fn append(file: &mut dyn File, start: DateTime<Utc>, request: &LoggedRequest) -> io::Result<()> {
    let time = |since: Duration| {
        let time = start + TimeDelta::from_std(since).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::Micros, true)
    };
    let line = RequestLine {
        number: request.number,
        connection: request.connection,
        arrived: time(request.at),
        answered: request.answered.map(time),
        target: request.target.map(|target| match target {
            RequestTarget::Stream(stream) => stream.name(),
            RequestTarget::Introspect => "introspect",
        }),
        ask: request.ask.map(|ask| match ask {
            RequestKind::First => "range",
            RequestKind::Cursor => "cursor",
        }),
        status: request.status,
        events: request.events,
        spoiled: request.spoiled,
    };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    disk::append_all(file, &bytes)
}
