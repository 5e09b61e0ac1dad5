//! The documents: no dead link, and no flag that the program does not have.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let is_document = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let list = |directory: PathBuf| std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<_> = list(root().to_owned()).chain(list(root().join("docs"))).filter(is_document).collect();
    assert!(all.len() > 6, "{all:?}");
    all.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn no_link_is_dead() {
    let mut dead = Vec::new();
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let (file, _) = link.split_once('#').unwrap_or((link, ""));
            let is_elsewhere = link.contains("://") || file.is_empty() || link.contains(' ');
            if !is_elsewhere && !path.with_file_name("").join(file).exists() {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn no_command_has_a_flag_that_is_not_there() {
    let definition = opev::cli::definition();
    let (mut unknown, mut seen) = (Vec::new(), 0);
    for (path, text) in documents().into_iter().filter(|(path, _)| !path.ends_with("CHANGELOG.md")) {
        let text = text.replace("\\\n", " ");
        let commands =
            text.lines().flat_map(|line| line.split("opev ").skip(1).map(str::to_owned).collect::<Vec<_>>());
        for command in commands {
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
                        unknown.push(format!("{}: opev {}: --{flag}", path.display(), found.get_name()));
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
