//! The JSON text of a seeded event, whichever stream it is of.

use super::event_store::EventStore;
use super::options::ApiForm;
use super::{audits, signins, usages};
use crate::event::Stream;

/// Appends an event's JSON text.
pub(super) fn write(store: &EventStore, stream: Stream, number: u64, form: ApiForm, out: &mut Vec<u8>) {
    let draft = store.event(stream, number, form);
    match stream {
        Stream::SignInAttempts => signins::write(draft, out),
        Stream::ItemUsages => usages::write(draft, out),
        Stream::AuditEvents => audits::write(store, draft, out),
    }
}
