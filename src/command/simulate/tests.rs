//! The command as a script meets it: words, announcement, log and check.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::{DateTime, Utc};
use clap::Parser;

use super::*;
use crate::clock::RealClock;
use crate::simulator::{Bound, CursorWithRange, FilterBy, RateLimit, Rhythm};

#[derive(Parser)]
struct SimulateCommand {
    #[command(flatten)]
    simulate: SimulateArgs,
}

fn args(words: &[&str]) -> SimulateArgs {
    SimulateCommand::try_parse_from([&["simulate"], words].concat()).unwrap().simulate
}

#[test]
fn words_become_options() {
    let options = options(&args(&[
        "--bounds",
        "open-closed",
        "--filter",
        "arrival",
        "--cursor-forgets-end",
        "--keys",
        "items",
        "--user-type",
        "type",
        "--latency",
        "100ms+20ms",
        "--rate-limit",
        "60",
        "--features",
        "audit,signins",
        "--fault",
        "status=503,retry-after=2@3",
        "--fault",
        "hang@always",
        "--rhythm",
        "even",
        "--live",
        "2.5",
        "--expires-in",
        "-5",
        "--cursor-with-range",
        "range",
        "--accept-null",
        "--accept-float",
    ]));
    assert_eq!(options.behavior.cursor_with_range, CursorWithRange::RangeWins);
    assert!(options.behavior.null_is_absent && options.behavior.accepts_whole_floats);
    assert_eq!((options.behavior.start, options.behavior.end), (Bound::Exclusive, Bound::Inclusive));
    assert_eq!(options.behavior.filter, FilterBy::Arrival);
    assert_eq!(options.latency.jitter, Duration::from_millis(20));
    assert_eq!(options.rate_limit, Some(RateLimit::new(60, 30_000)));
    assert_eq!(options.token.features, [Stream::AuditEvents, Stream::SignInAttempts]);
    assert_eq!(options.token.expires_in, Some(-5));
    assert!(matches!(
        options.data,
        EventData::Seeded(SeededData { live: Some(2.5), events: 12_000, rhythm: Rhythm::Even, .. })
    ));
}

#[test]
fn words_that_mean_nothing_are_usage_errors() {
    for words in [
        ["--fault", "explode@3"],
        ["--features", "passwords"],
        ["--latency", "soon"],
        ["--rate-limit", "0"],
        ["--at", "noon"],
        ["--live", "0"],
    ] {
        let Err(error) = SimulateCommand::try_parse_from(["simulate", words[0], words[1]]) else {
            panic!("{words:?}")
        };
        assert_eq!(error.exit_code(), 2, "{words:?}");
        assert!(error.to_string().contains(words[0]), "{error}");
    }
}

#[test]
fn it_announces_serves_and_sums_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("the token");
    publish(&path, b"an old one", false).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let cancel = Cancel::new();
    cancel.trigger(0);
    let run_with = |form: &str, token_file: bool| {
        let mut words = vec!["--announce", form, "--assert"];
        if token_file {
            words.extend(["--token-file", path.to_str().unwrap()]);
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(&args(&words), Arc::new(RealClock::new()), &cancel, &mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    };
    let (json, summary) = run_with("json", false);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(json["token"].as_str().unwrap().starts_with("eyJ"));
    assert!(summary.contains("rules        none broken"), "{summary}");

    let (text, _) = run_with("text", true);
    let token = fs::read_to_string(&path).unwrap();
    assert!(token.starts_with("eyJ") && !text.contains(token.trim()));
    assert!(text.contains("opev fetch --base-url http://127.0.0.1:"), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run_with("env", false).0.contains("export EVENTS_API_TOKEN=eyJ"));
}

/// Hands on what is written, for another thread to read.
struct Channel(std::sync::mpsc::Sender<Vec<u8>>);

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_vec()).map(|()| bytes.len()).map_err(std::io::Error::other)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How a stand-in with these words ended that was asked these requests.
fn asked(words: &[&str], requests: &[&str]) -> Result<()> {
    let (cancel, (send, receive)) = (Cancel::new(), std::sync::mpsc::channel());
    let stop = cancel.clone();
    let args = args(&[&["--announce", "json"], words].concat());
    let server = std::thread::spawn(move || {
        run(&args, Arc::new(RealClock::new()), &cancel, &mut Channel(send), &mut Vec::new())
    });
    let Ok(announced) = receive.recv() else { return server.join().unwrap() };
    let announced: serde_json::Value = serde_json::from_slice(&announced).unwrap();
    let port = announced["port"].as_u64().unwrap() as u16;
    for request in requests {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let token = announced["token"].as_str().unwrap();
        connection.write_all(request.replace("TOKEN", token).as_bytes()).unwrap();
        std::io::copy(&mut connection, &mut std::io::sink()).unwrap();
    }
    stop.trigger(0);
    server.join().unwrap()
}

#[test]
fn every_request_is_logged_and_the_token_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests");
    let words = ["--events", "100", "--latency", "20ms", "--log", path.to_str().unwrap()];
    let question = "POST /api/v2/itemusages HTTP/1.1\r\nConnection: close\r\nContent-Length: 37\r\n\
                    Authorization: Bearer TOKEN\r\n\r\n{\"start_time\":\"2020-01-01T00:00:00Z\"}";
    asked(&words, &[question, "GET /nowhere?TOKEN HTTP/1.0\r\n\r\n"]).unwrap();
    let log = fs::read_to_string(&path).unwrap();
    assert!(!log.contains("eyJ"), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let time = |key: &str| -> DateTime<Utc> { lines[0][key].as_str().unwrap().parse().unwrap() };
    assert!(time("answered") - time("arrived") >= chrono::TimeDelta::milliseconds(20), "{log}");
    let told = |line: &serde_json::Value| {
        ["number", "connection", "target", "ask", "status", "events", "spoiled"]
            .map(|key| line[key].to_string())
            .join(" ")
    };
    assert_eq!(told(&lines[0]), r#"1 1 "itemusages" "range" 200 50 false"#);
    assert_eq!(told(&lines[1]), r#"2 2 null null 404 0 false"#);
    assert_eq!(lines.len(), 2);

    let failure = asked(&["--log", "/no/such/folder/log"], &[]).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Output);
}

#[test]
fn a_broken_rule_fails_the_check() {
    let failure = asked(&["--assert"], &["GET /nowhere HTTP/1.0\r\n\r\n"]).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::CheckFailed);
    assert!(failure.to_string().contains("an address or method that the API does not have"), "{failure}");
}
