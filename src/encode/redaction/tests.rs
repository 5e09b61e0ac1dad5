//! What is masked or hashed is nowhere in the output, and the rest is untouched.

use std::sync::Arc;

use chrono::DateTime;

use super::super::{EventEncoder, Format, OutputUse, RenderOptions, Shape, check};
use super::*;

const EVENTS: &str = include_str!("../../../tests/fixtures/shapes/events.ndjson");
const KEY: &[u8] = b"a key of more than sixteen bytes";

fn strings(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

fn redaction(mask: &[&str], hash: &[&str]) -> Redaction {
    Redaction::compile(&strings(mask), &strings(hash), Some(KEY)).unwrap()
}

fn redacted(redaction: &Redaction, stream: Stream, raw: &str) -> String {
    let mut buffer = RedactionBuffer::default();
    let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
    String::from_utf8(redaction.apply(event, &mut buffer).raw.to_vec()).unwrap()
}

fn encoded(redaction: Redaction, format: Format, shape: Shape, stream: Stream, raw: &str) -> String {
    let context = EventContext {
        account_uuid: Some("ACCOUNTINCONTEXT".into()),
        redaction: Arc::new(redaction),
        ..EventContext::default()
    };
    let options = RenderOptions::plain();
    let mut encoder = EventEncoder::new(format, shape, None, &Stream::ALL, options, context).unwrap();
    let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
    let mut out = Vec::new();
    encoder.begin(&mut out);
    encoder.event(&event, DateTime::UNIX_EPOCH, &mut out);
    encoder.end(&mut out);
    // Rows of Parquet have lengths between their texts.
    String::from_utf8_lossy(&out).into_owned()
}

/// Events with a person in each of the five places, as an object and as a text that holds one.
fn people() -> Vec<(Stream, String)> {
    let person = r#"{"uuid":"PERSONUUIDAAAAAAAAAAAAAAAA","name":"P\u00e9rsona Secret","email":"secret@person.example","user_type":"user"}"#;
    let quoted = serde_json::to_string(person).unwrap();
    let mut events = Vec::new();
    for person in [person, &quoted] {
        for (stream, object, more) in [
            (Stream::SignInAttempts, "target_user", r#""category":"success","type":"credentials_ok""#),
            (Stream::ItemUsages, "user", r#""action":"reveal","item_uuid":"ITEM","vault_uuid":"VAULT""#),
            (
                Stream::AuditEvents,
                "actor_details",
                r#""action":"join","object_type":"gm","actor_uuid":"PERSONUUIDAAAAAAAAAAAAAAAA","object_uuid":"O""#,
            ),
            (
                Stream::AuditEvents,
                "object_details",
                r#""action":"suspend","object_type":"user","object_uuid":"PERSONUUIDAAAAAAAAAAAAAAAA","actor_uuid":"A""#,
            ),
            (
                Stream::AuditEvents,
                "aux_details",
                r#""action":"join","object_type":"gm","aux_uuid":"PERSONUUIDAAAAAAAAAAAAAAAA","actor_uuid":"A","aux_info":"for secret@person.example""#,
            ),
        ] {
            events.push((
                stream,
                format!(
                    r#"{{"uuid":"EVENT","timestamp":"2026-01-15T12:00:00Z",{more},"{object}":{person}}}"#
                ),
            ));
        }
    }
    events
}

#[test]
fn a_person_is_nowhere_in_any_shape_and_format_wherever_they_stand() {
    let told = ["PERSONUUIDAAAAAAAAAAAAAAAA", "sona Secret", "secret@person.example"];
    let fields: [&[&str]; 3] = [
        &["users.uuid", "users.name", "users.email"],
        &[
            "target_user",
            "user",
            "actor_details",
            "actor_uuid",
            "object_details",
            "object_uuid",
            "aux_details",
            "aux_uuid",
        ],
        &[
            "name",
            "email",
            "actor_uuid",
            "object_uuid",
            "aux_uuid",
            "target_user.uuid",
            "user.uuid",
            "actor_details.uuid",
            "object_details.uuid",
            "aux_details.uuid",
        ],
    ];
    let mut combinations = 0;
    for (stream, raw) in people() {
        for shape in Shape::ALL {
            for format in Format::ALL
                .into_iter()
                .filter(|format| check(*format, shape, None, OutputUse::Question).is_ok())
            {
                for fields in fields {
                    combinations += 1;
                    for redaction in [redaction(fields, &[]), redaction(&[], fields)] {
                        let text = encoded(redaction, format, shape, stream, &raw);
                        for told in told {
                            assert!(!text.contains(told), "{format} {shape} {fields:?}: {told} in {text}");
                        }
                    }
                }
                // Without a redaction it is told, tables show objects alone: this test can fail.
                let text = encoded(Redaction::default(), format, shape, stream, &raw);
                assert!(
                    raw.contains("\\\"") || told.iter().any(|told| text.contains(told)),
                    "{format} {shape}: {text}"
                );
            }
        }
    }
    let with_columns = if Format::Parquet.is_built() { 4 } else { 3 };
    assert_eq!(
        combinations,
        10 * 3 * (12 + 10 + with_columns * 2),
        "every shape in every format it can have"
    );
}

#[test]
fn the_rest_of_an_event_stays_byte_for_byte() {
    let raw = r#"{ "n": 1.00e400 , "client":{"ip_address" : "203.0.113.9","x":[{"ip_address":"10.0.0.1"}]}, "a":"\u0041", "a":null }"#;
    assert_eq!(
        redacted(&redaction(&["ip_address"], &[]), Stream::ItemUsages, raw),
        r#"{ "n": 1.00e400 , "client":{"ip_address" : "[masked]","x":[{"ip_address":"[masked]"}]}, "a":"\u0041", "a":null }"#
    );
    assert_eq!(
        redacted(&redaction(&["client.ip_address", "n"], &[]), Stream::ItemUsages, raw),
        r#"{ "n": "[masked]" , "client":{"ip_address" : "[masked]","x":[{"ip_address":"10.0.0.1"}]}, "a":"\u0041", "a":null }"#
    );
    for line in EVENTS.lines() {
        assert_eq!(redacted(&redaction(&["no_such_field"], &[]), Stream::ItemUsages, line), line);
    }
}

#[test]
fn a_value_is_replaced_wherever_it_stands_in_the_same_event_and_short_words_are_not() {
    let raw = r#"{"actor_details":{"email":"x@y.example","name":"user"},"object_type":"user","aux_info":"to X and x@y.example","more":["x@\u0079.example"]}"#;
    assert_eq!(
        redacted(&redaction(&["actor_details.email", "actor_details.name"], &[]), Stream::AuditEvents, raw),
        r#"{"actor_details":{"email":"[masked]","name":"[masked]"},"object_type":"user","aux_info":"[masked]","more":["[masked]"]}"#
    );
}

#[test]
fn equal_values_have_equal_hashes_under_one_key_and_others_under_another() {
    let raw = r#"{"user":{"email":"x\u0040y.example"},"actor_details":{"email":"x@y.example"}}"#;
    let hash = |key: &[u8]| {
        let redaction = Redaction::compile(&[], &strings(&["email"]), Some(key)).unwrap();
        redacted(&redaction, Stream::AuditEvents, raw)
    };
    let value: serde_json::Value = serde_json::from_str(&hash(KEY)).unwrap();
    // echo -n x@y.example | openssl dgst -sha256 -hmac 'a key of more than sixteen bytes'
    assert_eq!(value["user"]["email"], EXPECTED);
    assert_eq!(value["user"]["email"], value["actor_details"]["email"]);
    assert_ne!(hash(KEY), hash(b"another key of sixteen bytes"));
    let masked = redaction(&["email"], &["users.email"]);
    assert!(
        !redacted(&masked, Stream::AuditEvents, raw).contains(EXPECTED),
        "a mask counts more than a hash"
    );
}

const EXPECTED: &str = "34f8ff5fc843c2528fb8bb16b7323bebf515fb93d247ff09c5f5dc8785e33e4d";

#[test]
fn the_context_repeats_nothing_that_is_masked() {
    let text =
        encoded(redaction(&["account_uuid"], &[]), Format::Ndjson, Shape::Envelope, Stream::ItemUsages, "{}");
    assert!(!text.contains("ACCOUNTINCONTEXT") && text.contains("[masked]"), "{text}");
}

#[test]
fn an_event_without_time_is_not_told_its_time() {
    let raw = r#"{"uuid":"EVENT","timestamp":"2026-01-15T12:00:00Z"}"#;
    let mut buffer = RedactionBuffer::default();
    let time = "2026-01-15T12:00:00Z".parse().ok();
    let event = Event { stream: Stream::ItemUsages, raw: raw.as_bytes(), uuid: None, time };
    assert_eq!(redaction(&["timestamp"], &[]).apply(event, &mut buffer).time, None);
    assert_eq!(redaction(&["uuid"], &[]).apply(event, &mut buffer).time, time);
}

#[test]
fn slips_are_told_and_what_cannot_be_is_refused() {
    let warnings =
        redaction(&["target_user.emial", "emial", "users.email", "client", "session.ip", "new"], &[])
            .warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("did you mean target_user.email?"), "{warnings:?}");
    assert!(warnings[1].contains("did you mean email?"), "{warnings:?}");
    for wrong in ["", "a..b", "a b", "users.phone"] {
        let refused = Redaction::compile(&strings(&[wrong]), &[], None);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Usage, "{wrong}");
    }
    let short = Redaction::compile(&[], &strings(&["email"]), Some(b"secret"));
    assert_eq!(short.unwrap_err().kind(), ErrorKind::Config);
    let described = redaction(&["email"], &["users.uuid"]).describe();
    assert!(
        described.starts_with("mask email, hash users.uuid, key ") && described.len() < 50,
        "{described}"
    );
}
