//! Sign-in attempts: who tried, from where, and whether it worked.

use super::company::{App, Site};
use super::event_writer::EventDraft;
use super::hostile::HostileValue;
use super::options::ApiForm;
use super::schedule::{IncidentPart, IncidentScene};

/// What came of an attempt: category, type, and of how many in ten thousand.
const OUTCOMES: [(&str, &str, u64); 15] = [
    ("success", "credentials_ok", 5900),
    ("success", "mfa_ok", 2000),
    ("success", "federated", 1250),
    ("credentials_failed", "password_secret_bad", 480),
    ("mfa_failed", "totp_bad", 120),
    ("mfa_failed", "u2f_timeout", 60),
    ("mfa_failed", "duo_timeout", 40),
    ("mfa_failed", "code_bad", 25),
    ("sso_failed", "sso_user_mismatch", 30),
    ("sso_failed", "non_sso_user", 25),
    ("modern_version_failed", "modern_version_old", 30),
    ("firewall_reported_success", "anonymous_blocked", 15),
    ("firewall_failed", "country_blocked", 15),
    ("firewall_failed", "ip_blocked", 5),
    ("credentials_failed", "platform_secret_bad", 5),
];

/// Writes the item.
pub(super) fn write(mut draft: EventDraft<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let (number, (category, kind), (place, address), app) = match draft.slot.part {
        Some(part) => staged(&mut draft, part),
        None => everyday(&mut draft),
    };
    let person = &company.people[number];
    // The type came with v2; v1 knows only that the credentials were right.
    let kind = if draft.form == ApiForm::V1 && kind == "federated" { "credentials_ok" } else { kind };
    let category = draft.value(category);

    let mut item = draft.open(out);
    item.id("session_uuid", &draft.session(person));
    draft.time(&mut item);
    item.plain("country", place.code).plain("category", category).plain("type", kind);
    match kind {
        "country_blocked" | "anonymous_blocked" => {
            let value = if kind == "country_blocked" { place.country } else { "Anonymous" };
            item.raw("details", format!("{{\"value\":\"{value}\"}}"));
        }
        "ip_blocked" => {
            item.raw("details", format!("{{\"value\":\"{address}\"}}"));
        }
        // Seen as null and seen missing.
        _ if draft.random.in_thousand(700) || matches!(draft.twist, Some(HostileValue::Nulls)) => {
            item.raw("details", "null");
        }
        _ => {}
    }
    if draft.form == ApiForm::V1 {
        draft.user(&mut item, "target_user", person, Some(number));
        draft.client(&mut item, person, Some(number), app, &address);
        draft.location(&mut item, place);
    } else {
        draft.client(&mut item, person, Some(number), app, &address);
        draft.location(&mut item, place);
        draft.user(&mut item, "target_user", person, Some(number));
        item.id("account_uuid", &company.account);
    }
    draft.close(&mut item);
}

type Attempt = (usize, (&'static str, &'static str), (&'static Site, String), App);

fn everyday(draft: &mut EventDraft<'_>) -> Attempt {
    let number = draft.somebody();
    let person = &draft.writer.company.people[number];
    let mut left = draft.random.below(10_000);
    let outcome = OUTCOMES.iter().find(|(.., share)| {
        let found = left < *share;
        left = left.saturating_sub(*share);
        found
    });
    let (category, kind, _) = *outcome.unwrap_or(&OUTCOMES[0]);
    let from = if kind == "country_blocked" {
        draft.refused(draft.slot.arrival as u64)
    } else {
        draft.whereabouts(person)
    };
    let app = *draft.random.pick(&[App::Extension, App::Extension, App::Desktop, App::Phone, App::Web]);
    (number, (category, kind), from, app)
}

/// The password spray, whose last guess is right and stopped by the second factor; and the blocked country.
fn staged(draft: &mut EventDraft<'_>, part: IncidentPart) -> Attempt {
    let people = draft.writer.company.people.len() as u64;
    if part.scene == IncidentScene::Blocked {
        let number = (part.incident * 7 % people) as usize;
        return (number, ("firewall_failed", "country_blocked"), draft.refused(part.incident), App::Phone);
    }
    let number = ((part.incident * 11 + part.index) % people) as usize;
    let outcome = if part.index + 1 == part.of {
        ("mfa_failed", "totp_bad")
    } else {
        ("credentials_failed", "password_secret_bad")
    };
    (number, outcome, draft.attacker(part.incident), App::Web)
}
