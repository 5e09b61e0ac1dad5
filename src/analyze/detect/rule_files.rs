//! Rules from files, and from folders of them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::sigma::{SigmaFile, read_sigma};
use super::{Rule, read_rule};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// The greatest file of a rule, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The most files of a folder.
const MOST_FILES: usize = 10_000;

/// The rules of these files and folders; a file that several paths stand for is read once. Those of Sigma are read
/// together, because they may name one another; of folders those that are for other products are left out and told.
///
/// # Errors
/// Fails with `Usage` where a file cannot be read, or is not a rule.
pub fn read_rule_files<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    let mut sigma: Vec<SigmaFile> = Vec::new();
    let mut known: Vec<PathBuf> = Vec::new();
    for path in paths {
        for file in files(path)? {
            let own = file.canonicalize().unwrap_or_else(|_| file.clone());
            if known.contains(&own) {
                continue;
            }
            known.push(own);
            let (name, text) = (file.to_string_lossy().into_owned(), read(&file)?);
            match is_sigma(&file) {
                true => sigma.push(SigmaFile { name, text, is_named: file == *path }),
                false => rules.push(read_rule(&name, &text)?),
            }
        }
    }
    let read = read_sigma(&sigma)?;
    read.left_out.iter().for_each(|why| log::info!("left out: {why}"));
    if let [first, ..] = &read.left_out[..] {
        let count = read.left_out.len();
        log::warn!("{count} rules of Sigma are not for events of 1Password and were left out, first {first}");
    }
    rules.extend(read.rules);
    Ok(rules)
}

/// Whether a file has rules of Sigma.
fn is_sigma(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// The files that a path stands for: itself, or those of a folder that are rules, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let is_rule =
        |path: &PathBuf| is_sigma(path) || path.extension().is_some_and(|extension| extension == "toml");
    let entries = path.read_dir().map_err(|e| unreadable(path).because(e))?;
    let mut files: Vec<PathBuf> =
        entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path())).filter(is_rule).collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|e| unreadable(path).because(e))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unreadable(path).because("it is greater than 1 MiB"));
    }
    Ok(text)
}

fn unreadable(path: &Path) -> Error {
    let path = sanitize::message(&path.to_string_lossy()).into_owned();
    Error::new(ErrorKind::Usage, format!("cannot read the rule {path}"))
        .hint("name a file or a folder of rules; the key rules of the profile may name it too")
}
