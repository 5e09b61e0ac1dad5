//! What a person, a unit file or a full disk does to a run: links, places that cannot be written, limits,
//! an empty environment, closed standard streams. It ends with the right code, and the next run completes.

use std::os::unix::fs::symlink;
use std::process::Stdio;

use opev::output::OutputContract;
use opev::output::checkpoint::record::Checkpoint;
use opev::simulator::SimulatorOptions;

use crate::frozen::{after_shell, beginning, counts, frozen, resume_to, truth, undisturbed};
use crate::harness::{Account, NO_TIMEOUT, Run, Sandbox};
use crate::scripted::{Scripted, answer};

fn account(events: u64) -> (Account, String) {
    let options: SimulatorOptions = frozen(events);
    let since = beginning(&options);
    (Account::new(options), since)
}

fn read(sandbox: &Sandbox, file: &str) -> Vec<u8> {
    std::fs::read(sandbox.path(file)).unwrap()
}

#[test]
fn a_question_writes_where_a_link_leads_and_leaves_the_link() {
    let (account, since) = account(200);
    let sandbox = &account.sandbox;
    std::fs::create_dir(sandbox.path("real")).unwrap();
    symlink("real/out.ndjson", sandbox.path("link.ndjson")).unwrap();
    let args = ["fetch", "--since", &since, "-o", "link.ndjson"];
    // A link to nothing yet: what it leads to is made.
    account.run(args).expect(0);
    assert_eq!(counts(&read(sandbox, "real/out.ndjson")), truth(&account));
    account.run(args).expect(2);
    std::fs::write(sandbox.path("real/out.ndjson"), "old").unwrap();
    account.run(args.iter().chain(&["--overwrite"])).expect(0);
    assert!(sandbox.path("link.ndjson").is_symlink(), "the link was replaced");
    assert_eq!(counts(&read(sandbox, "real/out.ndjson")), truth(&account));
    assert_eq!(std::fs::read_dir(sandbox.path("real")).unwrap().count(), 1);

    symlink("circle", sandbox.path("circle")).unwrap();
    account.run(["fetch", "-o", "circle"]).expect(7);
}

#[test]
fn a_managed_file_behind_a_link_is_one_file() {
    let (account, since) = account(200);
    let sandbox = &account.sandbox;
    std::fs::create_dir(sandbox.path("real")).unwrap();
    symlink("real/out.ndjson", sandbox.path("link.ndjson")).unwrap();
    account.run(resume_to("link.ndjson", &since)).expect(0);
    account.run(resume_to("link.ndjson", &since)).expect(0);
    assert!(sandbox.path("link.ndjson").is_symlink());
    let managed = read(sandbox, "real/out.ndjson");
    assert_eq!(counts(&managed), truth(&account));
    // By its other name it is a file that opev did not write under that position, and no question
    // replaces it under either.
    account.run(resume_to("real/out.ndjson", &since)).expect(8);
    for name in ["link.ndjson", "real/out.ndjson"] {
        account.run(["fetch", "--overwrite", "-o", name]).expect(2);
    }
    assert!(read(sandbox, "real/out.ndjson") == managed);
}

#[test]
fn a_place_that_cannot_be_written_is_7_and_nothing_is_saved() {
    let (account, since) = account(200);
    let sandbox = &account.sandbox;
    sandbox.write("file", "not a directory");
    for place in ["file/out.ndjson", "missing/out.ndjson", "/proc/opev.ndjson"] {
        let run = account.run(resume_to(place, &since)).expect(7);
        assert!(run.stderr.contains("out.ndjson") || run.stderr.contains("opev.ndjson"), "{}", run.stderr);
        account.run(["fetch", "-o", place]).expect(7);
    }
    account.run(["fetch", "--resume", "-o", "out.ndjson", "--state-dir", "file/state"]).expect(7);
    assert_eq!(account.simulator.report().requests, 0, "asked before it was known where to write");
    std::fs::create_dir(sandbox.path("missing")).unwrap();
    account.run(resume_to("missing/out.ndjson", &since)).expect(0);
    assert_eq!(counts(&read(sandbox, "missing/out.ndjson")), truth(&account));
}

