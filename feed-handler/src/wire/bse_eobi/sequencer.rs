//! Two lines of two channels in, the events of every product in order out.
//!
//! Rules (the choices are ours and are listed in `docs/wire/bse_eobi.md`):
//!
//! - Datagrams are arbitrated by `ApplSeqNum`: the first copy counts. One that is early is given
//!   out at once when it continues its own product's numbers, since then nothing of that product
//!   can be missing; otherwise it waits.
//! - A datagram missing for `wait_ns` is lost. Every product it may have been of is in doubt.
//! - Messages are sequenced by `MsgSeqNum`, per product. A lost one makes the product stale until
//!   a snapshot and the messages since are in its books.
//! - The reset indicator, or numbers that fall while time rises, restart every product.
//!
//! Time is the receive time of the datagrams and what [`Sequencer::on_timeout`] is told, so the
//! same datagrams give the same events. Never here: a socket, a clock, an allocation after
//! construction.

use tezi_model::{Event, Nanos, Segment, StreamId};

use super::feed::{Feed, transact_time};
use super::product::{Product, ProductStatus, Stamp};
use super::window::{Place, Window};
use super::{DecodeError, packet};
use crate::Line;
use crate::arbitration::batch::Batch;
use crate::named::named_reasons;

/// One of the two feeds of a product. Each has two lines, and counts its datagrams apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Every change as it happens.
    Incremental = 0,
    /// Every order, again and again.
    Snapshot = 1,
}

/// What ends the snapshot of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEnd {
    /// The product's next snapshot begins: certain, and one cycle late.
    NextSummary,
    /// A datagram of the product with `CompletionIndicator` 1, every announced order read. Captures
    /// of the related T7 feed look so; EOBI 1.4 says "unit of work complete" and no more.
    Completion,
}

/// The bounds of a [`Sequencer`]. All memory is asked for at construction, and touched as products
/// need it: at most about
/// `products_max * kept_max * 56 + 2 * window_datagrams * datagram_max` bytes.
#[derive(Clone, Copy, Debug)]
pub struct SequencerConfig {
    /// The segment whose products these are: [`Segment::BseFo`], [`Segment::BseCm`] or
    /// [`Segment::BseCd`].
    pub segment: Segment,
    /// The stream number of the first product seen; the next gets the next one.
    pub stream_first: u16,
    /// Products there is room for, up to 4,096 − `stream_first`. The first ones seen get it.
    pub products_max: usize,
    /// How many datagrams an early one may be ahead of the one due. A power of two, 8 to 65,536.
    pub window_datagrams: usize,
    /// The longest datagram, in bytes: 64 to 65,535.
    pub datagram_max: usize,
    /// How long a missing datagram is waited for, in nanoseconds.
    pub wait_ns: i64,
    /// How much later than all before a datagram with a past number must be to mean a restart, in
    /// nanoseconds.
    pub restart_margin_ns: i64,
    /// Messages kept for each product while it waits for a snapshot.
    pub kept_max: usize,
    /// Lost ranges listed for each product; later ones are only counted.
    pub lost_ranges_max: usize,
    /// What ends a product's snapshot.
    pub snapshot_end: SnapshotEnd,
}

impl SequencerConfig {
    /// The usual bounds: 1,024 products from stream 0, 256 datagrams of 1,500 bytes, 20 ms, restarts
    /// from 1 s on, 4,096 kept messages and 256 listed ranges a product, snapshots ended by the
    /// next one.
    #[must_use]
    pub const fn new(segment: Segment) -> Self {
        Self {
            segment,
            stream_first: 0,
            products_max: 1_024,
            window_datagrams: 256,
            datagram_max: 1500,
            wait_ns: 20_000_000,
            restart_margin_ns: 1_000_000_000,
            kept_max: 4096,
            lost_ranges_max: 256,
            snapshot_end: SnapshotEnd::NextSummary,
        }
    }
}

