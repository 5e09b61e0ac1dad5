//! The token is nowhere but in the request header to the configured host (P10): a sentinel goes in through
//! every source, and every output, log, file and process is searched for it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use opev::simulator::SimulatorOptions;

use crate::harness::{Account, Run, faulty, now, seeded, signal, start, wait_until};
use crate::scripted::{Act, Scripted, answer};

/// The parts of a token that would tell it: none of them may be seen anywhere.
fn marks(token: &str) -> Vec<String> {
    let mut marks: Vec<String> = token.split('.').map(|part| part.chars().take(24).collect()).collect();
    marks.extend(
        token
            .split('.')
            .map(|part| part.chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect()),
    );
    // Every signed token's header begins alike.
    marks.push(token[..12].into());
    marks
}

#[track_caller]
fn nowhere_in(what: &str, bytes: &[u8], token: &str) {
    let text = String::from_utf8_lossy(bytes);
    for mark in marks(token) {
        assert!(!text.contains(&mark), "{what} holds {mark}:\n{text}");
    }
}

/// Searches all files under a directory but the one that is meant to hold it.
fn nowhere_under(directory: &Path, token: &str) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            nowhere_under(&path, token);
        } else if !path.ends_with("the-token") && !path.ends_with("bin/op") {
            nowhere_in(&path.display().to_string(), &std::fs::read(&path).unwrap(), token);
        }
    }
}

/// What to change about a command so that it takes its token from a certain source.
type Change = Box<dyn Fn(&mut Command)>;

/// Each source of a token.
fn sources(account: &Account) -> Vec<(&'static str, Change)> {
    let token = account.simulator.token().expose();
    let file = account.sandbox.write("the-token", token);
    let op =
        account.sandbox.write("bin/op", format!("#!/bin/sh\n[ \"$1\" = read ] && cat {}\n", file.display()));
    std::fs::set_permissions(op, std::fs::Permissions::from_mode(0o700)).unwrap();
    let source = |name, change: Change| (name, change);
    let profile = |toml: &'static str| {
        move |command: &mut Command| {
            command.env_remove("EVENTS_API_TOKEN").args(["--profile", toml]);
        }
    };
    account.sandbox.configure(
        "[profiles.variable]\ntoken_env = \"ACME_TOKEN\"\n[profiles.op]\ntoken = \"op://vault/item/field\"\n",
    );
    let path = format!("{}:{}", account.sandbox.path("bin").display(), std::env::var("PATH").unwrap());
    vec![
        source("the environment", Box::new(|_| {})),
        source(
            "a file",
            Box::new(|command| {
                command.env_remove("EVENTS_API_TOKEN").args(["--token-file", "the-token"]);
            }),
        ),
        source(
            "a command",
            Box::new(|command| {
                command
                    .env_remove("EVENTS_API_TOKEN")
                    .args(["--token-command", "cat the-token; echo seen >&2"]);
            }),
        ),
        source(
            "standard input",
            Box::new({
                let file = file.clone();
                move |command| {
                    command.env_remove("EVENTS_API_TOKEN").args(["--token-file", "-"]);
                    command.stdin(std::fs::File::open(&file).unwrap());
                }
            }),
        ),
        source(
            "another variable",
            Box::new({
                let token = token.to_owned();
                let profile = profile("variable");
                move |command| {
                    profile(command);
                    command.env("ACME_TOKEN", &token);
                }
            }),
        ),
        source(
            "op",
            Box::new({
                let profile = profile("op");
                move |command| {
                    profile(command);
                    command.env("PATH", &path);
                }
            }),
        ),
    ]
}

#[test]
fn from_every_source_it_is_in_no_output_and_no_file() {
    let account = Account::new(seeded(1_000, now()));
    let token = account.simulator.token().expose();
    for (name, change) in sources(&account) {
        for args in [
            &["fetch", "signin", "-vvv"][..],
            &["fetch", "signin", "-vvv", "--log-format", "json", "--dry-run"],
            &["fetch", "signin", "-vvv", "--shape", "envelope", "--format", "csv"],
            &["fetch", "signin", "-vvv", "--resume", "-o", "out.ndjson"],
            &["config", "show"],
        ] {
            if args[0] == "config" && ["a file", "a command", "standard input"].contains(&name) {
                continue;
            }
            let mut command = account.command(args);
            change(&mut command);
            let _ = std::fs::remove_file(account.sandbox.path("out.ndjson"));
            let run = Run::of(command.output().unwrap());
            assert_eq!(run.code, Some(0), "{name}, {args:?}: {}", run.stderr);
            nowhere_in(name, &run.stdout, token);
            nowhere_in(name, run.stderr.as_bytes(), token);
        }
    }
    nowhere_under(&account.sandbox.path(""), token);
}

