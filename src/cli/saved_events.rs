//! Files as the source of events instead of the service.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::event::Stream;

/// Which files, and how they are read.
#[derive(Args, Clone, Debug, Default)]
pub struct SavedEventArgs {
    /// Read events from files instead of the service; - is standard input
    ///
    /// Needs no network, no token and no saved position. Files of lines (raw events or envelopes), JSON
    /// arrays, answers of the API; gzip and zstd are recognised. Of a folder *.ndjson, *.jsonl, *.json, *.gz
    /// and *.zst are read. Events come in the order of the files and of their lines, unless they are sorted;
    /// repeats are left out; without --since and --until all of them count. Name streams before this flag.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::AnyPath,
          help_heading = "Which events")]
    pub from: Vec<PathBuf>,

    /// The stream of events in files that do not tell it
    ///
    /// An envelope tells the stream, else the file's name (signinattempts, itemusages or auditevents
    /// anywhere in it), else the event's keys. An event of which nothing tells it is refused without this.
    #[arg(long, value_name = "STREAM", requires = "from", help_heading = "Which events")]
    pub stream: Option<Stream>,

    /// End at the first line that cannot be read, with 3
    ///
    /// Without it such lines are left out, the first of each file is told, and the run ends with 10; lines without
    /// the text that a filter looks for are then not looked at.
    #[arg(long, requires = "from", help_heading = "Which events")]
    pub strict: bool,
}

impl SavedEventArgs {
    /// Whether events are read from files.
    pub fn is_given(&self) -> bool {
        !self.from.is_empty()
    }

    /// Refuses the first of these flags that was typed beside `--from`.
    pub(super) fn refuse_beside(&self, others: &[(&str, bool)]) -> Result<(), String> {
        match others.iter().find(|(_, is_typed)| self.is_given() && *is_typed) {
            Some((other, _)) => Err(format!("the argument '--from <FILE>...' cannot be used with '{other}'")),
            None => Ok(()),
        }
    }
}
