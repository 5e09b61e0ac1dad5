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
    pub(super) attempt: SignInAttempt<'a>,
    pub(super) site: &'static Site,
    pub(super) address: String,
    /// The session that it opens, if it succeeds.
    pub(super) session: Id,
    pub(super) stamp: EventStamp,
}

/// Who tries, through which app, and what comes of it.
#[derive(Debug)]
pub(super) struct SignInAttempt<'a> {
    pub(super) actor: Actor<'a>,
    category: &'static str,
    kind: &'static str,
    pub(super) app: App,
    from: SignInOrigin,
}

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug)]
enum SignInOrigin {
    /// Where the person is.
    Usual,
    /// A country that the firewall refuses, another one for another number.
    Refused(u64),
    /// The data centre of this incident's attacker.
    Attacker(u64),
    /// Where this service account runs.
    ServerRoom(usize),
}

impl SignInAttempt<'_> {
    /// What is needed to look for a sign-in.
    pub(super) fn summary(&self) -> SignInSummary {
        SignInSummary {
            person: self.actor.person.uuid,
            staff: self.actor.number,
            app: self.app,
            succeeded: self.category == "success",
        }
    }
}

/// Who made an attempt, and whether it opened a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignInSummary {
    pub(super) person: Id,
    /// The index among the staff.
    pub(super) staff: Option<usize>,
    pub(super) app: App,
    pub(super) succeeded: bool,
}

/// Decides who tries, and what comes of it.
pub(super) fn attempt<'a>(draft: &mut EventDraft<'a>) -> SignInAttempt<'a> {
    match draft.slot.part {
        Some(part) => staged(draft, part),
        None => everyday(draft),
    }
}

/// Decides the rest.
pub(super) fn complete<'a>(draft: &mut EventDraft<'a>, attempt: SignInAttempt<'a>) -> SignIn<'a> {
    let (site, address) = match attempt.from {
        SignInOrigin::Usual => draft.whereabouts(&attempt.actor.person),
        SignInOrigin::Refused(occasion) => draft.refused(occasion),
        SignInOrigin::Attacker(incident) => draft.attacker(incident),
        SignInOrigin::ServerRoom(number) => draft.server_room(number),
    };
    let session = draft.random.id();
    SignIn { attempt, site, address, session, stamp: draft.stamp }
}

/// Writes the item.
pub(super) fn write(mut draft: EventDraft<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let attempt = attempt(&mut draft);
    let SignIn { attempt, site, address, session, .. } = complete(&mut draft, attempt);
    let SignInAttempt { actor, category, kind, app, .. } = attempt;
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

fn everyday<'a>(draft: &mut EventDraft<'a>) -> SignInAttempt<'a> {
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
        SignInOrigin::Refused(draft.slot.arrival as u64)
    } else {
        SignInOrigin::Usual
    };
    let app = *draft.random.pick(&[App::Extension, App::Extension, App::Desktop, App::Phone, App::Web]);
    SignInAttempt { actor, category, kind, app, from }
}

/// The SCIM bridge and the build server sign in around the clock, from where they run.
fn by_service<'a>(draft: &mut EventDraft<'a>) -> SignInAttempt<'a> {
    let number = draft.random.below(2) as usize;
    SignInAttempt {
        actor: Actor::service(&draft.writer.company, number),
        category: "success",
        kind: "credentials_ok",
        app: [App::ScimBridge, App::CommandLine][number],
        from: SignInOrigin::ServerRoom(number),
    }
}

/// The parts of the incidents that are sign-ins.
fn staged<'a>(draft: &EventDraft<'a>, part: IncidentPart) -> SignInAttempt<'a> {
    let company = &draft.writer.company;
    let people = company.people.len() as u64;
    let staff = |number: u64| Actor::staff(company, (number % people) as usize);
    let (wrong, right) = (("credentials_failed", "password_secret_bad"), ("success", "credentials_ok"));
    let attacker = SignInOrigin::Attacker(part.incident);
    let last = part.index + 1 == part.of;
    let (actor, (category, kind), app, from) = match part.scene {
        IncidentScene::Blocked => {
            let refused = SignInOrigin::Refused(part.incident);
            (staff(part.incident * 7), ("firewall_failed", "country_blocked"), App::Phone, refused)
        }
        IncidentScene::Takeover => {
            let victim = Actor::staff(company, company.taken_over(part.incident));
            (victim, if last { right } else { wrong }, App::Web, attacker)
        }
        IncidentScene::ContractorSignIn => {
            let contractor = Actor::somebody_else(company.contractor(part.incident));
            (contractor, right, App::Desktop, SignInOrigin::Usual)
        }
        _ => {
            let victim = staff(part.incident * 11 + part.index);
            (victim, if last { ("mfa_failed", "totp_bad") } else { wrong }, App::Web, attacker)
        }
    };
    SignInAttempt { actor, category, kind, app, from }
}
