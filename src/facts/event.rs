//! What one event says, in the same terms for every stream and version of the API.
//!
//! Each fact is decoded when it is asked for and is empty where the event does not have it. A value of a
//! type that makes no sense (an object for a name) counts as missing.

use std::borrow::Cow;

use super::FoundFields;
use super::names::Names;
use super::path::{ADDRESSES, COUNTRIES, FactPath};
use super::user::{AUDIT_ACTOR, AUX_USER, OBJECT_USER, TARGET_USER, USAGE_USER, UserFacts, UserPaths};
use super::words::{AuditWords, EntityRole};
use crate::event::Stream;

/// The facts of one event; made from what a [`Lookup::for_facts`](super::Lookup::for_facts) found.
#[derive(Clone, Copy, Debug)]
pub struct EventFacts<'a, 'b> {
    stream: Stream,
    pub(super) found: FoundFields<'a, 'b>,
    pub(super) names: Option<&'b Names>,
}

/// Whether a sign-in worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// It worked.
    Succeeded,
    /// It worked, and a firewall rule reports it.
    Reported,
    /// It did not.
    Failed,
}

impl SignInOutcome {
    /// What a sign-in's category says of it; `None` where it says neither.
    pub fn of_category(category: &str) -> Option<Self> {
        match category {
            "success" => Some(SignInOutcome::Succeeded),
            "firewall_reported_success" => Some(SignInOutcome::Reported),
            _ => category.ends_with("_failed").then_some(SignInOutcome::Failed),
        }
    }

    /// The outcome as it is written.
    pub fn name(self) -> &'static str {
        match self {
            SignInOutcome::Succeeded => "succeeded",
            SignInOutcome::Reported => "reported",
            SignInOutcome::Failed => "failed",
        }
    }
}

/// How much an event should catch the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// Not at all.
    Plain,
    /// A failed sign-in.
    Failed,
    /// Something destructive or sensitive: worth a look even when it is meant.
    Sensitive,
}

/// Something that an event concerns, in its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// What it is.
    pub role: EntityRole,
    /// Its uuid.
    pub uuid: Cow<'a, str>,
}

/// With what an event was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFacts<'a> {
    /// The 1Password app.
    pub app: Cow<'a, str>,
    /// Its version.
    pub app_version: Cow<'a, str>,
    /// The browser, or the device's or host's name.
    pub platform: Cow<'a, str>,
    /// Its version or model.
    pub platform_version: Cow<'a, str>,
    /// The operating system.
    pub os: Cow<'a, str>,
    /// Its version.
    pub os_version: Cow<'a, str>,
}

/// Where an event's address is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocationFacts<'a> {
    /// The country, by code or name.
    pub country: Cow<'a, str>,
    /// The region.
    pub region: Cow<'a, str>,
    /// The city.
    pub city: Cow<'a, str>,
    /// Degrees north and east, where both are numbers that a place can have.
    pub coordinates: Option<(f64, f64)>,
}

/// Audit actions that destroy, reveal, or weaken protection.
const SENSITIVE: &[&str] = &[
    "addgsso", "chngasso", "chngdsso", "chngpsso", "delete", "delgsso", "disblduo", "disblmfa", "disblsso",
    "export", "prsndall", "purge", "revoke", "suspend", "trevoke", "updatfw", "updatmfa", "uvrfydmn",
];

/// Audit actions that only say that a session goes on.
const SESSION_TRAFFIC: [&str; 2] = ["dlgsess", "ssotknv"];

impl<'a, 'b> EventFacts<'a, 'b> {
    /// Reads the facts of an event of this stream.
    pub fn new(stream: Stream, found: FoundFields<'a, 'b>) -> Self {
        EventFacts { stream, found, names: None }
    }

    /// The same, which knows the names of uuids.
    #[must_use]
    pub fn with_names(self, names: &'b Names) -> Self {
        EventFacts { names: (!names.is_empty()).then_some(names), ..self }
    }

