//! What happened, as a sentence: the object first, then whom it was given to, then counts.
//!
//! Roles come from the words of the pair, never from a field's position. A pair or code without words is
//! told by its codes. `aux_info` is told in addition, never instead.

use std::borrow::Cow;

use super::EventFacts;
use super::gaps::fill;
use super::user::{AUX_USER, OBJECT_USER, UserFacts};
use super::words::{AuditWords, EntityRole, item_action, sign_in_category, sign_in_type};
use crate::event::Stream;

/// How what happened is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WordStyle {
    /// In plain words.
    #[default]
    Words,
    /// In the service's codes.
    Codes,
}

impl EventFacts<'_, '_> {
    /// Appends what happened: `signed in`, `revealed item X in vault Y`, `gave access to vault V to Pat`.
    pub fn write_what(&self, style: WordStyle, out: &mut String) {
        match self.stream() {
            Stream::SignInAttempts => self.write_sign_in(style, out),
            Stream::ItemUsages => self.write_usage(style, out),
            Stream::AuditEvents => match self.audit_words().filter(|_| style == WordStyle::Words) {
                Some(words) => self.write_audit(words, out),
                None => self.write_codes(out),
            },
        }
    }

    /// Appends what was done to an item without the item, for where it has a place of its own.
    pub fn write_deed(&self, style: WordStyle, out: &mut String) {
        if self.stream() != Stream::ItemUsages {
            return self.write_what(style, out);
        }
        let action = self.action();
        match item_action(&action).filter(|_| style == WordStyle::Words) {
            Some(text) => out.push_str(text.split(" {object}").next().unwrap_or(text)),
            None => out.push_str(&action),
        }
    }

    fn write_sign_in(&self, style: WordStyle, out: &mut String) {
        let (category, kind) = (self.action(), self.reason());
        if category == "success" && kind == "credentials_ok" {
            out.push_str(if style == WordStyle::Words { "signed in" } else { &category });
            return;
        }
        let words = |find: fn(&str) -> Option<&'static str>, code: &Cow<'_, str>| match style {
            WordStyle::Words => find(code).map_or_else(|| code.to_string(), str::to_owned),
            WordStyle::Codes => code.to_string(),
        };
        out.push_str(&words(sign_in_category, &category));
        if !kind.is_empty() {
            let is_joined = style == WordStyle::Words && kind == "mfa_ok";
            out.push_str(match (category.is_empty(), is_joined) {
                (true, _) => "",
                (false, true) => " ",
                (false, false) => ": ",
            });
            out.push_str(&words(sign_in_type, &kind));
        }
        let matched = self.matched();
        if !matched.is_empty() {
            let start = if style == WordStyle::Words { " (" } else { ": " };
            [start, &matched].iter().for_each(|part| out.push_str(part));
            out.push_str(if style == WordStyle::Words { ")" } else { "" });
        }
    }

    fn write_usage(&self, style: WordStyle, out: &mut String) {
        let action = self.action();
        let (item, vault) = (self.item_uuid(), self.vault_uuid());
        let code;
        let text = match item_action(&action).filter(|_| style == WordStyle::Words) {
            Some(text) => text,
            None => {
                let action = if action.is_empty() { "use" } else { &*action };
                // The code may hold a brace of its own: it is no gap.
                out.push_str(action);
                code = if item.is_empty() { "[ in {other}]" } else { " {object}[ in {other}]" };
                code
            }
        };
        fill(text, out, &mut |gap, out| {
            let (role, uuid) = match gap {
                "object" => (EntityRole::Item, &item),
                _ => (EntityRole::Vault, &vault),
            };
            self.write_entity(role, uuid, out)
        });
    }

