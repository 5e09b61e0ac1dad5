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
    /// Other JSON texts come instead of it.
    Replaced,
    /// It has to be asked about later, in the order of the events.
    Open,
}

/// Is asked about one event after the other, on one thread.
pub trait Judge: fmt::Debug + Send {
    /// Whether the event is wanted. What it is replaced by is appended to `instead`, each text with a line break
    /// behind it; texts have none within.
    fn judge(&mut self, event: &Event<'_>, instead: &mut Vec<u8>) -> Judgement;

    /// One of the same kind, for another thread.
    fn another(&self) -> Box<dyn Judge>;
}