    /// What a uuid is called: its name where that is known, else the uuid.
    pub fn name_of(&self, uuid: Cow<'a, str>) -> Cow<'a, str> {
        match self.names.and_then(|names| names.of(&uuid)) {
            Some(name) => Cow::Owned(name.to_owned()),
            None => uuid,
        }
    }

    pub(super) fn user(&self, paths: &'static UserPaths) -> UserFacts<'a, 'b> {
        UserFacts { found: self.found, paths, names: self.names }
    }

    /// The event's stream.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Who acted; for a sign-in who tried.
    pub fn actor(&self) -> UserFacts<'a, 'b> {
        let paths = match self.stream {
            Stream::SignInAttempts => &TARGET_USER,
            Stream::ItemUsages => &USAGE_USER,
            Stream::AuditEvents => &AUDIT_ACTOR,
        };
        self.user(paths)
    }

    /// The user that an audit event is about, when its object is one.
    pub fn object_user(&self) -> Option<UserFacts<'a, 'b>> {
        let is_user = self.stream == Stream::AuditEvents
            && (self.object_role() == EntityRole::Person || self.has(FactPath::ObjectUserUuid));
        is_user.then_some(self.user(&OBJECT_USER))
    }

    /// The user that got, gave or lost something in an audit event, when its `aux_uuid` is one.
    pub fn other_user(&self) -> Option<UserFacts<'a, 'b>> {
        let is_user = self.stream == Stream::AuditEvents
            && (self.other_role() == EntityRole::Person || self.has(FactPath::AuxUserUuid));
        is_user.then_some(self.user(&AUX_USER))
    }

    /// The user that an audit event was done to or for: whom it is about, else who got, gave or lost something.
    pub fn target_user(&self) -> Option<UserFacts<'a, 'b>> {
        self.object_user().or_else(|| self.other_user())
    }

    /// The e-mail address that an invitation went to.
    pub fn invited(&self) -> Cow<'a, str> {
        let is_invitation = self.stream == Stream::AuditEvents && self.object_type() == "invite";
        if is_invitation { self.get(FactPath::AuxInfo) } else { Cow::Borrowed("") }
    }

