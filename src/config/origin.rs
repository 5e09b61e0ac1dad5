//! A setting for people: name, value and origin.

use std::fmt;

use serde_json::{Map, Value, json};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The flag of this key: `page_size` stands for `--page-size`.
    Flag(&'static str),
    /// An environment variable.
    Variable(String),
    /// A profile, and the line in the configuration file.
    Profile(String, usize),
    /// `[defaults]`, and the line in the configuration file.
    Defaults(usize),
    /// What the demo brings.
    Demo,
    /// Nothing was said: the built-in default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(key) => write!(f, "--{}", key.replace('_', "-")),
            Origin::Variable(name) => write!(f, "{name}"),
            Origin::Profile(name, line) => write!(f, "profile {name}, line {line}"),
            Origin::Defaults(line) => write!(f, "[defaults], line {line}"),
            Origin::Demo => f.write_str("demo"),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl Origin {
    /// The origin as it is printed after a value: `(from --tz)`, `(default)`.
    pub fn in_brackets(&self) -> String {
        match self {
            Origin::Default | Origin::Demo => format!("({self})"),
            _ => format!("(from {self})"),
        }
    }
}

/// Settings for people: one line each, with key, value and origin.
pub fn lines(settings: &[SettingRow]) -> String {
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    let line = |SettingRow { key, value, origin }: &SettingRow| {
        format!("{key:width$}  {value} {}\n", origin.in_brackets())
    };
    settings.iter().map(line).collect()
}

/// Settings as one JSON object: each key with value and origin.
pub fn json(settings: &[SettingRow]) -> String {
    let entry = |SettingRow { key, value, origin }: &SettingRow| {
        ((*key).to_owned(), json!({ "value": value, "origin": origin.to_string() }))
    };
    let object: Map<_, _> = settings.iter().map(entry).collect();
    format!("{:#}\n", Value::Object(object))
}

/// A decided value as `opev config show` prints it. Never holds a secret (P10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// The key, as in the configuration file.
    pub key: &'static str,
    /// The value, or a description of it.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}
