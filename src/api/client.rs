//! A client of one account: requests in, pages out. Transient failures are retried here.
//!
//! The order is fixed: past the throttle, a permit (`--jobs`), a slot in the rate limit, the request, then the reading of its
//! answer. Every wait hears the cancel token. Nothing here prints, and no log line holds a header or a body
//! (P10). Requests block: call from a worker thread, and let [`Http::shut_down_on`] cut them short.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::api::claims::{Claims, InvalidToken};
use crate::api::clock_check::ClockCheck;
use crate::api::connectivity::{self, ConnectivityStep, ConnectivityTarget, StageOutcome};
use crate::api::endpoint::{ApiVersion, BaseUrl, PageRequest, QueryNames};
use crate::api::http::{Http, HttpRequest, HttpResponse};
use crate::api::jitter::jitter;
use crate::api::limiter::Limiter;
use crate::api::observer::{Observation, Observer};
use crate::api::permits::Permits;
use crate::api::proxy::{PROXY_LOGIN, Proxy};
use crate::api::rejection::{Rejection, claims_lack};
use crate::api::retry::{self, RateLimitHeaders, RetryDecision, RetryPolicy, RetryState};
use crate::api::retryable::{RetryableError, past_deadline};
use crate::api::throttle::Passage;
use crate::api::transport_error::TransportError;
use crate::api::wire::{self, Introspection, UnreadableAnswer};
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::secret::Secret;

/// Reads the source of the token once more, after this one was refused; none where it holds no other.
pub type TokenReload = Box<dyn Fn(&Secret) -> Result<Option<Secret>> + Send + Sync>;

/// What a client is made of.
pub struct ClientConfig {
    /// Whom to ask.
    pub server: BaseUrl,
    /// In which version of the API.
    pub version: ApiVersion,
    /// With which token.
    pub token: Secret,
    /// How to read the token again when it is refused after an earlier success: it may have been rotated.
    pub reload: Option<TokenReload>,
    /// Through whom.
    pub proxy: Option<Proxy>,
    /// The process's connections.
    pub http: Http,
    /// The limiter of this account on this server.
    pub limiter: Limiter,
    /// How many requests may run at once.
    pub permits: Permits,
    /// How long to keep trying.
    pub policy: RetryPolicy,
    /// Receives what happens to requests.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether a clock that disagrees with the service's by days is to be trusted.
    pub trusts_clock: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Cancels every wait.
    pub cancel: Cancel,
}

/// A client of one account; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<ClientState>);

struct ClientState {
    config: ClientConfig,
    clock_check: ClockCheck,
    token: Mutex<CurrentToken>,
    /// Set by every page, taken by the one reading of a new token that it allows.
    answered: AtomicBool,
    /// The names of v3's parameters, once an answer has shown which ones the service takes.
    query_names: OnceLock<QueryNames>,
    /// The result of an introspection after a 401, with the token's generation.
    granted: Mutex<Option<(u64, Option<Vec<Stream>>)>>,
}

#[derive(Clone)]
struct CurrentToken {
    generation: u64,
    secret: Secret,
}

/// One request, in the service's form.
struct ApiRequest {
    stream: Option<Stream>,
    /// Without the query, which may hold a cursor.
    path: String,
    query: Option<String>,
    body: Option<String>,
}

/// What came of sending a request once.
struct SentRequest {
    result: Result<HttpResponse, TransportError>,
    /// After a 429: how long the account pauses, and whether this 429 was the first one.
    pause: Option<(Duration, bool)>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} {})", self.0.config.server, self.0.config.version)
    }
}

impl Client {
    /// A client; nothing is sent yet.
    pub fn new(mut config: ClientConfig) -> Self {
        // Kept only here, so that a rotated token does not stay in memory.
        let secret = std::mem::replace(&mut config.token, Secret::new(""));
        secret.hide();
        let token = Mutex::new(CurrentToken { generation: 0, secret });
        Client(Arc::new(ClientState {
            clock_check: ClockCheck::new(config.trusts_clock),
            config,
            token,
            answered: AtomicBool::new(false),
            query_names: OnceLock::new(),
            granted: Mutex::default(),
        }))
    }

    /// The server.
    pub fn server(&self) -> &BaseUrl {
        &self.0.config.server
    }

