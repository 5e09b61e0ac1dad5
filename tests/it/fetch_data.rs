//! What comes out of a question is what the service has: every event of the range once, its bytes
//! untouched, whatever the page size and whatever is unknown of the service.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use opev::simulator::{
    Bound, ErrorShape, EventData, FilterBy, KeyOrder, SeededData, ServiceBehavior, SimulatorOptions,
    UserTypeKey,
};

use crate::harness::{Account, Run, assert_same, now, seeded, sorted_lines, truth, typed};

/// Small files with the oddities of published samples: misspelt keys, nulls, offsets, nanoseconds, repeated
/// uuids and keys, numbers that no float holds, an event twice on one page, one without a uuid.
fn odd(stream: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/odd/{stream}.ndjson"))
}

fn odd_account() -> Account {
    let files = ["signinattempts", "itemusages", "auditevents"].map(odd).to_vec();
    Account::new(SimulatorOptions { data: EventData::Files(files), ..SimulatorOptions::default() })
}

const ODD_EVENTS: usize = 11;

#[test]
fn each_item_comes_out_byte_for_byte_one_a_line() {
    let account = odd_account();
    for api in ["v1", "v2"] {
        for stream in ["signinattempts", "itemusages", "auditevents"] {
            let run = account.run(["fetch", stream, "--since", "2020-01-01", "--api", api]).expect(0);
            assert_eq!(run.text(), std::fs::read_to_string(odd(stream)).unwrap(), "{stream} of {api}");
        }
    }
    let all = account.run(["fetch", "--since", "2020-01-01"]).expect(0);
    assert_eq!(all.lines().len(), ODD_EVENTS);
}

#[test]
fn a_table_shows_every_odd_item() {
    let account = odd_account();
    for columns in [60, 80, 200] {
        let run = account
            .run_on_terminal(columns, ["fetch", "--since", "2020-01-01", "--color", "never"])
            .expect(0);
        let times = run.lines().iter().filter(|line| line.starts_with("202")).count();
        assert_eq!(times, ODD_EVENTS - 1, "{}", run.text());
    }
    let run = account.run(["fetch", "--since", "2020-01-01", "--format", "table"]).expect(0);
    assert_eq!(run.lines().len(), 1 + ODD_EVENTS);
}

#[test]
fn csv_is_a_line_an_event_and_no_cell_runs_as_a_formula() {
    let args = ["fetch", "--since", "2020-01-01", "--format", "csv", "--sort", "time"];
    let run = odd_account().run(args).expect(0);
    let mut reader = csv::Reader::from_reader(&run.stdout[..]);
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{header:?}"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), ODD_EVENTS);
    let audit = |uuid: &str| rows.iter().find(|row| &row[column("uuid")] == uuid).unwrap();
    assert_eq!(&audit("AUD-1")[column("aux_info")], "'=cmd|' /C calc'!A0");
    assert_eq!(&audit("AUD-1")[column("aux_id")], "9277034");
    assert_eq!(&audit("AUD-2")[column("aux_info")], "line\\nbreak, \"quoted\", tab\\there");
    assert_eq!(run.lines().len(), 1 + ODD_EVENTS);
}

#[test]
fn json_is_one_array_also_when_it_is_empty() {
    let account = odd_account();
    let run =
        account.run(["fetch", "--since", "2020-01-01", "--format", "json", "signin", "items"]).expect(0);
    // Read as raw values: no float holds 1e400, and no string a lone surrogate.
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(items.len(), 7);
    let run = account.run([
        "fetch",
        "--since",
        "2021-01-01",
        "--until",
        "2021-01-02",
        "--format",
        "json",
        "signin",
    ]);
    let items: Vec<serde_json::Value> = serde_json::from_slice(&run.expect(0).stdout).unwrap();
    assert!(items.is_empty());
}

