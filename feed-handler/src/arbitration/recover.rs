//! A stream that does not give up at once: it holds, asks, takes answers, and is whole again.
//!
//! What a stream holds lies in a larger ring while it recovers; the rules of `stream.rs` go on
//! unchanged on it. The common case never comes here: while something is missing the number due
//! is not the highest known, which is what the fast path asks.

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, MarketFlags, Nanos};

use super::batch::Batch;
use super::gaps::OpenGap;
use super::hold::{Ask, Pending, Phase, Recovery};
use super::stream::Stream;
use crate::Line;
use crate::recovery::{RecoveryFailure, RecoveryReply, RecoveryRequest, Wanted};
use crate::wire::nse_mtbt::{
    DecodeError, Message, PacketContext, SnapshotHeader, SnapshotOrder, decode,
};

impl Stream {
    /// Holds the stream from here on and says so.
    pub(super) fn go_stale<F: FnMut(&Event)>(
        &mut self,
        phase: Phase,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        self.swap_rooms();
        let next = self.next;
        let Some(recovery) = &mut self.recovery else { return };
        recovery.phase = phase;
        (recovery.refusals, recovery.failures) = (0, 0);
        recovery.ask = Ask::Due(now);
        recovery.counters.stale += 1;
        let was_silent = std::mem::take(&mut self.watch.is_silent);
        if !std::mem::replace(&mut recovery.is_stale, true) && !was_silent {
            out.push(&self.notice(EventKind::StreamStale, next, now));
        }
    }

    /// Makes room for a number beyond the window, if it is a hold that is full. `false` leaves it
    /// to the rules of a stream without recovery.
    pub(super) fn make_hold_room<F: FnMut(&Event)>(
        &mut self,
        sequence: u64,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) -> bool {
        match self.recovery.as_ref().map(|recovery| recovery.phase) {
            None | Some(Phase::GivenUp) => return false,
            Some(Phase::Live) => self.go_stale(Phase::Recovering, now, out),
            Some(_) => {}
        }
        if sequence - self.window_start() < self.window() {
            return true;
        }
        match &mut self.recovery {
            Some(recovery) if self.held == 0 => recovery.hold_from = sequence,
            _ => self.surrender(sequence, now, out),
        }
        true
    }

    /// Gives up what is missing below `target`; the stream flows again and its books stay stale
    /// until a snapshot.
    #[cold]
    pub(super) fn surrender<F: FnMut(&Event)>(
        &mut self,
        target: u64,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        let Some(recovery) = &mut self.recovery else { return };
        let was_holding = recovery.is_holding();
        recovery.cancel();
        recovery.counters.given_up += 1;
        (recovery.refusals, recovery.failures) = (0, 0);
        recovery.phase = Phase::GivenUp;
        if recovery.policy.snapshots {
            recovery.ask = Ask::Due(now.plus(recovery.policy.pace_ns));
        }
        self.release(out);
        self.advance(target, now, out);
        self.close_gaps();
        if was_holding {
            self.swap_rooms();
        }
    }

