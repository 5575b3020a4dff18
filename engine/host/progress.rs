//! How far a session is, for whoever looks on. The core stores; it never waits.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use tezi_model::{Money, Px};

use crate::replication::ReplicaLink;

/// Numbers that the core's thread keeps up to date.
#[derive(Debug, Default)]
pub struct Progress {
    events: AtomicU64,
    orders: AtomicU64,
    fills: AtomicU64,
    profit_paise: AtomicI64,
    /// 0 while there is no order session; 1 while it is down, 2 while it is live.
    orders_live: AtomicU8,
    /// A [`TradingState`] code.
    trading: AtomicU8,
    /// 0 while the journal is not replicated, else the code of a [`ReplicaLink`].
    replica: AtomicU8,
}

/// Whether new orders may leave, as far as operators and limits are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum TradingState {
    /// They may.
    #[default]
    Trading = 0,
    /// Those that take no risk away may not.
    Reducing = 1,
    /// None may: an operator has paused trading.
    Paused = 2,
    /// None may: trading is stopped for good.
    Stopped = 3,
}

impl TradingState {
    const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Trading,
            1 => Self::Reducing,
            2 => Self::Paused,
            _ => Self::Stopped,
        }
    }
}

/// What a progress line shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// Part of the session that is sent, in thousandths; `None` where it is not known.
    pub done_permille: Option<u32>,
    /// Market events taken in.
    pub events: u64,
    /// Order messages that left.
    pub orders: u64,
    /// Fills.
    pub fills: u64,
    /// Profit so far, before charges.
    pub profit: Money,
    /// Whether the order session is live; `None` without one.
    pub orders_live: Option<bool>,
    /// Whether new orders may leave.
    pub trading: TradingState,
    /// How the journal's follower stands; `None` without one.
    pub replica: Option<ReplicaLink>,
}

impl Progress {
    pub(crate) fn set(&self, events: u64, orders: u64, fills: u64, profit: Money) {
        let paise = i64::try_from(profit.0 / i128::from(Px::PAISA)).unwrap_or(i64::MAX);
        self.events.store(events, Ordering::Relaxed);
        self.orders.store(orders, Ordering::Relaxed);
        self.fills.store(fills, Ordering::Relaxed);
        self.profit_paise.store(paise, Ordering::Relaxed);
    }

    pub(crate) fn set_trading(&self, state: TradingState) {
        self.trading.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn set_orders_live(&self, is_live: bool) {
        self.orders_live.store(1 + u8::from(is_live), Ordering::Relaxed);
    }

    pub(crate) fn set_replica(&self, link: ReplicaLink) {
        self.replica.store(link as u8, Ordering::Relaxed);
    }

    pub(crate) fn update(&self, done_permille: Option<u32>) -> ProgressUpdate {
        let paise = i128::from(self.profit_paise.load(Ordering::Relaxed));
        ProgressUpdate {
            done_permille,
            events: self.events.load(Ordering::Relaxed),
            orders: self.orders.load(Ordering::Relaxed),
            fills: self.fills.load(Ordering::Relaxed),
            profit: Money(paise * i128::from(Px::PAISA)),
            orders_live: match self.orders_live.load(Ordering::Relaxed) {
                0 => None,
                state => Some(state == 2),
            },
            trading: TradingState::from_code(self.trading.load(Ordering::Relaxed)),
            replica: ReplicaLink::from_code(self.replica.load(Ordering::Relaxed)),
        }
    }
}
