//! From the flags of delivery to a request: the receiver, its headers, and the limits of its batches.

use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::api::permits::Permits;
use crate::api::server::BadBaseUrl;
use crate::cli::collect::CollectArgs;
use crate::cli::delivery::BatchFormat;
use crate::collect::delivery::{DeliveryRequest, IntakeHeaders, ReceiverRequest};
use crate::collect::plan::FILE_MODE;
use crate::command::Invocation;
use crate::config::Settings;
use crate::config::token::read_secret_file;
use crate::encode::Shape;
use crate::error::{Error, ErrorKind, Result};
use crate::output::batch::{BatchForm, BatchOptions};

/// The most events and bytes of a batch, where neither flags nor the shape's intake say less.
const BATCH_MAX: usize = 1_000;
const BATCH_BYTES: usize = 5_000_000;

/// Whom the batches of `fetch` and `tail` go to; `patience` is how long one is offered without `--retry-for`, and
/// `wait` how long an event waits for others without `--batch-wait`.
pub(super) fn request(
    invocation: &Invocation,
    args: &CollectArgs,
    jobs: u8,
    (patience, wait): (Duration, Option<Duration>),
) -> Result<Option<DeliveryRequest>> {
    let typed = &args.delivery;
    let default = if args.profiles.all { Shape::Envelope } else { Shape::default() };
    let shape = args.shape.unwrap_or(default);
    let credentials = invocation.environment.path("CREDENTIALS_DIRECTORY");
    let read =
        |path: &Path, what| read_secret_file(path, credentials.clone(), what, &invocation.runtime.cancel);
    let receiver = match (&typed.exec, &typed.post) {
        (Some(line), _) => {
            // The variables of all profiles are left out where the settings are known.
            ReceiverRequest::Command { line: line.clone(), environment: Vec::new() }
        }
        (None, Some(text)) => {
            let text = match text.strip_prefix('@') {
                None => Zeroizing::new(text.clone().into_bytes()),
                Some(path) => read(Path::new(path), "file of the URL")?,
            };
            let url = std::str::from_utf8(&text).map_err(|_| BadBaseUrl::Host).and_then(str::parse);
            let url = url.map_err(|e| {
                Error::new(ErrorKind::Config, "the URL of --post cannot be used")
                    .because(e)
                    .hint("write https://HOST/PATH, or --post @FILE with a file that holds it")
            })?;
            let headers = match &typed.header_file {
                None => IntakeHeaders::default(),
                Some(path) => IntakeHeaders::parse(&read(path, "header file")?, &path.to_string_lossy())?,
            };
            ReceiverRequest::Intake { url, headers }
        }
        (None, None) => return Ok(args.rolls().map(|limits| rolled(args, limits, wait))),
    };
    let intake = shape.row().intake;
    let form = match typed.format(shape) {
        BatchFormat::Ndjson => BatchForm::Lines,
        BatchFormat::JsonArray => BatchForm::Array,
    };
    let max_bytes = typed
        .batch_bytes
        .map_or(BATCH_BYTES.min(intake.max_bytes), |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    Ok(Some(DeliveryRequest {
        receiver,
        options: BatchOptions {
            max_events: typed.batch_max.map_or(BATCH_MAX.min(intake.max_events), |max| max as usize),
            max_bytes,
            max_event_bytes: intake.max_event_bytes.unwrap_or(max_bytes).min(max_bytes),
            wait: typed.batch_wait.or(wait),
            form,
            is_gzip: typed.batch_gzip,
        },
        reject_to: typed.reject_to.clone(),
        permits: Permits::new(usize::from(jobs)),
        patience,
        is_resumed: args.resume,
    }))
}

/// Rolled files as the receiver of large batches, which end by age where `wait` says that batches do.
fn rolled(args: &CollectArgs, (bytes, age): (u64, Duration), wait: Option<Duration>) -> DeliveryRequest {
    let pattern = args.output.clone().unwrap_or_default();
    DeliveryRequest::rolled(pattern, args.file_mode.unwrap_or(FILE_MODE), bytes, wait.map(|_| age))
}

/// The same for a profile: its command gets the environment without the variables that hold tokens (P10).
pub(super) fn of_profile(
    request: Option<&DeliveryRequest>,
    invocation: &Invocation,
    settings: &Settings,
) -> Option<DeliveryRequest> {
    let mut request = request?.clone();
    if let ReceiverRequest::Command { environment, .. } = &mut request.receiver {
        let variables = invocation.environment.without(&settings.token_variables);
        *environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }
    Some(request)
}
