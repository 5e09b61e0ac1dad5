//! How tests run the real program: in a directory of its own, with an environment of its own, against a
//! simulator in the test's process over a real socket; on pipes, on files, or on a pseudo-terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::ops::RangeBounds;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use opev::clock::{Clock as _, RealClock};
use opev::event::Stream;
use opev::simulator::{
    ApiForm, EventData, FaultScript, RunningSimulator, SeededData, Simulator, SimulatorOptions,
};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tempfile::TempDir;

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_opev"))
}

/// A home, a configuration and a state directory for one test, gone at its end.
#[derive(Debug)]
pub struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Self {
        Sandbox { directory: tempfile::tempdir().unwrap() }
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file inside, for its owner alone, and gives its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Writes the configuration file.
    pub fn configure(&self, toml: &str) {
        self.write("config/opev/config.toml", toml);
    }

    /// A command line of the program: nothing of this machine's environment but PATH.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command(args).output().unwrap())
    }
}

/// A sandbox whose environment names a simulator's account.
#[derive(Debug)]
pub struct Account {
    /// The files.
    pub sandbox: Sandbox,
    /// The service.
    pub simulator: RunningSimulator,
}

impl Account {
    /// An account at a simulator with these options.
    pub fn new(options: SimulatorOptions) -> Self {
        let simulator = Simulator::start(options, Arc::new(RealClock::new())).unwrap();
        Account { sandbox: Sandbox::new(), simulator }
    }

    /// A command line of the program with the account's server and token in its environment.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.sandbox.command(args);
        command
            .env("OPEV_BASE_URL", self.simulator.base_url())
            .env("EVENTS_API_TOKEN", self.simulator.token().expose());
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs the program to its end with its three standard streams on a terminal of so many columns.
    pub fn run_on_terminal<A: AsRef<OsStr>>(&self, columns: u16, args: impl IntoIterator<Item = A>) -> Run {
        run_on_terminal(self.command(args), columns)
    }
}

/// Options of a simulator with this many events over 30 days, which stands still at `at`.
pub fn seeded(events: u64, at: DateTime<Utc>) -> SimulatorOptions {
    SimulatorOptions {
        data: EventData::Seeded(SeededData { events, ..SeededData::default() }),
        at: Some(at),
        ..SimulatorOptions::default()
    }
}

/// Options of a simulator that makes this trouble with its answers; several, where they are apart by spaces.
pub fn faulty(at: DateTime<Utc>, faults: &str) -> SimulatorOptions {
    let script = FaultScript::new(faults.split_whitespace().map(|rule| rule.parse().unwrap()));
    SimulatorOptions { script, ..seeded(3_000, at) }
}

/// A `--since` before every event of an account of 30 days. A later one falls between two of them, and moves from run
/// to run: the second run of a test then lacks what the first one gave.
pub const BEFORE_ALL: &str = "60d";

/// A `--timeout` that no run meets which waits for a request that hangs: it would ask again, and go on.
pub const NO_TIMEOUT: [&str; 2] = ["--timeout", "10m"];

/// The time, in whole seconds.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}

/// A time as flags take it.
pub fn typed(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The texts of all events in these times, of all streams, sorted.
pub fn truth<R: RangeBounds<DateTime<Utc>> + Clone>(simulator: &RunningSimulator, times: R) -> Vec<Vec<u8>> {
    let of = |stream| simulator.truth(stream, ApiForm::V2, times.clone()).map(|fact| fact.raw);
    let mut all: Vec<Vec<u8>> = Stream::ALL.into_iter().flat_map(of).collect();
    all.sort();
    all
}

/// The lines of some text, sorted.
pub fn sorted_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> =
        text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    lines.sort();
    lines
}

/// Insists that two lists of lines are one, without drowning the reader in them.
#[track_caller]
pub fn assert_same(found: &[Vec<u8>], expected: &[Vec<u8>]) {
    if found == expected {
        return;
    }
    let first =
        found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
    let show = |lines: &[Vec<u8>]| lines.get(first).map(|line| String::from_utf8_lossy(line).into_owned());
    panic!(
        "{} lines instead of {}; the first difference is at {first}:\n{:?}\nand not\n{:?}",
        found.len(),
        expected.len(),
        show(found),
        show(expected)
    );
}