#[test]
fn a_limit_on_file_sizes_is_a_full_disk_and_the_next_run_completes() {
    let (account, since) = account(1_000);
    let small_pages = ["--page-size", "50"];
    let args = [&resume_to("out.ndjson", &since)[..], &small_pages].concat();
    let golden = [&resume_to("golden.ndjson", &since)[..], &small_pages].concat();
    let golden = undisturbed(&account, &golden, "golden.ndjson");
    // In blocks of 512 bytes: room for checkpoints, not for all events. Then for nothing at all.
    for blocks in ["200", "64", "0"] {
        let limit = format!("ulimit -f {blocks}");
        let run = Run::of(after_shell(&account.command(&args), &limit).output().unwrap()).expect(7);
        assert!(run.stderr.contains("File too large"), "{}", run.stderr);
        let question = account.command(["fetch", "--since", &since, "-o", "question.ndjson"]);
        Run::of(after_shell(&question, &limit).output().unwrap()).expect(7);
        assert!(!account.sandbox.path("question.ndjson").exists());
    }
    account.run(&args).expect(0);
    assert!(read(&account.sandbox, "out.ndjson") == golden);
}

#[test]
fn a_full_device_as_stdout_is_7_and_nothing_of_it_counts_as_delivered() {
    let (account, since) = account(200);
    let resumed = ["fetch", "--resume", "--since", &since];
    for args in [&resumed[..], &resumed[..1], &["fetch", "-o", "/dev/full"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = account.command(args).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let run = Run::wait(output).expect(7);
        assert!(run.stderr.contains("No space left"), "{}", run.stderr);
    }
    assert_eq!(counts(&account.run(resumed).expect(0).stdout), truth(&account));
}

#[test]
fn without_home_and_environment_it_needs_a_state_directory_and_says_so() {
    let (account, since) = account(100);
    let bare = |args: &[&str]| {
        let mut command = account.command(args);
        for name in ["HOME", "PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command
    };
    let asked = Run::of(bare(&["fetch", "--since", &since]).output().unwrap()).expect(0);
    assert_eq!(counts(&asked.stdout), truth(&account));
    let run = Run::of(bare(&resume_to("out.ndjson", &since)).output().unwrap()).expect(3);
    assert!(run.stderr.contains("--state-dir"), "{}", run.stderr);
    // As a systemd unit with StateDirectory= would be started, and as one with a list of them.
    let mut unit = bare(&resume_to("out.ndjson", &since));
    let state = account.sandbox.path("unit-state");
    unit.env("STATE_DIRECTORY", format!("{}:/nowhere", state.display()));
    Run::of(unit.output().unwrap()).expect(0);
    assert!(state.join("profiles/default").is_dir());
    assert_eq!(counts(&read(&account.sandbox, "out.ndjson")), truth(&account));
}

#[test]
fn closed_standard_streams_are_borne() {
    let (account, since) = account(100);
    let to_file = resume_to("out.ndjson", &since);
    let status = after_shell(&account.command(&to_file), "exec <&- >&- 2>&-").status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(counts(&read(&account.sandbox, "out.ndjson")), truth(&account));
    // A position must not move past events that went to nobody.
    let to_nobody = ["fetch", "--resume", "--since", &since];
    let mut closed = after_shell(&account.command(to_nobody), "exec >&-");
    let run = Run::of(closed.stdout(Stdio::inherit()).output().unwrap()).expect(7);
    assert!(run.stderr.contains("stdout is closed"), "{}", run.stderr);
    assert_eq!(counts(&account.run(to_nobody).expect(0).stdout), truth(&account));
    // Nor is a position exported to nobody.
    account.run(resume_to("managed.ndjson", &since)).expect(0);
    for args in [&["introspect"][..], &["introspect", "--json"], &["state", "export"]] {
        let mut closed = after_shell(&account.command(args), "exec >&-");
        let run = Run::of(closed.stdout(Stdio::inherit()).output().unwrap()).expect(7);
        assert!(run.stderr.contains("stdout is closed"), "{args:?}: {}", run.stderr);
        let mut wanted = after_shell(&account.command(args), "exec > /dev/null");
        Run::of(wanted.output().unwrap()).expect(0);
    }
    // Nor does a question count as answered. A /dev/null that is open for reading too (Python's DEVNULL) looks the
    // same; commands without events do not ask for it.
    let null = || std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    for args in [
        &["fetch", "--since", &since][..],
        &["fetch", "--since", &since, "--last", "1", "--format", "csv"],
        &["fetch", "--since", &since, "--format", "table"],
        &["tail", "--no-follow"],
    ] {
        let run = Run::of(account.command(args).stdout(null()).output().unwrap()).expect(7);
        assert!(run.stderr.contains("stdout is closed, or is /dev/null"), "{}", run.stderr);
        let mut closed = after_shell(&account.command(args), "exec >&-");
        let run = Run::of(closed.stdout(Stdio::inherit()).output().unwrap()).expect(7);
        assert!(run.stderr.contains("stdout is closed"), "{args:?}: {}", run.stderr);
        let mut wanted = after_shell(&account.command(args), "exec > /dev/null");
        assert_eq!(Run::of(wanted.output().unwrap()).expect(0).stderr, "");
    }
    for args in [&["status", "--check"][..], &["token-check"], &["config", "show"]] {
        Run::of(account.command(args).stdout(null()).output().unwrap()).expect(0);
    }
    // Whoever says so gets it.
    let thrown_away = ["fetch", "--resume", "--since", &since, "--consumer", "nobody"];
    Run::of(account.command(thrown_away).stdout(Stdio::null()).output().unwrap()).expect(0);
}

/// Everything the run would write otherwise is refused before a byte is written, and named.
#[test]
fn a_managed_file_is_not_continued_with_other_columns_or_another_format() {
    let (account, since) = account(200);
    let sandbox = &account.sandbox;
    let resumed = |streams: &[&str], more: &[&str]| {
        account.run([&["fetch"], streams, &["--resume", "--since", &since], more].concat())
    };
    resumed(&["signin"], &["-o", "a.csv"]).expect(0);
    let written = read(sandbox, "a.csv");
    for streams in [&["audit"][..], &["signin", "audit"]] {
        let run = resumed(streams, &["-o", "a.csv"]).expect(8);
        // The columns that differ are named, and not those that both have.
        let line = run.stderr.lines().next().unwrap();
        assert!(line.contains("was written with") && line.contains("columns "), "{line}");
        assert!(!line.contains(" uuid,") && !line.contains("timestamp") && line.contains("more"), "{line}");
        assert!(line.len() < 400, "{line}");
        assert!(read(sandbox, "a.csv") == written);
    }
    resumed(&["signin"], &["-o", "a.csv"]).expect(0);
    // A checkpoint of the first build has no columns: the file's header says them (P12).
    for slot in crate::gaps::slots(&sandbox.path("state")) {
        let mut record = Checkpoint::from_bytes(&std::fs::read(&slot).unwrap()).unwrap();
        let OutputContract { account, host, api, shape, format, fields, .. } = record.terms;
        let of_the_first_build = OutputContract::default();
        record.terms = OutputContract { account, host, api, shape, format, fields, ..of_the_first_build };
        std::fs::write(&slot, record.to_bytes().unwrap()).unwrap();
    }
    resumed(&["audit"], &["-o", "a.csv"]).expect(8);
    resumed(&["signin"], &["-o", "a.csv"]).expect(0);
    // Another stream has no other columns in NDJSON, and joins the file.
    resumed(&["signin"], &["-o", "a.ndjson"]).expect(0);
    resumed(&["audit"], &["-o", "a.ndjson"]).expect(0);
    resumed(&["items"], &["-o", "a.ndjson"]).expect(0);
    assert_eq!(counts(&read(sandbox, "a.ndjson")), truth(&account));
    let run = resumed(&["audit"], &["-o", "a.ndjson", "--format", "csv"]).expect(8);
    assert!(run.stderr.contains("format ndjson, this run would write format csv"), "{}", run.stderr);
    assert_eq!(counts(&read(sandbox, "a.ndjson")), truth(&account));
}

#[test]
fn what_is_cut_off_a_managed_file_is_told() {
    let (account, since) = account(100);
    let sandbox = &account.sandbox;
    account.run(resume_to("out.ndjson", &since)).expect(0);
    let whole = read(sandbox, "out.ndjson");
    // As power that failed would leave it: a page behind the committed one, its last line only begun, and no
    // note of it.
    let torn = [&whole[..], b"{\"uuid\":\"torn\"}\n{\"uuid\":\"be"].concat();
    std::fs::write(sandbox.path("out.ndjson"), torn).unwrap();
    let checkpoint = crate::gaps::slots(&sandbox.path("state")).remove(0);
    std::fs::remove_file(checkpoint.with_file_name("intent")).unwrap();
    let run = account.run(resume_to("out.ndjson", &since)).expect(0);
    assert!(run.stderr.contains("warning: 27 bytes that were written and never committed"), "{}", run.stderr);
    assert!(read(sandbox, "out.ndjson") == whole);
}

#[test]
fn a_mistyped_mark_in_the_name_of_an_output_is_refused() {
    let (account, since) = account(20);
    for (name, near) in
        [("{streams}.ndjson", "{stream}"), ("{Profile}-x.ndjson", "{profile}"), ("{strem}.csv", "{stream}")]
    {
        for more in [&[][..], &["--resume"]] {
            let args = [&["fetch", "--since", &since, "-o", name], more].concat();
            let refused = account.run(args).expect(2);
            assert!(
                refused.stderr.contains("no such mark") && refused.stderr.contains(near),
                "{}",
                refused.stderr
            );
            assert!(!account.sandbox.path(name).exists());
        }
    }
    // A mark that there is, where it means nothing.
    let refused = account.run(["fetch", "--since", &since, "-o", "{date}.csv"]).expect(2);
    assert!(refused.stderr.contains("{date} is for rolled files"), "{}", refused.stderr);
    account.run(["fetch", "--since", &since, "-o", "{}-{0}.ndjson"]).expect(0);
}

/// A service that answers with this date.
fn dated(date: chrono::DateTime<chrono::Utc>) -> Scripted {
    let date = date.format("Date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string();
    Scripted::start(move |_| {
        answer("200 OK", &date, r#"{"cursor":"g","has_more":false,"items":[{"uuid":"A"}]}"#)
    })
}

#[test]
fn a_clock_that_is_days_from_the_services_ends_a_run_and_one_that_is_minutes_is_warned_of() {
    let (account, _) = account(0);
    let now = chrono::Utc::now();
    let run = |hours: i64, args: &[&str]| {
        let server = dated(now + chrono::TimeDelta::hours(hours));
        let mut command = account.sandbox.command([&["fetch", "audit"], args].concat());
        command.env("OPEV_BASE_URL", format!("http://{}", server.address));
        command.env("EVENTS_API_TOKEN", account.simulator.token().expose());
        Run::of(command.output().unwrap())
    };
    for (hours, word) in [(50, "behind"), (-50, "ahead of")] {
        let file = format!("out{hours}.ndjson");
        let refused = run(hours, &["--resume", "-o", &file]).expect(3);
        assert!(refused.stderr.contains(&format!("{word} the service's")), "{}", refused.stderr);
        assert!(refused.stderr.contains("--trust-clock"), "{}", refused.stderr);
        assert!(read(&account.sandbox, &file).is_empty());
        let trusted = run(hours, &["--trust-clock"]).expect(0);
        assert!(trusted.stderr.contains("warning: this machine's clock"), "{}", trusted.stderr);
    }
    let warned = run(2, &[]).expect(0);
    assert_eq!(warned.stderr.matches("clock").count(), 1, "{}", warned.stderr);
    assert!(run(0, &[]).expect(0).stderr.is_empty());
}

/// A run that was killed in the middle of its answer leaves what it was writing, under a name that the next run to
/// the same directory knows, whatever that one writes.
#[test]
fn what_a_killed_question_left_is_removed_by_the_next_one_in_the_same_directory() {
    use opev::simulator::{FaultRule, FaultScript};
    let rule: FaultRule = "hang@2,on=audit".parse().unwrap();
    let account = Account::new(SimulatorOptions { script: FaultScript::from(rule), ..frozen(300) });
    let sandbox = &account.sandbox;
    let args = ["fetch", "audit", "--page-size", "20", "--since", "9d", "-o", "monday.ndjson"];
    let mut killed = account.command(args.iter().chain(&NO_TIMEOUT)).spawn().unwrap();
    let names = || {
        let names = std::fs::read_dir(sandbox.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
        names
            .map(|name| name.into_string().unwrap())
            .filter(|name| name.contains(".opev-"))
            .collect::<Vec<_>>()
    };
    crate::frozen::until("a begun file", || names() == [format!(".monday.ndjson.opev-{}", killed.id())]);
    // While it runs, another leaves its file alone.
    account.run(["fetch", "signin", "--since", "9d", "-o", "tuesday.ndjson"]).expect(0);
    assert_eq!(names().len(), 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(names().len(), 1);
    for kept in [".opev-1", ".x.opev-", ".x.opev-1a", "x.opev-12"] {
        sandbox.write(kept, "not a temporary file");
    }
    account.run(["fetch", "signin", "--since", "9d", "-o", "wednesday.ndjson"]).expect(0);
    assert_eq!(names().len(), 4, "{:?}", names());
}

#[test]
fn a_name_that_says_how_it_is_compressed_and_not_its_format_is_told() {
    let (account, since) = account(20);
    let args = ["fetch", "--since", &since, "-o"];
    let told = account.run(args.iter().chain(&["x.gz"])).expect(0);
    assert!(told.stderr.starts_with("warning: x.gz names no format"), "{}", told.stderr);
    for settled in [&["y.gz", "--format", "csv"][..], &["z.ndjson.gz"], &["plain"]] {
        assert_eq!(account.run(args.iter().chain(settled)).expect(0).stderr, "");
    }
}

#[test]
fn a_device_that_takes_nothing_moves_no_position() {
    let (account, since) = account(50);
    for args in [
        &["fetch", "--resume", "--since", &since, "-o", "/dev/full"][..],
        &["fetch", "--resume", "--since", &since, "-o", "/dev/full", "--format", "csv", "--page-size", "3"],
        &["tail", "--resume", "--since", &since, "-o", "/dev/full", "--no-follow"],
    ] {
        account.run(args).expect(7);
        assert!(crate::gaps::slots(&account.sandbox.path("state")).is_empty(), "{args:?} saved a position");
    }
}

/// The service answers once without a cursor: the one that was saved before it is still the place to go on from.
#[test]
fn an_answer_without_a_cursor_does_not_make_a_saved_one_forgotten() {
    let (account, _) = account(0);
    let server = Scripted::start(move |number| {
        let body = match number {
            0 => {
                r#"{"cursor":"first","has_more":false,"items":[{"uuid":"A","timestamp":"2026-11-01T00:00:00Z"}]}"#
            }
            1 => r#"{"has_more":false,"items":[{"uuid":"B","timestamp":"2026-11-02T00:00:00Z"}]}"#,
            2 => r#"{"cursor":null,"has_more":false,"items":[]}"#,
            _ => {
                r#"{"cursor":"last","has_more":false,"items":[{"uuid":"B","timestamp":"2026-11-02T00:00:00Z"},
                    {"uuid":"C","timestamp":"2026-11-01T12:00:00Z"}]}"#
            }
        };
        answer("200 OK", "", body)
    });
    for _ in 0..4 {
        let mut command = account.sandbox.command(["fetch", "audit", "--resume", "-o", "out.ndjson"]);
        command.env("OPEV_BASE_URL", format!("http://{}", server.address));
        command.env("EVENTS_API_TOKEN", account.simulator.token().expose());
        Run::of(command.output().unwrap()).expect(0);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests[1..] {
        assert!(request.contains(r#"{"cursor":"first"}"#), "{request}");
    }
    assert_eq!(crate::harness::uuids(&read(&account.sandbox, "out.ndjson")), ["A", "B", "C"]);
}

#[test]
fn a_lock_that_is_a_link_is_refused_with_what_to_do_about_it() {
    let (account, since) = account(20);
    account.run(resume_to("out.ndjson", &since)).expect(0);
    let lock = crate::gaps::slots(&account.sandbox.path("state")).remove(0).with_file_name("lock");
    std::fs::remove_file(&lock).unwrap();
    account.sandbox.write("victim", "precious");
    symlink(account.sandbox.path("victim"), &lock).unwrap();
    let refused = account.run(resume_to("out.ndjson", &since)).expect(7);
    assert!(refused.stderr.contains("symbolic link"), "{}", refused.stderr);
    assert!(refused.stderr.contains("see who made it"), "{}", refused.stderr);
    assert_eq!(read(&account.sandbox, "victim"), b"precious");
}

#[test]
fn a_deadline_is_told_once() {
    let (account, since) = account(200);
    for format in [&[][..], &["--resume", "-o", "out.ndjson"]] {
        let args = [&["fetch", "--since", &since, "--deadline", "1ms"], format].concat();
        let run = account.run(args).expect(6);
        assert_eq!(run.stderr.matches("the deadline has passed").count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("signin, items, audit: "), "{}", run.stderr);
    }
}