named_reasons! {
    /// Why a [`SequencerConfig`] cannot be.
    ConfigError {
        /// None, or more than stream numbers are left.
        ProductsMax = 0, "products_max", "products_max must be 1 to 4096 - stream_first";
        /// Not a power of two, or out of range.
        WindowDatagrams = 1, "window_datagrams", "window_datagrams must be a power of two, 8 to 65536";
        /// Too short for a message, or longer than UDP allows.
        DatagramMax = 2, "datagram_max", "datagram_max must be 64 to 65535";
        /// Negative.
        Wait = 3, "wait_ns", "wait_ns must not be negative";
        /// Negative.
        RestartMargin = 4, "restart_margin_ns", "restart_margin_ns must not be negative";
        /// More than a number of messages can be.
        KeptMax = 5, "kept_max", "kept_max must be at most 16777216";
    }
}

/// What came on one line of a channel. Every datagram is in one of `first`, `late`, `implausible`
/// and `errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineCounters {
    /// Datagrams.
    pub datagrams: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The first copy of a datagram, in time.
    pub first: u64,
    /// A copy of one that was there already, or that came after it was given up.
    pub late: u64,
    /// Too far from the number due to be believed on its own.
    pub implausible: u64,
    /// Messages in the datagrams of `first`, heartbeats left out.
    pub messages: u64,
    /// Heartbeats in them.
    pub heartbeats: u64,
    /// Refused, by [`DecodeError`] code. The number stays missing: the other line may bring it.
    pub errors: [u64; DecodeError::COUNT],
}

impl LineCounters {
    const NONE: Self = Self {
        datagrams: 0,
        bytes: 0,
        first: 0,
        late: 0,
        implausible: 0,
        messages: 0,
        heartbeats: 0,
        errors: [0; DecodeError::COUNT],
    };
}

/// What concerns all products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequencerCounters {
    /// Datagrams lost on both lines, by channel.
    pub lost: [u64; 2],
    /// Times a channel restarted, by channel.
    pub restarts: [u64; 2],
    /// Datagrams given out ahead of a missing one, since they continue their product's numbers.
    pub ahead: u64,
    /// Datagrams of products there was no room for.
    pub products_refused: u64,
    /// Messages of instruments the model has no token for (strategies have such numbers).
    pub instruments_refused: u64,
    /// Messages of templates this version does not know.
    pub unknown_templates: u64,
}

/// Both channels of a group of products, each on two lines.
#[derive(Clone, Debug)]
pub struct Sequencer {
    config: SequencerConfig,
    windows: [Window; 2],
    lines: [[LineCounters; 2]; 2],
    feed: Feed,
    /// When the first missing datagram is given up; [`Nanos::MAX`] when none is missing.
    deadline: Nanos,
}

impl Sequencer {
    /// Streams that a segment can have.
    const STREAMS_MAX: usize = StreamId::NUMBER_MAX as usize + 1;

    /// A sequencer that has seen nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field that is out of range.
    pub fn new(config: SequencerConfig) -> Result<Self, ConfigError> {
        if !(1..=Self::STREAMS_MAX.saturating_sub(config.stream_first.into()))
            .contains(&config.products_max)
        {
            return Err(ConfigError::ProductsMax);
        }
        let length = config.window_datagrams;
        if !length.is_power_of_two() || !(8..=1 << 16).contains(&length) {
            return Err(ConfigError::WindowDatagrams);
        }
        if !(64..=65_535).contains(&config.datagram_max) {
            return Err(ConfigError::DatagramMax);
        }
        if config.wait_ns < 0 {
            return Err(ConfigError::Wait);
        }
        if config.restart_margin_ns < 0 {
            return Err(ConfigError::RestartMargin);
        }
        if 1 << 24 < config.kept_max {
            return Err(ConfigError::KeptMax);
        }
        let window = || Window::new(length, config.datagram_max, config.restart_margin_ns);
        Ok(Self {
            config,
            windows: [window(), window()],
            lines: [[LineCounters::NONE; 2]; 2],
            feed: Feed::new(config),
            deadline: Nanos::MAX,
        })
    }