    /// What an audit event's `object_uuid` and `aux_uuid` name, each in its role; the object first.
    pub fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        let target = |role, uuid: Cow<'a, str>| (!uuid.is_empty()).then_some(Target { role, uuid });
        let object = target(self.object_role(), self.get(FactPath::Object));
        let other = target(self.other_role(), self.get(FactPath::Aux));
        [object, other].into_iter().flatten()
    }

    /// The uuid of what has this role in the event.
    fn in_role(&self, role: EntityRole) -> Cow<'a, str> {
        self.targets().find(|target| target.role == role).map(|target| target.uuid).unwrap_or_default()
    }

    /// The address it came from.
    pub fn address(&self) -> Cow<'a, str> {
        self.first(ADDRESSES)
    }

    /// Every address that it names: the client's and the session's.
    pub fn addresses(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.each(ADDRESSES)
    }

    /// Where that is.
    pub fn location(&self) -> LocationFacts<'a> {
        let degrees = |path, most: f64| {
            let degrees: f64 = self.get(path).parse().ok()?;
            (degrees.abs() <= most).then_some(degrees)
        };
        let coordinates = degrees(FactPath::Latitude, 90.0).zip(degrees(FactPath::Longitude, 180.0));
        LocationFacts {
            country: self.country(),
            region: self.get(FactPath::LocationRegion),
            city: self.get(FactPath::LocationCity),
            coordinates,
        }
    }

    /// The country, by code or name.
    pub fn country(&self) -> Cow<'a, str> {
        self.first(COUNTRIES)
    }

    /// Every country that it names, by code or name.
    pub fn countries(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.each(COUNTRIES)
    }

    /// The city.
    pub fn city(&self) -> Cow<'a, str> {
        self.get(FactPath::LocationCity)
    }

    /// The 1Password app that it was made with.
    pub fn app_name(&self) -> Cow<'a, str> {
        self.get(FactPath::AppName)
    }

    /// The browser, or the device's or host's name.
    pub fn platform_name(&self) -> Cow<'a, str> {
        self.get(FactPath::PlatformName)
    }

    /// With what it was made.
    pub fn client(&self) -> ClientFacts<'a> {
        ClientFacts {
            app: self.get(FactPath::AppName),
            app_version: self.get(FactPath::AppVersion),
            platform: self.get(FactPath::PlatformName),
            platform_version: self.get(FactPath::PlatformVersion),
            os: self.get(FactPath::OsName),
            os_version: self.get(FactPath::OsVersion),
        }
    }

    /// What was done: an audit or item action's code, a sign-in's category.
    pub fn action(&self) -> Cow<'a, str> {
        self.get(match self.stream {
            Stream::SignInAttempts => FactPath::Category,
            Stream::ItemUsages | Stream::AuditEvents => FactPath::Action,
        })
    }

    /// Whether a sign-in worked; `None` for other events and for categories that say neither.
    pub fn outcome(&self) -> Option<SignInOutcome> {
        if self.stream != Stream::SignInAttempts {
            return None;
        }
        SignInOutcome::of_category(&self.get(FactPath::Category))
    }

    /// Why a sign-in worked or failed: its type's code.
    pub fn reason(&self) -> Cow<'a, str> {
        if self.stream == Stream::SignInAttempts { self.get(FactPath::Type) } else { Cow::Borrowed("") }
    }

    /// What a firewall rule matched.
    pub fn matched(&self) -> Cow<'a, str> {
        self.get(FactPath::DetailsValue)
    }

    /// The code of what an audit event is about: `user`, `vault`, `gva`.
    pub fn object_type(&self) -> Cow<'a, str> {
        self.get(FactPath::ObjectType)
    }

    /// The uuid of what an audit event is about.
    pub fn object_uuid(&self) -> Cow<'a, str> {
        self.get(FactPath::Object)
    }

    /// The item.
    pub fn item_uuid(&self) -> Cow<'a, str> {
        self.either(FactPath::Item, EntityRole::Item)
    }

    /// The vault.
    pub fn vault_uuid(&self) -> Cow<'a, str> {
        self.either(FactPath::Vault, EntityRole::Vault)
    }

    /// The group.
    pub fn group_uuid(&self) -> Cow<'a, str> {
        self.in_role(EntityRole::Group)
    }

    /// The device: the one an audit event is about, else the one it was done with.
    pub fn device_uuid(&self) -> Cow<'a, str> {
        let device = self.in_role(EntityRole::Device);
        if device.is_empty() { self.get(FactPath::SessionDevice) } else { device }
    }

    /// The device that an audit event was done with.
    pub fn session_device_uuid(&self) -> Cow<'a, str> {
        self.get(FactPath::SessionDevice)
    }

    /// The session: the same in a sign-in and in the audit events that follow it.
    pub fn session_uuid(&self) -> Cow<'a, str> {
        self.first(&[FactPath::SignInSession, FactPath::Session])
    }

    /// The account.
    pub fn account_uuid(&self) -> Cow<'a, str> {
        self.get(FactPath::Account)
    }

    /// How many items an audit event is about, where it says so.
    pub fn count(&self) -> Option<u64> {
        let words = self.audit_words()?;
        if words.counts() { self.get(FactPath::AuxInfo).parse().ok() } else { None }
    }

    /// Whether it only says that a session goes on, as most of a real audit stream does.
    pub fn is_session_traffic(&self) -> bool {
        self.stream == Stream::AuditEvents && SESSION_TRAFFIC.contains(&&*self.action())
    }

    /// More about an audit event, as text.
    pub fn info(&self) -> Cow<'a, str> {
        self.get(FactPath::AuxInfo)
    }

    /// How much the event should catch the eye. Colour never says what the words do not.
    pub fn emphasis(&self) -> Emphasis {
        match (self.stream, self.outcome()) {
            (_, Some(SignInOutcome::Failed)) => Emphasis::Failed,
            (_, Some(SignInOutcome::Reported)) => Emphasis::Sensitive,
            (Stream::SignInAttempts, _) => Emphasis::Plain,
            (Stream::ItemUsages, _) if self.action() == "export" => Emphasis::Sensitive,
            (Stream::AuditEvents, _) if SENSITIVE.contains(&&*self.action()) => Emphasis::Sensitive,
            _ => Emphasis::Plain,
        }
    }

    /// The words of an audit event's pair of action and object type, where they are known.
    pub(super) fn audit_words(&self) -> Option<&'static AuditWords> {
        if self.stream != Stream::AuditEvents {
            return None;
        }
        AuditWords::of(&self.get(FactPath::ObjectType), &self.get(FactPath::Action))
    }

    pub(super) fn object_role(&self) -> EntityRole {
        self.audit_words().map_or(EntityRole::Unnamed, |words| words.object)
    }

    pub(super) fn other_role(&self) -> EntityRole {
        self.audit_words().map_or(EntityRole::Unnamed, |words| words.other)
    }

    fn either(&self, path: FactPath, role: EntityRole) -> Cow<'a, str> {
        let own = self.get(path);
        if own.is_empty() { self.in_role(role) } else { own }
    }

    pub(super) fn has(&self, path: FactPath) -> bool {
        self.found.value(path as usize).is_some_and(|value| !value.is_nested())
    }

    /// The field's text, empty when there is none.
    pub(super) fn get(&self, path: FactPath) -> Cow<'a, str> {
        path.text(&self.found)
    }

    /// The first of the fields that says something.
    pub(super) fn first(&self, paths: &[FactPath]) -> Cow<'a, str> {
        self.each(paths).next().unwrap_or_default()
    }

    /// What those of the fields say that say something.
    fn each(&self, paths: &[FactPath]) -> impl Iterator<Item = Cow<'a, str>> {
        paths.iter().map(|path| self.get(*path)).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Lookup, LookupBuffer};

    fn ask<T>(stream: Stream, raw: &str, question: impl Fn(EventFacts<'_, '_>) -> T) -> T {
        let lookup = Lookup::for_facts();
        let mut buffer = LookupBuffer::default();
        question(EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer)))
    }

    fn actor(stream: Stream, raw: &str) -> [String; 4] {
        ask(stream, raw, |facts| {
            let actor = facts.actor();
            [actor.uuid(), actor.name(), actor.email(), actor.kind()].map(Cow::into_owned)
        })
    }

    #[test]
    fn the_actor_is_found_in_every_stream_and_version() {
        let v1 = r#"{"target_user":{"uuid":"U","name":"Ada","email":"a@x.test"}}"#;
        assert_eq!(actor(Stream::SignInAttempts, v1), ["U", "Ada", "a@x.test", ""]);
        let v2 = r#"{"user":{"uuid":"U","user_type":"external_user","type":"user"}}"#;
        assert_eq!(actor(Stream::ItemUsages, v2), ["U", "", "", "external_user"]);
        let other = r#"{"user":{"uuid":"U","type":"user"}}"#;
        assert_eq!(actor(Stream::ItemUsages, other)[3], "user");
        let audit = r#"{"actor_uuid":"U","actor_type":"user","actor_details":{"uuid":"V","name":"Ada"}}"#;
        assert_eq!(actor(Stream::AuditEvents, audit), ["U", "Ada", "", "user"]);
    }

    #[test]
    fn nulls_and_objects_that_are_texts_are_missing_and_nothing_is_invented() {
        for raw in [
            "{}",
            r#"{"target_user":"Ada","user":null,"actor_details":"Ada","client":"CLI","location":"Oslo"}"#,
            r#"{"target_user":{"uuid":null,"name":{"x":1}},"user":{"name":[1]},"actor_uuid":{},"session":7}"#,
        ] {
            for stream in Stream::ALL {
                assert_eq!(actor(stream, raw), ["", "", "", ""], "{stream}: {raw}");
                ask(stream, raw, |facts| {
                    assert_eq!(facts.client(), ClientFacts::default());
                    assert_eq!(facts.location(), LocationFacts::default());
                    assert_eq!((&*facts.address(), facts.outcome(), facts.count()), ("", None, None));
                    assert_eq!((facts.targets().count(), facts.emphasis()), (0, Emphasis::Plain));
                });
            }
        }
    }

    #[test]
    fn address_and_place_are_where_each_stream_has_them() {
        let at = |raw: &str| ask(Stream::AuditEvents, raw, |facts| facts.address().into_owned());
        assert_eq!(at(r#"{"client":{"ip":"2","ip_address":"1"}}"#), "1");
        assert_eq!(at(r#"{"client":{"ip":"2","ip_address":null}}"#), "2");
        assert_eq!(at(r#"{"session":{"ip":"3"}}"#), "3");
        let place = |raw: &str| ask(Stream::SignInAttempts, raw, |facts| facts.location().coordinates);
        assert_eq!(place(r#"{"location":{"latitude":43.64,"longitude":-79.433}}"#), Some((43.64, -79.433)));
        assert_eq!(place(r#"{"location":{"latitude":430,"longitude":0}}"#), None);
        assert_eq!(place(r#"{"location":{"latitude":"x"}}"#), None);
        ask(Stream::SignInAttempts, r#"{"country":"FR"}"#, |facts| assert_eq!(facts.country(), "FR"));
    }

    #[test]
    fn things_are_found_by_their_role_and_not_by_their_place() {
        let raw = r#"{"action":"grant","object_type":"gva","object_uuid":"V","aux_uuid":"G"}"#;
        ask(Stream::AuditEvents, raw, |facts| {
            assert_eq!((&*facts.vault_uuid(), &*facts.group_uuid(), &*facts.item_uuid()), ("V", "G", ""));
            assert!(facts.other_user().is_none() && facts.object_user().is_none());
        });
        let raw = r#"{"action":"join","object_type":"gm","object_uuid":"G","aux_uuid":"U"}"#;
        ask(Stream::AuditEvents, raw, |facts| {
            assert_eq!((&*facts.group_uuid(), &*facts.other_user().unwrap().uuid()), ("G", "U"));
        });
        let raw = r#"{"action":"share","object_type":"item","object_uuid":"I","aux_uuid":"V"}"#;
        ask(Stream::AuditEvents, raw, |facts| {
            assert_eq!((&*facts.item_uuid(), &*facts.vault_uuid()), ("I", "V"));
        });
        let raw = r#"{"action":"new","object_type":"item","object_uuid":"I","aux_uuid":"V"}"#;
        ask(Stream::AuditEvents, raw, |facts| assert_eq!(facts.vault_uuid(), ""));
        let raw = r#"{"action":"patch","object_type":"items","object_uuid":"V","aux_info":"3"}"#;
        ask(Stream::AuditEvents, raw, |facts| assert_eq!(facts.count(), Some(3)));
    }
}
