//! What the three streams' items have in common: their stamps, people, clients and places, ready to copy.
//!
//! Which fields an item has is decided in `signins`, `usages` and `audits`; when it arrives, in `schedule`.

use std::borrow::Cow;

use super::company::{App, Company, Person};
use super::hostile::{self, HostileValue};
use super::json_writer::{JsonObject, quoted};
use super::options::{ApiForm, UserTypeKey};
use super::random::{Id, SeededRandom};
use super::schedule::{DAY, EventSlot, HOUR, MINUTE, SECOND};
use super::sites::{AWAY, HOSTING, OFFICES, REFUSED, Site};
use crate::event::Stream;

/// The longest time from an event's stamp to its arrival: apps that were offline report usages late. The
/// few seconds to which a stamp is rounded down are within it.
pub(super) const LONGEST_DELAY: i64 = 2 * HOUR;

/// An event's own time, and the digits it is written with.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventStamp {
    pub(super) time: i64,
    pub(super) digits: usize,
}

/// Writes items.
#[derive(Debug)]
pub(super) struct EventWriter {
    pub(super) company: Company,
    seed: u64,
    hostile: bool,
    user_type_key: UserTypeKey,
    /// For each person, the user object of v1 and of v2.
    users: Vec<[String; 2]>,
    /// For each person, the client object of each app, without its address.
    clients: Vec<[String; 5]>,
}

/// Who is named in an event.
#[derive(Clone, Debug)]
pub(super) struct Actor<'a> {
    pub(super) person: Cow<'a, Person>,
    /// The index among the staff; contractors and service accounts have none.
    pub(super) number: Option<usize>,
}

impl<'a> Actor<'a> {
    /// One of the staff, by index.
    pub(super) fn staff(company: &'a Company, number: usize) -> Self {
        Actor { person: Cow::Borrowed(&company.people[number]), number: Some(number) }
    }

    /// A service account, by index.
    pub(super) fn service(company: &'a Company, number: usize) -> Self {
        Actor { person: Cow::Borrowed(&company.services[number]), number: None }
    }

    /// A contractor.
    pub(super) fn somebody_else(person: Person) -> Self {
        Actor { person: Cow::Owned(person), number: None }
    }
}

/// One event being written: what every stream needs to know of it.
pub(super) struct EventDraft<'a> {
    pub(super) writer: &'a EventWriter,
    pub(super) slot: EventSlot,
    pub(super) stamp: EventStamp,
    pub(super) uuid: Id,
    pub(super) random: SeededRandom,
    pub(super) form: ApiForm,
    pub(super) twist: Option<HostileValue>,
}

impl EventWriter {
    pub(super) fn new(seed: u64, hostile: bool, user_type_key: UserTypeKey) -> Self {
        let company = Company::new(seed);
        let mut writer =
            EventWriter { company, seed, hostile, user_type_key, users: Vec::new(), clients: Vec::new() };
        for person in &writer.company.people {
            let name = quoted(&person.name);
            let user = [ApiForm::V1, ApiForm::V2].map(|form| writer.user_object(person, &name, form));
            writer.users.push(user);
            writer.clients.push(APPS.map(|app| person.client(app)));
        }
        writer
    }

    /// The event's own time: before its arrival, by a little or by a lot.
    pub(super) fn stamp(&self, stream: Stream, number: u64, slot: EventSlot) -> EventStamp {
        self.begin(stream, number, slot).0
    }

    /// The event's identifier.
    pub(super) fn uuid(&self, stream: Stream, number: u64, slot: EventSlot) -> Id {
        self.begin(stream, number, slot).1.id()
    }

    /// Begins an item.
    pub(super) fn draft(
        &self,
        stream: Stream,
        number: u64,
        slot: EventSlot,
        form: ApiForm,
    ) -> EventDraft<'_> {
        let (stamp, mut random) = self.begin(stream, number, slot);
        let uuid = random.id();
        let twist = if self.hostile { hostile::twist(&mut random) } else { None };
        EventDraft { writer: self, slot, stamp, uuid, random, form, twist }
    }

    fn begin(&self, stream: Stream, number: u64, slot: EventSlot) -> (EventStamp, SeededRandom) {
        let mut random = SeededRandom::new(&[self.seed, 0xe0 + stream as u64, number]);
        let (kind, amount) = (random.below(100), random.roll());
        let below = |limit: i64| (amount % limit as u64) as i64;
        let (delay, digits) = match stream {
            Stream::SignInAttempts => (below(SECOND / 2), if kind < 70 { 0 } else { 9 }),
            Stream::AuditEvents => (below(SECOND / 32), 9),
            Stream::ItemUsages if slot.part.is_some() => (0, 3),
            Stream::ItemUsages => match kind {
                0..=4 => (below(LONGEST_DELAY - 5 * SECOND), 3),
                5..=15 => (below(10 * MINUTE), 3),
                _ => (below(5 * SECOND), 3),
            },
        };
        let step = match digits {
            // An export is one act: its items share a few stamps.
            3 if slot.part.is_some() => 4 * SECOND,
            0 => SECOND,
            3 => SECOND / 1000,
            _ => 1,
        };
        let time = slot.arrival - delay;
        (EventStamp { time: time - time.rem_euclid(step), digits }, random)
    }

    fn user_object(&self, person: &Person, name: &str, form: ApiForm) -> String {
        let mut out = Vec::with_capacity(200);
        let mut user = JsonObject::open(&mut out);
        user.id("uuid", &person.uuid).raw("name", name).plain("email", &person.email);
        if form != ApiForm::V1 {
            let key = match self.user_type_key {
                UserTypeKey::UserType => "user_type",
                UserTypeKey::Type => "type",
            };
            user.plain(key, "user").id("user_account_uuid", &self.company.account);
        }
        user.close();
        String::from_utf8(out).unwrap_or_default()
    }
}

