//! The stand-in of the service, in a process of its own, and the list of its pages.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use opev::api::endpoint::{ApiVersion, Ask};
use opev::api::http::{Http, Request, Settings};
use opev::api::wire;
use opev::clock::{Clock as _, RealClock};
use opev::event::Stream;
use opev::page::Next;
use opev::secret::Secret;

use crate::{OPEV, Result};

/// How far back its events lie, in days; less than the 120 that a question may go back.
const DAYS: u32 = 100;

/// A running stand-in.
pub(crate) struct Service {
    process: Child,
    /// Kept open: it says how it went when it ends.
    _stdout: BufReader<ChildStdout>,
    pub(crate) base_url: String,
    pub(crate) token: String,
}

/// One request for a page.
pub(crate) struct Ready {
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Service {
    /// Starts one with so many events, and whatever else `args` say.
    pub(crate) fn start(events: u64, args: &[&str]) -> Result<Self> {
        let mut process = Command::new(OPEV)
            .args(["simulate", "--announce", "json", "-q", "--events", &events.to_string()])
            .args(["--days", &DAYS.to_string()])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let announced: serde_json::Value = serde_json::from_str(&line)?;
        let text = |key: &str| announced[key].as_str().map(str::to_owned).ok_or("no announcement");
        Ok(Service { base_url: text("base_url")?, token: text("token")?, process, _stdout: stdout })
    }

    /// `opev` with this account in its environment and these arguments.
    pub(crate) fn opev(&self, args: &[&str]) -> Command {
        let mut command = Command::new(OPEV);
        command.args(args).env("OPEV_BASE_URL", &self.base_url).env("EVENTS_API_TOKEN", &self.token);
        command
    }

    /// `opev fetch` of everything, without our own rate limit.
    pub(crate) fn fetch(&self, args: &[&str]) -> Command {
        let mut command = self.opev(&["fetch", "--since", "119d", "--rate-limit", "0", "-q"]);
        command.args(args);
        command
    }

    /// The requests for every page of these streams, found by asking for them once.
    pub(crate) fn pages(&self, streams: &[Stream]) -> Result<Vec<Ready>> {
        let http = Http::new(Settings::default());
        let token = Secret::new(self.token.clone());
        let server = self.base_url.parse().map_err(|_| "no such server")?;
        let now = RealClock::new().now();
        let since = now.checked_sub_signed(chrono::TimeDelta::days(119));
        let mut pages = Vec::new();
        for &stream in streams {
            let path = ApiVersion::V2.path(stream);
            let mut ask = Ask::First { limit: 1000, since, until: None };
            loop {
                let body = ask.body();
                let request = Request {
                    server: &server,
                    proxy: None,
                    token: &token,
                    path: &path,
                    body: Some(body.clone()),
                    timeout: None,
                };
                let answer = http.send(request).map_err(|trouble| trouble.to_string())?;
                let page = wire::page(ApiVersion::V2, stream, answer.body, now)?;
                pages.push(Ready { path: path.clone(), body });
                match page.next {
                    Next::More(cursor) => ask = Ask::Cursor(cursor),
                    Next::CaughtUp(_) => break,
                }
            }
        }
        Ok(pages)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
