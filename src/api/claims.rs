//! What a token says of itself: server, features, account, expiry.
//!
//! Read without verifying the signature (the service does that), so everything here is a hint for people
//! and a default for settings, never a proof. Hostile claims must not panic, and no error may show the
//! token (P10).

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::api::endpoint::BaseUrl;
use crate::event::Stream;
use crate::secret::Secret;

/// The audience of the oldest tokens: no host, so that the server must be configured.
pub const OLD_AUDIENCE: &str = "com.1password.streamingservice";

/// The feature that marks a token for 1Password Connect.
const CONNECT_FEATURE: &str = "vaultaccess";

/// An ES256 signature: two numbers of 32 bytes.
const SIGNATURE_BYTES: usize = 64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims of a token. All are foreign text: escape before showing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Whom it is for (`aud`); the first is the server's host.
    pub audience: Vec<String>,
    /// What it grants (`1password.com/fts`): stream names and other features.
    pub features: Vec<String>,
    /// The account's UUID (`1password.com/auuid`).
    pub account: Option<String>,
    /// When it expires (`exp`); none when it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it starts (`nbf`).
    pub not_before: Option<DateTime<Utc>>,
    /// When it was issued (`iat`).
    pub issued_at: Option<DateTime<Utc>>,
    /// The integration's UUID (`sub`).
    pub subject: Option<String>,
    /// Who issued it (`iss`).
    pub issuer: Option<String>,
    /// Its own identifier (`jti`).
    pub id: Option<String>,
}

impl Claims {
    /// Reads the claims of a token.
    ///
    /// # Errors
    /// Fails with the reason why the text is not an Events API token; shows no part of it.
    pub fn read(token: &Secret) -> Result<Self, InvalidToken> {
        let token = token.expose();
        if token.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidToken::Whitespace);
        }
        if token.starts_with("ops_") {
            return Err(InvalidToken::ServiceAccount);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let &[header, payload, signature] = parts.as_slice() else {
            return Err(InvalidToken::PartCount(parts.len()));
        };
        let header = object(header, TokenPart::Header)?;
        match header.get("alg").and_then(Value::as_str) {
            Some("ES256") => {}
            _ => return Err(InvalidToken::Algorithm),
        }
        let claims = Claims::from_object(&object(payload, TokenPart::Claims)?);
        if claims.is_for_connect() {
            return Err(InvalidToken::Connect);
        }
        match BASE64.decode(signature) {
            Ok(bytes) if bytes.len() == SIGNATURE_BYTES => Ok(claims),
            // A cut in the middle of a group of four characters is no valid base64 either.
            _ if signature.len() < SIGNATURE_BYTES.div_ceil(3) * 4 - 2 => Err(InvalidToken::Truncated),
            Ok(_) => Err(InvalidToken::Signature),
            Err(_) => Err(InvalidToken::Base64(TokenPart::Signature)),
        }
    }

    fn from_object(claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| claims.get(name).and_then(numeric_date);
        Claims {
            audience: strings(claims.get("aud")),
            features: strings(claims.get("1password.com/fts")),
            account: text("1password.com/auuid"),
            expires_at: time("exp"),
            not_before: time("nbf"),
            issued_at: time("iat"),
            subject: text("sub"),
            issuer: text("iss"),
            id: text("jti"),
        }
    }

    /// The host that the token is for, as it is written in the token; none for the oldest tokens.
    pub fn audience_host(&self) -> Option<&str> {
        self.audience.first().map(String::as_str).filter(|aud| *aud != OLD_AUDIENCE && !aud.is_empty())
    }

    /// The server that the token is for, when its audience is one.
    pub fn base_url(&self) -> Option<BaseUrl> {
        self.audience_host()?.parse().ok()
    }

    /// Whether it is of the oldest kind, which names no host.
    pub fn is_old(&self) -> bool {
        self.audience.iter().any(|aud| aud == OLD_AUDIENCE)
    }

    /// Whether it grants `stream`.
    pub fn grants(&self, stream: Stream) -> bool {
        self.features.iter().any(|feature| feature == stream.name())
    }

    /// The streams that it grants, in output order.
    pub fn streams(&self) -> Vec<Stream> {
        Stream::ALL.into_iter().filter(|stream| self.grants(*stream)).collect()
    }

    /// Whether it had ended at `now`.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn is_for_connect(&self) -> bool {
        self.streams().is_empty() && self.features.iter().any(|feature| feature == CONNECT_FEATURE)
    }
}

