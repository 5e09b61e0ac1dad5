//! Terminal settings: colour, width and pager.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt as _;

use super::environment::Environment;
use crate::cli::ColorChoice;

/// The width without a terminal, in columns.
const USUAL_WIDTH: usize = 80;

/// The pager without a variable that names one.
const USUAL_PAGER: &str = "less";

/// Whether to colour: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, `TERM=dumb`, then whether it is
/// a terminal; the first that says something decides.
pub fn colour(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => return true,
        ColorChoice::Never => return false,
        ColorChoice::Auto => {}
    }
    if environment.text("NO_COLOR").is_some() {
        return false;
    }
    if environment.text("CLICOLOR_FORCE").is_some_and(|force| force != "0") {
        return true;
    }
    match environment.text("CLICOLOR") {
        Some("0") => false,
        Some(_) => is_terminal,
        None => is_terminal && environment.text("TERM") != Some("dumb"),
    }
}

/// The width of a terminal in columns; 80 where it is not one or does not know.
pub fn width(terminal: impl AsFd) -> usize {
    match rustix::termios::tcgetwinsize(terminal) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => USUAL_WIDTH,
    }
}

/// The pager: the first of OPEV_PAGER and PAGER that is set, else less where it is installed; none where the
/// variable is empty or `cat`, and on a dumb terminal. With its environment: without the `hidden` variables (P10),
/// and with the options that less gets from git, unless LESS is set; `is_wide` lets it scroll sideways.
pub fn pager(
    environment: &Environment,
    hidden: &[String],
    is_wide: bool,
) -> Option<(String, Vec<(OsString, OsString)>)> {
    if environment.text("TERM").is_none_or(|term| term == "dumb") {
        return None;
    }
    let command = match environment.raw("OPEV_PAGER").or_else(|| environment.raw("PAGER")) {
        Some(command) => command.to_str()?.trim().to_owned(),
        None if is_installed(environment, USUAL_PAGER) => USUAL_PAGER.to_owned(),
        None => return None,
    };
    if command.is_empty() || command == "cat" {
        return None;
    }
    let owned = |(name, value): (&OsStr, &OsStr)| (name.to_owned(), value.to_owned());
    let mut variables: Vec<_> = environment.without(hidden).map(owned).collect();
    for (name, value) in [("LESS", if is_wide { "FRXS" } else { "FRX" }), ("LV", "-c")] {
        if environment.raw(name).is_none() {
            variables.push((name.into(), value.into()));
        }
    }
    Some((command, variables))
}

/// Whether a program of this name is on PATH.
pub fn is_installed(environment: &Environment, name: &str) -> bool {
    let Some(path) = environment.raw("PATH") else { return false };
    std::env::split_paths(path).any(|directory| {
        let found = directory.join(name).metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_says_something_decides() {
        let auto = |pairs: &[(&str, &str)], is_terminal| {
            colour(ColorChoice::Auto, &pairs.iter().copied().collect(), is_terminal)
        };
        assert!(auto(&[], true) && !auto(&[], false));
        assert!(!auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(auto(&[("NO_COLOR", "")], true), "empty counts as unset");
        assert!(auto(&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false));
        assert!(!auto(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!auto(&[("CLICOLOR", "0")], true));
        assert!(auto(&[("CLICOLOR", "1"), ("TERM", "dumb")], true));
        assert!(!auto(&[("CLICOLOR", "1")], false));
        assert!(!auto(&[("TERM", "dumb")], true));
        let no: Environment = [("NO_COLOR", "1")].into_iter().collect();
        assert!(colour(ColorChoice::Always, &no, false));
        assert!(!colour(ColorChoice::Never, &Environment::default(), true));
    }

    #[test]
    fn what_is_not_a_terminal_is_80_wide() {
        assert_eq!(width(std::fs::File::open("/dev/null").unwrap()), 80);
    }

    #[test]
    fn the_pager_is_the_one_that_is_named_and_gets_no_token() {
        let chosen = |pairs: &[(&str, &str)]| {
            let environment = pairs.iter().copied().collect();
            pager(&environment, &["EVENTS_API_TOKEN".into()], false)
        };
        let (command, variables) =
            chosen(&[("TERM", "xterm"), ("PAGER", "more -d"), ("EVENTS_API_TOKEN", "secret")]).unwrap();
        assert_eq!(command, "more -d");
        assert!(variables.contains(&("LESS".into(), "FRX".into())));
        assert!(variables.iter().all(|(_, value)| value != "secret"));
        let own = chosen(&[("TERM", "xterm"), ("OPEV_PAGER", "a"), ("PAGER", "b"), ("LESS", "-i")]).unwrap();
        assert_eq!(own.0, "a");
        assert!(
            own.1.contains(&("LESS".into(), "-i".into())) && !own.1.contains(&("LESS".into(), "FRX".into()))
        );
        for none in [
            &[("TERM", "xterm"), ("PAGER", "")][..],
            &[("TERM", "xterm"), ("PAGER", "cat")],
            &[("TERM", "dumb"), ("PAGER", "more")],
            &[("PAGER", "more")],
            &[("TERM", "xterm"), ("PATH", "/nonexistent")],
        ] {
            assert_eq!(chosen(none), None, "{none:?}");
        }
    }
}
