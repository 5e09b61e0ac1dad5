//! Asks a filter of events on the threads that read them, so that every core takes a part of it.

use std::fmt;

use crate::event::Event;

/// What is known of an event once it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
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
    fn judge(&mut self, event: &Event<'_>) -> Judgement;

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

    pub(super) fn ask(&mut self, event: &Event<'_>) -> Judgement {
        if self.asked >= TRIED && self.open > self.asked / 2 {
            return Judgement::Open;
        }
        let verdict = self.judge.judge(event);
        self.asked += 1;
        self.open += u64::from(verdict == Judgement::Open);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    /// Gives the same answer again and again.
    #[derive(Debug)]
    struct OneAnswer(Judgement);

    impl Judge for OneAnswer {
        fn judge(&mut self, _: &Event<'_>) -> Judgement {
            self.0
        }

        fn another(&self) -> Box<dyn Judge> {
            Box::new(OneAnswer(self.0))
        }
    }

    #[test]
    fn a_judge_that_leaves_all_open_is_asked_no_more_and_one_that_decides_always() {
        let event = Event { stream: Stream::ItemUsages, raw: b"{}", uuid: None, time: None };
        for (verdict, asked) in
            [(Judgement::Open, TRIED), (Judgement::Unwanted, 1_000), (Judgement::Wanted, 1_000)]
        {
            let mut judge = JudgeAtWork::new(&OneAnswer(verdict));
            assert!((0..1_000).all(|_| judge.ask(&event) == verdict));
            assert_eq!(judge.asked, asked);
        }
    }
}
