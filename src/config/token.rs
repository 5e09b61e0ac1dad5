//! Where the token comes from, and reading it there.
//!
//! A source is read when the token is needed and not before, and can be read once more after a 401, as
//! the token may have been rotated. Nothing here shows any of the token (P10).

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::token_command::{LIMIT, TokenCommand};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// Longer than any token; a longer file is not a token.
const MAX_BYTES: u64 = 64 << 10;

const ALTERNATIVES: &str = "set EVENTS_API_TOKEN, give --token-file FILE or --token-command CMD, or write a \
                            profile (opev setup); --profile demo needs no token";

/// Where a profile's token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// Nowhere: none is configured.
    None,
    /// The demo's own simulator.
    Demo,
    /// A file.
    File(TokenFile),
    /// Standard input.
    Stdin,
    /// A text that a person typed, or that is about to be written to a file.
    Typed(Secret),
    /// What a program prints: `--token-command`, or `op read` for a reference.
    Command(TokenCommand),
    /// An environment variable: its name, and its value where it is set and text.
    Variable {
        /// The variable's name.
        name: String,
        /// What it held at the start.
        value: Option<Secret>,
    },
}

/// A file that holds a token, and where others may read such files.
#[derive(Clone, Debug)]
pub struct TokenFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether others may read it: the profile's `token_file_any_mode`.
    pub any_mode: bool,
    /// systemd's `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
}

impl TokenSource {
    /// Reads the token.
    ///
    /// # Errors
    /// Fails with `TokenMissing` when there is none, with `TokenRefused` when the text cannot be one, and
    /// with `Config` when others could read the file.
    pub fn load(&self, cancel: &Cancel) -> Result<Secret> {
        let (text, place) = match self {
            TokenSource::None => {
                return Err(Error::new(ErrorKind::TokenMissing, "no token is configured").hint(ALTERNATIVES));
            }
            TokenSource::Demo => {
                return Err(Error::new(ErrorKind::Unexpected, "the demo's token comes from its simulator"));
            }
            TokenSource::File(file) => {
                refuse_a_token(file.path.file_name().unwrap_or_default(), "the name of a file")?;
                let place = format!("the token file {}", shown(&file.path));
                (file.read(cancel)?, place)
            }
            TokenSource::Stdin => {
                let text = cancel.interruptible(|| read(std::io::stdin()))?;
                (
                    text.map_err(|e| missing("cannot read the token from standard input").because(e))?,
                    "standard input".into(),
                )
            }
            TokenSource::Typed(text) => (Zeroizing::new(text.expose().into()), "what was typed".into()),
            TokenSource::Command(program) => {
                refuse_a_token(program.argv.last().map_or("", String::as_str).as_ref(), "a command")?;
                (Zeroizing::new(program.run(LIMIT, cancel)?), format!("the output of {}", program.title))
            }
            TokenSource::Variable { name, value } => {
                let place = format!("the environment variable {name}");
                let value = value.as_ref().ok_or_else(|| {
                    missing(format!("{place} is not set, or is not text")).hint(format!("export {name}=..."))
                })?;
                (Zeroizing::new(value.expose().into()), place)
            }
        };
        checked(&text, &place)
    }

    /// A description of the token's source; `None` without one, and for the demo.
    pub fn describe(&self) -> Option<String> {
        match self {
            TokenSource::None | TokenSource::Demo => None,
            TokenSource::File(file) if file.path.file_name().is_some_and(looks_like_a_token) => {
                Some("a file whose name looks like a token".into())
            }
            TokenSource::File(file) => Some(format!("file {}", shown(&file.path))),
            TokenSource::Stdin => Some("standard input".into()),
            TokenSource::Typed(_) => Some("typed".into()),
            TokenSource::Command(command) if command.argv.first().is_some_and(|word| word == "op") => {
                Some("op read".into())
            }
            TokenSource::Command(_) => Some("command".into()),
            TokenSource::Variable { name, .. } => Some(format!("variable {name}")),
        }
    }

    /// Reads the token where that runs no program and does not block: from a variable or a regular file.
    /// `None` for every other source.
    pub fn load_offline(&self, cancel: &Cancel) -> Option<Result<Secret>> {
        let is_quick = match self {
            TokenSource::Variable { .. } | TokenSource::Typed(_) => true,
            TokenSource::File(file) => !file.path.metadata().is_ok_and(|metadata| !metadata.is_file()),
            TokenSource::None | TokenSource::Demo | TokenSource::Stdin | TokenSource::Command(_) => false,
        };
        is_quick.then(|| self.load(cancel))
    }

