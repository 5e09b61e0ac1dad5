//! One binary for all integration tests: a harness, then a module per behaviour.
//!
//! The modules called `tNN_*` are the proofs of the promises, by their numbers in CONTRIBUTING.md.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test that cannot run somewhere has to say so")]
#![allow(unreachable_pub, dead_code, reason = "the harness is shared, and not every test uses all of it")]
#![allow(clippy::disallowed_methods, reason = "tests make their own files and read their own environment")]

mod client;
mod fetch;
mod generated;
mod harness;
mod readme;
mod rehearsal;
mod scripted;
mod simulator;
mod t01_abort;
mod t02_power_loss;
mod t03_the_tests_bite;
mod t04_disk_operations;
mod t05_disk_faults;
mod t07_damaged_states;
mod t12_one_writer;