#[test]
fn no_trouble_of_the_service_brings_it_out() {
    let at = now();
    let faults = [
        "status=400",
        "status=401",
        "status=403",
        "status=404",
        "status=429",
        "status=500",
        "status=503,body=html",
        "redirect=http://127.0.0.1:9/",
        "cut=before",
        "cut=in-head",
        "cut=in-body",
        "bad-json",
        "html",
        "stuck",
        "hang",
    ];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let account = Account::new(faulty(at, &format!("{fault}@always")));
                let token = account.simulator.token().expose();
                for format in ["text", "json"] {
                    let run = account.run([
                        "fetch",
                        "-vvv",
                        "--log-format",
                        format,
                        "--retry-for",
                        "0s",
                        "--timeout",
                        "1s",
                    ]);
                    assert_ne!(run.code, Some(0), "{fault}");
                    nowhere_in(fault, &run.stdout, token);
                    nowhere_in(fault, run.stderr.as_bytes(), token);
                }
            });
        }
    });
}

#[test]
fn a_service_that_sends_it_back_does_not_bring_it_out() {
    let account = Account::new(seeded(1_000, now()));
    let token = account.simulator.token().expose().to_owned();
    for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "500 Oops", "200 OK"] {
        let body = format!("{{\"status\":1,\"message\":\"bad token: Bearer {token}\"}}");
        let headers = format!("X-Echo: {token}\r\nRetry-After: {token}\r\n");
        let server = Scripted::start(move |_| answer(status, &headers, &body));
        let mut command = account.command(["fetch", "signin", "-vvv", "--retry-for", "0s"]);
        command.env("OPEV_BASE_URL", format!("http://{}", server.address));
        let run = Run::of(command.output().unwrap());
        assert_ne!(run.code, Some(0), "{status}");
        nowhere_in(status, run.stderr.as_bytes(), &token);
    }
}

#[test]
fn a_part_of_it_that_a_service_sends_back_does_not_come_out_either() {
    let account = Account::new(seeded(1_000, now()));
    let token = account.simulator.token().expose().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let pieces =
        [parts[1].to_owned(), parts[2].to_owned(), parts[1][20..40].to_owned(), parts[2][5..21].to_owned()];
    for piece in pieces {
        for (status, body) in [
            ("500 Oops", format!("signature={piece};")),
            ("403 Forbidden", format!("{{\"status\":1,\"message\":\"not you: {piece}\"}}")),
            ("200 OK", format!("{{\"uuid\":\"{piece}\",\"features\":[\"{piece}\",\"auditevents\"]}}")),
        ] {
            let server = Scripted::start(move |_| answer(status, "", &body));
            for args in
                [&["introspect", "--json", "-vvv"][..], &["fetch", "signin", "-vvv", "--retry-for", "0s"]]
            {
                let mut command = account.command(args);
                command.env("OPEV_BASE_URL", format!("http://{}", server.address));
                if args[0] == "introspect" && status.starts_with('5') {
                    continue;
                }
                let run = Run::of(command.output().unwrap());
                let seen = [&run.stdout[..], run.stderr.as_bytes()].concat();
                let seen = String::from_utf8_lossy(&seen);
                assert!(!seen.contains(&piece), "{status} {args:?}: {seen}");
            }
        }
    }
}

#[test]
fn the_process_that_holds_it_leaves_no_core_dump() {
    let account = Account::new(faulty(now(), "hang@always"));
    let child = start(account.command(["fetch", "signin"]));
    wait_until(|| account.simulator.report().requests > 0);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    signal(&child, rustix::process::Signal::TERM);
    Run::wait(child);
}

