//! "Did you mean": the known name that a mistyped word probably stands for.
//!
//! The one rule for flags, keys, profiles, streams, fields and zones. Pure; the caller writes the message.

/// From this length on a word may hold two slips, and below [`SHORTEST`] none.
const LONG: usize = 8;

/// Two words of two letters are near to each other by chance.
const SHORTEST: usize = 3;

/// The most slips that are forgiven.
const MOST_SLIPS: usize = 2;

/// The name of `known` that `word` probably stands for, when one is near.
///
/// Near is, in this order: the same but for case and dashes; the last part of a name, as `Berlin` of
/// `Europe/Berlin`; one slip in a short word and two in a long one, where a slip is a letter too many, too
/// few, wrong, or exchanged with its neighbour; the beginning of exactly one name. Among equally near ones
/// the last in the order of the alphabet, which does not depend on the order they come in.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let length = word.chars().count();
    let slips = match length {
        0..SHORTEST => 0,
        SHORTEST..LONG => 1,
        _ => MOST_SLIPS,
    };
    let mut nearest: Option<(usize, &str)> = None;
    let mut longer: Vec<&str> = Vec::new();
    for name in known {
        let candidate = plain(name);
        let distance = if candidate == word {
            0
        } else if length >= SHORTEST && is_last_part(&word, &candidate) {
            1
        } else if candidate.chars().count().abs_diff(length) <= slips {
            // Comparing takes time by the length, so nothing is compared that cannot be near.
            1 + strsim::osa_distance(&word, &candidate)
        } else {
            usize::MAX
        };
        if distance <= 1 + slips && nearest.is_none_or(|(least, other)| (distance, other) < (least, name)) {
            nearest = Some((distance, name));
        }
        if length >= SHORTEST && candidate.starts_with(&word) {
            longer.push(name);
        }
    }
    match (nearest, longer.as_slice()) {
        (Some((_, name)), _) => Some(name),
        (None, [name]) => Some(name),
        (None, _) => None,
    }
}

/// Whether `name` ends with a dot or a slash and then `word`.
fn is_last_part(word: &str, name: &str) -> bool {
    name.strip_suffix(word).is_some_and(|rest| rest.ends_with(['.', '/']))
}

/// A word without case, with `_` for `-`.
fn plain(word: &str) -> String {
    word.chars().map(|c| if c == '-' { '_' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_slip_in_a_short_word_and_two_in_a_long_one() {
        let known = ["region", "base_url", "profiles", "us", "target_user.email"];
        for (word, meant) in [
            ("regon", Some("region")),
            ("REGION", Some("region")),
            ("reigon", Some("region")),
            ("rgn", None),
            ("base-url", Some("base_url")),
            ("profile", Some("profiles")),
            ("prfoilse", Some("profiles")),
            ("uk", None),
            ("", None),
            ("email", Some("target_user.email")),
            ("target_user.emial", Some("target_user.email")),
            ("targ", Some("target_user.email")),
        ] {
            assert_eq!(suggest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_beginning_that_several_names_share_is_no_suggestion() {
        assert_eq!(suggest("acme", ["acme-test", "acme-live"]), None);
        assert_eq!(suggest("acme-", ["acme-test", "other"]), Some("acme-test"));
    }

    proptest! {
        #[test]
        fn the_order_of_the_names_does_not_matter(word in "[a-c]{0,9}", mut names in prop::collection::vec("[a-c]{0,9}", 0..6)) {
            let first = suggest(&word, names.iter().map(String::as_str)).map(str::to_owned);
            names.reverse();
            prop_assert_eq!(first.as_deref(), suggest(&word, names.iter().map(String::as_str)));
        }
    }
}
