//! A pager between `opev` and the terminal, the line at the end, and a terminal that changes its width.

use rustix::process::Signal;

use crate::harness::{Account, Sandbox, TerminalRun, now, run_on_terminal, seeded, signal, wait_until};
use crate::tail::live;

fn fetch(account: &Account, pager: &str, args: &[&str]) -> std::process::Command {
    let mut command = account.command([&["fetch", "--since", "20d", "--color", "never"], args].concat());
    command.env("OPEV_PAGER", pager);
    command
}

#[test]
fn rows_go_through_the_pager_which_gets_no_token_and_no_notes() {
    let account = Account::new(seeded(1_000, now()));
    let pager = "cat > paged; env > variables; echo the pager ran";
    let text = run_on_terminal(fetch(&account, pager, &[]), 80).expect(0).text();
    let paged = std::fs::read_to_string(account.sandbox.path("paged")).unwrap();
    assert!(paged.starts_with("TIME (UTC)  ") && paged.lines().count() > 10, "{paged}");
    assert!(!text.contains("TIME (UTC)"), "{text}");
    let (before, after) = text.split_once("the pager ran").unwrap();
    assert!(before.contains("signin, items, audit from"), "{text}");
    assert!(after.contains(" events, ") && after.contains(" sensitive"), "{text}");
    let variables = std::fs::read_to_string(account.sandbox.path("variables")).unwrap();
    assert!(variables.contains("LESS=FRX\n") && !variables.contains("EVENTS_API_TOKEN"), "{variables}");
    let sandbox = Sandbox::new();
    let mut words = sandbox.command(["words", "sso"]);
    words.env("OPEV_PAGER", "sed s/^/paged:/");
    assert!(run_on_terminal(words, 80).expect(0).text().contains("paged:audit   action"));
}

#[test]
fn there_is_none_where_none_is_wanted_or_no_person_reads() {
    let account = Account::new(seeded(1_000, now()));
    let pager = "touch started; cat";
    for args in [&["--pager", "never"][..], &["--no-pager"], &["-o", "file.ndjson"]] {
        run_on_terminal(fetch(&account, pager, args), 80).expect(0);
    }
    account.run(["fetch"]).expect(0);
    let mut piped = fetch(&account, pager, &[]);
    assert!(piped.output().unwrap().status.success());
    assert!(!account.sandbox.path("started").exists());
}

#[test]
fn a_pager_that_ends_early_is_no_failure_and_one_that_is_missing_is() {
    let account = Account::new(seeded(3_000, now()));
    let text = run_on_terminal(fetch(&account, "head -1", &[]), 80).expect(0).text();
    assert_eq!(text.matches("TIME (UTC)").count(), 1, "{text}");
    let text = run_on_terminal(fetch(&account, "no-such-pager", &[]), 80).expect(7).text();
    assert!(text.contains("the pager no-such-pager cannot be started"), "{text}");
}

#[test]
fn an_interrupt_does_not_end_the_program_under_its_pager() {
    let account = Account::new(seeded(1_000, now()));
    let pager = "until [ -e go ]; do sleep 0.05; done; cat; touch ended";
    account.sandbox.write("started", "");
    let mut run = TerminalRun::start(fetch(&account, &format!("rm started; {pager}"), &["-q"]), 80);
    wait_until(|| !account.sandbox.path("started").exists());
    for _ in 0..3 {
        signal(&run.child, Signal::INT);
    }
    // What the signals would end is still there when the pager ends, however long that takes.
    assert!(run.child.try_wait().unwrap().is_none());
    account.sandbox.write("go", "");
    let run = run.wait();
    assert!(account.sandbox.path("ended").exists());
    assert!(run.text().contains("TIME (UTC)"), "{}", run.text());
}

#[test]
fn tail_lays_its_rows_out_anew_when_the_terminal_changes() {
    let account = Account::new(live(20.0, &[]));
    let run = TerminalRun::start(account.command(["tail", "--interval", "1s", "--color", "never"]), 150);
    wait_until(|| run.shown().lines().count() > 12);
    let before = run.shown();
    assert!(before.contains("STREAM   WHO") && before.matches("TIME (UTC)").count() == 1, "{before}");
    run.resize(60);
    wait_until(|| run.shown().matches("TIME (UTC)").count() == 2);
    wait_until(|| run.shown().rsplit("TIME (UTC)").next().unwrap().lines().count() > 8);
    signal(&run.child, Signal::INT);
    let text = run.wait().text().replace('\r', "");
    let after = text.rsplit("TIME (UTC)").next().unwrap();
    assert!(after.starts_with("           WHO\n  FROM"), "{after}");
    assert!(after.lines().all(|line| line.chars().count() <= 60), "{after}");
}
