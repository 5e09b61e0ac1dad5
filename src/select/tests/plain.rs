//! The same filters over `serde_json` values, the slow and plain way, and random events to hold both against.

use std::sync::LazyLock;

use super::*;

/// Texts that events and filters are made of.
const PEOPLE: [(&str, &str, &str); 5] = [
    ("USERA", "Ada Lovelace", "ada@example.test"),
    ("USERB", "Zoë Ångström", "zoe@example.test"),
    ("USERC", "Anne-Sophie O'Brien", "as.obrien@partner.test"),
    ("userd", "X", "\u{1f511}@example.test"),
    // The first letter is the Kelvin sign, the second a capital letter with a dot; in lower case both have ASCII.
    ("USERE", "\u{212a}\u{130}ra Lovelace", "kira@example.test"),
];
const PEOPLE_TYPED: [&str; 11] = [
    "usera",
    "ADA",
    "ada lovelace",
    "zoë",
    "*@partner.test",
    "o'brien",
    "zoe@example.test",
    "userD",
    "*a*",
    "ki\u{307}ra love*",
    "lovelace",
];
const IDS: [&str; 5] = ["id1", "id2", "Id1", "idé", "USERA"];
const IDS_TYPED: [&str; 6] = ["id1", "Id1", "id*", "*é", "nope", "USERA"];
const ADDRESSES: [&str; 6] =
    ["10.1.2.3", "::ffff:10.1.2.3", "10.1.3.4", "2001:db8::1", "2001:DB8:0:0::2", "none"];
const ADDRESSES_TYPED: [&str; 5] =
    ["10.1.2.3", "10.1.0.0/16", "::ffff:10.1.2.0/120", "2001:db8::/64", "::/0"];
const COUNTRIES: [&str; 5] = ["DE", "Germany", "Viet Nam", "vn", "Atlantis"];
const COUNTRIES_TYPED: [&str; 3] = ["de", "Vietnam", "FR"];
/// Type and action of audit events, with the roles of object and aux.
const PAIRS: [(&str, &str, EntityRole, EntityRole); 6] = [
    ("uva", "grant", EntityRole::Vault, EntityRole::Person),
    ("gva", "grant", EntityRole::Vault, EntityRole::Group),
    ("item", "share", EntityRole::Item, EntityRole::Vault),
    ("device", "create", EntityRole::Device, EntityRole::Person),
    ("dlgdsess", "dlgsess", EntityRole::Delegated, EntityRole::Session),
    ("thing", "reveal", EntityRole::Unnamed, EntityRole::Unnamed),
];
const ACTIONS_TYPED: [&str; 6] =
    ["grant", "reveal", "success", "TOTP_bad", "gave access", "wrong one-time code"];
const APPS: [&str; 3] = ["1Password CLI", "1Password for Mac", "host-1.example"];
const APPS_TYPED: [&str; 4] = ["cli", "*mac", "HOST", "1password for"];
const GREPS: [&str; 7] = ["USERB", "ngstr", "Zoë", "id[12]", "\"action\":\"g", "(?i)USERA", "🔑"];

fn one<T: Copy>(dice: &mut fastrand::Rng, of: &[T]) -> T {
    of[dice.usize(..of.len())]
}

/// A JSON string, some of its characters as escapes.
fn string(dice: &mut fastrand::Rng, text: &str) -> String {
    let escape = dice.u8(..4) == 0;
    let mut out = String::from("\"");
    for unit in text.chars() {
        match unit {
            '"' | '\\' => out.extend(['\\', unit]),
            _ if escape && dice.bool() => {
                unit.encode_utf16(&mut [0; 2]).iter().for_each(|half| out += &format!("\\u{half:04x}"));
            }
            _ => out.push(unit),
        }
    }
    out + "\""
}

/// A value that may be missing, null or of another type.
fn odd(dice: &mut fastrand::Rng, text: &str) -> String {
    match dice.u8(..16) {
        0 => "null".into(),
        1 => one(dice, &["7", "true", "{\"uuid\":\"USERA\"}", "[\"id1\"]", "\"\""]).into(),
        _ => string(dice, text),
    }
}

