//! Which columns a table has and how wide they are: from the width of the terminal and fixed budgets,
//! never from data.
//!
//! What happened stands last: it takes the rest of the line, and where nothing is cut it pushes nothing
//! aside. Without `--fields`, columns leave in this order as the terminal gets narrower: what it was done
//! with (below 170 columns), the e-mail address (below 130), the stream (below 90), from where (below 76),
//! who (below 51); the time and what happened stay. With item usages alone it is what with (180), vault
//! (150), e-mail (130), item (100), from where (76), who (51). The envelope adds the profile (140).
//! Columns that were asked for leave from the right, and only when even eight columns for each do not fit.

use crate::encode::fields::{FieldSource, Fields, MadeColumn};
use crate::encode::shape::Shape;
use crate::event::Stream;

/// What stands between two cells.
pub(super) const GAP: &str = "  ";

/// How wide a time to the second is.
pub(super) const TIME: usize = 19;

/// How wide one of 1Password's uuids is.
const UUID: usize = 26;

/// One column's name and budget, in columns of the terminal.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) title: String,
    pub(super) min: usize,
    pub(super) full: usize,
    /// The narrowest terminal that shows it.
    pub(super) at_least: usize,
    pub(super) is_time: bool,
    pub(super) is_stream: bool,
    /// Whether it says what happened, and has the colour of that.
    pub(super) is_what: bool,
}

/// The default columns of a table: who, what, from where, when.
pub(super) fn default_columns(streams: &[Stream], shape: Shape) -> (Fields, Vec<Budget>) {
    let mut columns = match streams {
        [Stream::ItemUsages] => vec![
            ("timestamp", "TIME", TIME, TIME, 0),
            ("who", "WHO", 12, 20, 51),
            ("email", "EMAIL", 18, 28, 130),
            ("from", "FROM", 15, 34, 76),
            ("with", "WITH", 16, 40, 180),
            ("deed", "ACTION", 4, 24, 25),
            // Half a uuid helps nobody.
            ("item_uuid", "ITEM", UUID, UUID, 100),
            ("vault_uuid", "VAULT", UUID, UUID, 150),
        ],
        _ => vec![
            ("timestamp", "TIME", TIME, TIME, 0),
            ("who", "WHO", 12, 20, 51),
            ("email", "EMAIL", 18, 28, 130),
            ("from", "FROM", 15, 34, 76),
            ("with", "WITH", 16, 40, 170),
            ("what", "WHAT", 4, 78, 25),
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
        min,
        full,
        at_least,
        is_time: name == "timestamp",
        is_stream: name == "stream",
        is_what: matches!(name, "what" | "deed"),
    });
    (fields, budgets.collect())
}

/// The budgets of columns that were asked for.
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
                min: full.min(if is_time { TIME } else { 8 }),
                full,
                at_least: 0,
                is_time,
                is_stream,
                is_what: matches!(last, "what" | "deed" | "category" | "type" | "action"),
            }
        })
        .collect()
}

/// The indexes of the columns that a terminal of this width shows, each with its width.
///
/// Each starts from its least width; what is left is shared in proportion to what each would still like;
/// the last takes the rest.
pub(super) fn fit(budgets: &[Budget], width: usize) -> Vec<(usize, usize)> {
    let mut shown: Vec<usize> =
        (0..budgets.len()).filter(|index| budgets[*index].at_least <= width).collect();
    let least = |shown: &[usize]| {
        shown.iter().map(|index| budgets[*index].min).sum::<usize>()
            + GAP.len() * shown.len().saturating_sub(1)
    };
    while shown.len() > 1 && least(&shown) > width {
        shown.pop();
    }
    let wish: usize = shown.iter().map(|index| budgets[*index].full - budgets[*index].min).sum();
    let spare = width.saturating_sub(least(&shown));
    let share = spare.min(wish);
    let mut widths: Vec<(usize, usize)> = shown
        .iter()
        .map(|index| {
            let Budget { min, full, .. } = budgets[*index];
            (*index, min + (full - min) * share / wish.max(1))
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

    fn titles(streams: &[Stream], width: usize) -> Vec<String> {
        let (_, budgets) = default_columns(streams, Shape::Raw);
        fit(&budgets, width)
            .into_iter()
            .map(|(index, width)| format!("{} {width}", budgets[index].title))
            .collect()
    }

    #[test]
    fn columns_leave_in_the_documented_order() {
        assert_eq!(titles(&Stream::ALL, 20), ["TIME 20"]);
        assert_eq!(titles(&Stream::ALL, 40), ["TIME 19", "WHAT 19"]);
        assert_eq!(titles(&Stream::ALL, 60), ["TIME 19", "WHO 14", "WHAT 23"]);
        assert_eq!(titles(&Stream::ALL, 80), ["TIME 19", "WHO 13", "FROM 19", "WHAT 23"]);
        assert_eq!(
            titles(&Stream::ALL, 140),
            ["TIME 19", "STREAM 7", "WHO 15", "EMAIL 22", "FROM 24", "WHAT 43"]
        );
        assert_eq!(titles(&Stream::ALL, 200).len(), 7);
        assert_eq!(titles(&[Stream::AuditEvents], 80), titles(&Stream::ALL, 80));
        assert_eq!(titles(&[Stream::ItemUsages], 100).last().unwrap(), "ITEM 28");
    }

    #[test]
    fn every_width_is_filled_exactly() {
        let asked =
            asked_columns(&Fields::parse("timestamp,target_user.email,client.ip_address,event").unwrap());
        for streams in [&Stream::ALL[..], &Stream::ALL[..1], &Stream::ALL[1..2], &Stream::ALL[2..]] {
            let (_, budgets) = default_columns(streams, Shape::Envelope);
            for width in 0..400 {
                for budgets in [&budgets, &asked] {
                    let widths = fit(budgets, width);
                    let total: usize = widths.iter().map(|(_, width)| width).sum();
                    assert_eq!(total + GAP.len() * (widths.len() - 1), width, "{widths:?}");
                }
            }
        }
    }
}
