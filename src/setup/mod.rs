//! The conversation of `opev setup`: a profile from flags, and from a person for what no flag says.
//!
//! ```text
//! conversation  the questions, in their order, and what they come to
//! next_steps    what is said at the end: the commands that use the profile
//! ```
//!
//! Reads no token but one that is typed, sends nothing and writes no file: `command` does, with what was chosen here.

mod conversation;
mod next_steps;

pub use conversation::{AfterFailure, ChosenName, Conversation};
pub use next_steps::next_steps;
