//! What a run adds to its events, in the shapes that have a place for it: tags, Sumo Logic's source, and the
//! version of a schema.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use super::Shape;

/// The longest tag, in characters: Datadog's limit, the lowest of all readers.
const LONGEST: usize = 200;

/// A key and a value that stand on every event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// A letter, then letters, digits, `_`, `-`, `.` and `/`.
    pub key: String,
    /// Anything but control characters and commas.
    pub value: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, self.value)
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) =
            text.split_once(':').ok_or("not a tag; write KEY:VALUE, as env:production".to_owned())?;
        let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
        if !is_key {
            return Err("a tag's key is a letter, then letters, digits, _, -, . and /".into());
        }
        if value.trim().is_empty() || value.chars().any(|c| c.is_control() || c == ',') {
            return Err("a tag's value is text without commas and control characters".into());
        }
        if text.chars().count() > LONGEST {
            return Err(format!("a tag has at most {LONGEST} characters"));
        }
        Ok(Tag { key: key.to_owned(), value: value.trim().to_owned() })
    }
}

/// The versions of OCSF that the events are valid in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OcsfVersion {
    /// 1.5.0
    #[value(name = "1.5.0")]
    V1_5,
    /// 1.6.0
    #[value(name = "1.6.0")]
    V1_6,
    /// 1.7.0
    #[value(name = "1.7.0")]
    V1_7,
    /// 1.8.0
    #[default]
    #[value(name = "1.8.0")]
    V1_8,
}

impl OcsfVersion {
    /// The version as the events state it.
    pub fn name(self) -> &'static str {
        match self {
            OcsfVersion::V1_5 => "1.5.0",
            OcsfVersion::V1_6 => "1.6.0",
            OcsfVersion::V1_7 => "1.7.0",
            OcsfVersion::V1_8 => "1.8.0",
        }
    }
}

/// What becomes of bytes that are not UTF-8, which JSON does not allow and some service may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum InvalidUtf8 {
    /// They stay as they are
    #[default]
    Keep,
    /// Each becomes U+FFFD, so that every line is JSON
    Replace,
}

/// What a run adds to its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShapeOptions {
    /// Tags; of equal keys the last counts.
    pub tags: Vec<Tag>,
    /// Sumo Logic's source category.
    pub category: Option<String>,
    /// Sumo Logic's source name.
    pub source_name: Option<String>,
    /// Whether the fields that route a log to Sumo Logic's Cloud SIEM are left out.
    pub no_siem_metadata: bool,
    /// The version of OCSF.
    pub ocsf_version: OcsfVersion,
    /// What becomes of bytes in NDJSON that are not UTF-8; the other formats always replace them.
    pub utf8: InvalidUtf8,
}

impl ShapeOptions {
    /// Adds a tag; one of the same key is replaced.
    pub fn add_tag(&mut self, tag: Tag) {
        self.tags.retain(|known| known.key != tag.key);
        self.tags.push(tag);
    }

    /// What of it changes the bytes of a shape, as text; empty for nothing.
    pub fn describe(&self, shape: Shape) -> String {
        let mut parts: Vec<String> = Vec::new();
        if shape.row().has_tags {
            parts.extend(self.tags.iter().map(|tag| format!("tag {tag}")));
        }
        if shape == Shape::Sumo {
            parts.extend(self.category.iter().map(|category| format!("category {category}")));
            parts.extend(self.source_name.iter().map(|name| format!("source name {name}")));
            parts.extend(self.no_siem_metadata.then(|| "no SIEM metadata".to_owned()));
        }
        if shape == Shape::Ocsf && self.ocsf_version != OcsfVersion::default() {
            parts.push(format!("OCSF {}", self.ocsf_version.name()));
        }
        if self.utf8 == InvalidUtf8::Replace {
            parts.push("invalid UTF-8 replaced".to_owned());
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_keys_and_values() {
        let tag: Tag = "team:blue: 7 ".parse().unwrap();
        assert_eq!(
            (tag.key.as_str(), tag.value.as_str(), &*tag.to_string()),
            ("team", "blue: 7", "team:blue: 7")
        );
        let long = format!("k:{}", "x".repeat(LONGEST));
        for wrong in ["production", ":x", "_x:y", "1:y", "a b:c", "k:", "k: ", "k:a,b", "k:a\nb", &long] {
            assert!(wrong.parse::<Tag>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_changes_the_shape_is_described() {
        let mut options = ShapeOptions { category: Some("c".into()), ..ShapeOptions::default() };
        options.add_tag("env:test".parse().unwrap());
        options.add_tag("env:prod".parse().unwrap());
        options.ocsf_version = OcsfVersion::V1_5;
        assert_eq!(options.describe(Shape::Raw), "");
        assert_eq!(options.describe(Shape::Datadog), "tag env:prod");
        assert_eq!(options.describe(Shape::Sumo), "tag env:prod, category c");
        assert_eq!(options.describe(Shape::Ocsf), "tag env:prod, OCSF 1.5.0");
    }
}
