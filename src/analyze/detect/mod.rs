//! Rules over events, and their hits.
//!
//! ```text
//! rule       what a rule says
//! reader     rules are read from TOML, with line and column
//! sigma      rules are read from Sigma, too
//! trial      the tests inside a rule
//! rule_set   rules made ready: which of them an event concerns is decided by stream and action first
//! fold       gathers what may be part of a hit: small records, not events
//! window     those records by group; what does not fit into memory lies in a scratch file
//! judge      records in order of time become hits, one a rule, group and window
//! baseline   values that are new to a group
//! state      what was gathered, as bytes, for runs that go on another time
//! hit        what is told; render: as JSON and for people
//! builtin    the rules that come with the program
//! rule_files rules from files and folders
//! choice     which rules are looked at
//! catalogue  rules found by words, listed, explained
//! ```

mod baseline;
mod builtin;
mod catalogue;
mod choice;
mod event_id;
mod fold;
mod hit;
mod judge;
mod lists;
mod reader;
mod render;
mod rule;
mod rule_files;
mod rule_set;
mod sigma;
mod silence;
mod state;
mod trial;
mod window;

#[cfg(test)]
mod tests;

pub use builtin::builtin_rules;
pub use choice::{of_level, only};
pub use fold::DetectFold;
pub use hit::Hit;
pub use lists::{LISTS, Lists};
pub use reader::read_rule;
pub use render::{HitFormat, HitStyle};
pub use rule::{Level, Rule};
pub use rule_files::read_rule_files;
pub use rule_set::RuleSet;
pub use sigma::{SigmaFile, read_sigma};
pub use trial::{TrialOutcome, event_of, run_trials};
