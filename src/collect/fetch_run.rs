//! A fetch of one profile or of many: outputs side by side, or profiles one after another into one output.

use super::OutputRun;
use super::plan::{OutputPlan, ResumeOptions};
use super::question::{self, Question};
use super::report::Tally;
use super::saved_run::{self, SavedRun, StartAt};
use super::session::Session;
use super::shared_output::SharedOutput;
use super::side_by_side;
use crate::console::PagerCommand;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::HealthFeed;
use crate::limits;
use crate::runtime::Runtime;

/// How many outputs are written side by side; `--jobs` bounds their requests.
const AT_ONCE: usize = 16;

/// What the profiles of a fetch share.
#[derive(Debug)]
pub struct FetchRun<'a> {
    /// The clock, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// The counts and failures of the whole run.
    pub tally: &'a Tally,
    /// Whether failures name the profile, because several run.
    pub names_profile: bool,
    /// What shows events on a terminal.
    pub pager: Option<PagerCommand>,
}

/// The fetch of one profile, decided and not begun.
#[derive(Debug)]
pub struct ProfileFetch {
    /// The account.
    pub session: Session,
    /// The format and the destinations.
    pub plan: OutputPlan,
    /// The range, and what of it is wanted.
    pub question: Question,
    /// How a saved position is continued; none where the range is read.
    pub resume: Option<ResumedFetch>,
}

/// How a fetch continues a saved position.
#[derive(Clone, Debug)]
pub struct ResumedFetch {
    /// How the position is saved.
    pub options: ResumeOptions,
    /// Where to start when nothing is saved yet.
    pub start: StartAt,
    /// Whether to continue where events may be missing.
    pub accept_gap: bool,
}

impl FetchRun<'_> {
    /// Reads outputs that have nothing to do with each other, each on a thread, so that none waits for another's
    /// retries; `connections` is how many requests may run at once.
    pub fn side_by_side(&self, fetches: &[ProfileFetch], connections: u8) {
        let outputs: Vec<(usize, usize)> = (0..fetches.len())
            .flat_map(|fetch| (0..fetches[fetch].plan.outputs.len()).map(move |output| (fetch, output)))
            .collect();
        let is_alone = outputs.len() == 1;
        // Several progress lines would write over each other.
        let console = &self.runtime.console;
        let console = if is_alone { console.clone() } else { console.without_progress() };
        let runtime = Runtime { console, ..self.runtime.clone() };
        limits::allow_open_files();
        let at_once = limits::outputs_at_once(usize::from(connections)).min(AT_ONCE);
        side_by_side::map(outputs, at_once, |(number, output)| {
            let fetch = &fetches[number];
            let may_start = if is_alone { Ok(()) } else { runtime.cancel.check() };
            let outcome = may_start.and_then(|()| {
                let run = self.output_run(&runtime, fetch, number, output, is_alone);
                match &fetch.resume {
                    Some(resume) => self.resume(&run, resume),
                    None => {
                        let shared = self.shared_output(&fetch.plan, &run.output.streams, output)?;
                        question::answer(&run, &fetch.question, &shared, true)
                    }
                }
            });
            if let Err(failure) = outcome {
                self.fail(&fetch.session.settings.profile, failure);
            }
        });
    }

    /// Reads every profile into standard output: one header, one array. `plan` decides what is fetched for one of
    /// them, and gives nothing where nothing is to be done; `streams` are those of all profiles, which may be
    /// granted others than the first, so that the columns suit all.
    ///
    /// # Errors
    /// Fails where the output cannot be ended.
    pub fn one_after_another(
        &self,
        profiles: Vec<String>,
        streams: &[Stream],
        mut plan: impl FnMut(usize) -> Result<Option<ProfileFetch>>,
    ) -> Result<()> {
        let mut document: Option<SharedOutput> = None;
        for (number, profile) in profiles.iter().enumerate() {
            self.runtime.console.note(&format!("profile {profile}"));
            let outcome = plan(number).and_then(|fetch| {
                let Some(fetch) = fetch else { return Ok(()) };
                let run = self.output_run(self.runtime, &fetch, number, 0, true);
                if let Some(resume) = &fetch.resume {
                    return self.resume(&run, resume);
                }
                let output = match &document {
                    Some(output) => output.clone(),
                    None => document.insert(self.shared_output(&fetch.plan, streams, 0)?).clone(),
                };
                question::answer(&run, &fetch.question, &output, false)
            });
            let is_gone = matches!(&outcome, Err(failure) if failure.kind() == ErrorKind::ClosedPipe);
            if let Err(failure) = outcome {
                self.fail(profile, failure);
            }
            let is_closed = document.as_ref().is_some_and(SharedOutput::is_closed);
            if self.runtime.cancel.is_triggered() || is_gone || is_closed {
                break;
            }
        }
        match document.filter(|output| !output.is_closed()) {
            Some(output) => match output.end().and_then(|()| output.publish()) {
                Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// The output of this number, whose rows suit these streams.
    ///
    /// # Errors
    /// As [`OutputPlan::encoder`].
    pub fn shared_output(
        &self,
        plan: &OutputPlan,
        streams: &[Stream],
        output: usize,
    ) -> Result<SharedOutput> {
        let made = SharedOutput::new(plan.encoder(streams)?, plan.outputs[output].destination.clone(), None);
        let pager = self.pager.clone().filter(|_| plan.to_terminal);
        Ok(made.on_terminal(plan.render.width, pager))
    }

    /// Notes a failure of a profile.
    pub fn fail(&self, profile: &str, failure: Error) {
        self.tally.fail(if self.names_profile { failure.on_profile(profile) } else { failure });
    }

    fn resume(&self, run: &OutputRun<'_>, resume: &ResumedFetch) -> Result<()> {
        let ResumedFetch { options, start, accept_gap } = resume;
        let (start, accept_gap, feed) = (*start, *accept_gap, HealthFeed::nowhere());
        saved_run::deliver(run, &SavedRun { resume: options, start, accept_gap, feed, follow: None })
    }

    fn output_run<'r>(
        &'r self,
        runtime: &'r Runtime,
        fetch: &'r ProfileFetch,
        number: usize,
        output: usize,
        shows_progress: bool,
    ) -> OutputRun<'r> {
        OutputRun {
            runtime,
            tally: self.tally,
            session: &fetch.session,
            plan: &fetch.plan,
            output: &fetch.plan.outputs[output],
            number,
            names_profile: self.names_profile,
            shows_progress,
        }
    }
}
