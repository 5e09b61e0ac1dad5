//! The tests inside a rule: events as tables of the API's own fields, or as JSON text.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::entry::{Entry, Problem, in_order, unknown};
use crate::analyze::detect::rule::RuleTest;
use crate::event::Stream;
use crate::time::duration;

/// The most events that one table may stand for.
const MOST_REPEATS: u32 = 10_000;

/// Monday, 2026-03-02, 09:00 UTC: what `at` counts from.
const BASE: i64 = 1_772_442_000;

/// Reads one `[[test]]`. Events that do not name their stream are of the rule's, where it names one.
pub(super) fn read_test(table: &Spanned<DeValue<'_>>, streams: &[Stream]) -> Result<RuleTest, Problem> {
    let offset = table.span().start;
    let mut test =
        RuleTest { name: String::new(), hits: usize::MAX, lists: Vec::new(), events: Vec::new(), offset };
    let Some(fields) = table.get_ref().as_table() else {
        return Err(Problem::new(offset, "a test is a table".to_owned()));
    };
    for entry in in_order(fields) {
        match entry.key {
            "name" => test.name = entry.text()?.to_owned(),
            "hits" => test.hits = entry.whole(0)? as usize,
            "lists" => {
                let lists = entry.value.get_ref().as_table();
                let lists = lists.ok_or_else(|| entry.problem("must be a table of lists"))?;
                for list in in_order(lists) {
                    test.lists.push((list.key.to_owned(), list.list()?));
                }
            }
            "event" => {
                for event in entry.tables()? {
                    read_event(event, streams, &mut test.events)?;
                }
            }
            _ => return Err(unknown(&entry, ["name", "hits", "lists", "event"].into_iter())),
        }
    }
    if test.hits == usize::MAX {
        return Err(Problem::new(offset, "hits is missing".to_owned())
            .hint("write hits = 1 for a test that hits, and hits = 0 for one that nearly does"));
    }
    if test.events.is_empty() {
        return Err(Problem::new(offset, "a test needs events: [[test.event]]".to_owned()));
    }
    Ok(test)
}

/// How often an event comes, and when.
struct Occurrence {
    stream: Option<Stream>,
    at: TimeDelta,
    repeat: u32,
    every: TimeDelta,
    json: Option<String>,
}

fn read_event(
    table: &Spanned<DeValue<'_>>,
    streams: &[Stream],
    events: &mut Vec<(Stream, String)>,
) -> Result<(), Problem> {
    let offset = table.span().start;
    let Some(fields) = table.get_ref().as_table() else {
        return Err(Problem::new(offset, "an event is a table".to_owned()));
    };
    let mut object = Map::new();
    let mut when = Occurrence {
        stream: if let [stream] = streams { Some(*stream) } else { None },
        at: TimeDelta::zero(),
        repeat: 1,
        every: TimeDelta::seconds(1),
        json: None,
    };
    for entry in in_order(fields) {
        match entry.key {
            "stream" => when.stream = Some(entry.parsed(str::parse)?),
            "at" => when.at = offset_of(&entry)?,
            "repeat" => when.repeat = entry.whole(1)?.min(MOST_REPEATS),
            "every" => when.every = offset_of(&entry)?,
            "json" => when.json = Some(entry.text()?.to_owned()),
            key => {
                object.insert(key.to_owned(), json_of(entry.value.get_ref()));
            }
        }
    }
    let Some(stream) = when.stream else {
        return Err(Problem::new(offset, "nothing tells the stream of the event".to_owned())
            .hint("write stream = \"signin\", \"items\" or \"audit\""));
    };
    for index in 0..when.repeat {
        events.push((stream, event_text(&when, &object, index, events.len())));
    }
    Ok(())
}

/// The JSON text of one event; what it lacks of uuid and time is added.
fn event_text(when: &Occurrence, object: &Map<String, Value>, index: u32, number: usize) -> String {
    if let Some(json) = &when.json {
        return json.replace("{n}", &index.to_string());
    }
    let mut object = object.clone();
    let time = DateTime::<Utc>::from_timestamp(BASE, 0).unwrap_or_default()
        + when.at
        + when.every * i32::try_from(index).unwrap_or(i32::MAX);
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    object.entry("uuid").or_insert_with(|| format!("TEST{number:022}").into());
    object.entry("timestamp").or_insert_with(|| time.into());
    Value::Object(object).to_string().replace("{n}", &index.to_string())
}

/// A length of time, with `-` before the start of the test.
fn offset_of(entry: &Entry<'_>) -> Result<TimeDelta, Problem> {
    let text = entry.text()?;
    let (is_before, length) = match text.strip_prefix('-') {
        Some(length) => (true, length),
        None => (false, text),
    };
    let length = duration::parse(length).map_err(|e| entry.problem(&e))?;
    let length = TimeDelta::from_std(length).ok().filter(|length| *length < TimeDelta::days(36_500));
    let length = length.ok_or_else(|| entry.problem("is too long"))?;
    Ok(if is_before { -length } else { length })
}

fn json_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Array(values) => Value::Array(values.iter().map(|value| json_of(value.get_ref())).collect()),
        DeValue::Table(table) => {
            let members =
                table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref())));
            Value::Object(members.collect())
        }
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or_default().into()
        }
        DeValue::Float(float) => float.as_str().parse::<f64>().unwrap_or_default().into(),
        DeValue::Datetime(time) => Value::String(time.to_string()),
    }
}
