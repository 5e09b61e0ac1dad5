//! A log of Datadog's intake, with its standard attributes.
//!
//! The event stands whole in `message`, so that nothing is lost; beside it stand the attributes that
//! Datadog's own 1Password rules ask for, and the event's fields under their own names.

use super::object_writer::object;
use super::shaped_event::ShapedEvent;
use crate::event::Stream;
use crate::facts::MemberValue;

/// The fields that keep their names.
const OWN_NAMES: &[&str] = &[
    "uuid",
    "session_uuid",
    "account_uuid",
    "type",
    "category",
    "action",
    "country",
    "details",
    "client",
    "session",
    "item_uuid",
    "vault_uuid",
    "used_version",
    "object_type",
    "object_uuid",
    "aux_id",
    "aux_uuid",
    "aux_info",
];

/// Appends the log.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let members = &event.members;
    let kind = match event.stream() {
        Stream::SignInAttempts => "1password-signin-attempts",
        Stream::ItemUsages => "1password-item-usages",
        Stream::AuditEvents => "1password-audit-events",
    };
    let profile = event.context.profile.replace([',', ' '], "_");
    let user = event.actor();
    object(out, |w| {
        w.text("ddsource", "1password");
        w.text("service", "1password");
        w.text("hostname", &event.context.host);
        let stream = event.stream().name();
        let mut tags = format!("source:1password,log_type:{stream},profile:{profile}");
        for tag in &event.context.options.tags {
            tags += &format!(",{}", tag.to_string().replace(' ', "_"));
        }
        w.text("ddtags", &tags);
        if let Some(time) = event.event.time {
            w.number("timestamp", time.timestamp_millis());
        }
        w.object("evt", |w| {
            w.text("name", &event.action());
            w.text("type", kind);
            if let Some(succeeded) = event.succeeded() {
                w.text("outcome", if succeeded { "success" } else { "failure" });
            }
        });
        w.object("usr", |w| {
            w.text("id", &user.uuid);
            w.text("name", &user.name);
            w.text("email", &user.email);
        });
        w.object("network", |w| {
            w.object("client", |w| {
                w.text("ip", &event.address());
                w.object("geoip", |w| {
                    for (place, path) in [
                        ("country", "location.country"),
                        ("subdivision", "location.region"),
                        ("city", "location.city"),
                    ] {
                        w.object(place, |w| w.text("name", &members.text(path)));
                    }
                });
            });
        });
        for name in OWN_NAMES {
            if let Some(value) = members.get(*name).filter(|value| !says_nothing(*value)) {
                w.value(name, value);
            }
        }
        w.text("message", &members.item().compact());
    });
}

fn says_nothing(value: MemberValue<'_>) -> bool {
    matches!(value.json(), "null" | "\"\"")
}
