//! What there is to find in the made-up company: eight incidents a week, each over within two hours.
//!
//! One begins every 21 hours, so that any 24 hours hold a whole one, at another time of the day each time.
//! Incident `i` is counted from the first Monday of 1970; it begins at minute 0 of
//! `first Monday + i * 21 h + 1 h`.
//!
//! | from minute | stream | who | what |
//! |---|---|---|---|
//! | 10 | sign-ins | 36 people, from three addresses of a data centre | `password_secret_bad`, a spray; the last password is right and stopped by the second factor (`totp_bad`) |
//! | 24 | sign-ins | person `13 i + 5`, from the same data centre | six times `password_secret_bad`, then `credentials_ok`: taken over |
//! | 30 | audit | administrator `i` | the single sign-on policy and its grace period are changed |
//! | 45 | sign-ins | person `7 i`, from a refused country | four times `country_blocked` |
//! | 46 | audit | administrator `i`, for contractor `i` | joins group `i` (`R`), becomes its manager (`A`), may use vault `i` |
//! | 68 | sign-ins | contractor `i` | signs in, from an address of their own |
//! | 75 | item usages | contractor `i` | exports the 30 items of vault `i` in 20 seconds |
//! | 76 | audit | contractor `i` | the export of vault `i` as an audit event, in the session of minute 68 |
//! | 82 | audit | administrator `i + 1`, for themself | gets access to vault `i + 3` |
//! | 86 | item usages | administrator `i + 1` | reveals three items of vault `i + 3` |
//! | 95 | audit | administrator `i`, for contractor `i` | suspended, out of the group, out of the vault, old devices removed |
//!
//! People, administrators, vaults and groups are counted from 0 and around. A company with few events has smaller
//! incidents: they are never more than half of its events.

use super::audit_operations::{AuditOperation, AuditSubject, staged};
use super::company::{Company, Person};
use super::schedule::{IncidentPart, IncidentScene};

/// Who is part of an incident, and which vaults are.
impl Company {
    /// The index of the person whose account is taken over.
    pub(super) fn taken_over(&self, incident: u64) -> usize {
        ((incident * 13 + 5) % self.people.len() as u64) as usize
    }

    /// The index of the administrator who acts in this scene.
    pub(super) fn administrator_of(&self, part: IncidentPart) -> usize {
        let own = matches!(part.scene, IncidentScene::SelfGrant | IncidentScene::SelfReveal);
        ((part.incident + u64::from(own)) % self.administrators as u64) as usize
    }

    /// The index of the vault that this scene is about.
    pub(super) fn vault_of(&self, part: IncidentPart) -> usize {
        let own = matches!(part.scene, IncidentScene::SelfGrant | IncidentScene::SelfReveal);
        ((part.incident + if own { 3 } else { 0 }) % self.vaults.len() as u64) as usize
    }

    /// The contractor, if the scene is theirs.
    pub(super) fn contractor_of(&self, part: IncidentPart) -> Option<Person> {
        let theirs = matches!(
            part.scene,
            IncidentScene::ContractorSignIn | IncidentScene::Export | IncidentScene::VaultExport
        );
        theirs.then(|| self.contractor(part.incident))
    }
}

const SSO: [AuditOperation; 2] = [
    staged("chngpsso", "sso", "account.sso-policy.update", AuditSubject::Text(None)),
    staged("chngdsso", "sso", "account.sso-grace-period.update", AuditSubject::Text(None)),
];

const ROLE: [AuditOperation; 3] = [
    staged("join", "gm", "group.membership.create", AuditSubject::Member(Some("R"))),
    staged("role", "gm", "group.membership.update", AuditSubject::Member(Some("A"))),
    staged("grant", "uva", "vault.user-access.create", AuditSubject::VaultUser(None)),
];

const SUSPENSION: [AuditOperation; 4] = [
    staged("suspend", "user", "user.suspend", AuditSubject::User),
    staged("leave", "gm", "group.membership.delete", AuditSubject::Member(None)),
    staged("revoke", "uva", "vault.user-access.delete", AuditSubject::VaultUser(None)),
    staged("deolddev", "user", "user.devices.remove", AuditSubject::User),
];

const SELF_GRANT: [AuditOperation; 1] =
    [staged("grant", "uva", "vault.user-access.create", AuditSubject::VaultUser(None))];

const VAULT_EXPORT: [AuditOperation; 1] = [staged("export", "vault", "vault.export", AuditSubject::Vault)];

/// What an audit event of an incident tells.
pub(super) fn audit_operation(part: IncidentPart) -> AuditOperation {
    let operations: &[AuditOperation] = match part.scene {
        IncidentScene::SsoChange => &SSO,
        IncidentScene::RoleGiven => &ROLE,
        IncidentScene::SelfGrant => &SELF_GRANT,
        IncidentScene::VaultExport => &VAULT_EXPORT,
        _ => &SUSPENSION,
    };
    operations[part.index as usize % operations.len()]
}