    /// Takes one datagram and gives out what it completes.
    ///
    /// Datagrams whose wait is over at `receive_time` are given up first, as by
    /// [`Sequencer::on_timeout`]. A datagram with a bad message is counted by its reason and not
    /// taken at all; a message of an instrument without a token is left out. All events of one call
    /// but the last have [`MORE_IN_PACKET`](tezi_model::MarketFlags::MORE_IN_PACKET) set (those of
    /// the timeout count apart).
    #[inline]
    pub fn on_packet(
        &mut self,
        channel: Channel,
        line: Line,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        if self.deadline <= receive_time {
            self.on_timeout(receive_time, sink);
        }
        let counters = &mut self.lines[channel as usize][line.index()];
        counters.datagrams += 1;
        counters.bytes += datagram.len() as u64;
        let mut out = Batch::new(sink);
        let taken = self.take(channel, line, datagram, receive_time, &mut out);
        out.finish();
        let counters = &mut self.lines[channel as usize][line.index()];
        match taken {
            Ok(Place::Late) => counters.late += 1,
            Ok(Place::Implausible) => counters.implausible += 1,
            Ok(_) => counters.first += 1,
            Err(error) => counters.errors[error as usize] += 1,
        }
    }

    /// Gives up the datagrams whose wait is over at `now`, and gives out what waited behind them.
    pub fn on_timeout(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        self.give_up(now, now, sink);
    }

    /// Gives up every missing datagram: at the end of a capture nothing more can come. `now` is the
    /// receive time of the events about the feed. A product that is not whole stays so.
    pub fn finish(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        self.give_up(Nanos::MAX, now, sink);
    }

