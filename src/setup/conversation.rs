//! The questions of a set-up, in their order. Every answer can be a flag; without a terminal it has to be.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use crate::api::endpoint::Region;
use crate::cancel::Cancel;
use crate::cli::setup::SetupArgs;
use crate::config::file::{self, DEFAULT, DEMO};
use crate::config::setup::{NewServer, NewToken, token_file};
use crate::config::token::refuse_a_token;
use crate::config::{Config, TokenSource, environment, terminal};
use crate::console::Prompt;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// The flags that name a place of the token.
const PLACES: &str = "--token-reference op://vault/item/field, --token-file FILE, --token-command CMD, \
                      --token-env NAME or --save-token";

/// How to read 1Password's own name for a field.
const REFERENCE_FORM: &str = "A reference has the form op://vault/item/field; 1Password copies it with \
                              \"Copy Secret Reference\" beside the field.";

/// The questions to one person, or to nobody.
#[derive(Debug)]
pub struct Conversation<'a> {
    args: &'a SetupArgs,
    config: &'a Config,
    /// Where the configuration is, or will be.
    path: &'a Path,
    person: Option<Prompt>,
    cancel: &'a Cancel,
}

/// The name of a profile, and whether what it says already may be replaced.
#[derive(Debug)]
pub struct ChosenName {
    /// The name.
    pub name: String,
    /// Whether its token and server are replaced.
    pub replaces: bool,
}

/// What a person wants after a check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Name the token again.
    AskAgain,
    /// Write the profile all the same.
    Write,
    /// End here.
    End,
}

impl<'a> Conversation<'a> {
    /// A conversation with `person`, about a profile of the configuration at `path`.
    pub fn new(
        args: &'a SetupArgs,
        config: &'a Config,
        path: &'a Path,
        person: Option<Prompt>,
        cancel: &'a Cancel,
    ) -> Self {
        Conversation { args, config, path, person, cancel }
    }

    /// The profile that a flag or the environment names.
    pub fn named_profile(&self) -> Option<&str> {
        self.args.profile.as_deref().or_else(|| self.config.environment.text(environment::PROFILE))
    }

    /// Says what this is, and how to end it.
    pub fn greet(&self) {
        let Some(person) = &self.person else { return };
        person.say(&format!(
            "This sets up one account: it checks the token of a 1Password Events API integration, and writes a \
             profile into {}. Nothing is written before the check; Ctrl-C ends it.\n\
             No token yet? An administrator gets one at 1password.com: Integrations > Directory > Events Reporting.\n ",
            shown(self.path)
        ));
    }

    /// The name of the profile; none where the person does not want an existing one changed.
    ///
    /// # Errors
    /// Fails when the name cannot be one, and when the profile exists and nobody can be asked.
    pub fn name(&self) -> Result<Option<ChosenName>> {
        loop {
            let name = match (self.named_profile(), &self.person) {
                (Some(name), _) => name.to_owned(),
                (None, None) => DEFAULT.to_owned(),
                (None, Some(person)) => {
                    or(person.ask(&format!("Name of the profile [{DEFAULT}]: "))?, DEFAULT)
                }
            };
            let is_typed = self.named_profile().is_none();
            match (file::check_name(&name), &self.person) {
                (Ok(()), _) => {}
                (Err(problem), Some(person)) if is_typed => {
                    person.say(&format!("{}: {}.", problem.message, problem.hint.unwrap_or_default()));
                    continue;
                }
                (Err(problem), _) => {
                    let failure = Error::new(ErrorKind::Usage, problem.message);
                    return Err(failure.hint(problem.hint.unwrap_or_default()));
                }
            }
            match self.may_replace(&name)? {
                Some(replaces) => return Ok(Some(ChosenName { name, replaces })),
                None if is_typed => {}
                None => return Ok(None),
            }
        }
    }

    /// Whether a profile says something that is replaced; none where the person does not want that.
    fn may_replace(&self, name: &str) -> Result<Option<bool>> {
        // The demo is tried, and not written.
        let said = self.config.file.profiles.get(name).filter(|_| name != DEMO);
        let token = said
            .and_then(|profile| Some((profile.token.as_ref()?.value.name(), profile.token.as_ref()?.line)));
        let server = said
            .and_then(|profile| Some((profile.server.as_ref()?.value.name(), profile.server.as_ref()?.line)));
        let Some((key, line)) = token.or(server) else { return Ok(Some(false)) };
        if self.args.force {
            return Ok(Some(true));
        }
        let what = format!("the profile {name} exists already ({key}, line {line} of {})", shown(self.path));
        let Some(person) = &self.person else {
            return Err(Error::new(ErrorKind::Config, what).hint(
                "replace its token and server with --force, or choose another name with --profile NAME",
            ));
        };
        person.say(&format!("{}{}.", what[..1].to_uppercase(), &what[1..]));
        Ok(person.agrees("Replace its token and server? Its other keys stay.", false)?.then_some(true))
    }