    /// Back to the life of a stream that begins at 1: everything asked for is of the past.
    pub(super) fn reset_recovery<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        let Some(recovery) = &mut self.recovery else { return };
        recovery.spare.ring.fill(Event::zeroed());
        recovery.phase = Phase::Live;
        recovery.cancel();
        recovery.hold_from = 0;
        (recovery.newest, recovery.image_time) = ((0, Nanos::ZERO), Nanos::ZERO);
        if std::mem::take(&mut recovery.is_stale) {
            recovery.counters.whole += 1;
            out.push(&self.notice(EventKind::StreamWhole, 1, now));
        }
    }

    /// Ends the hold once no missing number is overdue and what is held fits the small ring.
    pub(super) fn settle<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        let Some(recovery) = &mut self.recovery else { return };
        let is_overdue = self.open_gaps.front().is_some_and(|gap| gap.is_due(self.wait_ns, now));
        if !matches!(recovery.phase, Phase::Recovering | Phase::Seeking)
            || self.next < recovery.hold_from
            || is_overdue
            || self.highest + 1 - self.next > recovery.window
        {
            return;
        }
        recovery.cancel();
        recovery.phase = Phase::Live;
        recovery.hold_from = 0;
        recovery.is_stale = false;
        recovery.counters.whole += 1;
        self.watch.is_silent = false;
        self.swap_rooms();
        out.push(&self.notice(EventKind::StreamWhole, self.next - 1, now));
    }

    /// What is to be asked at `now`, if anything.
    pub(super) fn poll_request(&mut self, id: u64, now: Nanos) -> Option<RecoveryRequest> {
        let wanted = self.wanted(now);
        let recovery = self.recovery.as_mut()?;
        if !matches!(recovery.ask, Ask::Due(at) if at <= now) {
            return None;
        }
        let first = match wanted {
            Wanted::Messages { first, .. } => u64::from(first),
            Wanted::Snapshot => 0,
        };
        match wanted {
            Wanted::Messages { .. } => recovery.counters.ranges_asked += 1,
            Wanted::Snapshot => recovery.counters.snapshots_asked += 1,
        }
        recovery.counters.retries += u64::from(recovery.refusals + recovery.failures > 0);
        let deadline = now.plus(recovery.policy.answer_ns);
        recovery.ask = Ask::Pending(Pending { id, wanted, expected: first, deadline });
        self.update_timers();
        Some(RecoveryRequest { id, stream: self.id, wanted })
    }

    /// The first overdue gap, with the overdue ones near it; or a snapshot.
    fn wanted(&self, now: Nanos) -> Wanted {
        let Some(recovery) = &self.recovery else { return Wanted::Snapshot };
        let Some(front) = self.open_gaps.front().filter(|_| recovery.phase == Phase::Recovering)
        else {
            return Wanted::Snapshot;
        };
        let mut last = front.last;
        for gap in self.open_gaps.iter().skip(1) {
            let is_near = gap.last - last <= u64::from(recovery.policy.coalesce_max);
            if !is_near || !gap.is_due(self.wait_ns, now) {
                break;
            }
            last = gap.last;
        }
        let last = last.min(self.next + u64::from(recovery.policy.range_max) - 1);
        Wanted::Messages { first: self.next as u32, last: last as u32 }
    }

    /// Takes a piece of an answer. `false` when the request is not waited for (any more).
    pub(super) fn on_reply<F: FnMut(&Event)>(
        &mut self,
        id: u64,
        reply: RecoveryReply<'_>,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) -> bool {
        let Some(Ask::Pending(pending)) = self.recovery.as_ref().map(|recovery| recovery.ask)
        else {
            return false;
        };
        if pending.id != id {
            return false;
        }
        let taken = match (pending.wanted, reply) {
            (Wanted::Messages { last, .. }, RecoveryReply::Message(bytes)) => {
                self.on_recovered(&pending, u64::from(last), bytes, now, out)
            }
            (Wanted::Snapshot, RecoveryReply::SnapshotHeader(header)) => {
                self.on_snapshot(header, now, out)
            }
            (Wanted::Snapshot, RecoveryReply::SnapshotOrder(order)) => {
                self.on_snapshot_order(order, now, out)
            }
            (_, RecoveryReply::Failed(reason)) => Err(reason),
            // The last piece ended the request already, so this is before it.
            (_, RecoveryReply::Done) => Err(RecoveryFailure::Truncated),
            _ => Err(RecoveryFailure::Unexpected),
        };
        if let Err(reason) = taken {
            self.fail(reason, now, out);
        }
        self.update_timers();
        self.recovery.as_ref().is_some_and(
            |recovery| matches!(recovery.ask, Ask::Pending(pending) if pending.id == id),
        )
    }

    /// A request failed: it is asked again, or something else is, or the gap is given up.
    #[cold]
    pub(super) fn fail<F: FnMut(&Event)>(
        &mut self,
        reason: RecoveryFailure,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        let Some(recovery) = &mut self.recovery else { return };
        recovery.counters.failures[reason as usize] += 1;
        recovery.ask = Ask::Nothing;
        let policy = recovery.policy;
        match recovery.phase {
            Phase::Live => {}
            Phase::GivenUp => recovery.ask = Ask::Due(now.plus(policy.pace_ns)),
            Phase::Recovering => {
                let (tries, bound) = match reason {
                    RecoveryFailure::Refused => (&mut recovery.refusals, policy.refusals_max),
                    _ => (&mut recovery.failures, policy.failures_max),
                };
                *tries += 1;
                let tries = *tries;
                if tries <= bound {
                    recovery.ask = Ask::Due(now.plus(recovery.backoff(tries)));
                } else if policy.snapshots {
                    recovery.phase = Phase::Seeking;
                    (recovery.refusals, recovery.failures) = (0, 0);
                    recovery.ask = Ask::Due(now);
                } else {
                    self.surrender(self.highest + 1, now, out);
                }
            }
            Phase::Seeking | Phase::Joining | Phase::Loading { .. } => {
                if matches!(recovery.phase, Phase::Loading { .. }) {
                    recovery.phase = Phase::Joining; // half an image is none
                }
                recovery.failures += 1;
                let pause = match reason {
                    RecoveryFailure::SnapshotTooOld => policy.refresh_ns,
                    _ => recovery.backoff(recovery.failures),
                };
                if recovery.failures < policy.snapshots_max {
                    recovery.ask = Ask::Due(now.plus(pause));
                } else {
                    self.surrender(self.highest + 1, now, out);
                }
            }
        }
    }

    /// One message of the range asked for.
    fn on_recovered<F: FnMut(&Event)>(
        &mut self,
        pending: &Pending,
        last: u64,
        bytes: &[u8],
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) -> Result<(), RecoveryFailure> {
        let event = self.recovered_event(bytes, now)?;
        let sequence = u64::from(event.sequence);
        if sequence != pending.expected {
            return Err(RecoveryFailure::WrongSequence);
        }
        if event.kind_code != 0 && self.is_of_other_run(sequence, event.exchange_time) {
            return Err(RecoveryFailure::OtherRun);
        }
        let is_copy = sequence < self.next || self.is_held(sequence);
        let Some(recovery) = &mut self.recovery else { return Ok(()) };
        recovery.counters.messages += 1;
        if sequence == last {
            recovery.complete(now);
        } else {
            recovery.ask = Ask::Pending(Pending { expected: sequence + 1, ..*pending });
        }
        if is_copy {
            recovery.counters.redundant += 1;
        } else {
            recovery.note_newest(&event);
            if sequence == 1 && event.kind_code != 0 {
                self.first_time = Some(event.exchange_time);
            }
            self.gaps.recovered += 1;
            self.next = sequence + 1;
            self.give_out(&event, out);
            self.release(out);
            self.close_gaps();
        }
        self.settle(now, out);
        Ok(())
    }

    /// A recovered message as an event of this stream; a number alone has kind 0.
    fn recovered_event(&self, bytes: &[u8], now: Nanos) -> Result<Event, RecoveryFailure> {
        let garbage = |_: DecodeError| RecoveryFailure::Garbage;
        let segment = self.id.segment().ok_or(RecoveryFailure::WrongStream)?;
        let (message, length) = decode(bytes).map_err(garbage)?;
        if length != bytes.len() {
            return Err(RecoveryFailure::Garbage);
        }
        if matches!(message, Message::Heartbeat(_) | Message::Reply(_)) {
            return Err(RecoveryFailure::Unexpected);
        }
        let header = message.header();
        if u16::from(header.stream_number().map_err(garbage)?) != self.id.number() {
            return Err(RecoveryFailure::WrongStream);
        }
        let context = PacketContext { segment, line: Line::A, receive_time: now };
        let event = message.to_event(&context).map_err(garbage)?;
        let mut event = event.unwrap_or(Event {
            stream: self.id,
            sequence: header.seq_no.get(),
            receive_time: now,
            ..Event::zeroed()
        });
        event.flags |= MarketFlags::RECOVERED;
        Ok(event)
    }

    /// The snapshot's header: the books are emptied, the orders follow.
    ///
    /// Until the last one is here the number due is the last that the snapshot covers, so that no
    /// message can overtake the image.
    fn on_snapshot<F: FnMut(&Event)>(
        &mut self,
        header: &SnapshotHeader,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) -> Result<(), RecoveryFailure> {
        let orders = header.checked_order_count().map_err(|_| RecoveryFailure::SnapshotMismatch)?;
        if i32::from(header.stream_id.get()) != i32::from(self.id.number()) {
            return Err(RecoveryFailure::WrongStream);
        }
        let last = header.last_seq_no.get();
        let covered = u64::from(last);
        let Some(recovery) = &mut self.recovery else { return Ok(()) };
        match recovery.phase {
            Phase::Loading { .. } => return Err(RecoveryFailure::Unexpected),
            Phase::Seeking if covered < self.next => return Err(RecoveryFailure::SnapshotTooOld),
            _ => {}
        }
        // Images are made now and then, behind the lines: one that is ahead is of another run.
        if covered > self.highest || (covered == 0 && orders > 0) {
            return Err(RecoveryFailure::SnapshotImplausible);
        }
        let was_flowing = recovery.phase == Phase::GivenUp;
        recovery.phase = Phase::Loading { last, orders_left: orders };
        if was_flowing {
            recovery.counters.stale += 1;
            self.swap_rooms();
        }
        out.push(&self.notice(EventKind::SnapshotStart, covered, now));
        if orders == 0 {
            self.finish_snapshot(covered, now, out);
        } else {
            self.rebase(covered, now);
        }
        Ok(())
    }

    fn on_snapshot_order<F: FnMut(&Event)>(
        &mut self,
        order: &SnapshotOrder,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) -> Result<(), RecoveryFailure> {
        let run_before_ended = self.run_before_ended;
        let segment = self.id.segment().ok_or(RecoveryFailure::WrongStream)?;
        let Some(recovery) = &mut self.recovery else { return Ok(()) };
        let Phase::Loading { last, orders_left } = &mut recovery.phase else {
            return Err(RecoveryFailure::Unexpected);
        };
        let mut event =
            order.to_event(self.id, segment, *last, now).map_err(|_| RecoveryFailure::Garbage)?;
        if event.exchange_time <= run_before_ended {
            return Err(RecoveryFailure::OtherRun);
        }
        event.flags |= MarketFlags::SNAPSHOT;
        out.push(&event);
        recovery.image_time = recovery.image_time.max(event.exchange_time);
        recovery.counters.snapshot_orders += 1;
        *orders_left -= 1;
        if *orders_left == 0 {
            let covered = u64::from(*last);
            self.finish_snapshot(covered, now, out);
        }
        Ok(())
    }

    /// The image is complete: what it covers is done with, what follows is due.
    fn finish_snapshot<F: FnMut(&Event)>(
        &mut self,
        covered: u64,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        self.rebase(covered + 1, now);
        let Some(recovery) = &mut self.recovery else { return };
        recovery.phase = Phase::Recovering;
        recovery.counters.snapshots += 1;
        recovery.complete(now);
        self.release(out);
        self.close_gaps();
        self.settle(now, out);
    }

    /// Makes `target`, known to have been sent or next to it, the number due: a snapshot covers all
    /// before it, and nothing from it on.
    fn rebase(&mut self, target: u64, now: Nanos) {
        if target < self.next {
            return self.rewind(target, now);
        }
        let held = match self.held {
            0 => 0,
            _ => (self.window_start()..target).filter(|&number| self.is_held(number)).count(),
        } as u64;
        self.gaps.covered += target - self.next - held;
        self.held -= held;
        if let Some(recovery) = &mut self.recovery {
            recovery.counters.superseded += held;
        }
        self.next = target;
        self.close_gaps();
    }

    /// Goes back to a number dealt with before; all from it to the number due are missing again.
    fn rewind(&mut self, target: u64, now: Nanos) {
        let next = self.next;
        if let Some(recovery) = &mut self.recovery {
            recovery.counters.rewound += next - target.max(self.origin);
            // What is held begins here; there may be no room for all from the new number on.
            recovery.hold_from = recovery.hold_from.max(next);
        }
        self.origin = self.origin.min(target);
        self.gaps.opened += 1;
        self.gaps.numbers += next - target;
        if self.open_gaps.is_empty() {
            self.open_gaps.push_back(OpenGap { last: next - 1, opened: now, line: Line::A });
        }
        // What was delivered from the ring must not look held.
        for event in &mut self.ring {
            if u64::from(event.sequence) < next {
                *event = Event::zeroed();
            }
        }
        self.lost.rewind();
        self.next = target;
    }

    /// Changes between the small ring and the large one, and takes along what is held.
    fn swap_rooms(&mut self) {
        let Some(recovery) = &mut self.recovery else { return };
        let spare = &mut recovery.spare;
        spare.open_gaps.clear();
        spare.open_gaps.extend(self.open_gaps.drain(..));
        if self.held > 0 {
            let start = self.next.max(recovery.hold_from);
            for number in start..=self.highest {
                let event = self.ring[number as usize & (self.ring.len() - 1)];
                if u64::from(event.sequence) == number {
                    let slot = number as usize & (spare.ring.len() - 1);
                    spare.ring[slot] = event;
                }
            }
        }
        std::mem::swap(&mut self.ring, &mut spare.ring);
        std::mem::swap(&mut self.open_gaps, &mut spare.open_gaps);
    }

    /// An event about the stream itself.
    pub(super) fn notice(&self, kind: EventKind, sequence: u64, now: Nanos) -> Event {
        Event {
            kind_code: kind as u8,
            stream: self.id,
            receive_time: now,
            sequence: sequence as u32,
            ..Event::zeroed()
        }
    }

    /// Whether a recovered message cannot be of this run: servers may be switched before or after
    /// the lines. It is older than the last restart, or than an earlier number, or younger than a
    /// later one.
    fn is_of_other_run(&self, sequence: u64, exchange_time: Nanos) -> bool {
        let is_after_one = self.last_delivered != 0 && sequence > self.last_delivered;
        exchange_time <= self.run_before_ended
            || self.is_restart_sign(sequence, exchange_time)
            || is_after_one && self.last_exchange_time.since(exchange_time) > self.restart_margin_ns
    }

    /// Whether a number brought again is too young to be of the same run: times do not fall along
    /// a stream, so it cannot be younger than a later number. A copy of number 1 has its very time.
    pub(super) fn is_restart_sign(&self, sequence: u64, exchange_time: Nanos) -> bool {
        let delivered = (self.last_delivered, self.last_exchange_time);
        let known = match self.recovery.as_deref().map(|recovery: &Recovery| recovery.newest) {
            Some(newest) if newest.0 > delivered.0 => newest,
            _ => delivered,
        };
        sequence == 1 && self.first_time.is_some_and(|first| exchange_time > first)
            || sequence <= known.0 && exchange_time.since(known.1) > self.restart_margin_ns
    }
}
