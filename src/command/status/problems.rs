//! What of an overview is a problem: late, in error, damaged, or never begun. Decides nothing else.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::view::{ConsumerStatus, StatusReport, StreamStatus};
use crate::health::{ErrorClass, LastError, RunMode};
use crate::sanitize;
use crate::time::duration;

/// The least time after which a stream that is followed is late: its health file is written every 5 s.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);

/// One problem; its text is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StatusProblem {
    pub profile: Option<String>,
    pub consumer: Option<String>,
    pub stream: Option<String>,
    pub problem: ProblemKind,
    pub message: String,
}

/// What sort of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProblemKind {
    /// There is no saved position.
    Missing,
    /// The checkpoint cannot be used.
    Damaged,
    /// The service has forgotten events that were not delivered (P11).
    Gap,
    /// The last thing that happened is a failure.
    Error,
    /// The collector ended without a word.
    Died,
    /// Nothing came for too long.
    Late,
}

impl ProblemKind {
    fn name(self) -> &'static str {
        match self {
            ProblemKind::Missing => "MISSING",
            ProblemKind::Damaged => "DAMAGED",
            ProblemKind::Gap => "GAP",
            ProblemKind::Error => "ERROR",
            ProblemKind::Died => "DIED",
            ProblemKind::Late => "LATE",
        }
    }
}

impl fmt::Display for StatusProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem.name())?;
        for part in [&self.profile, &self.consumer, &self.stream].into_iter().flatten() {
            write!(f, " {}", sanitize::message(part))?;
        }
        write!(f, ": {}", sanitize::escaped(&self.message))
    }
}

/// All problems, at most one a stream.
pub(super) fn problems(overview: &StatusReport, max_age: TimeDelta) -> Vec<StatusProblem> {
    let mut found = Vec::new();
    for profile in &overview.without_position {
        found.push(missing(Some(profile)));
    }
    if overview.positions.is_empty() && found.is_empty() {
        found.push(missing(None));
    }
    for standing in &overview.positions {
        let problem = |stream: Option<&StreamStatus>, (problem, message)| StatusProblem {
            profile: Some(standing.profile.clone()),
            consumer: Some(standing.consumer.clone()),
            stream: stream.map(|stream| stream.stream.clone()),
            problem,
            message,
        };
        if let Some(damage) = &standing.damage {
            found.push(problem(None, (ProblemKind::Damaged, damage.clone())));
        } else if let Some(error) = &standing.blocked {
            found.push(problem(None, (ProblemKind::Error, error_text(error, overview.time))));
        } else if standing.streams.is_empty() && !standing.running {
            found.push(problem(None, (ProblemKind::Missing, "nothing was ever saved".into())));
        }
        for stream in &standing.streams {
            if let Some(judged) = judge(standing, stream, max_age, overview.time) {
                found.push(problem(Some(stream), judged));
            }
        }
    }
    found
}

fn missing(profile: Option<&String>) -> StatusProblem {
    StatusProblem {
        profile: profile.cloned(),
        consumer: None,
        stream: None,
        problem: ProblemKind::Missing,
        message: "no saved position".into(),
    }
}

fn judge(
    standing: &ConsumerStatus,
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
    let late = lateness(standing, stream, max_age, now);
    if let Some(error) = stream.last_error.as_ref().filter(|_| stream.is_failing()) {
        // What may pass is asked again at once; it is trouble when the next polls are late as well.
        let may_pass =
            standing.running && stream.interval().is_some() && error.class == ErrorClass::ThirdPartyGeneric;
        return (!may_pass || late.is_some()).then(|| (ProblemKind::Error, error_text(error, now)));
    }
    if stream.died && standing.work == Some(RunMode::Tail) {
        return Some((ProblemKind::Died, format!("tail ended without a word{}", last_poll(stream, now))));
    }
    late.map(|message| (ProblemKind::Late, message))
}

/// What is late about a stream, if it is: its polls where it is followed, else its position.
fn lateness(
    standing: &ConsumerStatus,
    stream: &StreamStatus,
    max_age: TimeDelta,
    now: DateTime<Utc>,
) -> Option<String> {
    if let Some(interval) = stream.interval() {
        let allowed = TimeDelta::from_std(interval.saturating_mul(2)).unwrap_or(TimeDelta::MAX).max(PATIENCE);
        let heard = stream.last_good_poll.max(stream.started_at)?;
        return (now - heard > allowed).then(|| {
            let text = format!("an interval of {}{}", duration::show(interval), last_poll(stream, now));
            if standing.running { text } else { format!("tail has ended; {text}") }
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

/// Class, age and text of an error.
pub(super) fn error_text(error: &LastError, now: DateTime<Utc>) -> String {
    format!("{} {} ago: {}", error.class, short(now - error.at), error.message)
}

/// A length of time in its greatest unit: `12s`, `3m`, `2h`, `5d`.
pub(super) fn short(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::CollectorState;

    const NOW: DateTime<Utc> = DateTime::<Utc>::from_timestamp(1_763_700_000, 0).unwrap();

    fn ago(seconds: i64) -> Option<DateTime<Utc>> {
        Some(NOW - TimeDelta::seconds(seconds))
    }

    fn standing(work: Option<RunMode>, stream: StreamStatus) -> ConsumerStatus {
        ConsumerStatus {
            profile: "acme".into(),
            consumer: "out\n.ndjson".into(),
            key: "key".into(),
            work,
            running: true,
            holder: None,
            damage: None,
            blocked: None,
            host: None,
            account: None,
            saved_at: None,
            streams: vec![StreamStatus { stream: "auditevents".into(), ..stream }],
        }
    }

    /// The problems' lines of one stream.
    fn said(work: Option<RunMode>, stream: StreamStatus) -> Vec<String> {
        let overview = StatusReport {
            time: NOW,
            ok: true,
            problems: Vec::new(),
            positions: vec![standing(work, stream)],
            without_position: Vec::new(),
        };
        problems(&overview, TimeDelta::days(1)).iter().map(ToString::to_string).collect()
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
