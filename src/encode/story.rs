//! What an event says to a person: who, what, from where, with what; and whether it deserves a colour.
//!
//! The words are the API's own (`credentials_failed`, `chngpsso`), so that they can be looked up and
//! searched for; an unknown value is shown as it is. Every field may be missing, null or of another type.
//! Pure functions over what [`Paths`] found; nothing here knows how it is shown.

use std::borrow::Cow;

use super::item::{Found, Paths};
use crate::event::Stream;

/// Declares the fields that the story is told from; a fact's number is its slot.
macro_rules! facts {
    ($($fact:ident = $path:literal,)*) => {
        #[derive(Clone, Copy)]
        enum Fact { $($fact),* }
        const PATHS: &[&str] = &[$($path),*];
    };
}

facts! {
    Category = "category",
    Type = "type",
    Details = "details.value",
    Country = "country",
    Action = "action",
    ItemUuid = "item_uuid",
    VaultUuid = "vault_uuid",
    ObjectType = "object_type",
    ObjectUuid = "object_uuid",
    ObjectName = "object_details.name",
    ObjectEmail = "object_details.email",
    AuxUuid = "aux_uuid",
    AuxName = "aux_details.name",
    AuxEmail = "aux_details.email",
    AuxInfo = "aux_info",
    TargetName = "target_user.name",
    TargetEmail = "target_user.email",
    TargetUuid = "target_user.uuid",
    UserName = "user.name",
    UserEmail = "user.email",
    UserUuid = "user.uuid",
    ActorName = "actor_details.name",
    ActorEmail = "actor_details.email",
    ActorUuid = "actor_uuid",
    App = "client.app_name",
    Os = "client.os_name",
    OsVersion = "client.os_version",
    ClientAddress = "client.ip_address",
    ClientIp = "client.ip",
    SessionIp = "session.ip",
    Device = "session.device_uuid",
    City = "location.city",
    PlaceCountry = "location.country",
}

/// Adds the story's fields to `paths`, which must be new: their slots are the first ones.
pub(super) fn add_facts(paths: &mut Paths) {
    for (slot, path) in PATHS.iter().enumerate() {
        let added = paths.add(path);
        debug_assert_eq!(added, slot);
    }
}

/// How much an event should catch the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emphasis {
    Plain,
    /// A failed sign-in.
    Failed,
    /// Something destructive or sensitive: worth a look even when it is meant.
    Sensitive,
}

/// Audit actions that destroy, reveal, or weaken protection.
const SENSITIVE: &[&str] = &[
    "addgsso", "chngasso", "chngdsso", "chngpsso", "delete", "delgsso", "disblduo", "disblmfa", "disblsso",
    "export", "prsndall", "purge", "revoke", "suspend", "trevoke", "updatfw", "updatmfa", "uvrfydmn",
];

/// One event's story.
pub(super) struct EventSummary<'a, 'f> {
    pub(super) stream: Stream,
    pub(super) found: &'f Found<'a>,
}

