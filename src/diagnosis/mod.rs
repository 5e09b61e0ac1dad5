//! Checks step by step whether a token works, and reports it for people and programs.
//!
//! ```text
//! offline        the token's claims: form, audience, features, times
//! online         the connection to the server, one introspection, one small request per stream
//! profile_token  a profile's token on the whole way: read, looked at, tried
//! step           a step, its outcome, and the diagnosis they make up
//! report         the steps as a table for people, or a line a profile
//! json           the same for programs
//! introspection  the service's answer about a token, for people and programs
//! findings       the failures on standard error, and their combined kind
//! expiry         how much time a token has left
//! profile_row    profiles in a list, as far as they are known offline
//! ```
//!
//! Writes to no stream. No output holds any of the token but its claims (P10).

mod expiry;
mod findings;
mod introspection;
mod json;
mod offline;
mod online;
mod profile_row;
mod profile_token;
mod report;
mod step;

pub use findings::tell;
pub use introspection::IntrospectedToken;
pub use json::to_json;
pub use profile_row::ProfileRow;
pub use profile_token::{CheckDepth, PATIENCE, ProfileToken};
pub use report::{DiagnosisStyle, list, table};
pub use step::TokenDiagnosis;
