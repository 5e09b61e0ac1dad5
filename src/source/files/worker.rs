//! From a block of lines to a page of events, and what is wrong with lines.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use memchr::memchr_iter;

use super::accounts::{Accounts, NamedAccount};
use super::blocks::{BLOCK, LONGEST_LINE, LineBlock};
use super::judge::{Judge, Judgement};
use super::line::{EventInLine, LineContent, LineParser, RefusedLine};
use super::{FileQuery, LineSearch};
use crate::event::{Event, Stream};
use crate::page::{EventOrigin, Next, Page, Reading, Selected, Span};
use crate::size;

/// How many bytes of texts that replace events a block has before its other events are left to be asked about later:
/// a filter may make more of events than they are.
const MOST_INSTEAD: usize = 4 * BLOCK;

/// What a block holds.
#[derive(Debug)]
pub(super) struct ParsedBlock {
    /// Its events.
    pub(super) page: Page,
    /// How many lines it has.
    pub(super) lines: u64,
    /// How many of them were passed over.
    pub(super) passed: u64,
    /// How many events were left out as unwanted.
    pub(super) unwanted: u64,
    /// The lines that are refused.
    pub(super) refused: Option<RefusedLines>,
}

/// Refused lines of a block.
#[derive(Debug)]
pub(super) struct RefusedLines {
    /// The number of the first, counted from 0 in the block.
    pub(super) first: u64,
    /// Why it is refused.
    pub(super) why: String,
    /// How many there are.
    pub(super) count: u64,
}

/// Reads blocks; one a thread.
#[derive(Debug)]
pub(super) struct BlockParser {
    streams: Vec<Stream>,
    fallback: Option<Stream>,
    search: Option<LineSearch>,
    judge: Option<Box<dyn Judge>>,
    now: DateTime<Utc>,
    parser: LineParser,
    accounts: NamedAccount,
}

/// A block being read.
struct BlockInHand<'a> {
    bytes: &'a [u8],
    named: Option<Stream>,
    spans: Vec<Span>,
    origins: Vec<EventOrigin>,
    /// What events are replaced by, and where it will lie in the page's body.
    instead: Vec<u8>,
    instead_at: usize,
    passed: u64,
    unwanted: u64,
    refused: Option<RefusedLines>,
    breaks_lines: bool,
}

impl BlockParser {
    pub(super) fn new(query: &FileQuery, accounts: &Arc<Accounts>) -> Self {
        BlockParser {
            streams: query.streams.clone(),
            fallback: query.fallback,
            search: query.search.clone(),
            judge: query.judge.as_deref().map(Judge::another),
            now: query.now,
            parser: LineParser::default(),
            accounts: NamedAccount::new(accounts),
        }
    }

    /// Reads a block of a file whose name says the stream `named`.
    pub(super) fn parse(&mut self, block: LineBlock, named: Option<Stream>) -> ParsedBlock {
        let LineBlock { mut bytes, end, is_too_long } = block;
        let mut hand = BlockInHand {
            bytes: &bytes[..end],
            named,
            spans: Vec::new(),
            origins: Vec::new(),
            instead: Vec::new(),
            instead_at: bytes.len(),
            passed: 0,
            unwanted: 0,
            refused: None,
            breaks_lines: false,
        };
        let lines = if is_too_long {
            hand.refuse(0, &RefusedLine(format!("longer than {}", size::show(LONGEST_LINE as u64))));
            1
        } else {
            self.read_all(&mut hand)
        };
        let BlockInHand { spans, origins, instead, passed, unwanted, refused, breaks_lines, .. } = hand;
        if !instead.is_empty() {
            bytes.extend_from_slice(&instead);
        }
        let page = Page {
            stream: origins.first().map_or(Stream::SignInAttempts, |origin| origin.stream),
            body: bytes,
            spans,
            next: Next::CaughtUp(None),
            received_at: self.now,
            has_lines: false,
            origins,
        };
        let page = if breaks_lines { page } else { page.with_lines() };
        ParsedBlock { page, lines, passed, unwanted, refused }
    }