fn object(dice: &mut fastrand::Rng, members: &[(&str, String)]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in members {
        for _ in 0..one(dice, &[0, 1, 1, 1, 1, 1, 1, 2]) {
            parts.push(format!("{}:{value}", string(dice, key)));
        }
    }
    dice.shuffle(&mut parts);
    format!("{{{}}}", parts.join(","))
}

fn person(dice: &mut fastrand::Rng) -> String {
    let (uuid, name, email) = one(dice, &PEOPLE);
    let members = [("uuid", odd(dice, uuid)), ("name", odd(dice, name)), ("email", odd(dice, email))];
    object(dice, &members)
}

fn id(dice: &mut fastrand::Rng) -> String {
    let text = one(dice, &IDS);
    odd(dice, text)
}

fn event(dice: &mut fastrand::Rng, stream: Stream) -> String {
    let mut text = |of: &[&str]| {
        let chosen = one(dice, of);
        odd(dice, chosen)
    };
    let (country, place) = (text(&COUNTRIES), text(&COUNTRIES));
    let client =
        [("ip_address", text(&ADDRESSES)), ("app_name", text(&APPS)), ("platform_name", text(&APPS))];
    let ip = text(&ADDRESSES);
    let category = text(&["success", "credentials_failed", "mfa_failed", "firewall_reported_success", "new"]);
    let kind = text(&["totp_bad", "credentials_ok"]);
    let client = object(dice, &client);
    let location = object(dice, &[("country", place)]);
    let mut members = vec![("client", client), ("location", location)];
    match stream {
        Stream::SignInAttempts => members.extend([
            ("target_user", person(dice)),
            ("session_uuid", id(dice)),
            ("country", country),
            ("category", category),
            ("type", kind),
        ]),
        Stream::ItemUsages => members.extend([
            ("user", person(dice)),
            ("item_uuid", id(dice)),
            ("vault_uuid", id(dice)),
            ("action", odd(dice, "reveal")),
        ]),
        Stream::AuditEvents => {
            let (object_type, action, ..) = one(dice, &PAIRS);
            let session = [("uuid", id(dice)), ("device_uuid", id(dice)), ("ip", ip)];
            members.extend([
                ("actor_uuid", id(dice)),
                ("actor_details", person(dice)),
                ("object_type", odd(dice, object_type)),
                ("action", odd(dice, action)),
                ("object_uuid", id(dice)),
                ("aux_uuid", id(dice)),
                ("session", object(dice, &session)),
            ]);
            for key in ["object_details", "aux_details"] {
                if dice.u8(..3) == 0 {
                    members.push((key, person(dice)));
                }
            }
        }
    }
    object(dice, &members)
}

fn random_terms(dice: &mut fastrand::Rng) -> FilterTerms {
    use FilterField::*;
    let fields: [(FilterField, &[&str]); 13] = [
        (User, &PEOPLE_TYPED),
        (Actor, &PEOPLE_TYPED),
        (Ip, &ADDRESSES_TYPED),
        (Country, &COUNTRIES_TYPED),
        (Action, &ACTIONS_TYPED),
        (Object, &["uva", "G*", "thing", "id1"]),
        (Item, &IDS_TYPED),
        (Vault, &IDS_TYPED),
        (Group, &IDS_TYPED),
        (Device, &IDS_TYPED),
        (App, &APPS_TYPED),
        (Session, &IDS_TYPED),
        (Grep, &GREPS),
    ];
    let mut terms = FilterTerms {
        no_sessions: dice.u8(..8) == 0,
        failed: dice.u8(..12) == 0,
        succeeded: dice.u8(..12) == 0,
        ..FilterTerms::default()
    };
    let first = dice.usize(..fields.len());
    for step in 0..one(dice, &[1, 1, 1, 2]) {
        let (field, pool) = fields[(first + step * 5) % fields.len()];
        let mut typed = Vec::new();
        for _ in 0..dice.usize(1..=3) {
            let not = if dice.u8(..4) == 0 { "!" } else { "" };
            typed.push(format!("{not}{}", one(dice, pool)));
        }
        if field != Grep && dice.bool() {
            typed = vec![typed.join(",")];
        }
        terms.values.push((field, typed));
    }
    terms
}

