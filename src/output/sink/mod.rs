//! Where bytes go: a managed file, a stream (stdout, a FIFO, a device), or a file replaced as a whole.
//!
//! A sink writes and syncs when told to; the order is that of `commit`.

pub mod managed;
pub mod member;
pub mod replaced;
pub mod stream;

use std::io::IoSlice;

use crate::error::Result;

/// Somewhere for bytes to go.
pub trait Sink: Send + std::fmt::Debug {
    /// Hands over all of `bytes`.
    ///
    /// # Errors
    /// Fails with `ClosedPipe` when the reader went away, else with `Output`.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Hands over all of these, in order; they are used up by it.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
        pieces.iter().try_for_each(|piece| self.write(piece))
    }

    /// Makes everything handed over as durable as the sink can. A failure is final (P8).
    ///
    /// # Errors
    /// Fails with `Output` when the disk does.
    fn sync(&mut self) -> Result<()>;
}
