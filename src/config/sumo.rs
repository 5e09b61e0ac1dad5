//! The configuration of Sumo Logic's 1Password source, read from its JSON, and the profile it becomes.
//!
//! The form is that of Sumo Logic's documentation: `name`, `base_url`, `api_token`, `supported_apis` and
//! keys about Sumo Logic itself. Keys are understood in any case, with or without underscores. Pure; the
//! token leaves this module only as a [`Secret`] (P10).

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::file::{DEMO, check_name};
use crate::api::endpoint::BaseUrl;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::sanitize;
use crate::secret::Secret;

/// Keys that say something about Sumo Logic and nothing about the account.
const SUMOS_OWN: [&str; 12] = [
    "description",
    "category",
    "fields",
    "hostname",
    "processingrules",
    "filters",
    "timezone",
    "automaticdateparsing",
    "forcetimezone",
    "multilineprocessingenabled",
    "usemultilineprocessing",
    "cutofftimestamp",
];

/// One source.
#[derive(Debug, Default)]
pub(super) struct SumoSource {
    /// Its name there.
    pub name: String,
    /// Its server, as it is written.
    pub base_url: Option<String>,
    /// Its token; none where it is masked or missing.
    pub token: Option<Secret>,
    /// What it collects.
    pub streams: Vec<Stream>,
    /// Its poll interval, as it is written.
    pub interval: Option<String>,
    /// Notices about settings that were not understood.
    pub notes: Vec<String>,
}

/// Where a profile's token is to come from.
#[derive(Debug)]
pub(super) enum TokenPlace {
    /// A file, by its path.
    File(String),
    /// The person has to say.
    Open,
}

/// The 1Password sources in a JSON text.
///
/// # Errors
/// Fails with `Config` when it is not JSON, or holds no such source. No message repeats any value.
pub(super) fn sources(text: &[u8]) -> Result<Vec<SumoSource>> {
    let value: Value = serde_json::from_slice(sanitize::without_bom(text)).map_err(|e| {
        Error::new(ErrorKind::Config, "the source's configuration is not JSON")
            .because(e)
            .hint("give the JSON that Sumo Logic shows for the source")
    })?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) => match take(&mut object, "sources") {
            Some(Value::Array(list)) => list,
            _ => vec![Value::Object(object)],
        },
        other => vec![other],
    };
    let found: Vec<SumoSource> = list.into_iter().filter_map(source).collect();
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Config, "there is no 1Password source in the file").hint(
            "give the JSON of a source with schemaRef {\"type\": \"1Password\"}, or its config object",
        ));
    }
    Ok(found)
}

/// Reads `{"source": {"schemaRef": .., "config": {..}}}` or any inner part of it.
fn source(value: Value) -> Option<SumoSource> {
    let Value::Object(mut object) = value else { return None };
    if let Some(inner @ Value::Object(_)) = take(&mut object, "source") {
        return source(inner);
    }
    if let Some(Value::Object(schema)) = take(&mut object, "schemaref") {
        let of_1password =
            |value: &Value| value.as_str().is_some_and(|t| t.eq_ignore_ascii_case("1password"));
        if !schema.get("type").is_some_and(of_1password) {
            return None;
        }
    }
    match take(&mut object, "config") {
        Some(Value::Object(config)) => Some(SumoSource::read(config)),
        // Terraform's state holds it as a text.
        Some(Value::String(text)) => serde_json::from_str(&text).ok().map(SumoSource::read),
        _ => is_config(&object).then(|| SumoSource::read(object)),
    }
}

fn is_config(object: &Map<String, Value>) -> bool {
    object.keys().any(|key| matches!(plain(key).as_str(), "baseurl" | "apitoken" | "supportedapis"))
}

