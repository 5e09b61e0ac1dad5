//! Passes over JSON byte by byte, without building values.
//!
//! Strict: it accepts what RFC 8259 calls JSON, and of what is not UTF-8 only bytes inside strings (P5). It
//! never recurses, so that hostile nesting cannot overflow the stack. It knows nothing of answers; `scan`
//! does.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::api::structural_index::BLOCK;

/// How deep an answer may nest. Events nest three deep; this only has to be finite.
pub(super) const DEPTH: usize = 512;

/// Where and why a text is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, for a person.
    pub(crate) what: &'static str,
    /// At which byte.
    pub(crate) at: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for Malformed {}

/// The result of scanning JSON.
pub(crate) type Result<T> = std::result::Result<T, Malformed>;

/// A place in a text that should be JSON.
///
/// Strings are most of an answer, and are not searched for their ends: every byte that can begin or end one,
/// or needs a second look, is marked beforehand, and marks are taken one after another as they are passed.
/// So where a string ends does not depend on where it began, and the processor can look ahead.
pub(crate) struct JsonReader<'a> {
    body: &'a [u8],
    at: usize,
    /// The marks of the block at hand that were not passed yet.
    marks: u64,
    /// Where that block begins.
    block: usize,
    /// The marks of the following blocks.
    blocks: &'a [u64],
    /// Whether a line was broken between tokens.
    breaks_lines: bool,
}

/// A string: the range between its quotes.
#[derive(Clone, Debug)]
pub(crate) struct JsonString {
    pub(crate) range: Range<usize>,
    /// Whether it holds escapes, so that its bytes are not its text.
    escaped: bool,
}

/// The kinds of the containers around a place, one bit each: set for an object.
struct Nesting {
    kinds: [u64; DEPTH / 64],
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) -> bool {
        if self.depth == DEPTH {
            return false;
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if object {
            self.kinds[word] |= bit;
        } else {
            self.kinds[word] &= !bit;
        }
        self.depth += 1;
        true
    }

    /// Whether the innermost container is an object; none outside of containers.
    fn innermost(&self) -> Option<bool> {
        let index = self.depth.checked_sub(1)?;
        Some(self.kinds[index / 64] >> (index % 64) & 1 == 1)
    }
}

impl<'a> JsonReader<'a> {
    /// The beginning of a text, of which these are the marks.
    pub(crate) fn new(body: &'a [u8], blocks: &'a [u64]) -> Self {
        let (marks, blocks) = blocks.split_first().map_or((0, blocks), |(first, rest)| (*first, rest));
        JsonReader { body, at: 0, marks, block: 0, blocks, breaks_lines: false }
    }

    /// How many bytes have been passed.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Whether there was a line break in what has been passed.
    pub(crate) fn breaks_lines(&self) -> bool {
        self.breaks_lines
    }

