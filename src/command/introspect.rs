//! `opev introspect`: the service's answer about the token, beside the token's claims.
//!
//! One request. The token's text is in none of the output (P10).

use std::time::Duration;

use crate::cli::introspect::IntrospectArgs;
use crate::collect::session::Connections;
use crate::command::{End, Invocation, print, print_json, require_stdout, session, text_style};
use crate::config::{Config, SettingFlags};
use crate::diagnosis::IntrospectedToken;
use crate::error::Result;

/// How long a failing request is retried without `--retry-for`.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `opev introspect`.
///
/// # Errors
/// Fails as settings, token and request can.
pub fn run(invocation: &Invocation, args: &IntrospectArgs) -> Result<End> {
    require_stdout()?;
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let typed = SettingFlags {
        account: &args.account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: None,
        jobs: None,
    };
    let session =
        session::open(invocation, &Connections::default(), config.settings(&typed)?, PATIENCE, None)?;
    let answer = session.client.introspect()?;
    let now = invocation.runtime.clock.now();
    let token = IntrospectedToken {
        profile: &session.settings.profile,
        server: session.account.server.to_string(),
        api: session.settings.api.name(),
        claimed_account: session.account_uuid(),
        expires_at: session.account.claims.as_ref().ok().and_then(|claims| claims.expires_at),
        answer: &answer,
    };
    if args.json {
        print_json(invocation, token.to_json(now).as_bytes())
    } else {
        print(token.to_text(now, &session.settings.zone, text_style(invocation)).as_bytes())
    }
}
