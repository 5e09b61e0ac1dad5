//! `opev setup`, by a person on a terminal and by a script with flags: what is written, what is asked, and what is
//! left when it goes wrong. The token is shown nowhere.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use opev::simulator::SimulatorOptions;
use rustix::process::Signal;

use crate::harness::{Account, Run, Sandbox, TerminalRun, signal};

const CONFIG: &str = "config/opev/config.toml";

/// An account, and a file with its token.
fn account() -> (Account, String) {
    let account = Account::new(SimulatorOptions::default());
    let token = account.simulator.token().expose().to_owned();
    account.sandbox.write("the.token", &token);
    (account, token)
}

/// The command with the account's server, and without its token.
fn setup(account: &Account, args: &[&str]) -> Command {
    let mut command = account.command([&["setup"], args].concat());
    command.env_remove("EVENTS_API_TOKEN");
    command
}

fn run(account: &Account, args: &[&str]) -> Run {
    Run::of(setup(account, args).output().unwrap())
}

fn text(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path(CONFIG)).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Answers one question after another, and waits for the end.
#[track_caller]
fn converse(command: Command, answers: &[(&str, &str)]) -> Run {
    let run = TerminalRun::start(command, 100);
    for (at, (question, answer)) in answers.iter().enumerate() {
        let times = answers[..=at].iter().filter(|(other, _)| other == question).count();
        run.wait_for(question, times);
        run.type_text(&format!("{answer}\n"));
    }
    run.wait()
}

/// Nothing of the configuration is there.
#[track_caller]
fn assert_untouched(sandbox: &Sandbox) {
    let left = std::fs::read_dir(sandbox.path("config/opev")).map(Iterator::count).unwrap_or(0);
    assert_eq!(left, 0);
}

#[test]
fn a_person_answers_a_few_questions_and_has_a_profile_that_works() {
    let (account, token) = account();
    let sandbox = &account.sandbox;
    let answers = [
        ("Name of the profile [default]: ", "a b"),
        ("Name of the profile [default]: ", "acme"),
        ("1 to 5 [", "2"),
        ("Path of the file: ", "the.token"),
        ("Fetch the last 24 hours now? [Y/n] ", "y"),
    ];
    let mut command = setup(&account, &[]);
    command.env("PATH", "/nonexistent");
    let run = converse(command, &answers).expect(0);
    let shown = run.text();
    assert!(shown.contains("a b cannot be the name of a profile"), "{shown}");
    assert!(shown.contains("\nusable: it never expires"), "{shown}");
    assert!(shown.contains("TIME (UTC) ") && shown.contains("  opev fetch --profile acme "), "{shown}");
    assert!(!shown.contains(&token) && !shown.contains("\\n"), "{shown}");
    let file = sandbox.path("the.token").canonicalize().unwrap();
    let url = account.simulator.base_url();
    let expected = format!("\n[profiles.acme]\ntoken_file = \"{}\"\nbase_url = \"{url}\"\n", file.display());
    assert!(text(sandbox).ends_with(&expected), "{}", text(sandbox));
    assert_eq!(mode(&sandbox.path(CONFIG)), 0o600);
    assert_eq!(mode(&sandbox.path("config/opev")), 0o700);
    // It is whole: it needs nothing from the environment.
    sandbox.run(["fetch", "--profile", "acme", "--since", "1h"]).expect(0);
    sandbox.run(["token-check", "--all-profiles"]).expect(0);
}

#[test]
fn a_pasted_token_is_not_shown_and_is_kept_for_its_owner_alone() {
    let (account, token) = account();
    let sandbox = &account.sandbox;
    let run = TerminalRun::start(setup(&account, &["--no-fetch"]), 100);
    run.wait_for("Name of the profile", 1);
    run.type_text("acme\n");
    run.wait_for("1 to 5 [", 1);
    assert!(run.echoes());
    run.type_text("5\n");
    run.wait_for("Token (it is not shown", 1);
    assert!(!run.echoes());
    // Enter alone, then the token with a second line, which belongs to nothing.
    run.type_text("\n");
    run.wait_for("Token (it is not shown", 2);
    run.type_text(&format!("{token}\nmore of it\n"));
    run.wait_for("wrote the profile acme", 1);
    let run = run.wait().expect(0);
    assert!(run.text().contains("what was typed is empty"), "{}", run.text());
    assert!(!run.text().contains(&token[..20]) && !run.text().contains("more of it"), "{}", run.text());
    let saved = sandbox.path("config/opev/acme.token");
    assert_eq!(std::fs::read_to_string(&saved).unwrap(), token);
    assert_eq!(mode(&saved), 0o600);
    assert!(text(sandbox).contains("token_file = \"acme.token\"\n") && !text(sandbox).contains("eyJ"));
    sandbox.run(["token-check", "-p", "acme"]).expect(0);
}

