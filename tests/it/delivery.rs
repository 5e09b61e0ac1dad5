//! `--exec`: batches go to a command, the position moves behind those that it took, and a kill of either side
//! loses nothing, changes no batch and turns no order round.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use opev::simulator::{EventData, Latency, SeededData, SimulatorOptions};
use serde_json::Value;

use crate::frozen::{Dice, beginning, frozen};
use crate::harness::{Account, signal, start, uuids, wait_until};

/// A command that stores each batch below `taken` under a number that counts up, and says which it was.
const TAKE: &str = r#"
mkdir -p taken; n=$(ls taken | wc -l); cat > taken/$(printf %04d $n)-$OPEV_BATCH_STREAM-$OPEV_BATCH_EVENTS
"#;

fn taken(account: &Account) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(account.sandbox.path("taken")) else { return Vec::new() };
    let mut all: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

fn sizes(account: &Account) -> Vec<usize> {
    taken(account).iter().map(|(name, _)| name.rsplit('-').next().unwrap().parse().unwrap()).collect()
}

/// An account with these events of item usages alone.
fn of_files(events: impl Iterator<Item = String>) -> Account {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("itemusages.ndjson");
    std::fs::write(&file, events.collect::<String>()).unwrap();
    let data = EventData::Files(vec![file]);
    Account::new(SimulatorOptions { data, ..SimulatorOptions::default() })
}

fn event(number: usize, filler: usize) -> String {
    let time = (crate::harness::now() + chrono::TimeDelta::seconds(number as i64 - 86_400)).to_rfc3339();
    let filler = "x".repeat(filler);
    format!("{{\"uuid\":\"E{number:05}\",\"timestamp\":\"{time}\",\"action\":\"{filler}\"}}\n")
}

const SINCE: [&str; 5] = ["fetch", "items", "--resume", "--since", "2d"];

#[test]
fn batches_come_in_order_with_what_they_are_in_the_environment_and_once() {
    let account = of_files((0..250).map(|n| event(n, 0)));
    let say = r#"echo "$OPEV_BATCH_EVENTS $OPEV_BATCH_BYTES=$(wc -c) $OPEV_BATCH_STREAM $OPEV_BATCH_PROFILE \
        $OPEV_BATCH_SHAPE $OPEV_BATCH_ATTEMPT ${#OPEV_BATCH_ID} ${EVENTS_API_TOKEN-no token} $HOME""#;
    let run = account.run([&SINCE[..], &["--batch-max", "100", "--exec", say]].concat()).expect(0);
    let lines = run.lines();
    assert_eq!(lines.len(), 3);
    for (line, events) in lines.iter().zip(["100", "100", "50"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (before, after) = words[1].split_once('=').unwrap();
        assert_eq!((words[0], before), (events, after));
        assert_eq!(words[2..6], ["itemusages", "default", "raw", "1"]);
        assert_eq!(words[6..9], ["32", "no", "token"]);
    }
    assert_eq!(run.stderr, "");
    let again = account.run([&SINCE[..], &["--exec", "cat"]].concat()).expect(0);
    assert_eq!(again.text(), "");
    // Another consumer has a position of its own.
    let args = [&SINCE[..], &["--consumer", "other", "--exec", TAKE]].concat();
    account.run(args).expect(0);
    let all: Vec<u8> = taken(&account).into_iter().flat_map(|(_, body)| body).collect();
    assert_eq!(uuids(&all), (0..250).map(|n| format!("E{n:05}")).collect::<Vec<_>>());
}

#[test]
fn each_stream_has_batches_and_a_position_of_its_own() {
    let options = frozen(2_000);
    let since = beginning(&options);
    let account = Account::new(options);
    let args = ["fetch", "--resume", "--since", &since, "--batch-max", "100", "--exec"];
    let take = TAKE.replace("n=$(ls taken | wc -l)", "n=$OPEV_BATCH_ID").replace("$(printf %04d $n)", "$n");
    let args = [&args[..], &[&take]].concat();
    account.run(args).expect(0);
    let truth = crate::harness::truth(&account.simulator, ..);
    let all: Vec<u8> = taken(&account).into_iter().flat_map(|(_, body)| body).collect();
    crate::harness::assert_same(&crate::harness::sorted_lines(&all), &truth);
    let status = account.run(["status", "--json"]).expect(0);
    for stream in ["signinattempts", "itemusages", "auditevents"] {
        assert!(status.text().contains(&format!("\"consumer\": \"exec.{stream}\"")), "{}", status.text());
    }
}

#[test]
fn what_the_command_says_by_its_exit_code_decides() {
    let account = of_files((0..30).map(|n| event(n, 0)));
    let with = |line: &str, more: &[&str]| {
        account.run([&SINCE[..], &["--batch-max", "10", "--exec", line], more].concat())
    };
    let run = with(
        "cat >/dev/null; echo one >&2; printf 'not \\033[1m today\\n' >&2; exit 3",
        &["--retry-for", "0s"],
    );
    let run = run.expect(7);
    assert!(
        run.stderr.contains("was offered once: the command ended with exit code 3: not \\u{1b}[1m today"),
        "{}",
        run.stderr
    );
    // 65 without a place for it, and nothing moved.
    let run = with("exit 65", &[]).expect(7);
    assert!(run.stderr.contains("--reject-to FILE"), "{}", run.stderr);
    // With one it goes on; only the first batch is at fault.
    let odd = format!("if [ ! -e odd ]; then touch odd; exit 65; fi; {TAKE}");
    let run = with(&odd, &["--reject-to", "rejected.ndjson"]).expect(0);
    assert!(run.stderr.contains("its 10 events were set aside in rejected.ndjson"), "{}", run.stderr);
    assert_eq!(sizes(&account), [10, 10]);
    let aside = std::fs::read(account.sandbox.path("rejected.ndjson")).unwrap();
    assert_eq!(uuids(&aside), (0..10).map(|n| format!("E{n:05}")).collect::<Vec<_>>());
}

#[test]
fn a_failing_command_is_tried_again_with_the_same_batch() {
    let account = of_files((0..20).map(|n| event(n, 0)));
    let flaky = r#"cat > body.$OPEV_BATCH_ATTEMPT; echo $OPEV_BATCH_ID >> ids; [ $OPEV_BATCH_ATTEMPT = 1 ] && exit 75; exit 0"#;
    account.run([&SINCE[..], &["--exec", flaky]].concat()).expect(0);
    let ids = std::fs::read_to_string(account.sandbox.path("ids")).unwrap();
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]));
    let body = |attempt| std::fs::read(account.sandbox.path(attempt)).unwrap();
    assert_eq!(body("body.1"), body("body.2"));
    assert_eq!(uuids(&body("body.1")).len(), 20);
}

