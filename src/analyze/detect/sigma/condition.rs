//! The condition of a Sigma rule: names of selections, joined by `and`, `or`, `not`, and `1 of`, `all of`.

use super::yaml::Node;
use crate::analyze::detect::reader::entry::Problem;
use crate::sanitize;
use crate::select::{RawCondition, any_glob};
use crate::suggest::suggest;

/// How deep parentheses and `not` may lie in one another.
const MOST_DEPTH: usize = 32;

/// How many tests of values a condition may come to.
const MOST_TESTS: usize = 20_000;

/// Selections by name.
pub(super) type Selections<'a> = [(&'a str, RawCondition)];

/// Reads a condition; `text` is the whole file.
pub(super) fn read(node: &Node, selections: &Selections<'_>, text: &str) -> Result<RawCondition, Problem> {
    let condition = match &node.value {
        super::yaml::NodeValue::List(_) => {
            return Err(node.problem("a list of conditions is not read").hint("join them with or"));
        }
        _ => node.text("condition")?,
    };
    let mut reader =
        ConditionReader { words: words(condition), at: 0, depth: 0, tests: 0, node, text, selections };
    let read = reader.any()?;
    match reader.peek() {
        None => Ok(read),
        Some(")") => Err(reader.problem("no parenthesis is open here".to_owned())),
        Some(word) => {
            let word = sanitize::message(word).into_owned();
            Err(reader.problem(format!("and, or or the end should stand here, not {word}")))
        }
    }
}

/// The words of a condition and its parentheses, each with its place.
fn words(condition: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut rest = condition;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| !c.is_whitespace() && !"()|".contains(c);
        let length = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        if !first.is_whitespace() {
            words.push((condition.len() - rest.len(), &rest[..length]));
        }
        rest = &rest[length..];
    }
    words
}

struct ConditionReader<'a> {
    words: Vec<(usize, &'a str)>,
    at: usize,
    depth: usize,
    tests: usize,
    node: &'a Node,
    text: &'a str,
    selections: &'a Selections<'a>,
}

impl<'a> ConditionReader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(|(_, word)| *word)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_it = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is_it);
        is_it
    }

    /// A problem at the next word; at the condition where the file spells it in several lines or with escapes.
    fn problem(&self, message: String) -> Problem {
        let (place, word) = self.words.get(self.at).or(self.words.last()).copied().unwrap_or((0, ""));
        let begin = self.node.offset;
        let is_here = |offset: &usize| self.text.get(*offset..).is_some_and(|rest| rest.starts_with(word));
        let spelled = [begin + place, begin + place + 1].into_iter().find(is_here);
        Problem::new(spelled.unwrap_or(begin), message)
    }

    fn any(&mut self) -> Result<RawCondition, Problem> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { RawCondition::Any(parts) })
    }

    fn all(&mut self) -> Result<RawCondition, Problem> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { RawCondition::All(parts) })
    }

    fn one(&mut self) -> Result<RawCondition, Problem> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.problem(format!("nested deeper than {MOST_DEPTH}")));
        }
        let read = if self.take("not") {
            RawCondition::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.problem("a parenthesis is not closed".to_owned()));
            }
            inner
        } else {
            self.selection()?
        };
        self.depth -= 1;
        Ok(read)
    }

    /// The name of a selection, or `1 of` and `all of` several.
    fn selection(&mut self) -> Result<RawCondition, Problem> {
        let Some(word) = self.peek() else {
            return Err(self.problem("the condition ends too early".to_owned()));
        };
        if self.words.get(self.at + 1).is_some_and(|(_, next)| next.eq_ignore_ascii_case("of")) {
            return self.some_of(word);
        }
        if word == "|" || word == ")" {
            return Err(self.no_selection(word));
        }
        let found = self.selections.iter().find(|(name, _)| *name == word);
        let (_, selection) = found.ok_or_else(|| self.no_selection(word))?;
        let selection = self.copy(selection)?;
        self.at += 1;
        Ok(selection)
    }

    /// A selection once more, unless these are too many by now.
    fn copy(&mut self, selection: &RawCondition) -> Result<RawCondition, Problem> {
        self.tests += selection.tests();
        if self.tests > MOST_TESTS {
            return Err(
                self.problem(format!("the condition comes to more than {MOST_TESTS} tests of values"))
            );
        }
        Ok(selection.clone())
    }

    fn some_of(&mut self, word: &str) -> Result<RawCondition, Problem> {
        let is_all = match word.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            _ => {
                let word = sanitize::message(word).into_owned();
                return Err(self
                    .problem(format!("{word} of is not read"))
                    .hint("1 of, any of and all of are"));
            }
        };
        self.at += 2;
        let Some(pattern) = self.peek() else {
            return Err(self.problem("nothing stands behind of".to_owned()));
        };
        let is_meant = |name: &str| match pattern {
            "them" => !name.starts_with('_'),
            pattern => any_glob([pattern], name),
        };
        let selections = self.selections.iter().filter(|(name, _)| is_meant(name));
        let meant: Vec<RawCondition> =
            selections.map(|(_, selection)| self.copy(selection)).collect::<Result<_, _>>()?;
        if meant.is_empty() {
            return Err(self.no_selection(pattern));
        }
        self.at += 1;
        Ok(if is_all { RawCondition::All(meant) } else { RawCondition::Any(meant) })
    }

    fn no_selection(&self, word: &str) -> Problem {
        if word == "|" {
            return self.problem("aggregations (|) are not read".to_owned()).hint(
                "write a second document with correlation: event_count, value_count or temporal_ordered",
            );
        }
        let names = self.selections.iter().map(|(name, _)| *name);
        let problem = self.problem(format!("no such selection {}", sanitize::message(word)));
        match suggest(word, names.clone()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem.hint(format!("the selections are {}", names.collect::<Vec<_>>().join(", "))),
        }
    }
}