impl SumoSource {
    fn read(config: Map<String, Value>) -> SumoSource {
        let mut source = SumoSource::default();
        for (key, value) in config {
            match (plain(&key).as_str(), value) {
                ("name", Value::String(name)) => source.name = name,
                ("baseurl" | "url" | "domain", Value::String(url)) => source.base_url = Some(url),
                ("apitoken" | "token" | "apikey", Value::String(token)) => {
                    source.token = Some(token).filter(|token| !is_masked(token)).map(Secret::new);
                }
                ("supportedapis" | "apis" | "logtypes" | "eventtypes", Value::Array(names)) => {
                    source.read_streams(&names);
                }
                ("pollinginterval" | "interval", value @ (Value::Number(_) | Value::String(_))) => {
                    source.interval = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                }
                (own, _) if SUMOS_OWN.contains(&own) => {}
                _ => {
                    source.notes.push(format!("{} is not understood, and left out", sanitize::message(&key)))
                }
            }
        }
        source.streams.sort();
        source.streams.dedup();
        source
    }

    fn read_streams(&mut self, names: &[Value]) {
        for name in names {
            let word = name.as_str().unwrap_or_default();
            match word.parse() {
                Ok(stream) => self.streams.push(stream),
                Err(e) => self.notes.push(format!("supported API {}: {e}", sanitize::message(word))),
            }
        }
    }

    /// A profile's name made of the source's.
    ///
    /// # Errors
    /// Fails with `Config` when it would not do.
    pub(super) fn profile_name(&self, chosen: Option<&str>) -> Result<String> {
        let name = match chosen {
            Some(name) => name.to_owned(),
            None => {
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                let name: String =
                    self.name.chars().map(|c| if fits(c) { c } else { '-' }).take(64).collect();
                name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
            }
        };
        let problem = if name == DEMO {
            Some("demo is built in".to_owned())
        } else {
            check_name(&name).err().map(|problem| problem.message)
        };
        match problem {
            None => Ok(name),
            Some(problem) => {
                Err(Error::new(ErrorKind::Config, problem).hint("choose one with --profile NAME"))
            }
        }
    }

    /// The server, where it is one.
    ///
    /// # Errors
    /// Fails with `Config` when the text is not a server.
    pub(super) fn server(&self) -> Result<Option<BaseUrl>> {
        let Some(text) = self.base_url.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        text.trim().parse().map(Some).map_err(|e| {
            Error::new(ErrorKind::Config, "the source's base URL cannot be used")
                .because(e)
                .hint("write a host such as events.1password.com there")
        })
    }

    /// The profile's table.
    ///
    /// # Errors
    /// As [`SumoSource::server`].
    pub(super) fn to_profile(&self, name: &str, token: &TokenPlace) -> Result<String> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        // A name with a dot would be two names.
        let table = if name.contains('.') { quoted(name) } else { name.to_owned() };
        let mut text = format!("# Imported from Sumo Logic's source {}\n", sanitize::message(&self.name));
        let _ = writeln!(text, "[profiles.{table}]");
        if let Some(server) = self.server()? {
            match server.region() {
                Some(region) => {
                    let _ = writeln!(text, "region = \"{region}\"");
                }
                None => {
                    let _ = writeln!(text, "base_url = {}", quoted(&server.to_string()));
                    let _ = writeln!(
                        text,
                        "# This is not a server of 1Password's; if it is meant to get the token:"
                    );
                    let _ = writeln!(text, "#allow_host = [{}]", quoted(&server.host()));
                }
            }
        }
        match token {
            TokenPlace::File(path) => {
                let _ = writeln!(text, "token_file = {}", quoted(path));
            }
            TokenPlace::Open => text.push_str(
                "# Where the token is; one of these:\n\
                 #token = \"op://VAULT/ITEM/credential\"\n\
                 #token_file = \"PATH\"\n\
                 #token_command = \"COMMAND\"\n",
            ),
        }
        if !self.streams.is_empty() && self.streams.len() < Stream::ALL.len() {
            let names = self.streams.iter().map(|s| s.word()).collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "# The source collects: {names}");
            let _ = writeln!(text, "# A profile reads what its token grants; to read these alone:");
            let _ = writeln!(text, "#   opev fetch --profile {name} {names}");
        }
        if let Some(interval) = &self.interval {
            let _ = writeln!(text, "# The source's polling interval: {}", sanitize::message(interval));
        }
        Ok(text)
    }
}

