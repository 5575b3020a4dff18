//! The exchange's half of an NNF session: router and gateway of one box with one user, for a simulated
//! exchange and for tests.
//!
//! Sans-I/O, as the member's half. The host says on which listener a connection came in; the
//! matching engine takes [`Event::Request`] and answers with [`Session::on_answer`] and
//! [`Session::on_trade`], which stamp, keep and send. What is kept outlives connections: a message
//! download plays it back. After construction nothing allocates.

mod capital_market;
mod cm_image;
mod config;
mod gateway;
mod image;
mod legs;
mod log;
mod reply;

use std::collections::VecDeque;

use tezi_model::{Nanos, NseTime, Segment};

use super::envelope::PACKET_SIZE_MAX;
use super::header::{header, wire_seconds};
use super::link::{Cipher, End, Framer, Outbox, RateMeter, SessionKeys};
use super::wire::{
    BeI16, BeU16, BeU32, BoxMessage, Envelope, MarketStatus, MessageHeader, Secret, Text,
    TransactionCode as Code,
};

pub use config::{
    AnswerKind, Config, ConfigError, Counters, Event, LegsRequest, Listener, Request, RequestKind,
    TradeKind,
};
pub use image::{Fill, OrderImage};
pub use reply::Terms;

use capital_market::cm_open_markets;
use log::Log;

/// Reasons that a gateway gives when it ends a session, and the router when it refuses one.
struct Reason;

impl Reason {
    const BAD_TRANSACTION_CODE: i16 = 16003;
    const ALREADY_SIGNED_ON: i16 = 16004;
    const INVALID_SIGN_ON: i16 = 16006;
    const WRONG_VERSION: i16 = 16100;
    const USER_MISMATCH: i16 = 16001;
    /// The capital market has no code for a user who differs from the header's.
    const DEALER_UNKNOWN: i16 = 16042;
    /// Of the capital market: a book in the structure of another.
    const CM_BOOK_TYPE: i16 = 16422;
    const MESSAGE_LENGTH: i16 = 16573;
    const INVALID_PACKET: i16 = 17101;
    const HEARTBEAT_MISSED: i16 = 17102;
    const INVALID_BOX: i16 = 17104;
    const BOX_RATE: i16 = 17106;
    const HEARTBEAT_RATE: i16 = 17107;
    const ROUTER_CHECKSUM: i16 = 19028;
    const ROUTER_REPEATED: i16 = 19029;
    const CHECKSUM: i16 = 19031;
}

/// How far the member has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody is connected, or the connection is being closed.
    Closed,
    /// A connection to the router; 2400 is awaited.
    Router,
    /// The router has answered.
    RouterAnswered,
    /// A connection to the gateway; 23008 is awaited.
    Registration,
    /// 23000 is awaited.
    BoxSignOn,
    /// 2300 is awaited.
    SignOn,
    /// The user trades.
    SignedOn,
}

/// A download that goes out as fast as the connection takes it.
#[derive(Clone, Copy)]
struct Download {
    stream: u8,
    jiffies: i64,
    position: u64,
    sequence: u32,
}

/// One box with one user, across all its connections of a day.
pub struct Session {
    segment: Segment,
    box_id: i16,
    broker_id: Text<5>,
    user_id: i32,
    password: Text<8>,
    version: i32,
    encryption: super::Encryption,
    gateway: (Text<16>, u16),
    streams: u8,
    seed: u64,
    heartbeat_ns: i64,
    early_heartbeats_max: u32,
    inner_header: bool,
    events_max: usize,
    market_status: [MarketStatus; 3],
    phase: Phase,
    keys: Option<(SessionKeys, Secret<8>)>,
    framer: Framer,
    outbox: Outbox,
    cipher: Cipher,
    rate: RateMeter,
    log: Log,
    download: Option<Download>,
    events: VecDeque<Event>,
    /// Requests of several legs, of which events told or will tell.
    legs_requests: VecDeque<LegsRequest>,
    last_traffic: Nanos,
    early_heartbeats: u32,
    /// The latest `TimeStamp1`: each message has a later one, so that it names its message.
    jiffies: i64,
    /// The latest nanoseconds, which rise in the same way.
    nanos: i64,
    drop_answers: u32,
    counters: Counters,
}

