//! Limits how many requests run at once (`--jobs`). Does not know rates.

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::cancel::Cancel;
use crate::error::Result;

/// A number of permits; clones share them.
#[derive(Clone, Debug)]
pub struct Permits {
    give: Sender<()>,
    take: Receiver<()>,
}

/// The permit for one running request, until it is dropped.
#[derive(Debug)]
pub struct Permit(Sender<()>);

impl Drop for Permit {
    fn drop(&mut self) {
        // Never full: there are as many places as permits.
        let _ = self.0.try_send(());
    }
}

impl Permits {
    /// So many permits; at least one.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        let (give, take) = bounded(count);
        (0..count).for_each(|_| drop(Permit(give.clone())));
        Permits { give, take }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled.
    pub fn acquire(&self, cancel: &Cancel) -> Result<Permit> {
        cancel.check()?;
        select! {
            recv(self.take) -> _ => Ok(Permit(self.give.clone())),
            recv(cancel.channel()) -> _ => Err(cancel.failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_the_permitted_are_under_way() {
        let (permits, cancel) = (Permits::new(3), Cancel::new());
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _permit = permits.acquire(&cancel).unwrap();
                        most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        under_way.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(permits.take.len(), 3);
    }

    #[test]
    fn waiting_ends_when_cancelled() {
        let (permits, cancel) = (Permits::new(0), Cancel::new());
        let _held = permits.acquire(&cancel).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| permits.acquire(&cancel).is_err());
            cancel.trigger(2);
            assert!(waiter.join().unwrap());
        });
    }
}
