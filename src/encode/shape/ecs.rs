//! The Elastic Common Schema, as Elastic's own integration for 1Password fills it (ECS 8.11).
//!
//! What has no field in ECS stands below `onepassword`, where that integration keeps it too. Without GeoIP
//! the place is the one that the event names. A time that cannot be read leaves `@timestamp`, which every
//! document needs, to the time of reading.

use std::borrow::Cow;

use super::object_writer::{ObjectWriter, object};
use super::shaped_event::{ShapedEvent, ShapedUser, iso_millis};
use crate::event::Stream;

const VERSION: &str = "8.11.0";

/// Appends the document.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let members = &event.members;
    let time = iso_millis(event.time());
    let user = match event.stream() {
        // The uuid inside the actor's object stays there.
        Stream::AuditEvents if !members.peek("actor_uuid").is_empty() => ShapedUser {
            uuid: members.text("actor_uuid"),
            name: members.text("actor_details.name"),
            email: members.text("actor_details.email"),
        },
        _ => event.actor(),
    };
    let address = event.address();
    object(out, |w| {
        w.text("@timestamp", &time);
        w.object("ecs", |w| w.text("version", VERSION));
        let tags = &event.context.options.tags;
        let texts: Vec<String> = tags.iter().map(ToString::to_string).collect();
        w.texts("tags", texts.iter().map(String::as_str));
        w.object("labels", |w| {
            // A dot would make an object of it.
            tags.iter().for_each(|tag| w.text(&tag.key.replace('.', "_"), &tag.value));
        });
        w.object("event", |w| write_event(event, w));
        w.object("user", |w| {
            w.text("id", &user.uuid);
            w.text("name", &user.name);
            w.text("full_name", &user.name);
            w.text("email", &user.email);
        });
        w.object("host", |w| {
            w.object("os", |w| {
                w.text("name", &members.text("client.os_name"));
                w.text("version", &members.text("client.os_version"));
            });
        });
        w.object("source", |w| {
            w.text("ip", &address);
            w.object("geo", |w| write_geo(event, w));
        });
        w.object("related", |w| {
            w.texts("ip", [&*address]);
            write_related_users(event, &user, w);
        });
        w.object("onepassword", |w| {
            for (name, others) in
                [("user_type", &["user_type", "type"][..]), ("user_account_uuid", &["user_account_uuid"][..])]
            {
                if event.stream() != Stream::AuditEvents && members.get(name).is_none() {
                    let said = others.iter().map(|other| members.text((event.actor_object(), *other)));
                    w.text(name, &said.into_iter().find(|text| !text.is_empty()).unwrap_or_default());
                }
            }
            w.unused(members);
        });
    });
}

fn write_event(event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let (category, kind, dataset) = match event.stream() {
        Stream::SignInAttempts => ("authentication", "info", "1password.signin_attempts"),
        Stream::ItemUsages => ("file", "access", "1password.item_usages"),
        Stream::AuditEvents => ("configuration", "access", "1password.audit_events"),
    };
    w.text("kind", "event");
    w.texts("category", [category]);
    w.texts("type", [kind]);
    w.text("module", "1password");
    w.text("dataset", dataset);
    w.text("id", &event.members.peek("uuid"));
    w.text("created", &iso_millis(event.received_at));
    if let Some(succeeded) = event.succeeded() {
        w.text("outcome", if succeeded { "success" } else { "failure" });
    }
    w.text("action", &event.action());
}

fn write_geo(event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    let country = members.text("location.country");
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    w.text(if is_code { "country_iso_code" } else { "country_name" }, &country);
    w.text("region_name", &members.text("location.region"));
    w.text("city_name", &members.text("location.city"));
    if let Some((latitude, longitude)) = event.coordinates() {
        w.object("location", |w| {
            w.value("lat", latitude);
            w.value("lon", longitude);
        });
    }
}

/// Everybody an event concerns, each once.
fn write_related_users(event: &ShapedEvent<'_, '_>, user: &ShapedUser<'_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    let mut users = vec![user.uuid.clone(), user.email.clone(), user.name.clone()];
    if event.stream() == Stream::AuditEvents {
        let object_type = members.peek("object_type");
        let when = |is_user: bool, path| if is_user { members.peek(path) } else { Cow::Borrowed("") };
        users = vec![
            user.name.clone(),
            user.uuid.clone(),
            when(object_type == "user", "object_uuid"),
            when(matches!(&*object_type, "gm" | "device" | "uva"), "aux_uuid"),
        ];
    }
    let is_first = |index: usize| !users[..index].contains(&users[index]);
    w.texts("user", (0..users.len()).filter(|index| is_first(*index)).map(|index| &*users[index]));
}
