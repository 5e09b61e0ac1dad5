//! Opens a draft in the user's editor; it replaces the configuration when it is valid.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::{ConfigFile, Environment, environment, file, template};
use crate::cancel;
use crate::disk::real::{publish, rewrite};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// What is started when neither VISUAL nor EDITOR names an editor.
const USUAL_EDITOR: &str = "vi";

/// Edits the configuration file; returns its path, or none where nothing was changed. `tell` says that an earlier
/// draft is gone on with.
///
/// # Errors
/// Fails when the editor fails, when what was written is wrong (the draft is then kept), and when the file
/// was changed by somebody else in the meantime.
pub fn edit(flag: Option<&Path>, environment: &Environment, tell: impl Fn(&str)) -> Result<Option<PathBuf>> {
    let path = file::place(flag, environment)?;
    let before = file::text_at(&path)?;
    let draft = draft_of(&path);
    if draft.exists() {
        tell(&format!("going on with the draft {}", shown(&draft)));
    } else {
        let text = before.as_deref().unwrap_or(template::TEMPLATE);
        write_private(&draft, text.as_bytes(), false, "")?;
    }
    open_editor(&draft, before.as_deref(), environment)?;
    let after = file::text_at(&draft)?.ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("the editor removed the draft {}", shown(&draft)))
            .hint("run `opev config edit` again")
    })?;
    if before.as_deref() == Some(after.as_str()) {
        remove(&draft);
        return Ok(None);
    }
    // Checked under the draft's name, which is where its mistakes are.
    ConfigFile::parse(&draft, &after, environment).map_err(|failure| {
        let why = failure.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
        failure.hint(format!("correct the draft with `opev config edit`{why}, or remove {}", shown(&draft)))
    })?;
    if file::text_at(&path)? != before {
        let message = format!("{} was changed by somebody else meanwhile", shown(&path));
        return Err(Error::new(ErrorKind::Config, message)
            .hint(format!("compare it with the draft {}, and copy what is missing", shown(&draft))));
    }
    write_configuration(&path, after.as_bytes())?;
    remove(&draft);
    Ok(Some(path))
}

/// Writes a file for its owner alone, whole or not at all; `hint` says what to do about one that exists.
///
/// # Errors
/// `Config` where there is one and it may not be replaced, else `Output`.
pub fn write_private(path: &Path, bytes: &[u8], replace: bool, hint: &str) -> Result<()> {
    let shown = shown(path);
    publish(path, bytes, replace).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::new(ErrorKind::Config, format!("{shown} exists already")).hint(hint)
        }
        _ => cannot_write(path, e),
    })
}

/// Writes the configuration, whole or not at all. A new one is for its owner alone; one that services of other users
/// read stays readable for them, and there is no token in it.
///
/// # Errors
/// Fails with `Output` where it cannot be written.
pub fn write_configuration(path: &Path, bytes: &[u8]) -> Result<()> {
    rewrite(path, bytes).map_err(|e| cannot_write(path, e))
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot write {}", shown(path))).because(cause)
}

/// The file that is edited in place of the configuration: beside it, so that it is as private.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

fn open_editor(draft: &Path, before: Option<&str>, environment: &Environment) -> Result<()> {
    let editor = environment.text("VISUAL").or_else(|| environment.text("EDITOR")).unwrap_or(USUAL_EDITOR);
    // The editor gets no token (P10). A file that cannot be read names no more variables than the usual one.
    let hidden = before
        .and_then(|text| ConfigFile::parse(draft, text, environment).ok())
        .map_or_else(|| vec![environment::TOKEN.to_owned()], |file| file.token_variables());
    let failed = |cause: anyhow::Error| {
        Error::new(ErrorKind::Config, "the configuration was not edited")
            .because(cause)
            .hint("set VISUAL or EDITOR to your editor")
    };
    // By a shell, as git does it, because the variable may hold arguments.
    let run = || -> anyhow::Result<std::process::ExitStatus> {
        cancel::keep_the_ends_of_children()?;
        Ok(Command::new("sh")
            .args(["-c", &format!("{editor} \"$1\""), "sh"])
            .arg(draft)
            .env_clear()
            .envs(environment.without(&hidden))
            .status()?)
    };
    let status = run().with_context(|| format!("cannot start {editor}")).map_err(failed)?;
    if status.success() { Ok(()) } else { Err(failed(anyhow::anyhow!("{editor} ended with {status}"))) }
}

/// A draft that cannot be removed is offered again, which does no harm.
fn remove(draft: &Path) {
    if let Err(e) = std::fs::remove_file(draft) {
        log::warn!("cannot remove {}: {e}", shown(draft));
    }
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}
