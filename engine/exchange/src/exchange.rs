//! The exchange: one object, driven by bytes and time.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_core::book::{Books, BooksConfig};
use tezi_core::matching::{LegsFill, Matcher, MatcherConfig};
use tezi_core::venue::breaker::BreakerIndex;
use tezi_core::venue::session::Phase;
use tezi_gateway::nnf::server::{Listener, OrderImage};
use tezi_gateway::nnf::wire::MsOeRequest;
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Segment, StateHasher, Token};

use crate::background::Background;
use crate::broadcast::Broadcast;
use crate::config::{ConfigError, ExchangeConfig, Listing};
use crate::contracts::{Contracts, protection_of, terms_of};
use crate::datagrams::Datagram;
use crate::day::Day;
use crate::floor::{Asked, Floor};
use crate::images::Images;
use crate::index::Index;
use crate::members::{Delayed, Member, Slow};
use crate::spreads::{SpreadOfTheDay, add_spreads};
use crate::tape::{StreamState, Tape, Track};
use crate::view::{BoxView, Counters, RecentTrades};

/// Digits of an order number behind its prefix.
const ORDER_NUMBERS: u64 = 100_000_000_000_000;

/// A simulated exchange of one segment on one day.
///
/// Boxes are named by their position in [`ExchangeConfig::boxes`]. Whoever hosts it opens sockets and
/// reads clocks: it brings bytes and connections in, calls [`Exchange::on_time`] when
/// [`Exchange::next_due`] says so, and after each call takes what is to be sent, to boxes
/// ([`Exchange::poll_transmit`]) and to the market ([`Exchange::poll_datagram`]). The same calls give
/// the same bytes. Times must not fall; one that does counts as the latest. After construction the
/// path of an order does not allocate.
pub struct Exchange {
    pub(crate) segment: Segment,
    pub(crate) matcher: Matcher,
    pub(crate) contracts: Contracts,
    /// Their numbers follow those of the contracts.
    pub(crate) spreads: Box<[SpreadOfTheDay]>,
    /// Numbers of the spreads by the tokens of their legs.
    pub(crate) pairs: Index,
    pub(crate) floor: Floor,
    pub(crate) day: Day,
    /// Instruments whose day is over before the others'.
    pub(crate) expired: Box<[bool]>,
    slow: Slow,
    now: Nanos,
    is_started: bool,
}

/// What is due next, in the order in which things of one time happen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Phase,
    Event,
    Decision,
    Slow,
    Background,
    Heartbeat,
    Broadcast,
}

impl Exchange {
    /// An exchange before its day. Allocates all memory that orders will use.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what cannot be.
    pub fn new(
        config: &ExchangeConfig,
        background: Box<dyn Background + Send>,
    ) -> Result<Self, ConfigError> {
        check_ranges(config)?;
        let contracts = Contracts::new(config.segment, &config.listings)?;
        let mut matcher = Matcher::new(&matcher_config(config));
        let day = Day::new(config)?;
        let mut protections = Vec::with_capacity(config.listings.len());
        for (at, listing) in config.listings.iter().enumerate() {
            let terms = terms_of(config, listing)?;
            let id = matcher.add_instrument(&terms).map_err(ConfigError::Capacity)?;
            debug_assert_eq!(id.index(), at, "places of listings are the matcher's numbers");
            let open = day.open_of(id).unwrap_or(config.date.midnight());
            protections.push(protection_of(config, listing, terms.tick, open)?);
        }
        let spreads = config.spreads_of_the_day()?;
        let pairs = add_spreads(config, &spreads, &mut matcher)?;
        protections.resize_with(config.listings.len() + spreads.len(), || None);
        let members = members(config)?;
        let blank = OrderImage { order: MsOeRequest::zeroed(), filler: 0 };
        let limits = &config.limits;
        let outright = config.listings.iter();
        let outright = outright.map(|it| Track::outright(it.instrument.token, it.stream));
        let spread_tracks =
            spreads.iter().map(|it| Track::spread(it.listing.legs, it.listing.stream));
        let tracks = outright.chain(spread_tracks);
        let bounds = (limits.datagrams, limits.frozen);
        let broadcast = config.broadcast.map(|it| Broadcast::new(config, it)).transpose()?;
        let floor = Floor {
            segment: config.segment,
            images: Images::new(
                limits.member_orders,
                members.len(),
                &blank,
                config.segment == Segment::NseFo,
            ),
            members,
            tape: Tape::new(config.segment, tracks, config.streams, config.heartbeat_ns, bounds),
            broadcast: broadcast.map(Box::new),
            background,
            protections: protections.into_boxed_slice(),
            freeze: config.freeze,
            frozen: VecDeque::with_capacity(limits.frozen as usize + 1),
            trades: VecDeque::with_capacity(Floor::trades_shown()),
            counters: Counters::default(),
            asked: Asked::nothing(blank),
            stop_parts: Index::new(limits.stops as usize),
        };
        Ok(Self {
            segment: config.segment,
            matcher,
            contracts,
            floor,
            day,
            expired: vec![false; config.listings.len() + spreads.len()].into_boxed_slice(),
            spreads: spreads.into_boxed_slice(),
            pairs,
            slow: Slow::new(limits.slow_requests),
            now: Nanos(i64::MIN),
            is_started: false,
        })
    }

