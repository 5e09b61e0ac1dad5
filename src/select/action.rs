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

/// The rows of the table of words in which each of these is found: as the whole code, object type or stream, or
/// anywhere in the words. All rows for none.
pub fn find_words(wanted: &[String]) -> Vec<WordsRow> {
    let wanted: Vec<TextPattern> = wanted.iter().map(|text| TextPattern::new(text.trim())).collect();
    let has = |row: &WordsRow, pattern: &TextPattern| {
        let is_stream = pattern.typed().parse::<Stream>() == Ok(row.stream);
        is_stream
            || pattern.is(row.code)
            || pattern.is(row.object_type)
            || (!pattern.folded().is_empty() && row.words.to_lowercase().contains(pattern.folded()))
    };
    words::table().into_iter().filter(|row| wanted.iter().all(|pattern| has(row, pattern))).collect()
}

/// The code or object type that a mistyped one probably stands for.
pub fn nearest_code(typed: &str) -> Option<&'static str> {
    suggest(typed, words::table().iter().flat_map(|row| [row.code, row.object_type]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &[&str]) -> Vec<(&'static str, &'static str)> {
        let wanted: Vec<String> = wanted.iter().map(|word| (*word).to_owned()).collect();
        find_words(&wanted).iter().map(|row| (row.code, row.object_type)).collect()
    }

    #[test]
    fn codes_types_streams_and_parts_of_the_meaning_are_found() {
        assert_eq!(found(&["CHNGPSSO"]), [("chngpsso", "sso")]);
        assert_eq!(found(&["vault", "export"]), [("export", ""), ("export", "vault")]);
        assert_eq!(found(&["gva"]), [("grant", "gva"), ("revoke", "gva"), ("update", "gva")]);
        assert_eq!(found(&["wrong password"]), [("password_secret_bad", "")]);
        assert!(
            found(&["items"]).contains(&("reveal", "")) && found(&["items"]).contains(&("purge", "items"))
        );
        assert!(found(&["*sso*"]).len() > 5);
        assert_eq!(found(&[]).len(), words::table().len());
        assert!(found(&["nonsense"]).is_empty() && found(&[""]).is_empty());
    }

    #[test]
    fn a_mistyped_code_is_answered_with_the_nearest() {
        assert_eq!(nearest_code("suspned"), Some("suspend"));
        assert_eq!(nearest_code("chngpso"), Some("chngpsso"));
        assert_eq!(nearest_code("zzzzzz"), None);
    }
}
