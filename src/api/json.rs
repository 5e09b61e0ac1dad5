//! Passes over JSON byte by byte, without building values.
//!
//! Strict: it accepts what RFC 8259 calls JSON, and of what is not UTF-8 only bytes inside strings (P5). It
//! never recurses, so that hostile nesting cannot overflow the stack. It knows nothing of answers; `scan`
//! does.

use std::fmt;
use std::ops::Range;

/// How deep an answer may nest. Events nest three deep; this only has to be finite.
pub(super) const DEPTH: usize = 512;

/// Where and why an answer is not what it should be.
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

/// What passing over JSON gives.
pub(crate) type Result<T> = std::result::Result<T, Malformed>;

/// A place in a text that should be JSON.
pub(crate) struct Json<'a> {
    body: &'a [u8],
    at: usize,
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

    /// Whether the innermost container is an object; none outside of all.
    fn innermost(&self) -> Option<bool> {
        let index = self.depth.checked_sub(1)?;
        Some(self.kinds[index / 64] >> (index % 64) & 1 == 1)
    }
}

impl<'a> Json<'a> {
    /// The beginning of a text.
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Json { body, at: 0 }
    }

    /// How many bytes have been passed.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The bytes of a range, most often of one that [`Json::string`] gave.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        &self.body[range.clone()]
    }

    /// Passes over white space, after which nothing may come.
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

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `byte` after white space, if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        self.white();
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Reads an object; `member` must read the value of each key.
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Range<usize>) -> Result<()>,
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

    /// Reads a key and its colon, and gives the range between the quotes.
    fn key(&mut self) -> Result<Range<usize>> {
        self.white();
        let key = self.string()?;
        if self.eat(b':') { Ok(key) } else { Err(self.wrong("no colon after a key")) }
    }

    /// Whether a key, which may be written with escapes, is `name`.
    pub(crate) fn is_key(&self, key: &Range<usize>, name: &str) -> bool {
        let raw = &self.body[key.clone()];
        raw == name.as_bytes() || (raw.contains(&b'\\') && self.text(key).is_some_and(|text| text == name))
    }

    /// The text of a string whose range between the quotes is given; none when it is not Unicode.
    pub(crate) fn text(&self, range: &Range<usize>) -> Option<String> {
        let raw = &self.body[range.clone()];
        if raw.contains(&b'\\') {
            serde_json::from_slice(&self.body[range.start - 1..=range.end]).ok()
        } else {
            std::str::from_utf8(raw).ok().map(str::to_owned)
        }
    }

    pub(crate) fn string_or_other(&mut self) -> Result<Option<Range<usize>>> {
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
    pub(crate) fn value(&mut self) -> Result<()> {
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
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.wrong("no value")),
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

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a number without digits")) } else { Ok(()) }
    }

    /// Passes over a string and gives the range between its quotes.
    pub(crate) fn string(&mut self) -> Result<Range<usize>> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("no string"));
        }
        self.at += 1;
        let start = self.at;
        loop {
            self.at += plain_length(&self.body[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                // A raw line break here would break a line of NDJSON in two (P3).
                _ => return Err(self.wrong("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
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

/// How many bytes come before the first quote, backslash or control character; eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let mut length = 0;
    let mut words = bytes.chunks_exact(8);
    for chunk in &mut words {
        let word = u64::from_le_bytes([
            chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7],
        ]);
        // Each term marks bytes by their high bit; the lowest mark is exact, those above it may be false.
        let special = below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1)
            | below(word, 0x20);
        if special != 0 {
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = words.remainder();
    length + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_at_a_time_finds_what_one_at_a_time_finds(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
            prop_assert_eq!(plain_length(&bytes), bytes.iter().position(special).unwrap_or(bytes.len()));
        }
    }
}
