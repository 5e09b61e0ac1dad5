//! What holds for every shape: the expected lines, and that no event breaks one, loses what it says, or makes
//! it say something that cannot be read back.

use serde_json::{Value, json};

use super::strict_parser::parsed;
use super::*;
use crate::event::Stream;
use crate::facts::JsonText;

const EVENTS: &str = include_str!("../../../tests/fixtures/shapes/events.ndjson");

/// The shapes that make something else of an event than its text.
fn schemas() -> impl Iterator<Item = Shape> {
    Shape::ALL.into_iter().filter(|shape| !matches!(shape, Shape::Raw | Shape::Envelope))
}

fn samples() -> Vec<(Stream, Value)> {
    let lines = EVENTS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["stream"].as_str().unwrap().parse().unwrap(), line["event"].clone())).collect()
}

fn shaped(shape: Shape, stream: Stream, raw: &str) -> String {
    let read: Value = serde_json::from_str(raw).unwrap();
    let time = read["timestamp"].as_str().and_then(|text| text.parse().ok());
    let event = Event { stream, raw: raw.as_bytes(), uuid: None, time };
    let context = EventContext {
        profile: "default".into(),
        host: "events.1password.com".into(),
        ..EventContext::default()
    };
    let mut out = Vec::new();
    shape.write(
        &event,
        &context,
        "2026-01-15T12:30:00Z".parse().unwrap(),
        &mut MemberBuffer::default(),
        &mut out,
    );
    String::from_utf8(out).unwrap()
}

fn as_json(shape: Shape, stream: Stream, event: &Value) -> Value {
    serde_json::from_str(&shaped(shape, stream, &event.to_string())).unwrap()
}

fn compare(shape: Shape, expected: &str) {
    let expected: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let samples = samples();
    assert_eq!(samples.len(), expected.len());
    for ((stream, event), expected) in samples.iter().zip(expected) {
        let mut found = as_json(shape, *stream, event);
        let mut expected = expected;
        if shape == Shape::Datadog {
            // The order of the keys inside is the sample's own.
            for line in [&mut found, &mut expected] {
                let message: Value = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
                line["message"] = message;
            }
        }
        assert_eq!(found, expected, "{shape} of {}\nfound {found}", event["uuid"]);
    }
}

#[test]
fn ecs_lines_are_those_of_the_integration() {
    compare(Shape::Ecs, include_str!("../../../tests/fixtures/shapes/ecs.ndjson"));
}

#[test]
fn ocsf_lines_are_as_expected() {
    compare(Shape::Ocsf, include_str!("../../../tests/fixtures/shapes/ocsf.ndjson"));
}

#[test]
fn datadog_lines_are_as_expected() {
    compare(Shape::Datadog, include_str!("../../../tests/fixtures/shapes/datadog.ndjson"));
}

#[test]
fn sentinel_rows_are_those_of_the_table() {
    compare(Shape::Sentinel, include_str!("../../../tests/fixtures/shapes/sentinel.ndjson"));
}

#[test]
fn sentinel_streams_are_as_expected() {
    compare(Shape::SentinelStream, include_str!("../../../tests/fixtures/shapes/sentinel-stream.ndjson"));
}

#[test]
fn sumo_lines_are_as_expected() {
    compare(Shape::Sumo, include_str!("../../../tests/fixtures/shapes/sumo.ndjson"));
}

