//! Diagnoses for people: a table of steps, or a line a profile. Pure.
//!
//! All foreign text is escaped, and nothing is cut where no terminal limits the width.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::expiry::{days, days_left};
use super::step::{DiagnosisStep, SampleEvent, StepOutcome, TokenDiagnosis};
use crate::console::{CellTone, TextStyle, TextTable};
use crate::encode::{EventContext, EventEncoder, Format, RenderOptions, Shape, TimeStyle};
use crate::error::{ErrorKind, Result};
use crate::event::Event;
use crate::sanitize;
use crate::time::Zone;

/// How a diagnosis is shown to people.
#[derive(Debug)]
pub struct DiagnosisStyle {
    /// What the place where it is read can show.
    pub text: TextStyle,
    /// The zone of times.
    pub zone: Zone,
    /// The same for the times of events.
    pub event_time: TimeStyle,
    /// Whether the service was not asked.
    pub offline: bool,
}

/// Every diagnosis, step by step.
///
/// # Errors
/// Fails only when samples cannot be laid out.
pub fn table(checks: &[TokenDiagnosis], style: &DiagnosisStyle, now: DateTime<Utc>) -> Result<Vec<u8>> {
    let mut text = String::new();
    for check in checks {
        let server = check.server.as_deref().map(sanitize::message).unwrap_or_default();
        let _ = writeln!(
            text,
            "{}\n",
            format!("{}  {server}", style.text.paint(CellTone::Bold, &check.profile)).trim_end()
        );
        let mut steps = TextTable::new(style.text, 0);
        check.steps.iter().for_each(|step| steps.row(cells(step)));
        text.push_str(&steps.keep_whole([0, 1, 2]).align_right([2]).render());
        let _ = writeln!(text, "\n{}", verdict(check, style, now));
    }
    let mut bytes = text.into_bytes();
    for check in checks.iter().filter(|check| !check.samples.is_empty()) {
        bytes.push(b'\n');
        samples(check, style, &mut bytes)?;
    }
    Ok(bytes)
}

/// One line a profile: its name, state, days left, and server or what is wrong.
pub fn list(checks: &[TokenDiagnosis], style: &DiagnosisStyle, now: DateTime<Utc>) -> String {
    let mut rows = TextTable::new(style.text, 0);
    rows.header(["PROFILE", "STATE", "DAYS", "SERVER OR FAILED STEP"]);
    for check in checks {
        let left = check.expires_at.map_or("-".to_owned(), |end| days_left(end, now).to_string());
        let last = match check.failures().next() {
            Some((step, _)) => {
                format!("{}{}", step.name, step.stream.map_or(String::new(), |s| format!(" {s}")))
            }
            None => sanitize::message(check.server.as_deref().unwrap_or_default()).into_owned(),
        };
        let state = state(check.kind());
        rows.row([
            (CellTone::Plain, Cow::from(&check.profile)),
            (tone(state), state.into()),
            (CellTone::Plain, left.into()),
            (CellTone::Plain, last.into()),
        ]);
    }
    rows.keep_whole([0, 1, 2]).align_right([2]).render()
}

/// The one word for a diagnosis.
pub(super) fn state(kind: Option<ErrorKind>) -> &'static str {
    match kind {
        None => "ok",
        Some(ErrorKind::CheckFailed) => "soon",
        Some(_) => "failed",
    }
}

/// A step's name, state, milliseconds and what was found.
fn cells(step: &DiagnosisStep) -> [(CellTone, Cow<'_, str>); 4] {
    let (word, found) = match &step.outcome {
        StepOutcome::Ok(found) => ("ok", found.as_str()),
        StepOutcome::Skipped(why) => ("skipped", why.as_str()),
        // Without the server's and the system's own words: those are told with the failure.
        StepOutcome::Failed(failure) if failure.kind() == ErrorKind::CheckFailed => {
            ("soon", failure.message())
        }
        StepOutcome::Failed(failure) => ("failed", failure.message()),
    };
    let found = match step.stream {
        Some(stream) if step.failure().is_some() => Cow::from(format!("{stream}: {found}")),
        _ => Cow::from(found),
    };
    let took = step.took.map_or(String::new(), milliseconds);
    [
        (CellTone::Plain, step.name.into()),
        (tone(word), word.into()),
        (CellTone::Plain, took.into()),
        (CellTone::Plain, found),
    ]
}

/// How the word for a state stands out.
fn tone(word: &str) -> CellTone {
    match word {
        "ok" => CellTone::Good,
        "failed" => CellTone::Bad,
        "soon" => CellTone::Warning,
        _ => CellTone::Dim,
    }
}

fn milliseconds(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn verdict(check: &TokenDiagnosis, style: &DiagnosisStyle, now: DateTime<Utc>) -> String {
    let left = match check.expires_at {
        Some(end) => format!("{} left, until {}", days(days_left(end, now)), style.zone.show(end)),
        None => "it never expires".to_owned(),
    };
    match check.kind() {
        None if style.offline => {
            format!("{}: {left}; the service was not asked", style.text.paint(CellTone::Good, "looks usable"))
        }
        None => format!("{}: {left}", style.text.paint(CellTone::Good, "usable")),
        Some(ErrorKind::CheckFailed) => {
            format!("{}: {left}", style.text.paint(CellTone::Warning, "usable, but not for long"))
        }
        Some(ErrorKind::Partial) => format!("{}: {left}", style.text.paint(CellTone::Bad, "partly usable")),
        Some(_) => style.text.paint(CellTone::Bad, "not usable"),
    }
}

/// The newest events as a table of their own, oldest first.
fn samples(check: &TokenDiagnosis, style: &DiagnosisStyle, out: &mut Vec<u8>) -> Result<()> {
    let TextStyle { width, colour } = style.text;
    let options = RenderOptions {
        width,
        colour,
        escape: true,
        zone: style.event_time.clone(),
        ..RenderOptions::plain()
    };
    let context = EventContext {
        profile: check.profile.clone(),
        account_uuid: check.account_uuid.clone(),
        ..EventContext::default()
    };
    let mut samples: Vec<&SampleEvent> = check.samples.iter().collect();
    samples.sort_by_key(|sample| sample.time);
    let streams: Vec<_> = check.samples.iter().map(|sample| sample.stream).collect();
    let mut renderer = EventEncoder::new(Format::Table, Shape::Raw, None, &streams, options, context)?;
    renderer.begin(out);
    for sample in samples {
        let event = Event { stream: sample.stream, raw: &sample.raw, uuid: None, time: sample.time };
        renderer.event(&event, sample.received_at, out);
    }
    renderer.end(out);
    Ok(())
}
