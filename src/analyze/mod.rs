//! What events come to: counts, who saw what, and what rules look for. No clock, and no I/O but a scratch file that the
//! caller opens.
//!
//! A [`Fold`] takes events one by one, in any order and on any number of threads, and is merged with the folds of
//! other threads; `collect::fold` runs it. What it makes is a [`Report`] of sections, each a table, which
//! [`ReportFormat`] writes for programs and for people.
//!
//! | file | what it is |
//! |---|---|
//! | `texts` | texts by number, so that keys are small |
//! | `counter` | counts by key, in bounded memory |
//! | `people` | what people are called |
//! | `period` | the time range, and the one before it |
//! | `by_field` | what can be counted by |
//! | `clock_names` | days, hours and weekdays of a zone |
//! | `count_by` | `summary --by` |
//! | `detect` | rules and their hits |
//! | `exposure` | who has seen which secrets |
//! | `summary` | the whole summary |
//! | `places` | where sign-ins came from, and travel |
//! | `report` | sections, columns and values |
//! | `render` | a report as JSON, CSV or a table |

mod by_field;
mod clock_names;
mod count_by;
mod counter;
pub mod detect;
mod exposure;
mod people;
mod period;
mod places;
mod render;
mod report;
mod summary;
mod texts;

pub use by_field::ByFields;
pub use count_by::{CountBy, RowLimit};
pub use exposure::{Exposure, ExposureOf};
pub use period::Period;
pub use render::{ReportFormat, ReportStyle};
pub use report::Report;
pub use summary::Summary;

use crate::event::Event;
use crate::facts::{EventFacts, Lookup};
use crate::page::Reading;

/// Something that events come to.
///
/// Which events one fold takes, and in which order, is chance: after all are merged the result must be the same.
pub trait Fold: Send {
    /// An index of the facts that it asks for.
    fn lookup(&self) -> Lookup {
        Lookup::for_facts()
    }

    /// Takes an event, once, with the facts that it states.
    fn add(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>, reading: Reading);

    /// Takes what another fold of the same kind took.
    fn merge(&mut self, other: Self);
}
