//! The names of rules, each with the shape of its value.
//!
//! A key is complete when a date after its first row without a row would be a mistake: the loader
//! refuses the gap. Scopes are paths from the general to the special (`NSE/fo/NIFTY`); a lookup
//! falls back one step at a time and ends at `*`.

use core::marker::PhantomData;

use tezi_model::{Money, Px, Qty};

use super::steps::{BreakerLevel, FlexSteps, Steps};
use super::times::{ClosingTimes, DayKind, PreOpenTimes, Window};
use super::value::{AllocationOrder, AutoFlex, FlexEvidence, MarketWideLimit, RuleValue, Value};
use crate::venue::{Rate, Weekday, Width};

/// The name of a rule whose value has the shape `T`.
#[derive(Debug)]
pub struct Key<T> {
    name: &'static str,
    shape: PhantomData<fn() -> T>,
}

// Derived, these would ask the same of `T`, of which a key holds nothing.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> Key<T> {
    /// The name, as the first column has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// What the loader knows of a key.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// The name, as the first column has it.
    pub name: &'static str,
    /// How its value is written.
    pub expected: &'static str,
    /// Whether a gap between its rows is refused.
    pub complete: bool,
    pub(super) parse: fn(&str) -> Option<Value>,
}

/// The key of a name, `None` when there is none.
#[must_use]
pub fn spec(name: &str) -> Option<&'static KeySpec> {
    KEYS.iter().find(|spec| spec.name == name)
}

