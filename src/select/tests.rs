//! Filters on single events, and against a plain implementation that decodes everything.

use serde_json::Value;

use super::*;
use crate::error::ErrorKind;
use crate::facts::words;

mod plain;

fn terms(values: &[(FilterField, &str)]) -> FilterTerms {
    let values = values.iter().map(|(field, typed)| (*field, vec![(*typed).to_owned()])).collect();
    FilterTerms { values, ..FilterTerms::default() }
}

fn filter(field: FilterField, typed: &str) -> Filter {
    Filter::compile(&terms(&[(field, typed)])).unwrap()
}

fn wants(filter: &Filter, stream: Stream, raw: &str) -> bool {
    let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
    filter.wants(&event, &mut LookupBuffer::default())
}

const SIGN_IN: &str = r#"{"uuid":"E1","session_uuid":"SESSION","country":"DE","category":"credentials_failed",
    "type":"password_secret_bad","client":{"app_name":"1Password CLI","platform_name":"ws-0123",
    "ip_address":"::ffff:203.0.113.7"},"location":{"country":"Germany"},
    "target_user":{"uuid":"ADA","name":"Ada Lov\u00e9lace","email":"ada@example.test"}}"#;
const USAGE: &str = r#"{"uuid":"E2","item_uuid":"item1","vault_uuid":"vault1","action":"reveal",
    "user":{"uuid":"BOB","name":"Bob","email":"bob@example.test"},"client":{"ip_address":"2001:db8::7"},
    "location":{"country":"Viet Nam"}}"#;
const AUDIT: &str = r#"{"uuid":"E3","actor_uuid":"ADA","actor_details":{"uuid":"ADA","name":"Ada","email":"ada@example.test"},
    "action":"grant","object_type":"uva","object_uuid":"vault1","aux_uuid":"BOB",
    "aux_details":{"uuid":"BOB","name":"Bob","email":"bob@example.test"},
    "session":{"uuid":"SESSION","device_uuid":"device1","ip":"203.0.113.8"}}"#;
const JOINED: &str = r#"{"uuid":"E4","actor_uuid":"ADA","action":"join","object_type":"gm","object_uuid":"group1","aux_uuid":"BOB"}"#;
const SESSION: &str =
    r#"{"uuid":"E5","actor_uuid":"ADA","action":"dlgsess","object_type":"dlgdsess","object_uuid":"S2"}"#;

const EVENTS: [(Stream, &str); 5] = [
    (Stream::SignInAttempts, SIGN_IN),
    (Stream::ItemUsages, USAGE),
    (Stream::AuditEvents, AUDIT),
    (Stream::AuditEvents, JOINED),
    (Stream::AuditEvents, SESSION),
];

/// The numbers of the events that are wanted.
fn wanted(filter: &Filter) -> Vec<usize> {
    (1..=EVENTS.len()).filter(|number| wants(filter, EVENTS[number - 1].0, EVENTS[number - 1].1)).collect()
}

