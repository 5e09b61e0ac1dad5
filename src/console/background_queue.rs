//! A bounded queue with its own thread, for writes that may block forever.
//!
//! Who watches a run (a terminal that is stopped, a pipe or a FIFO that nobody reads) must not be able to
//! hold up collection or its end (P9). What does not fit is dropped and counted. Knows nothing of what is
//! written.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Does the work of a [`BackgroundQueue`], on the queue's thread.
pub trait QueueWorker: Send + 'static {
    /// What is queued.
    type Item: Send + 'static;

    /// Handles one item; `dropped` items before it found no room in the queue.
    fn handle(&mut self, item: Self::Item, dropped: u64);

    /// How often [`QueueWorker::tick`] is called while nothing is queued.
    fn tick_period(&self) -> Option<Duration> {
        None
    }

    /// Called when the period has passed.
    fn tick(&mut self) {}
}

/// A queue to a worker on a thread of its own. The thread ends when this is dropped and all is handled; no
/// drop waits for that.
pub struct BackgroundQueue<T> {
    shared: Arc<Exchange<T>>,
    capacity: usize,
}

struct Exchange<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
}

struct Queue<T> {
    items: VecDeque<T>,
    /// How many items were queued so far, and how many of them are handled.
    queued: u64,
    handled: u64,
    dropped: u64,
    /// Whether a wait timed out since the queue was empty.
    is_stalled: bool,
    is_closed: bool,
}

impl<T> fmt::Debug for BackgroundQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundQueue").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> BackgroundQueue<T> {
    /// A queue of at most `capacity` items to this worker.
    ///
    /// # Errors
    /// Fails when the thread cannot be started.
    pub fn start(
        name: &str,
        capacity: usize,
        mut worker: impl QueueWorker<Item = T>,
    ) -> io::Result<BackgroundQueue<T>> {
        let queue = Queue {
            items: VecDeque::new(),
            queued: 0,
            handled: 0,
            dropped: 0,
            is_stalled: false,
            is_closed: false,
        };
        let shared = Arc::new(Exchange { queue: Mutex::new(queue), changed: Condvar::new() });
        let exchange = Arc::clone(&shared);
        thread::Builder::new().name(name.to_owned()).spawn(move || exchange.work(&mut worker))?;
        Ok(BackgroundQueue { shared, capacity })
    }

    /// Queues an item, or drops it where the queue is full; true when it is queued.
    pub fn push(&self, item: T) -> bool {
        self.push_within(item, self.capacity).is_some()
    }

    /// Queues an item and waits until it is handled, but not longer than `patience`, and not at all while
    /// an earlier wait was in vain. An item that `is_important` finds room where others do not.
    pub fn push_and_wait(&self, item: T, is_important: bool, patience: Duration) {
        let capacity = if is_important { self.capacity * 2 } else { self.capacity };
        if let Some(ticket) = self.push_within(item, capacity)
            && !self.shared.lock().is_stalled
        {
            self.wait_for(ticket, patience);
        }
    }

    /// Waits until everything is handled, but not longer than `patience`; true when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let ticket = self.shared.lock().queued;
        self.wait_for(ticket, patience)
    }

    /// The number of the queued item.
    fn push_within(&self, item: T, capacity: usize) -> Option<u64> {
        let mut queue = self.shared.lock();
        if queue.items.len() >= capacity {
            queue.dropped += 1;
            return None;
        }
        queue.items.push_back(item);
        queue.queued += 1;
        self.shared.changed.notify_all();
        Some(queue.queued)
    }

    fn wait_for(&self, ticket: u64, patience: Duration) -> bool {
        let queue = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(queue, patience, |queue| queue.handled < ticket);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_done = queue.handled >= ticket;
        queue.is_stalled |= !is_done;
        is_done
    }
}

impl<T> Drop for BackgroundQueue<T> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl<T> Exchange<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, worker: &mut impl QueueWorker<Item = T>) {
        let mut queue = self.lock();
        loop {
            if let Some(item) = queue.items.pop_front() {
                let dropped = std::mem::take(&mut queue.dropped);
                drop(queue);
                worker.handle(item, dropped);
                queue = self.lock();
                queue.handled += 1;
                queue.is_stalled &= !queue.items.is_empty();
                self.changed.notify_all();
            } else if queue.is_closed {
                return;
            } else if let Some(period) = worker.tick_period() {
                let (waiting, result) =
                    self.changed.wait_timeout(queue, period).unwrap_or_else(PoisonError::into_inner);
                queue = waiting;
                if result.timed_out() {
                    drop(queue);
                    worker.tick();
                    queue = self.lock();
                }
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Handles an item whenever it is let.
    struct Gated {
        begun: Sender<()>,
        gate: Receiver<()>,
        done: Sender<(u32, u64)>,
    }

    impl QueueWorker for Gated {
        type Item = u32;

        fn handle(&mut self, item: u32, dropped: u64) {
            let _ = self.begun.send(());
            let _ = self.gate.recv();
            let _ = self.done.send((item, dropped));
        }
    }

    /// A queue whose worker holds the item 0, the way to let it go on, and what it has done.
    fn gated(capacity: usize) -> (BackgroundQueue<u32>, Sender<()>, Receiver<(u32, u64)>) {
        let ((begun, has_begun), (open, gate), (done, handled)) = (unbounded(), bounded(0), unbounded());
        let queue = BackgroundQueue::start("test", capacity, Gated { begun, gate, done }).unwrap();
        queue.push_and_wait(0, false, Duration::from_millis(1));
        has_begun.recv().unwrap();
        (queue, open, handled)
    }

    #[test]
    fn a_worker_that_stalls_holds_nobody_and_what_finds_no_room_is_counted() {
        let (queue, open, handled) = gated(2);
        // The worker holds the first item, two wait, the rest is dropped.
        for item in 1..10 {
            queue.push_and_wait(item, false, LONG);
        }
        queue.push_and_wait(10, true, LONG);
        assert!(!queue.flush(Duration::ZERO));
        for _ in 0..4 {
            open.send(()).unwrap();
        }
        assert!(queue.flush(LONG));
        let all: Vec<_> = handled.try_iter().collect();
        assert_eq!(all.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [0, 1, 2, 10]);
        assert_eq!(all.iter().map(|(_, dropped)| dropped).sum::<u64>(), 7);
    }

    #[test]
    fn once_it_works_again_items_are_waited_for_again() {
        let (queue, open, handled) = gated(2);
        open.send(()).unwrap();
        assert!(queue.flush(LONG));
        let opener = std::thread::spawn(move || open.send(()).unwrap());
        queue.push_and_wait(1, false, LONG);
        assert_eq!(handled.try_iter().map(|(item, _)| item).collect::<Vec<_>>(), [0, 1]);
        opener.join().unwrap();
    }
}
