//! A cursor of the simulator: a position in a stream, sealed into opaque text.
//!
//! It holds everything the next answer needs (like the vendor's own: limit, start, end, place), so the
//! simulator remembers nothing, and a cursor is good in every process with the same events. A seal over
//! the text tells cursors that were never given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;
use std::hash::Hasher as _;

use super::event_source::NanosecondRange;
use crate::event::Stream;

/// A place in a stream, and how the client wants to go on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CursorPosition {
    pub(super) stream: Stream,
    /// The number of the next event to look at.
    pub(super) next: u64,
    pub(super) limit: u64,
    pub(super) span: NanosecondRange,
    /// The page before said `has_more: false`.
    pub(super) caught_up: bool,
    /// Counts answers that lead back to the same place, so that their cursors differ.
    pub(super) turn: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CursorText {
    limit: u64,
    start_time: Option<i64>,
    end_time: Option<i64>,
    search_after: u64,
    feature: String,
    caught_up: bool,
    turn: u64,
    tie_breaker: String,
}

/// Makes and reads the cursors of one set of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct CursorSeal(u64);

impl CursorSeal {
    /// The seal of the events that `describe` tells from others.
    pub(super) fn new(describe: &[u8]) -> Self {
        let mut hasher = SipHasher24::new();
        hasher.write(describe);
        CursorSeal(hasher.finish())
    }

    /// The cursor's text.
    pub(super) fn seal(self, position: &CursorPosition) -> String {
        let text = CursorText {
            limit: position.limit,
            start_time: position.span.start,
            end_time: position.span.end,
            search_after: position.next,
            feature: position.stream.name().to_owned(),
            caught_up: position.caught_up,
            turn: position.turn,
            tie_breaker: self.tie_breaker(position),
        };
        STANDARD.encode(serde_json::to_vec(&text).unwrap_or_default())
    }

    /// The position in a cursor that a simulator with these events gave; `None` for any other text.
    ///
    /// Line breaks are passed over: the vendor's Splunk client sends one behind a saved cursor, and the
    /// service decodes it.
    pub(super) fn open(self, cursor: &str) -> Option<CursorPosition> {
        let text: CursorText =
            serde_json::from_slice(&STANDARD.decode(cursor.replace(['\r', '\n'], "")).ok()?).ok()?;
        let position = CursorPosition {
            stream: Stream::ALL.into_iter().find(|stream| stream.name() == text.feature)?,
            next: text.search_after,
            limit: text.limit,
            span: NanosecondRange { start: text.start_time, end: text.end_time },
            caught_up: text.caught_up,
            turn: text.turn,
        };
        (text.tie_breaker == self.tie_breaker(&position)).then_some(position)
    }

    fn tie_breaker(self, position: &CursorPosition) -> String {
        let mut hasher = SipHasher24::new_with_keys(self.0, 0x6375_7273_6f72);
        hasher.write(format!("{position:?}").as_bytes());
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_under_its_own_seal_alone() {
        let position = CursorPosition {
            stream: Stream::ItemUsages,
            next: 123_456_789,
            limit: 7,
            span: NanosecondRange { start: Some(-5), end: None },
            caught_up: true,
            turn: 3,
        };
        let seal = CursorSeal::new(b"seed 1");
        let cursor = seal.seal(&position);
        assert_eq!(CursorSeal::new(b"seed 1").open(&cursor), Some(position));
        assert_eq!(CursorSeal::new(b"seed 2").open(&cursor), None);
        assert_eq!(seal.open(&format!("{cursor}\n")), Some(position));
        for not_a_cursor in ["", "None", "null", &cursor[1..], &format!("{cursor}=")] {
            assert_eq!(seal.open(not_a_cursor), None);
        }
        let forged = STANDARD.decode(&cursor).unwrap();
        let forged = String::from_utf8(forged).unwrap().replace("123456789", "123456788");
        assert_eq!(seal.open(&STANDARD.encode(forged)), None);
    }
}
