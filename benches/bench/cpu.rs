//! CPU by format and shape, beside others that move or read the same pages.

use opev::event::Stream;

use crate::rivals::{Curl, Rival};
use crate::service::Service;
use crate::stopwatch::in_turn;
use crate::table::{Row, memory, time, times};
use crate::{Choice, Result};

/// A way to fetch, and whom it is held against.
struct Form {
    name: &'static str,
    args: &'static [&'static str],
    rival: Rival,
    /// How many times the rival's CPU it may take.
    limit: Option<(&'static str, f64)>,
}

const fn beside_curl(name: &'static str, args: &'static [&'static str]) -> Form {
    Form { name, args, rival: Rival::Curl, limit: None }
}

const NDJSON: &[&str] = &["--format", "ndjson"];

const FORMS: [Form; 8] = [
    Form { limit: Some(("at most 4 (goal 2.5)", 4.0)), ..beside_curl("ndjson", NDJSON) },
    beside_curl("ndjson, --jobs 1", &["--format", "ndjson", "--jobs", "1"]),
    beside_curl("ndjson, --shape envelope", &["--format", "ndjson", "--shape", "envelope"]),
    beside_curl("json", &["--format", "json"]),
    beside_curl("csv", &["--format", "csv"]),
    beside_curl("table", &["--format", "table"]),
    Form { name: "ndjson", args: NDJSON, rival: Rival::Python, limit: Some(("at most 0.10", 0.10)) },
    Form { name: "ndjson", args: NDJSON, rival: Rival::CurlWithJq, limit: None },
];

pub(crate) fn run(choice: &Choice) -> Result<()> {
    let events = if choice.quick { 30_000 } else { 300_000 };
    let title = |form: &Form| format!("cpu: {}, {events} events, beside {}", form.name, form.rival);
    let wanted: Vec<&Form> = FORMS.iter().filter(|form| choice.wants(&title(form))).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let service = Service::start(events, &[])?;
    let curl = Curl::new(&service, &service.pages(&Stream::ALL)?)?;
    for form in wanted {
        let row = Row::new(title(form));
        if let Some(missing) = form.rival.missing() {
            row.measured(format!("left out: there is no {missing}")).print();
            continue;
        }
        let count = if form.rival == Rival::Curl { choice.times() } else { choice.few_times() };
        let rival = form.rival.command(&service, &curl);
        let [ours, other] = in_turn(count, [&service.fetch_unlimited(form.args), &rival])?;
        let ratio = times(ours.cpu, other.cpu);
        let rate = events as f64 / ours.cpu.as_secs_f64() / 1e6;
        let row = row
            .measured(format!(
                "{} ({rate:.1} million events a second), {}",
                time(ours.cpu),
                memory(ours.peak)
            ))
            .beside(format!("{}, {}", time(other.cpu), memory(other.peak)), ratio);
        match form.limit {
            Some((words, most)) => row.limit(words, ratio <= most).print(),
            None => row.print(),
        }
    }
    Ok(())
}
