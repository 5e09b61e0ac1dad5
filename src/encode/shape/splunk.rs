//! An event of Splunk's HTTP Event Collector: the item as 1Password's own add-on for Splunk expects it, with
//! the names of the Common Information Model as indexed fields beside it.
//!
//! The item has no space between tokens: the add-on finds its time by the text `"timestamp":"`. Only a
//! category that is `success` is a success there.

use super::object_writer::{object, write_value};
use super::shaped_event::ShapedEvent;
use crate::event::Stream;

/// Field names, and where each stream has their values.
type FieldPaths = &'static [(&'static str, &'static [&'static str])];

const SIGN_IN: FieldPaths = &[
    ("user", &["target_user.uuid"]),
    ("user_name", &["target_user.email"]),
    ("app", &["client.app_name"]),
    ("src", &["client.ip_address", "client.ip"]),
    ("signature_id", &["uuid"]),
    ("reason", &["type"]),
];

const ITEM_USAGE: FieldPaths = &[
    ("action", &["action"]),
    ("user", &["user.uuid"]),
    ("user_name", &["user.email"]),
    ("app", &["client.app_name"]),
    ("vendor_product", &["client.app_name"]),
    ("src", &["client.ip_address", "client.ip"]),
    ("object_id", &["item_uuid"]),
    ("object_path", &["vault_uuid"]),
    ("result_id", &["uuid"]),
];

const AUDIT: FieldPaths = &[
    ("action", &["action"]),
    ("user", &["actor_uuid", "actor_details.uuid"]),
    ("user_name", &["actor_details.email"]),
    ("src", &["session.ip"]),
    ("object_id", &["object_uuid"]),
    ("object_category", &["object_type"]),
    ("result_id", &["uuid"]),
];

/// Appends the event.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let (sourcetype, paths) = match event.stream() {
        Stream::SignInAttempts => ("1password:insights:signin_attempts", SIGN_IN),
        Stream::ItemUsages => ("1password:insights:item_usages", ITEM_USAGE),
        Stream::AuditEvents => ("1password:insights:audit_events", AUDIT),
    };
    object(out, |w| {
        if let Some(time) = event.event.time {
            let millis = time.timestamp_millis();
            w.number("time", format_args!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000)));
        }
        w.text("host", &event.context.host);
        w.text("source", "opev");
        w.text("sourcetype", sourcetype);
        w.object("fields", |w| {
            let category = event.members.peek("category");
            if event.stream() == Stream::SignInAttempts && !category.is_empty() {
                w.text("action", if category == "success" { "success" } else { "failure" });
            }
            for (name, paths) in paths {
                w.text(name, &event.members.first(paths));
            }
            w.text("profile", &event.context.profile);
            for tag in &event.context.options.tags {
                let is_taken = matches!(&*tag.key, "action" | "profile")
                    || [SIGN_IN, ITEM_USAGE, AUDIT].concat().iter().any(|(name, _)| *name == tag.key);
                w.text(&format!("{}{}", if is_taken { "tag_" } else { "" }, tag.key), &tag.value);
            }
        });
        write_value(event.members.item(), w.key("event"));
    });
}
