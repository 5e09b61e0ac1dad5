//! Checks for people: a table of steps, or a line a profile. Pure.
//!
//! All foreign text is escaped, and nothing is cut where no terminal limits the width.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use unicode_width::UnicodeWidthStr as _;

use super::step::{Check, Outcome, Sample, Step};
use crate::command::Invocation;
use crate::command::introspect::{days, days_left};
use crate::command::output::time_style;
use crate::config::terminal;
use crate::encode::{EventContext, EventEncoder, Format, RenderOptions, Shape};
use crate::error::{ErrorKind, Result};
use crate::event::Event;
use crate::sanitize;
use crate::time::Zone;

/// The columns before the last one: name, state, milliseconds, and the gaps between them.
const MARGIN: usize = 31;

/// The least that the last column gets, however narrow the terminal is.
const NARROWEST: usize = 20;

/// What the report is written on.
#[derive(Debug)]
pub(super) struct ReportStyle {
    width: Option<usize>,
    colour: bool,
    zone: Zone,
    offline: bool,
}

impl ReportStyle {
    /// Standard output.
    pub(super) fn of(invocation: &Invocation, zone: Zone, offline: bool) -> Self {
        let is_terminal = invocation.stdout_is_terminal;
        ReportStyle {
            width: is_terminal.then(|| terminal::width(std::io::stdout())),
            colour: terminal::colour(invocation.console_args.color, &invocation.environment, is_terminal),
            zone,
            offline,
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A state padded to its column; the padding is never coloured.
    fn state(&self, word: &str) -> String {
        let style = match word {
            "ok" => "32",
            "failed" => "1;31",
            "soon" => "33",
            _ => "2",
        };
        format!("{}{:pad$}", self.paint(style, word), "", pad = 7usize.saturating_sub(word.len()))
    }
}

/// Every check, step by step.
///
/// # Errors
/// Fails only when samples cannot be laid out.
pub(super) fn table(checks: &[Check], paper: &ReportStyle, now: DateTime<Utc>) -> Result<Vec<u8>> {
    let mut text = String::new();
    for check in checks {
        let server = check.server.as_deref().map(sanitize::message).unwrap_or_default();
        let _ = writeln!(text, "{}\n", format!("{}  {server}", paper.paint("1", &check.profile)).trim_end());
        for step in &check.steps {
            line(&mut text, step, paper);
        }
        let _ = writeln!(text, "\n{}", verdict(check, paper, now));
    }
    let mut bytes = text.into_bytes();
    for check in checks.iter().filter(|check| !check.samples.is_empty()) {
        bytes.push(b'\n');
        samples(check, paper, &mut bytes)?;
    }
    Ok(bytes)
}

/// One line a profile: its name, state, days left, and server or what is wrong.
pub(super) fn list(checks: &[Check], paper: &ReportStyle, now: DateTime<Utc>) -> Vec<u8> {
    let width = checks.iter().map(|check| check.profile.len()).max().unwrap_or(0).max(7);
    let mut text = format!("{:width$}  {:7}  {:>5}\n", "PROFILE", "STATE", "DAYS");
    for check in checks {
        let left = check.expires_at.map_or("-".to_owned(), |end| days_left(end, now).to_string());
        let last = match check.failures().next() {
            Some((step, _)) => {
                format!("{}{}", step.name, step.stream.map_or(String::new(), |s| format!(" {s}")))
            }
            None => sanitize::message(check.server.as_deref().unwrap_or_default()).into_owned(),
        };
        let state = paper.state(state(check.kind()));
        let _ = writeln!(text, "{:width$}  {state}  {left:>5}  {last}", check.profile);
    }
    text.into_bytes()
}

/// The one word for a check.
pub(super) fn state(kind: Option<ErrorKind>) -> &'static str {
    match kind {
        None => "ok",
        Some(ErrorKind::CheckFailed) => "soon",
        Some(_) => "failed",
    }
}

fn line(text: &mut String, step: &Step, paper: &ReportStyle) {
    let (word, found) = match &step.outcome {
        Outcome::Ok(found) => ("ok", found.clone()),
        Outcome::Skipped(why) => ("skipped", why.clone()),
        // Without the server's and the system's own words: those are told with the failure.
        Outcome::Failed(failure) if failure.kind() == ErrorKind::CheckFailed => {
            ("soon", failure.message().into())
        }
        Outcome::Failed(failure) => ("failed", failure.message().to_owned()),
    };
    let found = match step.stream {
        Some(stream) if step.failure().is_some() => format!("{stream}: {found}"),
        _ => found,
    };
    let took = step.took.map_or(String::new(), milliseconds);
    let start = format!("{:10}  {}  {took:>8}", step.name, paper.state(word));
    let found = sanitize::escaped(&found);
    let mut lines = wrapped(&found, paper.width.map(|width| width.saturating_sub(MARGIN).max(NARROWEST)));
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(text, "{}", format!("{start}  {first}").trim_end());
    for more in lines {
        let _ = writeln!(text, "{:MARGIN$}{more}", "");
    }
}

/// The text in lines of at most `width` columns, broken between words; longer words stay whole.
fn wrapped(text: &str, width: Option<usize>) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width.is_none_or(|width| line.width() + 1 + word.width() <= width) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}

fn milliseconds(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn verdict(check: &Check, paper: &ReportStyle, now: DateTime<Utc>) -> String {
    let left = match check.expires_at {
        Some(end) => format!("{} left, until {}", days(days_left(end, now)), paper.zone.show(end)),
        None => "it never expires".to_owned(),
    };
    match check.kind() {
        None if paper.offline => {
            format!("{}: {left}; the service was not asked", paper.paint("32", "looks usable"))
        }
        None => format!("{}: {left}", paper.paint("32", "usable")),
        Some(ErrorKind::CheckFailed) => format!("{}: {left}", paper.paint("33", "usable, but not for long")),
        Some(ErrorKind::Partial) => format!("{}: {left}", paper.paint("1;31", "partly usable")),
        Some(_) => paper.paint("1;31", "not usable"),
    }
}

/// The newest events as a table of their own, oldest first.
fn samples(check: &Check, paper: &ReportStyle, out: &mut Vec<u8>) -> Result<()> {
    let zone = time_style(&paper.zone);
    let width = paper.width.map(|width| u16::try_from(width).unwrap_or(u16::MAX));
    let look = RenderOptions { width, colour: paper.colour, escape: true, zone, ..RenderOptions::plain() };
    let context = EventContext { profile: check.profile.clone(), account_uuid: check.account_uuid.clone() };
    let mut samples: Vec<&Sample> = check.samples.iter().collect();
    samples.sort_by_key(|sample| sample.time);
    let streams: Vec<_> = check.samples.iter().map(|sample| sample.stream).collect();
    let mut renderer = EventEncoder::new(Format::Table, Shape::Raw, None, &streams, look, context)?;
    renderer.begin(out);
    for sample in samples {
        let event = Event { stream: sample.stream, raw: &sample.raw, uuid: None, time: sample.time };
        renderer.event(&event, sample.received_at, out);
    }
    renderer.end(out);
    Ok(())
}
