//! `--post`: batches go to an intake over HTTP. What the documents of each vendor say an intake checks is checked
//! here by a listener: size and number, content type, compression, form of the JSON, and the key's header.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opev::simulator::{EventData, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{Dice, beginning, frozen};
use crate::harness::{Account, has_tool, uuids};

/// A request to the intake.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) target: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// As it came, perhaps compressed.
    pub(crate) body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn plain(&self) -> Vec<u8> {
        if self.header("content-encoding") != "gzip" {
            return self.body.clone();
        }
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut plain).unwrap();
        plain
    }
}

/// An intake that keeps what it is sent and answers as it is told.
pub(crate) struct Intake {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

/// What to do with a request.
pub(crate) enum Reply {
    /// This status, more header lines, and this body.
    Answer(u16, &'static str, String),
    /// Nothing: the connection is closed.
    Close,
    /// Nothing, for this long.
    Hang(Duration),
}

fn ok(body: &str) -> Reply {
    Reply::Answer(200, "", body.to_owned())
}

impl Intake {
    /// Starts one; `reply` is told the number of the request, from 0, and the request.
    pub(crate) fn start(reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&received), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    // A client that was killed leaves half a request.
                    let Some(request) = read_request(&mut stream) else { return };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    match reply(number, &request) {
                        Reply::Answer(status, headers, body) => {
                            let head = format!(
                                "HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                                body.len()
                            );
                            let _ = stream.write_all(head.as_bytes());
                        }
                        Reply::Close => {}
                        Reply::Hang(time) => std::thread::sleep(time),
                    }
                });
            }
        });
        Intake { address, received }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 65_536]);
    let head = loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    if headers.contains_key("expect") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&piece[..count]);
    }
    Some(Received { target, headers, body })
}

fn account(events: usize) -> Account {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("itemusages.ndjson");
    let event = |number: usize| {
        let time = (crate::harness::now() + chrono::TimeDelta::seconds(number as i64 - 86_400)).to_rfc3339();
        format!("{{\"uuid\":\"E{number:05}\",\"timestamp\":\"{time}\",\"action\":\"reveal\"}}\n")
    };
    std::fs::write(&file, (0..events).map(event).collect::<String>()).unwrap();
    Account::new(SimulatorOptions { data: EventData::Files(vec![file]), ..SimulatorOptions::default() })
}

fn names(events: usize) -> Vec<String> {
    (0..events).map(|n| format!("E{n:05}")).collect()
}

const FETCH: [&str; 5] = ["fetch", "items", "--resume", "--since", "2d"];

