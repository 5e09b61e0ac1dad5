//! Which columns a table has and how wide they are: from the width of the terminal and fixed budgets,
//! never from data.
//!
//! What happened stands last: it takes the rest of the line, and where nothing is cut it pushes nothing
//! aside. Without `--fields`, columns leave in this order as the terminal gets narrower: what it was done
//! with (below 170 columns), the e-mail address (below 130), the stream (below 90). With item usages alone
//! it is what with (180), vault (150), e-mail (130), item (100). The envelope adds the profile (140). When,
//! who, from where and what happened stay: below 80 columns a row has two lines.
//! Columns of `--fields` are dropped from the right, and only when not even eight characters fit for each.

use crate::encode::fields::{FieldSource, Fields, MadeColumn};
use crate::encode::shape::Shape;
use crate::event::Stream;

/// The separator of cells.
pub(super) const GAP: &str = "  ";

/// How wide a time to the second is.
pub(super) const TIME: usize = 19;

/// How wide one of 1Password's uuids is.
const UUID: usize = 26;

/// One column's name and budget, in columns of the terminal.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) title: String,
    /// The line of a row that it is on.
    pub(super) line: usize,
    pub(super) min: usize,
    pub(super) full: usize,
    /// The narrowest terminal that shows it.
    pub(super) at_least: usize,
    pub(super) is_time: bool,
    /// Whether that time is the event's own, which is known already.
    pub(super) is_event_time: bool,
    pub(super) is_stream: bool,
    /// Whether it is the column FROM, which is cut later than prose.
    pub(super) is_from: bool,
    /// Whether it is the column WHAT, which has the colour of the event.
    pub(super) is_what: bool,
}

/// Narrower terminals have two lines a row.
const ONE_LINE: usize = 80;

/// The indentation of a row's second line.
pub(super) const INDENT: &str = "  ";

/// The default columns of a table: who, what, from where, when.
pub(super) fn default_columns(streams: &[Stream], shape: Shape, width: Option<u16>) -> (Fields, Vec<Budget>) {
    let is_narrow = width.is_some_and(|width| usize::from(width) < ONE_LINE);
    // Name, title, least and full width, and the narrowest terminal that shows it.
    let mut columns = match streams {
        [Stream::ItemUsages] if !is_narrow => vec![
            ("timestamp", "TIME", TIME, TIME, 0),
            ("who", "WHO", 8, 20, 0),
            ("email", "EMAIL", 18, 28, 130),
            ("from", "FROM", 16, 34, 0),
            ("with", "WITH", 16, 40, 180),
            ("deed", "ACTION", 4, 24, 0),
            // Half a uuid is useless.
            ("item", "ITEM", UUID, UUID, 100),
            ("vault", "VAULT", UUID, UUID, 150),
        ],
        _ => vec![
            ("timestamp", "TIME", TIME, TIME, 0),
            ("who", "WHO", 8, 20, 0),
            ("email", "EMAIL", 18, 28, 130),
            ("from", "FROM", 16, 34, 0),
            ("with", "WITH", 16, 40, 170),
            ("what", "WHAT", 4, 78, 0),
        ],
    };
    if streams.len() > 1 {
        columns.insert(1, ("stream", "STREAM", 7, 7, 90));
    }
    if shape == Shape::Envelope {
        columns.insert(1, ("profile", "PROFILE", 8, 12, 140));
    }
    let fields = Fields::known(columns.iter().map(|column| column.0));
    let budgets = columns.into_iter().map(|(name, title, min, full, at_least)| Budget {
        title: title.into(),
        line: usize::from(is_narrow && matches!(name, "from" | "what")),
        is_from: name == "from",
        min,
        full,
        // What happened needs room beside it.
        at_least: if name == "from" && is_narrow { 26 } else { at_least },
        is_time: name == "timestamp",
        is_event_time: name == "timestamp",
        is_stream: name == "stream",
        is_what: matches!(name, "what" | "deed"),
    });
    (fields, budgets.collect())
}

/// The budgets of the columns of `--fields`.
pub(super) fn asked_columns(fields: &Fields) -> Vec<Budget> {
    fields
        .iter()
        .map(|field| {
            let title = field.name.to_uppercase();
            let last = field.name.rsplit('.').next().unwrap_or_default();
            let (full, is_time) = match &field.source {
                FieldSource::Made(MadeColumn::Stream) => (7, false),
                FieldSource::Made(MadeColumn::What | MadeColumn::Event) => (40, false),
                FieldSource::Made(MadeColumn::From | MadeColumn::With) => (34, false),
                _ => match last {
                    "timestamp" | "login_time" | "received_at" => (TIME, true),
                    "email" => (28, false),
                    "app_name" => (26, false),
                    "name" | "who" | "category" | "type" | "action" => (20, false),
                    "ip" | "ip_address" => (15, false),
                    _ if last.ends_with("uuid") => (UUID, false),
                    _ => (14, false),
                },
            };
            let full = full.max(title.len());
            let is_stream = field.source == FieldSource::Made(MadeColumn::Stream);
            Budget {
                title,
                line: 0,
                min: full.min(if is_time { TIME } else { 8 }),
                full,
                at_least: 0,
                is_time,
                is_event_time: field.name == "timestamp",
                is_stream,
                is_from: field.source == FieldSource::Made(MadeColumn::From),
                is_what: matches!(last, "what" | "deed" | "category" | "type" | "action"),
            }
        })
        .collect()
}