/// One of the three parts of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPart {
    /// The first: algorithm and key.
    Header,
    /// The second: the claims.
    Claims,
    /// The third.
    Signature,
}

impl fmt::Display for TokenPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenPart::Header => "first part (the header)",
            TokenPart::Claims => "second part (the claims)",
            TokenPart::Signature => "third part (the signature)",
        })
    }
}

/// Why a text is no Events API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidToken {
    /// There is no text.
    Empty,
    /// White space or a line break is inside.
    Whitespace,
    /// A service-account token (`ops_...`), which is for `op`.
    ServiceAccount,
    /// A token for 1Password Connect.
    Connect,
    /// This many parts between dots instead of three.
    PartCount(usize),
    /// A part is not base64.
    Base64(TokenPart),
    /// A part is not a JSON object.
    Json(TokenPart),
    /// Another signature algorithm than ES256.
    Algorithm,
    /// The signature's end is missing.
    Truncated,
    /// The signature is longer than one can be.
    Signature,
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidToken::Empty => f.write_str("the token is empty"),
            InvalidToken::Whitespace => f.write_str("the token holds spaces or line breaks"),
            InvalidToken::ServiceAccount => {
                f.write_str("this is a service-account token (ops_...), not an Events API token")
            }
            InvalidToken::Connect => {
                f.write_str("this is a 1Password Connect token, not an Events API token")
            }
            InvalidToken::PartCount(count @ 1..=2) => {
                write!(
                    f,
                    "a token has three parts between dots, this text has {count}: it is cut off, or none"
                )
            }
            InvalidToken::PartCount(count) => {
                write!(f, "a token has three parts between dots, this text has {count}")
            }
            InvalidToken::Base64(part) => write!(f, "the token's {part} is not base64"),
            InvalidToken::Json(part) => write!(f, "the token's {part} is not a JSON object"),
            InvalidToken::Algorithm => f.write_str("the token is not signed with ES256"),
            InvalidToken::Truncated => f.write_str("the token is cut off: its signature is too short"),
            InvalidToken::Signature => f.write_str("the token's signature is too long"),
        }
    }
}

impl std::error::Error for InvalidToken {}

impl InvalidToken {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            InvalidToken::ServiceAccount | InvalidToken::Connect => {
                "issue an Events API token: 1password.com, Integrations, Events Reporting"
            }
            _ => "copy the whole token again, on one line, or issue a new one",
        }
    }
}

fn object(part: &str, which: TokenPart) -> Result<Map<String, Value>, InvalidToken> {
    let bytes = BASE64.decode(part).map_err(|_| InvalidToken::Base64(which))?;
    serde_json::from_slice(&bytes).map_err(|_| InvalidToken::Json(which))
}

