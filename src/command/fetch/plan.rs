//! What was typed, decided: which streams, in which form, where to, from when to when.

use std::fmt::Write as _;

use chrono::TimeDelta;

use crate::api::endpoint::BaseUrl;
use crate::cli::{FetchArgs, Sort};
use crate::command::Invocation;
use crate::command::output::{OutputArgs, OutputPlan, ResumeOptions, names};
use crate::command::session::Session;
use crate::config::{self, Settings};
use crate::encode::Format;
use crate::error::Result;
use crate::health::Work;
use crate::source::range::TimeRange;
use crate::time::Zone;

/// How long after the range's end an event of it may reach the service, unless `--late` says otherwise.
const LATE: TimeDelta = TimeDelta::days(1);

/// Everything about a fetch but the way to the service.
#[derive(Debug)]
pub(super) struct Plan {
    /// The form of the output, and its places.
    pub form: OutputPlan,
    /// The question's range; for a resumed run, where it starts if nothing was saved.
    pub range: TimeRange,
    /// The range's end as it is said to people.
    pub until: chrono::DateTime<chrono::Utc>,
    /// Whether events are to be put strictly in order of time.
    pub by_time: bool,
    zone: Zone,
}

impl Plan {
    /// Decides, and tells the person what was decided for them.
    ///
    /// # Errors
    /// Fails with `Usage` for what cannot be, and as [`Session::streams`] does.
    pub(super) fn make(
        invocation: &Invocation,
        session: &Session,
        args: &FetchArgs,
        decided: config::ResolvedRange,
    ) -> Result<Plan> {
        let zone = &session.settings.zone;
        let streams = session.streams(&args.streams)?;
        let wish = OutputArgs {
            output: args.output.as_deref(),
            format: args.format,
            shape: args.shape,
            fields: args.fields.as_deref(),
            saving: args.resume.then(|| saving(args)),
        };
        let form = OutputPlan::decide(invocation, session, &wish, &streams)?;
        let is_watched = form.to_terminal && form.format == Format::Table;
        let plan = Plan {
            range: TimeRange {
                since: decided.since,
                until: decided.until_is_typed.then_some(decided.until),
                late: args.late.map_or(LATE, |late| TimeDelta::from_std(late).unwrap_or(TimeDelta::MAX)),
            },
            until: decided.until,
            by_time: args.sort == Some(Sort::Time)
                || args.last.is_some()
                || (args.sort.is_none() && is_watched && args.limit.is_none() && !args.resume),
            zone: zone.clone(),
            form,
        };
        if !args.resume {
            invocation.runtime.console.note(&format!(
                "{} from {} to {}",
                names(&streams),
                zone.show(plan.range.since),
                zone.show(plan.until)
            ));
        }
        Ok(plan)
    }

    /// What would be done, for `--dry-run`.
    pub(super) fn describe(&self, session: &Session) -> String {
        let settings = &session.settings;
        let mut text = format!("profile   {}\nserver    {}\n", settings.profile, session.account.server);
        let _ = writeln!(text, "token     read, not sent");
        let _ = writeln!(text, "api       {}", settings.api);
        let _ = writeln!(
            text,
            "range     {} to {}{}",
            self.zone.show(self.range.since),
            self.zone.show(self.until),
            if self.range.until.is_none() { " (now: cuts nothing)" } else { "" }
        );
        let OutputPlan { format, shape, outputs, .. } = &self.form;
        for output in outputs {
            let (names, place) = (names(&output.streams), output.place.shown());
            let _ = writeln!(text, "output    {names} -> {place} as {format} ({shape})");
        }
        let _ = write!(text, "nothing was sent and nothing was written");
        text
    }
}

/// Decides the range, before any token is read: what was typed wrong is told first.
///
/// # Errors
/// As [`config::ResolvedRange::decide`].
pub(super) fn span(
    invocation: &Invocation,
    settings: &Settings,
    args: &FetchArgs,
) -> Result<config::ResolvedRange> {
    let (since, until) = (args.since.as_ref(), args.until.as_ref());
    let now = invocation.runtime.clock.now();
    let decided = if settings.server.as_ref().is_some_and(BaseUrl::is_loopback) {
        config::ResolvedRange::decide_for_stand_in(since, until, now, &settings.zone)?
    } else {
        config::ResolvedRange::decide(since, until, now, &settings.zone)?
    };
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(decided)
}

/// What was typed about the saved position.
pub(super) fn saving(args: &FetchArgs) -> ResumeOptions<'_> {
    let consumer = args.consumer.as_deref();
    ResumeOptions { consumer, lock_wait: args.lock_wait, file_mode: args.file_mode, work: Work::Fetch }
}