impl Session {
    /// A session of futures and options to which nobody is connected yet.
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
        if !matches!(segment, Segment::NseFo | Segment::NseCm) {
            return Err(ConfigError::Segment);
        }
        let is_possible =
            config.box_id > 0 && config.user_id > 0 && (1..=127).contains(&config.streams);
        if !is_possible {
            return Err(ConfigError::Number);
        }
        let is_enough = config.log_messages > 0
            && config.outbox_bytes >= 4_096
            && config.events >= EVENTS_MIN
            && config.heartbeat_ns > 0;
        if !is_enough {
            return Err(ConfigError::Limit);
        }
        let text = |_| ConfigError::Text;
        let address = config.gateway.0.to_string();
        Ok(Self {
            segment,
            box_id: config.box_id,
            broker_id: Text::new(config.broker_id).map_err(text)?,
            user_id: config.user_id,
            password: Text::new(config.password).map_err(text)?,
            version: config.version,
            encryption: config.encryption,
            gateway: (Text::new(&address).map_err(text)?, config.gateway.1),
            streams: config.streams,
            seed: config.seed,
            heartbeat_ns: config.heartbeat_ns,
            early_heartbeats_max: config.early_heartbeats,
            inner_header: config.inner_header,
            events_max: config.events,
            market_status: match segment {
                Segment::NseCm => cm_open_markets(),
                _ => [open_markets(); 3],
            },
            phase: Phase::Closed,
            keys: None,
            framer: Framer::new(),
            outbox: Outbox::new(config.outbox_bytes),
            cipher: Cipher::PLAIN,
            rate: RateMeter::new(config.messages_per_second),
            log: Log::new(config.log_messages),
            download: None,
            events: VecDeque::with_capacity(config.events),
            legs_requests: VecDeque::with_capacity(config.events),
            last_traffic: Nanos::ZERO,
            early_heartbeats: 0,
            jiffies: 0,
            nanos: 0,
            drop_answers: 0,
            counters: Counters::default(),
        })
    }

    /// The box that a connection's first packet names, so that a listener with several boxes finds
    /// the session; `None` when the packet is not whole yet or names none.
    #[must_use]
    pub fn box_id_of(first: &[u8]) -> Option<i16> {
        let message = super::Packet::parse(first).ok()?.message;
        let code = i16::from_be_bytes(*message.first_chunk()?);
        let names_box = matches!(code, Code::GR_REQUEST | Code::SECURE_BOX_REGISTRATION_IN);
        let box_id = message.get(MessageHeader::SIZE..)?.first_chunk()?;
        names_box.then(|| i16::from_be_bytes(*box_id))
    }

    /// A connection came in; one that was open before is forgotten.
    pub fn on_connected(&mut self, listener: Listener, now: Nanos) {
        self.on_disconnected();
        self.phase = match listener {
            Listener::Router => Phase::Router,
            Listener::Gateway => Phase::Registration,
        };
        self.cipher = Cipher::PLAIN;
        self.last_traffic = now;
        self.early_heartbeats = 0;
    }

    /// The connection is closed.
    pub fn on_disconnected(&mut self) {
        self.framer.clear();
        self.outbox.clear();
        self.download = None;
        if self.phase == Phase::SignedOn {
            self.push(Event::SignedOff);
        }
        self.phase = Phase::Closed;
    }

    /// Whether the user is signed on.
    #[must_use]
    pub fn is_signed_on(&self) -> bool {
        self.phase == Phase::SignedOn
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { forgotten: self.log.forgotten(), ..self.counters }
    }

    /// Says how the normal market stands from now on: 0 pre-open, 1 open, 2 closed, 3 pre-open
    /// ended, 4 post-close.
    pub const fn set_market_status(&mut self, status: i16) {
        self.market_status[0].normal = BeI16::new(status);
    }

    /// Makes so many of the answers to come be kept and not sent, as when a gateway loses them.
    pub const fn drop_answers(&mut self, count: u32) {
        self.drop_answers = count;
    }

    /// Takes bytes of the connection that is open, and says how many: fewer than there are when
    /// events must be polled first.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Nanos) -> usize {
        let mut taken = 0;
        while taken < bytes.len()
            && self.phase != Phase::Closed
            && self.events.len() + EVENTS_MIN <= self.events_max
            && self.has_legs_room()
        {
            let Ok((size, is_whole)) = self.framer.take(&bytes[taken..]) else {
                self.counters.refused += 1;
                self.close(Reason::INVALID_PACKET, now);
                break;
            };
            taken += size;
            if is_whole {
                self.on_packet(now);
            }
        }
        if self.phase == Phase::Closed { bytes.len() } else { taken }
    }

    fn on_packet(&mut self, now: Nanos) {
        let mut packet = [0; PACKET_SIZE_MAX];
        let sealed = self.framer.packet();
        let size = sealed.len();
        packet[..size].copy_from_slice(sealed);
        let packet = &mut packet[..size];
        if self.cipher.open(packet).is_err() {
            self.counters.refused += 1;
            let is_router = matches!(self.phase, Phase::Router | Phase::RouterAnswered);
            self.close(if is_router { Reason::ROUTER_CHECKSUM } else { Reason::CHECKSUM }, now);
            return;
        }
        self.counters.packets_in += 1;
        let (envelope, message) = packet.split_at(Envelope::SIZE);
        let sequence = u32::from_be_bytes([envelope[2], envelope[3], envelope[4], envelope[5]]);
        let silence = now.since(self.last_traffic);
        self.last_traffic = now;
        self.on_message(sequence, message, silence, now);
    }

    /// Copies out bytes to send; how many. A download under way goes on as room comes free.
    pub fn poll_transmit(&mut self, buffer: &mut [u8], now: Nanos) -> usize {
        self.go_on_with_download(now);
        self.outbox.give(buffer)
    }

    /// Whether bytes wait to be sent.
    #[must_use]
    pub const fn has_transmit(&self) -> bool {
        !self.outbox.is_empty() || self.download.is_some()
    }

    /// The next thing the exchange should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::on_timeout`] is due; [`Nanos::MAX`] for never.
    #[must_use]
    pub fn next_timeout(&self) -> Nanos {
        match self.phase {
            Phase::Closed => Nanos::MAX,
            _ => self.last_traffic.plus(self.silence_ns_max()),
        }
    }

    /// Lets time pass: a member that stayed silent for two heartbeats, and the grace of a third, is
    /// signed off.
    pub fn on_timeout(&mut self, now: Nanos) {
        if now >= self.next_timeout() {
            self.close(Reason::HEARTBEAT_MISSED, now);
        }
    }

    const fn silence_ns_max(&self) -> i64 {
        self.heartbeat_ns.saturating_mul(3)
    }

    /// Ends the session from this side: box sign-off with a reason, then the close.
    pub fn close(&mut self, reason: i16, now: Nanos) {
        if matches!(self.phase, Phase::BoxSignOn | Phase::SignOn | Phase::SignedOn) {
            let mut message = BoxMessage {
                header: header(Code::SECURE_BOX_SIGN_OFF, self.user_id, BoxMessage::SIZE, now),
                box_id: BeI16::new(self.box_id),
            };
            message.header.error_code = BeI16::new(reason);
            self.say(0, bytemuck::bytes_of(&message), now);
        }
        self.framer.clear();
        self.download = None;
        if self.phase == Phase::SignedOn {
            self.push(Event::SignedOff);
        }
        if self.phase != Phase::Closed {
            self.push(Event::Close(reason));
        }
        self.phase = Phase::Closed;
    }

    /// Seals a message and lets it wait. One for which there is no room is lost with its
    /// connection: a member who reads too slowly finds it in the next download.
    fn say(&mut self, sequence: u32, message: &[u8], now: Nanos) -> bool {
        let mut packet = [0; PACKET_SIZE_MAX];
        let size = Envelope::SIZE + message.len();
        if self.outbox.room() < size {
            return false;
        }
        let envelope = Envelope {
            length: BeU16::new(size as u16),
            sequence: BeU32::new(if self.encryption == super::Encryption::Plain {
                0
            } else {
                sequence
            }),
            checksum: [0; 16],
        };
        packet[..Envelope::SIZE].copy_from_slice(bytemuck::bytes_of(&envelope));
        packet[Envelope::SIZE..size].copy_from_slice(message);
        if self.cipher.seal(&mut packet[..size]).is_err() {
            return false;
        }
        self.counters.packets_out += 1;
        self.last_traffic = now;
        self.outbox.push(&packet[..size])
    }

    fn push(&mut self, event: Event) {
        if self.events.len() < self.events_max {
            self.events.push_back(event);
        }
    }

    /// The time of the next message of the matching engine: later than every one before it.
    fn tick(&mut self, now: Nanos) -> (i64, i64, i32) {
        let nanos = NseTime::from_nanos(now).0;
        self.nanos = (self.nanos + 1).max(nanos);
        self.jiffies = (self.jiffies + 1).max(jiffies_of(nanos));
        (self.jiffies, self.nanos, wire_seconds(now))
    }

    /// Fresh keys. Drawn from the seed, since nothing here is random: for simulations only.
    fn draw_keys(&mut self) -> (SessionKeys, Secret<8>) {
        let mut keys = SessionKeys::NONE;
        let mut session_key = Secret([0; 8]);
        if self.encryption != super::Encryption::Plain {
            self.fill_random(&mut keys.key.0);
            self.fill_random(&mut keys.iv.0);
            self.fill_random(&mut keys.additional.0);
        }
        self.fill_random(&mut session_key.0);
        (keys, session_key)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn fill_random(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut x = self.seed;
            x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (x ^ (x >> 31)) as u8;
        }
    }

    fn cipher_of(&self, keys: &SessionKeys) -> Cipher {
        Cipher::new(self.encryption, keys, End::Exchange)
    }
}

