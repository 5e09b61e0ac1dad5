//! One cursor loop for every stream and API version: ask, take the cursor of the answer, ask again.
//!
//! It never stops on a timestamp (order is not promised) and never loops for ever: no progress is an
//! error that names the stream. Nothing is repeated and nothing is kept here but the last cursors.

use std::collections::VecDeque;

use crate::api::endpoint::PageRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page};
use crate::source::PageSource;

/// How many of the latest cursors are remembered, to notice a service that leads in a circle.
const REMEMBERED_CURSORS: usize = 100;

/// How many pages without an event may follow one another while the service says there is more.
const EMPTY_PAGES: usize = 1_000;

/// Reads a stream page by page until the service says there is no more.
pub struct CursorLoop<F> {
    fetch: F,
    ask: Option<PageRequest>,
    progress: ProgressGuard,
}

impl<F: FnMut(&PageRequest) -> Result<Page>> CursorLoop<F> {
    /// A loop that begins with `first`; `fetch` turns a question into a page.
    pub fn new(stream: Stream, first: PageRequest, fetch: F) -> Self {
        let mut progress = ProgressGuard::new(stream);
        if let PageRequest::Cursor(cursor) = &first {
            progress.remember(cursor);
        }
        CursorLoop { fetch, ask: Some(first), progress }
    }
}

impl<F: FnMut(&PageRequest) -> Result<Page>> PageSource for CursorLoop<F> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(ask) = self.ask.take() else { return Ok(None) };
        let page = (self.fetch)(&ask)?;
        self.progress.check(&page)?;
        if let Next::More(cursor) = &page.next {
            self.ask = Some(PageRequest::Cursor(cursor.clone()));
        }
        Ok(Some(page))
    }
}

/// Watches that a stream moves: what has been seen of its cursors and of empty pages.
#[derive(Debug)]
pub struct ProgressGuard {
    stream: Stream,
    cursors: VecDeque<Cursor>,
    empty_pages: usize,
}

impl ProgressGuard {
    /// A watch over one stream.
    pub fn new(stream: Stream) -> Self {
        ProgressGuard { stream, cursors: VecDeque::new(), empty_pages: 0 }
    }

    /// Looks at an answer before its cursor is used.
    ///
    /// # Errors
    /// `Service`, when the service says there is more and yet leads nowhere: a cursor among the last
    /// 100 again, or 1,000 pages without an event.
    pub fn check(&mut self, page: &Page) -> Result<()> {
        let Next::More(cursor) = &page.next else {
            self.empty_pages = 0;
            if let Some(cursor) = page.next.cursor() {
                self.remember(cursor);
            }
            return Ok(());
        };
        if self.cursors.contains(cursor) {
            let again = if self.cursors.back() == Some(cursor) {
                "the same cursor again"
            } else {
                "a cursor that it gave before"
            };
            return Err(self.stuck(&format!("the service says there is more and gives {again}")));
        }
        self.empty_pages = if page.is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages >= EMPTY_PAGES {
            return Err(self.stuck(&format!(
                "the service sent {EMPTY_PAGES} pages without an event and says there is more"
            )));
        }
        self.remember(cursor);
        Ok(())
    }

    pub(super) fn remember(&mut self, cursor: &Cursor) {
        if self.cursors.back() == Some(cursor) {
            return;
        }
        if self.cursors.len() == REMEMBERED_CURSORS {
            self.cursors.pop_front();
        }
        self.cursors.push_back(cursor.clone());
    }

    fn stuck(&self, what: &str) -> Error {
        Error::new(ErrorKind::Service, format!("no progress: {what}"))
            .hint("asking again would not end; try later, and if it stays so, report it to 1Password with the time and the stream")
            .on_stream(self.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn page(events: usize, next: Next) -> Page {
        let spans = (0..events).map(|_| crate::page::Span { raw: 0..2, uuid: None, time: None }).collect();
        Page {
            stream: Stream::AuditEvents,
            body: b"{}".to_vec(),
            spans,
            next,
            received_at: DateTime::UNIX_EPOCH,
            has_lines: false,
        }
    }

    fn more(cursor: &str) -> Next {
        Next::More(Cursor::new(cursor))
    }

    fn first() -> PageRequest {
        PageRequest::First { limit: 1000, since: None, until: None }
    }

    fn run(answers: impl FnMut(&PageRequest) -> Result<Page>) -> Result<usize> {
        let mut source = CursorLoop::new(Stream::AuditEvents, first(), answers);
        let mut pages = 0;
        while source.next_page()?.is_some() {
            pages += 1;
        }
        Ok(pages)
    }

    #[test]
    fn asks_with_the_cursor_of_the_last_answer_until_there_is_no_more() {
        let mut asked = Vec::new();
        let pages = run(|ask| {
            asked.push(format!("{ask:?}"));
            Ok(page(
                1,
                if asked.len() < 3 { more(&format!("c{}", asked.len())) } else { Next::CaughtUp(None) },
            ))
        });
        assert_eq!(pages.unwrap(), 3);
        assert!(
            asked[0].contains("First") && asked[1].contains("c1") && asked[2].contains("c2"),
            "{asked:?}"
        );
    }

    #[test]
    fn an_empty_page_in_the_middle_is_no_end() {
        let mut n = 0;
        let pages = run(|_| {
            n += 1;
            Ok(page(usize::from(n != 2), if n < 4 { more(&format!("c{n}")) } else { Next::CaughtUp(None) }))
        });
        assert_eq!(pages.unwrap(), 4);
    }

    #[test]
    fn the_same_cursor_for_ever_is_an_error() {
        let failure = run(|_| Ok(page(1, more("same")))).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Service);
        assert!(failure.to_string().contains("audit: no progress"), "{failure}");
    }

    #[test]
    fn a_circle_of_cursors_is_an_error() {
        let mut n = 0;
        let failure = run(|_| {
            n += 1;
            Ok(page(1, more(&format!("c{}", n % 7))))
        });
        assert!(failure.unwrap_err().to_string().contains("gave before"));
    }

    #[test]
    fn a_thousand_empty_pages_are_an_error() {
        let mut n = 0;
        let failure = run(|_| {
            n += 1;
            Ok(page(0, more(&format!("c{n}"))))
        });
        assert!(failure.unwrap_err().to_string().contains("1000 pages"));
        assert_eq!(n, 1000);
    }
}
