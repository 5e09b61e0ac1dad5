//! What the reporter writes: how often into the file, what into the feed.

use std::path::Path;

use chrono::TimeDelta;

use super::*;
use crate::clock::ManualClock;
use crate::disk::{Open, RealDisk, RecordingDisk};
use crate::output::Consumer;

const AUDIT: Stream = Stream::AuditEvents;

struct Scene {
    clock: ManualClock,
    disk: Arc<RecordingDisk<RealDisk>>,
    place: CheckpointDir,
    home: tempfile::TempDir,
}

fn scene() -> Scene {
    let home = tempfile::tempdir().unwrap();
    let place = CheckpointDir::of(home.path(), "acme", &Consumer::Named("stdout".into()));
    place.make(&RealDisk).unwrap();
    let disk = Arc::new(RecordingDisk::new(RealDisk));
    Scene { clock: ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)), disk, place, home }
}

impl Scene {
    fn reporter(&self, feed: HealthFeed) -> HealthReporter {
        let about = CollectorIdentity { profile: "acme", consumer: "stdout", work: RunMode::Tail };
        let reporter = HealthReporter::new(about, &[AUDIT], Arc::new(self.clock.clone()), feed);
        reporter.keep_at(self.disk.clone(), &self.place);
        reporter
    }

    fn file(&self) -> StreamHealth {
        record::read(&RealDisk, &self.place).unwrap().stream(AUDIT).unwrap().clone()
    }

    fn writes(&self) -> usize {
        self.disk.take().iter().filter(|line| line.starts_with("rename")).count()
    }
}

#[test]
fn polls_are_counted_over_restarts_and_written_seldom() {
    let scene = scene();
    for _ in 0..2 {
        let reporter = scene.reporter(HealthFeed::nowhere());
        for _ in 0..100 {
            scene.clock.advance(Duration::from_secs(1));
            reporter.polled(AUDIT, scene.clock.now(), 3);
        }
    }
    assert_eq!(scene.file().events_in(24, scene.clock.now()), 600);
    assert_eq!(scene.file().last_good_poll, Some(scene.clock.now()));
    assert!(scene.writes() <= 2 * (100 / 5 + 3));
}

#[test]
fn a_failure_is_written_at_once_stays_when_it_stops_and_ends_with_a_page() {
    let scene = scene();
    let reporter = scene.reporter(HealthFeed::nowhere());
    reporter.polled(AUDIT, scene.clock.now(), 0);
    let failure = Error::new(ErrorKind::Network, "no answer\u{1b}[31m");
    reporter.failed(AUDIT, &failure);
    let error = scene.file().last_error.unwrap();
    assert_eq!((scene.file().state, error.kind.as_str()), (CollectorState::Error, "network"));
    assert_eq!(error.message, "no answer\\u{1b}[31m");
    reporter.state_all(CollectorState::Stopping);
    assert_eq!(scene.file().state, CollectorState::Error);
    reporter.polled(AUDIT, scene.clock.now(), 1);
    assert_eq!(scene.file().state, CollectorState::Collecting);
    assert!(scene.file().last_error.is_some());
    reporter.failed(AUDIT, &Error::new(ErrorKind::Interrupted(15), "stopped"));
    reporter.state_all(CollectorState::Stopping);
    assert_eq!(scene.file().state, CollectorState::Stopping);
}

#[test]
fn the_feed_has_one_line_a_change() {
    let scene = scene();
    let path = scene.home.path().join("feed");
    let feed = {
        let file = RealDisk.open(&path, Open::Append { mode: 0o600 });
        drop(file.unwrap());
        HealthFeed::open(Arc::new(RealDisk), &path, &console()).unwrap()
    };
    let reporter = scene.reporter(feed.clone());
    for state in [
        CollectorState::Started,
        CollectorState::Initialized,
        CollectorState::Authenticated,
        CollectorState::Collecting,
    ] {
        reporter.state(AUDIT, state);
    }
    reporter.interval(AUDIT, Duration::from_millis(1500));
    reporter.polled(AUDIT, scene.clock.now(), 7);
    let failure = Error::new(ErrorKind::FeatureMissing, "the token lacks auditevents");
    reporter.failed(AUDIT, &failure);
    reporter.failed(AUDIT, &failure);
    reporter.polled(AUDIT, scene.clock.now(), 7);
    reporter.state(AUDIT, CollectorState::Stopping);
    assert!(feed.flush(Duration::from_secs(30)));
    let lines = lines(&path);
    let told: Vec<_> = lines
        .iter()
        .map(|line| format!("{} {}", line["event"].as_str().unwrap(), line["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "StateChange Pending",
            "StateChange Started",
            "StateChange Initialized",
            "StateChange Authenticated",
            "StateChange Collecting",
            "IntervalChange Collecting",
            "Failure Error",
            "Recovery Collecting",
            "StateChange Stopping",
        ]
    );
    assert_eq!(lines[6]["class"], "ThirdPartyConfig");
    assert_eq!(lines[6]["reason"], "the token lacks auditevents");
    assert_eq!(lines[8]["class"], serde_json::Value::Null);
    assert_eq!(lines[6]["interval_seconds"], 1.5);
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn console() -> crate::console::Console {
    let options = crate::console::ConsoleOptions {
        level: log::LevelFilter::Off,
        format: crate::console::LogFormat::Text,
        colour: false,
        progress: false,
    };
    crate::console::Console::new(options, Arc::new(ManualClock::at(DateTime::UNIX_EPOCH)))
}
