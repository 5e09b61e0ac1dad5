//! Correlations of Sigma: counts and sequences of what other rules match.

use chrono::TimeDelta;

use super::yaml::{MapEntry, Node, NodeValue};
use crate::analyze::detect::reader::entry::Problem;
use crate::analyze::detect::rule::{GroupField, RuleKind, Step};
use crate::event::Stream;
use crate::sanitize;
use crate::select::RawCondition;
use crate::suggest::suggest;
use crate::time::duration;

/// The types that are read.
const TYPES: [&str; 3] = ["event_count", "value_count", "temporal_ordered"];

const KEYS: [&str; 7] = ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];

/// A field's name in a correlation, and what the field is called in each rule.
#[derive(Debug)]
struct Alias {
    name: String,
    fields: Vec<(String, String)>,
}

/// What is counted, or comes one after another.
#[derive(Debug)]
pub(super) struct Correlation {
    kind: CorrelationKind,
    /// The names or ids of the rules, and where they stand.
    pub(super) rules: Vec<(String, usize)>,
    group_by: Vec<String>,
    pub(super) within: TimeDelta,
    aliases: Vec<Alias>,
    /// Whether the rules hit by themselves as well.
    pub(super) is_generating: bool,
}

#[derive(Debug)]
enum CorrelationKind {
    Events { threshold: u32 },
    Values { threshold: u32, field: String },
    Ordered,
}

/// Reads what stands below `correlation`.
pub(super) fn read(entry: &MapEntry) -> Result<Correlation, Problem> {
    let entries = entry.value.entries("correlation")?;
    if let Some(unknown) = entries.iter().find(|entry| !KEYS.contains(&entry.key.as_str())) {
        return Err(unknown_key(unknown, "correlation", KEYS));
    }
    let find = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let needed = |key: &str| {
        find(key).ok_or_else(|| Problem::new(entry.offset, format!("{key} of the correlation is missing")))
    };
    let kind_node = needed("type")?;
    let condition = find("condition");
    let kind = match kind_node.text("type")? {
        "event_count" => {
            let (threshold, field) = threshold(needed("condition")?)?;
            if let Some(field) = field {
                return Err(field.problem("field is of value_count only"));
            }
            CorrelationKind::Events { threshold }
        }
        "value_count" => {
            let condition = needed("condition")?;
            let (threshold, field) = threshold(condition)?;
            let field = field.ok_or_else(|| condition.problem("value_count needs field"))?;
            if let NodeValue::List(_) = field.value {
                return Err(field.problem("value_count of several fields is not read"));
            }
            CorrelationKind::Values { threshold, field: field.text("field")?.to_owned() }
        }
        "temporal_ordered" => {
            if let Some(condition) = condition {
                return Err(condition.problem("a condition of temporal_ordered is not read"));
            }
            CorrelationKind::Ordered
        }
        other => {
            let other = sanitize::message(other).into_owned();
            let problem = kind_node.problem(format!("the correlation type {other} is not read"));
            return Err(problem.hint(format!("those that are: {}", TYPES.join(", "))));
        }
    };
    let rules_node = needed("rules")?;
    let rules: Vec<(String, usize)> = rules_node
        .one_or_more()
        .iter()
        .map(|node| Ok((node.text("rules")?.to_owned(), node.offset)))
        .collect::<Result<_, Problem>>()?;
    if rules.is_empty() || (matches!(kind, CorrelationKind::Ordered) && rules.len() < 2) {
        return Err(rules_node.problem("rules names too few rules"));
    }
    let span = needed("timespan")?;
    Ok(Correlation {
        kind,
        rules,
        group_by: find("group-by").map_or(Ok(Vec::new()), |node| node.texts("group-by"))?,
        within: within(span)?,
        aliases: find("aliases").map_or(Ok(Vec::new()), aliases)?,
        is_generating: matches!(find("generate").map(|node| &node.value),
            Some(NodeValue::Text(text)) if text.eq_ignore_ascii_case("true")),
    })
}

