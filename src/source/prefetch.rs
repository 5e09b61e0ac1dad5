//! A page source on a thread of its own, one page ahead of its reader.
//!
//! While a page is rendered and written, the next is on its way. The reader never blocks on the network:
//! it waits for a page or for the cancel token, whichever comes first, so that a signal is heard within
//! milliseconds however long the service takes.

use std::thread;

use crossbeam_channel::{Receiver, bounded, select};

use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::source::PageSource;

/// A thread's stack: hundreds of streams are followed side by side, and none needs the usual 2 MiB.
const STACK: usize = 512 * 1024;

/// The reading end of a page source that runs on another thread.
#[derive(Debug)]
pub struct Prefetch {
    pages: Receiver<Result<Page>>,
    cancel: Cancel,
}

impl Prefetch {
    /// Starts reading `source` on a thread named after the stream.
    ///
    /// The thread ends by itself when the source is exhausted, fails, or its reader is dropped; it is not
    /// joined, because a request under way can outlast the wish to end.
    ///
    /// # Errors
    /// Fails when the thread cannot be started.
    pub fn start(
        stream: Stream,
        cancel: Cancel,
        mut source: impl PageSource + Send + 'static,
    ) -> Result<Self> {
        // No slot: the thread holds one finished page in hand, and that is the page ahead.
        let (sender, pages) = bounded(0);
        thread::Builder::new()
            .name(stream.name().into())
            .stack_size(STACK)
            .spawn(move || {
                loop {
                    let answer = match source.next_page() {
                        Ok(None) => return,
                        Ok(Some(page)) => Ok(page),
                        Err(failure) => Err(failure.on_stream(stream)),
                    };
                    let last = answer.is_err();
                    if sender.send(answer).is_err() || last {
                        return;
                    }
                }
            })
            .map_err(|e| {
                Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e).on_stream(stream)
            })?;
        Ok(Prefetch { pages, cancel })
    }

    /// The pages, for who waits for several sources at once.
    pub fn channel(&self) -> &Receiver<Result<Page>> {
        &self.pages
    }
}

impl PageSource for Prefetch {
    fn next_page(&mut self) -> Result<Option<Page>> {
        self.cancel.check()?;
        select! {
            recv(self.pages) -> answer => answer.ok().transpose(),
            recv(self.cancel.channel()) -> _ => Err(self.cancel.failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Next;
    use chrono::DateTime;

    struct Pages(usize, Result<()>);

    impl PageSource for Pages {
        fn next_page(&mut self) -> Result<Option<Page>> {
            if self.0 == 0 {
                return std::mem::replace(&mut self.1, Ok(())).map(|()| None);
            }
            self.0 -= 1;
            Ok(Some(Page {
                stream: Stream::AuditEvents,
                body: Vec::new(),
                spans: Vec::new(),
                next: Next::CaughtUp(None),
                received_at: DateTime::UNIX_EPOCH,
                has_lines: false,
            }))
        }
    }

    #[test]
    fn gives_every_page_and_then_the_failure() {
        let failing = Pages(3, Err(Error::new(ErrorKind::Network, "gone")));
        let mut source = Prefetch::start(Stream::AuditEvents, Cancel::new(), failing).unwrap();
        for _ in 0..3 {
            assert!(source.next_page().unwrap().is_some());
        }
        assert_eq!(source.next_page().unwrap_err().to_string(), "audit: gone");
    }

    #[test]
    fn a_cancelled_reader_does_not_wait() {
        struct Stuck;
        impl PageSource for Stuck {
            fn next_page(&mut self) -> Result<Option<Page>> {
                loop {
                    std::thread::park();
                }
            }
        }
        let cancel = Cancel::new();
        let mut source = Prefetch::start(Stream::AuditEvents, cancel.clone(), Stuck).unwrap();
        cancel.trigger(2);
        assert_eq!(source.next_page().unwrap_err().kind(), ErrorKind::Interrupted(2));
    }
}
