//! One table of the configuration file: `[defaults]` or `[profiles.NAME]`, key by key.
//!
//! Keys are the flags with underscores. Each value remembers its line. Messages name key, type and the
//! accepted forms, and never repeat a value, which may be a token (P10).

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::analyze::detect::{LISTS, Lists};
use crate::api::endpoint::{ApiVersion, BaseUrl, Region};
use crate::cli::shape_options::Tag;
use crate::size;
use crate::suggest::suggest;
use crate::time::{Zone, duration};

/// A value and the line it is written on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileValue<T> {
    /// The value.
    pub value: T,
    /// The line, counted from 1.
    pub line: usize,
}

/// Where a profile's token comes from, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKey {
    /// `token = "op://vault/item/field"`
    Reference(String),
    /// `token_file`
    File(PathBuf),
    /// `token_command`
    Command(String),
    /// `token_env`
    Variable(String),
}

impl TokenKey {
    /// The key's name.
    pub fn name(&self) -> &'static str {
        match self {
            TokenKey::Reference(_) => "token",
            TokenKey::File(_) => "token_file",
            TokenKey::Command(_) => "token_command",
            TokenKey::Variable(_) => "token_env",
        }
    }

    /// Whether it makes `opev` run a program.
    pub fn runs_a_program(&self) -> bool {
        matches!(self, TokenKey::Reference(_) | TokenKey::Command(_))
    }
}

/// A server, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerKey {
    /// `region`
    Region(Region),
    /// `base_url`
    BaseUrl(BaseUrl),
}

impl ServerKey {
    /// The server.
    pub fn base_url(&self) -> BaseUrl {
        match self {
            ServerKey::Region(region) => region.base_url(),
            ServerKey::BaseUrl(url) => url.clone(),
        }
    }

    /// The key's name.
    pub fn name(&self) -> &'static str {
        match self {
            ServerKey::Region(_) => "region",
            ServerKey::BaseUrl(_) => "base_url",
        }
    }
}

/// The settings of a table of the configuration file.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the key of its name, which `config init` explains")]
pub struct ProfileTable {
    pub enabled: Option<FileValue<bool>>,
    pub token: Option<FileValue<TokenKey>>,
    pub token_file_any_mode: Option<FileValue<bool>>,
    pub server: Option<FileValue<ServerKey>>,
    pub allow_host: Option<FileValue<Vec<String>>>,
    pub state_dir: Option<FileValue<PathBuf>>,
    pub ca_file: Option<FileValue<PathBuf>>,
    pub api: Option<FileValue<ApiVersion>>,
    pub page_size: Option<FileValue<u16>>,
    pub jobs: Option<FileValue<u8>>,
    pub timeout: Option<FileValue<Duration>>,
    pub retry_for: Option<FileValue<Duration>>,
    pub deadline: Option<FileValue<Duration>>,
    pub rate_limit: Option<FileValue<u32>>,
    pub max_response_bytes: Option<FileValue<u64>>,
    pub tz: Option<FileValue<Zone>>,
    pub tag: Option<FileValue<Vec<Tag>>>,
    pub rules: Option<FileValue<Vec<PathBuf>>>,
    pub lists: Option<FileValue<Lists>>,
}

/// Every key, in the order of the template.
pub const KEYS: [&str; 23] = [
    "enabled",
    "token",
    "token_file",
    "token_command",
    "token_env",
    "token_file_any_mode",
    "region",
    "base_url",
    "allow_host",
    "state_dir",
    "ca_file",
    "api",
    "page_size",
    "jobs",
    "timeout",
    "retry_for",
    "deadline",
    "rate_limit",
    "max_response_bytes",
    "tz",
    "tag",
    "rules",
    "lists",
];

/// Keys that name an account; they belong to one profile and have no defaults.
pub const ACCOUNT_KEYS: [&str; 6] =
    ["enabled", "token", "token_file", "token_command", "token_env", "token_file_any_mode"];

