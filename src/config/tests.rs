//! Which value wins, for which profile, and what is said about it.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::api::endpoint::ApiVersion;
use crate::cancel::Cancel;
use crate::cli::{Cli, Command};
use crate::secret::Secret;
use crate::time::Zone;

const FILE: &str = r#"
[defaults]
api = "v1"
timeout = "10s"
region = "ca"

[profiles.acme]
token_env = "ACME_TOKEN"
region = "eu"
timeout = "20s"
state_dir = "/state/acme"

[profiles.bare]

[profiles.off]
enabled = false
token_env = "OFF_TOKEN"
"#;

fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    let environment: Environment = variables.iter().copied().collect();
    let file = ConfigFile::parse(Path::new("/etc/opev.toml"), text, &environment).unwrap();
    Config { environment, file }
}

fn with_typed<T>(flags: &str, decide: impl FnOnce(&SettingFlags<'_>) -> T) -> T {
    let cli = Cli::read(format!("opev fetch {flags}").split_whitespace()).unwrap();
    let Command::Fetch(args) = cli.command else { panic!("{flags}") };
    decide(&SettingFlags {
        account: &args.collect.account,
        tz: cli.console.tz.as_ref(),
        page_size: args.collect.page.page_size,
        jobs: args.job.jobs,
    })
}

fn decide(text: &str, variables: &[(&str, &str)], flags: &str) -> Result<Settings> {
    with_typed(flags, |typed| config(text, variables).settings(typed))
}

fn all(text: &str, variables: &[(&str, &str)], flags: &str) -> Result<Vec<Settings>> {
    with_typed(flags, |typed| config(text, variables).all_settings(typed, None))
}

fn row(settings: &Settings, key: &str) -> String {
    let found = settings.shown.iter().find(|setting| setting.key == key).unwrap();
    format!("{} {}", found.value, found.origin.in_brackets())
}

#[test]
fn flag_then_environment_then_profile_then_defaults() {
    // Each row adds a source; the one added last wins.
    let in_file = decide(FILE, &[], "--profile bare").unwrap();
    assert_eq!(row(&in_file, "base_url"), "https://events.1password.ca (from [defaults], line 5)");
    assert_eq!(row(&in_file, "timeout"), "10s (from [defaults], line 4)");
    let in_profile = decide(FILE, &[], "--profile acme").unwrap();
    assert_eq!(row(&in_profile, "base_url"), "https://events.1password.eu (from profile acme, line 9)");
    assert_eq!(row(&in_profile, "timeout"), "20s (from profile acme, line 10)");
    assert_eq!(row(&in_profile, "api"), "v1 (from [defaults], line 3)");
    assert_eq!(row(&in_profile, "state_dir"), "/state/acme (from profile acme, line 11)");
    let variables = [
        ("OPEV_PROFILE", "acme"),
        ("OPEV_BASE_URL", "events.1password.com"),
        ("OPEV_STATE_DIR", "/state/env"),
    ];
    let in_environment = decide(FILE, &variables, "").unwrap();
    assert_eq!(row(&in_environment, "profile"), "acme (from OPEV_PROFILE)");
    assert_eq!(row(&in_environment, "base_url"), "https://events.1password.com (from OPEV_BASE_URL)");
    assert_eq!(row(&in_environment, "state_dir"), "/state/env (from OPEV_STATE_DIR)");
    let flags = "--profile bare --region ent --state-dir /state/flag --timeout 5s --api v2 --tz local";
    let typed = decide(FILE, &variables, flags).unwrap();
    assert_eq!(row(&typed, "profile"), "bare (from --profile)");
    assert_eq!(row(&typed, "base_url"), "https://events.ent.1password.com (from --region)");
    assert_eq!(row(&typed, "state_dir"), "/state/flag (from --state-dir)");
    assert_eq!(row(&typed, "timeout"), "5s (from --timeout)");
    assert_eq!(row(&typed, "api"), "v2 (from --api)");
    assert_eq!(row(&typed, "tz"), "local (from --tz)");
}

#[test]
fn without_anything_there_are_defaults() {
    let settings = decide("", &[("HOME", "/h")], "").unwrap();
    assert_eq!(settings.profile, "default");
    assert_eq!(settings.server, None);
    assert_eq!((settings.api, settings.page_size, settings.jobs), (ApiVersion::V2, 1000, None));
    assert_eq!(
        (settings.timeout, settings.retry_for, settings.deadline),
        (Duration::from_secs(60), None, None)
    );
    assert_eq!((settings.rate_limit, settings.max_response_bytes), (600, 64 << 20));
    assert_eq!(settings.zone, Zone::Utc);
    assert_eq!(settings.state_dir().unwrap(), Path::new("/h/.local/state/opev"));
    assert_eq!(row(&settings, "token"), "not set (default)");
}

#[test]
fn every_key_is_shown_once() {
    let settings = decide("", &[], "").unwrap();
    let shown: Vec<_> = settings.shown.iter().map(|setting| setting.key).collect();
    // A profile's other token keys and its region are part of `token` and `base_url`.
    let elsewhere = ["enabled", "token_file", "token_command", "token_env", "token_file_any_mode", "region"];
    for key in profile_table::KEYS.iter().filter(|key| !elsewhere.contains(key)) {
        assert_eq!(shown.iter().filter(|shown| *shown == key).count(), 1, "{key}");
    }
}

#[test]
fn a_profile_without_a_place_for_state_fails_only_when_it_needs_one() {
    let settings = decide("", &[], "").unwrap();
    let failure = settings.state_dir().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Config);
    assert!(failure.advice().unwrap().contains("--state-dir"));
}

