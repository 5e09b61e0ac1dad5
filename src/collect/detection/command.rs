//! Hits of rules to a command: one run a hit, the hit as JSON on its standard input.
//!
//! What events say is foreign and may be secret: none of it stands on a command line or in the environment, but
//! the rule's id and level.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use crate::analyze::detect::Hit;
use crate::collect::delivery::command::{CommandChannel, complaint};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// How often a command is tried for one hit.
const ATTEMPTS: u32 = 3;

/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// A command that is run for each hit.
#[derive(Debug)]
pub struct HitCommand {
    channel: CommandChannel,
    runtime: Runtime,
}

impl HitCommand {
    /// A command for the shell; `environment` is without the variables that hold tokens.
    pub fn new(line: &str, environment: &[(OsString, OsString)], runtime: &Runtime) -> Self {
        let channel = CommandChannel::new(line, environment, &[], &runtime.cancel);
        HitCommand { channel, runtime: runtime.clone() }
    }

    /// Runs it for a hit; three times where it fails.
    ///
    /// # Errors
    /// Fails with `Output` when it failed each time, and with `Interrupted` when cancelled.
    pub fn run(&self, hit: &Hit) -> Result<()> {
        let body: Arc<[u8]> = format!("{}\n", hit.to_json()).into_bytes().into();
        let variables = [("OPEV_RULE", hit.rule.clone()), ("OPEV_LEVEL", hit.level.name().to_owned())];
        let mut why = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.runtime.clock.sleep(PAUSE, &self.runtime.cancel)?;
            }
            why = match self.channel.run(&body, &variables, TIMEOUT)? {
                Ok((Ok(status), _)) if status.success() => return Ok(()),
                Ok((Ok(status), words)) => complaint(status, &words),
                Ok((Err(e), _)) => format!("the command cannot be waited for: {e}"),
                Err(why) => why,
            };
        }
        Err(Error::new(ErrorKind::Output, format!("a hit of {} was not handed over: {why}", hit.rule))
            .hint("try the command by hand with a hit of --format ndjson on its standard input"))
    }
}
