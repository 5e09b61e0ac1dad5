//! What holds for every format: whatever an event holds, nothing panics, each event is its own line or
//! record, and what is read back is what went in.

use proptest::prelude::*;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::error::ErrorKind;

fn event(stream: Stream, raw: &[u8]) -> Event<'_> {
    Event { stream, raw, uuid: None, time: None }
}

fn terminal(width: u16) -> RenderOptions {
    RenderOptions { width: Some(width), escape: true, ..RenderOptions::plain() }
}

fn renderer(format: Format, shape: Shape, fields: Option<&str>, options: RenderOptions) -> EventEncoder {
    let fields = fields.map(|text| Fields::parse(text).unwrap());
    let context =
        EventContext { profile: "prod".into(), account_uuid: Some("ACC".into()), ..EventContext::default() };
    EventEncoder::new(format, shape, fields, &Stream::ALL, options, context).unwrap()
}

fn rendered(mut renderer: EventEncoder, items: &[(Stream, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    renderer.begin(&mut out);
    for (stream, raw) in items {
        renderer.event(&event(*stream, raw), DateTime::UNIX_EPOCH, &mut out);
    }
    renderer.end(&mut out);
    out
}

fn text(format: Format, options: RenderOptions, items: &[(Stream, &[u8])]) -> String {
    String::from_utf8(rendered(renderer(format, Shape::Raw, None, options), items)).unwrap()
}

#[test]
fn an_array_is_valid_however_many_events_came() {
    let two: [(Stream, &[u8]); 2] = [(Stream::ItemUsages, b"{\"a\":\n1}"), (Stream::ItemUsages, b"{}")];
    assert_eq!(text(Format::Json, RenderOptions::plain(), &[]), "[]\n");
    assert_eq!(text(Format::Json, RenderOptions::plain(), &two[..1]), "[\n{\"a\":1}\n]\n");
    assert_eq!(text(Format::Json, RenderOptions::plain(), &two), "[\n{\"a\":1},\n{}\n]\n");
}

#[test]
fn an_array_is_valid_json_though_a_byte_was_not_utf8_and_ndjson_keeps_the_byte() {
    let odd: [(Stream, &[u8]); 1] = [(Stream::ItemUsages, b"{\"a\":\"\xff\"}")];
    assert_eq!(text(Format::Json, RenderOptions::plain(), &odd), "[\n{\"a\":\"\u{fffd}\"}\n]\n");
    assert_eq!(
        rendered(renderer(Format::Ndjson, Shape::Raw, None, RenderOptions::plain()), &odd),
        b"{\"a\":\"\xff\"}\n"
    );
}

#[test]
fn what_cannot_be_combined_is_a_usage_error() {
    for format in [Format::Ndjson, Format::Json] {
        let fields = Some(Fields::parse("uuid").unwrap());
        let error = EventEncoder::new(
            format,
            Shape::Raw,
            fields,
            &Stream::ALL,
            RenderOptions::plain(),
            EventContext::default(),
        );
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
    }
}

#[test]
fn odd_items_are_one_line_each_in_every_format() {
    let huge = format!("{{\"target_user\":{{\"name\":\"{}\"}},\"type\":7}}", "x\\n".repeat(400_000));
    let deep = format!("{{\"action\":{}1{}}}", "{\"a\":[".repeat(50_000), "]}".repeat(50_000));
    let odd: Vec<&[u8]> = vec![
        b"null",
        b"7",
        b"[1,2]",
        b"\"text\"",
        b"{}",
        b"{\"timestamp\":null,\"client\":{\"ip_address\":{}},\"location\":[null],\"category\":1}",
        b"{\"timestamp\":12,\"target_user\":\"x\",\"action\":false}",
        b"{\"category\":\"a\",\"category\":\"b\",\"ty\\u0070e\":\"\\ud800\"}",
        huge.as_bytes(),
        deep.as_bytes(),
    ];
    for stream in Stream::ALL {
        for raw in &odd {
            for width in [1, 20, 60, 80, 200] {
                let table = text(Format::Table, terminal(width), &[(stream, raw)]);
                assert_eq!(table.lines().count(), if width < 80 { 4 } else { 2 });
                assert!(table.lines().all(|line| line.width() <= usize::from(width)));
            }
            for (format, lines) in
                [(Format::Table, 2), (Format::Ndjson, 1), (Format::Json, 3), (Format::Csv, 2)]
            {
                let out = text(format, RenderOptions::plain(), &[(stream, raw)]);
                let breaks = out.matches('\n').count();
                assert_eq!(breaks, lines);
            }
        }
    }
}

/// Texts as wild as they come: any character, and more of those that matter.
fn wild_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\n", "\r", "\t", "\x1b[31m", "\u{202e}", "\u{200d}", "\u{fe0f}", "王", "🔑", "👩🏽", "e\u{301}", "=",
        "-", "\"", "\\", ",", "'", " ", "1", "\u{2028}", "لا", "\u{0}", "x",
    ]);
    prop_oneof![
        prop::collection::vec(odd, 0..12).prop_map(|parts| parts.concat()),
        any::<String>(),
        "[a-z]{0,30}"
    ]
}