#[test]
fn a_command_that_hangs_is_ended_with_what_it_started() {
    let account = of_files((0..5).map(|n| event(n, 0)));
    let hang = "trap '' TERM; sleep 600 & echo $! > child; wait";
    let run = account.run([&SINCE[..], &["--timeout", "5s", "--retry-for", "0s", "--exec", hang]].concat());
    assert!(run.expect(7).stderr.contains("the command took longer than 5s"));
    let child = std::fs::read_to_string(account.sandbox.path("child")).unwrap();
    wait_until(|| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
}

#[test]
fn two_thousand_five_hundred_events_to_datadog_are_three_batches() {
    let account = of_files((0..2_500).map(|n| event(n, 0)));
    let args = [&SINCE[..], &["--shape", "datadog", "--exec", TAKE]].concat();
    account.run(&args).expect(0);
    assert_eq!(sizes(&account), [1_000, 1_000, 500]);
    for (_, body) in taken(&account) {
        assert!(serde_json::from_slice::<Vec<Value>>(&body).is_ok());
    }
}

#[test]
fn no_batch_is_over_its_bytes_and_an_event_over_the_limit_is_named_and_goes_alone_or_aside() {
    // Datadog's message holds the event again, so 700 kB are more than 1 MB.
    let sizes_of_fillers = |n: usize| if n == 20 { 1_100_000 } else { 20_000 };
    for aside in [false, true] {
        let account = of_files((0..40).map(|n| event(n, sizes_of_fillers(n))));
        let shape = ["--shape", "datadog", "--batch-bytes", "300kB", "--exec", TAKE];
        let more: &[&str] = if aside { &["--reject-to", "aside.ndjson"] } else { &[] };
        let run = account.run([&SINCE[..], &shape, more].concat()).expect(0);
        assert!(run.stderr.contains("the event E00020 has"), "{}", run.stderr);
        assert!(
            run.stderr.contains(if aside { "it was set aside" } else { "it goes alone" }),
            "{}",
            run.stderr
        );
        let mut large = 0;
        let mut all = Vec::new();
        for (name, body) in taken(&account) {
            let events: Vec<Value> = serde_json::from_slice(&body).unwrap();
            assert!(body.len() <= 300_000 || events.len() == 1, "{name}: {}", body.len());
            large += usize::from(body.len() > 300_000);
            all.extend(events.iter().map(|event| event["uuid"].as_str().unwrap().to_owned()));
        }
        assert_eq!(large, usize::from(!aside));
        let expected = (0..40).filter(|n| !aside || *n != 20).map(|n| format!("E{n:05}"));
        assert_eq!(all, expected.collect::<Vec<_>>());
        let set_aside = std::fs::read_to_string(account.sandbox.path("aside.ndjson")).unwrap_or_default();
        assert_eq!(set_aside.matches("\"uuid\":\"E00020\"").count(), usize::from(aside));
    }
}

#[test]
fn arrays_and_gzip_are_what_was_asked_for() {
    let account = of_files((0..30).map(|n| event(n, 0)));
    let take = format!("{TAKE}\n[ $(wc -c < taken/0000-itemusages-$OPEV_BATCH_EVENTS) = $OPEV_BATCH_BYTES ]");
    let args = [&SINCE[..], &["--batch-format", "json-array", "--batch-gzip", "--exec", &take]].concat();
    account.run(args).expect(0);
    let (_, body) = taken(&account).remove(0);
    let events: Vec<Value> = serde_json::from_reader(flate2::read::GzDecoder::new(&body[..])).unwrap();
    assert_eq!((events.len(), &events[29]["uuid"]), (30, &Value::from("E00029")));
}

#[test]
fn tail_delivers_what_waits_long_enough_and_stops_at_a_signal_without_losing_it() {
    let account = of_files((0..30).map(|n| event(n, 0)));
    let tail = ["tail", "items", "--resume", "--since", "2d", "--interval", "1s", "--exec", TAKE];
    // A batch that is not full waits for an hour, until a signal ends the run: it is not lost.
    let mut child =
        start(account.command([&tail[..], &["--batch-wait", "1h", "--batch-max", "20"]].concat()));
    wait_until(|| taken(&account).len() == 1);
    signal(&child, nix_signal());
    child.wait().unwrap();
    assert_eq!(sizes(&account), [20]);
    let mut child = start(account.command([&tail[..], &["--batch-wait", "0s"]].concat()));
    wait_until(|| taken(&account).len() == 2);
    signal(&child, nix_signal());
    child.wait().unwrap();
    assert_eq!(sizes(&account), [20, 10]);
}

fn nix_signal() -> rustix::process::Signal {
    rustix::process::Signal::TERM
}

#[test]
fn a_signal_waits_for_the_command_that_is_at_work_and_commits_what_it_took() {
    let account = of_files((0..30).map(|n| event(n, 0)));
    // Should the signal be late, the next batch is offered, and waits in vain until the run ends it.
    let slow = "touch begun; until mv go going 2>/dev/null; do sleep 0.05; done; cat > took";
    let mut child = start(account.command([&SINCE[..], &["--batch-max", "10", "--exec", slow]].concat()));
    wait_until(|| account.sandbox.path("begun").exists());
    signal(&child, nix_signal());
    account.sandbox.write("go", "");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(15));
    let run = account.run([&SINCE[..], &["--exec", "cat"]].concat()).expect(0);
    assert_eq!(run.uuids(), (10..30).map(|n| format!("E{n:05}")).collect::<Vec<_>>());
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let account = Account::new(SimulatorOptions::default());
    for (args, why) in [
        (&["--exec", " "][..], "--exec is empty"),
        (&["--exec", "cat", "--consumer", "me"], "--resume"),
        (&["--exec", "cat", "--format", "table"], "table cannot be delivered"),
        (&["--resume", "--exec", "cat", "-o", "x"], "cannot be used with"),
        (&["--resume", "--exec", "cat", "--post", "https://x.example/"], "cannot be used with"),
        (&["--resume", "--batch-max", "5"], "--batch-max needs a receiver"),
        (&["--resume", "--exec", "cat", "--format", "csv"], "csv cannot be delivered"),
        (&["--resume", "--exec", "cat", "--shape", "datadog", "--batch-max", "1001"], "takes 1000 events"),
        (&["--resume", "--exec", "cat", "--shape", "sumo", "--batch-bytes", "2MB"], "takes 1000000 bytes"),
        (&["--resume", "--exec", "cat", "--shape", "cef", "--batch-format", "json-array"], "lines of text"),
        (&["--resume", "--header-file", "x"], "--post"),
    ] {
        let run = account.run([&["fetch"], args].concat()).expect(2);
        assert!(run.stderr.contains(why), "{args:?}: {}", run.stderr);
    }
    for (url, why) in
        [("http://intake.example/x", "http:// is for this machine only"), ("@missing", "cannot read")]
    {
        let run = account.run(["fetch", "--resume", "--post", url]).expect(3);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

const ONCE: [&str; 4] = ["fetch", "items", "--since", "2d"];

/// Prints the id of each batch, and its events.
const SAY: &str = "echo \"$OPEV_BATCH_ID $OPEV_BATCH_STREAM $OPEV_BATCH_EVENTS\"; cat";

#[test]
fn without_a_position_nothing_is_remembered_and_the_same_events_give_the_same_batches() {
    let account = of_files((0..250).map(|n| event(n, 0)));
    let run = |more: &[&str]| {
        account.run([&ONCE[..], &["--batch-max", "100", "--exec", SAY], more].concat()).expect(0)
    };
    let first = run(&[]);
    assert_eq!(first.stderr, "");
    let (heads, events): (Vec<String>, Vec<String>) =
        first.lines().into_iter().partition(|line| !line.starts_with('{'));
    let sizes: Vec<&str> = heads.iter().map(|head| head.split_once(' ').unwrap().1).collect();
    assert_eq!(sizes, ["itemusages 100", "itemusages 100", "itemusages 50"]);
    assert_eq!(uuids(events.join("\n").as_bytes()), (0..250).map(|n| format!("E{n:05}")).collect::<Vec<_>>());
    let ids: BTreeSet<&str> = heads.iter().map(|head| &head[..32]).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(run(&[]).stdout, first.stdout);
    // What is asked of a question holds here, too.
    let newest = run(&["--last", "3", "--reverse", "--jq", ".uuid"]).lines();
    assert_eq!(newest[1..], ["\"E00249\"", "\"E00248\"", "\"E00247\""]);
    let text = account.run(["status"]).expect(0).text();
    assert!(text.starts_with("no saved positions"), "{text}");
}

#[test]
fn without_a_position_a_batch_that_is_not_taken_ends_the_run() {
    let account = of_files((0..30).map(|n| event(n, 0)));
    let fail =
        "cat > /dev/null; echo run >> runs; [ $(wc -l < runs) = 1 ] && exit 0; echo no disk >&2; exit 3";
    let args = ["--batch-max", "10", "--retry-for", "0s", "--exec", fail];
    let run = account.run([&ONCE[..], &args].concat()).expect(7);
    assert!(run.stderr.contains("the command ended with exit code 3: no disk"), "{}", run.stderr);
    assert!(run.stderr.contains("no position is kept"), "{}", run.stderr);
    let runs = std::fs::read_to_string(account.sandbox.path("runs")).unwrap();
    assert_eq!(runs.lines().count(), 2, "the third batch is not offered");
    // What the data is at fault for is set aside, as with a position.
    let aside = ["--batch-max", "10", "--reject-to", "aside", "--exec", "exit 65"];
    let run = account.run([&ONCE[..], &aside].concat()).expect(0);
    assert!(run.stderr.contains("set aside in aside, and the run goes on"), "{}", run.stderr);
    assert_eq!(uuids(&std::fs::read(account.sandbox.path("aside")).unwrap()).len(), 30);
}

#[test]
fn saved_events_of_every_stream_are_delivered_from_a_file_and_from_standard_input() {
    let options = frozen(600);
    let since = beginning(&options);
    let account = Account::new(options);
    account.run(["fetch", "--since", &since, "--shape", "envelope", "-o", "saved.ndjson"]).expect(0);
    let saved = std::fs::read(account.sandbox.path("saved.ndjson")).unwrap();
    let mut expected = inner_uuids(&saved);
    expected.sort();
    let take = "cat > $OPEV_BATCH_STREAM.$OPEV_BATCH_ID";
    for from in ["saved.ndjson", "-"] {
        let args = ["fetch", "--from", from, "--batch-max", "50", "--exec", take];
        let mut command = account.sandbox.command(args);
        command.stdin(std::fs::File::open(account.sandbox.path("saved.ndjson")).unwrap());
        crate::harness::Run::of(command.output().unwrap()).expect(0);
        let (mut found, mut batches) = (Vec::new(), 0);
        for entry in std::fs::read_dir(account.sandbox.path("")).unwrap().map(|entry| entry.unwrap()) {
            let name = entry.file_name().into_string().unwrap();
            if let Some((stream, _)) = name.split_once('.').filter(|(_, id)| id.len() == 32) {
                let body = std::fs::read(entry.path()).unwrap();
                let events = uuids(&body);
                assert!(
                    events.len() <= 50 && ["signinattempts", "itemusages", "auditevents"].contains(&stream)
                );
                found.extend(events);
                batches += 1;
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        found.sort();
        assert!(found == expected && batches >= expected.len() / 50, "{from}: {batches} batches");
    }
}

#[test]
fn tail_without_a_position_delivers_what_is_new_and_ends_when_nobody_takes_it() {
    let account = Account::new(crate::tail::live(20.0, &[]));
    let args = ["tail", "--interval", "1s", "--batch-wait", "0s", "--exec"];
    // Of the 300 events before the run none is sent.
    let begun = crate::harness::now();
    let mut child = start(account.command([&args[..], &[TAKE]].concat()));
    wait_until(|| taken(&account).len() >= 4);
    signal(&child, nix_signal());
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(15));
    for (_, body) in taken(&account) {
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line).unwrap();
            let time: chrono::DateTime<chrono::Utc> = event["timestamp"].as_str().unwrap().parse().unwrap();
            // The service may have an event some time after it happened.
            assert!(time > begun - chrono::TimeDelta::hours(2), "{event}");
        }
    }
    let run = account.run([&args[..], &["echo full >&2; exit 1", "--retry-for", "0s", "-n", "1"]].concat());
    let run = run.expect(7);
    assert!(run.stderr.contains("the command ended with exit code 1: full"), "{}", run.stderr);
}

/// A command that reads late gets all of the batch, although `opev` was killed before: else it would take a part for
/// the whole, under the same id.
#[test]
fn a_kill_before_the_command_has_read_cuts_no_batch_off() {
    let account = of_files((0..1_000).map(|n| event(n, 500)));
    let late = r#"
        : > started; while [ ! -e read ]; do sleep 0.05; done; cat > body; echo $OPEV_BATCH_BYTES > bytes; : > ended
    "#;
    let mut child = start(account.command([&SINCE[..], &["--exec", late]].concat()));
    let is_there = |name: &str| account.sandbox.path(name).exists();
    wait_until(|| is_there("started"));
    child.kill().unwrap();
    child.wait().unwrap();
    account.sandbox.write("read", "");
    wait_until(|| is_there("ended"));
    let bytes: usize =
        std::fs::read_to_string(account.sandbox.path("bytes")).unwrap().trim().parse().unwrap();
    // More than a pipe holds.
    assert!(bytes > 500_000, "{bytes}");
    assert_eq!(std::fs::read(account.sandbox.path("body")).unwrap().len(), bytes);
}

/// A receiver that takes, fails, takes and then fails, dies after it took, hangs, and answers too late; what it
/// does is decided by how often it was asked. Every offer leaves its body; `log` has what was taken, in order.
const FICKLE: &str = r#"
mkdir -p offers bodies; me=$OPEV_BATCH_ID.$$
turn=$(ls offers | wc -l); : > offers/$me.$turn
[ -e calm ] && turn=0
mode=$((turn % 8))
[ $mode = 3 ] && exit 1
cat > bodies/$me || exit 1
[ $(wc -c < bodies/$me) = $OPEV_BATCH_BYTES ] || { rm bodies/$me; exit 1; }
[ $mode = 4 ] && { echo "took $OPEV_BATCH_ID $me" >> log; exit 75; }
[ $mode = 5 ] && { echo "took $OPEV_BATCH_ID $me" >> log; kill -9 $$; }
[ $mode = 6 ] && exec sleep 600
echo "took $OPEV_BATCH_ID $me" >> log
[ $mode = 7 ] && exec sleep 3
exit 0
"#;

/// Kills runs until there were enough kills, then lets them end; gives how many kills there were.
fn survive(kills: u64, seed: u64) -> u64 {
    let latency = Latency { fixed: Duration::from_millis(2), jitter: Duration::from_millis(3) };
    let options = SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 3_000, ..SeededData::default() }),
        latency,
        ..frozen(3_000)
    };
    let since = beginning(&options);
    let account = Account::new(options);
    let truth: Vec<String> = {
        let state = ["--state-dir", "undisturbed", "--page-size", "70"];
        let run = account.run([&["fetch", "items", "--resume", "--since", &since][..], &state].concat());
        run.expect(0).uuids()
    };
    let (mut dice, mut toll, mut round) = (Dice::new(seed), 0, 0);
    while toll < kills {
        round += 1;
        let directory = account.sandbox.path(&format!("round-{round}"));
        std::fs::create_dir_all(&directory).unwrap();
        let state = directory.join("state").display().to_string();
        let args = [
            "fetch",
            "items",
            "--resume",
            "--since",
            &since,
            "--state-dir",
            &state,
            "--page-size",
            "70",
            "--batch-max",
            "40",
            "--timeout",
            "1s",
            "--shape",
            "envelope",
            "--exec",
            FICKLE,
        ];
        let mut this_round = 0;
        loop {
            let mut command = account.command(args);
            command.current_dir(&directory).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            if this_round >= 25 || toll >= kills {
                std::fs::write(directory.join("calm"), "").unwrap();
                assert_eq!(child.wait().unwrap().code(), Some(0));
                break;
            }
            std::thread::sleep(Duration::from_millis(20 + dice.below(300)));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(status.code().is_none_or(|code| code == 0), "{status}");
            if status.success() {
                break;
            }
            (toll, this_round) = (toll + 1, this_round + 1);
            assert_position_is_behind(&account, &state, &directory);
        }
        assert_delivered(&directory, &truth);
    }
    toll
}

