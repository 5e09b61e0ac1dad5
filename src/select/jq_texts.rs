//! What stands in every event of which a filter in jq's language yields something, as far as its text tells it.
//!
//! Looked at are comparisons of a member of the event, or of `$stream`, with a text, joined by `and` and `or`, in a
//! `select` that comes first: `select(.action == "export") | .uuid`. A comparison that could fail, as `.a.b == ""`
//! does where `.a` is a number, says nothing, so that failures are told wherever they were.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_core::{load, path};

use super::needed::MOST_TEXTS;

/// What a condition needs.
enum ConditionNeeds {
    /// One of these texts.
    Texts(Vec<String>),
    /// Nothing that its text tells, but it never fails.
    Anything,
}

/// Texts of which one stands in every event of which `code` yields something, in some case of its letters, unless
/// characters of the event are escaped; none where nothing is known.
pub(super) fn needed_texts(code: &str) -> Option<Vec<String>> {
    let program = load::parse(code, |parser| parser.term())?;
    match of_program(&program)? {
        ConditionNeeds::Texts(texts) => Some(texts).filter(|texts| texts.len() <= MOST_TEXTS),
        ConditionNeeds::Anything => None,
    }
}

fn of_program(term: &Term<&str>) -> Option<ConditionNeeds> {
    match term {
        Term::BinOp(first, BinaryOp::Pipe(None), _) => of_program(first),
        Term::Call("select", arguments) => match &arguments[..] {
            [condition] => of_condition(condition),
            _ => None,
        },
        _ => None,
    }
}

/// What a condition needs to be true; none where it may fail or is not understood.
fn of_condition(term: &Term<&str>) -> Option<ConditionNeeds> {
    use ConditionNeeds::{Anything, Texts};
    let Term::BinOp(left, operator, right) = term else { return None };
    match operator {
        BinaryOp::Cmp(comparison) => {
            let text = match (&**left, &**right) {
                (member, text) if is_member(member) => text_of(text),
                (text, member) if is_member(member) => text_of(text),
                _ => return None,
            };
            match (comparison, text) {
                (Cmp::Eq, Some(text)) if !is_variable(left) && !is_variable(right) => Some(Texts(vec![text])),
                (_, Some(_)) => Some(Anything),
                (_, None) => None,
            }
        }
        // The right side is looked at only where the left one is true.
        BinaryOp::And => match of_condition(left)? {
            Anything => of_condition(right),
            texts => Some(texts),
        },
        BinaryOp::Or => match (of_condition(left)?, of_condition(right)?) {
            (Texts(mut texts), Texts(others)) => {
                texts.extend(others);
                Some(Texts(texts))
            }
            _ => Some(Anything),
        },
        _ => None,
    }
}

/// Whether a term is a member of the event, which is an object, or the name of its stream: one value, without fail.
fn is_member(term: &Term<&str>) -> bool {
    match term {
        Term::Path(of, path) => match (&**of, &path.0[..]) {
            (Term::Id, [(path::Part::Index(Term::Str(None, parts)), _)]) => {
                parts.iter().all(|part| !matches!(part, StrPart::Term(_)))
            }
            _ => false,
        },
        term => is_variable(term),
    }
}

fn is_variable(term: &Term<&str>) -> bool {
    matches!(term, Term::Var(name) if *name == super::jq::STREAM)
}

