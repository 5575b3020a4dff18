//! Sequencing and A/B line arbitration: the packets of two lines in, each message once, in order.
//!
//! Rules, per stream (MTBT 6.7, chapters 2, 10, 11 and 13; the choices are ours and are listed in
//! `docs/wire/nse_mtbt.md`):
//!
//! - Days begin at 1: where we join, seeing another number first, is a [`JoinPolicy`]. The number
//!   due is passed on at once; a copy is dropped; an early one waits in a bounded ring.
//! - A number still missing `wait_ns` after it showed missing, or when the ring is full, is lost:
//!   one [`EventKind::StreamGap`](tezi_model::EventKind) event stands in its place.
//! - With a [`RecoveryPolicy`] it is asked for instead: the stream is held from `StreamStale` to
//!   `StreamWhole`, and lost is only what neither messages nor a snapshot can replace.
//! - A heartbeat ahead of us opens a gap at the tail.
//! - A stream of which nothing is heard for `silence_ns` is stale until it is heard again.
//! - A number below the one due whose exchange time is later than the last delivered means that the
//!   stream restarted at 1: [`EventKind::StreamReset`](tezi_model::EventKind), then 1, 2, …
//!
//! Time is the receive time of the packets and what [`Arbiter::on_timeout`] is told, so the same
//! packets give the same events. Never here: a socket, a clock; [`crate::recovery`] has the client.

pub(crate) mod batch;
mod gaps;
mod hold;
mod join;
mod lead;
mod line;
mod recover;
#[cfg(test)]
mod recover_tests;
mod silence;
#[cfg(test)]
mod silence_tests;
mod stream;
#[cfg(test)]
mod tests;

use bytemuck::Zeroable;
use tezi_model::{Event, Nanos, Segment, StreamId};

use crate::Line;
use crate::named::named_reasons;
use crate::recovery::{RecoveryPolicy, RecoveryReply, RecoveryRequest};
use crate::wire::nse_mtbt::{DecodeError, Message, PacketContext, RECOVERY_MESSAGES_MAX, messages};
use batch::Batch;
use stream::Timers;

pub use gaps::{GapCounters, LostRange};
pub use join::JoinPolicy;
pub use lead::{LeadHistogram, LeadTimes};
pub use line::{LineCounters, StreamLineCounters};
pub use stream::Stream;

/// The bounds of an [`Arbiter`]. All memory is taken at construction: about
/// `streams_max * (reorder_window * 80 + lead_window * 16)` bytes, and `hold_streams * hold_max * 80`
/// for recovery.
#[derive(Clone, Copy, Debug)]
pub struct ArbiterConfig {
    /// The segment whose streams these are.
    pub segment: Segment,
    /// How many numbers an early message may be ahead of the one due. A power of two, 64 or more.
    pub reorder_window: usize,
    /// How long a missing number is waited for, in nanoseconds.
    pub wait_ns: i64,
    /// A number this far or farther ahead is believed only when a second one within a window of it
    /// confirms it. At least the window: the price is one message more lost in a long outage, the
    /// gain is that one corrupt number does not make the messages behind it look late.
    pub jump_max: u32,
    /// How much later than the last message the exchange time of a past number must be to mean a
    /// restart, in nanoseconds. Above the steps of the exchange's clock, some of which are 1 ms, and
    /// below what the new run takes to send as many messages as the old one did: from then on its
    /// numbers are new ones.
    pub restart_margin_ns: i64,
    /// How long neither line may say anything of a stream before it is reported stale, in
    /// nanoseconds; 0 for as long as they like. Above the exchange's heartbeats, which come after "a
    /// few seconds" (MTBT 6.7, chapter 10). Known up to a quarter late.
    pub silence_ns: i64,
    /// Streams there is room for, 1 to 256. The first ones seen get it.
    pub streams_max: usize,
    /// Numbers whose first arrival is remembered, for the other line's copy to measure its delay.
    /// A power of two, 64 or more.
    pub lead_window: usize,
    /// Lost ranges listed for each stream; later ones are only counted.
    pub lost_ranges_max: usize,
    /// Where a stream begins whose first number seen is not 1.
    pub join: JoinPolicy,
    /// Up to which first number the ones before it count as missing and not as hours old, for a
    /// stream that cannot recover. At most the window.
    pub join_near: u32,
    /// What to do about messages that both lines lost; `None` reports them and goes on.
    pub recovery: Option<RecoveryPolicy>,
}

