//! T16: whatever bytes come in, no parser panics or runs away: saved state, the service's answers, times,
//! tokens' claims, configuration. Inputs are made from good ones by cutting, changing, doubling and
//! nesting, because plain noise is refused at the first byte.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::disks::ModelDisk;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use opev::api::claims::Claims;
use opev::api::endpoint::{ApiVersion, BaseUrl};
use opev::api::{retry, wire};
use opev::config::{ConfigFile, Environment};
use opev::disk::{Disk, Open, write_all_at};
use opev::event::Stream;
use opev::output::checkpoint::record::{Checkpoint, LogMark};
use opev::output::digest::Digest;
use opev::output::seen::log::SeenLog;
use opev::output::{CheckpointDir, saved_state};
use opev::secret::Secret;
use opev::size;
use opev::time::duration;
use opev::time::{RangeEnd, TimeExpr, Zone};
use proptest::prelude::*;

use crate::rehearsal::{clock, now, terms};

/// What the fuzz targets do with bytes.
#[path = "../../fuzz/src/lib.rs"]
mod bodies;

/// One way of spoiling a text.
#[derive(Clone, Debug)]
enum Change {
    Cut(prop::sample::Index),
    Byte(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Double(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let odd = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::sample::select(vec!["{", "}", "[", "\"", "\\", ",", ":", "null", "1e999", "\\ud800", "=", "."])
            .prop_map(|text| text.as_bytes().to_vec()),
        // Deep nesting and long runs.
        (prop::sample::select(vec![b'[', b'{', b'"', b'9', b' ', b'\\']), 1usize..20_000)
            .prop_map(|(byte, count)| vec![byte; count]),
    ];
    let change = prop_oneof![
        at().prop_map(Change::Cut),
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), 1usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), 1usize..80).prop_map(|(at, length)| Change::Double(at, length)),
        (at(), odd).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ];
    prop::collection::vec(change, 0..6)
}

fn spoiled(good: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for change in changes {
        let end = bytes.len() + 1;
        let range = |at: &prop::sample::Index, length: usize| {
            let start = at.index(end);
            start..(start + length).min(end - 1)
        };
        match change {
            Change::Cut(at) => bytes.truncate(at.index(end)),
            Change::Byte(at, byte) => drop(bytes.get_mut(at.index(end)).map(|place| *place = *byte)),
            Change::Remove(at, length) => drop(bytes.drain(range(at, *length))),
            Change::Double(at, length) => {
                let range = range(at, *length);
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Change::Insert(at, more) => drop(bytes.splice(range(at, 0), more.iter().copied())),
        }
    }
    bytes
}

const PAGE: &str = r#"{"cursor":"aGVsbG8\/d29ybGQ=","has_more":true,"items":[
  {"uuid":"A1","timestamp":"2026-11-01T00:00:00.123456789Z","user":{"name":"x\u0041","n":1e400}},
  {"uuid":null,"timestamp":"not a time","list":[1,2,[3]]}, {}]}"#;
const PAGE_V3: &str =
    r#"{"audit_events":[{"uuid":"A","timestamp":"2026-11-01T00:00:00Z"}],"next_page_token":"t"}"#;
const INTROSPECTION: &str =
    r#"{"UUID":"U","IssuedAt":"2026-11-01T00:00:00Z","Features":["auditevents","x"],"account_uuid":"A"}"#;
const CLAIMS: &str = r#"{"1password.com/auuid":"A","1password.com/fts":["auditevents"],"aud":["events.1password.com"],"iat":1793000000,"exp":1893000000.5,"nbf":1,"sub":"S"}"#;
const CONFIG: &str = "[defaults]\nregion = \"eu\"\n\n[profiles.acme]\ntoken_command = \"op read 'op://v/i/f'\"\nstate_dir = \"~/x\"\npage_size = 100\n[profiles.\"b.c\"]\ntoken_env = \"T\"\nbase_url = \"https://events.1password.eu\"\n";

fn record() -> Checkpoint {
    let mut record = Checkpoint::new("default", "/out", terms(), now());
    let position = serde_json::from_str(
        r#"{"cursor":"abc","caught_up":true,"newest":"2026-11-01T00:00:00Z","delivered":7,
            "last_event":{"uuid":"U","time":"2026-11-01T00:00:00Z"}}"#,
    );
    record.streams.insert("auditevents".into(), position.unwrap());
    record
}

