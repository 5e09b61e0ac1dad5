//! The accounts that envelopes name, each with a number, so that an event needs no text of its own for it.

use std::sync::{Arc, Mutex, PoisonError};

use super::line::EnvelopeLabel;

/// How many are told apart (P9). Whoever has more of them made them up.
const MOST: usize = 10_000;

/// A profile and its account, as an envelope names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeAccount {
    /// The profile; none where the envelope does not say.
    pub profile: Option<String>,
    /// The account's uuid; none where the envelope does not say.
    pub account_uuid: Option<String>,
}

/// The accounts of a run so far; numbers begin with 1.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<Vec<EnvelopeAccount>>);

impl Accounts {
    /// The account of a number; none for 0, which stands for the run's own.
    pub fn get(&self, number: u32) -> Option<EnvelopeAccount> {
        let index = (number as usize).checked_sub(1)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    fn number_of(&self, account: &EnvelopeAccount) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = known.iter().position(|one| one == account).or_else(|| {
            (known.len() < MOST).then(|| {
                known.push(account.clone());
                known.len() - 1
            })
        });
        index.map_or(0, |index| index as u32 + 1)
    }
}

/// Finds numbers, and remembers the last one: the next event is mostly of the same account.
#[derive(Debug)]
pub(super) struct NamedAccount {
    all: Arc<Accounts>,
    last: Option<(EnvelopeAccount, u32)>,
}

impl NamedAccount {
    pub(super) fn new(all: &Arc<Accounts>) -> Self {
        NamedAccount { all: Arc::clone(all), last: None }
    }

    /// The number of the account that an envelope names; 0 where it names none.
    pub(super) fn number_of(&mut self, label: &EnvelopeLabel) -> u32 {
        if label.profile.is_none() && label.account_uuid.is_none() {
            return 0;
        }
        if let Some((last, number)) = &self.last
            && last.profile == label.profile
            && last.account_uuid == label.account_uuid
        {
            return *number;
        }
        let account =
            EnvelopeAccount { profile: label.profile.clone(), account_uuid: label.account_uuid.clone() };
        let number = self.all.number_of(&account);
        self.last = Some((account, number));
        number
    }
}