/// The first sample in a shape, with these options.
fn with_options(shape: Shape, options: ShapeOptions) -> Value {
    let (stream, event) = samples().swap_remove(0);
    let raw = event.to_string();
    let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
    let mut out = Vec::new();
    shape.write(
        &event,
        &EventContext { options, ..EventContext::default() },
        DateTime::UNIX_EPOCH,
        &mut MemberBuffer::default(),
        &mut out,
    );
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn every_shape_with_a_place_for_tags_has_them_there_and_the_others_are_unchanged() {
    let mut options = ShapeOptions::default();
    for tag in ["env:prod", "team.name:blue one", "user:x"] {
        options.add_tag(tag.parse().unwrap());
    }
    for shape in Shape::ALL.into_iter().filter(|shape| shape.row().is_json) {
        let line = with_options(shape, options.clone());
        let (pointer, expected) = match shape {
            Shape::Envelope => ("/tags/team.name", json!("blue one")),
            Shape::Ecs => ("/labels", json!({"env": "prod", "team_name": "blue one", "user": "x"})),
            Shape::Ocsf => ("/metadata/labels", json!(["env:prod", "team.name:blue one", "user:x"])),
            Shape::Splunk => ("/fields/tag_user", json!("x")),
            Shape::Sumo => ("/fields/team.name", json!("blue one")),
            Shape::Datadog => (
                "/ddtags",
                json!("source:1password,log_type:signinattempts,profile:,env:prod,team.name:blue_one,user:x"),
            ),
            _ => {
                assert!(!shape.row().has_tags);
                assert_eq!(line, with_options(shape, ShapeOptions::default()), "{shape}");
                continue;
            }
        };
        assert!(shape.row().has_tags);
        let found = line.pointer(pointer);
        assert_eq!(found, Some(&expected), "{shape}: {line}");
    }
    assert_eq!(with_options(Shape::Ecs, options)["tags"][0], "env:prod");
}

#[test]
fn sumo_has_category_and_name_and_without_siem_metadata_is_the_event_alone() {
    let mut options = ShapeOptions { no_siem_metadata: true, ..ShapeOptions::default() };
    assert_eq!(with_options(Shape::Sumo, options.clone()), samples()[0].1);
    options.category = Some("prod/1password".into());
    let line = with_options(Shape::Sumo, options.clone());
    assert_eq!(line["fields"], json!({"_sourceCategory": "prod/1password"}));
    options.no_siem_metadata = false;
    options.source_name = Some("opev".into());
    let line = with_options(Shape::Sumo, options);
    assert_eq!(
        (&line["fields"]["_sourceName"], &line["fields"]["_siemForward"]),
        (&json!("opev"), &json!("true"))
    );
}

#[test]
fn an_ocsf_event_states_the_version_that_was_chosen() {
    let options = ShapeOptions { ocsf_version: OcsfVersion::V1_6, ..ShapeOptions::default() };
    assert_eq!(with_options(Shape::Ocsf, options)["metadata"]["version"], "1.6.0");
}

#[test]
fn splunk_gets_the_item_without_space_and_the_names_of_its_add_on() {
    let (stream, event) = samples().swap_remove(1);
    let line = shaped(Shape::Splunk, stream, &event.to_string());
    assert!(line.contains(r#""timestamp":"2026-01-15T12:00:01.123456789Z""#), "{line}");
    let mut line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["event"].take(), event);
    assert_eq!(
        line,
        json!({"time": 1768478401.123, "host": "events.1password.com", "source": "opev",
            "sourcetype": "1password:insights:signin_attempts", "event": null,
            "fields": {"action": "failure", "user": "USERROBINAAAAAAAAAAAAAAAAA",
                "user_name": "robin@example.com", "app": "1Password Browser Extension",
                "src": "198.51.100.9", "signature_id": "EVT02", "reason": "continent_blocked",
                "profile": "default"}})
    );
}

#[test]
fn dnif_says_whether_a_sign_in_passed_and_keeps_the_rest() {
    let line = as_json(Shape::Dnif, samples()[12].0, &samples()[12].1);
    assert_eq!((&line["$Status"], &line["$Action"]), (&json!("FAILED"), &json!("LOGIN")));
    assert_eq!(line["$Message"], "credentials_failed/password_secret_bad");
    assert_eq!(line["unmapped"]["target_user"]["name"], "Robin Larsen");
    let line = as_json(Shape::Dnif, samples()[4].0, &samples()[4].1);
    assert_eq!((&line["$Action"], &line["$SubSystem"]), (&json!("join"), &json!("ADMINISTRATION")));
}

fn pair<'p>(pairs: &'p [(String, String)], key: &str) -> &'p str {
    pairs.iter().find(|pair| pair.0 == key).map_or("", |pair| &pair.1)
}