/// What a value says, as everything here reads it.
fn say(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    let (Some(first), rest) = (pattern.chars().next(), pattern.chars().next().map_or(0, char::len_utf8))
    else {
        return text.is_empty();
    };
    match first {
        '*' => {
            glob(&pattern[1..], text)
                || text.chars().next().is_some_and(|c| glob(pattern, &text[c.len_utf8()..]))
        }
        _ => text.strip_prefix(first).is_some_and(|text| glob(&pattern[rest..], text)),
    }
}

fn is(typed: &str, text: &str, fold: bool) -> bool {
    let lower = |text: &str| if fold { text.to_lowercase() } else { text.to_owned() };
    !text.is_empty() && glob(&lower(typed), &lower(text))
}

fn names(typed: &str, name: &str) -> bool {
    if typed.contains(['*', '@']) {
        return is(typed, name, true);
    }
    let spaced = |text: &str| {
        let words: String =
            text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    !name.is_empty() && spaced(name).contains(&spaced(typed))
}

/// An event, all of it decoded.
struct PlainEvent {
    stream: Stream,
    value: Value,
    roles: (EntityRole, EntityRole),
    text: String,
}

impl PlainEvent {
    fn at(&self, path: &str) -> String {
        say(self.value.pointer(path).unwrap_or(&Value::Null))
    }

    fn is_user(&self, role: EntityRole, details: &str) -> bool {
        let uuid = self.value.pointer(&format!("{details}/uuid"));
        role == EntityRole::Person
            || uuid.is_some_and(|uuid| !uuid.is_null() && !uuid.is_array() && !uuid.is_object())
    }

    /// Uuids, name and address of the people of the event, the actor first.
    fn people(&self) -> Vec<(String, String, String)> {
        let person = |uuid: &str, details: &str| {
            let own = if uuid.is_empty() { String::new() } else { self.at(uuid) };
            let uuid = if own.is_empty() { self.at(&format!("{details}/uuid")) } else { own };
            (uuid, self.at(&format!("{details}/name")), self.at(&format!("{details}/email")))
        };
        match self.stream {
            Stream::SignInAttempts => vec![person("", "/target_user")],
            Stream::ItemUsages => vec![person("", "/user")],
            Stream::AuditEvents => {
                let mut people = vec![person("/actor_uuid", "/actor_details")];
                if self.is_user(self.roles.0, "/object_details") {
                    people.push(person("/object_uuid", "/object_details"));
                }
                if self.is_user(self.roles.1, "/aux_details") {
                    people.push(person("/aux_uuid", "/aux_details"));
                }
                people
            }
        }
    }

    fn concerns(&self, typed: &str, role: EntityRole) -> bool {
        let may_be = |is| is == role || (is == EntityRole::Unnamed && !typed.contains('*'));
        [(self.roles.0, "/object_uuid"), (self.roles.1, "/aux_uuid")]
            .iter()
            .any(|(is_role, path)| may_be(*is_role) && is(typed, &self.at(path), false))
    }

    fn action(&self, typed: &str) -> bool {
        let sign_in = self.stream == Stream::SignInAttempts;
        let action = self.at(if sign_in { "/category" } else { "/action" });
        let kind = if sign_in { self.at("/type") } else { String::new() };
        static TABLE: LazyLock<Vec<words::WordsRow>> = LazyLock::new(words::table);
        let table = &*TABLE;
        if table.iter().any(|row| is(typed, row.code, true)) {
            return is(typed, &action, true) || is(typed, &kind, true);
        }
        table.iter().filter(|row| row.stream == self.stream && names(typed, &row.words)).any(|row| match row
            .field
        {
            "type" => row.code == kind,
            "category" => row.code == action,
            _ => row.code == action && row.object_type == self.at("/object_type"),
        })
    }

    fn matches(&self, field: FilterField, typed: &str) -> bool {
        let person = |(uuid, name, email): &(String, String, String)| {
            is(typed, uuid, true) || is(typed, email, true) || names(typed, name)
        };
        let exact = |path: &str| is(typed, &self.at(path), false);
        let glob = typed.contains('*');
        match field {
            FilterField::User => {
                self.people().iter().any(person)
                    || (!glob && ["/object_uuid", "/aux_uuid"].iter().any(|at| is(typed, &self.at(at), true)))
            }
            FilterField::Actor => person(&self.people()[0]),
            FilterField::Ip => ["/client/ip_address", "/client/ip", "/session/ip"]
                .iter()
                .any(|path| Network::parse(typed).unwrap().contains(&self.at(path))),
            FilterField::Country => {
                let same: &[&str] = match typed {
                    "de" => &["de", "germany"],
                    "Vietnam" => &["vn", "viet nam", "vietnam"],
                    _ => &["fr", "france"],
                };
                ["/country", "/location/country"]
                    .iter()
                    .any(|path| same.contains(&&*self.at(path).to_lowercase()))
            }
            FilterField::Action => self.action(typed),
            FilterField::Object => {
                is(typed, &self.at("/object_type"), true) || (!glob && exact("/object_uuid"))
            }
            FilterField::Item => exact("/item_uuid") || self.concerns(typed, EntityRole::Item),
            FilterField::Vault => exact("/vault_uuid") || self.concerns(typed, EntityRole::Vault),
            FilterField::Group => self.concerns(typed, EntityRole::Group),
            FilterField::Device => {
                exact("/session/device_uuid")
                    || self.concerns(typed, EntityRole::Device)
                    || names(typed, &self.at("/client/platform_name"))
            }
            FilterField::App => names(typed, &self.at("/client/app_name")),
            FilterField::Session => {
                let own = self.at("/session_uuid");
                is(typed, &if own.is_empty() { self.at("/session/uuid") } else { own }, false)
            }
            FilterField::Target => {
                let is_invitation = self.at("/object_type") == "invite";
                self.people().get(1).is_some_and(person)
                    || (is_invitation && is(typed, &self.at("/aux_info"), true))
            }
            FilterField::TargetKind => {
                let paths = ["/object_details/user_type", "/aux_details/user_type"];
                paths.iter().any(|path| is(typed, &self.at(path), true))
            }
            FilterField::Info => is(typed, &self.at("/aux_info"), true),
            FilterField::Grep => Regex::new(typed).unwrap().is_match(&self.text),
        }
    }

    fn is_wanted(&self, terms: &FilterTerms) -> bool {
        let sign_in = self.stream == Stream::SignInAttempts;
        let category = if sign_in { self.at("/category") } else { String::new() };
        let failed = category.ends_with("_failed");
        let worked = ["success", "firewall_reported_success"].contains(&&*category);
        let is_session =
            self.stream == Stream::AuditEvents && ["dlgsess", "ssotknv"].contains(&&*self.at("/action"));
        let has_outcome = !(terms.failed || terms.succeeded)
            || (sign_in && ((terms.failed && failed) || (terms.succeeded && worked)));
        has_outcome
            && !(terms.no_sessions && is_session)
            && terms.values.iter().all(|(field, typed)| {
                let pieces: Vec<&str> = match field {
                    FilterField::Grep => typed.iter().map(|text| &**text).collect(),
                    _ => typed.iter().flat_map(|text| text.split(',')).collect(),
                };
                let (not, yes): (Vec<&str>, Vec<&str>) =
                    pieces.into_iter().partition(|piece| piece.starts_with('!'));
                (yes.is_empty() || yes.iter().any(|typed| self.matches(*field, typed)))
                    && !not.iter().any(|typed| self.matches(*field, &typed[1..]))
            })
    }
}

/// A text of which only strings of ASCII and escapes are to be read: the JSON with its escapes resolved.
fn resolved(raw: &str) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find("\\u") {
        out += &rest[..at];
        let mut units = Vec::new();
        rest = &rest[at..];
        while let Some(hex) = rest.strip_prefix("\\u") {
            units.push(u16::from_str_radix(&hex[..4], 16).unwrap());
            rest = &hex[4..];
        }
        out += &String::from_utf16_lossy(&units);
    }
    out + rest
}

