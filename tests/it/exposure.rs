//! `opev exposure`: what somebody saw, and who saw something, as a plain program finds it in the same events.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::Value;

use crate::harness::{Account, Run, now, seeded, typed};

const EVENTS: u64 = 4_000;

/// An account whose events are in `all.ndjson`, and these events.
fn saved() -> (Account, Vec<Value>, String) {
    let at = now();
    let account = Account::new(seeded(EVENTS, at));
    let since = typed(at - TimeDelta::days(31));
    account.run(["fetch", "--since", &since, "-o", "all.ndjson"]).expect(0);
    let text = std::fs::read_to_string(account.sandbox.path("all.ndjson")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (account, events, since)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn rows(run: &Run) -> Vec<Value> {
    String::from_utf8_lossy(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One use of an item.
struct ItemUse<'a> {
    item: &'a str,
    vault: &'a str,
    user: &'a str,
    action: &'a str,
    device: &'a str,
    address: &'a str,
    time: &'a str,
}

/// Every use of an item, and every share of one or export of a vault.
fn uses(events: &[Value]) -> Vec<ItemUse<'_>> {
    let usage = |event: &'_ Value| event.get("used_version").is_some();
    let mut uses = Vec::new();
    for event in events {
        let time = text(event, "/timestamp");
        let action = text(event, "/action");
        if usage(event) {
            uses.push(ItemUse {
                item: text(event, "/item_uuid"),
                vault: text(event, "/vault_uuid"),
                user: text(event, "/user/email"),
                action,
                device: text(event, "/client/platform_name"),
                address: text(event, "/client/ip_address"),
                time,
            });
        } else {
            let (object, aux) = (text(event, "/object_uuid"), text(event, "/aux_uuid"));
            let (item, vault) = match (action, text(event, "/object_type")) {
                ("share", "item") => (object, aux),
                ("export", "vault") => ("", object),
                _ => continue,
            };
            let (device, address) = (text(event, "/session/device_uuid"), text(event, "/session/ip"));
            uses.push(ItemUse {
                item,
                vault,
                user: text(event, "/actor_details/email"),
                action,
                device,
                address,
                time,
            });
        }
    }
    uses
}

/// What comes most often.
fn most<'a>(all: impl Iterator<Item = &'a str>) -> &'a str {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).unwrap().0
}

/// Count, actions, devices, addresses, first and last time.
type Expected<'a> = (u64, BTreeMap<&'a str, u64>, BTreeSet<&'a str>, BTreeSet<&'a str>, BTreeSet<&'a str>);

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[track_caller]
fn same(row: &Value, (count, actions, devices, addresses, times): &Expected<'_>) {
    assert_eq!(row["count"], *count);
    let found: BTreeMap<&str, u64> =
        row["actions"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_u64().unwrap())).collect();
    assert_eq!(found, *actions);
    let listed = |texts: &BTreeSet<&str>| {
        texts.iter().filter(|text| !text.is_empty()).map(ToString::to_string).collect()
    };
    let expected: (Vec<String>, Vec<String>) = (listed(devices), listed(addresses));
    assert_eq!(
        (texts(&row["devices"]), texts(&row["addresses"])),
        (expected.0.iter().map(String::as_str).collect(), expected.1.iter().map(String::as_str).collect())
    );
    // To the microsecond, to which times are kept.
    let cut = |time: &str| {
        time.trim_end_matches('Z')
            .chars()
            .take(26)
            .collect::<String>()
            .trim_end_matches(['0', '.'])
            .to_owned()
    };
    assert_eq!(cut(row["first"].as_str().unwrap()), cut(times.first().unwrap()));
    assert_eq!(cut(row["last"].as_str().unwrap()), cut(times.last().unwrap()));
}

fn gathered<'a, K: Ord>(
    uses: impl Iterator<Item = &'a ItemUse<'a>>,
    key: impl Fn(&ItemUse<'a>) -> K,
) -> BTreeMap<K, Expected<'a>> {
    let mut found: BTreeMap<K, Expected<'a>> = BTreeMap::new();
    for one in uses {
        let row = found.entry(key(one)).or_default();
        row.0 += 1;
        *row.1.entry(one.action).or_default() += 1;
        row.2.insert(one.device);
        row.3.insert(one.address);
        row.4.insert(one.time);
    }
    found
}

