//! What packages are made of is there, and says this version.

use std::collections::BTreeMap;
use std::path::{Component, Path};

/// A file of the project.
fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What one package takes, and where it installs that: in the Debian package's list the first two of three texts, in
/// the RPM's those after `source =` and `dest =`.
fn assets(package: &str) -> Vec<(String, String)> {
    let manifest = read("Cargo.toml");
    let section = manifest.split(&format!("[package.metadata.{package}]\n")).nth(1).unwrap();
    let list = section.split("\n]").next().unwrap().lines().map(str::trim);
    let rows = list.filter(|line| line.starts_with("[\"") || line.starts_with("{ source"));
    rows.map(|row| {
        let mut texts = row.split('"').skip(1).step_by(2).map(str::to_owned);
        (texts.next().unwrap(), format!("/{}", texts.next().unwrap().trim_start_matches('/')))
    })
    .collect()
}

/// The files of the project that one package takes, each with the path at which it is installed.
fn installed(package: &str) -> BTreeMap<String, String> {
    let assets = assets(package);
    assert!(assets.len() > 20, "{package}: {assets:?}");
    let mut files = BTreeMap::new();
    for (source, place) in assets.into_iter().filter(|(source, _)| !source.starts_with("target/")) {
        let before = files.len();
        let (folder, name) = source.rsplit_once('/').unwrap_or((".", &source));
        let (start, end) = name.split_once('*').unwrap_or((name, ""));
        for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).read_dir().unwrap() {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            let is_it = match name.contains('*') {
                true => file.starts_with(start) && file.ends_with(end),
                false => file == name,
            };
            if is_it && entry.path().is_file() {
                let place = if place.ends_with('/') { format!("{place}{file}") } else { place.clone() };
                files.insert(place, format!("{folder}/{file}"));
            }
        }
        assert!(files.len() > before, "{package}: {source} is not there, or is there twice");
    }
    files
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name.to_str().unwrap()),
            _ => {}
        }
    }
    format!("/{}", parts.join("/"))
}

#[test]
fn every_link_of_the_installed_pages_leads_to_an_installed_file() {
    for package in ["deb", "generate-rpm"] {
        let files = installed(package);
        let mut count = 0;
        for (place, source) in files.iter().filter(|(place, _)| place.ends_with(".md")) {
            let text = read(source);
            for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                if link.is_empty() || link.contains("://") {
                    continue;
                }
                count += 1;
                let target = plain(&Path::new(place).parent().unwrap().join(link));
                let is_there = files.keys().any(|file| {
                    file.strip_prefix(&target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                });
                assert!(is_there, "{package}: {place} leads to {target}, which is not installed");
            }
        }
        assert!(count > 40, "{package}: only {count} links were found");
    }
}

#[test]
fn the_debian_changelog_begins_with_this_version() {
    let changelog = read("contrib/debian/changelog");
    let first = changelog.lines().next().unwrap();
    assert!(first.starts_with(&format!("opev ({}-", env!("CARGO_PKG_VERSION"))), "{first}");
}