#[test]
fn batches_are_posted_with_the_headers_of_the_file_and_nothing_of_the_token() {
    let account = account(250);
    let intake = Intake::start(|_, _| Reply::Answer(202, "", String::new()));
    account.sandbox.write("headers", "# the intake's key\nX-Api-Key: key-0123456789\n\nX-Other:two words \n");
    let url = intake.url("/v1/input?source=opev");
    let args = ["--post", &url, "--header-file", "headers", "--batch-max", "100", "--batch-gzip"];
    let run = account.run([&FETCH[..], &args].concat()).expect(0);
    assert_eq!((run.stderr.as_str(), run.text().as_str()), ("", ""));
    let received = intake.received();
    let all: Vec<u8> = received.iter().flat_map(Received::plain).collect();
    assert_eq!(uuids(&all), names(250));
    assert_eq!(received.len(), 3);
    for request in &received {
        assert_eq!(request.target, "/v1/input?source=opev");
        assert_eq!((request.header("x-api-key"), request.header("x-other")), ("key-0123456789", "two words"));
        assert_eq!(
            (request.header("content-type"), request.header("content-encoding")),
            ("application/x-ndjson", "gzip")
        );
        let token = account.simulator.token();
        assert!(
            request.header("authorization").is_empty() && !format!("{request:?}").contains(token.expose())
        );
    }
    // Nothing is sent twice.
    account.run([&FETCH[..], &["--post", &url]].concat()).expect(0);
    assert_eq!(intake.received().len(), 3);
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_ends_with_the_intakes_words() {
    let account = account(20);
    let intake = Intake::start(|number, _| match number {
        0 => Reply::Answer(503, "", "busy".into()),
        1 => Reply::Answer(429, "Retry-After: 1\r\n", String::new()),
        2 => Reply::Close,
        _ => ok("{}"),
    });
    account.run([&FETCH[..], &["--post", &intake.url("/x"), "--timeout", "10s"]].concat()).expect(0);
    let bodies: Vec<Vec<u8>> = intake.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    for (status, hint) in
        [(401, "--header-file"), (404, "the URL of --post"), (302, "redirects are never followed")]
    {
        let intake = Intake::start(move |_, _| {
            Reply::Answer(
                status,
                "Location: https://elsewhere.example/\r\n",
                "{\"message\":\"no \\u001b[31m such\"}".into(),
            )
        });
        let url = intake.url("/SECRETPATH");
        let args = ["--consumer", "other", "--post", &url, "--reject-to", "aside"];
        let run = account.run([&FETCH[..], &args].concat()).expect(7);
        assert!(run.stderr.contains(&format!("answered {status}: no \\u{{1b}}[31m such")), "{}", run.stderr);
        assert!(run.stderr.contains(hint) && !run.stderr.contains("SECRETPATH"), "{}", run.stderr);
        assert_eq!(intake.received().len(), 1);
    }
    assert!(!account.sandbox.path("aside").exists());
}

#[test]
fn saved_events_are_posted_without_a_token_and_without_a_position() {
    let sandbox = crate::harness::Sandbox::new();
    let event = |n: usize| {
        format!("{{\"uuid\":\"E{n:05}\",\"timestamp\":\"2026-11-20T12:{n:02}:00Z\",\"action\":\"reveal\"}}\n")
    };
    sandbox.write("itemusages.ndjson", (0..25).map(event).collect::<String>());
    let args = ["fetch", "--from", "itemusages.ndjson", "--batch-max", "10", "--shape", "datadog", "--post"];
    let posted = |replies: &'static [u16], code: i32| {
        let intake = Intake::start(move |number, _| Reply::Answer(replies[number], "", "said".into()));
        let run = sandbox.run([&args[..], &[&intake.url("/v2"), "--retry-for", "20s"]].concat()).expect(code);
        (run, intake.received())
    };
    let (run, received) = posted(&[503, 202, 202, 202], 0);
    assert_eq!(run.stderr, "");
    let events: Vec<usize> = received.iter().map(|request| datadog_events(request).len()).collect();
    assert_eq!(events, [10, 10, 10, 5], "the first is offered twice");
    assert_eq!(received[0].body, received[1].body);
    let (run, received) = posted(&[202, 403], 7);
    assert!(run.stderr.contains("answered 403") && run.stderr.contains("--header-file"), "{}", run.stderr);
    assert_eq!(received.len(), 2, "what follows a refusal is not sent");
}

fn datadog_events(request: &Received) -> Vec<Value> {
    serde_json::from_slice(&request.plain()).unwrap()
}

#[test]
fn data_at_fault_is_set_aside_where_that_is_wanted() {
    let account = account(20);
    let intake =
        Intake::start(|number, _| if number == 0 { Reply::Answer(400, "", "bad".into()) } else { ok("") });
    let url = intake.url("/");
    let args = ["--post", &url, "--batch-max", "10", "--reject-to", "aside.ndjson"];
    let run = account.run([&FETCH[..], &args].concat()).expect(0);
    assert!(run.stderr.contains("its 10 events were set aside in aside.ndjson"), "{}", run.stderr);
    assert_eq!(uuids(&std::fs::read(account.sandbox.path("aside.ndjson")).unwrap()), names(20)[..10]);
    assert_eq!(intake.received().len(), 2);
}

