//! What events are grouped by, and whose values are counted or learned.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::event::Stream;
use crate::facts::EventFacts;

/// A field of events by which a rule groups, counts or learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Who acted.
    User,
    /// Whom it was done to or for.
    Target,
    /// The address.
    Ip,
    /// The network of the address: /24, or /48 of IPv6.
    Network,
    /// The country.
    Country,
    /// The city, with its country.
    City,
    /// The item.
    Item,
    /// The vault.
    Vault,
    /// The group.
    Group,
    /// The device.
    Device,
    /// The 1Password app.
    App,
    /// The session.
    Session,
    /// What was done.
    Action,
    /// The type of what it was done to.
    Object,
    /// The account.
    Account,
    /// The stream.
    Stream,
}

impl Subject {
    /// Every one with its name.
    pub const NAMES: [(Subject, &str); 16] = [
        (Subject::User, "user"),
        (Subject::Target, "target"),
        (Subject::Ip, "ip"),
        (Subject::Network, "network"),
        (Subject::Country, "country"),
        (Subject::City, "city"),
        (Subject::Item, "item"),
        (Subject::Vault, "vault"),
        (Subject::Group, "group"),
        (Subject::Device, "device"),
        (Subject::App, "app"),
        (Subject::Session, "session"),
        (Subject::Action, "action"),
        (Subject::Object, "object"),
        (Subject::Account, "account"),
        (Subject::Stream, "stream"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Subject::NAMES.iter().find(|(subject, _)| *subject == self).map_or("", |(_, name)| name)
    }

    /// The subject of this name.
    pub fn of_name(name: &str) -> Option<Subject> {
        // `actor` is what filters call it.
        let name = if name == "actor" { "user" } else { name };
        Subject::NAMES.iter().find(|(_, known)| *known == name).map(|(subject, _)| *subject)
    }

    /// Whether it is a person, whom streams call by uuid or by address.
    pub(super) fn is_person(self) -> bool {
        matches!(self, Subject::User | Subject::Target)
    }

    /// What an event has there; empty where it has nothing. A person is their uuid, where there is one.
    pub(super) fn of<'a>(self, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        match self {
            Subject::User => person(facts.actor().uuid(), || facts.actor().email()),
            Subject::Target => match facts.target_user() {
                Some(user) => person(user.uuid(), || user.email()),
                None => facts.invited(),
            },
            Subject::Ip => facts.address(),
            Subject::Network => network(&facts.address()).into(),
            Subject::Country => facts.country(),
            Subject::City => city(facts),
            Subject::Item => facts.item_uuid(),
            Subject::Vault => facts.vault_uuid(),
            Subject::Group => facts.group_uuid(),
            Subject::Device => {
                let device = facts.device_uuid();
                if device.is_empty() { facts.platform_name() } else { device }
            }
            Subject::App => facts.app_name(),
            Subject::Session => facts.session_uuid(),
            Subject::Action => facts.action(),
            Subject::Object => {
                let is_audit = facts.stream() == Stream::AuditEvents;
                if is_audit { facts.object_type() } else { Cow::Borrowed("") }
            }
            Subject::Account => facts.account_uuid(),
            Subject::Stream => facts.stream().name().into(),
        }
    }

    /// The address or name of the person, for people; empty for other subjects.
    pub(super) fn label<'a>(self, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        let user = match self {
            Subject::User => Some(facts.actor()),
            Subject::Target => facts.target_user(),
            _ => None,
        };
        user.map_or(Cow::Borrowed(""), |user| {
            let email = user.email();
            if email.is_empty() { user.name() } else { email }
        })
    }
}

fn person<'a>(uuid: Cow<'a, str>, email: impl Fn() -> Cow<'a, str>) -> Cow<'a, str> {
    if uuid.is_empty() { email() } else { uuid }
}

fn city<'a>(facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
    match facts.city() {
        city if city.is_empty() => facts.country(),
        city => format!("{city}, {}", facts.country()).into(),
    }
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