/// A string, or the strings of an array; anything else counts as none.
fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// RFC 7519's NumericDate: seconds since 1970, perhaps with a fraction. Beyond the calendar counts as none.
fn numeric_date(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(seconds) = value.as_i64() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let millis = (value.as_f64()? * 1000.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, and the calendar is checked"
    )]
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::try_milliseconds(millis as i64)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"alg":"ES256","kid":"abc","typ":"JWT"}"#;

    fn token(header: &str, claims: &[u8], signature: usize) -> Secret {
        let parts = [BASE64.encode(header), BASE64.encode(claims), BASE64.encode(vec![7; signature])];
        Secret::new(parts.map(|part| part.trim_end_matches('=').to_owned()).join("."))
    }

    fn read(claims: &str) -> Result<Claims, InvalidToken> {
        Claims::read(&token(HEADER, claims.as_bytes(), 64))
    }

    #[test]
    fn the_claims_of_a_token_are_read() {
        let claims = read(
            r#"{"1password.com/auuid":"ACC","1password.com/fts":["auditevents","signinattempts","new"],
                "aud":["events.1password.eu"],"sub":"INT","iat":1763700000,"exp":1763700000.5,"nbf":1,
                "iss":"com.1password.b5","jti":"x"}"#,
        )
        .unwrap();
        assert_eq!(claims.audience_host(), Some("events.1password.eu"));
        assert_eq!(claims.base_url().unwrap().to_string(), "https://events.1password.eu");
        assert_eq!(claims.streams(), [Stream::SignInAttempts, Stream::AuditEvents]);
        assert!(!claims.grants(Stream::ItemUsages));
        assert_eq!(claims.account.as_deref(), Some("ACC"));
        assert_eq!(claims.issued_at, DateTime::from_timestamp(1_763_700_000, 0));
        assert_eq!(claims.expires_at, DateTime::from_timestamp(1_763_700_000, 500_000_000));
        assert!(claims.is_expired(claims.expires_at.unwrap()));
        assert!(!claims.is_expired(claims.issued_at.unwrap()));
    }

    #[test]
    fn an_audience_may_be_a_string_and_the_oldest_names_no_host() {
        assert_eq!(read(r#"{"aud":"127.0.0.1:80"}"#).unwrap().audience_host(), Some("127.0.0.1:80"));
        let old = read(&format!(r#"{{"aud":["{OLD_AUDIENCE}"]}}"#)).unwrap();
        assert!(old.is_old());
        assert_eq!(old.audience_host(), None);
        assert_eq!(read(r#"{"aud":[]}"#).unwrap().audience_host(), None);
    }

    #[test]
    fn hostile_claims_are_read_as_none() {
        let claims = read(
            r#"{"aud":{"a":1},"1password.com/fts":[1,null,"auditevents"],"exp":1e400,"iat":"x",
                "nbf":-9223372036854775808,"sub":[],"1password.com/auuid":5}"#,
        );
        // 1e400 is no number that serde_json holds; such a token is refused, not misread.
        assert_eq!(claims, Err(InvalidToken::Json(TokenPart::Claims)));
        let claims = read(
            r#"{"aud":[{}],"1password.com/fts":[1,"auditevents"],"exp":1e300,"nbf":-9223372036854775808}"#,
        );
        let claims = claims.unwrap();
        assert_eq!((claims.expires_at, claims.not_before), (None, None));
        assert_eq!(claims.streams(), [Stream::AuditEvents]);
        assert_eq!(claims.base_url(), None);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&format!(r#"{{"aud":{deep}}}"#)), Err(InvalidToken::Json(TokenPart::Claims)));
    }

    #[test]
    fn each_way_of_being_no_token_is_named() {
        let cut = |by: usize| {
            let whole = token(HEADER, b"{}", 64);
            Claims::read(&Secret::new(&whole.expose()[..whole.expose().len() - by]))
        };
        assert_eq!(cut(0), Ok(Claims::default()));
        for by in 1..=86 {
            assert_eq!(cut(by), Err(InvalidToken::Truncated), "{by}");
        }
        let of = |text: &str| Claims::read(&Secret::new(text));
        assert_eq!(of(""), Err(InvalidToken::Empty));
        assert_eq!(of("abc"), Err(InvalidToken::PartCount(1)));
        assert_eq!(of("a.b.c.d"), Err(InvalidToken::PartCount(4)));
        assert_eq!(of("Bearer abc"), Err(InvalidToken::Whitespace));
        assert_eq!(of("a.b\n.c"), Err(InvalidToken::Whitespace));
        assert_eq!(of("ops_eyJ"), Err(InvalidToken::ServiceAccount));
        assert_eq!(of("ä.b.c"), Err(InvalidToken::Base64(TokenPart::Header)));
        assert_eq!(Claims::read(&token("[]", b"{}", 64)), Err(InvalidToken::Json(TokenPart::Header)));
        assert_eq!(Claims::read(&token(r#"{"alg":"none"}"#, b"{}", 64)), Err(InvalidToken::Algorithm));
        assert_eq!(Claims::read(&token(HEADER, b"\xff", 64)), Err(InvalidToken::Json(TokenPart::Claims)));
        assert_eq!(Claims::read(&token(HEADER, b"{}", 65)), Err(InvalidToken::Signature));
        assert_eq!(read(r#"{"1password.com/fts":["vaultaccess"]}"#), Err(InvalidToken::Connect));
    }

    #[test]
    fn no_error_shows_the_token() {
        let secret = token(r#"{"alg":"none-and-secret"}"#, b"{}", 64);
        let error = Claims::read(&secret).unwrap_err();
        assert!(!format!("{error} {error:?} {}", error.advice()).contains("secret"));
    }
}
