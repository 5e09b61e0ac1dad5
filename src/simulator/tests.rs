//! What the made-up company shows: events as real ones are, joined over the streams, with something to find.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::event_json;
use super::event_store::EventStore;
use super::options::{ApiForm, EventData, SeededData, ServiceBehavior, SimulatorOptions};
use super::schedule::{DAY, HOUR, SECOND};
use crate::event::Stream;

const NOW: i64 = 1_795_000_000 * SECOND;

fn demo() -> SeededData {
    let EventData::Seeded(seeded) = SimulatorOptions::demo().data else { panic!("the demo is seeded") };
    seeded
}

fn store(options: &SeededData, now: i64) -> EventStore {
    EventStore::new(options, &ServiceBehavior::default(), now)
}

/// The events of a stream that arrived within these times.
fn events(store: &EventStore, stream: Stream, from: i64, to: i64) -> Vec<Value> {
    (store.arrived_before(stream, from)..store.arrived_before(stream, to))
        .map(|number| {
            let mut out = Vec::new();
            event_json::write(store, stream, number, ApiForm::V2, &mut out);
            serde_json::from_slice(&out).unwrap()
        })
        .collect()
}

fn last_days(store: &EventStore, stream: Stream, days: i64) -> Vec<Value> {
    events(store, stream, NOW - days * DAY, NOW)
}

fn is_session_traffic(event: &Value) -> bool {
    matches!(event["object_type"].as_str(), Some("dlgdsess" | "ssotkn"))
}

#[test]
fn most_audit_events_are_session_traffic_without_an_object() {
    let audits = last_days(&store(&demo(), NOW), Stream::AuditEvents, 28);
    let traffic: Vec<&Value> = audits.iter().filter(|event| is_session_traffic(event)).collect();
    assert!(traffic.len() * 10 > audits.len() * 6, "{} of {}", traffic.len(), audits.len());
    for event in traffic {
        assert!(event.get("object_uuid").is_none(), "{event}");
        if event["action"] == "ssotknv" {
            let info: Value = serde_json::from_str(event["aux_info"].as_str().unwrap()).unwrap();
            assert!(info["expiry"].is_string() && info["deviceUuid"].is_string(), "{info}");
        }
    }
}

#[test]
fn audit_events_belong_to_the_session_of_a_sign_in() {
    for options in [demo(), SeededData::default()] {
        let store = store(&options, NOW);
        let sign_ins: HashMap<String, Value> = last_days(&store, Stream::SignInAttempts, 16)
            .into_iter()
            .map(|event| (event["session_uuid"].as_str().unwrap().to_owned(), event))
            .collect();
        let audits = last_days(&store, Stream::AuditEvents, 9);
        for audit in &audits {
            let sign_in = sign_ins.get(audit["session"]["uuid"].as_str().unwrap());
            let sign_in = sign_in.unwrap_or_else(|| panic!("no sign-in for {audit}"));
            assert_eq!(audit["session"]["login_time"], sign_in["timestamp"]);
            assert_eq!(audit["session"]["ip"], sign_in["client"]["ip_address"]);
            assert_eq!(audit["actor_uuid"], sign_in["target_user"]["uuid"]);
            assert_eq!(sign_in["category"], "success");
        }
    }
}

#[test]
fn aux_info_says_what_its_pair_says() {
    let audits = last_days(&store(&demo(), NOW), Stream::AuditEvents, 28);
    let of = |object_type: &str, action: &str| -> Vec<String> {
        let found = audits.iter().filter(|e| e["object_type"] == object_type && e["action"] == action);
        found.map(|event| event["aux_info"].as_str().unwrap_or("").to_owned()).collect()
    };
    assert!(of("gm", "join").iter().all(|role| role == "R"), "R is a member");
    assert!(of("gm", "role").iter().all(|role| role == "A"), "A is a manager");
    assert!(of("gm", "leave").iter().all(String::is_empty));
    assert!(of("items", "patch").iter().all(|count| count.parse::<u32>().is_ok()));
    assert!(of("invite", "create").iter().all(|email| email.contains('@')));
    assert!(!of("invite", "create").is_empty() && !of("report", "view").is_empty());
}

#[test]
fn service_accounts_sign_in_use_items_and_provision_people() {
    let store = store(&demo(), NOW);
    let is_service =
        |email: &Value| email.as_str().is_some_and(|e| e.ends_with("@1passwordserviceaccounts.com"));
    let count = |stream, user: &str| {
        last_days(&store, stream, 7).iter().filter(|event| is_service(&event[user]["email"])).count()
    };
    assert!(count(Stream::SignInAttempts, "target_user") > 10);
    assert!(count(Stream::ItemUsages, "user") > 10);
    assert!(count(Stream::AuditEvents, "actor_details") > 3);
}

