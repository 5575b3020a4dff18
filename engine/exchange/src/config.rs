//! What the exchange is told at the start: its day, what is listed, who is connected, what happens.

use core::fmt;
use core::net::Ipv4Addr;

use tezi_core::matching::Refusal;
use tezi_core::venue::Date;
use tezi_core::venue::rules::{MissingRule, RuleError, Rules};
use tezi_core::venue::session::SessionError;
use tezi_gateway::nnf::server::ConfigError as SessionConfigError;
use tezi_gateway::nnf::{ContractError, Encryption, Underlying};
use tezi_model::{Instrument, Nanos, Px, Segment, Token};

use crate::broadcast::BroadcastConfig;
use crate::datagrams::Lines;
use crate::spreads::SpreadListing;

/// One contract of the day.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// The contract. What it does not say (tick, lot, band, freeze quantity) the day's rules do.
    pub instrument: Instrument,
    /// What it is on: an index or a share; of a share its series.
    pub underlying: Underlying,
    /// The market-data stream that carries it, from 1.
    pub stream: u8,
    /// Previous close or base price.
    pub reference: Px,
}

/// What goes wrong at a box's gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayFaults {
    /// Answers to requests that are lost, in a million.
    pub drop_answers_per_million: u32,
    /// Order requests after which the connection breaks: the last of them is acted on, its answer
    /// never leaves. Counted anew after each break; 0 for never.
    pub disconnect_after: u32,
    /// How long a request is on its way to the matching engine, in nanoseconds.
    pub delay_ns: i64,
}

/// One box with one user.
#[derive(Clone, Debug)]
pub struct BoxConfig {
    /// The box, positive.
    pub box_id: i16,
    /// The trading member.
    pub broker_id: String,
    /// The user.
    pub user_id: i32,
    /// The user's password.
    pub password: String,
    /// Of the protocol, as VVRRSS; 0 takes any.
    pub version: i32,
    /// What was agreed for this box.
    pub encryption: Encryption,
    /// The gateway that the router names.
    pub gateway: (Ipv4Addr, u16),
    /// Order messages in any second before the box is thrown out; 0 for no limit.
    pub messages_per_second: u32,
    /// What goes wrong.
    pub faults: GatewayFaults,
}

/// What the exchange does with an order above the freeze quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezePolicy {
    /// Whether it is let in.
    pub approves: bool,
    /// How long the exchange takes to decide, in nanoseconds.
    pub after_ns: i64,
}

/// Something that happens at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// The market-wide circuit breaker reaches a level, 1 to 3. How long trading stops, and how it
    /// begins again, is the rules' to say.
    Breaker(u8),
    /// The exchange stops all trading until it says otherwise.
    Halt,
    /// Trading goes on after [`VenueEvent::Halt`].
    Resume,
    /// A contract has another price band; orders outside of it leave.
    Band {
        /// The contract.
        token: Token,
        /// The lowest price.
        low: Px,
        /// The highest price.
        high: Px,
    },
    /// Datagrams begin to get lost on lines of a stream, or of all streams.
    LossBegins {
        /// The stream; `None` for all.
        stream: Option<u8>,
        /// The lines on which nothing arrives.
        lines: Lines,
    },
    /// The loss is over.
    LossEnds {
        /// The stream; `None` for all.
        stream: Option<u8>,
        /// The lines that work again.
        lines: Lines,
    },
    /// A stream moves to the recovery site: its numbers begin at 1 again, with the orders that rest.
    StreamRestart(u8),
    /// Trading in the contracts that expire on the day ends, as at the close.
    Expiry,
    /// The exchange takes a trade back, by its number.
    TradeCancel(u64),
}

/// A [`VenueEvent`] and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// When it happens.
    pub at: Nanos,
    /// What happens.
    pub event: VenueEvent,
}

/// Bounds, all of them allocated at start. At a bound a request is refused, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Orders that rest at one time.
    pub orders: u32,
    /// Price levels that are occupied at one time.
    pub levels: u32,
    /// Stop-loss orders that wait at one time.
    pub stops: u32,
    /// Frozen requests that wait at one time.
    pub frozen: u32,
    /// Trades that can be taken back: the latest.
    pub trades: u32,
    /// Orders of boxes that live at one time. Finished ones are remembered until their room is needed.
    pub member_orders: u32,
    /// Datagrams that wait to be polled; what comes beyond is lost to all, and counted.
    pub datagrams: u32,
    /// Messages of the day that each box can download.
    pub log_messages: u32,
    /// Bytes that wait to be sent to each box.
    pub outbox_bytes: u32,
    /// Requests on their way through slow gateways.
    pub slow_requests: u32,
}

impl Default for Limits {
    /// Room for some hundred contracts and a handful of boxes: about 250 MB and 30 MB a box.
    fn default() -> Self {
        Self {
            orders: 1 << 19,
            levels: 1 << 16,
            stops: 1 << 14,
            frozen: 1 << 10,
            trades: 1 << 16,
            member_orders: 1 << 14,
            datagrams: 1 << 20,
            log_messages: 1 << 16,
            outbox_bytes: 1 << 20,
            slow_requests: 1 << 12,
        }
    }
}

