//! What a client asks for: the body of a v1 or v2 request, the query of a v3 one, held to the API's rules.
//!
//! A range and a cursor never come together; a limit is 1 to 1000. Nothing here looks at events.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::cursor::{CursorPosition, CursorSeal};
use super::event_source::NanosecondRange;
use super::options::{CursorWithRange, ServiceBehavior};
use super::schedule::HOUR;
use super::script::RequestKind;
use crate::event::Stream;

const DEFAULT_LIMIT: u64 = 100;
const HIGHEST_LIMIT: u64 = 1000;

/// A question for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageQuery {
    pub(super) kind: RequestKind,
    pub(super) position: CursorPosition,
    /// The request holds a cursor and a range, and the service takes one of them.
    pub(super) cursor_with_range: bool,
}

/// Why a question is answered 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidQuery {
    /// A range and a cursor at once.
    Both,
    /// A cursor that was never given, or for other events.
    Cursor,
    /// Anything else that the API's document does not allow.
    Malformed(&'static str),
}

/// The fields beside a cursor.
const RANGE: [&str; 3] = ["limit", "start_time", "end_time"];

/// How a v1 or v2 body asks, if that can be told.
pub(super) fn kind_of(body: &[u8], behavior: &ServiceBehavior) -> Option<RequestKind> {
    let fields = read_fields(body, behavior)?;
    let range_wins = behavior.cursor_with_range == CursorWithRange::RangeWins && has_range(&fields);
    Some(if fields.contains_key("cursor") && !range_wins { RequestKind::Cursor } else { RequestKind::First })
}

fn read_fields(body: &[u8], behavior: &ServiceBehavior) -> Option<Map<String, Value>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    if behavior.null_is_absent {
        fields.retain(|_, value| !value.is_null());
    }
    Some(fields)
}

fn has_range(fields: &Map<String, Value>) -> bool {
    RANGE.iter().any(|key| fields.contains_key(*key))
}

/// Reads a v1 or v2 body; `now` in nanoseconds since the epoch.
pub(super) fn from_body(
    stream: Stream,
    body: &[u8],
    seal: CursorSeal,
    now: i64,
    behavior: &ServiceBehavior,
) -> Result<PageQuery, InvalidQuery> {
    let fields =
        read_fields(body, behavior).ok_or(InvalidQuery::Malformed("the body is not a JSON object"))?;
    let cursor = fields.get("cursor");
    let cursor_with_range = cursor.is_some() && has_range(&fields);
    let query = match (cursor, behavior.cursor_with_range) {
        (Some(_), CursorWithRange::Refused) if cursor_with_range => Err(InvalidQuery::Both),
        (Some(cursor), CursorWithRange::Refused | CursorWithRange::CursorWins) => {
            resume(stream, cursor.as_str().unwrap_or_default(), seal)
        }
        (Some(cursor), CursorWithRange::RangeWins) if !cursor_with_range => {
            resume(stream, cursor.as_str().unwrap_or_default(), seal)
        }
        (Some(_), CursorWithRange::RangeWins) | (None, _) => range(stream, &fields, now, behavior),
    };
    Ok(PageQuery { cursor_with_range, ..query? })
}

fn range(
    stream: Stream,
    fields: &Map<String, Value>,
    now: i64,
    behavior: &ServiceBehavior,
) -> Result<PageQuery, InvalidQuery> {
    let limit = match fields.get("limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => read_limit(limit, behavior)
            .filter(in_limits)
            .ok_or(InvalidQuery::Malformed("limit must be 1 to 1000"))?,
    };
    let time = |key: &str| match fields.get(key) {
        None => Ok(None),
        Some(value) => {
            value.as_str().and_then(parse_time).map(Some).ok_or(InvalidQuery::Malformed("not RFC 3339"))
        }
    };
    let end = time("end_time")?;
    let start = time("start_time")?.unwrap_or(end.unwrap_or(now).saturating_sub(HOUR));
    Ok(first(stream, limit, NanosecondRange { start: Some(start), end }))
}

