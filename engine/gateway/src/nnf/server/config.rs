//! What the exchange's half of a session is told at the start, and what it says.

use core::fmt;
use core::net::Ipv4Addr;

use super::super::legs::{Legs, LegsForm};
use super::super::link::Encryption;
use super::super::wire::ContractDesc;
use super::image::OrderImage;

/// One box with one user, as the exchange has them in its books.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// The box.
    pub box_id: i16,
    /// The trading member.
    pub broker_id: &'a str,
    /// The user.
    pub user_id: i32,
    /// The user's password.
    pub password: &'a str,
    /// The protocol's version that users must have; 0 takes any.
    pub version: i32,
    /// What was agreed for this box.
    pub encryption: Encryption,
    /// The gateway that the router names.
    pub gateway: (Ipv4Addr, u16),
    /// Streams of the matching engine, 1 to 127.
    pub streams: u8,
    /// From it come keys and session keys. Good for a simulation and for nothing else.
    pub seed: u64,
    /// Messages kept for downloads.
    pub log_messages: usize,
    /// Bytes that may wait to be sent, at least 4,096.
    pub outbox_bytes: usize,
    /// Events that may wait to be polled, at least 8.
    pub events: usize,
    /// Order messages in any second before 17106; 0 for no limit.
    pub messages_per_second: u32,
    /// Silence that counts as one heartbeat missed.
    pub heartbeat_ns: i64,
    /// Heartbeats beyond one in an interval before 17107.
    pub early_heartbeats: u32,
    /// Whether a downloaded message has the inner header rather than the ordinary one.
    pub inner_header: bool,
}

/// Why the exchange's half cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Box, user or a number of streams that cannot be.
    Number,
    /// A text that does not fit its field.
    Text,
    /// A bound too small to work with.
    Limit,
    /// A segment without NNF sessions here.
    Segment,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Number => "box and user must be positive, and streams 1 to 127",
            Self::Text => "member and password must fit their fields",
            Self::Limit => "a bound is too small",
            Self::Segment => "sessions are of NSE futures and options or capital market",
        })
    }
}

impl core::error::Error for ConfigError {}

/// Where a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The gateway router.
    Router,
    /// The gateway.
    Gateway,
}

/// What a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A new order.
    New,
    /// Another price or quantity.
    Modify,
    /// The end of an order.
    Cancel,
}

/// A request as it came, its form checked and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it asks.
    pub kind: RequestKind,
    /// The envelope's number, to be echoed.
    pub sequence: u32,
    /// The order it describes.
    pub order: OrderImage,
}

/// A request for a spread or for an order of several legs, its form checked and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsRequest {
    /// What it asks. Only spreads can be changed or cancelled.
    pub kind: RequestKind,
    /// Of which form the order is.
    pub form: LegsForm,
    /// The envelope's number, to be echoed.
    pub sequence: u32,
    /// The order it describes, as of its first leg.
    pub order: OrderImage,
    /// The further legs.
    pub legs: Legs,
}

/// One thing the exchange should know or do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "requests are the common case, and a box allocates")]
pub enum Event {
    /// The user is signed on.
    SignedOn,
    /// The user is gone: orders with cancel-on-logoff are to be cancelled.
    SignedOff,
    /// A request for the matching engine.
    Request(Request),
    /// A request of several legs, to be had from
    /// [`Session::poll_legs_request`](super::Session::poll_legs_request), one for each such event and
    /// in their order. It is half as long again as other requests and rare, so that it does not
    /// travel in the event.
    LegsRequest,
    /// Cancel everything of the user, or everything in one contract.
    KillSwitch {
        /// The contract's number, -1 for one that goes by its descriptor as in the capital market;
        /// none for everything.
        token: Option<i32>,
        /// The contract by its terms; blank for everything.
        descriptor: ContractDesc,
    },
    /// Send what waits, then close the connection. The reason is the exchange's code, 0 for none.
    Close(i16),
}

/// What the exchange decided on an order. The codes are of an order in one contract; spreads and orders of
/// several legs have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// The new order is in the book: 20073.
    Confirmed,
    /// The change is made: 20074.
    Modified,
    /// The order is out of the book, asked or unasked: 20075.
    Cancelled,
    /// The new order is refused: 2231; 20231 where the capital market answers trimmed.
    Refused,
    /// The change is refused: 2042, 20042.
    ModifyRefused,
    /// The cancel is refused: 2072, 20072.
    CancelRefused,
    /// The order waits for approval: 2170.
    Frozen,
    /// A market order got a price: 2012, 20012.
    MarketPrice,
    /// Cancelled in a batch: 9002.
    BatchCancelled,
}

/// What happened with a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeKind {
    /// It was made: 20222.
    Made,
    /// The exchange took it back: 2282.
    Cancelled,
    /// It is not one: a stop-loss order was triggered, 2212.
    Triggered,
}

/// What went on so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets opened.
    pub packets_in: u64,
    /// Packets sealed.
    pub packets_out: u64,
    /// Packets and messages refused, whatever the reason.
    pub refused: u64,
    /// Heartbeats ahead of their time.
    pub early_heartbeats: u64,
    /// Answers not sent, by order of a test.
    pub dropped: u64,
    /// Messages forgotten for want of room; a download lacks them.
    pub forgotten: u64,
}
