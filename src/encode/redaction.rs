//! Values that must not go out, masked or hashed in the event's text before anything else sees it.
//!
//! All other bytes of the event stay as they are, so that every shape and format follows. A masked value is
//! also replaced where it stands elsewhere in the event, alone or within a longer text: the uuid of a user, for
//! example, is in two places of an audit event.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use ring::hmac;

use super::EventContext;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::facts::{EventFacts, JsonText, Lookup, LookupBuffer, spans_where};
use crate::suggest::suggest;

/// What stands in the place of a masked value.
const MASKED: &str = "[masked]";

/// Text of at least so many characters is replaced elsewhere in the event too; shorter ones are words.
const TELLING: usize = 6;

/// The shortest key in bytes that makes guessing useless.
const SHORTEST_KEY: usize = 16;

/// Where a person can stand in an event.
const USERS: [&str; 5] = ["target_user", "user", "actor_details", "object_details", "aux_details"];

/// Top-level names that a member alone can have as well.
const NAMES: [&str; 4] = ["name", "email", "ip", "ip_address"];

/// Which values do not go out.
#[derive(Debug, Default)]
pub struct Redaction {
    rules: Vec<RedactionRule>,
    key: Option<hmac::Key>,
    lookup: Option<Lookup>,
}

#[derive(Clone, Debug)]
struct RedactionRule {
    field: FieldPattern,
    is_hash: bool,
    text: String,
}

/// Which members a field means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FieldPattern {
    /// The member at this path.
    Path(Vec<String>),
    /// Every member of this name.
    Name(String),
    /// This member of everybody whom an event names.
    OfUsers(String),
}

/// What a run keeps to redact its events.
#[derive(Debug, Default)]
pub struct RedactionBuffer {
    lookup: LookupBuffer,
    redacted: Vec<u8>,
}

/// How a value is replaced; where several fields mean it, the mask counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replacement {
    Mask,
    Hash,
}

