//! token-check and introspect against every bad token and every bad server: the step that fails, one hint,
//! the table's exit code, and never the token (P10).

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opev::event::Stream;
use opev::simulator::{FaultScript, SimulatorOptions, TokenOptions};
use serde_json::{Value, json};

use crate::client::{fixture, tls_server};
use crate::harness::{Account, Run, Sandbox, now, seeded};
use crate::scripted::{Act, Scripted, answer, nobody, pass_on, read_request};

/// A token with these claims, whole but signed by nobody.
fn token(claims: &Value) -> String {
    let header = json!({"alg": "ES256", "kid": "k", "typ": "JWT"}).to_string();
    let parts = [header.into_bytes(), claims.to_string().into_bytes(), vec![0x5a; 64]];
    parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// A token of the oldest kind, which names no server.
pub fn old_token() -> String {
    token(&json!({"aud": ["com.1password.streamingservice"]}))
}

/// A whole token for this machine, which nobody issued.
pub fn forged_token() -> String {
    token(&claims("127.0.0.1"))
}

/// The claims of a good token for `host`.
fn claims(host: &str) -> Value {
    json!({
        "aud": [host], "sub": "INT", "iat": 1_763_700_000, "1password.com/auuid": "ACC",
        "1password.com/fts": ["auditevents", "itemusages", "signinattempts"],
    })
}

fn with(host: &str, key: &str, value: Value) -> String {
    let mut claims = claims(host);
    claims[key] = value;
    token(&claims)
}

/// Insists that exactly one step failed, with this code and a hint, and that the token is nowhere.
#[track_caller]
fn fails_at(run: Run, token: &str, code: i32, step: &str, words: &str) -> Run {
    let run = run.expect(code);
    let failed: Vec<_> = run.lines().into_iter().filter(|line| line.contains("  failed ")).collect();
    assert_eq!(failed.len(), 1, "{}", run.text());
    assert!(failed[0].starts_with(step), "{}", run.text());
    assert!(run.stderr.starts_with(&format!("error: {step}: ")), "{}", run.stderr);
    assert_eq!(run.stderr.matches("hint:").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    hides(&run, token);
    run
}

/// Insists that no part of the token is in any output.
#[track_caller]
fn hides(run: &Run, token: &str) {
    for part in token.split(['.', ' ']).filter(|part| part.len() > 8) {
        assert!(!run.stderr.contains(part) && !run.text().contains(part), "{}\n{}", run.stderr, run.text());
    }
}

fn check(token: &str, more: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["token-check", "-vv"].iter().chain(more));
    let run = Run::of(command.env("EVENTS_API_TOKEN", token).output().unwrap());
    hides(&run, token);
    run.without_logs()
}

fn simulated(script: &str) -> Account {
    let script = FaultScript::from(script.parse::<opev::simulator::FaultRule>().unwrap());
    Account::new(SimulatorOptions { script, ..SimulatorOptions::default() })
}

impl Run {
    /// Without the log lines that -vv adds.
    fn without_logs(mut self) -> Run {
        let is_told =
            |line: &&str| ["error:", " hint:", "       "].iter().any(|start| line.starts_with(start));
        self.stderr = self.stderr.lines().filter(is_told).collect::<Vec<_>>().join("\n");
        self
    }
}

#[test]
fn each_bad_token_is_recognised_and_named() {
    const US: &str = "events.1password.com";
    let good = token(&claims(US));
    let cut_in_claims = &good[..good.rfind('.').unwrap() - 8];
    let cut_in_signature = &good[..good.len() - 9];
    let year = 31_536_000;
    let now = chrono::Utc::now().timestamp();
    for (token, more, code, step, words) in [
        (String::new(), &[][..], 4, "token", "is empty"),
        (good.replacen('.', ".\n", 1), &[], 4, "token", "spaces or line breaks"),
        (format!("Bearer {good}"), &[], 4, "token", "no \"Bearer\""),
        ("ops_eyJzaWduSW5BZGRyZXNz".to_owned(), &[], 4, "token", "service-account token"),
        (with(US, "1password.com/fts", json!(["vaultaccess"])), &[], 4, "claims", "Connect token"),
        (cut_in_claims.to_owned(), &[], 4, "token", "cut off"),
        (cut_in_signature.to_owned(), &[], 4, "signature", "cut off"),
        (good.replacen("ey", "{}", 1), &[], 4, "algorithm", "not base64"),
        (with(US, "exp", json!(now - 60)), &[], 4, "expires", "the token expired at"),
        (with(US, "nbf", json!(now + 3600)), &[], 4, "valid from", "not valid before"),
        (good.clone(), &["--region", "eu"], 4, "audience", "--region us"),
        (with(US, "1password.com/fts", json!([])), &[], 5, "features", "Events to Report"),
        (token(&claims("com.1password.streamingservice")), &[], 3, "server", "--region us, ca, eu or ent"),
        (token(&claims("events.example.net")), &[], 3, "server", "--allow-host events.example.net"),
    ] {
        // Whether or not the service is to be asked: nothing is sent once the token is known to be bad.
        fails_at(check(&token, more), &token, code, step, words);
        let run = fails_at(check(&token, &[more, &["--offline"]].concat()), &token, code, step, words);
        assert!(!run.text().contains("\nHTTP "), "{}", run.text());
    }
    let run = check(&with(US, "exp", json!(now + year)), &["--offline"]).expect(0);
    assert!(run.text().contains("looks usable: 364 days left"), "{}", run.text());
    // The oldest tokens work where a server is named.
    let old = old_token();
    let run = check(&old, &["--offline", "--region", "ca"]).expect(0);
    assert!(run.text().contains("an old token, which names no server"), "{}", run.text());
}

#[test]
fn each_bad_server_fails_at_its_step() {
    let silent = Scripted::start(|_| Act::Send(Vec::new()));
    let plain = Scripted::start(|_| answer("200 OK", "", "hello"));
    let blurting = Scripted::start(|_| Act::Blurt(b"220 mail.example ESMTP\r\n".to_vec()));
    let (tls, nobody) = (tls_server(), nobody());
    let here = token(&claims("localhost"));
    for (server, more, code, step, words) in [
        (format!("http://{}", nobody.address), vec![], 6, "TCP", "connection refused"),
        (
            "https://no-such-host.invalid".into(),
            vec!["--allow-host", "no-such-host.invalid"],
            6,
            "DNS",
            "spelling",
        ),
        (format!("https://{}", blurting.address), vec![], 3, "TLS", "does not speak TLS"),
        (format!("https://localhost:{}", tls.port()), vec![], 3, "TLS", "--ca-file"),
        (format!("http://{}", silent.address), vec![], 6, "HTTP", "no answer from"),
        (format!("http://{}", plain.address), vec![], 6, "HTTP", "cannot be read"),
    ] {
        let more = [vec!["--base-url", &server], more].concat();
        let run = fails_at(check(&here, &more), &here, code, step, words);
        assert!(run.text().contains("data        skipped"), "{}", run.text());
    }
    // With the right root the handshake passes, and the next step tells what is wrong.
    let (server, ca) = (format!("https://localhost:{}", tls.port()), fixture("ca.pem"));
    let run = check(&here, &["--base-url", &server, "--ca-file", ca.to_str().unwrap()]);
    let run = fails_at(run, &here, 6, "HTTP", "cannot be read");
    assert!(run.text().contains("TLS 1.3"), "{}", run.text());
}

#[test]
fn each_refusal_fails_at_its_step() {
    for (fault, code, step, words) in [
        ("status=401@always,on=introspect", 4, "auth", "may have been revoked"),
        ("status=403@always,on=introspect", 4, "auth", "plan"),
        ("status=404@always,on=introspect", 3, "HTTP", "check the base URL"),
        ("redirect=http://127.0.0.1:9/x@always,on=introspect", 3, "HTTP", "never followed"),
        ("status=503@always,on=introspect", 6, "HTTP", "status.1password.com"),
        ("html@always,on=introspect", 6, "HTTP", "cannot be read"),
    ] {
        let account = simulated(fault);
        let token = account.simulator.token().expose().to_owned();
        let run = account.run(["token-check"]);
        fails_at(run, &token, code, step, words);
        assert_eq!(account.simulator.requests().len(), 1, "one try");
    }
}

#[test]
fn a_token_that_nobody_issued_is_refused() {
    let account = Account::new(SimulatorOptions::default());
    let forged = token(&claims("127.0.0.1"));
    let mut command = account.command(["token-check"]);
    let run = Run::of(command.env("EVENTS_API_TOKEN", &forged).output().unwrap());
    fails_at(run, &forged, 4, "auth", "refused the token");
}

#[test]
fn one_stream_that_fails_leaves_the_others_and_a_partial_code() {
    let account = simulated("status=503@always,on=itemusages");
    let run = account.run(["token-check"]).expect(10);
    assert!(run.stderr.starts_with("error: items: data: "), "{}", run.stderr);
    assert_eq!(run.text().matches("data        ok").count(), 2, "{}", run.text());
    assert!(run.text().contains("partly usable"), "{}", run.text());
}

#[test]
fn only_the_streams_that_are_granted_are_asked() {
    let features = vec![Stream::AuditEvents];
    let token = TokenOptions { features, ..TokenOptions::default() };
    let account = Account::new(SimulatorOptions { token, ..SimulatorOptions::default() });
    let run = account.run(["token-check", "--json"]).expect(0);
    let value: Value = serde_json::from_slice(&run.stdout).unwrap();
    let data: Vec<_> =
        value["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "data").collect();
    assert_eq!(data.len(), 1);
    assert_eq!(data[0]["stream"], "auditevents");
    assert!(data[0]["ms"].as_f64().is_some());
    hides(&run, account.simulator.token().expose());
}

#[test]
fn an_early_end_is_a_no_and_the_service_is_asked_all_the_same() {
    let token = TokenOptions { expires_in: Some(10 * 86_400 + 3_600), ..TokenOptions::default() };
    let account = Account::new(SimulatorOptions { token, ..SimulatorOptions::default() });
    let run = account.run(["token-check"]).expect(1);
    assert!(run.stderr.contains("in 10 days; 14 days are wanted"), "{}", run.stderr);
    assert!(run.text().contains("usable, but not for long: 10 days left"), "{}", run.text());
    assert_eq!(run.text().matches("data        ok").count(), 3, "{}", run.text());
    account.run(["token-check", "--min-days", "10"]).expect(0);
    let run = account.run(["token-check", "--min-days", "11", "--offline"]).expect(1);
    assert!(run.text().contains("expires     soon"), "{}", run.text());
}

#[test]
fn offline_sends_nothing_and_a_check_asks_once_per_question() {
    let account = Account::new(SimulatorOptions::default());
    account.run(["token-check", "--offline"]).expect(0);
    assert!(account.simulator.requests().is_empty());
    account.run(["token-check"]).expect(0);
    assert_eq!(account.simulator.requests().len(), 4, "an introspection and three streams");
    account.run(["introspect"]).expect(0);
    assert_eq!(account.simulator.requests().len(), 5);
}

#[test]
fn a_sample_is_the_newest_event_of_each_stream() {
    let account = Account::new(seeded(12_000, now()));
    let run = account.run(["token-check", "--sample", "--json"]).expect(0);
    let value: Value = serde_json::from_slice(&run.stdout).unwrap();
    let all = account.run(["fetch", "--since", "7d", "--shape", "envelope"]).expect(0);
    for stream in Stream::ALL {
        let step = value["steps"].as_array().unwrap().iter().find(|step| step["stream"] == stream.name());
        let newest = all
            .lines()
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|event| event["stream"] == stream.name())
            .map(|event| event["event"]["timestamp"].as_str().unwrap().to_owned())
            .max();
        assert_eq!(step.unwrap()["newest"]["timestamp"].as_str(), newest.as_deref(), "{stream}");
    }
    let run = account.run(["token-check", "--sample"]).expect(0);
    assert!(run.text().contains("\nTIME "), "{}", run.text());
}

#[test]
fn a_proxy_that_refuses_is_named_by_its_step() {
    let here = token(&claims("events.1password.com"));
    for (status, code, words) in
        [("403 Forbidden", 6, "NO_PROXY"), ("407 Proxy Authentication Required", 3, "refused the user name")]
    {
        let proxy = Scripted::start(move |_| answer(status, "", ""));
        let sandbox = Sandbox::new();
        let mut command = sandbox.command(["token-check"]);
        command
            .env("EVENTS_API_TOKEN", &here)
            .env("HTTPS_PROXY", format!("http://me:pass-word@{}", proxy.address));
        let run = Run::of(command.output().unwrap());
        let run = fails_at(run, &here, code, "CONNECT", words);
        assert!(!run.stderr.contains("pass-word"), "{}", run.stderr);
        let requests = proxy.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert!(requests[0].starts_with("CONNECT events.1password.com:443 HTTP/1.1\r\n"), "{requests:?}");
        assert!(!requests[0].contains(&here));
    }
}

/// A proxy that lets everybody through to one address.
fn tunnel_to(end: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let mut near = near.unwrap();
            read_request(&mut near);
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            pass_on(near, TcpStream::connect(end).unwrap());
        }
    });
    address
}