    /// When [`Sequencer::on_timeout`] next has something to do; `None` when nothing is missing.
    #[inline]
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        (self.deadline != Nanos::MAX).then_some(self.deadline)
    }

    /// What came on a line of a channel.
    #[must_use]
    pub const fn line(&self, channel: Channel, line: Line) -> &LineCounters {
        &self.lines[channel as usize][line.index()]
    }

    /// What concerns all products.
    #[must_use]
    pub const fn counters(&self) -> &SequencerCounters {
        &self.feed.counters
    }

    /// The products seen, in the order in which they were.
    pub fn products(&self) -> impl Iterator<Item = ProductStatus> + '_ {
        self.feed.products().map(Product::status)
    }

    /// The ranges of a product's numbers that were lost, first and last, in order; at most
    /// [`SequencerConfig::lost_ranges_max`]. Empty for a product that was not seen.
    #[must_use]
    pub fn lost_ranges(&self, market_segment_id: i32) -> &[(u32, u32)] {
        let product = self.feed.products().find(|product| product.id() == market_segment_id);
        product.map_or(&[], Product::lost_ranges)
    }

    /// Whether every part keeps its invariants and the counters add up. For tests; slow.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let adds_up = self.lines.iter().flatten().all(|line| {
            let refused: u64 = line.errors.iter().sum();
            line.datagrams == line.first + line.late + line.implausible + refused
        });
        adds_up
            && self.windows.iter().all(Window::is_consistent)
            && self.feed.products().all(Product::is_consistent)
    }

    #[inline]
    fn take<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        line: Line,
        datagram: &[u8],
        receive_time: Nanos,
        out: &mut Batch<'_, F>,
    ) -> Result<Place, DecodeError> {
        if self.config.datagram_max < datagram.len() {
            return Err(DecodeError::OversizedDatagram);
        }
        let packet = packet(datagram)?;
        let header = packet.header;
        let (number, time) = (u64::from(header.appl_seq_num.get()), transact_time(header)?);
        let is_reset = header.appl_seq_reset_indicator == 1;
        let window = &mut self.windows[channel as usize];
        let place = window.place(number, time, is_reset);
        if matches!(place, Place::Late | Place::Implausible) {
            return Ok(place);
        }
        let stamp = Stamp { number, receive_time };
        let product = self.feed.read(channel, &packet, line, stamp)?;
        let (read, counters) =
            (self.feed.message_count(), &mut self.lines[channel as usize][line.index()]);
        counters.messages += read.messages;
        counters.heartbeats += read.heartbeats;
        match place {
            Place::Due => {}
            Place::Early => {
                self.on_early(channel, datagram, line, stamp, product, out);
                return Ok(place);
            }
            _ => self.begin(channel, place, is_reset, time, stamp, out),
        }
        let window = &mut self.windows[channel as usize];
        window.note_time(time);
        window.pass_due();
        self.feed.apply(channel, &packet, product, stamp, out);
        if self.windows[channel as usize].has_gap() {
            self.drain(channel, out);
        }
        Ok(place)
    }

    /// The channel begins to count at this datagram: the first of all, far ahead, or a new run.
    #[cold]
    fn begin<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        place: Place,
        is_reset: bool,
        time: Nanos,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        let window = &mut self.windows[channel as usize];
        let due = window.due();
        if is_reset || place == Place::Restart {
            window.restart(stamp.number, time);
        } else {
            window.begin(stamp.number);
        }
        if place == Place::Restart {
            self.feed.counters.restarts[channel as usize] += 1;
            match channel {
                Channel::Incremental => self.feed.on_restart(stamp, out),
                Channel::Snapshot => self.feed.break_images(),
            }
        } else if 0 < due {
            self.feed.on_loss(channel, due, stamp.number, stamp, out);
        }
        self.set_deadline();
    }

    /// Gives an early datagram out when nothing of its product is missing before it, else keeps it.
    #[cold]
    fn on_early<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        line: Line,
        stamp: Stamp,
        product: Option<usize>,
        out: &mut Batch<'_, F>,
    ) {
        let Ok(packet) = packet(datagram) else { return };
        let window = &mut self.windows[channel as usize];
        if channel == Channel::Incremental && self.feed.continues(product) {
            window.take(stamp.number, stamp.receive_time);
            self.feed.counters.ahead += 1;
            self.feed.apply(channel, &packet, product, stamp, out);
            self.take_continuing(out);
        } else {
            window.hold(stamp.number, datagram, line, stamp.receive_time);
        }
        self.set_deadline();
    }

    /// Gives out what lies at the number due and behind it, up to the next missing one.
    #[cold]
    fn drain<F: FnMut(&Event)>(&mut self, channel: Channel, out: &mut Batch<'_, F>) {
        let window = &mut self.windows[channel as usize];
        while let Some(there) = window.at_due() {
            if let Some(held) = there {
                let (line, receive_time) = (held.line, held.receive_time);
                let stamp = Stamp { number: held.number, receive_time };
                if let Ok(packet) = packet(held.bytes) {
                    self.feed.read_and_apply(channel, &packet, line, stamp, out);
                }
            }
            window.clear_due();
        }
        if channel == Channel::Incremental {
            self.take_continuing(out);
        }
        self.set_deadline();
    }

    /// Gives out the held datagrams that continue their product's numbers by now.
    fn take_continuing<F: FnMut(&Event)>(&mut self, out: &mut Batch<'_, F>) {
        let window = &mut self.windows[Channel::Incremental as usize];
        for number in window.early_numbers() {
            let Some(held) = window.held(number) else { continue };
            let Ok(packet) = packet(held.bytes) else { continue };
            let stamp = Stamp { number, receive_time: held.receive_time };
            let read = self.feed.read(Channel::Incremental, &packet, held.line, stamp);
            let Ok(product) = read else { continue };
            if self.feed.continues(product) {
                self.feed.counters.ahead += 1;
                self.feed.apply(Channel::Incremental, &packet, product, stamp, out);
                window.take_held(number);
            }
        }
    }

    #[cold]
    fn give_up(&mut self, until: Nanos, now: Nanos, sink: &mut impl FnMut(&Event)) {
        let mut out = Batch::new(sink);
        for channel in [Channel::Incremental, Channel::Snapshot] {
            while let Some((number, time)) = self.windows[channel as usize].first_early() {
                if until < time.plus(self.config.wait_ns) {
                    break;
                }
                let window = &mut self.windows[channel as usize];
                let due = window.due();
                window.skip_to(number);
                let stamp = Stamp { number, receive_time: now };
                self.feed.on_loss(channel, due, number, stamp, &mut out);
                self.drain(channel, &mut out);
            }
        }
        out.finish();
        self.set_deadline();
    }

    fn set_deadline(&mut self) {
        let waits = self.windows.iter().filter_map(Window::first_early);
        let first = waits.map(|(_, time)| time).min();
        self.deadline = first.map_or(Nanos::MAX, |time| time.plus(self.config.wait_ns));
    }
}