/// What of a text stands in every JSON text of it: its longest run of ASCII, in lower case.
fn text_of(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(part) => text.push_str(part),
            StrPart::Char(character) => text.push(*character),
            StrPart::Term(_) => return None,
        }
    }
    let longest = text.split(|c: char| !c.is_ascii()).max_by_key(|run| run.len()).unwrap_or_default();
    Some(longest.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::{JqFilter, JqOutcome, JqValues};
    use super::*;
    use crate::event::{Event, Stream};

    #[test]
    fn texts_that_every_event_needs_are_found() {
        for (code, texts) in [
            (r#"select(.action == "Export")"#, &["export"][..]),
            (r#"select("export" == .action) | {uuid, t: .timestamp}"#, &["export"]),
            (r#"select(.["action"] == "a\tb")"#, &["a\tb"]),
            (r#"select(.action? == "export") | .uuid | length"#, &["export"]),
            (r#"select(.action == "export" or .action == "share") | ., 1"#, &["export", "share"]),
            (r#"select(.action == "export" and .a.b == 1)"#, &["export"]),
            (r#"select($stream == "itemusages" and .action == "reveal")"#, &["reveal"]),
            (r#"select(.category != "success" and .type == "mfa_missing")"#, &["mfa_missing"]),
            (r#"select((.a == "xé12é") and true)"#, &["12"]),
        ] {
            assert_eq!(needed_texts(code).unwrap_or_default(), texts, "{code}");
        }
    }

    #[test]
    fn what_may_yield_without_a_text_needs_none() {
        for code in [
            ".",
            "select(.action)",
            r#"select(.action != "export")"#,
            r#"select($stream == "itemusages")"#,
            r#"select(.action == "export" or $stream == "itemusages")"#,
            r#"select(.action == "export"), 1"#,
            r#"select(.action == "export") // 1"#,
            r#".. | select(.action == "export")"#,
            r#"select(.a.b == "export")"#,
            r#"select(.a.b == "x" and .action == "export")"#,
            r#"select(.action == "export" | not)"#,
            r#"select(.a == "\(.b)")"#,
            r#"select(.a == .b)"#,
            r#"select(.a[0] == "export")"#,
            r#"def select(f): .; select(.action == "export")"#,
            r#". as $x | select(.action == "export")"#,
            r#"try select(.action == "export") catch 1"#,
            r#"[select(.action == "export")]"#,
            r#"select(.a == @base64 "export")"#,
            "select(",
        ] {
            assert_eq!(needed_texts(code), None, "{code}");
        }
    }
    /// The same condition for events of every kind: whatever is yielded or fails has one of the texts.
    #[test]
    fn no_event_is_passed_over_of_which_something_comes() {
        let codes = [
            r#"select(.action == "export" or .type == "share")"#,
            r#"select($stream == "itemusages" and .action == "Export") | .a.b"#,
            r#"select(.type != "share" and .["action"] == "export")"#,
        ];
        let values = [
            r#""export""#,
            r#""Export""#,
            r#""\u0065xport""#,
            r#""exp\u006frt""#,
            r#""share""#,
            r#""exports""#,
            r#"["export"]"#,
            "1",
            "null",
            r#"{"b":"x"}"#,
            r#""""#,
        ];
        let mut dice = fastrand::Rng::with_seed(11);
        let (mut passed, mut came) = (0, 0);
        for code in codes {
            let filter = JqFilter::compile(code).unwrap();
            let texts = filter.needed_texts().unwrap().to_vec();
            for _ in 0..2_000 {
                let mut value = || values[dice.usize(..values.len())];
                let raw = format!(
                    r#"{{"action":{},"type":{},"a":{},"action":{}}}"#,
                    value(),
                    value(),
                    value(),
                    value()
                );
                let stream = if dice.bool() { Stream::ItemUsages } else { Stream::AuditEvents };
                let event = Event { stream, raw: raw.as_bytes(), uuid: None, time: None };
                let outcome = filter.run(&event, &mut JqValues::default());
                let folded = raw.to_lowercase();
                let may_hold = raw.contains('\\') || texts.iter().any(|text| folded.contains(text));
                passed += usize::from(!may_hold);
                came += usize::from(outcome != Ok(JqOutcome::Dropped));
                assert!(may_hold || outcome == Ok(JqOutcome::Dropped), "{code} {raw}: {outcome:?}");
            }
        }
        assert!(passed > 100 && came > 500, "{passed} passed over, something of {came}");
    }
}