#[test]
fn through_a_proxy_each_leg_is_a_step() {
    let (here, ca) = (token(&claims("proxied.example")), fixture("ca.pem"));
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["token-check", "--allow-host", "proxied.example"]);
    command
        .args(["--ca-file", ca.to_str().unwrap()])
        .env("EVENTS_API_TOKEN", &here)
        .env("HTTPS_PROXY", format!("http://localhost:{}", tunnel_to(tls_server()).port()));
    // The server behind the tunnel has a certificate, but not one for this name.
    let run = fails_at(Run::of(command.output().unwrap()), &here, 3, "TLS", "another host's");
    let steps: Vec<_> = run.lines().iter().map(|line| line.chars().take(9).collect::<String>()).collect();
    let start = steps.iter().position(|step| step == "proxy DNS").unwrap();
    assert_eq!(steps[start..start + 4], ["proxy DNS", "proxy TCP", "CONNECT  ", "TLS      "]);
    assert!(run.text().contains("CONNECT     ok"), "{}", run.text());
}

#[test]
fn every_enabled_profile_has_a_line_and_one_failure_stops_no_other() {
    let account = Account::new(SimulatorOptions::default());
    let sandbox = &account.sandbox;
    sandbox.write("good.token", account.simulator.token().expose());
    sandbox.write("bad.token", token(&claims("127.0.0.1")));
    let server = account.simulator.base_url();
    let profile = |name: &str, token: &str, more: &str| {
        format!("[profiles.{name}]\nbase_url = \"{server}\"\ntoken_file = \"{token}\"\n{more}\n")
    };
    let home = sandbox.path(".");
    let file = |name: &str| home.join(name).display().to_string();
    sandbox.configure(
        &[
            profile("a", &file("good.token"), ""),
            profile("b", &file("bad.token"), ""),
            profile("c", &file("missing.token"), "enabled = false"),
            profile("d", &file("good.token"), ""),
        ]
        .concat(),
    );
    let run = account.run(["token-check", "--all-profiles"]).expect(10);
    let lines = run.lines();
    assert_eq!(lines.len(), 4, "{}", run.text());
    assert!(lines[1].starts_with("a ") && lines[1].contains("ok"), "{}", run.text());
    assert!(lines[2].starts_with("b ") && lines[2].ends_with("auth"), "{}", run.text());
    assert!(lines[3].starts_with("d ") && lines[3].contains("ok"), "{}", run.text());
    assert!(run.stderr.starts_with("error: profile b: auth: "), "{}", run.stderr);
    let run = account.run(["token-check", "--all-profiles", "--json", "--offline"]).expect(0);
    let value: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 3);
}

