//! `opev` brings 1Password's security events to the command line.
//!
//! ```text
//!  argv  env  file
//!    |
//!   cli -> config -> Settings -> command: arguments in, one call, an ending out
//!                                   |
//!                                collect      the engine: a question, a resumed run and tail are three ways to start it
//!                                   |
//!   source  ------------------>  select  ----->  encode  ----->  output
//!                                       \-----> analyze: folds, reports
//!   cursor loop, windows,        filters,        formats,        destinations, batches,
//!   files, sorting               jq              shapes, masks   checkpoints, commit order
//!      |
//!     api (1Password's protocol)
//! ```
//!
//! A page of events travels one way, `source -> select -> encode -> output`; only the request for the next
//! page goes back.
//!
//! | module | what it is | uses, beside the vocabulary |
//! |---|---|---|
//! | [`cli`] | what can be typed: clap definitions and help. No I/O | `analyze` `api` `encode` `console` `select` `simulator` |
//! | [`config`] | flags, environment and file become settings, each with its origin; token sources | `cli` `api` `disk` |
//! | [`command`] | one file or folder per subcommand: arguments in, one call, an ending out | all |
//! | [`completion`] | values that a shell completes, read when the key is pressed | `analyze` `cli` `config` `disk` `encode` `facts` `names` `output` `select` |
//! | [`collect`] | the engine: one loop for questions, folds, resumed runs and tail; who takes batches: a command, an intake | `analyze` `api` `config` `console` `disk` `encode` `facts` `health` `output` `select` `source` |
//! | [`api`] | 1Password's protocol: endpoint, wire, scan, http, retry, limiter, claims | |
//! | [`source`] | where pages come from: cursor loop, windows, files, prefetch, sorting | `api` |
//! | [`facts`] | what an event says: who acted, on what, from where; its codes in words | |
//! | [`names`] | titles of uuids: imported, kept per profile | `disk` `facts` `console` |
//! | [`select`] | which events: filters by person, address, place, action, object, outcome and text, and in jq's language | `facts` |
//! | [`analyze`] | folds of events and the reports that they make: counts, exposure, rules | `facts` `select` `encode` `console` |
//! | [`encode`] | masks, formats and shapes: events become bytes | `facts` |
//! | [`output`] | sinks, batches, checkpoints, the commit order | `disk` |
//! | [`health`] | the state of a collector, for `opev status` and monitors | `api` `output` `disk` `console` |
//! | [`diagnosis`] | whether a token works: its claims, the connection to the server, a request per stream | `api` `collect` `config` `console` `encode` `source` |
//! | [`setup`] | the conversation of `opev setup`: what no flag says is asked for | `api` `cli` `config` `console` |
//! | [`console`] | all output for people: notes, progress, logs, errors, questions | |
//! | `simulator` | a loopback Events API: seeded data, faults, checks of its clients; behind the feature `simulator` | `disk` |
//! | [`disk`] | every file operation: real and recording | |
//! | [`fuzzing`] | ways into the readers of private modules, for `fuzz/` | `analyze` `console` `disk` `facts` `names` `select` `source` |
//!
//! The vocabulary, used by all of them: [`error`] (kinds of failure, and the one table of exit codes),
//! [`event`] and [`page`], [`identity`] (when two events are the same event), [`secret`] (a token that cannot
//! be printed), [`compression`] (of files), [`sanitize`] (control characters in foreign text are escaped),
//! [`scratch`] (temporary files for what does not fit into memory),
//! [`clock`] (time and sleeping), [`cancel`] (signals and cancellation), [`limits`] (of the process),
//! [`runtime`] (clock, cancel token and console of a run), [`time`] and [`size`] (parsers for times, durations and sizes), [`suggest`] ("did you
//! mean").
//!
//! Only `console` and the stdout sink write to the standard streams, only `disk` opens files for writing,
//! only `config` reads the environment, only `clock` reads the time or sleeps, only `main` exits. Lints and
//! `clippy.toml` check that; a test checks the table.

mod analyze;
pub mod api;
pub mod cancel;
pub mod cli;
pub mod clock;
mod collect;
pub mod command;
mod completion;
pub mod compression;
pub mod config;
pub mod console;
mod diagnosis;
pub mod disk;
mod encode;
pub mod error;
pub mod event;
pub mod facts;
pub mod fuzzing;
mod health;
mod identity;
mod limits;
mod names;
pub mod output;
pub mod page;
pub mod runtime;
pub mod sanitize;
mod scratch;
pub mod secret;
pub mod select;
mod setup;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod size;
mod source;
mod suggest;
pub mod time;