#[test]
fn a_script_says_it_with_flags_and_is_told_which_one_is_missing() {
    let (account, token) = account();
    let sandbox = &account.sandbox;
    let missing = run(&account, &[]).expect(2);
    assert!(missing.stderr.contains("where is the token?"), "{}", missing.stderr);
    for flag in ["--token-reference", "--token-file", "--token-command", "--token-env", "--save-token"] {
        assert!(missing.stderr.contains(flag), "{}", missing.stderr);
    }
    assert_untouched(sandbox);

    run(&account, &["--token-file", "the.token"]).expect(0);
    run(&account, &["-p", "b", "--token-command", "cat the.token", "--offline"]).expect(0);
    run(&account, &["-p", "c", "--token-env", "LATER", "--no-check", "--region", "eu"]).expect(0);
    let reference = ["-p", "d", "--token-reference", "op://Security/events/credential", "--no-check"];
    let last = run(&account, &reference).expect(0);
    assert!(
        last.stdout.is_empty() && last.stderr.contains("\nNext:\n  opev fetch --profile d "),
        "{}",
        last.stderr
    );
    let mut piped = setup(&account, &["-p", "e", "--save-token", "-q"]);
    let piped = piped.stdin(std::fs::File::open(sandbox.path("the.token")).unwrap()).output().unwrap();
    assert!(!Run::of(piped).expect(0).stderr.contains(&token[..20]));
    assert_eq!(std::fs::read_to_string(sandbox.path("config/opev/e.token")).unwrap(), token);
    for part in [
        "[profiles.default]\ntoken_file = \"/",
        "[profiles.b]\ntoken_command = \"cat the.token\"\n",
        "[profiles.c]\ntoken_env = \"LATER\"\nregion = \"eu\"\n",
        "[profiles.d]\ntoken = \"op://Security/events/credential\"\n",
        "[profiles.e]\ntoken_file = \"e.token\"\n",
    ] {
        assert!(text(sandbox).contains(part), "{part}: {}", text(sandbox));
    }
    // The events of the first fetch are data, and all that is on standard output.
    let fetched = run(&account, &["--force", "--token-file", "the.token", "--fetch"]).expect(0);
    assert!(!fetched.uuids().is_empty());
}

