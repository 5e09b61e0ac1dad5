//! The events of one line: an event as it is, one in an envelope, a list of them, or an answer of the API.
//!
//! Strict: what is not JSON is refused with its column. Only keys that say what a line is are looked at.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::api::json::{JsonReader, JsonString, Malformed};
use crate::api::{scan, structural_index};
use crate::event::Stream;

/// The names that Splunk's intake has for the streams: the label of events in its shape.
const SOURCE_TYPES: [(&str, Stream); 3] = [
    ("1password:insights:signin_attempts", Stream::SignInAttempts),
    ("1password:insights:item_usages", Stream::ItemUsages),
    ("1password:insights:audit_events", Stream::AuditEvents),
];

/// An event in a line. Ranges are those of the line.
#[derive(Debug, Default)]
pub(super) struct EventInLine {
    pub(super) raw: Range<usize>,
    pub(super) uuid: Option<Range<usize>>,
    pub(super) time: Option<DateTime<Utc>>,
    /// The stream that the label around it names.
    pub(super) label: Option<Stream>,
    /// The stream that its keys tell.
    pub(super) by_keys: Option<Stream>,
}

/// What an envelope says of its event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnvelopeLabel {
    pub(super) received_at: Option<DateTime<Utc>>,
    pub(super) profile: Option<String>,
    pub(super) account_uuid: Option<String>,
}

/// What a line holds.
#[derive(Debug, Default)]
pub(super) struct LineContent {
    pub(super) events: Vec<EventInLine>,
    /// What the envelope says, where the line is one.
    pub(super) envelope: Option<EnvelopeLabel>,
    /// Whether a line break (a lone CR) lies between tokens.
    pub(super) breaks_lines: bool,
}

/// Why a line is refused, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefusedLine(pub(super) String);

impl RefusedLine {
    fn malformed(error: &Malformed, line: &[u8]) -> Self {
        if error.at >= line.len() {
            return RefusedLine("not whole: it is cut off".to_owned());
        }
        let what = match error.what {
            "something after the end of the answer" => "something after the end of the value",
            "no object" | "the list of events is no list" => "not an object",
            what => what,
        };
        RefusedLine(format!("column {}: not JSON: {what}", error.at + 1))
    }
}

/// Reads lines; its memory is used again for each.
#[derive(Debug, Default)]
pub(super) struct LineParser {
    marks: Vec<u64>,
}

/// What the keys of an object say.
#[derive(Default)]
struct ObjectKeys {
    event: EventInLine,
    is_sign_in: bool,
    is_usage: bool,
    has_version: bool,
    is_audit: bool,
    /// An event inside, and what is said beside it.
    inner: Option<Box<ObjectKeys>>,
    stream: Option<String>,
    label: EnvelopeLabel,
    /// The list of an answer.
    list: Option<Vec<EventInLine>>,
}

impl LineParser {
    /// Reads a line without space around it.
    ///
    /// # Errors
    /// Says why the line is neither an event nor holds any.
    pub(super) fn parse(&mut self, line: &[u8]) -> Result<LineContent, RefusedLine> {
        structural_index::fill(line, &mut self.marks);
        let mut json = JsonReader::new(line, &self.marks);
        let read = match json.peek_value() {
            Some(b'{') => object(&mut json, true).map(|keys| (Some(keys), Vec::new())),
            Some(b'[') => list(&mut json).map(|events| (None, events)),
            _ => json.value().map(|()| (None, Vec::new())),
        };
        let (keys, events) =
            read.and_then(|read| json.end().map(|()| read)).map_err(|e| RefusedLine::malformed(&e, line))?;
        let breaks_lines = json.breaks_lines();
        let content = LineContent { events, envelope: None, breaks_lines };
        match keys {
            Some(keys) => content_of_object(keys, content),
            None if line.first() == Some(&b'[') => Ok(content),
            None => Err(RefusedLine("not an object".to_owned())),
        }
    }
}

