//! Microsoft Sentinel: a row of the table `OnePasswordEventLogs_CL`, or what its data collection rule reads.
//!
//! Both have a column for every documented field. What is no column, or has a type that its column cannot
//! hold, stands in `unmapped`: the rule drops it until somebody adds that column.

use std::borrow::Cow;

use chrono::DateTime;
use memchr::memmem;

use super::object_writer::{ObjectWriter, object};
use super::shaped_event::{ShapedEvent, iso_millis};
use crate::event::{Event, Stream};
use crate::facts::{MemberBuffer, MemberValue, text_of};

/// The type of a column.
#[derive(Clone, Copy, Debug)]
enum ColumnType {
    Text,
    Number,
    Time,
    Dynamic,
}

use ColumnType::{Dynamic, Number, Text, Time};

/// The fields that have a column of their own name; two of them have another one in the table.
const COLUMNS: &[(&str, ColumnType)] = &[
    ("uuid", Text),
    ("session_uuid", Text),
    ("timestamp", Time),
    ("country", Text),
    ("category", Text),
    ("type", Text),
    ("details", Dynamic),
    ("target_user", Dynamic),
    ("client", Dynamic),
    ("location", Dynamic),
    ("actor_uuid", Text),
    ("actor_details", Dynamic),
    ("actor_type", Text),
    ("actor_account_uuid", Text),
    ("account_uuid", Text),
    ("user_type", Text),
    ("user_account_uuid", Text),
    ("action", Text),
    ("object_type", Text),
    ("object_uuid", Text),
    ("object_details", Dynamic),
    ("aux_id", Number),
    ("aux_uuid", Text),
    ("aux_details", Dynamic),
    ("aux_info", Text),
    ("session", Dynamic),
    ("used_version", Number),
    ("vault_uuid", Text),
    ("item_uuid", Text),
    ("user", Dynamic),
];

/// Appends a row of the table.
pub(super) fn write_row(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    object(out, |w| {
        w.text("TimeGenerated", &iso_millis(event.received_at));
        w.text("log_source", event.stream().name());
        let in_table = |name| match name {
            "uuid" => "uuid_s",
            "type" => "action_type",
            other => other,
        };
        write_columns(event, in_table, w);
    });
}

/// Appends what the rule reads.
pub(super) fn write_stream(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    object(out, |w| write_columns(event, |name| name, w));
}

/// A warning, where a number is too large for the 32 bits of its column.
pub(super) fn warning(event: &Event<'_>) -> Option<String> {
    memmem::find(event.raw, b"\"aux_id\"")?;
    let (text, mut buffer) = (text_of(event.raw), MemberBuffer::default());
    let value = buffer.read(&text).get("aux_id")?;
    let is_larger = is_integer(value) && value.text().parse::<i32>().is_err();
    is_larger.then(|| {
        "the aux_id of an event is larger than the 32 bits of its column in Sentinel, which may leave it empty; \
         it is whole in this output"
            .to_owned()
    })
}

fn write_columns(
    event: &ShapedEvent<'_, '_>,
    column_name: impl Fn(&'static str) -> &'static str,
    w: &mut ObjectWriter<'_>,
) {
    let members = &event.members;
    for &(name, column_type) in COLUMNS {
        let Some(value) = members.get(name) else {
            if let "user_type" | "user_account_uuid" = name {
                w.text(name, &hoisted(event, name));
            }
            continue;
        };
        let is_plain = !value.is_nested();
        let is_null = value.is_null();
        let fits = match column_type {
            Text => is_plain,
            Number => is_null || is_integer(value),
            Time => is_null || DateTime::parse_from_rfc3339(&value.text()).is_ok(),
            Dynamic => true,
        };
        if !fits {
            continue;
        }
        members.mark(name);
        match column_type {
            Text if !value.is_string() && !is_null => w.text(column_name(name), &value.text()),
            _ => w.value(column_name(name), value),
        }
    }
    w.object("unmapped", |w| w.unused(members));
}

/// What a user's object says of their type and account, which has columns of its own.
fn hoisted<'a>(event: &ShapedEvent<'_, 'a>, name: &str) -> Cow<'a, str> {
    let user = match event.stream() {
        Stream::AuditEvents => return Default::default(),
        _ => event.actor_object(),
    };
    let said = event.members.peek((user, name));
    if said.is_empty() && name == "user_type" { event.members.peek((user, "type")) } else { said }
}

fn is_integer(value: MemberValue<'_>) -> bool {
    let digits = value.json().strip_prefix('-').unwrap_or(value.json());
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
