//! The fields of events by name: the one list of what summaries count by, and of what rules group by, count and
//! learn. Each has one reading in all streams.

use std::borrow::Cow;
use std::net::IpAddr;

use super::path::{ADDRESSES, COUNTRIES, FactPath};
use super::{EventFacts, SignInOutcome, UserFacts};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident $word:literal,)*) => {
        /// A named field of events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $name),* }

        impl Field {
            /// Every field.
            pub const ALL: &[Field] = &[$(Field::$name),*];

            /// The name by which it is typed and written.
            pub fn name(self) -> &'static str {
                match self { $(Field::$name => $word),* }
            }
        }
    };
}

fields! {
    /// The event's stream.
    Stream "stream",
    /// Who acted; for a sign-in who tried.
    User "user",
    /// Whom it was done to or for; of an invitation the address.
    Target "target",
    /// The address it came from.
    Ip "ip",
    /// The network of the address: /24, or /48 of IPv6.
    Network "network",
    /// The country.
    Country "country",
    /// The city.
    City "city",
    /// What was done: an audit or item action's code, a sign-in's category.
    Action "action",
    /// What an audit event is about: its type's code.
    Object "object",
    /// Whether a sign-in worked: `succeeded`, `reported` or `failed`.
    Outcome "outcome",
    /// Why a sign-in worked or failed: its type's code.
    Reason "reason",
    /// The item's uuid.
    Item "item",
    /// The vault's uuid.
    Vault "vault",
    /// The group's uuid.
    Group "group",
    /// The device: its uuid, where the event has one, else the browser's, device's or host's name.
    Device "device",
    /// The browser, or the device's or host's name.
    Platform "platform",
    /// The 1Password app.
    App "app",
    /// The operating system.
    Os "os",
    /// The session's uuid.
    Session "session",
    /// The account's uuid.
    Account "account",
}

impl Field {
    /// The field of this name, in any case, or that events and filters call so.
    pub fn of_name(name: &str) -> Option<Field> {
        let found = Field::ALL.iter().find(|field| field.name().eq_ignore_ascii_case(name));
        found.copied().or_else(|| Field::of_other_name(&name.to_ascii_lowercase()))
    }

    fn of_other_name(name: &str) -> Option<Field> {
        Some(match name {
            "actor" | "who" | "email" => Field::User,
            "address" | "ip_address" | "client_ip" => Field::Ip,
            "object_type" => Field::Object,
            "item_uuid" => Field::Item,
            "vault_uuid" => Field::Vault,
            "category" => Field::Action,
            "type" => Field::Reason,
            "client" => Field::App,
            _ => return None,
        })
    }

    /// The paths that it is read from; none where that depends on what the event is about.
    pub(super) fn paths(self) -> Option<&'static [FactPath]> {
        use FactPath as F;
        Some(match self {
            Field::Stream => &[],
            Field::User => &[
                F::TargetUuid,
                F::TargetName,
                F::TargetEmail,
                F::UserUuid,
                F::UserName,
                F::UserEmail,
                F::ActorUuid,
                F::ActorUserUuid,
                F::ActorUserName,
                F::ActorUserEmail,
            ],
            Field::Ip | Field::Network => ADDRESSES,
            Field::Country => COUNTRIES,
            Field::City => &[F::LocationCity],
            Field::Action => &[F::Action, F::Category],
            Field::Object => &[F::ObjectType],
            Field::Outcome => &[F::Category],
            Field::Reason => &[F::Type],
            Field::App => &[F::AppName],
            Field::Os => &[F::OsName],
            Field::Platform => &[F::PlatformName],
            Field::Session => &[F::SignInSession, F::Session],
            Field::Account => &[F::Account],
            Field::Target | Field::Item | Field::Vault | Field::Group | Field::Device => return None,
        })
    }

    /// Whether it is a person, whom streams call by uuid or by address.
    pub fn is_person(self) -> bool {
        matches!(self, Field::User | Field::Target)
    }

    /// The person of an event; none for other fields and where nobody is meant.
    pub fn user<'a, 'b>(self, facts: &EventFacts<'a, 'b>) -> Option<UserFacts<'a, 'b>> {
        match self {
            Field::User => Some(facts.actor()),
            Field::Target => facts.target_user(),
            _ => None,
        }
    }

    /// What an event has there; empty where it has nothing. A person is their uuid, where there is one.
    pub fn text<'a>(self, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        match self {
            Field::Stream => facts.stream().name().into(),
            Field::User | Field::Target => match self.user(facts) {
                Some(user) => or_else(user.uuid(), || user.email()),
                None => facts.invited(),
            },
            Field::Ip => facts.address(),
            Field::Network => network(&facts.address()).into(),
            Field::Country => facts.country(),
            Field::City => facts.city(),
            Field::Action => facts.action(),
            Field::Object => facts.object_type(),
            Field::Outcome => facts.outcome().map_or("", SignInOutcome::name).into(),
            Field::Reason => facts.reason(),
            Field::Item => facts.item_uuid(),
            Field::Vault => facts.vault_uuid(),
            Field::Group => facts.group_uuid(),
            Field::Device => or_else(facts.device_uuid(), || facts.platform_name()),
            Field::Platform => facts.platform_name(),
            Field::App => facts.app_name(),
            Field::Os => facts.client().os,
            Field::Session => facts.session_uuid(),
            Field::Account => facts.account_uuid(),
        }
    }

    /// The address or name of the person, for people; empty for other fields.
    pub fn label<'a>(self, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        self.user(facts).map_or(Cow::Borrowed(""), |user| or_else(user.email(), || user.name()))
    }
}

