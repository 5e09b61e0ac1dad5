//! How much of the service's 600 requests a minute a backfill uses, and for how many full pages.
//!
//! In real time and by the service's own count: answers in the minute that begins with the first request.

use chrono::TimeDelta;

use crate::service::{Asked, FULL_PAGE, events, observe};
use crate::table::{Row, time};
use crate::{Choice, Result};

/// What the service allows in any minute.
const ALLOWED: usize = 600;
/// How many pages there are: more than a minute's requests can fetch.
const PAGES: usize = 600;

/// Streams to ask for, and how many of 100 events are theirs.
const STREAMS: [(&str, &[&str], usize); 2] =
    [("one stream", &["itemusages"], 50), ("three streams", &[], 100)];

/// How the events lie, and how many full pages there must be at least.
const RHYTHMS: [(&str, usize); 2] = [("even", 480), ("office", 400)];

pub(crate) fn run(choice: &Choice) -> Result<()> {
    for (streams, names, share) in STREAMS {
        for (rhythm, least) in RHYTHMS {
            let row = format!("rate: {streams}, {PAGES} pages of 300ms, {rhythm}");
            if !choice.wants(&row) {
                continue;
            }
            let row = Row::new(row);
            if choice.quick {
                row.measured("left out by --quick: it takes more than a minute").print();
                continue;
            }
            let allowed = ALLOWED.to_string();
            let service = ["--rhythm", rhythm, "--latency", "300ms", "--rate-limit", &allowed];
            let question = [names, &["--format", "ndjson"]].concat();
            let (cost, asked) =
                observe(events(PAGES, share), &service, PAGES, |service| service.fetch(&question))?;
            let minute = first_minute(&asked);
            let answers = minute.iter().filter(|asked| asked.status == 200).count();
            let full = minute.iter().filter(|asked| asked.events == FULL_PAGE).count();
            let refused = asked.iter().filter(|asked| asked.status == 429).count();
            row.measured(format!(
                "{answers} answers, {full} of them full; {} requests in {} altogether",
                asked.len(),
                time(cost.wall)
            ))
            .beside(format!("{ALLOWED} allowed"), answers as f64 / ALLOWED as f64)
            .limit("at least 570", answers >= 570)
            .limit(format!("{least} full"), full >= least)
            .limit("no 429", refused == 0)
            .print();
        }
    }
    Ok(())
}

/// What was answered within a minute of the first request.
fn first_minute(asked: &[Asked]) -> Vec<&Asked> {
    let start = asked.iter().map(|asked| asked.arrived).min();
    asked
        .iter()
        .filter(|asked| start.is_some_and(|start| asked.answered < start + TimeDelta::minutes(1)))
        .collect()
}
