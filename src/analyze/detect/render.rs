//! Hits as bytes: JSON for programs, blocks of lines for people.

use std::fmt;

use clap::ValueEnum;

use super::hit::Hit;
use super::rule::Level;
use crate::console::{CellTone, TextStyle};
use crate::sanitize;
use crate::time::Zone;

/// The form of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HitFormat {
    /// Lines for people
    Table,
    /// One JSON object a hit
    Ndjson,
    /// One JSON array
    Json,
}

impl fmt::Display for HitFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// How hits are shown to people.
#[derive(Clone, Debug)]
pub struct HitStyle {
    /// The zone of times.
    pub zone: Zone,
    /// Width and colours.
    pub text: TextStyle,
}

/// How far the lines below a title are moved to the right.
const INDENT: &str = "          ";

impl HitFormat {
    /// Appends the hits.
    pub fn write(self, hits: &[Hit], style: &HitStyle, out: &mut Vec<u8>) {
        match self {
            HitFormat::Table => hits.iter().for_each(|hit| out.extend(block(hit, style).into_bytes())),
            HitFormat::Ndjson => {
                hits.iter().for_each(|hit| out.extend(format!("{}\n", hit.to_json()).into_bytes()));
            }
            HitFormat::Json => {
                let hits: Vec<String> = hits.iter().map(|hit| hit.to_json().to_string()).collect();
                out.extend(format!("[{}]\n", hits.join(",\n")).into_bytes());
            }
        }
    }
}

/// A hit in a few lines, wrapped to the width.
fn block(hit: &Hit, style: &HitStyle) -> String {
    let tone = match hit.level {
        Level::Critical | Level::High => CellTone::Bad,
        Level::Medium => CellTone::Warning,
        Level::Low | Level::Info => CellTone::Plain,
    };
    let level = format!("{:<10}", hit.level.name().to_uppercase());
    let mut text = style.text.paint(tone, &level);
    text.push_str(&style.text.paint(CellTone::Bold, &sanitize::escaped(&hit.title)));
    text.push_str(&format!(" ({})\n", sanitize::escaped(&hit.rule)));
    let mut lines = vec![when(hit, &style.zone)];
    let group: Vec<String> = hit.group.iter().map(|(field, value)| format!("{field} {value}")).collect();
    let events = if hit.count == 1 { "1 event".to_owned() } else { format!("{} events", hit.count) };
    lines.push(group.into_iter().chain([events]).collect::<Vec<_>>().join(", "));
    if !hit.values.is_empty() {
        lines.push(hit.values.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    for line in lines.iter().map(|line| sanitize::escaped(line)) {
        text.push_str(&style.text.wrap(&line, INDENT));
    }
    // Never broken: it is there to be copied.
    text.push_str(&format!("{INDENT}{}\n\n", sanitize::escaped(&hit.next)));
    text
}

fn when(hit: &Hit, zone: &Zone) -> String {
    match hit.first == hit.last {
        true => zone.show(hit.first),
        false => format!("{} to {}", zone.show(hit.first), zone.show(hit.last)),
    }
}
