//! One binary for all integration tests: a harness, then a module per behaviour.

mod simulator;
