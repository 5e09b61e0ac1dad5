//! The raw item in an object with its stream, profile, account and time of reading.
//!
//! `{"stream":..,"profile":..,"account_uuid":..,"received_at":..,"event":RAW}`, always these five keys in
//! this order; `account_uuid` is null when the account is unknown, `received_at` is UTC with
//! milliseconds. The item inside is as faithful as the raw shape's (P5).

use std::io::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{EventContext, raw};
use crate::event::Event;

/// Appends the envelope.
pub(super) fn write(
    event: &Event<'_>,
    context: &EventContext,
    received_at: DateTime<Utc>,
    out: &mut Vec<u8>,
) {
    // Writing to a Vec cannot fail, and a string is always JSON.
    let _ = write!(out, "{{\"stream\":\"{}\",\"profile\":", event.stream.name());
    let _ = serde_json::to_writer(&mut *out, &context.profile);
    out.extend_from_slice(b",\"account_uuid\":");
    let _ = serde_json::to_writer(&mut *out, &context.account_uuid);
    let time = received_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let _ = write!(out, ",\"received_at\":\"{time}\",\"event\":");
    raw::write(event, out);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    #[test]
    fn the_item_is_wrapped_as_it_is() {
        let event = Event { stream: Stream::AuditEvents, raw: b"{\"x\": 1.0}\n", uuid: None, time: None };
        let mut out = Vec::new();
        let context = EventContext { profile: "o\"k".into(), ..EventContext::default() };
        write(&event, &context, DateTime::from_timestamp_millis(1_763_647_506_007).unwrap(), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"stream":"auditevents","profile":"o\"k","account_uuid":null,"received_at":"2025-11-20T14:05:06.007Z","event":{"x": 1.0}}"#
        );
    }
}