#[test]
fn op_reads_what_a_reference_names() {
    let (account, token) = account();
    let sandbox = &account.sandbox;
    let op = sandbox.write(
        "bin/op",
        format!("#!/bin/sh\n[ \"$*\" = 'read -- op://S/events/credential' ] && echo {token}\n"),
    );
    std::fs::set_permissions(&op, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = setup(&account, &["-p", "acme"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", sandbox.path("bin").display()));
    let answers = [
        ("1 to 5 [1]: ", "1"),
        ("Reference: ", "Security/events"),
        ("1 to 5 [1]: ", ""),
        ("Reference: ", "op://S/events/credential"),
        ("[Y/n] ", "n"),
    ];
    let run = converse(command, &answers).expect(0);
    assert!(run.text().contains("That does not begin with op://."), "{}", run.text());
    assert!(text(sandbox).contains("token = \"op://S/events/credential\"\n"), "{}", text(sandbox));
}

#[test]
fn a_token_that_is_refused_ends_with_4_says_what_to_do_and_writes_nothing() {
    let (account, token) = account();
    let sandbox = &account.sandbox;
    sandbox.write("cut.token", &token[..token.len() - 30]);
    let by_script = run(&account, &["--token-file", "cut.token"]).expect(4);
    assert!(
        by_script.stderr.contains("cut off") && by_script.stderr.contains(" hint: "),
        "{}",
        by_script.stderr
    );
    assert_untouched(sandbox);
    // Whole, but of nobody: the service says so.
    let mut command = setup(&account, &["--save-token"]);
    let foreign = sandbox.write("foreign.token", crate::check::forged_token());
    let refused = Run::of(command.stdin(std::fs::File::open(foreign).unwrap()).output().unwrap()).expect(4);
    assert!(refused.stderr.contains("nothing was written"), "{}", refused.stderr);
    assert_untouched(sandbox);
    // A person may name another one at once, or stop.
    let ends =
        converse(setup(&account, &["--token-file", "cut.token"]), &[("Name of", ""), ("1 to 3 [1]: ", "3")]);
    assert!(ends.expect(4).text().contains("cut off"));
    assert_untouched(sandbox);
    let again = [
        ("Name of", ""),
        ("1 to 3 [1]: ", ""),
        ("1 to 5 [", "3"),
        ("Command: ", "cat the.token"),
        ("Fetch", "n"),
    ];
    converse(setup(&account, &["--token-file", "cut.token"]), &again).expect(0);
    assert!(text(sandbox).contains("token_command = \"cat the.token\""), "{}", text(sandbox));
    // Or have it written, when the service is away for instance.
    converse(
        setup(&account, &["-p", "x", "--token-file", "cut.token", "--no-fetch"]),
        &[("1 to 3 [1]: ", "2")],
    )
    .expect(0);
    assert!(text(sandbox).contains("[profiles.x]"));
}

#[test]
fn a_token_in_the_wrong_place_is_in_no_file_and_no_message() {
    let (account, token) = account();
    for flag in ["--token-reference", "--token-file", "--token-command", "--token-env"] {
        let refused = run(&account, &[flag, &token, "--no-check"]).expect(4);
        assert!(refused.stderr.contains("found a token instead of"), "{}", refused.stderr);
        assert!(!refused.stderr.contains(&token[..20]), "{}", refused.stderr);
    }
    assert!(run(&account, &["--token", &token]).expect(2).stderr.contains("--save-token"));
    assert!(run(&account, &["--token-file", "-"]).expect(2).stderr.contains("use --save-token"));
    let shown = [
        ("Name of", ""),
        ("1 to 5 [", token.as_str()),
        ("1 to 5 [", "2"),
        ("Path of", "the.token"),
        ("Fetch", "n"),
    ];
    let run = converse(setup(&account, &[]), &shown).expect(0);
    assert!(run.text().contains("That is a token, and the screen shows it"), "{}", run.text());
    assert!(!text(&account.sandbox).contains("eyJ"));
}

#[test]
fn a_profile_that_exists_is_replaced_only_when_somebody_says_so() {
    let (account, _) = account();
    let sandbox = &account.sandbox;
    let before = "# ours\n[profiles.acme]\ntoken_env = \"OLD\" # from the vault\ntz = \"Europe/Berlin\"\n\n[profiles.empty]\n\
                  # region = \"eu\"\n";
    sandbox.configure(before);
    let args = ["-p", "acme", "--token-file", "the.token"];
    let refused = run(&account, &args).expect(3);
    assert!(
        refused.stderr.contains("the profile acme exists already (token_env, line 3 of "),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    let declined = converse(setup(&account, &args), &[("[y/N] ", "")]).expect(1);
    assert!(declined.text().contains("nothing was changed"), "{}", declined.text());
    assert_eq!(text(sandbox), before);

    run(&account, &["-p", "empty", "--token-file", "the.token"]).expect(0);
    converse(setup(&account, &args), &[("[y/N] ", "y"), ("[Y/n] ", "n")]).expect(0);
    let after = text(sandbox);
    for kept in [
        "# ours\n[profiles.acme]\ntz = \"Europe/Berlin\"\ntoken_file = ",
        "\n[profiles.empty]\ntoken_file = ",
        "# region",
    ] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
    assert!(!after.contains("OLD"), "{after}");
    run(&account, &[&args[..], &["--force"]].concat()).expect(0);
    assert_eq!(text(sandbox), after);
    // Nor is a file in the place of the token's.
    sandbox.write("config/opev/new.token", "precious");
    let mut command = setup(&account, &["-p", "new", "--save-token"]);
    let token = std::fs::File::open(sandbox.path("the.token")).unwrap();
    let refused = Run::of(command.stdin(token).output().unwrap()).expect(3);
    assert!(refused.stderr.contains("new.token exists already"), "{}", refused.stderr);
    assert_eq!(std::fs::read(sandbox.path("config/opev/new.token")).unwrap(), b"precious");
    assert_eq!(text(sandbox), after);
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_replaced() {
    let (account, _) = account();
    account.sandbox.configure("[profiles.acme]\nregon = \"eu\"\n");
    let refused = run(&account, &["--token-file", "the.token", "--force"]).expect(3);
    assert!(refused.stderr.contains("config.toml:2: unknown key regon"), "{}", refused.stderr);
}

#[test]
fn ctrl_c_leaves_nothing_and_a_terminal_that_shows_what_is_typed() {
    let (account, _) = account();
    for (answers, last) in [
        (&[][..], "Name of the profile"),
        (&[("Name of the profile", "acme"), ("1 to 5 [", "5")][..], "Token (it is not shown"),
    ] {
        let run = TerminalRun::start(setup(&account, &[]), 80);
        for (question, answer) in answers {
            run.wait_for(question, 1);
            run.type_text(&format!("{answer}\n"));
        }
        run.wait_for(last, 1);
        run.type_text("half a tok");
        signal(&run.child, Signal::INT);
        // The terminal's other side: it stays open while it is looked at.
        let ended = run.wait_and_look(TerminalRun::echoes);
        assert_eq!(ended.0.signal, Some(Signal::INT.as_raw()), "{}", ended.0.text());
        assert!(ended.1, "what is typed is not shown any more");
        assert_untouched(&account.sandbox);
    }
}

#[test]
fn the_end_of_the_answers_is_a_usage_error() {
    let (account, _) = account();
    let run = TerminalRun::start(setup(&account, &[]), 80);
    run.wait_for("Name of the profile", 1);
    run.type_text("\u{4}");
    let run = run.wait().expect(2);
    assert!(run.text().contains("there was no answer"), "{}", run.text());
    assert_untouched(&account.sandbox);
}

#[test]
fn what_cannot_be_written_is_said_with_7_and_no_token_stays_behind() {
    let (account, _) = account();
    let sandbox = &account.sandbox;
    let nowhere =
        run(&account, &["--token-file", "the.token", "--config", "/proc/opev/config.toml"]).expect(7);
    assert!(nowhere.stderr.contains("cannot write /proc/opev/config.toml"), "{}", nowhere.stderr);
    // A directory in the place of the configuration appears while the token is read: the token's file goes again.
    let command = "mkdir -p made/config.toml && cat the.token";
    let beside = run(&account, &["--token-command", command, "--config", "made/config.toml"]);
    assert!(matches!(beside.code, Some(3 | 7)), "{}", beside.stderr);
    let _ = std::fs::remove_dir(sandbox.path("made/config.toml"));
    assert_eq!(std::fs::read_dir(sandbox.path("made")).unwrap().count(), 0);
}

#[test]
fn an_old_token_needs_a_region_which_is_asked_for() {
    let (account, _) = account();
    let old = crate::check::old_token();
    account.sandbox.write("old.token", &old);
    let mut command = setup(&account, &["--token-file", "old.token", "--offline"]);
    command.env_remove("OPEV_BASE_URL");
    let answers = [("Name of", ""), ("Region [us]: ", "mars"), ("Region [us]: ", "CA"), ("[Y/n] ", "n")];
    let run = converse(command, &answers).expect(0);
    assert!(run.text().contains("Answer us, ca, eu or ent."), "{}", run.text());
    assert!(text(&account.sandbox).contains("region = \"ca\"\n"), "{}", text(&account.sandbox));
    let mut command = setup(&account, &["-p", "b", "--token-file", "old.token", "--offline"]);
    let alone = Run::of(command.env_remove("OPEV_BASE_URL").output().unwrap()).expect(3);
    assert!(alone.stderr.contains("--region us, ca, eu or ent"), "{}", alone.stderr);
}

#[test]
fn the_demo_rehearses_it_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let run = converse(sandbox.command(["setup", "--profile", "demo"]), &[("[Y/n] ", "n")]).expect(0);
    assert!(run.text().contains("nothing is written") && run.text().contains("usable"), "{}", run.text());
    assert!(run.text().contains("  opev fetch --profile demo "), "{}", run.text());
    let run = sandbox.run(["setup", "--profile", "demo", "--fetch", "-q"]).expect(0);
    assert!(run.uuids().len() > 10);
    assert_untouched(&sandbox);
}

#[test]
fn config_init_says_what_comes_next_on_a_terminal_only() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["config", "init"]).expect(0).stderr, "");
    let run = converse(sandbox.command(["config", "init", "--force"]), &[]).expect(0);
    assert!(run.text().contains("opev setup"), "{}", run.text());
}

#[test]
fn what_is_typed_cannot_write_on_the_screen() {
    let (account, _) = account();
    let answers = [
        ("Name of", "\u{16}\u{1b}[31mx"),
        ("Name of", "ok"),
        ("1 to 5 [", "2"),
        ("Path of", "no\u{16}\u{1b}[2Jsuch"),
        ("1 to 3", "3"),
    ];
    let run = converse(setup(&account, &[]), &answers).expect(4);
    let shown = run.text();
    // The terminal itself shows a control character that is typed as ^[.
    assert!(!shown.contains("\u{1b}[31m") && !shown.contains("\u{1b}[2J"), "{shown:?}");
}
