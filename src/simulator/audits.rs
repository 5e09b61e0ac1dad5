//! Audit events: mostly session traffic of apps, and what people and service accounts change in the account.
//! Also in the form of the v3 beta, as far as that is known: an actor, entities, a context, a spelled-out
//! action and the time of insertion.
//!
//! Every event is part of a session, and the session is that of a sign-in: `session.uuid` is the sign-in's
//! `session_uuid`, `session.login_time` its `timestamp`. Only where no fitting sign-in is near (in a company
//! with next to no events) it is made up.

use super::audit_operations::{self, ActorKind, AuditOperation, ObjectFields, VaultAndGroup, object_fields};
use super::company::App;
use super::event_store::EventStore;
use super::event_writer::{Actor, EventDraft, EventStamp};
use super::incidents::audit_operation;
use super::json_writer::{JsonObject, quoted};
use super::options::ApiForm;
use super::random::Id;
use super::schedule::{HOUR, IncidentScene};
use super::signins::{SignIn, SignInSummary};
use super::sites::Site;

/// Of a thousand audit events outside incidents, how many are session traffic, and how many of those are
/// delegated sessions.
const SESSION_TRAFFIC: (u64, u64) = (720, 600);

/// How many sign-ins are looked at to find one that fits.
const NEAREST_SIGN_INS: u64 = 400;
/// The same where one person's is looked for, who may be asleep.
const NEAREST_OF_ONE: u64 = 1_500;

/// The session that an event happened in.
struct AuditSession {
    uuid: Id,
    login: EventStamp,
    device: Option<Id>,
    site: &'static Site,
    address: String,
}

/// Everything about one event that does not depend on the form.
struct AuditFacts<'a> {
    operation: AuditOperation,
    actor: Actor<'a>,
    other: Actor<'a>,
    session: AuditSession,
    fields: ObjectFields,
}

/// Writes the item.
pub(super) fn write<'a>(store: &'a EventStore, mut draft: EventDraft<'a>, out: &mut Vec<u8>) {
    let facts = decide(store, &mut draft);
    if draft.form == ApiForm::V3 { write_v3(draft, &facts, out) } else { write_v1_v2(draft, &facts, out) }
}

fn decide<'a>(store: &'a EventStore, draft: &mut EventDraft<'a>) -> AuditFacts<'a> {
    let company = &store.writer.company;
    let Some(part) = draft.slot.part else { return everyday(store, draft) };
    let operation = audit_operation(part);
    let contractor = Actor::somebody_else(company.contractor(part.incident));
    let actor = match company.contractor_of(part) {
        Some(_) => contractor.clone(),
        None => Actor::staff(company, company.administrator_of(part)),
    };
    let own = part.scene == IncidentScene::SelfGrant;
    let other = if own { actor.clone() } else { contractor };
    let by_actor = |sign_in: &SignInSummary| sign_in.person == actor.person.uuid;
    let session = match store.sign_in_before(draft.stamp.time, 0, NEAREST_OF_ONE, by_actor) {
        Some(sign_in) => session_of(&sign_in),
        None => made_up_session(draft, &actor),
    };
    let about =
        VaultAndGroup { vault: company.vault_of(part), group: part.incident as usize % company.groups.len() };
    let fields = object_fields(operation.subject, draft, &other.person, session.uuid, about);
    AuditFacts { operation, actor, other, session, fields }
}

fn everyday<'a>(store: &'a EventStore, draft: &mut EventDraft<'a>) -> AuditFacts<'a> {
    let company = &store.writer.company;
    let operation = match draft.random.below(1000) {
        roll if roll >= SESSION_TRAFFIC.0 => audit_operations::everyday(draft),
        _ if draft.random.in_thousand(SESSION_TRAFFIC.1) => audit_operations::DELEGATED_SESSION,
        _ => audit_operations::SIGN_IN_TOKEN,
    };
    let fits = |sign_in: &SignInSummary| match operation.by {
        ActorKind::Anyone => sign_in.staff.is_some(),
        ActorKind::Administrator => sign_in.staff.is_some_and(|n| n < company.administrators),
        ActorKind::Provisioning => sign_in.app == App::ScimBridge,
    };
    let skipped = draft.random.below(12);
    let (actor, session) = match store.sign_in_before(draft.stamp.time, skipped, NEAREST_SIGN_INS, fits) {
        Some(sign_in) => {
            let session = session_of(&sign_in);
            (sign_in.attempt.actor, session)
        }
        None => {
            let actor = match operation.by {
                ActorKind::Anyone => Actor::staff(company, pick(draft, company.people.len())),
                ActorKind::Administrator => Actor::staff(company, pick(draft, company.administrators)),
                ActorKind::Provisioning => Actor::service(company, 0),
            };
            let session = made_up_session(draft, &actor);
            (actor, session)
        }
    };
    let random = pick(draft, company.people.len());
    // What anybody may do, they do to what is their own.
    let other = if operation.by == ActorKind::Anyone { actor.clone() } else { Actor::staff(company, random) };
    let about =
        VaultAndGroup { vault: pick(draft, company.vaults.len()), group: pick(draft, company.groups.len()) };
    let fields = object_fields(operation.subject, draft, &other.person, session.uuid, about);
    AuditFacts { operation, actor, other, session, fields }
}

