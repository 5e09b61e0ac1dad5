//! `opev simulate`: starts the stand-in, says where it listens, serves until interrupted, sums up.
//!
//! The announcement is complete before the first request can be answered, so that scripts may wait for it.

mod request_log;

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use self::request_log::RequestLog;
use crate::cancel::Cancel;
use crate::cli::simulate::{
    Announce, Bounds, Errors, Filter, Keys, Rhythm as TypedRhythm, SimulateArgs, UserType,
};
use crate::clock::Clock;
use crate::disk::real::publish;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::simulator::{
    Bound, ErrorShape, EventData, FaultRule, FaultScript, FilterBy, KeyOrder, Latency, RateLimit, Rhythm,
    RunningSimulator, SeededData, ServiceBehavior, Simulator, SimulatorOptions, TokenOptions, UserTypeKey,
    parse_duration,
};

/// Runs the stand-in until `cancel` is triggered; `announce` is stdout, `summary` stderr.
///
/// # Errors
/// Fails when an argument means nothing, the port is taken, a file cannot be read or written, and with
/// `CheckFailed` when `--assert` was given and a client broke a rule.
pub fn run(
    args: &SimulateArgs,
    clock: Arc<dyn Clock>,
    cancel: &Cancel,
    announce: &mut dyn Write,
    summary: &mut dyn Write,
) -> Result<()> {
    let mut options = options(args)?;
    if let EventData::Seeded(seeded) = &mut options.data
        && seeded.live.is_some()
    {
        // Settled here, so that the announcement can say it.
        seeded.live_from.get_or_insert_with(|| options.at.unwrap_or_else(|| clock.now()));
    }
    let live_from = match &options.data {
        EventData::Seeded(seeded) => seeded.live_from,
        EventData::Files(_) => None,
    };
    let mut log = None;
    if let Some(path) = &args.log {
        let (opened, requests) = RequestLog::open(path, &*clock)?;
        (log, options.log) = (Some(opened), Some(requests));
    }
    let running = Simulator::start(options, clock)?;
    if let Some(path) = &args.token_file {
        let line = format!("{}\n", running.token().expose());
        publish(path, line.as_bytes(), true).map_err(|e| {
            let shown = crate::sanitize::message(&path.to_string_lossy()).into_owned();
            Error::new(ErrorKind::Output, format!("cannot write the token to {shown}")).because(e)
        })?;
    }
    let text = announcement(args, &running, live_from);
    announce
        .write_all(text.as_bytes())
        .and_then(|()| announce.flush())
        .map_err(|e| Error::new(ErrorKind::Output, "cannot say where the stand-in listens").because(e))?;
    while !cancel.wait(Duration::from_secs(3600)) {}

    let report = running.report();
    drop(running);
    let logged = log.map_or(Ok(()), RequestLog::close);
    // Nothing is left to do when stderr is gone; the exit code still tells.
    let _ = write!(summary, "{report}");
    logged?;
    if args.assert && !report.broken.is_empty() {
        let rules: Vec<String> = report.broken.iter().map(|broken| broken.rule.to_string()).collect();
        return Err(Error::new(
            ErrorKind::CheckFailed,
            format!("a client broke a rule: {}", rules.join("; ")),
        ));
    }
    Ok(())
}

/// What the arguments ask for.
///
/// # Errors
/// Fails with `Usage` when one of them means nothing.
pub fn options(args: &SimulateArgs) -> Result<SimulatorOptions> {
    let data = if args.data.is_empty() {
        EventData::Seeded(SeededData {
            seed: args.seed,
            events: args.events,
            days: args.days,
            rhythm: match args.rhythm {
                TypedRhythm::Office => Rhythm::Office,
                TypedRhythm::Even => Rhythm::Even,
            },
            live: args.live.map(rate).transpose()?,
            live_from: args.live_from.as_deref().map(|text| time("--live-from", text)).transpose()?,
            hostile: args.hostile,
        })
    } else {
        EventData::Files(args.data.clone())
    };
    let rules = args
        .faults
        .iter()
        .map(|text| parse::<FaultRule>("--fault", text))
        .collect::<Result<Vec<FaultRule>>>()?;
    let features = args.features.iter().map(|text| parse::<Stream>("--features", text));
    let features = features.collect::<Result<Vec<Stream>>>()?;
    Ok(SimulatorOptions {
        port: args.port,
        data,
        at: args.at.as_deref().map(|text| time("--at", text)).transpose()?,
        behavior: behavior(args),
        token: TokenOptions {
            features: if features.is_empty() { Stream::ALL.to_vec() } else { features },
            expires_in: args.expires_in,
            audience: args.audience.clone(),
        },
        script: FaultScript::new(rules),
        latency: args.latency.as_deref().map(latency).transpose()?.unwrap_or_default(),
        rate_limit: args.rate_limit.as_deref().map(rate_limit).transpose()?,
        gzip: args.gzip,
        one_at_a_time: args.one_at_a_time,
        ..SimulatorOptions::default()
    })
}