/// What was taken: the ids in the order of their first taking, and the body of each.
fn log(directory: &Path) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
    let (mut order, mut bodies) = (Vec::new(), BTreeMap::new());
    for line in log.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let body = std::fs::read(directory.join("bodies").join(words[2])).unwrap();
        match bodies.get(words[1]) {
            None => order.push(words[1].to_owned()),
            Some(before) => assert!(*before == body, "batch {} has other bytes the second time", words[1]),
        }
        bodies.insert(words[1].to_owned(), body);
    }
    (order, bodies)
}

fn inner_uuids(body: &[u8]) -> Vec<String> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let uuid = |line: &[u8]| {
        serde_json::from_slice::<Value>(line).unwrap()["event"]["uuid"].as_str().unwrap().to_owned()
    };
    lines.map(uuid).collect()
}

/// No more events count as delivered than were taken.
fn assert_position_is_behind(account: &Account, state: &str, directory: &Path) {
    let status = account.run(["status", "--json", "--state-dir", state]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let delivered = status["positions"][0]["streams"][0]["delivered"].as_u64().unwrap_or(0);
    let (_, bodies) = log(directory);
    let taken: BTreeSet<String> = bodies.values().flat_map(|body| inner_uuids(body)).collect();
    assert!(delivered as usize <= taken.len(), "{delivered} delivered, {} taken", taken.len());
}

/// Every event was taken, in the order of the stream, and every offer of a batch had the same bytes.
fn assert_delivered(directory: &Path, truth: &[String]) {
    let (order, bodies) = log(directory);
    let taken: Vec<String> = order.iter().flat_map(|id| inner_uuids(&bodies[id])).collect();
    assert_same_order(&taken, truth);
    for entry in std::fs::read_dir(directory.join("bodies")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (id, _) = name.split_once('.').unwrap();
        let body = std::fs::read(entry.path()).unwrap();
        if let Some(known) = bodies.get(id).filter(|known| known.len() == body.len()) {
            assert!(*known == body, "batch {id} was offered with other bytes");
        }
    }
}

/// Insists that two lists of uuids are one, without drowning the reader in them.
#[track_caller]
pub(crate) fn assert_same_order(found: &[String], expected: &[String]) {
    let bytes = |list: &[String]| list.iter().map(|uuid| uuid.clone().into_bytes()).collect::<Vec<_>>();
    crate::harness::assert_same(&bytes(found), &bytes(expected));
}

#[test]
fn forty_kills_lose_no_event_change_no_batch_and_turn_no_order_round() {
    let kills = survive(40, 7);
    assert!(kills >= 40);
}

#[test]
#[ignore = "some minutes"]
fn three_hundred_kills() {
    let kills = survive(300, 11);
    println!(
        "{kills} kills of opev, with a receiver that fails, dies, hangs and answers too late: nothing lost"
    );
}
