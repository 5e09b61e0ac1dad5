//! A step of a diagnosis, its outcome, and the diagnosis that the steps make up. Knows no network.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::{Error, ErrorKind, combine};
use crate::event::Stream;

/// The outcome of a step.
#[derive(Debug)]
pub enum StepOutcome {
    /// All is well; what was found.
    Ok(String),
    /// Something is wrong.
    Failed(Error),
    /// It was not looked at; why, where that is not plain.
    Skipped(String),
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct DiagnosisStep {
    /// Its name in reports.
    pub name: &'static str,
    /// The stream it is about, if it is about one.
    pub stream: Option<Stream>,
    /// Its outcome.
    pub outcome: StepOutcome,
    /// How long it took, where it took time of its own.
    pub took: Option<Duration>,
}

impl DiagnosisStep {
    /// A step that took no time.
    pub fn new(name: &'static str, outcome: StepOutcome) -> Self {
        DiagnosisStep { name, stream: None, outcome, took: None }
    }

    /// A step where all is well.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        DiagnosisStep::new(name, StepOutcome::Ok(found.into()))
    }

    /// A step that was not taken.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        DiagnosisStep::new(name, StepOutcome::Skipped(why.into()))
    }

    /// A step with something wrong.
    pub fn failed(name: &'static str, failure: Error) -> Self {
        DiagnosisStep::new(name, StepOutcome::Failed(failure))
    }

    /// Says how long it took.
    #[must_use]
    pub fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }

    /// What is wrong, if something is.
    pub fn failure(&self) -> Option<&Error> {
        match &self.outcome {
            StepOutcome::Failed(failure) => Some(failure),
            StepOutcome::Ok(_) | StepOutcome::Skipped(_) => None,
        }
    }
}

/// The newest event of a stream.
#[derive(Debug)]
pub struct SampleEvent {
    /// Its stream.
    pub stream: Stream,
    /// Its text, as the service sent it.
    pub raw: Vec<u8>,
    /// When it happened.
    pub time: Option<DateTime<Utc>>,
    /// When it was read.
    pub received_at: DateTime<Utc>,
}

/// All that was found out about one profile's token.
#[derive(Debug)]
pub struct TokenDiagnosis {
    /// The profile.
    pub profile: String,
    /// The server, where it is known.
    pub server: Option<String>,
    /// The account, as the token tells it.
    pub account_uuid: Option<String>,
    /// When the token ends; none when it never does, or cannot be read.
    pub expires_at: Option<DateTime<Utc>>,
    /// The steps, in the order they were taken.
    pub steps: Vec<DiagnosisStep>,
    /// The newest events, where they were asked for.
    pub samples: Vec<SampleEvent>,
}

impl TokenDiagnosis {
    /// A diagnosis without steps yet.
    pub fn of(profile: &str) -> Self {
        TokenDiagnosis {
            profile: profile.to_owned(),
            server: None,
            account_uuid: None,
            expires_at: None,
            steps: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// The diagnosis whose steps that ask the service are not taken.
    #[must_use]
    pub fn ended(mut self, offline: bool) -> Self {
        if !offline {
            let names = ["DNS", "TCP", "TLS", "HTTP", "auth", "data"];
            self.steps.extend(names.map(|name| DiagnosisStep::skipped(name, "")));
        }
        self
    }

    /// Everything that is wrong, with the step where it was found.
    pub fn failures(&self) -> impl Iterator<Item = (&DiagnosisStep, &Error)> {
        self.steps.iter().filter_map(|step| Some((step, step.failure()?)))
    }

    /// Whether something is wrong that makes further steps pointless; an early expiry does not.
    pub fn is_over(&self) -> bool {
        self.failures().any(|(_, failure)| failure.kind() != ErrorKind::CheckFailed)
    }

    /// The one kind for all that is wrong; none when the token is usable for long enough.
    pub fn kind(&self) -> Option<ErrorKind> {
        let kinds: Vec<ErrorKind> = self.failures().map(|(_, failure)| failure.kind()).collect();
        let broken: Vec<ErrorKind> =
            kinds.iter().copied().filter(|kind| *kind != ErrorKind::CheckFailed).collect();
        let read = |step: &DiagnosisStep| step.stream.is_some() && matches!(step.outcome, StepOutcome::Ok(_));
        combine(&broken, self.steps.iter().any(read)).or(kinds.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stream_that_was_read_makes_a_failure_partial() {
        let mut diagnosis = TokenDiagnosis::of("acme");
        assert_eq!(diagnosis.kind(), None);
        let data =
            |outcome, stream| DiagnosisStep { stream: Some(stream), ..DiagnosisStep::new("data", outcome) };
        let failure = || StepOutcome::Failed(Error::new(ErrorKind::Service, "503"));
        diagnosis.steps.push(data(failure(), Stream::AuditEvents));
        assert_eq!(diagnosis.kind(), Some(ErrorKind::Service));
        diagnosis.steps.push(data(StepOutcome::Ok("an event".into()), Stream::ItemUsages));
        assert_eq!(diagnosis.kind(), Some(ErrorKind::Partial));
    }
}
