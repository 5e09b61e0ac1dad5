//! How the service is asked: how much at once, how many requests at once.

use clap::Args;

/// How large the service's answers are.
#[derive(Args, Clone, Debug, Default)]
pub struct PageArgs {
    /// Ask for this many events a request, 1 to 1000 [default: 1000]
    ///
    /// Changes how many requests are made, never what comes out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000),
          help_heading = "Connection")]
    pub page_size: Option<u16>,
}

/// How much is done at once.
#[derive(Args, Clone, Debug, Default)]
pub struct JobArgs {
    /// Run this many requests in parallel, 1 to 16
    ///
    /// By default as many as range and latency call for; of files, as many threads as the machine runs at
    /// once. With --all-profiles over all of them. Changes how long it takes, never what comes out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16),
          help_heading = "Connection")]
    pub jobs: Option<u8>,
}