/// Reads a v3 query.
pub(super) fn from_query(query: &str, seal: CursorSeal) -> Result<PageQuery, InvalidQuery> {
    let (mut limit, mut span, mut token) = (DEFAULT_LIMIT, NanosecondRange::default(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value).ok_or(InvalidQuery::Malformed("the query is not percent-encoded"))?;
        let time = || parse_time(&value).map(Some).ok_or(InvalidQuery::Malformed("not RFC 3339"));
        match key {
            // 0 is allowed; what it means is not known.
            "max_page_size" if value == "0" => {}
            "max_page_size" => {
                limit =
                    value.parse().ok().filter(in_limits).ok_or(InvalidQuery::Malformed("max_page_size"))?;
            }
            "start_time" => span.start = time()?,
            "end_time" => span.end = time()?,
            "page_token" => token = Some(value),
            _ => {}
        }
    }
    match token {
        Some(_) if span != NanosecondRange::default() => Err(InvalidQuery::Both),
        Some(token) => resume(Stream::AuditEvents, &token, seal),
        None => Ok(first(Stream::AuditEvents, limit, span)),
    }
}

fn first(stream: Stream, limit: u64, span: NanosecondRange) -> PageQuery {
    let position = CursorPosition { stream, next: 0, limit, span, caught_up: false, turn: 0 };
    PageQuery { kind: RequestKind::First, position, cursor_with_range: false }
}

fn resume(stream: Stream, cursor: &str, seal: CursorSeal) -> Result<PageQuery, InvalidQuery> {
    let position =
        seal.open(cursor).filter(|position| position.stream == stream).ok_or(InvalidQuery::Cursor)?;
    Ok(PageQuery { kind: RequestKind::Cursor, position, cursor_with_range: false })
}

fn read_limit(limit: &Value, behavior: &ServiceBehavior) -> Option<u64> {
    let whole = |limit: &f64| behavior.accepts_whole_floats && limit.fract() == 0.0 && *limit >= 0.0;
    limit.as_u64().or_else(|| limit.as_f64().filter(whole).map(|limit| limit as u64))
}

fn in_limits(limit: &u64) -> bool {
    (1..=HIGHEST_LIMIT).contains(limit)
}

