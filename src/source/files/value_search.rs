//! Which lines may hold a wanted event, told by the values under one key, so that only these are parsed.
//!
//! May say yes too often and never no too often: keys are looked for wherever they stand in the line, and a line
//! in which a character is escaped may spell any key and value.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memmem};

/// Keys, and which of their values are wanted.
#[derive(Clone)]
pub struct ValueSearch {
    /// The keys in their quotes.
    keys: Vec<memmem::Finder<'static>>,
    is_wanted: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for ValueSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueSearch").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl ValueSearch {
    /// Searches for values under these keys that `is_wanted` says yes to. It is given what a string says, and the
    /// JSON text of a number.
    pub fn new(keys: &[&str], is_wanted: Arc<dyn Fn(&str) -> bool + Send + Sync>) -> Self {
        let quoted = |key: &&str| memmem::Finder::new(&format!("\"{key}\"")).into_owned();
        ValueSearch { keys: keys.iter().map(quoted).collect(), is_wanted }
    }

    /// Whether the line may hold a wanted event.
    pub(super) fn may_hold(&self, block: &[u8], line: &Range<usize>) -> bool {
        let line = &block[line.clone()];
        memchr(b'\\', line).is_some() || self.keys.iter().any(|key| self.has_wanted(key, line))
    }

    fn has_wanted(&self, key: &memmem::Finder<'_>, line: &[u8]) -> bool {
        key.find_iter(line).any(|at| {
            let behind = line[at + key.needle().len()..].trim_ascii_start();
            // Without a colon it is a value itself.
            let Some(value) = behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else { return false };
            let text = match value.strip_prefix(b"\"") {
                Some(text) => &text[..memchr(b'"', text).unwrap_or(text.len())],
                None => &value[..value.iter().position(|byte| b",}] ".contains(byte)).unwrap_or(value.len())],
            };
            (self.is_wanted)(&String::from_utf8_lossy(text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_judged_by_the_values_under_its_keys_wherever_they_stand() {
        let search = ValueSearch::new(&["ip", "country"], Arc::new(|text| text == "x" || text == "7"));
        for (line, expected) in [
            (r#"{"ip":"x"}"#, true),
            (r#"{"a":{"country" \t:  "x" }}"#, true),
            (r#"[{"ip":"y"},{"ip":"x"}]"#, true),
            (r#"{"ip":7}"#, true),
            (r#"{"ip":7,"b":1}"#, true),
            (r#"{"\u0069p":"y"}"#, true),
            (r#"{"ip":"y"}"#, false),
            (r#"{"ip":"xx"}"#, false),
            (r#"{"ip":"X"}"#, false),
            (r#"{"ip2":"x","ip":null}"#, false),
            (r#"{"key":"ip","b":"x"}"#, false),
            (r#"{"ip":["x"]}"#, false),
            (r#"{"ip"#, false),
            (r#"{"ip""#, false),
            (r#"{"ip": "#, false),
            (r#"{"ip":""#, false),
        ] {
            let line = line.replace("\\t", "\t");
            let block = format!("{{\"ip\":\"x\"}}\n{line}\n{{\"ip\":\"x\"}}");
            assert_eq!(search.may_hold(block.as_bytes(), &(11..11 + line.len())), expected, "{line}");
        }
    }
}
