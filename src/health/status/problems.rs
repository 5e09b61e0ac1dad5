//! Finds the problems of saved positions: late, failed, damaged, without a file, or never started.
//!
//! Only decides; reads nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::consumers::{ConsumerStatus, StreamStatus};
use super::problem::{ProblemKind, StatusProblem, error_text, short};
use crate::health::{ErrorClass, RunMode};
use crate::output::saved_state::Verified;
use crate::time::duration;

/// The least time after which a stream that is followed is late: its health file is written every 5 s.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);

/// All problems at `now`, at most one a stream; `without_position` names profiles that have none.
pub(super) fn find(
    consumers: &[ConsumerStatus],
    without_position: &[String],
    max_age: TimeDelta,
    now: DateTime<Utc>,
) -> Vec<StatusProblem> {
    let mut found: Vec<StatusProblem> =
        without_position.iter().map(|profile| no_position(Some(profile))).collect();
    if consumers.is_empty() && found.is_empty() {
        found.push(no_position(None));
    }
    for consumer in consumers {
        let problem = |stream: Option<&StreamStatus>, (problem, message)| StatusProblem {
            profile: Some(consumer.profile.clone()),
            consumer: Some(consumer.consumer.clone()),
            stream: stream.map(|stream| stream.stream.clone()),
            problem,
            message,
        };
        found.extend(of_consumer(consumer, now).map(|what| problem(None, what)));
        for stream in &consumer.streams {
            if let Some(what) = of_stream(consumer, stream, max_age, now) {
                found.push(problem(Some(stream), what));
            }
        }
    }
    found
}

fn no_position(profile: Option<&String>) -> StatusProblem {
    StatusProblem {
        profile: profile.cloned(),
        consumer: None,
        stream: None,
        problem: ProblemKind::Missing,
        message: "no saved position".into(),
    }
}

fn of_consumer(consumer: &ConsumerStatus, now: DateTime<Utc>) -> Option<(ProblemKind, String)> {
    if let Some(damage) = &consumer.damage {
        Some((ProblemKind::Damaged, damage.clone()))
    } else if let Some(error) = &consumer.blocked {
        Some((ProblemKind::Error, error_text(error, now)))
    } else if consumer.output_missing {
        let message = "the managed file is missing: it was moved away or removed".to_owned();
        Some((ProblemKind::OutputMissing, message))
    } else if let Some(message) = changed_output(consumer) {
        Some((ProblemKind::OutputChanged, message))
    } else if consumer.streams.is_empty() && !consumer.running {
        Some((ProblemKind::Missing, "nothing was ever saved".into()))
    } else {
        None
    }
}

/// What is wrong with what a managed file holds, where that was looked at.
pub(super) fn changed_output(consumer: &ConsumerStatus) -> Option<String> {
    if let Some(failure) = &consumer.output_unreadable {
        return Some(format!("the managed file cannot be verified: {failure}"));
    }
    let changed = "the managed file was changed: it does not hold what was delivered to it";
    (consumer.output_verified == Some(Verified::Changed)).then(|| changed.to_owned())
}

fn of_stream(
    consumer: &ConsumerStatus,
    stream: &StreamStatus,
    max_age: TimeDelta,
    now: DateTime<Utc>,
) -> Option<(ProblemKind, String)> {
    if let Some(left) = stream.retention_days_left.filter(|left| *left < 0) {
        return Some((
            ProblemKind::Gap,
            format!("the position is {} days older than the service remembers", -left),
        ));
    }
    let late = lateness(consumer, stream, max_age, now);
    if let Some(error) = stream.last_error.as_ref().filter(|_| stream.is_failing()) {
        // Transient failures are retried at once; they are a problem when the next polls are late as well.
        let may_pass =
            consumer.running && stream.interval().is_some() && error.class == ErrorClass::ThirdPartyGeneric;
        return (!may_pass || late.is_some()).then(|| (ProblemKind::Error, error_text(error, now)));
    }
    if stream.died && consumer.work == Some(RunMode::Tail) {
        return Some((ProblemKind::Died, format!("tail ended without saying so{}", last_poll(stream, now))));
    }
    late.map(|message| (ProblemKind::Late, message))
}

/// Whether a stream is late: its polls where it is followed, else its position.
fn lateness(
    consumer: &ConsumerStatus,
    stream: &StreamStatus,
    max_age: TimeDelta,
    now: DateTime<Utc>,
) -> Option<String> {
    if let Some(interval) = stream.interval() {
        let allowed = TimeDelta::from_std(interval.saturating_mul(2)).unwrap_or(TimeDelta::MAX).max(PATIENCE);
        let heard = stream.last_good_poll.max(stream.started_at)?;
        return (now - heard > allowed).then(|| {
            let text = format!("an interval of {}{}", duration::show(interval), last_poll(stream, now));
            if consumer.running { text } else { format!("tail has ended; {text}") }
        });
    }
    let fresh = stream.fresh_at().or(stream.started_at);
    let age = fresh.map(|fresh| now - fresh).filter(|age| *age > max_age)?;
    let allowed = duration::show(max_age.to_std().unwrap_or_default());
    Some(format!("the position is {} old, more than {allowed}", short(age)))
}

