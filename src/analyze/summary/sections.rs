//! What the whole summary counts: a row a section, with its columns.

use std::borrow::Cow;

use crate::analyze::counter::Seen;
use crate::analyze::report::{Column, Value};

/// How many values a row of these sections is counted by at most.
pub(super) const MOST_VALUES: usize = 5;

/// What a column of a counted section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    Person,
    Uuid,
    /// An action, whose words need the object type in the next column.
    Deed,
    /// For programs only.
    Hidden,
    /// A code with words of its own.
    Code,
}

/// A section of rows that are counted.
#[derive(Debug)]
pub(super) struct CountedRow {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) values: &'static [(&'static str, ValueKind)],
    /// Name and title of the least frequent rows, where they are of interest.
    pub(super) rare: Option<(&'static str, &'static str)>,
    /// Whether the last time is of interest.
    pub(super) has_last: bool,
}

/// Declares the counted sections, each with its row.
macro_rules! counted {
    ($($name:ident $row:tt)*) => {
        /// A section of rows that are counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Counted { $($name),* }

        impl Counted {
            pub(super) const ALL: &[Counted] = &[$(Counted::$name),*];

            pub(super) fn row(self) -> &'static CountedRow {
                match self { $(Counted::$name => const { &CountedRow $row }),* }
            }
        }
    };
}

use ValueKind::{Code, Deed, Hidden, Person, Text, Uuid};

counted! {
    SignIns {
        name: "sign_ins", title: "Sign-ins by outcome and reason",
        values: &[("outcome", Code), ("reason", Code)], rare: None, has_last: false,
    }
    FailedSignIns {
        name: "failed_sign_ins", title: "Failed sign-ins by user and address",
        values: &[("user", Person), ("ip", Text), ("country", Text)], rare: None, has_last: true,
    }
    Users {
        name: "users", title: "Most active users",
        values: &[("user", Person)], rare: Some(("rare_users", "Least active users")), has_last: true,
    }
    Countries {
        name: "countries", title: "Countries",
        values: &[("country", Text)], rare: Some(("rare_countries", "Rarest countries")), has_last: false,
    }
    Clients {
        name: "clients", title: "Apps",
        values: &[("client", Text)], rare: Some(("rare_clients", "Rarest apps")), has_last: false,
    }
    Actions {
        name: "actions", title: "Actions",
        values: &[("stream", Hidden), ("action", Deed), ("object_type", Hidden)],
        rare: Some(("rare_actions", "Rarest actions")), has_last: false,
    }
    Items {
        name: "items", title: "Items most used",
        values: &[("item_uuid", Uuid), ("vault_uuid", Uuid)], rare: None, has_last: true,
    }
    Vaults {
        name: "vaults", title: "Vaults most used",
        values: &[("vault_uuid", Uuid)], rare: None, has_last: true,
    }
    Exports {
        name: "exports_and_shares", title: "Exports and shares",
        values: &[
            ("stream", Hidden), ("action", Deed), ("object_type", Hidden), ("user", Person), ("object_uuid", Uuid),
        ],
        rare: None, has_last: true,
    }
    Changes {
        name: "changes", title: "Administrative changes",
        values: &[("stream", Hidden), ("action", Deed), ("object_type", Hidden), ("user", Person)],
        rare: None, has_last: true,
    }
}

impl CountedRow {
    /// The columns, with those of counts.
    pub(super) fn columns(&self, compares: bool) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for (key, kind) in self.values {
            columns.push(Column { is_hidden: *kind == Hidden, ..Column::new(key, *key != "ip") });
        }
        columns.push(Column::number("count"));
        if compares {
            columns.extend([Column::number("before"), Column::number("change")]);
        }
        if self.has_last {
            columns.push(Column::new("last", false));
        }
        columns
    }

    /// The cells of a row.
    pub(super) fn cells(&self, texts: &[Cow<'_, str>], seen: &Seen, compares: bool) -> Vec<Value> {
        let mut cells: Vec<Value> = Vec::new();
        for (index, (_, kind)) in self.values.iter().enumerate() {
            let text = texts[index].to_string();
            cells.push(match kind {
                _ if text.is_empty() => Value::Nothing,
                Text | Hidden => Value::Text(text),
                Person => Value::Person(text),
                Uuid => Value::Uuid(text),
                Code => Value::Code(text),
                Deed => {
                    let (stream, object_type) = (texts[index - 1].to_string(), texts[index + 1].to_string());
                    Value::Deed { stream, action: text, object_type }
                }
            });
        }
        cells.push(Value::Number(seen.count.now));
        if compares {
            cells.push(Value::Number(seen.count.before));
            cells.push(Value::Change(seen.count.now as i64 - seen.count.before as i64));
        }
        if self.has_last {
            cells.push(Value::time(seen.last));
        }
        cells
    }
}
