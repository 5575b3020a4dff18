//! What really happened to the desk's orders, noted at the exchange's matcher: no session, socket or
//! message lies between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tezi_core::matching::{Matcher, Report, Trade};
use tezi_core::venue::bands::PriceBand;
use tezi_exchange::{Action, BACKGROUND_MEMBERS, Background};
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Side};

/// What the exchange knows of the one member that trades by a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    /// Orders that were accepted, and whether they live.
    pub(super) orders: BTreeMap<OrderId, bool>,
    /// Trades that stand, by number and side, with what they are of.
    pub(super) trades: BTreeMap<(u64, u8), OwnTrade>,
    /// Trades that were taken back.
    pub(super) taken_back: u64,
    /// Net position by instrument.
    pub(super) net: BTreeMap<InstrumentId, i64>,
    /// The largest of them that a trade ever made, long or short, less what was taken back until
    /// then: nobody can keep the exchange from that.
    pub(super) net_max: i64,
    /// Of trades that were taken back.
    quantity_taken_back: i64,
    /// Changes of an order that no longer lived, or that never did: the matcher's own fault.
    pub(super) impossible: u64,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnTrade {
    pub(super) order_id: OrderId,
    pub(super) price: Px,
    pub(super) quantity: u32,
}

impl Truth {
    fn on_report(&mut self, report: &Report) {
        match report {
            Report::Accepted(state) | Report::Frozen(state) if is_own(state.member) => {
                self.orders.insert(state.order_id, true);
            }
            Report::Canceled(state, _) if is_own(state.member) => self.end(state.order_id),
            Report::Traded(trade) => self.on_trade(trade, 1),
            Report::TradeCanceled(trade) => self.on_trade(trade, -1),
            _ => {}
        }
    }

    fn end(&mut self, order_id: OrderId) {
        let was_alive = self.orders.insert(order_id, false);
        self.impossible += u64::from(was_alive != Some(true));
    }

    /// A trade that was made, or taken back.
    fn on_trade(&mut self, trade: &Trade, sign: i64) {
        for side in Side::BOTH {
            let at = side as usize;
            if !is_own(trade.members[at]) {
                continue;
            }
            let order_id = trade.order_ids[at];
            let quantity = i64::from(trade.quantity.0) * sign;
            let net = self.net.entry(trade.instrument).or_default();
            *net += if side == Side::Buy { quantity } else { -quantity };
            let net = net.abs();
            let key = (trade.trade_id, side as u8);
            if sign < 0 {
                self.taken_back += u64::from(self.trades.remove(&key).is_some());
                self.quantity_taken_back += quantity.abs();
                continue;
            }
            self.net_max = self.net_max.max(net - self.quantity_taken_back);
            let own = OwnTrade { order_id, price: trade.price, quantity: trade.quantity.0 };
            self.trades.insert(key, own);
            if trade.open[at].0 == 0 {
                self.end(order_id);
            }
        }
    }

    /// Orders that live.
    pub(super) fn open(&self) -> impl Iterator<Item = OrderId> + '_ {
        self.orders.iter().filter(|(_, lives)| **lives).map(|(id, _)| *id)
    }
}

const fn is_own(member: u32) -> bool {
    member >= BACKGROUND_MEMBERS
}

/// Shared between the exchange and whoever judges.
#[derive(Clone, Default)]
pub(super) struct TruthOf(Arc<Mutex<Truth>>);

impl TruthOf {
    pub(super) fn get(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A background that is listened to.
pub(super) struct Witness {
    pub(super) background: Box<dyn Background + Send>,
    pub(super) truth: TruthOf,
    /// Whether the others go on trading.
    pub(super) is_open: Arc<std::sync::atomic::AtomicBool>,
}

impl Background for Witness {
    fn next_due(&self) -> Option<Nanos> {
        let is_open = self.is_open.load(std::sync::atomic::Ordering::Relaxed);
        self.background.next_due().filter(|_| is_open)
    }

    fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action> {
        self.background.poll(now, matcher)
    }

    fn on_report(&mut self, report: &Report) {
        self.truth.get().on_report(report);
        self.background.on_report(report);
    }

    fn is_protected(&self) -> bool {
        self.background.is_protected()
    }

    fn on_band(&mut self, instrument: InstrumentId, band: PriceBand) {
        self.background.on_band(instrument, band);
    }
}
