//! Rules of Sigma: they are read beside those of TOML, from files and folders, and what is not read is refused.

use serde_json::Value;

use crate::harness::{Run, Sandbox};

const EVENTS: &str = r#"{"uuid":"1","timestamp":"2026-01-05T10:00:00Z","action":"export","object_type":"vault","actor_uuid":"A","actor_details":{"email":"ada@x.test"}}
{"uuid":"2","timestamp":"2026-01-05T10:01:00Z","action":"export","object_type":"vault","actor_uuid":"A","actor_details":{"email":"ada@x.test"}}
{"uuid":"3","timestamp":"2026-01-05T10:02:00Z","category":"credentials_failed","type":"password_secret_bad","country":"KP","target_user":{"uuid":"B","email":"ben@x.test"},"client":{"ip_address":"203.0.113.9"}}
{"uuid":"4","timestamp":"2026-01-05T10:03:00Z","category":"success","type":"credentials_ok","country":"DE","target_user":{"uuid":"B","email":"ben@x.test"},"client":{"ip_address":"203.0.113.9"}}
"#;

const EXPORT: &str = "title: A vault left
id: 0a1b2c3d-0000-4000-8000-000000000000
name: vault-left
description: Somebody exported a vault.
tags: [attack.t1555.005, company.insider]
logsource:
    product: onepassword
    service: auditevents
detection:
    selection:
        action: export
        object_type: vault
    filter:
        actor_details.email|endswith: '@backup.test'
    condition: selection and not filter
falsepositives: [Migrations]
level: high
";

const FAILED: &str = "title: Failed from afar
name: failed-from-afar
logsource: {product: onepassword, service: signinattempts}
detection:
    selection: {category|endswith: _failed, client.ip_address|cidr: 203.0.113.0/24}
    condition: selection
level: low
---
title: Worked from afar
name: worked
logsource: {product: onepassword, service: signinattempts}
detection:
    selection: {category: success}
    condition: selection
";

const THEN: &str = "title: Failed, then worked
name: failed-then-worked
correlation:
    type: temporal_ordered
    rules: [failed-from-afar, worked]
    group-by: [target_user.email]
    timespan: 10m
level: critical
---
title: Vaults left again
name: vaults-left
correlation:
    type: event_count
    rules: 0A1B2C3D-0000-4000-8000-000000000000
    group-by: actor_uuid
    timespan: 1h
    condition: {gte: 2}
    generate: true
level: critical
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("rules")).unwrap();
    sandbox.write("rules/export.yml", EXPORT);
    sandbox.write("rules/failed.yaml", FAILED);
    sandbox.write("rules/then.yml", THEN);
    sandbox.write("e.ndjson", EVENTS);
    sandbox
}

