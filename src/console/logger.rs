//! The receiver of the `log` macros: a line of text, or a JSON object a line.

use log::kv::{self, VisitSource};
use log::{Level, Log, Metadata, Record};
use serde_json::{Map, Value, json};

use crate::console::{Console, LogFormat};
use crate::sanitize;

/// Passes the log of this crate to the console; other crates' logs are dropped.
#[derive(Debug)]
pub(super) struct Logger(pub(super) Console);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The HTTP and TLS crates log headers and bodies, which could hold the token (P10).
        metadata.target().starts_with("opev") && metadata.level() <= self.0.0.options.level
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = match self.0.0.options.format {
            LogFormat::Text => text(record, self.0.0.options.colour),
            LogFormat::Json => {
                object(record, self.0.0.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
            }
        };
        self.0.line(&line);
    }

    fn flush(&self) {}
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug | Level::Trace => "debug",
    }
}

fn text(record: &Record<'_>, colour: bool) -> String {
    let name = level_name(record.level());
    let mut line = match (record.level(), colour) {
        (Level::Error, true) => format!("\x1b[1;31m{name}:\x1b[0m "),
        (Level::Warn, true) => format!("\x1b[1;33m{name}:\x1b[0m "),
        (_, true) => format!("\x1b[2m{name}:\x1b[0m "),
        (_, false) => format!("{name}: "),
    };
    line.push_str(&sanitize::message(&record.args().to_string()));
    line
}

fn object(record: &Record<'_>, time: String) -> String {
    let mut pairs = KeyValues(Map::new());
    let _ = record.key_values().visit(&mut pairs);
    let mut object = Map::new();
    object.insert("type".into(), json!("log"));
    object.insert("time".into(), json!(time));
    object.insert("level".into(), json!(level_name(record.level())));
    object.insert("message".into(), json!(sanitize::message(&record.args().to_string())));
    object.extend(pairs.0);
    Value::Object(object).to_string()
}

/// Collects a record's keys and values, foreign text made harmless.
struct KeyValues(Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for KeyValues {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let number = value.to_u64().map(Value::from).or_else(|| value.to_i64().map(Value::from));
        let value = number.unwrap_or_else(|| json!(sanitize::message(&value.to_string())));
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<T>(with: impl FnOnce(&Record<'_>) -> T) -> T {
        let pairs: &[(&str, kv::Value<'_>)] = &[("status", 503.into()), ("path", "/a\n\x1b[0m".into())];
        with(
            &Record::builder()
                .level(Level::Debug)
                .args(format_args!("POST{}", "\r\n"))
                .key_values(&pairs)
                .build(),
        )
    }

    #[test]
    fn foreign_text_cannot_break_a_line_of_text() {
        assert_eq!(record(|r| text(r, false)), "debug: POST\\r\\n");
    }

    #[test]
    fn a_json_line_is_an_object_with_the_keys_beside_the_message() {
        let value: Value = serde_json::from_str(&record(|r| object(r, "T".into()))).unwrap();
        assert_eq!(value["level"], "debug");
        assert_eq!(value["status"], 503);
        assert_eq!(value["path"], "/a\\n\\u{1b}[0m");
    }
}
