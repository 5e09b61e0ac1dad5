//! Whose an event is: the profile's that reads it, or, of an event from a file, the account's that the file names.

use std::fmt;

use crate::encode::EventContext;

/// Gives the profile and the account's uuid of a number; none where only the run itself is known.
pub(super) type AccountNames<'a> = Box<dyn Fn(u32) -> Option<(Option<String>, Option<String>)> + 'a>;

/// What tells two speakers of a run apart: the number of the profile and of the account.
pub(super) type SpeakerNumber = (usize, u32);

/// The contexts of the events of one profile.
pub(super) struct Speaker<'a> {
    number: usize,
    own: EventContext,
    names: Option<AccountNames<'a>>,
    /// The account of the last event that was not the run's own.
    last: Option<(u32, EventContext)>,
}

impl fmt::Debug for Speaker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<'a> Speaker<'a> {
    /// The profile of this number in the run; `names` tells other accounts.
    pub(super) fn new(number: usize, own: EventContext, names: Option<AccountNames<'a>>) -> Self {
        Speaker { number, own, names, last: None }
    }

    /// The context of an event of this account; 0 is the run's own.
    pub(super) fn of(&mut self, account: u32) -> (SpeakerNumber, &EventContext) {
        if account == 0 {
            return ((self.number, 0), &self.own);
        }
        let is_last = self.last.as_ref().is_some_and(|(last, _)| *last == account);
        if !is_last {
            let named = self.names.as_ref().and_then(|names| names(account)).unwrap_or_default();
            let context = EventContext {
                profile: named.0.unwrap_or_else(|| self.own.profile.clone()),
                account_uuid: named.1,
                ..self.own.clone()
            };
            self.last = Some((account, context));
        }
        ((self.number, account), self.last.as_ref().map_or(&self.own, |(_, context)| context))
    }
}
