//! The events that were delivered last, in bounded memory, so that an event is not delivered twice (P2).
//!
//! [`crate::identity::RecentSet`] holds them in memory; [`log`] saves them across restarts. Identities are
//! defined in [`crate::identity`].

pub mod log;

/// How many events of a stream are remembered.
pub const REMEMBERED: usize = 100_000;