impl ArbiterConfig {
    /// The usual bounds: 4,096 messages, 200 ms, jumps beyond the window only when confirmed,
    /// restarts from 20 ms on, silence as long as it likes, 32 streams, leads within 4,096 messages, 1,024 listed ranges; the best
    /// join, near up to 64; no recovery.
    #[must_use]
    pub const fn new(segment: Segment) -> Self {
        Self {
            segment,
            reorder_window: 4096,
            wait_ns: 200_000_000,
            jump_max: 4096,
            restart_margin_ns: 20_000_000,
            silence_ns: 0,
            streams_max: 32,
            lead_window: 4096,
            lost_ranges_max: 1024,
            join: JoinPolicy::Best,
            join_near: 64,
            recovery: None,
        }
    }
}

named_reasons! {
    /// Why an [`ArbiterConfig`] cannot be.
    ConfigError {
        /// Not a power of two, or below 64.
        ReorderWindow = 0, "reorder_window", "reorder_window must be a power of two, 64 to 2^24";
        /// Negative.
        Wait = 1, "wait_ns", "wait_ns must not be negative";
        /// Less than the window.
        JumpMax = 2, "jump_max", "jump_max must be at least reorder_window";
        /// Negative.
        RestartMargin = 3, "restart_margin_ns", "restart_margin_ns must not be negative";
        /// None, or more than there are numbers.
        StreamsMax = 4, "streams_max", "streams_max must be 1 to 256";
        /// Not a power of two, below the window, or too many.
        HoldMax = 5, "hold_max", "hold_max must be a power of two, reorder_window to 2^24";
        /// None, or more than the exchange gives.
        RangeMax = 6, "range_max", "range_max must be 1 to 300000";
        /// A time that is negative, or 0 where something is repeated.
        RecoveryTimes = 7, "recovery_times", "the times of the recovery policy must be positive";
        /// A join by recovery or snapshot where there is none.
        Join = 8, "join", "join needs the service it names";
        /// Not a power of two, or below 64.
        LeadWindow = 9, "lead_window", "lead_window must be a power of two, 64 to 2^24";
        /// More than the window holds.
        JoinNear = 10, "join_near", "join_near must be at most reorder_window";
        /// Negative.
        Silence = 11, "silence_ns", "silence_ns must not be negative";
    }
}

/// The feed of one segment on two lines.
///
/// ```
/// use tezi_feed_handler::wire::nse_mtbt::{Trade, encode_trade, message_type};
/// use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
/// use tezi_model::{Nanos, OrderId, Segment};
///
/// let mut arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo))?;
/// let mut sequences = Vec::new();
/// let mut sink = |event: &tezi_model::Event| sequences.push(event.sequence);
/// let now = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
/// for (line, sequence) in [(Line::A, 1), (Line::B, 1), (Line::A, 3), (Line::B, 2)] {
///     let trade = Trade {
///         message_type: message_type::TRADE,
///         time: now,
///         buy_order_id: OrderId(1),
///         sell_order_id: OrderId(2),
///         token: 35001,
///         price: 22_450_00,
///         quantity: 65,
///     };
///     arbiter.on_packet(line, &encode_trade(1, sequence, &trade), now, &mut sink);
/// }
/// arbiter.finish(now, &mut sink);
/// assert_eq!(sequences, [1, 2, 3]);
/// # Ok::<(), tezi_feed_handler::arbitration::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arbiter {
    config: ArbiterConfig,
    /// Position in `streams` by stream number, `NO_STREAM` for none.
    positions: [u16; 256],
    streams: Box<[Stream]>,
    /// How many of `streams` have been given to a number.
    stream_count: usize,
    lines: [LineCounters; 2],
    /// When the first stream has something to do.
    timers: Timers,
    /// When it is to be seen whether a stream is heard; apart, since messages do not change it.
    look_at: Nanos,
    /// The number of the next request.
    request_id: u64,
}

