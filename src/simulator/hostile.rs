//! What a hostile or merely unforeseen service could put into an item: valid JSON, all of it, but nothing
//! that a careless program survives.
//!
//! Only values and extra fields; an item's `uuid` and `timestamp` stay sound, so that the truth can still
//! be told. Bytes that are not UTF-8 are a fault (`bad-utf8`), not data.

use super::random::SeededRandom;

/// What is odd about one event.
#[derive(Clone, Copy, Debug)]
pub(super) enum HostileValue {
    /// A person's name, as a JSON string.
    Name(&'static str),
    /// More fields at the end of the item.
    Fields(&'static str),
    /// A value that no list of this API holds.
    UnknownValue,
    /// `null` wherever a field is optional.
    Nulls,
}

const NAMES: [&str; 13] = [
    r#""Mallory \u001b[31;1mRED\u001b[0m\u001b[2J""#,
    r#""\u001b]0;owned\u0007\u009b31mC1""#,
    r#""Tab\there, line\nbreak, return\rover, bell\u0007, nul\u0000""#,
    r#""\u202Eexe.tnemyap\u202c invoice""#,
    "\"\u{202e}gpj.terces\u{2066}\u{200b}\u{feff}\"",
    "\"ＷＩＤＥ　王小明 👩‍👩‍👧‍👦 ｱｲｳ\"",
    "\"Z̸̢͠a̴̛͝l̶̨͌g̷̱̕o e\u{301}\u{302}\u{303}\"",
    r#""=HYPERLINK(\"http://evil.example\",\"+cmd|' /C calc'!A0\")""#,
    r#""lone \ud800 surrogate \udfff""#,
    r#""sl\/ash back\\slash \"quotes\" \u0041\ud83d\ude00""#,
    r#""""#,
    r#""a name that goes on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on""#,
    "\"line\u{2028}and paragraph\u{2029}separators\"",
];

const FIELDS: [&str; 10] = [
    r#""x_unknown":{"deep":[1,[2,[3,{"uuid":"NOT-THE-UUID","timestamp":"1999-01-01T00:00:00Z"}]]]}"#,
    r#""x_big":18446744073709551616123456789,"x_min":-9223372036854775809"#,
    r#""x_infinite":1e400,"x_digits":0.10000000000000000000000000000000000001"#,
    r#""x_twice":1,"x_twice":2,"x_twice":{"x_twice":3}"#,
    r#""x_path":"a\/b\/c","x_esc\u0061ped":"\u00e9""#,
    r#""x_lone":"\ud800","x_reversed":"\udc00\ud800""#,
    "\"x_lines\" : {\n\t\"a\" : [ 1 ,\r\n 2 ] }\n ",
    r#""":"an empty key","x.dotted":true,"items":[],"cursor":"not-a-cursor","has_more":true"#,
    r#""x_null":null,"x_list":[],"x_object":{}"#,
    r#""x_looks_like_json":"{\"uuid\":\"ABC\"}]}""#,
];

/// What is odd about the event that this random generator decides; for six in seven events nothing is.
pub(super) fn twist(random: &mut SeededRandom) -> Option<HostileValue> {
    match random.below(28) {
        0 | 1 => Some(HostileValue::Name(random.pick::<&str>(&NAMES))),
        2 => Some(HostileValue::Fields(random.pick::<&str>(&FIELDS))),
        3 if random.in_thousand(500) => Some(HostileValue::UnknownValue),
        3 => Some(HostileValue::Nulls),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_hostile_is_still_json() {
        // RawValue checks the grammar and leaves digits and surrogates alone.
        for name in NAMES {
            serde_json::from_str::<&serde_json::value::RawValue>(name).unwrap();
        }
        for fields in FIELDS {
            let object = format!("{{{fields}}}");
            serde_json::from_str::<&serde_json::value::RawValue>(&object).unwrap();
        }
    }
}
