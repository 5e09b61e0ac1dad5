//! Does a cursor carry the end it was asked with? Found out once a stream, before its first windows.
//!
//! The API does not say. Where it does not, windows are no use: each would read to the end of the stream,
//! and which events of a window come first would depend on the page size. So a few events around the
//! middle of what was just read are asked for with a limit smaller than their number; the second page
//! then was asked for by a cursor alone, and shows what it remembers. The limit does not depend on
//! `--page-size` and the times come from events, so that the verdict is the same for every run (P4).

use chrono::{DateTime, Utc};

use super::window::{after, before};
use crate::api::endpoint::PageRequest;
use crate::event::Stream;
use crate::page::{Next, Page};
use crate::source::progress_guard::ProgressGuard;

/// How many pages may follow the first before the question is given up as undecided.
const PAGES: usize = 16;

/// How often the time asked for may be doubled, for a service that filters by a late arrival.
const WIDENINGS: usize = 24;

/// What the probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CursorScope {
    /// Cursors keep to the end that was asked.
    Carries,
    /// They do not, or it could not be found out.
    Forgets,
}

/// A question that is asked only to see how its cursors behave.
#[derive(Debug)]
pub(super) struct CursorProbe {
    stream: Stream,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: u16,
    ask: PageRequest,
    progress: ProgressGuard,
    followed: usize,
    widened: usize,
    /// Whether the first page, which its bounds were sent with, held events beyond them: then the service
    /// does not go by their time, and a few of them prove nothing later.
    loose: bool,
}

impl CursorProbe {
    /// A probe amid these times, which are in order.
    pub(super) fn amid(stream: Stream, sample: &[DateTime<Utc>]) -> Option<Self> {
        let from = *sample.get(sample.len() * 2 / 5)?;
        let to = *sample.get((sample.len() * 11 / 20).max(sample.len() * 2 / 5 + 1))?;
        let (start, end) = (before(from), after(to));
        let known = sample.iter().filter(|time| **time > start && **time < end).count();
        let limit = (known * 2 / 3).clamp(1, 1_000) as u16;
        let mut probe = CursorProbe {
            stream,
            from,
            to,
            limit,
            ask: PageRequest::First { limit, since: None, until: None },
            progress: ProgressGuard::new(stream),
            followed: 0,
            widened: 0,
            loose: false,
        };
        probe.begin();
        Some(probe)
    }

    /// What to ask next.
    pub(super) fn ask(&self) -> &PageRequest {
        &self.ask
    }

    /// Takes the answer; a verdict when there is one.
    pub(super) fn take(&mut self, page: &Page) -> Option<CursorScope> {
        if self.progress.check(page).is_err() {
            // A page this small can hold nothing but repeats of the one before; the question itself may fare
            // better, and tells if it does not.
            return Some(CursorScope::Forgets);
        }
        let end = after(self.to);
        let beyond = page.spans.iter().filter(|span| span.time.is_some_and(|time| time > end)).count();
        let is_first = matches!(self.ask, PageRequest::First { .. });
        if is_first {
            self.loose = beyond > 0;
        } else if if self.loose { beyond * 2 > page.len() } else { beyond > 0 } {
            return Some(CursorScope::Forgets);
        }
        match &page.next {
            Next::More(_) if self.followed == PAGES => Some(CursorScope::Forgets),
            Next::More(cursor) => {
                self.followed += 1;
                self.ask = PageRequest::Cursor(cursor.clone());
                None
            }
            Next::CaughtUp(_) if !is_first => Some(CursorScope::Carries),
            Next::CaughtUp(_) if self.widened == WIDENINGS => Some(CursorScope::Forgets),
            Next::CaughtUp(_) => {
                self.widened += 1;
                self.to = after(self.to + (self.to - self.from));
                self.begin();
                None
            }
        }
    }

    fn begin(&mut self) {
        self.ask = PageRequest::First {
            limit: self.limit,
            since: Some(before(self.from)),
            until: Some(after(self.to)),
        };
        self.progress = ProgressGuard::new(self.stream);
        self.followed = 0;
    }
}
