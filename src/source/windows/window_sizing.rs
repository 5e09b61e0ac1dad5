//! How small the windows of a range are made, and when one is cut. Figures only.

use chrono::TimeDelta;

/// When windows are cut, and how small.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowSizing {
    /// After how many events a split is first considered; then after four times as many, and so on.
    pub(super) first_mark: usize,
    /// The last such number. The events of a split window must fit in the memory of `boundary_dedup`.
    pub(super) last_mark: usize,
    /// How many events must remain, by the estimate, for a split to be worth its extra requests.
    pub(super) least: u64,
    /// The same for a part of a split window.
    pub(super) least_again: u64,
    /// Into how many windows a range is split where their size allows it: as many as can be read at once, with the
    /// probe.
    pub(super) windows: u64,
    /// The fewest and the most events that a window should hold. An empty page often follows its last, so
    /// that many small ones cost requests; several must fit in memory side by side, so that large ones cost
    /// time.
    pub(super) size: (u64, u64),
    /// The most windows of one split: the requests wasted if the rest of the range is empty.
    pub(super) most_windows: u64,
    /// The same where a window is split again: it often holds one burst.
    pub(super) most_pieces: u64,
    /// The shortest window; much longer than the margins, which are asked for twice.
    pub(super) shortest: TimeDelta,
}

impl WindowSizing {
    /// The figures for the real service: pages of 1,000 events, a bit less than a megabyte each.
    ///
    /// On a model of a service whose windows end with an empty page, with 16 jobs: 40 pages take five
    /// rounds and 60 requests when spread evenly, six or seven and 62 to 67 in office hours, whenever the
    /// question begins; 600 pages take 664 requests when spread evenly, 737 to 832 in office hours. Larger
    /// windows cost fewer requests, and leave fewer under way in the same memory.
    pub(super) const STANDARD: WindowSizing = WindowSizing {
        first_mark: 1_000,
        last_mark: 64_000,
        least: 2_500,
        least_again: 6_000,
        windows: 14,
        size: (925, 10_900),
        most_windows: 96,
        most_pieces: 8,
        shortest: TimeDelta::seconds(10),
    };

    /// How many events each window should hold where so many should be divided evenly.
    pub(super) fn size(&self, events: u64) -> u64 {
        events.clamp(self.size.0, self.size.1)
    }

    /// How many of the latest timestamps do not count when asked how far a window was read.
    pub(super) fn outliers(&self) -> usize {
        self.first_mark / 20
    }
}
