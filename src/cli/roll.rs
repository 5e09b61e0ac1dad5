//! Rolled files: when the next one begins, and what their names must say.

use std::path::Path;
use std::time::Duration;

use crate::size;
use crate::time::duration;

/// The mark of a file's name that says that files are rolled.
const BATCH: &str = "{batch}";

/// How many bytes a rolled file has without `--roll`.
const BYTES: u64 = 128 << 20;

/// How long a rolled file may wait for its end without `--roll`.
const AGE: Duration = Duration::from_secs(3_600);

/// When a rolled file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollLimit {
    /// After this many bytes, before compression.
    Bytes(u64),
    /// So long after its first event was read.
    Age(Duration),
}

/// Reads a size or a length of time.
pub(super) fn limit(text: &str) -> Result<RollLimit, String> {
    if let Ok(age) = duration::parse_positive(text) {
        return Ok(RollLimit::Age(age));
    }
    size::parse(text)
        .map(RollLimit::Bytes)
        .map_err(|_| "neither a size nor a duration; write 128MiB or 1h".to_owned())
}

/// The bytes and the age of rolled files, with these limits typed.
pub(super) fn limits(typed: &[RollLimit]) -> (u64, Duration) {
    let bytes = typed.iter().rev().find_map(|limit| match limit {
        RollLimit::Bytes(bytes) => Some(*bytes),
        RollLimit::Age(_) => None,
    });
    let age = typed.iter().rev().find_map(|limit| match limit {
        RollLimit::Age(age) => Some(*age),
        RollLimit::Bytes(_) => None,
    });
    (bytes.unwrap_or(BYTES), age.unwrap_or(AGE))
}

/// Whether the name of an output is that of rolled files.
pub(super) fn is_rolled(output: Option<&Path>) -> bool {
    output.is_some_and(|path| path.to_string_lossy().contains(BATCH))
}

/// Refuses names and flags of rolled files that cannot work.
pub(super) fn check(output: Option<&Path>, typed: &[RollLimit], resume: bool) -> Result<(), String> {
    let text = output.map(Path::to_string_lossy).unwrap_or_default();
    const EXAMPLE: &str = "-o 'lake/{stream}/date={date}/{batch}.ndjson.zst'";
    if !is_rolled(output) {
        return match () {
            () if text.contains("{date}") => Err(format!(
                "{{date}} is for rolled files, and needs {{batch}} in the file's name, as in {EXAMPLE}"
            )),
            () if !typed.is_empty() => {
                Err(format!("--roll needs {{batch}} in the file's name, as in {EXAMPLE}"))
            }
            () => Ok(()),
        };
    }
    if !resume {
        return Err("rolled files ({batch} in the file's name) need --resume".into());
    }
    let name = output.and_then(Path::file_name).unwrap_or_default();
    if !name.to_string_lossy().contains(BATCH) {
        return Err(format!(
            "{{batch}} must stand in the file's name, not in a directory's, as in {EXAMPLE}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::refused;

    #[test]
    fn sizes_and_durations_are_told_apart() {
        let minute = Duration::from_secs(60);
        assert_eq!(limit("64MiB"), Ok(RollLimit::Bytes(64 << 20)));
        assert_eq!(limit("1m"), Ok(RollLimit::Age(minute)));
        assert_eq!(limit("1M"), Ok(RollLimit::Bytes(1 << 20)));
        assert!(limit("0s").is_err() && limit("soon").is_err());
        assert_eq!(limits(&[]), (128 << 20, 60 * minute));
        assert_eq!(limits(&[RollLimit::Age(minute), RollLimit::Bytes(7)]), (7, minute));
    }

    #[test]
    fn names_that_cannot_work_are_refused_with_one_that_does() {
        for (line, words) in [
            ("opev fetch --resume -o lake/{date}.ndjson", "needs {batch}"),
            ("opev fetch --resume -o lake.ndjson --roll 1h", "--roll needs {batch}"),
            ("opev fetch -o {batch}.ndjson", "need --resume"),
            ("opev tail -o {batch}.ndjson", "need --resume"),
            ("opev fetch --resume -o {batch}/x.ndjson", "must stand in the file's name"),
            ("opev fetch --resume -o {batch}.csv --format csv", "rolled files are ndjson"),
            ("opev fetch --resume -o {batch}.ndjson --batch-max 7", "needs a receiver"),
            ("opev fetch --resume -o {batch}.ndjson --roll much", "write 128MiB or 1h"),
        ] {
            let text = refused(line);
            assert!(text.contains(words), "{line}: {text}");
        }
    }
}
