//! The rules as people and programs read them: found by words, listed, explained. Looks at no events.

use std::fmt::Write as _;

use super::{Level, Rule, RuleSet};
use crate::console::{CellTone, TextStyle, TextTable};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::suggest::suggest;

impl RuleSet {
    /// The rules that have all of these words, of this level or above: the worst first.
    ///
    /// # Errors
    /// Fails with `Usage` where there is none.
    pub fn find(&self, words: &[String], level: Option<Level>) -> Result<Vec<&Rule>> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut found: Vec<&Rule> =
            self.rules().iter().filter(|rule| words.iter().all(|word| has(rule, word))).collect();
        found.retain(|rule| level.is_none_or(|level| rule.level >= level));
        if found.is_empty() {
            let text = format!("no rule has {}", sanitize::message(&words.join(" and ")));
            return Err(Error::new(ErrorKind::Usage, text).hint("`opev detect --list` lists all of them"));
        }
        found.sort_by_key(|rule| (std::cmp::Reverse(rule.level), &rule.id));
        Ok(found)
    }

    /// The rule of this id, or the first that stands for a published rule of this id.
    ///
    /// # Errors
    /// Fails with `Usage` where there is none.
    pub fn named(&self, id: &str) -> Result<&Rule> {
        let by_ref = || self.rules().iter().find(|rule| rule.refs.iter().any(|known| known == id));
        self.rule(id).or_else(by_ref).ok_or_else(|| {
            let failure = Error::new(ErrorKind::Usage, format!("no such rule {}", sanitize::message(id)));
            match suggest(id, self.rules().iter().map(|rule| rule.id.as_str())) {
                Some(near) => failure.hint(format!("did you mean {near}?")),
                None => failure.hint("`opev detect --list WORD` finds rules"),
            }
        })
    }

    /// Rules as a table.
    pub fn table(&self, rules: &[&Rule], style: TextStyle) -> String {
        let mut table = TextTable::new(style, 0);
        table.header(["LEVEL", "RULE", "WHAT"]);
        for rule in rules {
            let title = match self.missing_list(rule) {
                Some(list) => format!("{} (off: needs the list {list})", rule.title),
                None => rule.title.clone(),
            };
            table.row([
                (tone(rule.level), rule.level.name().into()),
                (CellTone::Bold, rule.id.as_str().into()),
                (CellTone::Plain, title.into()),
            ]);
        }
        table.keep_whole([0, 1]).render()
    }

    /// A rule as a line of JSON.
    pub fn json(&self, rule: &Rule) -> String {
        let json = serde_json::json!({
            "id": rule.id,
            "title": rule.title,
            "level": rule.level.name(),
            "kind": rule.kind.name(),
            "attack": rule.attack,
            "refs": rule.refs,
            "meaning": rule.meaning,
            "next": rule.next,
            "false_alarms": rule.false_alarms,
            "lists": rule.lists(),
            "needs": self.missing_list(rule),
            "file": rule.file,
        });
        format!("{json}\n")
    }

    /// A rule, and how it is written.
    pub fn explain(&self, rule: &Rule, style: TextStyle) -> String {
        let mut text = format!("{}\n\n", style.paint(CellTone::Bold, &sanitize::escaped(&rule.title)));
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "{name:<14}{}", sanitize::escaped(value));
            }
        };
        line("rule", &rule.id);
        line("level", rule.level.name());
        line("kind", rule.kind.name());
        line("attack", &rule.attack.join(", "));
        line("stands for", &rule.refs.join(", "));
        line("lists", &rule.lists().join(", "));
        line("means", &rule.meaning.replace('\n', " "));
        line("next", &rule.next);
        rule.false_alarms.iter().for_each(|alarm| line("false alarm", alarm));
        if let Some(list) = self.missing_list(rule) {
            line("off", &format!("the profile has no list {list}: [profiles.NAME.lists]"));
        }
        line("file", rule.file.as_deref().unwrap_or(""));
        let _ = write!(text, "\n{}\n", style.paint(CellTone::Dim, "As it is written:"));
        for line in rule.text.lines() {
            let _ = writeln!(text, "  {}", sanitize::escaped(line));
        }
        text
    }

    /// The list that a rule needs and the profile does not have.
    fn missing_list(&self, rule: &Rule) -> Option<&str> {
        self.idle().find(|(other, _)| other.id == rule.id).map(|(_, list)| list)
    }
}

/// Whether a rule has a word, in small letters.
fn has(rule: &Rule, word: &str) -> bool {
    let texts = [&rule.id, &rule.title, &rule.meaning].into_iter().chain(&rule.attack).chain(&rule.refs);
    let lists = rule.lists();
    let mut texts = texts.map(String::as_str).chain([rule.level.name(), rule.kind.name()]).chain(lists);
    texts.any(|text| text.to_lowercase().contains(word))
}

fn tone(level: Level) -> CellTone {
    match level {
        Level::Critical | Level::High => CellTone::Bad,
        Level::Medium => CellTone::Warning,
        Level::Low => CellTone::Plain,
        Level::Info => CellTone::Dim,
    }
}
