//! `--mask` and `--hash` through the program: nothing of a value comes out, and a file goes on under the same terms.

use std::os::unix::fs::PermissionsExt as _;

use opev::simulator::SimulatorOptions;
use serde_json::Value;

use crate::harness::{Account, BEFORE_ALL, now, seeded};

fn key(account: &Account, mode: u32) -> String {
    let path = account.sandbox.write("hash.key", "0123456789abcdef0123456789abcdef\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[test]
fn masked_and_hashed_people_do_not_come_out_and_filters_still_find_them() {
    let account = Account::new(seeded(3_000, now()));
    let plain = account.run(["fetch", "signin", "--since", BEFORE_ALL]).expect(0);
    let event: Value = serde_json::from_str(&plain.lines()[0]).unwrap();
    let email = event["target_user"]["email"].as_str().unwrap();
    let key = key(&account, 0o600);
    let flags = ["--mask", "users.name,ip_address", "--hash", "users.email", "--hash-key-file", &key];
    let run = account
        .run([&["fetch", "signin", "--since", BEFORE_ALL, "--user", email], &flags[..]].concat())
        .expect(0);
    let (text, lines) = (run.text(), run.lines());
    assert!(!lines.is_empty() && !text.contains(email), "{text}");
    let hashes: std::collections::BTreeSet<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["target_user"]["email"].to_string())
        .collect();
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    assert!(lines.iter().all(|line| line.contains("\"ip_address\":\"[masked]\"")), "{text}");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_managed_file_goes_on_with_the_same_redaction_alone() {
    let account = Account::new(SimulatorOptions::default());
    let file = ["fetch", "--resume", "--since", "7d", "-o", "events.ndjson"];
    let key = key(&account, 0o600);
    let hash = [&file[..], &["--hash", "email", "--hash-key-file", &key]].concat();
    account.run(&hash).expect(0);
    account.run(&hash).expect(0);
    assert!(account.run(file).expect(8).stderr.contains("redaction hash email, key "));
    account.sandbox.write("hash.key", "another key of enough bytes");
    let run = account.run(&hash).expect(8);
    assert!(run.stderr.contains("this run would write redaction"), "{}", run.stderr);
    assert!(!run.stderr.contains("another key"), "{}", run.stderr);
}

#[test]
fn a_key_that_others_read_or_can_guess_is_refused_and_a_slip_is_told() {
    let account = Account::new(SimulatorOptions::default());
    let key = key(&account, 0o644);
    let fetch = ["fetch", "--since", "1d", "--hash", "email", "--hash-key-file", &key];
    assert!(account.run(fetch).expect(3).stderr.contains("others can read the key file"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "short\n").unwrap();
    assert!(account.run(fetch).expect(3).stderr.contains("shorter than 16 bytes"));
    std::fs::remove_file(&key).unwrap();
    assert!(account.run(fetch).expect(3).stderr.contains("cannot read the key file"));
    assert!(account.run(["fetch", "--hash", "email"]).expect(2).stderr.contains("--hash-key-file"));
    let run = account.run(["fetch", "--since", "1d", "--mask", "target_user.emial"]).expect(0);
    assert!(run.stderr.contains("did you mean target_user.email?"), "{}", run.stderr);
}
