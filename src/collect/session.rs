//! From settings to a client of an account: token, server, connections, limiter.
//!
//! Used by every command that talks to the service. Sends nothing, except that [`Session::streams`] may have
//! to ask what the token grants.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::api::client::{Client, ClientConfig};
use crate::api::endpoint::ApiVersion;
use crate::api::http::{Http, HttpConfig};
use crate::api::limiter::Limiters;
use crate::api::observer::Observer;
use crate::api::permits::Permits;
use crate::api::proxy;
use crate::api::retry::RetryPolicy;
use crate::config::{Account, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::runtime::Runtime;
use crate::secret::Secret;

/// How many requests may run at once without `--jobs`.
pub const DEFAULT_JOBS: u8 = 16;

/// The most requests that may run, and connections kept, where streams are followed.
const MOST_FOLLOWED: usize = 1024;

/// How long an idle connection is kept: after longer, a firewall or proxy may have dropped it silently.
const LONGEST_IDLE: Duration = Duration::from_secs(5 * 60);

/// What the sessions of one run share: connections, permits, and a limiter for each account.
#[derive(Debug, Default)]
pub struct Connections {
    https: Mutex<Vec<Http>>,
    limiters: Mutex<Vec<(u32, Arc<Limiters>)>>,
    permits: Mutex<Vec<(usize, Permits)>>,
    /// How many streams are followed at once; none where they are read once.
    followed: usize,
    /// How long an idle connection is kept; none for the default.
    idle_age: Option<Duration>,
}

/// What requests to an intake go through.
#[derive(Clone, Debug)]
pub struct IntakeConnections {
    pub(super) http: Http,
    pub(super) limiters: Arc<Limiters>,
}

/// An account and the client for it.
pub struct Session {
    /// The profile's settings.
    pub settings: Settings,
    /// The client.
    pub client: Client,
    /// The server, the token's claims, and notices about them.
    pub account: Account,
    /// The connections of the run, for receivers of batches.
    pub(super) intake_connections: IntakeConnections,
    /// What must live as long as the session: the demo's server.
    _keep: Option<Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Connections {
    /// Connections for following every stream of this many profiles.
    ///
    /// Each stream may have a request running whatever `jobs` says, so that a stream without an answer does not
    /// block another one, and connections are still open at the next poll.
    pub fn for_following(profiles: usize, interval: Duration) -> Self {
        let usual = HttpConfig::default().idle_age;
        Connections {
            followed: (profiles * Stream::ALL.len()).min(MOST_FOLLOWED),
            idle_age: Some((interval * 2 + interval / 2).clamp(usual, LONGEST_IDLE)),
            ..Connections::default()
        }
    }

    /// The connections and limiters for an intake, where there is no session.
    ///
    /// # Errors
    /// Fails where no thread can be started.
    pub(super) fn for_intake(&self, runtime: &Runtime, settings: &Settings) -> Result<IntakeConnections> {
        let http = self.http(runtime, settings, Stream::ALL.len())?;
        Ok(IntakeConnections { http, limiters: self.limiters(runtime, settings.rate_limit) })
    }

    /// How many requests may run at once, with this `--jobs`.
    fn at_once(&self, jobs: usize) -> usize {
        jobs.max(self.followed)
    }

    /// The connections for these settings; profiles with the same ones share them.
    fn http(&self, runtime: &Runtime, settings: &Settings, jobs: usize) -> Result<Http> {
        let wanted = HttpConfig {
            timeout: settings.timeout,
            max_response_bytes: settings.max_response_bytes,
            ca_file: settings.ca_file.clone(),
            idle_connections: jobs.max(Stream::ALL.len()),
            idle_age: self.idle_age.unwrap_or(HttpConfig::default().idle_age),
        };
        let mut https = self.https.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = https.iter().find(|http| *http.config() == wanted) {
            return Ok(http.clone());
        }
        let http = Http::new(wanted);
        // A request that hangs must end on cancellation.
        http.shut_down_on(&runtime.cancel)?;
        https.push(http.clone());
        Ok(http)
    }

    /// The permits of one `--jobs`: it counts requests over all profiles.
    fn permits(&self, jobs: usize) -> Permits {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = permits.iter().find(|(count, _)| *count == jobs) {
            return found.clone();
        }
        let made = Permits::new(jobs);
        permits.push((jobs, made.clone()));
        made
    }

    /// The limiters of one rate; each account on a host has one limiter.
    fn limiters(&self, runtime: &Runtime, per_minute: u32) -> Arc<Limiters> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = limiters.iter().find(|(rate, _)| *rate == per_minute) {
            return Arc::clone(found);
        }
        let made = Arc::new(Limiters::new(per_minute, Arc::clone(&runtime.clock)));
        limiters.push((per_minute, Arc::clone(&made)));
        made
    }
}

impl Session {
    /// Makes a client of an account. Sends nothing. `keep` lives as long as the session.
    ///
    /// `patience` is how long a failing request is retried without `--retry-for`; `observer` receives what
    /// happens to requests.
    ///
    /// # Errors
    /// Fails when the proxy that the environment names is malformed, and when certificates cannot be read.
    pub fn open(
        runtime: &Runtime,
        connections: &Connections,
        settings: Settings,
        mut account: Account,
        keep: Option<Box<dyn Any + Send + Sync>>,
        patience: Duration,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Session> {
        for notice in &account.notices {
            runtime.console.note(notice);
        }
        let jobs = connections.at_once(usize::from(settings.jobs.unwrap_or(DEFAULT_JOBS)));
        let owner =
            account.claims.as_ref().ok().and_then(|claims| claims.account.clone()).unwrap_or_default();
        let reload = {
            let (source, cancel) = (settings.token.clone(), runtime.cancel.clone());
            move |refused: &Secret| source.reload(refused, &cancel)
        };
        let http = connections.http(runtime, &settings, jobs)?;
        let limiters = connections.limiters(runtime, settings.rate_limit);
        let client = Client::new(ClientConfig {
            server: account.server.clone(),
            version: settings.api,
            // Only the client keeps it, so that a rotated token does not stay in memory (P10).
            token: std::mem::replace(&mut account.token, Secret::new("")),
            reload: Some(Box::new(reload)),
            proxy: proxy::resolve(&account.server, &settings.proxies)?,
            http: http.clone(),
            limiter: limiters.get(&account.server.host(), &owner),
            permits: connections.permits(jobs),
            policy: RetryPolicy {
                budget: settings.retry_for.unwrap_or(patience),
                deadline: settings.deadline.map(|deadline| runtime.clock.elapsed() + deadline),
            },
            observer,
            trusts_clock: settings.trusts_clock,
            clock: Arc::clone(&runtime.clock),
            cancel: runtime.cancel.clone(),
        });
        let intake_connections = IntakeConnections { http, limiters };
        Ok(Session { settings, client, account, intake_connections, _keep: keep })
    }

    /// How many requests may run at once.
    pub fn jobs(&self) -> usize {
        usize::from(self.settings.jobs.unwrap_or(DEFAULT_JOBS))
    }

    /// The server's name in a saved position. The demo's has another port in every run and one name all the
    /// same: its cursors are valid in every run.
    pub fn home(&self) -> String {
        if self.settings.is_demo() { "demo".into() } else { self.account.server.host() }
    }

    /// The account's uuid, from the token.
    pub fn account_uuid(&self) -> Option<String> {
        self.account.claims.as_ref().ok().and_then(|claims| claims.account.clone())
    }

    /// The streams to read: those that were named, else all that the token grants.
    ///
    /// # Errors
    /// Fails where the token does not say what it grants and the service cannot be asked, and where it
    /// grants nothing.
    pub fn streams(&self, named: &[Stream]) -> Result<Vec<Stream>> {
        let mut streams = if !named.is_empty() {
            named.to_vec()
        } else {
            let claimed = self.account.claims.as_ref().map(|claims| claims.streams()).unwrap_or_default();
            let granted = if claimed.is_empty() { self.client.introspect()?.streams() } else { claimed };
            granted.into_iter().filter(|stream| self.settings.api.serves(*stream)).collect()
        };
        streams.sort();
        streams.dedup();
        if streams.is_empty() {
            let what = match self.settings.api {
                ApiVersion::V3 => "the token does not grant auditevents, and v3 of the API has nothing else",
                ApiVersion::V1 | ApiVersion::V2 => "the token grants none of the streams",
            };
            return Err(Error::new(ErrorKind::FeatureMissing, what).hint(
                "issue a token with \"Events to Report\" set: Integrations > Events Reporting, in 1Password",
            ));
        }
        Ok(streams)
    }
}
