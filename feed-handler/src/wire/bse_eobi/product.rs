//! One product: its numbers, what is missing of them, and the way back by snapshot.
//!
//! A product is *live* when its books hold every message up to `due`. When one is lost, or when we
//! join in the middle of the day, it is *recovering*: its messages are kept until a snapshot that
//! reaches them has been read, and follow it. It is *in doubt* when a datagram is lost for good
//! and nothing has shown yet whose it was; the product's next message or heartbeat does.
//!
//! What the books are told: `StreamGap` or `StreamStale` when trust ends, `SnapshotStart` and new
//! orders for each attempt, `StreamWhole` when they are right again. In between no incremental
//! event is given out.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, Nanos, OrderId, StreamId, Token};

use super::sequencer::SequencerConfig;
use crate::arbitration::batch::Batch;

/// What a product went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductCounters {
    /// Messages of the incremental channel taken in order.
    pub messages: u64,
    /// Messages dropped because a snapshot or an earlier copy holds them.
    pub covered: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Ranges of numbers that were lost.
    pub gaps: u64,
    /// Numbers in them.
    pub lost: u64,
    /// Times the product was in doubt because a datagram of the channel was lost.
    pub doubts: u64,
    /// Mass deletes, each of which empties the book of one instrument.
    pub mass_deletes: u64,
    /// Times the numbers fell without a restart of the channel.
    pub restarts: u64,
    /// Snapshots begun.
    pub snapshots_started: u64,
    /// Snapshots that ended in a whole book.
    pub snapshots_used: u64,
    /// Snapshots given up: a datagram was lost, counts did not fit, or messages since are missing.
    pub snapshots_broken: u64,
    /// Kept messages dropped because there was no room: an older snapshot cannot be used.
    pub kept_dropped: u64,
}

/// What is known of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductStatus {
    /// The exchange's number.
    pub market_segment_id: i32,
    /// The stream that stands for it in events.
    pub stream: StreamId,
    /// Whether its books are right: nothing is missing and nothing in doubt.
    pub is_whole: bool,
    /// The last number that was taken; 0 when none was.
    pub last_sequence: u32,
    /// The first number that was seen, or that the first snapshot made due; 0 before any.
    pub joined_at: u32,
    /// What it went through.
    pub counters: ProductCounters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is known of it, or nothing since a restart.
    Unjoined,
    Live,
    Recovering,
}

/// A snapshot being read.
#[derive(Clone, Copy, Debug)]
struct Image {
    /// The last number it contains.
    last: u32,
    /// The instrument whose orders come; `None` when the model has no token for it.
    token: Option<Token>,
    orders_left: u32,
}

/// When something came, for the events that stand for no message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// The number of the datagram on its channel.
    pub(super) number: u64,
    pub(super) receive_time: Nanos,
}

/// # Invariants
///
/// - Messages from `kept_from` to before `due` are in `kept`, but for those without an event.
/// - `kept` is empty unless the product is recovering.
/// - `told_stale` is what the books were last told; a live product in doubt has told it.
#[derive(Clone, Debug)]
pub(super) struct Product {
    market_segment_id: i32,
    stream: StreamId,
    phase: Phase,
    in_doubt: bool,
    told_stale: bool,
    /// The next number of the incremental channel.
    due: u32,
    /// The last number of the snapshot in use: copies up to it may still come.
    covered: u32,
    /// The first number of the present run.
    joined_at: u32,
    /// Ranges lost, first and last; room for a fixed number of them.
    lost: Vec<(u32, u32)>,
    lost_max: usize,
    kept: VecDeque<Event>,
    kept_max: usize,
    kept_from: u32,
    image: Option<Image>,
    /// The last datagram of the incremental channel that proved that nothing was missing.
    proven_at: u64,
    counters: ProductCounters,
}