    /// In which version of the API.
    pub fn version(&self) -> ApiVersion {
        self.0.config.version
    }

    /// The token in use.
    pub fn token_in_use(&self) -> Secret {
        self.token().secret
    }

    /// What the token in use says of itself.
    ///
    /// # Errors
    /// Fails with the reason why it is not a token.
    pub fn claims(&self) -> Result<Claims, InvalidToken> {
        Claims::read(&self.token().secret)
    }

    /// Asks a stream and reads the page, again and again while that may help.
    ///
    /// # Errors
    /// Fails with a kind and a hint of its own for everything that can go wrong. A cursor that the service
    /// refuses is `BadRequest` on `PageRequest::Cursor`.
    pub fn page(&self, stream: Stream, ask: &PageRequest) -> Result<Page> {
        let version = self.version();
        let Some(path) = version.path(stream) else {
            return Err(Error::new(ErrorKind::Usage, format!("{version} of the API has audit events only"))
                .hint("leave --api out, or request only auditevents")
                .on_stream(stream));
        };
        let page = match version {
            ApiVersion::V3 => self.page_by_query(stream, path, ask),
            ApiVersion::V1 | ApiVersion::V2 => self.page_of(stream, path, (None, Some(ask.body())), ask),
        };
        page.map_err(|failure| failure.on_stream(stream))
    }

    /// Asks with the newer names of parameters, and with the older ones where the service refuses those before
    /// it has ever answered to them.
    fn page_by_query(&self, stream: Stream, path: &str, ask: &PageRequest) -> Result<Page> {
        let with = |names| self.page_of(stream, path, (Some(ask.query(names)), None), ask);
        if let Some(names) = self.0.query_names.get() {
            return with(*names);
        }
        let (names, page) = match with(QueryNames::Newer) {
            Err(refused) if refused.kind() == ErrorKind::BadRequest => match with(QueryNames::Older) {
                Ok(page) => (QueryNames::Older, page),
                Err(_) => return Err(refused),
            },
            page => (QueryNames::Newer, page?),
        };
        let _ = self.0.query_names.set(names);
        Ok(page)
    }

    fn page_of(
        &self,
        stream: Stream,
        path: &str,
        (query, body): (Option<String>, Option<String>),
        ask: &PageRequest,
    ) -> Result<Page> {
        let (version, asked) = (self.version(), usize::from(ask.limit()));
        let request = ApiRequest { stream: Some(stream), path: path.to_owned(), query, body };
        self.ask(&request, self.0.config.policy, |answer| {
            wire::page(version, stream, answer.body, asked, self.0.config.clock.now())
        })
    }

    /// Tries the connection to the server once, stage by stage, without the token.
    ///
    /// # Errors
    /// Fails only when cancelled; the failure of a stage is in its outcome.
    pub fn probe(&self) -> Result<Vec<ConnectivityStep>> {
        let ClientConfig { server, proxy, http, clock, cancel, .. } = &self.0.config;
        connectivity::try_connection(&ConnectivityTarget {
            server,
            proxy: proxy.as_ref(),
            http,
            clock: &**clock,
            cancel,
        })
    }

    /// Takes back a page that is done with, so that the next one needs no new memory.
    pub fn reuse(&self, page: Page) {
        self.0.config.http.reuse(page.body);
    }

    /// Requests what the token may read.
    ///
    /// # Errors
    /// As [`Client::page`].
    pub fn introspect(&self) -> Result<Introspection> {
        self.introspect_within(self.0.config.policy)
    }

    fn introspect_within(&self, policy: RetryPolicy) -> Result<Introspection> {
        let path = self.version().introspect_path().to_owned();
        let request = ApiRequest { stream: None, path, query: None, body: None };
        self.ask(&request, policy, |answer| wire::introspection(&answer.body))
    }