const NO_STREAM: u16 = u16::MAX;

impl Arbiter {
    /// An arbiter that has seen nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field that is out of range.
    pub fn new(config: ArbiterConfig) -> Result<Self, ConfigError> {
        let window = config.reorder_window;
        let is_ring = |length: usize| length.is_power_of_two() && (64..=1 << 24).contains(&length);
        if !is_ring(window) {
            return Err(ConfigError::ReorderWindow);
        }
        if !is_ring(config.lead_window) {
            return Err(ConfigError::LeadWindow);
        }
        if config.join_near as usize > window {
            return Err(ConfigError::JoinNear);
        }
        if config.wait_ns < 0 {
            return Err(ConfigError::Wait);
        }
        if (config.jump_max as usize) < window {
            return Err(ConfigError::JumpMax);
        }
        if config.restart_margin_ns < 0 {
            return Err(ConfigError::RestartMargin);
        }
        if config.silence_ns < 0 {
            return Err(ConfigError::Silence);
        }
        if !(1..=256).contains(&config.streams_max) {
            return Err(ConfigError::StreamsMax);
        }
        if let Some(policy) = &config.recovery {
            check_policy(policy, window)?;
        }
        if !config.join.is_possible(config.recovery.as_ref()) {
            return Err(ConfigError::Join);
        }
        let hold_streams = config.recovery.map_or(0, |policy| policy.hold_streams);
        let streams = 0..config.streams_max;
        Ok(Self {
            config,
            positions: [NO_STREAM; 256],
            streams: streams.map(|index| Stream::new(&config, index < hold_streams)).collect(),
            stream_count: 0,
            lines: [LineCounters::NONE; 2],
            timers: Timers::NONE,
            look_at: Nanos::MAX,
            request_id: 1,
        })
    }

    /// Takes one datagram and gives out what it completes, in order.
    ///
    /// Gaps whose wait is over at `receive_time` are given up first, as by
    /// [`Arbiter::on_timeout`]. A bad message is counted by its reason and its number stays
    /// missing, so the other line may still bring it; the good ones around it are kept.
    /// [`MarketFlags::MORE_IN_PACKET`](tezi_model::MarketFlags) is set on all events of one call
    /// but the last (those of the timeout count apart).
    #[inline]
    pub fn on_packet(
        &mut self,
        line: Line,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        if self.timers.deadline <= receive_time {
            self.on_timeout(receive_time, sink);
        }
        let counters = &mut self.lines[line.index()];
        counters.packets += 1;
        counters.bytes += datagram.len() as u64;
        let context = PacketContext { segment: self.config.segment, line, receive_time };
        let mut out = Batch::new(sink);
        let mut datagram = messages(datagram);
        while let Some(message) = datagram.next() {
            let event = match message {
                Ok(Message::Order(order)) => order.to_event(&context),
                Ok(Message::Trade(trade)) => trade.to_event(&context),
                Ok(other) => {
                    self.on_other(&context, other, &mut out);
                    continue;
                }
                Err(error) => Err(error),
            };
            match event {
                Ok(event) => self.on_event(line, &event, datagram.is_at_end(), &mut out),
                Err(error) => self.count_error(line, error),
            }
        }
        out.finish();
    }

    /// Ends the waits that are over at `now`: gaps are given up, or recovered where that is
    /// configured, and what waited behind them is given out.
    pub fn on_timeout(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        let mut out = Batch::new(sink);
        for stream in &mut self.streams[..self.stream_count] {
            if stream.timers().deadline.min(stream.look_at()) <= now {
                stream.on_timeout(now, &mut out);
            }
        }
        out.finish();
        self.set_timers();
    }