impl Product {
    pub(super) fn new(config: &SequencerConfig) -> Self {
        let (kept_max, lost_max) = (config.kept_max, config.lost_ranges_max);
        Self {
            market_segment_id: 0,
            stream: StreamId(0),
            phase: Phase::Unjoined,
            in_doubt: false,
            told_stale: false,
            due: 1,
            covered: 0,
            joined_at: 0,
            lost: Vec::with_capacity(lost_max),
            lost_max,
            kept: VecDeque::with_capacity(kept_max),
            kept_max,
            kept_from: 1,
            image: None,
            proven_at: 0,
            counters: ProductCounters::default(),
        }
    }

    pub(super) const fn set_id(&mut self, market_segment_id: i32, stream: StreamId) {
        self.market_segment_id = market_segment_id;
        self.stream = stream;
    }

    pub(super) const fn id(&self) -> i32 {
        self.market_segment_id
    }

    pub(super) const fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) const fn status(&self) -> ProductStatus {
        ProductStatus {
            market_segment_id: self.market_segment_id,
            stream: self.stream,
            is_whole: matches!(self.phase, Phase::Live) && !self.in_doubt,
            last_sequence: self.due - 1,
            joined_at: self.joined_at,
            counters: self.counters,
        }
    }

    /// Ranges lost, first and last.
    pub(super) fn lost_ranges(&self) -> &[(u32, u32)] {
        &self.lost
    }

    /// Whether a datagram that begins with `sequence` continues the product's numbers, so that
    /// nothing of this product is missing before it.
    pub(super) fn continues_at(&self, sequence: u32) -> bool {
        self.phase != Phase::Unjoined && sequence == self.due
    }

    /// Whether snapshots are of use to it.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.phase != Phase::Live || self.in_doubt || self.image.is_some()
    }

    /// A message of the incremental channel: its number, and its event if it has one.
    #[inline]
    pub(super) fn on_message<F: FnMut(&Event)>(
        &mut self,
        sequence: u32,
        event: Option<&Event>,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        let is_plain = self.phase == Phase::Live && !self.in_doubt && sequence == self.due;
        if !is_plain && !self.admits(sequence, stamp, out) {
            return;
        }
        self.counters.messages += 1;
        self.due += 1;
        self.proven_at = stamp.number;
        let Some(event) = event else { return };
        if self.phase == Phase::Live {
            out.push(event);
        } else {
            self.keep(event);
        }
    }

    /// Brings `due` to `sequence`, with all that it means. False when the message is to be dropped.
    fn admits<F: FnMut(&Event)>(
        &mut self,
        sequence: u32,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) -> bool {
        if self.phase == Phase::Unjoined {
            self.join(sequence, stamp, out);
        } else if sequence < self.due {
            if sequence <= self.covered || stamp.number < self.proven_at {
                self.counters.covered += 1;
                return false;
            }
            self.restart_at(sequence, stamp, out);
        } else if self.due < sequence {
            self.lose_up_to(sequence - 1, stamp, out);
        }
        self.settle_doubt(stamp, out);
        true
    }

    /// The incremental channel names the product's last number.
    pub(super) fn on_heartbeat<F: FnMut(&Event)>(
        &mut self,
        last: u32,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        self.counters.heartbeats += 1;
        if stamp.number < self.proven_at {
            return; // a later datagram was given out ahead of it
        }
        let next = last.saturating_add(1);
        if self.phase == Phase::Unjoined {
            self.join(next, stamp, out);
        } else if next < self.due {
            if last < self.covered {
                return;
            }
            self.restart_at(next, stamp, out);
        } else if self.due < next {
            self.lose_up_to(last, stamp, out);
        }
        self.proven_at = stamp.number;
        self.settle_doubt(stamp, out);
    }

    /// All orders of an instrument are gone: a message like any other, and counted.
    pub(super) fn on_mass_delete<F: FnMut(&Event)>(
        &mut self,
        sequence: u32,
        event: &Event,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        let before = self.counters.messages;
        self.on_message(sequence, Some(event), stamp, out);
        self.counters.mass_deletes += self.counters.messages - before;
    }

    /// Datagrams up to `lost_last` of the incremental channel are lost, and may have been ours.
    pub(super) fn on_channel_loss<F: FnMut(&Event)>(
        &mut self,
        lost_last: u64,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        if self.phase == Phase::Unjoined || lost_last < self.proven_at {
            return;
        }
        self.counters.doubts += u64::from(!self.in_doubt);
        self.in_doubt = true;
        self.tell_stale(self.due, stamp, out);
    }

    /// The channel began again.
    pub(super) fn on_channel_restart<F: FnMut(&Event)>(
        &mut self,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        out.push(&self.feed_event(EventKind::StreamReset, 0, stamp));
        self.told_stale = false;
        self.tell_stale(1, stamp, out);
        self.phase = Phase::Unjoined;
        self.in_doubt = false;
        self.due = 1;
        self.covered = 0;
        self.proven_at = 0;
        self.kept.clear();
        self.kept_from = 1;
        self.image = None;
    }

    /// A snapshot of the product begins; it contains the messages up to `last`.
    pub(super) fn on_product_summary<F: FnMut(&Event)>(
        &mut self,
        last: u32,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        self.break_image();
        let next = last.saturating_add(1);
        match self.phase {
            // What came between the snapshot and our first datagram is not known either.
            Phase::Unjoined => {
                self.tell_stale(1, stamp, out);
                self.in_doubt = true;
                self.due = next;
                self.joined_at = next;
                self.covered = last;
                self.recover_from(next);
            }
            // Without doubt, a snapshot ahead of us only means that it overtook its messages.
            Phase::Live if !self.in_doubt || next <= self.due => return,
            Phase::Live => {
                self.lose_up_to(last, stamp, out);
                self.covered = last;
            }
            Phase::Recovering => {}
        }
        if next < self.kept_from {
            return; // messages between it and those kept are missing
        }
        self.counters.snapshots_started += 1;
        self.image = Some(Image { last, token: None, orders_left: 0 });
        self.told_stale = true;
        out.push(&self.feed_event(EventKind::SnapshotStart, last, stamp));
    }

    /// An instrument of the snapshot begins.
    pub(super) fn on_instrument_summary(&mut self, token: Option<Token>, order_count: u32) {
        let Some(image) = &mut self.image else { return };
        if image.orders_left == 0 {
            image.token = token;
            image.orders_left = order_count;
        } else {
            self.break_image();
        }
    }

    /// Counts an order of the snapshot: which instrument it is of, and the last number contained.
    /// `None` when the order is of no use.
    pub(super) fn on_snapshot_order(&mut self) -> Option<(Token, u32)> {
        let image = self.image.as_mut()?;
        if image.orders_left == 0 {
            self.break_image();
            return None;
        }
        image.orders_left -= 1;
        Some((image.token?, image.last))
    }

    /// The snapshot is at its end: the kept messages follow it.
    pub(super) fn on_snapshot_end<F: FnMut(&Event)>(
        &mut self,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        let Some(image) = self.image else { return };
        let next = image.last.saturating_add(1);
        if image.orders_left != 0 || next < self.kept_from {
            return self.break_image();
        }
        self.image = None;
        self.counters.snapshots_used += 1;
        for event in self.kept.iter().filter(|event| image.last < event.sequence) {
            out.push(event);
        }
        self.kept.clear();
        self.phase = Phase::Live;
        self.covered = image.last;
        self.due = self.due.max(next);
        self.kept_from = self.due;
        // The snapshot may be older than the loss: only the incremental channel ends a doubt.
        if !self.in_doubt {
            self.tell_whole(stamp, out);
        }
    }

    /// A datagram of the snapshot channel is lost, or a count does not fit.
    pub(super) fn break_image(&mut self) {
        self.counters.snapshots_broken += u64::from(self.image.take().is_some());
    }

    /// Whether the invariants hold. For tests.
    pub(super) fn is_consistent(&self) -> bool {
        let kept_in_range =
            self.kept.iter().all(|e| self.kept_from <= e.sequence && e.sequence < self.due);
        let kept_in_order = self.kept.iter().is_sorted_by_key(|event| event.sequence);
        let doubt_told = self.told_stale || !self.in_doubt;
        let live = self.kept.is_empty() && (self.in_doubt || !self.told_stale);
        kept_in_range
            && kept_in_order
            && doubt_told
            && self.kept.len() <= self.kept_max
            && (self.phase != Phase::Live || live)
            && (self.phase != Phase::Recovering || self.told_stale)
    }

    /// The first number of all: 1 means that nothing was missed.
    fn join<F: FnMut(&Event)>(&mut self, sequence: u32, stamp: Stamp, out: &mut Batch<'_, F>) {
        self.due = sequence;
        self.joined_at = sequence;
        if sequence == 1 {
            self.phase = Phase::Live;
            self.kept_from = 1;
            self.tell_whole(stamp, out);
        } else {
            self.tell_stale(1, stamp, out);
            self.recover_from(sequence);
        }
    }

    /// The numbers from `due` to `last` are lost.
    fn lose_up_to<F: FnMut(&Event)>(&mut self, last: u32, stamp: Stamp, out: &mut Batch<'_, F>) {
        assert!(self.due <= last, "a loss has at least one number");
        self.counters.gaps += 1;
        self.counters.lost += u64::from(last - self.due) + 1;
        if self.lost.len() < self.lost_max {
            self.lost.push((self.due, last));
        }
        let gap = self.feed_event(EventKind::StreamGap, self.due, stamp);
        out.push(&Event { order_id: OrderId(u64::from(last)), ..gap });
        self.told_stale = true;
        self.due = last.saturating_add(1);
        self.recover_from(self.due);
    }

    /// The numbers fell and nothing explains it: the product began again.
    #[cold]
    fn restart_at<F: FnMut(&Event)>(
        &mut self,
        sequence: u32,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        self.counters.restarts += 1;
        self.tell_stale(sequence, stamp, out);
        self.due = sequence;
        self.covered = 0;
        self.recover_from(sequence);
        self.break_image();
    }

    /// Only a snapshot that reaches `first` helps from now on.
    fn recover_from(&mut self, first: u32) {
        self.phase = Phase::Recovering;
        self.kept.clear();
        self.kept_from = first;
        if self.image.is_some_and(|image| image.last.saturating_add(1) < first) {
            self.break_image();
        }
    }

    fn keep(&mut self, event: &Event) {
        if self.kept.len() == self.kept_max {
            self.counters.kept_dropped += 1;
            match self.kept.pop_front() {
                Some(oldest) => self.kept_from = oldest.sequence + 1,
                None => {
                    self.kept_from = self.due;
                    return;
                }
            }
        }
        self.kept.push_back(*event);
    }

    /// A number showed that nothing is missing up to `due`.
    fn settle_doubt<F: FnMut(&Event)>(&mut self, stamp: Stamp, out: &mut Batch<'_, F>) {
        if self.in_doubt {
            self.in_doubt = false;
            if self.phase == Phase::Live {
                self.tell_whole(stamp, out);
            }
        }
    }

    fn tell_stale<F: FnMut(&Event)>(&mut self, first: u32, stamp: Stamp, out: &mut Batch<'_, F>) {
        if !self.told_stale {
            self.told_stale = true;
            out.push(&self.feed_event(EventKind::StreamStale, first, stamp));
        }
    }

    fn tell_whole<F: FnMut(&Event)>(&mut self, stamp: Stamp, out: &mut Batch<'_, F>) {
        if self.told_stale {
            self.told_stale = false;
            out.push(&self.feed_event(EventKind::StreamWhole, self.due - 1, stamp));
        }
    }

    fn feed_event(&self, kind: EventKind, sequence: u32, stamp: Stamp) -> Event {
        Event {
            kind_code: kind as u8,
            stream: self.stream,
            sequence,
            receive_time: stamp.receive_time,
            ..Event::zeroed()
        }
    }
}
