//! Reads lines of CEF and LEEF as strictly as their rules of escaping allow, for tests.

/// A line of CEF or LEEF, read as strictly as their rules allow: the header's parts, and the pairs.
pub(super) fn parsed(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let is_cef = line.starts_with("CEF:0|");
    assert!(is_cef || line.starts_with("LEEF:2.0|"), "{line}");
    assert!(!line.contains(['\n', '\r']), "{line}");
    let mut header = split(line, '|');
    let rest = if is_cef { header.split_off(7) } else { header.split_off(6) }.join("|");
    let header = header.iter().map(|part| unescaped(part, "|")).collect();
    let mut pairs: Vec<(String, String)> = Vec::new();
    if is_cef {
        let parts = split(&rest, '=');
        let mut key = parts[0].clone();
        for (index, part) in parts.iter().enumerate().skip(1) {
            let (value, next) = match index + 1 == parts.len() {
                true => (part.as_str(), ""),
                false => part.rsplit_once(' ').unwrap(),
            };
            pairs.push((std::mem::replace(&mut key, next.to_owned()), unescaped(value, "=")));
        }
    } else {
        for pair in split(&rest, '^') {
            let parts = split(&pair, '=');
            assert_eq!(parts.len(), 2, "{pair}");
            pairs.push((parts[0].clone(), unescaped(&parts[1], "=^")));
        }
    }
    for (index, (key, _)) in pairs.iter().enumerate() {
        assert!(!key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric()), "{key:?} in {line}");
        assert!(pairs[..index].iter().all(|(other, _)| other != key), "{key} twice in {line}");
    }
    (header, pairs)
}

/// Splits at a mark that has no backslash before it.
fn split(text: &str, mark: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == mark {
            parts.push(String::new());
            continue;
        }
        let part = parts.last_mut().unwrap();
        part.push(c);
        if c == '\\' {
            part.push(chars.next().unwrap());
        }
    }
    parts
}

fn unescaped(text: &str, special: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                c if c == '\\' || special.contains(c) => c,
                c => panic!("no such escape: {c:?} in {text}"),
            },
            (c, false) => {
                assert!(!special.contains(c), "{c:?} without a backslash in {text}");
                c
            }
        });
    }
    out
}
