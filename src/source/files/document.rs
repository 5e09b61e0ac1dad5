//! JSON values that span lines, or share one, as a value a line: what lies between two line breaks is then one
//! value, as in NDJSON, and the values are read as they are there.
//!
//! ```text
//! [ {..}, {..} ]                        the elements of a list
//! {"items": [ {..}, {..} ], "cursor": "..", ...}      the elements of the list of an answer
//! {..} {..}                             anything else: the values themselves
//! ```
//!
//! Values are only told from each other; whether they are JSON is decided where they are read, so that a broken
//! one is met there. Of an answer only the list is looked at. Nothing is held but the value at hand, except that
//! a value is let go of in pieces when it is long.

use std::io::{self, Read};

use memchr::memmem;

use super::decode::is_space;

/// How much is read at a time.
const STEP: usize = 64 << 10;

/// The most that is held of an object while it is not known whether it is an answer: what comes before its list.
const BEFORE_LIST: usize = 16 << 20;

/// The keys of an answer's list.
const LISTS: [&[u8]; 2] = [b"items", b"audit_events"];

/// Keys of events, none of which an answer has before its list.
const OF_EVENTS: [&[u8]; 3] = [b"\"uuid\"", b"\"timestamp\"", b"\"category\""];

/// Reads a document as lines.
pub(super) struct DocumentLines<R> {
    reader: R,
    input: Vec<u8>,
    splitter: ValueSplitter,
    /// What is ready to be taken.
    ready: Vec<u8>,
    taken: usize,
    is_over: bool,
}

impl<R: Read> DocumentLines<R> {
    pub(super) fn new(reader: R) -> Self {
        let (input, ready) = (vec![0; STEP], Vec::with_capacity(2 * STEP));
        DocumentLines { reader, input, splitter: ValueSplitter::default(), ready, taken: 0, is_over: false }
    }
}

impl<R: Read> Read for DocumentLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.is_over {
            (self.taken, self.is_over) = (0, false);
            self.ready.clear();
            let count = self.reader.read(&mut self.input)?;
            self.is_over = count == 0;
            if self.is_over {
                self.splitter.end(&mut self.ready);
            } else {
                self.splitter.split(&self.input[..count], &mut self.ready);
            }
        }
        let count = (self.ready.len() - self.taken).min(buffer.len());
        buffer[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// Where in a document the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DocumentPlace {
    /// Between values.
    #[default]
    Between,
    /// In a number or a word, or in what is no JSON.
    Scalar,
    /// In an object, a list or a string.
    Value,
    /// In what follows the list of an answer.
    AfterList,
}

#[derive(Debug, Default)]
struct ValueSplitter {
    place: DocumentPlace,
    /// Whether values are elements of a list: one of its own, or an answer's.
    list: Option<ListOwner>,
    /// Containers around the next byte, from the value at hand on.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// An object at the top level, as long as it may be an answer.
    held: Option<Vec<u8>>,
    /// Where its last string at the first level begins and ends, without quotes.
    string: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListOwner {
    Nobody,
    Answer,
}

impl ValueSplitter {
    /// Takes the next bytes and appends lines.
    fn split(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            match self.place {
                DocumentPlace::Between => self.between(byte, out),
                DocumentPlace::Scalar => self.scalar(byte, out),
                DocumentPlace::Value | DocumentPlace::AfterList => self.inside(byte, out),
            }
        }
    }

