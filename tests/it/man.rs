//! Man pages from the definitions: the sections of man-pages(7), in its order, without anything that changes from
//! day to day.

use clap::Command;
use clap_mangen::Man;

const CHANGELOG: &str = include_str!("../../CHANGELOG.md");

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "EVENTS_API_TOKEN",
        "The token, for a profile that names no source of one. Never passed on to commands.",
    ),
    ("OPEV_PROFILE", "The profile, without --profile."),
    ("OPEV_CONFIG", "The configuration file, without --config."),
    (
        "OPEV_STATE_DIR",
        "The state directory, without --state-dir. STATE_DIRECTORY of systemd comes after it.",
    ),
    ("OPEV_BASE_URL", "The server, without --region and --base-url."),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "The proxy, by the rules of curl."),
    ("PAGER, NO_COLOR, CLICOLOR_FORCE, TZ, VISUAL, EDITOR", "As everywhere."),
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/opev/config.toml", "The configuration; see opev.toml(5). $XDG_CONFIG_HOME moves it."),
    ("~/.local/state/opev/", "Saved positions, locks and imported names. $XDG_STATE_HOME moves it."),
];

const EXIT: &[(&str, &str)] = &[
    ("0", "Done; no events is done too."),
    ("1", "Unexpected, or a check said no."),
    ("2", "Usage."),
    ("3", "Configuration; TLS verification, a redirect, 404."),
    ("4", "The token is missing, refused or expired."),
    ("5", "The token lacks the feature."),
    ("6", "The service or the network still fails; try again later."),
    ("7", "The output cannot be written."),
    ("8", "Position and output disagree, or events may be missing: a person must look."),
    ("9", "Another run holds the lock."),
    ("10", "Some streams or profiles failed, others are done."),
    ("130, 143", "Stopped by a signal, after a clean commit."),
];

/// The page of a command, whose name is the words of the command line with hyphens between them.
pub fn page(command: &Command, name: &str) -> String {
    let is_leaf = command.get_subcommands().next().is_none();
    let rest = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.clone().before_help("").after_help(""));
    let render = |section: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        section(&mut text);
        tidy(&String::from_utf8(text).unwrap())
    };
    let mut text = title(name, 1);
    text += ".SH NAME\n";
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text += &format!("{} \\- {}\n", name.replace('-', "\\-"), escaped(&about));
    let usage = command.clone().render_usage().to_string();
    text += &format!(".SH SYNOPSIS\n{}\n", escaped(usage.trim_start_matches("Usage: ").trim()));
    text += &render(&|out| man.render_description_section(out).unwrap());
    text += &render(&|out| man.render_options_section(out).unwrap());
    if !is_leaf {
        text += &render(&|out| man.render_subcommands_section(out).unwrap());
    }
    text += &list("EXIT STATUS", EXIT);
    text += &list("ENVIRONMENT", ENVIRONMENT);
    text += &list("FILES", FILES);
    if !rest.is_empty() {
        text += &format!(".SH NOTES\n{}\n", paragraphs(&rest));
    }
    if !examples.is_empty() {
        let lines = examples.lines().skip(1).map(|line| format!("{}\n", escaped(line.trim_start())));
        text += &format!(".SH EXAMPLES\n.nf\n{}.fi\n", lines.collect::<String>());
    }
    let others: Vec<String> =
        ["opev", "opev-setup", "opev-fetch", "opev-tail", "opev-status", "opev-token-check"]
            .into_iter()
            .filter(|other| *other != name)
            .map(|other| format!(".BR {} (1),\n", other.replace('-', "\\-")))
            .collect();
    text + ".SH SEE ALSO\n" + &others.concat() + ".BR opev.toml (5),\n.BR opev\\-rules (5)\n"
}

/// The page of the configuration file: what `opev config init` writes, which explains every key.
pub fn configuration(template: &str) -> String {
    let mut text = title("opev.toml", 5);
    text += ".SH NAME\nopev.toml \\- the configuration of opev\n.SH DESCRIPTION\n";
    text +=
        "One table per account, and what they share. Every key, with its default or an example:\n.PP\n.nf\n";
    for line in template.lines() {
        text += &format!("{}\n", escaped(line));
    }
    text += ".fi\n";
    text += &list(
        "EXIT STATUS",
        &[("3", "A file that cannot be read or is wrong; the message has file and line.")],
    );
    text += &list("ENVIRONMENT", ENVIRONMENT);
    text += &list("FILES", FILES);
    text += &examples(&[
        "opev setup                     write a profile, after its token was checked",
        "opev config init               write this file, every key as a comment",
        "opev config edit               edit it; it counts once it is right",
        "opev config show -p acme       every value in force, and where it comes from",
    ]);
    text + ".SH SEE ALSO\n.BR opev (1),\n.BR opev\\-setup (1),\n.BR opev\\-config (1),\n.BR opev\\-rules (5)\n"
}

