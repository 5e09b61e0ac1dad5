//! `--codes`: what is made for people has codes or words.

use clap::Args;

/// Codes or words.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct CodesArg {
    /// Show codes instead of words
    ///
    /// In tables, records, reports and the columns what and deed: the service's own codes, as opev words lists
    /// them.
    #[arg(long, help_heading = "Output")]
    pub codes: bool,
}
