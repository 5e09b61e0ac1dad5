//! Which events: filters by person, address, place, action, object, session, outcome and text.
//!
//! [`FilterTerms`] is what was typed, [`Filter`] what it means. Values of one field are alternatives, fields
//! must all agree, and a negated value must not match. What an event says is asked of `facts`, and only what a
//! field needs is decoded; `--jq` runs after all of them ([`jq`]). Pure: no I/O, no clock; nothing here knows a
//! command line or an output.

mod action;
mod country;
mod jq;
mod jq_texts;
mod needed;
mod network;
mod pattern;
mod raw_condition;
mod terms;
mod uuids;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use regex_lite::Regex;

use self::action::ActionTest;
use self::country::CountryTest;
use self::network::Network;
use self::pattern::TextPattern;
use self::terms::{TypedValue, values};
use crate::error::Result;
use crate::event::{Event, Stream};
use crate::facts::words::EntityRole;
use crate::facts::{EventFacts, Lookup, NameKind, SignInOutcome, UserFacts, unescape};

pub use crate::facts::{LookupBuffer, Names};
pub use action::{find_words, nearest_code};
pub use country::{countries, country_name};
pub use jq::{JqFilter, JqOutcome, JqValues};
pub use needed::NeededValue;
pub use pattern::any_glob;
pub use raw_condition::{GlobPlace, RawCondition, RawNetwork, RawTest, TextGlob};
pub use terms::{FilterField, FilterTerms};
pub use uuids::WantedUuids;

/// Which events are wanted. The default one wants all of them.
#[derive(Debug)]
pub struct Filter {
    lookup: Lookup,
    fields: Vec<(FilterField, Alternatives<ValueTest>)>,
    grep: Alternatives<Regex>,
    jq: Option<JqFilter>,
    uuids: Option<Arc<WantedUuids>>,
    no_sessions: bool,
    failed: bool,
    succeeded: bool,
    text: String,
    warnings: Vec<String>,
}

/// Values of one field: one of the wanted ones, where there are any, and none of the others.
#[derive(Debug)]
struct Alternatives<T> {
    wanted: Vec<T>,
    unwanted: Vec<T>,
}

/// One value, read.
#[derive(Clone, Debug)]
enum ValueTest {
    Text(TextPattern),
    Network(Network),
    Country(CountryTest),
    Action(ActionTest),
}

impl<T> Default for Alternatives<T> {
    fn default() -> Self {
        Alternatives { wanted: Vec::new(), unwanted: Vec::new() }
    }
}

impl<T> Alternatives<T> {
    fn add(&mut self, value: T, is_negated: bool) {
        if is_negated { self.unwanted.push(value) } else { self.wanted.push(value) }
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    fn agree(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&matches)) && !self.unwanted.iter().any(matches)
    }
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            lookup: Lookup::for_facts(),
            fields: Vec::new(),
            grep: Alternatives::default(),
            jq: None,
            uuids: None,
            no_sessions: false,
            failed: false,
            succeeded: false,
            text: String::new(),
            warnings: Vec::new(),
        }
    }
}

impl Filter {
    /// Reads what was typed.
    ///
    /// # Errors
    /// Fails with `Usage` for a value that cannot be read; the message names flag, place and value.
    pub fn compile(terms: &FilterTerms) -> Result<Filter> {
        Filter::compile_with_names(terms, &Names::default())
    }

