//! `opev words`: the table of the service's codes and what they mean. Offline; reads nothing.

use serde::Serialize;

use crate::cli::words::WordsArgs;
use crate::command::{End, Invocation, print_json, print_paged, text_style};
use crate::console::{CellTone, TextStyle, TextTable};
use crate::error::{Error, ErrorKind, Result};
use crate::facts::words::WordsRow;
use crate::sanitize;
use crate::select::{find_words, nearest_code};

const HEADER: [&str; 5] = ["STREAM", "FIELD", "CODE", "OBJECT TYPE", "MEANING"];

/// Runs `opev words`.
///
/// # Errors
/// Fails with `Usage` when no row has what was asked for.
pub fn run(invocation: &Invocation, args: &WordsArgs) -> Result<End> {
    let rows = find_words(&args.wanted);
    if rows.is_empty() {
        return Err(not_found(&args.wanted));
    }
    if args.json {
        print_json(invocation, json(&rows).as_bytes())
    } else {
        print_paged(invocation, None, table(&rows, text_style(invocation)).as_bytes())
    }
}

fn not_found(wanted: &[String]) -> Error {
    let alone = wanted.iter().find(|word| find_words(std::slice::from_ref(word)).is_empty());
    let Some(word) = alone else {
        let text = format!("no row has all of: {}", sanitize::message(&wanted.join(", ")));
        return Error::new(ErrorKind::Usage, text).hint("leave one out: each of them is found alone");
    };
    let failure = Error::new(ErrorKind::Usage, format!("no code or word {}", sanitize::message(word)));
    match nearest_code(word) {
        Some(code) => failure.hint(format!("did you mean {code}?")),
        None => failure.hint("run `opev words` for all codes; tables show codes without words as they are"),
    }
}

fn table(rows: &[WordsRow], style: TextStyle) -> String {
    let mut table = TextTable::new(style, 0);
    table.header(HEADER);
    for row in rows {
        let dash = if row.object_type.is_empty() { "-" } else { row.object_type };
        let note = if row.is_inferred { " (inferred)" } else { "" };
        table.row([
            (CellTone::Plain, row.stream.word().into()),
            (CellTone::Plain, row.field.into()),
            (CellTone::Bold, row.code.into()),
            (CellTone::Plain, dash.into()),
            (CellTone::Plain, format!("{}{note}", row.words).into()),
        ]);
    }
    table.keep_whole([0, 1, 2, 3]).render()
}

/// One row, for programs.
#[derive(Debug, Serialize)]
struct JsonRow<'a> {
    stream: &'a str,
    field: &'a str,
    code: &'a str,
    object_type: Option<&'a str>,
    words: &'a str,
    documented: bool,
}

fn json(rows: &[WordsRow]) -> String {
    let rows: Vec<JsonRow<'_>> = rows
        .iter()
        .map(|row| JsonRow {
            stream: row.stream.name(),
            field: row.field,
            code: row.code,
            object_type: (!row.object_type.is_empty()).then_some(row.object_type),
            words: &row.words,
            documented: !row.is_inferred,
        })
        .collect();
    format!("{}\n", serde_json::to_string_pretty(&rows).unwrap_or_default())
}