#[test]
fn every_field_finds_what_it_should() {
    use FilterField::*;
    for (field, typed, numbers) in [
        (User, "BOB@example.TEST", &[2, 3][..]),
        (User, "bob", &[2, 3, 4]),
        (User, "lovélace", &[1]),
        (User, "Lov", &[]),
        (User, "*@example.test", &[1, 2, 3]),
        (User, "!bob", &[1, 5]),
        (User, "lovélace, bob", &[1, 2, 3, 4]),
        (Actor, "bob", &[2]),
        (Actor, "ada", &[1, 3, 4, 5]),
        (Ip, "203.0.113.0/24", &[1, 3]),
        (Ip, "203.0.113.0/24,!203.0.113.8", &[1]),
        (Ip, "2001:db8::/32", &[2]),
        (Country, "germany", &[1]),
        (Country, "vn,de", &[1, 2]),
        (Country, "!DE", &[2, 3, 4, 5]),
        (Action, "reveal", &[2]),
        (Action, "credentials_failed", &[1]),
        (Action, "PASSWORD_secret_bad", &[1]),
        (Action, "gave access", &[3]),
        (Action, "Wrong Password", &[1]),
        (Action, "revealed", &[2]),
        (Object, "uva", &[3]),
        (Object, "g*", &[4]),
        (Object, "vault1", &[3]),
        (Item, "item1", &[2]),
        (Item, "ITEM1", &[]),
        (Vault, "vault1", &[2, 3]),
        (Vault, "vault*", &[2, 3]),
        (Vault, "*", &[2, 3]),
        (Group, "group1", &[4]),
        (Group, "*", &[4]),
        (Device, "device1", &[3]),
        (Device, "WS-0123", &[1]),
        (App, "cli", &[1]),
        (Session, "SESSION", &[1, 3]),
        (Grep, "Lovélace", &[1]),
        (Grep, "example\\.test\".*(CLI|uva)", &[]),
        (Grep, "!ADA", &[2]),
        (Grep, "E[13]", &[1, 3]),
        (Grep, r#""item.{1,5}":"item1""#, &[2]),
    ] {
        assert_eq!(wanted(&filter(field, typed)), numbers, "{field:?} {typed}");
    }
}

#[test]
fn fields_agree_and_switches_count() {
    let both = [(FilterField::User, "bob"), (FilterField::Actor, "ada")];
    assert_eq!(wanted(&Filter::compile(&terms(&both)).unwrap()), [3, 4]);
    let switch = |change: fn(&mut FilterTerms)| {
        let mut terms = FilterTerms::default();
        change(&mut terms);
        wanted(&Filter::compile(&terms).unwrap())
    };
    assert_eq!(switch(|_| ()), [1, 2, 3, 4, 5]);
    assert_eq!(switch(|terms| terms.no_sessions = true), [1, 2, 3, 4]);
    assert_eq!(switch(|terms| terms.failed = true), [1]);
    assert!(switch(|terms| terms.succeeded = true).is_empty());
    let reported = r#"{"category":"firewall_reported_success"}"#;
    let worked = Filter::compile(&FilterTerms { succeeded: true, ..FilterTerms::default() }).unwrap();
    assert!(wants(&worked, Stream::SignInAttempts, reported));
}

#[test]
fn a_missing_value_matches_nothing_and_is_not_what_is_left_out() {
    use FilterField::*;
    for field in [User, Actor, Object, Item, Vault, Group, Device, App, Session] {
        for stream in Stream::ALL {
            for raw in ["{}", r#"{"user":null,"action":{},"object_uuid":"","client":"x","session":[]}"#] {
                assert!(!wants(&filter(field, "*"), stream, raw), "{field:?} {raw}");
                assert!(wants(&filter(field, "!*"), stream, raw), "{field:?} {raw}");
            }
        }
    }
}

#[test]
fn one_filter_has_one_description() {
    let describe =
        |values: &[(FilterField, &str)]| Filter::compile(&terms(values)).unwrap().describe().to_owned();
    use FilterField::*;
    let told = "--ip 10.0.0.0/8 --user !bob,ada@example.test";
    assert_eq!(describe(&[(User, "Ada@Example.test,!Bob"), (Ip, "10.1.2.3/8")]), told);
    assert_eq!(describe(&[(Ip, "::ffff:10.0.0.0/104"), (User, "!bob, ada@example.test,!BOB")]), told);
    assert_eq!(describe(&[(Country, "germany")]), describe(&[(Country, "DE")]));
    assert_eq!(describe(&[(User, "ada --ip 10.0.0.1")]), r#"--user "ada --ip 10.0.0.1""#);
    assert_eq!(describe(&[(Item, "ABC")]), "--item ABC");
    assert_eq!(describe(&[(Grep, r"a,\d")]), r#"--grep "a,\\d""#);
    let switches = FilterTerms { no_sessions: true, failed: true, ..FilterTerms::default() };
    assert_eq!(Filter::compile(&switches).unwrap().describe(), "--no-sessions --failed");
    assert!(Filter::compile(&FilterTerms::default()).unwrap().is_empty());
}

#[test]
fn what_cannot_be_read_says_where_it_is() {
    use FilterField::*;
    for (field, typed, message) in [
        (Ip, &["10.0.0.0/33"][..], "--ip 10.0.0.0/33: a network's length is a number from 0 to 32"),
        (Ip, &["10.0.0.1", "1.1.1.1,!x"], "--ip, value 3, x: not an address or a network"),
        (User, &[""], "--user: the value is empty"),
        (User, &["!"], "--user: the value is empty"),
        (User, &["a,,b"], "--user, value 2: the value is empty"),
        (Country, &["FR,Germny"], "--country, value 2, Germny: no such country; did you mean Germany?"),
        (
            Action,
            &["danced a polka"],
            "--action danced a polka: no such action, and no action is described so",
        ),
    ] {
        let values = vec![(field, typed.iter().map(|text| (*text).to_owned()).collect())];
        let failure = Filter::compile(&FilterTerms { values, ..FilterTerms::default() }).unwrap_err();
        assert_eq!((failure.kind(), failure.message()), (ErrorKind::Usage, message));
        assert!(failure.advice().is_some());
    }
    let failure = Filter::compile(&terms(&[(Grep, "a(b,c")])).unwrap_err();
    assert!(failure.message().starts_with("--grep a(b,c: not a regular expression: "), "{failure}");
}

#[test]
fn an_unknown_code_is_a_code_with_a_warning() {
    let unknown = filter(FilterField::Action, "exprot");
    assert_eq!(unknown.warnings(), ["--action exprot: no such action is known; did you mean export?"]);
    assert!(wants(&unknown, Stream::ItemUsages, r#"{"action":"exprot"}"#));
    assert!(filter(FilterField::Action, "export").warnings().is_empty());
}
