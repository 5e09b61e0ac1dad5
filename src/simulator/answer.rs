//! Answers onto a connection, whole or spoiled.
//!
//! Faults of content (broken JSON, a bomb) change the answer before it is sent; faults of transport (cuts,
//! drips, silence) change the sending.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use chrono::{DateTime, Utc};
use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};

use super::fault::{ConnectionCut, ErrorBody, Fault, RetryAfter};
use super::rate_limit::RemainingQuota;
use crate::cancel::Cancel;
use crate::clock::Clock;

pub(super) const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// An answer, before it is sent.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// How many events the body holds.
    pub(super) events: usize,
}

impl HttpAnswer {
    /// JSON with this status.
    pub(super) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        HttpAnswer { status, headers: vec![("Content-Type", JSON.to_owned())], body: body.into(), events: 0 }
    }

    /// The page that a proxy in between would show.
    fn html(status: u16) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{status} {reason}</title></head>\n<body><h1>{reason}</h1>\
             <hr><address>gateway</address></body></html>\n",
            reason = reason(status)
        );
        HttpAnswer { status, headers: vec![("Content-Type", HTML.to_owned())], body: body.into(), events: 0 }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers of a rate limit, spelled as the v3 document spells them.
    pub(super) fn quota(self, quota: RemainingQuota) -> Self {
        self.header("RateLimit-Limit", quota.limit.to_string())
            .header("Ratelimit-Remaining", quota.remaining.to_string())
            .header("RateLimit-Reset", quota.reset.to_string())
    }

    /// The answer that a fault puts in place of any other. `json` makes the service's own error bodies.
    pub(super) fn instead(
        fault: &Fault,
        now: DateTime<Utc>,
        json: impl Fn(u16) -> HttpAnswer,
    ) -> Option<Self> {
        match fault {
            Fault::Html => Some(HttpAnswer::html(200)),
            Fault::Redirect { code, to } => Some(HttpAnswer::html(*code).header("Location", to)),
            Fault::Status { code, retry_after, rate_headers, body } => {
                let mut answer = match body {
                    ErrorBody::Json => json(*code),
                    ErrorBody::Html => HttpAnswer::html(*code),
                    ErrorBody::Empty => {
                        HttpAnswer { status: *code, headers: Vec::new(), body: Vec::new(), events: 0 }
                    }
                };
                let value = retry_after.as_ref().map(|value| match value {
                    RetryAfter::Seconds(seconds) => seconds.to_string(),
                    RetryAfter::Text(text) => text.clone(),
                    RetryAfter::Date(seconds) => {
                        let at = now + chrono::TimeDelta::seconds((*seconds).min(1 << 32) as i64);
                        at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
                    }
                });
                if let Some(value) = value {
                    answer = answer.header("Retry-After", value);
                }
                let reset = match retry_after {
                    Some(RetryAfter::Seconds(seconds) | RetryAfter::Date(seconds)) => *seconds,
                    _ => 60,
                };
                let quota = RemainingQuota { limit: 600, remaining: 0, reset };
                Some(if *rate_headers { answer.quota(quota) } else { answer })
            }
            _ => None,
        }
    }

    /// Spoils the content of a good answer; `first_item` is where its first item lies.
    pub(super) fn spoil(&mut self, fault: &Fault, first_item: Option<std::ops::Range<usize>>) {
        match fault {
            Fault::CutJson => self.body.truncate(self.body.len() / 2),
            Fault::BadJson => self.body.splice(1..1, *b"<<,").for_each(drop),
            Fault::BadUtf8 => {
                if let Some(item) = first_item {
                    let end = item.end - 1;
                    self.body.splice(end..end, *b",\"x_note\":\"caf\xe9\"").for_each(drop);
                }
            }
            Fault::GzipBomb(mebibytes) => {
                self.body = bomb(*mebibytes);
                self.headers.push(("Content-Encoding", "gzip".to_owned()));
            }
            _ => {}
        }
    }

    /// Compresses the body.
    pub(super) fn compress(&mut self) -> io::Result<()> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body)?;
        self.body = encoder.finish()?;
        self.headers.push(("Content-Encoding", "gzip".to_owned()));
        Ok(())
    }

    /// The header block; without a length, the body ends with the connection.
    fn head(&self, keep_alive: bool, with_length: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if with_length {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str(if keep_alive { "\r\n" } else { "Connection: close\r\n\r\n" });
        head.into_bytes()
    }
}

