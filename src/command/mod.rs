//! One file per subcommand: settings in, calls below, a report out.

pub mod simulate;
