//! Completion with live values, asked as real shells ask: bash and fish load the committed way and complete words.

use std::process::Command;

use crate::harness::{Account, Run, Sandbox, has_tool, now, program, seeded};

/// A shell's command line with the program on its PATH and the account's environment.
fn shell(account: &Account, argv: &[&str]) -> Command {
    let bin = account.sandbox.path("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(program(), bin.join("opev")).unwrap();
    }
    let mut command = Command::new(argv[0]);
    command
        .args(&argv[1..])
        .envs(account.command([""; 0]).get_envs().filter_map(|(k, v)| Some((k, v?))))
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .current_dir(account.sandbox.path("."));
    command
}

/// An account with a configuration, a saved position and imported names.
fn account() -> Account {
    let account = Account::new(seeded(300, now()));
    let at = account.simulator.base_url();
    account.sandbox.configure(&format!(
        "[profiles.acme-eu]\nbase_url = \"{at}\"\n[profiles.acme-us]\nregion = \"us\"\n"
    ));
    account.run(["fetch", "--resume", "--consumer", "nightly"]).expect(0);
    account.sandbox.write(
        "items.json",
        r#"[{"id":"i1","title":"AWS root; $(touch hacked)"},{"id":"i2","title":"AWS \u001b[2J `x`"}]"#,
    );
    account.run(["names", "import", "items.json"]).expect(0);
    account
}

/// The values that a shell offers for the last of these words.
fn bash(account: &Account, words: &[&str]) -> Vec<String> {
    let script = "source <(opev completions bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($#-1)); COMP_TYPE=9; \
                  _clap_complete_opev opev \"${COMP_WORDS[COMP_CWORD]}\" 2>/dev/null; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let argv = [&["bash", "-c", script, "bash"], words].concat();
    Run::of(shell(account, &argv).output().unwrap()).expect(0).lines()
}

#[test]
fn bash_offers_what_there_is() {
    let account = account();
    for (words, offered) in [
        (&["opev", "fetch", "-p", ""][..], &["acme-eu", "acme-us", "default", "demo"][..]),
        (&["opev", "fetch", "--profile", "acme-e"], &["acme-eu"]),
        (&["opev", "fetch", "signin,a"], &["signin,audit", "signin,all"]),
        (&["opev", "fetch", "--fields", "uuid,wh"], &["uuid,who", "uuid,what"]),
        (&["opev", "tail", "--tz", "Europe/Berl"], &["Europe/Berlin"]),
        (&["opev", "fetch", "--action", "!suspe"], &["!suspend"]),
        (&["opev", "fetch", "--object", "gv"], &["gva"]),
        (&["opev", "words", "chngps"], &["chngpsso"]),
        (
            &["opev", "fetch", "--country", "CA,!d"],
            &["CA,!DE", "CA,!DJ", "CA,!DK", "CA,!DM", "CA,!DO", "CA,!DZ"],
        ),
        (&["opev", "detect", "--level", ""], &["info", "low", "medium", "high", "critical"]),
        (&["opev", "detect", "--explain", "export-t"], &["export-then-suspended"]),
        (&["opev", "summary", "--by", "user,net"], &["user,network"]),
        (&["opev", "fetch", "--mask", "users."], &["users.uuid", "users.name", "users.email"]),
        (&["opev", "fetch", "--from", "x", "--stream", "a"], &["audit"]),
        (&["opev", "state", "reset", "--consumer", ""], &["nightly"]),
        (&["opev", "fetch", "--item", "aws"], &["AWS-2J-x", "AWS-root-touch-hacked"]),
        (&["opev", "fetch", "-p", "acme-eu", "--item", "aws"], &[]),
        (&["opev", "fetch", "--format", "nd"], &["ndjson"]),
        (&["opev", "comp"], &["completions"]),
    ] {
        let found = bash(&account, words);
        let found: Vec<&str> = found.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
        assert_eq!(found, offered, "{words:?}");
    }
    assert!(!account.sandbox.path("hacked").exists());
    let by_name = account.run(["fetch", "--item", "AWS-root-touch-hacked"]).expect(0);
    assert!(!by_name.stderr.contains("no item of this name"), "{}", by_name.stderr);
}

#[test]
fn fish_offers_what_there_is_and_what_it_means() {
    if !has_tool("fish") {
        return;
    }
    let account = account();
    let complete = |line: &str| {
        let script = format!("opev completions fish | source; complete -C '{line}'");
        Run::of(shell(&account, &["fish", "-c", &script]).output().unwrap()).expect(0).lines()
    };
    assert_eq!(complete("opev fetch --profile acme"), ["acme-eu", "acme-us"]);
    assert_eq!(complete("opev fetch --object gv"), ["gva\taudit events about gva"]);
    assert_eq!(complete("opev state export --consumer "), ["nightly"]);
    let items = complete("opev fetch --item aws-r");
    assert_eq!(items, ["AWS-root-touch-hacked\tAWS root; $(touch hacked)"]);
    assert!(!account.sandbox.path("hacked").exists());
}

#[test]
fn a_variable_alone_changes_nothing_and_a_broken_configuration_is_quiet() {
    let sandbox = Sandbox::new();
    sandbox.configure("nonsense = [");
    let mut asked = sandbox.command(["--", "opev", "fetch", "--profile", ""]);
    let run = Run::of(asked.env("OPEV_COMPLETE", "fish").output().unwrap()).expect(0);
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("default\ndemo\n", ""));
    let mut normal = sandbox.command(["words", "chngpsso"]);
    assert!(
        Run::of(normal.env("OPEV_COMPLETE", "bash").output().unwrap()).expect(0).text().contains("policy")
    );
}
