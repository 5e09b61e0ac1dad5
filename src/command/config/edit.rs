//! `opev config edit`: opens a draft in the user's editor; it replaces the configuration when it is valid.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::write;
use crate::cancel;
use crate::cli::ConfigFileArg;
use crate::command::Invocation;
use crate::config::{ConfigFile, environment, file, template};
use crate::error::{Error, ErrorKind, Result};
use crate::output::shown;

/// What is started when neither VISUAL nor EDITOR names an editor.
const USUAL_EDITOR: &str = "vi";

/// Edits the configuration file; returns its path, or a note that nothing was changed.
///
/// # Errors
/// Fails when the editor fails, when what was written is wrong (the draft is then kept), and when the file
/// was changed by somebody else in the meantime.
pub(super) fn run(args: &ConfigFileArg, invocation: &Invocation) -> Result<String> {
    let path = file::place(args.config.as_deref(), &invocation.environment)?;
    let before = file::text_at(&path)?;
    let draft = draft_of(&path);
    if draft.exists() {
        invocation.runtime.console.note(&format!("going on with the draft {}", shown(&draft)));
    } else {
        let text = before.as_deref().unwrap_or(template::TEMPLATE);
        write(&draft, text.as_bytes(), false, "")?;
    }
    open_editor(&draft, before.as_deref(), invocation)?;
    let after = file::text_at(&draft)?.ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("the editor removed the draft {}", shown(&draft)))
            .hint("run `opev config edit` again")
    })?;
    if before.as_deref() == Some(after.as_str()) {
        remove(&draft);
        return Ok("nothing was changed\n".into());
    }
    // Checked under the draft's name, which is where its mistakes are.
    ConfigFile::parse(&draft, &after, &invocation.environment).map_err(|failure| {
        let why = failure.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
        failure.hint(format!("correct the draft with `opev config edit`{why}, or remove {}", shown(&draft)))
    })?;
    if file::text_at(&path)? != before {
        let message = format!("{} was changed by somebody else meanwhile", shown(&path));
        return Err(Error::new(ErrorKind::Config, message)
            .hint(format!("compare it with the draft {}, and copy what is missing", shown(&draft))));
    }
    write(&path, after.as_bytes(), true, "")?;
    remove(&draft);
    Ok(format!("{}\n", shown(&path)))
}

/// The file that is edited in place of the configuration: beside it, so that it is as private.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

fn open_editor(draft: &Path, before: Option<&str>, invocation: &Invocation) -> Result<()> {
    let environment = &invocation.environment;
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
