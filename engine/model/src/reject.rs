//! Why the engine refuses an order before it leaves.

use core::fmt;

macro_rules! reject_reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $message:literal;)+) => {
        /// The reason of a refusal, one code each.
        ///
        /// Codes are fixed: journals and reports of years hold them. They are ordered by
        /// precedence: when several checks fail, the lowest code is the answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum RejectReason {
            $($(#[$doc])* $name = $code,)+
        }

        impl RejectReason {
            /// Every reason, by precedence.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The reason a record's number stands for.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// A name for programs, in snake case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What a dealer should read.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)+
                }
            }
        }
    };
}

reject_reasons! {
    /// The kill switch is on.
    Killed = 10, "killed", "trading is stopped: the kill switch is on";
    /// The loss limit of the day is used up.
    LossLimit = 11, "loss_limit", "the day's loss limit is reached";
    /// The profit has fallen too far from its highest of the day.
    Drawdown = 12, "drawdown", "the profit has fallen from the day's highest by the drawdown limit";
    /// Too much lost in a minute.
    MinuteLoss = 13, "minute_loss", "the limit on the loss of one minute is reached";
    /// An operator has paused trading.
    Paused = 14, "paused", "trading is paused by an operator: only cancels leave";
    /// No such instrument, or one that cannot be traded.
    UnknownInstrument = 20, "unknown_instrument", "the instrument is not known";
    /// Its market data has a hole.
    StaleMarketData = 21, "stale_market_data", "the book may be wrong: messages of its stream are lost";
    /// Its trading is halted or over, or that of its whole segment.
    NotTrading = 22, "not_trading", "the exchange has halted or closed trading in the instrument";
    /// Nothing that can be ordered here: an index, or a spread of two legs, whose exposure no limit
    /// knows yet.
    NotTradable = 23, "not_tradable", "orders in an index or in a spread of two legs are not possible";
    /// No such order.
    UnknownOrder = 30, "unknown_order", "no such order";
    /// The order can no longer change.
    OrderClosed = 31, "order_closed", "the order is already filled, cancelled or rejected";
    /// An earlier request for this order is not answered yet.
    RequestPending = 32, "request_pending", "an earlier request for this order is still unanswered";
    /// Quantity zero, or below what is filled.
    InvalidQuantity = 40, "invalid_quantity", "the quantity must be positive and more than what is filled";
    /// Not a multiple of the lot.
    LotSize = 41, "lot_size", "the quantity is not a multiple of the lot";
    /// Above the exchange's freeze quantity.
    FreezeQuantity = 42, "freeze_quantity", "the quantity is above the exchange's freeze quantity";
    /// Price zero or negative.
    InvalidPrice = 50, "invalid_price", "the price must be positive";
    /// Not a multiple of the tick.
    TickSize = 51, "tick_size", "the price is not a multiple of the tick";
    /// Outside the day's operating range.
    PriceBand = 52, "price_band", "the price is outside the day's price band";
    /// Too far from the market.
    FatFinger = 53, "fat_finger", "the price is too far through the market";
    /// One order worth too much.
    OrderValue = 60, "order_value", "the order's value is above the limit";
    /// All open orders together worth too much.
    OpenOrderValue = 61, "open_order_value", "the value of all open orders would be above the limit";
    /// Too many open orders.
    OpenOrders = 62, "open_orders", "too many open orders";
    /// Would trade with an own order.
    SelfTrade = 70, "self_trade", "the order would trade with one of our own";
    /// Position too large if everything open filled.
    PositionLimit = 80, "position_limit", "the position would be above the limit if all open orders filled";
    /// Too many messages in one second.
    MessageRate = 90, "message_rate", "too many order messages in this second";
    /// A bound of the engine is used up.
    Capacity = 100, "capacity", "a configured bound of the engine is reached";
    /// The way to the exchange is not open.
    SessionDown = 110, "session_down", "the order session with the exchange is not live";
    /// Outside the range that moves with the market.
    PriceProtection = 120, "price_protection", "the price is outside the exchange's limit price protection range";
    /// Too far through the theoretical price.
    TheoreticalPrice = 121, "theoretical_price", "the price is too far through the theoretical price";
    /// Net position in an underlying too large if everything open filled.
    UnderlyingPosition = 122, "underlying_position", "the net position in the underlying would be above the limit if all open orders filled";
    /// Gross position in an underlying too large if everything open filled.
    GrossPosition = 123, "gross_position", "the gross position in the underlying would be above the limit if all open orders filled";
    /// In its ban period, and the order may add to the position.
    Banned = 124, "banned", "the instrument is in its ban period: only orders that reduce the position may leave";
    /// On the restricted list.
    Restricted = 125, "restricted", "the instrument is on the restricted list for this side";
    /// The same order too often in a row.
    DuplicateOrder = 126, "duplicate_order", "the same order has just left as often as it may";
    /// Too many new orders in one instrument in one second.
    RunawayOrders = 127, "runaway_orders", "too many new orders in the instrument in this second: a loop?";
    /// Too many requests without an answer.
    InFlight = 128, "in_flight", "too many requests wait for an answer of the exchange";
    /// Too many orders in a segment in one second.
    OrderRate = 129, "order_rate", "too many orders in the segment in this second (TOPS)";
    /// The strategy is stopped, or outside the hours it trades in.
    StrategyStopped = 130, "strategy_stopped", "the strategy is stopped, or outside its hours: only its cancels leave";
    /// Too many open orders of one strategy.
    StrategyOrders = 131, "strategy_orders", "too many open orders of the strategy";
    /// A position of one strategy too large if everything of it filled.
    StrategyPosition = 132, "strategy_position", "the strategy's position would be above its limit if all its open orders filled";
    /// More margin and premium than there is collateral.
    Margin = 133, "margin", "margin and premium would be above the collateral if the worst part of the open orders filled";
    /// A net position in an underlying by delta above its limit.
    FutEqNet = 134, "futeq_net", "the net position by delta in the underlying would be above its limit";
    /// What is long or short in an underlying by delta above its limit.
    FutEqGross = 135, "futeq_gross", "the long or short position by delta in the underlying would be above its limit";
    /// Nearly all collateral is used: only what reduces risk leaves.
    RiskReduction = 136, "risk_reduction", "the collateral is nearly used up: only what reduces positions and margin leaves";
    /// The account is stopped: by an operator, or by its loss limit.
    AccountStopped = 137, "account_stopped", "the account is stopped: only cancels of its orders leave";
    /// An operator has paused the account.
    AccountPaused = 138, "account_paused", "the account is paused by an operator: only cancels of its orders leave";
    /// An operator has restricted what the account may do.
    AccountRestricted = 139, "account_restricted", "the account is restricted, and not to this";
    /// One order worth too much for its account.
    AccountOrderValue = 140, "account_order_value", "the order's value is above the account's limit";
    /// All open orders of an account together worth too much.
    AccountOpenValue = 141, "account_open_value", "the value of the account's open orders would be above its limit";
    /// Too many open orders of one account.
    AccountOrders = 142, "account_orders", "too many open orders of the account";
    /// A position of one account too large if everything of it filled.
    AccountPosition = 143, "account_position", "the account's position would be above its limit if all its open orders filled";
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

impl core::error::Error for RejectReason {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_in_order_of_precedence_and_name_their_reason() {
        assert!(RejectReason::ALL.is_sorted());
        for &reason in RejectReason::ALL {
            assert_eq!(RejectReason::from_code(reason as u16), Some(reason));
        }
        assert_eq!(RejectReason::from_code(0), None);
    }
}
