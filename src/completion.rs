//! Values that a shell completes: profiles, fields, zones, codes, object types, countries, rules, consumers and
//! names, as they are when the key is pressed.
//!
//! Read from the configuration and the state directory: nothing is sent, no program runs, and what cannot be read
//! is not offered. Every value is one word without a character that a shell could take for its own.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::analyze::ByFields;
use crate::analyze::detect::{Level, builtin_rules};
use crate::cli;
use crate::cli::AccountArgs;
use crate::cli::completions::VARIABLE;
use crate::config::{Config, Environment, SettingFlags, environment};
use crate::disk::RealDisk;
use crate::encode::Fields;
use crate::event::Stream;
use crate::facts::{NameKind, Names, words};
use crate::names::NameStore;
use crate::output::saved_state;
use crate::select::countries;
use crate::time::Zone;

/// More names than this are not offered: a shell would only ask whether to show them.
const MOST_NAMES: usize = 1_000;

/// The answer to a shell that asks for completions; none where it is no shell that asks.
pub fn answer(args: &[OsString], environment: &Environment) -> Option<Vec<u8>> {
    let shell: &dyn EnvCompleter = match environment.text(VARIABLE)? {
        "bash" => &Bash,
        "zsh" => &Zsh,
        "fish" => &Fish,
        _ => return None,
    };
    if args.get(1).is_none_or(|word| word != "--") {
        return None;
    }
    let typed = args[2..].to_vec();
    let values = Arc::new(LiveValues::new(&typed, environment));
    let mut definition = with_values(cli::outline(), &values);
    let directory = std::env::current_dir().ok();
    let mut text = Vec::new();
    // A failure offers nothing, which is all that a shell could say of it.
    let _ = shell.write_complete(&mut definition, typed, directory.as_deref(), &mut text);
    Some(text)
}

/// The same definition, whose arguments know their values.
fn with_values(command: Command, values: &Arc<LiveValues>) -> Command {
    let is_words = command.get_name() == "words";
    let with = |arg: Arg| match value_kind(arg.get_id().as_str(), is_words) {
        Some(kind) => {
            let values = Arc::clone(values);
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| values.candidates(kind, typed)))
        }
        None => arg,
    };
    command.mut_args(with).mut_subcommands(|inner| with_values(inner, values))
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CompletedKind {
    Profile,
    Field,
    Zone,
    Action,
    ObjectType,
    Code,
    Consumer,
    Country,
    Level,
    Rule,
    CountedField,
    HiddenField,
    Stream,
    Name(NameKind),
}

fn value_kind(argument: &str, is_words: bool) -> Option<CompletedKind> {
    Some(match argument {
        "profile" => CompletedKind::Profile,
        "fields" => CompletedKind::Field,
        "tz" => CompletedKind::Zone,
        "action" => CompletedKind::Action,
        "object" => CompletedKind::ObjectType,
        "consumer" => CompletedKind::Consumer,
        "country" => CompletedKind::Country,
        "level" | "fail_on" => CompletedKind::Level,
        "only" | "explain" => CompletedKind::Rule,
        "by" => CompletedKind::CountedField,
        "mask" | "hash" => CompletedKind::HiddenField,
        "stream" | "features" => CompletedKind::Stream,
        "item" => CompletedKind::Name(NameKind::Item),
        "vault" => CompletedKind::Name(NameKind::Vault),
        "group" => CompletedKind::Name(NameKind::Group),
        "user" | "actor" => CompletedKind::Name(NameKind::User),
        "wanted" if is_words => CompletedKind::Code,
        _ => return None,
    })
}

impl CompletedKind {
    /// Whether several values may stand with commas between them, each with a `!` before it.
    fn is_list(self) -> bool {
        !matches!(
            self,
            CompletedKind::Profile
                | CompletedKind::Level
                | CompletedKind::Zone
                | CompletedKind::Consumer
                | CompletedKind::Code
        )
    }
}

/// Where values are looked up.
#[derive(Debug)]
struct LiveValues {
    environment: Environment,
    profile: Option<String>,
    config: Option<PathBuf>,
    state_dir: Option<PathBuf>,
}

