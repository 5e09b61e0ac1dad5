//! Whether somebody else could have written a configuration file that makes `opev` do something for them:
//! run a command, or send the token to a host that is not 1Password's (P10).

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::file::ConfigFile;
use super::profile_table::{ProfileTable, ServerKey};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// Others may not remove or rename what is not theirs in a directory with this bit.
const STICKY: u32 = 0o1000;

/// Who could have written it, for people, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Stranger {
    why: String,
    hint: String,
}

impl ConfigFile {
    /// Refuses a file that others could have written, where it names a command, or a server together with
    /// the leave to send the token there. Files that do neither are read whoever owns them.
    ///
    /// # Errors
    /// Fails with `Config` and says what the file names, and who could have written it.
    pub(super) fn refuse_if_foreign(&self, path: &Path, file: &File) -> Result<()> {
        let Some(named) = self.what_needs_trust() else { return Ok(()) };
        let shown = sanitize::message(&path.to_string_lossy()).into_owned();
        let stranger = stranger(path, file).map_err(|e| {
            Error::new(ErrorKind::Config, format!("cannot tell who may write {shown}")).because(e)
        })?;
        match stranger {
            Some(Stranger { why, hint }) => {
                Err(Error::new(ErrorKind::Config, format!("{shown} names {named}, but {why}")).hint(hint))
            }
            None => Ok(()),
        }
    }

    /// The first setting in the file that only the user or root may decide.
    fn what_needs_trust(&self) -> Option<String> {
        let tables = || self.profiles.values().chain([&self.defaults]);
        let command =
            tables().filter_map(|table| table.token.as_ref()).find(|token| token.value.runs_a_program());
        if let Some(token) = command {
            return Some(format!("a command ({}, line {})", token.value.name(), token.line));
        }
        let allowed = tables().find_map(|table| table.allow_host.as_ref())?;
        let server = |table: &ProfileTable| {
            table
                .server
                .as_ref()
                .filter(|server| matches!(server.value, ServerKey::BaseUrl(_)))
                .map(|s| s.line)
        };
        let line = tables().find_map(server)?;
        Some(format!(
            "a server that may get the token (base_url, line {line}, allow_host, line {})",
            allowed.line
        ))
    }
}

/// Who else could have written the file. The opened file is asked, not the path, which may point elsewhere
/// by now; then the directories of the path and of what it points to.
fn stranger(path: &Path, file: &File) -> io::Result<Option<Stranger>> {
    let us = rustix::process::geteuid().as_raw();
    if let Some(stranger) = of(&sanitize::message(&path.to_string_lossy()), &file.metadata()?, us) {
        return Ok(Some(stranger));
    }
    let absolute = std::path::absolute(path)?;
    for place in [&absolute, &absolute.canonicalize()?] {
        let Some(directory) = place.parent() else { continue };
        let shown = sanitize::message(&directory.to_string_lossy()).into_owned();
        if let Some(stranger) = of(&shown, &directory.metadata()?, us) {
            return Ok(Some(stranger));
        }
    }
    Ok(None)
}

fn of(shown: &str, metadata: &Metadata, us: u32) -> Option<Stranger> {
    judged(shown, metadata.uid(), metadata.mode(), us)
}

/// The rule, for a file or directory of this owner and mode, in the eyes of the user `us`: it belongs to
/// that user or to root, and nobody else can write it.
fn judged(shown: &str, owner: u32, mode: u32, us: u32) -> Option<Stranger> {
    if owner != 0 && owner != us {
        let why = format!("{shown} belongs to another user (uid {owner})");
        return Some(Stranger { why, hint: format!("check what it says, then: chown {us} {shown}") });
    }
    let is_sticky_directory = mode & 0o170_000 == 0o040_000 && mode & STICKY != 0;
    if mode & 0o022 != 0 && !is_sticky_directory {
        let why = format!("others can write {shown} (mode {:03o})", mode & 0o777);
        return Some(Stranger { why, hint: format!("check what it says, then: chmod go-w {shown}") });
    }
    None
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::path::PathBuf;

    use super::*;
    use crate::config::Environment;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    fn refused(path: &Path) -> Option<String> {
        ConfigFile::read(Some(path), &Environment::default()).err().map(|failure| {
            assert_eq!(failure.kind(), ErrorKind::Config);
            assert!(failure.advice().unwrap().starts_with("check what it says, then: ch"), "{failure}");
            failure.to_string()
        })
    }

    /// Each thing that needs trust, and what does not.
    const TEXTS: [(&str, bool); 6] = [
        ("[profiles.a]\ntoken_command = \"x\"\n", true),
        ("[profiles.a]\ntoken = \"op://a/b/c\"\n", true),
        (
            "[profiles.a]\nbase_url = \"https://events.example.net\"\nallow_host = \"events.example.net\"\n",
            true,
        ),
        ("[defaults]\nallow_host = [\"x.example\"]\n[profiles.a]\nbase_url = \"https://x.example\"\n", true),
        ("[profiles.a]\ntoken_file = \"x\"\nbase_url = \"https://events.1password.eu\"\n", false),
        ("[profiles.a]\nregion = \"eu\"\nallow_host = [\"x.example\"]\n", false),
    ];

    #[test]
    fn a_file_that_others_can_write_names_neither_a_command_nor_a_host_for_the_token() {
        for (text, needs_trust) in TEXTS {
            for mode in [0o664, 0o646] {
                let (_directory, path) = written(text, mode);
                let message = refused(&path);
                assert_eq!(message.is_some(), needs_trust, "{text}");
                assert!(
                    message.is_none_or(|m| m.contains("others can write") && m.contains("line ")),
                    "{text}"
                );
            }
            let (_directory, path) = written(text, 0o644);
            assert_eq!(refused(&path), None, "{text}");
        }
    }

    #[test]
    fn a_directory_that_others_can_write_is_as_bad_unless_it_is_sticky() {
        for (mode, fine) in [(0o770, false), (0o707, false), (0o1777, true), (0o755, true)] {
            let (directory, path) = written(TEXTS[0].0, 0o600);
            std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(refused(&path).is_none(), fine, "{mode:o}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        assert_eq!(judged("/c", 0, 0o600, 1000), None);
        assert_eq!(judged("/c", 1000, 0o600, 1000), None);
        assert!(judged("/c", 1001, 0o600, 1000).unwrap().why.contains("belongs to another user (uid 1001)"));
        // As root, only root's own will do.
        assert!(judged("/c", 1000, 0o600, 0).is_some());
        if rustix::process::geteuid().is_root() {
            for (text, needs_trust) in TEXTS {
                let (_directory, path) = written(text, 0o600);
                chown(&path, Some(12_345), None).unwrap();
                assert_eq!(refused(&path).is_some(), needs_trust, "{text}");
            }
        }
    }
}
