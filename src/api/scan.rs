//! Finds the items of an answer in its bytes, in one pass, without building values.
//!
//! Strict: what it accepts is JSON, so that an answer cut anywhere is never taken for a whole one (P1). One
//! leniency: bytes that are not UTF-8 are accepted inside strings, because one bad byte in one item must
//! not stop a stream (P5). It never recurses, so that hostile nesting cannot overflow the stack. It knows
//! nothing of the meaning of an answer; `wire` does.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::page::Span;

/// How deep an answer may nest. Events nest three deep; this only has to be finite.
const DEPTH: usize = 512;

/// The names of an answer's top-level keys; they differ between versions of the API.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The list of events.
    pub items: &'static str,
    /// What to ask with next.
    pub cursor: &'static str,
    /// Whether there is more at once; none where a cursor alone says so.
    pub has_more: Option<&'static str>,
}

/// What was found at the top level; none where a key is absent or null.
#[derive(Debug, Default)]
pub struct Found {
    /// The items.
    pub items: Option<Vec<Span>>,
    /// The cursor's text, escapes resolved.
    pub cursor: Option<String>,
    /// The flag.
    pub has_more: Option<bool>,
}

/// Where and why an answer is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    what: &'static str,
    at: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for Malformed {}

type Result<T> = std::result::Result<T, Malformed>;

/// Reads a whole answer: one JSON object, its keys in any order, the last of repeated keys winning.
///
/// # Errors
/// Says where the bytes stop being such an object.
pub fn answer(body: &[u8], names: &Names) -> Result<Found> {
    let mut scan = Scan { body, at: 0 };
    let mut found = Found::default();
    scan.members(|scan, key| {
        if scan.is_key(&key, names.items) {
            found.items = scan.items()?;
        } else if scan.is_key(&key, names.cursor) {
            found.cursor = scan.cursor()?;
        } else if names.has_more.is_some_and(|name| scan.is_key(&key, name)) {
            found.has_more = scan.flag()?;
        } else {
            scan.value()?;
        }
        Ok(())
    })?;
    scan.white();
    if scan.at < body.len() { Err(scan.wrong("something after the end of the answer")) } else { Ok(found) }
}

struct Scan<'a> {
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