impl LiveValues {
    /// With the profile and the places that the command line names so far.
    fn new(typed: &[OsString], environment: &Environment) -> Self {
        LiveValues {
            environment: environment.clone(),
            profile: value_of(typed, &["--profile", "-p"]),
            config: value_of(typed, &["--config"]).map(PathBuf::from),
            state_dir: value_of(typed, &["--state-dir"]).map(PathBuf::from),
        }
    }

    fn candidates(&self, kind: CompletedKind, typed: &OsStr) -> Vec<CompletionCandidate> {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let begun = typed.rfind([',', '!']).filter(|_| kind.is_list()).map_or(0, |at| at + 1);
        let (before, last) = typed.split_at(begun);
        let last = last.to_lowercase();
        let fits = |value: &str| value.to_lowercase().starts_with(&last);
        let values = self.values(kind).into_iter().filter(|(value, _)| is_plain(value) && fits(value));
        values
            .map(|(value, help)| {
                let candidate = CompletionCandidate::new(format!("{before}{value}"));
                candidate.help(help.map(|help| crate::sanitize::message(&help).into_owned().into()))
            })
            .collect()
    }

    /// All values of a kind, each once, with what it means.
    fn values(&self, kind: CompletedKind) -> Vec<(String, Option<String>)> {
        match kind {
            CompletedKind::Profile => self.profiles(),
            CompletedKind::Field => {
                Fields::known_names().into_iter().map(|(n, help)| (n, Some(help))).collect()
            }
            CompletedKind::Zone => Zone::names().map(|name| (name.to_owned(), None)).collect(),
            CompletedKind::Action => codes(true, false),
            CompletedKind::ObjectType => codes(false, true),
            CompletedKind::Code => codes(true, true),
            CompletedKind::Consumer => self.consumers().unwrap_or_default(),
            CompletedKind::Country => {
                countries().map(|(code, name)| (code.to_owned(), Some(name.into()))).collect()
            }
            CompletedKind::Level => Level::ALL.map(|level| (level.name().to_owned(), None)).into(),
            CompletedKind::Rule => {
                builtin_rules().into_iter().map(|rule| (rule.id, Some(rule.title))).collect()
            }
            CompletedKind::CountedField => ByFields::names().map(|name| (name.to_owned(), None)).collect(),
            CompletedKind::HiddenField => hidden_fields(),
            CompletedKind::Stream => Stream::ALL.map(|stream| (stream.word().to_owned(), None)).into(),
            CompletedKind::Name(kind) => self.names(kind),
        }
    }

    fn config(&self) -> Option<Config> {
        Config::read(self.config.as_deref(), self.environment.clone()).ok()
    }

    fn profiles(&self) -> Vec<(String, Option<String>)> {
        let known =
            self.config().map(|config| config.file.profiles.into_keys().collect()).unwrap_or_default();
        let mut names: BTreeSet<String> = known;
        names.extend(["default".to_owned(), "demo".to_owned()]);
        names.into_iter().map(|name| (name, None)).collect()
    }

    /// The profile that is meant, and its state directory.
    fn state(&self) -> Option<(String, PathBuf)> {
        let config = self.config()?;
        let ambient = || self.environment.text(environment::PROFILE).map(str::to_owned);
        let profile = self.profile.clone().or_else(ambient).unwrap_or_else(|| "default".into());
        let account = AccountArgs {
            profile: Some(profile.clone()),
            state_dir: self.state_dir.clone(),
            ..AccountArgs::default()
        };
        let flags = SettingFlags { account: &account, tz: None, page_size: None, jobs: None };
        let settings = config.settings(&flags).ok()?;
        Some((profile, settings.state_dir().ok()?.to_owned()))
    }

    fn consumers(&self) -> Option<Vec<(String, Option<String>)>> {
        let (profile, state_dir) = self.state()?;
        let saved = saved_state::list(&RealDisk, &state_dir).ok()?;
        let own = saved.into_iter().filter(|saved| saved.profile == profile);
        let named = own.map(|saved| match saved.record {
            Ok(Some(record)) if record.output.is_some() => (saved.key, Some(record.consumer)),
            _ => (saved.key, None),
        });
        Some(named.collect())
    }