const APPS: [App; 5] = [App::Extension, App::Desktop, App::Phone, App::Web, App::CommandLine];

impl<'a> EventDraft<'a> {
    /// The hour of the week, UTC, in which it happened.
    pub(super) fn hour_of_week(&self) -> u64 {
        ((self.stamp.time - 4 * DAY).rem_euclid(7 * DAY) / HOUR) as u64
    }

    /// Somebody of the staff who is at work at this time; `None` when it is left to the service accounts.
    pub(super) fn somebody(&mut self) -> Option<Actor<'a>> {
        let company = &self.writer.company;
        let hour = self.hour_of_week();
        company.somebody(&mut self.random, hour).map(|number| Actor::staff(company, number))
    }

    /// Opens the item with its identifier.
    pub(super) fn open<'b>(&self, out: &'b mut Vec<u8>) -> JsonObject<'b> {
        let mut item = JsonObject::open(out);
        item.id("uuid", &self.uuid);
        item
    }

    /// Closes the item, with what a hostile service adds.
    pub(super) fn close(&self, item: &mut JsonObject<'_>) {
        if let Some(HostileValue::Fields(fields)) = self.twist {
            item.fields(fields);
        }
        item.close();
    }

    /// Writes the item's time.
    pub(super) fn time(&self, item: &mut JsonObject<'_>) {
        item.time("timestamp", self.stamp.time, self.stamp.digits);
    }

    /// A value from one of the API's lists, or one that is on none.
    pub(super) fn value(&self, known: &'static str) -> &'static str {
        if matches!(self.twist, Some(HostileValue::UnknownValue)) { "x-from-the-future" } else { known }
    }

    /// Writes a user object.
    pub(super) fn user(&self, item: &mut JsonObject<'_>, key: &str, actor: &Actor<'_>) {
        self.user_in(item, key, actor, self.form);
    }

    /// Writes a user object of name and address alone, as those beside the actor are in every version.
    pub(super) fn named(&self, item: &mut JsonObject<'_>, key: &str, actor: &Actor<'_>) {
        self.user_in(item, key, actor, ApiForm::V1);
    }

    fn user_in(&self, item: &mut JsonObject<'_>, key: &str, actor: &Actor<'_>, form: ApiForm) {
        match (self.twist, actor.number) {
            (Some(HostileValue::Name(name)), _) => {
                item.raw(key, self.writer.user_object(&actor.person, name, form));
            }
            (_, Some(number)) => {
                item.raw(key, &self.writer.users[number][usize::from(form != ApiForm::V1)]);
            }
            (_, None) => {
                let name = quoted(&actor.person.name);
                item.raw(key, self.writer.user_object(&actor.person, &name, form));
            }
        }
    }

    /// Writes the client object.
    pub(super) fn client(&self, item: &mut JsonObject<'_>, actor: &Actor<'_>, app: App, address: &str) {
        if matches!(self.twist, Some(HostileValue::Nulls)) {
            item.raw("client", "null");
            return;
        }
        let known = actor.number.and_then(|number| self.writer.clients[number].get(app as usize));
        let client = known.map_or_else(|| Cow::Owned(actor.person.client(app)), Cow::Borrowed);
        item.raw("client", client.as_bytes()).tail(&format!("\"{address}\"}}"));
    }

    /// Writes the location object; now and then the service knows none.
    pub(super) fn location(&mut self, item: &mut JsonObject<'_>, place: &Site) {
        if matches!(self.twist, Some(HostileValue::Nulls)) {
            item.raw("location", "null");
        } else if !self.random.in_thousand(25) {
            item.raw(
                "location",
                format!(
                    "{{\"country\":\"{}\",\"region\":\"{}\",\"city\":\"{}\",\"latitude\":{},\"longitude\":{}}}",
                    place.country, place.region, place.city, place.latitude, place.longitude
                ),
            );
        }
    }

    /// Where somebody is on this half of a day: mostly in the office or at home there, now and then away.
    pub(super) fn whereabouts(&self, person: &Person) -> (&'static Site, String) {
        // Thrown for person and half-day, not for the event: nobody jumps to and fro.
        let half_day = (self.stamp.time / (12 * HOUR)) as u64;
        let mut random = SeededRandom::new(&[self.writer.seed, 0x3b, half_day, person.number()]);
        if random.in_thousand(20) {
            let place = random.pick(&AWAY);
            return (place, format!("2001:db8:{:x}::{:x}", 0xa0 + random.below(32), 1 + random.below(999)));
        }
        let in_office = random.in_thousand(650) && person.activity(self.hour_of_week(), true) >= 60;
        (&OFFICES[person.home], person.address(in_office))
    }

    /// The data centre that an incident's attacker rents, and one of their addresses.
    pub(super) fn attacker(&mut self, incident: u64) -> (&'static Site, String) {
        let place = &HOSTING[(incident % HOSTING.len() as u64) as usize];
        let address = 16 * (incident % 8) + 60 + self.random.below(3);
        (place, format!("203.0.113.{address}"))
    }

    /// Where the company's servers stand, and the address of this one.
    pub(super) fn server_room(&self, number: usize) -> (&'static Site, String) {
        (&OFFICES[1], format!("192.0.2.{}", 200 + number))
    }

    /// A town that the firewall refuses; another one for another `occasion`.
    pub(super) fn refused(&self, occasion: u64) -> (&'static Site, String) {
        let mut random = SeededRandom::new(&[self.writer.seed, 0x3c, occasion]);
        (random.pick(&REFUSED), format!("203.0.113.{}", 5 + random.below(40)))
    }
}
