//! On a terminal: nothing that comes from an event can move its cursor, colour it or break a row, no row is
//! wider than the screen, and progress goes away. In a pipe, the exact bytes.

use opev::simulator::{EventData, SeededData, SimulatorOptions};
use unicode_width::UnicodeWidthStr as _;

use crate::harness::{Account, BEFORE_ALL, assert_same, now, seeded, sorted_lines, truth};

fn hostile() -> SimulatorOptions {
    let data = EventData::Seeded(SeededData { events: 2_000, hostile: true, ..SeededData::default() });
    SimulatorOptions { data, at: Some(now()), ..SimulatorOptions::default() }
}

/// What a person sees at the end: progress drawn over is gone, colours are off.
fn screen(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r');
        // "Back to the start, clear": nothing before it is seen any more.
        let line = line.rsplit("\x1b[2K").next().unwrap();
        let line = line.rsplit('\r').next().unwrap();
        let mut seen = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("\x1b[") {
            seen.push_str(before);
            let (code, after) = after.split_once(|c: char| c.is_ascii_alphabetic()).unwrap();
            assert!(code.bytes().all(|b| b.is_ascii_digit() || b == b';'), "not ours: {code:?} in {line:?}");
            rest = after;
        }
        seen.push_str(rest);
        lines.push(seen);
    }
    lines
}

#[test]
fn names_full_of_tricks_are_harmless_at_any_width() {
    let account = Account::new(hostile());
    for columns in [60, 80, 200] {
        let run = account.run_on_terminal(columns, ["fetch", "-q", "--since", BEFORE_ALL]).expect(0);
        let rows = screen(&run.text());
        let table = rows.iter().skip_while(|row| !row.starts_with("TIME "));
        assert!(table.clone().count() > 1_000);
        for row in table {
            let harmful = row.chars().find(|c| opev::sanitize::is_harmful(*c));
            assert_eq!(harmful, None, "{row:?}");
            assert!(row.width() <= usize::from(columns), "{} columns: {row:?}", row.width());
        }
    }
}

#[test]
fn names_full_of_tricks_are_exact_in_a_pipe() {
    let at = now();
    let account = Account::new(SimulatorOptions { at: Some(at), ..hostile() });
    let run = account.run(["fetch", "--since", BEFORE_ALL]).expect(0);
    let mut truth = truth(&account.simulator, ..);
    // Line breaks between tokens are the one thing that a line cannot keep.
    truth.iter_mut().for_each(|raw| raw.retain(|b| !b"\r\n".contains(b)));
    truth.sort();
    assert_same(&sorted_lines(&run.stdout), &truth);
}

#[test]
fn a_header_comes_once_and_the_progress_line_is_gone() {
    let account = Account::new(seeded(3_000, now()));
    let run = account.run_on_terminal(80, ["fetch", "--since", "5d"]).expect(0);
    let text = run.text();
    assert!(text.contains("asking the service"), "{text}");
    let rows = screen(&text);
    assert_eq!(rows.iter().filter(|row| row.starts_with("TIME ")).count(), 1, "{text}");
    assert!(!rows.iter().any(|row| row.contains("asking the service") || row.contains("pages,")), "{text}");
    assert!(rows[0].starts_with("signin, items, audit from 20"), "{}", rows[0]);
    // Sorted by time, as tables on a terminal are.
    let times: Vec<&str> = rows.iter().filter(|row| row.starts_with("202")).map(|row| &row[..19]).collect();
    assert!(times.len() > 100 && times.is_sorted());
}

#[test]
fn of_files_the_progress_line_says_that_they_are_read() {
    let account = Account::new(seeded(1_000, now()));
    account.run(["fetch", "--since", "2d", "-o", "saved.ndjson"]).expect(0);
    for command in ["fetch", "summary"] {
        let text = account.run_on_terminal(80, [command, "--from", "saved.ndjson"]).expect(0).text();
        assert!(text.contains("reading saved.ndjson") && !text.contains("asking the service"), "{text}");
    }
}

#[test]
fn an_empty_answer_is_said_and_leaves_a_clean_screen() {
    let account = Account::new(seeded(1_000, now() - chrono::TimeDelta::days(2)));
    let run = account.run_on_terminal(80, ["fetch", "--since", "1h"]).expect(0);
    let rows = screen(&run.text());
    assert!(rows.iter().any(|row| row == "no events"), "{rows:?}");
    assert!(rows.iter().any(|row| row.starts_with("TIME ") && !row.contains("service")), "{rows:?}");
}

#[test]
fn q_and_v_show_no_progress() {
    let account = Account::new(seeded(1_000, now()));
    for flag in ["-q", "-v", "-vv"] {
        let text = account.run_on_terminal(80, ["fetch", flag]).expect(0).text();
        assert!(!text.contains("asking the service"), "{flag}: {text}");
    }
}

#[test]
fn colour_obeys_flag_then_environment_then_terminal() {
    let account = Account::new(seeded(1_000, now()));
    let coloured = |args: &[&str], variables: &[(&str, &str)], on_terminal: bool| {
        let mut line = vec!["fetch", "signin", "--since", "20d", "--format", "table", "-q"];
        line.extend(args);
        let mut command = account.command(line);
        let mut bytes = if on_terminal {
            for (name, value) in variables {
                command.env(name, value);
            }
            crate::harness::run_on_terminal(command, 80).stdout
        } else {
            command.envs(variables.iter().copied()).output().unwrap().stdout
        };
        bytes.retain(|b| *b == 0x1b);
        !bytes.is_empty()
    };
    assert!(coloured(&[], &[], true));
    assert!(!coloured(&[], &[("NO_COLOR", "1")], true));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")], true));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")], true));
    assert!(!coloured(&[], &[("CLICOLOR", "0")], true));
    assert!(!coloured(&[], &[], false));
}

#[test]
fn a_resumed_run_to_a_terminal_needs_a_name() {
    let account = Account::new(seeded(1_000, now()));
    let run = account.run_on_terminal(80, ["fetch", "--resume"]).expect(2);
    assert!(run.text().contains("--consumer"), "{}", run.text());
    assert_eq!(account.simulator.report().requests, 0);
}
