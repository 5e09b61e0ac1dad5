//! `opev words`: what the service's codes mean.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  opev words                    every code that is known
  opev words chngpsso           what a code means
  opev words vault export       rows in which both are found
  opev words 'two-factor'       the codes behind words
  opev words --json gva         for programs";

/// The arguments of `opev words`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct WordsArgs {
    /// A code, an object type, a stream, or words of the meaning
    ///
    /// Codes, object types and streams are looked for as a whole, in any case, with * for any characters; in the
    /// meaning any part is found. Of several, each must be found in a row. Without one, all rows are
    /// shown.
    #[arg(value_name = "CODE|WORD")]
    pub wanted: Vec<String>,

    /// Print a JSON array
    ///
    /// An object a row, with the keys stream (the API's name), field, code, object_type (null except for audit
    /// events), words, and documented: whether 1Password says so, or the meaning was inferred.
    #[arg(long)]
    pub json: bool,
}
