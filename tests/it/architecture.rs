//! The picture in `src/lib.rs` holds: who uses whom, and how files begin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The vocabulary every module may use.
const VOCABULARY: [&str; 15] = [
    "error",
    "event",
    "page",
    "identity",
    "compression",
    "secret",
    "sanitize",
    "scratch",
    "clock",
    "cancel",
    "limits",
    "time",
    "size",
    "suggest",
    "runtime",
];

/// What each module may use beside the vocabulary: only modules further up this list, so that there are no
/// circles.
const MAY_USE: [(&str, &[&str]); 22] = [
    ("lib", &[]),
    ("disk", &[]),
    ("console", &[]),
    ("api", &[]),
    ("facts", &[]),
    ("select", &["facts"]),
    ("names", &["console", "disk", "facts"]),
    ("encode", &["facts"]),
    ("analyze", &["facts", "select", "encode", "console"]),
    ("simulator", &["disk"]),
    ("source", &["api"]),
    ("output", &["disk"]),
    ("cli", &["analyze", "api", "encode", "console", "select", "simulator"]),
    ("config", &["analyze", "cli", "api", "disk"]),
    ("setup", &["api", "cli", "config", "console"]),
    ("health", &["output", "disk", "console", "api"]),
    ("completion", &["analyze", "cli", "config", "disk", "encode", "facts", "names", "output", "select"]),
    (
        "collect",
        &[
            "analyze", "api", "config", "console", "disk", "encode", "facts", "health", "output", "select",
            "source",
        ],
    ),
    ("diagnosis", &["api", "collect", "config", "console", "encode", "source"]),
    (
        "command",
        &[
            "analyze",
            "api",
            "cli",
            "collect",
            "completion",
            "config",
            "console",
            "diagnosis",
            "disk",
            "encode",
            "facts",
            "health",
            "names",
            "output",
            "select",
            "setup",
            "simulator",
            "source",
        ],
    ),
    ("fuzzing", &["analyze", "console", "disk", "facts", "names", "select", "source"]),
    ("main", &["command", "config"]),
];

