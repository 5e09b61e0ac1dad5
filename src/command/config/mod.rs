//! `opev config`: settings in, their text out; a first configuration file, an edited one, and profiles from
//! elsewhere.

mod list;

use crate::cli::config::{ConfigArgs, ConfigCommand, ConfigInitArgs, ConfigShowArgs, ImportSumoArgs};
use crate::command::Invocation;
use crate::config::edit::{edit, write_configuration, write_private};
use crate::config::{Config, SettingFlags, file, import, origin, template};
use crate::error::Result;
use crate::output::shown;

/// Runs `opev config`, and gives what goes to standard output.
///
/// # Errors
/// Fails when the configuration cannot be read or is wrong, and when one cannot be written.
pub fn run(args: &ConfigArgs, invocation: &Invocation) -> Result<Vec<u8>> {
    let environment = &invocation.environment;
    let text = match &args.command {
        ConfigCommand::Show(args) => show(args, invocation)?,
        ConfigCommand::List(args) => list::run(args, invocation)?,
        ConfigCommand::Edit(args) => {
            let edited =
                edit(args.config.as_deref(), environment, |text| invocation.runtime.console.note(text))?;
            edited.map_or_else(|| "nothing was changed\n".into(), |path| format!("{}\n", shown(&path)))
        }
        ConfigCommand::Path(args) => {
            format!("{}\n", file::place(args.config.as_deref(), environment)?.display())
        }
        ConfigCommand::Init(args) => init(args, invocation)?,
        ConfigCommand::ImportSumo(args) => import(args, invocation)?,
    };
    Ok(text.into_bytes())
}

fn show(args: &ConfigShowArgs, invocation: &Invocation) -> Result<String> {
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let tz = invocation.console_args.tz.as_ref();
    let flags = SettingFlags { account: &args.account, tz, page_size: None, jobs: None };
    let settings = config.settings(&flags)?;
    Ok(if args.json { origin::json(&settings.shown) } else { origin::lines(&settings.shown) })
}

fn init(args: &ConfigInitArgs, invocation: &Invocation) -> Result<String> {
    let path = file::place(args.file.config.as_deref(), &invocation.environment)?;
    write_private(&path, template::TEMPLATE.as_bytes(), args.force, "edit it, or replace it with --force")?;
    invocation.runtime.console.note(
        "next: name the token's place with `opev config edit`, then `opev token-check`; `opev setup` asks for both",
    );
    Ok(format!("{}\n", shown(&path)))
}

fn import(args: &ImportSumoArgs, invocation: &Invocation) -> Result<String> {
    let plan = import::plan(args, &invocation.environment)?;
    for file in &plan.token_files {
        write_private(
            &file.path,
            file.token.expose().as_bytes(),
            false,
            "name another file, or move it away",
        )?;
        log::info!("the token is in {}", shown(&file.path));
    }
    match plan.config {
        None => Ok(plan.profiles),
        Some((path, text)) => {
            write_configuration(&path, text.as_bytes())?;
            Ok(format!("{}\n", shown(&path)))
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files are the tests' own")]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::cancel::Cancel;
    use crate::cli::{Cli, Command, ConsoleArgs};
    use crate::clock::{Clock, ManualClock};
    use crate::config::Environment;
    use crate::console::{Console, ConsoleOptions, LogFormat};
    use crate::error::ErrorKind;
    use crate::runtime::Runtime;

    fn invocation(console_args: ConsoleArgs, environment: Environment) -> Invocation {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(chrono::DateTime::UNIX_EPOCH));
        let format = LogFormat::Text;
        let options = ConsoleOptions { level: log::LevelFilter::Off, format, colour: false, progress: false };
        let console = Console::new(options, Arc::clone(&clock));
        let runtime = Runtime { clock, cancel: Cancel::new(), console };
        Invocation { runtime, environment, stdout_is_terminal: false, console_args }
    }

    fn run_in(home: &Path, line: &str, more: &[(&str, &str)]) -> Result<String> {
        let mut pairs = vec![("HOME", home.to_str().unwrap())];
        pairs.extend(more);
        let cli = Cli::read(line.split(' ')).unwrap();
        let Command::Config(args) = cli.command else { panic!("{line}") };
        let output = run(&args, &invocation(cli.console, pairs.into_iter().collect()))?;
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
        let failure = run(&args, &invocation(cli.console, Environment::default())).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        assert!(failure.advice().unwrap().contains("OPEV_CONFIG"));
    }
}