impl<'a> Scan<'a> {
    fn wrong(&self, what: &'static str) -> Malformed {
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
    fn eat(&mut self, byte: u8) -> bool {
        self.white();
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Reads an object; `member` must read the value of each key.
    fn members(&mut self, mut member: impl FnMut(&mut Self, Range<usize>) -> Result<()>) -> Result<()> {
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
    fn is_key(&self, key: &Range<usize>, name: &str) -> bool {
        let raw = &self.body[key.clone()];
        raw == name.as_bytes() || (raw.contains(&b'\\') && self.text(key).is_some_and(|text| text == name))
    }

    /// The text of a string whose range between the quotes is given; none when it is not Unicode.
    fn text(&self, range: &Range<usize>) -> Option<String> {
        let raw = &self.body[range.clone()];
        if raw.contains(&b'\\') {
            serde_json::from_slice(&self.body[range.start - 1..=range.end]).ok()
        } else {
            std::str::from_utf8(raw).ok().map(str::to_owned)
        }
    }

    fn items(&mut self) -> Result<Option<Vec<Span>>> {
        if self.null()? {
            return Ok(None);
        }
        if !self.eat(b'[') {
            return Err(self.wrong("the list of events is no list"));
        }
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Some(items));
        }
        loop {
            items.push(self.item()?);
            if self.eat(b']') {
                return Ok(Some(items));
            }
            if !self.eat(b',') {
                return Err(self.wrong("neither comma nor end of list"));
            }
        }
    }

    fn item(&mut self) -> Result<Span> {
        self.white();
        let start = self.at;
        let (mut uuid, mut time) = (None, None);
        if self.peek() == Some(b'{') {
            self.members(|scan, key| {
                if scan.is_key(&key, "uuid") {
                    uuid = scan.string_or_other()?;
                } else if scan.is_key(&key, "timestamp") {
                    time = scan.string_or_other()?.and_then(|range| scan.time(&range));
                } else {
                    scan.value()?;
                }
                Ok(())
            })?;
        } else {
            self.value()?;
        }
        Ok(Span { raw: start..self.at, uuid, time })
    }

    fn string_or_other(&mut self) -> Result<Option<Range<usize>>> {
        self.white();
        if self.peek() == Some(b'"') { self.string().map(Some) } else { self.value().map(|()| None) }
    }

    fn time(&self, range: &Range<usize>) -> Option<DateTime<Utc>> {
        common_time(&self.body[range.clone()]).or_else(|| {
            let text = self.text(range)?;
            DateTime::<FixedOffset>::parse_from_rfc3339(&text).ok().map(|time| time.to_utc())
        })
    }

    fn cursor(&mut self) -> Result<Option<String>> {
        if self.null()? {
            return Ok(None);
        }
        let start = self.at;
        let range = self.string().map_err(|e| Malformed { what: "the cursor is no string", ..e })?;
        match self.text(&range) {
            Some(text) => Ok(Some(text)),
            None => Err(Malformed { what: "the cursor is not Unicode", at: start }),
        }
    }

    fn flag(&mut self) -> Result<Option<bool>> {
        match self.peek_value() {
            Some(b't') => self.literal(b"true").map(|()| Some(true)),
            Some(b'f') => self.literal(b"false").map(|()| Some(false)),
            _ if self.null()? => Ok(None),
            _ => Err(self.wrong("has_more is neither true nor false")),
        }
    }

    fn null(&mut self) -> Result<bool> {
        if self.peek_value() != Some(b'n') {
            return Ok(false);
        }
        self.literal(b"null").map(|()| true)
    }

    fn peek_value(&mut self) -> Option<u8> {
        self.white();
        self.peek()
    }

    /// Passes over any value.
    fn value(&mut self) -> Result<()> {
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

    fn literal(&mut self, word: &[u8]) -> Result<()> {
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
    fn string(&mut self) -> Result<Range<usize>> {
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

/// Reads `2026-11-20T14:05:00Z`, with up to nine digits of a fraction; none for any other form.
fn common_time(text: &[u8]) -> Option<DateTime<Utc>> {
    let (head, tail) = text.split_at_checked(19)?;
    let number = |range: Range<usize>| {
        head[range].iter().try_fold(0_u32, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        })
    };
    let separators = [head[4], head[7], head[10], head[13], head[16]];
    if separators != *b"--T::" {
        return None;
    }
    let nanos = match tail {
        b"Z" => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            let padding = std::iter::repeat_n(&b'0', 9 - digits.len());
            digits.iter().chain(padding).try_fold(0_u32, |number, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
            })?
        }
        _ => return None,
    };
    let year = i32::try_from(number(0..4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)?;
    let time = NaiveTime::from_hms_nano_opt(number(11..13)?, number(14..16)?, number(17..19)?, nanos)?;
    Some(NaiveDateTime::new(date, time).and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::value::RawValue;

    use super::*;

    const NAMES: Names = Names { items: "items", cursor: "cursor", has_more: Some("has_more") };

    fn scan(body: &str) -> Result<Found> {
        answer(body.as_bytes(), &NAMES)
    }

    fn texts(body: &str) -> Vec<&str> {
        scan(body).unwrap().items.unwrap().iter().map(|span| &body[span.raw.clone()]).collect()
    }

    #[test]
    fn keys_come_in_any_order_and_the_last_of_repeated_ones_wins() {
        let body = r#" {"items":[1],"x":{"items":[9]},"has_more":true,"cursor":"a\/\u00e9","has_more":false,
                        "items":[ {"a":1} , 2e999 ],"cur\u0073or":"b"} "#;
        let found = scan(body).unwrap();
        assert_eq!((found.cursor.as_deref(), found.has_more), (Some("b"), Some(false)));
        assert_eq!(texts(body), [r#"{"a":1}"#, "2e999"]);
        assert_eq!(scan(r#"{"cursor":"a\/\u00e9"}"#).unwrap().cursor.as_deref(), Some("a/é"));
    }

    #[test]
    fn nothing_and_null_are_none() {
        for body in ["{}", r#"{"items":null,"cursor":null,"has_more":null}"#, r#"{"items":[1],"items":null}"#]
        {
            let found = scan(body).unwrap();
            assert!(found.items.is_none() && found.cursor.is_none() && found.has_more.is_none(), "{body}");
        }
    }

    #[test]
    fn uuid_and_time_are_the_last_top_level_ones() {
        let body = br#"{"items":[{"uuid":"A","u":{"uuid":"B"},"u\u0075id":"C\u0041","timestamp":"2026-01-02T03:04:05.6Z"},
            {"uuid":"A","uuid":null,"timestamp":"2026-01-02T03:04:05+01:00"},{"timestamp":"nope"},[{"uuid":"X"}]]}"#;
        let items = answer(body, &NAMES).unwrap().items.unwrap();
        assert_eq!(&body[items[0].uuid.clone().unwrap()], br"C\u0041");
        assert_eq!(items[0].time.unwrap().to_rfc3339(), "2026-01-02T03:04:05.600+00:00");
        assert_eq!(items[1].time.unwrap().to_rfc3339(), "2026-01-02T02:04:05+00:00");
        assert!(items[1].uuid.is_none() && items[2].time.is_none() && items[3].uuid.is_none());
    }

    #[test]
    fn a_byte_that_is_not_utf8_stays_in_its_item() {
        let body = b"{\"items\":[{\"a\":\"\xff\xfe\",\"uuid\":\"A\"}],\"cursor\":\"c\"}";
        assert_eq!(answer(body, &NAMES).unwrap().items.unwrap().len(), 1);
        assert!(answer(b"{\"cursor\":\"\xff\"}", &NAMES).is_err());
        assert!(answer(b"{\"a\":\xff}", &NAMES).is_err());
    }

    #[test]
    fn every_prefix_of_an_answer_is_refused() {
        let body =
            r#"{"cursor":"a\/b","has_more":true,"items":[{"uuid":"A","n":-1.5e+3,"x":[true,false,null]}]}"#;
        for end in 0..body.len() {
            assert!(scan(&body[..end]).is_err(), "{}", &body[..end]);
        }
        assert!(scan(body).is_ok());
        assert!(scan(&format!("{body}x")).is_err());
    }

    #[test]
    fn odd_but_legal_items_pass_and_illegal_ones_do_not() {
        for legal in [
            "123456789012345678901234567890",
            "1e400",
            r#""\ud800""#,
            r#"{"a":1,"a":2}"#,
            "-0",
            "0.0",
            r#""\u0000""#,
            "\"\u{7f}\u{2028}\"",
        ] {
            assert_eq!(texts(&format!(r#"{{"items":[{legal}]}}"#)), [legal]);
        }
        for illegal in [
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "\"\n\"",
            "\"\u{1f}\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            "{1:2}",
            "[1 2]",
            "'a'",
            "",
        ] {
            assert!(scan(&format!(r#"{{"items":[{illegal}, 1]}}"#)).is_err(), "{illegal}");
        }
        for not_an_answer in ["", "null", "[]", "<html>", "\u{feff}{}", r#"{"items":{}}"#, r#"{"cursor":1}"#]
        {
            assert!(scan(not_an_answer).is_err(), "{not_an_answer}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_needs_no_stack() {
        let nested = |depth: usize| format!(r#"{{"x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(scan(&nested(DEPTH)).is_ok());
        assert!(scan(&nested(DEPTH + 1)).is_err());
        assert!(scan(&format!(r#"{{"items":[{}"#, r#"{"a":"#.repeat(1_000_000))).is_err());
    }

    /// Text made of JSON's own pieces: often valid, and nearly so when it is not.
    fn jsonish() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\"a\":",
                "\"uuid\":\"x\"",
                "\"timestamp\":",
                " ",
                "\n",
                "1",
                "-0",
                "1e9",
                "0.5",
                "true",
                "null",
                "\"\\u00e9\"",
                "\"\\ud800\"",
                "\"é🔑\"",
                "\u{1}",
            ])
            .prop_map(str::to_owned),
            "[\\x00-\\x7f]{0,3}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn valid_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
            any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let keys = prop_oneof![Just("uuid".to_owned()), Just("timestamp".to_owned()), ".{0,3}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[ {} ]", items.join(" ,\n"))),
                prop::collection::vec((keys, inner), 0..5).prop_map(|members| {
                    let members = members.iter().map(|(k, v)| format!("{} : {v}", serde_json::json!(k)));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    #[derive(serde::Deserialize)]
    struct Reference<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn it_accepts_what_serde_json_accepts(item in prop_oneof![jsonish(), valid_json()]) {
            // Alone in a list, so that both look at the same thing.
            let alone = serde_json::from_str::<IgnoredAny>(&item).is_ok();
            let body = format!("{{\"x\":{item}}}");
            prop_assert_eq!(scan(&body).is_ok(), serde_json::from_str::<IgnoredAny>(&body).is_ok());
            if alone {
                let body = format!("{{\"items\":[{item},{item}],\"has_more\":true}}");
                let reference: Reference<'_> = serde_json::from_str(&body).unwrap();
                let reference: Vec<_> = reference.items.iter().map(|raw| raw.get()).collect();
                prop_assert_eq!(texts(&body), reference);
            }
        }

        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = answer(&bytes, &NAMES);
            let _ = common_time(&bytes);
        }

        #[test]
        fn eight_at_a_time_finds_what_one_at_a_time_finds(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
            prop_assert_eq!(plain_length(&bytes), bytes.iter().position(special).unwrap_or(bytes.len()));
        }

        #[test]
        fn the_common_time_is_chronos(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?Z"
        ) {
            if let Some(time) = common_time(text.as_bytes()) {
                prop_assert_eq!(Ok(time.fixed_offset()), DateTime::parse_from_rfc3339(&text));
            }
        }
    }
}
