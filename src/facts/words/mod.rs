//! Codes in plain words: audit events by action and object type, item actions, sign-ins by category and
//! type. Data and its look-up; [`EventFacts::write_what`](super::EventFacts::write_what) makes sentences.

mod audit;
mod codes;

use self::audit::AUDIT;
use self::codes::{ITEM_ACTIONS, SIGN_IN_CATEGORIES, SIGN_IN_TYPES};
use super::gaps::without_gaps;
use crate::event::Stream;

/// What something is that an event names by its uuid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityRole {
    /// It is not known what it is.
    Unnamed,
    /// The account itself.
    Account,
    /// A user.
    Person,
    /// A group.
    Group,
    /// A vault.
    Vault,
    /// An item.
    Item,
    /// A device.
    Device,
    /// A session.
    Session,
    /// A session that another one started.
    Delegated,
    /// A file.
    File,
    /// A report.
    Report,
    /// A payment card.
    Card,
    /// Another way of payment.
    PaymentMethod,
    /// A subscription.
    Subscription,
    /// An integration.
    Integration,
    /// A copy of an item that was sent.
    Package,
}

impl EntityRole {
    /// What it is called before its uuid.
    pub fn noun(self) -> &'static str {
        match self {
            EntityRole::Unnamed => "",
            EntityRole::Account => "account",
            EntityRole::Person => "user",
            EntityRole::Group => "group",
            EntityRole::Vault => "vault",
            EntityRole::Item => "item",
            EntityRole::Device => "device",
            EntityRole::Session => "session",
            EntityRole::Delegated => "delegated session",
            EntityRole::File => "file",
            EntityRole::Report => "report",
            EntityRole::Card => "payment card",
            EntityRole::PaymentMethod => "payment method",
            EntityRole::Subscription => "subscription",
            EntityRole::Integration => "integration",
            EntityRole::Package => "package",
        }
    }

    /// How it is called when the event does not say which one.
    pub(super) fn any(self) -> &'static str {
        match self {
            EntityRole::Unnamed => "something",
            EntityRole::Account => "the account",
            EntityRole::Person => "a user",
            EntityRole::Group => "a group",
            EntityRole::Vault => "a vault",
            EntityRole::Item => "an item",
            EntityRole::Device => "a device",
            EntityRole::Session => "a session",
            EntityRole::Delegated => "a delegated session",
            EntityRole::File => "a file",
            EntityRole::Report => "a report",
            EntityRole::Card => "a payment card",
            EntityRole::PaymentMethod => "a payment method",
            EntityRole::Subscription => "a subscription",
            EntityRole::Integration => "an integration",
            EntityRole::Package => "a package",
        }
    }
}

/// What a pair of audit action and object type means.
#[derive(Debug)]
pub struct AuditWords {
    object_type: &'static str,
    action: &'static str,
    /// What `object_uuid` names.
    pub(super) object: EntityRole,
    /// What `aux_uuid` names.
    pub(super) other: EntityRole,
    /// The sentence, with its gaps.
    pub(super) text: &'static str,
    /// The sentence when the actor is the user that it is about.
    pub(super) own: Option<&'static str>,
    is_inferred: bool,
}

impl AuditWords {
    const fn new(
        object_type: &'static str,
        action: &'static str,
        object: EntityRole,
        other: EntityRole,
        text: &'static str,
    ) -> Self {
        AuditWords { object_type, action, object, other, text, own: None, is_inferred: false }
    }

    const fn own(mut self, text: &'static str) -> Self {
        self.own = Some(text);
        self
    }

    const fn inferred(mut self) -> Self {
        self.is_inferred = true;
        self
    }

    /// The words of a pair, where it is known.
    pub(super) fn of(object_type: &str, action: &str) -> Option<&'static AuditWords> {
        let index =
            AUDIT.binary_search_by(|words| (words.object_type, words.action).cmp(&(object_type, action)));
        index.ok().map(|index| &AUDIT[index])
    }

    /// Whether its `aux_info` is a number of items.
    pub(super) fn counts(&self) -> bool {
        self.text.contains("{count}")
    }
}