/// What an object is: an envelope, an answer, or an event.
fn content_of_object(mut keys: ObjectKeys, mut content: LineContent) -> Result<LineContent, RefusedLine> {
    if keys.is_event() {
        // Whatever else it has: keys of an envelope or an answer in an event mean nothing.
        content.events.push(keys.found());
    } else if let (Some(inner), Some(stream)) = (keys.inner.take(), &keys.stream) {
        let label = SOURCE_TYPES.iter().find(|(name, _)| name == stream).map(|(_, stream)| *stream);
        let label = label.or_else(|| stream.parse().ok());
        let Some(label) = label else {
            return Err(RefusedLine(format!("its label names no stream: {stream:?}")));
        };
        let mut event = inner.found();
        event.label = Some(label);
        content.events.push(event);
        content.envelope = Some(keys.label);
    } else if let Some(list) = keys.list.take() {
        content.events = list;
    } else {
        content.events.push(keys.found());
    }
    Ok(content)
}

impl ObjectKeys {
    /// Whether it has keys that only events have.
    fn is_event(&self) -> bool {
        let event = &self.event;
        let has_kind = self.is_sign_in || self.is_usage || self.is_audit;
        event.uuid.is_some() || event.time.is_some() || has_kind
    }

    /// The event, with the stream that its keys tell.
    fn found(self) -> EventInLine {
        let is_usage = self.is_usage && self.has_version;
        let by_keys = match (self.is_sign_in, is_usage, self.is_audit) {
            (true, false, false) => Some(Stream::SignInAttempts),
            (false, true, false) => Some(Stream::ItemUsages),
            (false, false, true) => Some(Stream::AuditEvents),
            _ => None,
        };
        EventInLine { by_keys, ..self.event }
    }
}

/// Reads an object; of an outer one also what may be around an event.
fn object(json: &mut JsonReader<'_>, is_outer: bool) -> Result<ObjectKeys, Malformed> {
    let mut keys = ObjectKeys::default();
    json.peek_value();
    let start = json.at();
    json.members(|json, key| {
        let name = json.key_name(&key);
        match &*name {
            b"uuid" => keys.event.uuid = json.string_or_other()?.map(|text| text.range),
            b"timestamp" => keys.event.time = moment(json)?,
            b"category" => keys.is_sign_in = passed(json)?,
            b"item_uuid" => keys.is_usage = passed(json)?,
            b"used_version" => keys.has_version = passed(json)?,
            b"object_type" => keys.is_audit = passed(json)?,
            b"event" if is_outer && json.peek_value() == Some(b'{') => {
                keys.inner = Some(Box::new(object(json, false)?));
            }
            b"stream" | b"sourcetype" if is_outer => keys.stream = text(json)?,
            b"received_at" if is_outer => keys.label.received_at = moment(json)?,
            b"profile" if is_outer => keys.label.profile = text(json)?,
            b"account_uuid" if is_outer => keys.label.account_uuid = text(json)?,
            name @ (b"items" | b"audit_events") if is_outer => {
                let label = (name == b"audit_events").then_some(Stream::AuditEvents);
                keys.list = list_or_other(json, label)?;
            }
            _ => json.value()?,
        }
        Ok(())
    })?;
    keys.event.raw = start..json.at();
    Ok(keys)
}

/// Passes over a value; true, so that it can be noted that it is there.
fn passed(json: &mut JsonReader<'_>) -> Result<bool, Malformed> {
    json.value().map(|()| true)
}

fn moment(json: &mut JsonReader<'_>) -> Result<Option<DateTime<Utc>>, Malformed> {
    Ok(json.string_or_other()?.and_then(|text: JsonString| scan::read_time(json, &text)))
}

fn text(json: &mut JsonReader<'_>) -> Result<Option<String>, Malformed> {
    Ok(json.string_or_other()?.and_then(|text| json.text(&text)))
}

/// The list of an answer; an answer without events has `null`.
fn list_or_other(
    json: &mut JsonReader<'_>,
    label: Option<Stream>,
) -> Result<Option<Vec<EventInLine>>, Malformed> {
    if json.peek_value() != Some(b'[') {
        return if json.null()? { Ok(Some(Vec::new())) } else { json.value().map(|()| None) };
    }
    let mut events = list(json)?;
    events.iter_mut().for_each(|event| event.label = label);
    Ok(Some(events))
}