fn pick(draft: &mut EventDraft<'_>, among: usize) -> usize {
    draft.random.below(among as u64) as usize
}

fn session_of(sign_in: &SignIn<'_>) -> AuditSession {
    let device = match sign_in.attempt.app {
        App::Phone => Some(sign_in.attempt.actor.person.devices[1]),
        App::ScimBridge | App::CommandLine => None,
        App::Extension | App::Desktop | App::Web => Some(sign_in.attempt.actor.person.devices[0]),
    };
    AuditSession {
        uuid: sign_in.session,
        login: sign_in.stamp,
        device,
        site: sign_in.site,
        address: sign_in.address.clone(),
    }
}

fn made_up_session(draft: &mut EventDraft<'_>, actor: &Actor<'_>) -> AuditSession {
    let (site, address) = draft.whereabouts(&actor.person);
    let time = draft.stamp.time - 1 - draft.random.below(3 * HOUR as u64) as i64;
    AuditSession {
        uuid: draft.random.id(),
        login: EventStamp { time, digits: 9 },
        device: Some(actor.person.devices[0]),
        site,
        address,
    }
}

fn write_v1_v2(mut draft: EventDraft<'_>, facts: &AuditFacts<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let fields = &facts.fields;
    let mut item = draft.open(out);
    draft.time(&mut item);
    item.id("actor_uuid", &facts.actor.person.uuid);
    draft.user(&mut item, "actor_details", &facts.actor);
    item.plain("action", draft.value(facts.operation.action))
        .plain("object_type", facts.operation.object_type);
    if let Some(object) = &fields.object {
        item.id("object_uuid", object);
    }
    if fields.object_is_user {
        draft.named(&mut item, "object_details", &facts.other);
    }
    if let Some(number) = fields.aux_id {
        item.number("aux_id", number);
    }
    if let Some(aux) = &fields.aux_uuid {
        item.id("aux_uuid", aux);
    }
    if fields.aux_is_user {
        draft.named(&mut item, "aux_details", &facts.other);
    }
    if let Some(info) = &fields.aux_info {
        item.raw("aux_info", quoted(info));
    }
    if draft.form == ApiForm::V2 {
        item.id("actor_account_uuid", &company.account).id("account_uuid", &company.account);
    }
    item.raw("session", session_text(&facts.session));
    draft.location(&mut item, facts.session.site);
    if draft.form == ApiForm::V2 {
        item.plain("actor_type", "user");
    }
    draft.close(&mut item);
}

/// A session as audit events show it; parts of it can be missing.
fn session_text(session: &AuditSession) -> Vec<u8> {
    let mut out = Vec::with_capacity(200);
    let mut object = JsonObject::open(&mut out);
    object.id("uuid", &session.uuid).time("login_time", session.login.time, session.login.digits);
    if let Some(device) = &session.device {
        object.id("device_uuid", device);
    }
    object.plain("ip", &session.address).close();
    out
}

fn write_v3(mut draft: EventDraft<'_>, facts: &AuditFacts<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let mut item = draft.open(out);
    item.time("insert_time", draft.slot.arrival, 9);
    item.time("event_time", draft.stamp.time, draft.stamp.digits);
    item.plain("action", draft.value(facts.operation.v3));
    draft.user(&mut item, "actor", &facts.actor);
    let mut entities = Vec::with_capacity(200);
    entities.push(b'[');
    if let Some(object) = &facts.fields.object {
        JsonObject::open(&mut entities).plain("type", facts.operation.object_type).id("uuid", object).close();
    }
    if let Some(aux) = &facts.fields.aux_uuid {
        if facts.fields.object.is_some() {
            entities.push(b',');
        }
        JsonObject::open(&mut entities).plain("type", "related").id("uuid", aux).close();
    }
    entities.push(b']');
    item.raw("entities", entities);
    let mut context = Vec::with_capacity(400);
    let mut object = JsonObject::open(&mut context);
    object.raw("account", format!("{{\"uuid\":\"{}\"}}", company.account));
    draft.location(&mut object, facts.session.site);
    object.raw("session", session_text(&facts.session));
    object.close();
    item.raw("context", context);
    draft.close(&mut item);
}
