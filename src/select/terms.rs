//! What was typed of a filter: values by field, not read yet.

use std::sync::Arc;

use super::uuids::WantedUuids;
use crate::error::{Error, ErrorKind, Result};
use crate::facts::Field;

/// What values are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterField {
    /// A person in any role.
    User,
    /// Who acted.
    Actor,
    /// The address.
    Ip,
    /// The country.
    Country,
    /// What was done.
    Action,
    /// The type or uuid of what an audit event is about.
    Object,
    /// The item.
    Item,
    /// The vault.
    Vault,
    /// The group.
    Group,
    /// The device.
    Device,
    /// The 1Password app.
    App,
    /// The session.
    Session,
    /// The person that it was done to or for. Of rules only.
    Target,
    /// What sort of user that person is: `user` or `external_user`. Of rules only.
    TargetKind,
    /// More about an audit event: a role, a count, an address (`aux_info`). Of rules only.
    Info,
    /// The event's text.
    Grep,
}

impl FilterField {
    /// Every field.
    pub const ALL: [FilterField; 16] = [
        FilterField::User,
        FilterField::Actor,
        FilterField::Ip,
        FilterField::Country,
        FilterField::Action,
        FilterField::Object,
        FilterField::Item,
        FilterField::Vault,
        FilterField::Group,
        FilterField::Device,
        FilterField::App,
        FilterField::Session,
        FilterField::Target,
        FilterField::TargetKind,
        FilterField::Info,
        FilterField::Grep,
    ];

    /// The field whose values it is held against; where several are meant (a person in any role, every address)
    /// the first of them. None where no field has such values.
    pub fn field(self) -> Option<Field> {
        Some(match self {
            FilterField::User | FilterField::Actor => Field::User,
            FilterField::Ip => Field::Ip,
            FilterField::Country => Field::Country,
            FilterField::Action => Field::Action,
            FilterField::Object => Field::Object,
            FilterField::Item => Field::Item,
            FilterField::Vault => Field::Vault,
            FilterField::Group => Field::Group,
            FilterField::Device => Field::Device,
            FilterField::App => Field::App,
            FilterField::Session => Field::Session,
            FilterField::Target => Field::Target,
            FilterField::TargetKind | FilterField::Info | FilterField::Grep => return None,
        })
    }

    /// The name of its flag, without dashes.
    pub fn name(self) -> &'static str {
        match self {
            FilterField::Actor => "actor",
            FilterField::TargetKind => "target_kind",
            FilterField::Info => "info",
            FilterField::Grep => "grep",
            _ => self.field().map_or("", Field::name),
        }
    }

    /// Whether commas separate values. In a regular expression they are part of it.
    fn has_commas(self) -> bool {
        self != FilterField::Grep
    }
}

/// A filter as it was typed.
#[derive(Clone, Debug, Default)]
pub struct FilterTerms {
    /// Fields, each with its values as often as they were given, commas and all.
    pub values: Vec<(FilterField, Vec<String>)>,
    /// Whether session traffic is left out.
    pub no_sessions: bool,
    /// Whether only sign-ins that failed are wanted.
    pub failed: bool,
    /// Whether only sign-ins that worked are wanted.
    pub succeeded: bool,
    /// A filter in jq's language, which runs after the others.
    pub jq: Option<String>,
    /// The events' own uuids, where only these are wanted.
    pub uuids: Option<Arc<WantedUuids>>,
}

impl FilterTerms {
    /// Whether nothing was typed: every event is wanted.
    pub fn is_empty(&self) -> bool {
        let no_switch = !self.no_sessions && !self.failed && !self.succeeded;
        no_switch
            && self.jq.is_none()
            && self.uuids.is_none()
            && self.values.iter().all(|(_, typed)| typed.is_empty())
    }
}

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypedValue<'a> {
    field: FilterField,
    /// Its place among the values of its flag, from 1 on, where there are several.
    number: Option<usize>,
    /// Without `!` and space around it.
    pub(super) text: &'a str,
    /// Whether `!` stood before it.
    pub(super) is_negated: bool,
}

impl TypedValue<'_> {
    /// A failure that says where it is.
    pub(super) fn refused(&self, why: &str, hint: &str) -> Error {
        let flag = self.field.name();
        let value = match (self.number, self.text) {
            (None, "") => format!("--{flag}"),
            (None, text) => format!("--{flag} {text}"),
            (Some(number), "") => format!("--{flag}, value {number}"),
            (Some(number), text) => format!("--{flag}, value {number}, {text}"),
        };
        Error::new(ErrorKind::Usage, format!("{value}: {why}")).hint(hint)
    }
}

/// The single values of a field.
///
/// # Errors
/// Fails with `Usage` for an empty one.
pub(super) fn values(field: FilterField, typed: &[String]) -> Result<Vec<TypedValue<'_>>> {
    let pieces = typed.iter().flat_map(|text| {
        // A limit of one piece is the whole text.
        text.splitn(if field.has_commas() { usize::MAX } else { 1 }, ',')
    });
    let pieces: Vec<&str> =
        pieces.map(|piece| if field.has_commas() { piece.trim() } else { piece }).collect();
    let is_one = pieces.len() == 1;
    let mut values = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let rest = piece.strip_prefix('!');
        let text = rest.unwrap_or(piece);
        let text = if field.has_commas() { text.trim_start() } else { text };
        let number = (!is_one).then_some(index + 1);
        let value = TypedValue { field, number, text, is_negated: rest.is_some() };
        if text.is_empty() {
            return Err(value.refused("the value is empty", "write a value, or leave the flag out"));
        }
        values.push(value);
    }
    Ok(values)
}