    /// Names of a kind, as filters take them: their words with dashes between them.
    fn names(&self, kind: NameKind) -> Vec<(String, Option<String>)> {
        let read = |(profile, state_dir): (String, PathBuf)| {
            NameStore::new(&state_dir, &profile).read(&RealDisk).unwrap_or_default()
        };
        let names: Names = self.state().map(read).unwrap_or_default();
        let of_kind = names.sorted().into_iter().filter(|(_, known)| known.kind == kind);
        let mut values: Vec<(String, Option<String>)> =
            of_kind.map(|(_, known)| (as_word(&known.name), Some(known.name.clone()))).collect();
        values.dedup_by(|one, other| one.0 == other.0);
        values.truncate(MOST_NAMES);
        values
    }
}

/// The value of the last of these flags.
fn value_of(typed: &[OsString], flags: &[&str]) -> Option<String> {
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    let mut found = None;
    for (index, word) in typed.iter().enumerate() {
        let Some(word) = word.to_str() else { continue };
        if flags.contains(&word) {
            found = typed.get(index + 1).and_then(text).or(found);
        }
        let joined = |flag: &&str| word.strip_prefix(*flag)?.strip_prefix('=').map(str::to_owned);
        found = flags.iter().find_map(joined).or(found);
    }
    found
}

/// What --mask and --hash take: the fields of events, and those of everybody whom an event names.
fn hidden_fields() -> Vec<(String, Option<String>)> {
    let of_anybody = ["users.uuid", "users.name", "users.email"];
    let of_anybody =
        of_anybody.map(|name| (name.to_owned(), Some("of everybody whom an event names".into())));
    let fields = Fields::known_paths().into_iter().map(|(path, meaning)| (path, Some(meaning)));
    of_anybody.into_iter().chain(fields).collect()
}

/// Codes and object types, each once, with the first of their meanings.
fn codes(actions: bool, types: bool) -> Vec<(String, Option<String>)> {
    let mut values: Vec<(String, Option<String>)> = Vec::new();
    for row in words::table() {
        let of_type = format!("audit events about {}", row.object_type);
        let pairs = [(row.code, row.words), (row.object_type, of_type)];
        for ((value, help), is_wanted) in pairs.into_iter().zip([actions, types]) {
            if is_wanted && !value.is_empty() && !values.iter().any(|(known, _)| known == value) {
                values.push((value.to_owned(), Some(help)));
            }
        }
    }
    values
}

/// The words of a name with dashes between them: no shell takes them apart, and filters take them for the name.
fn as_word(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// Whether a value is one word to every shell.
fn is_plain(value: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+@".contains(c);
    !value.is_empty() && !value.starts_with('-') && value.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_that_no_shell_takes_apart() {
        for (name, word) in [
            ("AWS root", "AWS-root"),
            ("O'Brien; rm -rf $(x)", "O-Brien-rm-rf-x"),
            ("\u{1b}[2J", "2J"),
            ("-", ""),
        ] {
            assert_eq!(as_word(name), word);
        }
        assert!(is_plain("Europe/Berlin") && is_plain("a.b") && is_plain("m\u{fc}ller-1"));
        assert!(
            !is_plain("a b") && !is_plain("$(x)") && !is_plain("") && !is_plain("-x") && !is_plain("a`b")
        );
    }

    #[test]
    fn flags_before_the_cursor_say_whose_values() {
        let typed: Vec<OsString> =
            ["opev", "-p", "a", "fetch", "--profile=b", "--config", "c"].map(Into::into).into();
        assert_eq!(value_of(&typed, &["--profile", "-p"]).as_deref(), Some("b"));
        assert_eq!(value_of(&typed[..3], &["--profile", "-p"]).as_deref(), Some("a"));
        assert_eq!(value_of(&typed, &["--config"]).as_deref(), Some("c"));
        assert_eq!(value_of(&typed, &["--state-dir"]), None);
    }
}
