//! The configuration file: TOML, with `[defaults]` and one `[profiles.NAME]` per account.
//!
//! Whatever is wrong is said with file and line, and an unknown key with the nearest known one. This
//! module only reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{self, Environment};
use super::profile_table::{ACCOUNT_KEYS, ConfigProblem, KEYS, ProfileTable, TableEntry, TokenKey, unknown};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// The profile that is built in.
pub const DEMO: &str = "demo";

/// The profile that is used when nothing names one.
pub const DEFAULT: &str = "default";

/// A configuration file is text that people write.
const MAX_BYTES: u64 = 4 << 20;

/// The contents of the configuration file; empty without one.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// Where it is, or would be; `None` where not even that is known (no HOME).
    pub path: Option<PathBuf>,
    /// What decided the path.
    pub chosen_by: PathChoice,
    /// Whether it exists.
    pub exists: bool,
    /// `[defaults]`.
    pub defaults: ProfileTable,
    /// `[profiles.NAME]`, by name.
    pub profiles: BTreeMap<String, ProfileTable>,
}

/// What decided where the configuration file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathChoice {
    /// `--config`.
    Flag,
    /// `OPEV_CONFIG`.
    Variable,
    /// XDG's rule.
    #[default]
    Xdg,
}

/// The path of the configuration file, and what decided it.
pub fn locate(flag: Option<&Path>, environment: &Environment) -> (Option<PathBuf>, PathChoice) {
    match (flag, environment.path(environment::CONFIG)) {
        (Some(path), _) => (Some(path.to_owned()), PathChoice::Flag),
        (None, Some(path)) => (Some(path), PathChoice::Variable),
        (None, None) => (environment.config_file(), PathChoice::Xdg),
    }
}

impl ConfigFile {
    /// Reads the file that `flag` names, else the environment, else the one at the usual place.
    ///
    /// # Errors
    /// Fails when it cannot be read, says something that is not understood, or names a command or a host
    /// for the token while others could write it; and when it was named but does not exist.
    pub fn read(flag: Option<&Path>, environment: &Environment) -> Result<ConfigFile> {
        let (path, chosen_by) = locate(flag, environment);
        let Some(path) = path else { return Ok(ConfigFile::default()) };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound && chosen_by == PathChoice::Xdg => {
                return Ok(ConfigFile { path: Some(path), chosen_by, ..ConfigFile::default() });
            }
            Err(e) => return Err(unreadable(&path).because(e)),
        };
        let text = read_text(&file, &path)?;
        let mut config = ConfigFile::parse(&path, &text, environment)?;
        config.chosen_by = chosen_by;
        config.refuse_if_foreign(&path, &file)?;
        Ok(config)
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// Fails when the text says something that is not understood.
    pub fn parse(path: &Path, text: &str, environment: &Environment) -> Result<ConfigFile> {
        // Editors of other systems put one at the beginning.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let home = environment.home();
        let reader = ConfigParser { path, text, home: home.as_deref() };
        let document = reader.document()?;
        let mut config = ConfigFile { path: Some(path.into()), exists: true, ..ConfigFile::default() };
        for (key, value) in in_order(document.get_ref()) {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("defaults", _) => config.defaults = reader.section("defaults", value)?,
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, table) in in_order(profiles) {
                        check_name(name.get_ref())
                            .map_err(|problem| reader.fail(name.span().start, problem))?;
                        let profile = reader.section(&format!("profiles.{}", name.get_ref()), table)?;
                        config.profiles.insert(name.get_ref().to_string(), profile);
                    }
                }
                ("profiles", _) => {
                    let problem = ConfigProblem::new("profiles must hold tables: [profiles.NAME]");
                    return Err(reader.fail(key.span().start, problem));
                }
                (word, _) => return Err(reader.fail(key.span().start, misplaced(word))),
            }
        }
        Ok(config)
    }

    /// The variables that hold tokens: no child gets them (P10).
    pub fn token_variables(&self) -> Vec<String> {
        let named = self.profiles.values().filter_map(|profile| match &profile.token.as_ref()?.value {
            TokenKey::Variable(name) => Some(name.clone()),
            _ => None,
        });
        [environment::TOKEN.to_owned()].into_iter().chain(named).collect()
    }
}

/// The text of a file, for messages with line numbers.
struct ConfigParser<'a> {
    path: &'a Path,
    text: &'a str,
    home: Option<&'a Path>,
}

