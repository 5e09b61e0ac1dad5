//! A profile for `opev setup`: the configuration's text with it, and the token's file beside it.
//!
//! Decides and checks everything before [`SetupPlan::write`] writes it. Comments, other profiles
//! and the profile's other keys stay as they were. The token is in no text but that of its own file (P10).

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::edit::{write_configuration, write_private};
use super::environment::{self, Environment};
use super::file::{self, ConfigFile};
use super::import::{TokenToWrite, appended};
use super::token::TokenSource;
use super::{Config, SettingFlags, Settings};
use crate::api::endpoint::Region;
use crate::cli::AccountArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// What stands above the first profile of a new file.
const HEAD: &str = "\
# The configuration of opev. `opev.toml(5)` explains every key; `opev config show` prints what is in force.
";

/// The keys that a set-up decides; a profile that is replaced loses no others.
const DECIDED: [&str; 9] = [
    "token",
    "token_file",
    "token_command",
    "token_env",
    "token_file_any_mode",
    "region",
    "base_url",
    "allow_host",
    "ca_file",
];

/// Where the token of a new profile is.
#[derive(Clone, Debug)]
pub enum NewToken {
    /// In 1Password: `op://vault/item/field`.
    Reference(String),
    /// In a file, by its path.
    File(String),
    /// Printed by a shell command.
    Command(String),
    /// In an environment variable of this name.
    Variable(String),
    /// Here: it is to be saved in a file beside the configuration.
    Here(Secret),
}

/// The server of a new profile, where the token does not name it.
#[derive(Clone, Debug)]
pub enum NewServer {
    /// A region.
    Region(Region),
    /// A host or URL.
    BaseUrl(String),
}

/// What a profile is to say.
#[derive(Clone, Debug)]
pub struct NewProfile {
    /// Its name.
    pub name: String,
    /// Where its token is.
    pub token: NewToken,
    /// Its server.
    pub server: Option<NewServer>,
    /// Hosts beside 1Password's that may get the token.
    pub allow_host: Vec<String>,
    /// Certificates that are trusted beside the system's, by their path.
    pub ca_file: Option<String>,
}

/// What a set-up comes to, checked as a whole.
#[derive(Debug)]
pub struct SetupPlan {
    /// The configuration file.
    pub path: PathBuf,
    /// Its new text.
    pub text: String,
    /// Its text so far; none where there is no file.
    pub before: Option<String>,
    /// The token's own file, where it gets one.
    pub token_file: Option<TokenToWrite>,
    config: Config,
    profile: NewProfile,
}

/// The file of a token that is saved beside the configuration.
pub fn token_file(config: &Path, profile: &str) -> PathBuf {
    config.with_file_name(token_file_name(profile))
}

fn token_file_name(profile: &str) -> String {
    format!("{profile}.token")
}

/// Decides the text of the configuration with this profile in it.
///
/// # Errors
/// Fails when the configuration cannot be read, and when what the profile is to say is malformed.
pub fn plan(path: &Path, profile: NewProfile, environment: &Environment) -> Result<SetupPlan> {
    let before = file::text_at(path)?;
    let rows = rows(&profile);
    let text = with_profile(path, before.as_deref(), &profile.name, &rows, environment)?;
    let file = ConfigFile::parse(path, &text, environment)?;
    let token_file = match &profile.token {
        NewToken::Here(token) => {
            Some(TokenToWrite { path: token_file(path, &profile.name), token: token.clone() })
        }
        _ => None,
    };
    // The profile alone decides, as it will in every later run.
    let other: [String; 2] = [environment::BASE_URL.into(), environment::PROFILE.into()];
    let environment = environment.without(&other).collect();
    let config = Config { environment, file };
    Ok(SetupPlan { path: path.to_owned(), text, before, token_file, config, profile })
}

impl SetupPlan {
    /// The settings that the profile will have.
    ///
    /// # Errors
    /// Fails when a setting is malformed.
    pub fn settings(&self) -> Result<Settings> {
        let account = AccountArgs { profile: Some(self.profile.name.clone()), ..AccountArgs::default() };
        let mut settings = self.config.settings(&SettingFlags {
            account: &account,
            tz: None,
            page_size: None,
            jobs: None,
        })?;
        if let NewToken::Here(token) = &self.profile.token {
            // Its file is not there yet.
            settings.token = TokenSource::Typed(token.clone());
        }
        Ok(settings)
    }

