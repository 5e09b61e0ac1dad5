//! Writes pages without loss: sinks, batches, checkpoints, and the commit order.
//!
//! ```text
//!   Page -> commit::stage   (1) repeats, Encode         new events as bytes
//!                           (2) sink                    write
//!           commit::commit  (3) sink                    sync; a receiver has the batch
//!                           (4) identities, checkpoint  save
//!   Delivered               (5)                         reported to the caller
//! ```
//!
//! The order is defined in [`commit`] alone. Nothing here requests pages or knows a shape.

pub mod batch;
pub mod checkpoint;
pub mod commit;
pub mod digest;
pub mod exported_state;
pub mod gap;
pub mod intent;
pub mod position_query;
mod rule_state;
pub mod saved_state;
pub mod seen;
pub mod sink;
pub mod whole;

pub use checkpoint::dir::{CheckpointDir, Consumer};
pub use checkpoint::record::{OutputContract, StreamPosition};
pub use commit::{CheckpointedOutput, Delivered, Encode, OutputTarget, Staged};
pub use sink::Sink;

use std::path::Path;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind};
use crate::sanitize;

/// A failure of the disk (exit code 7).
pub(crate) fn disk_failure(what: &str, path: &Path, error: std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "make room and run again",
        // Not the system refuses it, but `disk`: somebody else made it, or may change it.
        std::io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            "see who made it; then remove it, or make it yours alone (chown, chmod go-w), and run again"
        }
        std::io::ErrorKind::PermissionDenied => "give this user the right to write there and run again",
        std::io::ErrorKind::NotFound => "make the directory and run again",
        _ if is_out_of_descriptors(&error) => {
            "raise the limit of open files (ulimit -n, LimitNOFILE= in a unit file) and run again"
        }
        _ => "mend what the system names and run again: what was not committed is delivered again",
    };
    Error::new(ErrorKind::Output, format!("cannot {what} {}", shown(path))).because(error).hint(hint)
}

/// Whether this process, or the whole system, has as many files open as it may.
fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE))
}

/// A path with control characters escaped, for a message.
pub(crate) fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}
