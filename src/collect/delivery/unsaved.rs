//! Batches of a run that keeps no position: those of each stream, in the order in which its events come.
//!
//! A batch that nobody takes ends the run. Its id is a function of the account, the stream and the events, so that
//! the same events give the same batches in another run.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::question::QuestionSource;
use super::DeliveryTarget;
use crate::clock::Clock;
use crate::disk::RealDisk;
use crate::error::Result;
use crate::event::Event;
use crate::output::sink::delivery::DeliverySink;
use crate::runtime::Runtime;

/// The open batches of a run, one for each stream.
#[derive(Debug)]
pub(in super::super) struct UnsavedBatches {
    open: Vec<StreamBatches>,
    account: String,
    profile: String,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct StreamBatches {
    target: DeliveryTarget,
    sink: DeliverySink,
}

impl UnsavedBatches {
    /// Batches for these receivers.
    ///
    /// # Errors
    /// As [`DeliveryTarget::sink`].
    pub(in super::super) fn open(
        targets: &[DeliveryTarget],
        runtime: &Runtime,
        source: &impl QuestionSource,
    ) -> Result<Self> {
        let open = |target: &DeliveryTarget| {
            Ok(StreamBatches { target: target.clone(), sink: target.sink(runtime, source, None)? })
        };
        Ok(UnsavedBatches {
            open: targets.iter().map(open).collect::<Result<_>>()?,
            account: source.account_uuid().unwrap_or_default(),
            profile: source.settings().profile.clone(),
            clock: Arc::clone(&runtime.clock),
        })
    }

    /// Adds the line of an event to the batch of its stream, and delivers what is full or waited long enough.
    ///
    /// # Errors
    /// As the receiver; `Output` when the file of rejected batches cannot be written.
    pub(in super::super) fn add(
        &mut self,
        event: &Event<'_>,
        line: &[u8],
        received_at: DateTime<Utc>,
    ) -> Result<()> {
        let elapsed = self.clock.elapsed();
        let Some(StreamBatches { target, sink }) =
            self.open.iter_mut().find(|batches| batches.target.0.stream == event.stream)
        else {
            return Ok(());
        };
        let is_due = sink.due_in(elapsed).is_some_and(|left| left.is_zero());
        if is_due || !sink.has_room_for(event.time, line.len()) {
            sink.deliver_open(&RealDisk)?;
        }
        let place = || {
            let (account, profile) = (self.account.clone(), self.profile.clone());
            vec![account, profile, target.consumer(None), event.stream.name().to_owned()]
        };
        sink.add(&RealDisk, event, line, place, (elapsed, received_at))?;
        if sink.is_full() { sink.deliver_open(&RealDisk) } else { Ok(()) }
    }

    /// How long until a batch is due though nothing more comes.
    pub(in super::super) fn due_in(&self) -> Option<Duration> {
        let elapsed = self.clock.elapsed();
        self.open.iter().filter_map(|batches| batches.sink.due_in(elapsed)).min()
    }

    /// Delivers the batches that waited long enough.
    ///
    /// # Errors
    /// As [`UnsavedBatches::add`].
    pub(in super::super) fn deliver_due(&mut self) -> Result<()> {
        let elapsed = self.clock.elapsed();
        let due =
            |batches: &&mut StreamBatches| batches.sink.due_in(elapsed).is_some_and(|left| left.is_zero());
        self.open.iter_mut().filter(due).try_for_each(|batches| batches.sink.deliver_open(&RealDisk))
    }

    /// Delivers all that is left.
    ///
    /// # Errors
    /// As [`UnsavedBatches::add`].
    pub(in super::super) fn deliver_rest(&mut self) -> Result<()> {
        self.open.iter_mut().try_for_each(|batches| batches.sink.deliver_open(&RealDisk))
    }
}
