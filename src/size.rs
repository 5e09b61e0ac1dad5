//! Numbers of bytes as they are typed: `1048576`, `64MiB`, `64M`, `1GB`; and numbers as people read them.
//!
//! Pure text work, shared by flags and the config file.

/// Units with their lengths in bytes; a bare letter means the binary unit, as `ls` and `head` take it.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("K", 1 << 10),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("M", 1 << 20),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("G", 1 << 30),
    ("GiB", 1 << 30),
];

/// Reads a number of bytes, at least 1.
///
/// # Errors
/// Fails, naming the accepted forms, when the text is none of them.
pub fn parse(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    UNITS
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .and_then(|(_, length)| number.parse::<u64>().ok()?.checked_mul(length))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "not a number of bytes; write 1048576, 64MiB or 1GiB".to_owned())
}

/// Writes a number of bytes so that [`parse`] reads it back.
pub fn show(bytes: u64) -> String {
    [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        .into_iter()
        .find(|(_, length)| bytes > 0 && bytes.is_multiple_of(*length))
        .map_or_else(|| bytes.to_string(), |(name, length)| format!("{}{name}", bytes / length))
}

/// A number with a comma after every three digits from the right.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bare_numbers_and_units_are_read() {
        assert_eq!(parse("1048576"), Ok(1 << 20));
        assert_eq!(parse("64MiB"), Ok(64 << 20));
        assert_eq!(parse("64m"), Ok(64 << 20));
        assert_eq!(parse("1MB"), Ok(1_000_000));
        for text in ["", "0", "MiB", "-1", "1.5M", "64 MiB", "64TB", "99999999999G"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_shown_is_read_back(bytes in 1..u64::MAX) {
            prop_assert_eq!(parse(&show(bytes)), Ok(bytes));
        }
    }
}
