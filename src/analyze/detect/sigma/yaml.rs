//! YAML as a tree of nodes with their places.
//!
//! Only what rules need: texts, lists and maps. Anchors, aliases and tags are refused, so that a small file cannot
//! stand for a large one, and depth and number of nodes are bounded.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::analyze::detect::reader::entry::Problem;
use crate::sanitize;

/// How deep nodes may lie in one another.
const MOST_DEPTH: usize = 20;

/// How many nodes a file may have.
const MOST_NODES: usize = 100_000;

/// How many keys a map may have: each is compared with all of them.
const MOST_KEYS: usize = 1_000;

/// A text, a list or a map.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its first byte in the file.
    pub(super) offset: usize,
    pub(super) value: NodeValue,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum NodeValue {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<MapEntry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct MapEntry {
    pub(super) key: String,
    /// Where the key stands.
    pub(super) offset: usize,
    pub(super) value: Node,
}

/// A document of a file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    /// Its bytes in the file.
    pub(super) bytes: Range<usize>,
}

impl Node {
    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.offset, message.into())
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self.value {
            NodeValue::Null => "nothing",
            NodeValue::Text(_) => "a text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a map",
        }
    }

    /// The text of a node that must be one; `name` is told where it is not.
    pub(super) fn text(&self, name: &str) -> Result<&str, Problem> {
        match &self.value {
            NodeValue::Text(text) if !text.trim().is_empty() => Ok(text),
            NodeValue::Text(_) => Err(self.problem(format!("{name} is empty"))),
            _ => Err(self.problem(format!("{name} must be a text, not {}", self.type_name()))),
        }
    }

    /// The nodes of a list, or the one that stands there alone.
    pub(super) fn one_or_more(&self) -> &[Node] {
        match &self.value {
            NodeValue::List(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// The texts of a list of texts, or of one text; none for nothing.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Problem> {
        match self.value {
            NodeValue::Null => Ok(Vec::new()),
            _ => self.one_or_more().iter().map(|node| node.text(name).map(str::to_owned)).collect(),
        }
    }

    /// The entries of a node that must be a map.
    pub(super) fn entries(&self, name: &str) -> Result<&[MapEntry], Problem> {
        match &self.value {
            NodeValue::Map(entries) => Ok(entries),
            _ => Err(self.problem(format!("{name} must be a map, not {}", self.type_name()))),
        }
    }
}

/// A list or a map whose end has not come.
struct OpenNode {
    node: Node,
    /// A key that waits for its value.
    key: Option<(String, usize)>,
}

/// Reads all documents of a text.
///
/// # Errors
/// Fails with the place of what is no YAML, or more of it than rules need.
pub(super) fn read(text: &str) -> Result<Vec<Document>, Problem> {
    let places = Places::new(text);
    let mut documents = Vec::new();
    let mut open: Vec<OpenNode> = Vec::new();
    let mut root = None;
    let mut nodes = 0;
    for parsed in Parser::new_from_str(text) {
        let (event, span) = parsed
            .map_err(|e| Problem::new(places.offset(e.marker()), sanitize::message(e.info()).into_owned()))?;
        let offset = places.offset(&span.start);
        check(&event, offset)?;
        let node = match event {
            Event::Scalar(text, style, ..) => Some(Node { offset, value: scalar(text, style) }),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let value = match event {
                    Event::MappingStart(..) => NodeValue::Map(Vec::new()),
                    _ => NodeValue::List(Vec::new()),
                };
                open.push(OpenNode { node: Node { offset, value }, key: None });
                if open.len() > MOST_DEPTH {
                    return Err(Problem::new(offset, format!("nested deeper than {MOST_DEPTH}")));
                }
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| open.node),
            Event::DocumentEnd => {
                documents.extend(root.take().map(|root| places.document(root, &span)));
                None
            }
            _ => None,
        };
        let Some(node) = node else { continue };
        nodes += 1;
        if nodes > MOST_NODES {
            return Err(Problem::new(offset, format!("more than {MOST_NODES} values in one file")));
        }
        match open.last_mut() {
            Some(parent) => parent.take(node)?,
            None => root = Some(node),
        }
    }
    Ok(documents)
}

