//! Drops events that overlapping windows return twice, by their identities, in bounded memory.
//!
//! For each stream it keeps the identities of the latest windows: those of the current one (70,000 of them at
//! least) and of the one before it, or of several where they are small, or the last 7,000 where they are
//! large; all that a cut window gave, until its pieces are past where it was cut; and the events that a later
//! window will give again however long ago they were given: those near their window's end or beyond it (up to
//! 8,000). That is most often half a MiB a stream, and at most five. An event can come out twice only where
//! the service repeats it from further back than all of these. Of two equal events in one page the first is
//! given, as if they were on two pages (P4).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rate_estimate::Overlap;
use super::window::{Window, before};
use super::window_reader::PageBatch;
use crate::identity::Generations;
use crate::page::Page;

/// How many identities of one window are kept; more than any gives before it is cut.
const LAST: usize = 70_000;

/// With how many new identities windows are forgotten, two of them later.
///
/// Where the service goes by arrival, what a window gives again comes before anything new, however long ago
/// it was given; where it goes by time, it lies near an edge or before the place of a cut.
const ENOUGH: usize = 3_000;

/// After how many new identities a large window before is forgotten at once: its memory is wanted for this one.
const PLENTY: usize = 7_000;

/// How many identities are kept for windows to come.
const AHEAD: usize = 8_000;

/// The identities of one stream.
#[derive(Debug)]
pub(super) struct BoundaryDedup {
    last: Generations,
    ahead: BTreeMap<u128, DateTime<Utc>>,
    window: Option<Window>,
    /// Until here windows return events again, and none of their identities may be dropped.
    reached: DateTime<Utc>,
}

impl BoundaryDedup {
    /// An empty memory.
    pub(super) fn new() -> Self {
        BoundaryDedup {
            last: Generations::of(LAST),
            ahead: BTreeMap::new(),
            window: None,
            reached: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// A window's next page without events returned before. Windows and their pages come in order.
    pub(super) fn pass(&mut self, window: &Window, batch: PageBatch) -> Page {
        if self.window != Some(*window) {
            self.window = Some(*window);
            let start = before(window.from);
            self.ahead.retain(|_, time| *time >= start);
            if self.last.young() >= ENOUGH && window.from > self.reached {
                self.last.turn();
            }
        }
        let PageBatch { mut page, identities, overlap } = batch;
        let shared_from = window.shared_from();
        let mut known = Vec::with_capacity(identities.len());
        for (id, span) in identities.iter().zip(&page.spans) {
            let is_known = self.last.contains(*id) || self.ahead.contains_key(id);
            known.push(is_known);
            if !is_known {
                self.last.insert(*id);
            }
            // A repeat is recorded too: it may be near the edge of a newer window.
            match span.time {
                Some(time) if shared_from.is_none_or(|from| time < from) => {}
                // Without a time it may be in any window.
                time => self.expect(time.unwrap_or(DateTime::<Utc>::MAX_UTC), *id),
            }
        }
        if let Some(Overlap { reached, ahead }) = overlap {
            self.reached = self.reached.max(reached);
            for (time, id) in ahead {
                self.expect(time, id);
            }
        }
        if self.last.young() >= PLENTY && window.from > self.reached {
            self.last.forgo_old();
        }
        if known.contains(&true) {
            let mut known = known.into_iter();
            page.spans.retain(|_| !known.next().unwrap_or(false));
        }
        page
    }

    fn expect(&mut self, time: DateTime<Utc>, identity: u128) {
        if self.ahead.len() < AHEAD {
            self.ahead.insert(identity, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;
    use crate::page::{Next, Span};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to), last: false }
    }

    /// A batch of events, each an identity and a time.
    fn batch(events: impl IntoIterator<Item = (u128, i64)>) -> PageBatch {
        let (identities, spans) = events
            .into_iter()
            .map(|(id, time)| (id, Span { raw: 0..0, uuid: None, time: Some(at(time)) }))
            .unzip();
        let page = Page {
            stream: Stream::AuditEvents,
            body: Vec::new(),
            spans,
            next: Next::CaughtUp(None),
            received_at: at(0),
            has_lines: false,
            origins: Vec::new(),
        };
        PageBatch { page, identities, overlap: None }
    }

    #[test]
    fn an_event_near_an_edge_is_known_however_long_ago_it_was_given() {
        let mut dedup = BoundaryDedup::new();
        let (first, second) = (window(0, 100), window(100, 200));
        assert_eq!(dedup.pass(&first, batch([(1, 100), (2, 50)])).len(), 2);
        assert_eq!(
            dedup.pass(&first, batch((10..2 * LAST as u128 + 20).map(|id| (id, 50)))).len(),
            2 * LAST + 10
        );
        assert_eq!(dedup.pass(&second, batch([(1, 100)])).len(), 0, "given before");
        assert_eq!(dedup.pass(&second, batch([(2, 150)])).len(), 1, "forgotten long ago");
    }

    #[test]
    fn what_a_cut_window_gave_ahead_is_known_until_its_window_is_past() {
        let mut dedup = BoundaryDedup::new();
        let mut cut = batch([(1, 250), (2, 50)]);
        cut.overlap = Some(Overlap { reached: at(60), ahead: vec![(at(250), 1)] });
        dedup.pass(&window(0, 300), cut);
        dedup.pass(&window(0, 50), batch((10..2 * LAST as u128 + 20).map(|id| (id, 20))));
        assert_eq!(dedup.pass(&window(50, 200), batch([(3, 60)])).len(), 1);
        assert_eq!(dedup.pass(&window(200, 300), batch([(1, 250), (4, 260)])).len(), 1);
        dedup.pass(&window(300, 400), batch([]));
        assert!(dedup.ahead.is_empty(), "what lies behind is forgotten");
    }

    #[test]
    fn all_that_a_cut_window_gave_is_known_until_something_new_comes() {
        let mut dedup = BoundaryDedup::new();
        dedup.pass(&window(0, 300), batch((0..64_000).map(|id| (id, 20))));
        for (number, ids) in [0..64_000, 0..64_000, 60_000..64_000].into_iter().enumerate() {
            let again = window(50 * number as i64, 50 * number as i64 + 50);
            assert_eq!(dedup.pass(&again, batch(ids.map(|id| (id, 20)))).len(), 0);
        }
    }

    #[test]
    fn nothing_is_forgotten_before_the_place_where_a_window_was_cut() {
        let mut dedup = BoundaryDedup::new();
        let enough = ENOUGH as u128;
        let mut cut = batch((0..1_000).map(|id| (id, 20)));
        cut.overlap = Some(Overlap { reached: at(50), ahead: Vec::new() });
        dedup.pass(&window(0, 300), cut);
        // Its first piece is cut as well, after much that is new; and so is the first piece of that.
        for piece in 1..4 {
            let new = (piece * enough..(piece + 1) * enough).map(|id| (id, 20));
            assert_eq!(dedup.pass(&window(0, 200 - piece as i64), batch(new)).len(), ENOUGH);
        }
        assert_eq!(dedup.pass(&window(0, 60), batch((0..1_000).map(|id| (id, 20)))).len(), 0);
    }

    #[test]
    fn what_is_kept_for_later_is_bounded() {
        let mut dedup = BoundaryDedup::new();
        dedup.pass(&window(0, 100), batch((0..3 * AHEAD as u128).map(|id| (id, 100))));
        assert_eq!(dedup.ahead.len(), AHEAD);
    }
}
