//! One cursor loop for every stream and API version: request a page, take its cursor, request the next one.
//!
//! It ends with the first answer that is caught up, or follows: then it makes at most one request per interval.
//! Only the cursor is kept: the service does not promise an order, so no timestamp decides what is requested
//! (except in v3, which gives no cursor at the end).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::endpoint::PageRequest;
use crate::api::jitter::jitter;
use crate::api::wire;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Next, Page};
use crate::source::PageSource;
use crate::source::poll_interval::PollInterval;
use crate::source::progress_guard::ProgressGuard;
use crate::source::restart::Restart;

/// How far before the last event v3 is asked from: its bound is exclusive, and another event may have been
/// inserted at the same moment. Repeats are dropped later.
const OVERLAP: TimeDelta = TimeDelta::seconds(1);

/// When a followed stream is polled again.
#[derive(Clone, Debug)]
pub struct PollSchedule {
    /// The interval.
    pub interval: PollInterval,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends the waiting, and with it the stream.
    pub stop: Cancel,
    /// How long cursors may make no progress before that is a failure.
    pub patience: Duration,
}

/// Where to start when the service gives no cursor.
#[derive(Clone, Copy, Debug)]
pub struct FollowFrom {
    /// Events per request.
    pub limit: u16,
    /// The time; none lets the service choose.
    pub since: Option<DateTime<Utc>>,
}

/// Reads a stream page by page, to its end, or follows it.
#[derive(Debug)]
pub struct CursorLoop<F> {
    stream: Stream,
    fetch: F,
    request: PageRequest,
    is_caught_up: bool,
    progress: ProgressGuard,
    /// How the stream is followed; none where it is read once to its end.
    follow: Option<Following>,
}

#[derive(Debug)]
struct Following {
    from: FollowFrom,
    schedule: PollSchedule,
    /// Since when there has been no progress.
    stuck_since: Option<Duration>,
    /// How to restart after a refused cursor; none where that is a failure.
    restart: Option<Restart>,
}

impl<F: FnMut(&PageRequest) -> Result<Page>> CursorLoop<F> {
    /// A loop that begins with `first` and ends with the stream; `fetch` makes the request.
    pub fn new(stream: Stream, first: PageRequest, fetch: F) -> Self {
        let mut progress = ProgressGuard::new(stream);
        if let PageRequest::Cursor(cursor) = &first {
            progress.remember(cursor);
        }
        CursorLoop { stream, fetch, request: first, is_caught_up: false, progress, follow: None }
    }

    /// Follows the stream: polls for new events.
    #[must_use]
    pub fn following(mut self, from: FollowFrom, schedule: PollSchedule) -> Self {
        self.follow = Some(Following { from, schedule, stuck_since: None, restart: None });
        self
    }

    /// Restarts from a time when its cursor is refused: for runs without a saved position that drop repeats.
    #[must_use]
    pub fn restarting(mut self) -> Self {
        if let Some(follow) = &mut self.follow {
            follow.restart = Some(Restart::default());
        }
        self
    }

    /// How to continue after a failed request, if that is possible.
    fn failed(&mut self, failure: Error) -> Result<()> {
        let is_cursor =
            matches!(self.request, PageRequest::Cursor(_)) && failure.kind() == ErrorKind::BadRequest;
        let Some(Following { from, schedule, restart: Some(restart), .. }) =
            self.follow.as_mut().filter(|_| is_cursor)
        else {
            return Err(failure);
        };
        let now = schedule.clock.elapsed();
        let again = restart.refused(failure, from.since, now, schedule.patience)?;
        self.is_caught_up = again.is_hasty;
        self.request = PageRequest::First { limit: from.limit, since: again.since, until: None };
        // The same cursors may come again: that is no loop.
        self.progress = ProgressGuard::new(self.stream);
        Ok(())
    }

    /// Sets the request for the page after this one.
    fn go_on_from(&mut self, page: &Page) {
        self.is_caught_up = matches!(page.next, Next::CaughtUp(_));
        match (page.next.cursor(), &mut self.follow) {
            (Some(cursor), _) => self.request = PageRequest::Cursor(cursor.clone()),
            (None, Some(Following { from, .. })) => {
                from.since = inserted_last(page).map(|time| time - OVERLAP).or(from.since);
                self.request = PageRequest::First { limit: from.limit, since: from.since, until: None };
            }
            // The end of a stream that is not followed.
            (None, None) => {}
        }
    }