fn check(event: &Event<'_>, offset: usize) -> Result<(), Problem> {
    let (anchor, tag) = match event {
        Event::Alias(_) => (1, &None),
        Event::Scalar(_, _, anchor, tag)
        | Event::SequenceStart(anchor, tag)
        | Event::MappingStart(anchor, tag) => (*anchor, tag),
        _ => return Ok(()),
    };
    if anchor > 0 {
        return Err(Problem::new(offset, "anchors (&) and aliases (*) are not read".to_owned())
            .hint("write the value where it is meant; put a text that begins with * in quotes"));
    }
    match tag {
        Some(_) => Err(Problem::new(offset, "tags (!) are not read".to_owned())
            .hint("put a text that begins with ! in quotes")),
        None => Ok(()),
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> NodeValue {
    let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
    if is_null { NodeValue::Null } else { NodeValue::Text(text.into_owned()) }
}

impl OpenNode {
    fn take(&mut self, node: Node) -> Result<(), Problem> {
        match (&mut self.node.value, self.key.take()) {
            (NodeValue::List(nodes), _) => nodes.push(node),
            (NodeValue::Map(entries), Some((key, offset))) => {
                entries.push(MapEntry { key, offset, value: node });
            }
            (NodeValue::Map(entries), None) => {
                let NodeValue::Text(key) = node.value else {
                    return Err(node.problem(format!("a key must be a text, not {}", node.type_name())));
                };
                if entries.iter().any(|entry| entry.key == key) {
                    let key = sanitize::message(&key).into_owned();
                    return Err(Problem::new(node.offset, format!("the key {key} stands here twice")));
                }
                if entries.len() >= MOST_KEYS {
                    return Err(Problem::new(node.offset, format!("more than {MOST_KEYS} keys in one map")));
                }
                self.key = Some((key, node.offset));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where characters are: the parser counts them, and messages need bytes.
struct Places<'a> {
    text: &'a str,
    /// The byte of each character; none where they are the same.
    bytes: Option<Vec<usize>>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Places { text, bytes }
    }

    fn offset(&self, marker: &Marker) -> usize {
        let byte = match &self.bytes {
            None => marker.index(),
            Some(bytes) => bytes.get(marker.index()).copied().unwrap_or(self.text.len()),
        };
        byte.min(self.text.len())
    }

    /// A document, from the line of its first node to its end.
    fn document(&self, root: Node, end: &Span) -> Document {
        let begin = self.text[..root.offset].rfind('\n').map_or(0, |at| at + 1);
        let end = self.offset(&end.start).max(root.offset);
        Document { root, bytes: begin..end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, String) {
        let problem = read(text).unwrap_err();
        (problem.offset, problem.message)
    }

    #[test]
    fn documents_have_their_bytes_and_nodes_their_places() {
        let text = "# é\n---\na: [x, 'y']\nb:\n  - ~\n  - \"é\": 1\n    c: |\n      z\n---\nd: ''\n";
        let documents = read(text).unwrap();
        let texts: Vec<&str> = documents.iter().map(|document| &text[document.bytes.clone()]).collect();
        assert_eq!(texts, ["a: [x, 'y']\nb:\n  - ~\n  - \"é\": 1\n    c: |\n      z\n", "d: ''\n"]);
        let entries = documents[0].root.entries("").unwrap();
        let NodeValue::List(ys) = &entries[0].value.value else { panic!() };
        assert_eq!((&text[ys[1].offset..][..3], ys[1].text("").unwrap()), ("'y'", "y"));
        let NodeValue::List(nodes) = &entries[1].value.value else { panic!() };
        assert!(matches!(nodes[0].value, NodeValue::Null));
        let inner = nodes[1].entries("").unwrap();
        assert_eq!((&text[inner[1].offset..][..2], inner[1].value.text("").unwrap()), ("c:", "z\n"));
        assert_eq!(
            documents[1].root.entries("").unwrap()[0].value.text("d").unwrap_err().message,
            "d is empty"
        );
        assert_eq!(read("").unwrap().len(), 0);
    }

    #[test]
    fn what_is_hostile_or_no_yaml_is_refused_where_it_stands() {
        assert_eq!(refused("a: 1\nb: &x [1]\n").1, "anchors (&) and aliases (*) are not read");
        assert!(read("a: *x\n").is_err());
        assert_eq!(refused("a: !!str 1\n").1, "tags (!) are not read");
        assert_eq!(refused("a: 1\na: 2\n"), (5, "the key a stands here twice".to_owned()));
        assert_eq!(refused("? [a]\n: 2\n").1, "a key must be a text, not a list");
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(1_000), "? ".repeat(100_000)] {
            assert!(read(&text).is_err(), "{}", &text[..10]);
        }
        let many = refused(&format!("[{}]", "1,".repeat(MOST_NODES + 1))).1;
        assert_eq!(many, "more than 100000 values in one file");
        for text in
            ["a: [1\n", "a: 'x\n", "a: b: c\n", "\t- x\n", "a\n b: 1\n  c", "%YAML 9\n---\nx: \u{1}\n"]
        {
            let _ = read(text);
        }
        assert!(refused("a: [1\nb: ]]\n").0 > 0);
    }
}
