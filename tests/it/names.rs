//! `opev names`: imported titles are shown to people and accepted by filters, and change no byte of what programs
//! read; nobody else can read the file, and no message repeats a title.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Account, BEFORE_ALL, Sandbox, now, seeded};

/// The first usage of an item, its line as the service sent it.
fn usage(account: &Account) -> (Value, String) {
    let run = account.run(["fetch", "items", "--since", BEFORE_ALL, "--limit", "1"]).expect(0);
    let line = run.lines().remove(0);
    (serde_json::from_str(&line).unwrap(), line)
}

fn imported() -> (Account, String, String) {
    let account = Account::new(seeded(600, now()));
    let (event, line) = usage(&account);
    let vault = json!([{"id": event["vault_uuid"], "name": "Infra \u{1b}[2J", "content_version": 1}]);
    let item = json!([{"id": event["item_uuid"], "title": "AWS root", "vault": {"id": "x"}}]);
    account.sandbox.write("vaults.json", vault.to_string());
    account.sandbox.write("items.json", item.to_string());
    let run = account.run(["names", "import", "-vv", "vaults.json", "items.json"]).expect(0);
    assert!(run.stdout.is_empty());
    assert!(!run.stderr.contains("AWS"), "{}", run.stderr);
    (account, event["uuid"].as_str().unwrap().to_owned(), line)
}

#[test]
fn names_are_shown_to_people_and_never_to_programs() {
    let (account, _, line) = imported();
    let fetch = |args: &[&str]| {
        let mut all = vec!["fetch", "items", "--since", BEFORE_ALL, "--item", "aws ROOT", "--vault", "infra"];
        all.extend(args);
        account.run(all).expect(0)
    };
    let table = fetch(&["--format", "table"]).text();
    assert!(
        table.contains("AWS root") && table.contains("Infra \\u{1b}[2J") && !table.contains('\u{1b}'),
        "{table}"
    );
    let record = fetch(&["--format", "record"]).text();
    assert!(record.contains("item AWS root in vault Infra"), "{record}");
    let csv = fetch(&["--format", "csv", "--fields", "item,item_uuid"]).text();
    assert!(csv.lines().nth(1).unwrap().starts_with("AWS root,"), "{csv}");
    let ndjson = fetch(&[]);
    assert!(ndjson.lines().contains(&line));
    assert!(!ndjson.text().contains("AWS root"));
    assert!(!fetch(&["--format", "csv"]).text().contains("AWS root"));
    let envelope = fetch(&["--shape", "envelope"]).text();
    assert!(!envelope.contains("AWS root"));
    let named = fetch(&["--shape", "envelope", "--names", "--limit", "1"]).lines().remove(0);
    let named: Value = serde_json::from_str(&named).unwrap();
    let event = &named["event"];
    assert_eq!(named["names"][event["item_uuid"].as_str().unwrap()], "AWS root");
    assert_eq!(named["names"][event["vault_uuid"].as_str().unwrap()], "Infra \u{1b}[2J");
}

#[test]
fn filters_accept_names_and_warn_of_unknown_ones() {
    let (account, _, _) = imported();
    let by_name = account.run(["fetch", "--since", BEFORE_ALL, "--item", "aws*"]).expect(0);
    let event: Value = serde_json::from_str(&by_name.lines()[0]).unwrap();
    let by_uuid = account
        .run(["fetch", "--since", BEFORE_ALL, "--item", event["item_uuid"].as_str().unwrap()])
        .expect(0);
    assert_eq!(by_name.stdout, by_uuid.stdout);
    let none = account.run(["fetch", "--since", BEFORE_ALL, "--vault", "payroll"]).expect(0);
    assert!(none.stdout.is_empty());
    assert!(none.stderr.contains("--vault payroll: no vault of this name is known"), "{}", none.stderr);
}

