//! The events that were delivered last, in bounded memory, so that none is delivered twice (P2).
//!
//! [`crate::identity::RecentSet`] is the memory alone; [`log`] keeps it over a restart. What an
//! identity is made of is said in [`crate::identity`].

pub mod log;

/// How many events of a stream are remembered.
pub const REMEMBERED: usize = 100_000;
