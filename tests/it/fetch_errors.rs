//! What a person meets who got something wrong: for each the message, one thing to do, and the exit code;
//! nothing on standard output, and nothing sent where nothing should be.

use opev::event::Stream;
use opev::simulator::{SimulatorOptions, TokenOptions};

use crate::harness::{Account, Run, faulty, now, seeded};

fn account() -> Account {
    Account::new(seeded(1_000, now()))
}

/// Insists on a refusal: code, words, a hint or usage line, silence on stdout, and no request sent.
#[track_caller]
fn refused(account: &Account, run: Run, code: i32, words: &[&str]) {
    let run = run.expect(code);
    assert!(run.stdout.is_empty());
    for word in words {
        assert!(run.stderr.contains(word), "no \"{word}\" in: {}", run.stderr);
    }
    let advises =
        [" hint: ", "For more information", "did you mean", "write "].iter().any(|a| run.stderr.contains(a));
    assert!(advises, "nothing to do in: {}", run.stderr);
    assert_eq!(account.simulator.report().requests, 0, "something was sent: {}", run.stderr);
}

#[test]
fn what_was_typed_wrong_is_refused_before_anything_is_sent() {
    let account = account();
    let table: &[(&[&str], i32, &[&str])] = &[
        (&["signinatempts"], 2, &["no such stream", "did you mean signin?"]),
        (&["nonsense"], 2, &["no such stream", "signin, items and audit"]),
        (&["--since", "tomorrow"], 2, &["--since tomorrow is in the future", "it is 20"]),
        (&["--since", "1h", "--until", "2h"], 2, &["is not before --until", "swap them"]),
        (&["--since", "2026-13-01"], 2, &["not a time", "2h (ago"]),
        (&["--page-size", "0"], 2, &["0 is not in 1..=1000"]),
        (&["--page-size", "1001"], 2, &["1001 is not in 1..=1000"]),
        (&["--jobs", "17"], 2, &["17 is not in 1..=16"]),
        (&["--token", "x"], 2, &["there is no --token", "EVENTS_API_TOKEN, --token-file"]),
        (&["--tz", "nowhere"], 2, &["no such time zone", "Europe/Berlin"]),
        (&["--limit", "3", "--last", "3"], 2, &["--limit", "--last"]),
        (&["--fields", "timestamp"], 2, &["--fields", "--format table or --format csv"]),
        (&["--format", "csv", "--fields", "timestmp"], 2, &["timestmp", "did you mean timestamp?"]),
        (&["--format", "cvs"], 2, &["'cvs'", "csv"]),
        (&["--resume", "--until", "now"], 2, &["--resume", "--until"]),
        (&["--resume", "--limit", "1"], 2, &["--resume", "--limit"]),
        (&["--resume", "--last", "1"], 2, &["--resume", "--last"]),
        (&["--resume", "--sort", "time"], 2, &["--resume", "--sort"]),
        (&["--resume", "--format", "json"], 2, &["json", "use ndjson"]),
        (&["--resume", "--format", "table", "-o", "x"], 2, &["table", "ndjson or csv"]),
        (&["--resume", "--consumer", "a", "-o", "x"], 2, &["--consumer", "belongs to the file"]),
        (&["--overwrite"], 2, &["--output"]),
        (&["--api", "v3", "signin"], 2, &["v3", "audit events only"]),
        (&["--profile", "nosuch"], 3, &["no profile nosuch", "opev setup"]),
        (&["--config", "nosuch.toml"], 3, &["nosuch.toml", "No such file"]),
        (&["--base-url", "http://example.com"], 3, &["http:// is for this machine only"]),
        (&["--base-url", "https://example.com"], 3, &["example.com", "--allow-host example.com"]),
        (&["--base-url", "https://events.1password.eu/api"], 3, &["holds a path"]),
        (&["--base-url", "ftp://x"], 3, &["only https://"]),
        (&["--token-file", "nosuch"], 4, &["cannot read the token file nosuch", "No such file"]),
        (&["--token-command", "exit 3"], 4, &["exit code 3", "run it by hand"]),
        (&["--token-command", "true"], 4, &["is empty"]),
        (&["--token-command", "nosuchprogram"], 4, &["127", "nosuchprogram"]),
    ];
    for (args, code, words) in table {
        let mut line = vec!["fetch"];
        line.extend(*args);
        refused(&account, account.run(&line), *code, words);
    }
}

#[test]
fn a_token_that_is_none_is_refused_before_anything_is_sent() {
    let account = account();
    let with =
        |token: &str| Run::of(account.command(["fetch"]).env("EVENTS_API_TOKEN", token).output().unwrap());
    refused(&account, with(""), 4, &["EVENTS_API_TOKEN is empty"]);
    refused(&account, with("  \n"), 4, &["EVENTS_API_TOKEN is empty"]);
    refused(&account, with("two words"), 4, &["holds spaces or line breaks", "the token alone"]);
    let none = Run::of(account.command(["fetch"]).env_remove("EVENTS_API_TOKEN").output().unwrap());
    refused(&account, none, 4, &["no token is configured", "--profile demo needs no token"]);
}

