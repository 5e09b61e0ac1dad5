//! Where pages come from: the cursor loop, the question's range, and the timeline over several streams.
//!
//! ```text
//! cursor    one cursor at a time, until the service says there is no more
//! follow    the same for ever, asking again now and then once there is no more
//! cadence   how often that is, and more seldom while the service asks for it
//! distinct  either without repeats
//! prefetch  the same on a thread of its own, one page ahead of the reader
//! backfill  a question's pages fetched many at a time, given out in one order
//! restart   what becomes of a refused cursor where nothing is saved
//! range     which events a question is about, by their own timestamps
//! sorted    the events of a finished question in order of time
//! timeline  several streams merged into one, the same whatever the page size
//! ```
//!
//! Knows the API only as a function from a question to a page; knows nothing of output.

pub mod cursor;
pub mod dedup;
pub mod merge;
pub mod poll_interval;
pub mod prefetch;
pub mod progress_guard;
pub mod range;
mod restart;
pub mod sort;
pub mod windows;

use crate::error::Result;
use crate::page::Page;

/// Where the pages of one stream come from, in the order they are to be read.
pub trait PageSource {
    /// The next page, or `None` when there is no more. After a failure or `None` it must not be called again.
    ///
    /// # Errors
    /// Whatever kept the page from being had, with the stream named.
    fn next_page(&mut self) -> Result<Option<Page>>;
}

impl PageSource for Box<dyn PageSource> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        (**self).next_page()
    }
}
