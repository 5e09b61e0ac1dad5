//! Exported positions as text: reads the output of `opev state export` and adapts its names to this machine.
//! `saved_state` knows what a position holds; nothing here reads or writes files.

use std::fmt::Display;
use std::path::Path;

use serde_json::Value;

use super::shown;
use crate::error::{Error, ErrorKind, Result};

/// One exported position.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedPosition(Value);

impl ExportedPosition {
    /// Reads the exported positions of a text: a sequence of JSON objects.
    ///
    /// # Errors
    /// Fails with `Usage` when the text holds something else, or nothing.
    pub fn parse_all(json: &[u8]) -> Result<Vec<Self>> {
        let invalid = |why: &dyn Display| {
            Error::new(ErrorKind::Usage, format!("cannot read exported positions: {why}"))
                .hint("give the output of `opev state export`")
        };
        let all: Vec<Value> = serde_json::Deserializer::from_slice(json)
            .into_iter()
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| invalid(&e))?;
        if all.is_empty() || !all.iter().all(|one| one["record"].is_object()) {
            return Err(invalid(&"no position in it"));
        }
        Ok(all.into_iter().map(ExportedPosition).collect())
    }

    /// The profile it belongs to.
    pub fn profile(&self) -> &str {
        self.0["record"]["profile"].as_str().unwrap_or_default()
    }

    /// Replaces the profile and the file by those of this machine, where they are given.
    ///
    /// # Errors
    /// Fails with `Usage` when a file is named and the position has none, or its name is not UTF-8.
    pub fn relabel(&mut self, profile: Option<&str>, output: Option<&Path>) -> Result<()> {
        let record = &mut self.0["record"];
        if let Some(profile) = profile {
            record["profile"] = profile.into();
        }
        if let Some(path) = output {
            if !record["output"].is_object() {
                return Err(Error::new(ErrorKind::Usage, "the exported position has no managed file")
                    .hint("leave out -o; the consumer keeps its name"));
            }
            let path = path.to_str().ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("the name {} is not UTF-8", shown(path)))
                    .hint("give the file another name")
            })?;
            record["consumer"] = path.into();
            record["output"]["path"] = path.into();
        }
        Ok(())
    }

    /// Its JSON form.
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_gets_the_names_of_this_machine_and_other_text_is_refused() {
        let json = br#"{"record":{"profile":"a","output":{"path":"/x"}}} {"record":{"profile":"b"}}"#;
        let mut all = ExportedPosition::parse_all(json).unwrap();
        all[0].relabel(Some("c"), Some(Path::new("/y"))).unwrap();
        assert_eq!(all[0].profile(), "c");
        assert!(all[0].to_json().contains(r#""path":"/y""#));
        assert!(all[1].relabel(None, Some(Path::new("/y"))).is_err());
        for other in [&b""[..], b"{\"record\":1}", b"{"] {
            assert_eq!(ExportedPosition::parse_all(other).unwrap_err().kind(), ErrorKind::Usage);
        }
    }
}
