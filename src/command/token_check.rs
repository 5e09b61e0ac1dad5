//! `opev token-check`: is the token usable, now and for how long.
//!
//! Reads the tokens, runs the diagnosis of each and gives the exit code. What is wrong and how to mend it
//! goes to standard error first, then the steps to standard output.

use crate::cli::token_check::TokenCheckArgs;
use crate::collect::plan::time_style;
use crate::collect::session::Connections;
use crate::collect::side_by_side;
use crate::command::{End, Invocation, print, print_json, session, settings_of, text_style};
use crate::diagnosis::{self, CheckDepth, DiagnosisStyle, ProfileToken, TokenDiagnosis};
use crate::error::Result;

/// How many profiles are checked at once.
const AT_ONCE: usize = 16;

/// Runs `opev token-check`.
///
/// # Errors
/// Fails for what concerns the whole run; what is wrong with single tokens is reported here.
pub fn run(invocation: &Invocation, args: &TokenCheckArgs) -> Result<End> {
    let profiles = settings_of(invocation, &args.account, &args.profiles, None, None)?;
    let zone = profiles.first().map(|settings| settings.zone.clone()).unwrap_or_default();
    let connections = Connections::default();
    let depth = CheckDepth { min_days: args.min_days, offline: args.offline, sample: args.sample };
    let mut tokens = Vec::new();
    // One after another: a token's command may ask on the terminal.
    for settings in profiles {
        let demo = session::of_demo(invocation, &connections, &settings)?;
        tokens.push(ProfileToken::read(&invocation.runtime, settings, demo, &depth)?);
    }
    let checks: Vec<TokenDiagnosis> =
        side_by_side::map(tokens, AT_ONCE, |token| token.check(&invocation.runtime, &connections, &depth))
            .into_iter()
            .collect::<Result<_>>()?;

    let now = invocation.runtime.clock.now();
    let (text, event_time) = (text_style(invocation), time_style(&zone));
    let style = DiagnosisStyle { text, zone, event_time, offline: args.offline };
    let (json, all) = (args.json, args.profiles.all);
    let text = match (json, all) {
        (true, all) => diagnosis::to_json(&checks, all, now)?.into_bytes(),
        (false, true) => diagnosis::list(&checks, &style, now).into_bytes(),
        (false, false) => diagnosis::table(&checks, &style, now)?,
    };
    // What is wrong comes first: the table ends where the person goes on reading.
    let kind = diagnosis::tell(&invocation.runtime.console, checks, all);
    if json {
        print_json(invocation, &text)?
    } else {
        print(&text)?
    };
    Ok(End::of(kind))
}
