//! The inputs that were named: files, folders and standard input, in the order in which they are read.
//!
//! What a person names is read whatever it is called; of what a folder holds only the names that events have.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::sanitize;

/// The extensions of the files that are read in a folder; compressed ones have one more.
const EXTENSIONS: [&str; 3] = ["ndjson", "jsonl", "json"];

/// What is not looked into, though its name ends with `.gz` or `.zst`.
const OTHERS: [&str; 2] = ["csv", "tar"];

/// The extensions of compressed files.
const COMPRESSED: [&str; 2] = ["gz", "zst"];

/// An input to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file, a FIFO or a device.
    File(PathBuf),
}

impl Input {
    /// The inputs that these names stand for: `-` is standard input, a folder is every file in it that may hold
    /// events, in order of their paths.
    ///
    /// # Errors
    /// `Usage` when standard input is named twice; `Input` when a file is not there or cannot be read, and for a
    /// folder without such a file.
    pub fn find(names: &[PathBuf]) -> Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for name in names {
            if name.as_os_str() == "-" {
                if inputs.contains(&Input::Stdin) {
                    let message = "--from -: standard input is named twice";
                    return Err(Error::new(ErrorKind::Usage, message).hint("name it once: it ends once"));
                }
                inputs.push(Input::Stdin);
                continue;
            }
            let found = fs::metadata(name).map_err(|error| cannot_read(name, error))?;
            if found.is_dir() {
                let before = inputs.len();
                look_into(name, &mut inputs).map_err(|error| cannot_read(name, error))?;
                if inputs.len() == before {
                    let message = format!("{} holds no file of events", shown(name));
                    return Err(Error::new(ErrorKind::Input, message).hint(
                        "name the files: in a folder *.ndjson, *.jsonl, *.json, *.gz and *.zst are read; \
                         Parquet is for engines such as DuckDB",
                    ));
                }
            } else {
                // Tried now, so that it fails before anything is written. A FIFO can be opened only once.
                if found.is_file() {
                    fs::File::open(name).map_err(|error| cannot_read(name, error))?;
                }
                inputs.push(Input::File(name.clone()));
            }
        }
        Ok(inputs)
    }

    /// The input as messages show it.
    pub fn shown(&self) -> String {
        match self {
            Input::Stdin => "standard input".to_owned(),
            Input::File(path) => shown(path),
        }
    }

    /// The stream that its name says: the API's name of one stream anywhere in it.
    pub(super) fn named_stream(&self) -> Option<Stream> {
        let Input::File(path) = self else { return None };
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let mut said = Stream::ALL.into_iter().filter(|stream| name.contains(stream.name()));
        said.next().filter(|_| said.next().is_none())
    }
}

/// The path as messages show it.
fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    let failure = Error::new(ErrorKind::Input, format!("cannot read {}", shown(path)));
    let is_stream = path.to_str().is_some_and(|text| text.parse::<Stream>().is_ok());
    match error.kind() {
        io::ErrorKind::NotFound if is_stream => failure
            .hint("name streams before --from, whose values are all files: opev fetch signin --from FILE"),
        io::ErrorKind::NotFound => failure.hint("check the name, and the directory that it is relative to"),
        _ => failure.hint("check its permissions"),
    }
    .because(error)
}

/// Adds the files of a folder that may hold events, and those of the folders in it; no links to folders.
fn look_into(folder: &Path, inputs: &mut Vec<Input>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if entry.file_name().to_string_lossy().starts_with('.') {
            // Hidden, as what is still being written beside its name.
            continue;
        }
        if kind.is_dir() {
            look_into(&path, inputs)?;
        } else if may_hold_events(&path) && path.is_file() {
            inputs.push(Input::File(path));
        }
    }
    Ok(())
}

fn may_hold_events(path: &Path) -> bool {
    let extension = |path: &Path| {
        path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
    };
    let last = extension(path);
    if COMPRESSED.contains(&last.as_str()) {
        return !OTHERS.contains(&extension(&path.with_extension("")).as_str());
    }
    EXTENSIONS.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_a_stream_only_when_it_says_one() {
        let said = |name: &str| Input::File(name.into()).named_stream();
        assert_eq!(said("/auditevents/2026-signinattempts.ndjson.gz"), Some(Stream::SignInAttempts));
        assert_eq!(said("x-ItemUsages-1.json"), Some(Stream::ItemUsages));
        assert_eq!(said("auditevents/all.ndjson"), None);
        assert_eq!(said("signinattempts-itemusages.ndjson"), None);
        assert_eq!(Input::Stdin.named_stream(), None);
    }

    #[test]
    fn in_a_folder_the_names_of_events_count() {
        for name in ["a.ndjson", "a.JSONL", "a.json", "a.ndjson.gz", "a.json.zst", "a.log.gz", "a.gz"] {
            assert!(may_hold_events(Path::new(name)), "{name}");
        }
        for name in ["a", "a.csv", "a.csv.gz", "a.tar.zst", "a.txt", "json"] {
            assert!(!may_hold_events(Path::new(name)), "{name}");
        }
    }
}
