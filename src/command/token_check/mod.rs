//! `opev token-check`: is the token usable, now and for how long.
//!
//! ```text
//! offline   the token's own words: form, audience, features, times
//! online    the way to the server, one introspection, one small question per stream
//! step      a step, a check, and the kind a check comes to
//! report    the steps as a table for people, or a line a profile
//! json      the same for programs
//! ```
//!
//! What is wrong and how to mend it goes to standard error first, then the steps to standard output.

mod json;
mod offline;
mod online;
mod report;
mod step;

use std::time::Duration;

use crate::api::claims::Claims;
use crate::cli::token_check::TokenCheckArgs;
use crate::command::session::{Connections, Session};
use crate::command::{End, Invocation, side_by_side};
use crate::config::{Config, Settings, Typed};
use crate::error::{Error, ErrorKind, Result, combine};
use crate::secret::Secret;
use offline::Terms;
use report::ReportStyle;
use step::{Check, Outcome, Step};

/// A check tells what is, not what may be after a while: one try, unless `--retry-for` says otherwise.
const PATIENCE: Duration = Duration::ZERO;

/// How many profiles are checked at once.
const AT_ONCE: usize = 16;

/// A profile and its token, before anything is asked.
struct Subject {
    settings: Settings,
    token: Option<Secret>,
    /// The demo's, which exists before its token does.
    session: Option<Session>,
    check: Check,
}

/// Runs `opev token-check`.
///
/// # Errors
/// Fails for what concerns the whole run; what is wrong with single tokens is reported here.
pub fn run(invocation: &Invocation, args: &TokenCheckArgs) -> Result<End> {
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let typed = Typed {
        account: &args.account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: None,
        jobs: None,
    };
    let profiles =
        if args.all_profiles { config.all_settings(&typed)? } else { vec![config.settings(&typed)?] };
    let connections = Connections::default();
    let mut subjects = Vec::new();
    // One after another: a token's command may have a question for the person.
    for settings in profiles {
        subjects.push(Subject::read(invocation, &connections, settings, args)?);
    }
    let zone = subjects.first().map(|subject| subject.settings.zone.clone()).unwrap_or_default();
    let checks: Vec<Check> =
        side_by_side::map(subjects, AT_ONCE, |subject| subject.check(invocation, &connections, args))
            .into_iter()
            .collect::<Result<_>>()?;
    let paper = ReportStyle::of(invocation, zone, args.offline);
    let text = match (args.json, args.all_profiles) {
        (true, all) => json::render(&checks, all, invocation.runtime.clock.now())?,
        (false, true) => report::list(&checks, &paper, invocation.runtime.clock.now()),
        (false, false) => report::table(&checks, &paper, invocation.runtime.clock.now())?,
    };
    let end = tell(invocation, checks, args.all_profiles);
    super::print(&text)?;
    Ok(end)
}

impl Subject {
    /// Reads the token and looks at it, sending nothing.
    fn read(
        invocation: &Invocation,
        connections: &Connections,
        settings: Settings,
        args: &TokenCheckArgs,
    ) -> Result<Subject> {
        let mut check = Check::of(&settings.profile);
        let (loaded, session) = if settings.is_demo() {
            let session = Session::open(invocation, connections, settings.clone(), PATIENCE)?;
            (Ok(session.client.token_in_use()), Some(session))
        } else {
            (settings.token.load(&invocation.runtime.cancel), None)
        };
        let token = match loaded {
            Ok(token) => token,
            Err(failure) if matches!(failure.kind(), ErrorKind::Interrupted(_)) => return Err(failure),
            Err(failure) => {
                check.server = settings.server.as_ref().map(ToString::to_string);
                check.steps.push(Step::failed("token", failure));
                return Ok(Subject { settings, token: None, session, check });
            }
        };
        let claims = Claims::read(&token);
        if let Ok(claims) = &claims {
            check.account_uuid = claims.account.clone();
            check.expires_at = claims.expires_at;
        }
        let (server, now) = (settings.server.as_ref(), invocation.runtime.clock.now());
        let terms = Terms { server, now, min_days: args.min_days, zone: &settings.zone };
        check.steps = offline::steps(&claims, &terms);
        Ok(Subject { settings, token: Some(token), session, check })
    }

    /// Decides the server, and asks it.
    fn check(
        self,
        invocation: &Invocation,
        connections: &Connections,
        args: &TokenCheckArgs,
    ) -> Result<Check> {
        let Subject { settings, token, session, mut check } = self;
        let opened = match (session, token) {
            _ if check.is_over() => None,
            (Some(session), _) => Some(Ok(session)),
            (None, Some(token)) => {
                Some(Session::with_token(invocation, connections, settings, token, PATIENCE))
            }
            (None, None) => None,
        };
        match opened {
            Some(Ok(session)) => {
                check.server = Some(session.account.server.to_string());
                check.steps.push(Step::ok("server", session.account.server.host()));
                if !args.offline {
                    online::run(invocation, &session, args.sample, &mut check)?;
                }
                return Ok(check);
            }
            Some(Err(failure)) => check.steps.push(Step::failed("server", failure)),
            None => check.steps.push(Step::skipped("server", "")),
        }
        if !args.offline {
            check.steps.extend(online::skipped());
        }
        Ok(check)
    }
}

/// Tells everything that is wrong, and gives the one exit code for all.
fn tell(invocation: &Invocation, checks: Vec<Check>, all_profiles: bool) -> End {
    let kinds: Vec<ErrorKind> = checks.iter().filter_map(Check::kind).collect();
    let broken: Vec<ErrorKind> =
        kinds.iter().copied().filter(|kind| *kind != ErrorKind::CheckFailed).collect();
    // A token that ends soon still works: its profile counts as done beside one that fails.
    let kind = combine(&broken, broken.len() < checks.len()).or(kinds.first().copied());
    let mut count = 0;
    for check in checks {
        for step in check.steps {
            if let Outcome::Failed(failure) = step.outcome {
                count += 1;
                invocation.runtime.console.failure(&addressed(
                    failure,
                    step.name,
                    all_profiles.then_some(&check.profile),
                ));
            }
        }
    }
    if let Some(kind) = kind.filter(|_| count > 1) {
        invocation
            .runtime
            .console
            .summary(kind, &format!("{count} findings; exit code {}", kind.exit_code()));
    }
    End::of(kind)
}

fn addressed(failure: Error, step: &str, profile: Option<&String>) -> Error {
    let failure = failure.at_step(step);
    match profile {
        Some(profile) => failure.on_profile(profile),
        None => failure,
    }
}
