//! The checkpoint of a resumed run: its record, its files, its lock, and whether it still fits the output.
//!
//! One checkpoint belongs to one (profile, consumer), whatever streams feed it. `commit` decides when
//! to save. A checkpoint holds neither the token nor an event.

pub mod dir;
pub mod lock;
pub mod record;
pub mod recover;
pub mod store;
