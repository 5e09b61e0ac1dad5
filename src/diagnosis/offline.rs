//! The offline part of a diagnosis: the token's claims.
//!
//! Pure. No step and no failure shows any of the token but its claims (P10).

use chrono::{DateTime, TimeDelta, Utc};

use super::expiry::{days, days_left, expiry};
use super::step::{DiagnosisStep, TokenDiagnosis};
use crate::api::claims::{Claims, InvalidToken, TokenPart};
use crate::api::endpoint::BaseUrl;
use crate::error::{Error, ErrorKind};
use crate::sanitize;
use crate::secret::Secret;
use crate::time::Zone;

/// How to get a new token.
pub(super) const ISSUE: &str = "issue one at 1password.com: Integrations, Events Reporting";

/// What a token's claims are compared with.
#[derive(Debug)]
pub struct TokenRequirements<'a> {
    /// The server, where the settings name one.
    pub server: Option<&'a BaseUrl>,
    /// The time.
    pub now: DateTime<Utc>,
    /// How many days it must have left.
    pub min_days: u16,
    /// The zone that times are shown in.
    pub zone: &'a Zone,
}

/// Adds the token's claims, and whether they meet the requirements, to `check`.
pub fn check_token(token: &Secret, requirements: &TokenRequirements<'_>, check: &mut TokenDiagnosis) {
    let claims = Claims::read(token);
    if let Ok(claims) = &claims {
        check.account_uuid.clone_from(&claims.account);
        check.expires_at = claims.expires_at;
    }
    check.steps.extend(steps(&claims, requirements));
}

/// Checks the claims, or reports why there are none.
fn steps(claims: &Result<Claims, InvalidToken>, requirements: &TokenRequirements<'_>) -> Vec<DiagnosisStep> {
    let mut steps = form(claims.as_ref().err().copied());
    steps.extend(match claims {
        Ok(claims) => vec![
            audience(claims, requirements),
            features(claims),
            expires(claims, requirements),
            valid_from(claims, requirements),
            issued(claims, requirements),
            account(claims),
        ],
        Err(_) => ["audience", "features", "expires", "valid from", "issued", "account"]
            .map(|name| DiagnosisStep::skipped(name, ""))
            .into(),
    });
    steps
}

