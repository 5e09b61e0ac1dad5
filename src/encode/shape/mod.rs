//! What an event looks like to the program that reads it: one JSON object a shape, one file each.
//!
//! A shape is a pure function from an event to bytes: no I/O, no clock, no state. Adding one is a file
//! here, one arm below and one row of the [registry](super::registry).

mod envelope;
mod raw;

use chrono::{DateTime, Utc};

pub(super) use super::registry::Shape;
use crate::event::Event;

/// The context of an event that a shape may add.
#[derive(Clone, Debug, Default)]
pub struct EventContext {
    /// The profile.
    pub profile: String,
    /// The account, when the token or the service named it.
    pub account_uuid: Option<String>,
}

impl Shape {
    /// Appends the event's JSON text, on one line and without a line break at its end.
    pub(super) fn write(
        self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        match self {
            Shape::Raw => raw::write(event, out),
            Shape::Envelope => envelope::write(event, context, received_at, out),
        }
    }
}