    /// Reads every line; gives their number.
    fn read_all(&mut self, block: &mut BlockInHand<'_>) -> u64 {
        let (mut start, mut number) = (0, 0);
        let search = self.search.take();
        let mut texts = match &search {
            Some(LineSearch::Texts(texts)) => Some(texts.start(block.bytes)),
            _ => None,
        };
        for end in memchr_iter(b'\n', block.bytes) {
            let line = start..end;
            let may_hold = match (&search, &mut texts) {
                (Some(LineSearch::Values(values)), _) => values.may_hold(block.bytes, &line),
                (_, texts) => texts.as_mut().is_none_or(|texts| texts.may_hold(&line)),
            };
            if may_hold || !is_object(&block.bytes[line.clone()]) {
                self.line(number, line, block);
            } else {
                block.passed += 1;
            }
            (start, number) = (end + 1, number + 1);
        }
        drop(texts);
        self.search = search;
        number
    }

    fn line(&mut self, number: u64, range: Range<usize>, block: &mut BlockInHand<'_>) {
        let range = trimmed(block.bytes, range);
        if range.is_empty() {
            return;
        }
        match self.parser.parse(&block.bytes[range.clone()]) {
            Err(why) => block.refuse(number, &why),
            Ok(content) => self.take(number, range.start, content, block),
        }
    }

    /// Takes the events of a line that begins at `start`.
    fn take(&mut self, number: u64, start: usize, content: LineContent, block: &mut BlockInHand<'_>) {
        let LineContent { events, envelope, breaks_lines } = content;
        block.breaks_lines |= breaks_lines;
        for event in events {
            let EventInLine { raw, uuid, time, label, by_keys } = event;
            let Some(stream) = label.or(block.named).or(by_keys).or(self.fallback) else {
                block.refuse(number, &RefusedLine("nothing tells which stream it is of".to_owned()));
                continue;
            };
            if !self.streams.contains(&stream) {
                continue;
            }
            let part = |range: &Range<usize>| &block.bytes[start + range.start..start + range.end];
            let event = Event { stream, raw: part(&raw), uuid: uuid.as_ref().map(part), time };
            let Some(selected) = self.judged(&event, &mut block.instead, block.instead_at) else {
                block.unwanted += 1;
                continue;
            };
            let moved = |range: Range<usize>| start + range.start..start + range.end;
            block.spans.push(Span { raw: moved(raw), uuid: uuid.map(moved), time });
            let received_at = envelope.as_ref().and_then(|envelope| envelope.received_at);
            let account = envelope.as_ref().map_or(0, |envelope| self.accounts.number_of(envelope));
            let read = Reading { received_at: received_at.unwrap_or(self.now), account };
            block.origins.push(EventOrigin { stream, reading: read, selected });
        }
    }

    /// What the filter makes of an event, where it is asked here; none for an unwanted one. What replaces it is
    /// appended to `instead`, which will lie at `instead_at`.
    fn judged(&mut self, event: &Event<'_>, instead: &mut Vec<u8>, instead_at: usize) -> Option<Selected> {
        let Some(judge) = self.judge.as_mut().filter(|_| instead.len() < MOST_INSTEAD) else {
            return Some(Selected::Open);
        };
        let start = instead_at + instead.len();
        match judge.judge(event, instead) {
            Judgement::Unwanted => None,
            Judgement::Wanted => Some(Selected::AsItIs),
            Judgement::Replaced => Some(Selected::Instead { start, end: instead_at + instead.len() }),
            Judgement::Open => Some(Selected::Open),
        }
    }
}

impl BlockInHand<'_> {
    fn refuse(&mut self, number: u64, why: &RefusedLine) {
        let refused =
            self.refused.get_or_insert_with(|| RefusedLines { first: number, why: why.0.clone(), count: 0 });
        refused.count += 1;
    }
}

/// Whether a line begins and ends as an object does: what was cut off does not.
fn is_object(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.first() == Some(&b'{') && line.last() == Some(&b'}')
}

/// The part of a line without space around it, and without a byte order mark, which files that were put together
/// have in their midst.
fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let line = &bytes[range.clone()];
    let mut start = line.len() - line.trim_ascii_start().len();
    if line[start..].starts_with(b"\xef\xbb\xbf") {
        start += 3;
    }
    let end = line.trim_ascii_end().len();
    range.start + start.min(end)..range.start + end
}
