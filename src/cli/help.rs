//! How help is laid out: examples come first; `-h` fits a screen of 24 lines by 80 columns, `--help` says all.
//!
//! Works on the finished definitions. What is in `-h` is a choice made here; the texts are those of the flags.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The width of a screen.
const WIDTH: usize = 80;

/// The most examples of `-h`.
const EXAMPLES: usize = 2;

/// The most flags of `-h` where no choice was made.
const FLAGS: usize = 9;

/// What `-h` shows of commands with many flags, by the names of their fields.
const CHOSEN: [(&str, &[&str]); 10] = [
    ("fetch", &["since", "until", "last", "user", "failed", "from", "format", "output", "resume", "profile"]),
    ("tail", &["since", "lines", "user", "failed", "format", "output", "resume", "profile"]),
    ("show", &["uuids", "since", "from", "format", "profile"]),
    ("summary", &["by", "top", "since", "until", "user", "failed", "from", "format", "profile"]),
    ("detect", &["since", "from", "rules", "only", "level", "list", "explain", "fail_on", "profile"]),
    ("exposure", &["user", "top", "since", "until", "from", "format", "profile"]),
    ("introspect", &["profile", "token_file", "token_command", "json"]),
    ("token-check", &["profile", "all_profiles", "token_file", "offline", "min_days", "sample", "json"]),
    (
        "setup",
        &[
            "profile",
            "token_reference",
            "token_file",
            "token_command",
            "save_token",
            "region",
            "force",
            "offline",
            "fetch",
        ],
    ),
    ("simulate", &["port", "events", "days", "live", "faults", "latency", "rate_limit"]),
];

/// The layout of a command's help.
const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// The same without the usage, and without a line that the list of commands needs.
const WITHOUT_USAGE: &str = "{about-with-newline}{before-help}{all-args}{after-help}";

/// How many columns a flag's help has beside the flags.
const HELP_WIDTH: usize = 50;

/// How many columns the help of a command has.
const ABOUT_WIDTH: usize = 65;

/// Whether a command line asks for help on one screen.
pub(super) fn wants_screen(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "-h")
}

/// Definitions whose help begins with examples; with `is_screen`, `-h` fits a screen.
pub(super) fn arranged(command: Command, is_screen: bool) -> Command {
    arranged_below(command, "", is_screen)
}

fn arranged_below(command: Command, above: &str, is_screen: bool) -> Command {
    let path = format!("{above}{}", command.get_name());
    let said = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    // Examples are the first paragraph.
    let (examples, rest) = match said.split_once("\n\n") {
        Some((examples, rest)) => (examples, rest.to_owned()),
        None => (said.as_str(), String::new()),
    };
    let examples: String = if is_screen { first_examples(examples) } else { examples.to_owned() };
    let after = if is_screen { format!("All flags: {path} --help") } else { rest };
    let is_root = above.is_empty();
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.help_template(TEMPLATE).after_help(after);
    if !examples.is_empty() {
        command = command.before_help(examples);
    }
    if is_screen {
        command = on_screen(command);
        // Its list of commands says how it is used.
        command = if is_root { command.help_template(WITHOUT_USAGE) } else { command };
    }
    let above = format!("{path} ");
    for name in names {
        command = command.mut_subcommand(name, |sub| arranged_below(sub, &above, is_screen));
    }
    command
}

/// The heading and the first examples that fit a line.
fn first_examples(examples: &str) -> String {
    let fitting = examples.lines().filter(|line| line.chars().count() <= WIDTH);
    fitting.take(EXAMPLES + 1).collect::<Vec<_>>().join("\n")
}

/// Whole parts of a text that fit this many columns, with the default at its end; all of it where not even the
/// first part does.
fn brief(text: &str, most: usize) -> String {
    let (text, default) = text.split_at(text.find(" [default").unwrap_or(text.len()));
    let ends = [". ", "; ", ": ", ", and "].into_iter().flat_map(|end| text.match_indices(end));
    let ends = ends.map(|(at, _)| at).chain([text.len()]);
    let most = most.saturating_sub(default.len());
    let fitting = ends.filter(|end| text[..*end].chars().count() <= most).max();
    format!("{}{default}", &text[..fitting.unwrap_or(text.len())])
}

/// One list of a few flags, a line each where that is possible.
fn on_screen(command: Command) -> Command {
    let chosen = CHOSEN.iter().find(|(name, _)| *name == command.get_name()).map(|(_, flags)| *flags);
    let mut shown = 0;
    let mut is_shown = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let is_wanted = match chosen {
            Some(chosen) => chosen.contains(&id),
            None => shown < FLAGS,
        };
        let is_wanted = is_wanted && !arg.is_global_set() && !arg.is_hide_set();
        shown += usize::from(is_wanted);
        is_wanted || arg.is_positional()
    };
    let about = command.get_about().map(|about| brief(&about.to_string(), ABOUT_WIDTH)).unwrap_or_default();
    command
        .about(about)
        .term_width(WIDTH)
        .disable_help_flag(true)
        .arg(Arg::new("help").short('h').long("help").action(clap::ArgAction::Help).hide(true))
        .disable_version_flag(true)
        .mut_args(|arg| {
            let is_shown = is_shown(&arg);
            let arg = if is_shown { arg } else { arg.hide_short_help(true) };
            let takes_values = arg.get_action().takes_values();
            let help = arg.get_help().map(|help| brief(&help.to_string(), HELP_WIDTH)).unwrap_or_default();
            let arg = arg.help_heading(None::<&str>).help(help);
            if takes_values { arg.hide_possible_values(true) } else { arg }
        })
}

#[cfg(test)]
mod tests {
    use crate::cli::Cli;

    /// The help that `opev WORDS -h` prints.
    fn screen(words: &[String]) -> String {
        let args = ["opev".to_owned()].into_iter().chain(words.iter().cloned()).chain(["-h".to_owned()]);
        Cli::read(args).unwrap_err().to_string()
    }

    fn look(command: &clap::Command, path: &[String]) {
        let text = screen(path);
        let lines = text.trim_end().lines().count();
        assert!(lines <= 24, "opev {} -h has {lines} lines:\n{text}", path.join(" "));
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= 80, "opev {} -h is {longest} columns wide:\n{text}", path.join(" "));
        assert!(text.contains(" --help"), "{text}");
        for flag in ["--log-format", "--color"] {
            assert!(!text.contains(flag), "{flag} in\n{text}");
        }
        for sub in command.get_subcommands() {
            look(sub, &[path, &[sub.get_name().to_owned()]].concat());
        }
    }

    #[test]
    fn every_command_has_help_for_one_screen() {
        look(&crate::cli::definition(), &[]);
    }

    #[test]
    fn every_chosen_flag_exists() {
        let definition = crate::cli::definition();
        for (name, flags) in super::CHOSEN {
            let Some(command) = definition.find_subcommand(name) else { continue };
            let is_there = |flag: &&&str| command.get_arguments().any(|arg| arg.get_id() == **flag);
            let missing: Vec<_> = flags.iter().filter(|flag| !is_there(flag)).collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
    }
}
