//! What can be typed.

pub mod duration;
pub mod time;
