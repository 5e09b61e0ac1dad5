//! The rules that come with the program.

use super::reader::read_rule;
use super::rule::Rule;

/// Declares the files, each with its text.
macro_rules! rule_files {
    ($($name:literal,)*) => {
        pub(super) const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("rules/", $name, ".toml")))),*];
    };
}

rule_files! {
    "bad-network",
    "blocked-by-firewall",
    "break-glass-signin",
    "domain-changed",
    "export-by-new-account",
    "export-then-suspended",
    "exposure-before-suspension",
    "failures-from-one-address",
    "failures-of-one-person",
    "failures-then-success",
    "firewall-changed",
    "guessed-then-second-factor",
    "impossible-travel",
    "invitation-by-hand",
    "invitation-outside",
    "item-exported",
    "items-exported",
    "many-countries",
    "many-items-deleted",
    "many-items-edited",
    "many-items-in-minutes",
    "many-items-shared",
    "many-mfa-changes",
    "many-recoveries",
    "mfa-changed",
    "mfa-off-by-administrator",
    "mfa-off-for-everyone",
    "new-country-then-export",
    "new-device-action",
    "new-item-action",
    "new-item-for-person",
    "new-vault-for-person",
    "own-group-rights",
    "own-rights-then-use",
    "own-vault-rights",
    "password-spray",
    "privileged-group-joined",
    "privileged-vault-rights",
    "privileged-vault-used",
    "recovery-by-administrator",
    "rights-piled-up",
    "rogue-country",
    "sensitive-item-used",
    "service-account-created",
    "service-account-first-seen",
    "service-account-token-changed",
    "signin-failure-spike",
    "signin-new-address",
    "signin-new-country",
    "signin-outside-own-networks",
    "sso-changed",
    "sso-unlock-set-up",
    "stream-silent",
    "token-made-and-used",
    "travel-then-export",
    "unusual-client",
    "vault-deleted",
    "vault-export",
    "vault-given-guest",
    "vault-given-outside",
    "vault-rights-changed",
    "weakened-then-new-country",
}

/// The rules that come with the program, in the order of their ids. A file that cannot be read is left out; a test
/// reads them all.
pub fn builtin_rules() -> Vec<Rule> {
    let read = |(name, text): &(&str, &str)| {
        let rule = read_rule(&format!("{name}.toml"), text).ok()?;
        Some(Rule { file: None, ..rule })
    };
    FILES.iter().filter_map(read).collect()
}
