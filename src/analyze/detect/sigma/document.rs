//! One document of a Sigma file.

use super::correlation::{self, Correlation};
use super::yaml::{Document, MapEntry, Node};
use super::{condition, selection};
use crate::analyze::detect::reader::entry::Problem;
use crate::analyze::detect::rule::Level;
use crate::event::Stream;
use crate::sanitize;
use crate::select::RawCondition;

/// The products whose rules are read.
const PRODUCTS: [&str; 2] = ["onepassword", "1password"];

/// The longest id, in characters.
const MOST_ID: usize = 64;

/// A document, read.
#[derive(Debug)]
pub(super) struct SigmaDocument<'a> {
    /// The number of its file.
    pub(super) file: usize,
    /// Its text.
    pub(super) text: &'a str,
    /// How many lines of the file are before it.
    pub(super) lines_before: usize,
    pub(super) offset: usize,
    pub(super) title: String,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) level: Level,
    pub(super) meaning: String,
    pub(super) false_alarms: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) kind: SigmaKind,
}

/// What a document is.
#[derive(Debug)]
pub(super) enum SigmaKind {
    Rule(SigmaRule),
    Correlation(Correlation),
    /// A rule for other events; why it is none for these, and where that stands.
    Foreign(String, usize),
}

/// Which events a rule is about.
#[derive(Debug)]
pub(super) struct SigmaRule {
    pub(super) streams: Vec<Stream>,
    pub(super) condition: RawCondition,
}

/// What is wrong with documents that this program does not read, by the key that tells them.
const OTHER_DOCUMENTS: [(&str, &str); 3] = [
    ("action", "collections of rules (action: global) are not read"),
    ("filter", "filters of Sigma are not read"),
    ("global", "collections of rules (global) are not read"),
];

impl<'a> SigmaDocument<'a> {
    /// Reads a document of the file of this number.
    pub(super) fn read(file: usize, text: &'a str, document: &Document) -> Result<Self, Problem> {
        let root = &document.root;
        let entries = root.entries("a rule of Sigma")?;
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        for (key, why) in OTHER_DOCUMENTS {
            if let Some(entry) = find(key) {
                return Err(Problem::new(entry.offset, why.to_owned()));
            }
        }
        let texts = |key: &str| find(key).map_or(Ok(Vec::new()), |entry| entry.value.texts(key));
        let one = |key: &str| {
            let texts = find(key).map(|entry| entry.value.text(key).map(|text| text.trim().to_owned()));
            texts.transpose()
        };
        let kind = kind_of(root, find, text)?;
        let title = one("title")?.ok_or_else(|| root.problem("title is missing"))?;
        let level = match find("level") {
            Some(entry) => level_of(&entry.value)?,
            None => Level::Medium,
        };
        Ok(SigmaDocument {
            file,
            text: text[document.bytes.clone()].trim_end(),
            lines_before: memchr::memchr_iter(b'\n', &text.as_bytes()[..document.bytes.start]).count(),
            offset: root.offset,
            title,
            id: one("id")?,
            name: one("name")?,
            level,
            meaning: one("description")?.unwrap_or_default(),
            false_alarms: texts("falsepositives")?,
            tags: texts("tags")?,
            kind,
        })
    }

    /// Whether a correlation means it by this word.
    pub(super) fn is_called(&self, word: &str) -> bool {
        self.name.as_deref() == Some(word)
            || self.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(word))
    }

    /// The id of the rule: its name, else its id, else its title.
    pub(super) fn rule_id(&self) -> String {
        let text = self.name.as_ref().or(self.id.as_ref()).unwrap_or(&self.title);
        let mut id = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            let is_plain = c.is_ascii_alphanumeric() || "-_.".contains(c);
            if is_plain {
                id.push(c);
            } else if !id.ends_with('-') {
                id.push('-');
            }
        }
        id.chars().take(MOST_ID).collect::<String>().trim_matches('-').to_owned()
    }

    /// Techniques and tactics of MITRE ATT&CK, and the other tags with the rule's own id before them.
    pub(super) fn attack_and_refs(&self) -> (Vec<String>, Vec<String>) {
        let mut refs: Vec<String> = self.id.iter().cloned().collect();
        let mut attack = Vec::new();
        for tag in &self.tags {
            match tag.strip_prefix("attack.") {
                Some(rest) => {
                    let mut letters = rest.chars();
                    let is_number = letters.next() == Some('t')
                        && letters.as_str().trim_start_matches('a').starts_with(|c: char| c.is_ascii_digit());
                    attack.push(if is_number { rest.to_uppercase() } else { rest.to_owned() });
                }
                None => refs.push(tag.clone()),
            }
        }
        (attack, refs)
    }
}

fn kind_of<'n>(
    root: &Node,
    find: impl Fn(&str) -> Option<&'n MapEntry>,
    text: &str,
) -> Result<SigmaKind, Problem> {
    if let Some(correlation) = find("correlation") {
        return Ok(SigmaKind::Correlation(correlation::read(correlation)?));
    }
    let (Some(source), Some(detection)) = (find("logsource"), find("detection")) else {
        return Err(root.problem("no rule of Sigma: logsource and detection, or correlation, are missing"));
    };
    match streams_of(&source.value)? {
        Ok(streams) => {
            let condition = condition_of(detection, text)?;
            Ok(SigmaKind::Rule(SigmaRule { streams, condition }))
        }
        Err((why, offset)) => Ok(SigmaKind::Foreign(why, offset)),
    }
}

/// The streams that a source of logs stands for; why it stands for none of them.
fn streams_of(source: &Node) -> Result<Result<Vec<Stream>, (String, usize)>, Problem> {
    let entries = source.entries("logsource")?;
    let find = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let Some(product) = find("product") else {
        return Ok(Err(("its logsource names no product".to_owned(), source.offset)));
    };
    let name = product.text("product")?;
    if !PRODUCTS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let name = sanitize::message(name).into_owned();
        return Ok(Err((format!("it is for the product {name}, not onepassword"), product.offset)));
    }
    let mut streams = Stream::ALL.to_vec();
    for node in ["service", "category"].into_iter().filter_map(find) {
        let stream: Stream = node.text("service")?.parse().map_err(|e: crate::event::UnknownStream| {
            node.problem(format!("the service of logsource: {e}"))
                .hint("use signinattempts, itemusages or auditevents, or leave it out for all of them")
        })?;
        streams.retain(|known| *known == stream);
    }
    if streams.is_empty() {
        return Err(source.problem("service and category of logsource name different streams"));
    }
    Ok(Ok(streams))
}

fn condition_of(detection: &MapEntry, text: &str) -> Result<RawCondition, Problem> {
    let entries = detection.value.entries("detection")?;
    let mut selections = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            "condition" => {}
            "timeframe" => {
                return Err(Problem::new(entry.offset, "timeframe is not read".to_owned())
                    .hint("write a second document with correlation and timespan"));
            }
            name => selections.push((name, selection::read(entry)?)),
        }
    }
    let found = entries.iter().find(|entry| entry.key == "condition");
    let found = found.ok_or_else(|| Problem::new(detection.offset, "condition is missing".to_owned()))?;
    condition::read(&found.value, &selections, text)
}

fn level_of(node: &Node) -> Result<Level, Problem> {
    let name = node.text("level")?;
    let name = if name == "informational" { "info" } else { name };
    name.parse().map_err(|_| {
        node.problem(format!("no such level {}", sanitize::message(name)))
            .hint("use informational, low, medium, high or critical")
    })
}
