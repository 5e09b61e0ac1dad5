//! Imported names as people and programs read them.

use serde::Serialize;

use crate::console::{CellTone, TextStyle, TextTable};
use crate::facts::{KnownName, NameKind, Names};

/// A uuid, and the name that it has.
pub type NameRow<'a> = (&'a str, &'a KnownName);

/// The names that have all of these texts, or the uuid that is one of them; sorted by kind and name.
pub fn find<'a>(names: &'a Names, wanted: &[String]) -> Vec<NameRow<'a>> {
    let wanted: Vec<String> = wanted.iter().map(|text| text.to_lowercase()).collect();
    let has = |(uuid, known): &NameRow<'_>, text: &String| {
        uuid.eq_ignore_ascii_case(text) || known.name.to_lowercase().contains(text)
    };
    names.sorted().into_iter().filter(|row| wanted.iter().all(|text| has(row, text))).collect()
}

/// Names as a table.
pub fn table(rows: &[NameRow<'_>], style: TextStyle) -> String {
    let mut table = TextTable::new(style, 0);
    table.header(["KIND", "UUID", "NAME"]);
    for (uuid, known) in rows {
        table.row([
            (CellTone::Plain, known.kind.noun().into()),
            (CellTone::Plain, (*uuid).into()),
            (CellTone::Plain, known.name.as_str().into()),
        ]);
    }
    table.keep_whole([0, 1]).render()
}

/// One name, for programs.
#[derive(Serialize)]
struct JsonName<'a> {
    kind: NameKind,
    name: &'a str,
    uuid: &'a str,
}

/// Names as an array of JSON objects.
pub fn json(rows: &[NameRow<'_>]) -> String {
    let rows: Vec<JsonName<'_>> =
        rows.iter().map(|(uuid, known)| JsonName { kind: known.kind, name: &known.name, uuid }).collect();
    format!("{}\n", serde_json::to_string_pretty(&rows).unwrap_or_default())
}
