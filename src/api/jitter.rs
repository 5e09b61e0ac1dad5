//! Jitter, the only randomness: waits are spread, so that clients and workers do not retry at the same time.
//!
//! Not for secrets: it is fast, not unpredictable.

/// A random number from 0 to 1, different in every process and call.
pub(crate) fn jitter() -> f64 {
    fastrand::f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_within_bounds_and_differs() {
        let throws: Vec<f64> = (0..100).map(|_| jitter()).collect();
        assert!(throws.iter().all(|throw| (0.0..=1.0).contains(throw)));
        assert!(throws.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
