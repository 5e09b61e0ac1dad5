//! Explains a refusal: the kind, the server's message, and one thing to do.
//!
//! Pure functions of the request, the answer and the token's claims. No message contains the token (P10).

use chrono::{DateTime, SecondsFormat, Utc};

use crate::api::claims::{Claims, InvalidToken};
use crate::api::endpoint::{BaseUrl, Region};
use crate::error::{Error, ErrorKind};
use crate::event::Stream;
use crate::sanitize;

/// Where a token is made.
const ISSUE: &str = "issue one at 1password.com: Integrations, Events Reporting";

/// A request that was refused for good.
#[derive(Clone, Copy, Debug)]
pub struct Rejection<'a> {
    /// Who refused.
    pub server: &'a BaseUrl,
    /// The request.
    pub path: &'a str,
    /// The requested stream, if it was one.
    pub stream: Option<Stream>,
    /// The HTTP status.
    pub status: u16,
    /// The server's words, made harmless.
    pub words: Option<&'a str>,
    /// The target of a redirect.
    pub location: Option<&'a str>,
}

impl Rejection<'_> {
    /// The failure for every status but 401.
    pub fn failure(&self) -> Error {
        let host = self.server.host();
        let failure = match self.status {
            300..=399 => Error::new(ErrorKind::Redirect, self.redirect())
                .hint("redirects are never followed, so that the token goes nowhere else; check --base-url"),
            403 => Error::new(ErrorKind::TokenRefused, format!("{host} forbids this (403)")).hint(
                "Events Reporting needs a 1Password Business or Enterprise plan; check the account's plan",
            ),
            404 => Error::new(ErrorKind::NotFound, format!("{host} has no {} (404)", self.path))
                .hint(format!("check the base URL; 1Password's are {}", known_hosts())),
            status => Error::new(ErrorKind::BadRequest, format!("{host} refused the request ({status})"))
                .hint("check the request with -vv; a retry would not help"),
        };
        self.finish(failure)
    }

    /// The failure for a 401. `claims` are the token's, `granted` is what an introspection said when there
    /// was one.
    pub fn unauthorized(
        &self,
        claims: &Result<Claims, InvalidToken>,
        granted: Option<&[Stream]>,
        now: DateTime<Utc>,
    ) -> Error {
        let host = self.server.host();
        let failure = if claims.as_ref().is_ok_and(|claims| claims.is_expired(now)) {
            Error::new(ErrorKind::TokenExpired, format!("{host} refused the token, which has expired"))
        } else if let Some(stream) = self.stream.filter(|stream| lacks(claims, granted, *stream)) {
            let failure = Error::new(ErrorKind::FeatureMissing, format!("the token does not grant {stream}"));
            return self
                .finish(failure.hint(format!("leave {stream} out, or use a token that grants it; {ISSUE}")));
        } else {
            Error::new(ErrorKind::TokenRefused, format!("{host} refused the token"))
        };
        self.finish(failure.hint(self.check(claims, now)))
    }

    /// The first problem of the token, in the order of a manual check.
    fn check(&self, claims: &Result<Claims, InvalidToken>, now: DateTime<Utc>) -> String {
        let claims = match claims {
            Ok(claims) => claims,
            Err(reason) => return format!("{reason}; {}", reason.advice()),
        };
        let day = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        // Another server would refuse it as well.
        if let Some(end) = claims.expires_at.filter(|end| *end <= now) {
            return format!("the token expired at {}; {ISSUE}", day(end));
        }
        if let Some(home) = claims.base_url().filter(|home| home.host() != self.server.host()) {
            return match home.region() {
                Some(region) => format!("the token is for {}: use --region {region}", home.host()),
                None => format!("the token is for {}: use --base-url {home}", home.host()),
            };
        }
        match claims.not_before {
            Some(start) if start > now => {
                format!("the token is not valid before {}; check this machine's clock", day(start))
            }
            _ => format!("the token is whole and for this server, but may have been revoked; {ISSUE}"),
        }
    }

    fn redirect(&self) -> String {
        let host = self.server.host();
        // The target without its path, which may be long and says less than the host.
        let target = self.location.and_then(|location| location.split_once("://")).map(|(_, rest)| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority.rsplit_once('@').map_or(authority, |(_, host)| host)
        });
        match target.filter(|target| !target.is_empty()) {
            Some(target) => {
                format!("{host} redirects to {} ({})", sanitize::message(target), self.status)
            }
            None => format!("{host} answers with a redirect ({})", self.status),
        }
    }

    fn finish(&self, failure: Error) -> Error {
        let failure = match self.words.filter(|_| !(300..400).contains(&self.status)) {
            Some(words) => failure.because(words.to_owned()),
            None => failure,
        };
        match self.stream {
            Some(stream) => failure.on_stream(stream),
            None => failure,
        }
    }
}

