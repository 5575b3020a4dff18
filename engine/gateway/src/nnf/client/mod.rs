//! The member's half of an NNF session: signs on, sends orders, reads answers, and after a lost
//! connection learns what became of everything.
//!
//! Sans-I/O: bytes in, bytes out, time as a value. The host opens the connections that
//! [`Event::Connect`] names, one at a time, and closes them at [`Event::Disconnect`]. The
//! session promises:
//!
//! - a command is handed out as bytes at most once, whatever happens to connections;
//! - a request without an answer stays in flight until the exchange's own words, live or in a
//!   message download, say what became of it, or show that it never got there;
//! - a message heard twice is passed over, so that a download may start too early and never too late.
//!
//! After construction nothing allocates. `docs/wire/nnf_orders.md` tells the sequence and the choices.

mod apply;
mod capital_market;
mod config;
mod cursors;
mod encoder;
mod event;
mod legs;
mod orders;
mod resume;
mod sign_on;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use tezi_model::{
    AccountDefinition, AccountId, ClientOrderId, CommandKind, ExecutionKind, ExecutionReport,
    Instrument, InstrumentId, Nanos, OrderCommand, OrderId, Segment,
};

use super::attributes::{FULL_PACKET_SIZE_MAX, OrderAttributes};
use super::contract::{ContractError, Underlying};
use super::encode::{EncodeError, ORDER_PACKET_SIZE_MAX};
use super::envelope::PACKET_SIZE_MAX;
use super::link::{Cipher, CipherError, Encryption, Framer, Outbox, RateMeter, SessionKeys};
use super::wire::{BeU16, BeU32, Envelope, MarketStatus, Secret, Text, TransactionCode as Code};

pub use config::{Config, ConfigError, EVENTS_MIN, Limits};
pub use event::{CommandError, Counters, DisconnectReason, Endpoint, Event, LocalReason, Origin};

pub use resume::ResumedOrder;

use cursors::Cursors;
use encoder::Encoder;
use legs::Spreads;
use orders::{Fate, Orders, Sent, lay_down};

/// How far signing on has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not asked to start, or ended for good.
    Idle,
    /// Until the next attempt.
    Waiting,
    /// The host was told to connect to the router, or to the gateway.
    Connecting(Target),
    /// 2400 is out.
    RouterQuery,
    /// 23008 is out.
    Registration,
    /// 23000 is out.
    BoxSignOn,
    /// 2300 is out.
    SignOn,
    /// 1600 is out.
    SystemInformation,
    /// 7300 is out.
    LocalDatabase,
    /// The first download of the connection.
    Download,
    /// Orders may leave.
    Live,
    /// 2320 is out.
    SigningOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Router,
    Gateway,
}

/// What the session knows of who it is.
struct Member {
    user_id: i32,
    box_id: i16,
    broker_id: Text<5>,
    branch_id: i16,
    password: Text<8>,
    version: i32,
}

/// A request that is to leave.
struct Outgoing {
    /// Where its order is; none for a new one.
    place: Option<u32>,
    kind: CommandKind,
    command: OrderCommand,
    venue: super::VenueOrderState,
    attributes: OrderAttributes,
    /// Of an order of several legs, what else it is in.
    legs: Option<super::legs::LegsKey>,
}

/// A message download under way.
#[derive(Clone, Copy)]
struct Download {
    stream: u8,
    from: i64,
}

/// One box with one user, across all its connections of a day.
pub struct Session {
    member: Member,
    encryption: Encryption,
    immediate_acknowledgement: bool,
    limits: Limits,
    segment: Segment,
    encoder: Encoder,
    tokens: Box<[i32]>,
    spreads: Spreads,
    phase: Phase,
    /// When the step under way is given up, or the wait over.
    deadline: Nanos,
    retry_ns: i64,
    framer: Framer,
    outbox: Outbox,
    cipher: Cipher,
    keys: SessionKeys,
    session_key: Secret<8>,
    sequence: u32,
    /// Connections to a gateway so far.
    connection: u32,
    last_traffic: Nanos,
    heartbeats_unanswered: u32,
    local_database_attempts: u32,
    market_status: [MarketStatus; 3],
    orders: Orders,
    requests: u64,
    rate: RateMeter,
    cursors: Cursors,
    download: Option<Download>,
    wants_download: bool,
    /// When the last download of all streams began.
    download_began: Nanos,
    /// When to look for requests without an answer.
    answer_check: Nanos,
    /// When a further download proves what an earlier one could not.
    settle_check: Nanos,
    disconnected_at: Nanos,
    events: VecDeque<Event>,
    /// The next place to look for orders whose fate is to be told; none when there is none.
    fates: Option<u32>,
    /// Whether the session is live as soon as all fates are told.
    live_after_fates: bool,
    counters: Counters,
}

