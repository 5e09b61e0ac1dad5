//! The README's word: every command in it runs, its tables agree with the program.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::harness::{Account, Run, has_tool, program};
use opev::simulator::SimulatorOptions;

const README: &str = include_str!("../../README.md");

/// The lines of the README's `sh` blocks.
fn commands() -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => commands.push(command),
            _ => {}
        }
    }
    commands
}

#[test]
fn the_first_command_runs_the_demo_and_the_second_the_tests() {
    let commands = commands();
    assert_eq!(commands[..2], ["cargo run --release -- fetch --profile demo", "cargo test"]);
}

#[test]
fn every_command_runs() {
    if !has_tool("jq") {
        return;
    }
    let account = Account::new(SimulatorOptions::default());
    let sandbox = &account.sandbox;
    let bin = sandbox.path("bin");
    std::fs::create_dir(&bin).unwrap();
    symlink(program(), bin.join("opev")).unwrap();
    let token = account.simulator.token().expose();
    let op = bin.join("op");
    std::fs::write(&op, format!("#!/bin/sh\n[ \"$1\" = read ] && echo '{token}'\n")).unwrap();
    std::fs::set_permissions(&op, std::fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.write("events.token", token);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());

    for command in commands() {
        // These two are run by who runs this.
        if command == "cargo test" {
            continue;
        }
        let line = command.replace("cargo run --release --", "opev");
        let mut shell = Command::new("bash");
        let run = shell
            .args(["-o", "pipefail", "-c", &line])
            .envs(account.command([""; 0]).get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("PATH", &path)
            .current_dir(sandbox.path("."))
            .output()
            .unwrap();
        let run = Run::of(run);
        assert_eq!(run.code, Some(0), "{command}\n{}\n{}", run.stderr, run.text());
        let quiet = [
            "export",
            "opev fetch --resume",
            "opev tail --resume",
            "opev state export",
            "opev fetch --since 7d --format csv -o",
            "opev fetch --since 2d -o saved",
            "opev status --check",
        ];
        let says_something = !run.stdout.is_empty() || quiet.iter().any(|start| command.starts_with(start));
        assert!(says_something, "{command} printed nothing; {}", run.stderr);
    }
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    use opev::error::ErrorKind;
    for kind in [
        ErrorKind::Unexpected,
        ErrorKind::Usage,
        ErrorKind::Config,
        ErrorKind::TokenRefused,
        ErrorKind::FeatureMissing,
        ErrorKind::Service,
        ErrorKind::Output,
        ErrorKind::Gap,
        ErrorKind::Locked,
        ErrorKind::Partial,
    ] {
        let row = format!("| {} |", kind.exit_code());
        assert!(README.lines().any(|line| line.starts_with(&row)), "{kind:?}");
    }
}