    fn ask<T>(
        &self,
        request: &ApiRequest,
        policy: RetryPolicy,
        read: impl Fn(HttpResponse) -> Result<T, UnreadableAnswer>,
    ) -> Result<T> {
        let ClientConfig { clock, cancel, .. } = &self.0.config;
        let mut retries = RetryState::new(policy);
        loop {
            let token = self.token();
            let SentRequest { result, pause } = self.send(request, &token.secret, &mut retries)?;
            let passing = match result {
                Ok(answer) if answer.status == 200 => match self.checked(answer).map(&read)? {
                    Ok(value) => {
                        // An introspection does not count: one follows the very first 401, too.
                        self.0.answered.fetch_or(request.stream.is_some(), Ordering::SeqCst);
                        self.tell(request.stream, &Observation::Answered);
                        return Ok(value);
                    }
                    Err(unreadable) => RetryableError::unreadable(&unreadable.to_string()),
                },
                Ok(answer) if retry::is_passing(answer.status) => {
                    RetryableError::of_status(&answer, self.server(), clock.now())
                }
                Ok(answer) if (201..300).contains(&answer.status) => {
                    RetryableError::unreadable(&format!("its status is {}", answer.status))
                }
                Ok(answer) if answer.status == 401 && self.renew(&token) => continue,
                Ok(answer) => return Err(self.refusal(request, &answer, &token)),
                Err(TransportError::ProxyLogin) => return Err(self.proxy_failure()),
                Err(error) => {
                    RetryableError::of_transport(error, self.server(), self.0.config.proxy.as_ref())?
                }
            };
            let now = clock.elapsed();
            let decision = match pause {
                Some((pause, _)) => retries.refused(now, passing.retry_after, pause),
                None => retries.failed(now, passing.retry_after, jitter()),
            };
            let RetryDecision::Wait(wait) = decision else { return Err(passing.end(decision, clock.now())) };
            let RetryableError { kind, status, ref what, .. } = passing;
            let attempt = retries.attempt() - 1;
            self.tell(request.stream, &Observation::Retrying { kind, status, what, wait, attempt });
            // Of an account's requests that are refused at once, one speaks for all.
            let is_quiet = self.0.config.observer.is_some() || pause.is_some_and(|(_, is_news)| !is_news);
            passing.log(request.stream, wait, retries.attempt(), is_quiet);
            if pause.is_none() {
                clock.sleep(wait, cancel)?;
            }
        }
    }

