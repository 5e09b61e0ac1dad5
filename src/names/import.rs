//! What `op vault list`, `op item list`, `op user list` and `op group list` print with `--format json`: arrays of
//! objects, or single objects as `op item get` prints them, one after another.
//!
//! What an object is, its keys say: items have a `title`, users an `email`, vaults a `content_version` or
//! `attribute_version`, groups a `state`. An item also names its vault. Messages give the number of the
//! object and never its text.

use std::fmt;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::facts::{NameKind, Names};

/// Longer titles are refused: 1Password's are shorter.
const LONGEST_NAME: usize = 4096;

/// A name that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedName {
    /// The uuid.
    pub uuid: String,
    /// What has it.
    pub kind: NameKind,
    /// The name or title.
    pub name: String,
}

/// One value of the input: a list, or an object alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Many(Vec<ListedObject>),
    One(Box<ListedObject>),
}

/// An object as `op` prints it, as far as it is used.
#[derive(Deserialize)]
struct ListedObject {
    id: Option<String>,
    name: Option<String>,
    title: Option<String>,
    email: Option<serde::de::IgnoredAny>,
    state: Option<serde::de::IgnoredAny>,
    content_version: Option<serde::de::IgnoredAny>,
    attribute_version: Option<serde::de::IgnoredAny>,
    vault: Option<ItemVault>,
}

#[derive(Deserialize)]
struct ItemVault {
    id: Option<String>,
    name: Option<String>,
}

/// How many names of each kind were new.
#[derive(Clone, Copy, Debug)]
pub struct NewNames([(NameKind, usize); 4]);

impl NewNames {
    /// Adds what was imported to the known names.
    pub fn add(imported: Vec<ImportedName>, names: &mut Names) -> NewNames {
        let mut counts = NameKind::ALL.map(|kind| (kind, 0));
        for ImportedName { uuid, kind, name } in imported {
            if names.insert(uuid, kind, name) {
                counts.iter_mut().filter(|(counted, _)| *counted == kind).for_each(|(_, count)| *count += 1);
            }
        }
        NewNames(counts)
    }
}

/// For people: "new: 2 vaults, 1 item".
impl fmt::Display for NewNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = self.0.iter().filter(|(_, count)| *count > 0);
        let new: Vec<String> = new.map(|(kind, count)| counted(*count, kind.noun())).collect();
        if new.is_empty() { f.write_str("nothing new") } else { write!(f, "new: {}", new.join(", ")) }
    }
}

/// A number with its noun.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

impl ImportedName {
    /// Reads all names of what `op` printed; `kind` says what the objects are, where it was typed.
    ///
    /// # Errors
    /// Fails with `Usage` for what is not that, with the place.
    pub fn read_all(json: &[u8], kind: Option<NameKind>) -> Result<Vec<ImportedName>> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let mut names = Vec::new();
        let mut number = 0;
        for listing in serde_json::Deserializer::from_slice(json).into_iter::<Listing>() {
            let listing = listing.map_err(|e| not_op(&place_of(json, &e)))?;
            let objects = match listing {
                Listing::Many(objects) => objects,
                Listing::One(object) => vec![*object],
            };
            for object in objects {
                number += 1;
                object.add_to(kind, &mut names).map_err(|why| {
                    let text = format!("object {number}: {why}");
                    Error::new(ErrorKind::Usage, text).hint(HINT)
                })?;
            }
        }
        if number == 0 {
            return Err(not_op("there is no object in it"));
        }
        Ok(names)
    }
}

const HINT: &str = "give the output of `op vault list`, `op item list`, `op user list` or `op group list` with \
                    --format json; --kind says what the objects are";

fn not_op(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("not what `op ... --format json` prints: {why}")).hint(HINT)
}

/// Where JSON ends to be that; of an untagged value only its beginning is known.
fn place_of(json: &[u8], error: &serde_json::Error) -> String {
    // The untagged listing hides the place: the same bytes as plain values tell it.
    let plain = serde_json::Deserializer::from_slice(json).into_iter::<serde::de::IgnoredAny>();
    let broken = plain.filter_map(|value| value.err()).next();
    match broken.as_ref().unwrap_or(error) {
        e if e.line() > 0 && broken.is_some() => format!("line {}, column {}", e.line(), e.column()),
        _ => "there is something other than objects with texts in it".to_owned(),
    }
}

