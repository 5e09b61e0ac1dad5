//! Finds the items of an answer in its bytes, in one pass.
//!
//! What it accepts is JSON, so that an answer cut anywhere is never taken for a whole one (P1); a byte that
//! is not UTF-8 inside an item's string must not stop a stream, and goes through (P5). It knows nothing of
//! the meaning of an answer; `wire` does.

use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::api::json::{JsonReader, JsonString, Malformed, Result};
use crate::api::structural_index;
use crate::page::Span;

/// The keys of an answer's top-level keys; they differ between versions of the API.
#[derive(Clone, Copy, Debug)]
pub struct AnswerKeys {
    /// The list of events.
    pub items: &'static str,
    /// The cursor of the next request.
    pub cursor: &'static str,
    /// Whether more is available at once; none where only a cursor says so.
    pub has_more: Option<&'static str>,
}

/// The values at the top level; none where a key is absent or null.
#[derive(Debug, Default)]
pub struct ScannedAnswer {
    /// The items.
    pub items: Option<Vec<Span>>,
    /// The cursor's text, escapes resolved.
    pub cursor: Option<String>,
    /// The flag.
    pub has_more: Option<bool>,
    /// Whether the list's key is there, be it null.
    pub has_list: bool,
    /// Whether there is a line break anywhere in the answer.
    pub breaks_lines: bool,
}

/// Reads a whole answer: one JSON object, its keys in any order, the last of repeated keys winning; no list
/// of more than `most` items (P9: a span is larger than the smallest item).
///
/// # Errors
/// Says where the bytes stop being such an object.
pub fn answer(body: &[u8], keys: &AnswerKeys, most: usize) -> Result<ScannedAnswer> {
    let marks = structural_index::of(body);
    let mut json = JsonReader::new(body, &marks);
    let mut found = ScannedAnswer::default();
    json.members(|json, key| {
        if json.is_key(&key, keys.items) {
            found.has_list = true;
            found.items = items(json, most)?;
        } else if json.is_key(&key, keys.cursor) {
            found.cursor = cursor(json)?;
        } else if keys.has_more.is_some_and(|name| json.is_key(&key, name)) {
            found.has_more = flag(json)?;
        } else {
            json.value()?;
        }
        Ok(())
    })?;
    json.end()?;
    found.breaks_lines = json.breaks_lines();
    Ok(found)
}

fn items(json: &mut JsonReader<'_>, most: usize) -> Result<Option<Vec<Span>>> {
    if json.null()? {
        return Ok(None);
    }
    if !json.eat(b'[') {
        return Err(json.wrong("the list of events is no list"));
    }
    let mut items = Vec::new();
    if json.eat(b']') {
        return Ok(Some(items));
    }
    loop {
        if items.len() >= most {
            return Err(json.wrong("the list holds far more events than were asked for"));
        }
        items.push(item(json)?);
        if json.eat(b']') {
            return Ok(Some(items));
        }
        if !json.eat(b',') {
            return Err(json.wrong("neither comma nor end of list"));
        }
    }
}

fn item(json: &mut JsonReader<'_>) -> Result<Span> {
    let first = json.peek_value();
    let start = json.at();
    let (mut uuid, mut time) = (None, None);
    if first == Some(b'{') {
        json.members(|json, key| {
            if json.is_key(&key, "uuid") {
                uuid = json.string_or_other()?.map(|text| text.range);
            } else if json.is_key(&key, "timestamp") {
                time = json.string_or_other()?.and_then(|text| read_time(json, &text));
            } else {
                json.value()?;
            }
            Ok(())
        })?;
    } else {
        json.value()?;
    }
    Ok(Span { raw: start..json.at(), uuid, time })
}

/// The moment that an RFC 3339 string names; none for any other text.
pub(crate) fn read_time(json: &JsonReader<'_>, text: &JsonString) -> Option<DateTime<Utc>> {
    common_time(json.bytes(&text.range)).or_else(|| {
        let text = json.text(text)?;
        DateTime::<FixedOffset>::parse_from_rfc3339(&text).ok().map(|time| time.to_utc())
    })
}

fn cursor(json: &mut JsonReader<'_>) -> Result<Option<String>> {
    if json.null()? {
        return Ok(None);
    }
    let start = json.at();
    let text = json.string().map_err(|e| Malformed { what: "the cursor is no string", ..e })?;
    match json.text(&text) {
        Some(text) => Ok(Some(text)),
        None => Err(Malformed { what: "the cursor is not Unicode", at: start }),
    }
}

