//! `opev introspect`: the service's word on the token, and what the token says of itself, side by side.
//!
//! One request. The token's text is in none of the output (P10).

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::api::wire::Introspection;
use crate::cli::introspect::IntrospectArgs;
use crate::collect::session::{Connections, Session};
use crate::command::Invocation;
use crate::command::session;
use crate::config::{Config, SettingFlags};
use crate::error::Result;
use crate::sanitize;
use crate::time::Zone;

/// How long a failing request is asked again, unless `--retry-for` says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks, and gives what goes to standard output.
///
/// # Errors
/// Fails as settings, token and request can.
pub fn run(invocation: &Invocation, args: &IntrospectArgs) -> Result<Vec<u8>> {
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let typed = SettingFlags {
        account: &args.account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: None,
        jobs: None,
    };
    let session =
        session::open(invocation, &Connections::default(), config.settings(&typed)?, PATIENCE, None)?;
    let answer = session.client.introspect()?;
    let now = invocation.runtime.clock.now();
    Ok(if args.json { as_json(&session, &answer, now) } else { as_lines(&session, &answer, now) })
}

fn as_json(session: &Session, answer: &Introspection, now: DateTime<Utc>) -> Vec<u8> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let expires_at = expires_at(session);
    let object = json!({
        "profile": session.settings.profile,
        "server": session.account.server.to_string(),
        "api": session.settings.api.name(),
        "uuid": answer.uuid,
        "account_uuid": answer.account_uuid.clone().or_else(|| session.account_uuid()),
        "issued_at": answer.issued_at.map(time),
        "features": answer.features,
        "expires_at": expires_at.map(time),
        "days_left": expires_at.map(|end| days_left(end, now)),
    });
    format!("{object:#}\n").into_bytes()
}

fn as_lines(session: &Session, answer: &Introspection, now: DateTime<Utc>) -> Vec<u8> {
    let zone = &session.settings.zone;
    let unknown = || "not said".to_owned();
    let account = match (&answer.account_uuid, session.account_uuid()) {
        (Some(uuid), _) => uuid.clone(),
        (None, Some(uuid)) => format!("{uuid} (said by the token)"),
        (None, None) => unknown(),
    };
    let features = if answer.features.is_empty() { "none".into() } else { answer.features.join(", ") };
    let lines = [
        ("profile", session.settings.profile.clone()),
        ("server", session.account.server.to_string()),
        ("api", session.settings.api.to_string()),
        ("integration", answer.uuid.clone().unwrap_or_else(unknown)),
        ("account", account),
        ("features", features),
        ("issued", answer.issued_at.map_or_else(unknown, |at| zone.show(at))),
        ("expires", expiry(expires_at(session), now, zone)),
    ];
    let mut text = String::new();
    for (key, value) in lines {
        // Foreign text stays on its line, whoever reads it.
        let _ = writeln!(text, "{key:11}  {}", sanitize::message(&value));
    }
    text.into_bytes()
}

fn expires_at(session: &Session) -> Option<DateTime<Utc>> {
    session.account.claims.as_ref().ok().and_then(|claims| claims.expires_at)
}

/// When a token ends, for people.
pub(super) fn expiry(end: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: &Zone) -> String {
    match end {
        None => "never".to_owned(),
        Some(end) if end <= now => format!("{} (expired)", zone.show(end)),
        Some(end) => format!("{} ({} left)", zone.show(end), days(days_left(end, now))),
    }
}

/// Whole days until `end`; negative once it has passed.
pub(super) fn days_left(end: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (end - now).num_seconds().div_euclid(86_400)
}

/// `1 day`, `14 days`.
pub(super) fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_said_in_whole_days() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let of = |end: &str| expiry(Some(end.parse().unwrap()), now, &Zone::Utc);
        assert_eq!(of("2026-11-22T11:00:00Z"), "2026-11-22T11:00:00Z (1 day left)");
        assert_eq!(of("2026-11-20T13:00:00Z"), "2026-11-20T13:00:00Z (0 days left)");
        assert_eq!(of("2026-11-20T12:00:00Z"), "2026-11-20T12:00:00Z (expired)");
        assert_eq!(days_left("2026-11-20T11:00:00Z".parse().unwrap(), now), -1);
        assert_eq!(expiry(None, now, &Zone::Utc), "never");
    }
}
