//! The one place through which text goes into HTML, so that nothing misses escaping.

use std::fmt::Write as _;

use crate::sanitize;

/// The longest text that is shown whole, in characters (P9).
const LONGEST: usize = 200;

/// HTML being written: tags are this program's own, texts and values of attributes are anybody's.
#[derive(Debug, Default)]
pub(super) struct HtmlWriter(String);

impl HtmlWriter {
    /// Opens an element with these attributes.
    pub(super) fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        let _ = write!(self.0, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
        self
    }

    /// Closes an element.
    pub(super) fn close(&mut self, tag: &'static str) -> &mut Self {
        let _ = write!(self.0, "</{tag}>");
        self
    }

    /// An element with a text and nothing else.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// Any text: control characters and marks of direction are spelled out, long texts are cut.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let cut = text.char_indices().nth(LONGEST).map(|(end, _)| &text[..end]);
        for c in sanitize::escaped(cut.unwrap_or(text)).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        if cut.is_some() {
            self.0.push('…');
        }
        self
    }

    /// What this program has in its own sources.
    pub(super) fn constant(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// What is another writer's.
    pub(super) fn append(&mut self, other: &HtmlWriter) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup_and_none_turns_the_line() {
        let mut html = HtmlWriter::default();
        html.open("td", &[("title", "\"><script>")])
            .text("<img src=x onerror=1> & '\u{202e}'\u{1b}[31m")
            .close("td");
        let text = html.finish();
        assert_eq!(text.matches('<').count(), 2, "{text}");
        assert!(
            text.contains("&quot;&gt;&lt;script&gt;") && !text.contains(['\u{202e}', '\u{1b}']),
            "{text}"
        );
    }
}
