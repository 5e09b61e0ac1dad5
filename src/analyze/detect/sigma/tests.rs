use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::analyze::Fold as _;
use crate::analyze::detect::trial::event_of;
use crate::analyze::detect::{DetectFold, Hit, Lists, RuleSet};
use crate::event::Stream;
use crate::facts::{EventFacts, Lookup, LookupBuffer};
use crate::page::Reading;
use crate::select::Names;

fn file(text: &str, is_named: bool) -> SigmaFile {
    SigmaFile { name: "r.yml".to_owned(), text: text.to_owned(), is_named }
}

/// A rule about audit events with this detection.
fn rule(detection: &str) -> String {
    format!(
        "title: T\nname: t\nlogsource:\n  product: onepassword\n  service: auditevents\ndetection:\n{detection}"
    )
}

fn refused(text: &str) -> String {
    read_sigma(&[file(text, true)]).unwrap_err().to_string()
}

/// The hits in audit events that come a minute apart, each without time and uuid.
fn hits(text: &str, events: &[&str]) -> Vec<Hit> {
    let read = read_sigma(&[file(text, true)]).unwrap();
    let set = Arc::new(RuleSet::new(read.rules, Lists::default(), &Names::default()).unwrap());
    let mut fold = DetectFold::new(&set);
    let (lookup, mut buffer) = (Lookup::for_facts(), LookupBuffer::default());
    for (number, event) in events.iter().enumerate() {
        let time: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::minutes(number as i64);
        let raw = format!(
            r#"{{"uuid":"E{number}","timestamp":"{}",{}"#,
            time.to_rfc3339(),
            event.trim_start_matches('{')
        );
        let stream = if event.contains("category") { Stream::SignInAttempts } else { Stream::AuditEvents };
        let event = event_of(stream, &raw);
        let facts = EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer));
        fold.add(&event, &facts, Reading::at(DateTime::UNIX_EPOCH));
    }
    fold.take_hits([None; 3], &Names::default()).unwrap()
}

fn fits(detection: &str, event: &str) -> bool {
    !hits(&rule(detection), &[event]).is_empty()
}

const EVENT: &str = r#"{"action":"export","object_type":"vault","actor_uuid":"A","aux_info":"a*b\\c","note":null,
    "actor_details":{"email":"Ada@Example.com","name":"Ada \u00c9"},"session":{"ip":"192.0.2.7"},"count":5}"#;

#[test]
fn selections_say_what_they_say_in_sigma() {
    for (selection, wanted) in [
        ("action: export", true),
        ("action: Export", true),
        ("action|cased: Export", false),
        ("action: [share, export]", true),
        ("action: [share, delete]", false),
        ("{action: export, object_type: vault}", true),
        ("{action: export, object_type: group}", false),
        ("[{action: share}, {object_type: vault}]", true),
        ("[{action: share}, {object_type: group}]", false),
        ("actor_details.email|endswith: '@example.COM'", true),
        ("actor_details.email|startswith: ada", true),
        ("actor_details.email|contains: [bob, example]", true),
        ("actor_details.email|contains|all: [ada, example]", true),
        ("actor_details.email|contains|all: [ada, bob]", false),
        ("actor_details.email|contains|cased: example", false),
        ("actor_details.email: 'ada@*.co?'", true),
        ("actor_details.email: 'ada@*.co'", false),
        ("actor_details.name: ada é", true),
        ("actor_details.email|re: '^Ada@.*[.]com$'", true),
        ("actor_details.email|re: '^ada@'", false),
        ("actor_details.email|re|i: '^ada@'", true),
        (r"aux_info: 'a\*b\\c'", true),
        (r"aux_info: 'a\?b\\c'", false),
        ("session.ip|cidr: 192.0.2.0/24", true),
        ("session.ip|cidr: [10.0.0.0/8, '2001:db8::/32']", false),
        ("action|exists: true", true),
        ("action|exists: false", false),
        ("missing|exists: false", true),
        ("note: null", true),
        ("note: ''", false),
        ("missing: ~", true),
        ("count: 5", true),
        ("[EXAMPLE.COM]", true),
        ("[nobody, elsewhere]", false),
        ("'|all': [example.com, vault]", true),
        ("'|all': [example.com, group]", false),
    ] {
        let selection =
            if selection.starts_with(['[', '{']) { selection.to_owned() } else { format!("{{{selection}}}") };
        let detection = format!("  s: {selection}\n  condition: s\n");
        assert_eq!(fits(&detection, EVENT), wanted, "{selection}");
    }
}