    /// A connection of a box came in. One that was open before is forgotten.
    pub fn on_connected(&mut self, member: usize, listener: Listener, now: Nanos) {
        let now = self.pass(now);
        let Some(own) = self.floor.members.get_mut(member) else { return };
        own.closing = None;
        own.session.on_connected(listener, now);
        self.drain(member, now);
    }

    /// The connection of a box is closed.
    pub fn on_disconnected(&mut self, member: usize, now: Nanos) {
        let now = self.pass(now);
        let Some(own) = self.floor.members.get_mut(member) else { return };
        own.closing = None;
        own.session.on_disconnected();
        self.drain(member, now);
    }

    /// Takes bytes of a box's connection and acts on them; how many it took. Fewer than there are when
    /// requests wait on their way through a slow gateway: bring the rest again later.
    #[inline]
    pub fn on_bytes(&mut self, member: usize, bytes: &[u8], now: Nanos) -> usize {
        let now = self.pass(now);
        let mut taken = 0;
        while taken < bytes.len() {
            let Some(own) = self.floor.members.get_mut(member) else { return bytes.len() };
            let size = own.session.on_bytes(&bytes[taken..], now);
            taken += size;
            self.drain(member, now);
            if size == 0 {
                break;
            }
        }
        taken
    }

    /// Copies out bytes to send to a box; how many.
    #[inline]
    pub fn poll_transmit(&mut self, member: usize, buffer: &mut [u8], now: Nanos) -> usize {
        let own = self.floor.members.get_mut(member);
        own.map_or(0, |own| own.session.poll_transmit(buffer, now.max(self.now)))
    }

    /// Whether a box's connection is to be closed once everything is sent, and why: the exchange's
    /// code, 0 for none. Says so once.
    pub fn poll_close(&mut self, member: usize) -> Option<i16> {
        self.floor.members.get_mut(member)?.closing.take()
    }

    /// Copies out the next datagram, each of one message, in the order in which they are sent. A buffer
    /// takes the longest with 45 bytes.
    #[inline]
    pub fn poll_datagram(&mut self, buffer: &mut [u8]) -> Option<Datagram> {
        self.floor.tape.poll(buffer)
    }

    /// Copies out the next datagram of the five-level feed; how many bytes of it. A buffer takes the
    /// longest with [`DATAGRAM_SIZE_MAX`](tezi_feed_handler::wire::nse_broadcast::DATAGRAM_SIZE_MAX)
    /// bytes. What is not polled before the next look is sent then, as it is by then.
    pub fn poll_broadcast(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.floor.broadcast.as_mut()?.poll(&self.matcher, buffer)
    }

    /// Lets time pass: phases begin, events happen, the background acts, silent streams and silent
    /// members are noticed. The first call begins the day; what lies before it happens in it, without
    /// orders.
    pub fn on_time(&mut self, now: Nanos) {
        let now = self.pass(now);
        for member in 0..self.floor.members.len() {
            let session = &mut self.floor.members[member].session;
            if now >= session.next_timeout() {
                session.on_timeout(now);
            }
            self.drain(member, now);
        }
    }

    /// When [`Exchange::on_time`] is due next; [`Nanos::MAX`] for never.
    #[must_use]
    pub fn next_due(&self) -> Nanos {
        let sessions = self.floor.members.iter().map(|member| member.session.next_timeout());
        let own = self.next_of_timeline(true).map_or(Nanos::MAX, |(due, _)| due);
        sessions.fold(own, Nanos::min)
    }

