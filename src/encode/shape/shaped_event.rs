//! What every schema asks of an event: its user, address, place and time, in the types that schemas want.
//!
//! A value that a schema's type cannot hold is not used here, so that the shape keeps it with the rest.

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};

use super::EventContext;
use crate::event::{Event, Stream};
use crate::facts::{EventMembers, MemberValue, SignInOutcome};

/// An event on its way into a schema.
#[derive(Debug)]
pub(super) struct ShapedEvent<'e, 'a> {
    pub(super) event: &'e Event<'a>,
    pub(super) members: EventMembers<'a, 'e>,
    pub(super) context: &'e EventContext,
    pub(super) received_at: DateTime<Utc>,
}

/// A user as a schema wants them; what is empty is not said.
#[derive(Clone, Debug, Default)]
pub(super) struct ShapedUser<'a> {
    pub(super) uuid: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) email: Cow<'a, str>,
}

impl<'a> ShapedEvent<'_, 'a> {
    pub(super) fn stream(&self) -> Stream {
        self.event.stream
    }

    /// The object that holds who acted.
    pub(super) fn actor_object(&self) -> &'static str {
        match self.stream() {
            Stream::SignInAttempts => "target_user",
            Stream::ItemUsages => "user",
            Stream::AuditEvents => "actor_details",
        }
    }

    /// Who acted; for a sign-in who tried.
    pub(super) fn actor(&self) -> ShapedUser<'a> {
        self.user(if self.stream() == Stream::AuditEvents { "actor_uuid" } else { "" }, self.actor_object())
    }

    /// A user with an object of their own, and a uuid beside it that goes first.
    pub(super) fn user(&self, uuid: &str, object: &str) -> ShapedUser<'a> {
        ShapedUser {
            uuid: self.first_uuid(uuid, object),
            name: self.members.text((object, "name")),
            email: self.members.text((object, "email")),
        }
    }

    /// A uuid that stands beside an object or, where that says nothing, in it.
    pub(super) fn first_uuid(&self, beside: &str, object: &str) -> Cow<'a, str> {
        let uuid = self.members.text(beside);
        if uuid.is_empty() { self.members.text((object, "uuid")) } else { uuid }
    }

    /// The event's own time or, where it has none that can be read, when it was read.
    pub(super) fn time(&self) -> DateTime<Utc> {
        match self.event.time {
            Some(time) => {
                self.members.mark("timestamp");
                time
            }
            None => self.received_at,
        }
    }

    /// What was done: an action's code, a sign-in's category.
    pub(super) fn action(&self) -> Cow<'a, str> {
        self.members.text(self.action_path())
    }

    /// The field of that code.
    pub(super) fn action_path(&self) -> &'static str {
        if self.stream() == Stream::SignInAttempts { "category" } else { "action" }
    }

    /// Whether a sign-in worked; `None` for other events, and where nothing is said of it. A category that is
    /// not known counts as failed, as in Elastic's and 1Password's own collectors.
    pub(super) fn succeeded(&self) -> Option<bool> {
        let category = self.members.peek("category");
        let is_said = self.stream() == Stream::SignInAttempts && !category.is_empty();
        let works = [Some(SignInOutcome::Succeeded), Some(SignInOutcome::Reported)];
        is_said.then(|| works.contains(&SignInOutcome::of_category(&category)))
    }

    /// The address, where it is one.
    pub(super) fn address(&self) -> Cow<'a, str> {
        let paths = ["client.ip_address", "client.ip", "session.ip"];
        let found = paths.into_iter().find(|path| self.members.peek(*path).parse::<IpAddr>().is_ok());
        found.map(|path| self.members.text(path)).unwrap_or_default()
    }

    /// Latitude and longitude with their digits, where both are numbers that a place can have.
    pub(super) fn coordinates(&self) -> Option<(MemberValue<'a>, MemberValue<'a>)> {
        let degrees = |path, most: f64| {
            let value = self.members.get(path)?;
            let degrees: f64 = value.json().parse().ok()?;
            (degrees.abs() <= most).then_some(value)
        };
        let both = degrees("location.latitude", 90.0).zip(degrees("location.longitude", 180.0))?;
        self.members.mark("location.latitude");
        self.members.mark("location.longitude");
        Some(both)
    }
}

/// A time as ISO 8601 in UTC with milliseconds.
pub(super) fn iso_millis(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The milliseconds since 1970 of a time's text.
pub(super) fn millis_of(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}