impl Session {
    /// A session of futures and options that waits for [`Session::start`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what cannot be.
    pub fn new(config: &Config<'_>) -> Result<Self, ConfigError> {
        Self::in_segment(config, Segment::NseFo)
    }

    /// A session of a segment: futures and options, or the capital market.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what cannot be.
    pub fn in_segment(config: &Config<'_>, segment: Segment) -> Result<Self, ConfigError> {
        let password = config.check()?;
        let limits = config.limits;
        let identity = &config.identity;
        let encoder = Encoder::new(segment, identity, limits.instruments)?;
        let broker_id = Text::new(identity.broker_id)
            .map_err(|_| ConfigError::Identity(super::IdentityError::BrokerId))?;
        Ok(Self {
            member: Member {
                user_id: identity.user_id,
                box_id: config.box_id,
                broker_id,
                branch_id: identity.branch_id,
                password,
                version: config.version,
            },
            encryption: config.encryption,
            immediate_acknowledgement: config.immediate_acknowledgement,
            limits,
            segment,
            encoder,
            tokens: vec![0; limits.instruments].into_boxed_slice(),
            spreads: Spreads::new(limits.instruments),
            phase: Phase::Idle,
            deadline: Nanos::MAX,
            retry_ns: limits.retry_ns,
            framer: Framer::new(),
            outbox: Outbox::new(limits.outbox_bytes),
            cipher: Cipher::PLAIN,
            keys: SessionKeys::NONE,
            session_key: Secret([0; 8]),
            sequence: 0,
            connection: 0,
            last_traffic: Nanos::ZERO,
            heartbeats_unanswered: 0,
            local_database_attempts: 0,
            market_status: [bytemuck::Zeroable::zeroed(); 3],
            orders: Orders::new(limits.orders, limits.orders_of_the_day),
            requests: 0,
            rate: RateMeter::new(limits.messages_per_second),
            cursors: Cursors::new(),
            download: None,
            wants_download: false,
            download_began: Nanos::ZERO,
            answer_check: Nanos::MAX,
            settle_check: Nanos::MAX,
            disconnected_at: Nanos(i64::MIN),
            events: VecDeque::with_capacity(limits.events),
            fates: None,
            live_after_fates: false,
            counters: Counters::default(),
        })
    }

    /// Makes an instrument of the session's segment known, or known anew. A spread
    /// ([`Instrument::legs`]) comes behind its legs, whose `underlying` it has.
    ///
    /// # Errors
    ///
    /// [`ContractError`] when a request cannot name it; what was defined under `id` stays.
    pub fn define(
        &mut self,
        id: InstrumentId,
        instrument: &Instrument,
        underlying: Underlying,
    ) -> Result<(), ContractError> {
        if let Some(legs) = instrument.legs() {
            return self.define_spread(id, legs, instrument);
        }
        self.encoder.define(id, instrument, underlying)?;
        self.spreads.set(id, None);
        self.tokens[id.index()] = instrument.token.0.cast_signed();
        Ok(())
    }

