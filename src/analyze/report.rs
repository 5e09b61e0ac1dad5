//! A report: sections, each a table with a name, columns, rows and totals. All formats are made from it.

/// What is known after all events were folded.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What holds for the whole report, in order.
    pub(super) head: Vec<(&'static str, Value)>,
    pub(super) sections: Vec<ReportSection>,
    /// Whether it is the rows of its one section and nothing else.
    pub(super) is_rows: bool,
}

/// One table of a report.
#[derive(Clone, Debug, Default)]
pub(super) struct ReportSection {
    /// Its name in JSON and CSV.
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Value>>,
    /// How many rows there are, those included that are not shown.
    pub(super) distinct: u64,
    /// How many events all rows have together.
    pub(super) total: u64,
    /// The same in the range before, where there is one.
    pub(super) total_before: Option<u64>,
    /// By how much a count may be too low.
    pub(super) error: u64,
}

/// A column of a section.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its name in JSON and CSV.
    pub(super) key: &'static str,
    /// Whether it holds numbers.
    pub(super) is_number: bool,
    /// Whether it may be broken over lines where the terminal is narrow.
    pub(super) may_wrap: bool,
}

impl Column {
    pub(super) fn new(key: &'static str, may_wrap: bool) -> Self {
        Column { key, is_number: false, may_wrap }
    }

    pub(super) fn number(key: &'static str) -> Self {
        Column { key, is_number: true, may_wrap: false }
    }

    /// Its heading for people.
    pub(super) fn title(&self) -> String {
        self.key.replace('_', " ").to_uppercase()
    }
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing is known.
    Nothing,
    Number(u64),
    Text(String),
    /// What a user is called.
    Person(String),
    /// A uuid that may have a name.
    Uuid(String),
    /// A code that may have words.
    Code(String),
}

impl Report {
    /// A report that is the rows of one section.
    pub(super) fn of_rows(section: ReportSection) -> Self {
        Report { head: Vec::new(), sections: vec![section], is_rows: true }
    }

    /// What is to be said beside it: which counts are not exact, which rows are not shown.
    pub fn notes(&self) -> Vec<String> {
        let inexact = self.sections.iter().filter(|section| section.error > 0);
        let name = |section: &ReportSection| {
            if self.is_rows { String::new() } else { format!("{}: ", section.name) }
        };
        inexact
            .map(|section| {
                format!(
                    "{}more than {} different rows: counts may be too low by up to {} (Misra-Gries sketch)",
                    name(section),
                    crate::size::grouped(super::counter::MOST_KEYS as u64),
                    crate::size::grouped(section.error)
                )
            })
            .collect()
    }
}