/// Whether the token lacks `stream`, by its claims or an introspection.
fn lacks(claims: &Result<Claims, InvalidToken>, granted: Option<&[Stream]>, stream: Stream) -> bool {
    claims_lack(claims, stream) || granted.is_some_and(|granted| !granted.contains(&stream))
}

/// Whether the token lacks `stream` by its claims; then no introspection is needed.
pub fn claims_lack(claims: &Result<Claims, InvalidToken>, stream: Stream) -> bool {
    claims.as_ref().is_ok_and(|claims| !claims.features.is_empty() && !claims.grants(stream))
}

fn known_hosts() -> String {
    Region::ALL.map(Region::host).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T00:00:00Z".parse().unwrap()
    }

    fn refused(status: u16, location: Option<&'static str>) -> Error {
        let server = Region::Us.base_url();
        Rejection {
            server: &server,
            path: "/api/v2/itemusages",
            stream: None,
            status,
            words: Some("no"),
            location,
        }
        .failure()
    }

    fn unauthorized(claims: Result<Claims, InvalidToken>, granted: Option<&[Stream]>) -> (ErrorKind, String) {
        let server = Region::Us.base_url();
        let failure = Rejection {
            server: &server,
            path: "/api/v2/auditevents",
            stream: Some(Stream::AuditEvents),
            status: 401,
            words: Some("Unauthorized"),
            location: None,
        }
        .unauthorized(&claims, granted, now());
        assert!(failure.to_string().ends_with(": Unauthorized"), "{failure}");
        (failure.kind(), failure.advice().unwrap().to_owned())
    }

    fn good() -> Claims {
        Claims {
            audience: vec!["events.1password.com".into()],
            features: vec!["auditevents".into()],
            ..Claims::default()
        }
    }

    #[test]
    fn statuses_have_their_kinds() {
        for (status, kind) in [
            (302, ErrorKind::Redirect),
            (400, ErrorKind::BadRequest),
            (403, ErrorKind::TokenRefused),
            (404, ErrorKind::NotFound),
            (407, ErrorKind::BadRequest),
            (413, ErrorKind::BadRequest),
        ] {
            assert_eq!(refused(status, None).kind(), kind, "{status}");
        }
        assert!(refused(403, None).advice().unwrap().contains("plan"));
        assert!(refused(404, None).advice().unwrap().contains("events.1password.eu"));
    }

    #[test]
    fn a_redirect_names_the_host_it_leads_to() {
        let text = |location| refused(301, location).to_string();
        assert_eq!(
            text(Some("https://me:pw@evil.example\u{1b}:1/x?y")),
            "events.1password.com redirects to evil.example\\u{1b}:1 (301)"
        );
        assert_eq!(text(Some("/login")), "events.1password.com answers with a redirect (301)");
    }

    #[test]
    fn a_missing_feature_is_told_from_a_refused_token() {
        assert_eq!(unauthorized(Ok(good()), None).0, ErrorKind::TokenRefused);
        assert_eq!(unauthorized(Ok(good()), Some(&[Stream::AuditEvents])).0, ErrorKind::TokenRefused);
        assert_eq!(unauthorized(Ok(good()), Some(&[Stream::ItemUsages])).0, ErrorKind::FeatureMissing);
        let other = Claims { features: vec!["itemusages".into()], ..good() };
        assert_eq!(unauthorized(Ok(other), None).0, ErrorKind::FeatureMissing);
        assert_eq!(unauthorized(Err(InvalidToken::PartCount(1)), Some(&[])).0, ErrorKind::FeatureMissing);
    }

    #[test]
    fn the_advice_is_the_first_thing_that_is_wrong() {
        let (_, advice) = unauthorized(Ok(good()), None);
        assert!(advice.contains("revoked"), "{advice}");
        let eu = Claims { audience: vec!["events.1password.eu".into()], expires_at: Some(now()), ..good() };
        let (kind, advice) = unauthorized(Ok(eu), None);
        assert_eq!(kind, ErrorKind::TokenExpired);
        assert!(advice.contains("expired at") && !advice.contains("--region"), "{advice}");
        let eu = Claims { audience: vec!["events.1password.eu".into()], ..good() };
        assert!(unauthorized(Ok(eu), None).1.contains("--region eu"));
        let (kind, advice) = unauthorized(Ok(Claims { expires_at: Some(now()), ..good() }), None);
        assert_eq!(kind, ErrorKind::TokenExpired);
        assert!(advice.contains("2026-11-20T00:00:00Z"), "{advice}");
        let tomorrow = now() + chrono::TimeDelta::days(1);
        let (_, advice) = unauthorized(Ok(Claims { not_before: Some(tomorrow), ..good() }), None);
        assert!(advice.contains("clock"), "{advice}");
        let (kind, advice) = unauthorized(Err(InvalidToken::Truncated), None);
        assert_eq!(kind, ErrorKind::TokenRefused);
        assert!(advice.contains("cut off"), "{advice}");
    }
}
