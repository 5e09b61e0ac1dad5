//! The Open Cybersecurity Schema Framework, 1.8.0 or another version in which the same attributes are valid.
//!
//! Sign-ins are Authentication, item usages Entity Management, audit events what their object makes of
//! them. An event without what its class requires is a Base Event, with all of it in `unmapped`: nothing is
//! invented to make it fit. A time that cannot be read leaves `time`, which is required, to the time of
//! reading.

use super::object_writer::{ObjectWriter, object};
use super::shaped_event::{ShapedEvent, millis_of};
use crate::event::Stream;

const BASE_EVENT: u32 = 0;
const ACCOUNT_CHANGE: u32 = 3001;
const AUTHENTICATION: u32 = 3002;
const ENTITY_MANAGEMENT: u32 = 3004;
const USER_ACCESS: u32 = 3005;
const GROUP_MANAGEMENT: u32 = 3006;

/// An action that its class has no number for.
const OTHER: u32 = 99;

/// Details that this schema has no attribute for and that are left out on purpose.
const LEFT_OUT: &[&str] = &[
    "client.app_version",
    "client.platform_name",
    "client.platform_version",
    "target_user.user_type",
    "target_user.type",
    "target_user.user_account_uuid",
    "user.user_type",
    "user.type",
    "user.user_account_uuid",
];

/// Appends the event.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let (class, activity) = class(event);
    let members = &event.members;
    let time = event.time().timestamp_millis();
    object(out, |w| {
        w.number("class_uid", class);
        w.number("category_uid", if class == BASE_EVENT { 0 } else { 3 });
        w.number("activity_id", activity);
        if activity == OTHER {
            w.text("activity_name", &members.peek(event.action_path()));
        }
        w.number("type_uid", class * 100 + activity);
        w.number("severity_id", 1);
        w.number("time", time);
        write_status(event, class, w);
        w.object("metadata", |w| write_metadata(event, w));
        if class != BASE_EVENT {
            w.object("actor", |w| write_actor(event, w));
            write_place(event, w);
            write_subject(event, class, w);
            LEFT_OUT.iter().for_each(|path| drop(members.text(*path)));
        }
        w.object("unmapped", |w| {
            if class != BASE_EVENT {
                w.text("session_device_uuid", &members.text("session.device_uuid"));
            }
            w.unused(members);
        });
    });
}

/// The class of an event and the number of what was done in it.
fn class(event: &ShapedEvent<'_, '_>) -> (u32, u32) {
    let members = &event.members;
    let says = |paths: &[&str]| paths.iter().any(|path| !members.peek(*path).is_empty());
    let action = members.peek("action");
    let (class, activity, is_whole) = match event.stream() {
        Stream::SignInAttempts => (AUTHENTICATION, 1, says(&["target_user.uuid", "target_user.name"])),
        Stream::ItemUsages => {
            let activity = match &*action {
                "reveal" | "secure-copy" | "fill" | "server-fetch" => 2,
                "server-create" => 1,
                "server-update" => 3,
                _ => OTHER,
            };
            (ENTITY_MANAGEMENT, activity, says(&["item_uuid"]))
        }
        Stream::AuditEvents => {
            let (class, activity) = audit_class(&members.peek("object_type"), &action);
            let is_whole = match class {
                ACCOUNT_CHANGE => says(&["object_details.uuid", "object_details.name", "object_uuid"]),
                USER_ACCESS => says(&["aux_details.uuid", "aux_details.name", "aux_uuid"]),
                GROUP_MANAGEMENT => says(&[group_path(event)]),
                _ => says(&["object_uuid", "account_uuid"]),
            };
            (class, activity, is_whole)
        }
    };
    match (is_whole, activity, says(&[event.action_path()])) {
        (false, ..) => (BASE_EVENT, 0),
        // Nobody said what was done.
        (true, OTHER, false) => (class, 0),
        (true, activity, _) => (class, activity),
    }
}

