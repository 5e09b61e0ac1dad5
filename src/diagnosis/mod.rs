//! Checks step by step whether a token works, and reports it for people and programs.
//!
//! ```text
//! offline        the token's claims: form, audience, features, times
//! online         the connection to the server, one introspection, one small request per stream
//! step           a step, its outcome, and the diagnosis they make up
//! report         the steps as a table for people, or a line a profile
//! json           the same for programs
//! introspection  the service's answer about a token, for people and programs
//! findings       the failures on standard error, and their combined kind
//! expiry         how much time a token has left
//! profile_row    profiles in a list, as far as they are known offline
//! ```
//!
//! Reads no configuration and writes to no stream. No output holds any of the token but its claims (P10).

mod expiry;
mod findings;
mod introspection;
mod json;
mod offline;
mod online;
mod profile_row;
mod report;
mod step;

pub use findings::tell;
pub use introspection::IntrospectedToken;
pub use json::to_json;
pub use offline::{TokenRequirements, check_token};
pub use online::ask;
pub use profile_row::ProfileRow;
pub use report::{DiagnosisStyle, list, table};
pub use step::{DiagnosisStep, TokenDiagnosis};
