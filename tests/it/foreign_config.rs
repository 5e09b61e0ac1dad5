//! What the machine and other people bring: a parent that ignores its children, files of others, files
//! without an end, byte order marks.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::{Account, Run, program};
use opev::simulator::SimulatorOptions;

#[test]
fn a_token_command_works_under_a_parent_that_ignores_its_children() {
    let account = Account::new(SimulatorOptions::default());
    let token = account.sandbox.write("the-token", account.simulator.token().expose());
    let line = format!(
        "trap '' CHLD; exec {} fetch signin --since 1h --token-command 'cat {}'",
        program().display(),
        token.display()
    );
    // Of the shells, bash is one that lets SIGCHLD be ignored.
    let mut shell = Command::new("bash");
    let environment = account.command([""; 0]);
    shell.args(["-c", &line]).env_clear().envs(environment.get_envs().filter_map(|(k, v)| Some((k, v?))));
    Run::of(shell.env_remove("EVENTS_API_TOKEN").output().unwrap()).expect(0);
}

#[test]
fn a_configuration_that_others_can_write_does_not_send_the_token_elsewhere() {
    let account = Account::new(SimulatorOptions::default());
    let text = "[profiles.default]\nbase_url = \"https://events.example.net\"\nallow_host = \"events.example.net\"\n";
    account.sandbox.configure(text);
    let path = account.sandbox.path("config/opev/config.toml");
    let fetch = || {
        let mut command = account.command(["fetch", "--dry-run", "--since", "1h"]);
        Run::of(command.env_remove("OPEV_BASE_URL").output().unwrap())
    };
    fetch().expect(0);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let run = fetch().expect(3);
    assert!(run.stderr.contains("a server that may get the token"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: check what it says, then: chmod go-w "), "{}", run.stderr);
}

#[test]
fn a_byte_order_mark_is_accepted_in_configuration_token_and_what_a_command_prints() {
    let account = Account::new(SimulatorOptions::default());
    let token = account.simulator.token().expose();
    account.sandbox.write("the-token", format!("\u{feff}{token}\r\n"));
    account.sandbox.configure("\u{feff}[profiles.default]\ntoken_command = \"cat the-token\"\n");
    let run = |args: &[&str]| {
        let mut command = account.command(args);
        Run::of(command.env_remove("EVENTS_API_TOKEN").output().unwrap()).expect(0)
    };
    run(&["fetch", "signin", "--since", "1h"]);
    run(&["fetch", "signin", "--since", "1h", "--token-file", "the-token"]);
}
