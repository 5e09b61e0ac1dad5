//! Watches that a stream moves: a service that leads nowhere is an error, never an endless loop (P9).

use std::collections::VecDeque;

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page};

/// How many of the latest cursors are remembered, to notice a service that leads in a circle.
const REMEMBERED_CURSORS: usize = 100;

/// How many pages without an event may follow one another while the service says there is more.
const EMPTY_PAGES: usize = 1_000;

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
