//! What is tried with arbitrary bytes: one function for each kind of text that comes from outside.
//!
//! The fuzz targets call them with the bytes that libFuzzer makes, and `cargo test` (`tests/it/t16_parsers.rs`) with
//! spoiled good ones and with the corpus. Each must return: no panic, and bounded time and memory. Where there is
//! another parser for the same thing, both must agree.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use opev::api::claims::Claims;
use opev::api::content_encoding::GzipReader;
use opev::api::endpoint::{ApiVersion, BaseUrl};
use opev::api::proxy::{self, ProxyVariables};
use opev::api::retry::{self, RateLimitHeaders};
use opev::api::scan::{self, AnswerKeys};
use opev::api::wire;
use opev::compression::Compression;
use opev::config::{ConfigFile, Environment};
use opev::disk::{Disk, Open, RealDisk, append_all, write_all_at};
use opev::event::{Event, Stream};
use opev::facts::{EventFacts, JsonText, Lookup, LookupBuffer, NameKind, unescape};
use opev::fuzzing::{self, SavedEvents};
use opev::output::checkpoint::record::{Checkpoint, LogMark};
use opev::output::digest::Digest;
use opev::output::exported_state::ExportedPosition;
use opev::output::seen::log::SeenLog;
use opev::output::{CheckpointDir, gap, intent};
use opev::secret::Secret;
use opev::select::{Filter, FilterField, FilterTerms, JqFilter, JqValues};
use opev::time::{RangeEnd, TimeExpr, Zone, duration};
use opev::{sanitize, size};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A kind of text, and what is done with bytes of it.
pub type Body = fn(&[u8]);

/// All of them, by the names of their targets and of the folders of their corpus.
pub const BODIES: [(&str, Body); 21] = [
    ("answer", answer),
    ("checkpoint", checkpoint),
    ("claims", claims),
    ("config", config),
    ("event", event),
    ("exported_state", exported_state),
    ("filter", filter),
    ("gzip", gzip),
    ("headers", headers),
    ("intent", intended_tail),
    ("introspection", introspection),
    ("jq", jq),
    ("names", names),
    ("proxy", proxy_rules),
    ("rule", rule),
    ("rule_state", rule_state),
    ("saved_events", saved_events),
    ("seen_log", seen_log),
    ("sigma", sigma),
    ("time", time),
    ("zone", zone),
];

/// More items than any answer here holds.
const MOST: usize = 1_000_000;

/// The levels of nesting that both parsers take: serde_json refuses more than 127.
const LEVELS: usize = 120;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Pieces of the input, where it has to be several texts.
fn pieces(data: &[u8]) -> Vec<String> {
    data.split(|byte| *byte == b'\n').map(|piece| text(piece).into_owned()).collect()
}

/// An answer of the service, as a page of each version, and its scanner beside serde_json.
pub fn answer(data: &[u8]) {
    for version in [ApiVersion::V1, ApiVersion::V2, ApiVersion::V3] {
        if let Ok(page) = wire::page(version, Stream::AuditEvents, data.to_vec(), 1_000, now()) {
            let raw: usize = page.events().map(|event| event.raw.len()).sum();
            assert!(raw <= data.len());
        }
    }
    let _ = wire::words(data).inspect(|words| assert!(words.len() < 10_000));
    let keys = AnswerKeys { items: "items", cursor: "cursor", has_more: Some("has_more") };
    let Ok(body) = std::str::from_utf8(data) else {
        let _ = scan::answer(data, &keys, MOST);
        return;
    };
    if depth(data) > LEVELS {
        let _ = scan::answer(data, &keys, MOST);
        return;
    }
    // Wrapped, so that the keys of an answer, of whose values more is asked than JSON, are none at the top.
    let wrapped = format!("{{\"x\":{body}}}");
    let is_json = serde_json::from_str::<IgnoredAny>(&wrapped).is_ok();
    let is_alone = serde_json::from_str::<IgnoredAny>(body).is_ok();
    let names_a_key = ["items", "cursor", "has_more", "\\"].iter().any(|word| body.contains(word));
    if is_alone || !names_a_key {
        assert_eq!(scan::answer(wrapped.as_bytes(), &keys, MOST).is_ok(), is_json, "{wrapped}");
    }
    let list = format!("{{\"items\":[{body}]}}");
    let reference = serde_json::from_str::<List<'_>>(&list).ok();
    let scanned = scan::answer(list.as_bytes(), &keys, MOST).ok();
    if let (Some(reference), Some(scanned)) = (reference, scanned)
        && !body.contains("items")
        && !body.contains('\\')
    {
        let items = scanned.items.unwrap_or_default();
        let items: Vec<&str> = items.iter().map(|span| &list[span.raw.clone()]).collect();
        let reference: Vec<&str> = reference.items.iter().map(|raw| raw.get()).collect();
        assert_eq!(items, reference);
    }
}

