//! Finds saved positions by consumer, by key or by managed file.

use std::path::{Path, PathBuf};

use super::saved_state::{self, SavedPosition};
use super::{Consumer, shown};
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// A query for positions: all of a profile, where no consumer and no file is named.
#[derive(Clone, Copy, Debug)]
pub struct PositionQuery<'a> {
    /// The profile.
    pub profile: &'a str,
    /// The consumer's name or key.
    pub consumer: Option<&'a str>,
    /// The managed file.
    pub output: Option<&'a Path>,
}

impl PositionQuery<'_> {
    /// The matching positions in this state directory, at least one.
    ///
    /// # Errors
    /// Fails with `CheckFailed` when the directory holds none of them, and when it cannot be read.
    pub fn find(&self, disk: &dyn Disk, directory: &Path) -> Result<Vec<SavedPosition>> {
        let mut all = saved_state::list(disk, directory)?;
        all.retain(|saved| saved.profile == self.profile);
        let key = self.output.map(|path| absolute(disk, path)).transpose()?;
        let key = key.map(|path| Consumer::File(path).key());
        let is_meant = |saved: &SavedPosition| match (self.consumer, &key) {
            (Some(name), _) => saved.key == *name || consumer(saved) == Some(name),
            (None, Some(key)) => saved.key == *key,
            (None, None) => true,
        };
        let (found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
        if !found.is_empty() {
            return Ok(found);
        }
        let mut text = format!("profile {} has no saved position", sanitize::message(self.profile));
        if let Some(name) = self.consumer.map(str::to_owned).or_else(|| self.output.map(shown)) {
            text += &format!(" for {}", sanitize::message(&name));
        }
        let hint = if others.is_empty() {
            format!("name another profile or state directory: {} holds none of it", shown(directory))
        } else {
            choices(&others)
        };
        Err(Error::new(ErrorKind::CheckFailed, text).hint(hint))
    }
}

/// The names of these positions, as a hint.
pub fn choices(positions: &[SavedPosition]) -> String {
    format!("choose one of: {}", positions.iter().map(label).collect::<Vec<_>>().join(", "))
}

/// The position's name as it can be typed, with control characters escaped.
pub fn label(saved: &SavedPosition) -> String {
    sanitize::message(consumer(saved).unwrap_or(&saved.key)).into_owned()
}

fn consumer(saved: &SavedPosition) -> Option<&str> {
    saved.record.as_ref().ok()?.as_ref().map(|record| record.consumer.as_str())
}

/// The path as the position of a managed file records it; its directory may be missing.
///
/// # Errors
/// Fails with `Usage` when the path cannot be made absolute.
pub fn absolute(disk: &dyn Disk, path: &Path) -> Result<PathBuf> {
    disk.absolute(path).or_else(|_| std::path::absolute(path)).map_err(|e| {
        Error::new(ErrorKind::Usage, format!("cannot find {}", shown(path)))
            .because(e)
            .hint("give its full path")
    })
}