fn parse<T: RuleValue>(text: &str) -> Option<Value> {
    T::parse(text).map(T::wrap)
}

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident: $shape:ty = $name:literal, $kind:ident;)+) => {
        $($(#[$doc])* pub const $key: Key<$shape> = Key { name: $name, shape: PhantomData };)+

        /// Every key.
        pub const KEYS: &[KeySpec] = &[
            $(KeySpec {
                name: $name,
                expected: <$shape as RuleValue>::EXPECTED,
                complete: keys!(@ $kind),
                parse: parse::<$shape>,
            },)+
        ];
    };
    (@ complete) => { true };
    (@ sparse) => { false };
}

keys! {
    /// What kind of day a date is, where it is not what its weekday says. Scope: exchange.
    CALENDAR_DAY: DayKind = "calendar.day", sparse;
    /// The weekday on which contracts expire. Scope: exchange.
    EXPIRY_WEEKDAY: Weekday = "expiry.weekday", complete;

    /// Continuous trading. Scope: segment, or segment and class (`NSE/cm/cas`).
    SESSION_CONTINUOUS: Window = "session.continuous", complete;
    /// The call auction at the open. Scope: as above; `NSE/cm/special` for new listings.
    SESSION_PREOPEN: PreOpenTimes = "session.preopen", complete;
    /// The closing auction. Scope: segment and class.
    SESSION_CLOSING: ClosingTimes = "session.closing", sparse;
    /// Trading at the closing price. Scope: cash segment.
    SESSION_POST_CLOSE: Window = "session.post_close", sparse;
    /// Change of a done trade's client code. Scope: segment.
    SESSION_TRADE_MODIFICATION: Window = "session.trade_modification", sparse;
    /// Trading days before the near future expires on which the next has a pre-open. Scope: segment.
    PREOPEN_NEXT_MONTH_DAYS: u64 = "preopen.next_month_days", sparse;
    /// Who trades first in a call auction. Scope: segment; `…/closing` for the closing auction.
    AUCTION_ALLOCATION: AllocationOrder = "auction.allocation", complete;
    /// Whether stop-loss limit orders exist. Scope: segment and product.
    ORDER_STOP_LIMIT: bool = "order.stop_limit", complete;
    /// Whether stop-loss market orders exist. Scope: segment and product.
    ORDER_STOP_MARKET: bool = "order.stop_market", complete;
    /// Whether the session after the close takes limit orders. Scope: segment.
    ORDER_POST_CLOSE_LIMIT: bool = "order.post_close_limit", sparse;
    /// The smallest disclosed quantity as a part of the order; no row, no disclosed quantity.
    DISCLOSED_MIN: Rate = "disclosed.min", sparse;
    /// The stretch whose average price is the close, or before an auction its reference. Scope:
    /// segment and class.
    CLOSE_WINDOW: Window = "close.window", complete;

    /// The first block window. Scope: segment.
    BLOCK_MORNING: Window = "block.morning", complete;
    /// The second block window. Scope: segment.
    BLOCK_AFTERNOON: Window = "block.afternoon", complete;
    /// The stretch whose average price the second block window trades around. Scope: segment.
    BLOCK_REFERENCE_WINDOW: Window = "block.reference_window", complete;
    /// The least value of a block order. Scope: segment.
    BLOCK_VALUE_MIN: Money = "block.value_min", complete;
    /// How far from its reference a block may trade. Scope: segment and class (`/2pct`, `/T0`).
    BLOCK_RANGE: Rate = "block.range", complete;

    /// Tick of a share and of its future, by price. Scope: exchange.
    TICK_CASH: Steps = "tick.cash", complete;
    /// Tick of an index future, by index level. Scope: exchange.
    TICK_INDEX_FUTURE: Steps = "tick.index_future", complete;
    /// Tick of an index option. Scope: exchange.
    TICK_INDEX_OPTION: Px = "tick.index_option", complete;
    /// Tick of a stock option, by price of the underlying. Scope: exchange.
    TICK_STOCK_OPTION: Steps = "tick.stock_option", complete;
    /// Units in a lot, **by the expiry date of the contract**, not by the trading date. Scope:
    /// segment and symbol.
    LOT: Qty = "lot", complete;
    /// The largest quantity of one order. Scope: segment and symbol.
    FREEZE_QUANTITY: Qty = "freeze.quantity", complete;

    /// The bands that a share may have. Scope: cash segment.
    BAND_FIXED: Vec<Rate> = "band.fixed", complete;
    /// Operating range of a future. Scope: segment.
    BAND_OPERATING_FUTURE: Rate = "band.operating_future", complete;
    /// Half width of the dynamic band at the start of the day. Scope: segment; `/etf`, `/etf/overnight`.
    BAND_DYNAMIC_START: Rate = "band.dynamic.start", complete;
    /// How far inside the band the trigger price lies. Scope: as above.
    BAND_DYNAMIC_TRIGGER: Rate = "band.dynamic.trigger", complete;
    /// What must have traded at or beyond the trigger price. Scope: as above.
    BAND_DYNAMIC_EVIDENCE: FlexEvidence = "band.dynamic.evidence", complete;
    /// How far and how late the band moves. Scope: as above; no row, no flexing.
    BAND_DYNAMIC_STEPS: FlexSteps = "band.dynamic.steps", sparse;
    /// Whether the opposite band moves along. Scope: as above.
    BAND_DYNAMIC_SLIDES: bool = "band.dynamic.slides", complete;
    /// How often the band may move in a day, all in one direction; no row, as often as it likes.
    BAND_DYNAMIC_MAX: u64 = "band.dynamic.max", sparse;
    /// The last half hour, in which cooling is short. Scope: as above.
    BAND_DYNAMIC_LATE: Window = "band.dynamic.late", complete;
    /// When no band moves. Scope: as above.
    BAND_DYNAMIC_SUSPENDED: Window = "band.dynamic.suspended", sparse;
    /// Band around the reference of the closing auction. Scope: segment and class.
    BAND_CLOSING: Rate = "band.closing", sparse;
    /// When the closing band holds. Scope: segment and class.
    BAND_CLOSING_WINDOW: Window = "band.closing_window", sparse;

    /// Limit price protection. Scope: segment, or segment and symbol.
    LPP_INDEX_OPTION: Width = "lpp.index_option", sparse;
    /// Limit price protection. Scope: segment, or segment and symbol.
    LPP_INDEX_FUTURE: Width = "lpp.index_future", sparse;
    /// Limit price protection. Scope: segment, or segment and symbol.
    LPP_STOCK_OPTION: Width = "lpp.stock_option", sparse;
    /// Limit price protection. Scope: segment, or segment and symbol.
    LPP_STOCK_FUTURE: Width = "lpp.stock_future", sparse;
    /// Seconds between two references, and the stretch each averages. Scope: segment.
    LPP_REFRESH_SECONDS: u64 = "lpp.refresh_seconds", complete;
    /// Seconds without a trade after which the theoretical price is the reference. Scope: segment.
    LPP_STALE_SECONDS: u64 = "lpp.stale_seconds", complete;
    /// What widens the protection by itself. Scope: segment.
    LPP_AUTO_FLEX: AutoFlex = "lpp.auto_flex", sparse;
    /// How far from the last trade a market order in an option may trade. Scope: segment.
    MARKET_PROTECTION: Width = "option.market_protection", complete;

    /// First level of the market-wide circuit breaker. Scope: all.
    BREAKER_LEVEL1: BreakerLevel = "breaker.level1", complete;
    /// Second level.
    BREAKER_LEVEL2: BreakerLevel = "breaker.level2", complete;
    /// Third level.
    BREAKER_LEVEL3: BreakerLevel = "breaker.level3", complete;
    /// Seconds of the call auction after a halt. Scope: all.
    BREAKER_AUCTION_SECONDS: u64 = "breaker.auction_seconds", complete;
    /// Tick to which a level is rounded. Scope: all.
    BREAKER_TICK: Px = "breaker.tick", complete;

    /// Orders a second and client on one segment, without registration. Scope: exchange.
    ALGO_TOPS: u64 = "algo.tops", complete;
    /// Algo id of unregistered algos below that rate. Scope: exchange.
    ALGO_GENERIC_ID: u64 = "algo.generic_id", complete;
    /// Whether the exchange checks NNF id against algo id. Scope: segment.
    ALGO_NNF_CHECK: bool = "algo.nnf_check", sparse;
    /// Paise an order message, by order-to-trade ratio. Scope: all.
    OTR_CHARGE: Steps = "otr.charge", complete;
    /// Orders this close to the last trade are not counted. Scope: segment and product.
    OTR_EXEMPT: Width = "otr.exempt", sparse;
    /// End-of-day net limit on an index's options, in FutEq value. Scope: exchange.
    LIMIT_INDEX_OPTION_EOD_NET: Money = "limit.index_option.eod_net", complete;
    /// End-of-day gross limit. Scope: exchange.
    LIMIT_INDEX_OPTION_EOD_GROSS: Money = "limit.index_option.eod_gross", complete;
    /// Intraday net limit. Scope: exchange.
    LIMIT_INDEX_OPTION_INTRADAY_NET: Money = "limit.index_option.intraday_net", complete;
    /// Intraday gross limit. Scope: exchange.
    LIMIT_INDEX_OPTION_INTRADAY_GROSS: Money = "limit.index_option.intraday_gross", complete;
    /// Market-wide position limit of a stock. Scope: exchange.
    LIMIT_MARKET_WIDE: MarketWideLimit = "limit.market_wide", complete;
    /// Extra loss margin on short index options on their last day. Scope: exchange.
    MARGIN_ELM_EXPIRY_DAY: Rate = "margin.elm_expiry_day", complete;
    /// Whether a calendar spread with a leg on its last day lowers margin. Scope: `index`, `stock`.
    MARGIN_EXPIRY_DAY_SPREAD: bool = "margin.expiry_day_spread", complete;
    /// Weight of yesterday's variance. Scope: all.
    MARGIN_EWMA_LAMBDA: Rate = "margin.ewma_lambda", complete;
    /// Daily deviations of the price scan range, before the root of its days. Scope: all.
    MARGIN_PRICE_SCAN_SIGMAS: u64 = "margin.price_scan_sigmas", complete;
    /// Days whose root scales the price scan range. Scope: all.
    MARGIN_PRICE_SCAN_DAYS: u64 = "margin.price_scan_days", complete;
    /// The least price scan range, of the underlying. Scope: `index`, `index/long_dated`, `stock`.
    MARGIN_PRICE_SCAN_MIN: Rate = "margin.price_scan_min", complete;
    /// Months beyond which an index option is long-dated. Scope: `index`.
    MARGIN_LONG_DATED_MONTHS: u64 = "margin.long_dated_months", complete;
    /// Volatility scan range, of the annualised volatility. Scope: all.
    MARGIN_VOL_SCAN_SHARE: Rate = "margin.vol_scan_share", complete;
    /// The least volatility scan range, absolute. Scope: `index`, `stock`.
    MARGIN_VOL_SCAN_MIN: Rate = "margin.vol_scan_min", complete;
    /// The move of SPAN's last two scenarios, in price scan ranges. Scope: all.
    MARGIN_EXTREME_MOVE: u64 = "margin.extreme_move", complete;
    /// The part of their loss that counts. Scope: all.
    MARGIN_EXTREME_COVER: Rate = "margin.extreme_cover", complete;
    /// Weight of a price move in the composite delta, each side. Scope: `still`, `third`,
    /// `two_thirds`, `full`.
    MARGIN_DELTA_WEIGHT: Rate = "margin.delta_weight", complete;
    /// Charge for a calendar spread, of the far month's value. Scope: `index`, `stock`.
    MARGIN_CALENDAR_SPREAD: Rate = "margin.calendar_spread", complete;
    /// The least risk of a short option, of the underlying. Scope: `index`, `stock`.
    MARGIN_SHORT_OPTION_MIN: Rate = "margin.short_option_min", complete;
    /// Variance scale of an illiquid underlying's scan range. Scope: all.
    MARGIN_ILLIQUID_SCALE: u64 = "margin.illiquid_scale", complete;
    /// Exposure (extreme loss) margin of derivatives. Scope: `index`, `index/deep_otm`, `stock`,
    /// `stock/concentrated`.
    MARGIN_EXPOSURE: Rate = "margin.exposure", complete;
    /// Distance from the previous close beyond which an index option is deep out of the money.
    /// Scope: `index`.
    MARGIN_DEEP_OTM: Rate = "margin.deep_otm", complete;
    /// The part of a futures calendar spread's far month that bears exposure margin. Scope: all.
    MARGIN_EXPOSURE_SPREAD_SHARE: Rate = "margin.exposure_spread_share", complete;
    /// Daily deviations of the cash segment's VaR margin. Scope: all.
    MARGIN_CASH_VAR_SIGMAS: u64 = "margin.cash_var_sigmas", complete;
    /// The least VaR margin of a share. Scope: `group1`, `group2`, `group3`, `group3/rare`, `etf`.
    MARGIN_CASH_VAR_MIN: Rate = "margin.cash_var_min", complete;
    /// Extreme loss margin of a share. Scope: all, `etf`.
    MARGIN_CASH_ELM: Rate = "margin.cash_elm", complete;
    /// Debit of a short deliverer, of the settlement price. Scope: exchange.
    SETTLEMENT_VALUATION: Rate = "settlement.valuation", sparse;
    /// Whether reversal trades are sought over five days. Scope: exchange.
    SURVEILLANCE_FIVE_DAY_RTCM: bool = "surveillance.five_day_rtcm", sparse;
    /// Whether the old bhavcopy files come out. Scope: exchange.
    FILE_LEGACY_BHAVCOPY: bool = "file.legacy_bhavcopy", sparse;

    /// STT on the sale of a future. Scope: all.
    STT_FUTURE_SELL: Rate = "stt.future_sell", complete;
    /// STT on the sale of an option, of the premium. Scope: all.
    STT_OPTION_SELL: Rate = "stt.option_sell", complete;
    /// STT on exercise, of the intrinsic value. Scope: all.
    STT_OPTION_EXERCISE: Rate = "stt.option_exercise", complete;
    /// STT on delivery, each side. Scope: all.
    STT_DELIVERY: Rate = "stt.delivery", complete;
    /// STT on the intraday sale of a share. Scope: all.
    STT_INTRADAY_SELL: Rate = "stt.intraday_sell", complete;
    /// STT on the sale of an equity ETF. Scope: all.
    STT_ETF_SELL: Rate = "stt.etf_sell", complete;
    /// Exchange transaction charge and IPFT together, each side. Scope: exchange, then `cash`,
    /// `future` or `option`.
    CHARGE_TRANSACTION: Rate = "charge.transaction", complete;
    /// IPFT, the part of the above that goes to the protection fund. Scope: as above.
    CHARGE_IPFT: Rate = "charge.ipft", complete;
    /// SEBI turnover fee, each side. Scope: all.
    CHARGE_SEBI: Rate = "charge.sebi", complete;
    /// Stamp duty of the buyer. Scope: `delivery`, `intraday`, `future`, `option`.
    CHARGE_STAMP: Rate = "charge.stamp", complete;
    /// GST on brokerage, transaction charge and SEBI fee. Scope: all.
    CHARGE_GST: Rate = "charge.gst", complete;
}
