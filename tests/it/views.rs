//! How answers are shown: codes, whole rows, a byte order mark, the newest first, and narrow terminals.

use opev::simulator::{EventData, SeededData, SimulatorOptions};
use unicode_width::UnicodeWidthStr as _;

use crate::harness::{Account, BEFORE_ALL, now, seeded};

#[test]
fn codes_are_shown_instead_of_words() {
    let account = Account::new(seeded(5_000, now()));
    let shown = |args: &[&str]| {
        let all =
            [&["fetch", "audit", "--since", BEFORE_ALL, "--object", "gm", "--action", "join"], args].concat();
        account.run(all).expect(0).text()
    };
    let words = shown(&["--format", "table"]);
    assert!(words.contains("  added to group "), "{words}");
    let codes = shown(&["--format", "table", "--codes"]);
    assert!(codes.contains("  join gm ") && !codes.contains("added to"), "{codes}");
    assert!(shown(&["--format", "record", "--codes"]).starts_with("what: join gm "));
    let csv = shown(&["--format", "csv", "--fields", "what", "--codes"]);
    assert!(csv.lines().nth(1).unwrap().contains("join gm "), "{csv}");
    assert_eq!(shown(&["--codes"]), shown(&[]));
    let resume =
        ["fetch", "audit", "--resume", "--since", BEFORE_ALL, "--fields", "uuid,what", "-o", "a.csv"];
    account.run(resume.iter().chain(&["--codes"])).expect(0);
    let refused = account.run(resume).expect(8);
    assert!(refused.stderr.contains("--codes"), "{}", refused.stderr);
}

#[test]
fn csv_begins_with_a_byte_order_mark_where_it_is_wanted() {
    let account = Account::new(seeded(1_000, now()));
    account.run(["fetch", "--since", "2d", "-o", "a.csv", "--csv-bom"]).expect(0);
    let bytes = std::fs::read(account.sandbox.path("a.csv")).unwrap();
    assert!(bytes.starts_with("\u{feff}stream,uuid,".as_bytes()));
    for args in [&["fetch", "--csv-bom"][..], &["fetch", "--csv-bom", "--format", "table"]] {
        let run = account.run(args).expect(2);
        assert!(run.stderr.contains("--csv-bom is for csv"), "{}", run.stderr);
    }
}

#[test]
fn the_newest_comes_first_in_every_format() {
    let account = Account::new(seeded(400, now()));
    let fetch = |args: &[&str]| account.run([&["fetch", "--since", BEFORE_ALL], args].concat()).expect(0);
    let sorted = fetch(&["--sort", "time"]).uuids();
    let reversed: Vec<String> = sorted.iter().rev().cloned().collect();
    assert!(sorted.len() > 100);
    assert_eq!(fetch(&["-r"]).uuids(), reversed);
    assert_eq!(fetch(&["--reverse", "--limit", "7"]).uuids(), reversed[..7]);
    assert_eq!(fetch(&["-r", "--last", "5"]).uuids(), reversed[..5]);
    let values = fetch(&["-r", "--jq", ".uuid"]).lines();
    assert!(values.iter().zip(&reversed).all(|(value, uuid)| *value == format!("\"{uuid}\"")));
    let json: Vec<serde_json::Value> =
        serde_json::from_slice(&fetch(&["-r", "--format", "json"]).stdout).unwrap();
    assert!(json.iter().zip(&reversed).all(|(event, uuid)| event["uuid"] == uuid.as_str()));
    let refused = account.run(["fetch", "-r", "--sort", "timeline"]).expect(2);
    assert!(refused.stderr.contains("--reverse sorts by time"), "{}", refused.stderr);
    account.run(["fetch", "-r", "--resume"]).expect(2);
}

#[test]
fn wide_cuts_nothing_and_narrow_terminals_have_two_lines_a_row() {
    let data = EventData::Seeded(SeededData { events: 100, days: 2, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(100, now()) });
    let shown = |columns, args: &[&str]| {
        let all = [&["fetch", "items", "--since", BEFORE_ALL, "-q", "--color", "never"], args].concat();
        account.run_on_terminal(columns, all).expect(0).text().replace('\r', "")
    };
    let wide = shown(80, &["--wide"]);
    assert!(!wide.contains('…') && wide.lines().all(|line| line.width() > 80), "{wide}");
    let narrow = shown(60, &[]);
    assert!(narrow.starts_with("TIME (UTC)           WHO\n  FROM  "), "{narrow}");
    assert!(narrow.lines().all(|line| line.width() <= 60));
    // What happened has lines of its own where it names an item and a vault: nothing of a uuid is cut.
    let rows = narrow.lines().filter(|line| !line.starts_with(' ')).count();
    assert_eq!(rows, wide.lines().count());
    let uuids = |text: &str| {
        // Not an address of 26 letters with its dots.
        let is_uuid = |word: &&str| word.len() == 26 && word.bytes().all(|b| b.is_ascii_alphanumeric());
        let words = text.split_whitespace().filter(is_uuid);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(uuids(&wide).len() > 20 && uuids(&narrow) == uuids(&wide), "{narrow}");
    let status = |columns| {
        account.run(["fetch", "--resume", "-q", "-o", "s.ndjson"]).expect(0);
        account.run_on_terminal(columns, ["status", "--color", "never"]).expect(0).text().replace('\r', "")
    };
    let narrow = status(60);
    assert!(narrow.contains("newest ") && !narrow.contains("NEWEST"), "{narrow}");
    assert!(status(80).contains("NEWEST"));
}
