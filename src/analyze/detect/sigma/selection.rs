//! The selections of a Sigma rule: fields with modifiers and values.

use regex_lite::RegexBuilder;

use super::yaml::{MapEntry, Node, NodeValue};
use crate::analyze::detect::reader::entry::Problem;
use crate::sanitize;
use crate::select::{GlobPlace, RawCondition, RawNetwork, RawTest, TextGlob};
use crate::suggest::suggest;

/// The modifiers that are read.
const MODIFIERS: [&str; 11] =
    ["contains", "startswith", "endswith", "re", "i", "m", "s", "cidr", "all", "cased", "exists"];

/// What the modifiers of a field say.
#[derive(Default)]
struct Modifiers {
    /// How values are compared; as texts that may have wildcards where it is none of the others.
    how: How,
    /// The modifier that said so.
    name: &'static str,
    is_all: bool,
    is_cased: bool,
    /// Of regular expressions: any case, `^` and `$` at lines, `.` for line breaks.
    flags: [bool; 3],
}

#[derive(Clone, Copy, Default, PartialEq)]
enum How {
    #[default]
    Whole,
    Part(GlobPlace),
    Regex,
    Network,
    Exists,
}

/// Reads a selection: a map (all of its fields), or a list of maps and keywords (one of them).
pub(super) fn read(entry: &MapEntry) -> Result<RawCondition, Problem> {
    match &entry.value.value {
        NodeValue::Map(entries) => fields(entries, &entry.value),
        NodeValue::Text(_) => keyword(&entry.value, &Modifiers::default()),
        NodeValue::List(nodes) if !nodes.is_empty() => {
            let part = |node: &Node| match &node.value {
                NodeValue::Map(entries) => fields(entries, node),
                NodeValue::Text(_) => keyword(node, &Modifiers::default()),
                _ => Err(node.problem(format!(
                    "a selection has maps of fields and keywords, not {}",
                    node.type_name()
                ))),
            };
            Ok(RawCondition::Any(nodes.iter().map(part).collect::<Result<_, _>>()?))
        }
        _ => {
            let name = sanitize::message(&entry.key).into_owned();
            Err(Problem::new(entry.offset, format!("the selection {name} is empty")))
        }
    }
}

fn fields(entries: &[MapEntry], node: &Node) -> Result<RawCondition, Problem> {
    if entries.is_empty() {
        return Err(node.problem("a map of fields is empty"));
    }
    let mut parts: Vec<RawCondition> = entries.iter().map(field).collect::<Result<_, _>>()?;
    Ok(if parts.len() == 1 { parts.remove(0) } else { RawCondition::All(parts) })
}

/// One field with its values: one of them, or all with `|all`.
fn field(entry: &MapEntry) -> Result<RawCondition, Problem> {
    let (path, modifiers) = match entry.key.split_once('|') {
        Some((path, words)) => (path, modifiers(words, entry.offset + path.len() + 1)?),
        None => (entry.key.as_str(), Modifiers::default()),
    };
    if !path.is_empty() && path.split('.').any(|part| part.trim().is_empty()) {
        let path = sanitize::message(path).into_owned();
        return Err(Problem::new(entry.offset, format!("{path} is no path of a field")));
    }
    let values = entry.value.one_or_more();
    if values.is_empty() {
        let key = sanitize::message(&entry.key).into_owned();
        return Err(entry.value.problem(format!("{key} has no value")));
    }
    if modifiers.is_all && values.len() < 2 {
        return Err(entry.value.problem("all needs a list of values"));
    }
    let test = |value: &Node| match path {
        "" => keyword(value, &modifiers),
        _ => Ok(RawCondition::field(path, test(value, &entry.key, &modifiers)?)),
    };
    let mut parts: Vec<RawCondition> = values.iter().map(test).collect::<Result<_, _>>()?;
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ if modifiers.is_all => RawCondition::All(parts),
        _ => RawCondition::Any(parts),
    })
}

