//! Lists of the profile that rules name: what is privileged, who is expected where.

use std::collections::BTreeMap;

/// The lists that rules may name, each with what stands in it. Other names are refused, because a mistyped one
/// would silence a rule.
pub const LISTS: [(&str, &str); 12] = [
    ("privileged_vaults", "vaults whose use and sharing is always told: uuids, or names that are imported"),
    ("privileged_groups", "groups whose members can do more: uuids, or names that are imported"),
    ("break_glass", "accounts for emergencies: addresses or uuids"),
    ("own_networks", "networks of offices, proxies and servers: addresses or CIDR"),
    ("bad_networks", "networks nothing should come from, such as a list of Tor exits: addresses or CIDR"),
    ("own_domains", "mail domains of the company"),
    ("partner_domains", "mail domains that may be given access"),
    ("client_allowlist", "names of apps that are expected, beside 1Password's own"),
    ("sensitive_items", "items whose use is always told: uuids, or names that are imported"),
    ("rogue_countries", "countries nothing should come from: codes or names"),
    ("provisioners", "accounts that invite and provision people, such as a SCIM bridge: addresses or uuids"),
    ("travellers", "accounts whose places say nothing, such as shared ones: addresses or uuids"),
];

/// The values of a profile's lists, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists(BTreeMap<String, Vec<String>>);

impl Lists {
    /// Sets a list.
    pub fn set(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_owned(), values);
    }

    /// Adds what stands in other lists.
    pub fn add(&mut self, other: &Lists) {
        for (name, values) in &other.0 {
            let known = self.0.entry(name.clone()).or_default();
            known.extend(values.iter().filter(|value| !known.contains(value)).cloned().collect::<Vec<_>>());
        }
    }

    /// The values of a list; none where the profile has no such list.
    pub fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The lists as text: each name with how many values it has.
    pub fn describe(&self) -> String {
        let told = self.0.iter().map(|(name, values)| format!("{name} ({})", values.len()));
        told.collect::<Vec<_>>().join(", ")
    }

    /// Whether an address is in a domain of one of these lists.
    pub(super) fn has_domain(&self, lists: &[&str], domain: &str) -> bool {
        let domains = lists.iter().flat_map(|list| self.values(list));
        domains.map(|known| known.trim_start_matches('@')).any(|known| known.eq_ignore_ascii_case(domain))
    }

    /// Whether there is a list of this name.
    pub fn is_known(name: &str) -> bool {
        LISTS.iter().any(|(known, _)| *known == name)
    }
}
