//! Arguments in, exit code out: the only process exit.

fn main() {}
