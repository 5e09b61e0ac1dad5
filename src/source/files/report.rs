//! What a reading of files has to tell: refused lines and broken files, each file once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::input::Input;
use super::worker::RefusedLines;
use crate::error::{Error, ErrorKind};

/// What was read and what was not, so far.
#[derive(Debug, Default)]
pub struct FileReport(Mutex<ReportState>);

#[derive(Debug, Default)]
struct ReportState {
    refused: Vec<Error>,
    broken: Vec<Error>,
    useless: usize,
    passed: u64,
    unwanted: u64,
}

impl FileReport {
    /// The files with lines that were left out, each a failure that names the first of them.
    pub fn take_refused(&self) -> Vec<Error> {
        std::mem::take(&mut self.state().refused)
    }

    /// The files that were not read to their end.
    pub fn take_broken(&self) -> Vec<Error> {
        std::mem::take(&mut self.state().broken)
    }

    /// How many files had nothing but refused lines.
    pub fn useless(&self) -> usize {
        self.state().useless
    }

    /// How many lines were passed over, because they hold no wanted event.
    pub fn passed(&self) -> u64 {
        self.state().passed
    }

    /// How many events were left out where they were read, because a judge did not want them.
    pub fn unwanted(&self) -> u64 {
        self.state().unwanted
    }

    pub(super) fn add_passed(&self, lines: u64, unwanted: u64) {
        let mut state = self.state();
        state.passed += lines;
        state.unwanted += unwanted;
    }

    pub(super) fn add_useless(&self) {
        self.state().useless += 1;
    }

    pub(super) fn add_refused(&self, failure: Error) {
        self.state().refused.push(failure);
    }

    pub(super) fn add_broken(&self, failure: Error) {
        self.state().broken.push(failure);
    }

    fn state(&self) -> MutexGuard<'_, ReportState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of the file at hand.
#[derive(Debug, Default)]
pub(super) struct FileLines {
    /// How many were read.
    lines: u64,
    /// Whether they are values of a document.
    is_document: bool,
    /// The number of the first refused one, from 1 on, and why.
    first: Option<(u64, String)>,
    refused: u64,
}

impl FileLines {
    /// Counts a block.
    pub(super) fn add(&mut self, lines: u64, is_document: bool, refused: Option<RefusedLines>) {
        if let Some(refused) = refused {
            self.first.get_or_insert((self.lines + refused.first + 1, refused.why));
            self.refused += refused.count;
        }
        self.lines += lines;
        self.is_document = is_document;
    }

    /// Whether every line was refused.
    pub(super) fn is_useless(&self) -> bool {
        self.refused > 0 && self.refused >= self.lines
    }

    /// The failure for its refused lines, if there are any.
    pub(super) fn failure(&self, input: &Input) -> Option<Error> {
        let (number, why) = self.first.as_ref()?;
        let unit = if self.is_document { "value" } else { "line" };
        let more = match self.refused - 1 {
            0 => String::new(),
            1 => format!("; and 1 more {unit}"),
            more => format!("; and {more} more {unit}s"),
        };
        let failure =
            Error::new(ErrorKind::Input, format!("{}, {unit} {number}: {why}{more}", input.shown()));
        Some(match why.starts_with("nothing tells") {
            true => failure.hint("say it with --stream NAME, or name the file after the stream"),
            false => failure.hint("mend or remove it; the other lines were read"),
        })
    }
}
