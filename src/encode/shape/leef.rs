//! QRadar's Log Event Extended Format 2.0: `LEEF:2.0|vendor|product|version|event id|^|key=value^...`.
//!
//! In the header `|` and `\` have a backslash before them, in values the separator `^`, `=` and `\`; line
//! breaks are `\n` and `\r`. What has no key stands as JSON in `unmapped`.

use super::log_line::{LENGTH, LogLine, escaped, unmapped};
use super::shaped_event::ShapedEvent;

/// Appends the line.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let line = LogLine::new(event);
    let mut text = String::with_capacity(LENGTH);
    text.push_str("LEEF:2.0|1Password|Events API|2|");
    // A line break has no spelling in the header.
    escaped(&line.signature.replace(['\n', '\r'], " "), ['|'], &mut text);
    text.push_str("|^|");
    let mut is_first = true;
    let mut pair = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(if std::mem::take(&mut is_first) { "" } else { "^" });
            text.push_str(key);
            text.push('=');
            escaped(value, ['=', '^'], &mut text);
        }
    };
    pair("devTime", &line.millis.map(|millis| millis.to_string()).unwrap_or_default());
    pair("sev", &line.severity.to_string());
    pair("cat", &line.action);
    pair("src", &line.address);
    pair("usrName", &line.user);
    pair("usrId", &line.user_uuid);
    pair("accountName", &line.target);
    pair("accountId", &line.target_uuid);
    pair("outcome", line.outcome);
    pair("reason", &line.reason);
    for (number, (label, value)) in (1..).zip(&line.custom) {
        if !value.is_empty() {
            pair(&format!("cs{number}"), value);
            pair(&format!("cs{number}Label"), label);
        }
    }
    pair("externalId", &line.uuid);
    pair("unmapped", &unmapped(event));
    out.extend_from_slice(text.as_bytes());
}