/// Whether a token is only shown to be there: `********`, or a placeholder such as `${var.token}`.
fn is_masked(token: &str) -> bool {
    let token = token.trim();
    token.chars().all(|c| matches!(c, '*' | '•' | '.')) || token.contains("${") || token.starts_with('<')
}

/// A key without case and separators.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | '.')).flat_map(char::to_lowercase).collect()
}

fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| plain(key) == name)?.clone();
    object.remove(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"api.version":"v1","source":{"schemaRef":{"type":"1Password"},
        "sourceType":"Universal","config":{"name":"1Pass (EU)","base_url":"events.1password.eu",
        "supported_apis":["itemUsage","sign-in"],"api_token":"********","fields":{"_siemForward":true},
        "pollingInterval":300,"surprise":1}}}"#;

    #[test]
    fn the_documented_source_becomes_a_profile() {
        let sources = sources(WHOLE.as_bytes()).unwrap();
        let [source] = sources.as_slice() else { panic!() };
        assert!(source.token.is_none());
        assert_eq!(source.streams, [Stream::SignInAttempts, Stream::ItemUsages]);
        assert_eq!(source.notes, ["surprise is not understood, and left out"]);
        let name = source.profile_name(None).unwrap();
        assert_eq!(name, "1Pass--EU");
        assert_eq!(
            source.to_profile(&name, &TokenPlace::Open).unwrap(),
            "# Imported from Sumo Logic's source 1Pass (EU)\n[profiles.1Pass--EU]\nregion = \"eu\"\n\
             # Where the token is; one of these:\n#token = \"op://VAULT/ITEM/credential\"\n\
             #token_file = \"PATH\"\n#token_command = \"COMMAND\"\n\
             # The source collects: signin items\n\
             # A profile reads what its token grants; to read these alone:\n\
             #   opev fetch --profile 1Pass--EU signin items\n\
             # The source's polling interval: 300\n"
        );
    }

    #[test]
    fn every_wrapping_and_spelling_is_understood() {
        for text in [
            r#"{"name":"a","baseUrl":"https://events.ent.1password.com/","apiToken":"t","supportedApis":["auditEvents"]}"#,
            r#"{"config":{"name":"a","base_url":"events.ent.1password.com","api_token":"t","supported_apis":["audit"]}}"#,
            r#"{"sources":[{"schemaRef":{"type":"Okta"},"config":{"name":"o","api_token":"x"}},
                {"schemaRef":{"type":"1password"},"config":{"name":"a","base_url":"events.ent.1password.com",
                 "api_token":"t","supported_apis":["auditevents"]}}]}"#,
            r#"[{"config":"{\"name\":\"a\",\"base_url\":\"events.ent.1password.com\",\"api_token\":\"t\",\"supported_apis\":[\"audit\"]}"}]"#,
        ] {
            let sources = sources(text.as_bytes()).unwrap();
            let [source] = sources.as_slice() else { panic!("{text}") };
            assert_eq!(source.token, Some(Secret::new("t")), "{text}");
            assert_eq!(source.server().unwrap().unwrap().host(), "events.ent.1password.com");
            assert_eq!((source.streams.as_slice(), source.notes.len()), (&[Stream::AuditEvents][..], 0));
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for text in ["", "{}", "[]", "7", r#"{"source":{"schemaRef":{"type":"Okta"},"config":{}}}"#] {
            assert_eq!(sources(text.as_bytes()).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
        let demo = SumoSource { name: "demo".into(), ..SumoSource::default() };
        assert!(demo.profile_name(None).is_err() && demo.profile_name(Some("x y")).is_err());
        assert_eq!(demo.profile_name(Some("acme")).unwrap(), "acme");
        let wrong =
            SumoSource { base_url: Some("http://events.1password.com".into()), ..SumoSource::default() };
        assert_eq!(wrong.server().unwrap_err().kind(), ErrorKind::Config);
    }
}
