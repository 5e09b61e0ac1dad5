//! Texts with gaps: `gave access to {object}[ to {other}]`.
//!
//! What is in brackets is left out where the event lacks what stands there.

/// Appends a text with its gaps filled. `write` appends what stands in a gap and tells whether the event
/// has it; what is in brackets is left out when it does not.
pub(super) fn fill(text: &str, out: &mut String, write: &mut impl FnMut(&str, &mut String) -> bool) {
    let mut bracket = None;
    let mut is_whole = true;
    let mut rest = text;
    while let Some(at) = rest.find(['[', ']', '{']) {
        out.push_str(&rest[..at]);
        let (mark, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = after;
        match (mark, bracket) {
            (b'[', _) => (bracket, is_whole) = (Some(out.len()), true),
            (b']', Some(start)) => {
                out.truncate(if is_whole { out.len() } else { start });
                bracket = None;
            }
            (b']', None) => {}
            _ => {
                let (gap, after) = rest.split_once('}').unwrap_or((rest, ""));
                is_whole &= write(gap, out);
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

/// The text with `a vault` and the like in its gaps, for a list of what codes mean. `object` and `other` are
/// what stands there when it is not known which one.
pub(super) fn without_gaps(text: &str, object: &str, other: &str) -> String {
    let mut out = String::new();
    fill(text, &mut out, &mut |gap, out| {
        match gap {
            "object" => out.push_str(object),
            "other" => out.push_str(other),
            "count" => out.push_str("items"),
            // What only the event can say stands in brackets, which go.
            _ => return false,
        }
        true
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, has: &str) -> String {
        let mut out = String::new();
        fill(text, &mut out, &mut |gap, out| {
            out.push_str(&gap.to_uppercase());
            gap == has
        });
        out
    }

    #[test]
    fn what_is_in_brackets_goes_where_its_gap_is_empty_and_stays_outside_of_them() {
        assert_eq!(filled("a {x}[ b {y}][ c {x}].", "x"), "a X c X.");
        assert_eq!(filled("{y} a", "x"), "Y a");
        assert_eq!(filled("[a {x} {y}]", "x"), "");
        for odd in ["]", "[", "{", "a{", "[{x}", "[[{y}]]", "}"] {
            filled(odd, "x");
        }
    }

    #[test]
    fn a_list_of_codes_says_a_vault_and_the_like() {
        let text = without_gaps("gave {object} to {other}[: {info}]", "a vault", "a group");
        assert_eq!(text, "gave a vault to a group");
    }
}