#[derive(serde::Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// At least the depth of nesting.
fn depth(data: &[u8]) -> usize {
    data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count()
}

/// An answer to the question what a token grants.
pub fn introspection(data: &[u8]) {
    if let Ok(read) = wire::introspection(data) {
        let _ = (read.streams(), read.grants(Stream::ItemUsages));
    }
}

/// Headers: how long to wait, and what a server says of its limit.
pub fn headers(data: &[u8]) {
    let pieces = pieces(data);
    let piece = |index: usize| pieces.get(index).map(String::as_str);
    let _ = retry::retry_after(piece(0).unwrap_or_default(), piece(1), now());
    let read = RateLimitHeaders::read(|name| match name {
        "ratelimit-limit" => piece(0),
        "ratelimit-remaining" => piece(1),
        _ => piece(2),
    });
    let _ = (read.per_minute(), read.resets_in(now()));
}

/// A body in gzip: as it comes, and what was packed in any pieces comes out again.
pub fn gzip(data: &[u8]) {
    const LIMIT: u64 = 1 << 20;
    let mut decoded = Vec::new();
    let read = GzipReader::new(data).take(LIMIT).read_to_end(&mut decoded);
    let mut reference = Vec::new();
    let expected = flate2::bufread::MultiGzDecoder::new(data).take(LIMIT).read_to_end(&mut reference);
    // NUL bytes behind a member are borne here and not there.
    if expected.is_ok() && !data.is_empty() {
        assert!(read.is_ok() && decoded == reference);
    }
    let Some((first, rest)) = data.split_first() else { return };
    let mut packed = Vec::new();
    for piece in rest.chunks(usize::from(*first) + 1) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let member = encoder.write_all(piece).and_then(|()| encoder.finish());
        packed.extend(member.unwrap_or_default());
        packed.extend(std::iter::repeat_n(0, usize::from(*first) % 3));
    }
    let mut again = Vec::new();
    if !packed.is_empty() {
        assert!(GzipReader::new(packed.as_slice()).read_to_end(&mut again).is_ok());
    }
    assert!(again == rest);
}

/// A saved position: as its file, and as the JSON inside a file that is right.
pub fn checkpoint(data: &[u8]) {
    let _ = Checkpoint::from_bytes(data);
    let head = format!("opev checkpoint 2 {} {}\n", data.len(), Digest::of(data));
    if let Ok(read) = Checkpoint::from_bytes(&[head.as_bytes(), data].concat()) {
        for stream in Stream::ALL {
            if let Some(position) = read.position(stream) {
                let _ = (position.reached(), position.restart_from(now()), position.cursor());
                let _ = gap::by_age(stream, position, now()).map(|gap| gap.failure());
            }
        }
        let written = read.to_bytes().expect("what was read can be written");
        assert_eq!(Checkpoint::from_bytes(&written), Ok(read));
    }
}

/// The log of delivered identities; the first byte says how much of it counts.
pub fn seen_log(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let place = CheckpointDir::at(directory.path(), "p", "c");
    place.make(&*disk).expect("its directory");
    let mut file = disk.open(&place.file("seen.3"), Open::InPlace { mode: 0o600 }).expect("its file");
    write_all_at(&mut *file, bytes, 0).expect("its bytes");
    let known = bytes.len() * usize::from(*first) / 255;
    for mark in [
        LogMark { generation: 3, length: known as u64, digest: Digest::of(&bytes[..known]) },
        LogMark { generation: 3, length: bytes.len() as u64 + 1, digest: Digest::of(bytes) },
    ] {
        if let Ok(mut log) = SeenLog::load(&disk, &place, &mark, 10) {
            let entries = log.entries();
            let _ = log.extend(&entries);
            let _ = log.extend(bytes);
        }
    }
}

