//! Sources of pages: the cursor loop, and windows of a time range read in parallel.
//!
//! ```text
//! cursor         the cursor loop, to the end of a stream or following it
//! progress_guard cursors without progress are an error
//! poll_interval  how often a followed stream is polled; longer after refusals
//! restart        a refused cursor where no position is saved
//! dedup          a source without repeats
//! prefetch       a source on its own thread, one page ahead of the reader
//! windows        the pages of a range fetched in parallel, returned in one order
//! files          events of files, as from the service
//! range          which events belong to a time range, by their own timestamps
//! sort           events in order of time, in bounded memory
//! ```
//!
//! Knows the API only as a function from a request to a page, and does not know the output.

pub mod cursor;
pub mod dedup;
pub mod files;
pub mod poll_interval;
pub mod prefetch;
pub mod progress_guard;
pub mod range;
mod restart;
pub mod sort;
pub mod windows;

use crate::error::Result;
use crate::page::Page;

/// The pages of one stream, in order.
pub trait PageSource {
    /// The next page, or `None` at the end. After a failure or `None` it must not be called again.
    ///
    /// # Errors
    /// Fails when the page cannot be read; the error names the stream.
    fn next_page(&mut self) -> Result<Option<Page>>;
}

impl PageSource for Box<dyn PageSource> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        (**self).next_page()
    }
}
