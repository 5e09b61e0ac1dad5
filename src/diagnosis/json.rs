//! Diagnoses for programs: one JSON object each. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::expiry::days_left;
use super::report;
use super::step::{DiagnosisStep, StepOutcome, TokenDiagnosis};
use crate::error::{Error, ErrorKind, Result};

/// A diagnosis, as programs read it.
#[derive(Serialize)]
struct DiagnosisObject<'a> {
    profile: &'a str,
    server: Option<&'a str>,
    account_uuid: Option<&'a str>,
    /// `ok`, `soon` or `failed`.
    state: &'static str,
    /// The exit code it would have alone.
    code: u8,
    expires_at: Option<String>,
    days_left: Option<i64>,
    steps: Vec<StepObject<'a>>,
}

/// A step; `kind`, `code` and `hint` only where it failed, `newest` only with `--sample`.
#[derive(Serialize)]
struct StepObject<'a> {
    step: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'static str>,
    state: &'static str,
    ms: Option<f64>,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// The event's own text: its numbers keep their digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<&'a RawValue>,
}

/// One object, or with `all` an array of them.
///
/// # Errors
/// Fails only for what cannot be written as JSON.
pub fn to_json(checks: &[TokenDiagnosis], all: bool, now: DateTime<Utc>) -> Result<String> {
    let objects: Vec<DiagnosisObject<'_>> = checks.iter().map(|check| object(check, now)).collect();
    let written = match objects.as_slice() {
        [one] if !all => serde_json::to_string_pretty(one),
        many => serde_json::to_string_pretty(many),
    };
    let mut text =
        written.map_err(|e| Error::new(ErrorKind::Unexpected, "the check cannot be written").because(e))?;
    text.push('\n');
    Ok(text)
}

fn object(check: &TokenDiagnosis, now: DateTime<Utc>) -> DiagnosisObject<'_> {
    DiagnosisObject {
        profile: &check.profile,
        server: check.server.as_deref(),
        account_uuid: check.account_uuid.as_deref(),
        state: report::state(check.kind()),
        code: check.kind().map_or(0, ErrorKind::exit_code),
        expires_at: check.expires_at.map(|end| end.to_rfc3339_opts(SecondsFormat::Secs, true)),
        days_left: check.expires_at.map(|end| days_left(end, now)),
        steps: check.steps.iter().map(|step| step_object(check, step)).collect(),
    }
}

fn step_object<'a>(check: &'a TokenDiagnosis, step: &'a DiagnosisStep) -> StepObject<'a> {
    let (state, found) = match &step.outcome {
        StepOutcome::Ok(found) => ("ok", found.clone()),
        StepOutcome::Skipped(why) => ("skipped", why.clone()),
        StepOutcome::Failed(failure) => ("failed", failure.to_string()),
    };
    let sample = check.samples.iter().find(|sample| Some(sample.stream) == step.stream);
    StepObject {
        step: step.name,
        stream: step.stream.map(|stream| stream.name()),
        state,
        ms: step.took.map(|took| (took.as_secs_f64() * 1e5).round() / 100.0),
        found,
        kind: step.failure().map(|failure| failure.kind().name()),
        code: step.failure().map(|failure| failure.kind().exit_code()),
        hint: step.failure().and_then(Error::advice),
        // An event with a byte that is not UTF-8 cannot be JSON: it is left out.
        newest: sample.and_then(|sample| serde_json::from_slice(&sample.raw).ok()),
    }
}
