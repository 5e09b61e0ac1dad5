//! `opev config list` and `opev config edit`; a profile that does not exist, wherever it is named.

use std::process::Command;

use crate::harness::{Account, Run, Sandbox};
use opev::simulator::{SimulatorOptions, TokenOptions};
use serde_json::Value;

#[test]
fn list_shows_server_token_expiry_and_last_poll_and_runs_nothing() {
    let token = TokenOptions { expires_in: Some(30 * 86_400), ..TokenOptions::default() };
    let account = Account::new(SimulatorOptions { token, ..SimulatorOptions::default() });
    let sandbox = &account.sandbox;
    sandbox.write("acme.token", account.simulator.token().expose());
    sandbox.configure(&format!(
        "[profiles.acme]\nbase_url = \"{}\"\ntoken_file = \"{}\"\n\
         [profiles.off]\nenabled = false\nregion = \"eu\"\ntoken_command = \"touch ran\"\n",
        account.simulator.base_url(),
        sandbox.path("acme.token").display()
    ));
    sandbox.run(["fetch", "signin", "-p", "acme", "--resume", "-o", "out.ndjson"]).expect(0);
    let run = sandbox.run(["config", "list", "--json"]).expect(0);
    let rows: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let row = |name: &str| rows.iter().find(|row| row["profile"] == name).unwrap();
    assert_eq!(row("acme")["server"], account.simulator.base_url());
    assert!(row("acme")["token"].as_str().unwrap().starts_with("file /"));
    assert!(row("acme")["expires_at"].is_string() && row("acme")["last_poll"].is_string(), "{}", run.text());
    assert_eq!(
        (&row("off")["enabled"], &row("off")["token"]),
        (&Value::Bool(false), &Value::from("command"))
    );
    assert_eq!(row("off")["server"], "https://events.1password.eu");
    assert!(row("default")["token"].is_null());
    assert!(!sandbox.path("ran").exists() && !sandbox.path("config/opev/ran").exists());
    assert!(!run.text().contains(account.simulator.token().expose()));
    let text = sandbox.run(["config", "list"]).expect(0).text();
    assert!(
        text.starts_with("PROFILE") && text.contains("off (disabled)") && text.contains("demo"),
        "{text}"
    );
}

fn edit(sandbox: &Sandbox, editor: &str) -> Run {
    let mut command: Command = sandbox.command(["config", "edit"]);
    Run::of(command.env("EDITOR", editor).env("EVENTS_API_TOKEN", "eyJsecret").output().unwrap())
}

#[test]
fn an_edited_configuration_replaces_the_old_one_only_when_it_is_right() {
    let sandbox = Sandbox::new();
    let good = "[profiles.a]\nregion = \"eu\"\n";
    sandbox.configure(good);
    let text = || std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    let draft = sandbox.path("config/opev/config.toml.draft");

    let run = edit(&sandbox, "sed -i s/region/regon/").expect(3);
    assert!(run.stderr.contains("config.toml.draft:2: unknown key regon"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: correct the draft with `opev config edit`"), "{}", run.stderr);
    assert_eq!(text(), good);
    assert!(draft.exists());

    // The next edit goes on with the draft.
    edit(&sandbox, "sed -i -e s/regon/region/ -e s/eu/us/").expect(0);
    assert_eq!(text(), "[profiles.a]\nregion = \"us\"\n");
    assert!(!draft.exists());

    let run = edit(&sandbox, "true").expect(0);
    assert_eq!(run.text(), "nothing was changed\n");
    assert!(edit(&sandbox, "false").expect(3).stderr.contains("false ended with exit status: 1"));
    edit(&sandbox, "env > seen; true").expect(0);
    assert!(!std::fs::read_to_string(sandbox.path("seen")).unwrap().contains("eyJsecret"));
}

#[test]
fn an_edit_of_what_is_not_there_begins_with_the_template() {
    let sandbox = Sandbox::new();
    edit(&sandbox, "sed -i 's/^#api/api/'").expect(0);
    let text = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    assert!(text.contains("\napi = \"v2\"\n"), "{text}");
    let run = edit(&sandbox, "f() { echo '# mine' >> config/opev/config.toml; echo '# too' >> \"$1\"; }; f")
        .expect(3);
    assert!(run.stderr.contains("was changed by somebody else meanwhile"), "{}", run.stderr);
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest_name_everywhere() {
    let sandbox = Sandbox::new();
    sandbox.configure("[profiles.acme]\ntoken_env = \"ACME\"\n");
    for command in ["fetch", "tail", "introspect", "token-check", "status", "config show", "state export"] {
        let args: Vec<&str> = command.split(' ').chain(["--profile", "acne"]).collect();
        let run = sandbox.run(&args).expect(3);
        assert!(run.stderr.contains("no profile acne in "), "{command}: {}", run.stderr);
        assert!(run.stderr.contains("did you mean acme?"), "{command}: {}", run.stderr);
    }
    let mut command = sandbox.command(["status"]);
    let run = Run::of(command.env("OPEV_PROFILE", "acne").output().unwrap()).expect(3);
    assert!(run.stderr.contains("did you mean acme?"), "{}", run.stderr);
}

#[test]
fn positions_of_a_profile_that_is_no_longer_configured_can_still_be_named() {
    let account = Account::new(SimulatorOptions::default());
    let sandbox = &account.sandbox;
    sandbox.configure("[profiles.gone]\n");
    account.run(["fetch", "signin", "-p", "gone", "--resume", "-o", "out.ndjson"]).expect(0);
    sandbox.configure("");
    sandbox.run(["status", "--profile", "gone"]).expect(0);
    sandbox.run(["state", "export", "--profile", "gone"]).expect(0);
}
