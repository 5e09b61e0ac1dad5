//! The rules themselves: listed, explained, tested. Looks at no events.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::analyze::detect::{self, Level, Rule, RuleSet, builtin_rules};
use crate::cli::detect::{DetectArgs, RuleArgs};
use crate::command::{End, Invocation, print, print_json, print_paged, rules, text_style};
use crate::config::Settings;
use crate::console::{CellTone, TextStyle, TextTable};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::suggest::suggest;

/// Runs the tests of the files, or of every rule.
pub(super) fn test(files: &[PathBuf], args: &RuleArgs, profiles: &[Settings]) -> Result<End> {
    let outcome = if files.is_empty() {
        detect::run_trials(&rules::all(args, profiles)?, |_| true)?
    } else {
        let own = rules::of_files(files)?;
        let ids: Vec<String> = own.iter().map(|rule| rule.id.clone()).collect();
        let mut all = own;
        // They may stand for rules that come along.
        all.extend(builtin_rules().into_iter().filter(|rule| !ids.contains(&rule.id)));
        detect::run_trials(&all, |rule| ids.contains(&rule.id))?
    };
    let detect::TrialOutcome { rules, tests } = outcome;
    print(format!("{rules} rules, {tests} tests: all passed\n").as_bytes())
}

/// Lists the rules that were asked for, or explains one.
pub(super) fn show(invocation: &Invocation, args: &DetectArgs, set: &RuleSet) -> Result<End> {
    if let Some(id) = &args.explain {
        return explain(invocation, args, set, id);
    }
    let words: Vec<String> = args.list.iter().flatten().map(|word| word.to_lowercase()).collect();
    let mut found: Vec<&Rule> =
        set.rules().iter().filter(|rule| words.iter().all(|word| has(rule, word))).collect();
    found.retain(|rule| args.rules.level.is_none_or(|level| rule.level >= level));
    if found.is_empty() {
        let text = format!("no rule has {}", sanitize::message(&words.join(" and ")));
        return Err(Error::new(ErrorKind::Usage, text).hint("`opev detect --list` lists all of them"));
    }
    found.sort_by_key(|rule| (std::cmp::Reverse(rule.level), &rule.id));
    let config = args.analysis.account.file.config.as_deref();
    match args.format {
        Some(detect::HitFormat::Json | detect::HitFormat::Ndjson) => {
            let lines: String = found.iter().map(|rule| format!("{}\n", json(rule, set))).collect();
            let text = match args.format {
                Some(detect::HitFormat::Json) => format!("[{}]\n", lines.trim_end().replace('\n', ",\n")),
                _ => lines,
            };
            print_json(invocation, text.as_bytes())
        }
        _ => print_paged(invocation, config, table(&found, set, text_style(invocation)).as_bytes()),
    }
}

/// Whether a rule has a word, in small letters.
fn has(rule: &Rule, word: &str) -> bool {
    let texts = [&rule.id, &rule.title, &rule.meaning].into_iter().chain(&rule.attack).chain(&rule.refs);
    let lists = rule.lists();
    let mut texts = texts.map(String::as_str).chain([rule.level.name(), rule.kind.name()]).chain(lists);
    texts.any(|text| text.to_lowercase().contains(word))
}

fn table(rules: &[&Rule], set: &RuleSet, style: TextStyle) -> String {
    let mut table = TextTable::new(style, 0);
    table.header(["LEVEL", "RULE", "WHAT"]);
    for rule in rules {
        let idle = set.idle().find(|(other, _)| other.id == rule.id);
        let title = match idle {
            Some((_, list)) => format!("{} (off: needs the list {list})", rule.title),
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

fn tone(level: Level) -> CellTone {
    match level {
        Level::Critical | Level::High => CellTone::Bad,
        Level::Medium => CellTone::Warning,
        Level::Low => CellTone::Plain,
        Level::Info => CellTone::Dim,
    }
}

fn json(rule: &Rule, set: &RuleSet) -> serde_json::Value {
    let needs = set.idle().find(|(other, _)| other.id == rule.id).map(|(_, list)| list);
    serde_json::json!({
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
        "needs": needs,
        "file": rule.file,
    })
}

fn explain(invocation: &Invocation, args: &DetectArgs, set: &RuleSet, id: &str) -> Result<End> {
    let by_ref = || set.rules().iter().find(|rule| rule.refs.iter().any(|known| known == id));
    let Some(rule) = set.rule(id).or_else(by_ref) else {
        let failure = Error::new(ErrorKind::Usage, format!("no such rule {}", sanitize::message(id)));
        return Err(match suggest(id, set.rules().iter().map(|rule| rule.id.as_str())) {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("`opev detect --list WORD` finds rules"),
        });
    };
    if let Some(detect::HitFormat::Json | detect::HitFormat::Ndjson) = args.format {
        return print_json(invocation, format!("{}\n", json(rule, set)).as_bytes());
    }
    let style = text_style(invocation);
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
    if let Some((_, list)) = set.idle().find(|(other, _)| other.id == rule.id) {
        line("off", &format!("the profile has no list {list}: [profiles.NAME.lists]"));
    }
    line("file", rule.file.as_deref().unwrap_or(""));
    let written: String = rule.text.lines().map(|line| format!("  {}\n", sanitize::escaped(line))).collect();
    let _ = write!(text, "\n{}\n", style.paint(CellTone::Dim, "As it is written:"));
    text.push_str(&written);
    print_paged(invocation, args.analysis.account.file.config.as_deref(), text.as_bytes())
}