    /// Reads the source once more, after `refused` was refused: `None` when it cannot have changed or
    /// has not.
    ///
    /// # Errors
    /// Fails as [`TokenSource::load`] does.
    pub fn reload(&self, refused: &Secret, cancel: &Cancel) -> Result<Option<Secret>> {
        match self {
            TokenSource::File(_) | TokenSource::Command(_) => {
                Ok(Some(self.load(cancel)?).filter(|token| token != refused))
            }
            TokenSource::None
            | TokenSource::Demo
            | TokenSource::Stdin
            | TokenSource::Typed(_)
            | TokenSource::Variable { .. } => Ok(None),
        }
    }
}

impl TokenFile {
    fn read(&self, cancel: &Cancel) -> Result<Zeroizing<Vec<u8>>> {
        let this = self.clone();
        // Opening a FIFO waits for its writer.
        cancel.interruptible(move || {
            let file = File::open(&this.path).map_err(|e| this.unreadable(e))?;
            this.refuse_if_others_can_read(&file)?;
            read(&file).map_err(|e| this.unreadable(e))
        })?
    }

    /// The opened file is asked, not the path, which may point elsewhere by now. What is not a
    /// regular file, such as a pipe, keeps nothing that could be read later.
    fn refuse_if_others_can_read(&self, file: &File) -> Result<()> {
        let Some(mode) = self.open_mode(file).map_err(|e| self.unreadable(e))? else { return Ok(()) };
        let path = shown(&self.path);
        Err(Error::new(ErrorKind::Config, format!("others can read the token file {path} (mode {mode:03o})"))
            .hint(format!("chmod 600 {path}, or set token_file_any_mode = true in the profile")))
    }

    /// The mode of a regular file that others can read and should not.
    fn open_mode(&self, file: &File) -> std::io::Result<Option<u32>> {
        let metadata = file.metadata()?;
        let mode = metadata.permissions().mode() & 0o777;
        let is_fine = !metadata.is_file() || mode & 0o077 == 0 || self.any_mode || self.is_kept_for_us(file);
        Ok((!is_fine).then_some(mode))
    }

    fn unreadable(&self, why: std::io::Error) -> Error {
        missing(format!("cannot read the token file {}", shown(&self.path)))
            .because(why)
            .hint("check the path and its permissions; the file holds the token alone, on one line")
    }

    /// Whether it is in a service manager's directory of secrets, whose modes are not checked.
    fn is_kept_for_us(&self, file: &File) -> bool {
        let opened = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
            .or_else(|_| std::fs::canonicalize(&self.path));
        let Ok(opened) = opened else { return false };
        let credentials = self.credentials.as_deref().and_then(|path| std::fs::canonicalize(path).ok());
        opened.starts_with("/run/secrets")
            || credentials.is_some_and(|directory| opened.starts_with(directory))
    }
}

/// Reads a file that holds another secret, `what` in messages: the key of hashes, or headers with passwords.
///
/// # Errors
/// Fails with `Config` when it cannot be read, when others could read it, and when it is longer than 64 KiB.
pub fn read_secret_file(
    path: &Path,
    credentials: Option<PathBuf>,
    what: &'static str,
    cancel: &Cancel,
) -> Result<Zeroizing<Vec<u8>>> {
    let place = format!("the {what} {}", shown(path));
    let secret = TokenFile { path: path.to_owned(), any_mode: false, credentials };
    let unreadable = |why: String| {
        Error::new(ErrorKind::Config, format!("cannot read {place}"))
            .because(why)
            .hint("check the path and its permissions")
    };
    let opened = cancel.interruptible(move || {
        let file = File::open(&secret.path)?;
        Ok((secret.open_mode(&file)?, read(&file)?))
    })?;
    match opened.map_err(|e: std::io::Error| unreadable(e.to_string()))? {
        (Some(mode), _) => {
            Err(Error::new(ErrorKind::Config, format!("others can read {place} (mode {mode:03o})"))
                .hint(format!("chmod 600 {}", shown(path))))
        }
        (None, text) if text.len() as u64 > MAX_BYTES => Err(unreadable("it is longer than 64 KiB".into())),
        (None, text) => Ok(text),
    }
}

