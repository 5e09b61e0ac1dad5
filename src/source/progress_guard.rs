//! Detects cursors without progress: an error instead of an endless loop (P9).

use std::collections::VecDeque;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::identity::{self, Generations};
use crate::page::{Cursor, Next, Page};

/// How many of the latest cursors are remembered, to detect a loop of cursors.
const REMEMBERED_CURSORS: usize = 100;

/// How many pages without a new event may follow one another while the service says there is more.
const BARREN_PAGES: usize = 1_000;

/// How many identities are remembered at least, to tell new events from repeated ones.
const REMEMBERED_EVENTS: usize = 4_000;

/// Of a page larger than this, one event in eight is looked at: the same ones wherever they come again.
const SMALL_PAGE: usize = 64;

/// Watches that a stream moves: what has been seen of its cursors, and of pages that bring nothing new.
#[derive(Debug)]
pub struct ProgressGuard {
    stream: Stream,
    cursors: VecDeque<Cursor>,
    seen: Generations,
    barren_pages: usize,
}

impl ProgressGuard {
    /// A guard for one stream.
    pub fn new(stream: Stream) -> Self {
        let seen = Generations::of(REMEMBERED_EVENTS);
        ProgressGuard { stream, cursors: VecDeque::new(), seen, barren_pages: 0 }
    }

    /// Checks an answer before its cursor is used.
    ///
    /// # Errors
    /// `Service`, when the service says there is more and yet leads nowhere: a cursor among the last
    /// 100 again, or 1,000 pages without an event that was not on a page before.
    pub fn check(&mut self, page: &Page) -> Result<()> {
        let Next::More(cursor) = &page.next else {
            self.barren_pages = 0;
            self.seen.clear();
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
        self.barren_pages = if self.brings_new(page) { 0 } else { self.barren_pages + 1 };
        if self.barren_pages >= BARREN_PAGES {
            return Err(self.stuck(&format!(
                "the service sent {BARREN_PAGES} pages without a new event and says there is more"
            )));
        }
        self.remember(cursor);
        Ok(())
    }

    /// Whether a page holds an event that was not on one of the pages before; remembers its events.
    fn brings_new(&mut self, page: &Page) -> bool {
        let (mut looked_at, mut new) = (0, 0);
        for event in page.events().filter(|event| page.len() <= SMALL_PAGE || is_sample(event)) {
            looked_at += 1;
            new += usize::from(self.seen.insert(identity::of(&event)));
        }
        // A large page whose events are all of the other seven in eight is unheard of, and no repeat.
        new > 0 || (looked_at == 0 && !page.is_empty())
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

/// Whether an event is one of those that stand for the others of a large page: decided by its uuid, so that
/// it is the same on whatever page the event is. Second to last, because the last character of 26 is seldom
/// any but a few.
fn is_sample(event: &Event<'_>) -> bool {
    event.uuid.and_then(|uuid| uuid.iter().rev().nth(1)).is_none_or(|byte| byte % 8 == 0)
}