fn list(json: &mut JsonReader<'_>) -> Result<Vec<EventInLine>, Malformed> {
    let mut events = Vec::new();
    if !json.eat(b'[') {
        return Err(json.wrong("no list"));
    }
    if json.eat(b']') {
        return Ok(events);
    }
    loop {
        events.push(object(json, false)?.found());
        if json.eat(b']') {
            return Ok(events);
        }
        if !json.eat(b',') {
            return Err(json.wrong("neither comma nor end of list"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(line: &str) -> LineContent {
        LineParser::default().parse(line.as_bytes()).unwrap_or_else(|why| panic!("{line}: {why:?}"))
    }

    fn refused(line: &str) -> String {
        LineParser::default().parse(line.as_bytes()).unwrap_err().0
    }

    #[test]
    fn an_event_is_told_by_its_keys() {
        for (line, stream) in [
            (r#"{"category":"x"}"#, Some(Stream::SignInAttempts)),
            (r#"{"cat\u0065gory":null}"#, Some(Stream::SignInAttempts)),
            (r#"{"item_uuid":"x","used_version":1}"#, Some(Stream::ItemUsages)),
            (r#"{"item_uuid":"x"}"#, None),
            (r#"{"object_type":"x"}"#, Some(Stream::AuditEvents)),
            (r#"{"object_type":"x","category":"x"}"#, None),
            (r#"{"x":{"category":"x"}}"#, None),
            ("{}", None),
        ] {
            let content = content(line);
            assert_eq!(content.events[0].by_keys, stream, "{line}");
            assert_eq!((content.events[0].raw.clone(), content.envelope), (0..line.len(), None));
        }
    }

    #[test]
    fn an_envelope_gives_its_event_and_what_it_says() {
        let line = r#"{"event":{"uuid":"U","timestamp":"2026-01-02T03:04:05Z","event":{}},"stream":"auditevents","profile":"p\u0061","account_uuid":null,"received_at":"2026-01-02T03:04:06.5Z"}"#;
        let content = content(line);
        let [event] = &content.events[..] else { panic!("{content:?}") };
        assert_eq!((event.label, event.by_keys), (Some(Stream::AuditEvents), None));
        assert!(line[event.raw.clone()].ends_with("\"event\":{}}"), "{}", &line[event.raw.clone()]);
        assert_eq!(&line[event.uuid.clone().unwrap()], "U");
        let label = content.envelope.unwrap();
        assert_eq!((label.profile.as_deref(), label.account_uuid), (Some("pa"), None));
        assert_eq!(label.received_at.unwrap().timestamp_subsec_millis(), 500);
        assert_eq!(refused(r#"{"stream":"x","event":{}}"#), r#"its label names no stream: "x""#);
        let splunk = r#"{"time":1.5,"sourcetype":"1password:insights:item_usages","event":{"uuid":"U"}}"#;
        assert_eq!(super::tests::content(splunk).events[0].label, Some(Stream::ItemUsages));
    }

    #[test]
    fn lists_and_answers_give_their_elements() {
        assert_eq!(content(r#"[{"category":1}, {}]"#).events.len(), 2);
        assert!(
            content("[]").events.is_empty() && content(r#"{"items":null,"cursor":"x"}"#).events.is_empty()
        );
        let answer = content(r#"{"cursor":"x","items":[{"category":1},{"uuid":"U"}],"has_more":false}"#);
        assert_eq!(answer.events.len(), 2);
        let answer = content(r#"{"audit_events":[{"uuid":"U"}],"next_page_token":"x"}"#);
        assert_eq!(answer.events[0].label, Some(Stream::AuditEvents));
    }

    #[test]
    fn keys_of_an_answer_in_an_event_mean_nothing() {
        for line in [
            r#"{"uuid":"U","category":"x","items":[],"cursor":"x","has_more":true}"#,
            r#"{"items":[{}],"category":"x"}"#,
            r#"{"event":{"uuid":"V"},"stream":"auditevents","category":"x"}"#,
        ] {
            let content = content(line);
            assert_eq!((content.events.len(), content.envelope), (1, None), "{line}");
            assert_eq!(content.events[0].by_keys, Some(Stream::SignInAttempts));
        }
    }

    #[test]
    fn what_is_no_event_says_why_and_where() {
        for (line, why) in [
            (r#"{"a":1"#, "not whole: it is cut off"),
            (r#"{"a":"#, "not whole: it is cut off"),
            ("[", "not whole: it is cut off"),
            (r#"{"a":1}}"#, "column 8: not JSON: something after the end of the value"),
            (r#"{"a":01}"#, "column 7: not JSON: neither comma nor end of object"),
            ("hello", "column 1: not JSON: no value"),
            ("7", "not an object"),
            ("[1]", "column 2: not JSON: not an object"),
        ] {
            assert_eq!(refused(line), why, "{line}");
        }
    }
}
