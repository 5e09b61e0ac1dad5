//! What an event says: look-ups in its raw text, and what they mean. Usable by every part.
//!
//! [`Lookup`] finds places by path; [`EventFacts`] knows what they mean in each stream and version: who
//! acted, on whom and what, from where, with which outcome; [`words`] says it in plain English. Every field
//! may be missing, null or of another type: nothing breaks then, and nothing is invented. Pure: no I/O, no
//! clock; nothing here knows how it is shown.

mod event;
mod field;
mod found;
mod gaps;
mod json;
mod lookup;
mod members;
mod names;
mod path;
mod phrase;
mod user;
mod walk;
pub mod words;

pub use event::{ClientFacts, Emphasis, EventFacts, LocationFacts, SignInOutcome, Target};
pub use field::Field;
pub use found::FoundFields;
pub use json::{JsonMembers, JsonText, is_plain_ascii, text_of, unescape};
pub use lookup::{Lookup, LookupBuffer};
pub use members::{EventMembers, MemberBuffer, MemberKey, MemberPath, MemberValue, UnusedValue};
pub use names::{KnownName, NameKind, Names};
pub use phrase::WordStyle;
pub use user::UserFacts;
pub use walk::spans_where;