impl<'a> EventSummary<'a, '_> {
    /// The person: name, else address, else uuid.
    pub(super) fn who(&self) -> Cow<'a, str> {
        self.first(match self.stream {
            Stream::SignInAttempts => &[Fact::TargetName, Fact::TargetEmail, Fact::TargetUuid],
            Stream::ItemUsages => &[Fact::UserName, Fact::UserEmail, Fact::UserUuid],
            Stream::AuditEvents => &[Fact::ActorName, Fact::ActorEmail, Fact::ActorUuid],
        })
    }

    /// The person's address.
    pub(super) fn email(&self) -> Cow<'a, str> {
        self.get(match self.stream {
            Stream::SignInAttempts => Fact::TargetEmail,
            Stream::ItemUsages => Fact::UserEmail,
            Stream::AuditEvents => Fact::ActorEmail,
        })
    }

    /// What happened: `credentials_failed: password_secret_bad`, `reveal item X in vault Y`,
    /// `suspend user Jane`.
    pub(super) fn what(&self) -> Cow<'a, str> {
        match self.stream {
            Stream::SignInAttempts => match (self.get(Fact::Category), self.get(Fact::Type)) {
                (category, kind)
                    if kind.is_empty() || (category == "success" && kind == "credentials_ok") =>
                {
                    category
                }
                (category, kind) => join(&[category, kind, self.get(Fact::Details)], ": "),
            },
            Stream::ItemUsages => {
                let action = or(self.get(Fact::Action), "use");
                let item = prefixed("item ", self.get(Fact::ItemUuid));
                join(&[action, item, prefixed("in vault ", self.get(Fact::VaultUuid))], " ")
            }
            Stream::AuditEvents => {
                let object = match &*self.get(Fact::ObjectType) {
                    "gm" => Cow::Borrowed("group membership"),
                    "uva" => Cow::Borrowed("user vault access"),
                    "gva" => Cow::Borrowed("group vault access"),
                    "sa" => Cow::Borrowed("service account"),
                    other => Cow::Owned(other.to_owned()),
                };
                let named = self.first(&[Fact::ObjectName, Fact::ObjectEmail]);
                let other = self.first(&[Fact::AuxName, Fact::AuxEmail, Fact::AuxInfo, Fact::AuxUuid]);
                // Names first: a narrow column cuts the end.
                let unnamed = if named.is_empty() { self.get(Fact::ObjectUuid) } else { Cow::Borrowed("") };
                join(&[self.get(Fact::Action), object, join(&[named, other, unnamed], ", ")], " ")
            }
        }
    }

    /// From where: address, city, country.
    pub(super) fn from(&self) -> Cow<'a, str> {
        let address = self.first(&[Fact::ClientAddress, Fact::ClientIp, Fact::SessionIp]);
        let country = self.first(&[Fact::PlaceCountry, Fact::Country]);
        join(&[address, join(&[self.get(Fact::City), country], ", ")], " ")
    }

    /// With what: app and system, or the device of a session.
    pub(super) fn with(&self) -> Cow<'a, str> {
        let app = self.get(Fact::App);
        let system = join(&[self.get(Fact::Os), self.get(Fact::OsVersion)], " ");
        match (app.is_empty(), system.is_empty()) {
            (true, true) => prefixed("device ", self.get(Fact::Device)),
            (false, false) => Cow::Owned(format!("{app} ({system})")),
            (true, false) => system,
            (false, true) => app,
        }
    }

    /// How much the event should catch the eye. Colour never says what the words do not.
    pub(super) fn tone(&self) -> Emphasis {
        match self.stream {
            Stream::SignInAttempts => match &*self.get(Fact::Category) {
                "firewall_reported_success" => Emphasis::Sensitive,
                category if category.ends_with("_failed") => Emphasis::Failed,
                _ => Emphasis::Plain,
            },
            Stream::ItemUsages if self.get(Fact::Action) == "export" => Emphasis::Sensitive,
            Stream::AuditEvents if SENSITIVE.contains(&&*self.get(Fact::Action)) => Emphasis::Sensitive,
            _ => Emphasis::Plain,
        }
    }

    /// The fact's text, empty when there is none.
    fn get(&self, fact: Fact) -> Cow<'a, str> {
        self.found[fact as usize].map_or(Cow::Borrowed(""), |value| value.text())
    }

    fn first(&self, facts: &[Fact]) -> Cow<'a, str> {
        facts.iter().map(|fact| self.get(*fact)).find(|text| !text.is_empty()).unwrap_or_default()
    }
}

fn or<'a>(text: Cow<'a, str>, otherwise: &'a str) -> Cow<'a, str> {
    if text.is_empty() { Cow::Borrowed(otherwise) } else { text }
}

