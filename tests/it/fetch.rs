//! `opev fetch` as a person or a script runs it.

use crate::harness::{Account, Sandbox};
use opev::simulator::SimulatorOptions;

#[test]
fn the_demo_needs_nothing_and_fills_a_table_on_a_terminal() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["fetch", "--profile", "demo"]).expect(0);
    assert!(run.uuids().len() > 100);
    assert_eq!(run.stderr, "");

    let run = crate::harness::run_on_terminal(sandbox.command(["fetch", "--profile", "demo"]), 80).expect(0);
    let text = run.text();
    assert!(text.contains("TIME "), "{text}");
}

#[test]
fn the_default_is_every_stream_of_the_last_day() {
    let account = Account::new(SimulatorOptions::default());
    let run = account.run(["fetch"]).expect(0);
    assert!(!run.uuids().is_empty());
}
