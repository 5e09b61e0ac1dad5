//! Item usages: who used which item of a shared vault, and how.

use super::company::App;
use super::event_writer::EventDraft;
use super::options::ApiForm;

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
    let contractor = draft.slot.part.map(|part| company.contractor(part.incident));
    let (person, number) = match &contractor {
        Some(contractor) => (contractor, None),
        None => {
            let number = draft.somebody();
            (&company.people[number], Some(number))
        }
    };
    // A contractor takes one vault, item by item; staff mostly use a few favourites of theirs.
    let (vault, item_number, action, app) = match draft.slot.part {
        Some(part) => ((part.incident % 17) as usize, part.index, "export", App::Desktop),
        None => {
            let favourite = number.unwrap_or(0) * 5 % company.vaults.len();
            let vault = (favourite + draft.random.below(3) as usize) % company.vaults.len();
            let item = draft.random.below(12) * draft.random.below(20);
            let action = action(draft.random.below(1000));
            let app = match action {
                "fill" | "select-sso-provider" => {
                    *draft.random.pick(&[App::Extension, App::Extension, App::Phone])
                }
                "server-create" => *draft.random.pick(&[App::CommandLine, App::Desktop, App::Web]),
                _ => *draft.random.pick(&[App::Desktop, App::Extension, App::Phone, App::CommandLine]),
            };
            (vault, item, action, app)
        }
    };
    let action = draft.value(action);
    let (place, address) = draft.whereabouts(person);

    let mut item = draft.open(out);
    draft.time(&mut item);
    item.number("used_version", draft.random.below(4) * draft.random.below(7))
        .id("vault_uuid", &company.vaults[vault])
        .id("item_uuid", &company.item(vault, item_number));
    if draft.form == ApiForm::V1 {
        draft.user(&mut item, "user", person, number);
        draft.client(&mut item, person, number, app, &address);
        draft.location(&mut item, place);
        item.plain("action", action);
    } else {
        item.plain("action", action);
        draft.user(&mut item, "user", person, number);
        draft.client(&mut item, person, number, app, &address);
        draft.location(&mut item, place);
        item.id("account_uuid", &company.account);
    }
    draft.close(&mut item);
}

fn action(mut left: u64) -> &'static str {
    let found = ACTIONS.iter().find(|(_, share)| {
        let found = left < *share;
        left = left.saturating_sub(*share);
        found
    });
    found.map_or("fill", |(action, _)| action)
}