fn audit_class(object_type: &str, action: &str) -> (u32, u32) {
    match object_type {
        "user" => {
            let activity = match action {
                "create" => 1,
                "activate" | "reactive" => 2,
                "changemp" => 3,
                "suspend" => 5,
                "delete" => 6,
                "enblmfa" => 10,
                "disblmfa" => 11,
                _ => OTHER,
            };
            (ACCOUNT_CHANGE, activity)
        }
        "gm" => (GROUP_MANAGEMENT, [("join", 3), ("leave", 4)].of(action)),
        "group" => (GROUP_MANAGEMENT, [("create", 6), ("delete", 5)].of(action)),
        "gva" => (GROUP_MANAGEMENT, [("grant", 1), ("revoke", 2)].of(action)),
        "uva" => (USER_ACCESS, [("grant", 1), ("revoke", 2)].of(action)),
        _ => {
            let activity = match action {
                "create" => 1,
                "view" => 2,
                "update" | "updatea" | "patch" | "updatfw" => 3,
                "delete" | "purge" => 4,
                _ => OTHER,
            };
            (ENTITY_MANAGEMENT, activity)
        }
    }
}

/// Numbers of a few actions.
trait ActivityNumbers {
    fn of(&self, action: &str) -> u32;
}

impl<const N: usize> ActivityNumbers for [(&str, u32); N] {
    fn of(&self, action: &str) -> u32 {
        self.iter().find(|(known, _)| *known == action).map_or(OTHER, |(_, number)| *number)
    }
}

fn group_path(event: &ShapedEvent<'_, '_>) -> &'static str {
    if event.members.peek("object_type") == "gva" { "aux_uuid" } else { "object_uuid" }
}

fn write_status(event: &ShapedEvent<'_, '_>, class: u32, w: &mut ObjectWriter<'_>) {
    let is_sign_in = event.stream() == Stream::SignInAttempts;
    let status = match event.succeeded() {
        Some(true) => ("Success", 1),
        Some(false) => ("Failure", 2),
        None if is_sign_in || class == BASE_EVENT => return,
        None => ("Success", 1),
    };
    w.text("status", status.0);
    w.number("status_id", status.1);
    if is_sign_in {
        w.text("status_code", &event.members.text("type"));
        w.text("status_detail", &event.action());
    }
}

fn write_metadata(event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    w.text("version", event.context.options.ocsf_version.name());
    w.object("product", |w| {
        w.text("name", "1Password");
        w.text("vendor_name", "1Password");
        w.object("feature", |w| w.text("name", "Events API"));
    });
    w.text("uid", &members.text("uuid"));
    w.text("log_name", event.stream().name());
    w.text("event_code", &event.action());
    w.text("original_time", &members.text("timestamp"));
    w.text("tenant_uid", &members.text("account_uuid"));
    let labels: Vec<String> = event.context.options.tags.iter().map(ToString::to_string).collect();
    w.texts("labels", labels.iter().map(String::as_str));
}

fn write_actor(event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    w.text("app_name", &members.text("client.app_name"));
    if event.stream() == Stream::SignInAttempts {
        return;
    }
    let uuid = if event.stream() == Stream::AuditEvents { "actor_uuid" } else { "" };
    write_user(event.actor_object(), uuid, event, w);
    members.text(uuid);
    if !members.peek("session.uuid").is_empty() {
        w.object("session", |w| {
            w.text("uid", &members.text("session.uuid"));
            if let Some(millis) = millis_of(&members.peek("session.login_time")) {
                members.mark("session.login_time");
                w.number("created_time", millis);
            }
        });
    }
}

/// Writes a user who has a uuid or a name, as the schema wants; another one stays in the rest. Of two
/// different uuids the one beside the object counts, and the other one stays.
fn write_user(object: &str, uuid_beside: &str, event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    let uuid_path = (object, "uuid");
    let (own, beside) = (members.peek(uuid_path), members.peek(uuid_beside));
    if own.is_empty() && beside.is_empty() && members.peek((object, "name")).is_empty() {
        return;
    }
    if own == beside || beside.is_empty() {
        members.text(uuid_path);
    }
    w.object("user", |w| {
        w.text("uid", if beside.is_empty() { &own } else { &beside });
        w.text("name", &members.text((object, "name")));
        let email_path = (object, "email");
        if is_email_address(&members.peek(email_path)) {
            w.text("email_addr", &members.text(email_path));
        }
    });
}

