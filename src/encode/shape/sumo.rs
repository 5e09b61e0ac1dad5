//! A log of Sumo Logic, as its 1Password source hands it on: the event untouched, and the fields that route
//! it to Cloud SIEM. Where nothing is to stand beside the event, it is the event alone.

use super::Shape;
use super::object_writer::{object, write_value};
use super::shaped_event::ShapedEvent;
use crate::event::Stream;

/// Appends the log.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let kind = match event.stream() {
        Stream::SignInAttempts => "signin",
        Stream::ItemUsages => "item_usage",
        Stream::AuditEvents => "audit",
    };
    let action = event.action();
    let options = &event.context.options;
    if options.no_siem_metadata && options.describe(Shape::Sumo) == "no SIEM metadata" {
        return write_value(event.members.item(), out);
    }
    object(out, |w| {
        w.object("fields", |w| {
            if !options.no_siem_metadata {
                w.text("_siemForward", "true");
                w.text("_siemVendor", "1Password");
                w.text("_siemProduct", "1Password");
                w.text("_siemFormat", "JSON");
                w.text("_siemParser", "/Parsers/System/1Password/1Password");
                let id = if action.is_empty() { kind.to_owned() } else { format!("{kind}-{action}") };
                w.text("_siemEventID", &id);
            }
            w.text("_sourceCategory", options.category.as_deref().unwrap_or_default());
            w.text("_sourceName", options.source_name.as_deref().unwrap_or_default());
            options.tags.iter().for_each(|tag| w.text(&tag.key, &tag.value));
        });
        write_value(event.members.item(), w.key("log"));
    });
}