/// Times before 1677 and after 2262 are taken for those years: they bound nothing here.
fn parse_time(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.timestamp_nanos_opt().unwrap_or(if time.timestamp() < 0 { i64::MIN } else { i64::MAX }))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000_000_000;

    fn ask(body: &str) -> Result<PageQuery, InvalidQuery> {
        ask_with(body, &ServiceBehavior::default())
    }

    fn ask_with(body: &str, behavior: &ServiceBehavior) -> Result<PageQuery, InvalidQuery> {
        from_body(Stream::ItemUsages, body.as_bytes(), CursorSeal::new(b"x"), NOW, behavior)
    }

    #[test]
    fn an_empty_object_asks_for_the_last_hour() {
        let position = ask("{}").unwrap().position;
        assert_eq!(position.limit, 100);
        assert_eq!(position.span, NanosecondRange { start: Some(NOW - HOUR), end: None });
        let until = ask(r#"{"end_time":"2026-01-01T00:00:00+01:00"}"#).unwrap().position.span;
        assert_eq!(until.end.unwrap() - until.start.unwrap(), HOUR);
    }

    #[test]
    fn the_rules_of_the_body_hold() {
        for limit in ["0", "1001", "-1", "1.5", "\"7\"", "null"] {
            assert!(
                matches!(ask(&format!("{{\"limit\":{limit}}}")), Err(InvalidQuery::Malformed(_))),
                "{limit}"
            );
        }
        assert_eq!(ask(r#"{"limit":1000}"#).unwrap().position.limit, 1000);
        assert_eq!(ask(r#"{"cursor":"x","limit":5}"#), Err(InvalidQuery::Both));
        assert_eq!(ask(r#"{"cursor":"None"}"#), Err(InvalidQuery::Cursor));
        assert_eq!(ask(r#"{"cursor":null}"#), Err(InvalidQuery::Cursor));
        for body in ["", "[]", "{", r#"{"start_time":"yesterday"}"#, r#"{"start_time":5}"#] {
            assert!(matches!(ask(body), Err(InvalidQuery::Malformed(_))), "{body}");
        }
        let seal = CursorSeal::new(b"x");
        let cursor = seal.seal(&ask("{}").unwrap().position);
        let body = format!("{{\"cursor\":\"{cursor}\"}}");
        assert_eq!(ask(&body).unwrap().kind, RequestKind::Cursor);
        let audit = from_body(Stream::AuditEvents, body.as_bytes(), seal, NOW, &ServiceBehavior::default());
        assert_eq!(audit, Err(InvalidQuery::Cursor));
    }

    #[test]
    fn a_cursor_beside_a_range_is_refused_or_one_of_them_wins() {
        let cursor = CursorSeal::new(b"x").seal(&ask("{}").unwrap().position);
        let body = format!("{{\"cursor\":\"{cursor}\",\"limit\":5}}");
        let with = |cursor_with_range| ServiceBehavior { cursor_with_range, ..ServiceBehavior::default() };
        assert_eq!(ask_with(&body, &with(CursorWithRange::Refused)), Err(InvalidQuery::Both));
        for (wins, kind, limit) in [
            (CursorWithRange::CursorWins, RequestKind::Cursor, 100),
            (CursorWithRange::RangeWins, RequestKind::First, 5),
        ] {
            let query = ask_with(&body, &with(wins)).unwrap();
            assert_eq!((query.kind, query.position.limit, query.cursor_with_range), (kind, limit, true));
            assert_eq!(kind_of(body.as_bytes(), &with(wins)), Some(kind));
            let alone = format!("{{\"cursor\":\"{cursor}\"}}");
            let query = ask_with(&alone, &with(wins)).unwrap();
            assert_eq!((query.kind, query.cursor_with_range), (RequestKind::Cursor, false));
        }
    }

    #[test]
    fn nulls_and_whole_floats_are_taken_on_request() {
        let body = r#"{"cursor":null,"limit":7.0,"start_time":null,"end_time":null}"#;
        let lenient = ServiceBehavior {
            null_is_absent: true,
            accepts_whole_floats: true,
            ..ServiceBehavior::default()
        };
        let query = ask_with(body, &lenient).unwrap();
        assert_eq!((query.kind, query.position.limit), (RequestKind::First, 7));
        assert_eq!(kind_of(body.as_bytes(), &lenient), Some(RequestKind::First));
        for limit in ["1.5", "-1.0", "1e9", "0.0"] {
            assert!(ask_with(&format!("{{\"limit\":{limit}}}"), &lenient).is_err(), "{limit}");
        }
        for body in [r#"{"limit":1.0}"#, r#"{"start_time":null}"#, r#"{"cursor":null}"#] {
            assert!(ask(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_query_is_decoded() {
        let seal = CursorSeal::new(b"x");
        let ask = from_query("max_page_size=50&start_time=2026-05-29T18%3A00%3A00Z", seal).unwrap();
        assert_eq!(ask.position.limit, 50);
        assert!(ask.position.span.start.is_some());
        let token = seal.seal(&ask.position).replace('+', "%2B").replace('=', "%3d").replace('/', "%2F");
        assert_eq!(from_query(&format!("page_token={token}"), seal).unwrap().kind, RequestKind::Cursor);
        assert_eq!(
            from_query(&format!("page_token={token}&end_time=2026-05-29T18:00:00Z"), seal),
            Err(InvalidQuery::Both)
        );
        assert!(from_query("max_page_size=1001", seal).is_err());
    }
}
