//! Peak memory by events and jobs: bounded, however many events there are.

use crate::service::Service;
use crate::stopwatch::{Cost, measure};
use crate::table::{Row, memory};
use crate::{Choice, Result};

/// How many jobs, and how many MiB they may take.
const JOBS: [(&str, u64); 2] = [("1", 16), ("8", 48)];

pub(crate) fn run(choice: &Choice) -> Result<()> {
    let sizes: &[u64] = if choice.quick { &[30_000, 300_000] } else { &[30_000, 300_000, 3_000_000] };
    let mut least: [Option<Cost>; JOBS.len()] = Default::default();
    for &events in sizes {
        let title = |jobs: &str| format!("memory: {events} events, --jobs {jobs}");
        if !JOBS.iter().any(|(jobs, _)| choice.wants(&title(jobs))) {
            continue;
        }
        let service = Service::start(events, &[])?;
        for ((jobs, most), least) in JOBS.into_iter().zip(&mut least) {
            if !choice.wants(&title(jobs)) {
                continue;
            }
            let count = if events > 1_000_000 { 1 } else { choice.times() };
            let cost = measure(count, &service.fetch_unlimited(&["--format", "ndjson", "--jobs", jobs]))?;
            let least = least.get_or_insert(cost).peak;
            Row::new(title(jobs))
                .measured(memory(cost.peak))
                .beside(format!("the fewest events: {}", memory(least)), cost.peak as f64 / least as f64)
                .limit(format!("under {most} MiB"), cost.peak < most * 1024)
                .print();
        }
    }
    slow_answers(choice)
}

/// What is read ahead while answers are slow, which is when the most is under way.
fn slow_answers(choice: &Choice) -> Result<()> {
    let events = if choice.quick { 30_000 } else { 300_000 };
    let title = format!("memory: {events} events, answers of 100ms");
    if choice.wants(&title) {
        let service = Service::start(events, &["--latency", "100ms"])?;
        let cost = measure(choice.few_times(), &service.fetch_unlimited(&["--format", "ndjson"]))?;
        Row::new(title).measured(memory(cost.peak)).print();
    }
    Ok(())
}
