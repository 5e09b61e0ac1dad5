//! The environment, read once at the start.
//!
//! The only code that reads environment variables; all other code gets this record, so that tests
//! need no real environment. A variable that is set but empty counts as unset, as XDG and curl have it,
//! except where a token is looked for.

#![expect(clippy::disallowed_methods, reason = "this is the module they are reserved for")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::api::proxy;
use crate::sanitize;
use crate::secret::Secret;
use crate::time::Zone;

/// Where the system keeps its time zones.
const ZONE_FILES: &str = "/usr/share/zoneinfo";

/// The variable that holds a token.
pub const TOKEN: &str = "EVENTS_API_TOKEN";
/// The variable that names the profile.
pub const PROFILE: &str = "OPEV_PROFILE";
/// The variable that names the configuration file.
pub const CONFIG: &str = "OPEV_CONFIG";
/// The variable that names the state directory.
pub const STATE_DIR: &str = "OPEV_STATE_DIR";
/// The variable that names the server.
pub const BASE_URL: &str = "OPEV_BASE_URL";

/// Every variable of the process, as it was at the start. Clones share it.
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<OsString, OsString>>);

impl Environment {
    /// Takes the record of the real environment.
    pub fn capture() -> Self {
        std::env::vars_os().collect()
    }

    /// The variable's value, even if it is empty.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The variable's text, when there is some; `None` also where it is not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).and_then(OsStr::to_str).filter(|text| !text.is_empty())
    }

    /// The variable's value as a path, when there is one.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The environment that a child gets: this one without the named variables (P10).
    pub fn without<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a OsStr, &'a OsStr)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .filter(|(name, _)| !names.iter().any(|hidden| *name == OsStr::new(hidden)))
    }

    /// The home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.absolute("HOME")
    }

    /// Where the configuration file is looked for when nothing names one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let home = self.absolute("XDG_CONFIG_HOME").or_else(|| Some(self.home()?.join(".config")))?;
        Some(home.join("opev").join("config.toml"))
    }

    /// Where state is kept when nothing names a place, and what decided it: systemd's `STATE_DIRECTORY`
    /// (the first of a list), then `XDG_STATE_HOME`, then the home directory.
    pub fn state_directory(&self) -> Option<(PathBuf, &'static str)> {
        let first = |list: &str| list.split(':').next().map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(directory) = self.text("STATE_DIRECTORY").and_then(first) {
            return Some((directory, "STATE_DIRECTORY"));
        }
        if let Some(home) = self.absolute("XDG_STATE_HOME") {
            return Some((home.join("opev"), "XDG_STATE_HOME"));
        }
        Some((self.home()?.join(".local/state/opev"), "HOME"))
    }

    /// The proxy variables, the lower-case spelling first, as curl has it. The upper-case `HTTP_PROXY` is
    /// not read: a CGI client could set it by a header.
    pub fn proxies(&self) -> proxy::ProxyVariables {
        let value = |lower: &str, upper: &str| {
            self.raw(lower).or_else(|| self.raw(upper)).map(|value| value.to_string_lossy())
        };
        let secret = |lower, upper| value(lower, upper).map(Secret::new);
        proxy::ProxyVariables {
            https: secret("https_proxy", "HTTPS_PROXY"),
            http: secret("http_proxy", "http_proxy"),
            all: secret("all_proxy", "ALL_PROXY"),
            no_proxy: value("no_proxy", "NO_PROXY").map(Into::into),
        }
    }

    /// The machine's zone: `TZ` where it is set, else what the system says. A `TZ` that cannot be read is
    /// UTC, as for every other program, with a warning.
    pub fn local_zone(&self) -> (Zone, Option<String>) {
        let Some(tz) = self.raw("TZ").map(|tz| tz.to_string_lossy()) else { return (Zone::Local, None) };
        // Names that only this system knows, and paths; the C library reads both.
        let is_file = || Path::new(ZONE_FILES).join(tz.trim_start_matches(':')).is_file();
        match Zone::of_variable(&tz) {
            Some(zone) => (zone, None),
            None if is_file() => (Zone::Local, None),
            None => {
                let tz = sanitize::message(&tz);
                let warning =
                    format!("TZ={tz} is not a time zone, so local times are in UTC; set TZ or use --tz NAME");
                (Zone::Utc, Some(warning))
            }
        }
    }

    /// An absolute path; relative ones are ignored, as XDG requires.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.path(name).filter(|path| path.is_absolute())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Environment(Arc::new(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }
}

impl fmt::Debug for Environment {
    /// Shows the names alone: a value may be a token (P10).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().copied().collect()
    }

    #[test]
    fn xdg_decides_the_configuration_file_and_relative_paths_are_ignored() {
        let config = |pairs| of(pairs).config_file();
        assert_eq!(config(&[]), None);
        assert_eq!(config(&[("HOME", "/h")]), Some("/h/.config/opev/config.toml".into()));
        let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(config(&both), Some("/x/opev/config.toml".into()));
        let relative = [("HOME", "/h"), ("XDG_CONFIG_HOME", "x")];
        assert_eq!(config(&relative), Some("/h/.config/opev/config.toml".into()));
    }

    #[test]
    fn systemd_then_xdg_then_home_decide_the_state_directory() {
        let mut pairs = vec![("HOME", "/h")];
        assert_eq!(of(&pairs).state_directory(), Some(("/h/.local/state/opev".into(), "HOME")));
        pairs.push(("XDG_STATE_HOME", "/x"));
        assert_eq!(of(&pairs).state_directory(), Some(("/x/opev".into(), "XDG_STATE_HOME")));
        pairs.push(("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"));
        assert_eq!(of(&pairs).state_directory(), Some(("/var/lib/a".into(), "STATE_DIRECTORY")));
        assert_eq!(of(&[]).state_directory(), None);
    }

    #[test]
    fn the_local_zone_is_what_tz_names() {
        let local = |pairs| of(pairs).local_zone();
        assert_eq!(local(&[("TZ", ":Europe/Berlin")]).0.to_string(), "Europe/Berlin");
        assert_eq!(local(&[("TZ", "")]), (Zone::Utc, None));
        assert_eq!(local(&[("TZ", "CET-1CEST")]), (Zone::Local, None));
        assert_eq!(local(&[]), (Zone::Local, None));
    }

    #[test]
    fn a_tz_that_cannot_be_read_is_said() {
        let (zone, warning) = of(&[("TZ", "gar\u{1b}bage")]).local_zone();
        assert_eq!(zone, Zone::Utc);
        assert!(warning.unwrap().starts_with("TZ=gar\\u{1b}bage is not a time zone"));
    }

    #[test]
    fn debug_shows_no_value_and_children_get_no_token() {
        let environment = of(&[(TOKEN, "eyJsecret"), ("PATH", "/bin")]);
        assert!(!format!("{environment:?}").contains("eyJsecret"));
        let names = [TOKEN.to_owned()];
        let left: Vec<_> = environment.without(&names).collect();
        assert_eq!(left, [(OsStr::new("PATH"), OsStr::new("/bin"))]);
    }
}