/// The page of the format of rules: that part of `docs/rules.md`.
pub fn rules(page: &str) -> String {
    let part = page.split("\n## Writing a rule\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut text = title("opev-rules", 5);
    text += ".SH NAME\nopev\\-rules \\- rules of opev detect\n.SH DESCRIPTION\n";
    text += &from_markdown(part);
    text += &list("EXIT STATUS", &[("2", "A rule that cannot be read, or that fails one of its tests.")]);
    text += &list(
        "ENVIRONMENT",
        &[(
            "OPEV_RULE, OPEV_LEVEL",
            "For commands of --exec and --hit-exec: the rule of the hit, and its level.",
        )],
    );
    text += &list("FILES", &[("*.toml", "A rule a file; of a folder, the files of such names are read.")]);
    text += &examples(&[
        "opev detect --test night-export.toml     run the tests of a rule alone",
        "opev detect --rules rules --since 7d     with the rules of a folder",
        "opev detect --explain vault-export       what a rule looks for, and why",
    ]);
    text + ".SH SEE ALSO\n.BR opev\\-detect (1),\n.BR opev\\-summary (1),\n.BR opev.toml (5)\n"
}

/// Paragraphs, code and tables of a Markdown page.
fn from_markdown(page: &str) -> String {
    let (mut text, mut is_code, mut is_between) = (String::new(), false, false);
    for line in page.trim().lines() {
        if line.starts_with("```") {
            text += if is_code { ".fi\n" } else { ".PP\n.nf\n" };
            (is_code, is_between) = (!is_code, false);
        } else if is_code {
            text += &format!("{}\n", escaped(line));
        } else if line.is_empty() {
            is_between = true;
        } else if let Some(row) = line.strip_prefix("| ") {
            let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
            if !cells[0].starts_with("kind") {
                let more: Vec<String> = cells[1..].iter().map(|cell| marked(cell)).collect();
                text += &format!(".TP\n{}\n{}\n", marked(cells[0]), more.join("; keys: "));
            }
            is_between = false;
        } else if !line.starts_with("|--") {
            text += if is_between && !text.is_empty() { ".PP\n" } else { "" };
            text += &format!("{}\n", marked(line));
            is_between = false;
        }
    }
    text
}

/// A line with its code and its strong words in bold.
fn marked(line: &str) -> String {
    let line = escaped(&line.replace("**", "`"));
    let parts = line.split('`').enumerate();
    let text: String = parts
        .map(|(at, part)| if at % 2 == 1 { format!("\\fB{part}\\fR") } else { part.to_owned() })
        .collect();
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

fn examples(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{}\n", escaped(line))).collect();
    format!(".SH EXAMPLES\n.nf\n{lines}.fi\n")
}

fn title(name: &str, section: u8) -> String {
    let (upper, version, date) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"), released());
    format!(
        ".TH {upper} {section} {date} \"opev {version}\" \"opev manual\"\n.ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n"
    )
}

/// The date of the newest release.
fn released() -> &'static str {
    let heading = |line: &'static str| line.strip_prefix("## [")?.split_once("] - ").map(|(_, date)| date);
    CHANGELOG.lines().find_map(heading).unwrap_or("2026-11-28")
}

fn list(heading: &str, rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(term, text)| format!(".TP\n.B {}\n{}\n", escaped(term), escaped(text)));
    format!(".SH {}\n{}", heading, rows.collect::<String>())
}

fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(|line| if line.is_empty() { ".PP".to_owned() } else { escaped(line) });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text as roff shows it literally.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\*(Aq").replace('~', "\\(ti");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

/// Without the breaks around spaces, which mean nothing there, and without the preamble that a title has.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_break = |line: Option<&&str>| line.is_some_and(|line| *line == ".br");
    let mut kept = String::new();
    for (at, line) in lines.iter().enumerate() {
        // An empty line is a space as well.
        let is_space = |line: Option<&&str>| line.is_some_and(|line| *line == ".sp" || line.is_empty());
        let is_beside_a_space = (at > 0 && is_space(lines.get(at - 1))) || is_space(lines.get(at + 1));
        let is_preamble = line.starts_with(".ie ") || line.starts_with(".el ");
        if is_preamble || (is_break(Some(line)) && is_beside_a_space) {
            continue;
        }
        kept += line;
        kept.push('\n');
    }
    kept
}