/// Reads the words behind a field, which stand at `offset`.
fn modifiers(words: &str, mut offset: usize) -> Result<Modifiers, Problem> {
    let mut read = Modifiers::default();
    for word in words.split('|') {
        let refused = |message: String| Problem::new(offset, message);
        let Some(name) = MODIFIERS.into_iter().find(|known| *known == word) else {
            let problem = refused(format!("the modifier {} is not read", sanitize::message(word)));
            return Err(match suggest(word, MODIFIERS) {
                Some(near) => problem.hint(format!("did you mean {near}?")),
                None => problem.hint(format!("those that are: {}", MODIFIERS.join(", "))),
            });
        };
        let how = match name {
            "contains" => How::Part(GlobPlace::Inside),
            "startswith" => How::Part(GlobPlace::Start),
            "endswith" => How::Part(GlobPlace::End),
            "re" => How::Regex,
            "cidr" => How::Network,
            "exists" => How::Exists,
            _ => How::Whole,
        };
        match name {
            "all" => read.is_all = true,
            "cased" => read.is_cased = true,
            "i" | "m" | "s" if read.how != How::Regex => {
                return Err(refused(format!("{name} stands behind re only")));
            }
            "i" => read.flags[0] = true,
            "m" => read.flags[1] = true,
            "s" => read.flags[2] = true,
            _ if read.how != How::Whole => {
                return Err(refused(format!("{} and {name} do not go together", read.name)));
            }
            _ => (read.how, read.name) = (how, name),
        }
        let has_case = !matches!(read.how, How::Network | How::Exists | How::Regex);
        if read.is_cased && !has_case || read.is_all && read.how == How::Exists {
            let other = if read.is_cased { "cased" } else { "all" };
            return Err(refused(format!("{} and {other} do not go together", read.name)));
        }
        offset += word.len() + 1;
    }
    Ok(read)
}

fn test(value: &Node, key: &str, modifiers: &Modifiers) -> Result<RawTest, Problem> {
    let text = match &value.value {
        NodeValue::Text(text) => text,
        // A field that is there and has nothing to say.
        NodeValue::Null if modifiers.how == How::Whole => return Ok(RawTest::Exists(false)),
        _ => {
            let key = sanitize::message(key).into_owned();
            return Err(value.problem(format!("{key} must have texts as values, not {}", value.type_name())));
        }
    };
    Ok(match modifiers.how {
        How::Whole => RawTest::Text(TextGlob::new(text, GlobPlace::Whole, modifiers.is_cased)),
        How::Part(place) => RawTest::Text(TextGlob::new(text, place, modifiers.is_cased)),
        How::Exists => match text.to_ascii_lowercase().as_str() {
            "true" => RawTest::Exists(true),
            "false" => RawTest::Exists(false),
            _ => return Err(value.problem("exists must be true or false")),
        },
        How::Network => RawTest::Network(
            RawNetwork::parse(text)
                .map_err(|why| value.problem(format!("{}: {why}", sanitize::message(text))))?,
        ),
        How::Regex => {
            let [any_case, lines, dot] = modifiers.flags;
            let regex = RegexBuilder::new(text)
                .case_insensitive(any_case)
                .multi_line(lines)
                .dot_matches_new_line(dot)
                .build();
            RawTest::Regex(regex.map_err(|e| {
                value
                    .problem(format!("not a regular expression: {e}"))
                    .hint("looking around and back references are not read")
            })?)
        }
    })
}

/// A text that the event has anywhere.
fn keyword(value: &Node, modifiers: &Modifiers) -> Result<RawCondition, Problem> {
    if modifiers.how != How::Whole {
        return Err(value.problem(format!("{} needs a field before it", modifiers.name)));
    }
    let text = value.text("a keyword")?;
    Ok(RawCondition::Keyword(TextGlob::new(text, GlobPlace::Inside, modifiers.is_cased)))
}
