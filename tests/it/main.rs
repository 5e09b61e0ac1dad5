//! One binary for all integration tests: a harness, then a module per behaviour.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod simulator;
