//! The service's answers: bytes in, pages, introspections and messages out.
//!
//! Versions of the API differ here and in `endpoint`, nowhere else. Pure; decides what can be read, not
//! whether to ask again.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::api::endpoint::ApiVersion;
use crate::api::scan::{self, AnswerKeys};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page};
use crate::sanitize;

/// An answer that does not follow the API. A retry may help: the answer may have been truncated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableAnswer(String);

impl fmt::Display for UnreadableAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnreadableAnswer {}

impl UnreadableAnswer {
    /// An answer that cannot be read for the reason given.
    pub fn new(reason: impl Into<String>) -> Self {
        UnreadableAnswer(reason.into())
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A page may hold this many times the events that were asked for, and some beside: a service that rounds up
/// is not refused, one that sends millions is (P9). With 1,000 asked for, 5,000.
const MOST_PER_ASKED: usize = 4;
const MOST_BESIDE: usize = 1_000;

/// The reason for an answer that is something else: the words of its error object, where it is one.
fn said_instead(body: &[u8], otherwise: &str) -> UnreadableAnswer {
    match error_words(body) {
        Some(words) => {
            UnreadableAnswer(format!("it is an error sent with status 200: {}", sanitize::message(&words)))
        }
        None => UnreadableAnswer::new(otherwise),
    }
}

/// When an event of v3 reached the service; v3 is asked for what was inserted after a time.
pub fn inserted_at(raw: &[u8]) -> Option<DateTime<Utc>> {
    #[derive(serde::Deserialize)]
    struct Inserted {
        insert_time: DateTime<Utc>,
    }
    serde_json::from_slice::<Inserted>(raw).ok().map(|inserted| inserted.insert_time)
}

/// Reads a page of events.
///
/// # Errors
/// Fails when the body is no whole answer, promises more without saying how to ask for it, or holds far more
/// events than the `asked` ones.
pub fn page(
    version: ApiVersion,
    stream: Stream,
    mut body: Vec<u8>,
    asked: usize,
    received_at: DateTime<Utc>,
) -> Result<Page, UnreadableAnswer> {
    let keys = match version {
        ApiVersion::V1 | ApiVersion::V2 => {
            AnswerKeys { items: "items", cursor: "cursor", has_more: Some("has_more") }
        }
        ApiVersion::V3 => AnswerKeys { items: "audit_events", cursor: "next_page_token", has_more: None },
    };
    // A byte order mark is not JSON, but some gateways send one: white space in its place is.
    if body.starts_with(BYTE_ORDER_MARK) {
        body[..BYTE_ORDER_MARK.len()].fill(b' ');
    }
    let most = asked * MOST_PER_ASKED + MOST_BESIDE;
    let found = scan::answer(&body, &keys, most).map_err(|e| UnreadableAnswer(e.to_string()))?;
    // An object without the list (`{}`, an error sent with 200) must not pass for "nothing more" (P1).
    if !found.has_list {
        return Err(said_instead(&body, &format!("it is JSON, but \"{}\" is not in it", keys.items)));
    }
    let cursor = found.cursor.filter(|text| !text.is_empty()).map(Cursor::new);
    let has_more = match keys.has_more {
        Some(_) => found.has_more.unwrap_or(false),
        None => cursor.is_some(),
    };
    let next = match (has_more, cursor) {
        (true, Some(cursor)) => Next::More(cursor),
        (true, None) => return Err(UnreadableAnswer::new("it says that there is more, but gives no cursor")),
        (false, cursor) => Next::CaughtUp(cursor),
    };
    let page = Page {
        stream,
        spans: found.items.unwrap_or_default(),
        body,
        next,
        received_at,
        has_lines: false,
        origins: Vec::new(),
    };
    Ok(if found.breaks_lines { page } else { page.with_lines() })
}

/// What the service says a token may read. Its texts are foreign: escape before showing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introspection {
    /// The integration's UUID.
    pub uuid: Option<String>,
    /// When the token was issued.
    pub issued_at: Option<DateTime<Utc>>,
    /// What it grants: stream keys and other features.
    pub features: Vec<String>,
    /// The account's UUID; v1 does not say it.
    pub account_uuid: Option<String>,
}

impl Introspection {
    /// Whether the token grants `stream`.
    pub fn grants(&self, stream: Stream) -> bool {
        self.features.iter().any(|feature| feature == stream.name())
    }

