//! An input's bytes as lines of text: decompressed, without a byte order mark, one JSON value a line.
//!
//! What a file is, is known by its first bytes, never by its name.

use std::fs::File;
use std::io::{self, BufReader, Read};

use memchr::memchr;

use super::document::DocumentLines;
use super::input::Input;
use crate::api::content_encoding::GzipReader;
use crate::error::{Error, ErrorKind, Result};

/// The buffer before a decompressor.
const COMPRESSED_BUFFER: usize = 64 << 10;

/// How far the end of the first line is searched for: a longer one is read as a document.
const FIRST_LINE: usize = 1 << 20;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const UTF_8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// What cannot be read, by its first bytes, with what to do about it.
const FOREIGN: [(&[u8], &str, &str); 7] = [
    (b"PK\x03\x04", "a zip archive", "unpack it first: unzip -p FILE | opev fetch --from -"),
    (b"BZh", "compressed with bzip2", "unpack it first: bzcat FILE | opev fetch --from -"),
    (b"\xfd7zXZ\0", "compressed with xz", "unpack it first: xzcat FILE | opev fetch --from -"),
    (b"\xff\xfe", "UTF-16 text", "write it as UTF-8: iconv -f utf-16 -t utf-8 FILE | opev fetch --from -"),
    (b"\xfe\xff", "UTF-16 text", "write it as UTF-8: iconv -f utf-16 -t utf-8 FILE | opev fetch --from -"),
    (b"PAR1", "a Parquet file", "ask it with an engine such as DuckDB, or name a file of JSON"),
    (
        b"SQLite format 3\0",
        "a SQLite database",
        "name a file of JSON: NDJSON, an array, or answers of the API",
    ),
];

/// The text of an input.
pub(super) struct DecodedInput {
    /// Its lines.
    pub(super) lines: Box<dyn Read + Send>,
    /// Whether lines may come one by one and are wanted at once, as from a pipe.
    pub(super) is_live: bool,
    /// Whether values are counted instead of lines, because a value may have several.
    pub(super) is_document: bool,
}

/// Opens an input and finds out what it is.
///
/// # Errors
/// `Input` when it cannot be read, and for what holds no JSON.
pub(super) fn open(input: &Input) -> Result<DecodedInput> {
    let failed = |error: io::Error| {
        Error::new(ErrorKind::Input, format!("cannot read {}", input.shown()))
            .because(error)
            .hint("check that it is a file of events, whole and readable")
    };
    let (bytes, is_live): (Box<dyn Read + Send>, bool) = match input {
        Input::Stdin => (Box::new(io::stdin()), true),
        Input::File(path) => {
            let file = File::open(path).map_err(failed)?;
            let found = file.metadata().map_err(failed)?;
            match (found.is_file(), found.len()) {
                // What is appended meanwhile belongs to a later question; the output could be this file.
                (true, length) if length > 0 => (Box::new(file.take(length)), false),
                (is_file, _) => (Box::new(file), !is_file),
            }
        }
    };
    let mut bytes = Rewound::new(bytes);
    let head = bytes.peek_until(16, |head| head.len() >= 4).map_err(failed)?;
    if let Some((_, what, hint)) = FOREIGN.iter().find(|(first, ..)| head.starts_with(first)) {
        let message = format!("cannot read {}: it is {what}", input.shown());
        return Err(Error::new(ErrorKind::Input, message).hint(*hint));
    }
    let text: Box<dyn Read + Send> = if head.starts_with(GZIP) {
        Box::new(GzipReader::new(BufReader::with_capacity(COMPRESSED_BUFFER, bytes)))
    } else if head.starts_with(ZSTD) {
        let buffered = BufReader::with_capacity(COMPRESSED_BUFFER, bytes);
        Box::new(zstd::stream::read::Decoder::with_buffer(buffered).map_err(failed)?)
    } else {
        Box::new(bytes)
    };
    let mut text = Rewound::new(text);
    let is_document = {
        let first = text.peek_until(FIRST_LINE, ends_a_line).map_err(failed)?;
        let marked = first.starts_with(UTF_8_MARK);
        let first = if marked { &first[UTF_8_MARK.len()..] } else { first };
        let is_document = is_document(first);
        if marked {
            text.skip(UTF_8_MARK.len());
        }
        is_document
    };
    let lines: Box<dyn Read + Send> =
        if is_document { Box::new(DocumentLines::new(text)) } else { Box::new(text) };
    Ok(DecodedInput { lines, is_live, is_document })
}

/// Whether a line with something in it has ended.
fn ends_a_line(text: &[u8]) -> bool {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    text[start..].contains(&b'\n')
}

/// Whether these first lines are of JSON values that span lines: a list, or an object that ends in another line.
fn is_document(first: &[u8]) -> bool {
    let start = first.iter().position(|byte| !is_space(*byte)).unwrap_or(first.len());
    let rest = &first[start..];
    let line = memchr(b'\n', rest).map(|end| rest[..end].trim_ascii());
    match (rest.first(), line) {
        (Some(b'['), _) => true,
        (Some(b'{'), Some(line)) => line == b"{",
        (Some(b'{'), None) => rest.len() + start >= FIRST_LINE - UTF_8_MARK.len(),
        _ => false,
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A reader that gives again what was looked at.
struct Rewound<R> {
    head: Vec<u8>,
    at: usize,
    reader: R,
}

impl<R: Read> Rewound<R> {
    fn new(reader: R) -> Self {
        Rewound { head: Vec::new(), at: 0, reader }
    }

    /// Reads ahead until `is_enough`, at most about `most` bytes, and shows what was read.
    fn peek_until(&mut self, most: usize, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<&[u8]> {
        let mut step = 4096;
        while self.head.len() < most && !is_enough(&self.head) {
            let length = self.head.len();
            self.head.resize(length + step, 0);
            let count = loop {
                match self.reader.read(&mut self.head[length..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read,
                }
            };
            self.head.truncate(length + *count.as_ref().unwrap_or(&0));
            if count? == 0 {
                break;
            }
            step = (step * 2).min(256 << 10);
        }
        Ok(&self.head)
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl<R: Read> Read for Rewound<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at < self.head.len() {
            let count = (self.head.len() - self.at).min(buffer.len());
            buffer[..count].copy_from_slice(&self.head[self.at..self.at + count]);
            self.at += count;
            return Ok(count);
        }
        if !self.head.is_empty() {
            (self.head, self.at) = (Vec::new(), 0);
        }
        self.reader.read(buffer)
    }
}