/// What the vocabulary uses of itself: nothing here may reach for a module above it.
const WORDS_MAY_USE: [(&str, &[&str]); 15] = [
    ("cancel", &["error"]),
    ("clock", &["cancel", "error"]),
    ("event", &["suggest"]),
    ("error", &["event"]),
    ("page", &["event"]),
    ("identity", &["event"]),
    ("compression", &[]),
    ("limits", &["error"]),
    ("sanitize", &["secret"]),
    ("scratch", &["error"]),
    ("secret", &[]),
    ("runtime", &["cancel", "clock", "console"]),
    ("size", &[]),
    ("time", &["suggest"]),
    ("suggest", &[]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    all.sort();
    all
}

/// The module of the top level that a file belongs to.
fn module(file: &Path) -> String {
    let first = file.strip_prefix(source()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The modules that a file names as `crate::NAME`, its tests included.
fn uses(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join("\n");
    let words = code.split("crate::").skip(1);
    words.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn every_module_uses_only_those_below_it() {
    let mut broken = Vec::new();
    for file in files(&source()) {
        let module = module(&file);
        let words = WORDS_MAY_USE.iter().find(|(name, _)| *name == module);
        let others = MAY_USE.iter().find(|(name, _)| *name == module);
        for used in uses(&std::fs::read_to_string(&file).unwrap()) {
            let allowed = match (words, others) {
                (Some((_, allowed)), _) => allowed.contains(&used.as_str()),
                (None, Some((_, allowed))) => {
                    allowed.contains(&used.as_str()) || VOCABULARY.contains(&used.as_str())
                }
                (None, None) => false,
            };
            if !allowed && used != module {
                broken.push(format!("{} uses {used}", file.strip_prefix(source()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_has_no_circles() {
    let place = |name: &str| MAY_USE.iter().position(|(module, _)| *module == name).unwrap();
    for (at, (module, used)) in MAY_USE.iter().enumerate() {
        for name in *used {
            assert!(place(name) < at, "{module} uses {name}, which stands further down");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in files(&source()) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! ") || file.ends_with("tests.rs"), "{}", file.display());
    }
}

#[test]
fn the_map_names_every_module() {
    let lib = std::fs::read_to_string(source().join("lib.rs")).unwrap();
    let modules = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    for name in modules {
        assert!(
            lib.contains(&format!("[`{name}`]")) || lib.contains(&format!("| `{name}` |")),
            "{name} is not on the map"
        );
    }
}

/// The lines of a file without those of a module of tests inside it.
fn program_lines(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| *line != "mod tests {").collect()
}

#[test]
fn commands_are_thin() {
    let of_commands = files(&source().join("command")).into_iter().filter(|file| !file.ends_with("tests.rs"));
    let lines: usize =
        of_commands.map(|file| program_lines(&std::fs::read_to_string(file).unwrap()).len()).sum();
    assert!(lines > 1_000, "the files were not found: {lines} lines");
    assert!(lines < 3_000, "{lines} lines: what a command does belongs into the room of its kind");
}

#[test]
fn no_function_is_too_long_to_be_read() {
    let mut long = Vec::new();
    let mut count = 0;
    for file in files(&source()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let is_function = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn "]
                .iter()
                .any(|beginning| code.starts_with(beginning));
            let indent = &line[..line.len() - code.len()];
            let end = lines[start..].iter().position(|line| {
                let is_declaration = line.trim_end().ends_with(';');
                line.strip_prefix(indent)
                    .is_some_and(|rest| rest == "}" || (is_declaration && !rest.starts_with(' ')))
            });
            if let Some(length) = end.filter(|_| is_function) {
                count += 1;
                if length >= 80 {
                    long.push(format!("{}:{}: {length} lines", file.display(), start + 1));
                }
            }
        }
    }
    assert!(count > 1_000, "the functions were not found: {count}");
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn a_type_has_a_name_of_its_own() {
    // A result's own alias, and what a build may lack: the arguments of a command, a format.
    const TWICE: [&str; 4] = ["Result", "SimulateArgs", "ParquetFile", "ParquetRows"];
    let mut known: std::collections::BTreeMap<String, PathBuf> = std::collections::BTreeMap::new();
    let mut twice = Vec::new();
    let is_test = |file: &PathBuf| file.ends_with("tests.rs") || file.iter().any(|part| part == "tests");
    for file in files(&source()).into_iter().filter(|file| !is_test(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in program_lines(&text) {
            let code = line.strip_prefix("pub(super) ").or(line.strip_prefix("pub(crate) ")).unwrap_or(line);
            let code = code.strip_prefix("pub ").unwrap_or(code);
            let kinds = ["struct ", "enum ", "trait ", "type "];
            let Some(rest) = kinds.iter().find_map(|kind| code.strip_prefix(kind)) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            if let Some(other) = known.insert(name.clone(), file.clone())
                && !TWICE.contains(&name.as_str())
            {
                twice.push(format!("{name}: {} and {}", other.display(), file.display()));
            }
        }
    }
    assert!(known.len() > 300, "the types were not found: {}", known.len());
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

/// A function that only its own definition names has no user, whatever it is for.
#[test]
fn every_public_function_has_a_user() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rooms = ["src", "tests", "benches", "fuzz"].map(|room| files(&root.join(room)));
    let texts: Vec<String> =
        rooms.iter().flatten().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for word in texts.iter().flat_map(|text| text.split(|c| !is_name(c))) {
        *uses.entry(word).or_default() += 1;
    }
    let mut names = BTreeSet::new();
    for line in texts.iter().flat_map(|text| text.lines()).map(str::trim_start) {
        let Some((visibility, behind)) = line.split_once("fn ") else { continue };
        if visibility.starts_with("pub") {
            names.insert(behind.split(|c| !is_name(c)).next().unwrap_or_default());
        }
    }
    assert!(names.len() > 500, "the functions were not found: {}", names.len());
    let unused: Vec<_> = names.into_iter().filter(|name| uses[name] < 2).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
