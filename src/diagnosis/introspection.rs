//! The service's answer about a token beside the token's claims: lines for people, or JSON. Pure.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::expiry::{days_left, expiry};
use crate::api::wire::Introspection;
use crate::console::{CellTone, TextStyle, TextTable};
use crate::time::Zone;

/// One answer to an introspection, with its profile.
#[derive(Debug)]
pub struct IntrospectedToken<'a> {
    /// The profile.
    pub profile: &'a str,
    /// The server that answered.
    pub server: String,
    /// The version of the API that was used.
    pub api: &'static str,
    /// The account's uuid, from the token.
    pub claimed_account: Option<String>,
    /// The token's expiry, from its claims.
    pub expires_at: Option<DateTime<Utc>>,
    /// What the service said.
    pub answer: &'a Introspection,
}

impl IntrospectedToken<'_> {
    /// One JSON object.
    pub fn to_json(&self, now: DateTime<Utc>) -> String {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let answer = self.answer;
        let object = json!({
            "profile": self.profile,
            "server": self.server,
            "api": self.api,
            "uuid": answer.uuid,
            "account_uuid": answer.account_uuid.as_ref().or(self.claimed_account.as_ref()),
            "issued_at": answer.issued_at.map(time),
            "features": answer.features,
            "expires_at": self.expires_at.map(time),
            "days_left": self.expires_at.map(|end| days_left(end, now)),
        });
        format!("{object:#}\n")
    }

    /// One line per fact. Line breaks in foreign text are escaped.
    pub fn to_text(&self, now: DateTime<Utc>, zone: &Zone, style: TextStyle) -> String {
        let unknown = || Cow::from("not said");
        let known = |text: &Option<String>| text.clone().map_or_else(unknown, Cow::from);
        let account = match (&self.answer.account_uuid, &self.claimed_account) {
            (None, Some(uuid)) => Cow::from(format!("{uuid} (said by the token)")),
            (said, _) => known(said),
        };
        let features = &self.answer.features;
        let features = if features.is_empty() { "none".into() } else { Cow::from(features.join(", ")) };
        let mut table = TextTable::new(style, 0);
        for (key, value) in [
            ("profile", Cow::from(self.profile)),
            ("server", Cow::from(&self.server)),
            ("api", self.api.into()),
            ("integration", known(&self.answer.uuid)),
            ("account", account),
            ("features", features),
            ("issued", self.answer.issued_at.map_or_else(unknown, |at| zone.show(at).into())),
            ("expires", expiry(self.expires_at, now, zone).into()),
        ] {
            table.row([(CellTone::Plain, key.into()), (CellTone::Plain, value)]);
        }
        table.keep_whole([0]).render()
    }
}