    /// The streams that it grants, in output order.
    pub fn streams(&self) -> Vec<Stream> {
        Stream::ALL.into_iter().filter(|stream| self.grants(*stream)).collect()
    }
}

/// Reads the answer to an introspection, of either version.
///
/// # Errors
/// Fails when the body is no JSON object or lists no features.
pub fn introspection(body: &[u8]) -> Result<Introspection, UnreadableAnswer> {
    let object: Map<String, Value> = serde_json::from_slice(without_mark(body))
        .map_err(|_| UnreadableAnswer::new("it is no JSON object"))?;
    // These are shown: a server that sends the token back must not make it visible (P10).
    let shown = |text: &str| sanitize::without_tokens(text).into_owned();
    let features = match field(&object, "features") {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(shown).collect(),
        Some(Value::Null) => Vec::new(),
        _ => return Err(said_instead(body, "it lists no features")),
    };
    let text = |name: &str| field(&object, name).and_then(Value::as_str);
    Ok(Introspection {
        uuid: text("uuid").map(shown),
        issued_at: text("issuedat").and_then(|t| DateTime::parse_from_rfc3339(t).ok()).map(|t| t.to_utc()),
        features,
        account_uuid: text("accountuuid").map(shown),
    })
}

/// The value of a key, written in any case and with or without underscores.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let is_name = |key: &str| key.replace('_', "").eq_ignore_ascii_case(name);
    object.iter().find(|(key, _)| is_name(key)).map(|(_, value)| value)
}

/// The server's message in a refusal, escaped and shortened; none when there is none.
///
/// Either error shape is understood, `{"Error":{"Message":...}}` and `{"status":...,"message":...}`;
/// anything else is quoted as it is.
pub fn words(body: &[u8]) -> Option<String> {
    /// Messages are cut to far less; long HTML need not be searched.
    const ENOUGH: usize = 4096;
    let said = error_words(body);
    let said = said.unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(ENOUGH)]).into_owned());
    let said = said.trim();
    (!said.is_empty()).then(|| sanitize::message(said).into_owned())
}

