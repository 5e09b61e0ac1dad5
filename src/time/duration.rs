//! Lengths of time as they are typed: `500ms`, `90s`, `15m`, `2h`, `7d`, `1w`, `1mo`, and sums like `1h30m`.
//!
//! Not the crate humantime: it takes `1M` for a month and `1m` for a minute, and does not know `mo`.
//! Pure text work, shared by flags, the config file and time expressions. Nothing here knows what time
//! it is.

use std::time::Duration;

/// What may be typed, for messages.
pub const FORMS: &str = "500ms, 30s, 15m, 2h, 7d, 1w, 1mo, or a sum like 1h30m";

/// Units, greatest first, with their lengths in milliseconds. A month is 30 days.
const UNITS: [(&str, u64); 7] = [
    ("mo", 2_592_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a length of time.
///
/// # Errors
/// Fails, naming the accepted forms, when the text is none of them or longer than 584 million years.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(format!("a duration is missing; write {FORMS}"));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("a unit is missing; did you mean {text}s? Write {FORMS}"));
    }
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (term, after) = term(rest).ok_or_else(|| format!("not a duration; write {FORMS}"))?;
        total = term.and_then(|ms| total.checked_add(ms)).ok_or("this duration is too long")?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// Reads a length of time for which 0 makes no sense.
///
/// # Errors
/// Fails as [`parse`] does, and on 0.
pub fn parse_positive(text: &str) -> Result<Duration, String> {
    parse(text).and_then(|d| if d.is_zero() { Err("0 leaves no time at all".into()) } else { Ok(d) })
}

/// Takes one `NUMBER UNIT` off the front: its milliseconds (`None` when too many), and what is left.
fn term(text: &str) -> Option<(Option<u64>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (unit, after) = rest.split_at(letters);
    let (_, length) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    if number.is_empty() {
        return None;
    }
    Some((number.parse::<u64>().ok().and_then(|n| n.checked_mul(length)), after))
}

/// The unit that a word such as `hours` stands for.
pub(super) fn unit_of_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "second" | "seconds" | "sec" | "secs" => "s",
        "minute" | "minutes" | "min" | "mins" => "m",
        "hour" | "hours" => "h",
        "day" | "days" => "d",
        "week" | "weeks" => "w",
        "month" | "months" => "mo",
        _ => return None,
    })
}

/// Writes a length of time so that [`parse`] reads it back; cut to whole milliseconds.
pub fn show(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    for (name, length) in UNITS {
        // Weeks only where they come out even: "120d" says more than "17w1d", and months differ in length.
        if left >= length && name != "mo" && (name != "w" || left.is_multiple_of(length)) {
            out.push_str(&format!("{}{name}", left / length));
            left %= length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("2h", 7200),
            ("7d", 604_800),
            ("1w", 604_800),
            ("1mo", 2_592_000),
            ("1h30m", 5400),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("1s500ms"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("30").unwrap_err().starts_with("a unit is missing; did you mean 30s?"));
        for text in ["", "s", "1.5h", "-2h", "2 h", "2H", "h2", "1h30", "2y"] {
            assert!(parse(text).unwrap_err().contains("1h30m"), "{text}");
        }
        assert_eq!(parse("99999999999999999999w").unwrap_err(), "this duration is too long");
    }

    #[test]
    fn lengths_are_shown_in_their_shortest_sum() {
        assert_eq!(show(Duration::from_secs(90)), "1m30s");
        assert_eq!(show(Duration::from_secs(120 * 86_400)), "120d");
        assert_eq!(show(Duration::from_secs(604_800)), "1w");
        assert_eq!(show(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_shown_is_read_back(ms in any::<u64>()) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }
    }
}