/// The steps from text to claims; those after the one that failed are skipped.
fn form(wrong: Option<InvalidToken>) -> Vec<DiagnosisStep> {
    let all = [
        ("token", "three parts"),
        ("algorithm", "ES256"),
        ("claims", "readable"),
        ("signature", "whole; only the service can verify it"),
    ];
    let failed = wrong.map(|why| match why {
        InvalidToken::Empty
        | InvalidToken::Whitespace
        | InvalidToken::ServiceAccount
        | InvalidToken::PartCount(_) => 0,
        InvalidToken::Base64(TokenPart::Header)
        | InvalidToken::Json(TokenPart::Header)
        | InvalidToken::Algorithm => 1,
        InvalidToken::Base64(TokenPart::Claims)
        | InvalidToken::Json(TokenPart::Claims)
        | InvalidToken::Connect => 2,
        InvalidToken::Base64(TokenPart::Signature)
        | InvalidToken::Json(TokenPart::Signature)
        | InvalidToken::Truncated
        | InvalidToken::Signature => 3,
    });
    let step = |(index, (name, found)): (usize, (&'static str, &str))| match (wrong, failed) {
        (Some(why), Some(failed)) if failed == index => DiagnosisStep::failed(
            name,
            Error::new(ErrorKind::TokenRefused, why.to_string()).hint(why.advice()),
        ),
        (_, Some(failed)) if failed < index => DiagnosisStep::skipped(name, ""),
        _ => DiagnosisStep::ok(name, found),
    };
    all.into_iter().enumerate().map(step).collect()
}

fn audience(claims: &Claims, requirements: &TokenRequirements<'_>) -> DiagnosisStep {
    if let (Some(asked), Some(home)) = (requirements.server, claims.base_url())
        && asked.is_known()
        && home != *asked
    {
        let message = format!("the token is for {}, but {} is asked", home.host(), asked.host());
        let hint = match home.region() {
            Some(region) => format!("set region = \"{region}\", or use --region {region}"),
            None => format!("ask the server the token is for, or {ISSUE}"),
        };
        return DiagnosisStep::failed("audience", Error::new(ErrorKind::TokenRefused, message).hint(hint));
    }
    let found = if claims.is_old() {
        "an old token, which names no server".to_owned()
    } else {
        claims.audience.first().map_or("names no server".into(), |name| sanitize::message(name).into_owned())
    };
    DiagnosisStep::ok("audience", found)
}

fn features(claims: &Claims) -> DiagnosisStep {
    let named = sanitize::message(&claims.features.join(", ")).into_owned();
    if !claims.streams().is_empty() {
        return DiagnosisStep::ok("features", named);
    }
    if claims.is_old() && claims.features.is_empty() {
        return DiagnosisStep::skipped("features", "an old token does not name them");
    }
    let what = if named.is_empty() {
        "the token grants no stream".to_owned()
    } else {
        format!("the token grants no stream, only {named}")
    };
    let hint = format!("choose \"Events to Report\" when issuing a token; {ISSUE}");
    DiagnosisStep::failed("features", Error::new(ErrorKind::FeatureMissing, what).hint(hint))
}

fn expires(claims: &Claims, requirements: &TokenRequirements<'_>) -> DiagnosisStep {
    let Some(end) = claims.expires_at else { return DiagnosisStep::ok("expires", "never") };
    let left = days_left(end, requirements.now);
    let shown = requirements.zone.show(end);
    if claims.is_expired(requirements.now) {
        let failure = Error::new(ErrorKind::TokenExpired, format!("the token expired at {shown}"));
        let clock = requirements.zone.show(requirements.now);
        let hint = format!("{ISSUE}; or set this machine's clock right: it says {clock}");
        return DiagnosisStep::failed("expires", failure.hint(hint));
    }
    if end < requirements.now + TimeDelta::days(requirements.min_days.into()) {
        let message = format!(
            "the token expires at {shown}, in {}; {} are wanted",
            days(left),
            days(requirements.min_days.into())
        );
        return DiagnosisStep::failed(
            "expires",
            Error::new(ErrorKind::CheckFailed, message).hint(format!("{ISSUE}, before then")),
        );
    }
    DiagnosisStep::ok("expires", expiry(Some(end), requirements.now, requirements.zone))
}

fn valid_from(claims: &Claims, requirements: &TokenRequirements<'_>) -> DiagnosisStep {
    match claims.not_before {
        None => DiagnosisStep::skipped("valid from", "not named"),
        Some(start) if start > requirements.now => {
            let message = format!("the token is not valid before {}", requirements.zone.show(start));
            let clock = requirements.zone.show(requirements.now);
            let hint = format!("wait until then; or set this machine's clock right: it says {clock}");
            DiagnosisStep::failed("valid from", Error::new(ErrorKind::TokenRefused, message).hint(hint))
        }
        Some(start) => DiagnosisStep::ok("valid from", requirements.zone.show(start)),
    }
}

fn issued(claims: &Claims, requirements: &TokenRequirements<'_>) -> DiagnosisStep {
    match claims.issued_at {
        None => DiagnosisStep::skipped("issued", "not named"),
        Some(at) if at > requirements.now => DiagnosisStep::ok(
            "issued",
            format!("{}: later than now, is the clock right?", requirements.zone.show(at)),
        ),
        Some(at) => DiagnosisStep::ok("issued", requirements.zone.show(at)),
    }
}

fn account(claims: &Claims) -> DiagnosisStep {
    match &claims.account {
        Some(uuid) => DiagnosisStep::ok("account", sanitize::message(uuid)),
        None => DiagnosisStep::skipped("account", "not named"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::claims::OLD_AUDIENCE;
    use crate::api::server::Region;

    fn good() -> Claims {
        Claims {
            audience: vec!["events.1password.com".into()],
            features: vec!["auditevents".into()],
            ..Claims::default()
        }
    }

    /// ErrorKind, message and hint of the one step that fails, named.
    fn wrong(
        claims: Result<Claims, InvalidToken>,
        server: Option<Region>,
    ) -> Option<(&'static str, ErrorKind, String)> {
        let server = server.map(Region::base_url);
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let requirements = TokenRequirements { server: server.as_ref(), now, min_days: 14, zone: &Zone::Utc };
        let steps = steps(&claims, &requirements);
        assert_eq!(steps.len(), 10);
        let mut failed = steps.iter().filter_map(|step| {
            let failure = step.failure()?;
            Some((step.name, failure.kind(), format!("{failure} / {}", failure.advice().unwrap())))
        });
        let first = failed.next();
        assert!(failed.next().is_none());
        first
    }

    fn on(day: &str) -> Option<DateTime<Utc>> {
        Some(format!("2026-{day}T00:00:00Z").parse().unwrap())
    }

    #[test]
    fn a_good_token_passes_on_its_own_server_and_on_a_stand_in() {
        assert_eq!(wrong(Ok(good()), None), None);
        assert_eq!(wrong(Ok(good()), Some(Region::Us)), None);
        assert_eq!(wrong(Ok(Claims { expires_at: on("12-04"), ..good() }), None), None);
        let old = Claims { audience: vec![OLD_AUDIENCE.into()], features: Vec::new(), ..good() };
        assert_eq!(wrong(Ok(old), Some(Region::Eu)), None);
    }

    #[test]
    fn each_fault_has_its_step_kind_and_hint() {
        let of = |claims, server, name, kind, words: &str| {
            let (step, found, text) = wrong(claims, server).unwrap();
            assert_eq!((step, found), (name, kind), "{text}");
            assert!(text.contains(words), "{text}");
        };
        let claims = |change: fn(&mut Claims)| {
            let mut claims = good();
            change(&mut claims);
            Ok(claims)
        };
        of(Ok(good()), Some(Region::Eu), "audience", ErrorKind::TokenRefused, "--region us");
        of(claims(|c| c.features.clear()), None, "features", ErrorKind::FeatureMissing, "Events to Report");
        of(claims(|c| c.features = vec!["x".into()]), None, "features", ErrorKind::FeatureMissing, "only x");
        of(claims(|c| c.expires_at = on("11-20")), None, "expires", ErrorKind::TokenExpired, "clock");
        of(
            claims(|c| c.expires_at = on("12-03")),
            None,
            "expires",
            ErrorKind::CheckFailed,
            "in 13 days; 14 days",
        );
        of(claims(|c| c.not_before = on("11-21")), None, "valid from", ErrorKind::TokenRefused, "2026-11-21");
        for (why, step, words) in [
            (InvalidToken::Empty, "token", "empty"),
            (InvalidToken::Whitespace, "token", "line breaks"),
            (InvalidToken::ServiceAccount, "token", "service-account"),
            (InvalidToken::PartCount(2), "token", "cut off"),
            (InvalidToken::Algorithm, "algorithm", "ES256"),
            (InvalidToken::Connect, "claims", "Connect"),
            (InvalidToken::Json(TokenPart::Claims), "claims", "second part"),
            (InvalidToken::Truncated, "signature", "copy the whole token again"),
        ] {
            of(Err(why), None, step, ErrorKind::TokenRefused, words);
        }
    }
}