#[test]
fn apps_on_laptops_and_servers_say_the_hosts_name() {
    let usages = last_days(&store(&demo(), NOW), Stream::ItemUsages, 7);
    let hosts: HashSet<&str> = usages
        .iter()
        .filter(|event| {
            matches!(event["client"]["app_name"].as_str(), Some("1Password for Mac" | "1Password CLI"))
        })
        .map(|event| event["client"]["platform_name"].as_str().unwrap())
        .collect();
    assert!(hosts.len() > 15, "{hosts:?}");
    assert!(hosts.iter().any(|host| host.ends_with("s-MacBook-Pro.local")), "{hosts:?}");
}

#[test]
fn some_events_come_twice_in_the_demo_and_none_elsewhere() {
    for (options, some) in [(demo(), true), (SeededData { repeats: false, ..demo() }, false)] {
        let store = store(&options, NOW);
        for stream in Stream::ALL {
            let mut seen: HashMap<String, Value> = HashMap::new();
            let mut again = 0;
            for event in last_days(&store, stream, 14) {
                if let Some(before) = seen.insert(event["uuid"].to_string(), event.clone()) {
                    assert_eq!(before, event, "an event that comes again is the same");
                    again += 1;
                }
            }
            assert_eq!(again > 0, some, "{stream}: {again}");
            assert!(again < 60, "{stream}: {again}");
        }
    }
}

#[test]
fn the_last_hour_has_a_few_events_of_each_stream_at_every_hour_of_the_week() {
    let store = store(&demo(), NOW);
    for half_hour in 0..336 {
        let now = NOW + half_hour * HOUR / 2;
        for stream in Stream::ALL {
            let arrived = store.arrived_before(stream, now - HOUR)..store.arrived_before(stream, now);
            let happened = arrived.filter(|number| store.times(stream, *number).0 >= now - HOUR).count();
            assert!(happened >= 2, "{stream}, half-hour {half_hour}: {happened}");
        }
    }
}

/// The incidents that are documented in [`super::incidents`], found as somebody would find them.
#[test]
fn any_24_hours_hold_a_whole_incident() {
    for options in [demo(), SeededData::default()] {
        let store = store(&options, NOW);
        for shift in 0..14 {
            let now = NOW + shift * 11 * HOUR;
            let of = |stream| events(&store, stream, now - DAY, now);
            let (sign_ins, usages, audits) =
                (of(Stream::SignInAttempts), of(Stream::ItemUsages), of(Stream::AuditEvents));
            let count = |events: &[Value], wanted: &dyn Fn(&Value) -> bool| {
                events.iter().filter(|event| wanted(event)).count()
            };
            let contractor =
                |user: &Value| user["email"].as_str().is_some_and(|e| e.starts_with("contractor-"));
            assert!(count(&sign_ins, &|e| e["type"] == "password_secret_bad") >= 41);
            assert!(count(&sign_ins, &|e| e["type"] == "country_blocked") >= 4);
            assert!(has_takeover(&sign_ins), "shift {shift}");
            assert!(count(&usages, &|e| e["action"] == "export" && contractor(&e["user"])) >= 30);
            assert!(count(&audits, &|e| e["object_type"] == "sso") >= 2);
            let pair = |object_type: &'static str, action: &'static str| {
                move |e: &Value| e["object_type"] == object_type && e["action"] == action
            };
            let about_contractor =
                |e: &Value| contractor(&e["object_details"]) || contractor(&e["aux_details"]);
            assert!(count(&audits, &|e| pair("gm", "role")(e) && about_contractor(e)) >= 1);
            assert!(count(&audits, &|e| pair("vault", "export")(e) && contractor(&e["actor_details"])) >= 1);
            assert!(count(&audits, &|e| pair("user", "suspend")(e) && about_contractor(e)) >= 1);
            let own = |e: &Value| pair("uva", "grant")(e) && e["actor_uuid"] == e["aux_uuid"];
            let grant = audits.iter().find(|e| own(e)).expect("an administrator helps themself");
            assert!(usages.iter().any(|e| e["action"] == "reveal"
                && e["vault_uuid"] == grant["object_uuid"]
                && e["user"]["uuid"] == grant["actor_uuid"]));
        }
    }
}

/// Six wrong passwords for one person from one place, then the right one from there.
fn has_takeover(sign_ins: &[Value]) -> bool {
    let mut wrong: HashMap<(String, String), u32> = HashMap::new();
    sign_ins.iter().any(|event| {
        let key = (event["target_user"]["uuid"].to_string(), event["location"]["city"].to_string());
        if event["category"] == "success" {
            return wrong.get(&key).is_some_and(|count| *count >= 5);
        }
        if event["type"] == "password_secret_bad" {
            *wrong.entry(key).or_default() += 1;
        }
        false
    })
}