    /// Makes an account known, numbers from 1 without a hole: commands of it say for whom they are, those
    /// of none are for the account of `identity`, with which the session was made.
    ///
    /// # Errors
    ///
    /// [`IdentityError`](super::IdentityError) names what of the account cannot go onto the wire.
    pub fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
        identity: &super::SessionIdentity<'_>,
    ) -> Result<(), super::IdentityError> {
        self.encoder.declare(account, definition, identity)
    }

    /// Says whether orders from now on are of the pre-open session.
    pub fn set_pre_open(&mut self, pre_open: bool) {
        self.encoder.set_pre_open(pre_open);
    }

    /// Begins to sign on, unless the session does so or has done so already.
    pub fn start(&mut self, now: Nanos) {
        if self.phase == Phase::Idle {
            self.retry_ns = self.limits.retry_ns;
            self.connect(now);
        }
    }

    /// Whether orders may leave.
    #[inline]
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Requests without an answer.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.orders.in_flight
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The open orders of this session: own number, venue's number, quantity filled, and whether a
    /// request is in flight. For operators and tests; O(orders).
    pub fn open_orders(&self) -> impl Iterator<Item = (ClientOrderId, OrderId, u32, bool)> {
        self.orders.open().map(|(_, order)| {
            (order.client_order_id, order.order_id, order.filled.0, order.pending.is_some())
        })
    }

    /// Takes a command and, when it may leave, encodes it and lets it wait for
    /// [`Session::poll_transmit`]. A change keeps the attributes that its order has.
    ///
    /// # Errors
    ///
    /// [`CommandError`]; the session is then as it was, and the command was not sent.
    #[inline]
    pub fn on_command(&mut self, command: &OrderCommand, now: Nanos) -> Result<(), CommandError> {
        let sent = self.send(command, None, now);
        self.counters.commands_refused += u64::from(sent.is_err());
        sent
    }

    /// Takes a command for an order that is more than a regular limit order that shows all, or that a
    /// modification makes so.
    ///
    /// # Errors
    ///
    /// [`CommandError`]; the session is then as it was, and the command was not sent.
    pub fn on_order(
        &mut self,
        command: &OrderCommand,
        attributes: &OrderAttributes,
        now: Nanos,
    ) -> Result<(), CommandError> {
        let sent = self.send(command, Some(attributes), now);
        self.counters.commands_refused += u64::from(sent.is_err());
        sent
    }

    #[inline]
    fn send(
        &mut self,
        command: &OrderCommand,
        attributes: Option<&OrderAttributes>,
        now: Nanos,
    ) -> Result<(), CommandError> {
        if self.phase != Phase::Live {
            return Err(CommandError::NotLive);
        }
        let kind = command.kind().ok_or(CommandError::Encode(EncodeError::Kind))?;
        let place = self.place_for(kind, command.client_order_id)?;
        if self.is_of_legs(command, place) {
            return self.send_spread(kind, place, command, attributes, now);
        }
        let mut command = *command;
        let mut venue = super::VenueOrderState::default();
        let mut wanted = attributes.copied().unwrap_or_default();
        if let Some(order) = place.and_then(|place| self.orders.get(place)) {
            venue = order.venue;
            command.order_id = order.order_id;
            let keeps = attributes.is_none() || kind == CommandKind::Cancel;
            wanted = if keeps { order.attributes } else { wanted };
        }
        let request = Outgoing { place, kind, command, venue, attributes: wanted, legs: None };
        if wanted.is_plain() {
            let mut packet = [0; ORDER_PACKET_SIZE_MAX];
            let sequence = self.next_sequence();
            let size = self
                .encoder
                .encode(&request.command, &request.venue, sequence, &mut packet)
                .map_err(CommandError::Encode)?;
            self.leave(&request, sequence, &mut packet[..size], now).map(drop)
        } else {
            self.send_attributed(&request, now)
        }
    }

    #[cold]
    fn send_attributed(&mut self, request: &Outgoing, now: Nanos) -> Result<(), CommandError> {
        let attributes = &request.attributes;
        let plain =
            attributes.plain(self.segment, &request.command).map_err(CommandError::Encode)?;
        let mut trimmed = [0; ORDER_PACKET_SIZE_MAX];
        let sequence = self.next_sequence();
        let size = self
            .encoder
            .encode(&plain, &request.venue, sequence, &mut trimmed)
            .map_err(CommandError::Encode)?;
        let (segment, user_id) = (self.segment, self.member.user_id);
        let mut packet = [0; FULL_PACKET_SIZE_MAX];
        let size = attributes.lay_over(segment, &trimmed[..size], user_id, now, &mut packet);
        self.leave(request, sequence, &mut packet[..size], now).map(drop)
    }

    /// Seals a request, lets it wait, and remembers it; the place of its order.
    #[inline]
    fn leave(
        &mut self,
        request: &Outgoing,
        sequence: u32,
        packet: &mut [u8],
        now: Nanos,
    ) -> Result<u32, CommandError> {
        if self.outbox.room() < packet.len() {
            return Err(CommandError::Backlog);
        }
        if !self.rate.admit(now) {
            return Err(CommandError::Rate);
        }
        let is_trimmed = request.attributes.book.is_trimmed() && request.legs.is_none();
        if self.immediate_acknowledgement && is_trimmed {
            let code = acknowledged(request.kind).to_be_bytes();
            packet[Envelope::SIZE..Envelope::SIZE + 2].copy_from_slice(&code);
        }
        self.cipher.seal(packet).map_err(CommandError::Cipher)?;
        let is_queued = self.outbox.push(packet);
        debug_assert!(is_queued, "its room was checked");
        let place = match request.place {
            Some(place) => place,
            None => {
                self.orders.add(request.command.client_order_id).ok_or(CommandError::Capacity)?
            }
        };
        self.record(place, request, sequence, now);
        Ok(place)
    }

    /// Where the order is that a change names; none for a new order.
    #[inline]
    fn place_for(&self, kind: CommandKind, id: ClientOrderId) -> Result<Option<u32>, CommandError> {
        let place = self.orders.by_client(id);
        if kind == CommandKind::New {
            return match place {
                Some(_) => Err(CommandError::DuplicateOrder),
                None if id.0 == 0 => Err(CommandError::UnknownOrder),
                None if !self.orders.has_room() => Err(CommandError::Capacity),
                None if !self.orders.has_room_today() => Err(CommandError::DayCapacity),
                None => Ok(None),
            };
        }
        let order = place.and_then(|place| self.orders.get(place));
        match order {
            Some(order) if order.client_order_id != id || order.fate != Fate::None => {
                Err(CommandError::UnknownOrder)
            }
            Some(order) if order.pending.is_some() || !order.is_confirmed => {
                Err(CommandError::InFlight)
            }
            Some(_) => Ok(place),
            None => Err(CommandError::UnknownOrder),
        }
    }

    /// Remembers a request that was sealed.
    #[inline]
    fn record(&mut self, place: u32, request: &Outgoing, sequence: u32, now: Nanos) {
        let Outgoing { kind, command, attributes, .. } = request;
        self.requests += 1;
        self.counters.requests += 1;
        self.counters.packets_out += 1;
        self.last_traffic = now;
        self.cursors.on_request(self.requests, self.orders.in_flight);
        let sent = Sent {
            request: self.requests,
            sequence,
            end: self.outbox.end(),
            at: now,
            connection: self.connection,
        };
        self.orders.set_pending(place, *kind, sent);
        if self.answer_check == Nanos::MAX {
            self.answer_check = now.plus(self.limits.answer_timeout_ns);
        }
        if let Some(order) = self.orders.get_mut(place) {
            order.attributes_next = *attributes;
        }
        if *kind == CommandKind::New {
            let named = self.spreads.of(command.instrument).map_or(command.instrument, |it| it[0]);
            let token = self.tokens[named.index()].cast_unsigned();
            if let Some(order) = self.orders.get_mut(place) {
                lay_down(order, command, tezi_model::Token(token));
                order.attributes = *attributes;
                order.legs = request.legs;
            }
        }
    }

    /// Takes bytes of the connection that is open, and says how many: fewer than there are when
    /// events must be polled first.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Nanos) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && self.takes_bytes() {
            let (size, is_whole) = match self.framer.take(&bytes[taken..]) {
                Ok(step) => step,
                Err(error) => {
                    self.counters.malformed += 1;
                    self.disconnect(DisconnectReason::Framing(error), now);
                    return bytes.len();
                }
            };
            taken += size;
            if is_whole {
                self.on_packet(now);
            }
        }
        // What follows an end belongs to nobody.
        if self.is_connected() { taken } else { bytes.len() }
    }

    fn takes_bytes(&self) -> bool {
        self.is_connected()
            && self.fates.is_none()
            && self.events.len() + EVENTS_MIN <= self.limits.events
    }

    fn on_packet(&mut self, now: Nanos) {
        let mut packet = [0; PACKET_SIZE_MAX];
        let sealed = self.framer.packet();
        let size = sealed.len();
        packet[..size].copy_from_slice(sealed);
        let packet = &mut packet[..size];
        if let Err(error) = self.cipher.open(packet) {
            // A packet that is not what was sealed is dropped; so is the connection, since its
            // answer would be missing and only a download can bring it.
            self.counters.malformed += 1;
            self.disconnect(DisconnectReason::Cipher(error), now);
            return;
        }
        self.counters.packets_in += 1;
        self.last_traffic = now;
        self.heartbeats_unanswered = 0;
        let (envelope, message) = packet.split_at(Envelope::SIZE);
        let sequence = u32::from_be_bytes([envelope[2], envelope[3], envelope[4], envelope[5]]);
        self.on_message(sequence, message, now);
    }

    /// Copies out bytes to send; how many. What was handed out counts as sent.
    #[inline]
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> usize {
        self.outbox.give(buffer)
    }

    /// Whether bytes wait to be sent.
    #[inline]
    #[must_use]
    pub const fn has_transmit(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The next thing the host should know.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.poll_fate())
    }

    /// Tells the next fate, if any is to be told.
    #[cold]
    fn poll_fate(&mut self) -> Option<Event> {
        while let Some(place) = self.fates {
            if place as usize >= self.orders.len() {
                self.fates = None;
                if core::mem::take(&mut self.live_after_fates) && self.phase == Phase::Download {
                    self.phase = Phase::Live;
                    self.deadline = Nanos::MAX;
                    return Some(Event::Live);
                }
                return None;
            }
            self.fates = Some(place + 1);
            let Some(order) = self.orders.get(place) else { continue };
            let reason = match order.fate {
                Fate::None => continue,
                Fate::NotSent => LocalReason::NOT_SENT,
                Fate::NotAtExchange => LocalReason::NOT_AT_EXCHANGE,
                Fate::StreamOutage => LocalReason::STREAM_OUTAGE,
                Fate::NotInDay => LocalReason::NOT_IN_DAY,
            };
            return Some(self.tell_fate(place, reason));
        }
        None
    }

    fn tell_fate(&mut self, place: u32, reason: u16) -> Event {
        let mut report: ExecutionReport = bytemuck::Zeroable::zeroed();
        let mut kind = ExecutionKind::Canceled;
        if let Some(order) = self.orders.get_mut(place) {
            if !matches!(reason, LocalReason::STREAM_OUTAGE | LocalReason::NOT_IN_DAY) {
                kind = match order.pending {
                    Some(CommandKind::Replace) => ExecutionKind::ReplaceRejected,
                    Some(CommandKind::Cancel) => ExecutionKind::CancelRejected,
                    _ => ExecutionKind::Rejected,
                };
            }
            order.fate = Fate::None;
            report.client_order_id = order.client_order_id;
            report.order_id = order.order_id;
            report.price = order.price;
            report.quantity = order.quantity;
        }
        report.kind_code = kind as u8;
        report.reason = reason;
        self.resolve(place);
        if matches!(kind, ExecutionKind::Rejected | ExecutionKind::Canceled) {
            self.orders.remove(place);
        }
        Event::Report { report, origin: Origin::Session }
    }

    /// When [`Session::on_timeout`] is due; [`Nanos::MAX`] for never.
    #[must_use]
    pub fn next_timeout(&self) -> Nanos {
        let mut next = self.deadline;
        if self.is_signed_on() {
            let heartbeat = self.last_traffic.plus(self.limits.heartbeat_ns);
            next = next.min(heartbeat).min(self.answer_check).min(self.settle_check);
        }
        next
    }

    /// Lets time pass.
    pub fn on_timeout(&mut self, now: Nanos) {
        if now >= self.deadline {
            match self.phase {
                Phase::Waiting => self.connect(now),
                Phase::Idle => self.deadline = Nanos::MAX,
                Phase::Live if self.download.is_none() => self.deadline = Nanos::MAX,
                _ => self.disconnect(DisconnectReason::ReplyTimeout, now),
            }
        }
        if !self.is_signed_on() {
            return;
        }
        if now >= self.last_traffic.plus(self.limits.heartbeat_ns) {
            self.on_silence(now);
        }
        if now >= self.answer_check {
            self.check_answers(now);
        }
        if now >= self.settle_check {
            self.settle_check = Nanos::MAX;
            self.wants_download = true;
            self.download_if_wanted(now);
        }
    }

    /// Looks for requests that wait too long for their answers.
    fn check_answers(&mut self, now: Nanos) {
        let (limit, connection) = (self.limits.answer_timeout_ns, self.connection);
        let late = self.orders.open().filter(|(_, order)| {
            order.pending.is_some()
                && order.connection == connection
                && now.since(order.sent_at) >= limit
        });
        let count = late.count() as u32;
        self.answer_check = if self.orders.in_flight == 0 { Nanos::MAX } else { now.plus(limit) };
        if count > 0 && self.phase == Phase::Live {
            self.events_push(Event::Unanswered(count));
            self.wants_download = true;
            self.download_if_wanted(now);
        }
    }

    /// Asks the gateway to cancel every order of the user, or every one in one contract. A
    /// cancellation comes for each of them.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: not live, no room, over the rate, or an instrument that is not defined.
    pub fn kill_switch(
        &mut self,
        instrument: Option<InstrumentId>,
        now: Nanos,
    ) -> Result<(), CommandError> {
        if self.phase != Phase::Live {
            return Err(CommandError::NotLive);
        }
        let mut buffer = [0; PACKET_SIZE_MAX];
        let user_id = self.member.user_id;
        let size = self.encoder.kill_switch(instrument, user_id, now, &mut buffer);
        let size = size.map_err(CommandError::Encode)?;
        if self.outbox.room() < PACKET_SIZE_MAX {
            return Err(CommandError::Backlog);
        }
        if !self.rate.admit(now) {
            return Err(CommandError::Rate);
        }
        self.queue(&buffer[..size], now).map_err(CommandError::Cipher)
    }

    /// Seals a message and lets it wait to be sent.
    fn queue(&mut self, message: &[u8], now: Nanos) -> Result<(), CipherError> {
        let mut packet = [0; PACKET_SIZE_MAX];
        let size = Envelope::SIZE + message.len();
        let envelope = Envelope {
            length: BeU16::new(size as u16),
            sequence: BeU32::new(self.next_sequence()),
            checksum: [0; 16],
        };
        packet[..Envelope::SIZE].copy_from_slice(bytemuck::bytes_of(&envelope));
        packet[Envelope::SIZE..size].copy_from_slice(message);
        if self.outbox.room() < size {
            // A connection that takes nothing is as good as none; its deadline ends it.
            return Ok(());
        }
        self.cipher.seal(&mut packet[..size])?;
        let is_queued = self.outbox.push(&packet[..size]);
        debug_assert!(is_queued, "its room was checked");
        self.counters.packets_out += 1;
        self.last_traffic = now;
        Ok(())
    }

    /// The next number for an envelope: 0 where nothing is encrypted, as the documents ask.
    #[inline]
    fn next_sequence(&mut self) -> u32 {
        if self.encryption == Encryption::Plain {
            return 0;
        }
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    fn events_push(&mut self, event: Event) {
        // Bytes are taken only while there is room. A host that lets the clock go on and never polls
        // loses what it would not read; a lost connection request comes again with the next attempt.
        if self.events.len() < self.limits.events {
            self.events.push_back(event);
        }
    }

    /// Ends what is pending on an order.
    fn resolve(&mut self, place: u32) {
        if let Some(number) = self.orders.clear_pending(place) {
            self.cursors.on_answer(number, self.orders.in_flight, self.requests);
        }
    }

    const fn is_connected(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Waiting | Phase::Connecting(_))
    }

    const fn is_signed_on(&self) -> bool {
        matches!(self.phase, Phase::Download | Phase::Live)
    }

    /// Whether the session's own tables agree with each other. For tests; O(orders).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.orders.is_consistent()
    }
}

/// The code of the same request with an immediate acknowledgement.
const fn acknowledged(kind: CommandKind) -> i16 {
    match kind {
        CommandKind::New => Code::BOARD_LOT_ACK_IN,
        CommandKind::Replace => Code::ORDER_MOD_ACK_IN,
        CommandKind::Cancel => Code::ORDER_CANCEL_ACK_IN,
    }
}
