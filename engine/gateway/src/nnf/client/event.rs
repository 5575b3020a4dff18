//! What a member's session says to its host.

use core::fmt;
use core::net::Ipv4Addr;

use tezi_model::{ClientOrderId, ExecutionReport, Side, Token};

use super::super::decode::DecodeError;
use super::super::encode::EncodeError;
use super::super::link::CipherError;
use super::super::notice::Notice;

/// Where the next connection goes. One at a time: the host closes the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The gateway router, over TLS where the exchange is a real one. Its address is the host's.
    Router,
    /// The gateway the router named, over plain TCP.
    Gateway {
        /// Its address.
        address: Ipv4Addr,
        /// Its port.
        port: u16,
    },
}

/// How the session learned of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The exchange said it at once.
    Live,
    /// The exchange said it again in a message download.
    Download,
    /// The session knows it: the reason is one of [`LocalReason`].
    Session,
}

/// Reasons in reports that the session itself makes. Above 32,767, so that none is a code of the
/// exchange.
pub struct LocalReason;

impl LocalReason {
    /// The request was never handed to the connection that ended.
    pub const NOT_SENT: u16 = 60_001;
    /// A download shows that the request never got to the exchange.
    pub const NOT_AT_EXCHANGE: u16 = 60_002;
    /// The stream of the matching engine failed, and the order with it.
    pub const STREAM_OUTAGE: u16 = 60_003;
    /// All messages of the day say nothing of an order that an earlier process knew as open.
    pub const NOT_IN_DAY: u16 = 60_004;
    /// The order was filled to its end before the change got to the exchange, which has nothing to
    /// change any more.
    pub const FILLED: u16 = 60_005;
}

/// Why a connection ended or is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The user signed off, or the host asked for the end.
    SignedOff,
    /// The exchange did not answer in time.
    ReplyTimeout,
    /// Heartbeats were not answered.
    HeartbeatMissed,
    /// The gateway ended the session, for this reason.
    GatewaySignOff(i16),
    /// A step of signing on was refused.
    Refused {
        /// The step.
        transaction_code: i16,
        /// The exchange's reason.
        error_code: i16,
    },
    /// What arrived is not what was sealed.
    Cipher(CipherError),
    /// The stream of bytes is lost.
    Framing(DecodeError),
    /// The router handed out what the session's encryption cannot use, or no address.
    RouterAnswer,
    /// The market status was stale again and again.
    LocalDatabase,
}

/// One thing the host should know or do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Open this connection and say so with `on_connected`.
    Connect(Endpoint),
    /// Close the connection. The session counts it as closed already.
    Disconnect(DisconnectReason),
    /// Box and user are signed on.
    SignedOn,
    /// All messages of the day are known; orders may leave.
    Live,
    /// The state of the normal market: 0 pre-open, 1 open, 2 closed, 3 pre-open ended, 4
    /// post-close.
    MarketStatus(i16),
    /// A report for the core.
    Report {
        /// The report; its `client_order_id` is 0 for an order that this session did not send.
        report: ExecutionReport,
        /// How it became known.
        origin: Origin,
    },
    /// One leg of a spread order, or of an order of two or three legs, traded, or what was left of it is
    /// gone. The order has ended when nothing is open of any leg; no report of its own says so.
    Leg {
        /// A fill of the leg at its own price, or its end; its `client_order_id` is 0 for an order that
        /// this session did not send.
        report: ExecutionReport,
        /// The leg's contract.
        token: Token,
        /// The leg's side.
        side: Side,
        /// How it became known.
        origin: Origin,
    },
    /// Something else about an order.
    Notice(Notice),
    /// The gateway has the request. It says nothing about the order itself.
    Acknowledged {
        /// The order.
        client_order_id: ClientOrderId,
        /// 0, or what the gateway has against it.
        error_code: i16,
    },
    /// So many requests are without an answer for longer than they should be; they stay in flight
    /// and a download looks for them.
    Unanswered(u32),
    /// A stream of the matching engine failed, or is back. Orders of a failed one are gone and
    /// reported so.
    StreamOutage {
        /// The stream.
        stream: u8,
        /// Whether it failed.
        begins: bool,
    },
    /// A message that says nothing the session can use.
    Malformed(DecodeError),
}

/// Why a command did not leave. The session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The session is not live.
    NotLive,
    /// NNF cannot say it.
    Encode(EncodeError),
    /// So many order messages left within the last second already.
    Rate,
    /// Too many bytes wait to be sent.
    Backlog,
    /// As many orders are open or in flight as may be.
    Capacity,
    /// As many orders were sent today as may be.
    DayCapacity,
    /// An order with the same number, or the same low half of it, is open.
    DuplicateOrder,
    /// No such order is open.
    UnknownOrder,
    /// An earlier request on the order is not answered, and a change must echo its answer.
    InFlight,
    /// The encryption of the connection can take no more.
    Cipher(CipherError),
    /// A spread order cannot be taken over from an earlier process: of its legs' trades a journal does not
    /// say enough. The day's messages bring it, as the order of a stranger.
    NotResumable,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLive => f.write_str("the session is not live"),
            Self::Encode(error) => error.fmt(f),
            Self::Rate => f.write_str("the subscribed message rate is used up"),
            Self::Backlog => f.write_str("too many bytes wait to be sent"),
            Self::Capacity => f.write_str("too many orders are open or in flight"),
            Self::DayCapacity => f.write_str("too many orders were sent today"),
            Self::DuplicateOrder => f.write_str("an order with this number is open"),
            Self::UnknownOrder => f.write_str("no order with this number is open"),
            Self::InFlight => f.write_str("an earlier request on the order is not answered"),
            Self::Cipher(error) => error.fmt(f),
            Self::NotResumable => f.write_str("a spread order is not taken over"),
        }
    }
}

impl core::error::Error for CommandError {}

/// What a session counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that ended, however.
    pub disconnects: u64,
    /// Packets opened.
    pub packets_in: u64,
    /// Packets sealed.
    pub packets_out: u64,
    /// Order requests among them.
    pub requests: u64,
    /// Messages heard again and passed over.
    pub duplicates: u64,
    /// Messages that showed that an earlier one is missing; each wants a download.
    pub gaps: u64,
    /// Reports on orders that this session did not send.
    pub foreign: u64,
    /// Messages that say nothing the session can use.
    pub malformed: u64,
    /// Messages that have no place in the state of the session, passed over.
    pub unexpected: u64,
    /// Downloads begun.
    pub downloads: u64,
    /// Commands refused.
    pub commands_refused: u64,
}