/// What is wrong with an entry: a message that follows `FILE:LINE: `, and perhaps a hint.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl ConfigProblem {
    /// A problem without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        ConfigProblem { message: message.into(), hint: None }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl ProfileTable {
    /// Takes one entry in.
    ///
    /// # Errors
    /// Fails when the key is unknown, or the value is of the wrong type or out of range.
    pub fn set(&mut self, key: &str, entry: &TableEntry<'_>) -> Result<(), ConfigProblem> {
        match key {
            "enabled" => self.enabled = Some(entry.flag()?),
            "token" => self.set_token(entry.parsed(reference)?)?,
            "token_file" => {
                let path = entry.path()?;
                self.set_token(path.map(TokenKey::File))?;
            }
            "token_command" => self.set_token(entry.parsed(command)?)?,
            "token_env" => self.set_token(entry.parsed(variable)?)?,
            "token_file_any_mode" => self.token_file_any_mode = Some(entry.flag()?),
            "region" => self.set_server(entry.parsed(words::<Region>)?.map(ServerKey::Region))?,
            "base_url" => self.set_server(entry.parsed(words::<BaseUrl>)?.map(ServerKey::BaseUrl))?,
            "allow_host" => self.allow_host = Some(entry.list()?),
            "state_dir" => self.state_dir = Some(entry.path()?),
            "ca_file" => self.ca_file = Some(entry.path()?),
            "api" => self.api = Some(entry.parsed(words::<ApiVersion>)?),
            "page_size" => self.page_size = Some(entry.whole(1, 1000)?),
            "jobs" => self.jobs = Some(entry.whole(1, 16)?),
            "timeout" => self.timeout = Some(entry.parsed(duration::parse_positive)?),
            "retry_for" => self.retry_for = Some(entry.parsed(duration::parse)?),
            "deadline" => self.deadline = Some(entry.parsed(duration::parse_positive)?),
            "rate_limit" => self.rate_limit = Some(entry.whole(0, u32::MAX)?),
            "max_response_bytes" => self.max_response_bytes = Some(entry.bytes()?),
            "tz" => self.tz = Some(entry.parsed(words::<Zone>)?),
            "tag" => {
                let tags: Result<_, _> = entry.list()?.value.iter().map(|text| text.parse::<Tag>()).collect();
                let tags = tags.map_err(|why| ConfigProblem::new(format!("tag: {why}")))?;
                self.tag = Some(entry.located(tags));
            }
            "rules" => self.rules = Some(entry.paths()?),
            "lists" => self.lists = Some(entry.lists()?),
            _ => return Err(unknown("key", key, &KEYS)),
        }
        Ok(())
    }

    fn set_token(&mut self, token: FileValue<TokenKey>) -> Result<(), ConfigProblem> {
        let before = self.token.replace(token.clone());
        not_both(before.map(|t| t.value.name()), token.value.name())
    }

    fn set_server(&mut self, server: FileValue<ServerKey>) -> Result<(), ConfigProblem> {
        let before = self.server.replace(server.clone());
        not_both(before.map(|s| s.value.name()), server.value.name())
    }
}

fn not_both(before: Option<&str>, after: &str) -> Result<(), ConfigProblem> {
    match before {
        Some(before) => {
            Err(ConfigProblem::new(format!("both {before} and {after} are set; keep one of them")))
        }
        None => Ok(()),
    }
}

/// A word that is not in `known`, with the nearest one that is.
pub fn unknown(what: &str, word: &str, known: &[&str]) -> ConfigProblem {
    let problem = ConfigProblem::new(format!("unknown {what} {}", crate::sanitize::message(word)));
    match suggest(word, known.iter().copied()) {
        Some(nearest) => problem.hint(format!("did you mean {nearest}?")),
        None => problem.hint(format!("use one of {}", known.join(", "))),
    }
}

impl<T> FileValue<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> FileValue<U> {
        FileValue { value: change(self.value), line: self.line }
    }
}

/// A value of the file, with its key and place.
#[derive(Debug)]
pub struct TableEntry<'a> {
    /// The key it belongs to.
    pub key: &'a str,
    /// The value.
    pub value: &'a Spanned<DeValue<'a>>,
    /// Its line.
    pub line: usize,
    /// Where relative paths start: the directory of the file.
    pub base: &'a Path,
    /// What `~/` means.
    pub home: Option<&'a Path>,
}