impl Limits {
    /// Room for a test.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            orders: 4_096,
            levels: 2_048,
            stops: 256,
            frozen: 16,
            trades: 4_096,
            member_orders: 1_024,
            datagrams: 1 << 14,
            log_messages: 1 << 14,
            outbox_bytes: 1 << 16,
            slow_requests: 64,
        }
    }
}

/// Everything that is fixed for a day.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// The segment: futures and options or the capital market of NSE.
    pub segment: Segment,
    /// The day.
    pub date: Date,
    /// From it come keys, random closes and faults.
    pub seed: u64,
    /// The dated rules.
    pub rules: Rules,
    /// What is listed.
    pub listings: Vec<Listing>,
    /// Calendar spreads of what is listed.
    pub spreads: Vec<SpreadListing>,
    /// Who may connect.
    pub boxes: Vec<BoxConfig>,
    /// Market-data streams, numbered from 1.
    pub streams: u8,
    /// The feed of five levels; `None` for none.
    pub broadcast: Option<BroadcastConfig>,
    /// Silence after which a stream says that it lives, in nanoseconds.
    pub heartbeat_ns: i64,
    /// Silence of a member that counts as one heartbeat missed, in nanoseconds (FO 9.48, chapter 11).
    pub member_heartbeat_ns: i64,
    /// The prefix of order numbers, two digits (FO 9.48, chapter 4).
    pub order_prefix: u8,
    /// Previous closes of NIFTY 50 and SENSEX, for the circuit breaker; 0 where not known.
    pub index_closes: [Px; 2],
    /// What becomes of frozen orders.
    pub freeze: FreezePolicy,
    /// What happens, in any order.
    pub events: Vec<TimedEvent>,
    /// Bounds.
    pub limits: Limits,
}

impl ExchangeConfig {
    /// A day on which nothing is listed and nobody connects, with two-second heartbeats and frozen
    /// orders let in after two seconds.
    ///
    /// # Errors
    ///
    /// [`RuleError`], which a test of the rules excludes.
    pub fn new(date: Date) -> Result<Self, RuleError> {
        const SECOND_NS: i64 = 1_000_000_000;
        Ok(Self {
            segment: Segment::NseFo,
            date,
            seed: 1,
            rules: Rules::builtin()?,
            listings: Vec::new(),
            spreads: Vec::new(),
            boxes: Vec::new(),
            streams: 1,
            broadcast: None,
            heartbeat_ns: 2 * SECOND_NS,
            member_heartbeat_ns: 30 * SECOND_NS,
            order_prefix: 11,
            index_closes: [Px::ZERO; 2],
            freeze: FreezePolicy { approves: true, after_ns: 2 * SECOND_NS },
            events: Vec::new(),
            limits: Limits::default(),
        })
    }
}

/// Why an exchange cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Only futures and options and the capital market of NSE are simulated.
    Segment(Segment),
    /// A number outside its range; which one.
    Range(&'static str),
    /// A contract that order entry cannot name.
    Contract {
        /// Its number.
        token: Token,
        /// Why not.
        error: ContractError,
    },
    /// Two contracts with one number.
    TokenTwice(Token),
    /// Two contracts that are no spread.
    Spread {
        /// Their numbers.
        legs: [Token; 2],
        /// Why not.
        why: &'static str,
    },
    /// Two boxes with one number.
    BoxTwice(i16),
    /// A contract on a stream that is not there.
    Stream(Token),
    /// A box that cannot be.
    Box(i16, SessionConfigError),
    /// A dated rule is missing.
    Rule(MissingRule),
    /// The day has no timetable.
    Session(SessionError),
    /// More contracts than there is room for.
    Capacity(Refusal),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(segment) => write!(f, "segment {} is not simulated", segment.name()),
            Self::Range(name) => write!(f, "{name} is out of range"),
            Self::Contract { token, error } => write!(f, "contract {token}: {error}"),
            Self::TokenTwice(token) => write!(f, "two contracts have token {token}"),
            Self::Spread { legs: [near, far], why } => write!(f, "spread {near}/{far}: {why}"),
            Self::BoxTwice(box_id) => write!(f, "two boxes have number {box_id}"),
            Self::Stream(token) => write!(f, "contract {token} is on a stream that is not there"),
            Self::Box(box_id, error) => write!(f, "box {box_id}: {error}"),
            Self::Rule(missing) => missing.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Capacity(refusal) => refusal.fmt(f),
        }
    }
}

impl core::error::Error for ConfigError {}

impl From<MissingRule> for ConfigError {
    fn from(missing: MissingRule) -> Self {
        Self::Rule(missing)
    }
}

impl From<SessionError> for ConfigError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}
