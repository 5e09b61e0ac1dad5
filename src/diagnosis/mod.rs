//! Whether a token is usable, found out step by step, and told to people and programs.
//!
//! ```text
//! offline        what the token says: form, audience, features, times
//! online         the way to the server, one introspection, one small request per stream
//! step           a step, its outcome, and the diagnosis they make up
//! report         the steps as a table for people, or a line a profile
//! json           the same for programs
//! introspection  what the service says of a token, for people and programs
//! findings       what is wrong, told on standard error, and the one kind for all of it
//! expiry         how much time a token has left
//! ```
//!
//! Reads no configuration and writes to no stream. No output holds any of the token but its claims (P10).

mod expiry;
mod findings;
mod introspection;
mod json;
mod offline;
mod online;
mod report;
mod step;

pub use findings::tell;
pub use introspection::IntrospectedToken;
pub use json::to_json;
pub use offline::{TokenRequirements, check_token};
pub use online::ask;
pub use report::{ReportStyle, list, table};
pub use step::{DiagnosisStep, TokenDiagnosis};