fn flag(json: &mut JsonReader<'_>) -> Result<Option<bool>> {
    match json.peek_value() {
        Some(b't') => json.literal(b"true").map(|()| Some(true)),
        Some(b'f') => json.literal(b"false").map(|()| Some(false)),
        _ if json.null()? => Ok(None),
        _ => Err(json.wrong("has_more is neither true nor false")),
    }
}

/// Reads `2026-11-20T14:05:00Z`, with up to nine digits of a fraction; none for any other form.
fn common_time(text: &[u8]) -> Option<DateTime<Utc>> {
    let (head, tail) = text.split_at_checked(19)?;
    let number = |range: Range<usize>| {
        head[range].iter().try_fold(0_u32, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        })
    };
    let separators = [head[4], head[7], head[10], head[13], head[16]];
    if separators != *b"--T::" {
        return None;
    }
    let nanos = match tail {
        b"Z" => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            let padding = std::iter::repeat_n(&b'0', 9 - digits.len());
            digits.iter().chain(padding).try_fold(0_u32, |number, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
            })?
        }
        _ => return None,
    };
    let year = i32::try_from(number(0..4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)?;
    let time = NaiveTime::from_hms_nano_opt(number(11..13)?, number(14..16)?, number(17..19)?, nanos)?;
    Some(NaiveDateTime::new(date, time).and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::value::RawValue;

    use super::*;
    use crate::api::json::DEPTH;

    const MOST: usize = 1_000;
    const KEYS: AnswerKeys = AnswerKeys { items: "items", cursor: "cursor", has_more: Some("has_more") };

    fn scan(body: &str) -> Result<ScannedAnswer> {
        answer(body.as_bytes(), &KEYS, MOST)
    }

    fn texts(body: &str) -> Vec<&str> {
        scan(body).unwrap().items.unwrap().iter().map(|span| &body[span.raw.clone()]).collect()
    }

    #[test]
    fn keys_come_in_any_order_and_the_last_of_repeated_ones_wins() {
        let body = r#" {"items":[1],"x":{"items":[9]},"has_more":true,"cursor":"a\/\u00e9","has_more":false,
                        "items":[ {"a":1} , 2e999 ],"cur\u0073or":"b"} "#;
        let found = scan(body).unwrap();
        assert_eq!((found.cursor.as_deref(), found.has_more), (Some("b"), Some(false)));
        assert_eq!(texts(body), [r#"{"a":1}"#, "2e999"]);
        assert_eq!(scan(r#"{"cursor":"a\/\u00e9"}"#).unwrap().cursor.as_deref(), Some("a/é"));
    }

    #[test]
    fn nothing_and_null_are_none() {
        for body in ["{}", r#"{"items":null,"cursor":null,"has_more":null}"#, r#"{"items":[1],"items":null}"#]
        {
            let found = scan(body).unwrap();
            assert!(found.items.is_none() && found.cursor.is_none() && found.has_more.is_none(), "{body}");
        }
    }

    #[test]
    fn a_list_of_far_more_items_than_were_asked_for_is_refused_before_it_fills_memory() {
        let list = |count: usize| format!(r#"{{"items":[{}]}}"#, vec!["{}"; count].join(","));
        assert_eq!(texts(&list(MOST)).len(), MOST);
        assert!(scan(&list(MOST + 1)).unwrap_err().to_string().contains("far more events"));
    }

    #[test]
    fn uuid_and_time_are_the_last_top_level_ones() {
        let body = br#"{"items":[{"uuid":"A","u":{"uuid":"B"},"u\u0075id":"C\u0041","timestamp":"2026-01-02T03:04:05.6Z"},
            {"uuid":"A","uuid":null,"timestamp":"2026-01-02T03:04:05+01:00"},{"timestamp":"nope"},[{"uuid":"X"}]]}"#;
        let items = answer(body, &KEYS, MOST).unwrap().items.unwrap();
        assert_eq!(&body[items[0].uuid.clone().unwrap()], br"C\u0041");
        assert_eq!(items[0].time.unwrap().to_rfc3339(), "2026-01-02T03:04:05.600+00:00");
        assert_eq!(items[1].time.unwrap().to_rfc3339(), "2026-01-02T02:04:05+00:00");
        assert!(items[1].uuid.is_none() && items[2].time.is_none() && items[3].uuid.is_none());
    }

    #[test]
    fn a_byte_that_is_not_utf8_stays_in_its_item() {
        let body = b"{\"items\":[{\"a\":\"\xff\xfe\",\"uuid\":\"A\"}],\"cursor\":\"c\"}";
        assert_eq!(answer(body, &KEYS, MOST).unwrap().items.unwrap().len(), 1);
        assert!(answer(b"{\"cursor\":\"\xff\"}", &KEYS, MOST).is_err());
        assert!(answer(b"{\"a\":\xff}", &KEYS, MOST).is_err());
    }

    #[test]
    fn every_prefix_of_an_answer_is_refused() {
        let body =
            r#"{"cursor":"a\/b","has_more":true,"items":[{"uuid":"A","n":-1.5e+3,"x":[true,false,null]}]}"#;
        for end in 0..body.len() {
            assert!(scan(&body[..end]).is_err(), "{}", &body[..end]);
        }
        assert!(scan(body).is_ok());
        assert!(scan(&format!("{body}x")).is_err());
    }

    #[test]
    fn odd_but_legal_items_pass_and_illegal_ones_do_not() {
        for legal in [
            "123456789012345678901234567890",
            "1e400",
            r#""\ud800""#,
            r#"{"a":1,"a":2}"#,
            "-0",
            "0.0",
            r#""\u0000""#,
            "\"\u{7f}\u{2028}\"",
        ] {
            assert_eq!(texts(&format!(r#"{{"items":[{legal}]}}"#)), [legal]);
        }
        for illegal in [
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "\"\n\"",
            "\"\u{1f}\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            "{1:2}",
            "[1 2]",
            "'a'",
            "",
        ] {
            assert!(scan(&format!(r#"{{"items":[{illegal}, 1]}}"#)).is_err(), "{illegal}");
        }
        for not_an_answer in ["", "null", "[]", "<html>", "\u{feff}{}", r#"{"items":{}}"#, r#"{"cursor":1}"#]
        {
            assert!(scan(not_an_answer).is_err(), "{not_an_answer}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_needs_no_stack() {
        let nested = |depth: usize| format!(r#"{{"x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(scan(&nested(DEPTH)).is_ok());
        assert!(scan(&nested(DEPTH + 1)).is_err());
        assert!(scan(&format!(r#"{{"items":[{}"#, r#"{"a":"#.repeat(1_000_000))).is_err());
    }

    /// JsonString made of JSON's own pieces: often valid, and nearly so when it is not.
    fn jsonish() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\"a\":",
                "\"uuid\":\"x\"",
                "\"timestamp\":",
                " ",
                "\n",
                "1",
                "-0",
                "1e9",
                "0.5",
                "true",
                "null",
                "\"\\u00e9\"",
                "\"\\ud800\"",
                "\"é🔑\"",
                "\u{1}",
            ])
            .prop_map(str::to_owned),
            "[\\x00-\\x7f]{0,3}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn valid_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
            any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let keys = prop_oneof![Just("uuid".to_owned()), Just("timestamp".to_owned()), ".{0,3}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[ {} ]", items.join(" ,\n"))),
                prop::collection::vec((keys, inner), 0..5).prop_map(|members| {
                    let members = members.iter().map(|(k, v)| format!("{} : {v}", serde_json::json!(k)));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    #[derive(serde::Deserialize)]
    struct Reference<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn it_accepts_what_serde_json_accepts(item in prop_oneof![jsonish(), valid_json()]) {
            // Alone in a list, so that both look at the same thing.
            let alone = serde_json::from_str::<IgnoredAny>(&item).is_ok();
            let body = format!("{{\"x\":{item}}}");
            prop_assert_eq!(scan(&body).is_ok(), serde_json::from_str::<IgnoredAny>(&body).is_ok());
            if alone {
                let body = format!("{{\"items\":[{item},{item}],\"has_more\":true}}");
                let reference: Reference<'_> = serde_json::from_str(&body).unwrap();
                let reference: Vec<_> = reference.items.iter().map(|raw| raw.get()).collect();
                prop_assert_eq!(texts(&body), reference);
            }
        }

        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = answer(&bytes, &KEYS, MOST);
            let _ = common_time(&bytes);
        }

        #[test]
        fn the_common_time_is_chronos(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?Z"
        ) {
            if let Some(time) = common_time(text.as_bytes()) {
                prop_assert_eq!(Ok(time.fixed_offset()), DateTime::parse_from_rfc3339(&text));
            }
        }
    }
}