    fn write_audit(&self, words: &AuditWords, out: &mut String) {
        let (object, other, info) = (self.object(), self.other(), self.info());
        let actor = self.actor().uuid();
        let is_own = |role, user: &UserFacts<'_, '_>| role == EntityRole::Person && user.uuid() == actor;
        let owns = !actor.is_empty() && (is_own(words.object, &object) || is_own(words.other, &other));
        let text = if owns { words.own.unwrap_or(words.text) } else { words.text };
        fill(text, out, &mut |gap, out| match gap {
            "object" | "other" => {
                let (role, user) =
                    if gap == "object" { (words.object, &object) } else { (words.other, &other) };
                if owns && role == EntityRole::Person {
                    out.push_str("themselves");
                    return true;
                }
                self.write_user_or_entity(role, user, out)
            }
            "count" => {
                match self.count() {
                    Some(1) => out.push_str("1 item"),
                    Some(count) => *out += &format!("{count} items"),
                    None => out.push_str("items"),
                }
                true
            }
            "role" => {
                out.push_str(match &*info {
                    "A" => "manager",
                    "R" => "member",
                    other => other,
                });
                !info.is_empty()
            }
            _ => {
                out.push_str(&info);
                !info.is_empty()
            }
        });
        self.write_unsaid(words, out);
    }

    /// Appends what the event has and its pair's text has no gap for.
    fn write_unsaid(&self, words: &AuditWords, out: &mut String) {
        for (gap, role, user) in
            [("{object}", words.object, self.object()), ("{other}", words.other, self.other())]
        {
            let label = user.label();
            if !words.text.contains(gap) && role != EntityRole::Account && !label.is_empty() {
                out.push_str(", ");
                out.push_str(&label);
            }
        }
        let info = self.info();
        let is_said = words.text.contains("{info}")
            || words.text.contains("{role}")
            || (words.counts() && self.count().is_some());
        // JSON texts are for programs: session traffic has one in every event.
        if !is_said && !info.is_empty() && !info.starts_with(['{', '[']) {
            *out += &format!(" ({info})");
        }
    }

    /// Appends an audit event in the service's codes.
    fn write_codes(&self, out: &mut String) {
        let (object_type, object, other) = (self.object_type(), self.object().label(), self.other());
        let start = out.len();
        for text in [&self.action(), &object_type, &object] {
            if !text.is_empty() {
                out.push_str(if out.len() > start { " " } else { "" });
                out.push_str(text);
            }
        }
        let end = out.len();
        out.push_str(if end > start { ", " } else { "" });
        if !self.write_user_or_entity(self.other_role(), &other, out) {
            out.truncate(end);
        }
        let info = self.info();
        if !info.is_empty() {
            *out += &format!(" ({info})");
        }
    }

    fn object(&self) -> UserFacts<'_, '_> {
        self.user(&OBJECT_USER)
    }

    fn other(&self) -> UserFacts<'_, '_> {
        self.user(&AUX_USER)
    }

    /// Appends a user by name or address, else anything by what it is and its name or uuid; tells whether the
    /// event has it.
    fn write_user_or_entity(&self, role: EntityRole, user: &UserFacts<'_, '_>, out: &mut String) -> bool {
        let called = user.called();
        if called.is_empty() {
            return self.write_entity(role, &user.uuid(), out);
        }
        out.push_str(&called);
        true
    }

    fn write_entity(&self, role: EntityRole, uuid: &str, out: &mut String) -> bool {
        if uuid.is_empty() {
            out.push_str(role.any());
            return false;
        }
        let noun = role.noun();
        out.push_str(noun);
        out.push_str(if noun.is_empty() { "" } else { " " });
        out.push_str(self.names.and_then(|names| names.of(uuid)).unwrap_or(uuid));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Lookup, LookupBuffer, NameKind, Names};