#[test]
fn it_goes_to_the_configured_host_alone_and_not_where_a_redirect_leads() {
    let elsewhere = Scripted::start(|_| answer("200 OK", "", "{}"));
    for code in ["301", "302", "303", "307", "308"] {
        let to = format!("Location: http://{}/api/v2/signinattempts\r\n", elsewhere.address);
        let status = format!("{code} Elsewhere");
        let server = Scripted::start(move |_| answer(&status, &to, ""));
        let account = Account::new(SimulatorOptions::default());
        let mut command = account.command(["fetch", "signin", "-vvv"]);
        command.env("OPEV_BASE_URL", format!("http://{}", server.address));
        let run = Run::of(command.output().unwrap()).expect(3);
        assert!(run.stderr.contains("redirect"), "{}", run.stderr);
        // Where it was sent, it was sent in the header and nowhere else.
        let token = account.simulator.token().expose();
        for request in server.requests() {
            let (before, after) = request.split_once(token).unwrap();
            assert!(before.to_lowercase().ends_with("authorization: bearer "), "{before}");
            nowhere_in("the rest of the request", after.as_bytes(), token);
        }
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[test]
fn it_is_in_no_command_line_and_in_no_childs_environment() {
    let account = Account::new(faulty(now(), "hang@always"));
    let token = account.simulator.token().expose();
    // The child writes its environment down, and then gives the token of the file.
    account.sandbox.write("the-token", token);
    let spy = "env > environment.txt; tr '\\0' ' ' < /proc/$PPID/cmdline > parent.txt; cat the-token";
    account
        .sandbox
        .configure(&format!("[profiles.default]\ntoken_command = {}\n", serde_json::Value::from(spy)));
    let child = start(account.command(["fetch", "signin"]));
    wait_until(|| account.simulator.report().requests > 0);
    let proc = |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
    nowhere_in("its command line", &proc("cmdline"), token);
    nowhere_in("its name", &proc("comm"), token);
    signal(&child, rustix::process::Signal::TERM);
    let run = Run::wait(child);
    nowhere_in("its messages", run.stderr.as_bytes(), token);
    nowhere_in(
        "a child's environment",
        &std::fs::read(account.sandbox.path("environment.txt")).unwrap(),
        token,
    );
    assert!(std::fs::read_to_string(account.sandbox.path("parent.txt")).unwrap().contains("fetch"));
}

#[test]
fn a_token_that_is_refused_or_misplaced_is_not_repeated() {
    let account = Account::new(seeded(1_000, now()));
    let token = account.simulator.token().expose();
    let two = format!("{token} {token}");
    for wrong in [&token[..token.len() - 4], &two, &token.replace('.', "-")] {
        let run =
            Run::of(account.command(["fetch", "-vvv"]).env("EVENTS_API_TOKEN", wrong).output().unwrap());
        assert_ne!(run.code, Some(0));
        nowhere_in("the refusal", run.stderr.as_bytes(), token);
    }
    // In the place of something else, by mistake.
    for args in [
        ["fetch", "--token", token],
        ["fetch", "--token-file", token],
        ["fetch", "--token-command", token],
        ["fetch", "signin", token],
        ["fetch", "--profile", token],
        ["fetch", "--base-url", token],
        ["fetch", "--config", token],
    ] {
        let run = account.run(args);
        assert_ne!(run.code, Some(0));
        nowhere_in(args[1], run.stderr.as_bytes(), token);
    }
    account.sandbox.configure(&format!("[profiles.default]\ntoken = \"{token}\"\n"));
    let run = account.run(["fetch"]).expect(3);
    nowhere_in("the configuration's refusal", run.stderr.as_bytes(), token);
    // A command that says it and fails.
    account.sandbox.configure("");
    let mut command = account.command(["fetch", "--token-command", "cat the-token >&2; exit 1"]);
    account.sandbox.write("the-token", token);
    let run = Run::of(command.env_remove("EVENTS_API_TOKEN").output().unwrap()).expect(4);
    nowhere_in("the command's complaint", run.stderr.as_bytes(), token);
}

#[test]
fn not_even_a_server_that_hangs_up_in_the_tls_handshake_learns_it() {
    let server = Scripted::start(|_| Act::Blurt(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    let account = Account::new(SimulatorOptions::default());
    let url = format!("https://{}", server.address);
    let mut command = account.command(["fetch", "signin", "-vvv", "--retry-for", "0s", "--base-url", &url]);
    let run = Run::of(command.stderr(Stdio::piped()).output().unwrap());
    assert_ne!(run.code, Some(0));
    nowhere_in("the error", run.stderr.as_bytes(), account.simulator.token().expose());
}
