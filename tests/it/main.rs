//! One binary for all integration tests: a harness, then a module per behaviour.

mod client;
mod generated;
mod scripted;
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

