//! An event: its raw text, stream, uuid and time. Nothing else is parsed by default.
//!
//! Events stay the bytes that the service sent; this module has no JSON parser and does no I/O.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::suggest::suggest;

/// One of the three streams of the Events API; the order is the order of output at equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Who tried to sign in, from where, and whether it worked.
    SignInAttempts,
    /// Who used which item of a shared vault, and how.
    ItemUsages,
    /// What was changed in the account, by whom.
    AuditEvents,
}

impl Stream {
    /// Every stream, in output order.
    pub const ALL: [Stream; 3] = [Stream::SignInAttempts, Stream::ItemUsages, Stream::AuditEvents];

    /// The API's name: its path segment, the token's feature, and the name in all machine output.
    pub fn name(self) -> &'static str {
        match self {
            Stream::SignInAttempts => "signinattempts",
            Stream::ItemUsages => "itemusages",
            Stream::AuditEvents => "auditevents",
        }
    }

    /// Its name for people: in help, tables, completions and messages.
    pub fn word(self) -> &'static str {
        match self {
            Stream::SignInAttempts => "signin",
            Stream::ItemUsages => "items",
            Stream::AuditEvents => "audit",
        }
    }

    /// Other spellings that are accepted, lower-case and without separators.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Stream::SignInAttempts => &["signins", "signinattempt"],
            Stream::ItemUsages => &["item", "itemusage", "usage", "usages"],
            Stream::AuditEvents => &["audits", "auditevent"],
        }
    }

    /// Every spelling that is accepted: the word, the API's name, the others.
    fn spellings(self) -> impl Iterator<Item = &'static str> {
        [self.word(), self.name()].into_iter().chain(self.aliases().iter().copied())
    }
}

impl fmt::Display for Stream {
    /// Writes the word for people; machine output takes [`Stream::name`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that is not the name of a stream; its message suggests the nearest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStream(String);

impl fmt::Display for UnknownStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest = suggest(&self.0, Stream::ALL.into_iter().flat_map(Stream::spellings));
        match nearest.and_then(|word| word.parse::<Stream>().ok()) {
            Some(stream) => write!(f, "no such stream; did you mean {}?", stream.word()),
            None => write!(f, "no such stream; the streams are signin, items and audit"),
        }
    }
}

impl std::error::Error for UnknownStream {}

impl FromStr for Stream {
    type Err = UnknownStream;

    /// Reads a stream's name or alias, in any case, with or without `-` and `_`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word: String =
            text.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect();
        Stream::ALL
            .into_iter()
            .find(|stream| stream.spellings().any(|spelling| spelling == word))
            .ok_or(UnknownStream(word))
    }
}

/// An event, borrowed from the page it came in.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The stream it came from (from the endpoint, never guessed from its fields).
    pub stream: Stream,
    /// The item's JSON text as the service sent it; may hold line breaks between tokens and, rarely, a
    /// byte that is not UTF-8 inside a string.
    pub raw: &'a [u8],
    /// The text between the quotes of the top-level `uuid`, escapes unresolved, when it is a string.
    pub uuid: Option<&'a [u8]>,
    /// The top-level `timestamp`, when it is a string that is an RFC 3339 time. The client's clock wrote
    /// it: streams come in arrival order, and this is not monotonic.
    pub time: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_alias_is_read() {
        for (word, stream) in [
            ("signinattempts", Stream::SignInAttempts),
            ("signin", Stream::SignInAttempts),
            ("signins", Stream::SignInAttempts),
            ("sign-in", Stream::SignInAttempts),
            ("items", Stream::ItemUsages),
            ("itemUsage", Stream::ItemUsages),
            ("usages", Stream::ItemUsages),
            ("audit", Stream::AuditEvents),
            ("auditEvents", Stream::AuditEvents),
        ] {
            assert_eq!(word.parse(), Ok(stream), "{word}");
        }
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_name() {
        let error = "signinatempts".parse::<Stream>().unwrap_err();
        assert_eq!(error.to_string(), "no such stream; did you mean signin?");
        assert!("zzz".parse::<Stream>().unwrap_err().to_string().contains("the streams are"));
    }
}
