//! Connections, routes and the token: what the stand-in does with a request, from its arrival to its answer.
//!
//! One thread a connection. Everything shared is behind a lock of its own, held for moments only; nothing
//! is written while one is held.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::answer::{AnswerWriter, HttpAnswer, close};
use super::client_monitor::{ClientMonitor, ClientRule};
use super::fault::{ConnectionCut, Fault};
use super::http::{self, ReceivedRequest, RequestError};
use super::json_writer::write_time;
use super::options::{ApiForm, ErrorShape, ServiceBehavior, SimulatorOptions};
use super::pages::PageBuilder;
use super::random::SeededRandom;
use super::rate_limit::{QuotaHeaders, RateEnforcer, RateLimit, RemainingQuota};
use super::requests::{self, InvalidQuery, PageQuery};
use super::script::{RequestKind, RequestTarget};
use super::token::{self, Grant};
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::event::Stream;
use crate::secret::Secret;

/// What all connections share.
#[derive(Debug)]
pub(super) struct SimulatorServer {
    pub(super) options: SimulatorOptions,
    pub(super) pages: PageBuilder,
    pub(super) account: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: Cancel,
    pub(super) monitor: Mutex<ClientMonitor>,
    pub(super) enforcer: Option<Mutex<RateEnforcer>>,
    /// Decides the jitter of the latency.
    pub(super) random: Mutex<SeededRandom>,
    /// The last good token, so that a signature is checked once and not for every page.
    pub(super) known_token: Mutex<Option<(Secret, Grant)>>,
    /// The open connections, to be shut when the simulator stops.
    pub(super) open: Mutex<HashMap<u64, TcpStream>>,
}

/// Nothing that is locked here can be left half-changed: a panic elsewhere need not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An address of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RequestPath {
    target: RequestTarget,
    form: ApiForm,
}