fn hits(run: &Run) -> Vec<Value> {
    String::from_utf8_lossy(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const OWN: &str = "vault-left,failed-from-afar,failed-then-worked,vaults-left";

#[test]
fn rules_of_a_folder_name_one_another_and_hit_beside_the_others() {
    let sandbox = sandbox();
    let args = ["detect", "--rules", "rules", "--from", "e.ndjson"];
    let run =
        sandbox.run([&args[..], &["--only", "vault-left,failed-then-worked,vaults-left"]].concat()).expect(0);
    let found = hits(&run);
    let keys: Vec<(&str, u64)> =
        found.iter().map(|hit| (hit["rule"].as_str().unwrap(), hit["count"].as_u64().unwrap())).collect();
    assert_eq!(keys, [("vault-left", 2), ("vaults-left", 2), ("failed-then-worked", 2)]);
    let first = &found[0];
    assert_eq!(first["attack"][0], "T1555.005");
    assert_eq!(first["refs"], serde_json::json!(["0a1b2c3d-0000-4000-8000-000000000000", "company.insider"]));
    assert_eq!(first["group"]["user"], "ada@x.test");
    assert_eq!(found[2]["group"]["target_user.email"], "ben@x.test");
    // The built-in ones look at the same events.
    let all = hits(&sandbox.run(args).expect(0));
    assert!(all.iter().any(|hit| hit["rule"] == "vault-export"), "{all:?}");
    // A rule that a correlation takes the place of hits by itself only with generate.
    let run = sandbox.run([&args[..], &["--only", OWN]].concat()).expect(2);
    assert!(run.stderr.contains("--only failed-from-afar: no such rule"), "{}", run.stderr);
}

#[test]
fn they_are_listed_explained_and_tested_like_the_others() {
    let sandbox = sandbox();
    let list = ["detect", "--rules", "rules", "--format", "ndjson", "--list", "company.insider"];
    let listed = hits(&sandbox.run(list).expect(0));
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["level"]), (&"vault-left".into(), &"high".into()));
    let id = "0a1b2c3d-0000-4000-8000-000000000000";
    let run = sandbox.run(["detect", "--rules", "rules", "--explain", id]).expect(0);
    let text = String::from_utf8(run.stdout).unwrap();
    for told in [
        "A vault left\n",
        "means         Somebody exported a vault.",
        "false alarm   Migrations",
        "file          rules/export.yml",
        "  detection:\n",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let run = sandbox.run(["detect", "--test", "rules"]).expect(0);
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(text, "3 rules, 0 tests: all passed; 3 of Sigma could be read and have no tests\n");
}

#[test]
fn a_rule_that_is_not_read_ends_the_run_with_2_before_anything_is_looked_at() {
    let sandbox = sandbox();
    let refused = |text: &str, told: &str| {
        sandbox.write("bad.yml", text);
        let run = sandbox.run(["detect", "--rules", "bad.yml", "--from", "no-such-file"]).expect(2);
        assert!(run.stderr.contains(told) && run.stdout.is_empty(), "{told}: {}", run.stderr);
    };
    refused(&EXPORT.replace("|endswith", "|base64"), "bad.yml:14:29: the modifier base64 is not read");
    refused(&EXPORT.replace("selection and", "selction and"), "bad.yml:15:16: no such selection selction");
    refused(
        &EXPORT.replace("onepassword", "windows"),
        "bad.yml:7:14: A vault left: it is for the product windows",
    );
    refused("a: &a [x]\nb: [*a, *a]\n", "bad.yml:1:4: anchors (&) and aliases (*) are not read");
    refused(&"[".repeat(300_000), "bad.yml:1:");
    refused(&"a: b\n# \u{1b}[31m\u{7}\n".repeat(2), "bad.yml:3:1: the key a stands here twice");
    refused(&format!("a: '{}'\n", "x".repeat(2 << 20)), "it is greater than 1 MiB");
    refused("a: \"\u{1b}[31m", "bad.yml:");
    refused(THEN, "bad.yml:5:13: no rule has the name or id failed-from-afar");
    refused(&format!("{EXPORT}---\n{EXPORT}"), "bad.yml:19:1: the id vault-left is taken by bad.yml");
    std::fs::write(sandbox.path("bad.yml"), b"title: \xff\n").unwrap();
    sandbox.run(["detect", "--rules", "bad.yml", "--from", "e.ndjson"]).expect(2);
}

#[test]
fn rules_for_other_products_in_a_folder_are_told_and_left_out() {
    let sandbox = sandbox();
    sandbox.write("rules/other.yml", EXPORT.replace("onepassword", "windows").replace("vault-left", "other"));
    let run =
        sandbox.run(["detect", "--rules", "rules", "--from", "e.ndjson", "--only", "vault-left"]).expect(0);
    assert_eq!(hits(&run).len(), 1);
    let told = "1 rules of Sigma are not for events of 1Password and were left out, first \
                rules/other.yml: it is for the product windows, not onepassword";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}

#[test]
fn a_field_that_no_event_had_is_told_with_the_one_that_may_be_meant() {
    let sandbox = sandbox();
    sandbox.write("r.yml", EXPORT.replace("object_type", "object_typ"));
    let run =
        sandbox.run(["detect", "--rules", "r.yml", "--from", "e.ndjson", "--only", "vault-left"]).expect(0);
    let told = "the rule vault-left of r.yml names object_typ, which no event that it looks at had; did you mean \
                object_type?";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    // The filter may well be met by nothing.
    assert!(!run.stderr.contains("actor_details.email"), "{}", run.stderr);
}