#[test]
fn conditions_join_selections() {
    let selections = "  yes_a: {action: export}\n  yes_b: {object_type: vault}\n  no_a: {action: share}\n  _no: {action: x}\n";
    for (condition, wanted) in [
        ("yes_a and yes_b", true),
        ("yes_a and no_a", false),
        ("yes_a or no_a", true),
        ("no_a or yes_a and yes_b", true),
        ("(no_a or yes_a) and not no_a", true),
        ("not yes_a", false),
        ("not (no_a and yes_a)", true),
        ("NOT no_a AND yes_a", true),
        ("1 of them", true),
        ("any of no_*", false),
        ("all of them", false),
        ("all of yes_*", true),
        ("1 of yes* and not 1 of no*", true),
        ("not not yes_a", true),
    ] {
        let detection = format!("{selections}  condition: {condition}\n");
        assert_eq!(fits(&detection, EVENT), wanted, "{condition}");
    }
}

#[test]
fn what_is_not_read_is_refused_by_name_where_it_stands() {
    let one = |selection: &str| rule(&format!("  s: {selection}\n  condition: s\n"));
    let condition = |text: &str| rule(&format!("  s: {{a: b}}\n  t_1: {{a: c}}\n  condition: {text}\n"));
    for (text, told) in [
        (one("{a|base64: x}"), "r.yml:7:9: the modifier base64 is not read"),
        (one("{a|contain: x}"), "r.yml:7:9: the modifier contain is not read"),
        (one("{a|contains|windash: x}"), "r.yml:7:18: the modifier windash is not read"),
        (one("{a|gte: 5}"), "r.yml:7:9: the modifier gte is not read"),
        (one("{a|fieldref: b}"), "r.yml:7:9: the modifier fieldref is not read"),
        (one("{a|contains|re: x}"), "r.yml:7:18: contains and re do not go together"),
        (one("{a|re|cased: x}"), "r.yml:7:12: re and cased do not go together"),
        (one("{a|i: x}"), "r.yml:7:9: i stands behind re only"),
        (one("{a|all: x}"), "r.yml:7:14: all needs a list of values"),
        (one("{a|re: '(?=x)'}"), "r.yml:7:13: not a regular expression"),
        (one("{a|cidr: 10.0.0.0/33}"), "r.yml:7:15: 10.0.0.0/33: a network's length"),
        (one("{a|exists: maybe}"), "r.yml:7:17: exists must be true or false"),
        (one("{a: {b: c}}"), "r.yml:7:10: a must have texts as values, not a map"),
        (one("{a: []}"), "r.yml:7:10: a has no value"),
        (one("{a..b: x}"), "r.yml:7:7: a..b is no path of a field"),
        (one("{}"), "r.yml:7:6: a map of fields is empty"),
        (one(""), "r.yml:7:3: the selection s is empty"),
        (one("[[x]]"), "r.yml:7:7: a selection has maps of fields and keywords, not a list"),
        (condition("s and"), "r.yml:9:16: the condition ends too early"),
        (condition("s nad t_1"), "r.yml:9:16: and, or or the end should stand here, not nad"),
        (condition("s | count() > 5"), "r.yml:9:16: and, or or the end should stand here, not |"),
        (condition("(s"), "r.yml:9:15: a parenthesis is not closed"),
        (condition("s)"), "r.yml:9:15: no parenthesis is open here"),
        (condition("s or u"), "r.yml:9:19: no such selection u"),
        (condition("2 of them"), "r.yml:9:14: 2 of is not read"),
        (condition("1 of u*"), "r.yml:9:19: no such selection u*"),
        (condition("[s, t_1]"), "r.yml:9:14: a list of conditions is not read"),
        (condition(&"not ".repeat(50)), "nested deeper than 32"),
        (condition("s\n  timeframe: 5m"), "r.yml:10:3: timeframe is not read"),
        (rule("  s: {a: b}\n"), "r.yml:6:1: condition is missing"),
        (rule("  s: {a: b}\n  condition: s\nlevel: hihg\n"), "r.yml:9:8: no such level hihg"),
        (
            rule("  s: {a: b}\n  condition: s\n").replace("auditevents", "syslog"),
            "r.yml:5:12: the service of logsource: ",
        ),
        (
            rule("  s: {a: b}\n  condition: s\n").replace("onepassword", "windows"),
            "r.yml:4:12: T: it is for the product windows, not onepassword",
        ),
        (rule("  s: {a: b}\n  condition: s\n").replace("title: T\n", ""), "r.yml:1:1: title is missing"),
    ] {
        let found = refused(&text);
        assert!(found.contains(told), "{text}\n{found}");
    }
    let great = format!("  s: [{}]\n  condition: {}\n", "x,".repeat(300), vec!["s"; 100].join(" and "));
    assert!(refused(&rule(&great)).contains("more than 20000 tests of values"));
}

