//! One binary for all integration tests: a harness, then a module per behaviour.
//!
//! The modules called `tNN_*` are the proofs of the promises, by their numbers in the README's table.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rehearsal;
mod t01_abort;
mod t02_power_loss;
mod t03_the_tests_bite;
mod t04_disk_operations;
mod t05_disk_faults;
mod t07_damaged_states;
mod t12_one_writer;