    /// After no progress: waits for an interval, then sends the same request again.
    fn stuck(&mut self, failure: Error) -> Result<()> {
        let Some(Following { schedule, stuck_since, .. }) = &mut self.follow else { return Err(failure) };
        let now = schedule.clock.elapsed();
        let since = *stuck_since.get_or_insert(now);
        if now.saturating_sub(since) >= schedule.patience {
            return Err(failure);
        }
        log::warn!("{failure}; asking again in {} s", schedule.interval.interval().as_secs());
        self.is_caught_up = true;
        Ok(())
    }

    /// Records an answer in time.
    fn answered(&mut self, page: &Page) {
        if let Some(Following { schedule, restart, .. }) = &mut self.follow {
            schedule.interval.answered();
            if let Some(restart) = restart {
                restart.answered(page, matches!(self.request, PageRequest::Cursor(_)));
            }
        }
    }
}

impl<F: FnMut(&PageRequest) -> Result<Page>> PageSource for CursorLoop<F> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if self.is_caught_up {
                let Some(Following { schedule, .. }) = &self.follow else { return Ok(None) };
                schedule.clock.sleep(schedule.interval.wait(jitter()), &schedule.stop)?;
            }
            let page = match (self.fetch)(&self.request) {
                Ok(page) => page,
                Err(failure) => {
                    self.failed(failure)?;
                    continue;
                }
            };
            self.answered(&page);
            match self.progress.check(&page) {
                Ok(()) => {
                    if let Some(follow) = &mut self.follow {
                        follow.stuck_since = None;
                    }
                    self.go_on_from(&page);
                    return Ok(Some(page));
                }
                // The page is dropped: the same cursor brings it again.
                Err(failure) => self.stuck(failure)?,
            }
        }
    }
}