    /// Does what is due by now, each thing at its own time; the time it is.
    #[inline]
    pub(crate) fn pass(&mut self, now: Nanos) -> Nanos {
        let now = now.max(self.now);
        if !self.is_started {
            self.is_started = true;
            self.floor.tape.start(now);
            self.floor.broadcast.iter_mut().for_each(|it| it.start(now));
        }
        let mut asks_background = true;
        while let Some((due, what)) = self.next_of_timeline(asks_background)
            && due <= now
        {
            self.now = self.now.max(due);
            asks_background &= self.act(what, self.now);
        }
        self.now = now;
        now
    }

    /// What is due first; of several at one time what stands first in [`Due`].
    #[inline]
    fn next_of_timeline(&self, asks_background: bool) -> Option<(Nanos, Due)> {
        let background = self.floor.background.next_due().filter(|_| asks_background);
        let dues = [
            (self.day.next_beginning().map(|beginning| beginning.at), Due::Phase),
            (self.day.next_event().map(|event| event.at), Due::Event),
            (self.floor.frozen.front().map(|frozen| frozen.due), Due::Decision),
            (Some(self.slow.next_due()), Due::Slow),
            (background, Due::Background),
            (Some(self.floor.tape.next_due()), Due::Heartbeat),
            (self.floor.broadcast.as_ref().map(|it| it.next_due()), Due::Broadcast),
        ];
        let dues = dues.into_iter().filter_map(|(due, what)| Some((due?, what)));
        dues.min_by_key(|(due, _)| *due).filter(|(due, _)| *due != Nanos::MAX)
    }

    /// Does one thing. Whether the background may be asked again: not when it named a time and then
    /// had nothing to do.
    fn act(&mut self, what: Due, now: Nanos) -> bool {
        match what {
            Due::Phase => self.begin_next_phase(now),
            Due::Event => self.happen(now),
            Due::Decision => {
                if let Some(frozen) = self.floor.frozen.pop_front() {
                    self.decide(&frozen, now);
                }
            }
            Due::Slow => {
                if let Some(Delayed { member, event, .. }) = self.slow.pop() {
                    self.on_event(member, &event, now);
                }
            }
            Due::Background => match self.floor.background.poll(now, &self.matcher) {
                Some(action) => self.on_action(&action, now),
                // It may be asked again when it has something to do later than this.
                None => return self.floor.background.next_due().is_some_and(|due| due > now),
            },
            Due::Heartbeat => self.floor.tape.on_time(now),
            Due::Broadcast => self.floor.broadcast.iter_mut().for_each(|it| it.on_time(now)),
        }
        true
    }

    /// Acts on what a box's session has to say.
    #[inline]
    pub(crate) fn drain(&mut self, member: usize, now: Nanos) {
        loop {
            let own = &mut self.floor.members[member];
            let delay = own.delay_ns();
            if delay > 0 && !self.slow.has_room() {
                return;
            }
            let Some(event) = own.session.poll_event() else { return };
            let is_close = matches!(event, tezi_gateway::nnf::server::Event::Close(_));
            if delay > 0 && !is_close {
                let due = now.plus(delay);
                self.slow.push(Delayed { due, member: member as u32, event });
            } else {
                self.on_event(member as u32, &event, now);
            }
        }
    }

    /// The time that is reached; the least there is before the first call.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// The books of all instruments.
    #[must_use]
    pub const fn books(&self) -> &Books {
        self.matcher.books()
    }

    /// The matching engine: books, phases, last trades.
    #[must_use]
    pub const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// What is listed; positions are instrument numbers.
    #[must_use]
    pub fn listings(&self) -> &[Listing] {
        self.contracts.listings()
    }

    /// The spreads; their numbers are those of the listings' followers, in this order.
    #[must_use]
    pub fn spreads(&self) -> &[SpreadOfTheDay] {
        &self.spreads
    }

    /// The number of a contract.
    #[must_use]
    pub fn instrument(&self, token: Token) -> Option<InstrumentId> {
        self.contracts.by_token(token.0)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (tape, broadcast) = (&self.floor.tape, self.floor.broadcast.as_ref());
        Counters {
            messages: tape.messages(),
            datagrams_waiting: tape.datagrams().waiting(),
            datagrams_lost: tape.datagrams().lost(),
            broadcast_datagrams: broadcast.map_or(0, |it| it.datagrams),
            broadcast_records: broadcast.map_or(0, |it| it.records),
            broadcast_refused: broadcast.map_or(0, |it| it.refused),
            ..self.floor.counters
        }
    }