/// The note of what was about to be written, beside a file that has other bytes.
pub fn intended_tail(data: &[u8]) {
    for (format, compression) in
        [("ndjson", Compression::None), ("csv", Compression::None), ("ndjson", Compression::Zstd)]
    {
        let _ = intent::looks_like(format, compression, data, data.len().is_multiple_of(2));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let note = directory.path().join("intent");
    let boot = RealDisk.boot_id().unwrap_or_default();
    // The note of this start of the machine is the one that is looked at.
    let bytes = text(data).replace("BOOT", &boot);
    let mut file = RealDisk.open(&note, Open::InPlace { mode: 0o600 }).expect("its file");
    write_all_at(&mut *file, bytes.as_bytes(), 0).expect("its bytes");
    let mut output =
        RealDisk.open(&directory.path().join("out"), Open::Append { mode: 0o600 }).expect("the output");
    append_all(&mut *output, &[b'x'; 64]).expect("its bytes");
    for committed in [0, 10, 64] {
        let _ = intent::origin(&RealDisk, &note, &*output, committed, 64);
    }
}

/// Positions that were exported on another machine.
pub fn exported_state(data: &[u8]) {
    for mut position in ExportedPosition::parse_all(data).unwrap_or_default() {
        let _ = position.relabel(Some("p"), Some(Path::new("/x")));
        let _ = (position.profile().len(), position.to_json());
    }
}

/// A configuration file.
pub fn config(data: &[u8]) {
    let text = text(data);
    if let Err(failure) = ConfigFile::parse(Path::new("/c"), &text, &Environment::default()) {
        assert!(failure.to_string().len() < 4_000);
    }
}

/// A token: the claims inside, and the whole.
pub fn claims(data: &[u8]) {
    let inside = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(data));
    for token in [inside, text(data).into_owned()] {
        if let Ok(claims) = Claims::read(&Secret::new(token)) {
            let _ = (claims.streams(), claims.base_url(), claims.is_expired(now()), claims.is_old());
        }
    }
}

/// What is typed: times, lengths, sizes, addresses.
pub fn time(data: &[u8]) {
    let text = text(data);
    if let Ok(expression) = text.parse::<TimeExpr>() {
        for zone in [
            Zone::Utc,
            "Europe/Berlin".parse().unwrap_or(Zone::Utc),
            "America/Nuuk".parse().unwrap_or(Zone::Utc),
        ] {
            for end in [RangeEnd::Since, RangeEnd::Until] {
                if let Ok(resolved) = expression.resolve(now(), &zone, end) {
                    let _ = zone.show(resolved.moment);
                }
            }
        }
    }
    if let Ok(length) = duration::parse(&text) {
        assert!(duration::parse(&duration::show(length)).is_ok());
    }
    let _ = size::parse(&text).map(size::show);
    let _ = text.parse::<BaseUrl>().map(|url| url.url("/api/v2/auditevents"));
}

/// The name of a time zone, and moments in it.
pub fn zone(data: &[u8]) {
    let (name, seconds) = data.split_at(data.len().saturating_sub(8));
    let name = text(name);
    let seconds = seconds.iter().fold(0i64, |sum, byte| (sum << 8) | i64::from(*byte));
    let moment = DateTime::from_timestamp(seconds % 100_000_000_000, 0).unwrap_or_default();
    for zone in [Zone::of_variable(&name), name.parse::<Zone>().ok()].into_iter().flatten() {
        let _ = (zone.show(moment), zone.wall_clock(moment));
    }
}

/// The variables that name proxies, and the hosts that go without.
pub fn proxy_rules(data: &[u8]) {
    let pieces = pieces(data);
    let piece = |index: usize| pieces.get(index).cloned();
    let variables = ProxyVariables {
        https: piece(0).map(Secret::new),
        http: None,
        all: piece(1).map(Secret::new),
        no_proxy: piece(2),
    };
    for server in ["https://events.1password.com", "https://[2001:db8::1]:8443", "https://192.0.2.7"] {
        if let Ok(server) = server.parse::<BaseUrl>() {
            let _ = proxy::resolve(&server, &variables);
        }
    }
}

