//! The ten questions of an incident, with the commands of the table in `docs/incident.md`: what a plain look at every event says,
//! from the service and from a file.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use opev::simulator::SimulatorOptions;
use serde_json::Value;

use crate::harness::{Account, Run, Sandbox, assert_same, now, sorted_lines, truth, typed};

const PAGE: &str = include_str!("../../docs/incident.md");

/// An event as a test looks at it.
struct Fact {
    raw: Vec<u8>,
    value: Value,
}

impl Fact {
    fn at(&self, path: &str) -> &str {
        self.value.pointer(path).and_then(Value::as_str).unwrap_or("")
    }

    /// Its time.
    fn time(&self) -> DateTime<Utc> {
        self.at("/timestamp").parse().unwrap()
    }

    fn is_sign_in(&self) -> bool {
        self.value.get("category").is_some()
    }

    fn is_usage(&self) -> bool {
        self.value.get("used_version").is_some()
    }

    fn is_audit(&self) -> bool {
        self.value.get("object_type").is_some()
    }

    fn has_worked(&self) -> bool {
        ["success", "firewall_reported_success"].contains(&self.at("/category"))
    }

    /// Whether somebody of this name has any part in it.
    fn is_of(&self, name: &str) -> bool {
        let people = ["target_user", "user", "actor_details", "object_details", "aux_details"];
        people.iter().any(|person| self.at(&format!("/{person}/name")).to_lowercase() == name)
    }
}

fn facts(ndjson: &[u8]) -> Vec<Fact> {
    let lines = ndjson.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|raw| Fact { raw: raw.to_vec(), value: serde_json::from_slice(raw).unwrap() }).collect()
}

/// The commands of the page's table, in its order.
fn commands() -> Vec<&'static str> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with("The ten questions\n")).unwrap();
    section.lines().filter(|line| line.starts_with('|')).filter_map(|row| row.split('`').nth(1)).collect()
}

/// A command's arguments, with fixed times in place of those that are counted from now.
fn arguments(command: &str, window: &Window) -> Vec<String> {
    let times = format!("--since {} --until {}", typed(window.since), typed(window.until));
    let command = command.replace("--since 7d", &times);
    let command = command.replace("yesterday ", &format!("{} ", window.day.date_naive()));
    // What comes late stands elsewhere among the other streams when less is asked for: times give one order.
    let sorted = if command.contains("--until '") { &["--sort", "time"][..] } else { &[] };
    let pieces = command.strip_prefix("opev ").unwrap().split('\'').enumerate();
    let pieces = pieces.flat_map(|(at, piece)| match at % 2 {
        0 => piece.split_whitespace().collect(),
        _ => vec![piece],
    });
    pieces.chain(sorted.iter().copied()).map(str::to_owned).collect()
}

/// The times that are asked about.
struct Window {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// A moment of the day that the commands call yesterday.
    day: DateTime<Utc>,
}

impl Window {
    /// A week that ends then. Every week has eight incidents, and each administrator acts in some.
    fn until(until: DateTime<Utc>) -> Self {
        Window { since: until - TimeDelta::days(7), until, day: until - TimeDelta::days(1) }
    }

    fn clock(&self, hour: u32) -> DateTime<Utc> {
        self.day.date_naive().and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap()).and_utc()
    }
}

/// Whether an event belongs to the answer of this question of the table, counted from 1.
fn is_wanted(question: usize, fact: &Fact, vault: &str, window: &Window) -> bool {
    match question {
        1 => {
            let is_away = !["CA", "NL", "PT", "JP", "BR"].contains(&fact.at("/country"));
            fact.is_sign_in() && fact.has_worked() && is_away
        }
        2 => fact.is_sign_in() && !fact.has_worked(),
        3 => fact.is_of("rafael antunes") && !["dlgsess", "ssotknv"].contains(&fact.at("/action")),
        4 => fact.at("/action") == "export",
        5 => {
            let about = ["sso", "mfa", "duo"];
            fact.is_audit() && about.iter().any(|end| fact.at("/action").ends_with(end))
        }
        6 => fact.is_audit() && fact.at("/action") == "suspend",
        7 => fact.is_usage() && fact.at("/vault_uuid") == vault,
        8 => fact.is_sign_in() && fact.at("/client/ip_address").starts_with("203.0.113."),
        9 | 10 => (window.clock(9)..window.clock(11)).contains(&fact.time()),
        _ => panic!("there are ten questions"),
    }
}

/// How many people tried from the address that most tried from, with a wrong password.
fn sprayed(answer: &[Fact]) -> usize {
    let mut people: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for fact in answer.iter().filter(|fact| fact.at("/type") == "password_secret_bad") {
        people.entry(fact.at("/client/ip_address")).or_default().insert(fact.at("/target_user/email"));
    }
    people.values().map(BTreeSet::len).max().unwrap_or(0)
}

