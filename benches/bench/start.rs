//! Start-up: what a run costs that does next to nothing.

use std::process::Command;

use opev::event::Stream;

use crate::rivals::Curl;
use crate::service::Service;
use crate::stopwatch::in_turn;
use crate::table::{Row, time, times};
use crate::{Choice, OPEV, Result};

/// It takes no time to be thorough.
const TIMES: usize = 21;

pub(crate) fn run(choice: &Choice) -> Result<()> {
    let title = "start: --version";
    if choice.wants(title) {
        let [mut ours, mut curl] = [OPEV, "curl"].map(Command::new);
        let [ours, curl] = in_turn(TIMES, [ours.arg("--version"), curl.arg("--version")])?;
        let ratio = times(ours.wall, curl.wall);
        Row::new(title)
            .measured(format!("{}, {} of CPU", time(ours.wall), time(ours.cpu)))
            .beside(format!("curl --version: {}", time(curl.wall)), ratio)
            .limit("at most 1.5", ratio <= 1.5)
            .print();
    }
    let title = "start: fetch of one page";
    if choice.wants(title) {
        let service = Service::start(2_000, &[])?;
        let pages = service.pages(&[Stream::AuditEvents])?;
        let curl = Curl::new(&service, &pages[..1])?;
        let fetch = service.fetch(&["auditevents", "--format", "ndjson", "--limit", "1"]);
        let [ours, curl] = in_turn(TIMES, [&fetch, &curl.command()])?;
        Row::new(title)
            .measured(format!("{}, {} of CPU", time(ours.wall), time(ours.cpu)))
            .beside(format!("curl: {}", time(curl.wall)), times(ours.wall, curl.wall))
            .limit("under 15 ms", ours.wall.as_millis() < 15)
            .print();
    }
    Ok(())
}
