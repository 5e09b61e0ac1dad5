//! Delivery in batches: to a command, to an intake over HTTP, or into rolled files. Offers a batch until it is
//! taken.
//!
//! | file | what it is |
//! |---|---|
//! | `command` | one offer to a command, on its standard input |
//! | `intake` | one offer to an intake, as a POST |
//! | `lake` | which files are rolled, and when |
//! | `unsaved` | the batches of a run that keeps no position |
//!
//! What a batch is, and that the position moves only behind one that was taken, is in `output`.

pub(super) mod command;
mod intake;
mod lake;
mod unsaved;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::question::QuestionSource;
use crate::api::jitter::jitter;
use crate::api::permits::Permits;
use crate::api::retry::{RetryDecision, RetryPolicy, RetryState};
use crate::encode::Shape;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::HealthReporter;
use crate::output::batch::{Batch, BatchOptions, Receiver, Verdict};
use crate::output::sink::delivery::DeliverySink;
use crate::output::sink::form::FileForm;
use crate::runtime::Runtime;
use crate::sanitize;

pub use self::intake::{IntakeHeaders, IntakeUrl};
pub(super) use self::unsaved::UnsavedBatches;

/// A retry that waits this long is told at the default level.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Whom the batches of a run go to, and how.
#[derive(Clone, Debug)]
pub struct DeliveryRequest {
    /// The command or the intake.
    pub receiver: ReceiverRequest,
    /// When a batch ends, and how it is written.
    pub options: BatchOptions,
    /// The file for batches that the receiver will never take.
    pub reject_to: Option<PathBuf>,
    /// How many offers may be under way at once.
    pub permits: Permits,
    /// How long a batch is offered without `--retry-for`.
    pub patience: Duration,
    /// Whether a position is kept, so that another run offers a batch again.
    pub is_resumed: bool,
}

/// A command, an intake, or a directory.
#[derive(Clone, Debug)]
pub enum ReceiverRequest {
    /// A command for the shell.
    Command {
        /// What is run.
        line: String,
        /// Its environment, without the variables that hold tokens.
        environment: Vec<(OsString, OsString)>,
    },
    /// An intake.
    Intake {
        /// Where it is.
        url: IntakeUrl,
        /// What it wants beside the batch.
        headers: IntakeHeaders,
    },
    /// Files, one or a few for each batch.
    Files {
        /// Their path, with `{batch}` in the name.
        pattern: PathBuf,
        /// Their permissions.
        mode: u32,
    },
}

/// The receiver of one output.
#[derive(Clone, Debug)]
pub struct DeliveryTarget(Arc<TargetState>);

#[derive(Debug)]
struct TargetState {
    request: DeliveryRequest,
    stream: Stream,
    shape: Shape,
    /// Where failing offers are reported; known once the position is open.
    health: OnceLock<HealthReporter>,
}

impl PartialEq for DeliveryTarget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for DeliveryTarget {}

/// What came of one offer.
#[derive(Debug)]
enum OfferOutcome {
    /// The receiver has the batch.
    Accepted,
    /// It may take it later, after this long where it says so.
    Retry(String, Option<Duration>),
    /// It will never take this batch.
    Rejected(Error),
    /// It takes nothing as things are; offering again does not help.
    Refused(Error),
}

/// One way to offer a batch.
#[derive(Debug)]
enum OfferChannel {
    Command(command::CommandChannel),
    Intake(Box<intake::IntakeChannel>),
}

/// Offers each batch until it is taken or time is up.
#[derive(Debug)]
struct RetryingReceiver {
    channel: OfferChannel,
    runtime: Runtime,
    policy: RetryPolicy,
    /// How long one offer may take.
    timeout: Duration,
    target: DeliveryTarget,
}

impl DeliveryTarget {
    /// A receiver for the events of a stream of a profile.
    pub fn new(request: &DeliveryRequest, profile: &str, stream: Stream, shape: Shape) -> Self {
        let request = request.of_stream(profile, stream);
        DeliveryTarget(Arc::new(TargetState { request, stream, shape, health: OnceLock::new() }))
    }

    /// The consumer, where `--consumer` gave this name.
    pub fn consumer(&self, typed: Option<&str>) -> String {
        let default = match &self.0.request.receiver {
            ReceiverRequest::Command { .. } => "exec",
            ReceiverRequest::Intake { .. } => "post",
            ReceiverRequest::Files { pattern, .. } => return lake::consumer(pattern, self.0.stream),
        };
        format!("{}.{}", typed.unwrap_or(default), self.0.stream.name())
    }

    /// The receiver as messages show it; of a URL the host alone, since its path can be a secret.
    pub fn shown(&self) -> String {
        match &self.0.request.receiver {
            ReceiverRequest::Command { .. } => "the command of --exec".to_owned(),
            ReceiverRequest::Intake { url, .. } => url.server.to_string(),
            ReceiverRequest::Files { pattern, .. } => {
                sanitize::message(&pattern.to_string_lossy()).into_owned()
            }
        }
    }

