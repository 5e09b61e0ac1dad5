//! The raw item in an object with its stream, profile, account and time of reading.
//!
//! `{"stream":..,"profile":..,"account_uuid":..,"received_at":..,"event":RAW}`, always these five keys in
//! this order; `account_uuid` is null when the account is unknown, `received_at` is UTC with
//! milliseconds. The item inside is as faithful as the raw shape's (P5). With `--names` there is a sixth key
//! before `event`, `names`: an object of the uuids in the event that have a known name, and their names. A run with tags
//! has `tags`, an object, before `event`.

use std::io::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{EventContext, raw};
use crate::event::Event;
use crate::facts::{MemberBuffer, text_of};

/// Where an event has uuids that may have a name.
const NAMED: [&str; 7] =
    ["item_uuid", "vault_uuid", "object_uuid", "aux_uuid", "actor_uuid", "user.uuid", "target_user.uuid"];

/// Appends the envelope.
pub(super) fn write(
    event: &Event<'_>,
    context: &EventContext,
    received_at: DateTime<Utc>,
    buffer: &mut MemberBuffer,
    out: &mut Vec<u8>,
) {
    // Writing to a Vec cannot fail, and a string is always JSON.
    let _ = write!(out, "{{\"stream\":\"{}\",\"profile\":", event.stream.name());
    let _ = serde_json::to_writer(&mut *out, &context.profile);
    out.extend_from_slice(b",\"account_uuid\":");
    let _ = serde_json::to_writer(&mut *out, &context.account_uuid);
    let time = received_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let _ = write!(out, ",\"received_at\":\"{time}\"");
    if context.adds_names {
        write_names(event, context, buffer, out);
    }
    if !context.options.tags.is_empty() {
        write_tags(context, out);
    }
    out.extend_from_slice(b",\"event\":");
    raw::write(event, out);
    out.push(b'}');
}

fn write_names(event: &Event<'_>, context: &EventContext, buffer: &mut MemberBuffer, out: &mut Vec<u8>) {
    let text = text_of(event.raw);
    let members = buffer.read(&text);
    let mut names = serde_json::Map::new();
    for path in NAMED {
        let uuid = members.peek(path);
        if let Some(name) = context.names.of(&uuid) {
            names.insert(uuid.into_owned(), name.into());
        }
    }
    out.extend_from_slice(b",\"names\":");
    let _ = serde_json::to_writer(&mut *out, &names);
}

fn write_tags(context: &EventContext, out: &mut Vec<u8>) {
    let mut before = ",\"tags\":{";
    for tag in &context.options.tags {
        out.extend_from_slice(before.as_bytes());
        // As above.
        let _ = serde_json::to_writer(&mut *out, &tag.key);
        out.push(b':');
        let _ = serde_json::to_writer(&mut *out, &tag.value);
        before = ",";
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Stream;
    use crate::facts::{NameKind, Names};

    #[test]
    fn the_item_is_wrapped_as_it_is() {
        let event = Event { stream: Stream::AuditEvents, raw: b"{\"x\": 1.0}\n", uuid: None, time: None };
        let mut out = Vec::new();
        let mut context = EventContext { profile: "o\"k".into(), ..EventContext::default() };
        write(
            &event,
            &context,
            DateTime::from_timestamp_millis(1_763_647_506_007).unwrap(),
            &mut MemberBuffer::default(),
            &mut out,
        );
        assert_eq!(
            String::from_utf8_lossy(&out),
            r#"{"stream":"auditevents","profile":"o\"k","account_uuid":null,"received_at":"2025-11-20T14:05:06.007Z","event":{"x": 1.0}}"#
        );
        let mut names = Names::default();
        names.insert("i1".into(), NameKind::Item, "AWS \"root\"".into());
        (context.names, context.adds_names) = (Arc::new(names), true);
        let raw = br#"{"item_uuid":"i1","vault_uuid":"v1"}"#;
        for (raw, expected) in
            [(&raw[..], r#","names":{"i1":"AWS \"root\""},"event":{"#), (b"{}", r#","names":{},"event":{"#)]
        {
            let event = Event { raw, ..event };
            out.clear();
            write(&event, &context, DateTime::UNIX_EPOCH, &mut MemberBuffer::default(), &mut out);
            assert!(String::from_utf8_lossy(&out).contains(expected), "{}", String::from_utf8_lossy(&out));
        }
    }
}
