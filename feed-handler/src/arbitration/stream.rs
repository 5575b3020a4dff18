//! One stream: messages of two lines in, one sequence out.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, Nanos, OrderId, StreamId};

use super::ArbiterConfig;
use super::batch::Batch;
use super::gaps::{GapCounters, LostRange, LostRanges, OpenGap};
use super::hold::{Ask, Phase, Recovery, Room};
use super::join::JoinPolicy;
use super::lead::{FirstArrivals, LeadTimes};
use super::line::{Mark, SeenNumbers, StreamLineCounters};
use super::silence::Watch;
use crate::Line;
use crate::recovery::{RecoveryCounters, RecoveryFailure};

/// The state of one stream.
///
/// # Invariants
///
/// - Every number below `next` was delivered, declared lost or covered by a snapshot (or precedes
///   the join).
/// - `next <= highest + 1`; the numbers of `next..=highest` are held or missing, and `next` itself
///   is not held, unless a snapshot is being read.
/// - `highest - window_start() < window`, so every held number has a ring slot of its own.
/// - `open_gaps` is in ascending order and covers exactly the missing numbers, and held ones that
///   filled it.
#[derive(Clone, Debug)]
pub struct Stream {
    pub(super) id: StreamId,
    /// The number due next; 0 before the join.
    pub(super) next: u64,
    /// The highest number known to have been sent.
    pub(super) highest: u64,
    /// The last message delivered, 0 for none since the join.
    pub(super) last_delivered: u64,
    /// The exchange's time of it.
    pub(super) last_exchange_time: Nanos,
    /// The exchange's time of the last message before the last restart: what is no younger belongs
    /// to that run.
    pub(super) run_before_ended: Nanos,
    /// Messages in the ring.
    pub(super) held: u64,
    /// Early messages, at `sequence % window`.
    pub(super) ring: Box<[Event]>,
    pub(super) open_gaps: VecDeque<OpenGap>,
    /// The last implausible number, 0 for none: a second one near it confirms it.
    suspect: u64,
    /// The number that `next` began at.
    pub(super) joined_at: u64,
    /// The number from which all is accounted for: `joined_at`, or below it when a snapshot made
    /// earlier ones due.
    pub(super) origin: u64,
    /// The exchange's time of number 1 of this run, where a line or recovery brought it.
    pub(super) first_time: Option<Nanos>,
    /// Numbers known to have been sent before the last restart.
    known_before: u64,
    /// Numbers from `origin` to the join, of the runs before the last restart.
    known_below_join_before: u64,
    lines: [StreamLineCounters; 2],
    seen: [SeenNumbers; 2],
    arrivals: FirstArrivals,
    pub(super) gaps: GapCounters,
    pub(super) lost: LostRanges,
    pub(super) jump_max: u64,
    pub(super) restart_margin_ns: i64,
    pub(super) wait_ns: i64,
    pub(super) join_policy: JoinPolicy,
    pub(super) join_near: u64,
    pub(super) recovery: Option<Box<Recovery>>,
    pub(super) watch: Watch,
    timers: Timers,
}

/// When a stream next has something to do; [`Nanos::MAX`] for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timers {
    /// A wait is over.
    pub(super) deadline: Nanos,
    /// Something is to be asked.
    pub(super) poll_at: Nanos,
}

impl Timers {
    pub(super) const NONE: Self = Self { deadline: Nanos::MAX, poll_at: Nanos::MAX };
}