/// Whether the schema's pattern of an e-mail address fits; quotes and other alphabets do not.
fn is_email_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((first, rest)) = domain.split_once('.') else { return false };
    let is_word = |text: &str, may_have: fn(u8) -> bool| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || may_have(byte))
    };
    let in_local =
        |byte| matches!(byte, b'!' | b'#'..=b'\'' | b'*'..=b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~');
    is_word(local, in_local)
        && is_word(first, |byte| byte == b'-')
        && is_word(rest, |byte| matches!(byte, b'-' | b'.'))
}

fn write_place(event: &ShapedEvent<'_, '_>, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    let address = event.address();
    if address.is_empty() {
        return;
    }
    w.object("src_endpoint", |w| {
        w.text("ip", &address);
        let system = members.text("client.os_name");
        if !system.is_empty() {
            w.object("os", |w| {
                let number = os_number(&system);
                w.text("name", &system);
                w.number("type_id", number);
                if number == OTHER {
                    w.text("type", &system);
                }
                w.text("version", &members.text("client.os_version"));
            });
        }
        let place = ["location.country", "location.region", "location.city"];
        if place.iter().any(|path| !members.peek(*path).is_empty()) {
            w.object("location", |w| {
                w.text("country", &members.text("location.country"));
                w.text("region", &members.text("location.region"));
                w.text("city", &members.text("location.city"));
                if let Some((latitude, longitude)) = event.coordinates() {
                    w.value("lat", latitude);
                    w.value("long", longitude);
                }
            });
        }
    });
}

/// The schema's number of an operating system.
fn os_number(name: &str) -> u32 {
    let name = name.to_ascii_lowercase();
    const KNOWN: &[(&str, u32)] =
        &[("windows", 100), ("android", 201), ("linux", 200), ("ipados", 302), ("ios", 301), ("mac", 300)];
    KNOWN.iter().find(|(known, _)| name.starts_with(known)).map_or(OTHER, |(_, number)| *number)
}

/// Writes what a class is about: its user, entity, group or privileges.
fn write_subject(event: &ShapedEvent<'_, '_>, class: u32, w: &mut ObjectWriter<'_>) {
    let members = &event.members;
    let is_audit = event.stream() == Stream::AuditEvents;
    match class {
        AUTHENTICATION => {
            write_user(event.actor_object(), "", event, w);
            w.object("service", |w| w.text("name", "1Password"));
            w.object("session", |w| w.text("uid", &members.text("session_uuid")));
            w.number("is_remote", true);
            if members.peek("type") == "mfa_ok" || members.peek("category") == "mfa_failed" {
                w.number("is_mfa", true);
            }
        }
        ENTITY_MANAGEMENT if is_audit => w.object("entity", |w| {
            let uuid = members.peek("object_uuid");
            let uuid = if uuid.is_empty() { members.peek("account_uuid") } else { uuid };
            w.text("uid", &uuid);
            w.text("type", &members.peek("object_type"));
            w.number("type_id", OTHER);
        }),
        ENTITY_MANAGEMENT => w.object("entity", |w| {
            w.text("uid", &members.text("item_uuid"));
            w.text("type", "1Password Item");
            w.number("type_id", OTHER);
            w.text("version", &members.text("used_version"));
            w.object("data", |w| w.text("vault_uuid", &members.text("vault_uuid")));
        }),
        ACCOUNT_CHANGE => write_user("object_details", "object_uuid", event, w),
        USER_ACCESS => {
            let number = members.peek("aux_id");
            let privilege =
                if number.is_empty() { "vault_access".into() } else { format!("vault_access:{number}") };
            w.texts("privileges", [&*privilege]);
            let vault = members.peek("object_uuid");
            if !vault.is_empty() {
                object_list("resources", w, |w| {
                    w.text("type", "vault");
                    w.text("uid", &vault);
                });
            }
            write_user("aux_details", "aux_uuid", event, w);
        }
        GROUP_MANAGEMENT => {
            w.object("group", |w| w.text("uid", &members.peek(group_path(event))));
            if members.peek("object_type") == "gm" {
                write_user("aux_details", "aux_uuid", event, w);
            }
        }
        _ => {}
    }
}

fn object_list(key: &str, w: &mut ObjectWriter<'_>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    let out = w.key(key);
    out.push(b'[');
    object(out, write);
    out.push(b']');
}
