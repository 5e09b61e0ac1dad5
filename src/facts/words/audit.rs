//! The words of audit events, as data: what a pair of action and object type means, and which roles its
//! other fields play.
//!
//! Keyed on the pair, never on the action alone: `disblmfa` of an account and of a user weigh differently.
//! Sorted by type and action, so that they can be searched. In a text `{object}` and `{other}` stand for
//! what the event's `object_uuid` and `aux_uuid` name, in their roles; `{info}`, `{role}` and `{count}` for
//! its `aux_info`; what is in brackets is left out where the event lacks it. Official meanings where there
//! are any; a text marked inferred has none.

use super::AuditWords;
use super::EntityRole as Is;

/// A row a pair: type, action, what `object_uuid` names, what `aux_uuid` names, the text, and perhaps the
/// text when the actor is the user that it is about.
macro_rules! audit_words {
    ($($object_type:literal $action:literal $object:ident $other:ident $text:literal
        $(/ $own:literal)? $($inferred:ident)?;)*) => {
        &[$(AuditWords::new($object_type, $action, Is::$object, Is::$other, $text)
            $(.own($own))? $(.$inferred())?),*]
    };
}

/// Every pair that is known.
pub(super) static AUDIT: &[AuditWords] = audit_words! {
    "account" "activate" Account Unnamed "activated the account";
    "account" "convert" Account Unnamed "converted the account to another type";
    "account" "delete" Account Unnamed "deleted the account";
    "account" "detchild" Account Unnamed "unlinked a family account" inferred;
    "account" "disblduo" Account Unnamed "turned off Duo";
    "account" "disblmfa" Account Unnamed "turned off two-factor authentication for everyone[: {info}]";
    "account" "dvrfydmn" Account Unnamed "removed a verified domain[: {info}]";
    "account" "enblduo" Account Unnamed "turned on Duo";
    "account" "rdmchild" Account Unnamed "linked a family account" inferred;
    "account" "uisas" Account Unnamed "changed the settings for sharing items";
    "account" "updatduo" Account Unnamed "changed the settings of Duo";
    "account" "update" Account Unnamed "changed the account[: domain {info}]";
    "account" "updatfw" Account Unnamed "changed the firewall rules";
    "account" "uvrfydmn" Account Unnamed "changed a verified domain[: {info}]";
    "account" "vrfydmn" Account Unnamed "verified a domain[: {info}]";
    "card" "create" Unnamed Card "added {other}";
    "card" "delete" Unnamed Card "removed {other}";
    "card" "update" Unnamed Card "changed {other}";
    "cred" "create" Unnamed Unnamed "added a passkey" inferred;
    "cred" "delete" Unnamed Unnamed "removed a passkey" inferred;
    "cred" "update" Unnamed Unnamed "changed a passkey" inferred;
    "device" "create" Device Person "added {object}[ of {other}]" / "added {object} of their own";
    "device" "delete" Device Person "removed {object}[ of {other}]" / "removed {object} of their own";
    "device" "patch" Device Person "updated {object}[ of {other}]" / "updated {object} of their own" inferred;
    "device" "reauth" Device Person "allowed {object}[ of {other}] again"
        / "allowed {object} of their own again";
    "device" "update" Device Person "updated {object}[ of {other}]" / "updated {object} of their own";
    "dlgdsess" "dlgsess" Delegated Session "started {object}[ from {other}]";
    "ec" "begin" Unnamed Unnamed "asked for another email address";
    "ec" "complete" Unnamed Unnamed "changed to another email address";
    "ec" "propose" Unnamed Unnamed "proposed another email address for a user";
    "famchild" "create" Unnamed Unnamed "created a code for a family account" inferred;
    "famchild" "detchild" Unnamed Unnamed "unlinked a family account" inferred;
    "famchild" "rdmchild" Unnamed Unnamed "linked a family account" inferred;
    "file" "create" File Unnamed "uploaded {object}";
    "gm" "join" Group Person "added to {object}[: {other}][, as {role}]"
        / "joined {object}[, as {role}]";
    "gm" "leave" Group Person "removed from {object}[: {other}]" / "left {object}";
    "gm" "role" Group Person "changed a role in {object}[: {other}][, now {role}]"
        / "changed their own role in {object}[, now {role}]";
    "group" "changeks" Group Unnamed "replaced the encryption keys of {object}";
    "group" "create" Group Unnamed "created {object}[, {info}]";
    "group" "delete" Group Unnamed "deleted {object}[, {info}]";
    "group" "purge" Group Unnamed "marked the deleted {object} for purging";
    "group" "update" Group Unnamed "changed {object}[, {info}]";
    "gva" "grant" Vault Group "gave access to {object}[ to {other}]";
    "gva" "revoke" Vault Group "took access to {object}[ from {other}]";
    "gva" "update" Vault Group "changed rights on {object}[ of {other}][: {info}]";
    "invite" "create" Unnamed Unnamed "sent an invitation[ to {info}]";
    "invite" "delete" Unnamed Unnamed "deleted an invitation[ to {info}]" inferred;
    "invite" "expire" Unnamed Unnamed "an invitation expired[: {info}]" inferred;
    "invite" "prsndall" Unnamed Unnamed "sent all invitations to provisioned users again";
    "invite" "update" Unnamed Unnamed "changed an invitation[ to {info}]";
    "item" "delshare" Item Vault "deleted the link to shared {object}[ in {other}][, copy {info}]";
    "item" "share" Item Vault "shared {object}[ in {other}][, copy {info}]";
    "itemhist" "purge" Unnamed Item "marked old versions for purging[ of {other}]";
    "items" "delete" Vault Unnamed "deleted from the trash of {object}: {count}";
    "items" "patch" Vault Unnamed "added or changed in {object}: {count}";
    "items" "purge" Vault Unnamed "marked for purging in {object}: {count}";
    "miguser" "create" Unnamed Unnamed "started the migration of a user[: {info}]";
    "miguser" "musercom" Unnamed Unnamed "completed the migration of a user";
    "miguser" "muserdec" Unnamed Unnamed "declined the migration of a user";
    "mngdacc" "create" Unnamed Unnamed "added a managed account" inferred;
    "mngdacc" "delete" Unnamed Unnamed "deleted a managed account" inferred;
    "mngdacc" "expire" Unnamed Unnamed "a managed account expired" inferred;
    "mngdacc" "launchi" Unnamed Unnamed "opened a managed account as its outside manager" inferred;
    "mngdacc" "unlink" Unnamed Unnamed "stopped managing an account" inferred;
    "mngdacc" "update" Unnamed Unnamed "changed a managed account" inferred;
    "pm" "create" Unnamed PaymentMethod "added {other}";
    "pm" "delete" Unnamed PaymentMethod "removed {other}";
    "report" "export" Unnamed Report "exported {other}[, {info}]";
    "report" "view" Unnamed Report "viewed {other}[, {info}]";
    "sa" "create" Integration Unnamed "created {object}[, {info}]";
    "sa" "delete" Integration Unnamed "deleted {object}[, {info}]" inferred;
    "sa" "update" Integration Unnamed "changed {object}[, {info}]" inferred;
    "satoken" "create" Unnamed Unnamed "created an integration token[: {info}]";
    "satoken" "trename" Unnamed Unnamed "renamed an integration token[: {info}]";
    "satoken" "trevoke" Unnamed Unnamed "revoked an integration token[: {info}]";
    "satoken" "tverify" Unnamed Unnamed "registered the signature of an integration token[: {info}]";
    "slackapp" "create" Unnamed Unnamed "connected a Slack app";
    "slackapp" "delete" Unnamed Unnamed "disconnected the Slack app";
    "slackapp" "update" Unnamed Unnamed "changed the connected Slack app";
    "sso" "addgsso" Unnamed Group "turned on single sign-on[ for {other}]";
    "sso" "chngasso" Unnamed Unnamed "changed how many sign-ins may go without single sign-on";
    "sso" "chngdsso" Unnamed Unnamed "changed how long sign-ins may go without single sign-on";
    "sso" "chngpsso" Unnamed Unnamed "changed the single sign-on policy";
    "sso" "delgsso" Unnamed Group "turned off single sign-on[ for {other}]";
    "sso" "disblsso" Unnamed Unnamed "turned off single sign-on";
    "sso" "enblsso" Unnamed Unnamed "turned on single sign-on";
    "ssotkn" "ssotknv" Unnamed Unnamed "signed in with a sign-in token";
    "sub" "cancel" Unnamed Subscription "cancelled {other}";
    "sub" "create" Unnamed Subscription "started {other}";
    "sub" "update" Unnamed Subscription "changed {other}";
    "template" "create" Unnamed Unnamed "added a template[: {info}]";
    "template" "delete" Unnamed Unnamed "deleted a template[: {info}]";
    "template" "hide" Unnamed Unnamed "hid a template[: {info}]";
    "template" "unhide" Unnamed Unnamed "showed a hidden template again[: {info}]";
    "template" "update" Unnamed Unnamed "changed a template[: {info}]";
    "unknown" "unknown" Unnamed Unnamed "did something that the service does not name";
    "user" "activate" Person Unnamed "activated {object}";
    "user" "beginr" Person Unnamed "began to recover the account of {object}"
        / "began to recover their own account";
    "user" "cancelr" Person Unnamed "cancelled recovering the account of {object}"
        / "cancelled recovering their own account";
    "user" "changeks" Person Unnamed "replaced the encryption keys of {object}"
        / "replaced their own encryption keys";
    "user" "changela" Person Unnamed "changed the language of {object}" / "changed their own language";
    "user" "changemp" Person Unnamed "changed the account password of {object}"
        / "changed their own account password";
    "user" "changenm" Person Unnamed "changed the name of {object}" / "changed their own name";
    "user" "changesk" Person Unnamed "changed the Secret Key of {object}"
        / "changed their own Secret Key";
    "user" "completr" Person Unnamed "recovered the account of {object}" / "recovered their own account";
    "user" "dealldev" Person Unnamed "removed all devices of {object}"
        / "removed all devices of their own";
    "user" "delete" Person Unnamed "deleted {object}";
    "user" "deolddev" Person Unnamed "removed old devices of {object}"
        / "removed old devices of their own";
    "user" "disblmfa" Person Unnamed "turned off two-factor authentication of {object}[: {info}]"
        / "turned off their own two-factor authentication[: {info}]";
    "user" "enblmfa" Person Unnamed "turned on two-factor authentication of {object}[: {info}]"
        / "turned on their own two-factor authentication[: {info}]";
    "user" "join" Person Unnamed "confirmed {object} as joined" / "joined the account";
    "user" "provsn" Person Unnamed "provisioned {object}" inferred;
    "user" "reactivate" Person Unnamed "reactivated {object}";
    "user" "reactive" Person Unnamed "reactivated {object}";
    "user" "reauth" Person Unnamed "allowed a device of {object} again"
        / "allowed a device of their own again" inferred;
    "user" "resendts" Person Unnamed "sent {object} the provisioning email again";
    "user" "sdvcsso" Person Unnamed "set up {object} to unlock with single sign-on"
        / "set up to unlock with single sign-on";
    "user" "sendpkg" Person Package "sent {object} a copy of an item[: {other}]";
    "user" "sendts" Person Unnamed "sent {object} the provisioning email";
    "user" "suspend" Person Unnamed "suspended {object}";
    "user" "tdvcsso" Person Unnamed "set up a trusted device of {object} for single sign-on"
        / "set up a trusted device of their own for single sign-on";
    "user" "trvlaway" Person Unnamed "marked {object} as away on travel";
    "user" "trvlback" Person Unnamed "marked {object} as back from travel";
    "user" "updatmfa" Person Unnamed "changed two-factor authentication of {object}[: {info}]"
        / "changed their own two-factor authentication[: {info}]";
    "user" "upguest" Person Unnamed "made {object}, a guest, a full member";
    "user" "verify" Person Unnamed "verified {object}";
    "uva" "grant" Vault Person "gave access to {object}[ to {other}]";
    "uva" "revoke" Vault Person "took access to {object}[ from {other}]" / "gave up access to {object}";
    "uva" "update" Vault Person "changed rights on {object}[ of {other}][: {info}]";
    "vault" "create" Vault Unnamed "created {object}";
    "vault" "delete" Vault Unnamed "deleted {object}";
    "vault" "export" Vault Unnamed "exported {object}";
    "vault" "purge" Vault Unnamed "marked {object} for purging";
    "vault" "update" Vault Unnamed "changed client access to {object}[: {info}]";
    "vault" "updatea" Vault Unnamed "changed the name or description of {object}";
    "vaultkey" "replace" Vault Unnamed "replaced the encryption key of {object}" inferred;
};
