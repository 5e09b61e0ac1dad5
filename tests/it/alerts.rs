//! The recipes of `docs/alerts.md`, as they stand there, against listeners of the test: what arrives is the hit, also
//! where events hold what a shell or a mail would take for its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::harness::{Run, Sandbox, has_tool, program};

const PAGE: &str = include_str!("../../docs/alerts.md");

/// The recipe under a heading, asking a file.
fn recipe(heading: &str) -> String {
    let part = PAGE.split(&format!("## {heading}\n")).nth(1).unwrap();
    let block = part.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    block
        .replace("--since 1h --level high", "--from e.ndjson")
        .replace("--since 1h --level low", "--from e.ndjson")
}

/// A vault that somebody exported whose name is an attack on the recipe.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let event = r#"{"uuid":"E","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","actor_uuid":"$(touch pwned)'\"\n.\nRCPT"}"#;
    sandbox.write("e.ndjson", event);
    sandbox
}

#[track_caller]
fn run(sandbox: &Sandbox, recipe: &str) {
    let own = sandbox.command(["--version"]);
    let mut command = Command::new("sh");
    command.args(["-c", recipe]).current_dir(sandbox.path("."));
    for (name, value) in own.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    let path = std::env::join_paths(
        std::iter::once(program().parent().unwrap().to_owned())
            .chain(["/usr/local/bin", "/usr/bin", "/bin"].map(Into::into)),
    );
    command.env("PATH", path.unwrap());
    Run::of(command.output().unwrap()).expect(0);
    assert!(!sandbox.path("pwned").exists());
}

/// Takes one POST; gives its body.
fn http(listener: TcpListener) -> thread::JoinHandle<Value> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        serde_json::from_slice(&body).unwrap()
    })
}

/// Takes one mail; gives its text.
fn smtp(stream: TcpStream) -> String {
    let mut out = stream.try_clone().unwrap();
    let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    say("220 test");
    let (mut mail, mut in_mail) = (String::new(), false);
    for line in BufReader::new(stream).lines().map(Result::unwrap) {
        match () {
            () if in_mail && line == "." => {
                in_mail = false;
                say("250 taken");
            }
            () if in_mail => mail += &format!("{line}\n"),
            () if line == "DATA" => {
                in_mail = true;
                say("354 go on");
            }
            () if line == "QUIT" => {
                say("221 bye");
                break;
            }
            () => say("250 ok"),
        }
    }
    mail
}

#[test]
fn a_chat_webhook_and_pagerduty_get_the_hit_as_json() {
    assert!(has_tool("jq") && has_tool("curl"), "jq and curl are needed");
    let sandbox = sandbox();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    sandbox.write("webhook.curl", format!("url = \"http://{address}/services/SECRET\"\n"));
    let got = http(listener);
    run(&sandbox, &recipe("A chat webhook"));
    let text = got.join().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*medium*: A vault was exported\nuser $(touch pwned)'\""), "{text}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    sandbox.write("pagerduty.key", "KEY\n");
    let got = http(listener);
    let recipe = recipe("PagerDuty").replace("https://events.pagerduty.com", &format!("http://{address}"));
    run(&sandbox, &recipe);
    let alert = got.join().unwrap();
    assert_eq!(alert["routing_key"], "KEY");
    assert_eq!(alert["payload"]["severity"], "warning");
    assert_eq!(alert["payload"]["custom_details"]["rule"], "vault-export");
    assert!(alert["dedup_key"].as_str().unwrap().starts_with("vault-export {"));
}

#[test]
fn mail_arrives_whole_and_a_dot_in_it_ends_nothing() {
    assert!(has_tool("jq") && has_tool("curl"), "jq and curl are needed");
    let sandbox = sandbox();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let got = thread::spawn(move || smtp(listener.accept().unwrap().0));
    run(&sandbox, &recipe("Mail").replace("mail.example.com", &address.to_string()));
    let mail = got.join().unwrap();
    assert!(mail.contains("Subject: [medium] A vault was exported\n"), "{mail}");
    assert!(mail.contains("1 events from 2026-01-05T10:00:00Z"), "{mail}");
    assert!(mail.contains("opev fetch --user "), "{mail}");
}

#[test]
fn syslog_gets_one_message_a_hit() {
    assert!(has_tool("jq") && has_tool("logger"), "jq and logger are needed");
    let sandbox = sandbox();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let recipe =
        recipe("Syslog").replace("syslog.example.com", "127.0.0.1").replace("514", &port.to_string());
    run(&sandbox, &recipe);
    let mut buffer = [0; 16_384];
    let length = socket.recv(&mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let json = &text[text.find('{').unwrap()..];
    let hit: Value = serde_json::from_str(json.trim_end_matches(['\n', '\0'])).unwrap();
    assert_eq!(hit["rule"], "vault-export");
    assert!(text.starts_with("<36>"), "{text}");
}