/// Filters, and whether they choose an event.
pub fn filter(data: &[u8]) {
    const FIELDS: [FilterField; 13] = [
        FilterField::User,
        FilterField::Actor,
        FilterField::Ip,
        FilterField::Country,
        FilterField::Action,
        FilterField::Object,
        FilterField::Item,
        FilterField::Vault,
        FilterField::Group,
        FilterField::Device,
        FilterField::App,
        FilterField::Session,
        FilterField::Grep,
    ];
    let pieces = pieces(data);
    let Some((raw, typed)) = pieces.split_last() else { return };
    let field = |(index, value): (usize, &String)| (FIELDS[index % FIELDS.len()], vec![value.clone()]);
    let terms = FilterTerms {
        values: typed.iter().enumerate().map(field).collect(),
        no_sessions: data.len().is_multiple_of(2),
        ..FilterTerms::default()
    };
    match Filter::compile(&terms) {
        Err(failure) => assert!(failure.to_string().len() < 20_000 + data.len() * 8),
        Ok(filter) => {
            let mut buffer = LookupBuffer::default();
            for stream in Stream::ALL {
                let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
                let _ = filter.wants(&event, &mut buffer);
            }
            let _ = (filter.describe().len(), filter.warnings().len());
        }
    }
}

/// An event, as what it says is read, and as its text is shown. It need not be JSON.
pub fn event(data: &[u8]) {
    let lookup = Lookup::for_facts();
    let mut buffer = LookupBuffer::default();
    for stream in Stream::ALL {
        let facts = EventFacts::new(stream, lookup.find(data, &mut buffer));
        let _ = format!("{facts:?}");
    }
    for (key, value) in JsonText::new(data).members() {
        let _ = (unescape(key).len(), value.text().len(), value.is_nested());
    }
    let shown = sanitize::message(&unescape(data)).into_owned();
    assert!(!shown.chars().any(|c| c.is_control()), "{shown:?}");
}

/// Stands between a text and events, where a target takes both.
const EVENTS_FOLLOW: &str = "\n=====\n";

/// A text, and the events behind it, one a line, the streams in turn.
fn with_events(data: &str) -> (Vec<&str>, Vec<(Stream, &str)>) {
    let (texts, events) = data.split_once(EVENTS_FOLLOW).unwrap_or((data, ""));
    let events = events.lines().take(200).zip(Stream::ALL.into_iter().cycle());
    (texts.split("\n#####\n").collect(), events.map(|(raw, stream)| (stream, raw)).collect())
}

/// A rule in TOML, with its tests, and events that it is used on.
pub fn rule(data: &[u8]) {
    let text = text(data);
    let (rules, events) = with_events(&text);
    if let Err(failure) = fuzzing::toml_rule(rules[0], &events) {
        assert!(failure.to_string().len() < 4_000 + data.len() * 8);
    }
}

/// Files of rules of Sigma, which may name one another, and events that they are used on.
pub fn sigma(data: &[u8]) {
    let text = text(data);
    let (rules, events) = with_events(&text);
    if let Err(failure) = fuzzing::sigma_rules(&rules, &events) {
        assert!(failure.to_string().len() < 4_000 + data.len() * 8);
    }
}

/// What rules had gathered in an earlier run.
pub fn rule_state(data: &[u8]) {
    let text = text(data);
    let (saved, events) = with_events(&text);
    if let Err(why) = fuzzing::gathered_by_rules(saved[0].as_bytes(), &events) {
        assert!(why.len() < 4_000 + data.len() * 8);
    }
}

/// Names that `op` printed, and the file in which they are kept.
pub fn names(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = fuzzing::names_file(directory.path());
    std::fs::create_dir_all(place.parent().expect("its directory")).expect("its directory");
    for kind in [None, Some(NameKind::Item), Some(NameKind::User)] {
        let _ = fuzzing::imported_names(data, kind, directory.path());
    }
    std::fs::write(place, data).expect("its bytes");
    let _ = fuzzing::kept_names(directory.path());
}

