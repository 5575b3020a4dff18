//! One stream: messages of two lines in, one sequence out.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, Nanos, OrderId, StreamId};

use super::ArbiterConfig;
use super::batch::Batch;
use super::gaps::{GapCounters, LostRange, LostRanges, OpenGap};
use super::line::{Mark, SeenNumbers, StreamLineCounters};
use crate::Line;

/// The state of one stream.
///
/// # Invariants
///
/// - Every number below `next` was delivered or declared lost (or precedes the join).
/// - `next <= highest + 1`; the numbers of `next..=highest` are held or missing, and `next` itself
///   is not held.
/// - `highest - next < window`, so every held number has a ring slot of its own.
/// - `open_gaps` is in ascending order and covers exactly the missing numbers, and held ones that
///   filled it.
#[derive(Clone, Debug)]
pub struct Stream {
    id: StreamId,
    /// The number due next; 0 before the join.
    next: u64,
    /// The highest number known to have been sent.
    highest: u64,
    /// The last message delivered, 0 for none since the join.
    last_delivered: u64,
    /// The exchange's time of it.
    last_exchange_time: Nanos,
    /// The exchange's time of the last message before the last restart: what is no younger belongs
    /// to that run.
    run_before_ended: Nanos,
    /// Messages in the ring.
    held: u64,
    /// Early messages, at `sequence % window`.
    ring: Box<[Event]>,
    open_gaps: VecDeque<OpenGap>,
    /// The last implausible number, 0 for none: a second one near it confirms it.
    suspect: u64,
    /// The number that `next` began at.
    joined_at: u64,
    /// Numbers known to have been sent before the last restart.
    known_before: u64,
    lines: [StreamLineCounters; 2],
    seen: [SeenNumbers; 2],
    gaps: GapCounters,
    lost: LostRanges,
    jump_max: u64,
    restart_margin_ns: i64,
}

impl Stream {
    pub(super) fn new(config: &ArbiterConfig) -> Self {
        let window = config.reorder_window;
        Self {
            id: StreamId::default(),
            next: 0,
            highest: 0,
            last_delivered: 0,
            last_exchange_time: Nanos::ZERO,
            run_before_ended: Nanos(i64::MIN),
            held: 0,
            ring: vec![Event::zeroed(); window].into(),
            // Each open gap holds a missing number within the window; one more while it is made.
            open_gaps: VecDeque::with_capacity(window + 1),
            suspect: 0,
            joined_at: 0,
            known_before: 0,
            lines: [StreamLineCounters::default(); 2],
            seen: [SeenNumbers::new(window), SeenNumbers::new(window)],
            gaps: GapCounters::default(),
            lost: LostRanges::new(config.lost_ranges_max),
            jump_max: u64::from(config.jump_max),
            restart_margin_ns: config.restart_margin_ns,
        }
    }

    pub(super) const fn set_id(&mut self, id: StreamId) {
        self.id = id;
    }

    /// The stream.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// What became of a line's messages.
    #[must_use]
    pub const fn line(&self, line: Line) -> &StreamLineCounters {
        &self.lines[line.index()]
    }

    /// Numbers known to have been sent since the join that `line` has not brought, not even late.
    /// A line that lags counts what it still owes.
    #[must_use]
    pub const fn missing(&self, line: Line) -> u64 {
        self.known() - self.seen[line.index()].distinct()
    }

