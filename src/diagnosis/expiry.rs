//! How much time a token has left, in whole days. Pure.

use chrono::{DateTime, Utc};

use crate::time::Zone;

/// A token's expiry, for people.
pub(super) fn expiry(end: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: &Zone) -> String {
    match end {
        None => "never".to_owned(),
        Some(end) if end <= now => format!("{} (expired)", zone.show(end)),
        Some(end) => format!("{} ({} left)", zone.show(end), days(days_left(end, now))),
    }
}

/// Whole days until `end`; negative once it has passed.
pub(super) fn days_left(end: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (end - now).num_seconds().div_euclid(86_400)
}

/// `1 day`, `14 days`.
pub(super) fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_said_in_whole_days() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let of = |end: &str| expiry(Some(end.parse().unwrap()), now, &Zone::Utc);
        assert_eq!(of("2026-11-22T11:00:00Z"), "2026-11-22T11:00:00Z (1 day left)");
        assert_eq!(of("2026-11-20T13:00:00Z"), "2026-11-20T13:00:00Z (0 days left)");
        assert_eq!(of("2026-11-20T12:00:00Z"), "2026-11-20T12:00:00Z (expired)");
        assert_eq!(days_left("2026-11-20T11:00:00Z".parse().unwrap(), now), -1);
        assert_eq!(expiry(None, now, &Zone::Utc), "never");
    }
}