impl<'a> ConfigParser<'a> {
    fn document(&self) -> Result<Spanned<DeTable<'a>>> {
        DeTable::parse(self.text).map_err(|e| {
            let message = e.message().replace('\n', ", ");
            self.fail(e.span().map_or(0, |span| span.start), ConfigProblem::new(sanitize::message(&message)))
        })
    }

    /// One table, key by key; the first mistake ends it.
    fn section(&self, name: &str, table: &Spanned<DeValue<'_>>) -> Result<ProfileTable> {
        let wrong =
            || self.fail(table.span().start, ConfigProblem::new(format!("{name} must be a table: [{name}]")));
        let mut section = ProfileTable::default();
        for (key, value) in in_order(table.get_ref().as_table().ok_or_else(wrong)?) {
            let entry = TableEntry {
                key: key.get_ref(),
                value,
                line: self.line_at(key.span().start),
                base: self.path.parent().unwrap_or(Path::new("")),
                home: self.home,
            };
            allowed(name, key.get_ref())
                .and_then(|()| section.set(key.get_ref(), &entry))
                .map_err(|problem| self.fail(key.span().start, problem))?;
        }
        Ok(section)
    }

    /// The line of a byte, counted from 1.
    fn line_at(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    fn fail(&self, offset: usize, problem: ConfigProblem) -> Error {
        let path = self.path.to_string_lossy();
        let place = format!("{}:{}", sanitize::message(&path), self.line_at(offset));
        let failure = Error::new(ErrorKind::Config, format!("{place}: {}", problem.message));
        match problem.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Checks the name of a profile: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
///
/// # Errors
/// Fails with the rule.
pub fn check_name(name: &str) -> Result<(), ConfigProblem> {
    let fits = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if fits {
        return Ok(());
    }
    Err(ConfigProblem::new(format!("{} cannot be the name of a profile", sanitize::message(name)))
        .hint("use 1 to 64 letters, digits, dots, underscores and dashes, with a letter or digit first"))
}

/// Whether `key` may stand in `table`.
fn allowed(table: &str, key: &str) -> Result<(), ConfigProblem> {
    if table == "defaults" && ACCOUNT_KEYS.contains(&key) {
        return Err(ConfigProblem::new(format!(
            "{key} cannot stand in [defaults]: it belongs to one account"
        ))
        .hint(format!("move it into [profiles.{DEFAULT}]")));
    }
    let server = ["region", "base_url", "allow_host"];
    if table == "profiles.demo" && (ACCOUNT_KEYS.contains(&key) || server.contains(&key)) {
        return Err(ConfigProblem::new(format!(
            "{key} cannot be set for demo, which brings its own server and token"
        ))
        .hint("give the profile another name"));
    }
    Ok(())
}

/// A word at the top of the file that is neither table.
fn misplaced(word: &str) -> ConfigProblem {
    if KEYS.contains(&word) {
        let table = if ACCOUNT_KEYS.contains(&word) { "[profiles.default]" } else { "[defaults]" };
        return ConfigProblem::new(format!("{word} is outside of any table"))
            .hint(format!("put a line {table} above it"));
    }
    unknown("table", word, &["defaults", "profiles"])
}

/// The entries in the order of the file, so that the first mistake is the one that is named.
fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Where the configuration file is, or would be.
///
/// # Errors
/// Fails when nothing names a place.
pub fn place(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf> {
    locate(flag, environment).0.ok_or_else(|| {
        Error::new(ErrorKind::Config, "no place for the configuration file: HOME is not set")
            .hint("name one with --config FILE or OPEV_CONFIG")
    })
}

/// The text of the configuration file at `path`; `None` where there is no file.
///
/// # Errors
/// Fails when it cannot be read.
pub fn text_at(path: &Path) -> Result<Option<String>> {
    match File::open(path) {
        Ok(file) => read_text(&file, path).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path).because(e)),
    }
}

/// The text of an opened configuration file, which has an end.
fn read_text(file: &File, path: &Path) -> Result<String> {
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| unreadable(path).because(e))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable(path).because("it is greater than 4 MiB"));
    }
    Ok(text)
}

