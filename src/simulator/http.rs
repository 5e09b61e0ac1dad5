//! Requests off a connection: heads through httparse, bodies by their length or in chunks.
//!
//! As little HTTP as a client of this API needs. What is answered, and how it is sent, is not known here.

use std::io::{self, Read};

use crate::secret::Secret;

const LONGEST_HEAD: usize = 64 * 1024;
const LONGEST_BODY: usize = 1024 * 1024;

/// A request.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceivedRequest {
    pub(super) method: String,
    pub(super) path: String,
    /// What follows the `?`.
    pub(super) query: String,
    authorization: Option<Secret>,
    pub(super) content_type: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) accepts_gzip: bool,
    pub(super) keep_alive: bool,
    pub(super) body: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum RequestError {
    /// The client closed the connection, or it broke.
    Gone,
    /// What came is not HTTP as it is spoken here.
    Malformed(&'static str),
}

impl From<io::Error> for RequestError {
    fn from(_: io::Error) -> Self {
        RequestError::Gone
    }
}

impl ReceivedRequest {
    /// The token of a bearer Authorization header.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_ref()?.expose().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug)]
enum BodyLength {
    Known(usize),
    Chunked,
}

/// Reads the next request; `buffer` keeps what came beyond it.
pub(super) fn read(from: &mut impl Read, buffer: &mut Vec<u8>) -> Result<ReceivedRequest, RequestError> {
    let (mut request, head, length) = loop {
        if let Some(found) = parse(buffer)? {
            break found;
        }
        if buffer.len() > LONGEST_HEAD {
            return Err(RequestError::Malformed("the header is too long"));
        }
        more(from, buffer)?;
    };
    let end = match length {
        BodyLength::Known(length) => {
            fill(from, buffer, head + length)?;
            request.body = buffer[head..head + length].to_vec();
            head + length
        }
        BodyLength::Chunked => read_chunks(from, buffer, head, &mut request.body)?,
    };
    buffer.drain(..end);
    Ok(request)
}

/// Reads the chunks that begin at `at`, and says where the request ends.
fn read_chunks(
    from: &mut impl Read,
    buffer: &mut Vec<u8>,
    mut at: usize,
    body: &mut Vec<u8>,
) -> Result<usize, RequestError> {
    loop {
        let (size, line) = loop {
            let parsed = httparse::parse_chunk_size(&buffer[at..]);
            match parsed.map_err(|_| RequestError::Malformed("the body is not made of chunks"))? {
                httparse::Status::Complete((line, size)) => break (size, line),
                httparse::Status::Partial if buffer.len() - at > LONGEST_HEAD => {
                    return Err(RequestError::Malformed("a chunk's first line is too long"));
                }
                httparse::Status::Partial => more(from, buffer)?,
            }
        };
        at += line;
        if size == 0 {
            return skip_trailers(from, buffer, at);
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_BODY - body.len());
        let size = size.ok_or(RequestError::Malformed("the body is too long"))?;
        fill(from, buffer, at + size + 2)?;
        body.extend_from_slice(&buffer[at..at + size]);
        at += size;
        if &buffer[at..at + 2] != b"\r\n" {
            return Err(RequestError::Malformed("the body is not made of chunks"));
        }
        at += 2;
    }
}

/// Passes over the lines behind the last chunk, up to and with the empty one.
fn skip_trailers(from: &mut impl Read, buffer: &mut Vec<u8>, mut at: usize) -> Result<usize, RequestError> {
    let first = at;
    loop {
        match buffer[at..].windows(2).position(|pair| pair == b"\r\n") {
            Some(0) => return Ok(at + 2),
            Some(length) => at += length + 2,
            None if buffer.len() - first > LONGEST_HEAD => {
                return Err(RequestError::Malformed("the trailer is too long"));
            }
            None => more(from, buffer)?,
        }
    }
}

/// Reads until the buffer holds so many bytes.
fn fill(from: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> Result<(), RequestError> {
    while buffer.len() < length {
        more(from, buffer)?;
    }
    Ok(())
}

fn more(from: &mut impl Read, buffer: &mut Vec<u8>) -> Result<(), RequestError> {
    let mut chunk = [0; 8192];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Err(RequestError::Gone),
            Ok(count) => {
                buffer.extend_from_slice(&chunk[..count]);
                return Ok(());
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// The request of a complete head, the head's length and the body's.
fn parse(buffer: &[u8]) -> Result<Option<(ReceivedRequest, usize, BodyLength)>, RequestError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(buffer).map_err(|_| RequestError::Malformed("not an HTTP request"))?;
    let httparse::Status::Complete(size) = parsed else { return Ok(None) };
    let (path, query) = head.path.unwrap_or("/").split_once('?').unwrap_or((head.path.unwrap_or("/"), ""));
    let mut request = ReceivedRequest {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        keep_alive: head.version == Some(1),
        ..ReceivedRequest::default()
    };
    let (mut length, mut chunked) = (None, false);
    for header in head.headers.iter() {
        let value = String::from_utf8_lossy(header.value).trim().to_owned();
        match header.name.to_ascii_lowercase().as_str() {
            "authorization" => request.authorization = Some(Secret::new(value)),
            "content-type" => request.content_type = Some(value),
            "user-agent" => request.user_agent = Some(value),
            "accept-encoding" => request.accepts_gzip = value.contains("gzip"),
            "connection" => request.keep_alive &= !value.eq_ignore_ascii_case("close"),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => chunked = true,
            "transfer-encoding" => {
                return Err(RequestError::Malformed("a Transfer-Encoding other than chunked"));
            }
            "content-length" => {
                let announced = value.parse().ok().filter(|length| *length <= LONGEST_BODY);
                length = Some(announced.ok_or(RequestError::Malformed("the body is too long"))?);
            }
            _ => {}
        }
    }
    let length = match (length, chunked) {
        (Some(_), true) => return Err(RequestError::Malformed("a Content-Length and chunks at once")),
        (None, true) => BodyLength::Chunked,
        (length, false) => BodyLength::Known(length.unwrap_or(0)),
    };
    Ok(Some((request, size, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_one_after_another_however_they_arrive() {
        let text = b"POST /a?b=c HTTP/1.1\r\nContent-Length: 2\r\nAuthorization: bearer abc\r\n\r\n{}\
            GET /next HTTP/1.1\r\nConnection: Close\r\nAccept-Encoding: br, gzip\r\n\r\n";
        for piece in [1, 7, 4096] {
            let mut from = SlowReader(text, piece);
            let mut buffer = Vec::new();
            let first = read(&mut from, &mut buffer).unwrap();
            assert_eq!((first.method.as_str(), first.path_and_query().as_str()), ("POST", "/a?b=c"));
            assert_eq!((first.bearer(), first.body.as_slice()), (Some("abc"), &b"{}"[..]));
            assert!(first.keep_alive && !first.accepts_gzip);
            let second = read(&mut from, &mut buffer).unwrap();
            assert!(!second.keep_alive && second.accepts_gzip && second.path == "/next");
            assert!(matches!(read(&mut from, &mut buffer), Err(RequestError::Gone)));
        }
    }

    #[test]
    fn a_body_in_chunks_is_read_and_the_next_request_follows_it() {
        let text = b"POST /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n\
            5\r\n{\"lim\r\n6;x=y\r\nit\":5}\r\n0\r\nTrailer: x\r\n\r\nGET /next HTTP/1.1\r\n\r\n";
        for piece in [1, 7, 4096] {
            let (mut from, mut buffer) = (SlowReader(text, piece), Vec::new());
            let request = read(&mut from, &mut buffer).unwrap();
            assert_eq!(request.body, b"{\"limit\":5}");
            assert_eq!(read(&mut from, &mut buffer).unwrap().path, "/next");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "hello\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}no",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        ] {
            let read = read(&mut text.as_bytes(), &mut Vec::new());
            assert!(matches!(read, Err(RequestError::Malformed(_))), "{text}");
        }
    }

    struct SlowReader<'a>(&'a [u8], usize);

    impl Read for SlowReader<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
}