    fn told(stream: Stream, style: WordStyle, raw: &str) -> String {
        let lookup = Lookup::for_facts();
        let mut buffer = LookupBuffer::default();
        let mut what = String::new();
        EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer)).write_what(style, &mut what);
        what
    }

    fn audit(raw: &str) -> String {
        told(Stream::AuditEvents, WordStyle::Words, raw)
    }

    #[test]
    fn uuids_with_a_known_name_are_called_by_it() {
        let mut names = Names::default();
        for (uuid, kind, name) in [
            ("i1", NameKind::Item, "AWS root"),
            ("v1", NameKind::Vault, "Infra"),
            ("g1", NameKind::Group, "Finance"),
            ("u1", NameKind::User, "Ada Berg"),
        ] {
            names.insert(uuid.into(), kind, name.into());
        }
        for (stream, raw, what) in [
            (
                Stream::ItemUsages,
                r#"{"action":"reveal","item_uuid":"i1","vault_uuid":"v1"}"#,
                "revealed item AWS root in vault Infra",
            ),
            (
                Stream::ItemUsages,
                r#"{"action":"reveal","item_uuid":"i2","vault_uuid":"v1"}"#,
                "revealed item i2 in vault Infra",
            ),
            (
                Stream::AuditEvents,
                r#"{"action":"grant","object_type":"gva","object_uuid":"v1","aux_uuid":"g1"}"#,
                "gave access to vault Infra to group Finance",
            ),
            (
                Stream::AuditEvents,
                r#"{"action":"suspend","object_type":"user","object_uuid":"u1"}"#,
                "suspended Ada Berg",
            ),
            (
                Stream::AuditEvents,
                r#"{"action":"suspend","object_type":"user","object_uuid":"u1","object_details":{"name":"A. B."}}"#,
                "suspended A. B.",
            ),
        ] {
            let lookup = Lookup::for_facts();
            let mut buffer = LookupBuffer::default();
            let mut out = String::new();
            let facts = EventFacts::new(stream, lookup.find(raw.as_bytes(), &mut buffer)).with_names(&names);
            facts.write_what(WordStyle::Words, &mut out);
            assert_eq!(out, what);
        }
    }

    #[test]
    fn the_object_comes_first_and_the_other_one_in_its_role() {
        for (raw, what) in [
            (r#""share","object_type":"item","object_uuid":"I","aux_uuid":"V""#, "shared item I in vault V"),
            (
                r#""grant","object_type":"gva","object_uuid":"V","aux_uuid":"G","aux_info":"1057906""#,
                "gave access to vault V to group G (1057906)",
            ),
            (
                r#""grant","object_type":"uva","object_uuid":"V","aux_uuid":"U","aux_info":"16777200""#,
                "gave access to vault V to user U (16777200)",
            ),
            (
                r#""grant","object_type":"uva","object_uuid":"V","aux_uuid":"U","aux_details":{"name":"Jane"}"#,
                "gave access to vault V to Jane",
            ),
            (
                r#""dlgsess","object_type":"dlgdsess","object_uuid":"N","aux_uuid":"O""#,
                "started delegated session N from session O",
            ),
            (r#""dlgsess","object_type":"dlgdsess""#, "started a delegated session"),
            (
                r#""join","object_type":"gm","object_uuid":"G","aux_uuid":"U","aux_info":"A""#,
                "added to group G: user U, as manager",
            ),
            (
                r#""suspend","object_type":"user","object_uuid":"U","object_details":{"email":"e@x.test"}"#,
                "suspended e@x.test",
            ),
            (r#""suspend","object_type":"user""#, "suspended a user"),
            (r#""chngpsso","object_type":"sso","object_uuid":"S""#, "changed the single sign-on policy, S"),
            (r#""activate","object_type":"account","object_uuid":"A""#, "activated the account"),
        ] {
            assert_eq!(audit(&format!("{{\"action\":{raw},\"actor_uuid\":\"ACT\"}}")), what);
        }
    }

    #[test]
    fn counts_are_said_as_counts() {
        for (info, what) in [
            (r#""3""#, "added or changed in vault V: 3 items"),
            ("1", "added or changed in vault V: 1 item"),
            (r#""many""#, "added or changed in vault V: items (many)"),
            ("null", "added or changed in vault V: items"),
        ] {
            let raw =
                format!(r#"{{"action":"patch","object_type":"items","object_uuid":"V","aux_info":{info}}}"#);
            assert_eq!(audit(&raw), what);
        }
    }

    #[test]
    fn what_people_do_to_themselves_is_said_so() {
        for (pair, what) in [
            (
                r#""uva","action":"grant","object_uuid":"V","aux_uuid":"ME""#,
                "gave access to vault V to themselves",
            ),
            (r#""uva","action":"revoke","object_uuid":"V","aux_uuid":"ME""#, "gave up access to vault V"),
            (
                r#""gm","action":"join","object_uuid":"G","aux_uuid":"ME","aux_info":"R""#,
                "joined group G, as member",
            ),
            (r#""user","action":"suspend","object_uuid":"ME""#, "suspended themselves"),
            (r#""user","action":"changemp","object_uuid":"ME""#, "changed their own account password"),
        ] {
            assert_eq!(audit(&format!(r#"{{"actor_uuid":"ME","object_type":{pair}}}"#)), what);
        }
        assert_eq!(audit(r#"{"object_type":"user","action":"suspend"}"#), "suspended a user");
    }

    #[test]
    fn unknown_pairs_and_chosen_codes_are_told_by_their_codes() {
        let raw =
            r#"{"action":"new{x}","object_type":"thing","object_uuid":"O","aux_uuid":"X","aux_info":"i"}"#;
        assert_eq!(audit(raw), "new{x} thing O, X (i)");
        assert_eq!(audit(r#"{"action":"brandnew"}"#), "brandnew");
        let raw = r#"{"action":"grant","object_type":"gva","object_uuid":"V","aux_uuid":"G","aux_info":"7"}"#;
        assert_eq!(told(Stream::AuditEvents, WordStyle::Codes, raw), "grant gva V, group G (7)");
    }

    #[test]
    fn sign_ins_say_how_and_why() {
        for (raw, words, codes) in [
            (r#"{"category":"success","type":"credentials_ok"}"#, "signed in", "success"),
            (
                r#"{"category":"success","type":"mfa_ok"}"#,
                "signed in with a second factor",
                "success: mfa_ok",
            ),
            (
                r#"{"category":"credentials_failed","type":"password_secret_bad"}"#,
                "failed to sign in: wrong password or Secret Key",
                "credentials_failed: password_secret_bad",
            ),
            (
                r#"{"category":"firewall_failed","type":"country_blocked","details":{"value":"FR"}}"#,
                "blocked by the firewall: country is blocked (FR)",
                "firewall_failed: country_blocked: FR",
            ),
            (r#"{"category":"new_failed","type":"odd"}"#, "new_failed: odd", "new_failed: odd"),
            ("{}", "", ""),
        ] {
            assert_eq!(told(Stream::SignInAttempts, WordStyle::Words, raw), words);
            assert_eq!(told(Stream::SignInAttempts, WordStyle::Codes, raw), codes);
        }
    }

    #[test]
    fn usages_name_item_and_vault() {
        let raw = r#"{"action":"reveal","item_uuid":"i1","vault_uuid":"v1"}"#;
        assert_eq!(told(Stream::ItemUsages, WordStyle::Words, raw), "revealed item i1 in vault v1");
        assert_eq!(told(Stream::ItemUsages, WordStyle::Codes, raw), "reveal item i1 in vault v1");
        assert_eq!(told(Stream::ItemUsages, WordStyle::Words, r#"{"action":"share"}"#), "shared an item");
        assert_eq!(told(Stream::ItemUsages, WordStyle::Words, r#"{"item_uuid":"i1"}"#), "use item i1");
        assert_eq!(told(Stream::ItemUsages, WordStyle::Words, r#"{"action":"fax{"}"#), "fax{");
    }

    #[test]
    fn nothing_and_nonsense_are_told_without_a_panic() {
        for stream in Stream::ALL {
            for raw in [
                "{}",
                "null",
                r#"{"category":7,"action":[],"user":"x","client":null,"object_type":{}}"#,
                r#"{"action":"grant","object_type":"uva","object_uuid":{},"aux_details":"x","aux_info":[1]}"#,
            ] {
                for style in [WordStyle::Words, WordStyle::Codes] {
                    told(stream, style, raw);
                }
            }
        }
    }
}
