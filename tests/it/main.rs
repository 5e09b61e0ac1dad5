//! One binary for all integration tests: a harness, then a module per behaviour.
//!
//! The modules called `tNN_*` are the proofs of the promises, by their numbers in CONTRIBUTING.md.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot run somewhere has to say so"
)]
#![allow(unreachable_pub, dead_code, reason = "the harness is shared, and not every test uses all of it")]
#![allow(clippy::disallowed_methods, reason = "tests make their own files and read their own environment")]

mod alerts;
mod architecture;
mod check;
mod client;
mod companion;
mod completion;
mod config_commands;
mod delivery;
mod detect;
mod detect_beside;
mod disks;
mod encode;
mod exposure;
mod fetch;
mod fetch_data;
mod fetch_errors;
mod fetch_faults;
mod fetch_output;
mod fetch_pipes;
mod fetch_resume;
mod fetch_terminal;
mod filters;
mod foreign_config;
mod from_files;
mod frozen;
mod gaps;
mod generated;
mod harness;
mod html;
mod import;
mod intake;
mod jq;
mod lake;
#[cfg(feature = "parquet")]
mod lake_parquet;
mod lake_sql;
mod limits;
mod man;
mod mishaps;
mod names;
mod one_engine;
mod packages;
mod pager;
mod pages;
mod profiles;
mod questions;
mod rate_refusals;
mod redaction;
mod rehearsal;
mod replaced;
mod scripted;
mod setup;
mod shapes;
mod shards;
mod show;
mod sigma;
mod simulator;
mod stalled_watchers;
mod status;
mod summary;
mod summary_sql;
mod t01_abort;
mod t02_power_loss;
mod t03_the_tests_bite;
mod t04_disk_operations;
mod t05_disk_faults;
mod t06_kill_loop;
mod t06_taken_away;
mod t07_damaged_states;
mod t08_same_bytes;
mod t10_signals;
mod t12_one_writer;
mod t12_two_runs;
mod t13_rate;
mod t15_faithful;
mod t16_parsers;
mod tail;
mod tail_time;
mod times;
mod token_secrecy;
mod views;
mod words;