fn behavior(args: &SimulateArgs) -> ServiceBehavior {
    let (start, end) = match args.bounds {
        Bounds::Closed => (Bound::Inclusive, Bound::Inclusive),
        Bounds::ClosedOpen => (Bound::Inclusive, Bound::Exclusive),
        Bounds::OpenClosed => (Bound::Exclusive, Bound::Inclusive),
        Bounds::Open => (Bound::Exclusive, Bound::Exclusive),
    };
    ServiceBehavior {
        start,
        end,
        filter: match args.filter {
            Filter::Event => FilterBy::EventTime,
            Filter::Arrival => FilterBy::Arrival,
        },
        cursor_forgets_end: args.cursor_forgets_end,
        keys: match args.keys {
            Keys::Cursor => KeyOrder::CursorFirst,
            Keys::Items => KeyOrder::ItemsFirst,
        },
        user_type_key: match args.user_type {
            UserType::UserType => UserTypeKey::UserType,
            UserType::Type => UserTypeKey::Type,
        },
        errors: match args.errors {
            Errors::Version => ErrorShape::ByVersion,
            Errors::Nested => ErrorShape::Nested,
            Errors::Flat => ErrorShape::Flat,
        },
        empty_page_before_end: !args.no_empty_page,
        repeats_when_followed: args.repeat_when_followed,
    }
}

fn usage(flag: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, format!("{flag}: {why}")).hint("see `opev simulate --help`")
}

fn parse<T: FromStr<Err: std::fmt::Display>>(flag: &str, text: &str) -> Result<T> {
    text.parse().map_err(|e| usage(flag, e))
}

fn time(flag: &str, text: &str) -> Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| usage(flag, format!("\"{text}\" is no RFC 3339 time such as 2026-11-20T12:00:00Z")))?;
    Ok(time.to_utc())
}

fn rate(per_second: f64) -> Result<f64> {
    if per_second > 0.0 && per_second <= 100_000.0 {
        Ok(per_second)
    } else {
        Err(usage("--live", "a rate above 0 and up to 100000 a second is wanted"))
    }
}

fn latency(text: &str) -> Result<Latency> {
    let (fixed, jitter) = text.split_once('+').unwrap_or((text, "0ms"));
    let part = |text| parse_duration(text).map_err(|e| usage("--latency", e));
    Ok(Latency { fixed: part(fixed)?, jitter: part(jitter)? })
}

fn rate_limit(text: &str) -> Result<RateLimit> {
    let (minute, hour) = text.split_once(',').map_or((text, None), |(minute, hour)| (minute, Some(hour)));
    let number = |text: &str| match text.trim().parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(usage("--rate-limit", format!("\"{text}\" is no number of requests, from 1"))),
    };
    Ok(RateLimit {
        per_minute: number(minute)?,
        per_hour: hour.map_or(Ok(RateLimit::DOCUMENTED.per_hour), number)?,
    })
}

fn announcement(args: &SimulateArgs, running: &RunningSimulator, live_from: Option<DateTime<Utc>>) -> String {
    let (base_url, token) = (running.base_url(), running.token().expose());
    let file = args.token_file.as_ref().map(|path| path.display().to_string());
    match args.announce {
        Announce::Json => {
            let mut object = json!({
                "base_url": base_url,
                "port": running.port(),
                "account_uuid": running.account_uuid(),
                "pid": std::process::id(),
            });
            match file {
                Some(file) => object["token_file"] = file.into(),
                None => object["token"] = token.into(),
            }
            if let Some(time) = live_from {
                object["live_from"] = time.to_rfc3339().into();
            }
            format!("{object}\n")
        }
        Announce::Env => match file {
            Some(file) => format!(
                "export OPEV_BASE_URL={base_url}\nexport EVENTS_API_TOKEN=\"$(cat -- {})\"\n",
                quoted(&file)
            ),
            None => format!("export OPEV_BASE_URL={base_url}\nexport EVENTS_API_TOKEN={token}\n"),
        },
        Announce::Text => {
            let (line, command) = match file {
                Some(file) => {
                    let file = quoted(&file);
                    (
                        format!("token in  {file}"),
                        format!("opev fetch --base-url {base_url} --token-file {file}"),
                    )
                }
                None => (
                    format!("token     {token}"),
                    format!("EVENTS_API_TOKEN={token} opev fetch --base-url {base_url}"),
                ),
            };
            format!(
                "A stand-in for the Events API listens; interrupt it to stop.\n\
                 base URL  {base_url}\n{line}\n\ntry\n  {command}\n"
            )
        }
    }
}

/// A path as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::clock::RealClock;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        simulate: SimulateArgs,
    }

    fn args(words: &[&str]) -> SimulateArgs {
        Cli::try_parse_from([&["simulate"], words].concat()).unwrap().simulate
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
        ]))
        .unwrap();
        assert_eq!((options.behavior.start, options.behavior.end), (Bound::Exclusive, Bound::Inclusive));
        assert_eq!(options.behavior.filter, FilterBy::Arrival);
        assert_eq!(options.latency.jitter, Duration::from_millis(20));
        assert_eq!(options.rate_limit, Some(RateLimit { per_minute: 60, per_hour: 30_000 }));
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
            let failure = options(&args(&words)).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Usage, "{words:?}");
            assert!(failure.to_string().starts_with(words[0]), "{failure}");
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
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
}
