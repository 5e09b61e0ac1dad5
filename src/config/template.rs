//! What `opev config init` writes: every key, commented out with its default or an example.

/// The text of a first configuration file. It changes nothing until a line is uncommented.
pub const TEMPLATE: &str = r#"# The configuration of opev: one table per account, and what they share.
#
# Flags go before environment variables, these before a profile, a profile before [defaults].
# `opev config show` prints every value in force and where it comes from.
# Relative paths start at this file's directory; ~/ is the home directory.

# What holds for every profile that says nothing else.
[defaults]
# Version of the Events API: "v2", "v1", or "v3" (a beta, audit events only).
#api = "v2"
# Zone in which times without one are read, and in which tables show them.
#tz = "UTC"
# What stands on every event, in the shapes that have a place for it; --tag adds to it.
#tag = ["env:production"]
# Rules of `opev detect` beside those that come along: files (*.toml, or *.yml of Sigma), or folders of them.
#rules = ["rules"]
# Lists that rules name; `opev detect --list` tells which rules need one.
#lists = { own_networks = ["192.0.2.0/24"], break_glass = ["emergency@example.com"] }
# Where saved positions and locks are kept.
#state_dir = "~/.local/state/opev"
# Certificates that are trusted beside the system's (PEM).
#ca_file = "/etc/ssl/proxy.pem"
# Events asked for in one request (1 to 1000), and requests under way at once (1 to 16).
#page_size = 1000
#jobs = 4
# How long a request may take, how long a failing one is retried, how long a run may take.
#timeout = "1m"
#retry_for = "2m"
#deadline = "1h"
# Requests in any minute; the service allows 600. 0 lifts the limit, for stand-ins.
#rate_limit = 600
# The greatest answer that is accepted, after decompression.
#max_response_bytes = "64MiB"

# The account that is used when nothing else is said. Copy the table under another name, as
# [profiles.acme], for `opev fetch --profile acme`. Each key of [defaults] may stand here as well.
# --all-profiles runs every table that is here: uncomment this line together with that of a token.
#[profiles.default]
# Where the token comes from; one of these four. Without any, EVENTS_API_TOKEN is used.
# A token in the clear is refused: files like this one are copied, backed up and shared.
#token = "op://Private/Events API token/credential"   # runs `op read`
#token_file = "~/.config/opev/token"                   # mode 600; a FIFO is fine
#token_command = "pass show 1password/events"          # runs under sh, 60 seconds at most
#token_env = "ACME_EVENTS_TOKEN"                       # the name of a variable
# Accept a token_file that others can read.
#token_file_any_mode = false
# The server: a region ("us", "ca", "eu", "ent") or a base_url. Seldom needed: the token names it.
#region = "eu"
#base_url = "https://events.1password.eu"
# Hosts beside 1Password's own that may be sent the token.
#allow_host = ["events.example.net"]
# Whether --all-profiles runs this one.
#enabled = true
"#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::profile_table::KEYS;
    use crate::config::{ConfigFile, Environment};

    /// The line that begins the one table of an account.
    const HEADER: &str = "#[profiles.default]\n";

    #[test]
    fn it_is_a_valid_file_that_says_nothing() {
        let file = ConfigFile::parse(Path::new("/c"), TEMPLATE, &Environment::default()).unwrap();
        assert!(file.profiles.is_empty());
    }

    #[test]
    fn each_commented_line_is_valid_where_it_stands_and_no_key_is_missing() {
        let home: Environment = [("HOME", "/h")].into_iter().collect();
        let text = TEMPLATE.replacen(HEADER, &HEADER[1..], 1);
        assert_ne!(text, TEMPLATE);
        let mut seen = Vec::new();
        for line in text.lines() {
            let Some(entry) =
                line.strip_prefix('#').filter(|rest| !rest.starts_with(' ') && !rest.is_empty())
            else {
                continue;
            };
            let text = text.replacen(line, entry, 1);
            ConfigFile::parse(Path::new("/c"), &text, &home).unwrap_or_else(|e| panic!("{line}: {e}"));
            seen.push(entry.split(' ').next().unwrap());
        }
        seen.sort_unstable();
        let mut keys = KEYS.to_vec();
        keys.sort_unstable();
        assert_eq!(seen, keys);
    }
}
