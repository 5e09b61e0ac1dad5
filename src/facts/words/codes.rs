//! The words of item actions and of sign-ins' categories and types, as data.
//!
//! In item actions `{object}` stands for the item and `{other}` for its vault.

use super::CodeWords;

/// What was done to an item.
pub(super) const ITEM_ACTIONS: &[CodeWords] = &[
    ("enter-item-edit-mode", "began to edit {object}[ in {other}]"),
    ("export", "exported {object}[ in {other}]"),
    ("fill", "filled in {object}[ in {other}]"),
    ("other", "used {object}[ in {other}]"),
    ("reveal", "revealed {object}[ in {other}]"),
    ("secure-copy", "copied from {object}[ in {other}]"),
    ("select-sso-provider", "chose a sign-in provider from {object}[ in {other}]"),
    ("server-create", "created {object}[ in {other}]"),
    ("server-fetch", "fetched {object}[ in {other}]"),
    ("server-update", "changed {object}[ in {other}]"),
    ("share", "shared {object}[ in {other}]"),
];

/// How a sign-in ended.
pub(super) const SIGN_IN_CATEGORIES: &[CodeWords] = &[
    ("success", "signed in"),
    ("credentials_failed", "failed to sign in"),
    ("mfa_failed", "failed the second factor"),
    ("sso_failed", "failed to sign in through single sign-on"),
    ("modern_version_failed", "failed to sign in with an old app"),
    ("firewall_failed", "blocked by the firewall"),
    ("firewall_reported_success", "signed in, reported by the firewall"),
];

/// Why a sign-in ended so.
pub(super) const SIGN_IN_TYPES: &[CodeWords] = &[
    ("all_blocked", "every address is blocked"),
    ("anonymous_blocked", "anonymous addresses are blocked"),
    ("code_bad", "wrong code"),
    ("code_disabled", "codes are turned off"),
    ("code_timeout", "code not given in time"),
    ("continent_blocked", "continent is blocked"),
    ("country_blocked", "country is blocked"),
    ("credentials_ok", "right credentials"),
    ("duo_bad", "refused by Duo"),
    ("duo_disabled", "Duo is turned off"),
    ("duo_native_bad", "refused in the Duo app"),
    ("duo_timeout", "Duo not answered in time"),
    ("federated", "from another account"),
    ("ip_blocked", "address is blocked"),
    ("mfa_missing", "second factor missing"),
    ("mfa_ok", "with a second factor"),
    ("modern_version_missing", "app does not tell its version"),
    ("modern_version_old", "app is too old"),
    ("non_sso_user", "user does not use single sign-on"),
    ("password_secret_bad", "wrong password or Secret Key"),
    ("platform_secret_bad", "wrong secret of the platform"),
    ("platform_secret_disabled", "secret of the platform is turned off"),
    ("platform_secret_proxy", "secret of the platform came through a proxy"),
    ("service_account_sso_denied", "service accounts cannot use single sign-on"),
    ("sso_user_mismatch", "single sign-on named another user"),
    ("totp_bad", "wrong one-time code"),
    ("totp_disabled", "one-time codes are turned off"),
    ("totp_timeout", "one-time code not given in time"),
    ("u2f_bad", "wrong security key"),
    ("u2f_disabled", "security keys are turned off"),
    ("u2f_timeout", "security key not used in time"),
    ("u2f_timout", "security key not used in time"),
];
