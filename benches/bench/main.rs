//! Whole-process benchmarks: the real program beside others on the same pages, as ratios in one table.
//!
//! ```text
//! cargo bench                      everything: about a quarter of an hour
//! cargo bench -- --quick           a tenth of the events, fewer repeats, no run over ten seconds
//! cargo bench -- cpu start         only the groups or rows whose name holds one of these words
//! ```
//!
//! The service is `opev simulate` in a process of its own, whose time is not counted. It decides nothing:
//! a limit that is not held is said, and the exit code stays 0. It fails when a program fails.
//! BENCHMARKS.md says what the rows mean.
//!
//! | module | what it is |
//! |---|---|
//! | `cpu` `memory` `rate` `backfill` `saved` `start` | the groups of rows: what is measured, beside what, its limit |
//! | `service` | the stand-in: its pages, and what it was asked |
//! | `rivals` | the others: curl, jq, a Python loop |
//! | `stopwatch` | what a command costs |
//! | `table` | how that is shown |

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program for people, not the product"
)]

mod backfill;
mod cpu;
mod memory;
mod rate;
mod rivals;
mod saved;
mod service;
mod start;
mod stopwatch;
mod table;

use std::process::ExitCode;

/// The program that is measured: built by the same profile as a release.
const OPEV: &str = env!("CARGO_BIN_EXE_opev");

/// What anything here can fail with.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What was asked for.
#[derive(Debug)]
struct Choice {
    quick: bool,
    words: Vec<String>,
}

impl Choice {
    /// Reads the command line; `--bench` is cargo's own.
    fn read(args: impl Iterator<Item = String>) -> Self {
        let mut choice = Choice { quick: false, words: Vec::new() };
        for arg in args {
            match arg.as_str() {
                "--bench" => {}
                "--quick" => choice.quick = true,
                _ => choice.words.push(arg),
            }
        }
        choice
    }

    /// Whether the row with this name is wanted; it begins with the name of its group.
    fn wants(&self, row: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| row.contains(word))
    }

    /// How often each thing is done; the middle one counts.
    fn times(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// How often what takes seconds is done.
    fn few_times(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }
}

/// Runs what was asked for.
fn run(choice: &Choice) -> Result<()> {
    table::begin();
    for group in [cpu::run, memory::run, rate::run, backfill::run, saved::run, start::run] {
        group(choice)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    let ended = if args.peek().is_some_and(|arg| arg == stopwatch::FLAG) {
        stopwatch::run(args.skip(1))
    } else {
        run(&Choice::read(args))
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
