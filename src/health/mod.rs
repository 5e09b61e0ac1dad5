//! The health of a running collector: state, polls and failures per stream.
//!
//! ```text
//!   requests -> ServiceMonitor -> systemd      readiness, status, watchdog
//!                              -> HealthReporter -> record   a small file beside the checkpoint
//!                                                -> feed     `--health-file`: a JSON object a line
//!   record, checkpoint -> status               the report of `opev status`
//! ```
//!
//! It helps people and monitors and is no part of the promises about events: nothing here is synced, nobody
//! who watches can hold up a run (P9), and positions belong to `output` alone. Never the token, never an
//! event.

mod class;
mod feed;
pub mod monitor;
mod record;
mod reporter;
pub mod status;
pub mod systemd;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use class::ErrorClass;
pub use feed::HealthFeed;
pub use monitor::{PollPace, ServiceMonitor};
pub use record::{Health, LastError, RunMode, note_blocked, read};
pub use reporter::{CollectorIdentity, HealthReporter};
pub use systemd::SystemdNotifier;

/// The state of a stream's collector, in the usual order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CollectorState {
    /// It is to be started.
    #[default]
    Pending,
    /// It runs.
    Started,
    /// Settings, token and position are read.
    Initialized,
    /// The service has accepted the token.
    Authenticated,
    /// Pages arrive.
    Collecting,
    /// The last thing that happened is a failure.
    Error,
    /// It ends or has ended normally.
    Stopping,
}

impl CollectorState {
    /// Its name in the feed, as Sumo Logic's collectors write it.
    pub fn name(self) -> &'static str {
        match self {
            CollectorState::Pending => "Pending",
            CollectorState::Started => "Started",
            CollectorState::Initialized => "Initialized",
            CollectorState::Authenticated => "Authenticated",
            CollectorState::Collecting => "Collecting",
            CollectorState::Error => "Error",
            CollectorState::Stopping => "Stopping",
        }
    }

    /// Its name in `opev status` and in the health file.
    pub fn word(self) -> &'static str {
        match self {
            CollectorState::Pending => "pending",
            CollectorState::Started => "started",
            CollectorState::Initialized => "initialized",
            CollectorState::Authenticated => "authenticated",
            CollectorState::Collecting => "collecting",
            CollectorState::Error => "error",
            CollectorState::Stopping => "stopping",
        }
    }
}

impl fmt::Display for CollectorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
