//! Asks a filter of events on the threads that read them, so that every core takes a part of it.

use std::fmt;

use crate::event::Event;

/// What is known of an event once it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is wanted as it is.
    Wanted,
    /// It is not wanted.
    Unwanted,
    /// It has to be asked about later, in the order of the events.
    Open,
}

/// Is asked about one event after the other, on one thread.
pub trait Judge: fmt::Debug + Send {
    /// Whether the event is wanted.
    fn judge(&mut self, event: &Event<'_>) -> Verdict;

    /// One of the same kind, for another thread.
    fn another(&self) -> Box<dyn Judge>;
}

/// A judge as it works: where nearly every answer is open it is not asked any more, because the work is done again.
#[derive(Debug)]
pub(super) struct JudgeAtWork {
    judge: Box<dyn Judge>,
    asked: u64,
    open: u64,
}

/// After so many events it is known whether a judge is of use.
const TRIED: u64 = 256;

impl JudgeAtWork {
    pub(super) fn new(judge: &dyn Judge) -> Self {
        JudgeAtWork { judge: judge.another(), asked: 0, open: 0 }
    }

    pub(super) fn ask(&mut self, event: &Event<'_>) -> Verdict {
        if self.asked >= TRIED && self.open > self.asked / 2 {
            return Verdict::Open;
        }
        let verdict = self.judge.judge(event);
        self.asked += 1;
        self.open += u64::from(verdict == Verdict::Open);
        verdict
    }
}