/// What the demo has to be found with this question is in its answer.
#[track_caller]
fn assert_planted(question: usize, answer: &[Fact], all: &[Fact]) {
    let has = |is: &dyn Fn(&Fact) -> bool| answer.iter().any(is);
    let is_found = match question {
        // The account that was taken over: its password was guessed before, from the same data centre.
        1 => has(&|fact| {
            let is_attacker = |fact: &Fact| fact.at("/client/ip_address").starts_with("203.0.113.");
            let person = fact.at("/target_user/email");
            let tries = all.iter().filter(|other| {
                is_attacker(other)
                    && other.at("/target_user/email") == person
                    && other.at("/type") == "password_secret_bad"
                    && other.time() < fact.time()
            });
            is_attacker(fact) && tries.count() >= 6
        }),
        2 | 8 => sprayed(answer) >= 10,
        3 => has(&Fact::is_sign_in) && has(&Fact::is_usage) && has(&|fact| fact.at("/action") == "grant"),
        // A whole vault, item by item, and the event that says so.
        4 => has(&|fact| {
            let vault = fact.at("/object_uuid").to_lowercase();
            let items = answer.iter().filter(|item| item.at("/vault_uuid").to_lowercase() == vault);
            fact.is_audit() && items.count() >= 20
        }),
        5 => ["chngpsso", "chngdsso"].iter().all(|code| has(&|fact| fact.at("/action") == *code)),
        6 => answer.len() >= 4,
        7 => answer.iter().map(|fact| fact.at("/user/email")).collect::<BTreeSet<_>>().len() >= 2,
        _ => answer.len() >= 4,
    };
    assert!(is_found, "question {question}: {} events, and not what was planted", answer.len());
}

/// Asks every question of the service and of what it gave, and compares with a plain look at all events.
fn ask(sandbox: &Sandbox, window: &Window, service: impl Fn(&[String]) -> Run) {
    let range = arguments("opev fetch --since 7d -o saved.ndjson", window);
    service(&range).expect(0);
    let saved = std::fs::read(sandbox.path("saved.ndjson")).unwrap();
    sandbox.write("yesterday.ndjson", &saved);
    let all = facts(&saved);
    let commands = commands();
    assert_eq!(commands.len(), 10);
    let vault = commands[6].split_whitespace().skip_while(|word| *word != "--vault").nth(1).unwrap();
    for (question, command) in (1..).zip(&commands) {
        let args = arguments(command, window);
        let from = if command.contains("--from") { &[][..] } else { &["--from", "saved.ndjson"][..] };
        let files = sandbox.run(args.iter().map(String::as_str).chain(from.iter().copied())).expect(0);
        if !from.is_empty() {
            let asked = service(&args).expect(0);
            assert!(asked.stdout == files.stdout, "{command}: a file gives other bytes than the service");
        }
        let is_wanted = |fact: &&Fact| is_wanted(question, fact, vault, window);
        let mut expected: Vec<_> = all.iter().filter(is_wanted).map(|fact| fact.raw.clone()).collect();
        expected.sort();
        assert_same(&sorted_lines(&files.stdout), &expected);
        assert_planted(question, &facts(&files.stdout), &all);
    }
}

#[test]
fn each_question_is_one_command_on_the_demo_and_on_a_saved_file() {
    let sandbox = Sandbox::new();
    let start = now();
    // Events arrive up to two hours late: what is older than three hours is the same in every run.
    let week = Window::until(start - TimeDelta::hours(3));
    let window = Window { day: start - TimeDelta::days(1), ..week };
    ask(&sandbox, &window, |args| sandbox.run(args.iter().map(String::as_str).chain(["--profile", "demo"])));
}

#[test]
fn each_question_is_answered_from_every_event_of_an_account() {
    let at = now();
    let account = Account::new(SimulatorOptions { at: Some(at), ..SimulatorOptions::demo() });
    let window = Window::until(at);
    ask(&account.sandbox, &window, |args| account.run(args));
    // The file that the questions were asked of has every event of the service, each once.
    let mut every = truth(&account.simulator, window.since..window.until);
    every.dedup();
    assert_same(&sorted_lines(&std::fs::read(account.sandbox.path("saved.ndjson")).unwrap()), &every);
}

#[test]
fn what_the_suspended_did_before_is_the_question_about_one_person() {
    let at = now();
    let account = Account::new(SimulatorOptions { at: Some(at), ..SimulatorOptions::demo() });
    let window = Window::until(at);
    let commands = commands();
    let suspended = facts(&account.run(arguments(commands[5], &window)).expect(0).stdout);
    // The last one's incident is whole within the week.
    let suspension = suspended.iter().max_by_key(|fact| fact.time()).unwrap();
    let question = commands[2].replace("rafael antunes", suspension.at("/object_details/email"));
    let answer = facts(&account.run(arguments(&question, &window)).expect(0).stdout);
    assert!(answer.iter().any(|fact| fact.raw == suspension.raw));
    let before = |is: &dyn Fn(&Fact) -> bool| {
        answer.iter().filter(|fact| is(fact) && fact.time() < suspension.time()).count()
    };
    assert!(before(&|fact| fact.is_sign_in()) >= 1);
    assert!(before(&|fact| fact.is_usage() && fact.at("/action") == "export") >= 20);
    assert_eq!(before(&|fact| fact.is_audit() && fact.at("/action") == "export"), 1);
}