impl Stream {
    /// A stream that has seen nothing; `can_hold` gives it what the configured recovery needs.
    pub(super) fn new(config: &ArbiterConfig, can_hold: bool) -> Self {
        let window = config.reorder_window;
        let Room { ring, open_gaps } = Room::new(window);
        let policy = config.recovery.as_ref().filter(|_| can_hold);
        Self {
            id: StreamId::default(),
            next: 0,
            highest: 0,
            last_delivered: 0,
            last_exchange_time: Nanos::ZERO,
            run_before_ended: Nanos(i64::MIN),
            first_time: None,
            held: 0,
            ring,
            open_gaps,
            suspect: 0,
            joined_at: 0,
            origin: 0,
            known_before: 0,
            known_below_join_before: 0,
            lines: [StreamLineCounters::default(); 2],
            seen: [SeenNumbers::new(window), SeenNumbers::new(window)],
            arrivals: FirstArrivals::new(config.lead_window),
            gaps: GapCounters::default(),
            lost: LostRanges::new(config.lost_ranges_max),
            jump_max: u64::from(config.jump_max),
            restart_margin_ns: config.restart_margin_ns,
            wait_ns: config.wait_ns,
            join_near: u64::from(config.join_near),
            join_policy: config.join.resolved(config.recovery.as_ref()),
            recovery: policy.map(|policy| Box::new(Recovery::new(policy, window))),
            watch: Watch::new(config.silence_ns),
            timers: Timers::NONE,
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

    /// Messages that the lines brought of it, in whatever state.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.lines[0].messages() + self.lines[1].messages()
    }

    /// How often neither line said anything of it for longer than [`ArbiterConfig::silence_ns`].
    #[must_use]
    pub const fn silences(&self) -> u64 {
        self.watch.silences
    }

    /// Messages delivered in order, recovered ones included.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        let from_lines = self.lines[0].first + self.lines[1].first - self.held;
        from_lines - self.recovery().superseded + self.gaps.recovered
    }

    /// What recovery did; nothing when none is configured.
    #[must_use]
    pub fn recovery(&self) -> RecoveryCounters {
        self.recovery.as_ref().map_or_else(RecoveryCounters::default, |one| one.counters)
    }