    /// Has failing offers reported to `health`.
    pub(super) fn report_to(&self, health: HealthReporter) {
        let _ = self.0.health.set(health);
    }

    /// The sink of this output's batches; files of events are made by `form`, where there is one.
    ///
    /// # Errors
    /// Fails where the proxy that the environment names is malformed.
    pub(super) fn sink(
        &self,
        runtime: &Runtime,
        source: &impl QuestionSource,
        form: Option<Box<dyn FileForm>>,
    ) -> Result<DeliverySink> {
        let TargetState { request, stream, shape, .. } = &*self.0;
        let settings = source.settings();
        let deliver =
            |receiver| DeliverySink::new(receiver, *stream, request.options, request.reject_to.clone());
        let channel = match &request.receiver {
            ReceiverRequest::Command { line, environment } => {
                let named = [
                    ("OPEV_BATCH_STREAM", stream.name()),
                    ("OPEV_BATCH_PROFILE", &settings.profile),
                    ("OPEV_BATCH_SHAPE", shape.name()),
                ];
                OfferChannel::Command(command::CommandChannel::new(
                    line,
                    environment,
                    &named,
                    &runtime.cancel,
                ))
            }
            ReceiverRequest::Intake { url, headers } => {
                let form = intake::IntakeForm { shape: *shape, batch: request.options };
                let channel = intake::IntakeChannel::new(runtime, source, url, headers, form)?;
                OfferChannel::Intake(Box::new(channel))
            }
            ReceiverRequest::Files { pattern, mode } => {
                let consumer = lake::consumer(pattern, *stream);
                let owner = [settings.profile.as_str(), &consumer];
                return Ok(deliver(lake::receiver(pattern, *mode, &owner, form)));
            }
        };
        let receiver = RetryingReceiver {
            channel,
            runtime: runtime.clone(),
            policy: RetryPolicy {
                budget: settings.retry_for.unwrap_or(request.patience),
                deadline: settings.deadline.map(|deadline| runtime.clock.elapsed() + deadline),
            },
            timeout: settings.timeout,
            target: self.clone(),
        };
        Ok(deliver(Box::new(receiver)))
    }
}

impl Receiver for RetryingReceiver {
    fn deliver(&mut self, batch: &Batch) -> Result<Verdict> {
        let (clock, cancel) = (&self.runtime.clock, &self.runtime.cancel);
        let mut retries = RetryState::new(self.policy);
        loop {
            let outcome = {
                let _permit = self.target.0.request.permits.acquire(cancel)?;
                let left = self.policy.until_deadline(clock.elapsed()).unwrap_or(self.timeout);
                if left.is_zero() {
                    return Err(past_deadline(None));
                }
                let (attempt, timeout) = (retries.attempt(), left.min(self.timeout));
                match &mut self.channel {
                    OfferChannel::Command(command) => command.offer(batch, attempt, timeout)?,
                    OfferChannel::Intake(intake) => intake.offer(batch, timeout)?,
                }
            };
            let (why, retry_after) = match outcome {
                OfferOutcome::Accepted => return Ok(Verdict::Accepted),
                OfferOutcome::Rejected(refusal) => return Ok(Verdict::Rejected(refusal)),
                OfferOutcome::Refused(failure) => return Err(failure),
                OfferOutcome::Retry(why, retry_after) => (why, retry_after),
            };
            let decision = retries.failed(clock.elapsed(), retry_after, jitter());
            let tries = retries.attempt() - 1;
            let failure = not_taken(batch, &why, tries, self.target.0.request.is_resumed);
            match decision {
                RetryDecision::Wait(wait) => {
                    let level = if wait >= LONG_WAIT { log::Level::Warn } else { log::Level::Info };
                    log::log!(level, "{failure}; trying again in {:.0} s", wait.as_secs_f64());
                    if let Some(health) = self.target.0.health.get() {
                        health.failed(batch.stream, &failure);
                    }
                    clock.sleep(wait, cancel)?;
                }
                RetryDecision::Deadline => return Err(past_deadline(Some(failure))),
                RetryDecision::Spent | RetryDecision::TooLong(_) => return Err(failure),
            }
        }
    }
}

/// A batch that nobody took in time.
fn not_taken(batch: &Batch, why: &str, tries: u32, is_resumed: bool) -> Error {
    let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    Error::new(
        ErrorKind::Output,
        format!("batch {} of {} events was offered {times}: {why}", batch.id, batch.events),
    )
    .on_stream(batch.stream)
    .hint(if is_resumed {
        "mend the receiver and run again: the batch is offered again with the same id"
    } else {
        "mend the receiver; no position is kept: a run of the same time range sends the same batches again, \
         and with --resume the next run goes on with this one"
    })
}

fn past_deadline(last: Option<Error>) -> Error {
    let failure =
        Error::new(ErrorKind::Deadline, "the deadline has passed").hint("give more time with --deadline");
    match last {
        Some(last) => failure.because(last),
        None => failure,
    }
}
