//! What packages are made of is there, and says this version.

use std::path::Path;

/// A file of the project.
fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every file that a package takes: in the Debian package's list the first of three texts, in the RPM's the one
/// after `source =`.
fn sources() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let section = &manifest[manifest.find("[package.metadata.deb]").unwrap()..];
    let lines = section.lines().map(str::trim);
    let of_rpm = |line: &str| line.strip_prefix("{ source = \"").map(str::to_owned);
    let of_deb = |line: &str| line.strip_prefix("[\"").map(str::to_owned);
    let found = lines.filter_map(|line| of_rpm(line).or_else(|| of_deb(line)));
    found.map(|line| line.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_file_of_the_packages_is_there() {
    let sources = sources();
    assert!(sources.len() > 20, "{sources:?}");
    for source in sources.iter().filter(|source| !source.starts_with("target/")) {
        let (folder, name) = source.rsplit_once('/').unwrap_or((".", source));
        let (start, end) = name.split_once('*').unwrap_or((name, ""));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        let is_it = |file: &str| match name.contains('*') {
            true => file.starts_with(start) && file.ends_with(end),
            false => file == name,
        };
        assert!(files.any(|file| is_it(file.to_str().unwrap())), "{source}");
    }
}

#[test]
fn the_debian_changelog_begins_with_this_version() {
    let changelog = read("contrib/debian/changelog");
    let first = changelog.lines().next().unwrap();
    assert!(first.starts_with(&format!("opev ({}-", env!("CARGO_PKG_VERSION"))), "{first}");
}