/// A code with its words, from one of the tables below.
type CodeWords = (&'static str, &'static str);

fn find(table: &[CodeWords], code: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

/// The sentence of an item action, with a gap for the item.
pub(super) fn item_action(code: &str) -> Option<&'static str> {
    find(ITEM_ACTIONS, code)
}

/// The words of a sign-in's category.
pub(super) fn sign_in_category(code: &str) -> Option<&'static str> {
    find(SIGN_IN_CATEGORIES, code)
}

/// The words of a sign-in's type.
pub(super) fn sign_in_type(code: &str) -> Option<&'static str> {
    find(SIGN_IN_TYPES, code)
}

/// One line of [`table`]: a code where it stands, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsRow {
    /// The stream.
    pub stream: Stream,
    /// The field: `action`, `category` or `type`.
    pub field: &'static str,
    /// The field's value.
    pub code: &'static str,
    /// The `object_type` that goes with an audit action; empty elsewhere.
    pub object_type: &'static str,
    /// What it means.
    pub words: String,
    /// Whether nobody has said so officially.
    pub is_inferred: bool,
}

/// Every code that is known, with its words.
pub fn table() -> Vec<WordsRow> {
    let plain = |stream, field| {
        move |(code, words): &CodeWords| {
            let words = without_gaps(words, EntityRole::Item.any(), EntityRole::Vault.any());
            WordsRow { stream, field, code, object_type: "", words, is_inferred: false }
        }
    };
    let audit = AUDIT.iter().map(|words| WordsRow {
        stream: Stream::AuditEvents,
        field: "action",
        code: words.action,
        object_type: words.object_type,
        words: without_gaps(words.text, words.object.any(), words.other.any()),
        is_inferred: words.is_inferred,
    });
    let categories = SIGN_IN_CATEGORIES.iter().map(plain(Stream::SignInAttempts, "category"));
    let types = SIGN_IN_TYPES.iter().map(plain(Stream::SignInAttempts, "type"));
    let items = ITEM_ACTIONS.iter().map(plain(Stream::ItemUsages, "action"));
    categories.chain(types).chain(items).chain(audit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_can_be_found_and_stands_once() {
        assert_eq!(AUDIT.len(), 136);
        for pair in AUDIT.windows(2) {
            let key = |words: &AuditWords| (words.object_type, words.action);
            assert!(key(&pair[0]) < key(&pair[1]), "{:?}", key(&pair[1]));
        }
        for words in AUDIT {
            assert!(std::ptr::eq(AuditWords::of(words.object_type, words.action).unwrap(), words));
        }
        assert!(AuditWords::of("user", "nonsense").is_none());
    }

    #[test]
    fn every_text_is_whole_and_names_what_it_has_a_role_for() {
        for words in AUDIT {
            for text in [Some(words.text), words.own].into_iter().flatten() {
                assert_eq!(text.matches('[').count(), text.matches(']').count(), "{text}");
                let gaps = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
                for gap in gaps {
                    assert!(["object", "other", "info", "role", "count"].contains(&gap), "{text}");
                }
            }
            let is_named = words.object != EntityRole::Unnamed && words.object != EntityRole::Account;
            let has_other = words.other != EntityRole::Unnamed;
            assert_eq!(words.text.contains("{object}"), is_named, "{words:?}");
            assert_eq!(words.text.contains("{other}"), has_other, "{words:?}");
        }
    }

    #[test]
    fn the_table_can_be_read_by_people() {
        let table = table();
        assert!(table.iter().all(|row| !row.words.contains(['{', '[', ']', '}']) && !row.words.is_empty()));
        let words = |object_type: &str, code: &str| {
            let row = table.iter().find(|row| row.object_type == object_type && row.code == code);
            row.unwrap().words.clone()
        };
        assert_eq!(words("gva", "grant"), "gave access to a vault to a group");
        assert_eq!(words("", "reveal"), "revealed an item in a vault");
        assert_eq!(words("items", "patch"), "added or changed in a vault: items");
        assert_eq!(words("", "totp_bad"), "wrong one-time code");
    }
}
