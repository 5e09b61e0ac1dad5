//! What every part of a run shares: the time, the wish to end, and the way to the person.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::console::Console;

/// The time, the cancel token and the console of one run; clones share them.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Triggered when the run is to end.
    pub cancel: Cancel,
    /// Where messages for people go.
    pub console: Console,
}
