//! T6, and the file is taken away: beside the kills of `t06_kill_loop`, the managed file is renamed, renamed and
//! compressed, unlinked, and copied and truncated, at any moment of a run or between two.
//!
//! Every event is then in exactly one of the files that exist, or went with a file that was unlinked, which the test
//! holds open; a truncated file is refused with 8, and what the cut took is no more than was committed between copy
//! and cut. What a killed run had written and not committed when its file was renamed is left in that file
//! (`docs/reliability.md`), and counts where the next run writes it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use opev::compression::Compression;
use opev::disk::RealDisk;
use opev::output::checkpoint::record::OutputMark;
use opev::output::saved_state;
use opev::simulator::{Latency, SimulatorOptions};

use crate::frozen::{Dice, beginning, counts, frozen, resume_to, truth, undisturbed};
use crate::harness::{Account, Run, uuids};

const PAGE: usize = 50;
const EVENTS: u64 = 3_000;
/// How many kills a round has at most: then a run may end, however slow the machine is.
const KILLS_OF_A_ROUND: u64 = 40;

/// How the file is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taking {
    Renamed,
    /// And a new, empty one is created in its place.
    RenamedAndCreated,
    /// And compressed when the run has gone on, as logrotate's `delaycompress` does.
    RenamedAndCompressed,
    /// And compressed at once, whatever the run does.
    CompressedAtOnce,
    Unlinked,
    CopiedAndTruncated,
}

const TAKINGS: [Taking; 6] = [
    Taking::Renamed,
    Taking::RenamedAndCreated,
    Taking::RenamedAndCompressed,
    Taking::CompressedAtOnce,
    Taking::Unlinked,
    Taking::CopiedAndTruncated,
];

/// What many killed runs came to.
#[derive(Debug, Default)]
struct Toll {
    rounds: u64,
    runs: u64,
    kills: u64,
    taken: BTreeMap<String, u64>,
    refused: u64,
    put_back: u64,
    warned: u64,
    events: usize,
    in_files: usize,
    with_unlinked_files: usize,
    /// Committed between a copy and its cut, and told by the refusal.
    cut_off: usize,
    /// Written while a compressor was at the end of the file.
    missed_by_compressor: usize,
    repeated_by_compressor: usize,
}

/// A file that exists, and how much of it was committed, where that is not all.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    is_packed: bool,
    committed: Option<u64>,
}

/// A renamed file of which the run has still to show what it did with it.
struct Undecided {
    file: File,
    part: usize,
    packs: bool,
}

/// A file without a name.
struct Removed {
    file: File,
    /// What it had when it lost its name; what was written later belongs into the next file.
    length: u64,
    /// The copy that a compressor made of it, and how much it read.
    copy: Option<(usize, u64)>,
    /// How much of it was committed, and went with it; none while the run that wrote it goes on.
    committed: Option<u64>,
}

/// A copy, and the file at the path was truncated: so far no run has refused it.
struct Cut {
    part: usize,
    /// Whether a run began after it.
    is_old: bool,
}

struct Round {
    folder: PathBuf,
    compression: Compression,
    parts: Vec<Part>,
    removed: Vec<Removed>,
    undecided: Option<Undecided>,
    cut: Option<Cut>,
    /// Bytes that were committed between copies and cuts.
    between: u64,
    kills: u64,
    /// What was done, for whoever has to find out why it went wrong.
    story: Vec<String>,
}

fn options() -> SimulatorOptions {
    let fixed = Duration::from_millis(3);
    SimulatorOptions { latency: Latency { fixed, jitter: Duration::from_millis(4) }, ..frozen(EVENTS) }
}

fn sleep_below(dice: &mut Dice, milliseconds: u64) {
    std::thread::sleep(Duration::from_micros(dice.below(milliseconds * 1_000)));
}

