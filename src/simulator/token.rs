//! The simulator's bearer tokens: shaped like 1Password's, signed, and checked.
//!
//! The key is a published test vector (RFC 6979, A.2.5), on purpose: every simulator accepts the tokens of
//! every other one with the same seed, as one service would after a restart, and nobody can take such a
//! token for a secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::random::{Id, SeededRandom};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;

const PRIVATE_KEY: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
const PUBLIC_KEY: &str = "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
                          7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) account: String,
    pub(super) integration: String,
    pub(super) features: Vec<String>,
    /// Seconds since the epoch.
    pub(super) issued_at: i64,
    /// Seconds since the epoch; `None` for never.
    pub(super) expires_at: Option<i64>,
}

impl Grant {
    pub(super) fn allows(&self, stream: Stream) -> bool {
        self.features.iter().any(|feature| feature == stream.name())
    }
}

/// Signs a token.
///
/// # Errors
/// Fails when the machine has no randomness to give.
pub(super) fn issue(grant: &Grant, audience: &str, seed: u64) -> Result<String> {
    let mut random = SeededRandom::new(&[seed, 0x70, grant.issued_at as u64]);
    let header = json!({"alg": "ES256", "kid": random.lower_id().as_str(), "typ": "JWT"});
    let mut claims = json!({
        "1password.com/auuid": grant.account,
        "1password.com/fts": grant.features,
        "aud": [audience],
        "iat": grant.issued_at,
        "iss": "com.1password.b5",
        "jti": random.lower_id().as_str(),
        "sub": grant.integration,
    });
    if let Some(expires_at) = grant.expires_at {
        claims["exp"] = expires_at.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let failed =
        |what: &str| Error::new(ErrorKind::Unexpected, format!("cannot sign the stand-in's token: {what}"));
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &bytes(PRIVATE_KEY),
        &bytes(PUBLIC_KEY),
        &random,
    )
    .map_err(|e| failed(&e.to_string()))?;
    let signature = key.sign(&random, signed.as_bytes()).map_err(|_| failed("no randomness"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
}

/// What a token grants; `None` if no simulator signed it.
pub(super) fn check(token: &str) -> Option<Grant> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes(PUBLIC_KEY));
    key.verify(signed.as_bytes(), &signature).ok()?;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(1)?).ok()?).ok()?;
    let text = |key: &str| claims[key].as_str().map(str::to_owned);
    Some(Grant {
        account: text("1password.com/auuid")?,
        integration: text("sub")?,
        features: claims["1password.com/fts"]
            .as_array()?
            .iter()
            .filter_map(|f| f.as_str().map(str::to_owned))
            .collect(),
        issued_at: claims["iat"].as_i64()?,
        expires_at: claims["exp"].as_i64(),
    })
}

/// The grant of a fresh token.
pub(super) fn grant(
    account: &Id,
    integration: &Id,
    features: &[Stream],
    now: i64,
    lasts: Option<i64>,
) -> Grant {
    Grant {
        account: account.to_string(),
        integration: integration.to_string(),
        features: features.iter().map(|stream| stream.name().to_owned()).collect(),
        issued_at: now,
        expires_at: lasts.map(|seconds| now.saturating_add(seconds)),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap_or(0) as u8;
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Grant {
        let mut random = SeededRandom::new(&[1]);
        grant(&random.id(), &random.id(), &[Stream::AuditEvents], 1_795_000_000, Some(60))
    }

    #[test]
    fn a_token_says_what_it_grants_and_cannot_be_changed() {
        let token = issue(&fresh(), "127.0.0.1:8080", 1).unwrap();
        assert_eq!(check(&token), Some(fresh()));
        assert!(fresh().allows(Stream::AuditEvents) && !fresh().allows(Stream::ItemUsages));
        let parts: Vec<&str> = token.split('.').collect();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let forged = URL_SAFE_NO_PAD.encode(claims.replace("auditevents", "itemusages"));
        assert_eq!(check(&format!("{}.{forged}.{}", parts[0], parts[2])), None);
        for not_a_token in ["", "a.b", "a.b.c", &token[..token.len() - 4]] {
            assert_eq!(check(not_a_token), None);
        }
    }

    #[test]
    fn its_claims_are_those_of_the_real_ones() {
        let token = issue(&fresh(), "events.1password.com", 1).unwrap();
        let part = |index| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap())
                .unwrap()
        };
        assert_eq!((&part(0)["alg"], &part(0)["typ"]), (&json!("ES256"), &json!("JWT")));
        let claims = part(1);
        assert_eq!(claims["aud"], json!(["events.1password.com"]));
        assert_eq!(claims["1password.com/fts"], json!(["auditevents"]));
        assert_eq!(claims["exp"], 1_795_000_060);
        assert_eq!(claims["iss"], "com.1password.b5");
        for key in ["1password.com/auuid", "sub", "jti", "iat"] {
            assert!(claims.get(key).is_some(), "{key}");
        }
    }
}