impl Redaction {
    /// Reads the fields; `key` is what hashes are keyed with.
    ///
    /// # Errors
    /// Fails with `Usage` on a field that cannot be one, and with `Config` on a key that is too short.
    pub fn compile(mask: &[String], hash: &[String], key: Option<&[u8]>) -> Result<Redaction> {
        let rule = |(text, is_hash): (&String, bool)| {
            Ok(RedactionRule { field: FieldPattern::parse(text)?, is_hash, text: text.clone() })
        };
        let typed = mask.iter().map(|text| (text, false)).chain(hash.iter().map(|text| (text, true)));
        let rules = typed.map(rule).collect::<Result<Vec<_>>>()?;
        let needs_facts = rules.iter().any(|rule| rule.field == FieldPattern::OfUsers("uuid".into()));
        if key.is_some_and(|key| key.len() < SHORTEST_KEY) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the key of --hash-key-file is shorter than {SHORTEST_KEY} bytes"),
            )
            .hint("make one: head -c 32 /dev/urandom | base64 > hash.key && chmod 600 hash.key"));
        }
        Ok(Redaction {
            rules,
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)),
            lookup: needs_facts.then(Lookup::for_facts),
        })
    }

    /// Whether everything goes out.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What is redacted, for a saved position; of the key only what tells two keys apart.
    pub fn describe(&self) -> String {
        let rule =
            |rule: &RedactionRule| format!("{} {}", if rule.is_hash { "hash" } else { "mask" }, rule.text);
        let mut parts: Vec<String> = self.rules.iter().map(rule).collect();
        if let Some(key) = self.key.as_ref().filter(|_| self.rules.iter().any(|rule| rule.is_hash)) {
            let tag = hmac::sign(key, b"opev: which key");
            parts.push(format!("key {}", hex(&tag.as_ref()[..4])));
        }
        parts.join(", ")
    }

    /// Notices about fields that no documented event has: perhaps a slip, which would let the value out.
    pub fn warnings(&self) -> Vec<String> {
        let known: Vec<&str> = Lookup::fact_paths().chain(OTHER_PATHS).collect();
        let is_known =
            |name: &str| known.iter().any(|path| *path == name || path.split('.').any(|part| part == name));
        let unknown = self.rules.iter().filter(|rule| match &rule.field {
            FieldPattern::Path(path) => {
                let path = path.join(".");
                !known.iter().any(|known| *known == path || known.starts_with(&format!("{path}.")))
            }
            FieldPattern::Name(name) => !is_known(name),
            FieldPattern::OfUsers(_) => false,
        });
        let warning = |rule: &RedactionRule| {
            let flag = if rule.is_hash { "--hash" } else { "--mask" };
            let near = suggest(&rule.text, known.iter().copied().chain(NAMES));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!(
                "{flag} {}: no documented event has such a field{near}",
                crate::sanitize::message(&rule.text)
            )
        };
        unknown.map(warning).collect()
    }

    /// The event with its values redacted; as it is where it has none of them.
    pub fn apply<'e>(&self, event: Event<'e>, buffer: &'e mut RedactionBuffer) -> Event<'e> {
        let replaced = self.replacements(&event, &mut buffer.lookup);
        if replaced.is_empty() {
            return event;
        }
        buffer.redacted.clear();
        let mut from = 0;
        for (span, replacement) in &replaced {
            buffer.redacted.extend_from_slice(&event.raw[from..span.start]);
            self.write(*replacement, JsonText::new(&event.raw[span.clone()]), &mut buffer.redacted);
            from = span.end;
        }
        buffer.redacted.extend_from_slice(&event.raw[from..]);
        let is_kept = |name: &str| self.rule_for(&[name.into()], false).is_none();
        Event {
            stream: event.stream,
            raw: &buffer.redacted,
            uuid: None,
            time: event.time.filter(|_| is_kept("timestamp")),
        }
    }

    /// The context with what it repeats of an event redacted like there.
    pub fn apply_to_context(&self, mut context: EventContext) -> EventContext {
        if let (Some(replacement), Some(account)) =
            (self.rule_for(&["account_uuid".into()], false), &context.account_uuid)
        {
            context.account_uuid = Some(self.replaced(replacement, account));
        }
        // Known names would say what the events do not any more.
        if self.rules.iter().any(|rule| rule.field.means_names()) {
            context.names = Default::default();
        }
        context
    }

    fn replacements(&self, event: &Event<'_>, lookup: &mut LookupBuffer) -> Vec<(Range<usize>, Replacement)> {
        let people = self.people(event, lookup);
        let mut replaced = Vec::new();
        spans_where(event.raw, |path, value| {
            let is_person = path.len() == 1 && people.contains(&&*path[0]);
            let replacement = self.rule_for(path, is_person).or_else(|| self.rule_within(path, value));
            let is_taken = replacement.is_some() && value != b"null";
            if is_taken {
                replaced.extend(replacement);
            }
            is_taken
        })
        .into_iter()
        .zip(replaced)
        .collect::<Vec<_>>()
        .spread(event.raw)
    }

    /// The top-level uuids that are a person's in this event.
    fn people(&self, event: &Event<'_>, buffer: &mut LookupBuffer) -> Vec<&'static str> {
        let Some(lookup) = self.lookup.as_ref().filter(|_| event.stream == Stream::AuditEvents) else {
            return Vec::new();
        };
        let facts = EventFacts::new(event.stream, lookup.find(event.raw, buffer));
        let object = facts.object_user().map(|_| "object_uuid");
        let other = facts.other_user().map(|_| "aux_uuid");
        [Some("actor_uuid"), object, other].into_iter().flatten().collect()
    }

    /// What is to be done with the value at a path; `is_person` says that it is a person's uuid.
    fn rule_for(&self, path: &[Cow<'_, str>], is_person: bool) -> Option<Replacement> {
        let means = |rule: &&RedactionRule| match &rule.field {
            FieldPattern::Path(wanted) => {
                wanted.len() == path.len() && wanted.iter().zip(path).all(|(a, b)| a == b)
            }
            FieldPattern::Name(name) => path.last().is_some_and(|last| last == name),
            FieldPattern::OfUsers(member) => match path {
                [object, last] => last == member && USERS.contains(&&**object),
                [_] => is_person && member == "uuid",
                _ => false,
            },
        };
        strongest(self.rules.iter().filter(means))
    }

    /// The same for a text that stands where an object is expected, or that holds one.
    fn rule_within(&self, path: &[Cow<'_, str>], value: &[u8]) -> Option<Replacement> {
        if value.first() != Some(&b'"') {
            return None;
        }
        let text = JsonText::new(value).text();
        let holds =
            |name: &str| text.trim_start().starts_with(['{', '[']) && text.contains(&format!("\"{name}\""));
        let means = |rule: &&RedactionRule| match &rule.field {
            FieldPattern::Path(wanted) => {
                wanted.len() > path.len() && wanted.iter().zip(path).all(|(a, b)| a == b)
            }
            FieldPattern::Name(name) => holds(name),
            FieldPattern::OfUsers(member) => match path {
                [object] => USERS.contains(&&**object) || holds(member),
                _ => holds(member),
            },
        };
        strongest(self.rules.iter().filter(means))
    }

    fn write(&self, replacement: Replacement, value: JsonText<'_>, out: &mut Vec<u8>) {
        let text = self.replaced(replacement, &value.text());
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }

    fn replaced(&self, replacement: Replacement, text: &str) -> String {
        match (replacement, &self.key) {
            (Replacement::Hash, Some(key)) => hex(hmac::sign(key, text.as_bytes()).as_ref()),
            (Replacement::Hash, None) | (Replacement::Mask, _) => MASKED.to_owned(),
        }
    }
}

/// Documented fields that facts are not made of.
const OTHER_PATHS: [&str; 10] = [
    "uuid",
    "timestamp",
    "aux_id",
    "used_version",
    "details",
    "value",
    "client",
    "location",
    "session",
    "session.login_time",
];

/// Replaces values where they stand elsewhere in the same event.
trait Spread {
    fn spread(self, raw: &[u8]) -> Self;
}

impl Spread for Vec<(Range<usize>, Replacement)> {
    fn spread(mut self, raw: &[u8]) -> Self {
        let mut texts: Vec<(String, Replacement)> = Vec::new();
        for (span, replacement) in &self {
            let mut add = |text: String| texts.push((text, *replacement));
            let value = &raw[span.clone()];
            strings(value).into_iter().for_each(|text| {
                // A text that holds an object tells what is in it.
                if text.trim_start().starts_with(['{', '[']) {
                    strings(text.as_bytes()).into_iter().for_each(&mut add);
                }
                add(text);
            });
        }
        texts.retain(|(text, _)| text.chars().count() >= TELLING);
        if texts.is_empty() {
            return self;
        }
        let known: Vec<Range<usize>> = self.iter().map(|(span, _)| span.clone()).collect();
        let mut replaced = Vec::new();
        let spans = spans_where(raw, |_, value| {
            if value.first() != Some(&b'"') {
                return false;
            }
            let text = JsonText::new(value).text();
            let found = texts.iter().filter(|(known, _)| text.contains(known.as_str()));
            let found = found
                .map(|(_, replacement)| *replacement)
                .reduce(|a, b| if a == Replacement::Mask { a } else { b });
            replaced.extend(found);
            found.is_some()
        });
        let is_new =
            |span: &Range<usize>| !known.iter().any(|known| known.start < span.end && span.start < known.end);
        self.extend(spans.into_iter().zip(replaced).filter(|(span, _)| is_new(span)));
        self.sort_by_key(|(span, _)| span.start);
        self
    }
}

/// Every string of a JSON text, its keys left out.
fn strings(json: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    spans_where(json, |_, value| {
        if value.first() == Some(&b'"') {
            texts.push(JsonText::new(value).text().into_owned());
        }
        false
    });
    texts
}

impl FieldPattern {
    fn means_names(&self) -> bool {
        match self {
            FieldPattern::Path(path) => path.last().is_some_and(|last| last == "name"),
            FieldPattern::Name(name) | FieldPattern::OfUsers(name) => name == "name",
        }
    }

    fn parse(text: &str) -> Result<FieldPattern> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if parts.iter().any(|part| part.is_empty() || part.chars().any(char::is_whitespace)) {
            let message = format!("{} cannot be a field", crate::sanitize::message(text));
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("write a path as target_user.email, a name as email, or users.email"));
        }
        Ok(match &parts[..] {
            [name] => FieldPattern::Name(name.clone()),
            [users, member] if users == "users" => {
                if !["uuid", "name", "email"].contains(&&**member) {
                    let message = format!("users.{} cannot be a field", crate::sanitize::message(member));
                    return Err(Error::new(ErrorKind::Usage, message)
                        .hint("write users.uuid, users.name or users.email"));
                }
                FieldPattern::OfUsers(member.clone())
            }
            _ => FieldPattern::Path(parts),
        })
    }
}

fn strongest<'r>(rules: impl Iterator<Item = &'r RedactionRule>) -> Option<Replacement> {
    let replacement = |rule: &RedactionRule| if rule.is_hash { Replacement::Hash } else { Replacement::Mask };
    rules.map(replacement).reduce(|a, b| if a == Replacement::Mask { a } else { b })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