#[test]
fn both_introspections_are_shown() {
    let token = TokenOptions { expires_in: Some(30 * 86_400 + 3_600), ..TokenOptions::default() };
    let account = Account::new(SimulatorOptions { token, ..SimulatorOptions::default() });
    for api in ["v1", "v2"] {
        let run = account.run(["introspect", "--api", api]).expect(0);
        let text = run.text();
        for words in [account.simulator.account_uuid(), "signinattempts, itemusages", "(30 days left)"] {
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(text.contains("said by the token"), api == "v1", "{text}");
        let run = account.run(["introspect", "--json", "--api", api]).expect(0);
        let value: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(value["account_uuid"], account.simulator.account_uuid());
        assert_eq!((&value["days_left"], &value["api"]), (&json!(30), &json!(api)));
        hides(&run, account.simulator.token().expose());
    }
}

#[test]
fn foreign_text_cannot_leave_its_line() {
    let body =
        r#"{"uuid":"I\u001b[2J","issued_at":"2026-01-01T00:00:00Z","features":["auditevents","x\ny"]}"#;
    let server = Scripted::start(move |_| answer("200 OK", "", body));
    let here = token(&claims("a\u{202e}b\n"));
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["introspect", "--base-url", &format!("http://{}", server.address)]);
    let run = Run::of(command.env("EVENTS_API_TOKEN", &here).output().unwrap()).expect(0);
    let text = run.text();
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.contains("I\\u{1b}[2J") && text.contains("x\\ny"), "{text}");
    let mut command = sandbox.command(["token-check", "--offline", "--region", "eu"]);
    let run = Run::of(command.env("EVENTS_API_TOKEN", &here).output().unwrap()).expect(0);
    assert!(run.text().contains("a\\u{202e}b\\n"), "{}", run.text());
}

