//! `--fields`: the columns of tables and CSV, and their names.
//!
//! A name is a path into the item (`client.ip_address`), or one of the made columns ([`MadeColumn`]). A name that
//! is nearly a known one, or only its last part, is taken for a typo and refused; any other unknown name is
//! taken for a path, since the API adds fields. `event.` before a path switches both the check and other
//! spellings off. A key that holds a dot cannot be named.

use std::fmt;
use std::str::FromStr;

use comfy_table::{Table, presets};

use super::catalogue::{self, FieldSince};
use super::shape::Shape;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::suggest::suggest;

/// Deeper paths are refused; the API's deepest has two parts.
const MAX_DEPTH: usize = 16;

/// A column that is not a field of the item: made from several fields, or from how the event was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MadeColumn {
    Stream,
    Profile,
    ReceivedAt,
    Who,
    Email,
    What,
    From,
    With,
    Deed,
    Item,
    Vault,
    Event,
    /// The fields that no other column holds, as JSON; only after the default columns.
    Other,
}

impl MadeColumn {
    const ALL: [(MadeColumn, &'static str, &'static str); 12] = [
        (MadeColumn::Stream, "stream", "the stream"),
        (MadeColumn::Profile, "profile", "the profile it was read with"),
        (MadeColumn::ReceivedAt, "received_at", "when opev read it"),
        (MadeColumn::Who, "who", "the person: name, else address, else uuid"),
        (MadeColumn::Email, "email", "the person's address"),
        (MadeColumn::What, "what", "what happened, in one phrase"),
        (MadeColumn::Deed, "deed", "the same, without item and vault"),
        (MadeColumn::Item, "item", "the item: its name where it is known, else its uuid"),
        (MadeColumn::Vault, "vault", "the vault, likewise"),
        (MadeColumn::From, "from", "address, city and country"),
        (MadeColumn::With, "with", "app and system, or device"),
        (MadeColumn::Event, "event", "the whole event as JSON"),
    ];
}

/// What a column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldSource {
    Made(MadeColumn),
    /// A path into the item; `or` is the path to look at where it is absent.
    Path {
        path: String,
        or: Option<String>,
    },
}

impl FieldSource {
    /// Whether it is made from facts of an event.
    pub(super) fn needs_facts(&self) -> bool {
        use MadeColumn::{Deed, Email, From, Item, Vault, What, Who, With};
        matches!(self, FieldSource::Made(Deed | Email | From | Item | Vault | What | Who | With))
    }
}

/// A column's name as it was typed, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChosenField {
    pub(super) name: String,
    pub(super) source: FieldSource,
}

/// A choice of columns, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields(Vec<ChosenField>);

impl Fields {
    /// Reads a comma-separated list of names.
    ///
    /// # Errors
    /// Fails on an empty name, and on one that is nearly but not quite a known one.
    pub fn parse(text: &str) -> Result<Self> {
        text.split(',').map(|name| ChosenField::parse(name.trim())).collect::<Result<_>>().map(Fields)
    }

    /// A fixed list of known names.
    pub(super) fn known(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Fields(names.into_iter().map(|name| ChosenField::known(name.into())).collect())
    }

    /// Every documented field of these streams, `stream` first where there are several.
    pub(super) fn all(streams: &[Stream]) -> Self {
        let mut names: Vec<String> = if streams.len() > 1 { vec!["stream".into()] } else { Vec::new() };
        for known in streams.iter().flat_map(|stream| catalogue::of(*stream)) {
            if !names.contains(&known.path) {
                names.push(known.path);
            }
        }
        Fields::known(names)
    }

    /// The same in this shape: how an event was read stands first in an envelope.
    pub(super) fn all_of_shape(streams: &[Stream], shape: Shape) -> Self {
        let all = Fields::all(streams);
        match shape {
            Shape::Envelope => all.after(&["stream", "profile", "account_uuid", "received_at"]),
            _ => all,
        }
    }

    /// The same with other columns first.
    fn after(self, first: &[&str]) -> Self {
        let rest = self.0.into_iter().filter(|field| !first.contains(&field.name.as_str()));
        Fields(first.iter().map(|name| ChosenField::known((*name).into())).chain(rest).collect())
    }