#[test]
fn what_a_person_saw_is_what_a_plain_program_finds_and_who_else_saw_it() {
    let (account, events, since) = saved();
    let uses = uses(&events);
    let user = most(uses.iter().map(|one| one.user).filter(|user| user.contains('@')));
    let expected = gathered(uses.iter().filter(|one| one.user == user), |one| (one.item, one.vault));
    assert!(expected.len() > 5, "{}", expected.len());
    let service = account.run(["exposure", "--user", user, "--since", &since]).expect(0);
    let run = account.sandbox.run(["exposure", "--user", user, "--from", "all.ndjson"]).expect(0);
    let lines =
        |run: &Run| String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    for (one, other) in lines(&service).iter().zip(lines(&run)) {
        assert_eq!(*one, other);
    }
    assert_eq!(service.stdout.len(), run.stdout.len());
    let rows = rows(&run);
    assert_eq!(rows.len(), expected.len());
    for row in &rows {
        let key = (text(row, "/item_uuid"), text(row, "/vault_uuid"));
        same(row, &expected[&key]);
        let others: BTreeSet<&str> = uses
            .iter()
            .filter(|one| (one.item, one.vault) == key && one.user != user && !one.user.is_empty())
            .map(|one| one.user)
            .collect();
        assert_eq!(texts(&row["others"]), others.into_iter().collect::<Vec<_>>());
    }
    let last = |row: &Value| text(row, "/last").to_owned();
    assert!(rows.windows(2).all(|pair| last(&pair[0]) >= last(&pair[1])), "the last seen comes first");
}

#[test]
fn who_saw_a_vault_is_what_a_plain_program_finds() {
    let (account, events, _) = saved();
    let uses = uses(&events);
    let vault = most(uses.iter().map(|one| one.vault));
    let expected = gathered(uses.iter().filter(|one| one.vault == vault), |one| (one.item, one.user));
    let run = account.sandbox.run(["exposure", "--vault", vault, "--from", "all.ndjson"]).expect(0);
    let rows = rows(&run);
    assert_eq!(rows.len(), expected.len());
    assert!(rows.len() > 20, "{}", rows.len());
    for row in &rows {
        same(row, &expected[&(text(row, "/item_uuid"), text(row, "/user"))]);
    }
}

#[test]
fn as_csv_it_is_a_checklist_with_names_where_they_are_known() {
    let (account, events, _) = saved();
    let uses = uses(&events);
    let ItemUse { item, vault, user, .. } = uses.iter().find(|one| !one.item.is_empty()).unwrap();
    let names =
        format!(r#"[{{"id":"{item}","title":"AWS <root>","vault":{{"id":"{vault}","name":"=Infra"}}}}]"#);
    account.sandbox.write("items.json", names);
    account.sandbox.run(["names", "import", "items.json"]).expect(0);
    let args = ["exposure", "--user", user, "--item", item, "--from", "all.ndjson", "--format"];
    let csv = account.sandbox.run([&args[..], &["csv"]].concat()).expect(0);
    let csv = String::from_utf8(csv.stdout).unwrap();
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("vault,item,last_seen,how,count,first_seen,"), "{csv}");
    let line = lines.next().unwrap();
    // A formula is text.
    assert!(line.starts_with("'=Infra,AWS <root>,20"), "{line}");
    let json = account.sandbox.run([&args[..], &["ndjson"]].concat()).expect(0);
    let row = &rows(&json)[0];
    assert_eq!(
        (text(row, "/item"), text(row, "/vault"), text(row, "/item_uuid")),
        ("AWS <root>", "=Infra", *item)
    );
}

#[test]
fn a_question_about_nobody_is_refused_with_the_flags() {
    let (account, ..) = saved();
    for (args, why) in [
        (&["exposure", "--from", "all.ndjson"][..], "--user, --device or --ip"),
        (&["exposure", "--user", "x", "--jq", ".", "--from", "all.ndjson"], "--jq is not for exposure"),
    ] {
        let run = account.sandbox.run(args).expect(2);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
    let run =
        account.sandbox.run(["exposure", "--user", "nobody-of-that-name", "--from", "all.ndjson"]).expect(0);
    assert!(run.stdout.is_empty());
}

#[test]
fn on_a_terminal_no_uuid_is_broken_and_every_line_fits() {
    let (account, _, since) = saved();
    for flag in [["--user", "*a*"], ["--vault", "*"]] {
        let args =
            [&["exposure", "--since", &since, "--from", "all.ndjson", "--top", "40"], &flag[..]].concat();
        let all = [&args[..], &["--no-pager", "--color", "never", "-q"]].concat();
        let shown = account.run_on_terminal(60, all).expect(0).text().replace('\r', "");
        let secrets = shown.lines().filter(|line| line.starts_with("item ") || line.starts_with("vault "));
        assert_eq!(secrets.count(), 40, "{shown}");
        for line in shown.lines() {
            let longest = line.split(' ').map(str::len).max().unwrap_or(0);
            assert!(line.chars().count() <= 60 || longest > 50, "{line}");
        }
        let ndjson = account.run([&args[..], &["--format", "ndjson"]].concat()).expect(0);
        for row in rows(&ndjson) {
            assert!(shown.contains(text(&row, "/vault_uuid")) && shown.contains(text(&row, "/item_uuid")));
        }
    }
}