fn wild_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        wild_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((wild_key(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Mostly the names that something looks for.
fn wild_key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "uuid",
        "timestamp",
        "category",
        "type",
        "action",
        "target_user",
        "user",
        "actor_details",
        "name",
        "email",
        "client",
        "ip_address",
        "ip",
        "app_name",
        "os_name",
        "location",
        "city",
        "country",
        "session",
        "object_type",
        "object_details",
        "aux_details",
        "details",
        "value",
        "account_uuid",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => wild_text()]
}

fn wild_event() -> impl Strategy<Value = (Stream, Value)> {
    let item = prop::collection::vec((wild_key(), wild_value()), 0..10)
        .prop_map(|members| Value::Object(members.into_iter().collect()));
    (prop::sample::select(Stream::ALL.to_vec()), item)
}

/// Every value that is no object or an empty one, with its JSON pointer.
fn leaves(value: &Value, pointer: String) -> Vec<(String, Value)> {
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(key, value)| {
                leaves(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")))
            })
            .collect(),
        other => vec![(pointer, other.clone())],
    }
}

proptest! {
    #[test]
    fn json_lines_hold_the_same_value((stream, item) in wild_event(), pretty: bool, escape: bool) {
        let raw = if pretty { serde_json::to_vec_pretty(&item) } else { serde_json::to_vec(&item) }.unwrap();
        let options = RenderOptions { escape, ..RenderOptions::plain() };
        for format in [Format::Ndjson, Format::Json] {
            let out = text(format, options.clone(), &[(stream, &raw)]);
            let lines = if format == Format::Json { 3 } else { 1 };
            prop_assert_eq!(out.matches('\n').count(), lines);
            prop_assert!(!escape || !out.chars().any(|c| c != '\n' && crate::sanitize::is_harmful(c)));
            let read: Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(if format == Format::Json { &read[0] } else { &read }, &item);
        }
        let out = rendered(renderer(Format::Ndjson, Shape::Envelope, None, options), &[(stream, &raw)]);
        let read: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&read["event"], &item);
        prop_assert_eq!(&read["stream"], stream.name());
    }

    #[test]
    fn table_rows_fit_the_terminal_and_harm_nothing(
        (stream, item) in wild_event(), width in 1u16..220, asked: bool, envelope: bool,
    ) {
        let raw = serde_json::to_vec(&item).unwrap();
        let fields = asked.then_some("timestamp,client,who,event,event.type,stream,profile");
        let shape = if envelope { Shape::Envelope } else { Shape::Raw };
        for options in [terminal(width), RenderOptions { escape: false, ..terminal(width) }, RenderOptions::plain()] {
            let cut = options.width.is_some();
            let out = rendered(renderer(Format::Table, shape, fields, options), &[(stream, &raw)]);
            let out = String::from_utf8(out).unwrap();
            let lines = if cut && width < 80 && !asked { 4 } else { 2 };
            // An address is not cut: where it leaves no room, what happened has a line of its own.
            let most = if cut && !asked { lines + 1 } else { lines };
            prop_assert!((lines..=most).contains(&out.matches('\n').count()), "{}", out);
            prop_assert_eq!(out.find(['\r', '\t', '\u{2028}']), None);
            for line in out.lines() {
                prop_assert!(!cut || line.width() <= usize::from(width), "{:?} is {}", line, line.width());
                prop_assert!(!line.chars().any(crate::sanitize::is_harmful));
            }
        }
    }

    #[test]
    fn csv_is_read_back_as_the_same_escaped_text((stream, item) in wild_event(), pretty: bool) {
        let raw = if pretty { serde_json::to_vec_pretty(&item) } else { serde_json::to_vec(&item) }.unwrap();
        let names = ["action", "client.app_name", "user.email", "location", "event.type", "event.client.ip"];
        let renderer = renderer(Format::Csv, Shape::Raw, Some(&names.join(",")), RenderOptions::plain());
        let out = rendered(renderer, &[(stream, &raw)]);
        let mut reader = ::csv::Reader::from_reader(out.as_slice());
        prop_assert_eq!(reader.headers().unwrap(), &names[..]);
        let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(records.len(), 1);
        let pointers = ["/action", "/client/app_name", "/user/email", "/location", "/type", "/client/ip"];
        let values = pointers.map(|pointer| item.pointer(pointer).unwrap_or(&Value::Null));
        for (cell, value) in records[0].iter().zip(values) {
            match value {
                Value::Null => prop_assert_eq!(cell, ""),
                Value::String(text) => {
                    let text = crate::sanitize::escaped_as_json(text);
                    prop_assert!(cell == text || cell.strip_prefix('\'') == Some(&*text), "{} {}", cell, text);
                }
                other => {
                    let json = other.to_string();
                    prop_assert_eq!(cell, crate::sanitize::escaped_as_json(&json));
                }
            }
        }
    }

    #[test]
    fn csv_loses_no_field((stream, item) in wild_event(), pretty: bool) {
        let raw = if pretty { serde_json::to_vec_pretty(&item) } else { serde_json::to_vec(&item) }.unwrap();
        let streams = [stream];
        let context = EventContext::default();
        let options = RenderOptions::plain();
        let encoder = EventEncoder::new(Format::Csv, Shape::Raw, None, &streams, options, context).unwrap();
        let columns = encoder.columns().unwrap();
        let out = rendered(encoder, &[(stream, &raw)]);
        prop_assert!(!String::from_utf8_lossy(&out).chars().any(|c| c != '\n' && crate::sanitize::is_harmful(c)));
        let mut reader = ::csv::Reader::from_reader(out.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        let cell = |name: &str| &record[columns.iter().position(|column| column == name).unwrap()];
        let other: Value = match cell("other") {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        for (pointer, value) in leaves(&item, String::new()) {
            let column = pointer.trim_start_matches('/').replace('/', ".");
            let ends = column.match_indices('.').map(|(at, _)| at).chain([column.len()]);
            // An alternative name fills the column of the other one, where that is empty.
            let is_shown = ends.into_iter().map(|end| &column[..end]).any(|name| {
                name.ends_with(".type") || name == "client.ip" || columns.iter().any(|column| column == name)
            });
            let is_empty = matches!(&value, Value::Null | Value::Object(_));
            if !is_shown && !is_empty {
                prop_assert_eq!(other.pointer(&pointer), Some(&value), "{} of {}", pointer, item);
            }
        }
    }

    #[test]
    fn any_bytes_at_all_are_survived(
        raw in prop::collection::vec(any::<u8>(), 0..200),
        noise in "[{}\\[\\]\":,\\\\u0-9a ]{0,60}",
    ) {
        for raw in [raw.as_slice(), noise.as_bytes()] {
            for stream in Stream::ALL {
                for format in Format::ALL.into_iter().filter(|format| format.is_built()) {
                    for options in [RenderOptions::plain(), terminal(80)] {
                        rendered(renderer(format, Shape::Raw, None, options), &[(stream, raw)]);
                    }
                }
            }
        }
    }
}
