//! Several streams as one timeline: a merge that needs one page a stream.
//!
//! Each event's key is the running maximum of its stream's timestamps, so keys never go back within a
//! stream, however late an event arrives, and do not depend on where pages were cut (P4). Equal keys are
//! ordered by stream, then by arrival.

use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::source::PageSource;
use crate::source::range::TimeRange;

/// The merge of several page sources, narrowed to a question's range.
pub struct StreamMerge<S> {
    lanes: Vec<MergeInput<S>>,
    range: TimeRange,
}

/// One stream's part: its source, the page in hand and how far it was read.
struct MergeInput<S> {
    stream: Stream,
    source: Option<S>,
    page: Option<Rc<Page>>,
    at: usize,
    /// Whether the event at `at` is part of the answer and waits for its turn.
    ready: bool,
    key: DateTime<Utc>,
    failure: Option<Error>,
    events: u64,
}

/// What is done with a timeline as it is read.
pub trait MergeReader {
    /// The next event is not at hand yet: now is the time to write what is held back.
    ///
    /// # Errors
    /// Whatever kept it from being written; ends the run.
    fn waiting(&mut self) -> Result<()>;

    /// A page was taken up.
    fn page(&mut self, page: &Page);

    /// A page's last event was given; its memory may be used again.
    ///
    /// # Errors
    /// Whatever kept what was held back of it from being written; ends the run.
    fn done(&mut self, page: Rc<Page>) -> Result<()> {
        drop(page);
        Ok(())
    }

    /// Takes the next event, which is the one at `index` of its page; false ends the run.
    ///
    /// # Errors
    /// Whatever is wrong with it; ends the run.
    fn event(&mut self, page: &Rc<Page>, index: usize) -> Result<bool>;
}

/// How a stream ended, and how many of its events were part of the answer.
#[derive(Debug)]
pub struct StreamEnd {
    /// The stream.
    pub stream: Stream,
    /// Events given.
    pub events: u64,
    /// Why it ended early, if it did.
    pub failure: Option<Error>,
}

impl<S: PageSource> StreamMerge<S> {
    /// A timeline over nothing yet.
    pub fn new(range: TimeRange) -> Self {
        StreamMerge { lanes: Vec::new(), range }
    }

    /// Adds a stream.
    pub fn add(&mut self, stream: Stream, source: S) {
        self.lanes.push(MergeInput {
            stream,
            source: Some(source),
            page: None,
            at: 0,
            key: DateTime::<Utc>::MIN_UTC,
            ready: false,
            failure: None,
            events: 0,
        });
        self.lanes.sort_by_key(|lane| lane.stream);
    }

    /// Gives `reader` every event of the answer, in order, until it says to stop.
    ///
    /// A stream that fails ends alone; the others go on (see [`StreamMerge::endings`]).
    ///
    /// # Errors
    /// Fails when `reader` does, or when the run was cancelled.
    pub fn run(&mut self, reader: &mut impl MergeReader) -> Result<()> {
        loop {
            let mut head: Option<usize> = None;
            for index in 0..self.lanes.len() {
                self.lanes[index].settle(&self.range, reader)?;
                // Lanes are in stream order, so that the first of equal keys is the right one.
                if self.lanes[index].ready && head.is_none_or(|h| self.lanes[index].key < self.lanes[h].key) {
                    head = Some(index);
                }
            }
            let Some(head) = head else { return Ok(()) };
            let lane = &mut self.lanes[head];
            if let Some(page) = &lane.page {
                lane.events += 1;
                let go_on = reader.event(page, lane.at)?;
                lane.at += 1;
                lane.ready = false;
                if !go_on {
                    return Ok(());
                }
            }
        }
    }

    /// How each stream ended, in stream order.
    pub fn endings(&mut self) -> Vec<StreamEnd> {
        self.lanes
            .iter_mut()
            .map(|lane| StreamEnd { stream: lane.stream, events: lane.events, failure: lane.failure.take() })
            .collect()
    }
}