/// A question over `at`'s last `days` days, but for the very last hours.
struct Question {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Question {
    fn before(at: DateTime<Utc>, days: i64) -> Self {
        Question { since: at - TimeDelta::days(days), until: at - TimeDelta::hours(26) }
    }

    fn ask(&self, account: &Account, more: &[&str]) -> Run {
        let (since, until) = (typed(self.since), typed(self.until));
        let mut args = vec!["fetch", "--since", &since, "--until", &until, "--rate-limit", "0"];
        args.extend(more);
        let run = account.run(args).expect(0);
        assert_eq!(run.stderr, "");
        run
    }

    fn truth(&self, account: &Account) -> Vec<Vec<u8>> {
        truth(&account.simulator, self.since..self.until)
    }
}

#[test]
fn sixty_thousand_events_are_all_there_once_for_any_page_size() {
    let at = now();
    let account = Account::new(seeded(60_000, at));
    let question = Question::before(at, 29);
    let whole = question.ask(&account, &[]);
    let truth = question.truth(&account);
    assert!(truth.len() > 50_000);
    assert_same(&sorted_lines(&whole.stdout), &truth);
    assert!(question.ask(&account, &["--page-size", "100"]).stdout == whole.stdout);
}

#[test]
fn small_pages_and_few_connections_change_no_byte() {
    let at = now();
    let account = Account::new(seeded(3_000, at));
    let question = Question::before(at, 29);
    let whole = question.ask(&account, &[]);
    assert_same(&sorted_lines(&whole.stdout), &question.truth(&account));
    for change in [["--page-size", "7"], ["--page-size", "1"], ["--jobs", "1"], ["--jobs", "16"]] {
        assert!(question.ask(&account, &change).stdout == whole.stdout, "{change:?}");
    }
}

/// The service's unknown behavior: each in every state, then all turned over at once.
fn behavior() -> Vec<(&'static str, ServiceBehavior)> {
    let usual = ServiceBehavior::default();
    let bounds = |start, end| ServiceBehavior { start, end, ..usual };
    vec![
        ("usual", usual),
        ("closed", bounds(Bound::Inclusive, Bound::Inclusive)),
        ("open", bounds(Bound::Exclusive, Bound::Exclusive)),
        ("open-closed", bounds(Bound::Exclusive, Bound::Inclusive)),
        ("cursor forgets the end", ServiceBehavior { cursor_forgets_end: true, ..usual }),
        ("items first", ServiceBehavior { keys: KeyOrder::ItemsFirst, ..usual }),
        ("nested errors", ServiceBehavior { errors: ErrorShape::Nested, ..usual }),
        ("flat errors", ServiceBehavior { errors: ErrorShape::Flat, ..usual }),
        ("no empty page", ServiceBehavior { empty_page_before_end: false, ..usual }),
        ("repeats", ServiceBehavior { repeats_when_followed: 5, ..usual }),
        ("by arrival", ServiceBehavior { filter: FilterBy::Arrival, ..usual }),
        (
            "by arrival, and all else turned over",
            ServiceBehavior {
                start: Bound::Exclusive,
                end: Bound::Inclusive,
                filter: FilterBy::Arrival,
                cursor_forgets_end: true,
                keys: KeyOrder::ItemsFirst,
                user_type_key: UserTypeKey::UserType,
                errors: ErrorShape::Flat,
                empty_page_before_end: false,
                repeats_when_followed: 3,
                ..ServiceBehavior::default()
            },
        ),
    ]
}

#[test]
fn what_nobody_knows_of_the_service_changes_no_byte() {
    let at = now();
    let question = Question::before(at, 20);
    let mut by_time: Option<Vec<u8>> = None;
    // In the order of arrival, the two ways to filter may put the same events differently.
    let mut merged: [Option<Vec<u8>>; 2] = [None, None];
    for (name, behavior) in behavior() {
        let account = Account::new(SimulatorOptions { behavior, ..seeded(3_000, at) });
        let run = question.ask(&account, &["--page-size", "100"]);
        assert_same(&sorted_lines(&run.stdout), &question.truth(&account));
        let known =
            merged[usize::from(behavior.filter == FilterBy::Arrival)].get_or_insert(run.stdout.clone());
        assert!(*known == run.stdout, "{name}: other bytes");
        let run = question.ask(&account, &["--page-size", "100", "--sort", "time"]);
        assert!(*by_time.get_or_insert(run.stdout.clone()) == run.stdout, "{name}: other bytes by time");
    }
}

#[test]
fn a_users_type_may_have_either_name() {
    let at = now();
    for user_type_key in [UserTypeKey::UserType, UserTypeKey::Type] {
        let behavior = ServiceBehavior { user_type_key, ..ServiceBehavior::default() };
        let account = Account::new(SimulatorOptions { behavior, ..seeded(1_000, at) });
        let question = Question::before(at, 20);
        assert_same(&sorted_lines(&question.ask(&account, &[]).stdout), &question.truth(&account));
    }
}

#[test]
fn bounds_are_held_to_the_nanosecond() {
    let at = now();
    let account = Account::new(seeded(1_000, at));
    let whole = Question::before(at, 20);
    // From the time of one event to that of another: the first is in, the last is not.
    let times: Vec<DateTime<Utc>> = {
        let mut times: Vec<_> = opev::event::Stream::ALL
            .into_iter()
            .flat_map(|s| account.simulator.truth(s, opev::simulator::ApiForm::V2, whole.since..whole.until))
            .map(|fact| fact.timestamp)
            .collect();
        times.sort();
        times
    };
    let question = Question { since: times[50], until: times[200] };
    let run = question.ask(&account, &[]);
    assert_same(&sorted_lines(&run.stdout), &question.truth(&account));
    // 150, but for events of the same moment as the first one or the last one.
    assert!((140..=160).contains(&run.lines().len()), "{} lines", run.lines().len());
}

#[test]
fn by_time_means_timestamp_then_stream_then_uuid() {
    let at = now();
    let account = Account::new(seeded(3_000, at));
    let question = Question::before(at, 20);
    let mut facts: Vec<_> = opev::event::Stream::ALL
        .into_iter()
        .flat_map(|s| {
            account.simulator.truth(s, opev::simulator::ApiForm::V2, question.since..question.until)
        })
        .collect();
    facts.sort_by(|a, b| (a.timestamp, a.stream, &a.uuid).cmp(&(b.timestamp, b.stream, &b.uuid)));
    let expected: Vec<String> = facts.into_iter().map(|fact| fact.uuid).collect();
    let by_time = question.ask(&account, &["--sort", "time"]).uuids();
    assert!(by_time == expected);

    // And the newest N are its end, the first N its beginning.
    assert_eq!(question.ask(&account, &["--last", "7"]).uuids(), by_time[by_time.len() - 7..]);
    assert_eq!(question.ask(&account, &["--sort", "time", "--limit", "7"]).uuids(), by_time[..7]);
    let timeline = question.ask(&account, &[]).uuids();
    assert_eq!(question.ask(&account, &["--limit", "7"]).uuids(), timeline[..7]);
    assert!(question.ask(&account, &["--limit", "0"]).stdout.is_empty());
    assert_eq!(question.ask(&account, &["--last", "999999"]).uuids(), by_time);
}

#[test]
#[ignore = "takes long in a debug build"]
fn sorting_more_than_memory_is_meant_to_hold_changes_no_byte() {
    let at = now();
    let account = Account::new(SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 150_000, ..SeededData::default() }),
        at: Some(at),
        ..SimulatorOptions::default()
    });
    let question = Question::before(at, 29);
    let run = question.ask(&account, &["--sort", "time"]);
    assert!(run.stdout.len() > 100 << 20, "not enough to spill: {}", run.stdout.len());
    assert_same(&sorted_lines(&run.stdout), &question.truth(&account));
}
