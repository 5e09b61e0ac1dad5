//! A text into a cell: escaped, measured as a terminal shows it, cut with an ellipsis, padded.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::sanitize;

/// How long one of 1Password's uuids is.
const UUID: usize = 26;

/// More marks than this on one character are dropped where a width is kept: no script needs them, and a
/// row's bytes stay bounded.
const MAX_MARKS: usize = 4;

/// Appends `text`, cut and padded to exactly `width` columns.
pub(super) fn cut(text: &str, width: usize, line: &mut String) {
    if text.len() <= width && is_simple(text) {
        line.push_str(text);
        return spaces(width - text.len(), line);
    }
    let start = line.len();
    // Where the ellipsis would go if the text turned out too long.
    let (mut room_until, mut used, mut marks) = (start, 0, 0);
    let mut last = 0;
    for c in text.chars() {
        let piece = escaped(c);
        let wide = match &piece {
            Some(piece) => piece.len(),
            // A variation selector turns a narrow character into an emoji of two columns.
            None if matches!(c, '\u{fe0f}' | '\u{fe01}') && last == 1 => 1,
            None => c.width().unwrap_or(0),
        };
        if used + wide > width {
            line.truncate(room_until);
            if width > 0 {
                line.push('…');
            }
            break;
        }
        marks = if wide == 0 { marks + 1 } else { 0 };
        if marks > MAX_MARKS {
            continue;
        }
        match piece {
            Some(piece) => line.push_str(&piece),
            None => line.push(c),
        }
        used += wide;
        last = wide;
        if used < width {
            room_until = line.len();
        }
    }
    let shown = line[start..].width();
    spaces(width.saturating_sub(shown), line);
}

/// Appends the whole `text`, padded to at least `width` columns.
pub(super) fn pad(text: &str, width: usize, line: &mut String) {
    if is_simple(text) {
        line.push_str(text);
        return spaces(width.saturating_sub(text.len()), line);
    }
    let start = line.len();
    for c in text.chars() {
        match escaped(c) {
            Some(piece) => line.push_str(&piece),
            None => line.push(c),
        }
    }
    let shown = line[start..].width();
    spaces(width.saturating_sub(shown), line);
}

/// Whether a text that is cut to `width` columns loses a part of a uuid.
pub(super) fn cuts_uuid(text: &str, width: usize) -> bool {
    if text.len() <= width {
        return false;
    }
    let is_uuid = |word: &str| word.len() >= UUID && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut uuids = text.split(' ').filter(|word| is_uuid(word)).peekable();
    if uuids.peek().is_none() {
        return false;
    }
    let mut whole = String::new();
    pad(text, 0, &mut whole);
    if whole.width() <= width {
        return false;
    }
    let last = uuids.last().and_then(|uuid| whole.rfind(uuid).map(|at| whole[..at + uuid.len()].width()));
    // The ellipsis takes a column.
    last.is_some_and(|end| end >= width)
}

/// The text in lines of at most `width` columns, broken between words; what does not fit into so many lines is
/// cut from the last one.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && lines.len() < most {
        let mut line = String::new();
        let is_last = lines.len() + 1 == most;
        let end = if is_last { rest.len() } else { fitting(rest, width) };
        cut(&rest[..end], width, &mut line);
        rest = rest[end..].trim_start_matches(' ');
        lines.push(line);
    }
    lines
}

/// Where the words of a text end that fit into `width` columns; at least one word.
fn fitting(text: &str, width: usize) -> usize {
    let (mut end, mut shown) = (0, String::new());
    for word in text.split_inclusive(' ') {
        pad(word, 0, &mut shown);
        if end > 0 && shown.trim_end_matches(' ').width() > width {
            break;
        }
        end += word.len();
    }
    end
}

/// Whether every byte is a printable character of width one.
fn is_simple(text: &str) -> bool {
    text.bytes().fold(true, |simple, byte| simple & (b' '..0x7f).contains(&byte))
}

fn spaces(mut count: usize, line: &mut String) {
    const SPACES: &str = "                                ";
    while count > 0 {
        let some = count.min(SPACES.len());
        line.push_str(&SPACES[..some]);
        count -= some;
    }
}

/// The escape that stands for `c`, when it could harm a terminal or break the row.
fn escaped(c: char) -> Option<String> {
    sanitize::is_harmful(c).then(|| sanitize::escaped(c.encode_utf8(&mut [0; 4])).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(text: &str, width: usize) -> String {
        let mut line = String::new();
        cut(text, width, &mut line);
        assert_eq!(line.width(), width, "{line:?}");
        line
    }

    #[test]
    fn texts_are_cut_and_padded_by_display_width() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcde", 5), "abcde");
        assert_eq!(fitted("abcdef", 5), "abcd…");
        assert_eq!(fitted("王小明王小明", 5), "王小…");
        assert_eq!(fitted("王小明王小明", 6), "王小… ");
        assert_eq!(fitted("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fitted("🔑🔑🔑", 4), "🔑… ");
        assert_eq!(fitted("❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", 4), "❤\u{fe0f}❤…");
        assert_eq!(fitted("abc", 0), "");
        assert_eq!(fitted("abc", 1), "…");
    }

    #[test]
    fn an_escape_is_never_cut_in_the_middle() {
        assert_eq!(fitted("a\x1b[31m", 5), "a…   ");
        assert_eq!(fitted("a\x1b[31m", 12), "a\\u{1b}[31m ");
        assert_eq!(fitted("a\u{202e}b\nc", 20), "a\\u{202e}b\\nc       ");
    }

    #[test]
    fn a_uuid_that_would_be_cut_is_noticed_and_words_wrap() {
        let uuid = "abcdefghijklmnopqrstuvwxyz";
        let text = format!("revealed item {uuid} in v");
        assert!(!cuts_uuid(&text, 100) && !cuts_uuid(&text, 41) && cuts_uuid(&text, 40));
        assert!(!cuts_uuid("signed in from far away and with many words", 10));
        assert!(!cuts_uuid(&format!("王 {uuid}"), 29) && cuts_uuid(&format!("王 {uuid}"), 28));
        let wrapped = |width, most| wrap(&text, width, most).join("|");
        assert_eq!(wrapped(100, 3).trim_end(), text);
        assert_eq!(
            wrapped(30, 3),
            format!("revealed item                 |{uuid} in|v                             ")
                .replace(" in|", " in |")
        );
        assert_eq!(wrapped(30, 1), format!("revealed item {}…", &uuid[..15]));
        assert_eq!(wrapped(10, 2), format!("revealed  |{}…", "item abcd"));
        assert!(wrap("", 10, 3).is_empty());
        assert!(wrap(&"x ".repeat(1_000_000), 10, 3).len() == 3);
    }

    #[test]
    fn piled_up_marks_do_not_make_a_row_long() {
        assert!(fitted(&format!("a{}b", "\u{301}".repeat(1_000_000)), 3).len() < 20);
    }

    #[test]
    fn without_a_width_nothing_is_cut_and_everything_escaped() {
        let mut line = String::new();
        pad("a\tb\r\n\x1b[1m\u{202e}\u{2028}", 2, &mut line);
        assert_eq!(line, "a\\tb\\r\\n\\u{1b}[1m\\u{202e}\\u{2028}");
        line.clear();
        pad("王", 4, &mut line);
        assert_eq!(line, "王  ");
    }
}