    /// Sends a request once. The outer error is one that no further try can mend.
    fn send(&self, request: &ApiRequest, token: &Secret, retries: &mut RetryState) -> Result<SentRequest> {
        let ClientConfig { clock, cancel, limiter, permits, .. } = &self.0.config;
        let deadline = retries.policy().deadline;
        let (passage, permit, slot) = loop {
            // A paused request holds no permit: other accounts may need it.
            let passage = limiter.throttle().enter(cancel, deadline)?;
            let permit = permits.acquire(cancel)?;
            if let Some(slot) = limiter.wait_while(cancel, deadline, || passage.is_current())? {
                break (passage, permit, slot);
            }
        };
        let start = clock.elapsed();
        let timeout = retries.policy().until_deadline(start);
        if timeout.is_some_and(|left| left.is_zero()) {
            return Err(past_deadline(None));
        }
        let target = match &request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.clone(),
        };
        let result = self.0.config.http.send(HttpRequest {
            server: self.server(),
            proxy: self.0.config.proxy.as_ref(),
            token: Some(token),
            path: &target,
            headers: &[],
            body: request.body.clone().map(String::into_bytes),
            timeout,
        });
        drop((slot, permit));
        if result.is_err() {
            // Cut by ourselves, perhaps: that is no failure of the network.
            cancel.check()?;
        }
        let pause =
            result.as_ref().ok().and_then(|answer| self.learn(&request.path, answer, &passage, retries));
        log_request(request, &result, clock.elapsed().saturating_sub(start), retries.attempt());
        Ok(SentRequest { result, pause })
    }

    /// What a proxy's 407 means: only its answer to a CONNECT tells, which is asked for once more, without
    /// the token.
    fn proxy_failure(&self) -> Error {
        let failure = |step: ConnectivityStep| match step.outcome {
            StageOutcome::Failed(failure) => Some(failure),
            StageOutcome::Passed(_) | StageOutcome::Skipped(_) => None,
        };
        let found = self.probe().map(|steps| steps.into_iter().find_map(failure));
        found.unwrap_or_else(Some).unwrap_or_else(|| {
            Error::new(ErrorKind::Config, TransportError::ProxyLogin.to_string()).hint(PROXY_LOGIN)
        })
    }

    /// Keeps to what an answer tells of the account's rate, where that is less than the own one (P9). Gives
    /// the pause after a 429.
    fn learn(
        &self,
        path: &str,
        answer: &HttpResponse,
        passage: &Passage,
        retries: &mut RetryState,
    ) -> Option<(Duration, bool)> {
        let ClientConfig { clock, limiter, .. } = &self.0.config;
        let now = answer.header("date").and_then(retry::http_date).unwrap_or_else(|| clock.now());
        let told = RateLimitHeaders::read(|name| answer.header(name));
        limiter.learn(&told, told.resets_in(now));
        if answer.status != 429 {
            passage.answered(path);
            return None;
        }
        retries.others_were_answered(passage.last_answer(path));
        Some(passage.refused(retry::retry_after_of(answer, clock.now()), retries.left(clock.elapsed())))
    }

    /// An answer whose date agrees with the clock.
    fn checked(&self, answer: HttpResponse) -> Result<HttpResponse> {
        self.0.clock_check.check(&answer, self.0.config.clock.now())?;
        Ok(answer)
    }

    fn tell(&self, stream: Option<Stream>, observation: &Observation<'_>) {
        if let Some(observer) = &self.0.config.observer {
            observer.observe(stream, observation);
        }
    }

    fn refusal(&self, request: &ApiRequest, answer: &HttpResponse, token: &CurrentToken) -> Error {
        let words = wire::words(&answer.body);
        let refused = Rejection {
            server: self.server(),
            path: &request.path,
            stream: request.stream,
            status: answer.status,
            words: words.as_deref(),
            location: answer.header("location"),
        };
        if answer.status != 401 {
            return refused.failure();
        }
        let now = self.0.config.clock.now();
        let claims = Claims::read(&token.secret);
        let settled = claims.as_ref().is_ok_and(|claims| claims.is_expired(now));
        let granted = match request.stream {
            Some(stream) if !settled && !claims_lack(&claims, stream) => self.granted(token),
            _ => None,
        };
        refused.unauthorized(&claims, granted.as_deref(), now)
    }

    /// What the token grants according to the service, requested once for all streams; none without an answer.
    fn granted(&self, token: &CurrentToken) -> Option<Vec<Stream>> {
        let mut granted = self.0.granted.lock().unwrap_or_else(PoisonError::into_inner);
        match &*granted {
            Some((generation, streams)) if *generation == token.generation => streams.clone(),
            _ => {
                // One attempt: a refusal should be reported at once, not after retries.
                let once = RetryPolicy { budget: Duration::ZERO, ..self.0.config.policy };
                let streams = self.introspect_within(once).ok().map(|answer| answer.streams());
                *granted = Some((token.generation, streams.clone()));
                streams
            }
        }
    }

    fn token(&self) -> CurrentToken {
        self.0.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is another token to try than `refused`. Its source is read once after each success.
    fn renew(&self, refused: &CurrentToken) -> bool {
        let mut token = self.0.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.generation != refused.generation {
            return true;
        }
        let Some(reload) = &self.0.config.reload else { return false };
        if !self.0.answered.swap(false, Ordering::SeqCst) {
            return false;
        }
        match reload(&token.secret) {
            Ok(Some(secret)) if secret != token.secret => {
                secret.hide();
                log::info!("the token was refused, and its source holds another one now: using that");
                *token = CurrentToken { generation: token.generation + 1, secret };
                true
            }
            Ok(_) => false,
            Err(failure) => {
                log::warn!("the token was refused, and its source cannot be read again: {failure}");
                false
            }
        }
    }
}

fn log_request(
    request: &ApiRequest,
    result: &Result<HttpResponse, TransportError>,
    took: Duration,
    attempt: u32,
) {
    let method = if request.body.is_some() { "POST" } else { "GET" };
    let path = request.path.as_str();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(answer) => {
            let (status, bytes) = (answer.status, answer.body.len());
            log::debug!(method = method, path = path, status = status, ms = ms, attempt = attempt, bytes = bytes;
                "{method} {path} {status} in {ms} ms, {bytes} bytes, try {attempt}");
        }
        Err(error) => {
            let error = error.to_string();
            log::debug!(method = method, path = path, error = error.as_str(), ms = ms, attempt = attempt;
                "{method} {path} failed in {ms} ms, try {attempt}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_shared_between_threads() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<Client>();
    }
}
