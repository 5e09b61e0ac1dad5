//! One offer to an intake: a POST with the batch, an answer by its status.
//!
//! Uses the connections, the proxy rules and the limiter of everything else that is sent. Headers come from a
//! file, so that secrets are in no argument list, and go nowhere but to the one host (P10).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderName, HeaderValue, header};

use super::OfferOutcome;
use crate::api::http::{Http, HttpRequest, HttpResponse};
use crate::api::limiter::Limiter;
use crate::api::proxy::{self, Proxy};
use crate::api::retry;
use crate::api::server::{BadBaseUrl, BaseUrl};
use crate::api::transport_error::TransportError;
use crate::api::wire;
use crate::encode::Shape;
use crate::error::{Error, ErrorKind, Result};
use crate::output::batch::{Batch, BatchForm, BatchOptions};
use crate::runtime::Runtime;
use crate::sanitize;
use crate::secret::Secret;

use super::super::question::QuestionSource;
use super::super::session::IntakeConnections;

/// How long to wait between questions after an acknowledgement.
const ACK_POLL: Duration = Duration::from_millis(500);

/// Headers that are ours to write.
const OURS: [HeaderName; 4] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONTENT_ENCODING];

/// Where an intake is.
#[derive(Clone, PartialEq, Eq)]
pub struct IntakeUrl {
    /// The server.
    pub server: BaseUrl,
    /// Path and query, which can hold a secret.
    path: Secret,
}

impl fmt::Debug for IntakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntakeUrl({})", self.server)
    }
}

impl FromStr for IntakeUrl {
    type Err = BadBaseUrl;

    /// Reads `https://HOST/PATH?QUERY`; `http://` for this machine only.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let start = text.find("://").map_or(0, |at| at + 3);
        let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
        let (server, rest) = text.split_at(end);
        let server = server.parse()?;
        if rest.contains('#') || rest.chars().any(|c| c.is_control() || c.is_whitespace() || !c.is_ascii()) {
            return Err(BadBaseUrl::Path);
        }
        let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        let path = Secret::new(path);
        path.hide();
        Ok(IntakeUrl { server, path })
    }
}

/// What an intake wants beside the batch.
#[derive(Clone, Default)]
pub struct IntakeHeaders {
    pairs: Vec<(HeaderName, HeaderValue)>,
    /// Hidden in all messages as long as these live.
    _hidden: Vec<Secret>,
}

impl fmt::Debug for IntakeHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl IntakeHeaders {
    /// Reads a file of headers, one `Name: value` a line; empty lines and lines that begin with `#` do not count.
    ///
    /// # Errors
    /// Fails with `Config`, naming the line and nothing of its value.
    pub fn parse(text: &[u8], file: &str) -> Result<IntakeHeaders> {
        let mut headers = IntakeHeaders::default();
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
        {
            let fail = |why: &str| {
                Error::new(ErrorKind::Config, format!("{}:{number}: {why}", sanitize::message(file)))
                    .hint("write one header a line, as DD-API-KEY: 0123abc")
            };
            let colon = line.iter().position(|byte| *byte == b':').ok_or_else(|| fail("not a header"))?;
            let name = HeaderName::from_bytes(line[..colon].trim_ascii());
            let name = name.map_err(|_| fail("not the name of a header"))?;
            if OURS.contains(&name) {
                return Err(fail(&format!("{name} is written by opev")));
            }
            let value = line[colon + 1..].trim_ascii();
            let mut header = HeaderValue::from_bytes(value).map_err(|_| fail("not the value of a header"))?;
            header.set_sensitive(true);
            if ![header::CONTENT_TYPE, header::ACCEPT].contains(&name) {
                let secret = Secret::new(String::from_utf8_lossy(value));
                secret.hide();
                headers._hidden.push(secret);
            }
            headers.pairs.push((name, header));
        }
        Ok(headers)
    }
}

/// What a batch looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct IntakeForm {
    pub(super) shape: Shape,
    pub(super) batch: BatchOptions,
}

/// Sends each offer to an intake.
pub(super) struct IntakeChannel {
    runtime: Runtime,
    http: Http,
    limiter: Limiter,
    proxy: Option<Proxy>,
    url: IntakeUrl,
    headers: IntakeHeaders,
    form: IntakeForm,
    /// Splunk's acknowledgements belong to a channel.
    splunk_channel: String,
}

