//! Secrets that were seen, a few lines each: in a table on a terminal no uuid would stay whole.

use super::ReportStyle;
use crate::analyze::report::{ReportSection, Value};
use crate::console::CellTone;
use crate::sanitize;

/// How far the lines below a secret are moved to the right.
const INDENT: &str = "    ";

/// Appends the secrets, the last seen first.
pub(super) fn write(section: &ReportSection, style: &ReportStyle, out: &mut Vec<u8>) {
    for row in &section.rows {
        let text = |key: &str| {
            let at = section.columns.iter().position(|column| column.key == key);
            at.map(|at| style.text(&row[at])).unwrap_or_default()
        };
        let count = section.columns.iter().position(|column| column.key == "count").map(|at| &row[at]);
        out.extend_from_slice(block(&text, count, style).as_bytes());
    }
}

fn block(text: &dyn Fn(&str) -> String, count: Option<&Value>, style: &ReportStyle) -> String {
    let (item, vault, user) = (text("item"), text("vault"), text("user"));
    let secret = match (item.is_empty(), vault.is_empty()) {
        (true, _) => format!("vault {vault}"),
        (false, true) => format!("item {item}"),
        (false, false) => format!("item {item} in vault {vault}"),
    };
    let secret = sanitize::escaped(&secret);
    // A name may say anything; as a uuid it fits in two lines.
    let is_wide = style.text.width.is_some_and(|width| secret.chars().count() > usize::from(width));
    let mut shown = String::new();
    for (number, part) in secret.splitn(if is_wide { 2 } else { 1 }, " in vault ").enumerate() {
        let (indent, word) = if number > 0 { (INDENT, "in vault ") } else { ("", "") };
        shown.push_str(&format!("{indent}{}\n", style.text.paint(CellTone::Bold, &format!("{word}{part}"))));
    }
    let (first, last, how) = (text("first"), text("last"), text("actions"));
    let when = if first == last { last } else { format!("{first} to {last}") };
    let times = match count.map_or(0, Value::number) {
        0 | 1 => String::new(),
        count => format!(", {count} times"),
    };
    let [from, others] = [["devices", "addresses"].map(text).join(", "), text("others")];
    let from = from.trim_matches([',', ' ']);
    let mut lines = vec![format!("{when}{times}: {how}")];
    if !user.is_empty() {
        lines.insert(0, format!("seen by {user}"));
    }
    if !from.is_empty() {
        lines.push(format!("from {from}"));
    }
    if !others.is_empty() {
        lines.push(format!("also seen by {others}"));
    }
    for line in lines {
        shown.push_str(&style.text.wrap(&sanitize::escaped(&line), INDENT));
    }
    shown
}
