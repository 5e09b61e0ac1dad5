//! A page source on its own thread, one page ahead of its reader.
//!
//! While a page is encoded and written, the next one is fetched. The reader waits on a channel and can wait for
//! signals at the same time, so that a signal takes effect within milliseconds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::source::PageSource;

/// The stack size of a thread: hundreds of streams may be followed, and none needs the usual 2 MiB.
const STACK: usize = 512 * 1024;

/// The reading end of a page source that runs on another thread.
#[derive(Debug)]
pub struct Prefetch {
    pages: Receiver<Result<Option<Page>>>,
}

impl Prefetch {
    /// Starts reading `source` on a thread named after the stream.
    ///
    /// The thread ends when the source is exhausted, fails, or its reader is dropped; it is not joined, because a
    /// running request may take longer than the end of the run.
    ///
    /// # Errors
    /// Fails when the thread cannot be started.
    pub fn start(stream: Stream, mut source: impl PageSource + Send + 'static) -> Result<Self> {
        // Capacity 0: the thread holds one finished page, which is the page ahead.
        let (sender, pages) = bounded(0);
        let read = move || {
            loop {
                // Without this a thread that panicked would look like the stream's end (P1).
                let answer = catch_unwind(AssertUnwindSafe(|| source.next_page())).unwrap_or_else(|_| {
                    Err(Error::new(ErrorKind::Unexpected, "the thread that reads the stream panicked")
                        .hint("report this bug, with the messages above"))
                });
                let answer = answer.map_err(|failure| failure.on_stream(stream));
                let is_last = !matches!(answer, Ok(Some(_)));
                if sender.send(answer).is_err() || is_last {
                    return;
                }
            }
        };
        thread::Builder::new().name(stream.name().into()).stack_size(STACK).spawn(read).map_err(|e| {
            Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e).on_stream(stream)
        })?;
        Ok(Prefetch { pages })
    }

    /// The pages, then `None` or a failure. If the channel closes earlier, the thread has died.
    pub fn channel(&self) -> &Receiver<Result<Option<Page>>> {
        &self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Next;
    use chrono::DateTime;

    struct CountedPages(usize, fn() -> Result<Option<Page>>);

    impl PageSource for CountedPages {
        fn next_page(&mut self) -> Result<Option<Page>> {
            if self.0 == 0 {
                return (self.1)();
            }
            self.0 -= 1;
            Ok(Some(Page {
                stream: Stream::AuditEvents,
                body: Vec::new(),
                spans: Vec::new(),
                next: Next::CaughtUp(None),
                received_at: DateTime::UNIX_EPOCH,
                has_lines: false,
                origins: Vec::new(),
            }))
        }
    }

    fn end_of(end: fn() -> Result<Option<Page>>) -> Result<Option<Page>> {
        let source = Prefetch::start(Stream::AuditEvents, CountedPages(3, end)).unwrap();
        for _ in 0..3 {
            assert!(source.channel().recv().unwrap().unwrap().is_some());
        }
        let end = source.channel().recv().unwrap();
        assert!(source.channel().recv().is_err(), "nothing follows");
        end
    }

    #[test]
    fn gives_every_page_and_then_the_end_or_the_failure() {
        assert!(end_of(|| Ok(None)).unwrap().is_none());
        let failure = end_of(|| Err(Error::new(ErrorKind::Network, "gone"))).unwrap_err();
        assert_eq!(failure.to_string(), "audit: gone");
    }

    #[test]
    fn a_panic_is_a_failure_and_not_the_end_of_the_stream() {
        let failure = end_of(|| panic!("as planned")).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Unexpected);
        assert!(failure.to_string().starts_with("audit: the thread"), "{failure}");
    }
}
