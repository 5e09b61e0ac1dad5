//! Detects cursors without progress: an error instead of an endless loop (P9).

use std::collections::VecDeque;

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page};

/// How many of the latest cursors are remembered, to detect a loop of cursors.
const REMEMBERED_CURSORS: usize = 100;

/// How many empty pages in a row are allowed while the service says there is more.
const EMPTY_PAGES: usize = 1_000;

/// Detects cursors without progress, by repeated cursors and empty pages.
#[derive(Debug)]
pub struct ProgressGuard {
    stream: Stream,
    cursors: VecDeque<Cursor>,
    empty_pages: usize,
}

impl ProgressGuard {
    /// A guard for one stream.
    pub fn new(stream: Stream) -> Self {
        ProgressGuard { stream, cursors: VecDeque::new(), empty_pages: 0 }
    }

    /// Checks an answer before its cursor is used.
    ///
    /// # Errors
    /// `Service`, when the service says there is more without progress: one of the last 100 cursors again, or
    /// 1,000 pages without an event.
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
            .hint("try again later; if it stays so, report it to 1Password with the time and the stream")
            .on_stream(self.stream)
    }
}
