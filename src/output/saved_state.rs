//! The saved state under a state directory: list, export, import, reset.
//!
//! For `opev status` and `opev state`. Reading takes no lock that could block a run; changing takes the run's
//! lock.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::checkpoint::dir::{self, CheckpointDir, Consumer};
use super::checkpoint::lock::{self, Holder};
use super::checkpoint::record::{Checkpoint, CompanionMark, LogMark, OutputMark, VERSION};
use super::checkpoint::store::{self, CheckpointStore};
use super::digest::Digest;
use super::seen::REMEMBERED;
use super::seen::log::SeenLog;
use super::whole::WholeDigest;
use super::{disk_failure, rule_state, shown};
use crate::clock::Clock;
use crate::disk::{Disk, Open};
use crate::error::{Error, ErrorKind, Result};

/// One saved checkpoint.
#[derive(Debug)]
pub struct SavedPosition {
    /// The profile it belongs to.
    pub profile: String,
    /// The name of its directory; what `reset` and `export` take.
    pub key: String,
    /// Its record; none when nothing was ever saved, or the failure with which a run would end.
    pub record: Result<Option<Checkpoint>>,
    /// Who holds its lock now; `Some(None)` when the holder is unknown.
    pub holder: Option<Option<Holder>>,
}

/// Everything saved under a state directory, by profile and key.
///
/// # Errors
/// Fails with `Output` when a directory cannot be read. A damaged checkpoint is not a failure here.
pub fn list(disk: &dyn Disk, state_dir: &Path) -> Result<Vec<SavedPosition>> {
    let mut found = Vec::new();
    for profile in names(disk, &state_dir.join("profiles"))? {
        for key in names(disk, &dir::consumers(state_dir, &profile))? {
            let place = CheckpointDir::at(state_dir, &profile, &key);
            found.push(SavedPosition {
                record: store::read(disk, &place).map(|newest| newest.map(|loaded| loaded.record)),
                holder: lock::holder(disk, &place.file("lock")),
                profile: profile.clone(),
                key,
            });
        }
    }
    Ok(found)
}

/// The checkpoint that manages the file at an absolute path, under this name or another name of the file.
///
/// # Errors
/// Fails as [`list`] does.
pub fn manager_of(disk: &dyn Disk, state_dir: &Path, path: &Path) -> Result<Option<SavedPosition>> {
    let metadata = disk.metadata(path).ok();
    let is_it = |saved: &SavedPosition| match &saved.record {
        Ok(Some(Checkpoint { output: Some(output), .. })) => {
            // By the file that its name refers to now, not by the recorded inode, which may be reused.
            let managed = disk.metadata(Path::new(&output.path)).ok();
            Path::new(&output.path) == path
                || metadata.zip(managed).is_some_and(|(found, managed)| found.is_same_file(&managed))
        }
        _ => false,
    };
    Ok(list(disk, state_dir)?.into_iter().find(is_it))
}

/// How a managed file compares with what was delivered to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// Every delivered byte is there.
    AsDelivered,
    /// Some bytes were changed or are missing.
    Changed,
    /// The file does not exist: it was moved or removed.
    Missing,
    /// The checkpoint holds no digest of the whole file.
    Unknown,
}

/// Reads a managed file up to its delivered length, and compares the digest.
///
/// # Errors
/// Fails with `Output` when the file cannot be read.
pub fn verify(disk: &dyn Disk, mark: &OutputMark) -> Result<Verified> {
    let path = Path::new(&mark.path);
    let file = match disk.open(path, Open::Read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Verified::Missing),
        opened => opened.map_err(|e| disk_failure("open", path, e))?,
    };
    let found = file.metadata().map_err(|e| disk_failure("look at", path, e))?;
    // What a rotation puts in its place is empty, until the next event.
    if mark.length > 0 && found.length == 0 && (found.device, found.inode) != (mark.device, mark.inode) {
        return Ok(Verified::Missing);
    }
    let Some(whole) = &mark.whole else { return Ok(Verified::Unknown) };
    let found = WholeDigest::of(&*file, mark.length).map_err(|e| disk_failure("read", path, e))?;
    Ok(if found.mark() == *whole { Verified::AsDelivered } else { Verified::Changed })
}

/// An exported checkpoint.
#[derive(Serialize, Deserialize)]
struct ExportedState {
    opev_state: u32,
    record: Checkpoint,
    /// The delivered identities, as base64.
    seen: String,
    /// What rules have gathered, as base64; none where none looked at the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<String>,
}

/// The largest state of rules that an export takes along, in bytes: it is one text.
const MOST_RULE_STATE: u64 = 32 << 20;

/// The checkpoint as JSON, with all that is needed to continue on another machine without loss or repeat.
///
/// # Errors
/// `Locked` while a run writes it: two machines must not continue from one position. `CheckFailed` when there
/// is none.
pub fn export(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    state_dir: &Path,
    profile: &str,
    key: &str,
) -> Result<String> {
    let place = existing(&**disk, state_dir, profile, key)?;
    let _lock = lock::acquire(&**disk, clock, &place.file("lock"))?;
    let Some(mut record) = store::read(&**disk, &place)?.map(|loaded| loaded.record) else {
        return Err(missing(profile, key));
    };
    let rules = match &mut record.companion {
        Some(mark) if mark.length > MOST_RULE_STATE => {
            log::warn!(
                "{profile}, {key}: what rules have gathered is greater than 32 MiB and stays here: where the position \
                 goes on, they learn anew"
            );
            *mark = CompanionMark { hits: mark.hits.take(), ..CompanionMark::default() };
            None
        }
        Some(mark) => rule_state::read(&**disk, &place, mark)?.map(|state| BASE64.encode(state)),
        None => None,
    };
    let seen = SeenLog::load(disk, &place, &record.seen, REMEMBERED)?;
    let luggage = ExportedState { opev_state: VERSION, record, seen: BASE64.encode(seen.entries()), rules };
    serde_json::to_string_pretty(&luggage)
        .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot write the state as JSON").because(e))
}

