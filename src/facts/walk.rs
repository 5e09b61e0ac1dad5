//! Every value of an event with the keys that lead to it, to find those that must not go out.
//!
//! One pass without recursion, so that an event can be as deep as it likes.

use std::borrow::Cow;
use std::ops::Range;

use super::json::{end_of_string, end_of_value, skip, unescape};

/// The places of the values that are wanted, in order and apart. `wants` is given the keys that lead to a
/// value (the elements of a list have those of the list) and its text; of an object or a list only the
/// bracket, and what is inside is looked at where it was not wanted.
pub fn spans_where<'a>(
    raw: &'a [u8],
    mut wants: impl FnMut(&[Cow<'a, str>], &'a [u8]) -> bool,
) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut path: Vec<Cow<'a, str>> = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    let mut at = skip(raw, 0, b' ');
    loop {
        let Some(&first) = raw.get(at) else { return spans };
        if matches!(first, b'{' | b'[') && !wants(&path, &raw[at..=at]) {
            open.push(first);
            at += 1;
        } else {
            let end = end_of_value(raw, at);
            if end == at {
                return spans;
            }
            if matches!(first, b'{' | b'[') || wants(&path, &raw[at..end]) {
                spans.push(at..end);
            }
            at = end;
            close_member(&open, &mut path);
        }
        // On to the next value, out of what ends here.
        loop {
            at = skip(raw, at, b',');
            match (open.last(), raw.get(at)) {
                (None, _) | (_, None) => return spans,
                (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => {
                    open.pop();
                    at += 1;
                    close_member(&open, &mut path);
                }
                (Some(b'{'), Some(b'"')) => {
                    let end = end_of_string(raw, at + 1);
                    let Some(key) = raw.get(at + 1..end - 1) else { return spans };
                    path.push(unescape(key));
                    at = skip(raw, end, b':');
                    break;
                }
                (Some(b'{'), Some(_)) => return spans,
                (Some(_), Some(_)) => break,
            }
        }
    }
}

/// After the value of an object's member its key leads nowhere.
fn close_member(open: &[u8], path: &mut Vec<Cow<'_, str>>) {
    if open.last() == Some(&b'{') {
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_met_once_with_its_keys() {
        let raw = br#" {"a":1, "b\u0063" : {"d":[ "x" ,{"e":null},[2]],"f":{}} ,"g":"h" } "#;
        let mut met = Vec::new();
        let spans = spans_where(raw, |path, value| {
            met.push(format!("{}={}", path.join("."), String::from_utf8_lossy(value)));
            path.last().is_some_and(|key| key == "e" || key == "f") || value == b"\"x\""
        });
        assert_eq!(
            met,
            [
                "={",
                "a=1",
                "bc={",
                "bc.d=[",
                "bc.d=\"x\"",
                "bc.d={",
                "bc.d.e=null",
                "bc.d=[",
                "bc.d=2",
                "bc.f={",
                "g=\"h\""
            ]
        );
        let found: Vec<&[u8]> = spans.into_iter().map(|span| &raw[span]).collect();
        assert_eq!(found, [&b"\"x\""[..], b"null", b"{}"]);
    }

    #[test]
    fn what_is_no_json_ends_and_depth_costs_no_stack() {
        let deep = ["{\"a\":".repeat(100_000), "[".repeat(100_000)].concat();
        for raw in
            [deep.as_str(), "", "{", "{\"a", "{\"a\":", "[1,,", "{]", "{}}", "\"", "{\"a\" \"b\"}", "{1:2}"]
        {
            spans_where(raw.as_bytes(), |_, _| false);
        }
    }
}
