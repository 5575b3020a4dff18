//! Why the exchange refuses a request, with its own numbers.

use core::fmt;

use tezi_model::Segment;

use crate::venue::session::SessionRefusal;

/// The F&O and the capital-market number of a refusal; 0 where none is known.
type Codes = [u16; 2];

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $codes:expr, $message:literal;)+) => {
        /// Why a request is refused. Everything is as it was before it.
        ///
        /// Ordered by precedence: of several reasons the first is the answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Refusal {
            $($(#[$doc])* $name = $number,)+
        }

        impl Refusal {
            /// Every refusal, by precedence.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// A name for people and programs, in snake case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What a dealer should read.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }

            const fn codes(self) -> Codes {
                match self { $(Self::$name => $codes,)+ }
            }
        }
    };
}

refusals! {
    /// The instrument was never added.
    UnknownInstrument = 1, "unknown_instrument", [16012, 16012], "no such instrument";
    /// No such order, or none that is still open.
    UnknownOrder = 2, "unknown_order", [509, 16060], "no such open order";
    /// No such trade, or too long ago, or taken back already.
    UnknownTrade = 3, "unknown_trade", [16016, 16273], "no such trade";
    /// Another member entered the order.
    NotYourOrder = 4, "not_your_order", [16014, 0], "the order is another member's";
    /// The order changed since the member last heard of it.
    OrderChanged = 5, "order_changed", [16044, 16115], "the order changed meanwhile";
    /// The exchange still decides on a frozen request for this order.
    Undecided = 6, "undecided", [0, 0], "a frozen request for the order is not decided yet";
    /// Side, instrument, account, participant and self-trade bit cannot change, nor can an order
    /// become a stop-loss.
    FixedField = 7, "fixed_field", [16346, 16346], "this field of an order cannot be modified";
    /// The legs of a spread or of an order of several legs do not go together.
    LegsInvalid = 8, "legs_invalid", [0, 0], "two or three legs in different contracts are needed";
    /// No phase that takes orders.
    MarketClosed = 10, "market_closed", [16278, 16278], "the market is closed";
    /// The market-wide circuit breaker stopped trading.
    MarketHalted = 11, "market_halted", [0, 0], "trading is halted";
    /// An auction is matching.
    AuctionMatching = 12, "auction_matching", [16447, 16197], "the auction is matching";
    /// A market order rests while only limit orders may change.
    MarketOrderFrozen = 13, "market_order_frozen", [16601, 16601], "market orders of the auction can no longer change";
    /// Limit orders only.
    MarketOrderNotAllowed = 14, "market_order_not_allowed", [0, 0], "Market orders are currently not allowed.";
    /// Market orders only.
    LimitOrderNotAllowed = 15, "limit_order_not_allowed", [0, 0], "limit orders are not taken here";
    /// No stop-loss orders now, or none for this product.
    StopLossNotAllowed = 16, "stop_loss_not_allowed", [16442, 16441], "stop-loss orders are not taken here";
    /// No stop-loss market orders for this product.
    StopMarketNotAllowed = 17, "stop_market_not_allowed", [16052, 16052], "stop-loss market orders are not taken here";
    /// No immediate-or-cancel now.
    ImmediateOrCancelNotAllowed = 18, "ioc_not_allowed", [16442, 16441], "immediate-or-cancel is not taken here";
    /// No disclosed quantity now, or none for this product.
    DisclosedNotAllowed = 19, "disclosed_not_allowed", [16441, 16439], "disclosed quantity is not taken here";
    /// Immediate-or-cancel with disclosed quantity.
    DisclosedImmediateOrCancel = 20, "disclosed_ioc", [16416, 16415], "disclosed quantity and immediate-or-cancel exclude each other";
    /// A spread order that is not a plain limit for the day.
    SpreadTermsNotAllowed = 21, "spread_terms_not_allowed", [0, 0], "spread orders are plain limit orders for the day";
    /// No block window is open for the instrument.
    BlockClosed = 22, "block_closed", [0, 0], "no block window is open";
    /// A block order that is not a plain limit for the day.
    BlockTermsNotAllowed = 23, "block_terms_not_allowed", [0, 16603], "block orders are plain limit orders for the day";
    /// Zero, or not more than what has traded.
    InvalidQuantity = 30, "invalid_quantity", [16419, 16418], "the quantity must be positive and more than what has traded";
    /// Not a multiple of the lot.
    LotSize = 31, "lot_size", [16328, 16328], "the quantity is not a multiple of the lot";
    /// More is disclosed than there is.
    DisclosedTooLarge = 32, "disclosed_too_large", [16324, 16324], "the disclosed quantity is more than the order";
    /// The disclosed part is not a multiple of the lot.
    DisclosedLotSize = 33, "disclosed_lot_size", [16325, 16325], "the disclosed quantity is not a multiple of the lot";
    /// The disclosed part is too small.
    DisclosedTooSmall = 34, "disclosed_too_small", [16400, 16400], "the disclosed quantity is too small a part of the order";
    /// A spread or an order of several legs that reaches the freeze quantity: it does not wait for a
    /// decision.
    FreezeQuantity = 35, "freeze_quantity", [16606, 0], "the quantity reaches the freeze quantity";
    /// Not positive, or after the close not the closing price.
    InvalidPrice = 40, "invalid_price", [16247, 16247], "the price is not possible here";
    /// Not a multiple of the tick.
    TickSize = 41, "tick_size", [16283, 16283], "the price is not a multiple of the tick";
    /// Outside the day's range.
    PriceBand = 42, "price_band", [16284, 16284], "the price is outside the day's range";
    /// Not positive.
    InvalidTrigger = 43, "invalid_trigger", [16408, 16423], "the trigger price must be positive";
    /// The trigger is not a multiple of the tick.
    TriggerTickSize = 44, "trigger_tick_size", [16316, 16316], "the trigger is not a multiple of the tick";
    /// A buy whose limit is below its trigger, a sell whose limit is above.
    TriggerBeyondLimit = 45, "trigger_beyond_limit", [16315, 16315], "the limit is worse than the trigger";
    /// Trigger and limit lie too far apart.
    TriggerGap = 46, "trigger_gap", [16448, 16448], "trigger and limit are too far apart";
    /// The last trade is at or beyond the trigger already.
    TriggerPassed = 47, "trigger_passed", [0, 0], "the last trade is already at or beyond the trigger";
    /// A price difference outside the spread's operating range.
    SpreadRange = 48, "spread_range", [16713, 0], "the price difference is outside the operating range";
    /// A block order's price is outside the range around the reference.
    BlockRange = 49, "block_range", [0, 0], "the price is outside the range of block deals";
    /// A market order where nothing has traded today.
    NoTradeToday = 50, "no_trade_today", [17181, 17182], "no market order: nothing has traded today";
    /// A market order that would trade too far from the last trade.
    BeyondProtection = 51, "beyond_protection", [17182, 17183], "the market order would trade too far from the last trade";
    /// A block order is worth too little.
    BlockValue = 52, "block_value", [0, 0], "the order is worth less than a block deal must be";
    /// A leg of an order of several legs is refused, and so all of it.
    LegRefused = 53, "leg_refused", [16605, 0], "a leg of the order is not possible";
    /// The exchange did not release the change from the quantity freeze.
    FreezeRefused = 60, "freeze_refused", [16307, 16307], "the exchange refused the quantity";
    /// A bound of the configuration.
    Capacity = 90, "capacity", [0, 0], "a configured bound is reached";
}

