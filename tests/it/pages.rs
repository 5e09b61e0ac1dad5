//! README and the pages of `docs/`: every command in them runs, or can at least be read; no link is dead; no flag and no
//! command is made up; their tables agree with the program.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Account, Run, Sandbox, has_tool, program};
use opev::cli::Cli;
use opev::simulator::SimulatorOptions;

/// Pages whose commands run in tests of their own, against what they talk to.
const RUN_ELSEWHERE: [(&str, &str); 2] =
    [("alerts.md", "alerts: mail, web hooks and syslog listen"), ("delivery.md", "intake: intakes listen")];

/// What a page takes to be there.
const BEFORE: [(&str, &str); 1] = [("rules.md", "opev fetch --since 2d -o saved.ndjson.gz")];

/// Commands that say nothing on standard output when all is well.
const QUIET: [&str; 6] = ["export ", "--dry-run", "--resume", " -o ", "opev status --check", "opev setup"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page, with its text.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    /// The blocks of code, each with its language and its lines; a line that goes on is one line.
    fn blocks(&self) -> Vec<(String, Vec<String>)> {
        let mut blocks = Vec::new();
        for (at, part) in self.text.split("\n```").enumerate().filter(|(at, _)| at % 2 == 1) {
            let (language, code) = part.split_once('\n').unwrap_or_else(|| panic!("{} {at}", self.name()));
            let lines = code.replace("\\\n", " ").lines().map(str::to_owned).collect();
            blocks.push((language.split(' ').next().unwrap_or_default().to_owned(), lines));
        }
        blocks
    }

    /// The lines of the blocks that a reader can paste.
    fn commands(&self) -> Vec<String> {
        let pasted = self.blocks().into_iter().filter(|(language, _)| language == "sh");
        pasted.flat_map(|(_, lines)| lines).filter(|line| !line.trim().is_empty()).collect()
    }
}

/// Every page of a folder.
fn pages_in(directory: &Path) -> Vec<Page> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<Page> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| Page { text: std::fs::read_to_string(&path).unwrap(), path })
        .collect();
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    pages
}

/// The README and what it leads to.
fn guide() -> Vec<Page> {
    let path = root().join("README.md");
    let readme = Page { text: std::fs::read_to_string(&path).unwrap(), path };
    let mut pages = pages_in(&root().join("docs"));
    assert!(pages.len() > 10, "only {} pages", pages.len());
    pages.insert(0, readme);
    pages
}

/// The same, and the other documents.
fn documents() -> Vec<Page> {
    pages_in(root()).into_iter().chain(pages_in(&root().join("docs"))).collect()
}

/// The page of this name.
fn page(name: &str) -> Page {
    guide().into_iter().find(|page| page.name() == name).unwrap()
}

#[test]
fn the_first_command_runs_the_demo_and_the_second_the_tests() {
    let commands = page("README.md").commands();
    assert_eq!(commands[..2], ["cargo run --release -- fetch --profile demo", "cargo test"]);
}

#[test]
fn the_readme_is_read_in_two_minutes() {
    let words = page("README.md").text.split_whitespace().count();
    assert!(words < 700, "{words} words: what goes deeper belongs into docs/");
}

/// An account with what the pages take to be there: `op`, and a file with the token.
fn account() -> (Account, String) {
    let account = Account::new(SimulatorOptions::default());
    let sandbox = &account.sandbox;
    let token = account.simulator.token().expose();
    let op = sandbox.write("bin/op", format!("#!/bin/sh\n[ \"$1\" = read ] && echo '{token}'\n"));
    std::fs::set_permissions(&op, std::fs::Permissions::from_mode(0o700)).unwrap();
    symlink(program(), sandbox.path("bin/opev")).unwrap();
    sandbox.write("events.token", token);
    let path = format!("{}:{}", sandbox.path("bin").display(), std::env::var("PATH").unwrap());
    (account, path)
}

/// Runs the commands of a page in their order.
fn run_page(page: &Page) {
    let (account, path) = account();
    let before =
        BEFORE.iter().filter(|(name, _)| *name == page.name()).map(|(_, command)| (*command).to_owned());
    for command in before.chain(page.commands()) {
        // This one is run by who runs this.
        if command == "cargo test" {
            continue;
        }
        let line = command.replace("cargo run --release --", "opev");
        let mut shell = Command::new("bash");
        let run = shell
            .args(["-o", "pipefail", "-c", &line])
            .env_clear()
            .envs(account.command([""; 0]).get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("PATH", &path)
            .current_dir(account.sandbox.path("."))
            .output()
            .unwrap();
        let run = Run::of(run);
        assert_eq!(run.code, Some(0), "{}: {command}\n{}\n{}", page.name(), run.stderr, run.text());
        let says_something = !run.stdout.is_empty() || QUIET.iter().any(|quiet| command.contains(quiet));
        assert!(says_something, "{}: {command} printed nothing; {}", page.name(), run.stderr);
    }
}

#[test]
fn every_command_runs() {
    if !has_tool("jq") {
        return;
    }
    let mut count = 0;
    for page in guide() {
        if RUN_ELSEWHERE.iter().all(|(name, _)| *name != page.name()) {
            count += page.commands().len();
            run_page(&page);
        }
    }
    assert!(count > 60, "only {count} commands were found");
}

/// The arguments of the first `opev` of a line, as a shell takes them apart.
fn arguments(sandbox: &Sandbox, line: &str) -> Vec<String> {
    let script = format!(
        "op() {{ :; }}; opev() {{ [ -e seen ] || printf '%s\\0' \"$@\" > seen; }}; rm -f seen; : > token; {line}"
    );
    let mut shell = Command::new("bash");
    Run::of(shell.args(["-c", &script]).current_dir(sandbox.path(".")).output().unwrap());
    let seen = std::fs::read_to_string(sandbox.path("seen")).unwrap_or_else(|e| panic!("{line}: {e}"));
    seen.split_terminator('\0').map(str::to_owned).collect()
}

/// The part of a line that is a command of `opev`: of a cron table and a unit, what stands behind times and paths.
fn command_in(line: &str) -> Option<&str> {
    let at = line.match_indices("opev ").map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back();
        matches!(before, None | Some(' ' | '/'))
    })?;
    Some(&line[at..])
}