#[test]
fn cef_and_leef_say_who_did_what_from_where() {
    let line =
        |shape, index: usize| parsed(&shaped(shape, samples()[index].0, &samples()[index].1.to_string()));
    let (header, pairs) = line(Shape::Cef, 1);
    assert_eq!(
        header,
        ["CEF:0", "1Password", "Events API", "2", "signin-firewall_failed", "Sign-in firewall_failed", "7"]
    );
    for (key, value) in [
        ("rt", "1768478401123"),
        ("src", "198.51.100.9"),
        ("suser", "robin@example.com"),
        ("outcome", "failure"),
        ("reason", "continent_blocked"),
        ("cs6Label", "account_uuid"),
        ("externalId", "EVT02"),
    ] {
        assert_eq!(pair(&pairs, key), value, "{key}");
    }
    let (header, pairs) = line(Shape::Leef, 4);
    assert_eq!(header, ["LEEF:2.0", "1Password", "Events API", "2", "audit-join-gm", "^"]);
    for (key, value) in [
        ("cat", "join"),
        ("sev", "4"),
        ("usrName", "casey@example.com"),
        ("accountName", "robin@example.com"),
        ("cs3", "gm"),
        ("cs5", "A"),
    ] {
        assert_eq!(pair(&pairs, key), value, "{key}");
    }
}

#[test]
fn a_name_full_of_marks_comes_back_from_cef_and_leef() {
    let name = "a|b=c\\d\ne^f\r\\n x=y ";
    let event = json!({"uuid": "U", "category": name, "type": name, "client": {"app_name": name},
        "target_user": {"uuid": name, "name": name, "email": name}});
    for shape in [Shape::Cef, Shape::Leef] {
        let (header, pairs) = parsed(&shaped(shape, Stream::SignInAttempts, &event.to_string()));
        assert_eq!(header[4], format!("signin-{}", name.replace(['\n', '\r'], " ")));
        let (user, action, unmapped) = match shape {
            Shape::Cef => ("suser", "act", "OnePasswordEventsUnmapped"),
            _ => ("usrName", "cat", "unmapped"),
        };
        assert_eq!((pair(&pairs, user), pair(&pairs, action), pair(&pairs, "reason")), (name, name, name));
        let unmapped: Value = serde_json::from_str(pair(&pairs, unmapped)).unwrap();
        assert_eq!(unmapped["target_user"]["name"], name);
    }
}

#[test]
fn ecs_and_ocsf_leave_values_of_the_wrong_type_where_anything_may_stand() {
    let event = json!({"uuid": "U", "timestamp": "yesterday", "category": "success",
        "target_user": {"uuid": "W", "name": {"first": "R"}, "email": "r@localhost"}, "client": {"ip_address": "not an address"},
        "location": {"latitude": 430, "longitude": 1}, "user_type": "odd"});
    let ecs = as_json(Shape::Ecs, Stream::SignInAttempts, &event);
    assert_eq!(ecs["@timestamp"], "2026-01-15T12:30:00.000Z");
    assert_eq!((ecs.get("source"), ecs["user"].get("name")), (None, None));
    assert_eq!(ecs["onepassword"]["timestamp"], "yesterday");
    assert_eq!(ecs["onepassword"]["location"], event["location"]);
    assert_eq!(ecs["onepassword"]["user_type"], "odd");
    let ocsf = as_json(Shape::Ocsf, Stream::SignInAttempts, &event);
    assert_eq!((&ocsf["class_uid"], ocsf.get("src_endpoint")), (&json!(3002), None));
    assert_eq!(ocsf["unmapped"]["client"]["ip_address"], "not an address");
    assert_eq!(ocsf["unmapped"]["target_user"]["email"], "r@localhost");
    assert_eq!(ocsf["unmapped"]["target_user"]["name"]["first"], "R");
}

