//! What audit events tell: the operations, how often each happens, and which fields name what it was done to.
//!
//! Which field holds what follows the pair of action and object type, as far as that is documented or has been
//! seen: a role letter, a count, an e-mail address, a name or JSON text in `aux_info`; who or what else was
//! involved in `aux_id`, `aux_uuid` and `aux_details`. Most events are session traffic and have no object.

use super::company::{Company, GROUPS, Person};
use super::event_writer::EventDraft;
use super::json_writer::write_time;
use super::random::Id;
use super::schedule::DAY;

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActorKind {
    /// Anybody who is signed in, to something of their own.
    Anyone,
    /// An administrator.
    Administrator,
    /// The SCIM bridge, which provisions people.
    Provisioning,
}

/// What it is done to, and what the event says of that.
#[derive(Clone, Copy, Debug)]
pub(super) enum AuditSubject {
    /// A session that started another one.
    DelegatedSession,
    /// A token by which an app signs in again.
    SignInToken,
    /// A user, named in `object_details`.
    User,
    /// A user's second factor of this kind.
    Factor(&'static str),
    /// A user to whom an item was sent.
    Package,
    /// A device, and its owner.
    Device,
    /// A group, the user who is a member of it, and the role: R for a member, A for a manager.
    Member(Option<&'static str>),
    /// A vault, the user who may use it, and the rights where they changed.
    VaultUser(Option<&'static str>),
    /// A vault, the group that may use it, and the rights where they changed.
    VaultGroup(Option<&'static str>),
    /// A vault, its content's version, and how many of its items.
    Items,
    /// An item, the vault it is in, and the copy that was shared.
    SharedItem,
    /// A vault.
    Vault,
    /// A vault, and which clients may use it.
    VaultAccess(&'static str),
    /// A group, and its name.
    Group,
    /// Somebody who has only an e-mail address yet.
    Invitation,
    /// A report of this kind.
    Report(&'static str),
    /// The account.
    Account,
    /// The account, with this text.
    AccountText(&'static str),
    /// Nothing that has an identifier; this text, if there is any.
    Text(Option<&'static str>),
}

/// Something that can be done in the account.
#[derive(Clone, Copy, Debug)]
pub(super) struct AuditOperation {
    pub(super) action: &'static str,
    pub(super) object_type: &'static str,
    /// What the v3 beta calls it.
    pub(super) v3: &'static str,
    pub(super) subject: AuditSubject,
    pub(super) by: ActorKind,
    /// Of how many operations in all it is one.
    share: u64,
}

const fn operation(
    action: &'static str,
    object_type: &'static str,
    v3: &'static str,
    subject: AuditSubject,
    by: ActorKind,
    share: u64,
) -> AuditOperation {
    AuditOperation { action, object_type, v3, subject, by, share }
}

use ActorKind::{Administrator, Anyone, Provisioning};

/// Session traffic: what apps do by themselves.
pub(super) const DELEGATED_SESSION: AuditOperation =
    operation("dlgsess", "dlgdsess", "session.delegate", AuditSubject::DelegatedSession, Anyone, 0);
/// Session traffic: an app signs in again.
pub(super) const SIGN_IN_TOKEN: AuditOperation =
    operation("ssotknv", "ssotkn", "session.sign-in-token.verify", AuditSubject::SignInToken, Anyone, 0);

#[rustfmt::skip]
const OPERATIONS: [AuditOperation; 35] = [
    operation("patch", "items", "vault.items.update", AuditSubject::Items, Anyone, 260),
    operation("delete", "items", "vault.items.delete", AuditSubject::Items, Anyone, 45),
    operation("update", "device", "device.update", AuditSubject::Device, Anyone, 90),
    operation("create", "device", "device.create", AuditSubject::Device, Anyone, 40),
    operation("delete", "device", "device.delete", AuditSubject::Device, Anyone, 12),
    operation("reauth", "device", "device.reauthorize", AuditSubject::Device, Anyone, 6),
    operation("join", "gm", "group.membership.create", AuditSubject::Member(Some("R")), Provisioning, 45),
    operation("join", "gm", "group.membership.create", AuditSubject::Member(Some("R")), Administrator, 12),
    operation("role", "gm", "group.membership.update", AuditSubject::Member(Some("A")), Administrator, 8),
    operation("leave", "gm", "group.membership.delete", AuditSubject::Member(None), Provisioning, 25),
    operation("grant", "uva", "vault.user-access.create", AuditSubject::VaultUser(None), Administrator, 50),
    operation("update", "uva", "vault.user-access.update", AuditSubject::VaultUser(Some("2097186")), Administrator, 20),
    operation("revoke", "uva", "vault.user-access.delete", AuditSubject::VaultUser(None), Administrator, 22),
    operation("grant", "gva", "vault.group-access.create", AuditSubject::VaultGroup(None), Administrator, 25),
    operation("update", "gva", "vault.group-access.update", AuditSubject::VaultGroup(Some("15730674")), Administrator, 12),
    operation("revoke", "gva", "vault.group-access.delete", AuditSubject::VaultGroup(None), Administrator, 8),
    operation("create", "vault", "vault.create", AuditSubject::Vault, Anyone, 18),
    operation("updatea", "vault", "vault.update", AuditSubject::Vault, Administrator, 8),
    operation("update", "vault", "vault.client-access.update", AuditSubject::VaultAccess("63"), Administrator, 4),
    operation("update", "group", "group.update", AuditSubject::Group, Administrator, 6),
    operation("create", "invite", "invitation.create", AuditSubject::Invitation, Provisioning, 14),
    operation("create", "invite", "invitation.create", AuditSubject::Invitation, Administrator, 3),
    operation("sendpkg", "user", "user.package.send", AuditSubject::Package, Anyone, 8),
    operation("share", "item", "item.share", AuditSubject::SharedItem, Anyone, 16),
    operation("beginr", "user", "user.recovery.begin", AuditSubject::User, Administrator, 8),
    operation("completr", "user", "user.recovery.complete", AuditSubject::User, Administrator, 7),
    operation("changemp", "user", "user.password.update", AuditSubject::User, Anyone, 14),
    operation("changesk", "user", "user.secret-key.update", AuditSubject::User, Anyone, 5),
    operation("enblmfa", "user", "user.mfa.enable", AuditSubject::Factor("totp"), Anyone, 10),
    operation("disblmfa", "user", "user.mfa.disable", AuditSubject::Factor("u2f"), Administrator, 2),
    operation("trvlaway", "user", "user.travel-mode.enable", AuditSubject::User, Anyone, 16),
    operation("view", "report", "report.view", AuditSubject::Report("usage"), Administrator, 26),
    operation("create", "satoken", "service-account.token.create", AuditSubject::Text(Some("deploy")), Administrator, 4),
    operation("updatfw", "account", "account.firewall-rules.update", AuditSubject::Account, Administrator, 4),
    operation("vrfydmn", "account", "account.domain.verify", AuditSubject::AccountText("kestrelvane.example"), Administrator, 2),
];

/// One of the operations, each as often as its share says.
pub(super) fn everyday(draft: &mut EventDraft<'_>) -> AuditOperation {
    let mut left = draft.random.below(OPERATIONS.iter().map(|operation| operation.share).sum());
    let found = OPERATIONS.iter().find(|operation| {
        let found = left < operation.share;
        left = left.saturating_sub(operation.share);
        found
    });
    *found.unwrap_or(&OPERATIONS[0])
}

/// An operation of an incident.
pub(super) const fn staged(
    action: &'static str,
    object_type: &'static str,
    v3: &'static str,
    subject: AuditSubject,
) -> AuditOperation {
    operation(action, object_type, v3, subject, Administrator, 0)
}

/// What an event says of what was done to whom.
#[derive(Debug, Default)]
pub(super) struct ObjectFields {
    pub(super) object: Option<Id>,
    /// `object_details` name the other person.
    pub(super) object_is_user: bool,
    pub(super) aux_id: Option<u64>,
    pub(super) aux_uuid: Option<Id>,
    /// `aux_details` name the other person.
    pub(super) aux_is_user: bool,
    pub(super) aux_info: Option<String>,
}

/// The vault and the group that an operation is about, by index.
#[derive(Clone, Copy, Debug)]
pub(super) struct VaultAndGroup {
    pub(super) vault: usize,
    pub(super) group: usize,
}

/// Decides those fields. `other` is the person it was done to, `session` the one it was done in.
pub(super) fn object_fields(
    subject: AuditSubject,
    draft: &mut EventDraft<'_>,
    other: &Person,
    session: Id,
    VaultAndGroup { vault, group }: VaultAndGroup,
) -> ObjectFields {
    let company = &draft.writer.company;
    let none = ObjectFields::default();
    let user = || ObjectFields { object: Some(other.uuid), object_is_user: true, ..ObjectFields::default() };
    let text = |text: &str| Some(text.to_owned());
    let of_vault = |fields| ObjectFields { object: Some(company.vaults[vault]), ..fields };
    match subject {
        AuditSubject::DelegatedSession => ObjectFields { aux_uuid: Some(session), ..none },
        AuditSubject::SignInToken => ObjectFields { aux_info: Some(token_text(draft, other)), ..none },
        AuditSubject::User => user(),
        AuditSubject::Factor(kind) => {
            ObjectFields { aux_id: Some(40_000 + draft.random.below(9_000)), aux_info: text(kind), ..user() }
        }
        AuditSubject::Package => ObjectFields { aux_uuid: Some(draft.random.id()), ..user() },
        AuditSubject::Device => {
            with_person(other, ObjectFields { object: Some(*draft.random.pick(&other.devices)), ..none })
        }
        AuditSubject::Member(role) => {
            let object = Some(company.groups[group]);
            with_person(other, ObjectFields { object, aux_info: role.and_then(text), ..none })
        }
        AuditSubject::VaultUser(rights) => {
            of_vault(with_person(other, ObjectFields { aux_info: rights.and_then(text), ..none }))
        }
        AuditSubject::VaultGroup(rights) => {
            let (aux_id, aux_uuid) = (Some(310_042 + group as u64 * 7), Some(company.groups[group]));
            of_vault(ObjectFields { aux_id, aux_uuid, aux_info: rights.and_then(text), ..none })
        }
        AuditSubject::Items => {
            let (version, items) = (200 + draft.random.below(9_000), 1 + draft.random.below(9));
            of_vault(ObjectFields { aux_id: Some(version), aux_info: Some(items.to_string()), ..none })
        }
        AuditSubject::SharedItem => shared_item(draft, company, vault),
        AuditSubject::Vault => of_vault(none),
        AuditSubject::VaultAccess(value) => of_vault(ObjectFields { aux_info: text(value), ..none }),
        AuditSubject::Group => {
            ObjectFields { object: Some(company.groups[group]), aux_info: text(GROUPS[group]), ..none }
        }
        AuditSubject::Invitation => {
            let invited = company.contractor(draft.random.below(10_000)).email;
            ObjectFields { aux_info: Some(invited), ..none }
        }
        AuditSubject::Report(kind) => {
            ObjectFields { aux_uuid: Some(draft.random.lower_id()), aux_info: text(kind), ..none }
        }
        AuditSubject::Account => ObjectFields { object: Some(company.account), ..none },
        AuditSubject::AccountText(words) => {
            ObjectFields { object: Some(company.account), aux_info: text(words), ..none }
        }
        AuditSubject::Text(words) => ObjectFields { aux_info: words.and_then(text), ..none },
    }
}

/// The fields that name the person, too.
fn with_person(person: &Person, fields: ObjectFields) -> ObjectFields {
    ObjectFields {
        aux_id: Some(person.numeric_id()),
        aux_uuid: Some(person.uuid),
        aux_is_user: true,
        ..fields
    }
}

fn shared_item(draft: &mut EventDraft<'_>, company: &Company, vault: usize) -> ObjectFields {
    ObjectFields {
        object: Some(company.item(vault, draft.random.below(200))),
        aux_id: Some(88_017 + vault as u64 * 3),
        aux_uuid: Some(company.vaults[vault]),
        aux_info: Some(draft.random.lower_id().to_string()),
        ..ObjectFields::default()
    }
}

/// What `aux_info` of a sign-in token says: JSON text inside a string.
fn token_text(draft: &mut EventDraft<'_>, owner: &Person) -> String {
    let mut expiry = Vec::new();
    write_time(&mut expiry, draft.stamp.time + DAY, 9);
    let expiry = String::from_utf8(expiry).unwrap_or_default();
    format!(
        "{{\"expiry\":\"{expiry}\",\"deviceUuid\":\"{}\"}}",
        owner.devices[draft.random.below(2) as usize]
    )
}
