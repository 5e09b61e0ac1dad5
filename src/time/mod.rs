//! Time as people type and read it: expressions, zones, durations. Pure: nothing here reads a clock.

pub mod duration;
pub mod expression;
mod named_zone;
pub mod zone;

pub use expression::{NamedDay, RangeEnd, ResolvedTime, TimeExpr};
pub use zone::Zone;