    /// Where the token is: what a flag says, else an answer.
    ///
    /// # Errors
    /// Fails when nothing says it, and when a token was given in the place of its place.
    pub fn token_place(&self, profile: &str) -> Result<NewToken> {
        let typed = &self.args.token;
        if let Some(reference) = &typed.token_reference {
            refuse_a_token(reference.as_ref(), "a secret reference (op://vault/item/field)")?;
            if !reference.starts_with("op://") {
                return Err(Error::new(ErrorKind::Usage, "--token-reference does not begin with op://")
                    .hint(REFERENCE_FORM));
            }
            return Ok(NewToken::Reference(reference.clone()));
        }
        if let Some(path) = &typed.token_file {
            if path.as_os_str() == "-" {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "a profile cannot name standard input as its token's file",
                )
                .hint("use --save-token, which reads it now and saves it for you alone"));
            }
            refuse_a_token(path.file_name().unwrap_or_default(), "the name of a file")?;
            return Ok(NewToken::File(absolute(path)?));
        }
        if let Some(line) = &typed.token_command {
            refuse_a_token(line.as_ref(), "a command")?;
            return Ok(NewToken::Command(line.clone()));
        }
        if let Some(name) = &typed.token_env {
            refuse_a_token(name.as_ref(), "the name of a variable")?;
            return Ok(NewToken::Variable(name.clone()));
        }
        match &self.person {
            Some(person) if typed.save_token => typed_token(person),
            Some(_) => self.ask_token_place(profile),
            None if typed.save_token => piped_token(self.cancel),
            None => Err(Error::new(ErrorKind::Usage, "where is the token? There is no terminal to ask")
                .hint(format!("say it with one of {PLACES}"))),
        }
    }

    /// Where the token is, as a person answers.
    ///
    /// # Errors
    /// Fails when there is nobody, and at the end of the answers.
    pub fn ask_token_place(&self, profile: &str) -> Result<NewToken> {
        let person =
            self.person.as_ref().ok_or_else(|| Error::new(ErrorKind::Usage, "there is no terminal"))?;
        let environment = &self.config.environment;
        let has_op = terminal::is_installed(environment, "op");
        let has_variable = environment.raw(environment::TOKEN).is_some();
        let note = |is_so: bool, yes: &str, no: &str| if is_so { yes.to_owned() } else { no.to_owned() };
        person.say(&format!(
            "\nWhere is the token?\n  \
             1  in 1Password; each run reads it with `op read`{}\n  \
             2  in a file\n  \
             3  another command prints it\n  \
             4  in an environment variable{}\n  \
             5  I paste it now; it is saved in {}, for me alone",
            note(has_op, "", " (op is not installed here)"),
            note(has_variable, " (EVENTS_API_TOKEN is set)", ""),
            shown(&token_file(self.path, profile)),
        ));
        let usual = if has_op { "1" } else { "5" };
        loop {
            let answer = or(person.ask(&format!("1 to 5 [{usual}]: "))?, usual);
            if answer.starts_with("op://") {
                return Ok(NewToken::Reference(answer));
            }
            let asked = match answer.to_lowercase().as_str() {
                "1" | "op" | "1password" => {
                    person.say(REFERENCE_FORM);
                    ask_text(person, "Reference: ")?.map(NewToken::Reference)
                }
                "2" | "file" => match ask_text(person, "Path of the file: ")? {
                    Some(path) => Some(NewToken::File(absolute(Path::new(&path))?)),
                    None => None,
                },
                "3" | "command" => ask_text(person, "Command: ")?.map(NewToken::Command),
                "4" | "variable" => {
                    let name = person.ask(&format!("Name of the variable [{}]: ", environment::TOKEN))?;
                    Some(NewToken::Variable(or(name, environment::TOKEN)))
                        .filter(|_| !is_token(person, &answer))
                }
                "5" | "paste" => Some(typed_token(person)?),
                _ => {
                    if !is_token(person, &answer) {
                        person.say("Answer with a number from 1 to 5.");
                    }
                    None
                }
            };
            match asked {
                Some(NewToken::Reference(text)) if !text.starts_with("op://") => {
                    person.say("That does not begin with op://.");
                }
                Some(place) => return Ok(place),
                None => {}
            }
        }
    }

    /// Whether the file of the token may be written over.
    ///
    /// # Errors
    /// Fails when the file exists and nobody can be asked.
    pub fn may_write_token(&self, path: &Path, replaces: bool) -> Result<bool> {
        if replaces || self.args.force || path.symlink_metadata().is_err() {
            return Ok(true);
        }
        match &self.person {
            Some(person) => person.agrees(&format!("{} exists already. Replace it?", shown(path)), false),
            None => Err(Error::new(ErrorKind::Config, format!("{} exists already", shown(path)))
                .hint("replace it with --force, or move it away")),
        }
    }

    /// The server, as flags or the environment name it.
    pub fn server(&self) -> Option<NewServer> {
        let ambient = || self.config.environment.text(environment::BASE_URL).map(str::to_owned);
        match self.args.region {
            Some(region) => Some(NewServer::Region(region)),
            None => self.args.base_url.clone().or_else(ambient).map(NewServer::BaseUrl),
        }
    }

    /// The certificates that a flag names.
    ///
    /// # Errors
    /// Fails when the path is not text.
    pub fn ca_file(&self) -> Result<Option<String>> {
        self.args.ca_file.as_deref().map(absolute).transpose()
    }

    /// The region of an old token, which does not name it; none where nobody can be asked.
    ///
    /// # Errors
    /// Fails at the end of the answers.
    pub fn region(&self) -> Result<Option<Region>> {
        let Some(person) = &self.person else { return Ok(None) };
        person
            .say("\nThis token does not say which server it is for. What does the account's address end in?");
        for region in Region::ALL {
            person.say(&format!("  {:3}  {}", region.name(), region.host().trim_start_matches("events.")));
        }
        loop {
            match person.ask("Region [us]: ")?.to_lowercase().as_str() {
                "" => return Ok(Some(Region::Us)),
                answer => match answer.parse() {
                    Ok(region) => return Ok(Some(region)),
                    Err(_) => person.say("Answer us, ca, eu or ent."),
                },
            }
        }
    }

    /// What to do after a check that failed.
    ///
    /// # Errors
    /// Fails at the end of the answers.
    pub fn after_failure(&self) -> Result<AfterFailure> {
        let Some(person) = &self.person else { return Ok(AfterFailure::End) };
        person.say("\nNothing is written yet.\n  1  name the token again\n  2  write the profile all the same\n  3  end");
        loop {
            match person.ask("1 to 3 [1]: ")?.as_str() {
                "" | "1" => return Ok(AfterFailure::AskAgain),
                "2" => return Ok(AfterFailure::Write),
                "3" => return Ok(AfterFailure::End),
                _ => person.say("Answer with a number from 1 to 3."),
            }
        }
    }

    /// Whether to fetch now.
    ///
    /// # Errors
    /// Fails at the end of the answers.
    pub fn wants_fetch(&self) -> Result<bool> {
        match &self.person {
            _ if self.args.fetch => Ok(true),
            Some(person) if !self.args.no_fetch => {
                person.say(" ");
                person.agrees("Fetch the last 24 hours now?", true)
            }
            _ => Ok(false),
        }
    }
}

