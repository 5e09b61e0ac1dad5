//! What rules have gathered, as bytes: for runs that go on another time.
//!
//! Each rule is saved under its id and a hash of its text: of a rule that was changed since, nothing is taken, and
//! it learns anew.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::fold::{DetectFold, RuleMemory};
use super::judge::hash;
use super::rule::Rule;
use super::silence::Quiet;
use super::window::{GroupHasher, GroupWindows, RecordWindow};

/// The version of the form, raised when an older program could misread it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct SavedFold<'a> {
    version: u32,
    newest: i64,
    labels: &'a HashMap<String, String>,
    rules: BTreeMap<&'a str, (u64, &'a RuleMemory)>,
}

#[derive(Deserialize)]
struct LoadedFold {
    version: u32,
    newest: i64,
    labels: HashMap<String, String>,
    rules: BTreeMap<String, (u64, LoadedMemory)>,
}

#[derive(Deserialize)]
struct LoadedMemory {
    windows: HashMap<String, RecordWindow>,
    baseline: Baseline,
    quiet: Quiet,
}

impl LoadedMemory {
    fn ready(self, hasher: &GroupHasher) -> RuleMemory {
        let LoadedMemory { windows: loaded, baseline, quiet } = self;
        let mut windows = GroupWindows::default();
        for (group, window) in loaded {
            *windows.of(hasher.key(&group)) = window;
        }
        RuleMemory { windows, baseline, quiet }
    }
}

impl DetectFold {
    /// Everything that was gathered.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rules = self.rules().rules().iter().zip(&self.memory);
        let saved = SavedFold {
            version: VERSION,
            newest: self.newest,
            labels: &self.labels,
            rules: rules.map(|(rule, memory)| (rule.id.as_str(), (print_of(rule), memory))).collect(),
        };
        // Maps of texts and numbers can always be written.
        serde_json::to_vec(&saved).unwrap_or_default()
    }

    /// Takes what was saved; gives the ids of rules that were changed since and begin anew.
    ///
    /// # Errors
    /// Fails with the reason where the bytes cannot be read.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let loaded: LoadedFold = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if loaded.version > VERSION {
            return Err(format!("a newer program wrote it, in version {} of its form", loaded.version));
        }
        let mut anew = Vec::new();
        let mut saved = loaded.rules;
        let set = std::sync::Arc::clone(self.rules());
        for (rule, memory) in set.rules().iter().zip(&mut self.memory) {
            match saved.remove(&rule.id) {
                Some((print, known)) if print == print_of(rule) => {
                    *memory = known.ready(&set.group_hasher);
                }
                Some(_) => anew.push(rule.id.clone()),
                None => {}
            }
        }
        for memory in &mut self.memory {
            // What waited for a stream that was behind.
            memory.windows.reopen();
            memory.baseline.reopen();
        }
        self.labels = loaded.labels;
        self.newest = self.newest.max(loaded.newest);
        self.recount();
        Ok(anew)
    }
}

/// What tells a rule from what it was before.
fn print_of(rule: &Rule) -> u64 {
    match rule.made_of.is_empty() {
        true => hash(&rule.text),
        false => hash(&format!("{}\0{}", rule.text, rule.made_of.join("\0"))),
    }
}
