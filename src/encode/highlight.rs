//! Highlights matches: bold and inverse, in any row colour.
//!
//! Searches finished rows, so that only visible text matches. Colour sequences are not text: a pattern does not
//! match in or across one.

use regex_lite::Regex;

use crate::error::{Error, ErrorKind, Result};

const ON: &str = "\x1b[1;7m";
/// Ends bold and inverse alone: the row's colour goes on.
const OFF: &str = "\x1b[22;27m";

/// A pattern to mark.
#[derive(Clone, Debug)]
pub struct Highlight(Regex);

impl Highlight {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// Fails with `Usage` when it is none.
    pub fn new(pattern: &str) -> Result<Self> {
        Regex::new(pattern).map(Highlight).map_err(|e| {
            Error::new(ErrorKind::Usage, "--highlight: not a regular expression")
                .because(crate::sanitize::message(&e.to_string()).into_owned())
                .hint("put a backslash before . * + ? ( ) [ ] { } | ^ $ to mean the character itself")
        })
    }

    /// These rows, their matches marked.
    pub fn marked(&self, rows: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len());
        self.mark(rows, &mut out);
        out
    }

    /// Appends `rows`, their matches marked.
    pub fn mark(&self, rows: &[u8], out: &mut Vec<u8>) {
        // A row that is no text has nothing to match.
        let Ok(mut rest) = std::str::from_utf8(rows) else { return out.extend_from_slice(rows) };
        while !rest.is_empty() {
            let text = rest.find(['\x1b', '\n']).unwrap_or(rest.len());
            self.mark_text(&rest[..text], out);
            let after = &rest[text..];
            // A colour sequence ends with m.
            let skip = match after.find('m') {
                Some(end) if after.starts_with('\x1b') => end + 1,
                _ => after.len().min(1),
            };
            out.extend_from_slice(&after.as_bytes()[..skip]);
            rest = &after[skip..];
        }
    }

    fn mark_text(&self, text: &str, out: &mut Vec<u8>) {
        let mut done = 0;
        for found in self.0.find_iter(text).filter(|found| !found.is_empty()) {
            out.extend_from_slice(&text.as_bytes()[done..found.start()]);
            [ON, found.as_str(), OFF].iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
            done = found.end();
        }
        out.extend_from_slice(&text.as_bytes()[done..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pattern: &str, rows: &str) -> String {
        let mut out = Vec::new();
        Highlight::new(pattern).unwrap().mark(rows.as_bytes(), &mut out);
        String::from_utf8(out).unwrap().replace(ON, "<").replace(OFF, ">").replace('\x1b', "^")
    }

    #[test]
    fn matches_are_marked_and_colours_left_alone() {
        assert_eq!(marked("a+", "banana baaa\nab\n"), "b<a>n<a>n<a> b<aaa>\n<a>b\n");
        assert_eq!(marked("3|m", "\x1b[31m3m3\x1b[0m 3\n"), "^[31m<3><m><3>^[0m <3>\n");
        assert_eq!(marked("(?i)EVE|x*", "Steve é 時\n"), "St<eve> é 時\n");
        assert_eq!(marked(".*", "one\n\ntwo\n"), "<one>\n\n<two>\n");
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_and_bytes_that_are_no_text_pass() {
        assert_eq!(Highlight::new("(").unwrap_err().kind(), ErrorKind::Usage);
        let mut out = Vec::new();
        Highlight::new("a").unwrap().mark(b"a\xff\n", &mut out);
        assert_eq!(out, b"a\xff\n");
    }
}
