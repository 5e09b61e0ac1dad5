//! Flags of other programs that do not exist here, with the one that does.
//!
//! A table and not the nearest spelling: `tail --follow` must not be answered with `--no-follow`. A row
//! counts only where the command has the flag that it names, so a hint never names one that does not exist.

use crate::suggest::suggest;

/// Flags of other programs, and their names here.
struct Synonym {
    /// As they are typed.
    typed: &'static [&'static str],
    /// The commands in which this is so; none for all of them.
    commands: &'static [&'static str],
    /// The flag that does it here; empty where none is needed.
    flag: &'static str,
    /// What to do; begins with a verb.
    hint: &'static str,
}

/// More flags than this are no answer.
const MOST_NAMED: usize = 3;

const FETCHING: &[&str] = &["fetch", "tail"];

/// The first row that fits counts.
const SYNONYMS: &[Synonym] = &[
    row(
        &["--follow", "-f", "-F", "--watch", "--live"],
        &["tail"],
        "",
        "leave it out: tail follows by itself",
    ),
    row(&["--follow", "-f", "-F", "--watch", "--live"], &["fetch"], "", "use `opev tail` to follow"),
    row(&["--filter", "--query", "--where", "--select", "--expr"], FETCHING, "--jq", "use --jq FILTER"),
    row(
        &["--json", "--ndjson", "--jsonl"],
        FETCHING,
        "--format",
        "use --format ndjson (or, for fetch, json)",
    ),
    row(&["--csv"], FETCHING, "--format", "use --format csv"),
    row(&["--table", "--pretty"], FETCHING, "--format", "use --format table"),
    row(&["--output-format", "--out-format"], &[], "--format", "use --format; -o names a file"),
    row(&["--from-file", "--input", "--in", "--file-in"], &[], "--from", "use --from FILE"),
    row(
        &["--start", "--start-time", "--from", "--begin", "--after", "--oldest", "--since-time"],
        FETCHING,
        "--since",
        "use --since TIME",
    ),
    row(
        &["--end", "--end-time", "--to", "--stop", "--before", "--until-time"],
        FETCHING,
        "--until",
        "use --until TIME",
    ),
    row(&["--search", "--match", "--regex", "--regexp"], FETCHING, "--grep", "use --grep REGEX"),
    row(&["--country-code", "--geo"], &[], "--country", "use --country X"),
    row(&["--email", "--username", "--user-email", "--who"], &[], "--user", "use --user X"),
    row(&["--ip-address", "--address", "--cidr"], &[], "--ip", "use --ip ADDRESS"),
    row(&["--max", "--count", "--head", "--max-items", "-c"], &["fetch"], "--limit", "use --limit N"),
    row(&["-n", "--lines", "--tail", "--newest"], &["fetch"], "--last", "use --last N (newest) or --limit N"),
    row(&["--limit", "--last", "--tail", "--newest", "--count"], &["tail"], "--lines", "use -n N"),
    row(
        &["--poll", "--every", "--poll-interval", "--polling-interval"],
        &["tail"],
        "--interval",
        "use --interval DURATION",
    ),
    row(&["--columns", "--cols"], FETCHING, "--fields", "use --fields LIST"),
    row(&["--out", "--file", "--output-file", "--outfile", "-O"], &[], "--output", "use -o FILE"),
    row(&["--append", "--continue"], FETCHING, "--resume", "use --resume, with -o FILE for a managed file"),
    row(&["--force", "--clobber", "--replace"], &["fetch"], "--overwrite", "use --overwrite"),
    row(&["--stream", "--streams", "--type"], FETCHING, "", "name streams without a flag: opev fetch signin"),
    row(
        &["--url", "--host", "--server", "--endpoint", "--api-url"],
        &[],
        "--base-url",
        "use --base-url URL, or --region",
    ),
    row(&["--account", "-P"], &[], "--profile", "use --profile NAME"),
    row(
        &["--profile", "-p"],
        &["config"],
        "",
        "use `opev config show -p NAME` for one profile; `opev config list` shows all of them",
    ),
    row(
        &["--op", "--1password", "--reference", "--op-reference", "--secret-reference"],
        &["setup"],
        "--token-reference",
        "use --token-reference op://VAULT/ITEM/FIELD",
    ),
    row(
        &["--api-token", "--api-key", "--key", "--bearer", "--bearer-token"],
        &["fetch", "tail", "introspect", "token-check"],
        "--token-file",
        "set EVENTS_API_TOKEN, or use --token-file FILE (- for stdin) or --token-command CMD",
    ),
    row(&["--timezone", "--time-zone", "--zone", "--utc"], &[], "", "use --tz ZONE; the default is UTC"),
    row(&["--debug", "--trace"], &[], "", "use -v or -vv"),
    row(&["--silent"], &[], "", "use -q"),
    row(&["--no-color", "--no-colour", "--colour"], &[], "", "use --color never, always or auto"),
    row(
        &["--parallel", "--threads", "--workers", "--concurrency", "-j"],
        &["fetch"],
        "--jobs",
        "use --jobs N",
    ),
    row(&["--batch-size", "--per-page", "--limit-per-page"], &[], "--page-size", "use --page-size N"),
];

const fn row(
    typed: &'static [&'static str],
    commands: &'static [&'static str],
    flag: &'static str,
    hint: &'static str,
) -> Synonym {
    Synonym { typed, commands, flag, hint }
}

