//! `opev fetch --from`: the same questions to saved events. Uses no token, no network and no saved position.

use std::fmt::Write as _;
use std::sync::Arc;

use super::fetch::{self, FetchSetup};
use super::{ChosenEvents, Invocation, delivery, detect};
use crate::collect::fetch_run::FetchRun;
use crate::collect::files::FileSource;
use crate::collect::plan::{OutputPlan, OutputRequest, names};
use crate::collect::question::{self, Question, QuestionSource as _};
use crate::collect::{OutputRun, side_by_side};
use crate::config::Settings;
use crate::encode::OutputUse;
use crate::error::{Error, ErrorKind, Result};
use crate::source::files::Input;

/// Answers the question with what the files hold.
///
/// # Errors
/// Fails for what concerns all of it, before anything is written; failures of single files and outputs are in the
/// tally.
pub(super) fn answer(fetch: &FetchSetup<'_>, settings: Settings) -> Result<()> {
    let FetchSetup { invocation, args, run: FetchRun { runtime, tally, .. }, .. } = *fetch;
    let range = super::range_of_files(invocation, &settings, &args.range)?;
    let chosen = ChosenEvents::of(&args.collect.filter, &settings)?;
    let filter = Arc::clone(&chosen.filter);
    let inputs = Input::find(&args.saved.from)?;
    let mut streams = super::or_all(&args.collect.streams.named).to_vec();
    streams.sort();
    let detect = detect::beside(invocation, &args.collect.detection, &settings, &chosen.names)?;
    let (wanted, saved) = ((&*filter, &*fetch.redaction), &args.saved);
    let source = FileSource::new(settings, inputs, saved.stream, saved.strict, args.job.jobs, wanted)
        .selecting(&filter, &fetch.redaction);
    let request = OutputRequest {
        detect,
        redaction: Arc::clone(&fetch.redaction),
        delivery: delivery::of_profile(fetch.delivery.as_ref(), invocation, source.settings()),
        ..super::output_request(invocation, &args.collect, chosen, OutputUse::Question)
    };
    let plan = OutputPlan::decide(&source, &request, &streams)?;
    if plan.outputs.len() > 1 && source.reads_stdin() {
        let message = "standard input is read once, and -o names a file per stream";
        return Err(
            Error::new(ErrorKind::Usage, message).hint("leave {stream} out of the name, or read from a file")
        );
    }
    let question = fetch::question(args, &plan, &range);
    if args.dry_run {
        describe(invocation, &source, &plan, &question);
        tally.done();
        return Ok(());
    }
    runtime.console.note(&format!("{} from {}", names(&streams), source.shown()));
    let is_alone = plan.outputs.len() == 1;
    side_by_side::map((0..plan.outputs.len()).collect(), plan.outputs.len(), |number| {
        let output = &plan.outputs[number];
        let outcome = fetch.run.shared_output(&plan, &output.streams, number).and_then(|shared| {
            let run = OutputRun {
                runtime,
                tally,
                session: &source.for_output(number),
                plan: &plan,
                output,
                number: 0,
                names_profile: false,
                shows_progress: is_alone,
            };
            question::answer(&run, &question, &shared, true)
        });
        if let Err(failure) = outcome {
            tally.fail(failure);
        }
    });
    Ok(())
}

/// Describes the run, for `--dry-run`.
fn describe(invocation: &Invocation, source: &FileSource, plan: &OutputPlan, question: &Question) {
    let zone = source.zone();
    let mut text = format!("from      {}\n", source.shown());
    let since = question.range.since;
    let since = if since == chrono::DateTime::<chrono::Utc>::MIN_UTC {
        "the beginning".into()
    } else {
        zone.show(since)
    };
    let until = question.range.until.map_or_else(|| "the end".into(), |until| zone.show(until));
    let _ = writeln!(text, "range     {since} to {until}");
    fetch::describe_outputs(plan, &mut text);
    let _ = write!(text, "nothing was read and nothing was written");
    invocation.runtime.console.say(&text);
}
