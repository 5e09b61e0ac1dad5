//! The time range of a question: since inclusive, until exclusive.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, ErrorKind, Result};
use crate::time::{RangeEnd, TimeExpr, Zone, duration};

/// How long the service keeps events, in days.
pub const RETENTION_DAYS: i64 = 120;

/// Where a question starts that does not say.
const DEFAULT_SINCE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// The time range of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRange {
    /// The first moment in it.
    pub since: DateTime<Utc>,
    /// The first moment after it: `--until`, else now.
    pub until: DateTime<Utc>,
    /// Whether the end was typed; if not, it cuts nothing.
    pub until_is_typed: bool,
    /// What a person should know: the start was moved to what the service still keeps, or a time of the
    /// wall clock is not one moment.
    pub warnings: Vec<String>,
}

impl ResolvedRange {
    /// Decides the range of a question at `now`.
    ///
    /// # Errors
    /// Fails with `Usage` when the range lies in the future, ends before it starts, or ends before what
    /// the service still keeps; the message shows the resolved times.
    pub fn decide(
        since: Option<&TimeExpr>,
        until: Option<&TimeExpr>,
        now: DateTime<Utc>,
        zone: &Zone,
    ) -> Result<ResolvedRange> {
        ResolvedRange::resolve(since, until, now, zone)?.clamped(now, zone)
    }

    /// Decides the range of a question to a stand-in on this machine, which keeps whatever it was given:
    /// a range that is too old for the service is reported and requested all the same.
    ///
    /// # Errors
    /// Fails with `Usage` when the range lies in the future or ends before it starts.
    pub fn decide_for_stand_in(
        since: Option<&TimeExpr>,
        until: Option<&TimeExpr>,
        now: DateTime<Utc>,
        zone: &Zone,
    ) -> Result<ResolvedRange> {
        let mut range = ResolvedRange::resolve(since, until, now, zone)?;
        if range.since < oldest_kept(now) {
            let warning = format!("{}, though this stand-in may", range.too_old(zone));
            range.warnings.push(warning);
        }
        Ok(range)
    }

    /// Decides the range of a question to files: everything, unless a time was typed.
    ///
    /// # Errors
    /// Fails with `Usage` when the range ends before it starts.
    pub fn decide_for_files(
        since: Option<&TimeExpr>,
        until: Option<&TimeExpr>,
        now: DateTime<Utc>,
        zone: &Zone,
    ) -> Result<ResolvedRange> {
        let beginning = TimeExpr::Moment(DateTime::UNIX_EPOCH);
        let mut range = ResolvedRange::resolve(Some(since.unwrap_or(&beginning)), until, now, zone)?;
        if since.is_none() {
            // Before every time that can be typed.
            range.since = DateTime::<Utc>::MIN_UTC;
        }
        Ok(range)
    }

    fn resolve(
        since: Option<&TimeExpr>,
        until: Option<&TimeExpr>,
        now: DateTime<Utc>,
        zone: &Zone,
    ) -> Result<ResolvedRange> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        let mut warnings = Vec::new();
        let mut resolve = |flag: &str, time: &TimeExpr, end| {
            let resolved = time.resolve(now, zone, end).map_err(|why| usage(format!("{flag}: {why}")))?;
            warnings.extend(resolved.note.map(|note| format!("{flag}: {note}")));
            Ok::<_, Error>(resolved.moment)
        };
        let typed_since = since.cloned().unwrap_or(TimeExpr::Ago(DEFAULT_SINCE));
        let since = resolve("--since", &typed_since, RangeEnd::Since)?;
        let typed_until = until.map(|time| resolve("--until", time, RangeEnd::Until)).transpose()?;
        let until = typed_until.unwrap_or(now);

