//! One binary for all integration tests: a harness, then a module per behaviour.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test that cannot run somewhere has to say so")]
#![allow(unreachable_pub, dead_code, reason = "the harness is shared, and not every test uses all of it")]
#![allow(clippy::disallowed_methods, reason = "tests make their own files and read their own environment")]

mod check;
mod client;
mod fetch;
mod generated;
mod harness;
mod import;
mod readme;
mod scripted;
mod simulator;