#[test]
fn other_names_of_a_field_mean_the_same() {
    for (stream, mut event) in samples() {
        let before = event.clone();
        let renamed = event.to_string().replace("\"ip_address\":", "\"ip\":").replace("user_type", "type");
        event = serde_json::from_str(&renamed).unwrap();
        for (shape, pointers) in [
            (Shape::Ecs, &["/source/ip", "/onepassword/user_type"][..]),
            (Shape::Ocsf, &["/src_endpoint/ip"]),
            (Shape::Datadog, &["/network/client/ip"]),
            (Shape::Sentinel, &["/user_type"]),
            (Shape::Splunk, &["/fields/src"]),
            (Shape::Dnif, &["/$SrcIP"]),
        ] {
            let (renamed, original) = (as_json(shape, stream, &event), as_json(shape, stream, &before));
            for pointer in pointers {
                assert_eq!(renamed.pointer(pointer), original.pointer(pointer), "{shape} {pointer}");
            }
        }
    }
}

#[test]
fn an_ocsf_event_without_what_its_class_requires_is_a_base_event() {
    let event = json!({"uuid": "U", "timestamp": "2026-01-15T12:00:00Z", "category": "success", "x": [1]});
    let ocsf = as_json(Shape::Ocsf, Stream::SignInAttempts, &event);
    let numbers = ["class_uid", "category_uid", "activity_id", "type_uid"].map(|key| ocsf[key].clone());
    assert_eq!(numbers, [0, 0, 0, 0].map(Value::from));
    assert_eq!((&ocsf["metadata"]["uid"], &ocsf["unmapped"]), (&json!("U"), &json!({"x": [1]})));
}

#[test]
fn sentinel_keeps_digits_and_puts_aside_what_its_columns_cannot_hold() {
    let raw = r#"{"uuid":7,"timestamp":"soon","aux_id":99999999999999999999,"used_version":"1","new":1e400,
        "user":"Robin","action":{"x":1}}"#;
    let event = Event { stream: Stream::AuditEvents, raw: raw.as_bytes(), uuid: None, time: None };
    let mut out = Vec::new();
    Shape::SentinelStream.write(
        &event,
        &EventContext::default(),
        DateTime::UNIX_EPOCH,
        &mut MemberBuffer::default(),
        &mut out,
    );
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"uuid":"7","aux_id":99999999999999999999,"user":"Robin","#,
            r#""unmapped":{"timestamp":"soon","used_version":"1","new":1e400,"action":{"x":1}}}"#
        )
    );
    assert!(Shape::Sentinel.warning(&event).unwrap().contains("32 bits"));
    assert_eq!(Shape::Ecs.warning(&event), None);
    let small = Event { raw: br#"{"aux_id":2147483647}"#, ..event };
    assert_eq!(Shape::Sentinel.warning(&small), None);
}

#[test]
fn items_that_are_no_objects_are_kept_whole() {
    for shape in schemas() {
        for stream in Stream::ALL {
            for raw in ["null", "7", "\"text\"", r#"[1,{"x":"y"}]"#, "{}"] {
                let line = shaped(shape, stream, raw);
                let leaves = read_back(shape, &line);
                assert!(raw.len() < 5 || leaves.contains('y') || leaves.contains("text"), "{shape}: {line}");
            }
        }
    }
}

/// Reads a line as its readers do, and gives all that it says.
fn read_back(shape: Shape, line: &str) -> String {
    assert!(!line.contains('\n'), "{line}");
    let mut said = String::new();
    if shape.row().is_json {
        assert_keys_differ(JsonText::new(line.as_bytes()));
        let read: Value = serde_json::from_str(line).unwrap();
        let inside = read["message"].as_str().map(|message| serde_json::from_str(message).unwrap());
        for value in [Some(read.clone()), inside].into_iter().flatten() {
            leaves(&value, "", &mut |_, text| said.push_str(&format!("{text}\n")));
        }
    } else {
        for (key, value) in parsed(line).1 {
            said.push_str(&format!("{value}\n"));
            if key.to_ascii_lowercase().ends_with("unmapped") {
                assert_keys_differ(JsonText::new(value.as_bytes()));
                let value = serde_json::from_str(&value).unwrap();
                leaves(&value, "", &mut |_, text| said.push_str(&format!("{text}\n")));
            }
        }
    }
    said
}