/// A checkpoint whose frame holds these bytes and is right, so that the JSON inside is what is read.
fn framed(json: &[u8]) -> Vec<u8> {
    let head = format!("opev checkpoint 1 {} {}\n", json.len(), Digest::of(json));
    [head.as_bytes(), json].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn saved_records(changes in changes()) {
        let good = record();
        let _ = Checkpoint::from_bytes(&spoiled(&good.to_bytes().unwrap(), &changes));
        let json = spoiled(&serde_json::to_vec(&good).unwrap(), &changes);
        if let Ok(read) = Checkpoint::from_bytes(&framed(&json)) {
            // What is read can be used: its place in time, its restart, its form in bytes.
            for stream in Stream::ALL {
                if let Some(position) = read.position(stream) {
                    let _ = (position.reached(), position.restart_from(now()), position.cursor());
                    let _ = opev::output::gap::by_age(stream, position, now()).map(|gap| gap.failure());
                }
            }
            prop_assert_eq!(Checkpoint::from_bytes(&read.to_bytes().unwrap()), Ok(read));
        }
    }

    #[test]
    fn logs_of_identities_and_exported_state(changes in changes(), length in any::<u64>()) {
        let model = ModelDisk::new();
        let disk: Arc<dyn Disk> = Arc::new(model);
        let place = CheckpointDir::at(Path::new("/s"), "p", "c");
        place.make(&*disk).unwrap();
        let bytes = spoiled(&[2; 17 * 20], &changes);
        let mut file = disk.open(&place.file("seen.3"), Open::InPlace { mode: 0o600 }).unwrap();
        write_all_at(&mut *file, &bytes, 0).unwrap();
        let known = usize::try_from(length % 400).unwrap().min(bytes.len());
        for mark in [
            LogMark { generation: 3, length: known as u64, digest: Digest::of(&bytes[..known]) },
            LogMark { generation: 3, length, digest: Digest::of(&bytes) },
        ] {
            let _ = SeenLog::load(&disk, &place, &mark, 10);
        }
        let export = format!(
            r#"{{"opev_state":1,"record":{},"seen":"AAAA"}}"#,
            serde_json::to_string(&record()).unwrap()
        );
        let _ = saved_state::import(&disk, &clock(), Path::new("/elsewhere"), &spoiled(export.as_bytes(), &changes));
    }

    #[test]
    fn answers(changes in changes()) {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        for (version, good) in [(ApiVersion::V1, PAGE), (ApiVersion::V2, PAGE), (ApiVersion::V3, PAGE_V3)] {
            let bytes = spoiled(good.as_bytes(), &changes);
            let length = bytes.len();
            if let Ok(page) = wire::page(version, Stream::AuditEvents, bytes, 1_000, now) {
                let raw: usize = page.events().map(|event| event.raw.len()).sum();
                prop_assert!(raw <= length);
            }
        }
        let _ = wire::introspection(&spoiled(INTROSPECTION.as_bytes(), &changes));
        if let Some(words) = wire::words(&spoiled(br#"{"Error":{"Message":"no"}}"#, &changes)) {
            prop_assert!(words.len() < 10_000);
        }
    }

    #[test]
    fn tokens(changes in changes()) {
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let claims = encode(&spoiled(CLAIMS.as_bytes(), &changes));
        let inside = format!("{}.{claims}.c2ln", encode(br#"{"alg":"ES256"}"#));
        let outside = spoiled(format!("e30.{}.c2ln", encode(CLAIMS.as_bytes())).as_bytes(), &changes);
        for text in [inside, String::from_utf8_lossy(&outside).into_owned()] {
            if let Ok(claims) = Claims::read(&Secret::new(text)) {
                let _ = (claims.streams(), claims.base_url(), claims.is_expired(now()));
            }
        }
    }

    #[test]
    fn configuration(changes in changes()) {
        let text = String::from_utf8_lossy(&spoiled(CONFIG.as_bytes(), &changes)).into_owned();
        if let Err(failure) = ConfigFile::parse(Path::new("/c"), &text, &Environment::default()) {
            prop_assert!(failure.to_string().len() < 4_000);
        }
    }

    #[test]
    fn times_lengths_sizes_and_addresses(changes in changes(), which in 0usize..14) {
        let good = [
            "2026-11-20T14:05:06.123Z", "2 hours ago", "yesterday 09:00", "2026-11-20", "2026-11-20 14:05", "@1763700000", "1h30m", "today",
            "120d", "10MiB", "Wed, 21 Oct 2026 07:28:00 GMT", "3600", "https://events.1password.com/",
            "Europe/Berlin",
        ][which];
        let text = String::from_utf8_lossy(&spoiled(good.as_bytes(), &changes)).into_owned();
        if let Ok(expression) = text.parse::<TimeExpr>() {
            for zone in [Zone::Utc, Zone::Local, "Europe/Berlin".parse().unwrap()] {
                if let Ok(resolved) = expression.resolve(now(), &zone, RangeEnd::Until) {
                    let _ = zone.show(resolved.moment);
                }
            }
        }
        let _ = text.parse::<Zone>();
        let _ = (duration::parse(&text).map(duration::show), size::parse(&text).map(size::show));
        let _ = text.parse::<BaseUrl>().map(|url| url.url("/api/v2/auditevents"));
        let waited = retry::retry_after(&text, Some(&text), now());
        prop_assert!(waited.is_none_or(|wait| wait <= Duration::MAX));
    }
}

/// The depth at which a parser that calls itself for each level would end the process.
#[test]
fn very_deep_nesting_ends_no_process() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(1_000_000);
        let _ = Checkpoint::from_bytes(&framed(deep.as_bytes()));
        let page = format!("{{\"items\":[{deep}");
        assert!(wire::page(ApiVersion::V2, Stream::AuditEvents, page.into_bytes(), 1_000, now()).is_err());
        assert!(wire::introspection(deep.as_bytes()).is_err());
        let _ = wire::words(deep.as_bytes());
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(&deep));
        assert!(Claims::read(&Secret::new(token)).is_err());
        let config = format!("x = {}", "[".repeat(100_000));
        assert!(ConfigFile::parse(Path::new("/c"), &config, &Environment::default()).is_err());
    }
}

/// The names and contents of the small corpus of a fuzz target.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

/// The corpus holds what fuzzing found, too.
#[test]
fn every_fuzz_target_bears_its_corpus() {
    for (target, body) in bodies::BODIES {
        let file = format!("fuzz/fuzz_targets/{target}.rs");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).exists(), "{file} is missing");
        let cases = corpus(target);
        assert!(!cases.is_empty(), "{target} has no corpus");
        for (name, bytes) in cases {
            println!("{name}");
            body(&bytes);
        }
    }
}

#[test]
fn what_fuzzing_tries_is_tried_with_spoiled_good_ones() {
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    // Several times the stack that the program has, because this is built without optimization.
    let tried = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        proptest!(config, |(changes in changes())| {
            for (target, body) in bodies::BODIES {
                for (_, good) in corpus(target) {
                    body(&spoiled(&good, &changes));
                }
            }
        });
    });
    tried.unwrap().join().unwrap();
}
