//! Whole-process benchmarks: the real program beside others on the same pages, as ratios in one table.
//!
//! ```text
//! cargo bench                      everything: some minutes
//! cargo bench -- --quick           fewer events, medians of three
//! cargo bench -- cpu start         only the groups or rows whose name holds one of these words
//! ```
//!
//! The service is `opev simulate` in a process of its own, whose time is not counted. It decides nothing:
//! a limit that is not held is said, and the exit code stays 0. BENCHMARKS.md says what the rows mean.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program for people, not the product"
)]

mod rivals;
mod rows;
mod service;
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

    /// Whether a row of a group is wanted.
    fn wants(&self, group: &str, row: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| group.contains(word) || row.contains(word))
    }

    /// How often each thing is done; the middle one counts.
    fn times(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    let ended = if args.peek().is_some_and(|arg| arg == stopwatch::FLAG) {
        stopwatch::run(args.skip(1))
    } else {
        rows::run(&Choice::read(args))
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
