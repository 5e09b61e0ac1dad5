//! What can be typed: clap definitions, value parsers, help text. No I/O.

pub mod simulate;