impl SimulatorServer {
    /// The simulator's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.options.at.unwrap_or_else(|| self.clock.now())
    }

    pub(super) fn nanoseconds(&self) -> i64 {
        self.now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    pub(super) fn monitor(&self) -> MutexGuard<'_, ClientMonitor> {
        lock(&self.monitor)
    }

    /// Takes connections until stopped, then waits for those that are open.
    pub(super) fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads: Vec<thread::JoinHandle<()>> = Vec::new();
        for connection in listener.incoming() {
            if self.stop.is_triggered() {
                break;
            }
            let Ok(connection) = connection else {
                // Most likely no file descriptor is free: it passes, but not at once.
                let _ = self.clock.sleep(Duration::from_millis(20), &self.stop);
                continue;
            };
            threads.retain(|thread| !thread.is_finished());
            let number = self.monitor().connect();
            if threads.len() >= self.options.connections {
                let wire = self.wire(&connection, false);
                // Whoever opens this many may well be gone.
                let _ = wire.send(&self.error(ApiForm::V2, 503, "too many connections"), None, &mut || ());
                close(&connection);
                continue;
            }
            let Ok(copy) = connection.try_clone() else { continue };
            lock(&self.open).insert(number, copy);
            let server = Arc::clone(self);
            let serve = move || {
                server.serve(&connection, number);
                close(&connection);
                lock(&server.open).remove(&number);
            };
            match thread::Builder::new().name(format!("simulator-{number}")).spawn(serve) {
                Ok(thread) => threads.push(thread),
                Err(e) => log::warn!("the simulator cannot start a thread: {e}"),
            }
        }
        for thread in threads {
            // A panic in a connection's thread has been reported by the panic itself.
            let _ = thread.join();
        }
    }

    /// Shuts every open connection, so that nobody waits for a client.
    pub(super) fn shut(&self) {
        for connection in lock(&self.open).values() {
            close(connection);
        }
    }

    fn wire<'a>(&'a self, connection: &'a TcpStream, keep_alive: bool) -> AnswerWriter<'a> {
        AnswerWriter { connection, clock: &*self.clock, stop: &self.stop, keep_alive }
    }

    fn serve(&self, connection: &TcpStream, number: u64) {
        // Only costs time if it fails.
        let _ = connection.set_nodelay(true);
        let mut buffer = Vec::new();
        let mut reader = connection;
        while !self.stop.is_triggered() {
            match http::read(&mut reader, &mut buffer) {
                Ok(request) => {
                    if !self.respond(connection, number, &request) {
                        return;
                    }
                }
                Err(RequestError::Gone) => return,
                Err(RequestError::Malformed(why)) => {
                    let answer = self.error(ApiForm::V2, 400, why);
                    let _ = self.wire(connection, false).send(&answer, None, &mut || ());
                    return;
                }
            }
        }
    }

    /// Answers a request, and says whether the connection can be used again.
    fn respond(&self, connection: &TcpStream, connection_number: u64, request: &ReceivedRequest) -> bool {
        let known = route(&request.path);
        let route = known.filter(|route| method(*route) == request.method);
        let target = route.map(|route| route.target);
        let ask = route.and_then(|route| ask_kind(route, request, &self.options.behavior));
        let at = self.clock.elapsed();
        let number = self.monitor().arrive(at, connection_number, request, target, ask);
        let mut under_way = true;
        let mut leave = || {
            if let (true, Some(RequestTarget::Stream(stream))) = (std::mem::take(&mut under_way), target) {
                self.monitor().leave(stream, request, ask);
            }
        };
        let fault = target.and_then(|target| self.options.script.fault(target, ask));
        // The time is read under the lock: one that is older than what the gate has let pass since would find
        // a window too full.
        let quota = self.enforcer.as_ref().map(|enforcer| {
            let mut enforcer = lock(enforcer);
            enforcer.pass(self.clock.elapsed())
        });
        let refused = quota.and_then(Result::err);
        if self.wait(fault.as_ref()).is_err() {
            leave();
            return false;
        }
        // What the rate limit refuses is refused whole: the fault had its turn, and is not seen.
        let fault = fault.filter(|_| refused.is_none());
        let mut answer = match (refused, route) {
            (Some(quota), _) => self.too_many(route.map_or(ApiForm::V2, |route| route.form), quota),
            (None, Some(route)) => self.answer(route, request, number, fault.as_ref()),
            (None, None) if known.is_some() => self.error(ApiForm::V2, 405, "Method Not Allowed"),
            (None, None) => self.error(ApiForm::V2, 404, "Not Found"),
        };
        if let (Some(Ok(quota)), Some(QuotaHeaders::Always)) =
            (quota, self.options.rate_limit.map(|limit| limit.headers))
        {
            answer = answer.quota(quota);
        }
        let bomb = matches!(fault, Some(Fault::GzipBomb(_)));
        if self.options.gzip && request.accepts_gzip && !bomb {
            // Into memory, which does not fail; an answer in the clear is right in any case.
            let _ = answer.compress();
        }
        let silent = matches!(fault, Some(Fault::Hang | Fault::Cut(ConnectionCut::BeforeHead)));
        let status = (!silent).then_some(answer.status);
        self.monitor().answer(number, self.clock.elapsed(), status, answer.events, fault.is_some());
        let sent = self.wire(connection, request.keep_alive).send(&answer, fault.as_ref(), &mut leave);
        leave();
        sent.unwrap_or(false)
    }

    /// The answer beyond the rate limit.
    fn too_many(&self, form: ApiForm, quota: RemainingQuota) -> HttpAnswer {
        let mut answer = self.error(form, 429, "Too Many Requests");
        let limit = self.options.rate_limit.unwrap_or(RateLimit::DOCUMENTED);
        if limit.headers != QuotaHeaders::Never {
            answer = answer.quota(quota);
        }
        if limit.retry_after { answer.header("Retry-After", quota.reset.to_string()) } else { answer }
    }

    /// Waits as long as the answer is to take.
    fn wait(&self, fault: Option<&Fault>) -> crate::error::Result<()> {
        let latency = self.options.latency;
        let mut wait = latency.fixed;
        if !latency.jitter.is_zero() {
            let share = lock(&self.random).below(1 << 20) as u32;
            wait += latency.jitter * share / (1 << 20);
        }
        if let Some(Fault::Delay(more)) = fault {
            wait += *more;
        }
        if wait.is_zero() { Ok(()) } else { self.clock.sleep(wait, &self.stop) }
    }

    /// What the API answers, or a fault puts in its place.
    fn answer(
        &self,
        route: RequestPath,
        request: &ReceivedRequest,
        number: u64,
        fault: Option<&Fault>,
    ) -> HttpAnswer {
        let error = |code| self.error(route.form, code, reason_words(code));
        if let Some(instead) = fault.and_then(|fault| HttpAnswer::instead(fault, self.now(), error)) {
            return instead;
        }
        let Some(grant) = request.bearer().and_then(|token| self.grant(token)) else {
            return self.error(route.form, 401, "Unauthorized");
        };
        let stream = match route.target {
            RequestTarget::Introspect => return introspection(&grant, route.form),
            RequestTarget::Stream(stream) if !grant.allows(stream) => {
                return self.error(route.form, 401, "Unauthorized");
            }
            RequestTarget::Stream(stream) => stream,
        };
        match self.ask(stream, route.form, request) {
            Ok(ask) => {
                if ask.cursor_with_range {
                    self.monitor().breaks(ClientRule::OneForm, number);
                }
                let page = self.pages.page(&ask, route.form, fault, self.nanoseconds());
                let mut answer = HttpAnswer::json(200, page.body);
                answer.events = page.count;
                if let Some(fault) = fault {
                    answer.spoil(fault, page.first_item);
                }
                answer
            }
            Err(wrong) => {
                let (rule, message) = match wrong {
                    InvalidQuery::Both => (ClientRule::OneForm, "Bad Request"),
                    InvalidQuery::Cursor => (ClientRule::KnownCursor, "Bad Request"),
                    InvalidQuery::Malformed(why) => (ClientRule::WellFormed, why),
                };
                self.monitor().breaks(rule, number);
                self.error(route.form, 400, message)
            }
        }
    }

    fn ask(
        &self,
        stream: Stream,
        form: ApiForm,
        request: &ReceivedRequest,
    ) -> Result<PageQuery, InvalidQuery> {
        match form {
            ApiForm::V3 => requests::from_query(&request.query, self.pages.seal),
            ApiForm::V1 | ApiForm::V2 => requests::from_body(
                stream,
                &request.body,
                self.pages.seal,
                self.nanoseconds(),
                &self.options.behavior,
            ),
        }
    }

    /// What a token grants now; `None` if it is not to be accepted.
    fn grant(&self, text: &str) -> Option<Grant> {
        let known = lock(&self.known_token).clone().filter(|(token, _)| token.expose() == text);
        let grant = match known {
            Some((_, grant)) => grant,
            None => {
                let grant = token::check(text).filter(|grant| grant.account == self.account)?;
                *lock(&self.known_token) = Some((Secret::new(text), grant.clone()));
                grant
            }
        };
        let now = self.now().timestamp();
        grant.expires_at.is_none_or(|expiry| now < expiry).then_some(grant)
    }

    fn error(&self, form: ApiForm, status: u16, message: &str) -> HttpAnswer {
        let nested = match self.options.behavior.errors {
            ErrorShape::ByVersion => form == ApiForm::V1,
            ErrorShape::Nested => true,
            ErrorShape::Flat => false,
        };
        let body = if nested {
            json!({"Error": {"Message": message}})
        } else {
            json!({"status": status, "message": message})
        };
        HttpAnswer::json(status, body.to_string())
    }
}

