//! Lines of pages that are written without a copy: most events are a line of the answer already.

use std::io::IoSlice;
use std::ops::Range;
use std::rc::Rc;

use crate::error::Result;
use crate::output::Sink;
use crate::page::Page;

/// Lines to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Ranges of pages, each of one line or of several consecutive ones.
    pieces: Vec<(Rc<Page>, Range<usize>)>,
    bytes: usize,
}

impl Lines {
    /// Adds a line, or several, of a page's body.
    pub(super) fn push(&mut self, page: &Rc<Page>, line: Range<usize>) {
        self.bytes += line.len();
        match self.pieces.last_mut() {
            Some((last, range)) if range.end == line.start && Rc::ptr_eq(last, page) => range.end = line.end,
            _ => self.pieces.push((Rc::clone(page), line)),
        }
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Writes all of them, and drops their pages.
    ///
    /// # Errors
    /// As the sink.
    pub(super) fn write_to(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut slices: Vec<_> =
            self.pieces.iter().map(|(page, range)| IoSlice::new(&page.body[range.clone()])).collect();
        sink.write_pieces(&mut slices)?;
        self.pieces.clear();
        self.bytes = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;
    use crate::page::Next;

    /// Keeps each call's pieces.
    #[derive(Debug, Default)]
    struct LineChunks(Vec<Vec<String>>);

    impl Sink for LineChunks {
        fn write(&mut self, _: &[u8]) -> Result<()> {
            unreachable!("pieces come by themselves")
        }

        fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
            let text = |piece: &IoSlice<'_>| String::from_utf8(piece.to_vec()).unwrap();
            self.0.push(pieces.iter().map(text).collect());
            Ok(())
        }

        fn sync(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn page(body: &str) -> Rc<Page> {
        let (stream, next) = (Stream::ItemUsages, Next::CaughtUp(None));
        let (spans, received_at) = (Vec::new(), chrono::DateTime::UNIX_EPOCH);
        Rc::new(Page {
            stream,
            body: body.into(),
            spans,
            next,
            received_at,
            has_lines: true,
            origins: Vec::new(),
        })
    }

    #[test]
    fn lines_that_lie_together_are_one_piece() {
        let (one, other) = (page("a\nb\nc\n"), page("d\ne\n"));
        let mut lines = Lines::default();
        for (page, line) in [(&one, 0..2), (&one, 2..4), (&other, 0..2), (&one, 4..6), (&other, 2..4)] {
            lines.push(page, line);
        }
        assert_eq!((lines.bytes(), lines.is_empty()), (10, false));
        let mut sink = LineChunks::default();
        lines.write_to(&mut sink).unwrap();
        assert_eq!(sink.0, [["a\nb\n", "d\n", "c\n", "e\n"]]);
        assert_eq!((lines.bytes(), lines.is_empty(), Rc::strong_count(&one)), (0, true, 1));
    }
}