    /// Writes the token's file, then the configuration that names it. A new token's file does not stay alone.
    ///
    /// # Errors
    /// Fails when the configuration was changed since it was read, and when a file cannot be written.
    pub fn write(&self) -> Result<()> {
        if file::text_at(&self.path)? != self.before {
            let message = format!("{} was changed by somebody else meanwhile", shown(&self.path));
            return Err(Error::new(ErrorKind::Config, message).hint("run `opev setup` again"));
        }
        let is_new = self.token_file.as_ref().is_some_and(|file| file.path.symlink_metadata().is_err());
        if let Some(file) = &self.token_file {
            write_private(&file.path, file.token.expose().as_bytes(), true, "")?;
        }
        write_configuration(&self.path, self.text.as_bytes()).map_err(|failure| {
            if let Some(file) = self.token_file.as_ref().filter(|_| is_new)
                && let Err(e) = std::fs::remove_file(&file.path)
            {
                log::warn!("cannot remove {}, which holds the token: {e}", shown(&file.path));
            }
            failure.hint("make room, or get leave to write there, or name another file with --config FILE")
        })
    }

    /// The profile.
    pub fn profile(&self) -> &NewProfile {
        &self.profile
    }
}

/// The keys and values of a profile.
fn rows(profile: &NewProfile) -> Vec<(&'static str, Value)> {
    let mut rows = vec![match &profile.token {
        NewToken::Reference(reference) => ("token", reference.into()),
        NewToken::File(path) => ("token_file", path.into()),
        NewToken::Command(line) => ("token_command", line.into()),
        NewToken::Variable(name) => ("token_env", name.into()),
        NewToken::Here(_) => ("token_file", token_file_name(&profile.name).into()),
    }];
    match &profile.server {
        Some(NewServer::Region(region)) => rows.push(("region", region.name().into())),
        Some(NewServer::BaseUrl(url)) => rows.push(("base_url", url.into())),
        None => {}
    }
    if !profile.allow_host.is_empty() {
        rows.push(("allow_host", Value::from_iter(&profile.allow_host)));
    }
    if let Some(path) = &profile.ca_file {
        rows.push(("ca_file", path.into()));
    }
    rows
}

/// The text with the profile in it: at its end, or in the place of the profile that is there already.
fn with_profile(
    path: &Path,
    before: Option<&str>,
    name: &str,
    rows: &[(&str, Value)],
    environment: &Environment,
) -> Result<String> {
    let lines: String =
        rows.iter().map(|(key, value)| format!("{key} = {}\n", value.to_string().trim())).collect();
    // A dot in a name would make two tables of it.
    let name_in_head = if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
    let table = format!("[profiles.{name_in_head}]\n{lines}");
    let Some(text) = before else { return Ok(format!("{HEAD}\n{table}")) };
    let is_there = ConfigFile::parse(path, text, environment)?.profiles.contains_key(name);
    if !is_there {
        let longer = appended(text, &table);
        // Not where all profiles are one value, `profiles = { ... }`.
        if ConfigFile::parse(path, &longer, environment).is_ok() {
            return Ok(longer);
        }
    }
    edited(text, name, rows).map_err(|why| {
        Error::new(ErrorKind::Config, format!("cannot put the profile {name} into {}", shown(path)))
            .because(why)
            .hint("write it by hand with `opev config edit`")
    })
}

