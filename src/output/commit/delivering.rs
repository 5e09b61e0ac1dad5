//! Batches in the commit order: events fill a batch; the receiver has it before the position moves behind it.
//!
//! Before a batch is offered, its id and number of events are recorded beside the old position. After a kill the
//! same batch is offered again, whatever more the service has by then, so that a receiver can tell.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::batch::PendingBatch;
use super::super::checkpoint::record::Checkpoint;
use super::super::sink::delivery::DeliverySink;
use super::{CheckpointedOutput, Encode, OpenSink, QUIET_PROOF, Staged};
use crate::error::Result;
use crate::event::Stream;
use crate::page::Page;

impl CheckpointedOutput {
    /// Whether the output is batches for a receiver.
    pub fn is_delivery(&self) -> bool {
        matches!(self.sink, OpenSink::Batches(_))
    }

    /// Notes from when on a stream without a cursor is read. Batches end within the first answer; after a kill the
    /// same answer is asked for again, and so the same batches are made of it.
    pub fn begin_at(&mut self, stream: Stream, since: Option<DateTime<Utc>>) {
        if !self.is_delivery() {
            return;
        }
        for record in [&mut self.record, &mut self.committed] {
            let position = record.streams.entry(stream.name().to_owned()).or_default();
            if position.cursor.is_none() {
                position.asked_since = since;
            }
        }
    }

    /// How long until a batch is due though nothing more comes; none where there is none, or it is not by time.
    pub fn due_in(&self) -> Option<Duration> {
        let OpenSink::Batches(sink) = &self.sink else { return None };
        if self.is_offered_again(sink) { None } else { sink.batch.due_in(self.clock.elapsed()) }
    }

    /// Whether the open batch is due; none where no batch is open.
    pub(super) fn is_batch_due(&self) -> Option<bool> {
        let OpenSink::Batches(sink) = &self.sink else { return None };
        if sink.batch.is_empty() {
            return None;
        }
        Some(sink.is_full() || self.due_in().is_some_and(|left| left.is_zero()))
    }

    /// Whether the events of an earlier offer are still being read: age must not end that batch early.
    fn is_offered_again(&self, sink: &DeliverySink) -> bool {
        let is_read = self.record.position(sink.stream).is_some_and(|position| position.caught_up);
        sink.pending.is_some() && !is_read
    }

    /// Adds events to the open batch until it is full.
    pub(super) fn stage_into_batch(
        &mut self,
        page: &Page,
        range: Range<usize>,
        encode: &mut dyn Encode,
    ) -> Result<Staged> {
        let elapsed = self.clock.elapsed();
        let mut staged = Staged::default();
        let (mut taken, mut last) = (range.start, None);
        for index in range.clone() {
            let OpenSink::Batches(sink) = &mut self.sink else { break };
            if sink.is_full() {
                break;
            }
            let event = page.event_at(index);
            if !encode.wants(&event) {
                staged.unwanted += 1;
                (taken, last) = (index + 1, Some(index));
                continue;
            }
            let before = sink.pending.as_ref().map(|pending| pending.received_at);
            let received_at = before.or(sink.batch.received_at()).unwrap_or(page.received_at);
            self.buffer.clear();
            encode.event(&event, received_at, &mut self.buffer);
            if !sink.has_room_for(event.time, self.buffer.len()) {
                break;
            }
            taken = index + 1;
            if !self.seen.insert(&event) {
                staged.repeats += 1;
                continue;
            }
            last = Some(index);
            staged.events += 1;
            staged.bytes += self.buffer.len() as u64;
            let record = &self.record;
            let place = || {
                // A number and not the cursor, of which a quiet stream has several for one place.
                let before = record.position(page.stream).map_or(0, |position| position.delivered);
                let account = record.terms.account.clone().unwrap_or_default();
                let (profile, consumer) = (record.profile.clone(), record.consumer.clone());
                vec![account, profile, consumer, page.stream.name().to_owned(), before.to_string()]
            };
            sink.add(&*self.disk, &event, &self.buffer, place, (elapsed, received_at))?;
        }
        // What follows an empty page's last event is its end.
        staged.taken = taken - range.start;
        self.note_position(page, range.start..taken, &staged, last);
        Ok(staged)
    }

    /// Saves the committed position again where nothing was saved for minutes because a batch is being filled, so
    /// that a run that finds the lock taken sees that its holder is alive.
    pub(super) fn prove_alive(&mut self) -> Result<()> {
        let now = self.clock.now();
        if self.is_batch_due() != Some(false) || now - self.committed.updated_at < QUIET_PROOF {
            return Ok(());
        }
        let mut record =
            Checkpoint { sequence: self.record.sequence, updated_at: now, ..self.committed.clone() };
        self.store.commit(&mut record)?;
        self.record.sequence = record.sequence;
        self.committed = record;
        Ok(())
    }

    /// Has the open batch delivered, if there is one. On return its events are durable elsewhere.
    pub(super) fn deliver_batch(&mut self) -> Result<()> {
        let OpenSink::Batches(sink) = &mut self.sink else { return Ok(()) };
        let Some(received_at) = sink.batch.received_at() else { return Ok(()) };
        let Some(batch) = sink.batch.take(sink.stream) else { return Ok(()) };
        let pending = Some(PendingBatch { id: batch.id.clone(), events: batch.events, received_at });
        if sink.pending != pending {
            // The position in memory is ahead: the last committed one is saved with it.
            let mut record = Checkpoint { sequence: self.record.sequence, pending, ..self.committed.clone() };
            self.store.commit(&mut record)?;
            self.record.sequence = record.sequence;
            self.committed = record;
        }
        sink.deliver(&*self.disk, &batch)?;
        (sink.pending, self.record.pending) = (None, None);
        Ok(())
    }
}