impl fmt::Debug for IntakeChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntakeChannel")
            .field("url", &self.url)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl IntakeChannel {
    pub(super) fn new(
        runtime: &Runtime,
        source: &impl QuestionSource,
        url: &IntakeUrl,
        headers: &IntakeHeaders,
        form: IntakeForm,
    ) -> Result<Self> {
        let settings = source.settings();
        let IntakeConnections { http, limiters } = source.intake_connections(runtime)?;
        let uuid = crate::output::digest::Digest::of(settings.profile.as_bytes()).to_string();
        let parts = [&uuid[..8], &uuid[8..12], &uuid[12..16], &uuid[16..20], &uuid[20..]];
        Ok(IntakeChannel {
            runtime: runtime.clone(),
            http,
            limiter: limiters.get(&url.server.host(), "intake"),
            proxy: proxy::resolve(&url.server, &settings.proxies)?,
            url: url.clone(),
            headers: headers.clone(),
            form,
            splunk_channel: parts.join("-"),
        })
    }

    /// Offers a batch once.
    ///
    /// # Errors
    /// Fails when cancelled, and where no request can be made at all.
    pub(super) fn offer(&self, batch: &Batch, timeout: Duration) -> Result<OfferOutcome> {
        let until = self.runtime.clock.elapsed() + timeout;
        let answer = match self.post(self.url.path.expose(), &batch.body, true, timeout)? {
            Ok(answer) => answer,
            Err(why) => return Ok(OfferOutcome::Retry(why, None)),
        };
        match answer.status {
            200..=299 => self.acknowledged(&answer, until),
            408 | 429 | 500..=599 => {
                let retry_after = answer.header("retry-after");
                let retry_after = retry_after.and_then(|value| {
                    retry::retry_after(value, answer.header("date"), self.runtime.clock.now())
                });
                Ok(OfferOutcome::Retry(self.answered(&answer), retry_after))
            }
            status => {
                let failure = self.refusal(batch, &answer);
                Ok(match status {
                    400 | 413 | 422 => OfferOutcome::Rejected(failure),
                    _ => OfferOutcome::Refused(failure),
                })
            }
        }
    }

    /// Sends a request; the inner error is why there was no answer.
    fn post(
        &self,
        path: &str,
        body: &[u8],
        is_batch: bool,
        timeout: Duration,
    ) -> Result<Result<HttpResponse, String>> {
        let cancel = &self.runtime.cancel;
        let _slot = self.limiter.wait(cancel, None)?;
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type(is_batch)))];
        if is_batch && self.form.batch.is_gzip {
            headers.push((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        if self.form.shape == Shape::Splunk
            && let Ok(channel) = HeaderValue::from_str(&self.splunk_channel)
        {
            headers.push((HeaderName::from_static("x-splunk-request-channel"), channel));
        }
        for (name, value) in &self.headers.pairs {
            headers.retain(|(known, _)| known != name);
            headers.push((name.clone(), value.clone()));
        }
        let sent = self.http.send(HttpRequest {
            server: &self.url.server,
            proxy: self.proxy.as_ref(),
            token: None,
            path,
            headers: &headers,
            body: Some(body.to_vec()),
            timeout: Some(timeout),
        });
        match sent {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) => {
                // Cut by ourselves, perhaps: that is no failure of the network.
                cancel.check()?;
                match error {
                    TransportError::Setup(failure) => Err(failure),
                    TransportError::Tls(_) => Err(Error::new(
                        ErrorKind::Tls,
                        format!("no connection to {}", self.url.server.host()),
                    )
                    .because(error.to_string())
                    .hint("give the certificate of a private authority with --ca-file")),
                    other => Ok(Err(format!("no answer from {}: {other}", self.url.server.host()))),
                }
            }
        }
    }

    fn content_type(&self, is_batch: bool) -> &'static str {
        match self.form.batch.form {
            _ if !is_batch => "application/json",
            BatchForm::Array => "application/json",
            BatchForm::Lines if !self.form.shape.row().is_json => "text/plain; charset=utf-8",
            // Splunk reads objects one after another as JSON.
            BatchForm::Lines if self.form.shape == Shape::Splunk => "application/json",
            BatchForm::Lines => "application/x-ndjson",
        }
    }

    /// Whether a batch that was answered with 2xx is safe: at once, but for a Splunk that acknowledges later.
    fn acknowledged(&self, answer: &HttpResponse, until: Duration) -> Result<OfferOutcome> {
        let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let ack = said.as_ref().and_then(|said| said.get("ackId")?.as_u64());
        let Some(ack) = ack.filter(|_| self.form.shape == Shape::Splunk) else {
            return Ok(OfferOutcome::Accepted);
        };
        let path = self.url.path.expose();
        let base = path.split('?').next().unwrap_or(path);
        let base = base.trim_end_matches("/event").trim_end_matches("/1.0").trim_end_matches("/event");
        let path = format!("{base}/ack?channel={}", self.splunk_channel);
        let body = format!("{{\"acks\":[{ack}]}}");
        loop {
            let left = until.saturating_sub(self.runtime.clock.elapsed());
            if left.is_zero() {
                let why = format!("{} did not acknowledge it in time", self.url.server.host());
                return Ok(OfferOutcome::Retry(why, None));
            }
            match self.post(&path, body.as_bytes(), false, left)? {
                Ok(answer) if answer.status == 200 => {
                    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
                    let is_acknowledged =
                        said.and_then(|said| said.get("acks")?.get(ack.to_string())?.as_bool());
                    if is_acknowledged == Some(true) {
                        return Ok(OfferOutcome::Accepted);
                    }
                }
                // Without an endpoint for acknowledgements nothing tells that the batch is safe.
                Ok(answer) => return Ok(OfferOutcome::Retry(self.answered(&answer), None)),
                Err(why) => return Ok(OfferOutcome::Retry(why, None)),
            }
            self.runtime.clock.sleep(ACK_POLL.min(left), &self.runtime.cancel)?;
        }
    }

    fn answered(&self, answer: &HttpResponse) -> String {
        let words = wire::words(&answer.body).map_or_else(String::new, |words| format!(": {words}"));
        format!("{} answered {}{words}", self.url.server.host(), answer.status)
    }

    /// What an answer means that no further offer changes.
    fn refusal(&self, batch: &Batch, answer: &HttpResponse) -> Error {
        let message =
            format!("batch {} of {} events was refused: {}", batch.id, batch.events, self.answered(answer));
        let hint = match answer.status {
            300..=399 => "give the URL that it redirects to: redirects are never followed",
            401 | 403 => "check the key in --header-file",
            404 | 405 => "check the URL of --post",
            413 => "lower --batch-bytes or --batch-max",
            _ => {
                "see what it says; --reject-to FILE sets batches aside whose data is at fault (400, 413, 422)"
            }
        };
        Error::new(ErrorKind::Output, message).on_stream(batch.stream).hint(hint)
    }
}
