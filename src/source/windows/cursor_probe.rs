//! Tests whether a cursor keeps the end of its request; once per stream, before its first windows.
//!
//! The API's document does not say. If cursors do not keep it, windows cannot be used: each would read to the
//! end of the stream, and the order of events would depend on the page size. So a few events in the middle of
//! those just read are requested with a limit smaller than their number; the second page is then requested by
//! cursor only, and shows what the cursor keeps. The limit does not depend on
//! `--page-size` and the times come from events, so that the result is the same in every run (P4).

use chrono::{DateTime, Utc};

use super::window::{after, before};
use crate::api::endpoint::PageRequest;
use crate::event::Stream;
use crate::page::{Next, Page};
use crate::source::progress_guard::ProgressGuard;

/// How many pages may follow the first before the test ends as undecided.
const PAGES: usize = 16;

/// How often the requested time may be doubled, for a service that filters by arrival.
const WIDENINGS: usize = 24;

/// The result of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CursorScope {
    /// Cursors keep the end of the request.
    Carries,
    /// They do not, or it is undecided.
    Forgets,
}

/// Requests that are made only to see how cursors behave.
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
    /// A probe around these times, which are sorted.
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

    /// The next request.
    pub(super) fn ask(&self) -> &PageRequest {
        &self.ask
    }

    /// Takes the answer; returns the result when there is one.
    pub(super) fn take(&mut self, page: &Page) -> Option<CursorScope> {
        if self.progress.check(page).is_err() {
            // A page this small may hold only repeats of the one before. The run itself may do better, and fails with
            // a message if it does not.
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