impl<S: PageSource> MergeInput<S> {
    /// Moves to the next event that belongs to the answer, reading pages as needed.
    fn settle(&mut self, range: &TimeRange, reader: &mut impl MergeReader) -> Result<()> {
        while !self.ready {
            if let Some(page) = &self.page {
                while self.at < page.len() {
                    let event = page.event_at(self.at);
                    if range.holds(&event) {
                        self.key = self.key.max(event.time.unwrap_or(self.key));
                        self.ready = true;
                        return Ok(());
                    }
                    self.at += 1;
                }
            }
            if let Some(page) = self.page.take() {
                reader.done(page)?;
            }
            self.at = 0;
            let Some(source) = &mut self.source else { return Ok(()) };
            reader.waiting()?;
            match source.next_page() {
                Ok(Some(page)) => {
                    reader.page(&page);
                    self.page = Some(Rc::new(page));
                }
                Ok(None) => self.source = None,
                Err(failure) => {
                    self.source = None;
                    if matches!(failure.kind(), ErrorKind::Interrupted(_)) {
                        return Err(failure);
                    }
                    self.failure = Some(failure);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::page::{Next, Span};
    use chrono::TimeDelta;

    struct Pages(VecDeque<Result<Page>>);

    impl PageSource for Pages {
        fn next_page(&mut self) -> Result<Option<Page>> {
            self.0.pop_front().transpose()
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// Pages of `size` events; an event's text is its name, which is also its uuid.
    fn pages(stream: Stream, size: usize, events: &[(&str, i64)]) -> Pages {
        let page = |chunk: &[(&str, i64)]| {
            let mut body = Vec::new();
            let spans = chunk
                .iter()
                .map(|(name, time)| {
                    let start = body.len();
                    body.extend_from_slice(name.as_bytes());
                    Span { raw: start..body.len(), uuid: Some(start..body.len()), time: Some(at(*time)) }
                })
                .collect();
            Ok(Page { stream, body, spans, next: Next::CaughtUp(None), received_at: at(0), has_lines: false })
        };
        Pages(events.chunks(size).map(page).collect())
    }

    /// Collects the names of events, up to a limit.
    struct Names(Vec<String>, usize);

    impl MergeReader for Names {
        fn waiting(&mut self) -> Result<()> {
            Ok(())
        }

        fn page(&mut self, _: &Page) {}

        fn event(&mut self, page: &Rc<Page>, index: usize) -> Result<bool> {
            self.0.push(String::from_utf8_lossy(page.event_at(index).raw).into_owned());
            Ok(self.0.len() < self.1)
        }
    }

    fn all() -> TimeRange {
        TimeRange { since: at(0), until: None, late: TimeDelta::zero() }
    }

    fn names(timeline: &mut StreamMerge<Pages>, limit: usize) -> Vec<String> {
        let mut names = Names(Vec::new(), limit);
        timeline.run(&mut names).unwrap();
        names.0
    }

    const SIGNINS: [(&str, i64); 5] = [("s1", 10), ("s2", 30), ("s3-late", 5), ("s4", 30), ("s5", 40)];
    const AUDITS: [(&str, i64); 3] = [("a1", 10), ("a2", 30), ("a3", 35)];

    #[test]
    fn merges_on_the_running_maximum_whatever_the_page_size() {
        for size in [1, 2, 3, 100] {
            let mut timeline = StreamMerge::new(all());
            timeline.add(Stream::AuditEvents, pages(Stream::AuditEvents, size, &AUDITS));
            timeline.add(Stream::SignInAttempts, pages(Stream::SignInAttempts, size, &SIGNINS));
            assert_eq!(
                names(&mut timeline, 99),
                ["s1", "a1", "s2", "s3-late", "s4", "a2", "a3", "s5"],
                "{size}"
            );
        }
    }

    #[test]
    fn drops_what_is_out_of_range() {
        let mut timeline =
            StreamMerge::new(TimeRange { since: at(20), until: Some(at(40)), late: TimeDelta::zero() });
        let events = [("x", 30), ("out", 10), ("y", 31), ("z", 40)];
        timeline.add(Stream::SignInAttempts, pages(Stream::SignInAttempts, 2, &events));
        assert_eq!(names(&mut timeline, 99), ["x", "y"]);
        assert_eq!(timeline.endings()[0].events, 2);
    }

    #[test]
    fn stops_when_told() {
        let mut timeline = StreamMerge::new(all());
        timeline.add(Stream::SignInAttempts, pages(Stream::SignInAttempts, 2, &SIGNINS));
        assert_eq!(names(&mut timeline, 2), ["s1", "s2"]);
    }

    #[test]
    fn a_failing_stream_ends_alone() {
        let mut failing = pages(Stream::SignInAttempts, 2, &SIGNINS[..2]);
        failing.0.push_back(Err(Error::new(ErrorKind::Network, "gone")));
        let mut timeline = StreamMerge::new(all());
        timeline.add(Stream::SignInAttempts, failing);
        timeline.add(Stream::AuditEvents, pages(Stream::AuditEvents, 1, &AUDITS));
        assert_eq!(names(&mut timeline, 99), ["s1", "a1", "s2", "a2", "a3"]);
        let endings = timeline.endings();
        assert!(endings[0].failure.is_some() && endings[1].failure.is_none());
    }
}