        if since > now {
            return Err(usage(format!("--since {typed_since} is in the future ({})", zone.show(since)))
                .hint(format!(
                    "type an earlier time, or a length of time ago: --since 2h (it is {} now)",
                    zone.show(now)
                )));
        }
        if since >= until {
            let (from, to) = (zone.show(since), zone.show(until));
            return Err(usage(format!("--since ({from}) is not before --until ({to})"))
                .hint("swap them, or leave out --until for now"));
        }
        Ok(ResolvedRange { since, until, until_is_typed: typed_until.is_some(), warnings })
    }

    /// Moves the start to the service's retention.
    fn clamped(mut self, now: DateTime<Utc>, zone: &Zone) -> Result<ResolvedRange> {
        let kept = oldest_kept(now);
        if self.until <= kept {
            let until = zone.show(self.until);
            let message = format!("--until ({until}) is more than {RETENTION_DAYS} days ago");
            return Err(Error::new(ErrorKind::Usage, message).hint(
                "ask for later events, or look into the web app's reports: the service keeps no more",
            ));
        }
        if self.since < kept {
            let warning = format!("{}, so the range starts at {}", self.too_old(zone), zone.show(kept));
            self.warnings.push(warning);
            self.since = kept;
        }
        Ok(self)
    }

    fn too_old(&self, zone: &Zone) -> String {
        let days = duration::show(std::time::Duration::from_secs(RETENTION_DAYS as u64 * 86_400));
        format!("--since ({}) is more than {days} ago; the service keeps no more", zone.show(self.since))
    }
}

/// The time before which the service keeps nothing.
fn oldest_kept(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::days(RETENTION_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(since: Option<&str>, until: Option<&str>) -> Result<ResolvedRange> {
        let now = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc();
        let read = |text: &str| text.parse::<TimeExpr>().unwrap();
        ResolvedRange::decide(since.map(read).as_ref(), until.map(read).as_ref(), now, &Zone::Utc)
    }

    fn refused(since: Option<&str>, until: Option<&str>) -> String {
        let failure = decide(since, until).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Usage);
        assert!(failure.advice().is_some());
        failure.to_string()
    }

    #[test]
    fn the_last_day_is_the_default_and_an_untyped_end_cuts_nothing() {
        let range = decide(None, None).unwrap();
        assert_eq!(range.since.to_rfc3339(), "2026-11-19T12:00:00+00:00");
        assert_eq!(range.until.to_rfc3339(), "2026-11-20T12:00:00+00:00");
        assert!(!range.until_is_typed && range.warnings.is_empty());
        assert!(decide(None, Some("now")).unwrap().until_is_typed);
    }

    #[test]
    fn an_end_in_the_future_is_fine() {
        assert_eq!(decide(None, Some("tomorrow")).unwrap().until.to_rfc3339(), "2026-11-21T00:00:00+00:00");
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_with_its_times() {
        assert_eq!(
            refused(Some("tomorrow"), None),
            "--since tomorrow is in the future (2026-11-21T00:00:00Z)"
        );
        assert_eq!(
            refused(Some("1h"), Some("2h")),
            "--since (2026-11-20T11:00:00Z) is not before --until (2026-11-20T10:00:00Z)"
        );
        assert!(refused(Some("now"), None).contains("is not before"));
        assert!(refused(Some("200d"), Some("150d")).contains("more than 120 days ago"));
        let failure = decide(Some("999999w"), None).unwrap_err();
        assert_eq!(failure.to_string(), "--since: 999999w is too far away to be counted");
    }

    #[test]
    fn a_start_before_what_is_kept_is_moved_with_a_warning() {
        let range = decide(Some("2020-01-01"), None).unwrap();
        assert_eq!(range.since.to_rfc3339(), "2026-07-23T12:00:00+00:00");
        assert!(range.warnings[0].starts_with("--since (2020-01-01T00:00:00Z) is more than 120d ago"));
        assert_eq!(decide(Some("120d"), None).unwrap().warnings, [""; 0]);
    }

    #[test]
    fn a_stand_in_is_asked_for_what_the_service_would_have_forgotten() {
        let now = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc();
        let (since, until) = ("2020-01-01".parse().unwrap(), "2021-01-01".parse().unwrap());
        let range = ResolvedRange::decide_for_stand_in(Some(&since), Some(&until), now, &Zone::Utc).unwrap();
        assert_eq!(range.since.to_rfc3339(), "2020-01-01T00:00:00+00:00");
        assert!(range.warnings[0].ends_with("the service keeps no more, though this stand-in may"));
    }
}