/// The text with these keys in the table of the profile, and none of the others that a set-up decides.
fn edited(text: &str, name: &str, rows: &[(&str, Value)]) -> Result<String, String> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let mut document: DocumentMut = body.parse().map_err(|e: toml_edit::TomlError| e.message().to_owned())?;
    let no_table = || "it is not a table".to_owned();
    let profiles = document.entry("profiles").or_insert(toml_edit::table());
    let profiles: &mut dyn TableLike = profiles.as_table_like_mut().ok_or_else(no_table)?;
    if profiles.get(name).is_none() {
        profiles.insert(name, toml_edit::table());
    }
    let table = profiles.get_mut(name).and_then(Item::as_table_like_mut).ok_or_else(no_table)?;
    for key in DECIDED.iter().filter(|key| !rows.iter().any(|(row, _)| row == *key)) {
        table.remove(key);
    }
    for (key, value) in rows {
        let mut value = value.clone();
        // What stands behind the old value, as a comment, stays there.
        if let Some(old) = table.get(key).and_then(Item::as_value) {
            *value.decor_mut() = old.decor().clone();
        }
        table.insert(key, Item::Value(value));
    }
    let edited = document.to_string();
    // The crate writes line feeds alone.
    let edited =
        if body.contains("\r\n") { edited.replace("\r\n", "\n").replace('\n', "\r\n") } else { edited };
    Ok(format!("{mark}{edited}"))
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::template::TEMPLATE;

    fn profile(name: &str, token: NewToken) -> NewProfile {
        NewProfile { name: name.into(), token, server: None, allow_host: Vec::new(), ca_file: None }
    }

    fn with(before: Option<&str>, profile: &NewProfile) -> String {
        let environment: Environment = [("HOME", "/h")].into_iter().collect();
        let (path, rows) = (Path::new("/c/config.toml"), rows(profile));
        let text = with_profile(path, before, &profile.name, &rows, &environment).unwrap();
        let file = ConfigFile::parse(path, &text, &environment).unwrap();
        assert!(file.profiles[&profile.name].token.is_some(), "{text}");
        text
    }

    #[test]
    fn a_new_file_says_where_its_keys_are_explained() {
        let text = with(None, &profile("acme", NewToken::Reference("op://a/b/c".into())));
        assert_eq!(text, format!("{HEAD}\n[profiles.acme]\ntoken = \"op://a/b/c\"\n"));
    }

    #[test]
    fn a_new_profile_leaves_every_byte_before_it() {
        for before in [TEMPLATE, "# mine\r\n[profiles.a]\r\nregion = \"eu\"\r\n", "[defaults]\ntz='UTC'", ""]
        {
            let text = with(Some(before), &profile("a.b", NewToken::Variable("X".into())));
            assert!(text.starts_with(before), "{text}");
            assert!(text.contains("[profiles.\"a.b\"]\ntoken_env = \"X\"\n"), "{text}");
        }
    }

    #[test]
    fn an_empty_profile_is_filled_in_where_it_stands() {
        let before = TEMPLATE.replacen("#[profiles.default]\n", "[profiles.default]\n", 1);
        let text = with(Some(&before), &profile("default", NewToken::File("/t".into())));
        assert!(
            text.contains("[profiles.default]\ntoken_file = \"/t\"\n# Where the token comes from"),
            "{text}"
        );
        let without: String = text.replacen("token_file = \"/t\"\n", "", 1);
        assert_eq!(without, before);
    }

    #[test]
    fn a_profile_that_is_replaced_keeps_its_other_keys_and_every_comment() {
        let before = "# top\n[profiles.acme] # ours\n# the token\ntoken_env = \"OLD\" # old\ntz = \"Asia/Tokyo\"  # home\n\
                      region = \"eu\"\n\n[profiles.acme.lists]\nown_domains = [\"a\"]\n\n# next\n[profiles.b]\n# end\n";
        let mut new = profile("acme", NewToken::Command("pass show \"x\"".into()));
        new.allow_host = vec!["a.example".into()];
        new.server = Some(NewServer::BaseUrl("a.example".into()));
        let text = with(Some(before), &new);
        for kept in [
            "# top\n",
            "# ours\n",
            "tz = \"Asia/Tokyo\"  # home\n",
            "own_domains = [\"a\"]",
            "# next\n[profiles.b]\n# end\n",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        for gone in ["OLD", "region"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        // The same again changes nothing.
        assert_eq!(with(Some(&text), &new), text);
    }

    #[test]
    fn the_comment_behind_a_value_stays_and_windows_lines_stay() {
        let before = "\u{feff}[profiles.a]\r\ntoken_env = \"OLD\" # mine\r\njobs = 2\r\n";
        let text = with(Some(before), &profile("a", NewToken::Variable("NEW".into())));
        assert_eq!(text, "\u{feff}[profiles.a]\r\ntoken_env = \"NEW\" # mine\r\njobs = 2\r\n");
    }

    #[test]
    fn profiles_in_one_value_and_dotted_keys_are_understood() {
        let inline = "profiles = { a = { token_env = \"A\" } } # all\n";
        let text = with(Some(inline), &profile("b", NewToken::Variable("B".into())));
        assert!(text.contains("a = { token_env = \"A\" }") && text.contains("# all"), "{text}");
        let dotted = "[profiles]\na.token_env = \"A\"\na.tz = \"UTC\"\n";
        let text = with(Some(dotted), &profile("a", NewToken::File("/x".into())));
        assert!(text.contains("a.tz = \"UTC\"") && !text.contains("token_env"), "{text}");
    }

    #[test]
    fn a_saved_token_is_named_by_its_file_and_is_not_in_the_text() {
        let token = NewToken::Here(Secret::new("eyJhidden"));
        let text = with(None, &profile("acme", token));
        assert!(text.ends_with("token_file = \"acme.token\"\n") && !text.contains("eyJ"), "{text}");
        assert_eq!(token_file(Path::new("/c/config.toml"), "acme"), Path::new("/c/acme.token"));
    }

    #[test]
    fn what_cannot_be_a_token_s_place_is_refused_with_file_and_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        let environment = Environment::default();
        for place in [NewToken::Reference("eyJa".into()), NewToken::Variable("a b".into())] {
            let failure = plan(&path, profile("acme", place), &environment).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Config);
            assert!(
                !failure.to_string().contains("eyJ") && failure.to_string().contains("config.toml:4"),
                "{failure}"
            );
        }
    }
}
