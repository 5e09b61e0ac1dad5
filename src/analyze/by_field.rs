//! What events can be counted by: the fields of events, and times.

use std::str::FromStr;

use crate::facts::Field;
use crate::suggest::suggest;

/// How many fields can be counted by together.
pub(super) const MOST_FIELDS: usize = 4;

/// A field that events can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByField {
    /// What an event says.
    Said(Field),
    /// The day.
    Day,
    /// The hour of a day.
    Hour,
    /// The day of the week.
    Weekday,
}

impl ByField {
    const TIMES: [ByField; 3] = [ByField::Day, ByField::Hour, ByField::Weekday];

    fn all() -> impl Iterator<Item = ByField> {
        Field::ALL.iter().copied().map(ByField::Said).chain(ByField::TIMES)
    }

    /// The name by which it is typed and written.
    pub(super) fn name(self) -> &'static str {
        match self {
            ByField::Said(field) => field.name(),
            ByField::Day => "day",
            ByField::Hour => "hour",
            ByField::Weekday => "weekday",
        }
    }

    fn of_name(name: &str) -> Option<ByField> {
        let name = if name.eq_ignore_ascii_case("date") { "day" } else { name };
        let time = ByField::TIMES.into_iter().find(|time| time.name().eq_ignore_ascii_case(name));
        time.or_else(|| Field::of_name(name).map(ByField::Said))
    }

    /// Whether it is a time: rows are then in order of time.
    pub(super) fn is_time(self) -> bool {
        !matches!(self, ByField::Said(_))
    }

    /// Whether it is a user, who is counted by uuid and shown by address.
    pub(super) fn is_person(self) -> bool {
        matches!(self, ByField::Said(field) if field.is_person())
    }
}

/// The fields that events are counted by, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByFields(pub(super) Vec<ByField>);

impl ByFields {
    /// Every field's name, for completions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ByField::all().map(ByField::name)
    }
}

impl FromStr for ByFields {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        for word in text.split(',').map(str::trim) {
            let field = ByField::of_name(word).ok_or_else(|| unknown(word))?;
            if fields.contains(&field) {
                return Err(format!("{} is named twice", field.name()));
            }
            fields.push(field);
        }
        if fields.len() > MOST_FIELDS {
            return Err(format!("{} fields are more than {MOST_FIELDS}", fields.len()));
        }
        Ok(ByFields(fields))
    }
}

fn unknown(word: &str) -> String {
    match suggest(word, ByFields::names()) {
        Some(name) => format!("no such field: {word}; did you mean {name}?"),
        None => {
            let names: Vec<_> = ByFields::names().collect();
            format!("no such field: {word}; the fields are {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_their_names_and_by_those_of_filters() {
        let names = |text: &str| {
            let fields: ByFields = text.parse().unwrap();
            fields.0.iter().map(|field| field.name()).collect::<Vec<_>>().join(",")
        };
        assert_eq!(names("User, ip"), "user,ip");
        assert_eq!(names("actor,category"), "user,action");
        for (text, why) in [
            ("user,actor", "user is named twice"),
            ("usr", "no such field: usr; did you mean user?"),
            ("", "no such field: ; the fields are stream, user,"),
            ("user,ip,item,vault,day", "5 fields are more than 4"),
        ] {
            let found = text.parse::<ByFields>().unwrap_err();
            assert!(found.starts_with(why), "{text}: {found}");
        }
    }
}
