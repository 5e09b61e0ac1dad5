//! ArcSight's Common Event Format: `CEF:0|vendor|product|version|signature|name|severity|key=value ...`.
//!
//! In the header `|` and `\` have a backslash before them, in values `=` and `\`, and line breaks are `\n`
//! and `\r`. What has no key stands as JSON in `OnePasswordEventsUnmapped`.

use super::log_line::{LENGTH, LogLine, escaped, unmapped};
use super::shaped_event::ShapedEvent;

/// Appends the line.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let line = LogLine::new(event);
    let app = event.members.text("client.app_name");
    let mut text = String::with_capacity(LENGTH);
    text.push_str("CEF:0|1Password|Events API|2|");
    // A line break has no spelling in the header.
    for part in [&line.signature, &line.name] {
        escaped(&part.replace(['\n', '\r'], " "), ['|'], &mut text);
        text.push('|');
    }
    text += &format!("{}|", line.severity);
    let mut is_first = true;
    let mut pair = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(if std::mem::take(&mut is_first) { "" } else { " " });
            text.push_str(key);
            text.push('=');
            escaped(value, ['='], &mut text);
        }
    };
    pair("rt", &line.millis.map(|millis| millis.to_string()).unwrap_or_default());
    pair("src", &line.address);
    pair("suser", &line.user);
    pair("suid", &line.user_uuid);
    pair("duser", &line.target);
    pair("duid", &line.target_uuid);
    pair("act", &line.action);
    pair("outcome", line.outcome);
    pair("reason", &line.reason);
    pair("requestClientApplication", &app);
    for (number, (label, value)) in (1..).zip(&line.custom) {
        if !value.is_empty() {
            pair(&format!("cs{number}"), value);
            pair(&format!("cs{number}Label"), label);
        }
    }
    pair("externalId", &line.uuid);
    pair("OnePasswordEventsUnmapped", &unmapped(event));
    out.extend_from_slice(text.as_bytes());
}
