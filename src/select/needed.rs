//! What stands in every event that a filter wants, as far as bytes tell it, so that others need no parser.

use std::sync::Arc;

use regex_lite::{Regex, escape};

use super::{Alternatives, Filter, FilterField, ValueTest};
use crate::facts::Lookup;

/// With more texts, searching gains nothing.
pub(super) const MOST_TEXTS: usize = 8;

/// Values of which one stands under one of the keys in every wanted event, unless characters of the event are
/// escaped.
#[derive(Clone)]
pub struct NeededValue {
    /// The keys.
    pub keys: Vec<&'static str>,
    /// Whether a string, or what else stands there, is such a value.
    pub is_wanted: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Filter {
    /// Values that every wanted event has one of, for filters by address or country.
    pub fn needed_value(&self) -> Option<NeededValue> {
        self.fields.iter().find_map(|(field, tests)| {
            let keys = match field {
                FilterField::Ip => Lookup::address_keys(),
                FilterField::Country => Lookup::country_keys(),
                _ => return None,
            };
            let wanted = tests.wanted.clone();
            let is_wanted = Arc::new(move |text: &str| wanted.iter().any(|test| test.is_at_place(text)));
            (!tests.wanted.is_empty()).then(|| NeededValue { keys, is_wanted })
        })
    }

    /// Texts of which one stands in every wanted event, in some case of its letters, unless characters of the
    /// event are escaped; none where there are no such texts that are worth a search.
    pub fn needed_texts(&self) -> Option<Vec<String>> {
        let mut choices: Vec<Vec<String>> = Vec::new();
        choices.extend(self.uuids.as_ref().map(|uuids| uuids.iter().map(str::to_owned).collect()));
        choices.extend(self.fields.iter().filter_map(|(field, tests)| texts_of_field(*field, tests)));
        choices.extend(texts_of_expressions(&self.grep));
        choices.retain(|texts| (1..=MOST_TEXTS).contains(&texts.len()));
        choices.into_iter().max_by_key(|texts| texts.iter().map(String::len).min())
    }
}

fn texts_of_field(field: FilterField, tests: &Alternatives<ValueTest>) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for test in &tests.wanted {
        match test {
            ValueTest::Text(pattern) => {
                texts.extend(pattern.needed_texts(field_has_names(field)).map(str::to_owned));
            }
            ValueTest::Network(network) => texts.extend(network.needed_texts()?),
            ValueTest::Country(_) | ValueTest::Action(_) => return None,
        }
    }
    Some(texts)
}

/// Whether values of the field are also held against names, word by word.
fn field_has_names(field: FilterField) -> bool {
    matches!(field, FilterField::User | FilterField::Actor | FilterField::Device | FilterField::App)
}

/// The expressions that are texts without any meaning of their own.
fn texts_of_expressions(grep: &Alternatives<Regex>) -> Option<Vec<String>> {
    let texts = || grep.wanted.iter().map(Regex::as_str);
    texts().all(|text| escape(text) == text).then(|| texts().map(str::to_owned).collect())
}