impl Refusal {
    /// The exchange's error code in a segment (NNF protocols, chapter on error codes: F&O and capital
    /// market differ); `None` where no code is known.
    #[must_use]
    pub const fn code(self, segment: Segment) -> Option<u16> {
        let [derivatives, cash] = self.codes();
        let code = match segment {
            Segment::NseFo => derivatives,
            Segment::NseCm => cash,
            _ => 0,
        };
        if code == 0 { None } else { Some(code) }
    }
}

impl From<SessionRefusal> for Refusal {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::MarketClosed => Self::MarketClosed,
            SessionRefusal::MarketHalted => Self::MarketHalted,
            SessionRefusal::AuctionMatching => Self::AuctionMatching,
            SessionRefusal::MarketOrderFrozen => Self::MarketOrderFrozen,
            SessionRefusal::MarketOrderNotAllowed => Self::MarketOrderNotAllowed,
            SessionRefusal::LimitOrderNotAllowed => Self::LimitOrderNotAllowed,
            SessionRefusal::StopLossNotAllowed => Self::StopLossNotAllowed,
            SessionRefusal::StopMarketNotAllowed => Self::StopMarketNotAllowed,
            SessionRefusal::ImmediateOrCancelNotAllowed => Self::ImmediateOrCancelNotAllowed,
            SessionRefusal::DisclosedQuantityNotAllowed => Self::DisclosedNotAllowed,
            SessionRefusal::DisclosedImmediateOrCancel => Self::DisclosedImmediateOrCancel,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_ascend_and_segments_have_codes_of_their_own() {
        assert!(Refusal::ALL.is_sorted());
        assert_eq!(Refusal::UnknownOrder.code(Segment::NseFo), Some(509));
        assert_eq!(Refusal::UnknownOrder.code(Segment::NseCm), Some(16060));
        assert_eq!(Refusal::NoTradeToday.code(Segment::NseCm), Some(17182));
        assert_eq!(Refusal::BeyondProtection.code(Segment::NseFo), Some(17182));
        assert_eq!(Refusal::TickSize.code(Segment::BseFo), None);
        assert_eq!(Refusal::Capacity.code(Segment::NseFo), None);
    }
}
