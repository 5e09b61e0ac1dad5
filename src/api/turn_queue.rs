//! A fair queue (first come, first served) whose waiting can be cancelled.
//!
//! Knows nothing of what is waited for: [`limiter`](crate::api::limiter) and
//! [`throttle`](crate::api::throttle) have one each.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::cancel::Cancel;
use crate::error::Result;

/// Lets one through at a time, in order of coming.
#[derive(Debug, Default)]
pub(super) struct TurnQueue(Mutex<QueueState>);

#[derive(Debug, Default)]
struct QueueState {
    is_busy: bool,
    waiting: VecDeque<Sender<()>>,
}

/// The first place in the queue; dropping it calls the next one.
pub(super) struct QueueTurn<'a>(&'a TurnQueue);

impl Drop for QueueTurn<'_> {
    fn drop(&mut self) {
        self.0.state().call_next();
    }
}

impl TurnQueue {
    /// Waits until all earlier callers have dropped their turn.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled.
    pub(super) fn turn(&self, cancel: &Cancel) -> Result<QueueTurn<'_>> {
        let Some(called) = self.state().join() else { return Ok(QueueTurn(self)) };
        select! {
            recv(called) -> _ => Ok(QueueTurn(self)),
            recv(cancel.channel()) -> _ => {
                // Calls are made under this lock: either this one was called by now and passes the turn
                // on, or it is gone before the call and passed over.
                let state = self.state();
                let was_called = called.try_recv().is_ok();
                drop(called);
                drop(state);
                if was_called {
                    drop(QueueTurn(self));
                }
                Err(cancel.failure())
            }
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    /// Takes the turn if nobody has it, else waits in the queue for the call.
    fn join(&mut self) -> Option<Receiver<()>> {
        if !std::mem::replace(&mut self.is_busy, true) {
            return None;
        }
        let (sender, receiver) = bounded(1);
        self.waiting.push_back(sender);
        Some(receiver)
    }

    fn call_next(&mut self) {
        while let Some(next) = self.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        self.is_busy = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn who_came_first_goes_first() {
        let (queue, cancel) = (TurnQueue::default(), Cancel::new());
        let first = queue.turn(&cancel).unwrap();
        let served = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for number in 0..10 {
                let (queue, served, cancel) = (&queue, &served, &cancel);
                scope.spawn(move || {
                    let _turn = queue.turn(cancel).unwrap();
                    assert_eq!(served.fetch_add(1, Ordering::SeqCst), number);
                });
                while queue.waiting() <= number as usize {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(served.into_inner(), 10);
    }

    #[test]
    fn one_that_is_cancelled_in_the_queue_is_passed_over() {
        let queue = TurnQueue::default();
        let first = queue.turn(&Cancel::new()).unwrap();
        let cancel = Cancel::new();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| queue.turn(&cancel).map(drop).unwrap_err().kind());
            while queue.waiting() == 0 {
                std::thread::yield_now();
            }
            cancel.trigger(15);
            assert_eq!(waiter.join().unwrap(), ErrorKind::Interrupted(15));
        });
        drop(first);
        queue.turn(&Cancel::new()).unwrap();
    }
}
