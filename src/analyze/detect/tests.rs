use super::builtin::FILES;
use super::*;

#[test]
fn every_rule_that_comes_along_can_be_read_and_passes_its_tests() {
    let read = FILES.iter().map(|(name, text)| read_rule(&format!("{name}.toml"), text));
    let rules: Vec<Rule> = read.collect::<Result<_, _>>().unwrap();
    let failed: Vec<String> = rules
        .iter()
        .filter_map(|rule| run_trials(&rules, |other| other.id == rule.id).err())
        .map(|failure| failure.to_string())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(builtin_rules().len(), FILES.len());
    for (rule, (name, _)) in rules.iter().zip(FILES) {
        assert_eq!(rule.id, *name);
        assert!(!rule.meaning.is_empty() && !rule.next.is_empty() && !rule.false_alarms.is_empty(), "{name}");
    }
}
