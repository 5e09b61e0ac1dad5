//! The same work for many items in parallel, with the results in the order of the items.
//!
//! Bounded: a fixed number of threads, however many items (P9).

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

/// Does `work` for every item, on at most `at_once` threads: this one, and as many others as can be had.
pub fn map<T: Send, R: Send>(items: Vec<T>, at_once: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = at_once.clamp(1, items.len().max(1));
    let queue = Mutex::new(items.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    let take_items = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, item)) = next else { break };
            let result = work(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            if let Err(e) = thread::Builder::new().name("output".into()).spawn_scoped(scope, take_items) {
                log::info!("no more threads can be started: {e}");
                break;
            }
        }
        take_items();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_keep_the_order_and_work_goes_on_at_once() {
        // Each waits for the other: with one thread this would not end.
        let barrier = Barrier::new(2);
        let results = map(vec![1, 2], 2, |n| {
            barrier.wait();
            n * 10
        });
        assert_eq!(results, [10, 20]);
        assert_eq!(map((0..100).collect(), 7, |n| n), (0..100).collect::<Vec<_>>());
        assert!(map(Vec::<u8>::new(), 3, |n| n).is_empty());
    }
}
