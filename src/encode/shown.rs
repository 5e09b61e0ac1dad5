//! What was shown of a run to a person: how many events, from when to when, how many that catch the eye.

use chrono::{DateTime, Utc};

use crate::facts::Emphasis;
use crate::size::grouped;

/// Counts of events that were shown on a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownEvents {
    /// How many.
    pub events: u64,
    /// How many sign-ins among them failed.
    pub failed: u64,
    /// How many are sensitive.
    pub sensitive: u64,
    /// The first and the last time of any.
    pub times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl ShownEvents {
    /// Counts one; none for an event that no person sees.
    pub(super) fn add(&mut self, time: Option<DateTime<Utc>>, emphasis: Option<Emphasis>) {
        let Some(emphasis) = emphasis else { return };
        self.events += 1;
        self.failed += u64::from(emphasis == Emphasis::Failed);
        self.sensitive += u64::from(emphasis == Emphasis::Sensitive);
        if let Some(time) = time {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
    }

    /// The counts in a sentence, with times as `show` writes them.
    pub fn sentence(&self, show: impl Fn(DateTime<Utc>) -> String) -> String {
        let mut text =
            if self.events == 1 { "1 event".to_owned() } else { format!("{} events", grouped(self.events)) };
        match self.times {
            Some((first, last)) if first < last => text += &format!(", {} to {}", show(first), show(last)),
            Some((only, _)) => text += &format!(", {}", show(only)),
            None => {}
        }
        if self.failed > 0 {
            text += &format!("; {} failed to sign in", grouped(self.failed));
        }
        if self.sensitive > 0 {
            text += &format!("; {} sensitive", grouped(self.sensitive));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_said_in_one_sentence() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let mut shown = ShownEvents::default();
        let show = |time: DateTime<Utc>| time.timestamp().to_string();
        shown.add(at(5), None);
        assert_eq!(shown, ShownEvents::default());
        shown.add(at(5), Some(Emphasis::Plain));
        assert_eq!(shown.sentence(show), "1 event, 5");
        shown.add(at(3), Some(Emphasis::Failed));
        shown.add(None, Some(Emphasis::Sensitive));
        assert_eq!(shown.sentence(show), "3 events, 3 to 5; 1 failed to sign in; 1 sensitive");
    }
}
