//! A profile's token, looked at and tried: for `opev token-check` and `opev setup`.

use std::time::Duration;

use super::offline::{TokenRequirements, check_token};
use super::online::ask;
use super::step::{DiagnosisStep, TokenDiagnosis};
use crate::collect::session::{Connections, Session};
use crate::config::Settings;
use crate::error::{ErrorKind, Result};
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::time::Zone;

/// A check makes one attempt without `--retry-for`.
pub const PATIENCE: Duration = Duration::ZERO;

/// How far a check goes.
#[derive(Clone, Copy, Debug)]
pub struct CheckDepth {
    /// How many days the token must have left.
    pub min_days: u16,
    /// Whether nothing is sent.
    pub offline: bool,
    /// Whether the newest event of each stream is looked for.
    pub sample: bool,
}

/// A profile and its token, before any request.
pub struct ProfileToken {
    settings: Settings,
    token: Option<Secret>,
    /// The demo's, which exists before its token does.
    session: Option<Session>,
    check: TokenDiagnosis,
}

impl ProfileToken {
    /// Reads the token and looks at it, sending nothing. The demo has a session already.
    ///
    /// # Errors
    /// Fails when cancelled; what is wrong with the token is found by the check.
    pub fn read(
        runtime: &Runtime,
        settings: Settings,
        session: Option<Session>,
        depth: &CheckDepth,
    ) -> Result<ProfileToken> {
        let mut check = TokenDiagnosis::of(&settings.profile);
        let loaded = match &session {
            Some(session) => Ok(session.client.token_in_use()),
            None => settings.token.load(&runtime.cancel),
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
            now: runtime.clock.now(),
            min_days: depth.min_days,
            zone: &settings.zone,
        };
        check_token(&token, &requirements, &mut check);
        Ok(ProfileToken { settings, token: Some(token), session, check })
    }

    /// The token, where it could be read.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// The zone that times are shown in.
    pub fn zone(&self) -> &Zone {
        &self.settings.zone
    }

    /// Decides the server, and asks it.
    ///
    /// # Errors
    /// Fails when cancelled.
    pub fn check(
        self,
        runtime: &Runtime,
        connections: &Connections,
        depth: &CheckDepth,
    ) -> Result<TokenDiagnosis> {
        let ProfileToken { settings, token, session, mut check } = self;
        let opened = match (session, token) {
            (Some(session), _) => Ok(session),
            (None, Some(token)) if !check.is_over() => settings.account_of(token).and_then(|account| {
                Session::open(runtime, connections, settings, account, None, PATIENCE, None)
            }),
            _ => {
                check.steps.push(DiagnosisStep::skipped("server", ""));
                return Ok(check.ended(depth.offline));
            }
        };
        match opened {
            Ok(session) => {
                check.server = Some(session.account.server.to_string());
                check.steps.push(DiagnosisStep::ok("server", session.account.server.host()));
                if !depth.offline {
                    let sample = depth.sample.then_some(session.settings.page_size);
                    ask(&session.client, &*runtime.clock, sample, &mut check)?;
                }
                Ok(check)
            }
            Err(failure) => {
                check.steps.push(DiagnosisStep::failed("server", failure));
                Ok(check.ended(depth.offline))
            }
        }
    }
}
