//! `opev` brings 1Password's security events to the command line.
//!
//! ```text
//!  argv  env  file                             1Password Events API
//!    |                                                 ^
//!   cli -> config -> Settings                          | HTTPS, one cursor at a time per stream or window
//!                       |                             api   (limiter, retry, clock)
//!                       v                              ^
//!        command/fetch, command/tail ---> stream ------+        where pages come from
//!              |        |                   | Page { events, next }
//!           health      |                 render                events -> bytes, pure
//!                       |                   | bytes
//!                    console             deliver                sink, sync, checkpoint: the commit order
//!                  (stderr only)            |
//!                                    stdout | file
//! ```
//!
//! A page of events travels one way, `api -> stream -> render -> deliver`; nothing flows back but the
//! question for the next page.
//!
//! | module | what it is | uses, beside the vocabulary |
//! |---|---|---|
//! | [`cli`] | what can be typed: clap definitions, value parsers, help. No I/O | |
//! | [`config`] | flags, environment and file become settings, each with its origin; token sources | `cli` `api` |
//! | [`command`] | one file or folder per subcommand: settings in, calls below, a report out | all |
//! | [`api`] | 1Password's protocol: endpoint, wire, scan, http, retry, limiter, claims | |
//! | [`stream`] | where pages come from: cursor loop, windows, following, timeline, sorting | `api` |
//! | [`render`] | shapes and formats: events become bytes | |
//! | [`deliver`] | the pipeline (the commit order lives there only), sinks, checkpoints | `disk` |
//! | [`health`] | what a collector says of itself, for `opev status` and monitors | `deliver` `disk` `console` |
//! | [`console`] | all text for people: notes, progress, logs, errors | |
//! | [`simulator`] | a loopback Events API: seeded data, faults, assertions on its clients | |
//! | [`disk`] | the few file operations there are: real, recording, failing, modelled | |
//!
//! The vocabulary, used by all of them: [`failure`] (what can go wrong, and the one table of exit codes),
//! [`event`] and [`page`], [`recent`] (what was given lately), [`secret`] (a token that cannot be printed),
//! [`sanitize`] (foreign text made harmless), [`clock`] and [`cancel`] (time, and the wish to end).
//!
//! Only `console` and the stdout sink write to the standard streams, only `disk` opens files for writing,
//! only `config` reads the environment, only `clock` reads the time or sleeps, only `main` exits. The lints
//! and `clippy.toml` keep that, and a test keeps the table.

pub mod api;
pub mod cancel;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod console;
pub mod deliver;
pub mod disk;
pub mod event;
pub mod failure;
pub mod health;
pub mod page;
pub mod recent;
pub mod render;
pub mod sanitize;
pub mod secret;
pub mod simulator;
pub mod stream;
