//! Errors: a kind, what failed, why, and one thing to do.
//!
//! [`ErrorKind::exit_code`] is the only table from failures to exit codes, and [`combine`] the only rule for
//! several failures at once. This module must not print: `console` does.

use std::error::Error as StdError;
use std::fmt;

use crate::event::Stream;

/// A result whose error is meant to be read by a person.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is; decides the exit code and whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Unexpected: a bug, or a machine in a bad state.
    Unexpected,
    /// A check that was asked for failed.
    CheckFailed,
    /// The command line is not valid.
    Usage,
    /// A setting is missing, malformed or forbidden.
    Config,
    /// A file of events cannot be read, or holds something else.
    Input,
    /// The server's certificate could not be verified.
    Tls,
    /// The server answered with a redirect, which is never followed.
    Redirect,
    /// The server has no such path (404): usually a wrong base URL.
    NotFound,
    /// No token is configured.
    TokenMissing,
    /// The service refused the token, or it is not a JSON web token.
    TokenRefused,
    /// The token has expired.
    TokenExpired,
    /// The token is valid, but does not grant what was asked for.
    FeatureMissing,
    /// The service kept answering with errors, or with answers that cannot be read.
    Service,
    /// The service refused the request itself (400); asking again would not help.
    BadRequest,
    /// The network kept failing.
    Network,
    /// `--deadline` passed.
    Deadline,
    /// The output cannot be written or synced.
    Output,
    /// The reader of a pipe went away before it had read a page of a resumed stream.
    ClosedPipe,
    /// A checkpoint and the output it describes do not agree.
    Disagreement,
    /// Events may be missing: a refused cursor, or a position older than the service's retention.
    Gap,
    /// Another run holds the lock.
    Locked,
    /// Some streams or profiles failed and others are done.
    Partial,
    /// Stopped by a signal; the number is the signal's.
    Interrupted(i32),
}

impl ErrorKind {
    /// The exit code that users and scripts may rely on (the table of `docs/troubleshooting.md`).
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Unexpected | ErrorKind::CheckFailed => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Config
            | ErrorKind::Input
            | ErrorKind::Tls
            | ErrorKind::Redirect
            | ErrorKind::NotFound => 3,
            ErrorKind::TokenMissing | ErrorKind::TokenRefused | ErrorKind::TokenExpired => 4,
            ErrorKind::FeatureMissing => 5,
            ErrorKind::Service | ErrorKind::BadRequest | ErrorKind::Network | ErrorKind::Deadline => 6,
            ErrorKind::Output | ErrorKind::ClosedPipe => 7,
            ErrorKind::Disagreement | ErrorKind::Gap => 8,
            ErrorKind::Locked => 9,
            ErrorKind::Partial => 10,
            ErrorKind::Interrupted(signal) => 128u8.saturating_add(u8::try_from(signal).unwrap_or(0)),
        }
    }

    /// Whether running the same command again later can succeed without any change.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            ErrorKind::Service
                | ErrorKind::Network
                | ErrorKind::Deadline
                | ErrorKind::Locked
                | ErrorKind::Interrupted(_)
        )
    }

    /// The kind's stable name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Unexpected => "unexpected",
            ErrorKind::CheckFailed => "check_failed",
            ErrorKind::Usage => "usage",
            ErrorKind::Config => "config",
            ErrorKind::Input => "input",
            ErrorKind::Tls => "tls",
            ErrorKind::Redirect => "redirect",
            ErrorKind::NotFound => "not_found",
            ErrorKind::TokenMissing => "token_missing",
            ErrorKind::TokenRefused => "token_refused",
            ErrorKind::TokenExpired => "token_expired",
            ErrorKind::FeatureMissing => "feature_missing",
            ErrorKind::Service => "service",
            ErrorKind::BadRequest => "bad_request",
            ErrorKind::Network => "network",
            ErrorKind::Deadline => "deadline",
            ErrorKind::Output => "output",
            ErrorKind::ClosedPipe => "closed_pipe",
            ErrorKind::Disagreement => "disagreement",
            ErrorKind::Gap => "gap",
            ErrorKind::Locked => "locked",
            ErrorKind::Partial => "partial",
            ErrorKind::Interrupted(_) => "interrupted",
        }
    }
}

/// One failure: what failed and on what (`message`), why (`source`), and what to do (`hint`).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    stream: Option<Stream>,
    profile: Option<String>,
    source: Option<anyhow::Error>,
    is_routine: bool,
}