/// A connection that an answer goes out on.
pub(super) struct AnswerWriter<'a> {
    pub(super) connection: &'a TcpStream,
    pub(super) clock: &'a dyn Clock,
    pub(super) stop: &'a Cancel,
    pub(super) keep_alive: bool,
}

impl AnswerWriter<'_> {
    /// Sends an answer, and says whether the connection can be used again.
    ///
    /// `done` is called once, when the client is about to see the end: from then on the request is not under way.
    pub(super) fn send(
        &self,
        answer: &HttpAnswer,
        fault: Option<&Fault>,
        done: &mut dyn FnMut(),
    ) -> io::Result<bool> {
        let mut connection = self.connection;
        let framed = !matches!(fault, Some(Fault::Cut(ConnectionCut::Unframed)));
        let mut bytes = answer.head(self.keep_alive && framed, framed);
        let head = bytes.len();
        bytes.extend_from_slice(&answer.body);
        let upto = match fault {
            Some(Fault::Hang) => {
                self.stay_silent()?;
                done();
                return Ok(false);
            }
            Some(Fault::Drip { pause, bytes: size }) => {
                let pieces = bytes.chunks((*size).max(1));
                let last = pieces.len() - 1;
                for (index, piece) in pieces.enumerate() {
                    self.clock.sleep(*pause, self.stop).map_err(|_| io::ErrorKind::Interrupted)?;
                    if index == last {
                        done();
                    }
                    connection.write_all(piece)?;
                }
                return Ok(self.keep_alive);
            }
            Some(Fault::Cut(ConnectionCut::BeforeHead)) => 0,
            Some(Fault::Cut(ConnectionCut::InHead)) => head / 2,
            Some(Fault::Cut(ConnectionCut::AfterHead)) => head,
            Some(Fault::Cut(ConnectionCut::InBody | ConnectionCut::Unframed)) => head + answer.body.len() / 2,
            _ => bytes.len(),
        };
        done();
        connection.write_all(&bytes[..upto])?;
        Ok(self.keep_alive && upto == bytes.len())
    }

    /// Says nothing until the client gives up, or the simulator stops and shuts the connection.
    fn stay_silent(&self) -> io::Result<()> {
        let mut connection = self.connection;
        let mut ignored = [0; 1024];
        while connection.read(&mut ignored)? > 0 {}
        Ok(())
    }
}

/// Ends a connection, so that the client sees what was sent and then its end.
pub(super) fn close(connection: &TcpStream) {
    // It may be closed already.
    let _ = connection.shutdown(Shutdown::Both);
}

/// A gzip body that opens a JSON object and goes on with spaces for so many MiB, and has no end.
///
/// Compressing a gibibyte takes seconds, so one mebibyte is compressed, to a point where the state is
/// forgotten, and repeated. Nobody should get as far as the missing checksum.
fn bomb(mebibytes: u64) -> Vec<u8> {
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend_from_slice(&block(b"{\"cursor\":\""));
    let spaces = block(&vec![b' '; 1024 * 1024]);
    for _ in 0..mebibytes {
        body.extend_from_slice(&spaces);
    }
    body
}

fn block(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(plain.len() / 100 + 256);
    // Into memory of sufficient size; a block that failed would only make the bomb smaller.
    let _ = compress.compress_vec(plain, &mut out, FlushCompress::Full);
    out
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_small_and_grows() {
        let bomb = bomb(8);
        assert!(bomb.len() < 20_000, "{}", bomb.len());
        let mut grown = vec![0; 8 * 1024 * 1024];
        flate2::read::GzDecoder::new(&bomb[..]).read_exact(&mut grown).unwrap();
        assert!(grown.starts_with(b"{\"cursor\":\"   "));
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let fault = Fault::status(503).retry_after(RetryAfter::Date(30));
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let answer = HttpAnswer::instead(&fault, now, |code| HttpAnswer::json(code, "{}")).unwrap();
        assert!(
            answer.headers.contains(&("Retry-After", "Wed, 18 Nov 2026 11:07:10 GMT".to_owned())),
            "{answer:?}"
        );
    }
}
