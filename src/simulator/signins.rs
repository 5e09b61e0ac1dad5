//! Sign-in attempts: who tried, from where, and whether it worked.

use super::company::App;
use super::event_writer::{Actor, EventDraft, EventStamp};
use super::hostile::HostileValue;
use super::options::ApiForm;
use super::random::Id;
use super::schedule::{IncidentPart, IncidentScene};
use super::sites::Site;

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

/// Of a thousand attempts, how many a service account makes while people are at work.
const SERVICES: u64 = 40;

/// An attempt: everything about it that does not depend on the form.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    pub(super) actor: Actor<'a>,
    category: &'static str,
    kind: &'static str,
    pub(super) site: &'static Site,
    pub(super) address: String,
    pub(super) app: App,
    /// The session that it opens, if it succeeds.
    pub(super) session: Id,
    pub(super) stamp: EventStamp,
}

impl SignIn<'_> {
    /// Whether it opened a session.
    pub(super) fn succeeded(&self) -> bool {
        self.category == "success"
    }
}

/// Decides who tries, from where, and what comes of it.
pub(super) fn decide<'a>(draft: &mut EventDraft<'a>) -> SignIn<'a> {
    let (actor, (category, kind), (site, address), app) = match draft.slot.part {
        Some(part) => staged(draft, part),
        None => everyday(draft),
    };
    let session = draft.random.id();
    SignIn { actor, category, kind, site, address, app, session, stamp: draft.stamp }
}

/// Writes the item.
pub(super) fn write(mut draft: EventDraft<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let SignIn { actor, category, kind, site, address, app, session, .. } = decide(&mut draft);
    // The type came with v2; v1 knows only that the credentials were right.
    let kind = if draft.form == ApiForm::V1 && kind == "federated" { "credentials_ok" } else { kind };
    let category = draft.value(category);

    let mut item = draft.open(out);
    item.id("session_uuid", &session);
    draft.time(&mut item);
    item.plain("country", site.code).plain("category", category).plain("type", kind);
    match kind {
        "country_blocked" | "anonymous_blocked" => {
            let value = if kind == "country_blocked" { site.country } else { "Anonymous" };
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
        draft.user(&mut item, "target_user", &actor);
        draft.client(&mut item, &actor, app, &address);
        draft.location(&mut item, site);
    } else {
        draft.client(&mut item, &actor, app, &address);
        draft.location(&mut item, site);
        draft.user(&mut item, "target_user", &actor);
        item.id("account_uuid", &company.account);
    }
    draft.close(&mut item);
}

type Attempt<'a> = (Actor<'a>, (&'static str, &'static str), (&'static Site, String), App);

fn everyday<'a>(draft: &mut EventDraft<'a>) -> Attempt<'a> {
    let somebody = if draft.random.in_thousand(SERVICES) { None } else { draft.somebody() };
    let Some(actor) = somebody else { return by_service(draft) };
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
        draft.whereabouts(&actor.person)
    };
    let app = *draft.random.pick(&[App::Extension, App::Extension, App::Desktop, App::Phone, App::Web]);
    (actor, (category, kind), from, app)
}

/// The SCIM bridge and the build server sign in around the clock, from where they run.
fn by_service<'a>(draft: &mut EventDraft<'a>) -> Attempt<'a> {
    let number = draft.random.below(2) as usize;
    let (from, app) = (draft.server_room(number), [App::ScimBridge, App::CommandLine][number]);
    (Actor::service(&draft.writer.company, number), ("success", "credentials_ok"), from, app)
}

/// The parts of the incidents that are sign-ins.
fn staged<'a>(draft: &mut EventDraft<'a>, part: IncidentPart) -> Attempt<'a> {
    let company = &draft.writer.company;
    let people = company.people.len() as u64;
    let staff = |number: u64| Actor::staff(company, (number % people) as usize);
    let wrong = ("credentials_failed", "password_secret_bad");
    let last = part.index + 1 == part.of;
    match part.scene {
        IncidentScene::Blocked => {
            let refused = draft.refused(part.incident);
            (staff(part.incident * 7), ("firewall_failed", "country_blocked"), refused, App::Phone)
        }
        IncidentScene::Takeover => {
            let outcome = if last { ("success", "credentials_ok") } else { wrong };
            let victim = Actor::staff(company, company.taken_over(part.incident));
            (victim, outcome, draft.attacker(part.incident), App::Web)
        }
        IncidentScene::ContractorSignIn => {
            let contractor = Actor::somebody_else(company.contractor(part.incident));
            let from = draft.whereabouts(&contractor.person);
            (contractor, ("success", "credentials_ok"), from, App::Desktop)
        }
        _ => {
            let outcome = if last { ("mfa_failed", "totp_bad") } else { wrong };
            let victim = staff(part.incident * 11 + part.index);
            (victim, outcome, draft.attacker(part.incident), App::Web)
        }
    }
}