/// Saves an exported checkpoint under this state directory, and returns its place.
///
/// # Errors
/// `Usage` when the text is not an export; `Disagreement` when a newer program wrote it or when a checkpoint
/// exists already: it must be reset first.
pub fn import(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    state_dir: &Path,
    json: &[u8],
) -> Result<(String, String)> {
    let invalid = |why: &str| {
        Error::new(ErrorKind::Usage, format!("cannot read the exported state: {why}"))
            .hint("give the output of `opev state export`")
    };
    let luggage: ExportedState = serde_json::from_slice(json).map_err(|e| invalid(&e.to_string()))?;
    if luggage.opev_state > VERSION {
        return Err(Error::new(ErrorKind::Disagreement, "the state was exported by a newer opev")
            .hint("run that opev here"));
    }
    let entries = BASE64.decode(&luggage.seen).map_err(|e| invalid(&e.to_string()))?;
    let rules = luggage.rules.as_deref().map(|rules| BASE64.decode(rules)).transpose();
    let rules = rules.map_err(|e| invalid(&e.to_string()))?;
    let mut record = luggage.record;
    if let (Some(rules), Some(mark)) = (&rules, &record.companion)
        && Digest::of(rules) != mark.digest
    {
        return Err(invalid("what rules have gathered is damaged"));
    }
    let profile = record.profile.clone();
    if !is_profile_name(&profile) {
        return Err(invalid("the profile's name is not one"));
    }
    let consumer = match &record.output {
        Some(output) => Consumer::File(output.path.clone().into()),
        None => Consumer::Named(record.consumer.clone()),
    };
    let place = CheckpointDir::of(state_dir, &profile, &consumer);
    place.make(&**disk)?;
    let _lock = lock::acquire(&**disk, clock, &place.file("lock"))?;
    let (mut store, found) = CheckpointStore::load(disk, &place)?;
    if found.is_some() {
        return Err(Error::new(
            ErrorKind::Disagreement,
            format!("profile {profile} has a position for {} already", record.consumer),
        )
        .hint("run `opev state reset` first if it may be lost"));
    }
    let mut seen = SeenLog::load(disk, &place, &LogMark::default(), REMEMBERED)?;
    if !seen.extend(&entries) {
        return Err(invalid("the delivered identities are damaged"));
    }
    place.sync(&**disk)?;
    record.seen = seen.save()?;
    let hits = record.companion.take().and_then(|mark| mark.hits);
    let rules = match &rules {
        Some(state) => rule_state::write(&**disk, &place, 1, state)?,
        None => CompanionMark::default(),
    };
    if hits.is_some() || rules.generation > 0 {
        record.companion = Some(CompanionMark { hits, ..rules });
    }
    record.updated_at = clock.now();
    store.commit(&mut record)?;
    Ok((profile, consumer.key()))
}

/// Removes a checkpoint. The output is not touched.
///
/// # Errors
/// `Locked` while a run writes it, `CheckFailed` when there is none.
pub fn reset(disk: &dyn Disk, clock: &dyn Clock, state_dir: &Path, profile: &str, key: &str) -> Result<()> {
    let place = existing(disk, state_dir, profile, key)?;
    let _lock = lock::acquire(disk, clock, &place.file("lock"))?;
    let mut files = names(disk, place.directory())?;
    // The lock is removed last: a run that waits for it then finds another inode, and tries again.
    files.sort_by_key(|name| name == "lock");
    for name in files {
        let path = place.file(&name);
        disk.remove(&path).map_err(|e| disk_failure("remove", &path, e))?;
    }
    disk.remove(place.directory()).map_err(|e| disk_failure("remove", place.directory(), e))?;
    let above = dir::consumers(state_dir, profile);
    disk.sync_dir(&above).map_err(|e| disk_failure("sync the directory", &above, e))
}

fn existing(disk: &dyn Disk, state_dir: &Path, profile: &str, key: &str) -> Result<CheckpointDir> {
    let is_safe = !key.is_empty() && !key.starts_with('.') && !key.contains('/');
    let place = CheckpointDir::at(state_dir, profile, key);
    if !is_safe || !is_profile_name(profile) || disk.metadata(place.directory()).is_err() {
        return Err(missing(profile, key));
    }
    Ok(place)
}

fn missing(profile: &str, key: &str) -> Error {
    let (profile, key) = (shown(Path::new(profile)), shown(Path::new(key)));
    Error::new(ErrorKind::CheckFailed, format!("profile {profile} has no saved position {key}"))
        .hint("`opev status` lists the saved positions")
}

fn is_profile_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(word)
}

/// The names in a directory; none when there is no such directory. Names that are not UTF-8 are not opev's.
fn names(disk: &dyn Disk, directory: &Path) -> Result<Vec<String>> {
    match disk.list(directory) {
        Ok(names) => Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect()),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(e) => Err(disk_failure("read the directory", directory, e)),
    }
}
