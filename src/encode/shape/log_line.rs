//! What CEF and LEEF say of an event, before either spells it: the header's words and pairs of keys and
//! values. What has no key of its own goes into one more, as JSON.

use std::borrow::Cow;

use super::object_writer::object;
use super::shaped_event::ShapedEvent;
use crate::event::Stream;

/// Room for the line of most events.
pub(super) const LENGTH: usize = 1536;

/// A line of a log, in the words of both.
#[derive(Debug)]
pub(super) struct LogLine<'a> {
    /// The kind of event, by stream and code.
    pub(super) signature: String,
    /// The same for people.
    pub(super) name: String,
    /// From 0 to 10.
    pub(super) severity: u8,
    /// Milliseconds since 1970.
    pub(super) millis: Option<i64>,
    pub(super) address: Cow<'a, str>,
    pub(super) user: Cow<'a, str>,
    pub(super) user_uuid: Cow<'a, str>,
    pub(super) target: Cow<'a, str>,
    pub(super) target_uuid: Cow<'a, str>,
    pub(super) action: Cow<'a, str>,
    pub(super) outcome: &'static str,
    pub(super) reason: Cow<'a, str>,
    /// Values of the numbered custom fields.
    pub(super) custom: [(&'static str, Cow<'a, str>); 6],
    pub(super) uuid: Cow<'a, str>,
}

impl<'a> LogLine<'a> {
    /// Takes from the event what both formats have a key for.
    pub(super) fn new(event: &ShapedEvent<'_, 'a>) -> Self {
        let members = &event.members;
        let millis = event.event.time.map(|_| event.time().timestamp_millis());
        let action = event.action();
        let (kind, word) = match event.stream() {
            Stream::SignInAttempts => ("signin", "Sign-in"),
            Stream::ItemUsages => ("item_usage", "Item usage"),
            Stream::AuditEvents => ("audit", "Audit"),
        };
        let object_type = members.text("object_type");
        let parts =
            if event.stream() == Stream::AuditEvents { [&*action, &*object_type] } else { [&*action, ""] };
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let joined = |first: &str, between: &str| [&[first][..], &parts].concat().join(between);
        let actor = event.actor_object();
        let uuid = if event.stream() == Stream::AuditEvents { "actor_uuid" } else { "" };
        let is_object = members.peek("aux_details.email").is_empty();
        let target = if is_object { "object_details" } else { "aux_details" };
        LogLine {
            signature: joined(kind, "-"),
            name: joined(word, " "),
            severity: severity(event, &action),
            millis,
            address: event.address(),
            user: members.text((actor, "email")),
            user_uuid: event.first_uuid(uuid, actor),
            target: members.text((target, "email")),
            target_uuid: members.text((target, "uuid")),
            outcome: match event.succeeded() {
                Some(true) => "success",
                Some(false) => "failure",
                None => "",
            },
            action,
            reason: if event.stream() == Stream::SignInAttempts { members.text("type") } else { "".into() },
            custom: [
                ("vault_uuid", members.text("vault_uuid")),
                ("item_uuid", members.text("item_uuid")),
                ("object_type", object_type),
                ("object_uuid", members.text("object_uuid")),
                ("aux_info", members.text("aux_info")),
                ("account_uuid", members.text("account_uuid")),
            ],
            uuid: members.text("uuid"),
        }
    }
}

/// What nobody used of the event, as JSON; empty for nothing.
pub(super) fn unmapped(event: &ShapedEvent<'_, '_>) -> String {
    let mut json = Vec::with_capacity(512);
    object(&mut json, |w| w.unused(&event.members));
    match json.len() {
        // Brackets with nothing in them.
        2 => String::new(),
        // What is written is text.
        _ => String::from_utf8(json).unwrap_or_default(),
    }
}

fn severity(event: &ShapedEvent<'_, '_>, action: &str) -> u8 {
    match (event.stream(), action) {
        (Stream::SignInAttempts, "firewall_failed") => 7,
        (Stream::SignInAttempts, _) if event.succeeded() == Some(false) => 5,
        (Stream::SignInAttempts, _) => 3,
        (Stream::ItemUsages, "export") => 6,
        (Stream::ItemUsages, _) => 3,
        (Stream::AuditEvents, "export" | "disblmfa" | "disblsso") => 7,
        (Stream::AuditEvents, _) => 4,
    }
}

/// Appends a text with a backslash before the special characters, and line breaks spelled; other control
/// characters, which no reader of lines expects, become spaces.
pub(super) fn escaped<const N: usize>(text: &str, special: [char; N], out: &mut String) {
    let is_plain = |byte: u8| {
        let is_special = special.iter().fold(false, |found, c| found | (u32::from(byte) == *c as u32));
        (byte.wrapping_sub(b' ') < 0x5f) & (byte != b'\\') & !is_special
    };
    // Nearly all values are plain, and many bytes are compared at once where all are.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        return out.push_str(text);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        let mut chars = rest[plain..].chars();
        let Some(c) = chars.next() else { return };
        rest = chars.as_str();
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if special.contains(&c) => out.extend(['\\', c]),
            c if c.is_control() && c != '\t' => out.push(' '),
            c => out.push(c),
        }
    }
}
