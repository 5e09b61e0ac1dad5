//! Disks for tests: one that fails as told, one that writes down what is asked of it, and one in memory that
//! knows what a power failure would leave.

pub use opev::disk::{Disk, File, FileKind, Lock, Metadata, Open};

pub mod failing;
pub mod model;
#[path = "../../../src/disk/recording.rs"]
pub mod recording;

pub use failing::FailingDisk;
pub use model::ModelDisk;
pub(crate) use recording::RecordingDisk;
