//! From a profile's settings to its account: the token's source, or the demo's server inside the process.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::api::observer::Observer;
use crate::collect::session::{Connections, Session};
use crate::command::Invocation;
use crate::command::demo;
use crate::config::{Account, Settings};
use crate::diagnosis::PATIENCE;
use crate::error::{Error, ErrorKind, Result};

/// Reads the token, decides the server, and makes a client. Sends nothing.
///
/// `patience` is how long a failing request is retried without `--retry-for`; `observer` receives what happens
/// to requests.
///
/// # Errors
/// Fails as the settings' token and server can: 3 and 4.
pub fn open(
    invocation: &Invocation,
    connections: &Connections,
    settings: Settings,
    patience: Duration,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Session> {
    let (account, keep) = if settings.is_demo() {
        let demo = demo::start(Arc::clone(&invocation.runtime.clock))?;
        let server = demo.base_url().parse().map_err(|e| {
            Error::new(ErrorKind::Unexpected, "the demo's server has no usable address").because(e)
        })?;
        let account = Account::new(server, demo.token().clone());
        (account, Some(Box::new(demo) as Box<dyn Any + Send + Sync>))
    } else {
        (settings.account(&invocation.runtime.cancel)?, None)
    };
    Session::open(&invocation.runtime, connections, settings, account, keep, patience, observer)
}

/// The demo's session, where these are its settings: its token exists only once its server runs.
pub fn of_demo(
    invocation: &Invocation,
    connections: &Connections,
    settings: &Settings,
) -> Result<Option<Session>> {
    let is_demo = settings.is_demo();
    is_demo.then(|| open(invocation, connections, settings.clone(), PATIENCE, None)).transpose()
}