/// A filter in jq's language, which the caller wrote and which is only read; and events, which others wrote, run
/// through filters that end.
pub fn jq(data: &[u8]) {
    const PROGRAMS: [&str; 6] = [
        "select(.action == \"export\")",
        "{time: .timestamp, who: (.user.email? // .actor_uuid?), all: [.. | strings]}",
        "[.[]? | tostring] | @csv",
        "map_values(tojson)",
        "[paths], to_entries, (.. |= .)",
        "keys, length, (.timestamp? | fromdateiso8601?), @json, @text, @base64, @uri",
    ];
    thread_local! {
        static FILTERS: Vec<JqFilter> =
            PROGRAMS.map(|program| JqFilter::compile(program).expect("a filter")).into();
    }
    let text = text(data);
    let (programs, events) = with_events(&text);
    if let Err(failure) = JqFilter::compile(programs[0]) {
        assert!(failure.to_string().len() < 4_000 + data.len() * 8);
    }
    let mut values = JqValues::default();
    for (stream, raw) in events {
        let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
        FILTERS.with(|filters| {
            for filter in filters {
                if filter.run(&event, &mut values).is_ok() {
                    for value in values.iter() {
                        assert!(!value.contains(&b'\n'), "a value that breaks the line");
                        assert!(depth(value) > LEVELS || serde_json::from_slice::<IgnoredAny>(value).is_ok());
                    }
                }
            }
        });
    }
}

/// A file of saved events: however it is wrapped, and on however many threads it is read, its events are the same;
/// and a filter that searches lines for its values first finds what it finds without.
pub fn saved_events(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("saved");
    let read = |bytes: &[u8], threads: usize, filter: Option<(&Filter, bool)>| -> SavedEvents {
        std::fs::write(&path, bytes).expect("its bytes");
        fuzzing::saved_events(&path, threads, Some(Stream::ItemUsages), filter).expect("threads")
    };
    let plain = read(data, 1, None);
    let is_packed = data.starts_with(b"\x1f\x8b") || data.starts_with(b"\x28\xb5\x2f\xfd");
    assert!(is_packed || plain.events.iter().map(|(_, raw)| raw.len()).sum::<usize>() <= data.len());
    // A mark, or a compressed stream, is looked for once.
    let is_text =
        !is_packed && !data.starts_with(b"\xef\xbb\xbf") && plain.broken.is_empty() && !data.is_empty();
    match how % 8 {
        0 if is_text => {
            let packed = zstd::stream::encode_all(data, 1).expect("in memory");
            assert_eq!(read(&packed, 1, None).events, plain.events);
        }
        1 if is_text => {
            let mut packed = Vec::new();
            for piece in data.chunks(usize::from(*how) + 1) {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packed.extend(encoder.write_all(piece).and_then(|()| encoder.finish()).expect("in memory"));
            }
            assert_eq!(read(&packed, 1, None).events, plain.events);
        }
        2 if is_text => assert_eq!(read(&[b"\xef\xbb\xbf", data].concat(), 1, None), plain),
        3 if is_text => {
            let lines = data.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
            let bare = |read: SavedEvents| -> Vec<(Stream, Vec<u8>)> {
                let bare = |(stream, mut raw): (Stream, Vec<u8>)| {
                    raw.retain(|byte| !byte.is_ascii_whitespace());
                    (stream, raw)
                };
                read.events.into_iter().map(bare).collect()
            };
            assert_eq!(bare(read(&lines, 1, None)), bare(plain));
        }
        4 => assert_eq!(read(data, 3, None), plain),
        5 | 6 => {
            let field = [FilterField::User, FilterField::Action, FilterField::Ip, FilterField::Grep];
            let value = ["ada@example.com", "export", "192.0.2.7", "Berlin"];
            let which = usize::from(how >> 4) % field.len();
            let values = vec![(field[which], vec![value[which].to_owned()])];
            let terms = FilterTerms { values: values.into_iter().collect(), ..FilterTerms::default() };
            let filter = Filter::compile(&terms).expect("a filter");
            let parsed = read(data, 1, Some((&filter, false)));
            assert_eq!(read(data, 2, Some((&filter, true))).events, parsed.events);
        }
        _ => {
            // Cut off while it was written: what is whole before is read.
            let packed = zstd::stream::encode_all(data, 1).expect("in memory");
            let _ = read(&packed[..packed.len() * usize::from(*how) / 256], 2, None);
        }
    }
}
