//! `opev` brings 1Password's security events to the command line.
//!
//! ```text
//!  argv  env  file
//!    |
//!   cli -> config -> Settings -> command: arguments in, one call, an ending out
//!                                   |
//!                                collect      the one engine: question, resume and follow are three ways to start it
//!                                   |
//!   source  ------>  select  ----->  encode  ----->  output
//!   service          filters         formats and     destinations,
//!   windows                          shapes          checkpoints: the commit order
//!      |
//!     api (1Password's protocol)
//! ```
//!
//! A page of events travels one way, `source -> select -> encode -> output`; nothing flows back but the
//! question for the next page.
//!
//! | module | what it is | uses, beside the vocabulary |
//! |---|---|---|
//! | [`cli`] | what can be typed: clap definitions and help. No I/O | `api` `encode` `console` `select` `simulator` |
//! | [`config`] | flags, environment and file become settings, each with its origin; token sources | `cli` `api` |
//! | [`command`] | one file or folder per subcommand: arguments in, one call, an ending out | all |
//! | [`collect`] | the engine: question, resumed run and tail are three ways to start one loop | `api` `config` `console` `disk` `encode` `health` `output` `select` `source` |
//! | [`api`] | 1Password's protocol: endpoint, wire, scan, http, retry, limiter, claims | |
//! | [`source`] | where pages come from: cursor loop, windows, prefetch, sorting | `api` |
//! | [`facts`] | what an event says: look-ups in its text, actor, target, address, place, action; words | |
//! | [`select`] | which events: filters by person, address, place, action, object, outcome and text | `facts` |
//! | [`encode`] | shapes and formats: events become bytes | `facts` |
//! | [`output`] | the commit order, sinks, checkpoints | `disk` |
//! | [`health`] | what a collector says of itself, for `opev status` and monitors | `api` `output` `disk` `console` |
//! | [`diagnosis`] | whether a token is usable: claims, the way to the server, a request per stream, as a report | `api` `source` `encode` `console` |
//! | [`console`] | all text for people: notes, progress, logs, errors | |
//! | `simulator` | a loopback Events API: seeded data, faults, assertions on its clients; behind the feature of that name | |
//! | [`disk`] | the few file operations there are: real, recording, failing, modelled | |
//!
//! The vocabulary, used by all of them: [`error`] (what can go wrong, and the one table of exit codes),
//! [`event`] and [`page`], [`identity`] (what makes an event the same event), [`secret`] (a token that cannot
//! be printed), [`compression`] (of files), [`sanitize`] (foreign text made harmless), [`clock`] and [`cancel`]
//! (time, and the wish to
//! end), [`runtime`] (clock, cancel and console of a run), [`time`] and [`size`] (what people type for times,
//! durations and sizes), [`suggest`] (what a mistyped word stands for).
//!
//! Only `console` and the stdout sink write to the standard streams, only `disk` opens files for writing,
//! only `config` reads the environment, only `clock` reads the time or sleeps, only `main` exits. The lints
//! and `clippy.toml` keep that, and a test keeps the table.

pub mod api;
pub mod cancel;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod command;
pub mod compression;
pub mod config;
pub mod console;
pub mod diagnosis;
pub mod disk;
pub mod encode;
pub mod error;
pub mod event;
pub mod facts;
pub mod health;
pub mod identity;
pub mod output;
pub mod page;
pub mod runtime;
pub mod sanitize;
pub mod secret;
pub mod select;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod size;
pub mod source;
pub mod suggest;
pub mod time;
