//! What a command costs: wall time, CPU time and peak memory of its whole process.
//!
//! The kernel tells CPU and memory of all ended children together, and memory as the largest of them. So
//! this program runs itself once more around each command, and that process has one child only.

#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::Result;

/// What makes this program a stopwatch; the command follows.
pub(crate) const FLAG: &str = "--stopwatch";

/// What a command cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The largest resident set, in KiB.
    pub(crate) peak: u64,
}

/// Runs a command with its output thrown away, and prints its cost.
pub(crate) fn run(mut command: impl Iterator<Item = String>) -> Result<()> {
    let program = command.next().ok_or("no command")?;
    let start = Instant::now();
    let status = Command::new(&program).args(command).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    println!("{} {cpu} {}", wall.as_micros(), usage.max_rss());
    Ok(())
}

/// The median cost of a command that is run so many times, after once for warmth.
pub(crate) fn measure(times: usize, command: &Command) -> Result<Cost> {
    let [cost] = in_turn(times, [command])?;
    Ok(cost)
}

/// The median cost of each command, run in turn so that a busy moment hits all of them.
pub(crate) fn in_turn<const N: usize>(times: usize, commands: [&Command; N]) -> Result<[Cost; N]> {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=times {
        for (costs, command) in costs.iter_mut().zip(commands) {
            let cost = once(command)?;
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    Ok(costs.map(|costs| Cost {
        wall: median(costs.iter().map(|cost| cost.wall)),
        cpu: median(costs.iter().map(|cost| cost.cpu)),
        peak: median(costs.iter().map(|cost| cost.peak)),
    }))
}

/// The cost of a command that is run once.
pub(crate) fn once(command: &Command) -> Result<Cost> {
    let mut stopwatch = Command::new(std::env::current_exe()?);
    stopwatch.arg(FLAG).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        stopwatch.env(name, value.unwrap_or(OsStr::new("")));
    }
    let output = stopwatch.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let &[wall, cpu, peak] = numbers.as_slice() else {
        return Err(format!("{} failed", command.get_program().display()).into());
    };
    Ok(Cost { wall: Duration::from_micros(wall), cpu: Duration::from_micros(cpu), peak })
}

fn median<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
