//! The forms of a command line that people expect and clap does not know: flags of a subcommand before it,
//! `opev help [COMMAND]`, `opev version`.
//!
//! Only moves words; what they mean is for clap to say.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The command line in the order that the definitions ask for.
pub(super) fn in_order(mut args: Vec<OsString>, definition: impl FnOnce() -> Command) -> Vec<OsString> {
    let first = args.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    match first.as_str() {
        "help" => {
            args.remove(1);
            args.truncate(1 + args[1..].iter().take_while(|word| *word != "--").count());
            args.push("--help".into());
            args
        }
        "version" => {
            args[1] = "--version".into();
            args
        }
        word if word.starts_with('-') => behind_the_subcommand(args, &definition()),
        _ => args,
    }
}

/// Moves flags that only a subcommand has from before it to after it. An unknown flag leaves
/// everything where it is, so that the complaint is about what was typed.
fn behind_the_subcommand(args: Vec<OsString>, root: &Command) -> Vec<OsString> {
    let mut kept: Vec<OsString> = args[..1].to_vec();
    let mut moved: Vec<OsString> = Vec::new();
    let mut place = 1;
    while let Some(word) = args.get(place).and_then(|word| word.to_str()).filter(|word| word.starts_with('-'))
    {
        let (arg, is_roots) = match (find(root, word), of_a_subcommand(root, word)) {
            (Some(arg), _) => (Some(arg), true),
            (None, Some(arg)) => (Some(arg), false),
            // Help and version are no arguments of a definition that was not built.
            (None, None) => (None, true),
        };
        let words = 1 + usize::from(arg.is_some_and(|arg| wants_next(arg, word)));
        let end = (place + words).min(args.len());
        if is_roots { &mut kept } else { &mut moved }.extend_from_slice(&args[place..end]);
        place = end;
    }
    let mut command = root;
    while let Some(inner) = args.get(place).and_then(|word| command.find_subcommand(word)) {
        kept.push(args[place].clone());
        (command, place) = (inner, place + 1);
    }
    if moved.is_empty() || std::ptr::eq(command, root) {
        return args;
    }
    kept.extend(moved);
    kept.extend_from_slice(&args[place..]);
    kept
}

/// The argument of `command` that a word such as `--since=2h`, `--since` or `-o` names.
fn find<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    match word.strip_prefix("--") {
        Some(long) => {
            let name = long.split('=').next().unwrap_or(long);
            command.get_arguments().find(|arg| arg.get_long() == Some(name))
        }
        None => {
            let short = word.chars().nth(1)?;
            command.get_arguments().find(|arg| arg.get_short() == Some(short))
        }
    }
}

fn of_a_subcommand<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    command.get_subcommands().find_map(|inner| find(inner, word).or_else(|| of_a_subcommand(inner, word)))
}

/// Whether the next word is the value of this flag.
fn wants_next(arg: &Arg, word: &str) -> bool {
    let holds_its_value = if word.starts_with("--") { word.contains('=') } else { word.chars().count() > 2 };
    arg.get_action().takes_values() && !holds_its_value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(line: &str) -> String {
        let args = line.split(' ').map(OsString::from).collect();
        let words = in_order(args, crate::cli::definition);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_of_a_subcommand_may_stand_before_it() {
        for (typed, meant) in [
            ("opev --profile demo fetch signin", "opev fetch --profile demo signin"),
            ("opev -p demo -q fetch", "opev -q fetch -p demo"),
            ("opev --tz local --since=2h -odir/x tail", "opev --tz local tail --since=2h -odir/x"),
            ("opev --profile x config show --json", "opev config show --profile x --json"),
            ("opev -vv fetch", "opev -vv fetch"),
            ("opev --nonsense fetch", "opev --nonsense fetch"),
            ("opev --profile", "opev --profile"),
            ("opev --profile demo", "opev --profile demo"),
            ("opev fetch --profile demo", "opev fetch --profile demo"),
        ] {
            assert_eq!(ordered(typed), meant, "{typed}");
        }
    }

    #[test]
    fn help_and_version_are_commands_too() {
        assert_eq!(ordered("opev help"), "opev --help");
        assert_eq!(ordered("opev help config show"), "opev config show --help");
        assert_eq!(ordered("opev version"), "opev --version");
        assert_eq!(ordered("opev fetch help"), "opev fetch help");
    }
}
