//! The text of a failure: what failed and why on one line, what to do on the next.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::sanitize;

/// The failure as lines of text.
pub(super) fn text(failure: &Error, colour: bool) -> String {
    written(&failure.to_string(), failure.advice(), colour)
}

/// Failures as texts, where those that differ in their stream alone are one text that names them all.
pub(super) fn together(failures: &[&Error], colour: bool) -> Vec<String> {
    let mut told: Vec<(String, Option<&str>, Vec<&str>)> = Vec::new();
    let mut deadline: Option<(usize, Option<&str>)> = None;
    for failure in failures {
        let stream = failure.stream().map_or("", |stream| stream.word());
        let mark = format!("{stream}: ");
        let what = if stream.is_empty() {
            failure.to_string()
        } else {
            failure.to_string().replacen(&mark, STREAMS, 1)
        };
        // One deadline ends all streams of a profile, whatever each was doing.
        let is_deadline = failure.kind() == ErrorKind::Deadline && !stream.is_empty();
        let same = deadline.filter(|(_, profile)| is_deadline && *profile == failure.profile());
        let same = same
            .map(|(at, _)| at)
            .or_else(|| told.iter().position(|(known, hint, _)| *known == what && *hint == failure.advice()));
        match same {
            Some(at) => told[at].2.push(stream),
            None => {
                if is_deadline {
                    deadline = Some((told.len(), failure.profile()));
                }
                told.push((what, failure.advice(), vec![stream]));
            }
        }
    }
    told.into_iter()
        .map(|(what, hint, streams)| {
            written(&what.replacen(STREAMS, &format!("{}: ", streams.join(", ")), 1), hint, colour)
        })
        .collect()
}

/// Stands for the streams of a failure until all are known; no text from outside can hold it.
const STREAMS: &str = "\u{0}streams\u{0}";

fn written(what: &str, advice: Option<&str>, colour: bool) -> String {
    let (red, cyan, plain) = if colour { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{red}error:{plain} {}", long(what));
    if let Some(advice) = advice {
        text.push_str(&format!("\n {cyan}hint:{plain} {}", long(advice)));
    }
    text
}

/// The failure as the last JSON line of a run.
pub(super) fn json(failure: &Error, kind: ErrorKind, now: DateTime<Utc>) -> String {
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
    let text = sanitize::without_tokens(text);
    text.lines().map(|line| sanitize::escaped(line).into_owned()).collect::<Vec<_>>().join("\n       ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn failure() -> Error {
        Error::new(ErrorKind::TokenRefused, "the service refused the token (401: \"no\u{1b}[2J\")")
            .hint("issue a new token")
            .on_stream(Stream::AuditEvents)
    }

    #[test]
    fn one_deadline_is_one_failure_of_all_streams() {
        let passed = |stream| Error::new(ErrorKind::Deadline, "the deadline has passed").on_stream(stream);
        let failures = [
            passed(Stream::SignInAttempts).because("no answer"),
            passed(Stream::ItemUsages),
            passed(Stream::AuditEvents),
            passed(Stream::AuditEvents).on_profile("other"),
        ];
        let failures: Vec<&Error> = failures.iter().collect();
        let texts = together(&failures, false);
        assert_eq!(texts[0], "error: signin, items, audit: the deadline has passed: no answer");
        assert_eq!(texts.len(), 2, "{texts:?}");
    }

    #[test]
    fn text_names_what_why_and_what_to_do_and_is_harmless() {
        assert_eq!(
            text(&failure(), false),
            "error: audit: the service refused the token (401: \"no\\u{1b}[2J\")\n hint: issue a new token"
        );
    }

    #[test]
    fn what_several_streams_met_alike_is_told_once() {
        let gone = |stream| Error::new(ErrorKind::Network, "no answer").hint("wait").on_stream(stream);
        let failures = [
            gone(Stream::SignInAttempts),
            failure(),
            gone(Stream::ItemUsages).on_profile("acme"),
            gone(Stream::AuditEvents),
        ];
        let texts = together(&failures.iter().collect::<Vec<_>>(), false);
        assert_eq!(texts.len(), 3);
        assert_eq!(texts[0], "error: signin, audit: no answer\n hint: wait");
        assert_eq!(texts[2], "error: profile acme: items: no answer\n hint: wait");
    }

    #[test]
    fn json_has_the_code_and_whether_to_try_again() {
        let value: Value =
            serde_json::from_str(&json(&failure(), ErrorKind::TokenRefused, DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(value["type"], "error");
        assert_eq!(value["code"], 4);
        assert_eq!(value["kind"], "token_refused");
        assert_eq!(value["retryable"], false);
        assert_eq!(value["stream"], "auditevents");
    }
}