/// The token in a text that may have white space around it.
fn checked(text: &[u8], place: &str) -> Result<Secret> {
    let refused = |why: &str| Error::new(ErrorKind::TokenRefused, format!("{place} {why}"));
    if text.len() as u64 > MAX_BYTES {
        return Err(refused("is too long to be a token").hint("give the token alone"));
    }
    let text = std::str::from_utf8(sanitize::without_bom(text))
        .map_err(|_| refused("is not text, so it is not a token").hint("give the token alone"))?
        .trim();
    if text.is_empty() {
        return Err(missing(format!("{place} is empty")).hint("put an Events API token there"));
    }
    if text.starts_with("op://") {
        return Err(refused("holds a reference (op://...), not the token it refers to")
            .hint("start opev under `op run --`, or write token = \"op://...\" in a profile"));
    }
    if text.contains(char::is_whitespace) {
        return Err(refused("holds spaces or line breaks, which a token does not")
            .hint("give the token alone: no name, no \"Bearer\", no second line"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.starts_with(['"', '\'']) {
        return Err(refused("holds characters that a token does not have")
            .hint("give the token alone, without quotes around it"));
    }
    let token = Secret::new(text);
    token.hide();
    Ok(token)
}

/// Refuses a token that was pasted in the place of something else; its text is in no message (P10).
///
/// # Errors
/// Fails with `TokenRefused` and says what belongs there.
pub fn refuse_a_token(text: &OsStr, what_belongs_there: &str) -> Result<()> {
    if !looks_like_a_token(text) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TokenRefused, format!("found a token instead of {what_belongs_there}"))
        .hint("issue a new token, since others may have read this one, and keep it in a file of mode 600"))
}

fn looks_like_a_token(text: &OsStr) -> bool {
    let text = text.as_encoded_bytes();
    text.starts_with(b"eyJ") && text.iter().filter(|b| **b == b'.').count() == 2 || text.starts_with(b"ops_")
}

fn read(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    from.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn missing(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::TokenMissing, message)
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests {
    use std::os::unix::fs::OpenOptionsExt as _;

    use super::*;

    fn written(text: &[u8], mode: u32) -> (tempfile::TempDir, TokenFile) {
        use std::io::Write as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&path).unwrap();
        file.write_all(text).unwrap();
        // The test's umask must not decide.
        file.set_permissions(std::fs::Permissions::from_mode(mode)).unwrap();
        (directory, TokenFile { path, any_mode: false, credentials: None })
    }

    fn load(source: TokenSource) -> Result<Secret> {
        source.load(&Cancel::new())
    }

    fn load_text(text: &[u8]) -> Result<Secret> {
        let (_directory, file) = written(text, 0o600);
        load(TokenSource::File(file))
    }

    #[test]
    fn white_space_around_a_token_is_not_part_of_it() {
        assert_eq!(load_text(b"  eyJ.a.b\r\n").unwrap(), Secret::new("eyJ.a.b"));
    }

    #[test]
    fn a_byte_order_mark_before_a_token_is_not_part_of_it() {
        assert_eq!(load_text(b"\xef\xbb\xbfeyJ.a.b\n").unwrap(), Secret::new("eyJ.a.b"));
    }

    #[test]
    fn a_token_file_without_an_end_is_refused() {
        let path = "/dev/zero".into();
        let failure =
            load(TokenSource::File(TokenFile { path, any_mode: true, credentials: None })).unwrap_err();
        assert!(failure.to_string().contains("is too long"), "{failure}");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_and_not_repeated() {
        for (text, kind, why) in [
            (&b""[..], ErrorKind::TokenMissing, "is empty"),
            (b" \n", ErrorKind::TokenMissing, "is empty"),
            (b"Bearer eyJsecret", ErrorKind::TokenRefused, "holds spaces or line breaks"),
            (b"eyJsecret\neyJsecret", ErrorKind::TokenRefused, "holds spaces or line breaks"),
            (b"\"eyJsecret\"", ErrorKind::TokenRefused, "holds characters that a token does not have"),
            (
                "eyJsecret\u{200b}".as_bytes(),
                ErrorKind::TokenRefused,
                "holds characters that a token does not have",
            ),
            (b"eyJsecret\xff", ErrorKind::TokenRefused, "is not text"),
            (b"op://vault/item/credential", ErrorKind::TokenRefused, "holds a reference"),
            (&[b'x'; 70_000], ErrorKind::TokenRefused, "is too long"),
        ] {
            let failure = load_text(text).unwrap_err();
            assert_eq!(failure.kind(), kind, "{failure}");
            assert!(failure.to_string().contains(why), "{failure}");
            assert!(failure.advice().is_some());
            assert!(!format!("{failure:?}").contains("eyJ"), "{failure:?}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_unless_that_is_meant() {
        for mode in [0o640, 0o604, 0o620] {
            let (_directory, file) = written(b"eyJ", mode);
            let failure = load(TokenSource::File(file.clone())).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Config);
            assert!(failure.to_string().contains("others can read"), "{failure}");
            assert!(failure.to_string().contains(&format!("mode {mode:03o}")), "{failure}");
            assert!(failure.advice().unwrap().starts_with("chmod 600 "));
            assert!(load(TokenSource::File(TokenFile { any_mode: true, ..file.clone() })).is_ok());
            let credentials = Some(file.path.parent().unwrap().to_owned());
            assert!(load(TokenSource::File(TokenFile { credentials, ..file })).is_ok());
        }
    }

    #[test]
    fn a_link_to_a_readable_file_out_of_the_credentials_directory_is_refused() {
        let (_elsewhere, target) = written(b"eyJ", 0o644);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("link");
        std::os::unix::fs::symlink(&target.path, &path).unwrap();
        let credentials = Some(directory.path().to_owned());
        let failure = load(TokenSource::File(TokenFile { path, any_mode: false, credentials })).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
    }

    #[test]
    fn a_fifo_is_read_whatever_its_mode_and_waiting_for_its_writer_can_be_cancelled() {
        use std::io::Write as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        let status = std::process::Command::new("mkfifo").args(["-m", "644"]).arg(&path).status().unwrap();
        assert!(status.success());
        let source = TokenSource::File(TokenFile { path: path.clone(), any_mode: false, credentials: None });

        let writer = std::thread::spawn(move || {
            File::options().write(true).open(path).unwrap().write_all(b"eyJ\n").unwrap();
        });
        assert_eq!(source.load(&Cancel::new()).unwrap(), Secret::new("eyJ"));
        writer.join().unwrap();

        let cancel = Cancel::new();
        cancel.trigger(2);
        assert_eq!(source.load(&cancel).unwrap_err().kind(), ErrorKind::Interrupted(2));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let file = |path: &str| TokenFile { path: path.into(), any_mode: false, credentials: None };
        let failure = load(TokenSource::File(file("/no/such"))).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::TokenMissing);
        assert!(failure.to_string().starts_with("cannot read the token file /no/such: No such file"));
        let failure = load(TokenSource::None).unwrap_err();
        assert_eq!(failure.to_string(), "no token is configured");
        assert!(failure.advice().unwrap().contains("EVENTS_API_TOKEN"));
        let failure = load(TokenSource::Variable { name: "ACME".into(), value: None }).unwrap_err();
        assert_eq!(failure.to_string(), "the environment variable ACME is not set, or is not text");
        let directory = tempfile::tempdir().unwrap();
        let failure = load(TokenSource::File(file(directory.path().to_str().unwrap()))).unwrap_err();
        assert!(failure.to_string().contains("cannot read the token file"), "{failure}");
    }

    #[test]
    fn a_token_in_the_place_of_a_file_name_is_not_repeated() {
        for name in ["eyJhbGci.eyJhdWQi.c2ln", "ops_eyJhbGci"] {
            let file = TokenFile { path: Path::new("dir").join(name), any_mode: false, credentials: None };
            let failure = load(TokenSource::File(file)).unwrap_err();
            assert_eq!(failure.to_string(), "found a token instead of the name of a file");
            assert!(failure.advice().unwrap().starts_with("issue a new token"));
        }
    }

    #[test]
    fn a_rotated_file_gives_another_token_and_an_unchanged_one_none() {
        let (_directory, file) = written(b"new", 0o600);
        let source = TokenSource::File(file);
        let cancel = Cancel::new();
        assert_eq!(source.reload(&Secret::new("old"), &cancel).unwrap(), Some(Secret::new("new")));
        assert_eq!(source.reload(&Secret::new("new"), &cancel).unwrap(), None);
        let variable = TokenSource::Variable { name: "T".into(), value: Some(Secret::new("x")) };
        assert_eq!(variable.reload(&Secret::new("old"), &cancel).unwrap(), None);
    }
}
