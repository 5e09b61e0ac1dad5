//! Where a simulator listens and what opens it, said for people, for a shell or for a program.
//!
//! Text alone: nothing is written here.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde_json::json;

use super::RunningSimulator;

/// How a simulator says where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnnouncementForm {
    /// For people
    Text,
    /// Lines for a shell's `eval`
    Env,
    /// One object on one line
    Json,
}

impl RunningSimulator {
    /// Says where it listens. The token is named by its file, if it was written to one; `live_from` is when
    /// the live events began.
    pub fn announcement(
        &self,
        form: AnnouncementForm,
        token_file: Option<&str>,
        live_from: Option<DateTime<Utc>>,
    ) -> String {
        match form {
            AnnouncementForm::Json => self.json(token_file, live_from),
            AnnouncementForm::Env => self.env(token_file),
            AnnouncementForm::Text => self.text(token_file),
        }
    }

    fn json(&self, token_file: Option<&str>, live_from: Option<DateTime<Utc>>) -> String {
        let mut object = json!({
            "base_url": self.base_url(),
            "port": self.port(),
            "account_uuid": self.account_uuid(),
            "pid": std::process::id(),
        });
        match token_file {
            Some(file) => object["token_file"] = file.into(),
            None => object["token"] = self.token().expose().into(),
        }
        if let Some(time) = live_from {
            object["live_from"] = time.to_rfc3339().into();
        }
        format!("{object}\n")
    }

    fn env(&self, token_file: Option<&str>) -> String {
        let token = match token_file {
            Some(file) => format!("\"$(cat -- {})\"", shell_word(file)),
            None => self.token().expose().to_owned(),
        };
        format!("export OPEV_BASE_URL={}\nexport EVENTS_API_TOKEN={token}\n", self.base_url())
    }

    fn text(&self, token_file: Option<&str>) -> String {
        let (base_url, token) = (self.base_url(), self.token().expose());
        let (line, command) = match token_file.map(shell_word) {
            Some(file) => {
                (format!("token in  {file}"), format!("opev fetch --base-url {base_url} --token-file {file}"))
            }
            None => (
                format!("token     {token}"),
                format!("EVENTS_API_TOKEN={token} opev fetch --base-url {base_url}"),
            ),
        };
        format!(
            "A stand-in for the Events API listens; interrupt it to stop.\n\
             base URL  {base_url}\n{line}\n\ntry\n  {command}\n"
        )
    }
}

/// A path as a shell takes it for one word.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
