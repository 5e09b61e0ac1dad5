//! What is said once a profile is there: the commands that use it. Pure.

use std::path::Path;

use crate::config::file::DEFAULT;

/// The commands to go on with, for this profile in this configuration (where it is not at the usual place).
pub fn next_steps(profile: &str, config: Option<&Path>) -> String {
    let mut flags = String::new();
    if profile != DEFAULT {
        flags = format!(" --profile {profile}");
    }
    if let Some(path) = config {
        flags.push_str(&format!(" --config {}", quoted(&path.to_string_lossy())));
    }
    let lines = [
        (format!("opev fetch{flags}"), "the last 24 hours"),
        (format!("opev tail{flags}"), "follow"),
        (format!("opev fetch --resume -q -o events.ndjson{flags}"), "from cron: each event once"),
        (format!("opev token-check{flags}"), "is the token still good, and for how long"),
    ];
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    lines.iter().map(|(command, what)| format!("  {command:width$}  {what}\n")).collect()
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_what_is_not_usual() {
        assert!(next_steps("default", None).starts_with("  opev fetch  "));
        let text = next_steps("acme", Some(Path::new("/a b/it's.toml")));
        assert!(text.contains("opev tail --profile acme --config '/a b/it'\\''s.toml'  "), "{text}");
    }
}
