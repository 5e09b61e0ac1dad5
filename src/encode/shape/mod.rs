//! What an event looks like to the program that reads it: one object or line a shape, one file each.
//!
//! A shape is a pure function from an event to bytes: no I/O, no clock, no state. Adding one is a file
//! here, one arm below and one row of the [registry](super::registry). What a schema has no place for is
//! not lost: each shape has a place for it. Labels come from the event's stream, never from its fields.

mod cef;
mod datadog;
mod dnif;
mod ecs;
mod envelope;
mod leef;
mod log_line;
mod object_writer;
mod ocsf;
mod options;
mod raw;
mod sentinel;
mod shaped_event;
mod splunk;
mod sumo;

#[cfg(test)]
mod strict_parser;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::options::{InvalidUtf8, OcsfVersion, ShapeOptions, Tag};
use self::shaped_event::ShapedEvent;
use super::Redaction;
pub(super) use super::registry::Shape;
use crate::event::Event;
use crate::facts::{MemberBuffer, Names, text_of};

/// The context of an event that a shape may add.
#[derive(Clone, Debug, Default)]
pub struct EventContext {
    /// The profile.
    pub profile: String,
    /// The account, when the token or the service named it.
    pub account_uuid: Option<String>,
    /// The service's host.
    pub host: String,
    /// The names of uuids, for what is made for people.
    pub names: Arc<Names>,
    /// Whether the envelope has them too.
    pub adds_names: bool,
    /// What the run adds to the event.
    pub options: ShapeOptions,
    /// Which values do not go out.
    pub redaction: Arc<Redaction>,
}

impl Shape {
    /// Appends the event's text, on one line and without a line break at its end.
    pub(super) fn write(
        self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        buffer: &mut MemberBuffer,
        out: &mut Vec<u8>,
    ) {
        match self {
            Shape::Raw => return raw::write(event, out),
            Shape::Envelope => return envelope::write(event, context, received_at, buffer, out),
            _ => {}
        }
        let text = text_of(event.raw);
        let shaped = &ShapedEvent { event, members: buffer.read(&text), context, received_at };
        match self {
            Shape::Raw | Shape::Envelope => {}
            Shape::Ecs => ecs::write(shaped, out),
            Shape::Ocsf => ocsf::write(shaped, out),
            Shape::Datadog => datadog::write(shaped, out),
            Shape::Sentinel => sentinel::write_row(shaped, out),
            Shape::SentinelStream => sentinel::write_stream(shaped, out),
            Shape::Splunk => splunk::write(shaped, out),
            Shape::Sumo => sumo::write(shaped, out),
            Shape::Cef => cef::write(shaped, out),
            Shape::Leef => leef::write(shaped, out),
            Shape::Dnif => dnif::write(shaped, out),
        }
    }

    /// What a person should be told of an event that its reader cannot hold whole.
    pub(super) fn warning(self, event: &Event<'_>) -> Option<String> {
        match self {
            Shape::Sentinel | Shape::SentinelStream => sentinel::warning(event),
            _ => None,
        }
    }
}
