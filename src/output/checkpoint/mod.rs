//! Where a resumed run stands: what is saved, where it lies, who may touch it, and whether it still fits
//! its output.
//!
//! One checkpoint belongs to one (profile, consumer), whatever streams feed it. Nothing here decides when
//! to save: `commit` does. Never the token, never an event.

pub mod dir;
pub mod lock;
pub mod record;
pub mod recover;
pub mod store;
