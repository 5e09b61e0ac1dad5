//! How an output file is compressed: as its name says. What compresses is in `output::sink`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A compression of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// The bytes as they are.
    #[default]
    None,
    /// Gzip, for `.gz`.
    Gzip,
    /// Zstandard, for `.zst`.
    Zstd,
}

impl Compression {
    /// The compression that a file's name asks for, and the name without its extension.
    pub fn of_path(path: &Path) -> (Self, PathBuf) {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "gz" => (Compression::Gzip, path.with_extension("")),
            "zst" => (Compression::Zstd, path.with_extension("")),
            _ => (Compression::None, path.to_owned()),
        }
    }

    /// The compression's name in messages and checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_decides() {
        for (path, compression, rest) in [
            ("a.ndjson", Compression::None, "a.ndjson"),
            ("d/a.csv.gz", Compression::Gzip, "d/a.csv"),
            ("a.ndjson.ZST", Compression::Zstd, "a.ndjson"),
            ("a.gz.csv", Compression::None, "a.gz.csv"),
            ("gz", Compression::None, "gz"),
        ] {
            assert_eq!(Compression::of_path(Path::new(path)), (compression, rest.into()), "{path}");
        }
    }
}
