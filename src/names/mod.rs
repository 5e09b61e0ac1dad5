//! Names of vaults, items, users and groups, imported from 1Password's command-line tool and kept per profile.
//!
//! One file below the profile's state, for its owner alone: `STATE_DIR/profiles/PROFILE/names.json`, an object
//! with `opev_names`, the version of its form, and `names`, an array of `uuid`, `kind` and `name`. It is
//! replaced as a whole. Titles are as secret as events: no message repeats one.

mod import;
pub mod listing;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk, Open, real};
use crate::error::{Error, ErrorKind, Result};
use crate::facts::{NameKind, Names};
use crate::sanitize;

pub use import::{ImportedName, NewNames, counted};

/// The version of the file's form, raised when an older program could misread it.
const VERSION: u32 = 1;

/// The longest file that is read or written, and the longest that is imported: 64 MiB hold some 600,000 names.
pub const LIMIT: usize = 64 << 20;

/// The file as it is read.
#[derive(Deserialize)]
struct NamesFile {
    opev_names: u32,
    #[serde(default)]
    names: Vec<FileName>,
}

/// The same, to be written.
#[derive(Serialize)]
struct WrittenNames<'a> {
    opev_names: u32,
    names: Vec<WrittenName<'a>>,
}

#[derive(Deserialize)]
struct FileName {
    uuid: String,
    kind: NameKind,
    name: String,
}

#[derive(Serialize)]
struct WrittenName<'a> {
    uuid: &'a str,
    kind: NameKind,
    name: &'a str,
}

/// Where the names of one profile are kept.
#[derive(Clone, Debug)]
pub struct NameStore {
    state_dir: PathBuf,
    directory: PathBuf,
}

impl NameStore {
    /// The place of a profile's names under a state directory.
    pub fn new(state_dir: &Path, profile: &str) -> Self {
        let directory = state_dir.join("profiles").join(profile);
        NameStore { state_dir: state_dir.to_owned(), directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.join("names.json")
    }

    /// The names that were imported; none where nothing was.
    ///
    /// # Errors
    /// `Output` when the file cannot be read, `Disagreement` when it is damaged or a newer program wrote it,
    /// `Config` when somebody else may have written it.
    pub fn read(&self, disk: &dyn Disk) -> Result<Names> {
        let path = self.path();
        let file = match disk.open(&path, Open::Read) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Names::default());
            }
            opened => opened.map_err(|e| self.failure("open", e))?,
        };
        self.refuse_foreign(disk)?;
        let bytes = disk::read_all(&*file, LIMIT).map_err(|e| self.failure("read", e))?;
        let read: NamesFile = serde_json::from_slice(&bytes).map_err(|e| {
            // The position only: the text may hold titles.
            let at = format!("{} is damaged, at line {}, column {}", shown(&path), e.line(), e.column());
            Error::new(ErrorKind::Disagreement, at)
                .hint("remove it with `opev names forget`, then import the names again")
        })?;
        if read.opev_names > VERSION {
            let text = format!("{} was written by a newer opev", shown(&path));
            return Err(Error::new(ErrorKind::Disagreement, text).hint("run that opev here"));
        }
        let mut names = Names::default();
        for FileName { uuid, kind, name } in read.names {
            names.insert(uuid, kind, name);
        }
        Ok(names)
    }

    /// Replaces the names, whole or not at all.
    ///
    /// # Errors
    /// `Output` as the disk does, `Config` when others may write the state directory, `Usage` for more than
    /// are read again.
    pub fn write(&self, disk: &dyn Disk, names: &Names) -> Result<()> {
        let list = names.sorted().into_iter();
        let list = list.map(|(uuid, known)| WrittenName { uuid, kind: known.kind, name: &known.name });
        let written = WrittenNames { opev_names: VERSION, names: list.collect() };
        let mut bytes = serde_json::to_vec(&written)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot write the names as JSON").because(e))?;
        bytes.push(b'\n');
        if bytes.len() > LIMIT {
            let text = format!("{} names are more than fit into {} MiB", names.len(), LIMIT >> 20);
            return Err(Error::new(ErrorKind::Usage, text)
                .hint("forget the old ones with `opev names forget`, or import fewer vaults"));
        }
        self.refuse_foreign(disk)?;
        real::publish(&self.path(), &bytes, true).map_err(|e| self.failure("write", e))
    }

    /// Removes the names; tells whether there were any.
    ///
    /// # Errors
    /// `Output` as the disk does.
    pub fn forget(&self, disk: &dyn Disk) -> Result<bool> {
        match disk.remove(&self.path()) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            outcome => outcome.map(|()| true).map_err(|e| self.failure("remove", e)),
        }
    }

    /// Refuses directories that another user could change: what is written there is shown as the truth.
    fn refuse_foreign(&self, disk: &dyn Disk) -> Result<()> {
        for directory in self.directory.ancestors().filter(|path| path.starts_with(&self.state_dir)) {
            if let Some(why) = disk.foreign_access(directory) {
                let text = format!("the state directory {} is not safe: {why}", shown(directory));
                return Err(Error::new(ErrorKind::Config, text)
                    .hint("make it yours alone (chown, chmod go-w), or give another --state-dir"));
            }
        }
        Ok(())
    }

    fn failure(&self, what: &str, error: io::Error) -> Error {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room and run again",
            io::ErrorKind::FileTooLarge => "remove it with `opev names forget`, and import fewer names",
            _ => "give this user the right to use the file, or give another --state-dir",
        };
        let text = format!("cannot {what} the names in {}", shown(&self.path()));
        Error::new(ErrorKind::Output, text).because(error).hint(hint)
    }
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn names_are_kept_for_their_owner_alone_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = NameStore::new(directory.path(), "acme");
        assert!(store.read(&RealDisk).unwrap().is_empty());
        assert!(!store.forget(&RealDisk).unwrap());
        let mut names = Names::default();
        assert!(names.insert("v1".into(), NameKind::Vault, "Infra \u{1b}".into()));
        assert!(!names.insert("v1".into(), NameKind::Vault, "Infra \u{1b}".into()));
        store.write(&RealDisk, &names).unwrap();
        assert_eq!(store.read(&RealDisk).unwrap(), names);
        let mode = std::fs::metadata(store.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{names:?}"), "Names(1)");
        assert!(store.forget(&RealDisk).unwrap());
        assert!(store.read(&RealDisk).unwrap().is_empty());
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the file is the test's own")]
    fn what_is_damaged_newer_or_foreign_is_refused_without_its_text() {
        let directory = tempfile::tempdir().unwrap();
        let store = NameStore::new(directory.path(), "acme");
        store.write(&RealDisk, &Names::default()).unwrap();
        std::fs::write(store.path(), "{\"opev_names\":1,\"names\":[{\"uuid\":\"u\",\"kind\":\"TITLE\"}]}")
            .unwrap();
        let failure = store.read(&RealDisk).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Disagreement);
        assert!(!failure.to_string().contains("TITLE"), "{failure}");
        std::fs::write(store.path(), "{\"opev_names\":2}").unwrap();
        assert!(store.read(&RealDisk).unwrap_err().to_string().contains("newer opev"));
        std::fs::set_permissions(&store.directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(store.read(&RealDisk).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(store.write(&RealDisk, &Names::default()).unwrap_err().kind(), ErrorKind::Config);
    }
}