impl Error {
    /// A failure of this kind; `message` says what failed, on what, in one sentence without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            hint: None,
            stream: None,
            profile: None,
            source: None,
            is_routine: false,
        }
    }

    /// Adds the one thing to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks a failure that needs no attention: `-q` silences it, so that cron sends no mail.
    #[must_use]
    pub fn routine(mut self) -> Self {
        self.is_routine = true;
        self
    }

    /// Whether `-q` silences it.
    pub fn is_routine(&self) -> bool {
        self.is_routine
    }

    /// Adds the cause: an error, an `anyhow` chain of errors, or text.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(anyhow::Error::from_boxed(source.into()));
        self
    }

    /// Puts the name of the check's step before the message.
    #[must_use]
    pub fn at_step(mut self, step: &str) -> Self {
        self.message = format!("{step}: {}", self.message);
        self
    }

    /// Names the stream it happened on, unless one is named already.
    #[must_use]
    pub fn on_stream(mut self, stream: Stream) -> Self {
        self.stream.get_or_insert(stream);
        self
    }

    /// Names the profile it happened on, unless one is named already.
    #[must_use]
    pub fn on_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile.get_or_insert_with(|| profile.into());
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What failed, without cause and hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do, when there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The stream it happened on, if it concerns one.
    pub fn stream(&self) -> Option<Stream> {
        self.stream
    }

    /// The profile it happened on, if several run.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(profile) = &self.profile {
            write!(f, "profile {profile}: ")?;
        }
        if let Some(stream) = self.stream {
            write!(f, "{stream}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.source {
            // The alternate form of anyhow writes the whole chain of causes.
            Some(source) => write!(f, ": {source:#}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {}

/// The kind with which a run ends in which these failures happened; `None` when nothing failed.
///
/// Exit codes 7 and 8 always win. A signal counts only when nothing failed. If some parts were done and some
/// failed, it is [`ErrorKind::Partial`]. If all failed with one kind, it is that kind; otherwise the first of
/// the exit codes 4, 3, 5, 9, 6, 1.
pub fn combine(kinds: &[ErrorKind], anything_done: bool) -> Option<ErrorKind> {
    let failed: Vec<ErrorKind> =
        kinds.iter().copied().filter(|k| !matches!(k, ErrorKind::Interrupted(_))).collect();
    let Some(&first) = failed.first() else { return kinds.first().copied() };
    for code in [8, 7] {
        if let Some(&kind) = failed.iter().find(|k| k.exit_code() == code) {
            return Some(kind);
        }
    }
    if anything_done {
        return Some(ErrorKind::Partial);
    }
    if failed.iter().all(|k| k.exit_code() == first.exit_code()) {
        return Some(first);
    }
    let by_rank = [4, 3, 5, 9, 6, 1, 2, 10];
    failed.into_iter().min_by_key(|k| by_rank.iter().position(|c| *c == k.exit_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_alone_keeps_its_code() {
        assert_eq!(combine(&[ErrorKind::Network], false), Some(ErrorKind::Network));
        assert_eq!(combine(&[], true), None);
    }

    #[test]
    fn some_done_and_some_not_is_partial_but_a_disagreement_always_wins() {
        assert_eq!(combine(&[ErrorKind::Network], true), Some(ErrorKind::Partial));
        assert_eq!(combine(&[ErrorKind::Network, ErrorKind::Gap], true), Some(ErrorKind::Gap));
        assert_eq!(combine(&[ErrorKind::Output, ErrorKind::Network], true), Some(ErrorKind::Output));
    }

    #[test]
    fn failed_differently_is_ranked_and_a_signal_counts_only_alone() {
        assert_eq!(
            combine(&[ErrorKind::Network, ErrorKind::TokenRefused], false),
            Some(ErrorKind::TokenRefused)
        );
        assert_eq!(combine(&[ErrorKind::Service, ErrorKind::Locked], false), Some(ErrorKind::Locked));
        assert_eq!(combine(&[ErrorKind::Interrupted(2)], true), Some(ErrorKind::Interrupted(2)));
        assert_eq!(
            combine(&[ErrorKind::Interrupted(2), ErrorKind::Network], false),
            Some(ErrorKind::Network)
        );
    }

    #[test]
    fn a_chain_of_causes_is_told_whole() {
        use anyhow::Context as _;
        let inner = std::io::Error::other("connection refused");
        let chain = Err::<(), _>(inner).context("no answer").context("asked twice").unwrap_err();
        let failure = Error::new(ErrorKind::Network, "cannot fetch").because(chain);
        assert_eq!(failure.to_string(), "cannot fetch: asked twice: no answer: connection refused");
        let failure = Error::new(ErrorKind::Network, "cannot fetch").because("it is closed");
        assert_eq!(failure.to_string(), "cannot fetch: it is closed");
    }

    #[test]
    fn the_message_names_profile_stream_and_cause() {
        let failure = Error::new(ErrorKind::Network, "no answer from events.1password.com")
            .because(std::io::Error::other("connection refused"))
            .on_stream(Stream::SignInAttempts)
            .on_profile("acme");
        assert_eq!(
            failure.to_string(),
            "profile acme: signin: no answer from events.1password.com: connection refused"
        );
    }
}
