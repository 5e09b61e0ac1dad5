//! How a failure is told: what failed and why on one line, what to do on the next.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::sanitize;

/// The failure as lines of text.
pub(super) fn text(failure: &Failure, colour: bool) -> String {
    let (red, cyan, plain) = if colour { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{red}error:{plain} {}", long(&failure.to_string()));
    if let Some(advice) = failure.advice() {
        text.push_str(&format!("\n {cyan}hint:{plain} {}", long(advice)));
    }
    text
}

/// The failure as the last JSON line of a run.
pub(super) fn json(failure: &Failure, kind: Kind, now: DateTime<Utc>) -> String {
    let mut object = json!({
        "type": "error",
        "time": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "kind": kind.name(),
        "code": kind.exit_code(),
        "message": long(&failure.to_string()),
        "hint": failure.advice().map(long),
        "retryable": kind.is_retryable(),
    });
    if let Value::Object(object) = &mut object {
        if let Some(stream) = failure.stream() {
            object.insert("stream".into(), json!(stream.name()));
        }
        if let Some(profile) = failure.profile() {
            object.insert("profile".into(), json!(profile));
        }
    }
    object.to_string()
}

/// Our own words may be long, and their foreign parts were cut where they came in; all are escaped.
fn long(text: &str) -> String {
    text.lines().map(|line| sanitize::escaped(line).into_owned()).collect::<Vec<_>>().join("\n       ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn failure() -> Failure {
        Failure::new(Kind::TokenRefused, "the service refused the token (401: \"no\u{1b}[2J\")")
            .hint("issue a new token")
            .on_stream(Stream::AuditEvents)
    }

    #[test]
    fn text_names_what_why_and_what_to_do_and_is_harmless() {
        assert_eq!(
            text(&failure(), false),
            "error: auditevents: the service refused the token (401: \"no\\u{1b}[2J\")\n hint: issue a new token"
        );
    }

    #[test]
    fn json_has_the_code_and_whether_to_try_again() {
        let value: Value =
            serde_json::from_str(&json(&failure(), Kind::TokenRefused, DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(value["type"], "error");
        assert_eq!(value["code"], 4);
        assert_eq!(value["kind"], "token_refused");
        assert_eq!(value["retryable"], false);
        assert_eq!(value["stream"], "auditevents");
    }
}
