//! One page of events: which it holds, what its cursor says, and its JSON text.
//!
//! The one place where paging is decided. Everything follows from the position asked for, the behavior and
//! the time; nothing is remembered between pages.

use std::ops::Range;

use super::cursor::{CursorPosition, CursorSeal};
use super::event_source::EventSource;
use super::fault::Fault;
use super::json_writer::quoted;
use super::options::{ApiForm, Bound, FilterBy, KeyOrder, ServiceBehavior};
use super::requests::PageQuery;
use super::script::RequestKind;
use crate::event::Stream;

/// A page, before it is sent.
#[derive(Debug)]
pub(super) struct SimulatedPage {
    /// The body's JSON text.
    pub(super) body: Vec<u8>,
    /// How many events it holds.
    pub(super) count: usize,
    /// Where the first item lies in the body, if there is one.
    pub(super) first_item: Option<Range<usize>>,
}

/// Makes pages.
#[derive(Debug)]
pub(super) struct PageBuilder {
    pub(super) source: EventSource,
    pub(super) behavior: ServiceBehavior,
    pub(super) seal: CursorSeal,
    /// Cursors are written with `\/` for `/`.
    pub(super) escape_slashes: bool,
}

/// The events of a page, and where the next one begins.
struct PageSelection {
    numbers: Vec<u64>,
    /// Where the page was to begin, repeats apart.
    begin: u64,
    next: u64,
    /// The page holds as many as were asked for.
    full: bool,
}

impl PageBuilder {
    /// The answer to this question at `now`, as far as a fault does not change it.
    pub(super) fn page(
        &self,
        ask: &PageQuery,
        form: ApiForm,
        fault: Option<&Fault>,
        now: i64,
    ) -> SimulatedPage {
        let behavior = match form {
            // v3 says what it does: insertion time, exclusive at both ends.
            ApiForm::V3 => ServiceBehavior {
                filter: FilterBy::Arrival,
                start: Bound::Exclusive,
                end: Bound::Exclusive,
                ..self.behavior
            },
            ApiForm::V1 | ApiForm::V2 => self.behavior,
        };
        let mut chosen = self.choose(ask, &behavior, fault, now);
        let withheld = matches!(fault, Some(Fault::Empty | Fault::NullItems));
        if withheld {
            chosen.numbers.clear();
        }
        if matches!(fault, Some(Fault::Short | Fault::Grow)) && chosen.numbers.len() > 1 {
            let half = chosen.numbers.len() / 2;
            chosen.next = chosen.numbers[half];
            chosen.numbers.truncate(half);
            chosen.full = true;
        }
        let (has_more, position) = self.go_on(ask, &chosen, fault);

        let (mut items, first_item) = self.items(ask.position.stream, &chosen.numbers, form);
        if matches!(fault, Some(Fault::NullItems)) {
            items = b"null".to_vec();
        }
        let (before, after) = self.around_items(form, has_more, &self.cursor_text(&position));
        let body = [before.as_bytes(), &items, after.as_bytes()].concat();
        let first_item = first_item.map(|range| range.start + before.len()..range.end + before.len());
        SimulatedPage { body, count: chosen.numbers.len(), first_item }
    }

    /// The list of these events, and where its first one lies.
    fn items(&self, stream: Stream, numbers: &[u64], form: ApiForm) -> (Vec<u8>, Option<Range<usize>>) {
        let mut items = Vec::with_capacity(numbers.len() * 900 + 2);
        let mut first_item = None;
        items.push(b'[');
        for number in numbers {
            if first_item.is_some() {
                items.push(b',');
            }
            let start = items.len();
            self.source.write(stream, *number, form, &mut items);
            first_item.get_or_insert(start..items.len());
        }
        items.push(b']');
        (items, first_item)
    }

    /// The page's text before and after its list of events.
    fn around_items(&self, form: ApiForm, has_more: bool, cursor: &str) -> (String, String) {
        match (form, self.behavior.keys) {
            (ApiForm::V3, _) if has_more => {
                ("{\"audit_events\":".into(), format!(",\"next_page_token\":{cursor}}}"))
            }
            (ApiForm::V3, _) => ("{\"audit_events\":".into(), "}".into()),
            (_, KeyOrder::CursorFirst) => {
                (format!("{{\"cursor\":{cursor},\"has_more\":{has_more},\"items\":"), "}".into())
            }
            (_, KeyOrder::ItemsFirst) => {
                ("{\"items\":".into(), format!(",\"has_more\":{has_more},\"cursor\":{cursor}}}"))
            }
        }
    }

    fn choose(
        &self,
        ask: &PageQuery,
        behavior: &ServiceBehavior,
        fault: Option<&Fault>,
        now: i64,
    ) -> PageSelection {
        let position = &ask.position;
        let (first, last) = self.source.numbers(position.stream, position.span, behavior.filter, now);
        let begin = if ask.kind == RequestKind::First { first } else { position.next };
        let again = match fault {
            Some(Fault::Repeat(count)) => *count,
            _ if position.caught_up => behavior.repeats_when_followed,
            _ => 0,
        };
        let mut next = self.step_back(position, behavior, begin, first, again);
        let mut numbers = Vec::with_capacity(position.limit.min(last.saturating_sub(next)) as usize);
        while next < last && (numbers.len() as u64) < position.limit {
            if self.source.is_in(position.stream, next, position.span, behavior) {
                numbers.push(next);
            }
            next += 1;
        }
        let full = numbers.len() as u64 == position.limit;
        PageSelection { numbers, begin, next, full }
    }

    /// The place `count` events of the range before `next`.
    fn step_back(
        &self,
        position: &CursorPosition,
        behavior: &ServiceBehavior,
        next: u64,
        first: u64,
        count: u64,
    ) -> u64 {
        let (mut at, mut left) = (next, count);
        while left > 0 && at > first {
            at -= 1;
            left -= u64::from(self.source.is_in(position.stream, at, position.span, behavior));
        }
        at
    }

    /// Whether there is more, and the position that the page's cursor holds.
    fn go_on(
        &self,
        ask: &PageQuery,
        chosen: &PageSelection,
        fault: Option<&Fault>,
    ) -> (bool, CursorPosition) {
        let asked = ask.position;
        // A page of repeats alone is as good as empty: it leads nowhere new.
        let empty = chosen.next <= chosen.begin;
        let mut to = CursorPosition { next: chosen.next, caught_up: false, turn: 0, ..asked };
        if self.behavior.cursor_forgets_end {
            to.span.end = None;
        }
        match fault {
            // The events that are there are not skipped: the place stays, the cursor changes.
            Some(Fault::Empty | Fault::NullItems) => {
                to.turn = asked.turn + 1;
                to.next = chosen.begin;
                to.caught_up = asked.caught_up;
                return (true, to);
            }
            Some(Fault::Stuck) => return (true, CursorPosition { next: chosen.begin, ..asked }),
            Some(Fault::Grow) => {
                to.caught_up = true;
                return (false, to);
            }
            _ => {}
        }
        let more = chosen.full || (!empty && self.behavior.empty_page_before_end);
        to.caught_up = !more;
        if more && empty && matches!(fault, Some(Fault::Repeat(_))) {
            // Still another answer, and so another cursor than any before.
            to.turn = asked.turn + 1;
        }
        (more, to)
    }

    fn cursor_text(&self, position: &CursorPosition) -> String {
        let text = quoted(&self.seal.seal(position));
        if self.escape_slashes { text.replace('/', "\\/") } else { text }
    }
}
