//! `opev show`: finds events by their uuids and shows them whole.
//!
//! A question as `opev fetch` asks it, which ends when every uuid was met.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::collect::CollectArgs;
use crate::cli::fetch::{FetchArgs, Sort};
use crate::cli::filter::FilterArgs;
use crate::cli::range::RangeArgs;
use crate::cli::saved_events::SavedEventArgs;
use crate::cli::show::ShowArgs;
use crate::command::{End, Invocation, fetch};
use crate::encode::Format;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::select::WantedUuids;
use crate::time::TimeExpr;

/// How far to look back without `--since`.
const LOOK_BACK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Runs `opev show`.
///
/// # Errors
/// As `opev fetch`, and `CheckFailed` where an event is not found.
pub fn run(invocation: &Invocation, args: &ShowArgs) -> Result<End> {
    let wanted = Arc::new(WantedUuids::new(&args.uuids));
    let question = FetchArgs {
        collect: CollectArgs {
            account: args.account.clone(),
            filter: FilterArgs { uuids: Some(Arc::clone(&wanted)), ..FilterArgs::default() },
            format: Some(args.format.unwrap_or(Format::Record)),
            ..CollectArgs::default()
        },
        saved: SavedEventArgs { from: args.from.clone(), ..SavedEventArgs::default() },
        range: RangeArgs {
            since: args.since.clone().or_else(|| args.from.is_empty().then_some(TimeExpr::Ago(LOOK_BACK))),
            until: args.until.clone(),
            late: None,
        },
        limit: Some(wanted.len() as u64),
        sort: Some(Sort::Timeline),
        ..FetchArgs::default()
    };
    let end = fetch::run(invocation, &question)?;
    let missing: Vec<String> = wanted.missing().map(|uuid| sanitize::message(uuid).into_owned()).collect();
    if end != End::Done || missing.is_empty() {
        return Ok(end);
    }
    let missing = missing.join(", ");
    let (text, hint) = match (args.from.is_empty(), &args.since, &args.until) {
        (true, ..) => ("in this time", "look further back with --since 30d, or in another --profile"),
        (false, None, None) => ("in these files", "name other files, or ask the service: leave out --from"),
        (false, ..) => {
            ("in these files at this time", "leave out --since and --until: then every event counts")
        }
    };
    Err(Error::new(ErrorKind::CheckFailed, format!("no event {missing} {text}")).hint(hint))
}
