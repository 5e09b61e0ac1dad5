//! Profiles in a list: the server, where the token comes from and until when it holds, and when it last polled.

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::sanitize;

const HEAD: [&str; 5] = ["PROFILE", "SERVER", "TOKEN", "EXPIRES", "LAST POLL"];

/// One profile, as the list shows it.
#[derive(Debug, Default, Serialize)]
pub struct ProfileRow {
    /// Its name.
    pub profile: String,
    /// Whether `--all-profiles` takes it.
    pub enabled: bool,
    /// Its server, or the one that its token names.
    pub server: Option<String>,
    /// Where the token comes from; never the token (P10).
    pub token: Option<String>,
    /// When the token expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When any run of it last polled the service.
    pub last_poll: Option<DateTime<Utc>>,
    /// Why the token or a setting cannot be read.
    pub error: Option<String>,
    /// Whether it is the demo, which has a server and a token of its own.
    #[serde(skip)]
    pub is_demo: bool,
}

impl ProfileRow {
    /// Rows as an array of JSON objects.
    pub fn to_json(rows: &[ProfileRow]) -> String {
        format!("{}\n", serde_json::to_string_pretty(rows).unwrap_or_default())
    }

    /// Rows as a table; what is wrong with a profile stands beneath. A finite table, so comfy-table may measure it.
    pub fn table(rows: &[ProfileRow], now: DateTime<Utc>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(HEAD);
        for row in rows {
            table.add_row(row.cells(now).map(|cell| sanitize::message(&cell).into_owned()));
        }
        let mut text: String = table.lines().map(|line| format!("{}\n", line.trim())).collect();
        let errors = rows.iter().filter_map(|row| Some((&row.profile, row.error.as_ref()?)));
        for (profile, error) in errors {
            text.push_str(&format!("{}: {}\n", sanitize::message(profile), sanitize::message(error)));
        }
        text
    }

    fn cells(&self, now: DateTime<Utc>) -> [String; 5] {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let off = if self.enabled { "" } else { " (disabled)" };
        let or = |text: &Option<String>, of_demo: &str, otherwise: &str| {
            text.clone().unwrap_or_else(|| if self.is_demo { of_demo } else { otherwise }.into())
        };
        let expires = match self.expires_at {
            Some(end) if end <= now => format!("{} (expired)", time(end)),
            Some(end) => format!("{} (in {} days)", time(end), (end - now).num_days()),
            None => "-".into(),
        };
        [
            format!("{}{off}", self.profile),
            or(&self.server, "inside opev", "-"),
            or(&self.token, "made up", "not set"),
            expires,
            self.last_poll.map_or_else(|| "-".into(), time),
        ]
    }
}
