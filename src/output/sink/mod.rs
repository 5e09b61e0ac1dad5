//! Where bytes go: a managed file, a stream (stdout, a FIFO, a device), a file replaced as a whole, or batches
//! for a receiver.
//!
//! A sink writes and syncs when it is called; `commit` decides the order.

pub mod delivery;
pub mod form;
pub mod managed;
pub mod member;
pub mod replaced;
pub mod rolled;
pub mod stream;

use std::io::IoSlice;

use crate::error::Result;

/// An output for bytes.
pub trait Sink: Send + std::fmt::Debug {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Fails with `ClosedPipe` when the reader is gone, else with `Output`.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Writes all of these slices, in order; advances them.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
        pieces.iter().try_for_each(|piece| self.write(piece))
    }

    /// Makes everything written as durable as the sink can. A failure is final (P8).
    ///
    /// # Errors
    /// Fails with `Output` when the disk does.
    fn sync(&mut self) -> Result<()>;
}
