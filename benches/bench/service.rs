//! The stand-in of the service, in a process of its own: the list of its pages, and what it was asked.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use opev::api::endpoint::{ApiVersion, PageRequest};
use opev::api::http::{Http, HttpConfig, HttpRequest};
use opev::api::wire;
use opev::clock::{Clock as _, RealClock};
use opev::event::Stream;
use opev::page::Next;
use opev::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::stopwatch::{Cost, once};
use crate::{OPEV, Result};

/// How far back its events lie, in days; less than the 120 that a question may go back.
const DAYS: u32 = 100;
/// How far back everybody asks.
const SINCE: u32 = 119;
/// How many events a full page holds.
pub(crate) const FULL_PAGE: usize = 1000;

/// A running stand-in, whose time stands still.
pub(crate) struct Service {
    process: Child,
    /// Kept open: nobody is to find it closed.
    _stdout: BufReader<ChildStdout>,
    pub(crate) base_url: String,
    pub(crate) token: String,
    /// The time from which on everybody asks.
    pub(crate) since: DateTime<Utc>,
}

/// One request for a page.
pub(crate) struct Ready {
    pub(crate) path: String,
    pub(crate) body: String,
}

/// One request as the service saw it; see `opev simulate --log`.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) arrived: DateTime<Utc>,
    pub(crate) answered: DateTime<Utc>,
    pub(crate) status: u16,
    /// How many the answer held.
    pub(crate) events: usize,
}

impl Service {
    /// Starts one with so many events in all streams, and whatever else `args` say.
    pub(crate) fn start(events: u64, args: &[&str]) -> Result<Self> {
        let now = RealClock::new().now();
        let mut process = Command::new(OPEV)
            .args(["simulate", "--announce", "json", "-q", "--events", &events.to_string()])
            .args(["--days", &DAYS.to_string(), "--at", &now.to_rfc3339_opts(SecondsFormat::Secs, true)])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let announced: serde_json::Value =
            serde_json::from_str(&line).map_err(|_| format!("opev simulate {args:?} did not start"))?;
        let text = |key: &str| announced[key].as_str().map(str::to_owned).ok_or("no announcement");
        Ok(Service {
            base_url: text("base_url")?,
            token: text("token")?,
            process,
            _stdout: stdout,
            since: now - TimeDelta::days(SINCE.into()),
        })
    }

    /// `opev fetch` of everything, as anybody would type it.
    pub(crate) fn fetch(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OPEV);
        command
            .args(["fetch", "--since", &format!("{SINCE}d"), "-q"])
            .args(args)
            // Whoever measures may have a configuration of their own.
            .env("OPEV_CONFIG", "/dev/null")
            .env("OPEV_BASE_URL", &self.base_url)
            .env("EVENTS_API_TOKEN", &self.token);
        command
    }

    /// The same without our own rate limit, for more pages than it lets pass in a minute.
    pub(crate) fn fetch_unlimited(&self, args: &[&str]) -> Command {
        self.fetch(&[args, &["--rate-limit", "0"]].concat())
    }

    /// The requests for every page of these streams, found by asking for them once.
    pub(crate) fn pages(&self, streams: &[Stream]) -> Result<Vec<Ready>> {
        let http = Http::new(HttpConfig::default());
        let token = Secret::new(self.token.clone());
        let server = self.base_url.parse().map_err(|_| "no such server")?;
        let mut pages = Vec::new();
        for &stream in streams {
            let path = ApiVersion::V2.path(stream).ok_or("no such endpoint")?;
            let mut ask =
                PageRequest::First { limit: FULL_PAGE as u16, since: Some(self.since), until: None };
            loop {
                let body = ask.body();
                let request = HttpRequest {
                    server: &server,
                    proxy: None,
                    token: Some(&token),
                    headers: &[],
                    path,
                    body: Some(body.clone().into_bytes()),
                    timeout: None,
                };
                let answer = http.send(request).map_err(|trouble| trouble.to_string())?;
                let page = wire::page(ApiVersion::V2, stream, answer.body, 1_000, RealClock::new().now())?;
                pages.push(Ready { path: path.to_owned(), body });
                match page.next {
                    Next::More(cursor) => ask = PageRequest::Cursor(cursor),
                    Next::CaughtUp(_) => break,
                }
            }
        }
        Ok(pages)
    }

    /// Has it end by itself, so that all it has to write is written.
    fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("opev simulate: {status}").into()) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many events there are in all streams, if those with so many of 100 events have so many full pages.
pub(crate) fn events(pages: usize, share: usize) -> u64 {
    (pages * FULL_PAGE * 100 / share) as u64
}

/// Runs a command once against a service of its own: what it cost, and what the service was asked. It is to
/// fetch so many pages' worth of events.
pub(crate) fn observe(
    events: u64,
    args: &[&str],
    pages: usize,
    command: impl FnOnce(&Service) -> Command,
) -> Result<(Cost, Vec<Asked>)> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("requests");
    let service = Service::start(events, &[args, &["--log", &log.to_string_lossy()]].concat())?;
    let cost = once(&command(&service))?;
    service.stop()?;
    let asked = read(&log)?;
    let sent: usize = asked.iter().map(|asked| asked.events).sum();
    if sent < pages * FULL_PAGE {
        return Err(format!("{sent} events were fetched of {pages} full pages").into());
    }
    Ok((cost, asked))
}

fn read(log: &Path) -> Result<Vec<Asked>> {
    let text = fs::read_to_string(log)?;
    Ok(text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}