/// An unknown key, with the nearest one that is known.
pub(super) fn unknown_key<const N: usize>(entry: &MapEntry, of: &str, known: [&str; N]) -> Problem {
    let key = sanitize::message(&entry.key).into_owned();
    let problem = Problem::new(entry.offset, format!("{key} of {of} is not read"));
    match suggest(&entry.key, known) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint(format!("those that are: {}", known.join(", "))),
    }
}

/// The least number, and the node that names the field.
fn threshold(node: &Node) -> Result<(u32, Option<&Node>), Problem> {
    let mut least = None;
    let mut field = None;
    for entry in node.entries("condition")? {
        let more = match entry.key.as_str() {
            "gte" => 0,
            "gt" => 1,
            "field" => {
                field = Some(&entry.value);
                continue;
            }
            _ => return Err(unknown_key(entry, "condition", ["gte", "gt", "field"])),
        };
        let number = entry.value.text(&entry.key)?.parse::<u32>().ok().and_then(|n| n.checked_add(more));
        let number = number.filter(|number| *number > 0).ok_or_else(|| {
            entry
                .value
                .problem(format!("{} must be a whole number that is not too small or great", entry.key))
        })?;
        if least.replace(number).is_some() {
            return Err(Problem::new(entry.offset, "gt and gte do not go together".to_owned()));
        }
    }
    let least = least.ok_or_else(|| node.problem("condition needs gte or gt"))?;
    Ok((least, field))
}

fn within(node: &Node) -> Result<TimeDelta, Problem> {
    let text = node.text("timespan")?;
    let length = duration::parse_positive(text).map_err(|why| node.problem(format!("timespan: {why}")))?;
    let length = TimeDelta::from_std(length).ok().filter(|length| *length <= TimeDelta::days(366));
    length.ok_or_else(|| node.problem("timespan must be at most a year"))
}

fn aliases(node: &Node) -> Result<Vec<Alias>, Problem> {
    let alias = |entry: &MapEntry| {
        let fields = entry.value.entries(&entry.key)?.iter();
        let fields = fields.map(|field| Ok((field.key.clone(), field.value.text(&field.key)?.to_owned())));
        Ok(Alias { name: entry.key.clone(), fields: fields.collect::<Result<_, Problem>>()? })
    };
    node.entries("aliases")?.iter().map(alias).collect()
}

impl Correlation {
    /// The kind of rule that it is.
    pub(super) fn kind(&self) -> RuleKind {
        match &self.kind {
            CorrelationKind::Events { threshold } => RuleKind::Count { threshold: *threshold },
            CorrelationKind::Values { threshold, field } => {
                RuleKind::Distinct { threshold: *threshold, field: GroupField::Path(field.clone()) }
            }
            CorrelationKind::Ordered => RuleKind::Sequence,
        }
    }

    /// What its hits are grouped by.
    pub(super) fn by(&self) -> Vec<GroupField> {
        self.group_by.iter().map(|name| GroupField::Path(name.clone())).collect()
    }

    /// The step of one of its rules, for events of these streams that fit; `is_called` knows the rule's names.
    pub(super) fn step(
        &self,
        is_called: impl Fn(&str) -> bool,
        (streams, condition): (&[Stream], &RawCondition),
    ) -> Step {
        let field = |name: &String| {
            let alias = self.aliases.iter().find(|alias| alias.name == *name);
            let own = alias.and_then(|alias| alias.fields.iter().find(|(rule, _)| is_called(rule)));
            GroupField::Path(own.map_or(name, |(_, field)| field).clone())
        };
        let counted = match &self.kind {
            CorrelationKind::Values { field: name, .. } => Some(field(name)),
            _ => None,
        };
        Step {
            streams: streams.to_vec(),
            raw: Some(condition.clone()),
            by: Some(self.group_by.iter().map(field).collect()),
            field: counted,
            times: 1,
            ..Step::default()
        }
    }
}