#[test]
fn documents_that_are_not_read_are_refused_by_name_where_it_stands() {
    let correlation = |text: &str| format!("title: C\ncorrelation:\n  {}\n", text.replace("; ", "\n  "));
    let count = "type: event_count; rules: [t]; timespan: 5m";
    for (text, told) in [
        ("a: b\n".to_owned(), "r.yml:1:1: no rule of Sigma"),
        ("".to_owned(), "r.yml:1:1: no rule of Sigma: the file is empty"),
        ("- a\n".to_owned(), "r.yml:1:1: a rule of Sigma must be a map, not a list"),
        ("action: global\n".to_owned(), "r.yml:1:1: collections of rules (action: global) are not read"),
        ("title: F\nfilter: {}\n".to_owned(), "r.yml:2:1: filters of Sigma are not read"),
        ("a: [\n".to_owned(), "r.yml:2:1: "),
        (correlation("type: temporal; rules: [t]; timespan: 5m"), "r.yml:3:9: the correlation type temporal"),
        (correlation("type: value_avg; rules: [t]"), "r.yml:3:9: the correlation type value_avg is not read"),
        (correlation(count), "r.yml:2:1: condition of the correlation is missing"),
        (correlation(&format!("{count}; condition: {{lt: 5}}")), "r.yml:6:15: lt of condition is not read"),
        (correlation(&format!("{count}; condition: {{gte: 0}}")), "gte must be a whole number"),
        (correlation(&format!("{count}; condition: {{gte: 2}}")), "r.yml:4:11: no rule has the name or id t"),
        (
            correlation(&format!("{count}; condition: {{gte: 2}}; grou-by: a")),
            "r.yml:7:3: grou-by of correlation",
        ),
        (
            correlation("type: event_count; rules: [t]; timespan: 5y; condition: {gte: 2}"),
            "r.yml:5:13: timespan: ",
        ),
        (
            correlation("type: temporal_ordered; rules: [t]; timespan: 5m"),
            "r.yml:4:10: rules names too few rules",
        ),
        (
            correlation("type: value_count; rules: [t]; timespan: 5m; condition: {gte: 2}"),
            "r.yml:6:14: value_count needs field",
        ),
    ] {
        let found = refused(&text);
        assert!(found.contains(told), "{text}\n{found}");
    }
}

