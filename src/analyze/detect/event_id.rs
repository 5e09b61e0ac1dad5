//! Uuids of events, held small: hits name their events, and there may be millions of candidates.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const INLINE: usize = 30;

/// The uuid of an event.
#[derive(Clone)]
pub(super) struct EventId(IdBytes);

#[derive(Clone)]
enum IdBytes {
    Short { len: u8, bytes: [u8; INLINE] },
    Long(Box<[u8]>),
}

impl EventId {
    /// Takes the text between the quotes, as it is spelled.
    pub(super) fn new(uuid: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..uuid.len()) {
            Some(place) => {
                place.copy_from_slice(uuid);
                // At most 30.
                EventId(IdBytes::Short { len: uuid.len() as u8, bytes })
            }
            None => EventId(IdBytes::Long(uuid.into())),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.0 {
            IdBytes::Short { len, bytes } => &bytes[..usize::from(*len)],
            IdBytes::Long(bytes) => bytes,
        }
    }

    /// The uuid as text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }
}

impl PartialEq for EventId {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for EventId {}

impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for EventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl Ord for EventId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(EventId::new(String::deserialize(deserializer)?.as_bytes()))
    }
}