#[test]
fn every_command_that_cannot_run_here_can_be_read() {
    let sandbox = Sandbox::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in guide() {
        let blocks = page.blocks().into_iter().filter(|(language, _)| language == "text");
        for line in blocks.flat_map(|(_, lines)| lines) {
            let Some(command) = command_in(&line) else { continue };
            count += 1;
            let typed = arguments(&sandbox, command);
            let args = ["opev".to_owned()].into_iter().chain(typed);
            if let Err(e) = Cli::read(args)
                && e.exit_code() != 0
            {
                wrong.push(format!("{}: {line}\n{e}", page.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 10, "only {count} commands were found");
}

#[test]
fn no_command_is_made_up() {
    let definition = opev::cli::definition();
    let mut unknown = Vec::new();
    for page in documents().into_iter().filter(|page| page.name() != "CHANGELOG.md") {
        for rest in page.text.split("`opev ").skip(1) {
            let code = rest.split('`').next().unwrap_or_default();
            let word = code.split_whitespace().next().unwrap_or_default();
            let is_command = word.starts_with('-') || definition.find_subcommand(word).is_some();
            if !is_command {
                unknown.push(format!("{}: opev {word}", page.path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn no_command_has_a_flag_that_is_not_there() {
    let definition = opev::cli::definition();
    let (mut unknown, mut seen) = (Vec::new(), 0);
    for page in documents().into_iter().filter(|page| page.name() != "CHANGELOG.md") {
        let text = page.text.replace("\\\n", " ");
        for command in text.lines().flat_map(|line| line.split("opev ").skip(1)) {
            let words: Vec<&str> =
                command.split_whitespace().take_while(|word| !matches!(*word, "|" | "&&" | ";")).collect();
            let Some(mut found) = words.first().and_then(|word| definition.find_subcommand(word)) else {
                continue;
            };
            if let Some(below) = words.get(1).and_then(|word| found.find_subcommand(word)) {
                found = below;
            }
            // What --exec runs has flags of its own, and so has what stands behind the code.
            for word in words.iter().take_while(|word| **word != "--exec") {
                let end = word.contains('`');
                let word = word.split(['`', '=', ')', ',', '|']).next().unwrap_or_default();
                if let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) {
                    seen += 1;
                    let is_there = |arg: &clap::Arg| {
                        arg.get_long_and_visible_aliases().unwrap_or_default().contains(&flag)
                    };
                    if !found.get_arguments().any(is_there) {
                        unknown.push(format!("{}: opev {}: --{flag}", page.path.display(), found.get_name()));
                    }
                }
                if end {
                    break;
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(seen > 80, "only {seen} flags were found");
}

/// The anchors of a page, as they are made from its headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let slug = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn no_link_is_dead() {
    let (mut dead, mut count) = (Vec::new(), 0);
    for page in documents() {
        for link in
            page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
        {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") || link.contains(' ') || link.is_empty() {
                continue;
            }
            count += 1;
            let target =
                if file.is_empty() { page.path.clone() } else { page.path.with_file_name("").join(file) };
            let is_there = match std::fs::read_to_string(&target) {
                Ok(text) => anchor.is_empty() || anchors(&text).iter().any(|known| known == anchor),
                Err(_) => target.is_dir(),
            };
            if !is_there {
                dead.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(count > 40, "only {count} links were found");
}

#[test]
fn the_readme_leads_to_every_page() {
    let readme = page("README.md").text;
    let lost: Vec<_> = guide()
        .iter()
        .map(|page| page.name().to_owned())
        .filter(|name| name != "README.md" && !readme.contains(&format!("(docs/{name})")))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    use opev::error::ErrorKind;
    let page = page("troubleshooting.md").text;
    for kind in [
        ErrorKind::Unexpected,
        ErrorKind::Usage,
        ErrorKind::Config,
        ErrorKind::TokenRefused,
        ErrorKind::FeatureMissing,
        ErrorKind::Service,
        ErrorKind::Output,
        ErrorKind::Gap,
        ErrorKind::Locked,
        ErrorKind::Partial,
    ] {
        let row = format!("| {} |", kind.exit_code());
        assert!(page.lines().any(|line| line.starts_with(&row)), "{kind:?}");
    }
}
