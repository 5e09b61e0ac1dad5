//! One binary for all integration tests: a harness, then a module per behaviour.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod client;
mod generated;
mod scripted;
