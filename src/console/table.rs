//! Finite tables for people, laid out by comfy-table: aligned, wrapped to the terminal's width, coloured.
//!
//! For complete lists; streamed rows are in `encode`. Returns text and writes nothing.

use std::borrow::Cow;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr as _;

use crate::sanitize;

/// What the place where a text is read can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStyle {
    /// The width of the terminal; none without one.
    pub width: Option<u16>,
    /// Whether colours may be used.
    pub colour: bool,
}

/// The emphasis of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellTone {
    /// As the text around it.
    #[default]
    Plain,
    /// A name that begins something.
    Bold,
    /// Of less interest.
    Dim,
    /// All is well.
    Good,
    /// Needs attention soon.
    Warning,
    /// Wrong.
    Bad,
}

/// Every emphasis, with the mark that replaces it during layout, and its colour, which can be read on white and on
/// black.
///
/// The marks have no width, and text from outside cannot hold them: [`sanitize::escaped`] spells them out.
const TONES: [(CellTone, char, &str); 5] = [
    (CellTone::Bold, '\u{2061}', "\x1b[1m"),
    (CellTone::Dim, '\u{2062}', "\x1b[2m"),
    (CellTone::Good, '\u{2063}', "\x1b[32m"),
    (CellTone::Warning, '\u{2064}', "\x1b[35m"),
    (CellTone::Bad, '\u{206a}', "\x1b[1;31m"),
];

/// The mark that ends every emphasis.
const END: char = '\u{2060}';

const PLAIN: &str = "\x1b[0m";

impl TextStyle {
    /// The text in lines that fit behind `indent`, broken between words, each with its line break. Longer words are
    /// not broken: they may be there to be copied.
    pub fn wrap(self, text: &str, indent: &str) -> String {
        let room =
            self.width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(indent.len()).max(20));
        let mut out = String::from(indent);
        let mut used = 0;
        for word in text.split(' ') {
            let width = word.width();
            if used > 0 && used + 1 + width > room {
                out.push('\n');
                out.push_str(indent);
                used = 0;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += width;
        }
        out.push('\n');
        out
    }

    /// A text in a tone, where colours may be used.
    pub fn paint(self, tone: CellTone, text: &str) -> String {
        match TONES.iter().find(|(known, ..)| *known == tone) {
            Some((_, _, colour)) if self.colour => format!("{colour}{text}{PLAIN}"),
            _ => text.to_owned(),
        }
    }
}

/// A table whose rows are all known before it is written.
#[derive(Debug)]
pub struct TextTable {
    table: Table,
    style: TextStyle,
    indent: u16,
}

impl TextTable {
    /// An empty table, `indent` columns from the left.
    pub fn new(style: TextStyle, indent: u16) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if let Some(width) = style.width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width.saturating_sub(indent).max(1));
        }
        TextTable { table, style, indent }
    }

    /// Sets the names of the columns.
    pub fn header<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let cells: Vec<Cell> =
            names.into_iter().map(|name| Cell::new(self.marked(CellTone::Dim, name))).collect();
        self.table.set_header(cells);
    }

    /// Adds a row. Foreign text in its cells is made harmless.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = (CellTone, Cow<'a, str>)>) {
        let cells: Vec<Cell> = cells
            .into_iter()
            .map(|(tone, text)| Cell::new(self.marked(tone, &sanitize::escaped(&text))))
            .collect();
        self.table.add_row(cells);
    }

    /// Aligns these columns to the right, for numbers.
    #[must_use]
    pub fn align_right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        for index in columns {
            if let Some(column) = self.table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// Never breaks the cells of these columns over lines.
    #[must_use]
    pub fn keep_whole(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        for index in columns {
            if let Some(column) = self.table.column_mut(index) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        self
    }

    /// The table's lines, each ended.
    pub fn render(mut self) -> String {
        let last = self.table.column_count().saturating_sub(1);
        for (index, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { 2 }));
        }
        let mut text = String::new();
        for line in self.table.lines() {
            let line = self.coloured(line.trim_end());
            if !line.is_empty() {
                text.extend(std::iter::repeat_n(' ', self.indent.into()));
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The text with each of its words between the tone's marks, so that a cell can be broken over lines.
    fn marked(&self, tone: CellTone, text: &str) -> String {
        match TONES.iter().find(|(known, ..)| *known == tone) {
            Some((_, mark, _)) if self.style.colour => {
                let words = text.split(' ').map(|word| format!("{mark}{word}{END}"));
                words.collect::<Vec<_>>().join(" ")
            }
            _ => text.to_owned(),
        }
    }

    /// The line with colours in place of marks, and none of them left open.
    fn coloured(&self, line: &str) -> String {
        if !self.style.colour {
            return line.to_owned();
        }
        let mut out = String::with_capacity(line.len() + 32);
        let mut is_open = false;
        for c in line.chars() {
            if c == END {
                out.push_str(PLAIN);
                is_open = false;
            } else if let Some((_, _, colour)) = TONES.iter().find(|(_, mark, _)| *mark == c) {
                out.push_str(colour);
                is_open = true;
            } else {
                out.push(c);
            }
        }
        if is_open {
            out.push_str(PLAIN);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(style: TextStyle) -> String {
        let mut table = TextTable::new(style, 2);
        table.header(["STEP", "STATE", "FOUND"]);
        table.row([
            (CellTone::Plain, "DNS".into()),
            (CellTone::Bad, "failed".into()),
            (CellTone::Plain, "no such host \u{1b}[31m, and more words than fit".into()),
        ]);
        table.keep_whole([0, 1]).render()
    }

    #[test]
    fn long_cells_are_wrapped_to_the_width_and_harmless() {
        let text = table(TextStyle { width: Some(40), colour: false });
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.starts_with("  STEP  STATE   FOUND\n  DNS   failed  no such host"), "{text}");
        assert!(text.contains("\\u{1b}[31m"), "{text}");
    }

    #[test]
    fn colours_take_no_width_and_end_on_their_line() {
        let text = table(TextStyle { width: None, colour: true });
        let row = text.lines().nth(1).unwrap();
        assert!(row.contains("  DNS   \x1b[1;31mfailed\x1b[0m  no such host"), "{row:?}");
        let narrow = table(TextStyle { width: Some(40), colour: true });
        for line in narrow.lines() {
            let (opened, closed) = (line.matches("\x1b[").count(), line.matches(PLAIN).count());
            assert_eq!(opened, closed * 2, "{line:?}");
        }
    }
}
