//! What is wrong with the tokens, told on standard error, and the one kind of failure for all of it.

use super::step::{StepOutcome, TokenDiagnosis};
use crate::console::Console;
use crate::error::{ErrorKind, combine};

/// Tells everything that is wrong, with its profile where there are several, and gives the one kind for all.
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
