//! Format and compression by a file's name.
//!
//! Names only; nothing is opened here.

use std::path::Path;

use super::registry::Format;
use crate::compression::Compression;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// The format and compression of a file's name. A name without an extension is ndjson.
///
/// # Errors
/// Fails with `Usage` for an extension that says neither; `--format` decides then.
pub fn from_path(path: &Path) -> Result<(Format, Compression)> {
    let (compression, inner) = Compression::of_path(path);
    let Some(extension) = extension(&inner) else { return Ok((Format::Ndjson, compression)) };
    let format = Format::ALL.into_iter().find(|format| format.row().extensions.contains(&&*extension));
    format.map(|format| (format, compression)).ok_or_else(|| {
        let known: Vec<String> = Format::ALL
            .iter()
            .flat_map(|format| format.row().extensions)
            .map(|known| format!(".{known}"))
            .collect();
        let name = sanitize::message(&path.to_string_lossy()).into_owned();
        let extension = sanitize::message(&extension).into_owned();
        Error::new(ErrorKind::Usage, format!("{name}: no format has the extension .{extension}")).hint(
            format!(
                "add --format to settle it, or use one of {}, each also with .gz or .zst behind it",
                known.join(", ")
            ),
        )
    })
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_string_lossy().to_ascii_lowercase()).filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_compression_are_read_from_names() {
        use Compression::{Gzip, None, Zstd};
        for (name, format, compression) in [
            ("a/b.JSONL", Format::Ndjson, None),
            ("b.ndjson", Format::Ndjson, None),
            ("b.json.gz", Format::Json, Gzip),
            ("b.csv.ZST", Format::Csv, Zstd),
            ("a.tsv/csv", Format::Ndjson, None),
            ("events", Format::Ndjson, None),
            ("events.gz", Format::Ndjson, Gzip),
            (".json", Format::Ndjson, None),
            ("lake/{batch}.parquet", Format::Parquet, None),
        ] {
            assert_eq!(from_path(Path::new(name)).unwrap(), (format, compression), "{name}");
        }
    }

    #[test]
    fn an_extension_that_no_format_has_is_refused_with_those_that_there_are() {
        for name in ["x.tsv", "x.txt", "x.tsv.gz", "x.gz.gz", "x.csv.bak", "x.xlsx"] {
            let error = from_path(Path::new(name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{name}");
            let hint = error.advice().unwrap();
            assert!(hint.contains("--format") && hint.contains(".ndjson, .jsonl, .json, .csv"), "{hint}");
        }
    }
}
