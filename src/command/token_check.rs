//! `opev token-check`: is the token usable, now and for how long.
//!
//! Reads the tokens, runs the diagnosis of each and gives the exit code. What is wrong and how to mend it
//! goes to standard error first, then the steps to standard output.

use std::time::Duration;

use crate::cli::token_check::TokenCheckArgs;
use crate::collect::plan::time_style;
use crate::collect::session::{Connections, Session};
use crate::collect::side_by_side;
use crate::command::{End, Invocation, print, print_json, session, text_style};
use crate::config::{Config, SettingFlags, Settings};
use crate::diagnosis::{self, DiagnosisStep, DiagnosisStyle, TokenDiagnosis, TokenRequirements};
use crate::error::{ErrorKind, Result};
use crate::secret::Secret;

/// A check makes one attempt without `--retry-for`.
const PATIENCE: Duration = Duration::ZERO;

/// How many profiles are checked at once.
const AT_ONCE: usize = 16;

/// A profile and its token, before any request.
struct ProfileToken {
    settings: Settings,
    token: Option<Secret>,
    /// The demo's, which exists before its token does.
    session: Option<Session>,
    check: TokenDiagnosis,
}

/// Runs `opev token-check`.
///
/// # Errors
/// Fails for what concerns the whole run; what is wrong with single tokens is reported here.
pub fn run(invocation: &Invocation, args: &TokenCheckArgs) -> Result<End> {
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let tz = invocation.console_args.tz.as_ref();
    let typed = SettingFlags { account: &args.account, tz, page_size: None, jobs: None };
    let profiles = if args.all_profiles {
        config.all_settings(&typed, args.shard.shard)?
    } else {
        vec![config.settings(&typed)?]
    };
    let zone = profiles.first().map(|settings| settings.zone.clone()).unwrap_or_default();
    let connections = Connections::default();
    let mut tokens = Vec::new();
    // One after another: a token's command may ask on the terminal.
    for settings in profiles {
        tokens.push(ProfileToken::read(invocation, &connections, settings, args)?);
    }
    let checks: Vec<TokenDiagnosis> =
        side_by_side::map(tokens, AT_ONCE, |token| token.check(invocation, &connections, args))
            .into_iter()
            .collect::<Result<_>>()?;

    let now = invocation.runtime.clock.now();
    let (text, event_time) = (text_style(invocation), time_style(&zone));
    let style = DiagnosisStyle { text, zone, event_time, offline: args.offline };
    let (json, all) = (args.json, args.all_profiles);
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

impl ProfileToken {
    /// Reads the token and looks at it, sending nothing.
    fn read(
        invocation: &Invocation,
        connections: &Connections,
        settings: Settings,
        args: &TokenCheckArgs,
    ) -> Result<ProfileToken> {
        let mut check = TokenDiagnosis::of(&settings.profile);
        let (loaded, session) = if settings.is_demo() {
            let session = session::open(invocation, connections, settings.clone(), PATIENCE, None)?;
            (Ok(session.client.token_in_use()), Some(session))
        } else {
            (settings.token.load(&invocation.runtime.cancel), None)
        };
        let token = match loaded {
            Ok(token) => token,
            Err(failure) if matches!(failure.kind(), ErrorKind::Interrupted(_)) => return Err(failure),
            Err(failure) => {
                check.server = settings.server.as_ref().map(ToString::to_string);
                check.steps.push(DiagnosisStep::failed("token", failure));
                return Ok(ProfileToken { settings, token: None, session, check });
            }
        };
        let requirements = TokenRequirements {
            server: settings.server.as_ref(),
            now: invocation.runtime.clock.now(),
            min_days: args.min_days,
            zone: &settings.zone,
        };
        diagnosis::check_token(&token, &requirements, &mut check);
        Ok(ProfileToken { settings, token: Some(token), session, check })
    }

    /// Decides the server, and asks it.
    fn check(
        self,
        invocation: &Invocation,
        connections: &Connections,
        args: &TokenCheckArgs,
    ) -> Result<TokenDiagnosis> {
        let ProfileToken { settings, token, session, mut check } = self;
        let opened = match (session, token) {
            (Some(session), _) => Ok(session),
            (None, Some(token)) if !check.is_over() => settings.account_of(token).and_then(|account| {
                let runtime = &invocation.runtime;
                Session::open(runtime, connections, settings, account, None, PATIENCE, None)
            }),
            _ => {
                check.steps.push(DiagnosisStep::skipped("server", ""));
                return Ok(check.ended(args.offline));
            }
        };
        match opened {
            Ok(session) => {
                check.server = Some(session.account.server.to_string());
                check.steps.push(DiagnosisStep::ok("server", session.account.server.host()));
                if !args.offline {
                    let sample = args.sample.then_some(session.settings.page_size);
                    diagnosis::ask(&session.client, &*invocation.runtime.clock, sample, &mut check)?;
                }
                Ok(check)
            }
            Err(failure) => {
                check.steps.push(DiagnosisStep::failed("server", failure));
                Ok(check.ended(args.offline))
            }
        }
    }
}