/// Events that one packet may bring about.
const EVENTS_MIN: usize = 8;

/// Jiffies of a time in nanoseconds, both since 1980.
#[inline]
const fn jiffies_of(nanos: i64) -> i64 {
    const SECOND_NS: i64 = 1_000_000_000;
    // Whole seconds and the rest apart: the product as a whole would need a division of 128 bits.
    nanos / SECOND_NS * 65_536 + nanos % SECOND_NS * 65_536 / SECOND_NS
}

/// Every market open.
fn open_markets() -> MarketStatus {
    let open = BeI16::new(1);
    MarketStatus { normal: open, oddlot: open, spot: open, auction: open }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Rng;
    use super::*;

    #[test]
    fn jiffies_are_those_of_the_whole_product() {
        const SEED: u64 = 0x71ff;
        let mut rng = Rng(SEED);
        let edges = [i64::MIN, -1_000_000_001, -1, 0, 1, 999_999_999, 1_000_000_000, i64::MAX];
        let random = core::iter::repeat_with(|| rng.next().cast_signed()).take(20_000);
        for nanos in edges.into_iter().chain(random) {
            let whole = i128::from(nanos) * 65_536 / 1_000_000_000;
            assert_eq!(i128::from(jiffies_of(nanos)), whole, "seed {SEED:#x}, {nanos}");
        }
    }
}
