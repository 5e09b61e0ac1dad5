//! Drops events that a stream brought already, on an earlier page or earlier on the same one.
//!
//! A service may begin a page with the last events of the one before. Of equal events on one page the first is
//! kept too, so that the result does not depend on the page size (P4). [`crate::identity`] defines equality.

use crate::error::Result;
use crate::identity::{self, RecentSet};
use crate::page::Page;
use crate::source::PageSource;

/// How many of the last events of a stream are remembered: ten full pages.
const REMEMBERED: usize = 10_000;

/// A page source that drops the repeats of another one.
#[derive(Debug)]
pub struct Dedup<S> {
    source: S,
    recent: RecentSet,
}

impl<S: PageSource> Dedup<S> {
    /// Reads `source` and drops its repeats.
    pub fn new(source: S) -> Self {
        Dedup::remembering(REMEMBERED, source)
    }

    /// The same, with a memory of this many events.
    pub fn remembering(events: usize, source: S) -> Self {
        Dedup { source, recent: RecentSet::with_capacity(events) }
    }
}

impl<S: PageSource> PageSource for Dedup<S> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.source.next_page()? else { return Ok(None) };
        let mut is_new = page
            .events()
            .map(|event| self.recent.insert(identity::of(&event)))
            .collect::<Vec<_>>()
            .into_iter();
        page.retain(|_| is_new.next().unwrap_or(true));
        Ok(Some(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;
    use crate::page::Next;
    use chrono::DateTime;

    struct ListedPages(Vec<Vec<(&'static str, i64)>>);

    impl PageSource for ListedPages {
        fn next_page(&mut self) -> Result<Option<Page>> {
            if self.0.is_empty() {
                return Ok(None);
            }
            let events = self.0.remove(0).into_iter();
            let events = events.map(|(uuid, time)| (uuid.to_owned(), DateTime::from_timestamp(time, 0)));
            Ok(Some(Page::of_uuids(Stream::AuditEvents, events, Next::CaughtUp(None))))
        }
    }

    #[test]
    fn of_equal_events_the_first_stays_on_a_page_and_over_pages() {
        let mut pages = Dedup::new(ListedPages(vec![
            vec![("a", 1), ("a", 1), ("b", 2)],
            vec![("b", 2), ("b", 3), ("c", 4)],
            vec![("a", 1)],
        ]));
        let mut given = Vec::new();
        while let Some(page) = pages.next_page().unwrap() {
            given
                .push(page.events().map(|e| String::from_utf8_lossy(e.raw).into_owned()).collect::<String>());
        }
        assert_eq!(given, ["ab", "bc", ""]);
    }
}