#[test]
fn the_environments_token_serves_only_a_profile_that_names_none() {
    let variables = [("EVENTS_API_TOKEN", "ambient"), ("ACME_TOKEN", "acme")];
    let token = |flags: &str| decide(FILE, &variables, flags).unwrap().token.load(&Cancel::new());
    assert_eq!(token("").unwrap(), Secret::new("ambient"));
    assert_eq!(token("--profile bare").unwrap(), Secret::new("ambient"));
    assert_eq!(token("--profile acme").unwrap(), Secret::new("acme"));
    let without = decide(FILE, &variables[..1], "--profile acme").unwrap();
    let failure = without.token.load(&Cancel::new()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::TokenMissing);
    assert_eq!(failure.to_string(), "the environment variable ACME_TOKEN is not set, or is not text");
    let empty = decide("", &[("EVENTS_API_TOKEN", "")], "").unwrap();
    let failure = empty.token.load(&Cancel::new()).unwrap_err();
    assert_eq!(failure.to_string(), "the environment variable EVENTS_API_TOKEN is empty");
}

#[test]
fn a_typed_token_source_goes_before_the_profiles() {
    let settings = decide(
        FILE,
        &[("PATH", "/usr/bin:/bin"), ("ACME_TOKEN", "acme")],
        "--profile acme --token-command env",
    );
    let settings = settings.unwrap();
    assert_eq!(row(&settings, "token"), "set (from --token-command)");
    // The command saw neither token variable: what `env` prints holds line breaks, so it is not a token.
    assert_eq!(settings.token_variables, ["EVENTS_API_TOKEN", "ACME_TOKEN", "OFF_TOKEN"]);
    let TokenSource::Command(program) = &settings.token else { panic!() };
    let output = program.run(token_command::LIMIT, &Cancel::new()).unwrap();
    assert!(!String::from_utf8(output).unwrap().contains("acme"));
    let stdin = decide(FILE, &[], "--token-file -").unwrap();
    assert!(matches!(stdin.token, TokenSource::Stdin));
}

#[test]
fn a_reference_runs_op_read() {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let bin = tempfile::tempdir().unwrap();
    let mut options = std::fs::OpenOptions::new();
    let mut op = options.write(true).create_new(true).mode(0o700).open(bin.path().join("op")).unwrap();
    op.write_all(b"#!/bin/sh\nprintf '%s/' \"$@\"\n").unwrap();
    drop(op);
    let text = "[profiles.default]\ntoken = \"op://Private/Events/credential\"\n";
    let settings = decide(text, &[("PATH", bin.path().to_str().unwrap())], "").unwrap();
    let token = settings.token.load(&Cancel::new()).unwrap();
    assert_eq!(token, Secret::new("read/--/op://Private/Events/credential/"));
    let nowhere = decide(text, &[("PATH", "/no/such")], "").unwrap();
    let failure = nowhere.token.load(&Cancel::new()).unwrap_err();
    assert!(failure.to_string().starts_with("the token of profile default (op read) cannot be started"));
    assert_eq!(failure.advice(), Some("install op, and have it on PATH"));
}