#[test]
fn a_url_in_a_file_and_headers_that_others_read_or_that_are_not_theirs() {
    let account = account(5);
    let intake = Intake::start(|_, _| ok(""));
    account.sandbox.write("url", format!("{}\n", intake.url("/receiver/v1/http/SECRET==")));
    account.run([&FETCH[..], &["--post", "@url"]].concat()).expect(0);
    assert_eq!(intake.received()[0].target, "/receiver/v1/http/SECRET==");
    for (text, why) in [
        ("no colon\n", "headers:1: not a header"),
        ("A: b\nContent-Length: 5\n", "headers:2: content-length is written by opev"),
        ("B d: e\n", "not the name of a header"),
    ] {
        account.sandbox.write("headers", text);
        let args = ["--post", "@url", "--header-file", "headers"];
        let run = account.run([&FETCH[..], &args].concat()).expect(3);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(account.sandbox.path("headers"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let run = account.run([&FETCH[..], &["--post", "@url", "--header-file", "headers"]].concat()).expect(3);
    assert!(run.stderr.contains("others can read the header file"), "{}", run.stderr);
}

/// Datadog: 1,000 logs, 5 MB and 1 MB a log in an array, JSON, the key in DD-API-KEY; 202.
fn datadog(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let logs: Vec<Value> = serde_json::from_slice(&plain).map_err(|e| e.to_string())?;
    let is_right = request.header("dd-api-key") == "0123456789abcdef0123456789abcdef"
        && request.header("content-type") == "application/json"
        && request.target == "/api/v2/logs"
        && plain.len() <= 5_000_000
        && logs.len() <= 1_000
        && logs.iter().all(|log| log["ddsource"] == "1password" && log.to_string().len() <= 1_000_000);
    if is_right { Ok(logs.len()) } else { Err(format!("{:?}", request.headers)) }
}

/// Sumo Logic: lines of at most 1 MB in all, the source's secret in the path.
fn sumo(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let lines: Result<Vec<Value>, _> =
        plain.split_inclusive(|byte| *byte == b'\n').map(serde_json::from_slice).collect();
    let lines = lines.map_err(|e| e.to_string())?;
    let is_right = request.target == "/receiver/v1/http/SECRET=="
        && request.header("x-sumo-category") == "prod/1password"
        && plain.len() <= 1_000_000
        && lines.iter().all(|line| line["timestamp"].is_string());
    if is_right { Ok(lines.len()) } else { Err(format!("{request:?}")) }
}

/// The Logs Ingestion API: an array of at most 1 MB, JSON, a bearer token; 204.
fn sentinel(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let rows: Vec<Value> = serde_json::from_slice(&plain).map_err(|e| e.to_string())?;
    let is_right = request.target
        == "/dataCollectionRules/dcr-0123/streams/Custom-OnePasswordEventLogs?api-version=2023-01-01"
        && request.header("authorization") == "Bearer azure-token"
        && request.header("content-type") == "application/json"
        && plain.len() <= 1_000_000
        && rows.iter().all(|row| row["timestamp"].is_string() && row.get("TimeGenerated").is_none());
    if is_right { Ok(rows.len()) } else { Err(format!("{request:?}")) }
}

/// Splunk's HTTP Event Collector: objects with an event each, one after another, and the token's scheme.
fn splunk(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let events: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(&plain).into_iter().collect();
    let events = events.map_err(|e| e.to_string())?;
    let channel = request.header("x-splunk-request-channel");
    let is_right = request.target == "/services/collector/event"
        && request.header("authorization") == "Splunk 01234567-89ab-cdef-0123-456789abcdef"
        && channel.len() == 36
        && channel.matches('-').count() == 4
        && plain.len() <= 1_000_000
        && events.iter().all(|event| event["event"].is_object() && event["sourcetype"].is_string());
    if is_right { Ok(events.len()) } else { Err(format!("{request:?}")) }
}

/// Elasticsearch's bulk API: a line of action and a line of document by turns, a line break at the end.
fn elastic(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let lines: Vec<Value> = plain
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    let is_right = request.target == "/logs-1password-default/_bulk"
        && request.header("authorization") == "ApiKey elastic-key"
        && request.header("content-type") == "application/x-ndjson"
        && plain.ends_with(b"\n")
        && lines.chunks(2).all(|pair| {
            pair.len() == 2 && pair[0]["create"].is_object() && pair[1]["@timestamp"].is_string()
        });
    if is_right { Ok(lines.len() / 2) } else { Err(format!("{request:?}")) }
}

/// Any intake of lines, with a bearer token, compressed.
fn generic(request: &Received) -> Result<usize, String> {
    let plain = request.plain();
    let is_right = request.header("authorization") == "Bearer key"
        && request.header("content-type") == "application/x-ndjson"
        && request.header("content-encoding") == "gzip";
    if is_right { Ok(uuids(&plain).len()) } else { Err(format!("{request:?}")) }
}

type Check = fn(&Received) -> Result<usize, String>;

/// The recipes of the documents: the title of the section, and what its intake checks.
const RECIPES: [(&str, Check); 6] = [
    ("Datadog", datadog),
    ("Sumo Logic", sumo),
    ("Microsoft Sentinel", sentinel),
    ("Splunk", splunk),
    ("Elastic", elastic),
    ("Any other intake", generic),
];

/// What the documents say under a title: their files, and their commands, each after `$ `.
fn recipe(title: &str) -> (Vec<(String, String)>, Vec<String>) {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/delivery.md")).unwrap();
    let (_, section) =
        text.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let section = section.split("\n## ").next().unwrap();
    let (mut files, mut commands) = (Vec::new(), Vec::new());
    for block in section.split("```").skip(1).step_by(2) {
        let (kind, body) = block.split_once('\n').unwrap();
        match kind.split_once(' ') {
            Some(("text", file)) => files.push((file.to_owned(), body.to_owned())),
            _ if kind == "sh" => commands.push(body.trim().to_owned()),
            _ => panic!("a block of kind {kind:?} under {title}"),
        }
    }
    (files, commands)
}

#[test]
fn every_recipe_of_the_documents_delivers_all_in_the_form_that_its_intake_checks() {
    if !has_tool("curl") {
        assert!(std::env::var_os("CI").is_none(), "curl is missing");
        eprintln!("NOT CHECKED: curl is missing");
        return;
    }
    for (title, check) in RECIPES {
        let (files, commands) = recipe(title);
        assert!(commands.iter().any(|line| line.contains("--post") || line.contains("--exec")), "{title}");
        for command in commands {
            let account = account(2_500);
            let intake = Intake::start(move |_, request| match check(request) {
                Ok(_) => ok("{\"errors\":false}"),
                Err(why) => Reply::Answer(400, "", why),
            });
            let place = intake.address.to_string();
            let localised = |text: &str| {
                let from = text.find("https://").map_or("", |at| {
                    let rest = &text[at + 8..];
                    &rest[..rest.find(['/', '\n', '"', '\'', ' ']).unwrap_or(rest.len())]
                });
                if from.is_empty() {
                    text.to_owned()
                } else {
                    text.replace(&format!("https://{from}"), &format!("http://{place}"))
                }
            };
            files.iter().for_each(|(name, text)| drop(account.sandbox.write(name, localised(text))));
            let line = localised(&command).replacen("opev fetch", "opev fetch items --since 2d", 1);
            let mut shell = account.command(["-c", &line]);
            let program =
                std::path::Path::new(env!("CARGO_BIN_EXE_opev")).parent().unwrap().display().to_string();
            let mut run = std::process::Command::new("sh");
            run.args(["-c", &line])
                .env_clear()
                .envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
            run.env("PATH", format!("{program}:{}", std::env::var("PATH").unwrap()))
                .current_dir(account.sandbox.path(""));
            let output = run.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{title}: {line}\n{said}");
            shell.stdin(Stdio::null());
            let events: usize = intake.received().iter().map(|request| check(request).unwrap()).sum();
            assert_eq!(events, 2_500, "{title}: {line}\n{said}");
        }
    }
}

#[test]
fn splunk_counts_once_it_acknowledged() {
    let account = account(20);
    let polls = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&polls);
    let intake = Intake::start(move |_, request| {
        if request.target.starts_with("/services/collector/ack?channel=") {
            assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap()["acks"][0], 7);
            let mut polls = seen.lock().unwrap();
            *polls += 1;
            return ok(&format!("{{\"acks\":{{\"7\":{}}}}}", *polls > 2));
        }
        ok("{\"text\":\"Success\",\"code\":0,\"ackId\":7}")
    });
    let url = intake.url("/services/collector/event");
    account.run([&FETCH[..], &["--shape", "splunk", "--post", &url]].concat()).expect(0);
    assert_eq!(*polls.lock().unwrap(), 3);
    let batches =
        intake.received().iter().filter(|request| request.target == "/services/collector/event").count();
    assert_eq!(batches, 1);
    // One that never acknowledges has nothing.
    let never = Intake::start(|_, request| match request.target.contains("ack?") {
        true => ok("{\"acks\":{\"1\":false}}"),
        false => ok("{\"ackId\":1}"),
    });
    let url = never.url("/services/collector");
    let args =
        ["--consumer", "never", "--shape", "splunk", "--post", &url, "--timeout", "5s", "--retry-for", "0s"];
    let run = account.run([&FETCH[..], &args].concat()).expect(7);
    assert!(run.stderr.contains("did not acknowledge it in time"), "{}", run.stderr);
}

#[test]
fn an_intake_that_fails_hangs_dies_and_answers_too_late_loses_nothing_through_kills() {
    let options = frozen(2_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let state = ["--state-dir", "undisturbed", "--page-size", "70"];
    let run = account.run([&["fetch", "items", "--resume", "--since", &since][..], &state].concat());
    let truth = run.expect(0).uuids();
    // What was taken, in order: bodies with the same first event are the same batch.
    let taken: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let calm = Arc::new(Mutex::new(false));
    let (kept, is_calm) = (Arc::clone(&taken), Arc::clone(&calm));
    let intake = Intake::start(move |number, request| {
        let turn = if *is_calm.lock().unwrap() { 0 } else { number % 7 };
        if matches!(turn, 0 | 1 | 4 | 5 | 6) {
            kept.lock().unwrap().push(request.plain());
        }
        match turn {
            2 => Reply::Answer(500, "", String::new()),
            3 | 4 => Reply::Close,
            5 => Reply::Answer(503, "", String::new()),
            6 => Reply::Hang(Duration::from_secs(3)),
            _ => ok(""),
        }
    });
    let url = intake.url("/in");
    let args = [
        "fetch",
        "items",
        "--resume",
        "--since",
        &since,
        "--page-size",
        "70",
        "--batch-max",
        "30",
        "--timeout",
        "1s",
        "--shape",
        "envelope",
        "--batch-gzip",
        "--post",
        &url,
    ];
    let mut dice = Dice::new(5);
    for kill in 0..=30 {
        let mut child = account.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if kill == 30 {
            *calm.lock().unwrap() = true;
            assert_eq!(child.wait().unwrap().code(), Some(0));
            break;
        }
        std::thread::sleep(Duration::from_millis(20 + dice.below(250)));
        child.kill().unwrap();
        assert!(child.wait().unwrap().code().is_none_or(|code| code == 0));
    }
    let (mut order, mut bodies) = (Vec::new(), BTreeMap::new());
    for body in taken.lock().unwrap().iter() {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let uuids: Vec<String> = lines
            .map(|line| {
                serde_json::from_slice::<Value>(line).unwrap()["event"]["uuid"].as_str().unwrap().to_owned()
            })
            .collect();
        if bodies.entry(uuids[0].clone()).or_insert_with(|| body.clone()) != body {
            panic!("the batch that begins with {} has other bytes the second time", uuids[0]);
        }
        if !order.contains(&uuids) {
            order.push(uuids);
        }
    }
    crate::delivery::assert_same_order(&order.concat(), &truth);
}