/// Waits until the run has asked for some more pages and a moment longer, or has ended: by its requests and not by the
/// clock, so that it gets as far on a slow machine.
fn wait_for_pages(account: &Account, child: &mut Child, pages: u64, dice: &mut Dice) {
    let asked = || account.simulator.report().per_stream.iter().sum::<u64>();
    let enough = asked() + pages;
    while asked() < enough && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(500));
    }
    sleep_below(dice, 12);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The text of a file, as far as it can be read: the end of a cut one is no member.
fn text(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // Whatever comes before the failure was read.
    let _ = match compression {
        Compression::None => (&mut &*bytes).read_to_end(&mut text),
        Compression::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text),
        Compression::Zstd => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut text),
    };
    text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    text
}

fn bytes_of(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

impl Round {
    fn new(account: &Account, number: u64, compression: Compression) -> Round {
        let folder = account.sandbox.path(&format!("round-{number}"));
        fs::create_dir(&folder).unwrap();
        let (parts, removed) = (Vec::new(), Vec::new());
        Round {
            folder,
            compression,
            parts,
            removed,
            undecided: None,
            cut: None,
            between: 0,
            kills: 0,
            story: Vec::new(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(match self.compression {
            Compression::None => "out.ndjson",
            Compression::Gzip => "out.ndjson.gz",
            Compression::Zstd => "out.ndjson.zst",
        })
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// What the checkpoint says of the file.
    fn mark(&self) -> Option<OutputMark> {
        let saved = saved_state::list(&RealDisk, &self.state()).unwrap_or_default();
        saved.into_iter().next()?.record.unwrap()?.output
    }

    fn length(&self) -> u64 {
        fs::metadata(self.file()).map_or(0, |found| found.len())
    }

    fn start(&self, account: &Account, since: &str) -> Child {
        let (file, state) = (self.file(), self.state());
        let args = resume_to(file.to_str().unwrap(), since);
        let more = ["--page-size", "50", "-v", "--state-dir", state.to_str().unwrap()];
        let mut command = account.command([&args[..], &more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn new_part(&mut self) -> (PathBuf, usize) {
        let number = self.parts.len();
        let path = self.folder.join(format!("part-{number}"));
        self.parts.push(Part { path: path.clone(), is_packed: false, committed: None });
        (path, number)
    }

    /// Takes the file away; false where there is none.
    fn take(&mut self, how: Taking, dice: &mut Dice) -> bool {
        let path = self.file();
        let Ok(file) = File::open(&path) else { return false };
        match how {
            Taking::Renamed | Taking::RenamedAndCreated | Taking::RenamedAndCompressed => {
                let (away, part) = self.new_part();
                fs::rename(&path, away).unwrap();
                if how == Taking::RenamedAndCreated {
                    // The run may have been faster.
                    let _ = File::create_new(&path);
                }
                self.undecided = Some(Undecided { file, part, packs: how == Taking::RenamedAndCompressed });
            }
            Taking::CompressedAtOnce => {
                let (away, part) = self.new_part();
                let plain = away.with_extension("plain");
                fs::rename(&path, &plain).unwrap();
                let whole = fs::read(&plain).unwrap();
                fs::write(&away, gzip(&whole)).unwrap();
                self.parts[part].is_packed = true;
                fs::remove_file(plain).unwrap();
                let length = file.metadata().unwrap().len();
                let copy = Some((part, whole.len() as u64));
                self.removed.push(Removed { file, length, copy, committed: None });
            }
            Taking::Unlinked => {
                fs::remove_file(&path).unwrap();
                let length = file.metadata().unwrap().len();
                self.removed.push(Removed { file, length, copy: None, committed: None });
            }
            Taking::CopiedAndTruncated => {
                let (copy, part) = self.new_part();
                fs::write(copy, bytes_of(&file)).unwrap();
                if dice.below(2) == 0 {
                    sleep_below(dice, 8);
                }
                if file.metadata().unwrap().len() == 0 {
                    // Nothing to cut, nor to notice.
                    self.parts[part].committed = Some(0);
                    return false;
                }
                File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
                self.cut = Some(Cut { part, is_old: false });
            }
        }
        true
    }

    /// Looks at what was taken away, when nothing runs: how much of it was committed. `before` is what was saved when
    /// the run began, and `said` what it said.
    fn decide(&mut self, before: Option<&OutputMark>, said: &str, is_refused: bool) {
        let mark = self.mark();
        for removed in self.removed.iter_mut().filter(|removed| removed.committed.is_none()) {
            let found = removed.file.metadata().unwrap();
            let is_it = |mark: &&OutputMark| mark.inode == found.ino();
            let saved = mark.as_ref().filter(is_it).map(|mark| mark.length);
            let moved = said.contains("was moved away").then_some(found.len());
            // It was gone before the run opened it.
            let missed = before.filter(is_it).map(|mark| mark.length);
            removed.committed = Some(saved.or(warned(said)).or(moved).or(missed).unwrap_or(0));
        }
        if let Some(Undecided { file, part, packs }) = self.undecided.take() {
            let found = file.metadata().unwrap();
            let committed = match &mark {
                Some(mark) if mark.inode == found.ino() => mark.length,
                _ => found.len(),
            };
            let part = &mut self.parts[part];
            assert!(committed <= found.len(), "{}: {committed} of {}", part.path.display(), found.len());
            part.committed = Some(committed);
            if packs {
                let whole = fs::read(&part.path).unwrap();
                fs::write(&part.path, gzip(&whole)).unwrap();
                part.is_packed = true;
            }
        }
        if let Some(cut) = &mut self.cut {
            cut.is_old = true;
            if !is_refused && mark.is_none_or(|mark| mark.length == 0) {
                // Nothing that was committed was cut off.
                self.parts[cut.part].committed = Some(0);
                self.cut = None;
            }
        }
    }

    /// The run refused the file that was truncated: does what it says.
    fn answer_refusal(&mut self, stderr: &str, dice: &mut Dice, toll: &mut Toll) {
        let cut = self.cut.take().unwrap_or_else(|| panic!("refused, and nothing was cut: {stderr}"));
        assert!(stderr.contains("copytruncate"), "{stderr}");
        toll.refused += 1;
        let committed = self.mark().unwrap().length;
        let copy = fs::read(&self.parts[cut.part].path).unwrap();
        let whole = (copy.len() as u64).min(committed);
        let path = self.file();
        if copy.len() as u64 >= committed && dice.below(2) == 0 {
            // Put back as it was.
            fs::write(&path, &copy).unwrap();
            self.parts[cut.part].committed = Some(0);
            toll.put_back += 1;
            return;
        }
        // Moved away. What is in it was written behind the cut, and not committed.
        let (away, part) = self.new_part();
        fs::rename(&path, away).unwrap();
        self.parts[part].committed = Some(0);
        self.parts[cut.part].committed = Some(whole);
        if committed > whole || self.compression == Compression::None {
            let lines = text(self.compression, &copy[..usize::try_from(whole).unwrap()]);
            let whole = if self.compression == Compression::None { lines.len() as u64 } else { whole };
            self.between += committed - whole;
        }
    }

    /// Fails with the story, and where each part begins and ends.
    #[track_caller]
    fn check(&self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            let parts = self.parts.iter().map(|part| {
                let uuids = uuids(&self.text_of(part));
                format!("{part:?}: {} lines, {:?} to {:?}", uuids.len(), uuids.first(), uuids.last())
            });
            let parts: Vec<String> = parts.collect();
            panic!("{}\n{}\n{}", why(), self.story.join("\n"), parts.join("\n"));
        }
    }

    /// How often each event is in the files that exist.
    fn in_files(&self) -> BTreeMap<String, usize> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(self.text_of(part));
        }
        all.extend(text(self.compression, &fs::read(self.file()).unwrap_or_default()));
        counts(&all)
    }

    fn text_of(&self, part: &Part) -> Vec<u8> {
        let mut bytes = fs::read(&part.path).unwrap();
        if part.is_packed {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
            bytes = unpacked;
        }
        bytes.truncate(part.committed.map_or(bytes.len(), |length| usize::try_from(length).unwrap()));
        text(self.compression, &bytes)
    }

    /// Every event in one file, or gone with one that was unlinked, or cut off and told.
    fn account(&mut self, golden: &[u8], truth: &BTreeMap<String, usize>, toll: &mut Toll) {
        let mut gone = Vec::new();
        for removed in std::mem::take(&mut self.removed) {
            gone.extend(self.account_of_removed(&removed, toll));
        }
        let mut found = self.in_files();
        toll.in_files += found.len();
        gone.into_iter().for_each(|uuid| *found.entry(uuid).or_default() += 1);
        let repeated: Vec<_> = found.iter().filter(|(_, count)| **count != 1).collect();
        self.check(repeated.is_empty(), || format!("repeated: {repeated:?}"));
        self.check(found.keys().all(|uuid| truth.contains_key(uuid)), || "foreign events".to_owned());
        let lines = golden.split_inclusive(|byte| *byte == b'\n');
        let missing: Vec<&[u8]> = lines.filter(|line| !found.contains_key(&uuids(line)[0])).collect();
        let bytes: usize = missing.iter().map(|line| line.len()).sum();
        let is_told = match self.compression {
            Compression::None => bytes as u64 == self.between,
            _ => missing.is_empty() == (self.between == 0),
        };
        self.check(is_told, || {
            format!(
                "{} events of {bytes} bytes are missing, {} bytes were cut off",
                missing.len(),
                self.between
            )
        });
        toll.cut_off += missing.len();
        toll.events += truth.len();
    }

    /// The events that went with a file: what was committed to it, but for what a compressor had read of it.
    fn account_of_removed(&mut self, removed: &Removed, toll: &mut Toll) -> Vec<String> {
        let committed = removed.committed.unwrap();
        // What was written when the name was gone belongs into the next file.
        self.check(committed <= removed.length, || {
            format!(
                "{committed} bytes were committed to a file that had {} when it was removed",
                removed.length
            )
        });
        let of = |length: u64| {
            uuids(&text(self.compression, &bytes_of(&removed.file)[..usize::try_from(length).unwrap()]))
        };
        let mut gone = of(committed);
        let Some((part, read)) = removed.copy else {
            toll.with_unlinked_files += gone.len();
            return gone;
        };
        let kept = of(read.min(committed)).len();
        toll.repeated_by_compressor += of(read).len() - kept;
        gone.drain(..kept);
        toll.missed_by_compressor += gone.len();
        self.parts[part].committed = Some(read.min(committed));
        gone
    }
}

/// How much the run says that went with a file.
fn warned(stderr: &str) -> Option<u64> {
    let line = stderr.lines().find(|line| line.contains("was removed while it was written: "))?;
    line.split("written: ").nth(1)?.split(' ').next()?.parse().ok()
}

/// One run, killed or not, and what is done to its file meanwhile or after.
fn one_run(account: &Account, since: &str, round: &mut Round, dice: &mut Dice, toll: &mut Toll) -> bool {
    let saved = round.mark();
    let tail = round.length().saturating_sub(saved.as_ref().map_or(0, |mark| mark.length));
    let before = round.length();
    let mut child = round.start(account, since);
    toll.runs += 1;
    let is_killed = round.kills < KILLS_OF_A_ROUND;
    let taking =
        (is_killed && round.cut.is_none() && dice.below(2) == 0).then(|| TAKINGS[dice.below(6) as usize]);
    let is_in_the_run = dice.below(4) != 0;
    let unlinked = round.removed.len();
    let mut taken = false;
    if is_killed {
        wait_for_pages(account, &mut child, dice.below(12), dice);
    }
    if let Some(taking) = taking.filter(|_| is_in_the_run) {
        // While what a killed run left is still behind the committed length, the run has not opened the file.
        if tail == 0 || round.length() != before {
            taken = round.take(taking, dice);
        }
    }
    if is_killed && dice.below(3) != 0 {
        wait_for_pages(account, &mut child, dice.below(12), dice);
    }
    if is_killed {
        child.kill().unwrap();
    }
    let run = Run::of(child.wait_with_output().unwrap());
    if round.removed.get(unlinked).is_some_and(|removed| removed.length > 0) {
        let is_told =
            ["was removed while it was written", "is gone: going on in a new file", "was moved away"];
        let is_told = is_told.iter().any(|words| run.stderr.contains(words));
        round.check(!round.file().exists() || is_told, || {
            format!("removed, and nothing is said: {}", run.stderr)
        });
        toll.warned += u64::from(warned(&run.stderr).is_some());
    }
    let was_cut = round.cut.as_ref().is_some_and(|cut| cut.is_old);
    round.decide(saved.as_ref(), &run.stderr, run.code == Some(8));
    let (length, mark) = (round.length(), round.mark());
    let did = taking.filter(|_| taken || !is_in_the_run);
    let committed = mark.map(|mark| (mark.inode, mark.length));
    round.story.push(format!(
        "tail {tail}, {did:?}, in the run {is_in_the_run}, {:?}: {committed:?} of {length}",
        run.code
    ));
    match run.code {
        None => (toll.kills, round.kills) = (toll.kills + 1, round.kills + 1),
        Some(0) => round.check(!was_cut || round.cut.is_none(), || {
            format!("a truncated file was not noticed: {}", run.stderr)
        }),
        Some(8) => round.answer_refusal(&run.stderr, dice, toll),
        code => panic!("{code:?}: {}", run.stderr),
    }
    if let Some(taking) = taking.filter(|_| !is_in_the_run && round.cut.is_none()) {
        taken = round.take(taking, dice);
        round.decide(None, "", false);
    }
    if let Some(taking) = taking.filter(|_| taken) {
        *toll.taken.entry(format!("{taking:?}")).or_default() += 1;
    }
    run.code == Some(0) && round.cut.is_none() && !taken
}

fn taken_away(kills: u64, seed: u64, compression: Compression) -> Toll {
    let (mut toll, mut dice) = (Toll::default(), Dice::new(seed));
    let options = options();
    let since = beginning(&options);
    let account = Account::new(options);
    let golden = undisturbed(&account, &resume_to("golden.ndjson", &since), "golden.ndjson");
    let truth = truth(&account);
    assert_eq!(counts(&golden), truth);
    while toll.kills < kills {
        toll.rounds += 1;
        let mut round = Round::new(&account, toll.rounds, compression);
        while !one_run(&account, &since, &mut round, &mut dice, &mut toll) {}
        round.account(&golden, &truth, &mut toll);
        fs::remove_dir_all(&round.folder).unwrap();
    }
    eprintln!("kills, and the file taken away, {compression}: {toll:?}");
    toll
}

#[test]
fn every_event_is_in_one_file_when_files_are_taken_away_under_killed_runs() {
    let gzip = std::thread::spawn(|| taken_away(15, 12, Compression::Gzip));
    let toll = taken_away(40, 11, Compression::None);
    let gzip = gzip.join().unwrap();
    for toll in [&toll, &gzip] {
        assert!(toll.runs >= toll.kills && toll.events > 0, "{toll:?}");
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md has the command"]
fn a_thousand_kills_and_the_file_taken_away() {
    let gzip = std::thread::spawn(|| taken_away(1_000, 22, Compression::Gzip));
    let zstd = std::thread::spawn(|| taken_away(1_000, 23, Compression::Zstd));
    for toll in [taken_away(1_000, 21, Compression::None), gzip.join().unwrap(), zstd.join().unwrap()] {
        assert_eq!(toll.taken.len(), TAKINGS.len(), "{toll:?}");
        assert!(toll.refused > 0 && toll.put_back > 0 && toll.warned > 0, "{toll:?}");
    }
}
