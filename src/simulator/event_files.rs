//! Events from NDJSON files, kept in memory and served byte for byte in the order of the lines.
//!
//! Only the stream, `uuid` and `timestamp` of a line are looked at, and leniently: samples with odd
//! numbers, repeated keys or a broken byte are what this is for.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use chrono::DateTime;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;

/// The events of some files.
#[derive(Debug, Default)]
pub(super) struct EventFiles {
    streams: [Vec<EventLine>; 3],
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct EventLine {
    raw: Range<usize>,
    uuid: String,
    /// None where the line holds no readable time; such an event is in every range.
    time: Option<i64>,
}

impl EventFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// Fails when a file cannot be read, when a line is no JSON object, or when its stream is unclear.
    pub(super) fn read(paths: &[impl AsRef<Path>]) -> Result<Self> {
        let mut files = EventFiles::default();
        for path in paths {
            let path = path.as_ref();
            let bytes = fs::read(path).map_err(|e| {
                Error::new(ErrorKind::Config, format!("cannot read {}", path.display())).because(e)
            })?;
            files.add(path, &bytes)?;
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let named = stream_of_name(&path.file_name().unwrap_or_default().to_string_lossy());
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            let at = || format!("{}, line {}", path.display(), index + 1);
            let text = String::from_utf8_lossy(line);
            let fields: HashMap<String, &RawValue> = serde_json::from_str(&text)
                .map_err(|e| Error::new(ErrorKind::Config, format!("{}: no JSON object", at())).because(e))?;
            let stream = named.or_else(|| stream_of_fields(&fields)).ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("{}: cannot tell which stream this event is of", at()))
                    .hint("name the file after the stream: signinattempts, itemusages or auditevents")
            })?;
            let start = self.bytes.len();
            self.bytes.extend_from_slice(line);
            let text_of =
                |key| fields.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            let time = text_of("timestamp").and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
            self.streams[stream as usize].push(EventLine {
                raw: start..self.bytes.len(),
                uuid: text_of("uuid").unwrap_or_default(),
                time: time.and_then(|time| time.timestamp_nanos_opt()),
            });
        }
        Ok(())
    }

    /// How many events a stream has.
    pub(super) fn len(&self, stream: Stream) -> u64 {
        self.streams[stream as usize].len() as u64
    }

    /// When an event happened, if it says so.
    pub(super) fn time(&self, stream: Stream, number: u64) -> Option<i64> {
        self.line(stream, number).and_then(|line| line.time)
    }

    /// An event's identifier; empty if it has none.
    pub(super) fn uuid(&self, stream: Stream, number: u64) -> &str {
        self.line(stream, number).map_or("", |line| &line.uuid)
    }

    /// An event's text.
    pub(super) fn raw(&self, stream: Stream, number: u64) -> &[u8] {
        self.line(stream, number).map_or(b"", |line| &self.bytes[line.raw.clone()])
    }

    /// All bytes, to tell one set of files from another.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn line(&self, stream: Stream, number: u64) -> Option<&EventLine> {
        self.streams[stream as usize].get(usize::try_from(number).ok()?)
    }
}

fn stream_of_name(name: &str) -> Option<Stream> {
    let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let words = [
        ("signin", Stream::SignInAttempts),
        ("itemusage", Stream::ItemUsages),
        ("usage", Stream::ItemUsages),
        ("audit", Stream::AuditEvents),
    ];
    words.into_iter().find(|(word, _)| plain.contains(word)).map(|(_, stream)| stream)
}

/// The stream by fields that no other stream's events have.
fn stream_of_fields(fields: &HashMap<String, &RawValue>) -> Option<Stream> {
    let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    let fits = [
        (Stream::SignInAttempts, has(&["target_user", "category", "session_uuid"])),
        (Stream::ItemUsages, has(&["item_uuid", "vault_uuid", "used_version"])),
        (Stream::AuditEvents, has(&["actor_uuid", "actor_details", "object_type", "object_uuid"])),
    ];
    let mut fitting = fits.into_iter().filter(|(_, fits)| *fits);
    match (fitting.next(), fitting.next()) {
        (Some((stream, _)), None) => Some(stream),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(name: &str, bytes: &[u8]) -> Result<EventFiles> {
        let mut files = EventFiles::default();
        files.add(Path::new(name), bytes)?;
        Ok(files)
    }

    #[test]
    fn lines_are_kept_byte_for_byte_in_their_order() {
        let lines: [&[u8]; 3] = [
            br#"{"uuid":"B","timestamp":"2021-08-30T18:57:42.484Z","n":1e400,"n":1,"s":"\ud800"}"#,
            b"{\"uuid\":\"A\",\"note\":\"caf\xe9\"}",
            br#" { "uuid" : "C", "timestamp" : "not a time" } "#,
        ];
        let files = add("my_item-usages.ndjson", &lines.join(&b"\r\n\n"[..])).unwrap();
        assert_eq!(files.len(Stream::ItemUsages), 3);
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(files.raw(Stream::ItemUsages, number as u64), *line);
        }
        assert_eq!(files.time(Stream::ItemUsages, 0), Some(1_630_349_862_484_000_000));
        assert_eq!(files.time(Stream::ItemUsages, 1), None);
        assert_eq!(files.uuid(Stream::ItemUsages, 2), "C");
    }

    #[test]
    fn the_stream_comes_from_the_name_or_from_the_fields_or_is_asked_for() {
        let files = add("x.ndjson", b"{\"actor_uuid\":1}\n{\"item_uuid\":2}\n{\"target_user\":3}").unwrap();
        assert_eq!(Stream::ALL.map(|stream| files.len(stream)), [1, 1, 1]);
        assert_eq!(add("all-signins.json", b"{}").unwrap().len(Stream::SignInAttempts), 1);
        let unclear = add("x.ndjson", b"{\"uuid\":1}").unwrap_err();
        assert_eq!(unclear.kind(), ErrorKind::Config);
        assert!(unclear.to_string().contains("x.ndjson, line 1"));
        assert!(add("audit.ndjson", b"[1]").is_err());
    }
}
