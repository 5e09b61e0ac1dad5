//! Delivery in batches: to a command or to an intake.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use crate::encode::{Format, Shape};
use crate::size;
use crate::time::duration;

/// How events follow each other in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BatchFormat {
    /// A line each
    Ndjson,
    /// One JSON array
    JsonArray,
}

/// The arguments of delivery.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Delivery")]
pub struct DeliveryArgs {
    /// Run this command for each batch, with the batch on its standard input
    ///
    /// A batch is delivered once the command ended with 0: with --resume the position then moves behind it,
    /// without it nothing is remembered, and another run of the same range sends the same batches. Any other end is
    /// retried for --retry-for, and then ends the run with exit code 7 and the command's last words; 65
    /// (EX_DATAERR) says that the batch itself is at fault and is not retried. One that takes longer than
    /// --timeout is ended. sh -c runs it, with OPEV_BATCH_ID, _EVENTS, _BYTES, _STREAM, _PROFILE, _SHAPE and
    /// _ATTEMPT in its environment and without the token. A batch that is offered again has the same id and
    /// the same bytes. Each stream has its own batches, in order, and its own position.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, conflicts_with_all = ["output", "post"])]
    pub exec: Option<String>,

    /// POST each batch to this URL; @FILE reads the URL from a file
    ///
    /// A batch is delivered once the answer is 2xx: with --resume the position then moves behind it, without it
    /// nothing is remembered, and another run of the same range sends the same batches. 408, 429, 5xx and a missing
    /// answer are retried for --retry-for, with the answer's Retry-After; any other answer ends the run with
    /// exit code 7 and its words. https, or http on this machine. With --shape splunk, a batch that Splunk
    /// acknowledges later counts once it did. A URL that is a secret (Sumo Logic's) belongs into a file.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, conflicts_with = "output")]
    pub post: Option<String>,

    /// Headers of --post, one Name: value a line
    ///
    /// The file may be readable by nobody else, as it holds the intake's key. Empty lines and lines that begin
    /// with # do not count.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "post")]
    pub header_file: Option<PathBuf>,

    /// The most events in a batch [default: 1000]
    ///
    /// Not more than the intake of the shape takes: 1000 for datadog.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch_max: Option<u32>,

    /// The most bytes in a batch, uncompressed [default: the intake's or 5MB]
    ///
    /// 5MB for datadog, 1MB for sumo, sentinel, sentinel-stream and splunk. An event that is larger is named
    /// and goes alone, or into the file of --reject-to.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub batch_bytes: Option<u64>,

    /// Deliver a batch that is not full after this long [default: 5s for tail]
    ///
    /// Counts from its first event. fetch delivers the rest at its end.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub batch_wait: Option<Duration>,

    /// How events follow each other in a batch
    ///
    /// json-array by default for datadog, sentinel and sentinel-stream, ndjson for the others.
    #[arg(long, value_name = "FORMAT")]
    pub batch_format: Option<BatchFormat>,

    /// Compress batches with gzip
    ///
    /// With --post the header Content-Encoding says so.
    #[arg(long)]
    pub batch_gzip: bool,

    /// Append batches that are rejected to this file, and go on
    ///
    /// For exit code 65 of --exec, for 400, 413 and 422 from --post, and for single events that are larger than
    /// the shape's intake takes. One event a line.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub reject_to: Option<PathBuf>,
}

impl DeliveryArgs {
    /// Whether the output goes to a receiver.
    pub fn has_receiver(&self) -> bool {
        self.exec.is_some() || self.post.is_some()
    }

    /// How events follow each other in a batch of this shape.
    pub fn format(&self, shape: Shape) -> BatchFormat {
        let default = if shape.row().intake.is_array { BatchFormat::JsonArray } else { BatchFormat::Ndjson };
        self.batch_format.unwrap_or(default)
    }

    /// Refuses what cannot work, with this shape and format.
    pub(super) fn check(&self, shape: Shape, format: Option<Format>) -> Result<(), String> {
        if !self.has_receiver() {
            let typed = [
                ("--batch-max", self.batch_max.is_some()),
                ("--batch-bytes", self.batch_bytes.is_some()),
                ("--batch-wait", self.batch_wait.is_some()),
                ("--batch-format", self.batch_format.is_some()),
                ("--batch-gzip", self.batch_gzip),
                ("--reject-to", self.reject_to.is_some()),
            ];
            return match typed.iter().find(|(_, is_typed)| *is_typed) {
                Some((flag, _)) => Err(format!("{flag} needs a receiver: --exec CMD or --post URL")),
                None => Ok(()),
            };
        }
        if self.exec.as_deref().is_some_and(|line| line.trim().is_empty()) {
            return Err("--exec is empty".into());
        }
        if let Some(format) = format.filter(|format| *format != Format::Ndjson) {
            return Err(format!("{format} cannot be delivered in batches; use --batch-format"));
        }
        if self.batch_format == Some(BatchFormat::JsonArray) && !shape.row().is_json {
            return Err(format!("the shape {shape} is lines of text, which no JSON array holds"));
        }
        let intake = shape.row().intake;
        if let Some(max) = self.batch_max.filter(|max| *max as usize > intake.max_events) {
            return Err(format!(
                "--batch-max {max}: the intake of {shape} takes {} events",
                intake.max_events
            ));
        }
        match self.batch_bytes.filter(|bytes| *bytes > intake.max_bytes as u64) {
            Some(bytes) => Err(format!(
                "--batch-bytes {}: the intake of {shape} takes {} bytes",
                size::show(bytes),
                intake.max_bytes
            )),
            None => Ok(()),
        }
    }
}