#[test]
fn on_a_narrow_terminal_nothing_is_wider_than_it() {
    let account = Account::new(SimulatorOptions::default());
    let run = account.run_on_terminal(60, ["token-check", "--color", "never"]).expect(0);
    for line in run.lines() {
        assert!(line.trim_end().chars().count() <= 60, "{line}");
    }
    let run = account.run_on_terminal(60, ["token-check"]).expect(0);
    assert!(run.text().contains("\u{1b}[32mok\u{1b}[0m"), "{}", run.text());
}

#[test]
fn json_on_a_terminal_harms_it_no_more_than_a_table_and_is_exact_in_a_pipe() {
    let body = "{\"uuid\":\"I\u{202e}\",\"features\":[\"auditevents\",\"x\u{9b}y\"]}";
    let server = Scripted::start(move |_| answer("200 OK", "", body));
    let sandbox = Sandbox::new();
    let here = with("events.1password.eu", "1password.com/auuid", json!("A\u{202e}C"));
    let base = format!("http://{}", server.address);
    for args in [
        &["introspect", "--json", "--base-url", &base][..],
        &["token-check", "--json", "--offline", "--region", "eu"],
    ] {
        let command = || {
            let mut command = sandbox.command(args);
            command.env("EVENTS_API_TOKEN", &here);
            command
        };
        let piped = Run::of(command().output().unwrap()).expect(0);
        assert!(piped.text().contains('\u{202e}'), "{}", piped.text());
        let shown = crate::harness::run_on_terminal(command(), 80).expect(0);
        assert!(!shown.text().contains(['\u{202e}', '\u{9b}']), "{}", shown.text());
        let value = |run: &Run| serde_json::from_slice::<Value>(&run.stdout).unwrap();
        let (mut piped, mut shown) = (value(&piped), value(&shown));
        for value in [&mut piped, &mut shown] {
            value["steps"] = Value::Null;
        }
        assert_eq!(shown, piped);
    }
}