    /// Gives up every gap: at the end of a capture nothing more can come. `now` is the receive time
    /// of the gap events.
    pub fn finish(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        let mut out = Batch::new(sink);
        for stream in &mut self.streams[..self.stream_count] {
            stream.finish(now, &mut out);
        }
        out.finish();
        self.set_timers();
    }

    /// What to ask the exchange for at `now`; `None` when there is nothing (more).
    ///
    /// Each request is to be answered by [`Arbiter::on_recovery`], with
    /// [`RecoveryReply::Failed`] if need be. Without an answer it is taken for lost after
    /// [`RecoveryPolicy::answer_ns`], so time spent queued counts.
    #[inline]
    pub fn poll_recovery(&mut self, now: Nanos) -> Option<RecoveryRequest> {
        if self.timers.poll_at > now { None } else { self.poll_streams(now) }
    }

    /// Takes a piece of an answer and gives out what it completes, in order.
    ///
    /// Recovered messages carry [`MarketFlags::RECOVERED`](tezi_model::MarketFlags) and snapshot
    /// orders [`MarketFlags::SNAPSHOT`](tezi_model::MarketFlags). Returns whether more of the
    /// answer is wanted: `false` after the last piece, after one that cannot be true, and for a
    /// request that the lines made needless; its connection can be closed.
    pub fn on_recovery(
        &mut self,
        request: &RecoveryRequest,
        reply: RecoveryReply<'_>,
        now: Nanos,
        sink: &mut impl FnMut(&Event),
    ) -> bool {
        let position = self.position(request.stream);
        let Some(stream) = self.streams.get_mut(position) else { return false };
        let mut out = Batch::new(sink);
        let wants_more = stream.on_reply(request.id, reply, now, &mut out);
        out.finish();
        self.set_timers();
        wants_more
    }

