//! The server of the built-in profile `demo`: a simulator inside this process, where the build has one.

use std::sync::Arc;

use crate::clock::Clock;
use crate::error::Result;

#[cfg(feature = "simulator")]
pub(super) use crate::simulator::RunningSimulator as DemoServer;

/// Starts the demo's server.
///
/// # Errors
/// Fails when no port is free.
#[cfg(feature = "simulator")]
pub(super) fn start(clock: Arc<dyn Clock>) -> Result<DemoServer> {
    use crate::simulator::{Simulator, SimulatorOptions};
    Simulator::start(SimulatorOptions::demo(), clock)
}

#[cfg(not(feature = "simulator"))]
pub(super) use absent::{not_built, start};

#[cfg(not(feature = "simulator"))]
mod absent {
    use super::{Arc, Clock, Result};
    use crate::error::{Error, ErrorKind};
    use crate::secret::Secret;

    /// A server that this build cannot start; there is no value of it.
    #[derive(Debug)]
    pub(in crate::command) enum DemoServer {}

    impl DemoServer {
        pub(in crate::command) fn base_url(&self) -> String {
            match *self {}
        }

        pub(in crate::command) fn token(&self) -> &Secret {
            match *self {}
        }
    }

    pub(in crate::command) fn start(_: Arc<dyn Clock>) -> Result<DemoServer> {
        Err(not_built("the profile demo"))
    }

    /// What is said of a part of the program that this build was made without.
    pub(in crate::command) fn not_built(what: &str) -> Error {
        Error::new(
            ErrorKind::Config,
            format!("{what} is not in this build: it was made without the simulator"),
        )
        .hint("install a build with the cargo feature `simulator`, which is on by default")
    }
}