    /// The same, in which items, vaults, groups and users can also be called by their names.
    ///
    /// # Errors
    /// As [`Filter::compile`].
    pub fn compile_with_names(terms: &FilterTerms, names: &Names) -> Result<Filter> {
        let FilterTerms { no_sessions, failed, succeeded, .. } = *terms;
        let mut filter = Filter { no_sessions, failed, succeeded, ..Filter::default() };
        let mut told = Vec::new();
        for (field, typed) in terms.values.iter().filter(|(_, typed)| !typed.is_empty()) {
            let mut tests = Alternatives::default();
            let mut spelled = Vec::new();
            for value in values(*field, typed)? {
                let name = if *field == FilterField::Grep {
                    filter.grep.add(regex(&value)?, value.is_negated);
                    value.text.to_owned()
                } else {
                    let test = read(*field, &value, names, &mut filter.warnings)?;
                    let name = test.name(*field, value.text);
                    tests.add(test, value.is_negated);
                    name
                };
                spelled.push(format!("{}{}", if value.is_negated { "!" } else { "" }, quoted(&name)));
            }
            if !tests.is_empty() {
                filter.fields.push((*field, tests));
            }
            spelled.sort();
            spelled.dedup();
            told.push(format!("--{} {}", field.name(), spelled.join(",")));
        }
        let is_place = |field: &FilterField| matches!(field, FilterField::Ip | FilterField::Country);
        if filter.fields.iter().all(|(field, _)| is_place(field)) && !(no_sessions || failed || succeeded) {
            filter.lookup = Lookup::for_places();
        }
        told.sort();
        let switches = [(no_sessions, "no-sessions"), (failed, "failed"), (succeeded, "succeeded")];
        told.extend(switches.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| format!("--{name}")));
        if let Some(code) = &terms.jq {
            filter.jq = Some(JqFilter::compile(code)?);
            told.push(format!("--jq {code:?}"));
        }
        if let Some(uuids) = &terms.uuids {
            filter.uuids = Some(Arc::clone(uuids));
            told.push(format!("uuid {}", uuids.iter().collect::<Vec<_>>().join(",")));
        }
        filter.text = told.join(" ");
        Ok(filter)
    }

    /// Whether every event is wanted.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What it wants, as text: the same for all spellings of one filter; empty where every event is wanted.
    pub fn describe(&self) -> &str {
        &self.text
    }

    /// What in it may be a slip, for people.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The filter in jq's language, which is asked after [`Filter::wants`].
    pub fn jq(&self) -> Option<&JqFilter> {
        self.jq.as_ref()
    }

    /// Whether the event is wanted, as far as this does not depend on [`Filter::jq`].
    pub fn wants(&self, event: &Event<'_>, buffer: &mut LookupBuffer) -> bool {
        if (self.failed || self.succeeded) && event.stream != Stream::SignInAttempts {
            return false;
        }
        if self.uuids.as_ref().is_some_and(|uuids| !uuids.has(event)) {
            return false;
        }
        if self.reads_facts() {
            let facts = EventFacts::new(event.stream, self.lookup.find(event.raw, buffer));
            if !self.agrees_with(&facts) {
                return false;
            }
        }
        self.greps(event)
    }

    /// The same for an event whose facts are known already; looks neither at uuids nor at [`Filter::jq`].
    pub fn wants_facts(&self, event: &Event<'_>, facts: &EventFacts<'_, '_>) -> bool {
        self.agrees_with(facts) && self.greps(event)
    }

    fn agrees_with(&self, facts: &EventFacts<'_, '_>) -> bool {
        self.has_outcome(facts)
            && !(self.no_sessions && facts.is_session_traffic())
            && self.fields.iter().all(|(field, tests)| tests.agree(|test| test.matches(*field, facts)))
    }

    fn greps(&self, event: &Event<'_>) -> bool {
        if self.grep.is_empty() {
            return true;
        }
        let text = unescape(event.raw);
        self.grep.agree(|regex| regex.is_match(&text))
    }

    fn reads_facts(&self) -> bool {
        self.no_sessions || self.failed || self.succeeded || !self.fields.is_empty()
    }

    fn has_outcome(&self, facts: &EventFacts<'_, '_>) -> bool {
        if !self.failed && !self.succeeded {
            return true;
        }
        match facts.outcome() {
            Some(SignInOutcome::Failed) => self.failed,
            Some(SignInOutcome::Succeeded | SignInOutcome::Reported) => self.succeeded,
            None => false,
        }
    }
}

impl ValueTest {
    /// The value as it is told: one text for all spellings of it.
    fn name(&self, field: FilterField, typed: &str) -> String {
        use FilterField::{Action, Actor, App, Target, User};
        match self {
            ValueTest::Network(network) => network.to_string(),
            ValueTest::Country(country) => country.code().to_owned(),
            ValueTest::Action(_) => typed.to_lowercase(),
            ValueTest::Text(text) if matches!(field, User | Actor | Target | App | Action) => {
                text.folded().to_owned()
            }
            ValueTest::Text(text) => text.typed().to_owned(),
        }
    }

    /// Whether an event is wanted for what it says of its place: an address or a country.
    fn is_at_place(&self, text: &str) -> bool {
        match self {
            ValueTest::Network(network) => network.contains(text),
            ValueTest::Country(country) => country.matches(text),
            ValueTest::Text(_) | ValueTest::Action(_) => false,
        }
    }

    fn matches(&self, field: FilterField, facts: &EventFacts<'_, '_>) -> bool {
        match self {
            ValueTest::Network(_) => facts.addresses().any(|address| self.is_at_place(&address)),
            ValueTest::Country(_) => facts.countries().any(|name| self.is_at_place(&name)),
            ValueTest::Action(action) => action.matches(facts),
            ValueTest::Text(text) => matches_text(field, text, facts),
        }
    }
}

