//! `opev` brings 1Password's security events to the command line.
//!
//! ```text
//!  argv  env  file                             1Password Events API
//!    |                                                 ^
//!   cli -> config -> Settings                          | HTTPS, one cursor at a time per stream
//!                       |                             api   (limiter, retry, clock)
//!                       v                              ^
//!                 command/fetch ---> stream  ----------+        where pages come from
//!                       |              | Page { events, next }
//!                       |            render                     events -> bytes, pure
//!                       |              | bytes
//!                    console         deliver                    sink, sync, checkpoint: the commit order
//!                  (stderr only)       |
//!                                   stdout | file | command
//! ```

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
