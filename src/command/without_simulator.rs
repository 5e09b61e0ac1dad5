//! `opev simulate` in a build without the feature `simulator`: an error with a hint.

use std::io::Write;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::cli::simulate::SimulateArgs;
use crate::clock::Clock;
use crate::error::Result;

/// Refuses to run.
///
/// # Errors
/// Fails always: this build has no simulator.
pub fn run(
    _: &SimulateArgs,
    _: Arc<dyn Clock>,
    _: &Cancel,
    _: &mut dyn Write,
    _: &mut dyn Write,
) -> Result<()> {
    Err(super::demo::not_built("opev simulate"))
}
