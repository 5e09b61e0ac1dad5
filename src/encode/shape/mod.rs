//! What an event looks like to the program that reads it: one JSON object a shape, one file each.
//!
//! A shape is a pure function from an event to bytes: no I/O, no clock, no state. Adding one is a file
//! here and one arm in each match below.

mod envelope;
mod raw;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::error::{Error, ErrorKind};
use crate::event::Event;

/// The schema of an event in the output, independent of the [`Format`](super::Format).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// The item as the service sent it (P5).
    #[default]
    Raw,
    /// The raw item inside an object that says where and when it was read.
    Envelope,
}

/// What a shape may say about an event beyond the event itself.
#[derive(Clone, Debug, Default)]
pub struct EventContext {
    /// The profile that asked.
    pub profile: String,
    /// The account, when the token or the service named it.
    pub account_uuid: Option<String>,
}

impl Shape {
    /// Every shape, in the order of the help text.
    pub const ALL: [Shape; 2] = [Shape::Raw, Shape::Envelope];

    /// The shape's name on the command line and in checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Raw => "raw",
            Shape::Envelope => "envelope",
        }
    }

    /// Whether its events can be laid out in columns, as tables and CSV do.
    pub fn has_columns(self) -> bool {
        match self {
            Shape::Raw | Shape::Envelope => true,
        }
    }

    /// Whether its bytes depend on when and by which profile the event was read (P4).
    pub fn tells_reading(self) -> bool {
        match self {
            Shape::Raw => false,
            Shape::Envelope => true,
        }
    }

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

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Shape::ALL.into_iter().find(|shape| shape.name() == text).ok_or_else(|| {
            Error::new(ErrorKind::Usage, "no such shape")
                .hint(format!("there are {}", Shape::ALL.map(Shape::name).join(", ")))
        })
    }
}
