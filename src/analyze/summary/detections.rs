//! What rules found, as sections of the summary.

use super::Summary;
use crate::analyze::detect::{Hit, Level};
use crate::analyze::report::{Column, ReportSection, SectionKind, Value};
use crate::error::Result;
use crate::facts::Names;

/// How many hits are shown without `--top`.
const TOP: usize = 20;

impl Summary {
    /// How many hits each rule has, and the worst of them with their number; nothing where no rules are looked at.
    ///
    /// # Errors
    /// `Output`, when what rules have gathered cannot be read back.
    pub(super) fn detection_sections(
        &mut self,
        top: Option<usize>,
        names: &Names,
    ) -> Result<Vec<ReportSection>> {
        let period = self.period;
        let Some(fold) = &mut self.detections else { return Ok(Vec::new()) };
        let mut hits = fold.take_hits([None; 3], names)?;
        let is_now =
            |hit: &Hit| hit.last >= period.since && period.until.is_none_or(|until| hit.first < until);
        hits.retain(|hit| hit.level >= Level::SHOWN && is_now(hit));
        // The newest of a level first.
        hits.sort_by_key(|hit| std::cmp::Reverse((hit.level, hit.first)));
        Ok(vec![by_rule(&hits), worst(&hits, top.unwrap_or(TOP))])
    }
}

fn section(kind: SectionKind, columns: Vec<Column>, rows: Vec<Vec<Value>>, hits: usize) -> ReportSection {
    let distinct = rows.len() as u64;
    ReportSection { kind, columns, rows, distinct, total: hits as u64, total_before: None, error: 0 }
}

fn by_rule(hits: &[Hit]) -> ReportSection {
    let mut rules: Vec<(&Hit, u64)> = Vec::new();
    for hit in hits {
        match rules.iter_mut().find(|(known, _)| known.rule == hit.rule) {
            Some((_, count)) => *count += 1,
            None => rules.push((hit, 1)),
        }
    }
    rules.sort_by_key(|(hit, count)| (std::cmp::Reverse((hit.level, *count)), &hit.rule));
    let rows = rules.iter().map(|(hit, count)| {
        vec![
            Value::Text(hit.level.name().to_owned()),
            Value::Text(hit.rule.clone()),
            Value::Number(*count),
            Value::Text(hit.title.clone()),
        ]
    });
    let columns = vec![
        Column::new("level", false),
        Column::new("rule", false),
        Column::number("count"),
        Column::new("title", true),
    ];
    let kind = SectionKind::Counted { name: "detections_by_rule", title: "What rules found" };
    section(kind, columns, rows.collect(), hits.len())
}

fn worst(hits: &[Hit], top: usize) -> ReportSection {
    let rows = hits.iter().take(top).map(|hit| {
        let about: Vec<String> = hit.group.iter().map(|(field, value)| format!("{field} {value}")).collect();
        vec![
            Value::Text(hit.level.name().to_owned()),
            Value::Text(hit.title.clone()),
            Value::text(&about.join(", ")),
            Value::Number(hit.count),
            Value::Time(hit.first),
            Value::Time(hit.last),
            Value::text(&hit.values.iter().take(5).cloned().collect::<Vec<_>>().join(", ")),
            Value::Text(hit.next.clone()),
        ]
    });
    let columns = vec![
        Column::new("level", false),
        Column::new("title", true),
        Column::new("about", true),
        Column::number("events"),
        Column::new("first", false),
        Column::new("last", false),
        Column::new("values", true),
        Column::new("next", true),
    ];
    let section = section(SectionKind::Detections, columns, rows.collect(), hits.len());
    ReportSection { distinct: hits.len() as u64, ..section }
}
