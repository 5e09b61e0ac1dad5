//! The part of a diagnosis that asks the service: the way there, one introspection, one small request per
//! stream.

use chrono::{DateTime, TimeDelta, Utc};

use super::step::{DiagnosisStep, SampleEvent, StepOutcome, TokenDiagnosis};
use crate::api::client::Client;
use crate::api::connectivity;
use crate::api::endpoint::PageRequest;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::source::PageSource as _;
use crate::source::cursor::CursorLoop;

/// How far back the newest event is looked for: an hour, a day, a week.
const LOOK_BACK: [(TimeDelta, &str); 3] =
    [(TimeDelta::hours(1), "hour"), (TimeDelta::days(1), "day"), (TimeDelta::days(7), "week")];

/// Adds the steps that ask the service to `check`; after one that failed, the others are skipped.
/// `sample` is the page size with which the newest events are looked for, where they are wanted.
///
/// # Errors
/// Fails only when cancelled.
pub fn ask(
    client: &Client,
    clock: &dyn Clock,
    sample: Option<u16>,
    check: &mut TokenDiagnosis,
) -> Result<()> {
    check.steps.extend(client.probe()?.into_iter().map(leg));
    if check.is_over() {
        check.steps.extend(["HTTP", "auth", "data"].map(|name| DiagnosisStep::skipped(name, "")));
        return Ok(());
    }
    for stream in introspect(client, clock, check)? {
        let start = clock.elapsed();
        let outcome = match data(client, clock, stream, sample) {
            Ok((found, sample)) => {
                check.samples.extend(sample);
                StepOutcome::Ok(found)
            }
            Err(failure) => StepOutcome::Failed(uninterrupted(failure)?),
        };
        let took = clock.elapsed().saturating_sub(start);
        check
            .steps
            .push(DiagnosisStep { stream: Some(stream), ..DiagnosisStep::new("data", outcome) }.took(took));
    }
    Ok(())
}

fn leg(walked: connectivity::ConnectivityStep) -> DiagnosisStep {
    let name = walked.stage.name();
    match walked.outcome {
        connectivity::StageOutcome::Passed(found) => DiagnosisStep::ok(name, found).took(walked.took),
        connectivity::StageOutcome::Failed(failure) => DiagnosisStep::failed(name, failure).took(walked.took),
        connectivity::StageOutcome::Skipped(why) => DiagnosisStep::skipped(name, why),
    }
}

/// HTTP and authentication, both told by one answer; gives the streams to ask for.
fn introspect(client: &Client, clock: &dyn Clock, check: &mut TokenDiagnosis) -> Result<Vec<Stream>> {
    let start = clock.elapsed();
    let answer = client.introspect();
    let took = clock.elapsed().saturating_sub(start);
    match answer {
        Ok(answer) => {
            let api = client.version();
            let streams: Vec<_> = answer.streams().into_iter().filter(|s| api.serves(*s)).collect();
            check.steps.push(DiagnosisStep::ok("HTTP", "introspection answered").took(took));
            check.account_uuid = answer.account_uuid.or(check.account_uuid.take());
            if streams.is_empty() {
                let failure = Error::new(
                    ErrorKind::FeatureMissing,
                    format!("the service says that the token grants no stream of {api}"),
                );
                let hint = format!("choose \"Events to Report\" when issuing; {}", super::offline::ISSUE);
                check.steps.push(DiagnosisStep::failed("auth", failure.hint(hint)));
                check.steps.push(DiagnosisStep::skipped("data", ""));
            } else {
                check.steps.push(DiagnosisStep::ok("auth", format!("accepted; {}", count(streams.len()))));
            }
            Ok(streams)
        }
        Err(failure) => {
            let failure = uninterrupted(failure)?;
            if refuses_the_token(failure.kind()) {
                check.steps.push(DiagnosisStep::ok("HTTP", "answered").took(took));
                check.steps.push(DiagnosisStep::failed("auth", failure));
            } else {
                check.steps.push(DiagnosisStep::failed("HTTP", failure).took(took));
                check.steps.push(DiagnosisStep::skipped("auth", ""));
            }
            check.steps.push(DiagnosisStep::skipped("data", ""));
            Ok(Vec::new())
        }
    }
}

/// One event, or the newest one; what was found, in words.
fn data(
    client: &Client,
    clock: &dyn Clock,
    stream: Stream,
    sample: Option<u16>,
) -> Result<(String, Option<SampleEvent>)> {
    let Some(page_size) = sample else {
        let ask = PageRequest::First { limit: 1, since: None, until: None };
        let page = client.page(stream, &ask)?;
        let found = if page.is_empty() { "no event in the last hour" } else { "an event" };
        return Ok((format!("{stream}: {found}"), None));
    };
    for (back, word) in LOOK_BACK {
        if let Some(newest) = newest(client, clock.now() - back, stream, page_size)? {
            return Ok((format!("{stream}: an event in the last {word}"), Some(newest)));
        }
    }
    Ok((format!("{stream}: no event in the last week"), None))
}

/// The newest event since a time; of several at the same time the last to arrive.
fn newest(
    client: &Client,
    since: DateTime<Utc>,
    stream: Stream,
    page_size: u16,
) -> Result<Option<SampleEvent>> {
    let ask = PageRequest::First { limit: page_size, since: Some(since), until: None };
    let mut pages = CursorLoop::new(stream, ask, |ask| client.page(stream, ask));
    let mut newest: Option<SampleEvent> = None;
    while let Some(page) = pages.next_page()? {
        // The last of the greatest: order is not promised, so every event is looked at.
        let Some(event) = page.events().max_by_key(|event| event.time) else { continue };
        if newest.as_ref().is_none_or(|found| found.time <= event.time) {
            let raw = event.raw.to_vec();
            newest = Some(SampleEvent { stream, raw, time: event.time, received_at: page.received_at });
        }
    }
    Ok(newest)
}

/// Whether the service understood the question, and did not accept who asked.
fn refuses_the_token(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TokenMissing
            | ErrorKind::TokenRefused
            | ErrorKind::TokenExpired
            | ErrorKind::FeatureMissing
    )
}

/// A failure that is a finding; a signal is not.
fn uninterrupted(failure: Error) -> Result<Error> {
    if matches!(failure.kind(), ErrorKind::Interrupted(_)) { Err(failure) } else { Ok(failure) }
}

fn count(streams: usize) -> String {
    if streams == 1 { "1 stream".to_owned() } else { format!("{streams} streams") }
}