    /// The boxes as they stand.
    pub fn boxes(&self) -> impl Iterator<Item = BoxView> {
        self.floor.members.iter().zip(0..).map(|(member, number)| BoxView {
            box_id: member.box_id,
            user_id: member.user_id,
            is_signed_on: member.session.is_signed_on(),
            orders: self.floor.images.count(number),
            activity: member.activity,
            session: member.session.counters(),
        })
    }

    /// The position of a box, by the number that a connection's first packet names
    /// ([`Session::box_id_of`](tezi_gateway::nnf::server::Session::box_id_of)).
    #[must_use]
    pub fn box_position(&self, box_id: i16) -> Option<usize> {
        self.floor.members.iter().position(|member| member.box_id == box_id)
    }

    /// The latest trades, the newest last.
    #[must_use]
    pub fn trades(&self) -> RecentTrades<'_> {
        self.floor.trades.iter()
    }

    /// The market-data streams.
    pub fn streams(&self) -> impl Iterator<Item = StreamState> {
        self.floor.tape.streams()
    }

    /// An index has a new value: the circuit breaker may stop all trading.
    pub fn on_index(&mut self, index: BreakerIndex, value: Px, now: Nanos) {
        let now = self.pass(now);
        if self.day.on_index(now, index, value) == Some(false) {
            self.floor.counters.events_refused += 1;
        }
        self.pass(now);
    }

    /// The exchange's theoretical price of a contract, which limit price protection refers to where
    /// nothing trades.
    pub fn set_theoretical(&mut self, instrument: InstrumentId, price: Px) {
        if let Some(Some(protection)) = self.floor.protections.get_mut(instrument.index()) {
            protection.on_theoretical(price);
        }
    }

    /// Folds in everything of the books that what happens next depends on.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        self.matcher.hash_into(hasher);
        for stream in self.streams() {
            hasher.write(u64::from(stream.last_sequence));
        }
    }

    /// The phase of a contract.
    #[must_use]
    pub fn phase(&self, instrument: InstrumentId) -> Phase {
        self.matcher.phase(instrument)
    }
}

fn check_ranges(config: &ExchangeConfig) -> Result<(), ConfigError> {
    if !matches!(config.segment, Segment::NseFo | Segment::NseCm) {
        return Err(ConfigError::Segment(config.segment));
    }
    let ranges = [
        (config.streams > 0, "streams"),
        (config.heartbeat_ns > 0, "heartbeat_ns"),
        (config.member_heartbeat_ns > 0, "member_heartbeat_ns"),
        ((10..=89).contains(&config.order_prefix), "order_prefix"),
        (config.freeze.after_ns >= 0, "freeze.after_ns"),
        (config.boxes.len() < 1 << 16, "boxes"),
        (config.boxes.iter().all(|own| own.faults.delay_ns >= 0), "faults.delay_ns"),
    ];
    if let Some((_, name)) = ranges.into_iter().find(|(holds, _)| !holds) {
        return Err(ConfigError::Range(name));
    }
    let is_there = |listing: &&Listing| (1..=config.streams).contains(&listing.stream);
    match config.listings.iter().find(|listing| !is_there(listing)) {
        Some(listing) => Err(ConfigError::Stream(listing.instrument.token)),
        None => Ok(()),
    }
}

fn matcher_config(config: &ExchangeConfig) -> MatcherConfig {
    let limits = &config.limits;
    MatcherConfig {
        segment: config.segment,
        books: BooksConfig {
            instruments_max: (config.listings.len() + config.spreads.len()) as u32,
            orders_max: limits.orders,
            levels_max: limits.levels,
        },
        stops_max: limits.stops,
        frozen_max: limits.frozen,
        trades_max: limits.trades,
        // Block windows are not offered over these sessions.
        blocks_max: 0,
        legs_fill: LegsFill::default(),
        order_id_first: OrderId(u64::from(config.order_prefix) * ORDER_NUMBERS + 1),
    }
}

fn members(config: &ExchangeConfig) -> Result<Box<[Member]>, ConfigError> {
    for (at, own) in config.boxes.iter().enumerate() {
        if config.boxes[..at].iter().any(|other| other.box_id == own.box_id) {
            return Err(ConfigError::BoxTwice(own.box_id));
        }
    }
    config.boxes.iter().zip(0..).map(|(own, number)| Member::new(config, own, number)).collect()
}
