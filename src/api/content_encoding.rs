//! An answer's body, decoded as its Content-Encoding says.
//!
//! Lenient in what is harmless (any case, `x-gzip`, `identity`, NUL bytes behind a gzip member, as some gateways
//! send them), strict in everything else: a body that cannot be decoded is not an answer (P1). The caller limits
//! the length of a decoded body.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use ureq::http::{HeaderMap, header};

use crate::sanitize;

/// How a body is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentEncoding {
    /// As it is.
    Identity,
    /// gzip, once.
    Gzip,
    /// In a coding that was not requested; its name, with control characters escaped.
    Unasked(String),
}

impl ContentEncoding {
    /// Reads the headers of an answer.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::CONTENT_ENCODING).iter();
        let codings: Vec<String> = lines
            .flat_map(|line| {
                String::from_utf8_lossy(line.as_bytes()).split(',').map(str::to_owned).collect::<Vec<_>>()
            })
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        match codings.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => ContentEncoding::Identity,
            ["gzip" | "x-gzip"] => ContentEncoding::Gzip,
            other => ContentEncoding::Unasked(sanitize::message(&other.join(", ")).into_owned()),
        }
    }
}

/// Reads gzip members one after another, and the NUL bytes after them.
#[derive(Debug)]
pub struct GzipReader<R> {
    /// None when everything was read.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipReader<R> {
    /// A reader of the decoded `body`.
    pub fn new(body: R) -> Self {
        GzipReader { member: Some(GzDecoder::new(body)) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(count);
            }
            let mut rest = member.into_inner();
            if skip_nul(&mut rest)? {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Skips NUL bytes; true when other bytes follow.
fn skip_nul(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let count = bytes.iter().take_while(|byte| **byte == 0).count();
        if count == 0 {
            return Ok(true);
        }
        reader.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(lines: &[&'static str]) -> ContentEncoding {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_ENCODING, ureq::http::HeaderValue::from_static(line));
        }
        ContentEncoding::of(&headers)
    }

    #[test]
    fn codings_are_read_in_any_case_and_as_a_list() {
        for lines in [&["gzip"][..], &["GZIP"], &["x-gzip"], &["gzip, identity"], &["identity", "Gzip"]] {
            assert_eq!(of(lines), ContentEncoding::Gzip, "{lines:?}");
        }
        for lines in [&[][..], &["identity"], &[""]] {
            assert_eq!(of(lines), ContentEncoding::Identity, "{lines:?}");
        }
        for (lines, name) in
            [(&["br"][..], "br"), (&["gzip, gzip"], "gzip, gzip"), (&["gzip", "zstd"], "gzip, zstd")]
        {
            assert_eq!(of(lines), ContentEncoding::Unasked(name.into()));
        }
    }

    #[test]
    fn members_and_nul_bytes_behind_them_are_read_and_nothing_else_is() {
        let gzip = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let read = |bytes: &[u8]| {
            let mut text = String::new();
            // One byte at a time, so that every edge of a buffer is met.
            GzipReader::new(io::BufReader::with_capacity(1, bytes)).read_to_string(&mut text).map(|_| text)
        };
        let (a, b) = (gzip("a"), gzip("b"));
        assert_eq!(read(&[&a[..], &b, &[0; 512]].concat()).unwrap(), "ab");
        assert_eq!(read(&[&a[..], &[0; 3], &b].concat()).unwrap(), "ab");
        assert!(read(&[&a[..], b"x"].concat()).is_err());
        assert!(read(&a[..a.len() - 1]).is_err() && read(b"").is_err());
    }
}