fn or_else<'a>(text: Cow<'a, str>, other: impl Fn() -> Cow<'a, str>) -> Cow<'a, str> {
    if text.is_empty() { other() } else { text }
}

/// The network of an address; the text itself where it is none.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;
    use crate::facts::{Lookup, LookupBuffer};

    fn said(stream: Stream, raw: &str) -> Vec<(&'static str, String)> {
        let lookup = Lookup::for_facts();
        let mut buffer = LookupBuffer::default();
        let facts = EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer));
        let all = Field::ALL.iter().map(|field| (field.name(), field.text(&facts).into_owned()));
        all.filter(|(_, text)| !text.is_empty()).collect()
    }

    #[test]
    fn each_field_has_one_reading_in_every_stream() {
        let found = said(
            Stream::SignInAttempts,
            r#"{"category":"credentials_failed","type":"password_secret_bad","session_uuid":"S","country":"DE",
                "target_user":{"email":"ada@x.test"},"location":{"city":"Bonn"},
                "client":{"ip_address":"::ffff:192.0.2.9","os_name":"Linux","platform_name":"Firefox"}}"#,
        );
        let expected = [
            ("stream", "signinattempts"),
            ("user", "ada@x.test"),
            ("ip", "::ffff:192.0.2.9"),
            ("network", "192.0.2.0/24"),
            ("country", "DE"),
            ("city", "Bonn"),
            ("action", "credentials_failed"),
            ("outcome", "failed"),
            ("reason", "password_secret_bad"),
            ("device", "Firefox"),
            ("platform", "Firefox"),
            ("os", "Linux"),
            ("session", "S"),
        ];
        assert_eq!(found, expected.map(|(name, text)| (name, text.to_owned())));
        let found = said(
            Stream::AuditEvents,
            r#"{"action":"create","object_type":"invite","actor_uuid":"A","aux_info":"ben@x.test",
                "session":{"ip":"2001:db8:1:2::3","device_uuid":"D"}}"#,
        );
        let found: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let expected =
            ["auditevents", "A", "ben@x.test", "2001:db8:1:2::3", "2001:db8:1::/48", "create", "invite", "D"];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_look_up_of_some_fields_alone_says_what_one_of_all_fields_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shapes/events.ndjson");
        let events = std::fs::read_to_string(path).unwrap();
        let mut told = 0;
        for line in events.lines() {
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            let raw = read["event"].to_string();
            let pairs = Stream::ALL
                .into_iter()
                .flat_map(|stream| Field::ALL.iter().map(move |field| (stream, *field)));
            for (stream, field) in pairs {
                let say = |lookup: Lookup| {
                    let mut buffer = LookupBuffer::default();
                    let facts = EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer));
                    let user = field.user(&facts).map(|user| [user.uuid(), user.email(), user.name()]);
                    format!("{} {} {user:?}", field.text(&facts), field.label(&facts))
                };
                let (all, some) = (say(Lookup::for_facts()), say(Lookup::for_fields([field])));
                assert_eq!(all, some, "{stream} {} of {raw}", field.name());
                told += usize::from(all.len() > 6);
            }
        }
        assert!(told > 100, "{told}");
    }

    #[test]
    fn fields_are_found_by_their_names_and_by_those_that_events_have() {
        for field in Field::ALL {
            assert_eq!(Field::of_name(&field.name().to_uppercase()), Some(*field));
        }
        assert_eq!(
            ["actor", "client_ip", "usr"].map(Field::of_name),
            [Some(Field::User), Some(Field::Ip), None]
        );
    }
}