/// The message of an error object of either shape.
fn error_words(body: &[u8]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(without_mark(body)).ok()?;
    let message = match field(&object, "error") {
        Some(Value::Object(error)) => field(error, "message")?,
        Some(text @ Value::String(_)) => text,
        _ => field(&object, "message")?,
    };
    message.as_str().map(str::to_owned)
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: ApiVersion, body: &str) -> Result<Page, UnreadableAnswer> {
        page(version, Stream::AuditEvents, body.into(), 1_000, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_page_says_what_comes_next() {
        let page =
            read(ApiVersion::V2, r#"{"cursor":"a\/b","has_more":true,"items":[{"uuid":"A"}]}"#).unwrap();
        assert_eq!(page.next, Next::More(Cursor::new("a/b")));
        assert_eq!(page.event_at(0).uuid, Some(b"A".as_slice()));
        let page = read(ApiVersion::V1, r#"{"items":null,"has_more":false,"cursor":"c"}"#).unwrap();
        assert!(page.is_empty());
        assert_eq!(page.next, Next::CaughtUp(Some(Cursor::new("c"))));
    }

    #[test]
    fn events_are_lines_where_the_answer_has_none() {
        let lines = |body| {
            let page = read(ApiVersion::V2, body).unwrap();
            let line = |index| page.line_at(index).map(|range| page.body[range].to_vec());
            (0..page.len()).map(line).collect::<Option<Vec<_>>>()
        };
        let whole = lines(r#"{"items":[{"uuid":"A,\n"} ,{"n":[1, 2]}, 3],"has_more":false}"#).unwrap();
        assert_eq!(whole, [&b"{\"uuid\":\"A,\\n\"}\n"[..], b"{\"n\":[1, 2]}\n", b"3\n"]);
        // A line break between tokens has to be taken out of the events, wherever it is.
        assert_eq!(lines("{\"items\":[{\r\n\"uuid\":\"A\"}],\"has_more\":false}"), None);
        assert_eq!(lines("{\"items\":[{}],\"has_more\":false}\n"), None);
    }

    #[test]
    fn v3_ends_where_no_token_is_given() {
        let page = read(ApiVersion::V3, r#"{"audit_events":[{}],"next_page_token":"t"}"#).unwrap();
        assert_eq!(page.next, Next::More(Cursor::new("t")));
        assert_eq!(read(ApiVersion::V3, r#"{"audit_events":[]}"#).unwrap().next, Next::CaughtUp(None));
    }

    #[test]
    fn what_is_no_page_never_passes_for_an_empty_one() {
        for body in [
            "{}",
            r#"{"message":"x"}"#,
            r#"{"items":[],"has_more":true}"#,
            "<html>",
            "",
            r#"{"items":[],"has_more":true,"cursor":""}"#,
            r#"{"has_more":false,"cursor":"c"}"#,
            r#"{"has_more":false}"#,
        ] {
            assert!(read(ApiVersion::V2, body).is_err(), "{body}");
        }
        assert!(read(ApiVersion::V3, r#"{"items":[]}"#).is_err());
    }

    #[test]
    fn the_words_of_an_error_sent_with_200_are_shown() {
        for body in [
            r#"{"Error":{"Message":"slow \u001b down"}}"#,
            "\u{feff}{\"status\":1,\"message\":\"slow \\u001b down\"}",
        ] {
            for failure in
                [read(ApiVersion::V2, body).unwrap_err(), introspection(body.as_bytes()).unwrap_err()]
            {
                assert_eq!(failure.to_string(), "it is an error sent with status 200: slow \\u{1b} down");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_before_the_json_is_accepted() {
        let page = read(ApiVersion::V2, "\u{feff}{\"items\":[{}],\"has_more\":false}").unwrap();
        assert_eq!(page.event_at(0).raw, b"{}");
        assert!(introspection("\u{feff}{\"features\":[]}".as_bytes()).is_ok());
    }

    #[test]
    fn both_introspections_are_read_in_any_case() {
        let v1 = introspection(
            br#"{"UUID":"I","IssuedAt":"2026-01-01T00:00:00Z","Features":["auditevents","x"]}"#,
        );
        let v1 = v1.unwrap();
        assert_eq!((v1.uuid.as_deref(), v1.issued_at.is_some(), v1.account_uuid), (Some("I"), true, None));
        let v2 = introspection(
            br#"{"uuid":"I","issued_at":"2026-01-01T00:00:00Z","features":["auditevents"],"account_uuid":"A"}"#,
        );
        let v2 = v2.unwrap();
        assert_eq!(v2.streams(), [Stream::AuditEvents]);
        assert_eq!((v2.issued_at, v2.account_uuid.as_deref()), (v1.issued_at, Some("A")));
        assert!(
            introspection(b"{}").is_err() && introspection(b"[]").is_err() && introspection(b"").is_err()
        );
    }

    #[test]
    fn the_servers_words_are_found_and_made_harmless() {
        for (body, expected) in [
            (r#"{"Error":{"Message":"Unauthorized"}}"#, Some("Unauthorized")),
            (r#"{"error":{"message":"x"}}"#, Some("x")),
            (r#"{"status":401,"message":"no\u001b[31m"}"#, Some("no\\u{1b}[31m")),
            (r#"{"error":"plain"}"#, Some("plain")),
            ("<h1>502</h1>\n", Some("<h1>502</h1>")),
            (r#"{"x":1}"#, Some(r#"{"x":1}"#)),
            (" ", None),
        ] {
            assert_eq!(words(body.as_bytes()).as_deref(), expected, "{body}");
        }
        assert!(words(&[0xff; 100_000]).unwrap().chars().count() < 400);
    }
}
