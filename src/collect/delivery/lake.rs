//! Rolled files as the receiver of batches: which files, when one ends, and whose position they belong to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::plan;
use super::{DeliveryRequest, ReceiverRequest};
use crate::api::permits::Permits;
use crate::disk::RealDisk;
use crate::event::Stream;
use crate::output::batch::{BatchForm, BatchOptions, Receiver};
use crate::output::sink::form::FileForm;
use crate::output::sink::rolled::{RolledFiles, RolledNames};

impl DeliveryRequest {
    /// Files at `pattern`, each of which ends after `bytes` or, where there is one, after the age.
    pub fn rolled(pattern: PathBuf, mode: u32, bytes: u64, age: Option<Duration>) -> Self {
        DeliveryRequest {
            receiver: ReceiverRequest::Files { pattern, mode },
            options: BatchOptions {
                max_events: usize::MAX,
                max_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                max_event_bytes: usize::MAX,
                wait: age,
                form: BatchForm::Lines,
                is_gzip: false,
            },
            reject_to: None,
            permits: Permits::new(1),
            patience: Duration::ZERO,
            is_resumed: true,
        }
    }

    /// Whether the output is rolled files.
    pub fn is_rolled(&self) -> bool {
        matches!(self.receiver, ReceiverRequest::Files { .. })
    }

    /// The request for one stream of a profile, whose names stand in the paths of files.
    pub(super) fn of_stream(&self, profile: &str, stream: Stream) -> Self {
        let mut request = self.clone();
        if let ReceiverRequest::Files { pattern, .. } = &mut request.receiver {
            let marked = plan::marked(pattern, profile, stream);
            // Made absolute without a look at the disk: the directories may be made later.
            *pattern = std::path::absolute(&marked).unwrap_or(marked);
        }
        request
    }
}

/// The consumer of a stream's rolled files: their path, with the stream behind it where that does not name one.
pub(super) fn consumer(pattern: &Path, stream: Stream) -> String {
    let text = pattern.to_string_lossy();
    if text.contains(stream.name()) { text.into_owned() } else { format!("{text}.{}", stream.name()) }
}

/// The receiver of a stream's batches.
pub(super) fn receiver(
    pattern: &Path,
    mode: u32,
    owner: &[&str],
    form: Option<Box<dyn FileForm>>,
) -> Box<dyn Receiver> {
    let names = RolledNames { pattern: pattern.to_owned(), mode, owner: owner.join("\n") };
    Box::new(RolledFiles::new(Arc::new(RealDisk), names, form))
}
