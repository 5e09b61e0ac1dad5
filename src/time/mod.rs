//! Time as people type and read it: expressions, zones, durations. Pure: nothing here reads a clock.

pub mod duration;
pub mod expression;
pub mod zone;

pub use expression::{TimeExpr, Zone};