impl ListedObject {
    fn add_to(self, kind: Option<NameKind>, names: &mut Vec<ImportedName>) -> Result<(), &'static str> {
        let kind = kind.or_else(|| self.kind()).ok_or("it is not clear what this is")?;
        let name = if kind == NameKind::Item { self.title.or(self.name) } else { self.name };
        let (Some(uuid), Some(name)) = (self.id, name) else { return Err("it has no id, or no name") };
        names.push(checked(uuid, kind, name)?);
        if let Some(ItemVault { id: Some(uuid), name: Some(name) }) = self.vault {
            names.push(checked(uuid, NameKind::Vault, name)?);
        }
        Ok(())
    }

    fn kind(&self) -> Option<NameKind> {
        match self {
            _ if self.title.is_some() => Some(NameKind::Item),
            _ if self.email.is_some() => Some(NameKind::User),
            _ if self.content_version.is_some() || self.attribute_version.is_some() => Some(NameKind::Vault),
            _ if self.state.is_some() => Some(NameKind::Group),
            _ => None,
        }
    }
}

fn checked(uuid: String, kind: NameKind, name: String) -> Result<ImportedName, &'static str> {
    let is_uuid =
        (1..=64).contains(&uuid.len()) && uuid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_uuid {
        return Err("its id is not a uuid");
    }
    if name.len() > LONGEST_NAME {
        return Err("its name is longer than 4096 bytes");
    }
    Ok(ImportedName { uuid, kind, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, NameKind, String)> {
        let names = ImportedName::read_all(json.as_bytes(), None).unwrap();
        names.into_iter().map(|name| (name.uuid, name.kind, name.name)).collect()
    }

    #[test]
    fn each_list_of_op_is_told_by_its_keys() {
        let vaults = r#"[{"id":"v1","name":"Infra","content_version":5,"created_at":"x","items":3}]"#;
        assert_eq!(read(vaults), [("v1".into(), NameKind::Vault, "Infra".into())]);
        let items = r#"[{"id":"i1","title":"AWS root","version":1,"category":"LOGIN",
            "vault":{"id":"v1","name":"Infra"},"urls":[{"href":"https://x.test"}]}]"#;
        assert_eq!(
            read(items),
            [
                ("i1".into(), NameKind::Item, "AWS root".into()),
                ("v1".into(), NameKind::Vault, "Infra".into())
            ]
        );
        let users = r#"[{"id":"U1","name":"Ada","email":"ada@x.test","type":"MEMBER","state":"ACTIVE"}]"#;
        assert_eq!(read(users), [("U1".into(), NameKind::User, "Ada".into())]);
        let groups = r#"{"id":"g1","name":"Owners","description":"","state":"ACTIVE"}"#;
        assert_eq!(read(groups), [("g1".into(), NameKind::Group, "Owners".into())]);
        assert_eq!(read(&format!("\u{feff}{vaults}\n{groups}")).len(), 2);
        assert!(read("[]  {\"id\":\"g1\",\"name\":\"\",\"state\":1}").len() == 1);
    }

    #[test]
    fn what_op_does_not_print_is_refused_with_its_place_and_without_its_text() {
        let long = format!(r#"[{{"id":"a","title":"{}"}}]"#, "x".repeat(5000));
        for (json, expected) in [
            ("", "there is no object"),
            ("[", "line 1, column 1"),
            ("[{\"id\":\"a\",\n \"title\":\"SECRET\"", "line 2, column 17"),
            (r#"[{"id":"a","title":"ok"},{"id":"SECRET"}]"#, "object 2: it is not clear what this is"),
            (r#"[{"title":"SECRET"}]"#, "object 1: it has no id"),
            (r#"[{"id":"../SECRET","title":"t"}]"#, "object 1: its id is not a uuid"),
            (r#"[{"id":7,"title":"SECRET"}]"#, "something other than objects"),
            ("3", "something other than objects"),
            (&long, "object 1: its name is longer"),
        ] {
            let failure = match ImportedName::read_all(json.as_bytes(), None) {
                Err(failure) => failure,
                Ok(_) => panic!("{json}"),
            };
            assert_eq!(failure.kind(), ErrorKind::Usage);
            let text = failure.to_string();
            assert!(text.contains(expected) && !text.contains("SECRET"), "{json}: {text}");
        }
        let named = ImportedName::read_all(br#"[{"id":"a","name":"n"}]"#, Some(NameKind::Group)).unwrap();
        assert_eq!(named[0].kind, NameKind::Group);
    }
}