    /// Numbers known to have been sent since the join, over all restarts.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.known_before + self.known_now()
    }

    /// Messages delivered in order.
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        self.lines[0].first + self.lines[1].first - self.held
    }

    /// Messages held back because an earlier one is missing.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// How gaps opened and ended.
    #[must_use]
    pub const fn gaps(&self) -> &GapCounters {
        &self.gaps
    }

    /// The ranges given up, in order; adjacent ones are one. At most
    /// [`ArbiterConfig::lost_ranges_max`].
    #[must_use]
    pub fn lost_ranges(&self) -> &[LostRange] {
        self.lost.listed()
    }

    /// Ranges given up after the list was full. Their numbers are in [`GapCounters::lost`]; a late
    /// message of one counts as redundant, not as late.
    #[must_use]
    pub const fn lost_ranges_unlisted(&self) -> u64 {
        self.lost.unlisted()
    }

    /// The first number delivered since the last restart; 0 before any.
    #[must_use]
    pub const fn joined_at(&self) -> u32 {
        self.joined_at as u32
    }

    /// How often the stream began again at 1.
    #[must_use]
    pub const fn restart_count(&self) -> u32 {
        self.lost.restart_count()
    }

    /// When the first open gap showed.
    pub(super) fn gap_opened(&self) -> Option<Nanos> {
        self.open_gaps.front().map(|gap| gap.opened)
    }

    /// Takes a message. `is_last` says that nothing follows it in its packet.
    ///
    /// The common case is decided here: the number due, and nothing missing.
    #[inline]
    pub(super) fn on_message<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        event: &Event,
        is_last: bool,
        out: &mut Batch<'_, F>,
    ) {
        let sequence = u64::from(event.sequence);
        if event.exchange_time <= self.run_before_ended {
            self.lines[line.index()].before_join += 1;
        } else if sequence == self.next && self.highest < sequence {
            self.next = sequence + 1;
            self.highest = sequence;
            self.last_delivered = sequence;
            self.last_exchange_time = event.exchange_time;
            self.seen[line.index()].mark(sequence);
            self.lines[line.index()].first += 1;
            if is_last {
                out.push_last(event);
            } else {
                out.push(event);
            }
        } else if sequence < self.next {
            self.on_past(line, event, out);
        } else {
            self.on_ahead(line, event, out);
        }
    }

    /// Takes a number without a message of the market: a record of an old in-band master.
    pub(super) fn on_number<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        number: &Event,
        out: &mut Batch<'_, F>,
    ) {
        if u64::from(number.sequence) < self.next {
            self.on_past(line, number, out);
        } else {
            self.on_ahead(line, number, out);
        }
    }

    /// Takes a heartbeat: `last` was sent, so what is due up to it is missing. Before the join it
    /// says where to join: everything up to `last` is past.
    pub(super) fn on_heartbeat<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        last: u32,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        let last = u64::from(last);
        if self.next == 0 {
            self.join(last + 1);
        }
        if last <= self.highest || !self.is_plausible(last) {
            return;
        }
        self.open_gap(last, line, now);
        self.highest = last;
        self.make_room(last + 1, now, out);
        self.close_gaps();
    }

    /// Gives up the gaps whose wait is over at `until`, from the first one on. `now` is the receive
    /// time of the gap events.
    pub(super) fn on_timeout<F: FnMut(&Event)>(
        &mut self,
        until: Nanos,
        now: Nanos,
        wait_ns: i64,
        out: &mut Batch<'_, F>,
    ) {
        let expired = self.open_gaps.iter().take_while(|gap| gap.opened.plus(wait_ns) <= until);
        if let Some(gap) = expired.last() {
            self.advance(gap.last + 1, now, out);
            self.close_gaps();
        }
    }

    /// A number below the one due: a copy, a late one, or the sign of a restart.
    fn on_past<F: FnMut(&Event)>(&mut self, line: Line, event: &Event, out: &mut Batch<'_, F>) {
        let sequence = u64::from(event.sequence);
        // Times do not fall along a stream. A lost number above the last delivered may be younger.
        if sequence <= self.last_delivered
            && event.exchange_time.since(self.last_exchange_time) > self.restart_margin_ns
        {
            if sequence == 1 || self.confirms(sequence) {
                self.restart(event.receive_time, out);
                self.on_ahead(line, event, out);
            } else {
                self.lines[line.index()].implausible += 1;
            }
            return;
        }
        if sequence < self.joined_at {
            self.lines[line.index()].before_join += 1;
            if self.last_delivered == 0 && event.kind_code != 0 {
                // Joined by a heartbeat: until something is delivered, this tells the time.
                self.last_delivered = self.joined_at - 1;
                self.last_exchange_time = event.exchange_time;
            }
            return;
        }
        let counters = &mut self.lines[line.index()];
        let mark = self.seen[line.index()].mark(sequence);
        if self.lost.contains(sequence) {
            counters.late += 1;
        } else {
            Self::count_copy(counters, mark);
        }
    }

    /// The number due or a later one.
    fn on_ahead<F: FnMut(&Event)>(&mut self, line: Line, event: &Event, out: &mut Batch<'_, F>) {
        let sequence = u64::from(event.sequence);
        if self.next == 0 {
            self.join(sequence);
        }
        if !self.is_plausible(sequence) {
            self.lines[line.index()].implausible += 1;
            return;
        }
        let mark = self.seen[line.index()].mark(sequence);
        if self.is_held(sequence) {
            Self::count_copy(&mut self.lines[line.index()], mark);
            return;
        }
        self.lines[line.index()].first += 1;
        if sequence <= self.highest {
            self.count_filled(sequence, line);
        } else {
            if sequence > self.highest + 1 {
                self.open_gap(sequence - 1, line, event.receive_time);
            }
            self.highest = sequence;
            self.make_room(sequence, event.receive_time, out);
        }
        self.held += 1;
        let slot = self.slot(sequence);
        self.ring[slot] = *event;
        self.release(out);
        self.close_gaps();
    }

    const fn count_copy(counters: &mut StreamLineCounters, mark: Mark) {
        match mark {
            Mark::New => counters.redundant += 1,
            Mark::Again => counters.duplicates += 1,
        }
    }

    /// Begins at `first`, the first number seen. What was sent before is not known.
    fn join(&mut self, first: u64) {
        self.next = first;
        self.highest = first - 1;
        self.joined_at = first;
        self.last_delivered = 0;
        self.seen.iter_mut().for_each(|seen| seen.restart(first));
    }

    /// Whether a number is near enough to the one due, or confirms an earlier far one. One corrupt
    /// number must not make the day's messages look late.
    fn is_plausible(&mut self, sequence: u64) -> bool {
        sequence - self.next < self.jump_max || self.confirms(sequence)
    }

    /// Whether the last suspect number is within a window of this one, which becomes the suspect.
    const fn confirms(&mut self, sequence: u64) -> bool {
        let confirmed =
            self.suspect != 0 && self.suspect.abs_diff(sequence) < self.ring.len() as u64;
        self.suspect = if confirmed { 0 } else { sequence };
        confirmed
    }

    /// The stream begins again at 1. What was held is delivered, what was missing is lost.
    #[cold]
    fn restart<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        self.advance(self.highest + 1, now, out);
        self.close_gaps();
        out.push(&Event {
            kind_code: EventKind::StreamReset as u8,
            stream: self.id,
            receive_time: now,
            sequence: 1,
            ..Event::zeroed()
        });
        self.known_before += self.known_now();
        self.run_before_ended = self.last_exchange_time;
        self.lost.restart();
        self.ring.fill(Event::zeroed()); // old numbers would look held when they come again
        self.join(1);
    }

    const fn known_now(&self) -> u64 {
        if self.next == 0 { 0 } else { self.highest + 1 - self.joined_at }
    }

    /// Opens a gap from the highest known number to `last`.
    fn open_gap(&mut self, last: u64, line: Line, opened: Nanos) {
        self.gaps.opened += 1;
        self.gaps.numbers += last - self.highest;
        self.open_gaps.push_back(OpenGap { last, opened, line });
    }

    fn count_filled(&mut self, sequence: u64, line: Line) {
        let index = self.open_gaps.partition_point(|gap| gap.last < sequence);
        match self.open_gaps.get(index) {
            Some(gap) if gap.line == line => self.gaps.filled_same_line += 1,
            _ => self.gaps.filled_other_line += 1,
        }
    }

    fn close_gaps(&mut self) {
        while self.open_gaps.front().is_some_and(|gap| gap.last < self.next) {
            self.open_gaps.pop_front();
        }
    }

    /// Gives up missing numbers until `sequence` lies within the window. A run of missing numbers
    /// is given up whole, so that it is reported once.
    fn make_room<F: FnMut(&Event)>(&mut self, sequence: u64, now: Nanos, out: &mut Batch<'_, F>) {
        let window = self.ring.len() as u64;
        if sequence - self.next < window {
            return;
        }
        let window_end = self.next + window; // nothing is held from here on
        let mut target = sequence + 1 - window;
        while target < window_end && target < sequence && !self.is_held(target) {
            target += 1;
        }
        self.advance(if target < window_end { target } else { sequence }, now, out);
    }

    /// Moves `next` to `target` or beyond: delivers what is held, reports the rest as lost.
    fn advance<F: FnMut(&Event)>(&mut self, target: u64, now: Nanos, out: &mut Batch<'_, F>) {
        while self.next < target {
            let first = self.next;
            while self.next < target && !self.is_held(self.next) {
                // With nothing held the rest is one run, however long.
                self.next = if self.held == 0 { target } else { self.next + 1 };
            }
            self.report_lost(first, self.next - 1, now, out);
            self.release(out);
        }
    }

    fn report_lost<F: FnMut(&Event)>(
        &mut self,
        first: u64,
        last: u64,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        self.gaps.lost += last + 1 - first;
        self.lost.push(first as u32, last as u32);
        out.push(&Event {
            kind_code: EventKind::StreamGap as u8,
            stream: self.id,
            receive_time: now,
            sequence: first as u32,
            order_id: OrderId(last),
            ..Event::zeroed()
        });
    }

    /// Delivers what is held from `next` on, up to the next missing number.
    fn release<F: FnMut(&Event)>(&mut self, out: &mut Batch<'_, F>) {
        while self.held > 0 && self.is_held(self.next) {
            let event = &self.ring[self.slot(self.next)];
            if event.kind_code != 0 {
                self.last_delivered = self.next;
                self.last_exchange_time = event.exchange_time;
                out.push(event);
            }
            self.held -= 1;
            self.next += 1;
        }
    }

    /// Whether `sequence`, `next` or later, is in the ring.
    #[inline]
    fn is_held(&self, sequence: u64) -> bool {
        u64::from(self.ring[self.slot(sequence)].sequence) == sequence
    }

    #[inline]
    const fn slot(&self, sequence: u64) -> usize {
        sequence as usize & (self.ring.len() - 1)
    }

    /// Checks the invariants by brute force. For tests; O(window).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let window = self.ring.len() as u64;
        if self.next == 0 {
            return self.held == 0 && self.open_gaps.is_empty();
        }
        let held = (self.next..=self.highest).filter(|&sequence| self.is_held(sequence)).count();
        let missing = self.highest + 1 - self.next - self.held;
        let first_due_is_missing = self.next > self.highest || !self.is_held(self.next);
        let gaps = &self.gaps;
        let ascending = self.open_gaps.iter().is_sorted_by(|a, b| a.last < b.last);
        self.next <= self.highest + 1
            && self.highest + 1 - self.next <= window
            && held as u64 == self.held
            && first_due_is_missing
            && ascending
            && self.open_gaps.is_empty() == (missing == 0)
            && gaps.numbers == gaps.filled_same_line + gaps.filled_other_line + gaps.lost + missing
            && self.known() == self.delivered() + self.held + gaps.lost + missing
            && self.seen.iter().all(|seen| seen.distinct() <= self.known())
    }
}