#[test]
fn a_token_file_that_others_can_read_is_refused_unless_the_profile_allows_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let account = account();
    let file = account.sandbox.write("token", account.simulator.token().expose());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let fetch = || {
        let mut command = account.command(["fetch"]);
        Run::of(command.env_remove("EVENTS_API_TOKEN").output().unwrap())
    };
    account.sandbox.configure("[profiles.default]\ntoken_file = \"../../token\"\n");
    account.sandbox.configure(&format!("[profiles.default]\ntoken_file = {file:?}\n"));
    refused(&account, fetch(), 3, &["others can read", "chmod 600"]);
    account
        .sandbox
        .configure(&format!("[profiles.default]\ntoken_file = {file:?}\ntoken_file_any_mode = true\n"));
    fetch().expect(0);
}

#[test]
fn a_mistake_in_the_configuration_names_file_line_and_nearest_key() {
    let account = account();
    account.sandbox.configure("[profiles.default]\n\nbase_ur = \"x\"\n");
    refused(
        &account,
        account.run(["fetch"]),
        3,
        &["config.toml:3: unknown key base_ur", "did you mean base_url?"],
    );
    account.sandbox.configure("[profiles.default]\ntoken = \"eyJhbGciOiJFUzI1NiJ9.e30.c2ln\"\n");
    let run = account.run(["fetch"]);
    assert!(!run.stderr.contains("eyJ"), "{}", run.stderr);
    refused(&account, run, 3, &["config.toml:2", "a token in the clear is refused", "op://"]);
    account.sandbox.configure("[profiles.acme]\n");
    refused(&account, account.run(["fetch", "--profile", "acmee"]), 3, &["no profile acmee", "acme"]);
}

#[test]
fn a_malformed_proxy_is_refused_and_loopback_goes_through_none() {
    let account = account();
    let with = |proxy: &str, url: &str| {
        let mut command = account.command(["fetch", "--base-url", url, "--retry-for", "0s"]);
        Run::of(command.env("HTTPS_PROXY", proxy).env("ALL_PROXY", proxy).output().unwrap())
    };
    let run = with("http://user:s3cret@:bad:port", "https://events.1password.com");
    assert!(!run.stderr.contains("s3cret"));
    refused(&account, run, 3, &["HTTPS_PROXY is not a proxy's URL"]);
    with("http://127.0.0.1:9", &account.simulator.base_url()).expect(0);
}

#[test]
fn a_refused_token_is_told_with_the_likeliest_reason() {
    // Cut off.
    let account = account();
    let token = account.simulator.token().expose().to_owned();
    let with =
        |token: &str| Run::of(account.command(["fetch"]).env("EVENTS_API_TOKEN", token).output().unwrap());
    let run = with(&token[..token.len() - 5]).expect(4);
    assert!(
        run.stderr.contains("Unauthorized") && run.stderr.contains("copy the whole token again"),
        "{}",
        run.stderr
    );
    // Of another account, or revoked: whole, and refused all the same.
    let foreign = Account::new(SimulatorOptions {
        token: TokenOptions { audience: Some("events.1password.eu".into()), ..TokenOptions::default() },
        data: opev::simulator::EventData::Seeded(opev::simulator::SeededData {
            seed: 7,
            ..Default::default()
        }),
        ..SimulatorOptions::default()
    });
    let run = with(foreign.simulator.token().expose()).expect(4);
    assert!(run.stderr.contains("events.1password.eu"), "{}", run.stderr);
    // Expired.
    let expired = Account::new(SimulatorOptions {
        token: TokenOptions { expires_in: Some(-3600), ..TokenOptions::default() },
        ..seeded(1_000, now())
    });
    let run = expired.run(["fetch"]).expect(4);
    assert!(run.stderr.contains("expired") && run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn a_missing_feature_is_five_when_asked_for_and_no_failure_when_not() {
    let account = Account::new(SimulatorOptions {
        token: TokenOptions { features: vec![Stream::AuditEvents], ..TokenOptions::default() },
        ..seeded(1_000, now())
    });
    let run = account.run(["fetch", "signin"]).expect(5);
    assert!(run.stderr.contains("the token does not grant signin"), "{}", run.stderr);
    account.run(["fetch", "signin", "audit"]).expect(10);
    account.run(["fetch"]).expect(0);
    assert_eq!(account.simulator.report().per_stream[Stream::ItemUsages as usize], 0);
}

#[test]
fn messages_as_json_end_with_the_error_as_an_object() {
    let account = Account::new(faulty(now(), "status=403@always"));
    for (args, code, kind) in [
        (&["fetch", "--log-format", "json", "-vv"][..], 4, "token_refused"),
        (&["fetch", "audit", "--log-format", "json"], 4, "token_refused"),
        (&["fetch", "--log-format", "json", "--since", "tomorrow"], 2, "usage"),
        (&["fetch", "--log-format", "json", "nonsense"], 2, "usage"),
        (&["fetch", "--log-format=json", "--profile", "nosuch"], 3, "config"),
    ] {
        let run = account.run(args).expect(code);
        let lines: Vec<serde_json::Value> =
            run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.last().unwrap();
        assert_eq!((last["type"].as_str(), last["kind"].as_str()), (Some("error"), Some(kind)));
        assert_eq!(last["code"], code);
        assert_eq!(last["retryable"], false);
        assert!(last["message"].is_string());
    }
}
