//! Audit events: what was changed in the account, by whom. Also in the form of the v3 beta, as far as
//! that is known: an actor, entities, a context, a spelled-out action and the time of insertion.

use super::company::Person;
use super::event_writer::EventDraft;
use super::json_writer::JsonObject;
use super::options::ApiForm;
use super::random::Id;
use super::schedule::{HOUR, IncidentPart, IncidentScene};

/// What an event is about, and what else it names.
#[derive(Clone, Copy, Debug)]
enum About {
    /// A user, named in `object_details`.
    User,
    /// A group, and the user who is a member of it in `aux_details`; a role in `aux_info`.
    Member(&'static str),
    /// A vault, and the user who may use it.
    VaultUser,
    /// A vault, and the group that may use it.
    VaultGroup,
    /// A vault, and how many of its items.
    Items,
    /// A device, and its owner.
    Device,
    /// The account, or a part of it that has an identifier of its own.
    Thing(&'static str),
}

use About::{Device, Items, Member, Thing, User, VaultGroup, VaultUser};

/// Something done: v1's action and object type, v3's action, what about, how often.
type AuditOperation = (&'static str, &'static str, &'static str, About, u64);

const OPERATIONS: [AuditOperation; 30] = [
    ("updatea", "items", "vault.items.update", Items, 160),
    ("create", "items", "vault.items.create", Items, 120),
    ("delete", "items", "vault.items.delete", Items, 45),
    ("patch", "device", "device.update", Device, 90),
    ("create", "device", "device.create", Device, 40),
    ("delete", "device", "device.delete", Device, 12),
    ("join", "gm", "group.membership.create", Member("A"), 55),
    ("role", "gm", "group.membership.update", Member("R"), 10),
    ("leave", "gm", "group.membership.delete", Member("A"), 25),
    ("grant", "uva", "vault.user-access.create", VaultUser, 60),
    ("update", "uva", "vault.user-access.update", VaultUser, 25),
    ("revoke", "uva", "vault.user-access.delete", VaultUser, 22),
    ("grant", "gva", "vault.group-access.create", VaultGroup, 30),
    ("update", "gva", "vault.group-access.update", VaultGroup, 15),
    ("revoke", "gva", "vault.group-access.delete", VaultGroup, 8),
    ("create", "vault", "vault.create", Items, 20),
    ("create", "invite", "invitation.create", Thing(""), 18),
    ("sendpkg", "user", "user.recovery.send", User, 8),
    ("beginr", "user", "user.recovery.begin", User, 8),
    ("completr", "user", "user.recovery.complete", User, 7),
    ("changemp", "user", "user.password.update", User, 14),
    ("changesk", "user", "user.secret-key.update", User, 5),
    ("enblmfa", "user", "user.mfa.enable", User, 12),
    ("trvlaway", "user", "user.travel-mode.enable", User, 16),
    ("trvlback", "user", "user.travel-mode.disable", User, 14),
    ("view", "report", "report.view", Thing("usage"), 26),
    ("export", "report", "report.export", Thing("usage"), 4),
    ("create", "satoken", "service-account.token.create", Thing("deploy"), 6),
    ("updatfw", "account", "account.firewall-rules.update", Thing("deny"), 5),
    ("reauth", "slackapp", "slack-app.reauthorize", Thing(""), 4),
];

const SSO: [AuditOperation; 2] = [
    ("chngpsso", "sso", "account.sso-policy.update", Thing("everyone_except_owners"), 0),
    ("chngdsso", "sso", "account.sso-details.update", Thing("https://login.kestrelvane.example"), 0),
];

const SUSPENSION: [AuditOperation; 4] = [
    ("suspend", "user", "user.suspend", User, 0),
    ("leave", "gm", "group.membership.delete", Member("A"), 0),
    ("revoke", "uva", "vault.user-access.delete", VaultUser, 0),
    ("deolddev", "device", "device.deauthorize", Device, 0),
];

/// Everything about one event that does not depend on the form.
struct AuditFacts<'a> {
    operation: AuditOperation,
    actor: &'a Person,
    actor_number: usize,
    other: &'a Person,
    other_number: Option<usize>,
    object: Id,
    aux: Option<Id>,
    aux_id: u64,
}

/// Writes the item.
pub(super) fn write(mut draft: EventDraft<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let part = draft.slot.part;
    let contractor = part
        .filter(|part| part.scene == IncidentScene::Suspension)
        .map(|part| company.contractor(part.incident));
    let operation = operation(&mut draft, part);
    let by_anyone = matches!(operation.3, Items | Device) || matches!(operation.0, "changemp" | "changesk");
    let actor_number = match part {
        Some(part) => (part.incident % company.administrators as u64) as usize,
        None if by_anyone || draft.random.in_thousand(250) => draft.somebody(),
        None => draft.administrator(),
    };
    let own = matches!(operation.3, Device) || by_anyone || operation.0.starts_with("trvl");
    let random = draft.random.below(company.people.len() as u64) as usize;
    let (other, other_number) = match &contractor {
        Some(contractor) => (contractor, None),
        None => {
            let number = if own { actor_number } else { random };
            (&company.people[number], Some(number))
        }
    };
    let vault = company.vaults[draft.random.below(company.vaults.len() as u64) as usize];
    let group = company.groups[draft.random.below(company.groups.len() as u64) as usize];
    let (object, aux) = match operation.3 {
        User => (other.uuid, None),
        Member(_) => (group, Some(other.uuid)),
        VaultUser => (vault, Some(other.uuid)),
        VaultGroup => (vault, Some(group)),
        Items => (vault, None),
        Device => (*draft.random.pick(&other.devices), Some(other.uuid)),
        Thing(_) if operation.1 == "sso" || operation.1 == "account" => (company.account, None),
        Thing(_) => (draft.random.lower_id(), None),
    };
    let aux_id = 100_000 + draft.random.below(9_000_000);
    let actor = &company.people[actor_number];
    let facts = AuditFacts { operation, actor, actor_number, other, other_number, object, aux, aux_id };
    if draft.form == ApiForm::V3 { write_v3(draft, &facts, out) } else { write_v1_v2(draft, &facts, out) }
}

fn operation(draft: &mut EventDraft<'_>, part: Option<IncidentPart>) -> AuditOperation {
    match part {
        Some(part) if part.scene == IncidentScene::SsoChange => SSO[part.index as usize % SSO.len()],
        Some(part) => SUSPENSION[part.index as usize % SUSPENSION.len()],
        None => {
            let total: u64 = OPERATIONS.iter().map(|operation| operation.4).sum();
            let mut left = draft.random.below(total);
            let found = OPERATIONS.iter().find(|operation| {
                let found = left < operation.4;
                left = left.saturating_sub(operation.4);
                found
            });
            *found.unwrap_or(&OPERATIONS[0])
        }
    }
}

fn write_v1_v2(mut draft: EventDraft<'_>, facts: &AuditFacts<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let (action, object_type, _, about, _) = facts.operation;
    let mut item = draft.open(out);
    draft.time(&mut item);
    item.id("actor_uuid", &facts.actor.uuid);
    draft.user(&mut item, "actor_details", facts.actor, Some(facts.actor_number));
    item.plain("action", draft.value(action))
        .plain("object_type", object_type)
        .id("object_uuid", &facts.object);
    if matches!(about, User) {
        draft.user(&mut item, "object_details", facts.other, facts.other_number);
    }
    if matches!(about, Member(_) | VaultUser | Device) {
        item.number("aux_id", facts.aux_id);
    }
    if let Some(aux) = &facts.aux {
        item.id("aux_uuid", aux);
    }
    if matches!(about, Member(_) | VaultUser | Device) {
        draft.user(&mut item, "aux_details", facts.other, facts.other_number);
    }
    match about {
        Member(info) | Thing(info) if !info.is_empty() => {
            item.plain("aux_info", info);
        }
        Items => {
            item.plain("aux_info", &(1 + facts.aux_id % 9).to_string());
        }
        _ => {}
    }
    if draft.form == ApiForm::V2 {
        item.id("actor_account_uuid", &company.account).id("account_uuid", &company.account);
    }
    let (place, address) = draft.whereabouts(facts.actor);
    session(&mut draft, &mut item, facts.actor, &address);
    draft.location(&mut item, place);
    if draft.form == ApiForm::V2 {
        item.plain("actor_type", "user");
    }
    draft.close(&mut item);
}

/// A session as audit events show it; parts of it can be missing.
fn session(draft: &mut EventDraft<'_>, item: &mut JsonObject<'_>, actor: &Person, address: &str) {
    let mut out = Vec::with_capacity(200);
    let mut session = JsonObject::open(&mut out);
    let login = draft.stamp.time - 1 - draft.random.below(3 * HOUR as u64) as i64;
    session.id("uuid", &draft.session(actor)).time("login_time", login, 9);
    if !draft.random.in_thousand(40) {
        session.id("device_uuid", &actor.devices[0]);
    }
    session.plain("ip", address).close();
    item.raw("session", out);
}

fn write_v3(mut draft: EventDraft<'_>, facts: &AuditFacts<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let mut item = draft.open(out);
    item.time("insert_time", draft.slot.arrival, 9);
    item.time("event_time", draft.stamp.time, draft.stamp.digits);
    item.plain("action", draft.value(facts.operation.2));
    draft.user(&mut item, "actor", facts.actor, Some(facts.actor_number));
    let mut entities = Vec::with_capacity(200);
    entities.push(b'[');
    JsonObject::open(&mut entities).plain("type", facts.operation.1).id("uuid", &facts.object).close();
    if let Some(aux) = &facts.aux {
        entities.push(b',');
        JsonObject::open(&mut entities).plain("type", "related").id("uuid", aux).close();
    }
    entities.push(b']');
    item.raw("entities", entities);
    let (place, address) = draft.whereabouts(facts.actor);
    let mut context = Vec::with_capacity(400);
    let mut object = JsonObject::open(&mut context);
    object.raw("account", format!("{{\"uuid\":\"{}\"}}", company.account));
    draft.location(&mut object, place);
    session(&mut draft, &mut object, facts.actor, &address);
    object.close();
    item.raw("context", context);
    draft.close(&mut item);
}
