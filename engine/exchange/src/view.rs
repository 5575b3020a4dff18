//! What an operator sees: counts, boxes, trades.

use tezi_core::matching::Trade;

pub use crate::members::Activity;

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests of boxes that reached the exchange.
    pub requests: u64,
    /// Of them, refused with an error code.
    pub refused: u64,
    /// Of the requests, those for spreads and for orders of two and three legs.
    pub legs_requests: u64,
    /// Requests of the background.
    pub background_requests: u64,
    /// Of them, refused.
    pub background_refused: u64,
    /// Trades.
    pub trades: u64,
    /// Units traded.
    pub quantity_traded: u64,
    /// Orders that limit price protection refused, of boxes and background.
    pub protected: u64,
    /// Trades taken back of which a member could not be told any more.
    pub untold: u64,
    /// Frozen requests that were gone, or not possible any more, when the exchange decided on them.
    pub frozen_gone: u64,
    /// Kill switches.
    pub kill_switches: u64,
    /// Kill switches in contracts that are not listed.
    pub kill_switches_unknown: u64,
    /// Orders cancelled because their user was gone.
    pub canceled_on_logoff: u64,
    /// Events of the day that were not possible: a fourth halt, a contract that is not listed.
    pub events_refused: u64,
    /// Messages of market data.
    pub messages: u64,
    /// Datagrams that wait to be polled.
    pub datagrams_waiting: u64,
    /// Datagrams lost for want of room.
    pub datagrams_lost: u64,
    /// Datagrams of the five-level feed.
    pub broadcast_datagrams: u64,
    /// Contracts in them.
    pub broadcast_records: u64,
    /// Contracts that no message of it could say.
    pub broadcast_refused: u64,
}

/// One box, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxView {
    /// The box.
    pub box_id: i16,
    /// Its user.
    pub user_id: i32,
    /// Whether the user is signed on.
    pub is_signed_on: bool,
    /// Orders that live.
    pub orders: u32,
    /// What it asked and was answered.
    pub activity: Activity,
    /// What its session counted.
    pub session: tezi_gateway::nnf::server::Counters,
}

/// The latest trades, the newest last.
pub type RecentTrades<'a> = std::collections::vec_deque::Iter<'a, Trade>;
