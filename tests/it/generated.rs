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

use clap::ValueEnum as _;
use clap_complete::Generator as _;
use opev::cli::completions::{Shell, script};
use opev::cli::definition;

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

#[test]
fn man_pages_are_up_to_date() {
    fn pages(command: &clap::Command, pages_so_far: &mut BTreeMap<String, Vec<u8>>) {
        let mut text = Vec::new();
        let man = clap_mangen::Man::new(command.clone()).manual("opev manual");
        man.render(&mut text).unwrap();
        pages_so_far.insert(man.get_filename(), text);
        for subcommand in command.get_subcommands() {
            pages(subcommand, pages_so_far);
        }
    }
    let mut expected = BTreeMap::new();
    pages(&definition().disable_help_subcommand(true), &mut expected);
    compare("man", &expected);
}
