//! An entry of a table, with its place.

use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::sanitize;
use crate::suggest::suggest;

/// What is wrong, and where.
#[derive(Debug)]
pub(in crate::analyze::detect) struct Problem {
    pub(in crate::analyze::detect) offset: usize,
    pub(in crate::analyze::detect) message: String,
    pub(in crate::analyze::detect) hint: String,
}

impl Problem {
    pub(in crate::analyze::detect) fn new(offset: usize, message: String) -> Self {
        Problem { offset, message, hint: String::new() }
    }

    #[must_use]
    pub(in crate::analyze::detect) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// A key, its value, and where they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) offset: usize,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// The entries in the order of the file, so that the first mistake is the one that is named.
pub(super) fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| Entry {
        key: key.get_ref(),
        offset: key.span().start,
        value,
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.offset);
    entries
}

/// An unknown key, with the nearest one that is known.
pub(super) fn unknown(entry: &Entry<'_>, known: impl Iterator<Item = &'static str>) -> Problem {
    let known: Vec<&str> = known.collect();
    let problem = Problem::new(entry.offset, format!("unknown key {}", sanitize::message(entry.key)));
    match suggest(entry.key, known.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint(format!("use one of {}", known.join(", "))),
    }
}

impl<'a> Entry<'a> {
    pub(super) fn value_offset(&self) -> usize {
        self.value.span().start
    }

    pub(super) fn problem(&self, why: &str) -> Problem {
        Problem::new(self.value_offset(), format!("{}: {why}", self.key))
    }

    fn wrong_type(&self, wanted: &str) -> Problem {
        let found = self.value.get_ref().type_str();
        Problem::new(self.value_offset(), format!("{} must be {wanted}, not of type {found}", self.key))
    }

    pub(super) fn text(&self) -> Result<&'a str, Problem> {
        let text = self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a text in quotes"))?;
        if text.trim().is_empty() { Err(self.problem("is empty")) } else { Ok(text) }
    }

    pub(super) fn parsed<T, E: ToString>(&self, read: impl Fn(&str) -> Result<T, E>) -> Result<T, Problem> {
        read(self.text()?).map_err(|e| self.problem(&e.to_string()))
    }

    pub(super) fn flag(&self) -> Result<bool, Problem> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number of at least `least`.
    pub(super) fn whole(&self, least: u32) -> Result<u32, Problem> {
        let integer = self.value.get_ref().as_integer().ok_or_else(|| self.wrong_type("a whole number"))?;
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        number
            .filter(|number| *number >= least)
            .ok_or_else(|| self.problem(&format!("must be a whole number of at least {least}")))
    }

    /// A number above 0.
    pub(super) fn number(&self) -> Result<f64, Problem> {
        let value = self.value.get_ref();
        let text = value.as_integer().map(|it| it.as_str()).or(value.as_float().map(|it| it.as_str()));
        let text = text.ok_or_else(|| self.wrong_type("a number"))?;
        let number = f64::from_str(text).ok().filter(|number| number.is_finite() && *number > 0.0);
        number.ok_or_else(|| self.problem("must be a number above 0"))
    }

    /// A text, or a list of texts.
    pub(super) fn list(&self) -> Result<Vec<String>, Problem> {
        let wrong = || self.wrong_type("a text, or a list of texts");
        let texts = match self.value.get_ref() {
            DeValue::String(text) => vec![text.to_string()],
            DeValue::Array(texts) => {
                let text = |text: &Spanned<DeValue<'_>>| text.get_ref().as_str().map(str::to_owned);
                texts.iter().map(|one| text(one).ok_or_else(wrong)).collect::<Result<_, _>>()?
            }
            _ => return Err(wrong()),
        };
        if texts.iter().any(|text| text.trim().is_empty()) {
            Err(self.problem("is empty"))
        } else {
            Ok(texts)
        }
    }

    /// The tables of `[[...]]`, or of a list.
    pub(super) fn tables(&self) -> Result<Vec<&'a Spanned<DeValue<'a>>>, Problem> {
        let wrong = || Problem::new(self.offset, format!("{0} must be tables: [[{0}]]", self.key));
        let DeValue::Array(tables) = self.value.get_ref() else { return Err(wrong()) };
        let tables: Vec<_> = tables.iter().collect();
        if tables.iter().all(|table| table.get_ref().is_table()) { Ok(tables) } else { Err(wrong()) }
    }
}