    /// Whether the last word on the stream was that messages are missing: with recovery from
    /// `StreamStale` or `StreamGap` to `StreamWhole`, without it from the first `StreamGap` to the
    /// next restart, which empties the books. Or that nothing was heard for too long.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.watch.is_silent
            || self.recovery.as_ref().map_or(self.lost.is_any(), |recovery| recovery.is_stale)
    }

    /// The number before the one due: everything up to it was given out or is lost. 0 before the
    /// join.
    #[must_use]
    pub const fn last_given(&self) -> u32 {
        self.next.saturating_sub(1) as u32
    }

    /// The exchange's time that everything of the present run is younger than.
    #[must_use]
    pub const fn run_before_ended(&self) -> Nanos {
        self.run_before_ended
    }

    /// Messages held back because an earlier one is missing.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// Which line was first, and by how much.
    #[must_use]
    pub const fn lead_times(&self) -> &LeadTimes {
        &self.arrivals.times
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

    /// When it next has something to do.
    #[inline]
    pub(super) const fn timers(&self) -> Timers {
        self.timers
    }

    /// Follows a change of the gaps or of what is asked.
    pub(super) fn update_timers(&mut self) {
        let gap = self.open_gaps.front().map_or(Nanos::MAX, |gap| gap.opened.plus(self.wait_ns));
        self.timers = Timers { deadline: gap, poll_at: Nanos::MAX };
        let Some(recovery) = &self.recovery else { return };
        if recovery.is_holding() {
            self.timers.deadline = Nanos::MAX;
        }
        match recovery.ask {
            Ask::Nothing => {}
            Ask::Due(at) => self.timers.poll_at = at,
            Ask::Pending(pending) => {
                self.timers.deadline = self.timers.deadline.min(pending.deadline);
            }
        }
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
            self.arrivals.note(line, sequence, event.receive_time);
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
    /// says where to join, and [`JoinPolicy`] whether everything up to `last` is past.
    pub(super) fn on_heartbeat<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        last: u32,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        let last = u64::from(last);
        self.watch.heartbeats += 1;
        if self.next == 0 {
            self.begin(last + 1, line, now, out);
        }
        if last > self.highest && self.is_plausible(last) {
            self.open_gap(last, line, now);
            self.highest = last;
            self.make_room(last + 1, now, out);
            self.close_gaps();
        }
        self.update_timers();
    }

    /// Ends the waits that are over at `now`: a gap is given up, or the stream is held and the gap
    /// recovered.
    pub(super) fn on_timeout<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        if self.look_at() <= now {
            self.look(now, out);
        }
        if let Some(Ask::Pending(pending)) = self.recovery.as_ref().map(|one| one.ask)
            && pending.deadline <= now
        {
            self.fail(RecoveryFailure::Unanswered, now, out);
        }
        let overdue = self.open_gaps.iter().take_while(|gap| gap.is_due(self.wait_ns, now));
        if let Some(last) = overdue.last().map(|gap| gap.last) {
            match self.recovery.as_ref().map(|recovery| recovery.phase) {
                None | Some(Phase::GivenUp) => {
                    self.advance(last + 1, now, out);
                    self.close_gaps();
                }
                Some(Phase::Live) => self.go_stale(Phase::Recovering, now, out),
                Some(_) => {}
            }
        }
        self.update_timers();
    }

    /// Gives up all that is missing: nothing more comes.
    pub(super) fn finish<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        if self.recovery.is_none() {
            self.advance(self.highest + 1, now, out);
            self.close_gaps();
        } else if !self.open_gaps.is_empty()
            || self.recovery.as_ref().is_some_and(|one| one.is_holding())
        {
            self.surrender(self.highest + 1, now, out);
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.cancel();
        }
        self.update_timers();
    }

    /// A number below the one due: a copy, a late one, or the sign of a restart.
    fn on_past<F: FnMut(&Event)>(&mut self, line: Line, event: &Event, out: &mut Batch<'_, F>) {
        let sequence = u64::from(event.sequence);
        // Times do not fall along a stream. A lost number above the last delivered may be younger.
        if self.is_restart_sign(sequence, event.exchange_time) {
            return self.on_restart_sign(line, event, out);
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.note_newest(event);
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
        let mark = self.seen[line.index()].mark(sequence);
        if self.lost.contains(sequence) {
            self.lines[line.index()].late += 1;
        } else {
            self.count_copy(line, event, mark);
        }
    }

    /// A number that cannot be of this run. 1 is believed, another one when a second confirms it.
    #[cold]
    fn on_restart_sign<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        event: &Event,
        out: &mut Batch<'_, F>,
    ) {
        if event.sequence == 1 || self.confirms(u64::from(event.sequence)) {
            self.restart(event.receive_time, out);
            self.on_ahead(line, event, out);
        } else {
            self.lines[line.index()].implausible += 1;
        }
    }

    /// The number due or a later one.
    fn on_ahead<F: FnMut(&Event)>(&mut self, line: Line, event: &Event, out: &mut Batch<'_, F>) {
        let sequence = u64::from(event.sequence);
        if self.next == 0 {
            self.begin(sequence, line, event.receive_time, out);
        }
        if self.recovery.is_some() && self.refuse_ahead(line, event, out) {
            return self.update_timers();
        }
        if !self.is_plausible(sequence) {
            self.lines[line.index()].implausible += 1;
            return;
        }
        let mark = self.seen[line.index()].mark(sequence);
        if self.is_held(sequence) {
            self.count_copy(line, event, mark);
            return;
        }
        if sequence < self.hold_from() {
            self.lines[line.index()].late += 1; // recovery brings it: it has no room
            return;
        }
        if sequence == 1 {
            self.first_time = (event.kind_code != 0).then_some(event.exchange_time);
        }
        self.lines[line.index()].first += 1;
        self.arrivals.note(line, sequence, event.receive_time);
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
        if let Some(recovery) = &mut self.recovery {
            recovery.note_newest(event);
            self.settle(event.receive_time, out);
        }
        self.update_timers();
    }

    /// What a stream that may be held for long must look at first: a restart that brings the
    /// numbers still waited for, and numbers that a snapshot covers anyway. Whether it took the
    /// message.
    fn refuse_ahead<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        event: &Event,
        out: &mut Batch<'_, F>,
    ) -> bool {
        let sequence = u64::from(event.sequence);
        let has_time = event.kind_code != 0;
        if has_time && self.is_restart_sign(sequence, event.exchange_time) {
            self.on_restart_sign(line, event, out);
            return true;
        }
        if sequence >= self.joined_at {
            return false;
        }
        self.lines[line.index()].before_join += 1;
        if let Some(recovery) = &mut self.recovery {
            recovery.note_newest(event);
        }
        true
    }

    #[inline]
    fn count_copy(&mut self, line: Line, event: &Event, mark: Mark) {
        let counters = &mut self.lines[line.index()];
        match mark {
            Mark::New => {
                counters.redundant += 1;
                self.arrivals.measure(line, u64::from(event.sequence), event.receive_time);
            }
            Mark::Again => counters.duplicates += 1,
        }
    }

    /// Begins at `first`. What was sent before is not known.
    pub(super) fn join(&mut self, first: u64) {
        self.next = first;
        self.highest = first - 1;
        self.origin = first;
        self.last_delivered = 0;
        self.start_lines_at(first);
    }

    /// What the lines owe counts from `first` on.
    pub(super) fn start_lines_at(&mut self, first: u64) {
        self.joined_at = first;
        self.seen.iter_mut().for_each(|seen| seen.restart(first));
    }

    /// The length of the small ring, whichever is in use.
    pub(super) fn reorder_window(&self) -> u64 {
        self.recovery.as_ref().map_or(self.window(), |recovery| recovery.window)
    }

    /// The length of the ring in use.
    pub(super) const fn window(&self) -> u64 {
        self.ring.len() as u64
    }

    /// Nothing below is held, because it has no room beside what is.
    fn hold_from(&self) -> u64 {
        self.recovery.as_ref().map_or(0, |recovery| recovery.hold_from)
    }

    /// The first number that may be held.
    pub(super) fn window_start(&self) -> u64 {
        self.next.max(self.hold_from())
    }

    /// Whether a number is near enough to the one due, or confirms an earlier far one. One corrupt
    /// number must not make the day's messages look late.
    fn is_plausible(&mut self, sequence: u64) -> bool {
        // While the stream is held the number due stands still: the highest tells what is near.
        let is_holding = self.recovery.as_ref().is_some_and(|one| one.is_holding());
        let near = if is_holding { self.highest } else { self.next };
        sequence.saturating_sub(near) < self.jump_max || self.confirms(sequence)
    }

    /// Whether the last suspect number is within a window of this one, which becomes the suspect.
    fn confirms(&mut self, sequence: u64) -> bool {
        let confirmed =
            self.suspect != 0 && self.suspect.abs_diff(sequence) < self.reorder_window();
        self.suspect = if confirmed { 0 } else { sequence };
        confirmed
    }

    /// The stream begins again at 1. What was held is delivered, what was missing is lost.
    #[cold]
    fn restart<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        let known = self.recovery.as_ref().map(|one| one.newest.1.max(one.image_time));
        if self.recovery.as_ref().is_some_and(|one| one.is_holding()) {
            self.surrender(self.highest + 1, now, out);
        } else {
            self.advance(self.highest + 1, now, out);
            self.close_gaps();
        }
        out.push(&self.notice(EventKind::StreamReset, 1, now));
        self.known_before += self.known_now();
        self.known_below_join_before += self.joined_at - self.origin;
        self.run_before_ended = self.last_exchange_time.max(known.unwrap_or(Nanos::ZERO));
        self.first_time = None;
        self.lost.restart();
        self.ring.fill(Event::zeroed()); // old numbers would look held when they come again
        self.arrivals.restart();
        self.join(1);
        self.watch.is_silent = false;
        self.reset_recovery(now, out);
    }

    const fn known_now(&self) -> u64 {
        if self.next == 0 { 0 } else { self.highest + 1 - self.joined_at }
    }

    /// Opens a gap from the highest known number to `last`.
    pub(super) fn open_gap(&mut self, last: u64, line: Line, opened: Nanos) {
        self.gaps.opened += 1;
        self.gaps.numbers += last - self.highest;
        let is_full = self.open_gaps.len() == self.ring.len() + 1;
        match self.open_gaps.back_mut().filter(|_| is_full) {
            Some(before) => before.last = last, // only while held, when nobody waits for it
            None => self.open_gaps.push_back(OpenGap { last, opened, line }),
        }
    }

    fn count_filled(&mut self, sequence: u64, line: Line) {
        let index = self.open_gaps.partition_point(|gap| gap.last < sequence);
        match self.open_gaps.get(index) {
            Some(gap) if gap.line == line => self.gaps.filled_same_line += 1,
            _ => self.gaps.filled_other_line += 1,
        }
    }

    pub(super) fn close_gaps(&mut self) {
        while self.open_gaps.front().is_some_and(|gap| gap.last < self.next) {
            self.open_gaps.pop_front();
        }
    }

    /// Gives up missing numbers until `sequence` lies within the window. A run of missing numbers
    /// is given up whole, so that it is reported once.
    fn make_room<F: FnMut(&Event)>(&mut self, sequence: u64, now: Nanos, out: &mut Batch<'_, F>) {
        let window = self.window();
        if sequence - self.window_start() < window || self.make_hold_room(sequence, now, out) {
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
    pub(super) fn advance<F: FnMut(&Event)>(
        &mut self,
        target: u64,
        now: Nanos,
        out: &mut Batch<'_, F>,
    ) {
        while self.next < target {
            let first = self.next;
            while self.next < target && !self.is_held(self.next) {
                // With nothing held the rest is one run, however long.
                let step = (self.next + 1).max(self.hold_from());
                self.next = if self.held == 0 { target } else { step.min(target) };
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
        self.watch.is_silent = false; // stale for more than that
        if let Some(recovery) = &mut self.recovery {
            recovery.is_stale = true;
        }
        let gap = self.notice(EventKind::StreamGap, first, now);
        out.push(&Event { order_id: OrderId(last), ..gap });
    }

    /// Delivers what is held from `next` on, up to the next missing number.
    pub(super) fn release<F: FnMut(&Event)>(&mut self, out: &mut Batch<'_, F>) {
        if self.recovery.as_ref().is_some_and(|recovery| recovery.is_blocked()) {
            return;
        }
        while self.held > 0 && self.is_held(self.next) {
            let event = self.ring[self.slot(self.next)];
            self.held -= 1;
            self.next += 1;
            self.give_out(&event, out);
        }
    }

    /// Delivers the message before the number due; a number alone says nothing.
    pub(super) fn give_out<F: FnMut(&Event)>(&mut self, event: &Event, out: &mut Batch<'_, F>) {
        if event.kind_code != 0 {
            if u64::from(event.sequence) > self.last_delivered {
                self.last_delivered = u64::from(event.sequence);
                self.last_exchange_time = event.exchange_time;
            }
            out.push(event);
        }
    }

    /// Whether `sequence`, `next` or later, is in the ring.
    #[inline]
    pub(super) fn is_held(&self, sequence: u64) -> bool {
        u64::from(self.ring[self.slot(sequence)].sequence) == sequence
    }

    #[inline]
    const fn slot(&self, sequence: u64) -> usize {
        sequence as usize & (self.ring.len() - 1)
    }

    /// Checks the invariants by brute force. For tests; O(window).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        if self.next == 0 {
            return self.held == 0 && self.open_gaps.is_empty();
        }
        let start = self.window_start();
        let held = (start..=self.highest).filter(|&sequence| self.is_held(sequence)).count();
        let missing = self.highest + 1 - self.next - self.held;
        let is_blocked = self.recovery.as_ref().is_some_and(|recovery| recovery.is_blocked());
        let first_due_is_missing = self.next > self.highest || !self.is_held(self.next);
        let gaps_are_open = self.open_gaps.is_empty() == (missing == 0);
        let ascending = self.open_gaps.iter().is_sorted_by(|a, b| a.last < b.last);
        self.next <= self.highest + 1
            && (self.highest + 1).saturating_sub(start) <= self.window()
            && held as u64 == self.held
            && (is_blocked || first_due_is_missing && gaps_are_open)
            && ascending
            && self.adds_up(missing)
            && self.seen.iter().all(|seen| seen.distinct() <= self.known())
    }

    /// Whether every number is in one count, and every request and recovered message too.
    fn adds_up(&self, missing: u64) -> bool {
        let (gaps, recovery) = (&self.gaps, self.recovery());
        let known = self.known() + self.known_below_join_before + self.joined_at - self.origin;
        let pending = match self.recovery.as_ref().map(|one| one.ask) {
            Some(Ask::Pending(_)) => 1,
            _ => 0,
        };
        let lead = self.lead_times();
        let redundant = self.lines[0].redundant + self.lines[1].redundant;
        gaps.numbers == gaps.ended() + missing
            && redundant == lead.count() + lead.unmeasured()
            && known + recovery.rewound
                == self.delivered()
                    + self.held
                    + gaps.lost
                    + gaps.covered
                    + recovery.superseded
                    + missing
            && recovery.messages == gaps.recovered + recovery.redundant
            && recovery.requests()
                == recovery.completed + recovery.canceled + recovery.failures_total() + pending
    }
}