fn route(path: &str) -> Option<RequestPath> {
    let introspect = |form| Some(RequestPath { target: RequestTarget::Introspect, form });
    match path {
        "/api/auth/introspect" => return introspect(ApiForm::V1),
        "/api/v2/auth/introspect" => return introspect(ApiForm::V2),
        _ => {}
    }
    let (version, name) = path.strip_prefix("/api/")?.split_once('/')?;
    let stream = Stream::ALL.into_iter().find(|stream| stream.name() == name)?;
    let form = match version {
        "v1" => ApiForm::V1,
        "v2" => ApiForm::V2,
        "v3" if stream == Stream::AuditEvents => ApiForm::V3,
        _ => return None,
    };
    Some(RequestPath { target: RequestTarget::Stream(stream), form })
}

fn method(route: RequestPath) -> &'static str {
    if route.form == ApiForm::V3 || route.target == RequestTarget::Introspect { "GET" } else { "POST" }
}

fn ask_kind(
    route: RequestPath,
    request: &ReceivedRequest,
    behavior: &ServiceBehavior,
) -> Option<RequestKind> {
    match route {
        RequestPath { target: RequestTarget::Introspect, .. } => None,
        RequestPath { form: ApiForm::V3, .. } if request.query.contains("page_token=") => {
            Some(RequestKind::Cursor)
        }
        RequestPath { form: ApiForm::V3, .. } => Some(RequestKind::First),
        _ => requests::kind_of(&request.body, behavior),
    }
}

fn introspection(grant: &Grant, form: ApiForm) -> HttpAnswer {
    let mut issued_at = Vec::new();
    write_time(&mut issued_at, grant.issued_at * super::schedule::SECOND, 0);
    let issued_at = String::from_utf8(issued_at).unwrap_or_default();
    let body = match form {
        ApiForm::V1 => json!({"UUID": grant.integration, "IssuedAt": issued_at, "Features": grant.features}),
        ApiForm::V2 | ApiForm::V3 => json!({
            "uuid": grant.integration,
            "issued_at": issued_at,
            "features": grant.features,
            "account_uuid": grant.account,
        }),
    };
    HttpAnswer::json(200, body.to_string())
}

fn reason_words(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        _ => "Service Unavailable",
    }
}