/// When the last event of a page without a cursor reached the service, as far as that is known.
fn inserted_last(page: &Page) -> Option<DateTime<Utc>> {
    if page.next.cursor().is_some() {
        return None;
    }
    let last = page.events().last()?;
    // A client's clock may run ahead of the service's: its time alone could skip what comes after.
    wire::inserted_at(last.raw).or_else(|| last.time.map(|time| time.min(page.received_at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::endpoint::QueryNames;
    use crate::clock::ManualClock;
    use crate::page::{Cursor, Span};

    const STREAM: Stream = Stream::AuditEvents;

    fn page(raw: &[&str], next: Next) -> Page {
        let (mut body, mut spans) = (Vec::new(), Vec::new());
        for raw in raw {
            let start = body.len();
            body.extend_from_slice(raw.as_bytes());
            spans.push(Span { raw: start..body.len(), uuid: None, time: None });
        }
        Page {
            stream: STREAM,
            body,
            spans,
            next,
            received_at: DateTime::UNIX_EPOCH,
            has_lines: false,
            origins: Vec::new(),
        }
    }

    fn caught_up(cursor: &str) -> Next {
        Next::CaughtUp(Some(Cursor::new(cursor)))
    }

    struct Setting {
        clock: ManualClock,
        stop: Cancel,
    }

    impl Setting {
        fn new() -> Self {
            Setting { clock: ManualClock::at(DateTime::UNIX_EPOCH), stop: Cancel::new() }
        }

        fn follow<F: FnMut(&PageRequest) -> Result<Page>>(&self, interval: u64, fetch: F) -> CursorLoop<F> {
            let schedule = PollSchedule {
                interval: PollInterval::new(STREAM, Duration::from_secs(interval)),
                clock: Arc::new(self.clock.clone()),
                stop: self.stop.clone(),
                patience: Duration::from_secs(90 * 60),
            };
            let first = PageRequest::First { limit: 10, since: None, until: None };
            CursorLoop::new(STREAM, first, fetch).following(FollowFrom { limit: 10, since: None }, schedule)
        }
    }

    #[test]
    fn an_idle_hour_costs_one_request_an_interval() {
        let setting = Setting::new();
        let mut requests = 0;
        let mut follow = setting.follow(30, |_| {
            requests += 1;
            Ok(page(&[], caught_up("same")))
        });
        while setting.clock.elapsed() < Duration::from_secs(3600) {
            follow.next_page().unwrap();
        }
        assert!((121..=122).contains(&requests), "{requests}");
    }

    #[test]
    fn who_is_behind_asks_at_full_speed_and_then_with_the_last_cursor() {
        let setting = Setting::new();
        let mut asked = Vec::new();
        let mut follow = setting.follow(30, |ask| {
            asked.push(format!("{ask:?}"));
            let n = asked.len();
            let next = if n < 50 { Next::More(Cursor::new(format!("c{n}"))) } else { caught_up("end") };
            Ok(page(&["{}"], next))
        });
        for _ in 0..50 {
            follow.next_page().unwrap();
        }
        assert_eq!(setting.clock.elapsed(), Duration::ZERO);
        follow.next_page().unwrap();
        assert!((15..=30).contains(&setting.clock.elapsed().as_secs()));
        assert!(asked[50].contains("end"), "{}", asked[50]);
    }

    #[test]
    fn without_a_cursor_it_asks_from_just_before_the_last_insertion() {
        let setting = Setting::new();
        let mut asked = Vec::new();
        let mut follow = setting.follow(30, |ask| {
            asked.push(ask.query(QueryNames::Newer));
            let event = [r#"{"timestamp":"2030-01-01T00:00:00Z","insert_time":"2026-05-29T18:00:05Z"}"#];
            Ok(page(if asked.len() == 2 { &[] } else { &event[..] }, Next::CaughtUp(None)))
        });
        for _ in 0..3 {
            follow.next_page().unwrap();
        }
        assert!(!asked[0].contains("start_time"), "{}", asked[0]);
        assert!(asked[1].contains("start_time=2026-05-29T18%3A00%3A04"), "{}", asked[1]);
        assert_eq!(asked[1], asked[2]);
    }

    #[test]
    fn a_service_that_leads_nowhere_is_asked_again_until_patience_ends() {
        let setting = Setting::new();
        let mut requests = 0;
        let mut follow = setting.follow(60, |_| {
            requests += 1;
            Ok(page(&["{}"], if requests == 5 { caught_up("b") } else { Next::More(Cursor::new("a")) }))
        });
        assert_eq!(follow.next_page().unwrap().unwrap().next, Next::More(Cursor::new("a")));
        assert_eq!(follow.next_page().unwrap().unwrap().next, caught_up("b"));
        let failure = follow.next_page().unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Service);
        assert!((5400..5700).contains(&(setting.clock.elapsed().as_secs() - 180)), "{:?}", setting.clock);
    }

    #[test]
    fn a_refused_cursor_is_a_failure_or_a_new_start() {
        let setting = Setting::new();
        let refuse = |asked: &mut Vec<String>, ask: &PageRequest| {
            asked.push(ask.query(QueryNames::Newer));
            match ask {
                PageRequest::Cursor(_) if asked.len() == 3 => {
                    Err(Error::new(ErrorKind::BadRequest, "refused"))
                }
                // The way goes over the same cursors again.
                PageRequest::Cursor(_) => Ok(page(&["{}"], caught_up("b"))),
                PageRequest::First { .. } => Ok(page(&["{}"], Next::More(Cursor::new("a")))),
            }
        };
        let (mut plain, mut asked) = (Vec::new(), Vec::new());
        let mut follow = setting.follow(30, |ask| refuse(&mut plain, ask));
        let outcomes = [follow.next_page(), follow.next_page(), follow.next_page()];
        assert_eq!(outcomes.map(|page| page.is_ok()), [true, true, false]);
        let mut follow = setting.follow(30, |ask| refuse(&mut asked, ask)).restarting();
        for _ in 0..5 {
            follow.next_page().unwrap();
        }
        drop(follow);
        let (first, next) = ("max_page_size", "page_token");
        let words = asked.iter().map(|query| query.split('=').next().unwrap());
        assert_eq!(words.collect::<Vec<_>>(), [first, next, next, first, next, next]);
        // The first of each is cut short by chance.
        let waited = setting.clock.elapsed().as_secs();
        assert!((60..=90).contains(&waited), "three idle waits and no other: {waited}");
    }

    #[test]
    fn the_wait_ends_when_it_is_stopped() {
        let setting = Setting::new();
        let mut follow = setting.follow(30, |_| Ok(page(&[], caught_up("a"))));
        follow.next_page().unwrap();
        setting.stop.trigger(0);
        assert_eq!(follow.next_page().unwrap_err().kind(), ErrorKind::Interrupted(0));
    }

    fn numbered(events: usize, next: Next) -> Page {
        let spans = (0..events).map(|_| crate::page::Span { raw: 0..2, uuid: None, time: None }).collect();
        Page {
            stream: STREAM,
            body: b"{}".to_vec(),
            spans,
            next,
            received_at: DateTime::UNIX_EPOCH,
            has_lines: false,
            origins: Vec::new(),
        }
    }

    fn more(cursor: &str) -> Next {
        Next::More(Cursor::new(cursor))
    }

    fn first() -> PageRequest {
        PageRequest::First { limit: 1000, since: None, until: None }
    }

    fn run_once(answers: impl FnMut(&PageRequest) -> Result<Page>) -> Result<usize> {
        let mut source = CursorLoop::new(STREAM, first(), answers);
        let mut pages = 0;
        while source.next_page()?.is_some() {
            pages += 1;
        }
        Ok(pages)
    }

    #[test]
    fn asks_with_the_cursor_of_the_last_answer_until_there_is_no_more() {
        let mut asked = Vec::new();
        let pages = run_once(|ask| {
            asked.push(format!("{ask:?}"));
            Ok(numbered(
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
        let pages = run_once(|_| {
            n += 1;
            Ok(numbered(
                usize::from(n != 2),
                if n < 4 { more(&format!("c{n}")) } else { Next::CaughtUp(None) },
            ))
        });
        assert_eq!(pages.unwrap(), 4);
    }

    #[test]
    fn the_same_cursor_for_ever_is_an_error() {
        let failure = run_once(|_| Ok(numbered(1, more("same")))).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Service);
        assert!(failure.to_string().contains("audit: no progress"), "{failure}");
    }

    #[test]
    fn a_circle_of_cursors_is_an_error() {
        let mut n = 0;
        let failure = run_once(|_| {
            n += 1;
            Ok(numbered(1, more(&format!("c{}", n % 7))))
        });
        assert!(failure.unwrap_err().to_string().contains("gave before"));
    }

    #[test]
    fn a_thousand_empty_pages_are_an_error() {
        let mut n = 0;
        let failure = run_once(|_| {
            n += 1;
            Ok(numbered(0, more(&format!("c{n}"))))
        });
        assert!(failure.unwrap_err().to_string().contains("1000 pages"));
        assert_eq!(n, 1000);
    }

    /// Events `from..to`, each with a uuid of its own.
    fn distinct(events: std::ops::Range<usize>, next: Next) -> Page {
        Page::of_uuids(STREAM, events.map(|n| (format!("{n:026}"), None)), next)
    }

    #[test]
    fn the_same_events_for_ever_under_new_cursors_are_an_error() {
        // One event; a full page; ten full pages in turn, cut elsewhere each time.
        for (size, events) in [(1, 1), (1000, 1000), (700, 10_000)] {
            let mut n = 0;
            let failure = run_once(|_| {
                n += 1;
                let from = n * size % events;
                Ok(distinct(from..(from + size).min(events), more(&format!("c{n}"))))
            });
            let failure = failure.unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Service);
            assert!(failure.to_string().contains("1000 pages without a new event"), "{failure}");
            assert!((1001..1200).contains(&n), "{n} requests for {events} events");
        }
    }

    #[test]
    fn one_new_event_on_a_page_of_repeats_is_progress() {
        let mut n = 0;
        let pages = run_once(|_| {
            n += 1;
            // Each page repeats all but one event of the page before.
            Ok(distinct(n..n + 20, if n < 3000 { more(&format!("c{n}")) } else { Next::CaughtUp(None) }))
        });
        assert_eq!(pages.unwrap(), 3000);
    }
}
