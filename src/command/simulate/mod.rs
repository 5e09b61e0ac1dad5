//! `opev simulate`: starts the simulator, prints its address, serves until interrupted, prints a summary.
//!
//! The announcement is complete before the first request can be answered, so that scripts may wait for it.

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::simulate::SimulateArgs;
use crate::clock::Clock;
use crate::disk::real::publish;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::simulator::{
    EventData, FaultScript, RequestLog, SeededData, ServiceBehavior, Simulator, SimulatorOptions,
    TokenOptions,
};

/// Runs the simulator until `cancel` is triggered; `announce` is stdout, `summary` stderr.
///
/// # Errors
/// Fails when the port is taken, a file cannot be read or written, and with `CheckFailed` when `--assert` was
/// given and a client broke a rule.
pub fn run(
    args: &SimulateArgs,
    clock: Arc<dyn Clock>,
    cancel: &Cancel,
    announce: &mut dyn Write,
    summary: &mut dyn Write,
) -> Result<()> {
    let mut options = options(args);
    let mut live_from = None;
    if let EventData::Seeded(SeededData { live: Some(_), live_from: from, .. }) = &mut options.data {
        // Decided here, so that the announcement can say it.
        live_from = Some(*from.get_or_insert_with(|| options.at.unwrap_or_else(|| clock.now())));
    }
    let mut log = None;
    if let Some(path) = &args.log {
        let (opened, requests) = RequestLog::open(path, &*clock)?;
        (log, options.log) = (Some(opened), Some(requests));
    }
    let running = Simulator::start(options, clock)?;
    if let Some(path) = &args.token_file {
        let line = format!("{}\n", running.token().expose());
        publish(path, line.as_bytes(), true).map_err(|e| {
            let shown = crate::sanitize::message(&path.to_string_lossy()).into_owned();
            Error::new(ErrorKind::Output, format!("cannot write the token to {shown}")).because(e)
        })?;
    }
    let token_file = args.token_file.as_ref().map(|path| path.display().to_string());
    let text = running.announcement(args.announce, token_file.as_deref(), live_from);
    announce
        .write_all(text.as_bytes())
        .and_then(|()| announce.flush())
        .map_err(|e| Error::new(ErrorKind::Output, "cannot say where the stand-in listens").because(e))?;
    while !cancel.wait(Duration::from_secs(3600)) {}

    let report = running.report();
    drop(running);
    let logged = log.map_or(Ok(()), RequestLog::close);
    // Nothing is left to do when stderr is gone; the exit code still tells.
    let _ = write!(summary, "{report}");
    logged?;
    if args.assert && !report.broken.is_empty() {
        let rules: Vec<String> = report.broken.iter().map(|broken| broken.rule.to_string()).collect();
        let what = format!("a client broke a rule: {}", rules.join("; "));
        return Err(Error::new(ErrorKind::CheckFailed, what));
    }
    Ok(())
}

/// What the arguments ask for.
fn options(args: &SimulateArgs) -> SimulatorOptions {
    let seeded = SeededData {
        seed: args.seed,
        events: args.events,
        days: args.days,
        rhythm: args.rhythm,
        live: args.live,
        live_from: args.live_from,
        hostile: args.hostile,
        repeats: args.repeats,
    };
    let files = || EventData::Files(args.data.clone());
    let (start, end) = args.bounds.bounds();
    SimulatorOptions {
        port: args.port,
        data: if args.data.is_empty() { EventData::Seeded(seeded) } else { files() },
        at: args.at,
        behavior: ServiceBehavior {
            start,
            end,
            filter: args.filter,
            cursor_forgets_end: args.cursor_forgets_end,
            keys: args.keys,
            user_type_key: args.user_type,
            errors: args.errors,
            empty_page_before_end: !args.no_empty_page,
            repeats_when_followed: args.repeat_when_followed,
            cursor_with_range: args.cursor_with_range,
            null_is_absent: args.accept_null,
            accepts_whole_floats: args.accept_float,
        },
        token: TokenOptions {
            features: if args.features.is_empty() { Stream::ALL.to_vec() } else { args.features.clone() },
            expires_in: args.expires_in,
            audience: args.audience.clone(),
        },
        script: FaultScript::new(args.faults.iter().cloned()),
        latency: args.latency.unwrap_or_default(),
        rate_limit: args.rate_limit,
        gzip: args.gzip,
        one_at_a_time: args.one_at_a_time,
        ..SimulatorOptions::default()
    }
}