#[test]
fn the_demo_takes_nothing_from_environment_or_defaults_that_is_not_its_own() {
    let variables = [("EVENTS_API_TOKEN", "ambient"), ("OPEV_BASE_URL", "events.1password.com")];
    let settings = decide(FILE, &variables, "--profile demo").unwrap();
    assert!(settings.is_demo());
    assert_eq!(settings.server, None);
    assert_eq!(row(&settings, "base_url"), "a simulator inside this process (demo)");
    assert_eq!(row(&settings, "token"), "set (demo)");
    assert_eq!(settings.token.load(&Cancel::new()).unwrap_err().kind(), ErrorKind::Unexpected);
    for flags in
        ["--region eu", "--base-url localhost", "--token-file x", "--token-command x", "--allow-host x"]
    {
        let failure = decide("", &[], &format!("--profile demo {flags}")).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Usage);
        assert!(failure.to_string().contains("cannot be used with the profile demo"), "{failure}");
    }
}

#[test]
fn all_profiles_are_the_enabled_ones_without_the_environments_token_and_server() {
    let variables =
        [("EVENTS_API_TOKEN", "ambient"), ("OPEV_BASE_URL", "events.1password.com"), ("OPEV_PROFILE", "x")];
    let all_settings = all(FILE, &variables, "--all-profiles").unwrap();
    let names: Vec<_> = all_settings.iter().map(|settings| settings.profile.as_str()).collect();
    assert_eq!(names, ["acme", "bare"]);
    assert_eq!(row(&all_settings[0], "base_url"), "https://events.1password.eu (from profile acme, line 9)");
    assert!(matches!(all_settings[1].token, TokenSource::None));
    let failure = all("[profiles.off]\nenabled = false\n", &[], "--all-profiles").unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Config);
    assert_eq!(failure.to_string(), "--all-profiles: no profile is enabled");
}

#[test]
fn a_profile_that_does_not_exist_is_refused_with_the_nearest() {
    let failure = |text: &str, flags: &str| {
        let failure = decide(text, &[], flags).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        (failure.to_string(), failure.advice().unwrap().to_owned())
    };
    let (message, hint) = failure(FILE, "--profile acne");
    assert_eq!(message, "no profile acne in /etc/opev.toml");
    assert_eq!(hint, "did you mean acme?");
    assert_eq!(failure(FILE, "--profile zzz").1, "use one of acme, bare, off, demo");
    assert_eq!(failure(FILE, "--profile ../x").0, "../x cannot be the name of a profile");
    let nothing = Config { environment: Environment::default(), file: ConfigFile::default() };
    let failure = with_typed("--profile acme", |typed| nothing.settings(typed)).unwrap_err();
    assert_eq!(failure.to_string(), "no profile acme: there is no configuration file");
    assert_eq!(failure.advice(), Some("write one with `opev setup`"));
}

#[test]
fn a_server_that_is_none_is_refused_and_not_repeated() {
    let failure = decide("", &[("OPEV_BASE_URL", "https://me:secret@events.1password.com")], "").unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Config);
    assert!(failure.to_string().starts_with("the base URL (OPEV_BASE_URL) cannot be used: "), "{failure}");
    assert!(!format!("{failure:?}").contains("secret"));
    let failure = decide("", &[], "--base-url http://events.1password.com").unwrap_err();
    assert!(failure.to_string().contains("http:// is for this machine only"), "{failure}");
}

#[test]
fn proxies_are_taken_in_the_lower_case_first_and_never_shown() {
    let variables = [
        ("HTTPS_PROXY", "http://upper"),
        ("https_proxy", "http://me:hunter2@lower"),
        ("HTTP_PROXY", "http://cgi"),
        ("NO_PROXY", "a, b"),
    ];
    let settings = decide("", &variables, "").unwrap();
    assert_eq!(settings.proxies.https, Some(Secret::new("http://me:hunter2@lower")));
    assert_eq!(settings.proxies.http, None);
    assert_eq!(settings.proxies.no_proxy.as_deref(), Some("a, b"));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn the_local_zone_is_that_of_tz() {
    let settings = decide("", &[("TZ", "Asia/Tokyo")], "--tz local").unwrap();
    assert_eq!(settings.zone.to_string(), "Asia/Tokyo");
}
