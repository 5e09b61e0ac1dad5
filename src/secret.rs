//! A token that cannot be printed (P10).
//!
//! No `Display`, a redacted `Debug`, wiped when its last clone is dropped. [`Secret::expose`] is the one way to
//! the text; its only callers are the request header and the claims reader. A token that is
//! [hidden](Secret::hide) is taken out of every text for people, wherever it came from.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use zeroize::Zeroizing;

/// So many characters of a token in a row tell it.
const TELLING: usize = 16;

/// A token, or a part of one, that is shorter is a word like any other.
const SHORTEST_HIDDEN: usize = 8;

/// The tokens that are hidden; those that were dropped everywhere else are gone from here, too.
static HIDDEN: Mutex<Vec<Weak<Zeroizing<String>>>> = Mutex::new(Vec::new());

/// A secret text: a bearer token, or a proxy's password. Clones share it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes a text into keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Arc::new(Zeroizing::new(text.into())))
    }

    /// From now on, hides it in whatever is written for people, as long as a clone of it lives.
    pub fn hide(&self) {
        let mut hidden = hidden();
        hidden.retain(|known| known.strong_count() > 0);
        if !hidden.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(&self.0))) {
            hidden.push(Arc::downgrade(&self.0));
        }
    }

    /// The text itself; every use must be one that cannot print, log or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

fn hidden() -> MutexGuard<'static, Vec<Weak<Zeroizing<String>>>> {
    HIDDEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a hidden token, a part of one, or 16 characters of a part in a row are in a text; in order, apart.
pub(crate) fn hidden_ranges(text: &str) -> Vec<Range<usize>> {
    let tokens: Vec<_> = hidden().iter().filter_map(Weak::upgrade).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for token in &tokens {
        for part in token.split('.').chain([token.as_str()]).filter(|part| part.len() >= SHORTEST_HIDDEN) {
            let length = part.len().min(TELLING);
            let windows = (0..=text.len().saturating_sub(length)).filter_map(|start| {
                let range = start..start + length;
                text.get(range.clone()).filter(|window| part.contains(window)).map(|_| range)
            });
            found.extend(windows);
        }
    }
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, range| {
        let touches = next.start <= range.end;
        if touches {
            range.end = range.end.max(next.end);
        }
        touches
    });
    found
}

/// Keeps this process's memory out of core dumps, and out of the reach of other processes of the same user
/// (P10). Children get their own. Where the system refuses, nothing is lost but this.
pub fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_token_is_found_by_its_parts_and_by_16_characters_of_them_until_it_is_dropped() {
        let token =
            Secret::new("eyJwaXQtb25lLXR3by10aHJlZS1mb3Vy.QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo.c2hvcnQ");
        token.hide();
        token.hide();
        let found =
            |text: &str| hidden_ranges(text).into_iter().map(|r| text[r].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("a REVGR0hJSktMTU5P b"), ["REVGR0hJSktMTU5P"]);
        assert_eq!(found("a REVGR0hJSktMTU5 b"), Vec::<String>::new());
        assert_eq!(found(&format!("é{}é", token.expose())), [token.expose()]);
        assert_eq!(found("xQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoy"), ["QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo"]);
        drop(token);
        assert!(found("a REVGR0hJSktMTU5P b").is_empty());
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("eyJhbGciOi")), "Secret(redacted)");
    }
}
