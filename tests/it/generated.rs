//! The committed completions and man pages are those that the definitions make.
//!
//! After a change of flags: `OPEV_BLESS=1 cargo test --test it generated`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its switch and writes its files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum as _;
use clap_complete::Generator as _;
use opev::cli::completions::{Shell, script};
use opev::cli::definition;

use crate::man;
use serde_json::Value;

use crate::harness::{Run, Sandbox, has_tool, program};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `directory` must hold: name and text of each file.
fn compare(directory: &str, expected: &BTreeMap<String, Vec<u8>>) {
    let directory = root().join(directory);
    if std::env::var_os("OPEV_BLESS").is_some() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in expected {
            fs::write(directory.join(name), text).unwrap();
        }
    }
    let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let read =
        |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap());
    let found: BTreeMap<String, Vec<u8>> = entries.map(read).collect();
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    let again = "run OPEV_BLESS=1 cargo test --test it generated";
    assert_eq!(names(&found), names(expected), "{}: {again}", directory.display());
    for (name, text) in expected {
        assert!(found[name] == *text, "{}/{name} is out of date: {again}", directory.display());
    }
}

#[test]
fn completions_are_up_to_date() {
    let files = Shell::value_variants().iter().map(|shell| (shell.file_name("opev"), script(*shell)));
    compare("completions", &files.collect());
}

/// The rules that come along, as `docs/rules.md` lists them.
fn rules_of_the_documentation() -> String {
    let run = Sandbox::new().run(["detect", "--list", "--format", "json"]).expect(0);
    let rules: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().replace('\n', " ");
    let list = |rule: &Value, key: &str| {
        let values = rule[key].as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    let mut page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    page.truncate(page.find(RULES_BEGIN).unwrap() + RULES_BEGIN.len());
    page.push_str("\n\n| level | rule | what |\n|---|---|---|\n");
    for rule in &rules {
        let id = text(rule, "id");
        page.push_str(&format!("| {} | [`{id}`](#{id}) | {} |\n", text(rule, "level"), text(rule, "title")));
    }
    for rule in &rules {
        let (id, title, level, kind) =
            (text(rule, "id"), text(rule, "title"), text(rule, "level"), text(rule, "kind"));
        page.push_str(&format!("\n### {id}\n\n**{title}** ({level}, {kind}). {}\n\n", text(rule, "meaning")));
        page.push_str(&format!("* Next: `{}`\n", text(rule, "next")));
        for alarm in list(rule, "false_alarms") {
            page.push_str(&format!("* False alarm: {alarm}\n"));
        }
        for (what, key) in [("ATT&CK", "attack"), ("Stands for", "refs"), ("Lists", "lists")] {
            if !list(rule, key).is_empty() {
                page.push_str(&format!("* {what}: {}\n", list(rule, key).join(", ")));
            }
        }
    }
    page
}

/// What stands before the part of `docs/rules.md` that is made from the rules.
const RULES_BEGIN: &str = "<!-- made from the rules -->";

#[test]
fn the_list_of_rules_is_up_to_date() {
    let (path, expected) = (root().join("docs/rules.md"), rules_of_the_documentation());
    if std::env::var_os("OPEV_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap();
    assert!(found == expected, "docs/rules.md: run OPEV_BLESS=1 cargo test --test it generated");
}

/// The pages of a command and of those below it, each by the name of its file.
fn pages(command: &clap::Command, path: &str, pages_so_far: &mut BTreeMap<String, Vec<u8>>) {
    let name = if path.is_empty() { "opev".to_owned() } else { path.to_owned() };
    pages_so_far.insert(format!("{name}.1"), man::page(command, &name).into_bytes());
    for subcommand in command.get_subcommands() {
        pages(subcommand, &format!("{name}-{}", subcommand.get_name()), pages_so_far);
    }
}

#[test]
fn man_pages_are_up_to_date() {
    let mut expected = BTreeMap::new();
    pages(&definition().disable_help_subcommand(true), "", &mut expected);
    let rules = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    expected.insert("opev-rules.5".into(), man::rules(&rules).into_bytes());
    expected.insert("opev.toml.5".into(), man::configuration(&template()).into_bytes());
    compare("man", &expected);
}

/// The configuration file that `opev config init` writes.
fn template() -> String {
    let sandbox = Sandbox::new();
    let file = sandbox.path("template.toml");
    sandbox.run(["config", "init", "--config", file.to_str().unwrap()]).expect(0);
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_packages_configuration_is_the_one_of_config_init() {
    let file = root().join("contrib/config.toml");
    if std::env::var_os("OPEV_BLESS").is_some() {
        fs::write(&file, template()).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == template(),
        "run OPEV_BLESS=1 cargo test --test it generated"
    );
}

#[test]
fn the_picture_is_what_the_program_prints() {
    if !has_tool("python3") {
        return;
    }
    let (script, file) = (root().join("contrib/picture/make.py"), root().join("docs/opev.svg"));
    let run = Run::of(Command::new("python3").arg(script).arg(program()).output().unwrap()).expect(0);
    if std::env::var_os("OPEV_BLESS").is_some() {
        fs::write(&file, &run.stdout).unwrap();
    }
    assert!(
        fs::read(file).unwrap() == run.stdout,
        "docs/opev.svg: run OPEV_BLESS=1 cargo test --test it generated"
    );
}