/// What a finished run left behind.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output; everything, when the run was on a terminal.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Of a command's output.
    pub fn of(output: Output) -> Self {
        Run {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Waits for a process and takes what it wrote.
    pub fn wait(child: Child) -> Self {
        Run::of(child.wait_with_output().unwrap())
    }

    /// Insists on an exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "signal {:?}\nstderr: {}\nstdout: {}",
            self.signal,
            self.stderr,
            self.text().chars().take(2000).collect::<String>()
        );
        self
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as lines.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// The uuids of standard output's NDJSON, in order.
    pub fn uuids(&self) -> Vec<String> {
        uuids(&self.stdout)
    }
}

/// The uuids of NDJSON, in order; every line must be one JSON object.
#[track_caller]
pub fn uuids(ndjson: &[u8]) -> Vec<String> {
    let line = |line: &[u8]| -> String {
        let value: serde_json::Value =
            serde_json::from_slice(line).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(line)));
        value["uuid"].as_str().unwrap().to_owned()
    };
    ndjson.split(|b| *b == b'\n').filter(|bytes| !bytes.is_empty()).map(line).collect()
}

/// Runs a command to its end with its standard streams on a terminal of so many columns.
pub fn run_on_terminal(command: Command, columns: u16) -> Run {
    TerminalRun::start(command, columns).wait()
}

/// A command at work on a terminal of its own. Nothing but OPEV_PAGER gives it a pager.
#[derive(Debug)]
pub struct TerminalRun {
    /// The process.
    pub child: Child,
    ours: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl TerminalRun {
    /// Starts a command on a terminal of so many columns.
    pub fn start(mut command: Command, columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&theirs, screen(columns)).unwrap();
        let child = command
            .env("TERM", "xterm")
            .env("PAGER", "cat")
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs)
            .spawn()
            .unwrap();
        // The command holds the last copies of the terminal's other side.
        drop(command);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut source, all) = (File::from(ours.try_clone().unwrap()), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut some = [0; 4096];
            // Ends with EIO once nobody has the other side open.
            while let Ok(read @ 1..) = source.read(&mut some) {
                all.lock().unwrap().extend_from_slice(&some[..read]);
            }
        });
        TerminalRun { child, ours, shown, reader }
    }

    /// Gives the terminal another width.
    pub fn resize(&self, columns: u16) {
        tcsetwinsize(&self.ours, screen(columns)).unwrap();
    }

    /// Types a text, as a person would.
    pub fn type_text(&self, text: &str) {
        File::from(self.ours.try_clone().unwrap()).write_all(text.as_bytes()).unwrap();
    }

    /// Waits until something is shown for this many times.
    #[track_caller]
    pub fn wait_for(&self, text: &str, times: usize) {
        wait_until(|| self.shown().matches(text).count() >= times);
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.ours).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// What was shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).replace('\r', "")
    }

    /// Waits for its end.
    pub fn wait(self) -> Run {
        self.wait_and_look(|_| ()).0
    }

    /// Waits for its end, and looks at the terminal as it was left.
    pub fn wait_and_look<T>(mut self, look: impl FnOnce(&Self) -> T) -> (Run, T) {
        let status = self.child.wait().unwrap();
        let seen = look(&self);
        self.reader.join().unwrap();
        let stdout = std::mem::take(&mut *self.shown.lock().unwrap());
        (Run { code: status.code(), signal: status.signal(), stdout, stderr: String::new() }, seen)
    }
}

fn screen(columns: u16) -> Winsize {
    Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// How long a test waits for what has to happen: far more than it takes on a slow machine that has much else to do.
/// Only a broken program is ever waited for so long.
pub const LONG: Duration = Duration::from_secs(180);

/// Waits until something is so, and not for ever.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let clock = RealClock::new();
    let nobody = opev::cancel::Cancel::new();
    while !condition() {
        assert!(clock.elapsed() < LONG, "did not happen in {LONG:?}");
        clock.sleep(Duration::from_millis(5), &nobody).unwrap();
    }
}

/// Starts a command with its output and messages on pipes.
pub fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal.
pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Whether a program that some test drives is there. Where everything is installed (CI), it must be.
pub fn has_tool(name: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
    if !found.status.success() {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing, and CI has to have it");
        eprintln!("skipped: {name} is not installed");
    }
    found.status.success()
}