#[test]
fn the_names_can_be_listed_and_forgotten_and_only_their_owner_can_read_them() {
    let (account, _, _) = imported();
    let path = account.sandbox.path("state/opev/profiles/default/names.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let list = account.run(["names", "list"]).expect(0).text();
    assert!(list.starts_with("KIND   UUID") && list.lines().count() == 3, "{list}");
    let rows: Vec<Value> =
        serde_json::from_slice(&account.run(["names", "list", "aws", "--json"]).expect(0).stdout).unwrap();
    assert_eq!((rows.len(), &rows[0]["kind"], &rows[0]["name"]), (1, &json!("item"), &json!("AWS root")));
    account.run(["status", "--json"]).expect(0);
    account.run(["names", "forget"]).expect(0);
    assert!(!path.exists());
    let run = account.run(["names", "list"]).expect(0);
    assert!(run.stdout.is_empty());
    let text = account.run(["fetch", "items", "--since", BEFORE_ALL, "--format", "table"]).expect(0).text();
    assert!(!text.contains("AWS root"));
}

#[test]
fn what_is_not_from_op_changes_nothing() {
    let (account, _, _) = imported();
    let path = account.sandbox.path("state/opev/profiles/default/names.json");
    let before = std::fs::read(&path).unwrap();
    account.sandbox.write("bad.json", "[{\"id\":\"a\",\"title\":\"SECRET\"},\n{\"id\":");
    for (args, text) in [
        (
            ["names", "import", "bad.json"],
            "bad.json: not what `op ... --format json` prints: line 2, column 6",
        ),
        (["names", "import", "missing.json"], "cannot read missing.json"),
        (
            ["names", "import", "-"],
            "standard input: not what `op ... --format json` prints: there is no object",
        ),
    ] {
        let run = account.run(args).expect(2);
        assert!(run.stderr.contains(text) && !run.stderr.contains("SECRET"), "{}", run.stderr);
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "{").unwrap();
    let run = account.run(["fetch", "items", "--since", BEFORE_ALL]).expect(0);
    assert!(run.stderr.contains("names are not shown"), "{}", run.stderr);
    let list = account.run(["names", "list"]).expect(8);
    assert!(list.stderr.contains("is damaged, at line 1"), "{}", list.stderr);
}

#[test]
fn a_file_of_names_without_an_end_or_of_more_than_64_mebibytes_is_refused() {
    const LIMIT: u64 = 64 << 20;
    let sandbox = Sandbox::new();
    // A hole takes no room on the disk.
    let of_size = |path: &std::path::Path, size: u64| {
        std::fs::File::options().write(true).open(path).unwrap().set_len(size).unwrap();
    };
    of_size(&sandbox.write("longer.json", "[]"), LIMIT + 1);
    let list = r#"[{"id":"i1","title":"AWS root","vault":{"id":"v"}}]"#;
    for name in ["longer.json", "/dev/zero"] {
        let run = sandbox.run(["names", "import", name]).expect(2);
        assert!(run.stderr.contains(&format!("{name} is longer than 64 MiB")), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(" hint: "), "{}", run.stderr);
    }
    sandbox.write("items.json", list);
    sandbox.run(["names", "import", "items.json"]).expect(0);
    // What was imported is read with the same limit.
    let kept = sandbox.path("state/opev/profiles/default/names.json");
    of_size(&kept, LIMIT + 1);
    let run = sandbox.run(["names", "list"]).expect(7);
    assert!(run.stderr.contains("names.json") && run.stderr.contains("67108864 bytes"), "{}", run.stderr);
}

#[test]
fn a_managed_file_is_with_names_or_without() {
    let (account, _, _) = imported();
    let args = ["fetch", "--resume", "-o", "e.ndjson", "--shape", "envelope", "--since", BEFORE_ALL];
    account.run(args.into_iter().chain(["--names"])).expect(0);
    let run = account.run(args).expect(8);
    assert!(run.stderr.contains("envelope with --names"), "{}", run.stderr);
    let sandbox = Sandbox::new();
    let run = sandbox.run(["fetch", "--names"]).expect(2);
    assert!(run.stderr.contains("--shape"), "{}", run.stderr);
}