fn matches_text(field: FilterField, text: &TextPattern, facts: &EventFacts<'_, '_>) -> bool {
    match field {
        FilterField::User => {
            is_person(text, facts.actor())
                || facts.object_user().is_some_and(|user| is_person(text, user))
                || facts.other_user().is_some_and(|user| is_person(text, user))
                // A uuid is nobody else's, whatever its role is here.
                || facts.targets().any(|target| {
                    (!text.is_glob() && text.is(&target.uuid)) || text.is_named(&target.uuid)
                })
        }
        FilterField::Actor => is_person(text, facts.actor()),
        FilterField::Object => {
            text.is(&facts.object_type()) || (!text.is_glob() && text.is_exactly(&facts.object_uuid()))
        }
        FilterField::Item => text.is_uuid(&facts.item_uuid()) || is_concerned(text, EntityRole::Item, facts),
        FilterField::Vault => {
            text.is_uuid(&facts.vault_uuid()) || is_concerned(text, EntityRole::Vault, facts)
        }
        FilterField::Group => is_concerned(text, EntityRole::Group, facts),
        FilterField::Device => {
            text.is_exactly(&facts.session_device_uuid())
                || is_concerned(text, EntityRole::Device, facts)
                || text.names(&facts.platform_name())
        }
        FilterField::App => text.names(&facts.app_name()),
        FilterField::Session => text.is_exactly(&facts.session_uuid()),
        FilterField::Target => {
            facts.target_user().is_some_and(|user| is_person(text, user)) || text.is(&facts.invited())
        }
        FilterField::TargetKind => facts.target_user().is_some_and(|user| text.is(&user.kind())),
        FilterField::Info => text.is(&facts.info()),
        // These have tests of their own.
        FilterField::Ip | FilterField::Country | FilterField::Action | FilterField::Grep => false,
    }
}

/// Whether an audit event concerns something of this role; a uuid counts also where its role is not known.
fn is_concerned(text: &TextPattern, role: EntityRole, facts: &EventFacts<'_, '_>) -> bool {
    facts.targets().any(|target| {
        let may_be = target.role == role || (target.role == EntityRole::Unnamed && !text.is_glob());
        (may_be && text.is_exactly(&target.uuid)) || text.is_named(&target.uuid)
    })
}

fn is_person(text: &TextPattern, user: UserFacts<'_, '_>) -> bool {
    text.is(&user.email()) || text.is(&user.uuid()) || text.names(&user.name()) || text.is_named(&user.uuid())
}

fn read(
    field: FilterField,
    value: &TypedValue<'_>,
    names: &Names,
    warnings: &mut Vec<String>,
) -> Result<ValueTest> {
    let text = value.text;
    match field {
        FilterField::Ip => Network::parse(text).map(ValueTest::Network).map_err(|why| {
            value.refused(&why, "write an address, or a network as 192.0.2.0/24 or 2001:db8::/32")
        }),
        FilterField::Country => CountryTest::parse(text)
            .map(ValueTest::Country)
            .map_err(|why| value.refused(&why, "write a code of two letters, or the English name")),
        FilterField::Action => ActionTest::parse(text, warnings)
            .map(ValueTest::Action)
            .map_err(|why| value.refused(&why, "write a code, as events have it, or words that tables show")),
        _ => Ok(ValueTest::Text(match named_kind(field) {
            Some(kind) => {
                let pattern = TextPattern::new(text).with_names(kind, names);
                // Users are called by the names in events as well.
                if kind != NameKind::User && pattern.is_unknown_name() {
                    let hint = match names.is_empty() {
                        true => "import names with `opev names import`",
                        false => "`opev names list` shows those that are",
                    };
                    let (flag, noun) = (field.name(), kind.noun());
                    warnings.push(format!("--{flag} {text}: no {noun} of this name is known; {hint}"));
                }
                pattern
            }
            None => TextPattern::new(text),
        })),
    }
}

/// What the values of a field name, where these have names.
fn named_kind(field: FilterField) -> Option<NameKind> {
    match field {
        FilterField::User | FilterField::Actor | FilterField::Target => Some(NameKind::User),
        FilterField::Item => Some(NameKind::Item),
        FilterField::Vault => Some(NameKind::Vault),
        FilterField::Group => Some(NameKind::Group),
        _ => None,
    }
}

fn regex(value: &TypedValue<'_>) -> Result<Regex> {
    Regex::new(value.text).map_err(|e| {
        value.refused(
            &format!("not a regular expression: {e}"),
            "put a backslash before . * + ? ( ) [ ] { } | ^ $ to mean the character itself",
        )
    })
}

/// A value that can be told from what stands around it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._-*:/+'".contains(c);
    if value.chars().all(is_plain) { value.to_owned() } else { format!("{value:?}") }
}
