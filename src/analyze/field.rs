//! What events can be counted by: one table of names and of what an event says.

use std::borrow::Cow;
use std::str::FromStr;

use crate::event::Event;
use crate::facts::{EventFacts, SignInOutcome};
use crate::suggest::suggest;

/// How many fields can be counted by together.
pub(super) const MOST_FIELDS: usize = 4;

macro_rules! by_fields {
    ($($(#[$doc:meta])* $name:ident $word:literal,)*) => {
        /// A field that events can be counted by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ByField { $($(#[$doc])* $name),* }

        impl ByField {
            const ALL: &[ByField] = &[$(ByField::$name),*];

            /// The name by which it is typed and written.
            pub(super) fn name(self) -> &'static str {
                match self { $(ByField::$name => $word),* }
            }
        }
    };
}

by_fields! {
    /// The event's stream.
    Stream "stream",
    /// Who acted; for a sign-in who tried.
    User "user",
    /// The user whom an audit event is about.
    Target "target",
    /// The address it came from.
    Ip "ip",
    /// The country.
    Country "country",
    /// The city.
    City "city",
    /// What was done: an audit or item action's code, a sign-in's category.
    Action "action",
    /// What an audit event is about: its type's code.
    Object "object",
    /// Whether a sign-in worked.
    Outcome "outcome",
    /// Why a sign-in worked or failed.
    Reason "reason",
    /// The item.
    Item "item",
    /// The vault.
    Vault "vault",
    /// The group.
    Group "group",
    /// The device.
    Device "device",
    /// The browser, or the device's or host's name.
    Platform "platform",
    /// The 1Password app.
    App "app",
    /// The operating system.
    Os "os",
    /// The session.
    Session "session",
    /// The account.
    Account "account",
    /// The day.
    Day "day",
    /// The hour of a day.
    Hour "hour",
    /// The day of the week.
    Weekday "weekday",
}

impl ByField {
    /// Whether it is a time: rows are then in order of time.
    pub(super) fn is_time(self) -> bool {
        matches!(self, ByField::Day | ByField::Hour | ByField::Weekday)
    }

    /// Whether it is a user, who is counted by uuid and shown by address.
    pub(super) fn is_person(self) -> bool {
        matches!(self, ByField::User | ByField::Target)
    }

    /// What an event says; empty where it does not, and for users and times, which need more than the event.
    pub(super) fn text<'a>(self, event: &Event<'_>, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        match self {
            ByField::User | ByField::Target | ByField::Day | ByField::Hour | ByField::Weekday => "".into(),
            ByField::Stream => event.stream.name().into(),
            ByField::Ip => facts.address(),
            ByField::Country => facts.country(),
            ByField::City => facts.city(),
            ByField::Action => facts.action(),
            ByField::Object => facts.object_type(),
            ByField::Outcome => facts.outcome().map_or("", outcome_name).into(),
            ByField::Reason => facts.reason(),
            ByField::Item => facts.item_uuid(),
            ByField::Vault => facts.vault_uuid(),
            ByField::Group => facts.group_uuid(),
            ByField::Device => facts.device_uuid(),
            ByField::Platform => facts.platform_name(),
            ByField::App => facts.app_name(),
            ByField::Os => facts.client().os,
            ByField::Session => facts.session_uuid(),
            ByField::Account => facts.account_uuid(),
        }
    }
}

/// An outcome as it is written.
pub(super) fn outcome_name(outcome: SignInOutcome) -> &'static str {
    match outcome {
        SignInOutcome::Succeeded => "succeeded",
        SignInOutcome::Reported => "reported",
        SignInOutcome::Failed => "failed",
    }
}

/// The fields that events are counted by, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByFields(pub(super) Vec<ByField>);

impl ByFields {
    /// Every field's name, for completions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ByField::ALL.iter().map(|field| field.name())
    }
}

impl FromStr for ByFields {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        for word in text.split(',').map(str::trim) {
            let found = ByField::ALL.iter().find(|field| field.name().eq_ignore_ascii_case(word));
            let field = match (found, same_elsewhere(word)) {
                (Some(field), _) | (None, Some(field)) => *field,
                (None, None) => return Err(unknown(word)),
            };
            if fields.contains(&field) {
                return Err(format!("{} is named twice", field.name()));
            }
            fields.push(field);
        }
        if fields.len() > MOST_FIELDS {
            return Err(format!("{} fields are more than {MOST_FIELDS}", fields.len()));
        }
        Ok(ByFields(fields))
    }
}

/// The field that filters and events call so.
fn same_elsewhere(word: &str) -> Option<&'static ByField> {
    let field = match word.to_ascii_lowercase().as_str() {
        "actor" | "who" | "email" => &ByField::User,
        "address" | "ip_address" | "client_ip" => &ByField::Ip,
        "object_type" => &ByField::Object,
        "item_uuid" => &ByField::Item,
        "vault_uuid" => &ByField::Vault,
        "category" => &ByField::Action,
        "type" => &ByField::Reason,
        "client" => &ByField::App,
        "date" => &ByField::Day,
        _ => return None,
    };
    Some(field)
}

fn unknown(word: &str) -> String {
    match suggest(word, ByFields::names()) {
        Some(name) => format!("no such field: {word}; did you mean {name}?"),
        None => {
            let names: Vec<_> = ByFields::names().collect();
            format!("no such field: {word}; the fields are {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_their_names_and_by_those_of_filters() {
        let names = |text: &str| {
            let fields: ByFields = text.parse().unwrap();
            fields.0.iter().map(|field| field.name()).collect::<Vec<_>>().join(",")
        };
        assert_eq!(names("User, ip"), "user,ip");
        assert_eq!(names("actor,category"), "user,action");
        for (text, why) in [
            ("user,actor", "user is named twice"),
            ("usr", "no such field: usr; did you mean user?"),
            ("", "no such field: ; the fields are stream, user,"),
            ("user,ip,item,vault,day", "5 fields are more than 4"),
        ] {
            let found = text.parse::<ByFields>().unwrap_err();
            assert!(found.starts_with(why), "{text}: {found}");
        }
    }
}