fn prefixed<'a>(prefix: &str, text: Cow<'a, str>) -> Cow<'a, str> {
    if text.is_empty() { text } else { Cow::Owned(format!("{prefix}{text}")) }
}

/// The texts that are not empty, with `between` between them.
fn join<'a>(texts: &[Cow<'a, str>], between: &str) -> Cow<'a, str> {
    let texts: Vec<&Cow<'a, str>> = texts.iter().filter(|text| !text.is_empty()).collect();
    match texts.as_slice() {
        [] => Cow::Borrowed(""),
        [one] => (*one).clone(),
        [first, rest @ ..] => {
            Cow::Owned(rest.iter().fold(first.to_string(), |text, next| text + between + next))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stream: Stream, raw: &str) -> (String, Emphasis) {
        let mut paths = Paths::default();
        add_facts(&mut paths);
        let found = paths.find(raw.as_bytes());
        let story = EventSummary { stream, found: &found };
        let text = [story.who(), story.email(), story.what(), story.from(), story.with()].join(" | ");
        (text, story.tone())
    }

    #[test]
    fn a_sign_in_names_outcome_reason_and_place() {
        let raw = r#"{"category":"firewall_failed","type":"country_blocked","country":"FR","details":{"value":"FR"},
            "target_user":{"name":"Ada","email":"ada@x.test"},
            "client":{"app_name":"1Password for Mac","os_name":"macOS","os_version":"15.1","ip":"192.0.2.7"}}"#;
        let (text, tone) = told(Stream::SignInAttempts, raw);
        let what = "firewall_failed: country_blocked: FR";
        assert_eq!(
            text,
            format!("Ada | ada@x.test | {what} | 192.0.2.7 FR | 1Password for Mac (macOS 15.1)")
        );
        assert_eq!(tone, Emphasis::Failed);
        let (text, tone) = told(Stream::SignInAttempts, r#"{"category":"success","type":"credentials_ok"}"#);
        assert_eq!((text.as_str(), tone), (" |  | success |  | ", Emphasis::Plain));
        assert_eq!(
            told(Stream::SignInAttempts, r#"{"category":"success","type":"mfa_ok"}"#).0,
            " |  | success: mfa_ok |  | "
        );
    }

    #[test]
    fn a_usage_names_item_and_vault() {
        let raw = r#"{"action":"export","item_uuid":"i1","vault_uuid":"v1","user":{"uuid":"U"},
            "client":{"ip_address":"192.0.2.7"},"location":{"city":"Oslo","country":"NO"}}"#;
        let (text, tone) = told(Stream::ItemUsages, raw);
        assert_eq!(text, "U |  | export item i1 in vault v1 | 192.0.2.7 Oslo, NO | ");
        assert_eq!(tone, Emphasis::Sensitive);
        assert_eq!(told(Stream::ItemUsages, r#"{"item_uuid":"i1"}"#).0, " |  | use item i1 |  | ");
    }

    #[test]
    fn an_audit_event_names_people_before_uuids() {
        let raw = r#"{"action":"suspend","object_type":"user","object_uuid":"O","object_details":{"name":"Jane"},
            "actor_uuid":"A","session":{"ip":"2001:db8::1","device_uuid":"d1"}}"#;
        assert_eq!(
            told(Stream::AuditEvents, raw),
            ("A |  | suspend user Jane | 2001:db8::1 | device d1".into(), Emphasis::Sensitive)
        );
        let raw = r#"{"action":"grant","object_type":"uva","object_uuid":"V","aux_details":{"name":"Jane"}}"#;
        assert_eq!(told(Stream::AuditEvents, raw).0, " |  | grant user vault access Jane, V |  | ");
    }

    #[test]
    fn nothing_and_nonsense_are_told_without_a_panic() {
        for stream in Stream::ALL {
            for raw in
                ["{}", "null", r#"{"category":7,"action":[],"user":"x","client":null,"object_type":{}}"#]
            {
                told(stream, raw);
            }
        }
    }
}