/// Objects with a key twice are refused by some readers. What a shape hands on as it is has the event's own.
fn assert_keys_differ(value: JsonText<'_>) {
    let mut keys = Vec::new();
    for (key, value) in value.members() {
        assert!(!keys.contains(&key), "{key:?} twice");
        keys.push(key);
        if !matches!(key, b"log" | b"event" | b"message") {
            assert_keys_differ(value);
        }
    }
}

fn leaves(value: &Value, path: &str, told: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            leaves(value, &format!("{path}.{key}"), told);
        }),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, path, told)),
        Value::String(text) => told(path, text.clone()),
        Value::Null => {}
        other => told(path, other.to_string()),
    }
}

/// A sample with a few fields gone, null, of another type, renamed or doubled, as text.
fn mutation((stream, mut event): (Stream, Value), random: &mut fastrand::Rng) -> (Stream, String) {
    let mut doubled = String::new();
    for _ in 0..random.usize(1..5) {
        let mut object = event.as_object_mut().unwrap();
        let mut key = object.keys().nth(random.usize(..object.len())).unwrap().clone();
        if random.bool() && object[&key].as_object().is_some_and(|inner| !inner.is_empty()) {
            object = object[&key].as_object_mut().unwrap();
            key = object.keys().nth(random.usize(..object.len())).unwrap().clone();
        }
        let odd = [
            json!(7),
            json!("some text"),
            json!({}),
            json!({"x": "inner"}),
            json!([1, "two"]),
            json!(true),
            json!(""),
            json!(1.5),
            json!(-5),
            json!("7"),
            json!({"uuid": ["deep"], "name": {"ip": "n"}}),
        ];
        let odd = odd[random.usize(..odd.len())].clone();
        match random.u8(..6) {
            0 => drop(object.remove(&key)),
            1 => object[&key] = Value::Null,
            2 => object[&key] = odd,
            3 => {
                let other =
                    [("ip_address", "ip"), ("user_type", "type"), ("uuid", "unmapped"), ("name", "uuid_s")];
                let other = other.iter().find(|(known, _)| *known == key).map(|(_, other)| *other);
                let value = object.remove(&key).unwrap();
                object.insert(other.map_or(format!("{key}_new"), str::to_owned), value);
            }
            4 => doubled += &format!(",{}:{odd}", json!(key)),
            _ => object[&key] = json!(object[&key].to_string()),
        }
        if event.as_object().unwrap().is_empty() {
            break;
        }
    }
    let text = event.to_string();
    if text.len() < 3 { (stream, text) } else { (stream, format!("{}{doubled}}}", &text[..text.len() - 1])) }
}

/// What OCSF leaves out on purpose.
const LEFT_OUT_OF_OCSF: [&str; 6] =
    [".app_version", ".platform_name", ".platform_version", "user_type", "user.type", "user_account_uuid"];

/// Whether a line says a time in one of the forms that schemas want.
fn says_time(said: &str, text: &str) -> bool {
    let Ok(time) = text.parse::<DateTime<Utc>>() else { return false };
    let millis = time.timestamp_millis();
    let forms = [millis.to_string(), shaped_event::iso_millis(time), (millis as f64 / 1000.0).to_string()];
    forms.iter().any(|form| said.contains(form))
}

#[test]
fn ten_thousand_mutations_are_read_back_and_nothing_they_say_is_lost() {
    let samples = samples();
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..10_000 {
        let (stream, raw) = mutation(samples[random.usize(..samples.len())].clone(), &mut random);
        let event: Value = serde_json::from_str(&raw).unwrap();
        let mut told = Vec::new();
        leaves(&event, "", &mut |path, text| told.push((path.to_owned(), text)));
        for shape in schemas() {
            let line = shaped(shape, stream, &raw);
            let said = read_back(shape, &line);
            for (path, text) in &told {
                let is_left_out =
                    shape == Shape::Ocsf && LEFT_OUT_OF_OCSF.iter().any(|end| path.ends_with(end));
                assert!(
                    said.contains(text) || is_left_out || says_time(&said, text),
                    "{shape} lost {path} ({text}) of {raw}\n{line}"
                );
            }
        }
    }
}