fn unreadable(path: &Path) -> Error {
    let path = sanitize::message(&path.to_string_lossy()).into_owned();
    Error::new(ErrorKind::Config, format!("cannot read the configuration file {path}"))
        .hint("check --config and OPEV_CONFIG; `opev config path` says which file is read")
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<ConfigFile> {
        ConfigFile::parse(Path::new("/etc/opev.toml"), text, &[("HOME", "/h")].into_iter().collect())
    }

    /// The message and the hint of a file that is refused.
    fn refused(text: &str) -> (String, String) {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config, "{text}");
        (failure.to_string(), failure.advice().unwrap_or_default().to_owned())
    }

    #[test]
    fn every_key_is_read_with_its_line() {
        let file = parse(
            "[defaults]\napi = \"v1\"\n\n[profiles.acme]\nenabled = false\ntoken_env = \"ACME\"\nregion = \"eu\"\n\
             allow_host = \"a.example\"\nstate_dir = \"~/s\"\nca_file = \"ca.pem\"\npage_size = 1_000\njobs = 2\n\
             timeout = \"30s\"\nretry_for = \"0\"\ndeadline = \"1h\"\nrate_limit = 0\nmax_response_bytes = 0x100\n\
             tz = \"Europe/Berlin\"\ntoken_file_any_mode = true\n",
        )
        .unwrap();
        assert_eq!(file.defaults.api.unwrap().line, 2);
        let acme = &file.profiles["acme"];
        assert_eq!(acme.token.as_ref().unwrap().value, TokenKey::Variable("ACME".into()));
        assert_eq!(acme.state_dir.as_ref().unwrap().value, Path::new("/h/s"));
        assert_eq!(acme.ca_file.as_ref().unwrap().value, Path::new("/etc/ca.pem"), "relative to the file");
        assert_eq!(acme.allow_host.as_ref().unwrap().value, ["a.example"]);
        assert_eq!(acme.max_response_bytes.as_ref().unwrap().value, 256);
        assert_eq!(acme.tz.as_ref().unwrap().line, 18);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_file_line_and_the_nearest() {
        let (message, hint) = refused("[profiles.acme]\nregion = \"eu\"\nregon = \"eu\"\n");
        assert_eq!(message, "/etc/opev.toml:3: unknown key regon");
        assert_eq!(hint, "did you mean region?");
        let (message, hint) = refused("[profile.acme]\n");
        assert_eq!(message, "/etc/opev.toml:1: unknown table profile");
        assert_eq!(hint, "did you mean profiles?");
        let (_, hint) = refused("[defaults]\nzzz = 1\n");
        assert!(hint.starts_with("use one of enabled, token, "), "{hint}");
    }

    #[test]
    fn wrong_types_and_values_are_errors_with_line_and_wish() {
        for (line, why) in [
            ("page_size = \"7\"", "page_size must be a whole number from 1 to 1000, not of type string"),
            ("page_size = 0", "page_size must be a whole number from 1 to 1000"),
            ("rate_limit = -1", "rate_limit must be a whole number"),
            ("timeout = 30", "timeout must be a text in quotes, not of type integer"),
            ("timeout = \"30\"", "timeout: a unit is missing; did you mean 30s?"),
            ("timeout = \"0\"", "timeout: 0 leaves no time at all"),
            ("max_response_bytes = 0", "max_response_bytes must be at least 1"),
            ("max_response_bytes = \"big\"", "max_response_bytes: not a number of bytes"),
            ("allow_host = [1]", "allow_host must be a text, or a list of texts"),
            ("region = \"uk\"", "region: no such region; there are us, ca, eu and ent"),
            ("api = \"v9\"", "api: no such version of the API"),
            ("base_url = \"http://events.example\"", "base_url: http:// is for this machine only"),
            ("tz = \"Europe/Berln\"", "tz: no such time zone; did you mean Europe/Berlin?"),
            ("state_dir = \"\"", "state_dir is empty"),
        ] {
            let (message, _) = refused(&format!("[defaults]\n{line}\n"));
            assert!(message.starts_with(&format!("/etc/opev.toml:2: {why}")), "{line}: {message}");
        }
        for (text, why) in [
            ("defaults = 1", "/etc/opev.toml:1: defaults must be a table: [defaults]"),
            ("profiles = 1", "/etc/opev.toml:1: profiles must hold tables: [profiles.NAME]"),
            ("[profiles]\nacme = 1", "/etc/opev.toml:2: profiles.acme must be a table: [profiles.acme]"),
            (
                "[profiles.acme]\nenabled = 1",
                "/etc/opev.toml:2: enabled must be true or false, not of type integer",
            ),
            (
                "[profiles.acme]\ntoken_env = \"a b\"",
                "/etc/opev.toml:2: token_env: it must be the name of a variable",
            ),
            ("[defaults]\napi = ", "/etc/opev.toml:2: "),
            ("[defaults]\napi = \"v1\"\napi = \"v2\"", "/etc/opev.toml:3: duplicate key"),
        ] {
            let (message, _) = refused(text);
            assert!(message.starts_with(why), "{text}: {message}");
        }
    }

    #[test]
    fn a_token_in_the_clear_is_refused_with_the_alternatives_and_not_repeated() {
        let (message, _) = refused("[profiles.acme]\ntoken = \"eyJsecret\"\n");
        assert!(message.starts_with("/etc/opev.toml:2: token: a token in the clear is refused"), "{message}");
        for word in ["op://", "token_command", "token_file", "token_env"] {
            assert!(message.contains(word), "{message}");
        }
        assert!(!message.contains("eyJ"));
        let (message, _) = refused("[profiles.acme]\ntoken = eyJsecret.eyJsecret.x\n");
        assert!(!message.contains("eyJ"), "{message}");
    }

    #[test]
    fn what_contradicts_itself_or_stands_in_the_wrong_place_is_refused() {
        let (message, _) = refused("[profiles.a]\ntoken_env = \"A\"\ntoken_file = \"t\"\n");
        assert_eq!(message, "/etc/opev.toml:3: both token_env and token_file are set; keep one of them");
        let (message, _) = refused("[profiles.a]\nregion = \"eu\"\nbase_url = \"events.1password.eu\"\n");
        assert_eq!(message, "/etc/opev.toml:3: both region and base_url are set; keep one of them");
        let (message, hint) = refused("[defaults]\ntoken_env = \"A\"\n");
        assert_eq!(
            message,
            "/etc/opev.toml:2: token_env cannot stand in [defaults]: it belongs to one account"
        );
        assert_eq!(hint, "move it into [profiles.default]");
        let (message, _) = refused("[profiles.demo]\nregion = \"eu\"\n");
        assert!(message.contains("cannot be set for demo"), "{message}");
        let (message, hint) = refused("timeout = \"1s\"\n");
        assert_eq!(message, "/etc/opev.toml:1: timeout is outside of any table");
        assert_eq!(hint, "put a line [defaults] above it");
    }

    #[test]
    fn names_of_profiles_follow_the_rule() {
        let long = "a".repeat(64);
        for name in ["a", "A.b_c-1", "0", long.as_str()] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let longer = "a".repeat(65);
        for name in ["", ".a", "-a", "a b", "a/b", "ä", longer.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
        let (message, _) = refused("[profiles.\"a\\u001b[31m\"]\n");
        assert_eq!(message, "/etc/opev.toml:1: a\\u{1b}[31m cannot be the name of a profile");
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_file() {
        let (message, _) = refused("\u{feff}[profiles.acme]\nregon = \"eu\"\n");
        assert_eq!(message, "/etc/opev.toml:2: unknown key regon");
        assert!(parse("\u{feff}[defaults]\napi = \"v1\"\n").is_ok());
    }

    #[test]
    fn a_file_without_an_end_is_refused() {
        let failure = ConfigFile::read(Some(Path::new("/dev/zero")), &Environment::default()).unwrap_err();
        assert!(failure.to_string().contains("greater than 4 MiB"), "{failure}");
    }

    #[test]
    fn a_file_that_was_named_must_exist_and_the_usual_one_need_not() {
        let home: Environment = [("HOME", "/no/such")].into_iter().collect();
        assert!(!ConfigFile::read(None, &home).unwrap().exists);
        let failure = ConfigFile::read(Some(Path::new("/no/such/file")), &home).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        assert!(failure.to_string().starts_with("cannot read the configuration file /no/such/file: No such"));
        let named: Environment = [("OPEV_CONFIG", "/no/such/file")].into_iter().collect();
        assert!(ConfigFile::read(None, &named).is_err());
        assert!(ConfigFile::read(None, &Environment::default()).unwrap().path.is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_that_looks_like_a_file_makes_it_panic(
            lines in proptest::collection::vec("(\\[(defaults|profiles\\.[a-z]+)\\]|(api|timeout|token|page_size|allow_host) = (\"\\PC{0,5}\"|[0-9_x]{1,9}|\\[\\]|\\{\\}))", 0..8)
        ) {
            let _ = parse(&lines.join("\n"));
        }
    }
}
