//! `opev config import-sumo`: a profile comes out, the token goes nowhere but where it is told to (P10).

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Account, Run, Sandbox};
use opev::simulator::SimulatorOptions;

fn source(base_url: &str, token: &str) -> String {
    format!(
        r#"{{"api.version":"v1","source":{{"schemaRef":{{"type":"1Password"}},"sourceType":"Universal","config":
            {{"name":"Acme 1Password","base_url":"{base_url}","api_token":"{token}",
              "supported_apis":["itemUsage","sign-in"],"new_key":1}}}}}}"#
    )
}

#[test]
fn a_profile_is_printed_and_a_masked_token_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("sumo.json", source("events.1password.eu", "********"));
    let run = sandbox.run(["config", "import-sumo", "sumo.json"]).expect(0);
    assert!(run.text().contains("[profiles.Acme-1Password]\nregion = \"eu\"\n"), "{}", run.text());
    assert!(run.stderr.contains("masked (********)") && run.stderr.contains("new_key"), "{}", run.stderr);
    let run = sandbox.run(["config", "import-sumo", "sumo.json", "--token-to", "t"]).expect(4);
    assert!(run.stderr.contains("masked"), "{}", run.stderr);
    assert!(!sandbox.path("t").exists());
}

#[test]
fn a_token_in_the_clear_goes_only_where_it_is_told_to() {
    let account = Account::new(SimulatorOptions::default());
    let sandbox = &account.sandbox;
    let token = account.simulator.token().expose();
    sandbox.write("sumo.json", source(&account.simulator.base_url(), token));
    let hidden = |run: Run| {
        assert!(!run.text().contains(token) && !run.stderr.contains(token), "{}", run.stderr);
        run
    };
    let run = hidden(sandbox.run(["config", "import-sumo", "sumo.json"]).expect(0));
    assert!(run.stderr.contains("in the clear"), "{}", run.stderr);

    let args = [
        "config",
        "import-sumo",
        "sumo.json",
        "--profile",
        "acme",
        "--write",
        "--token-to",
        "{profile}.token",
    ];
    hidden(sandbox.run(args).expect(0));
    let config = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    assert!(config.contains("[profiles.acme]") && !config.contains(token), "{config}");
    let kept = sandbox.path("acme.token");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), token);
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    sandbox.run(["token-check", "--profile", "acme"]).expect(0);

    // Again: neither the profile nor the file is touched.
    let run = hidden(sandbox.run(args).expect(3));
    assert!(run.stderr.contains("exists already"), "{}", run.stderr);
    let again = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    assert_eq!(again, config);
}

#[test]
fn a_profile_is_added_to_what_is_there_and_never_replaces_one() {
    let sandbox = Sandbox::new();
    sandbox.configure("# mine\n[profiles.one]\nregion = \"us\"");
    sandbox.write("sumo.json", source("events.1password.com", "********"));
    let add = |name: &str| sandbox.run(["config", "import-sumo", "sumo.json", "--write", "--profile", name]);
    add("one").expect(3);
    add("two").expect(0);
    let config = std::fs::read_to_string(sandbox.path("config/opev/config.toml")).unwrap();
    assert!(config.starts_with("# mine\n[profiles.one]\nregion = \"us\"\n\n# Imported"), "{config}");
    sandbox.run(["config", "show", "--profile", "two"]).expect(0);
    for bad in ["demo", "a b", ""] {
        add(bad).expect(3);
    }
    sandbox.write("sumo.json", "not json eyJhbGciOiJFUzI1NiJ9");
    let run = sandbox.run(["config", "import-sumo", "sumo.json"]).expect(3);
    assert!(run.stderr.contains("is not JSON") && !run.stderr.contains("eyJ"), "{}", run.stderr);
}