impl TableEntry<'_> {
    fn located<T>(&self, value: T) -> FileValue<T> {
        FileValue { value, line: self.line }
    }

    fn wrong_type(&self, wanted: &str) -> ConfigProblem {
        let found = self.value.get_ref().type_str();
        ConfigProblem::new(format!("{} must be {wanted}, not of type {found}", self.key))
    }

    fn text(&self) -> Result<&str, ConfigProblem> {
        let text = self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a text in quotes"))?;
        if text.is_empty() { Err(ConfigProblem::new(format!("{} is empty", self.key))) } else { Ok(text) }
    }

    fn parsed<T, E: ToString>(
        &self,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<FileValue<T>, ConfigProblem> {
        let value =
            read(self.text()?).map_err(|e| ConfigProblem::new(format!("{}: {}", self.key, e.to_string())))?;
        Ok(self.located(value))
    }

    fn flag(&self) -> Result<FileValue<bool>, ConfigProblem> {
        let value = self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))?;
        Ok(self.located(value))
    }

    fn integer(&self) -> Option<i64> {
        let integer = self.value.get_ref().as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    fn whole<T: TryFrom<i64>>(&self, least: u32, most: u32) -> Result<FileValue<T>, ConfigProblem> {
        let wanted = match most {
            u32::MAX => "a whole number".to_owned(),
            most => format!("a whole number from {least} to {most}"),
        };
        if !self.value.get_ref().is_integer() {
            return Err(self.wrong_type(&wanted));
        }
        self.integer()
            .filter(|number| (i64::from(least)..=i64::from(most)).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .map(|number| self.located(number))
            .ok_or_else(|| ConfigProblem::new(format!("{} must be {wanted}", self.key)))
    }

    fn bytes(&self) -> Result<FileValue<u64>, ConfigProblem> {
        match self.integer().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0) {
            Some(number) => Ok(self.located(number)),
            None if self.value.get_ref().is_integer() => {
                Err(ConfigProblem::new(format!("{} must be at least 1", self.key)))
            }
            None => self.parsed(size::parse),
        }
    }

    fn path(&self) -> Result<FileValue<PathBuf>, ConfigProblem> {
        let path = self.path_of(self.text()?)?;
        Ok(self.located(path))
    }

    fn paths(&self) -> Result<FileValue<Vec<PathBuf>>, ConfigProblem> {
        let texts = self.list()?.value;
        let paths = texts.iter().map(|text| self.path_of(text)).collect::<Result<_, _>>()?;
        Ok(self.located(paths))
    }

    /// The lists that rules name: a table of lists of texts.
    fn lists(&self) -> Result<FileValue<Lists>, ConfigProblem> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table of lists"))?;
        let mut lists = Lists::default();
        for (name, value) in table {
            let known = LISTS.map(|(name, _)| name);
            if !known.contains(&&**name.get_ref()) {
                return Err(unknown("list", name.get_ref(), &known));
            }
            let entry = TableEntry { key: name.get_ref(), value, ..*self };
            lists.set(name.get_ref(), entry.list()?.value);
        }
        Ok(self.located(lists))
    }

    fn path_of(&self, text: &str) -> Result<PathBuf, ConfigProblem> {
        Ok(match text.strip_prefix("~/") {
            Some(rest) => self
                .home
                .ok_or_else(|| {
                    ConfigProblem::new(format!("{}: ~ means nothing, as HOME is not set", self.key))
                })?
                .join(rest),
            None => self.base.join(text),
        })
    }

    fn list(&self) -> Result<FileValue<Vec<String>>, ConfigProblem> {
        let wrong = || self.wrong_type("a text, or a list of texts");
        let words = match self.value.get_ref() {
            DeValue::String(word) => vec![word.to_string()],
            DeValue::Array(words) => words
                .iter()
                .map(|word| word.get_ref().as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong()),
        };
        Ok(self.located(words))
    }
}

fn words<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.parse()
}

fn command(text: &str) -> Result<TokenKey, String> {
    if text.trim().is_empty() { Err("it is empty".into()) } else { Ok(TokenKey::Command(text.into())) }
}

fn variable(text: &str) -> Result<TokenKey, &'static str> {
    let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if shaped { Ok(TokenKey::Variable(text.into())) } else { Err("it must be the name of a variable") }
}

/// Only a reference may stand here: a file that is copied, backed up and shared is not a place for a token.
fn reference(text: &str) -> Result<TokenKey, &'static str> {
    if text.starts_with("op://") && !text.chars().any(char::is_control) {
        return Ok(TokenKey::Reference(text.into()));
    }
    Err("a token in the clear is refused; write token = \"op://vault/item/field\", token_command, \
         token_file or token_env instead, and issue a new token if this file was shared")
}
