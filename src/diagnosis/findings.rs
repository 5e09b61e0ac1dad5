//! Reports the failures of tokens on standard error, and combines their kinds into one.

use super::step::{StepOutcome, TokenDiagnosis};
use crate::console::Console;
use crate::error::{ErrorKind, combine};

/// Reports every failure, with its profile if there are several, and returns the combined kind.
pub fn tell(console: &Console, checks: Vec<TokenDiagnosis>, names_profiles: bool) -> Option<ErrorKind> {
    let kinds: Vec<ErrorKind> = checks.iter().filter_map(TokenDiagnosis::kind).collect();
    let broken: Vec<ErrorKind> =
        kinds.iter().copied().filter(|kind| *kind != ErrorKind::CheckFailed).collect();
    // A token that ends soon still works: its profile counts as done beside one that fails.
    let kind = combine(&broken, broken.len() < checks.len()).or(kinds.first().copied());
    let mut count = 0;
    for check in checks {
        for step in check.steps {
            let StepOutcome::Failed(failure) = step.outcome else { continue };
            let failure = failure.at_step(step.name);
            count += 1;
            console.failure(&if names_profiles { failure.on_profile(&check.profile) } else { failure });
        }
    }
    if let Some(kind) = kind.filter(|_| count > 1) {
        console.summary(kind, &format!("{count} findings; exit code {}", kind.exit_code()));
    }
    kind
}