fn last_poll(stream: &StreamStatus, now: DateTime<Utc>) -> String {
    match stream.last_good_poll {
        Some(then) => format!(", the last answer came {} ago", short(now - then)),
        None => ", and no answer ever came".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{CollectorState, LastError};

    const NOW: DateTime<Utc> = DateTime::<Utc>::from_timestamp(1_763_700_000, 0).unwrap();

    fn ago(seconds: i64) -> Option<DateTime<Utc>> {
        Some(NOW - TimeDelta::seconds(seconds))
    }

    fn consumer(work: Option<RunMode>, stream: StreamStatus) -> ConsumerStatus {
        ConsumerStatus {
            profile: "acme".into(),
            consumer: "out\n.ndjson".into(),
            key: "key".into(),
            work,
            running: true,
            holder: None,
            damage: None,
            blocked: None,
            output: None,
            output_missing: false,
            output_verified: None,
            output_unreadable: None,
            host: None,
            account: None,
            saved_at: None,
            streams: vec![StreamStatus { stream: "auditevents".into(), ..stream }],
        }
    }

    /// The problems' lines of one stream.
    fn said(work: Option<RunMode>, stream: StreamStatus) -> Vec<String> {
        find(&[consumer(work, stream)], &[], TimeDelta::days(1), NOW)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_tail_is_late_after_two_intervals_and_never_within_fifteen_seconds() {
        let tail = |interval, last| {
            let stream = StreamStatus {
                state: Some(CollectorState::Collecting),
                interval_seconds: Some(interval),
                last_good_poll: ago(last),
                started_at: ago(100_000),
                ..StreamStatus::default()
            };
            said(Some(RunMode::Tail), stream)
        };
        assert!(tail(30.0, 60).is_empty());
        assert_eq!(
            tail(30.0, 61),
            ["LATE acme out\\n.ndjson auditevents: an interval of 30s, the last answer came 61s ago"]
        );
        assert!(tail(1.0, 15).is_empty());
        assert!(!tail(1.0, 16).is_empty());
    }

    #[test]
    fn a_fetch_is_late_by_its_position_and_a_quiet_stream_is_not() {
        let old = StreamStatus { reached: ago(90_000), ..StreamStatus::default() };
        let text = &said(Some(RunMode::Fetch), old)[0];
        assert!(text.ends_with("the position is 25h old, more than 1d"), "{text}");
        let quiet = StreamStatus {
            reached: ago(90_000),
            caught_up: Some(true),
            last_good_poll: ago(60),
            ..StreamStatus::default()
        };
        assert!(said(None, quiet).is_empty());
        let behind = StreamStatus {
            reached: ago(90_000),
            caught_up: Some(false),
            last_good_poll: ago(60),
            ..StreamStatus::default()
        };
        assert_eq!(said(None, behind).len(), 1, "pages come, but none of now");
    }

    #[test]
    fn errors_deaths_and_gaps_are_told_apart() {
        let error = LastError {
            at: NOW - TimeDelta::hours(3),
            class: ErrorClass::ThirdPartyConfig,
            kind: "token_refused".into(),
            message: "the service refused the token\u{1b}".into(),
        };
        let failing = StreamStatus {
            state: Some(CollectorState::Error),
            last_error: Some(error.clone()),
            ..StreamStatus::default()
        };
        let text = &said(None, failing)[0];
        assert!(
            text.starts_with("ERROR acme out\\n.ndjson auditevents: ThirdPartyConfig 3h ago: "),
            "{text}"
        );
        assert!(text.ends_with("token\\u{1b}"), "{text}");

        let retrying = |last| StreamStatus {
            state: Some(CollectorState::Error),
            last_error: Some(LastError { class: ErrorClass::ThirdPartyGeneric, ..error.clone() }),
            interval_seconds: Some(30.0),
            last_good_poll: ago(last),
            ..StreamStatus::default()
        };
        assert!(said(Some(RunMode::Tail), retrying(50)).is_empty(), "one 503 wakes nobody");
        assert!(said(Some(RunMode::Tail), retrying(70))[0].starts_with("ERROR "));

        let dead = || StreamStatus {
            state: Some(CollectorState::Error),
            died: true,
            reached: ago(60),
            ..StreamStatus::default()
        };
        assert!(said(Some(RunMode::Tail), dead())[0].starts_with("DIED "));
        assert!(said(Some(RunMode::Fetch), dead()).is_empty(), "the next run goes on from there");

        let gap = StreamStatus { retention_days_left: Some(-3), ..StreamStatus::default() };
        assert!(said(None, gap)[0].starts_with("GAP "));
    }
}