#[test]
fn no_filter_loses_or_adds_a_match_against_the_plain_way() {
    compare(50_000, 12);
}

#[test]
#[ignore = "a million cases take minutes"]
fn no_filter_loses_or_adds_a_match_in_a_million_cases() {
    compare(1_000_000, 13);
}

/// Whether a search by bytes finds one of the texts, or cannot tell.
fn may_hold(texts: &[String], raw: &str) -> bool {
    let lower = raw.to_ascii_lowercase();
    raw.contains(['\\', '\u{212a}', '\u{130}'])
        || texts
            .iter()
            .any(|text| text.len() < 3 || !text.is_ascii() || lower.contains(&text.to_ascii_lowercase()))
}

/// Whether a wanted value stands under one of the keys anywhere in an event.
fn has_value(needed: &NeededValue, value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, value)| {
            (needed.keys.contains(&key.as_str()) && (needed.is_wanted)(&say(value)))
                || has_value(needed, value)
        }),
        Value::Array(values) => values.iter().any(|value| has_value(needed, value)),
        _ => false,
    }
}

/// Random events and random filters, hundreds of events a filter.
fn compare(cases: usize, seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut buffer = LookupBuffer::default();
    let events: Vec<(String, PlainEvent)> = (0..500)
        .map(|_| {
            let stream = one(&mut dice, &Stream::ALL);
            let raw = event(&mut dice, stream);
            // Half of them have no escapes at all, so that they can be judged by their bytes.
            let raw = if dice.bool() { resolved(&raw) } else { raw };
            let value: Value = serde_json::from_str(&raw).unwrap();
            let said = |key: &str| say(value.get(key).unwrap_or(&Value::Null));
            let (object_type, action) = (said("object_type"), said("action"));
            let pair = PAIRS.iter().find(|pair| (pair.0, pair.1) == (&*object_type, &*action));
            let roles = match pair {
                Some(pair) if stream == Stream::AuditEvents => (pair.2, pair.3),
                _ => (EntityRole::Unnamed, EntityRole::Unnamed),
            };
            let text = resolved(&raw);
            (raw, PlainEvent { stream, value, roles, text })
        })
        .collect();
    let (mut matches, mut passed, mut without_value) = (0, 0, 0);
    for case in 0..cases / 100 {
        let terms = random_terms(&mut dice);
        let filter = Filter::compile(&terms).unwrap();
        let texts = filter.needed_texts();
        let value = filter.needed_value();
        for _ in 0..100 {
            let (raw, plain) = &events[dice.usize(..events.len())];
            let found = Event { stream: plain.stream, raw: raw.as_bytes(), uuid: None, time: None };
            let is_wanted = plain.is_wanted(&terms);
            matches += usize::from(is_wanted);
            let may_hold = texts.as_ref().is_none_or(|texts| may_hold(texts, raw));
            assert!(may_hold || !is_wanted, "case {case}: {terms:?} {texts:?}\n{raw}");
            let may_have =
                raw.contains('\\') || value.as_ref().is_none_or(|needed| has_value(needed, &plain.value));
            assert!(may_have || !is_wanted, "case {case}: {terms:?}\n{raw}");
            passed += usize::from(!may_hold);
            without_value += usize::from(!may_have);
            assert_eq!(filter.wants(&found, &mut buffer), is_wanted, "case {case}: {terms:?}\n{raw}");
        }
    }
    assert!((cases / 20..cases * 19 / 20).contains(&matches), "{matches}");
    assert!(passed > cases / 20, "{passed}");
    assert!(without_value > cases / 20, "{without_value}");
}