    /// When [`Arbiter::on_timeout`] or [`Arbiter::poll_recovery`] next has something to do; `None`
    /// when nothing is waited for.
    #[inline]
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        let next = self.timers.deadline.min(self.timers.poll_at).min(self.look_at);
        (next != Nanos::MAX).then_some(next)
    }

    /// Whether something is missing that may still come, or is asked for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.timers.deadline.min(self.timers.poll_at) != Nanos::MAX
    }

    /// What came on a line.
    #[must_use]
    pub const fn line(&self, line: Line) -> &LineCounters {
        &self.lines[line.index()]
    }

    /// The streams seen, in the order in which they were.
    #[must_use]
    pub fn streams(&self) -> &[Stream] {
        &self.streams[..self.stream_count]
    }

    /// The stream of a number, if it was seen.
    #[must_use]
    pub fn stream(&self, number: u8) -> Option<&Stream> {
        self.streams().get(usize::from(self.positions[usize::from(number)]))
    }

    /// Which line was first, and by how much, over all streams.
    #[must_use]
    pub fn lead_times(&self) -> LeadTimes {
        let mut times = LeadTimes::NONE;
        self.streams().iter().for_each(|stream| times.add(stream.lead_times()));
        times
    }

    /// Whether every stream keeps its invariants and the counters add up. For tests; slow.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let adds_up = Line::BOTH.iter().all(|&line| {
            let counters = self.line(line);
            let placed: u64 = self.streams().iter().map(|one| one.line(line).messages()).sum();
            placed <= counters.messages && counters.messages <= placed + counters.streams_refused
        });
        adds_up && self.streams().iter().all(Stream::is_consistent)
    }

    #[inline]
    fn on_event<F: FnMut(&Event)>(
        &mut self,
        line: Line,
        event: &Event,
        is_last: bool,
        out: &mut Batch<'_, F>,
    ) {
        self.lines[line.index()].messages += 1;
        let Some(stream) = self.stream_mut(event.stream) else {
            self.lines[line.index()].streams_refused += 1;
            return;
        };
        let timers = stream.timers();
        stream.on_message(line, event, is_last, out);
        if timers != stream.timers() {
            self.set_timers();
        }
    }

    /// Heartbeats and records of old in-band masters: a number at most, never an event. Replies of
    /// the TCP services do not belong here.
    #[cold]
    fn on_other<F: FnMut(&Event)>(
        &mut self,
        context: &PacketContext,
        message: Message<'_>,
        out: &mut Batch<'_, F>,
    ) {
        let line = context.line;
        if matches!(message, Message::Reply(_)) {
            return self.count_error(line, DecodeError::UnexpectedReply);
        }
        let header = message.header();
        let id = match header.stream_number() {
            Ok(number) => StreamId::new(context.segment, number.into()),
            Err(error) => return self.count_error(line, error),
        };
        let sequence = header.seq_no.get();
        let counters = &mut self.lines[line.index()];
        match message {
            Message::Heartbeat(_) => counters.heartbeats += 1,
            _ if sequence == 0 => {
                counters.unsequenced += 1;
                return;
            }
            _ => counters.messages += 1,
        }
        let Some(stream) = self.stream_mut(id) else {
            self.lines[line.index()].streams_refused += 1;
            return;
        };
        let now = context.receive_time;
        if let Message::Heartbeat(heartbeat) = message {
            stream.on_heartbeat(line, heartbeat.last_seq_no.get(), now, out);
        } else {
            let number = Event { stream: id, sequence, receive_time: now, ..Event::zeroed() };
            stream.on_number(line, &number, out);
        }
        self.set_timers();
    }

    #[cold]
    fn poll_streams(&mut self, now: Nanos) -> Option<RecoveryRequest> {
        let id = self.request_id;
        let streams = &mut self.streams[..self.stream_count];
        let request = streams.iter_mut().find_map(|stream| stream.poll_request(id, now));
        self.request_id += u64::from(request.is_some());
        self.set_timers();
        request
    }

    /// Where a stream's state is; beyond all of them for one not seen.
    #[inline]
    fn position(&self, id: StreamId) -> usize {
        self.positions.get(usize::from(id.number())).map_or(NO_STREAM, |&position| position).into()
    }

    #[inline]
    fn stream_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        let position = self.position(id);
        if position < self.stream_count {
            return self.streams.get_mut(position);
        }
        self.claim_stream(id)
    }

    /// Gives the next free stream to a number seen for the first time.
    #[cold]
    fn claim_stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        let stream = self.streams.get_mut(self.stream_count)?;
        stream.set_id(id);
        self.look_at = self.look_at.min(stream.look_at());
        *self.positions.get_mut(usize::from(id.number()))? = self.stream_count as u16;
        self.stream_count += 1;
        Some(stream)
    }

    #[cold]
    fn set_timers(&mut self) {
        self.timers = self.streams().iter().fold(Timers::NONE, |first, stream| Timers {
            deadline: first.deadline.min(stream.timers().deadline),
            poll_at: first.poll_at.min(stream.timers().poll_at),
        });
        self.look_at = self.streams().iter().map(Stream::look_at).min().unwrap_or(Nanos::MAX);
    }

    #[cold]
    fn count_error(&mut self, line: Line, error: DecodeError) {
        self.lines[line.index()].errors[error as usize] += 1;
    }
}

fn check_policy(policy: &RecoveryPolicy, window: usize) -> Result<(), ConfigError> {
    if !policy.hold_max.is_power_of_two() || !(window..=1 << 24).contains(&policy.hold_max) {
        return Err(ConfigError::HoldMax);
    }
    if !(1..=RECOVERY_MESSAGES_MAX).contains(&policy.range_max) {
        return Err(ConfigError::RangeMax);
    }
    let times = [policy.retry_ns, policy.answer_ns, policy.refresh_ns, policy.pace_ns];
    if times.iter().any(|&time| time <= 0) || policy.retry_ns_max < policy.retry_ns {
        return Err(ConfigError::RecoveryTimes);
    }
    Ok(())
}
