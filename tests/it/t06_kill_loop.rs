//! T6: a real kill loop. The program is killed with SIGKILL after 1 to 120 ms and started again, until it
//! ends by itself: a managed file then has the bytes of an undisturbed run; on stdout, through a pipe that
//! is read to its end, nothing is lost and a kill repeats at most one page of a stream.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use opev::compression::Compression;
use opev::simulator::{ClientRule, Latency, SimulatorOptions};

use crate::frozen::{Dice, beginning, counts, frozen, resume_to, truth, undisturbed};
use crate::harness::{Account, uuids};
use crate::rehearsal::Rehearsal;

const PAGE: usize = 50;
/// How many kills a round has at most: then a run may end, however slow the machine is.
const KILLS_OF_A_ROUND: u64 = 40;
const PAGE_SIZE: [&str; 2] = ["--page-size", "50"];

/// What many killed runs came to.
#[derive(Debug, Default)]
struct Toll {
    rounds: u64,
    kills: u64,
    lost: usize,
    repeated: usize,
    /// The most that one kill repeated.
    most_repeated: usize,
    broken_lines: usize,
    other_bytes: usize,
}

/// A slow service, so that kills fall everywhere in a run.
fn options() -> SimulatorOptions {
    let fixed = Duration::from_millis(3);
    SimulatorOptions { latency: Latency { fixed, jitter: Duration::from_millis(4) }, ..frozen(3_000) }
}

/// Whether a run that was started is killed before it ends, after so many kills of this round; one that ends by itself
/// must end well.
fn is_killed(child: &mut std::process::Child, kills: u64, dice: &mut Dice) -> bool {
    if kills < KILLS_OF_A_ROUND {
        std::thread::sleep(Duration::from_millis(1 + dice.below(120)));
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(status.code().is_none_or(|code| code == 0), "{status}");
    !status.success()
}

/// Three streams into one managed file, killed until they are through; again until there were enough kills.
fn into_a_file(kills: u64, seed: u64, compression: Compression) -> Toll {
    let (mut toll, mut dice) = (Toll::default(), Dice::new(seed));
    let options = options();
    let since = beginning(&options);
    let account = Account::new(options);
    let args = [&resume_to("golden.ndjson", &since)[..], &PAGE_SIZE].concat();
    let golden = undisturbed(&account, &args, "golden.ndjson");
    let truth = truth(&account);
    assert_eq!(counts(&golden), truth);
    while toll.kills < kills {
        toll.rounds += 1;
        let extension = match compression {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        };
        let (file, state) = (format!("{}.ndjson{extension}", toll.rounds), format!("state-{}", toll.rounds));
        let args = [&resume_to(&file, &since)[..], &PAGE_SIZE, &["--state-dir", &state]].concat();
        let before = toll.kills;
        loop {
            let mut child = account.command(&args).stdout(Stdio::null()).spawn().unwrap();
            if !is_killed(&mut child, toll.kills - before, &mut dice) {
                break;
            }
            toll.kills += 1;
        }
        let bytes = std::fs::read(account.sandbox.path(&file)).unwrap();
        let bytes = Rehearsal { compression, ..Rehearsal::modelled() }.read(&bytes);
        toll.other_bytes += usize::from(bytes != golden);
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        toll.broken_lines += lines
            .filter(|line| {
                !line.ends_with(b"\n") || serde_json::from_slice::<serde_json::Value>(line).is_err()
            })
            .count();
        if toll.broken_lines == 0 {
            let counts = counts(&bytes);
            toll.lost += truth.keys().filter(|uuid| !counts.contains_key(*uuid)).count();
            toll.repeated += counts.values().map(|count| count - 1).sum::<usize>();
        }
    }
    check_manners(&account);
    toll
}

/// The same to stdout, through a pipe that is read to its end after each kill.
fn to_stdout(kills: u64, seed: u64) -> Toll {
    let (mut toll, mut dice) = (Toll::default(), Dice::new(seed));
    let options = options();
    let since = beginning(&options);
    let account = Account::new(options);
    let truth = truth(&account);
    while toll.kills < kills {
        toll.rounds += 1;
        let state = format!("state-{}", toll.rounds);
        let mut seen = std::collections::BTreeSet::new();
        let args =
            [&["fetch", "--resume", "--since", &since, "--state-dir", &state][..], &PAGE_SIZE].concat();
        let before = toll.kills;
        loop {
            let mut child = account.command(&args).stdout(Stdio::piped()).spawn().unwrap();
            let mut pipe = child.stdout.take().unwrap();
            let reader = std::thread::spawn(move || {
                let mut all = Vec::new();
                pipe.read_to_end(&mut all).unwrap();
                all
            });
            let is_killed = is_killed(&mut child, toll.kills - before, &mut dice);
            let mut bytes = reader.join().unwrap();
            // A line that the kill tore is no line: the page it is of was not committed.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            toll.broken_lines += usize::from(whole < bytes.len());
            bytes.truncate(whole);
            let again = uuids(&bytes).into_iter().filter(|uuid| !seen.insert(uuid.clone())).count();
            toll.repeated += again;
            toll.most_repeated = toll.most_repeated.max(again);
            if !is_killed {
                break;
            }
            toll.kills += 1;
        }
        toll.lost += truth.keys().filter(|uuid| !seen.contains(*uuid)).count();
    }
    check_manners(&account);
    toll
}

/// What no kill excuses. Many short runs together pass the limit of a minute, and a request of a killed run
/// may still be under way when the next one asks with the same cursor.
fn check_manners(account: &Account) {
    let mut broken = account.simulator.report().broken;
    broken.retain(|b| !matches!(b.rule, ClientRule::MinuteLimit | ClientRule::CursorOnce));
    assert_eq!(broken, []);
}

#[track_caller]
fn check(file: &Toll, stdout: &Toll) {
    eprintln!("kills into a file: {file:?}");
    eprintln!("kills on stdout: {stdout:?}");
    assert_eq!((file.lost, file.repeated, file.broken_lines, file.other_bytes), (0, 0, 0, 0), "{file:?}");
    assert_eq!(stdout.lost, 0, "{stdout:?}");
    assert!(stdout.most_repeated <= PAGE, "{stdout:?}");
}

#[test]
fn killed_again_and_again_the_file_is_the_same_and_stdout_loses_nothing() {
    let stdout = std::thread::spawn(|| to_stdout(25, 2));
    check(&into_a_file(25, 1, Compression::None), &stdout.join().unwrap());
    for compression in [Compression::Gzip, Compression::Zstd] {
        check(&into_a_file(12, 5, compression), &Toll::default());
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md has the command"]
fn a_thousand_kills() {
    let stdout = std::thread::spawn(|| to_stdout(1_000, 4));
    check(&into_a_file(1_000, 3, Compression::None), &stdout.join().unwrap());
    for compression in [Compression::Gzip, Compression::Zstd] {
        check(&into_a_file(1_000, 5, compression), &Toll::default());
    }
}
