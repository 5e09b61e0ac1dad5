//! Whose move a failure is: the three classes that Sumo Logic's collectors made usual.
//!
//! A total function from [`ErrorKind`]; the exit code stays `failure`'s business.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;

/// Whose move it is after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorClass {
    /// The customer's settings at 1Password or here: token, features, server. Waiting does not help.
    ThirdPartyConfig,
    /// The service or the network: limits, errors, unreadable answers. Transient.
    ThirdPartyGeneric,
    /// This machine or this program: disk, output, saved position, a bug.
    FirstPartyGeneric,
}

impl ErrorClass {
    /// The class of a kind of failure.
    pub fn of(kind: ErrorKind) -> ErrorClass {
        match kind {
            ErrorKind::Usage
            | ErrorKind::Config
            | ErrorKind::Input
            | ErrorKind::Tls
            | ErrorKind::Redirect
            | ErrorKind::NotFound
            | ErrorKind::TokenMissing
            | ErrorKind::TokenRefused
            | ErrorKind::TokenExpired
            | ErrorKind::FeatureMissing
            | ErrorKind::BadRequest => ErrorClass::ThirdPartyConfig,
            ErrorKind::Service | ErrorKind::Network | ErrorKind::Deadline => ErrorClass::ThirdPartyGeneric,
            ErrorKind::Unexpected
            | ErrorKind::CheckFailed
            | ErrorKind::Output
            | ErrorKind::ClosedPipe
            | ErrorKind::Disagreement
            | ErrorKind::Gap
            | ErrorKind::Locked
            | ErrorKind::Partial
            | ErrorKind::Interrupted(_) => ErrorClass::FirstPartyGeneric,
        }
    }

    /// Its name in all output.
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::ThirdPartyConfig => "ThirdPartyConfig",
            ErrorClass::ThirdPartyGeneric => "ThirdPartyGeneric",
            ErrorClass::FirstPartyGeneric => "FirstPartyGeneric",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_customer_must_mend_is_told_from_what_passes_and_from_what_is_ours() {
        for kind in
            [ErrorKind::TokenRefused, ErrorKind::FeatureMissing, ErrorKind::NotFound, ErrorKind::BadRequest]
        {
            assert_eq!(ErrorClass::of(kind), ErrorClass::ThirdPartyConfig, "{kind:?}");
        }
        for kind in [ErrorKind::Service, ErrorKind::Network] {
            assert_eq!(ErrorClass::of(kind), ErrorClass::ThirdPartyGeneric, "{kind:?}");
        }
        for kind in [ErrorKind::Output, ErrorKind::Disagreement, ErrorKind::Unexpected] {
            assert_eq!(ErrorClass::of(kind), ErrorClass::FirstPartyGeneric, "{kind:?}");
        }
    }
}