/// An answer that is some text, and not a token.
fn ask_text(person: &Prompt, question: &str) -> Result<Option<String>> {
    let text = person.ask(question)?;
    Ok(Some(text).filter(|text| !text.is_empty() && !is_token(person, text)))
}

/// Whether a token was typed where it can be seen; the person is told.
fn is_token(person: &Prompt, text: &str) -> bool {
    let is_token = refuse_a_token(text.as_ref(), "").is_err();
    if is_token {
        person.say(
            "That is a token, and the screen shows it: clear the screen. To paste a token unseen, answer 5.",
        );
    }
    is_token
}

/// A token that is typed and not shown.
fn typed_token(person: &Prompt) -> Result<NewToken> {
    loop {
        let token = person.ask_secret("Token (it is not shown; Enter ends it): ")?;
        // It is hidden in messages, and judged by the check.
        match TokenSource::Typed(token).load(&Cancel::new()) {
            Ok(token) => return Ok(NewToken::Here(token)),
            Err(failure) => {
                person.say(&format!("{failure}: {}.", failure.advice().unwrap_or("type it again")))
            }
        }
    }
}

/// A token from a pipe or a file.
fn piped_token(cancel: &Cancel) -> Result<NewToken> {
    if io::stdin().is_terminal() {
        // What is typed there would be shown.
        return Err(Error::new(
            ErrorKind::Usage,
            "cannot ask for the token: standard error is not a terminal",
        )
        .hint("give the token on standard input: opev setup --save-token < FILE"));
    }
    TokenSource::Stdin.load(cancel).map(NewToken::Here)
}

/// A path as it can stand in the configuration, in which relative paths start elsewhere.
fn absolute(path: &Path) -> Result<String> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::Usage, format!("{} cannot stand in a configuration: {why}", shown(path)))
            .hint("name another file")
    };
    let absolute = if path.starts_with("~") {
        path.to_owned()
    } else {
        std::path::absolute(path).map_err(|e| wrong(&e.to_string()))?
    };
    absolute.to_str().map(str::to_owned).ok_or_else(|| wrong("it is not UTF-8"))
}

fn or(answer: String, usual: &str) -> String {
    if answer.is_empty() { usual.to_owned() } else { answer }
}

fn shown(path: &Path) -> String {
    sanitize::message(&path.to_string_lossy()).into_owned()
}
