//! What every part of a run shares: the clock, the cancel token and the console.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::console::Console;

/// The clock, the cancel token and the console of one run; clones share them.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Triggered when the run is to end.
    pub cancel: Cancel,
    /// Where messages for people go.
    pub console: Console,
}