/// What to do instead of `typed`, an unknown flag of `command`: where it is a synonym, where it is the first word of
/// longer flags, and where it is a typo of a synonym and nearer to that than to a flag that exists.
pub(super) fn hint(command: &clap::Command, typed: &str) -> Option<String> {
    let typed = typed.split('=').next().unwrap_or(typed);
    let own: Vec<String> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    let exists = |flag: &str| {
        let name = flag.strip_prefix("--");
        name.is_some() && command.get_arguments().any(|arg| arg.get_long() == name)
    };
    let rows: Vec<&Synonym> = SYNONYMS
        .iter()
        .filter(|row| row.commands.is_empty() || row.commands.contains(&command.get_name()))
        .filter(|row| row.flag.is_empty() || exists(row.flag))
        .collect();
    // A word that is a flag here is no synonym here: `--from` of `fetch`, which means `--since` to `tail`.
    let find = |word: &str| {
        let row = rows.iter().find(|row| row.typed.contains(&word) && !exists(word));
        row.map(|row| row.hint.to_owned())
    };
    if let Some(hint) = find(typed) {
        return Some(hint);
    }
    if !typed.starts_with("--") {
        return None;
    }
    let longer: Vec<&str> =
        own.iter().map(String::as_str).filter(|flag| is_first_word(typed, flag)).collect();
    if (1..=MOST_NAMED).contains(&longer.len()) {
        return Some(format!("use {}", longer.join(" or ")));
    }
    let others = rows.iter().flat_map(|row| row.typed.iter().copied()).filter(|word| word.starts_with("--"));
    find(suggest(typed, own.iter().map(String::as_str).chain(others))?)
}

/// Whether a flag begins with all of `typed`, as `--rate-limit` with `--rate`: that says more than how near the
/// spelling of another flag is.
fn is_first_word(typed: &str, flag: &str) -> bool {
    flag.strip_prefix(typed).is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::definition;
    use crate::cli::tests::refused;

    #[test]
    fn a_flag_of_another_program_gets_the_one_that_does_it_here() {
        for (line, hint) in [
            ("opev tail --follow", "leave it out: tail follows by itself"),
            ("opev tail -f", "leave it out: tail follows by itself"),
            ("opev fetch -f", "use `opev tail` to follow"),
            ("opev fetch --json", "use --format ndjson (or, for fetch, json)"),
            ("opev tail --json", "use --format ndjson"),
            ("opev fetch --output-format csv", "use --format; -o names a file"),
            ("opev fetch --start=2h", "use --since TIME"),
            ("opev tail --email ada@example.com", "use --user X"),
            ("opev fetch --regex x", "use --grep REGEX"),
            ("opev fetch signin --end now", "use --until TIME"),
            ("opev fetch --colour never", "use --color never, always or auto"),
            ("opev -q fetch --strat 2h", "use --since TIME"),
            ("opev setup --op op://vault/item/field", "use --token-reference op://VAULT/ITEM/FIELD"),
            ("opev config list --profile prod", "use `opev config show -p NAME` for one profile"),
        ] {
            let text = refused(line);
            assert!(text.contains(hint), "{line}: {text}");
            assert!(!text.contains("similar argument"), "{line}: {text}");
        }
    }

    #[test]
    fn the_first_word_of_a_flag_gets_that_flag() {
        for (line, hint) in [
            ("opev fetch --rate 100", "there is no --rate; use --rate-limit\n"),
            ("opev detect --rate=100", "there is no --rate; use --rate-limit\n"),
            ("opev fetch --page 10", "there is no --page; use --page-size\n"),
        ] {
            let text = refused(line);
            assert!(text.contains(hint), "{line}: {text}");
        }
    }

    #[test]
    fn a_typo_of_a_flag_is_no_typo_of_a_synonym_with_its_name() {
        for command in ["fetch", "summary", "detect", "exposure"] {
            let text = refused(&format!("opev {command} --form saved.ndjson"));
            assert!(text.contains("similar argument exists: '--from'"), "{text}");
        }
        // There it is the beginning of the range, and no flag.
        assert!(refused("opev tail --form 2h").contains("use --since TIME"));
    }

    #[test]
    fn a_typo_of_follow_does_not_suggest_the_opposite() {
        for line in ["opev tail --follow", "opev tail --folow", "opev tail --follwo"] {
            assert!(!refused(line).contains("--no-follow"), "{line}");
        }
        assert!(refused("opev tail --no-folow").contains("'--no-follow'"));
    }

    #[test]
    fn a_secret_behind_a_wrong_flag_is_not_repeated() {
        for line in ["opev fetch --api-key=hunter2", "opev fetch --bearer hunter2"] {
            let text = refused(line);
            assert!(text.contains("EVENTS_API_TOKEN") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn hints_name_only_flags_that_exist() {
        for command in definition().get_subcommands() {
            let known = |flag: &str| command.get_arguments().any(|arg| arg.get_long() == Some(flag));
            for typed in SYNONYMS.iter().flat_map(|row| row.typed) {
                let Some(hint) = hint(command, typed) else { continue };
                let flags =
                    hint.split([' ', ',', ';', '(', ')', ':']).filter_map(|word| word.strip_prefix("--"));
                for flag in flags {
                    assert!(known(flag), "{} {typed}: {hint}", command.get_name());
                }
            }
        }
    }
}
