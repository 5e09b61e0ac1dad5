//! The fields that the Events API documents, per stream: names, first version and meaning.
//!
//! Data for `--fields help`, for the default columns of CSV and for telling a typo from a new field. Fields
//! that are not listed here are still in every output and can be selected by their path.

use crate::event::Stream;

/// The API version a field first appeared in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldSince {
    V1,
    V2,
}

/// One documented field of a stream.
#[derive(Clone, Debug)]
pub(super) struct CatalogueField {
    /// Its dotted path in the item.
    pub(super) path: String,
    pub(super) since: FieldSince,
    pub(super) meaning: &'static str,
}

/// The fields of a stream, in the order the documentation has them.
pub(super) fn of(stream: Stream) -> Vec<CatalogueField> {
    match stream {
        Stream::SignInAttempts => SIGN_INS,
        Stream::ItemUsages => USAGES,
        Stream::AuditEvents => AUDITS,
    }
    .iter()
    .flat_map(|entry| entry.expand())
    .collect()
}

/// The name that some answers and old documents use for a documented field: `ip` for a client's
/// `ip_address`, `type` for a user's `user_type`.
pub(super) fn other_name(path: &str) -> Option<String> {
    let (parent, field) = path.rsplit_once('.')?;
    match (parent, field) {
        ("client", "ip_address") => Some("client.ip".into()),
        ("target_user" | "user" | "actor_details" | "object_details" | "aux_details", "user_type") => {
            Some(format!("{parent}.type"))
        }
        _ => None,
    }
}

enum CatalogueEntry {
    Field(&'static str, FieldSince, &'static str),
    Object(&'static str, &'static [FieldPart]),
}

type FieldPart = (&'static str, FieldSince, &'static str);

impl CatalogueEntry {
    fn expand(&self) -> Vec<CatalogueField> {
        match *self {
            CatalogueEntry::Field(path, since, meaning) => {
                vec![CatalogueField { path: path.into(), since, meaning }]
            }
            CatalogueEntry::Object(object, parts) => parts
                .iter()
                .map(|(part, since, meaning)| CatalogueField {
                    path: format!("{object}.{part}"),
                    since: *since,
                    meaning,
                })
                .collect(),
        }
    }
}

use CatalogueEntry::{Field, Object};
use FieldSince::{V1, V2};

const USER: &[FieldPart] = &[
    ("uuid", V1, "the user"),
    ("name", V1, "the name at that time"),
    ("email", V1, "the address at that time"),
    ("user_type", V2, "user or external_user"),
    ("user_account_uuid", V2, "the user's own account, with a managed service provider"),
];

const CLIENT: &[FieldPart] = &[
    ("app_name", V1, "the 1Password app"),
    ("app_version", V1, "its version"),
    ("platform_name", V1, "the browser or device"),
    ("platform_version", V1, "its version or model"),
    ("os_name", V1, "the operating system"),
    ("os_version", V1, "its version"),
    ("ip_address", V1, "the address it came from"),
];

const LOCATION: &[FieldPart] = &[
    ("country", V1, "where the address is: country, name or code"),
    ("region", V1, "where the address is: region"),
    ("city", V1, "where the address is: city"),
    ("latitude", V1, "degrees north"),
    ("longitude", V1, "degrees east"),
];

const SESSION: &[FieldPart] = &[
    ("uuid", V1, "the session"),
    ("login_time", V1, "when it began"),
    ("device_uuid", V1, "the device"),
    ("ip", V1, "the address it came from"),
];

const SIGN_INS: &[CatalogueEntry] = &[
    Field("uuid", V1, "the event"),
    Field("session_uuid", V1, "the session"),
    Field("timestamp", V1, "when, by the client's clock"),
    Field("category", V1, "the outcome: success, credentials_failed, mfa_failed ..."),
    Field("type", V1, "the reason: credentials_ok, password_secret_bad, ip_blocked ..."),
    Field("country", V1, "the country of the attempt, a code"),
    Field("details.value", V1, "what the firewall rule matched"),
    Object("target_user", USER),
    Object("client", CLIENT),
    Object("location", LOCATION),
    Field("account_uuid", V2, "the account"),
];

const USAGES: &[CatalogueEntry] = &[
    Field("uuid", V1, "the event"),
    Field("timestamp", V1, "when, by the client's clock"),
    Field("action", V1, "what was done: fill, reveal, secure-copy, export ..."),
    Field("item_uuid", V1, "the item"),
    Field("vault_uuid", V1, "its vault"),
    Field("used_version", V1, "the item's version"),
    Object("user", USER),
    Object("client", CLIENT),
    Object("location", LOCATION),
    Field("account_uuid", V2, "the account"),
];

const AUDITS: &[CatalogueEntry] = &[
    Field("uuid", V1, "the event"),
    Field("timestamp", V1, "when"),
    Field("actor_uuid", V1, "who did it"),
    Object("actor_details", USER),
    Field("actor_type", V2, "user or external_user"),
    Field("actor_account_uuid", V2, "the actor's own account, with a managed service provider"),
    Field("action", V1, "what was done: create, suspend, grant, chngpsso ..."),
    Field("object_type", V1, "what it was done to: user, group, vault, sso ..."),
    Field("object_uuid", V1, "which one"),
    Object("object_details", USER),
    Field("aux_id", V1, "a number that goes with it, such as a membership's"),
    Field("aux_uuid", V1, "who or what else is concerned, such as a group's member"),
    Object("aux_details", USER),
    Field("aux_info", V1, "more about it, as text"),
    Object("session", SESSION),
    Object("location", LOCATION),
    Field("account_uuid", V2, "the account"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_spelled_out_and_no_path_comes_twice() {
        for stream in Stream::ALL {
            let mut paths: Vec<String> = of(stream).into_iter().map(|known| known.path).collect();
            assert!(paths.iter().any(|path| path == "location.city"));
            let count = paths.len();
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), count, "{stream}");
        }
    }

    #[test]
    fn other_names_are_those_seen_in_answers() {
        assert_eq!(other_name("client.ip_address").as_deref(), Some("client.ip"));
        assert_eq!(other_name("user.user_type").as_deref(), Some("user.type"));
        assert_eq!(other_name("session.ip"), None);
        assert_eq!(other_name("uuid"), None);
    }
}