#[test]
fn a_rule_has_what_its_document_says() {
    let text = "title: A vault was exported
id: 5D2AFCB1-0000-4000-8000-000000000001
description: Plain text leaves.
references: [https://x.test]
author: A
tags: [attack.t1555.005, attack.ta0006, attack.credential-access, cve.2026-1]
logsource: {product: 1Password}
falsepositives: [Backups]
level: informational
detection: {s: {action: export}, condition: s}
---
title: Another
logsource: {product: onepassword, service: itemusages}
detection: {s: {action: export}, condition: s}
";
    let rules = read_sigma(&[file(text, true)]).unwrap().rules;
    let first = &rules[0];
    assert_eq!(first.id, "5d2afcb1-0000-4000-8000-000000000001");
    assert_eq!((first.level.name(), &*first.meaning), ("info", "Plain text leaves."));
    assert_eq!(first.attack, ["T1555.005", "TA0006", "credential-access"]);
    assert_eq!(first.refs, ["5D2AFCB1-0000-4000-8000-000000000001", "cve.2026-1"]);
    assert_eq!((first.steps[0].streams.len(), &first.false_alarms[..]), (3, &["Backups".to_owned()][..]));
    assert_eq!((&*rules[1].id, rules[1].level.name()), ("another", "medium"));
    assert_eq!(rules[1].steps[0].streams, [Stream::ItemUsages]);
    assert!(rules[1].text.starts_with("title: Another") && rules[1].lines_before == 11);
}

#[test]
fn rules_for_other_events_are_left_out_of_folders_with_what_names_them() {
    let other =
        rule("  s: {EventID: 1}\n  condition: s\n  weird|base64: x\n").replace("onepassword", "windows");
    let text = format!(
        "{other}---\ntitle: C\ncorrelation: {{type: event_count, rules: t, timespan: 1h, condition: {{gte: 2}}}}\n"
    );
    let read = read_sigma(&[file(&text, false)]).unwrap();
    assert!(read.rules.is_empty());
    assert_eq!(read.left_out[0], "r.yml: it is for the product windows, not onepassword");
    assert_eq!(
        read.left_out[1],
        "r.yml: it names the rule t: it is for the product windows, not onepassword"
    );
}

/// A rule `t` of exports and a correlation of it.
fn correlated(correlation: &str) -> String {
    let base = rule("  s: {action: export}\n  condition: s\n");
    format!("{base}---\ntitle: C\nname: c\ncorrelation:\n  timespan: 5m\n{correlation}")
}

fn told(hits: &[Hit]) -> Vec<(&str, u64)> {
    hits.iter().map(|hit| (&*hit.rule, hit.count)).collect()
}

const A: &str = r#"{"action":"export","actor_uuid":"A","object_uuid":"V1"}"#;
const A2: &str = r#"{"action":"export","actor_uuid":"A","object_uuid":"V2"}"#;
const B: &str = r#"{"action":"export","actor_uuid":"B","object_uuid":"V1"}"#;
const NOBODY: &str = r#"{"action":"export","object_uuid":"V1"}"#;
const SUSPENDED: &str = r#"{"action":"suspend","actor_uuid":"C","object_uuid":"A"}"#;

#[test]
fn events_of_a_rule_are_counted() {
    let count =
        correlated("  type: event_count\n  rules: t\n  group-by: actor_uuid\n  condition: {gte: 3}\n");
    assert_eq!(told(&hits(&count, &[A, B, A, A2])), [("c", 3)]);
    let found = hits(&count, &[A, A, A]);
    assert_eq!(found[0].group, [("actor_uuid".to_owned(), "A".to_owned())]);
    assert!(hits(&count, &[A, B, A, B]).is_empty());
    assert!(hits(&count, &[A, B, B, A, B, B, A]).iter().all(|hit| hit.group[0].1 == "B"));
    let more = count.replace("gte: 3", "gt: 3");
    assert!(hits(&more, &[A, A, A]).is_empty() && !hits(&more, &[A, A, A, A]).is_empty());
    let all = correlated("  type: event_count\n  rules: [t]\n  condition: {gte: 3}\n  generate: true\n");
    assert_eq!(told(&hits(&all, &[A, B, NOBODY])), [("t", 1), ("c", 3), ("t", 1), ("t", 1)]);
}

#[test]
fn values_of_a_rule_are_counted() {
    let text = "  type: value_count\n  rules: [t]\n  group-by: [actor_uuid]\n  condition: {gte: 2, field: object_uuid}\n";
    let values = correlated(text);
    assert_eq!(told(&hits(&values, &[A, A, B])), []);
    assert_eq!(told(&hits(&values, &[A, A, A2])), [("c", 3)]);
}

#[test]
fn rules_come_one_after_another_and_fields_may_have_other_names_in_each() {
    let suspended = "title: S\nid: 11111111-aaaa\nlogsource: {product: onepassword}\ndetection: {s: {action: suspend}, condition: s}\n";
    let text = "  type: temporal_ordered\n  rules: [t, 11111111-AAAA]\n  group-by: [person]\n  aliases:\n    person:\n      t: actor_uuid\n      11111111-aaaa: object_uuid\n";
    let ordered = format!("{}---\n{suspended}", correlated(text));
    assert_eq!(told(&hits(&ordered, &[A, B, SUSPENDED])), [("c", 2)]);
    assert!(hits(&ordered, &[SUSPENDED, A]).is_empty() && hits(&ordered, &[B, SUSPENDED]).is_empty());
    let changed = read_sigma(&[file(&ordered.replace("suspend}", "delete}"), true)]).unwrap().rules;
    let before = read_sigma(&[file(&ordered, true)]).unwrap().rules;
    assert_eq!(changed[0].text, before[0].text);
    assert_ne!(changed[0].made_of, before[0].made_of);
}

#[test]
fn an_event_without_a_person_hits_and_session_traffic_only_where_it_is_named() {
    let any = rule("  s: {object_uuid: V1}\n  condition: s\n");
    assert_eq!(told(&hits(&any, &[NOBODY, A, A])), [("t", 1), ("t", 2)]);
    assert!(hits(&any, &[NOBODY])[0].group.is_empty());
    let traffic = r#"{"action":"dlgsess","object_uuid":"V1"}"#;
    assert!(hits(&any, &[traffic]).is_empty());
    let named = rule("  s: {object_uuid: V1, action: [DLGSESS, x]}\n  condition: s\n");
    assert_eq!(told(&hits(&named, &[traffic])), [("t", 1)]);
    let sign_in = rule("  s: {type: MFA_missing}\n  condition: s\n").replace("auditevents", "signin");
    assert_eq!(
        told(&hits(&sign_in, &[r#"{"category":"credentials_failed","type":"mfa_missing"}"#])),
        [("t", 1)]
    );
}
