//! Item usages: who used which item of a shared vault, and how.

use super::company::{App, Company};
use super::event_writer::{Actor, EventDraft};
use super::options::ApiForm;
use super::schedule::IncidentPart;

/// What was done, and of how many in a thousand.
const ACTIONS: [(&str, u64); 10] = [
    ("fill", 560),
    ("secure-copy", 150),
    ("reveal", 110),
    ("enter-item-edit-mode", 45),
    ("select-sso-provider", 40),
    ("server-create", 35),
    ("server-update", 30),
    ("share", 12),
    ("export", 3),
    ("other", 15),
];

/// Writes the item.
pub(super) fn write(mut draft: EventDraft<'_>, out: &mut Vec<u8>) {
    let company = &draft.writer.company;
    let (actor, vault, item_number, action, app) = match draft.slot.part {
        Some(part) => staged(company, part),
        None => everyday(&mut draft),
    };
    let action = draft.value(action);
    let (site, address) = match (actor.number, app) {
        (None, App::CommandLine) => draft.server_room(1),
        _ => draft.whereabouts(&actor.person),
    };

    let mut item = draft.open(out);
    draft.time(&mut item);
    item.number("used_version", draft.random.below(4) * draft.random.below(7))
        .id("vault_uuid", &company.vaults[vault])
        .id("item_uuid", &company.item(vault, item_number));
    if draft.form == ApiForm::V1 {
        draft.user(&mut item, "user", &actor);
        draft.client(&mut item, &actor, app, &address);
        draft.location(&mut item, site);
        item.plain("action", action);
    } else {
        item.plain("action", action);
        draft.user(&mut item, "user", &actor);
        draft.client(&mut item, &actor, app, &address);
        draft.location(&mut item, site);
        item.id("account_uuid", &company.account);
    }
    draft.close(&mut item);
}

type Usage<'a> = (Actor<'a>, usize, u64, &'static str, App);

/// A contractor takes one vault, item by item; an administrator looks into one that was not theirs.
fn staged(company: &Company, part: IncidentPart) -> Usage<'_> {
    let vault = company.vault_of(part);
    match company.contractor_of(part) {
        Some(contractor) => (Actor::somebody_else(contractor), vault, part.index, "export", App::Desktop),
        None => {
            let administrator = Actor::staff(company, company.administrator_of(part));
            (administrator, vault, 10 + part.index, "reveal", App::Desktop)
        }
    }
}

fn everyday<'a>(draft: &mut EventDraft<'a>) -> Usage<'a> {
    let company = &draft.writer.company;
    let Some(actor) = draft.somebody() else {
        // The build server reads the secrets of its vault, day and night.
        let item = draft.random.below(9);
        return (Actor::service(company, 1), company.vaults.len() - 1, item, "reveal", App::CommandLine);
    };
    // Staff mostly use a few favourites of theirs.
    let favourite = actor.number.unwrap_or(0) * 5 % company.vaults.len();
    let vault = (favourite + draft.random.below(3) as usize) % company.vaults.len();
    let item = draft.random.below(12) * draft.random.below(20);
    let action = action(draft.random.below(1000));
    let app = match action {
        "fill" | "select-sso-provider" => *draft.random.pick(&[App::Extension, App::Extension, App::Phone]),
        "server-create" => *draft.random.pick(&[App::CommandLine, App::Desktop, App::Web]),
        _ => *draft.random.pick(&[App::Desktop, App::Extension, App::Phone, App::CommandLine]),
    };
    (actor, vault, item, action, app)
}

fn action(mut left: u64) -> &'static str {
    let found = ACTIONS.iter().find(|(_, share)| {
        let found = left < *share;
        left = left.saturating_sub(*share);
        found
    });
    found.map_or("fill", |(action, _)| action)
}