    fn between(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            byte if is_space(byte) || byte == b',' => {}
            b'[' if self.list.is_none() => self.list = Some(ListOwner::Nobody),
            b']' if self.list == Some(ListOwner::Nobody) => self.list = None,
            b']' if self.list == Some(ListOwner::Answer) => {
                self.list = None;
                (self.place, self.depth) = (DocumentPlace::AfterList, 1);
            }
            b'{' | b'[' | b'"' => {
                self.place = DocumentPlace::Value;
                self.depth = usize::from(byte != b'"');
                self.in_string = byte == b'"';
                if byte == b'{' && self.list.is_none() {
                    self.held = Some(Vec::new());
                }
                self.keep(byte, out);
            }
            _ => {
                self.place = DocumentPlace::Scalar;
                self.keep(byte, out);
            }
        }
    }

    fn scalar(&mut self, byte: u8, out: &mut Vec<u8>) {
        if is_space(byte) || matches!(byte, b',' | b']') {
            self.end_value(out);
            self.between(byte, out);
        } else {
            self.keep(byte, out);
        }
    }

    fn inside(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.in_string {
            // A line break in a string is not JSON, and must not look as if it were.
            self.keep(if byte == b'\n' { b'\r' } else { byte }, out);
            if self.is_escaped {
                self.is_escaped = false;
            } else if byte == b'\\' {
                self.is_escaped = true;
            } else if byte == b'"' {
                self.in_string = false;
                match self.depth {
                    0 => self.end_value(out),
                    1 => self.string.1 = self.held.as_ref().map_or(0, |held| held.len() - 1),
                    _ => {}
                }
            }
            return;
        }
        if !matches!(byte, b'\n' | b'\r') {
            self.keep(byte, out);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 {
                    self.string.0 = self.held.as_ref().map_or(0, Vec::len);
                }
            }
            b'[' if self.depth == 1 && self.is_list_of_answer() => {
                self.held = None;
                (self.place, self.list) = (DocumentPlace::Between, Some(ListOwner::Answer));
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.end_value(out);
                }
            }
            _ => {}
        }
    }

    /// Whether the bracket that was just kept begins the list of an answer.
    fn is_list_of_answer(&self) -> bool {
        let Some(held) = &self.held else { return false };
        let (start, end) = self.string;
        let Some(key) = held.get(start..end) else { return false };
        let between = held.get(end + 1..held.len() - 1).unwrap_or_default().trim_ascii();
        // An event may have such a key, too, and says what it is before.
        let is_event = OF_EVENTS.iter().any(|key| memmem::find(held, key).is_some());
        LISTS.contains(&key) && between == b":" && !is_event
    }

    fn keep(&mut self, byte: u8, out: &mut Vec<u8>) {
        match &mut self.held {
            _ if self.place == DocumentPlace::AfterList => {}
            Some(held) if held.len() >= BEFORE_LIST => {
                out.append(held);
                self.held = None;
                out.push(byte);
            }
            Some(held) => held.push(byte),
            None => out.push(byte),
        }
    }

    fn end_value(&mut self, out: &mut Vec<u8>) {
        if self.place != DocumentPlace::AfterList {
            if let Some(mut held) = self.held.take() {
                out.append(&mut held);
            }
            out.push(b'\n');
        }
        (self.place, self.in_string, self.is_escaped) = (DocumentPlace::Between, false, false);
    }

    /// Takes the end of the document. What is not whole becomes a line that is not whole, so that it is told.
    fn end(&mut self, out: &mut Vec<u8>) {
        match self.place {
            DocumentPlace::Scalar | DocumentPlace::Value => self.end_value(out),
            DocumentPlace::AfterList => out.extend_from_slice(b"{\n"),
            DocumentPlace::Between if self.list.is_some() => out.extend_from_slice(b"[\n"),
            DocumentPlace::Between => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a document, the same however it is cut.
    fn lines(document: &str) -> Vec<String> {
        let cut = |size: usize| {
            let (mut splitter, mut out) = (ValueSplitter::default(), Vec::new());
            document.as_bytes().chunks(size).for_each(|bytes| splitter.split(bytes, &mut out));
            splitter.end(&mut out);
            String::from_utf8(out).unwrap()
        };
        let whole = cut(usize::MAX);
        assert!((1..5).all(|size| cut(size) == whole), "{document}");
        assert!(whole.is_empty() || whole.ends_with('\n'));
        whole.lines().map(str::to_owned).collect()
    }

    #[test]
    fn elements_and_values_are_a_line_each() {
        for (document, expected) in [
            ("[]", &[][..]),
            (" [\n{\"a\": [1, {}]},\n{\"b\":\"]}\\\"[\"}\n]\n", &["{\"a\": [1, {}]}", "{\"b\":\"]}\\\"[\"}"]),
            ("[1,null , \"x\"]", &["1", "null", "\"x\""]),
            (
                "{\r\n  \"a\": 1,\n  \"b\": [ {} ]\n}\n{\n\"c\": 2\n}",
                &["{  \"a\": 1,  \"b\": [ {} ]}", "{\"c\": 2}"],
            ),
            (
                "{\"cursor\":\"x\", \"items\" : [{\"a\":1},{\"a\":2}], \"has_more\": [true]}",
                &["{\"a\":1}", "{\"a\":2}"],
            ),
            ("{\"items\":[]}\n{\"audit_events\":[{}]}", &["{}"]),
            ("{\"uuid\":\"U\",\"items\":[1]}", &["{\"uuid\":\"U\",\"items\":[1]}"]),
            ("{\"items\":null}", &["{\"items\":null}"]),
            ("{\"x\":{\"items\":[1]}}", &["{\"x\":{\"items\":[1]}}"]),
            ("{\"x\":\"items\",\"y\":[1]}", &["{\"x\":\"items\",\"y\":[1]}"]),
            ("[[{}],[]]", &["[{}]", "[]"]),
            ("[1][2]", &["1", "2"]),
            ("", &[]),
        ] {
            assert_eq!(lines(document), expected, "{document}");
        }
    }

    #[test]
    fn what_is_cut_off_or_broken_is_a_line_that_is_no_json() {
        for (document, expected) in [
            ("[{\"a\":1},", &["{\"a\":1}", "["][..]),
            ("[{\"a\":1}, {\"b\":", &["{\"a\":1}", "{\"b\":"]),
            ("{\"items\":[{}", &["{}", "["]),
            ("{\"items\":[{}],", &["{}", "{"]),
            ("{\"a\":\"x\ny\"}", &["{\"a\":\"x\ry\"}"]),
            ("[xx {}]", &["xx", "{}"]),
            ("]", &["]"]),
            ("}", &["}"]),
        ] {
            assert_eq!(lines(document), expected, "{document}");
        }
    }
}
