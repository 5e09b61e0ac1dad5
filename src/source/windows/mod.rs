//! The pages of a time range, fetched by parallel requests, returned in an order that depends only on the data
//! (P4).
//!
//! Each stream begins as one window, the whole range, read by cursor. If it holds many events, the rest is split:
//!
//! ```text
//!  since                                                                     until
//!    |== read so far =>|                    and there is more                  |     one window
//!
//!    |-- window 1 ----------->|-- window 2 --->| ...              |-- window n -->|  read in parallel
//!                                        split again where it is dense
//!
//!  requested:                [------------------]
//!                                              [--------------]    a second wider on both sides
//! ```
//!
//! Windows are returned in order, each in the order of the service; for a service that filters by arrival that
//! is the order of arrival, as without windows. The first window is read again from its start, for events that
//! arrived there meanwhile; repeats are dropped by identity, there and at every edge. No event is dropped
//! because of its timestamp (P1).
//!
//! ```text
//! window_sizing   how large windows are, and when one is split
//! rate_estimate   where a window is split, by the times of its events
//! window          a part of the range, and its request
//! window_reader   a window being read by cursor
//! cursor_probe    whether cursors keep the end of their request; if not, the range is read as one window
//! stream_windows  a stream's windows in order: waiting, being read or read
//! queue           which request comes next, within a memory budget
//! boundary_dedup  drops repeats of overlapping windows
//! ```
//!
//! A range with fewer than 1,000 events is read by exactly the requests of the cursor loop.

mod boundary_dedup;
mod cursor_probe;
mod queue;
mod rate_estimate;
mod stream_windows;
mod window;
mod window_reader;
mod window_sizing;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};

use self::boundary_dedup::BoundaryDedup;
use self::queue::RequestQueue;
use self::stream_windows::NextPage;
use self::window::WindowQuery;
use self::window_sizing::WindowSizing;
use crate::api::endpoint::PageRequest;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::source::PageSource;
use crate::source::range::TimeRange;

/// Memory of pages that may lie ahead of the readers of several streams together (P9): with it, the whole process
/// stays under 40 MiB.
const BUDGET: usize = 16 << 20;

/// The same where one stream is read alone: 32 MiB of answers, and what their buffers, ranges and identities take
/// beside. With less, a stream of 40 pages takes more rounds; several streams have enough to ask for at once.
const BUDGET_ALONE: usize = 36 << 20;

/// The part of it that one job brings along.
const EACH: usize = 5 << 19;

/// Requests that take less than this need no thread each: one a stream gets more than any limit allows.
const SLOW: Duration = Duration::from_millis(20);

/// Asks a stream's endpoint. Limits rate, tries again and hears the cancel token by itself.
pub type Fetch = Arc<dyn Fn(Stream, &PageRequest) -> Result<Page> + Send + Sync>;

/// The pages of one stream. Their `next` means nothing: they come from several cursors.
pub struct WindowedPages {
    shared: Arc<WorkerPool>,
    index: usize,
    wake: Receiver<()>,
    dedup: BoundaryDedup,
    cancel: Cancel,
}

struct WorkerPool {
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    queue: Mutex<RequestQueue>,
    /// Wakes threads that wait for something to do.
    work: Condvar,
    /// Wakes the reader of each stream.
    wakes: Vec<Sender<()>>,
    /// How many threads there may be.
    jobs: usize,
    threads: Mutex<usize>,
}

/// Starts reading what `range` asks of each of `streams`, with at most `jobs` requests under way at once.
///
/// The time of `clock` now ends what has no end. The threads end by themselves when every reader is done or dropped; they
/// are not joined, because a running request may take longer than the end of the run.
///
/// # Errors
/// Fails when no thread can be started.
pub fn start(
    fetch: Fetch,
    streams: &[Stream],
    range: &TimeRange,
    clock: &Arc<dyn Clock>,
    page_size: u16,
    jobs: usize,
    cancel: &Cancel,
) -> Result<Vec<(Stream, WindowedPages)>> {
    let jobs = jobs.max(1);
    let question = WindowQuery::about(range, clock.now(), page_size, WindowSizing::STANDARD);
    let (wakes, waiting): (Vec<_>, Vec<_>) = streams.iter().map(|_| bounded(1)).unzip();
    let shared = Arc::new(WorkerPool {
        fetch,
        clock: Arc::clone(clock),
        queue: Mutex::new(RequestQueue::new(streams, question, jobs)),
        work: Condvar::new(),
        wakes,
        jobs,
        threads: Mutex::new(0),
    });
    WorkerPool::employ(&shared, jobs.min(streams.len()))
        .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e))?;
    Ok(waiting
        .into_iter()
        .enumerate()
        .map(|(index, wake)| {
            let backfill = WindowedPages {
                shared: Arc::clone(&shared),
                index,
                wake,
                dedup: BoundaryDedup::new(),
                cancel: cancel.clone(),
            };
            (streams[index], backfill)
        })
        .collect())
}

impl fmt::Debug for WindowedPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowedPages").field("index", &self.index).finish_non_exhaustive()
    }
}

impl PageSource for WindowedPages {
    fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            self.cancel.check()?;
            let given = self.shared.queue().take(self.index)?;
            match given {
                NextPage::Page(window, batch) => {
                    // What was taken made room for another.
                    self.shared.work.notify_one();
                    return Ok(Some(self.dedup.pass(&window, batch)));
                }
                NextPage::End => {
                    self.shared.work.notify_all();
                    return Ok(None);
                }
                NextPage::Wait => {
                    // What is waited for may be asked for before anything else.
                    self.shared.work.notify_one();
                    select! {
                        recv(self.wake) -> _ => {}
                        recv(self.cancel.channel()) -> _ => return Err(self.cancel.failure()),
                    }
                }
            }
        }
    }
}

impl Drop for WindowedPages {
    fn drop(&mut self) {
        self.shared.queue().close(self.index);
        self.shared.work.notify_all();
    }
}

impl WorkerPool {
    fn queue(&self) -> MutexGuard<'_, RequestQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there are `wanted` threads.
    fn employ(shared: &Arc<WorkerPool>, wanted: usize) -> std::io::Result<()> {
        let mut threads = shared.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while *threads < wanted {
            let own = Arc::clone(shared);
            let worker = thread::Builder::new().name(format!("fetch {}", *threads + 1));
            match worker.spawn(move || WorkerPool::work(&own)) {
                Ok(_) => *threads += 1,
                Err(_) if *threads > 0 => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn work(shared: &Arc<WorkerPool>) {
        let mut queue = shared.queue();
        while !queue.is_over() {
            let Some((index, job)) = queue.pick() else {
                queue = shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            // Each thread that finds work wakes the next one if there is more, so that none wakes for nothing.
            let is_more = queue.has_work();
            drop(queue);
            if is_more {
                shared.work.notify_one();
            }
            let start = shared.clock.elapsed();
            let done = job.run(&shared.fetch);
            let is_slow = shared.clock.elapsed().saturating_sub(start) >= SLOW;
            queue = shared.queue();
            let is_wide = queue.complete(index, done);
            if queue.is_over() {
                shared.work.notify_all();
            }
            // A full channel means that the reader will look anyway.
            let _ = shared.wakes[index].try_send(());
            if is_wide && is_slow {
                queue.expect_slow();
                drop(queue);
                // A thread that cannot be had is done without.
                let _ = WorkerPool::employ(shared, shared.jobs);
                queue = shared.queue();
            }
        }
    }
}
