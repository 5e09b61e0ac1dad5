//! `opev config`: settings in, their text out; a first configuration file, and profiles from elsewhere.

mod import;
mod sumo;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::ConsoleArgs;
use crate::cli::config::{ConfigArgs, ConfigCommand, InitArgs, ShowArgs};
use crate::config::{Config, Environment, Setting, Typed, file, template};
use crate::console::{CellTone, TextStyle, TextTable};
use crate::disk::real::publish;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// Runs `opev config`, and gives what goes to standard output.
///
/// # Errors
/// Fails when the configuration cannot be read or is wrong, and when a first one cannot be written.
pub fn run(args: &ConfigArgs, console: &ConsoleArgs, environment: Environment) -> Result<Vec<u8>> {
    match &args.command {
        ConfigCommand::Show(args) => show(args, console, environment),
        ConfigCommand::Path(args) => {
            let path = place(args.config.as_deref(), &environment)?;
            Ok(format!("{}\n", path.display()).into_bytes())
        }
        ConfigCommand::Init(args) => init(args, &environment),
        ConfigCommand::ImportSumo(args) => import::run(args, &environment),
    }
}

fn show(args: &ShowArgs, console: &ConsoleArgs, environment: Environment) -> Result<Vec<u8>> {
    let config = Config::read(args.account.file.config.as_deref(), environment)?;
    let typed = Typed { account: &args.account, tz: console.tz.as_ref(), page_size: None, jobs: None };
    let settings = config.settings(&typed)?;
    Ok(if args.json { as_json(&settings.shown) } else { as_lines(&settings.shown) })
}

/// One line a setting: key, value and origin.
fn as_lines(settings: &[Setting]) -> Vec<u8> {
    let mut table = TextTable::new(TextStyle::default(), 0);
    for Setting { key, value, origin } in settings {
        let text = format!("{value} {}", origin.in_brackets());
        table.row([(CellTone::Plain, (*key).into()), (CellTone::Plain, text.into())]);
    }
    table.render().into_bytes()
}

/// One object: each key with value and origin.
fn as_json(settings: &[Setting]) -> Vec<u8> {
    let object: serde_json::Map<_, _> = settings
        .iter()
        .map(|Setting { key, value, origin }| {
            ((*key).to_owned(), json!({ "value": value, "origin": origin.to_string() }))
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Object(object)).into_bytes()
}

fn init(args: &InitArgs, environment: &Environment) -> Result<Vec<u8>> {
    let path = place(args.file.config.as_deref(), environment)?;
    let shown = sanitize::message(&path.to_string_lossy()).into_owned();
    publish(&path, template::TEMPLATE.as_bytes(), args.force).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Config, format!("{shown} exists already"))
            .hint("edit it, or replace it with --force"),
        _ => Error::new(ErrorKind::Output, format!("cannot write {shown}")).because(e),
    })?;
    Ok(format!("{shown}\n").into_bytes())
}

fn place(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf> {
    file::locate(flag, environment).0.ok_or_else(|| {
        Error::new(ErrorKind::Config, "no place for the configuration file: HOME is not set")
            .hint("name one with --config FILE or OPEV_CONFIG")
    })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn run_in(home: &Path, line: &str, more: &[(&str, &str)]) -> Result<String> {
        let mut pairs = vec![("HOME", home.to_str().unwrap())];
        pairs.extend(more);
        let cli = Cli::read(line.split(' ')).unwrap();
        let Command::Config(args) = cli.command else { panic!("{line}") };
        let output = run(&args, &cli.console, pairs.into_iter().collect())?;
        Ok(String::from_utf8(output).unwrap())
    }

    #[test]
    fn init_writes_a_private_file_once() {
        let home = tempfile::tempdir().unwrap();
        let expected = home.path().join(".config/opev/config.toml");
        assert_eq!(
            run_in(home.path(), "opev config path", &[]).unwrap(),
            format!("{}\n", expected.display())
        );
        run_in(home.path(), "opev config init", &[]).unwrap();
        assert_eq!(std::fs::read_to_string(&expected).unwrap(), template::TEMPLATE);
        assert_eq!(expected.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let mut file = OpenOptions::new().append(true).open(&expected).unwrap();
        file.write_all(b"# mine\n").unwrap();
        let failure = run_in(home.path(), "opev config init", &[]).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        assert!(failure.to_string().ends_with("config.toml exists already"), "{failure}");
        assert!(std::fs::read_to_string(&expected).unwrap().ends_with("# mine\n"));

        run_in(home.path(), "opev config init --force", &[]).unwrap();
        assert_eq!(std::fs::read_to_string(&expected).unwrap(), template::TEMPLATE);
        let left = std::fs::read_dir(expected.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside it");
    }

    #[test]
    fn show_names_each_origin_and_never_the_token() {
        let home = tempfile::tempdir().unwrap();
        let more = [("EVENTS_API_TOKEN", "eyJsecret"), ("OPEV_BASE_URL", "events.1password.eu")];
        let text = run_in(home.path(), "opev config show --timeout 5s", &more).unwrap();
        let line = |key: &str| {
            let found = text.lines().find(|line| line.starts_with(key)).unwrap();
            found.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("base_url"), "base_url https://events.1password.eu (from OPEV_BASE_URL)");
        assert_eq!(line("token"), "token set (from EVENTS_API_TOKEN)");
        assert_eq!(line("timeout"), "timeout 5s (from --timeout)");
        assert_eq!(line("page_size"), "page_size 1000 (default)");
        assert!(!text.contains("eyJ"));

        let json = run_in(home.path(), "opev config show --json", &more).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["base_url"]["value"], "https://events.1password.eu");
        assert_eq!(value["base_url"]["origin"], "OPEV_BASE_URL");
        assert!(!json.contains("eyJ"));
    }

    #[test]
    fn without_a_home_there_is_no_place_but_a_hint() {
        let cli = Cli::read(["opev", "config", "path"]).unwrap();
        let Command::Config(args) = cli.command else { panic!() };
        let failure = run(&args, &cli.console, Environment::default()).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        assert!(failure.advice().unwrap().contains("OPEV_CONFIG"));
    }
}
