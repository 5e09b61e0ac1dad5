//! Where pages come from: the cursor loop, and a question's range read in windows.
//!
//! ```text
//! cursor         one cursor at a time, to the end of what there is or for ever
//! progress_guard a service that leads nowhere is an error
//! poll_interval  how often a followed stream is asked, and more seldom while the service asks for it
//! restart        what becomes of a refused cursor where nothing is saved
//! dedup          a source without repeats
//! prefetch       a source on a thread of its own, one page ahead of the reader
//! windows        a question's pages fetched many at a time, given out in one order
//! range          which events a question is about, by their own timestamps
//! sort           the events of a finished question in order of time
//! ```
//!
//! Knows the API only as a function from a request to a page; knows nothing of output.

pub mod cursor;
pub mod dedup;
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
