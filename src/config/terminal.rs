//! Terminal settings: colour and width.

use std::os::fd::AsFd;

use super::environment::Environment;
use crate::cli::ColorChoice;

/// The width without a terminal, in columns.
const USUAL_WIDTH: usize = 80;

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
}