    /// The same with a last column for the fields that the others do not hold.
    pub(super) fn and_other(mut self) -> Self {
        self.0.push(ChosenField { name: "other".into(), source: FieldSource::Made(MadeColumn::Other) });
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ChosenField> {
        self.0.iter()
    }

    /// Every known name with its meaning, each once.
    pub fn known_names() -> Vec<(String, String)> {
        let made = MadeColumn::ALL.map(|(_, name, meaning)| (name.to_owned(), meaning.to_owned()));
        made.into_iter().chain(Fields::known_paths()).collect()
    }

    /// The same without the columns that are made: the fields of events.
    pub fn known_paths() -> Vec<(String, String)> {
        let mut names: Vec<(String, String)> = Vec::new();
        for known in Stream::ALL.into_iter().flat_map(catalogue::of) {
            if !names.iter().any(|(name, _)| *name == known.path) {
                names.push((known.path, known.meaning.to_owned()));
            }
        }
        names
    }

    /// The text of `--fields help`: every known name with its meaning, per stream.
    pub fn help(streams: &[Stream]) -> String {
        let mut text = String::from(
            "Fields, the API versions that have them, and what they mean.\n\nmade columns, for every stream:\n",
        );
        text += &listing(
            MadeColumn::ALL.iter().map(|(_, name, meaning)| [(*name).into(), "".into(), (*meaning).into()]),
        );
        for stream in streams {
            text += &format!("\n{stream}:\n");
            text += &listing(catalogue::of(*stream).into_iter().map(|known| {
                let since = if known.since == FieldSince::V2 { "v2" } else { "v1 v2" };
                let also = catalogue::other_name(&known.path).map(|other| format!(" (or {other})"));
                [known.path, since.into(), format!("{}{}", known.meaning, also.unwrap_or_default())]
            }));
        }
        text += "\nAny other path into the event works too; event.PATH is taken exactly as it is typed.\n";
        text
    }
}

/// A finite list, so comfy-table may measure it; two spaces in front of each line.
fn listing(rows: impl Iterator<Item = [String; 3]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    table.lines().map(|line| format!("  {}\n", line.trim())).collect()
}

impl ChosenField {
    fn known(name: String) -> Self {
        let source = match MadeColumn::ALL.iter().find(|(_, made, _)| *made == name) {
            Some((made, ..)) => FieldSource::Made(*made),
            None => FieldSource::Path { path: name.clone(), or: catalogue::other_name(&name) },
        };
        ChosenField { name, source }
    }

    fn parse(name: &str) -> Result<Self> {
        if name.split('.').any(str::is_empty) {
            return Err(refusal(name, "a name or a part of it is empty".into()));
        }
        if name.split('.').count() > MAX_DEPTH {
            return Err(refusal(name, "the path is too long".into()));
        }
        if let Some(path) = name.strip_prefix("event.") {
            let source = FieldSource::Path { path: path.into(), or: None };
            return Ok(ChosenField { name: name.into(), source });
        }
        if let Some(nearest) = typo_of(name) {
            let hint = format!("did you mean {nearest}? If the event has {name}, say event.{name}");
            return Err(refusal(name, hint));
        }
        Ok(ChosenField::known(name.into()))
    }
}

fn refusal(name: &str, hint: String) -> Error {
    Error::new(ErrorKind::Usage, format!("--fields: cannot use {:?}", crate::sanitize::message(name)))
        .hint(hint)
}

/// The known name that was probably meant, when `name` is not known itself.
fn typo_of(name: &str) -> Option<String> {
    let paths = Stream::ALL.into_iter().flat_map(catalogue::of).map(|known| known.path);
    let names: Vec<String> = paths.chain(MadeColumn::ALL.map(|(_, made, _)| made.to_owned())).collect();
    let is_object = |known: &String| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let is_other_name = |known: &String| catalogue::other_name(known).as_deref() == Some(name);
    if names.iter().any(|known| known == name || is_object(known) || is_other_name(known)) {
        return None;
    }
    suggest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

impl FromStr for Fields {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Fields::parse(text)
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(|field| field.name.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_new_paths_are_taken_and_shown_again() {
        for text in [
            "timestamp,target_user.email,client.ip_address",
            "who,what,event",
            "client",
            "client.ip,user.type",
            "brand_new.field",
            "event.timestmp",
        ] {
            assert_eq!(Fields::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Fields::parse(" uuid , who").unwrap().to_string(), "uuid,who");
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_name_and_the_way_around() {
        for (typo, meant) in [
            ("timestmap", "timestamp"),
            ("Timestamp", "timestamp"),
            ("target_user.emial", "target_user.email"),
            ("client.ip-address", "client.ip_address"),
            ("uid", "uuid"),
            ("city", "location.city"),
            ("ip_address", "client.ip_address"),
        ] {
            let failure = Fields::parse(&format!("uuid,{typo}")).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Usage);
            let hint = failure.advice().unwrap();
            assert!(hint.starts_with(&format!("did you mean {meant}? ")), "{typo}: {hint}");
            assert!(hint.ends_with(&format!("event.{typo}")));
        }
        for text in ["", "uuid,", "client..ip", ".", &"a.".repeat(20)] {
            assert_eq!(Fields::parse(text).unwrap_err().kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn every_known_name_is_accepted_and_in_the_help() {
        let help = Fields::help(&Stream::ALL);
        for stream in Stream::ALL {
            for known in catalogue::of(stream) {
                assert!(Fields::parse(&known.path).is_ok(), "{}", known.path);
                assert!(help.contains(&known.path));
            }
        }
        assert!(help.lines().all(|line| line.chars().count() <= 110), "{help}");
    }

    #[test]
    fn all_fields_of_several_streams_begin_with_the_stream() {
        let one = Fields::all(&[Stream::ItemUsages]).to_string();
        assert!(one.starts_with("uuid,timestamp,action,item_uuid,vault_uuid,used_version,user.uuid,"));
        let all = Fields::all(&Stream::ALL).to_string();
        assert!(all.starts_with("stream,uuid,session_uuid,"));
        assert_eq!(all.matches(",timestamp,").count(), 1);
    }
}
