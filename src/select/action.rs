//! What was done, by code or in words.

use super::pattern::TextPattern;
use crate::event::Stream;
use crate::facts::EventFacts;
use crate::facts::words::{self, WordsRow};
use crate::suggest::suggest;

/// What was done, as a filter wants it.
#[derive(Clone, Debug)]
pub(super) enum ActionTest {
    /// A code: an action, a sign-in's category or its type.
    Code(TextPattern),
    /// What some words mean.
    Meanings(Vec<WordsRow>),
}

impl ActionTest {
    /// Reads a code, or words that the table of words has. A single word that nobody knows is a code, with a
    /// warning: the service may know more.
    pub(super) fn parse(text: &str, warnings: &mut Vec<String>) -> Result<ActionTest, String> {
        let pattern = TextPattern::new(text);
        let table = words::table();
        if table.iter().any(|row| pattern.is(row.code)) {
            return Ok(ActionTest::Code(pattern));
        }
        if !pattern.is_glob() {
            let meant: Vec<WordsRow> =
                table.iter().filter(|row| pattern.names(&row.words)).cloned().collect();
            if !meant.is_empty() {
                return Ok(ActionTest::Meanings(meant));
            }
        }
        if text.contains(char::is_whitespace) {
            return Err("no such action, and no action is described so".to_owned());
        }
        let mean = suggest(text, table.iter().map(|row| row.code));
        let mean = mean.map(|code| format!("; did you mean {code}?")).unwrap_or_default();
        warnings.push(format!("--action {text}: no such action is known{mean}"));
        Ok(ActionTest::Code(pattern))
    }

    /// Whether the event did it.
    pub(super) fn matches(&self, facts: &EventFacts<'_, '_>) -> bool {
        match self {
            ActionTest::Code(pattern) => pattern.is(&facts.action()) || pattern.is(&facts.reason()),
            ActionTest::Meanings(rows) => {
                let (action, reason) = (facts.action(), facts.reason());
                let is_audit = facts.stream() == Stream::AuditEvents;
                let object_type = if is_audit { facts.object_type() } else { "".into() };
                rows.iter().any(|row| {
                    let code = if row.field == "type" { &reason } else { &action };
                    row.stream == facts.stream() && row.code == &**code && row.object_type == object_type
                })
            }
        }
    }
}