    /// The bytes of a range, most often of one that [`JsonReader::string`] gave.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        &self.body[range.clone()]
    }

    /// Skips white space up to the end of the text.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.white();
        if self.at < self.body.len() {
            Err(self.wrong("something after the end of the answer"))
        } else {
            Ok(())
        }
    }

    pub(crate) fn wrong(&self, what: &'static str) -> Malformed {
        let what = if self.at >= self.body.len() { "the answer is cut off" } else { what };
        Malformed { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    #[inline(always)]
    fn white(&mut self) {
        if let Some(0..=b' ') = self.peek() {
            let mut here = JsonReader { ..*self };
            here.pass_white();
            *self = here;
        }
    }

    /// White space is rare: the service sends none.
    #[cold]
    fn pass_white(&mut self) {
        while let Some(byte @ (b' ' | b'\n' | b'\r' | b'\t')) = self.peek() {
            if byte != b' ' {
                self.take_mark();
            }
            self.breaks_lines |= matches!(byte, b'\n' | b'\r');
            self.at += 1;
        }
    }

    /// Takes `byte` after white space, if it comes next.
    #[inline(always)]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != Some(byte) {
            self.white();
            if self.peek() != Some(byte) {
                return false;
            }
        }
        self.at += 1;
        true
    }

    /// Reads an object; `member` must read the value of each key.
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, JsonString) -> Result<()>,
    ) -> Result<()> {
        if !self.eat(b'{') {
            return Err(self.wrong("no object"));
        }
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if self.eat(b'}') {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(self.wrong("neither comma nor end of object"));
            }
        }
    }

    /// Reads a key and its colon, and returns the range between the quotes.
    #[inline(always)]
    fn key(&mut self) -> Result<JsonString> {
        if self.peek() != Some(b'"') {
            self.white();
        }
        let key = self.string()?;
        if self.eat(b':') { Ok(key) } else { Err(self.wrong("no colon after a key")) }
    }

    /// Whether a key, which may be written with escapes, is `name`.
    #[inline(always)]
    pub(crate) fn is_key(&self, key: &JsonString, name: &str) -> bool {
        self.bytes(&key.range) == name.as_bytes()
            || (key.escaped && self.text(key).is_some_and(|text| text == name))
    }

    /// The characters of a key, escapes resolved; one that is not Unicode has none.
    #[inline(always)]
    pub(crate) fn key_name(&self, key: &JsonString) -> Cow<'a, [u8]> {
        if key.escaped {
            Cow::Owned(self.text(key).unwrap_or_default().into_bytes())
        } else {
            Cow::Borrowed(self.bytes(&key.range))
        }
    }

    /// The decoded string; none when it is not Unicode.
    pub(crate) fn text(&self, text: &JsonString) -> Option<String> {
        let Range { start, end } = text.range;
        if text.escaped {
            serde_json::from_slice(&self.body[start - 1..=end]).ok()
        } else {
            std::str::from_utf8(&self.body[start..end]).ok().map(str::to_owned)
        }
    }

    pub(crate) fn string_or_other(&mut self) -> Result<Option<JsonString>> {
        self.white();
        if self.peek() == Some(b'"') { self.string().map(Some) } else { self.value().map(|()| None) }
    }

    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek_value() != Some(b'n') {
            return Ok(false);
        }
        self.literal(b"null").map(|()| true)
    }

    pub(crate) fn peek_value(&mut self) -> Option<u8> {
        self.white();
        self.peek()
    }

    /// Passes over any value.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Result<()> {
        match self.peek_value() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{' | b'[') => self.container(),
            _ => self.scalar(),
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    #[inline(always)]
    fn scalar(&mut self) -> Result<()> {
        match self.peek() {
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.wrong("no value")),
        }
    }

    /// Skips an object or a list with its contents.
    fn container(&mut self) -> Result<()> {
        // A copy, so that the place is kept in registers.
        let mut here = JsonReader { ..*self };
        let passed = here.pass_container();
        *self = here;
        passed
    }

    #[inline(always)]
    fn pass_container(&mut self) -> Result<()> {
        let mut around = Nesting { kinds: [0; DEPTH / 64], depth: 0 };
        loop {
            match self.peek_value() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    let object = open == b'{';
                    if !self.eat(if object { b'}' } else { b']' }) {
                        if !around.push(object) {
                            return Err(self.wrong("nested too deeply"));
                        }
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended; so may the containers around it.
            loop {
                let Some(object) = around.innermost() else { return Ok(()) };
                if self.eat(b',') {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                if !self.eat(if object { b'}' } else { b']' }) {
                    return Err(self.wrong("neither comma nor end"));
                }
                around.depth -= 1;
            }
        }
    }

    #[inline(always)]
    pub(crate) fn literal(&mut self, word: &[u8]) -> Result<()> {
        for byte in word {
            if self.peek() != Some(*byte) {
                return Err(self.wrong("no value"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Passes over a number; its size does not matter, its digits stay as they are.
    #[inline(always)]
    fn number(&mut self) -> Result<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a number without digits")) } else { Ok(()) }
    }

    /// Passes over a string.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<JsonString> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("no string"));
        }
        let quote = self.take_mark();
        debug_assert_eq!(quote, self.at, "every mark before is passed");
        let start = self.at + 1;
        let end = self.take_mark();
        self.at = end;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(JsonString { range: start..end, escaped: false });
        }
        let mut here = JsonReader { ..*self };
        let passed = here.rest_of_string();
        *self = here;
        passed?;
        Ok(JsonString { range: start..self.at - 1, escaped: true })
    }

    /// Passes over the rest of a string, from its first backslash or control character on.
    #[cold]
    fn rest_of_string(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                // A raw line break here would break a line of NDJSON in two (P3).
                _ => return Err(self.wrong("a control character in a string")),
            }
            self.at = self.take_mark();
        }
    }

    /// Takes the next quote, backslash or control character, else the end.
    #[inline(always)]
    fn take_mark(&mut self) -> usize {
        while self.marks == 0 {
            let Some((next, rest)) = self.blocks.split_first() else { return self.body.len() };
            (self.marks, self.blocks) = (*next, rest);
            self.block += BLOCK;
        }
        let at = self.block + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        at
    }

    fn escape(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"' | b'\\') => {
                self.take_mark();
                self.at += 1;
            }
            Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.wrong("no such escape"));
                    }
                }
                self.at += 1;
            }
            _ => return Err(self.wrong("no such escape")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::structural_index;

    proptest! {
        #[test]
        fn marks_are_taken_in_order(
            body in prop::collection::vec(prop_oneof![9 => 0x20..=0xffu8, 1 => any::<u8>()], 0..300),
        ) {
            let marks = structural_index::of(&body);
            let mut json = JsonReader::new(&body, &marks);
            let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
            for at in (0..body.len()).filter(|at| special(&body[*at])) {
                prop_assert_eq!(json.take_mark(), at);
            }
            prop_assert_eq!(json.take_mark(), body.len());
        }
    }
}
