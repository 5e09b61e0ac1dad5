//! Writing an item's JSON text, quickly and in a chosen key order.
//!
//! Text that is known beforehand is quoted once, when the simulator starts; an event is then little more
//! than copies into the page's buffer. Nothing here knows what the fields mean.

use chrono::DateTime;

use super::random::Id;
use super::schedule::SECOND;

/// An object being written into a buffer.
pub(super) struct JsonObject<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> JsonObject<'a> {
    /// Opens an object.
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        JsonObject { out, empty: true }
    }

    /// Writes a field whose value is JSON already.
    pub(super) fn raw(&mut self, key: &str, json: impl AsRef<[u8]>) -> &mut Self {
        self.key(key).extend_from_slice(json.as_ref());
        self
    }

    /// Writes a field whose value is text that needs no escapes.
    pub(super) fn plain(&mut self, key: &str, text: &str) -> &mut Self {
        let out = self.key(key);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        self
    }

    /// Writes a field that holds an identifier.
    pub(super) fn id(&mut self, key: &str, id: &Id) -> &mut Self {
        self.plain(key, id.as_str())
    }

    /// Writes a number.
    pub(super) fn number(&mut self, key: &str, number: u64) -> &mut Self {
        self.raw(key, number.to_string())
    }

    /// Writes a time, in nanoseconds since the epoch, with this many digits after the second.
    pub(super) fn time(&mut self, key: &str, time: i64, digits: usize) -> &mut Self {
        let out = self.key(key);
        out.push(b'"');
        write_time(out, time, digits);
        out.push(b'"');
        self
    }

    /// Writes more of the last field's value.
    pub(super) fn tail(&mut self, json: &str) -> &mut Self {
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// Writes fields as they are, a comma before them.
    pub(super) fn fields(&mut self, json: &str) -> &mut Self {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// Closes the object.
    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.empty { b"\"" } else { b",\"" });
        self.empty = false;
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes a time as RFC 3339 in UTC with this many digits after the second.
pub(super) fn write_time(out: &mut Vec<u8>, time: i64, digits: usize) {
    use std::io::Write as _;
    let (seconds, nanoseconds) = (time.div_euclid(SECOND), time.rem_euclid(SECOND));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let date = DateTime::from_timestamp(days * 86_400, 0).unwrap_or_default().date_naive();
    let (year, month, day) = {
        use chrono::Datelike as _;
        (date.year(), date.month(), date.day())
    };
    let clock = (second / 3600, second / 60 % 60, second % 60);
    // Writing into memory does not fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", clock.0, clock.1, clock.2);
    if digits > 0 {
        let fraction = nanoseconds / 10_i64.pow(9 - digits.min(9) as u32);
        let _ = write!(out, ".{fraction:0digits$}");
    }
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_json_with_its_keys_in_order() {
        let mut out = Vec::new();
        JsonObject::open(&mut out)
            .plain("a", "x")
            .number("b", 7)
            .raw("c", "null")
            .fields("\"d\":1e400")
            .close();
        assert_eq!(out, br#"{"a":"x","b":7,"c":null,"d":1e400}"#);
    }

    #[test]
    fn times_carry_the_digits_they_are_asked_for() {
        let time = 1_733_140_459_710_457_472;
        let write = |digits| {
            let mut out = Vec::new();
            write_time(&mut out, time, digits);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(write(0), "2024-12-02T11:54:19Z");
        assert_eq!(write(3), "2024-12-02T11:54:19.710Z");
        assert_eq!(write(9), "2024-12-02T11:54:19.710457472Z");
    }
}