/// The columns that a terminal of this width shows, by the lines of a row.
pub(super) fn lines(budgets: &[Budget], width: usize) -> Vec<Vec<(usize, usize)>> {
    let last = budgets.iter().map(|budget| budget.line).max().unwrap_or(0);
    let room = |line| if line == 0 { width } else { width.saturating_sub(INDENT.len()) };
    (0..=last).map(|line| fit(budgets, line, room(line), width)).collect()
}

/// The indexes of the columns that one line of a row shows, each with its width.
///
/// Each starts from its least width; what is left is shared in proportion to what each would still like;
/// the last takes the rest.
fn fit(budgets: &[Budget], line: usize, width: usize, terminal: usize) -> Vec<(usize, usize)> {
    let is_shown = |budget: &Budget| budget.line == line && budget.at_least <= terminal;
    let mut shown: Vec<usize> = (0..budgets.len()).filter(|index| is_shown(&budgets[*index])).collect();
    let least = |shown: &[usize]| {
        shown.iter().map(|index| budgets[*index].min).sum::<usize>()
            + GAP.len() * shown.len().saturating_sub(1)
    };
    while shown.len() > 1 && least(&shown) > width {
        shown.pop();
    }
    let wanted: usize = shown.iter().map(|index| budgets[*index].full - budgets[*index].min).sum();
    let spare = width.saturating_sub(least(&shown));
    let share = spare.min(wanted);
    let mut widths: Vec<(usize, usize)> = shown
        .iter()
        .map(|index| {
            let Budget { min, full, .. } = budgets[*index];
            (*index, min + (full - min) * share / wanted.max(1))
        })
        .collect();
    let others: usize = widths.iter().rev().skip(1).map(|(_, width)| width + GAP.len()).sum();
    if let Some((_, last)) = widths.last_mut() {
        *last = width.saturating_sub(others);
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(streams: &[Stream], width: u16) -> Vec<Vec<String>> {
        let (_, budgets) = default_columns(streams, Shape::Raw, Some(width));
        let lines = lines(&budgets, width.into());
        let title = |(index, width): (usize, usize)| format!("{} {width}", budgets[index].title);
        lines.into_iter().map(|line| line.into_iter().map(title).collect()).collect()
    }

    #[test]
    fn columns_leave_in_the_documented_order_and_from_where_never_does() {
        assert_eq!(titles(&Stream::ALL, 20), [["TIME 20"], ["WHAT 18"]].map(|line| line.to_vec()));
        assert_eq!(titles(&Stream::ALL, 40), [["TIME 19", "WHO 19"], ["FROM 19", "WHAT 17"]]);
        assert_eq!(
            titles(&Stream::ALL, 60),
            [["TIME 19", "WHO 39"], ["FROM 23", "WHAT 33"]].map(|line| line.to_vec())
        );
        assert_eq!(titles(&Stream::ALL, 80), [["TIME 19", "WHO 11", "FROM 20", "WHAT 24"]]);
        assert_eq!(
            titles(&Stream::ALL, 140),
            [["TIME 19", "STREAM 7", "WHO 14", "EMAIL 23", "FROM 25", "WHAT 42"]]
        );
        assert_eq!(titles(&Stream::ALL, 200)[0].len(), 7);
        assert_eq!(titles(&[Stream::AuditEvents], 80), titles(&Stream::ALL, 80));
        assert_eq!(titles(&[Stream::ItemUsages], 100)[0].last().unwrap(), "ITEM 28");
    }

    #[test]
    fn every_width_is_filled_exactly() {
        let asked =
            asked_columns(&Fields::parse("timestamp,target_user.email,client.ip_address,event").unwrap());
        for streams in [&Stream::ALL[..], &Stream::ALL[..1], &Stream::ALL[1..2], &Stream::ALL[2..]] {
            for width in 0..400u16 {
                let (_, budgets) = default_columns(streams, Shape::Envelope, Some(width));
                for budgets in [&budgets, &asked] {
                    for (line, widths) in lines(budgets, width.into()).into_iter().enumerate() {
                        let indent = if line == 0 { 0 } else { INDENT.len() };
                        let total: usize = widths.iter().map(|(_, width)| width).sum();
                        let gaps = GAP.len() * (widths.len() - 1);
                        assert_eq!(total + gaps, usize::from(width).saturating_sub(indent), "{widths:?}");
                    }
                }
            }
        }
    }
}
