//! Depth records to [`MarketByPrice`] and its kin.

use super::Context;
use crate::wire::big_endian::BeI32;
use crate::wire::nse_broadcast::DecodeError;
use crate::wire::nse_broadcast::field::{
    difference, finite, order_count, price, quantity, quantity_float, signed_change, time, token,
};
use crate::wire::nse_broadcast::layout::{
    self, AuctionInfo, AuctionRecord, CashMarketByPrice, MarketByOrderCm, MarketByOrderFo,
    NarrowLevel, NarrowMarketByPrice, NarrowSpread, NarrowSpreadLevel, NarrowSummary, OrderEntry,
    ShortLevel, SpreadPrices, WideLevel, WideMarketByPrice, WideSpread, WideSpreadLevel,
    WideSummary, WideTotals,
};
use crate::wire::nse_broadcast::update::{
    Auction, CallAuction, DEPTH, DayPrices, Level, MarketByOrder, MarketByPrice, OrderAtTouch,
    SecurityStatus, SpreadMarketByPrice, Trades, Update,
};
use tezi_model::{Nanos, Px, Token};

/// A level of one of the wire forms.
trait WireLevel {
    fn level(&self) -> Result<Level, DecodeError>;
}

/// Levels whose price is a price: an empty one has price 0, whatever else it holds.
macro_rules! outright_levels {
    ($($name:ident)+) => {$(
        impl WireLevel for $name {
            #[inline]
            fn level(&self) -> Result<Level, DecodeError> {
                let price = price(self.price)?;
                if price == Px::ZERO {
                    return Ok(Level::default());
                }
                let quantity = quantity(self.quantity.get())?;
                Ok(Level { price, quantity, orders: order_count(self.number_of_orders)? })
            }
        }
    )+};
}
outright_levels! { NarrowLevel WideLevel ShortLevel }

macro_rules! spread_levels {
    ($($name:ident)+) => {$(
        impl WireLevel for $name {
            fn level(&self) -> Result<Level, DecodeError> {
                Ok(Level {
                    orders: order_count(self.number_of_orders)?,
                    quantity: quantity(self.volume.get())?,
                    price: difference(self.price),
                })
            }
        }
    )+};
}
spread_levels! { NarrowSpreadLevel WideSpreadLevel }

#[inline]
fn side<L: WireLevel>(wire: &[L]) -> Result<[Level; DEPTH], DecodeError> {
    let mut levels = [Level::default(); DEPTH];
    for (level, wire) in levels.iter_mut().zip(wire) {
        *level = wire.level()?;
    }
    Ok(levels)
}

impl layout::DayPrices {
    #[inline]
    fn to_prices(self) -> Result<DayPrices, DecodeError> {
        Ok(DayPrices {
            close: price(self.closing_price)?,
            open: price(self.open_price)?,
            high: price(self.high_price)?,
            low: price(self.low_price)?,
        })
    }
}

impl AuctionInfo {
    #[inline]
    fn to_auction(self) -> Result<Auction, DecodeError> {
        Ok(Auction {
            number: self.auction_number.get(),
            status: self.auction_status.get(),
            initiator_type: self.initiator_type.get(),
            initiator_price: price(self.initiator_price)?,
            initiator_quantity: quantity(self.initiator_quantity.get())?,
            price: price(self.auction_price)?,
            quantity: quantity(self.auction_quantity.get())?,
        })
    }
}

/// What a summary says, in either width.
struct Summary {
    token: Token,
    book_type: i16,
    status: Option<SecurityStatus>,
    trades: Trades,
    auction: Auction,
}

/// 7208 sets the byte to the letter or the number; blank, `N`, `0` and 0 are what is not set.
const fn is_set(flag: u8) -> bool {
    !matches!(flag, 0 | b' ' | b'N' | b'0')
}

macro_rules! summaries {
    ($($name:ident)+) => {$(
        impl $name {
            /// `has_flag` is false where the byte of the volume flag is a pad.
            #[inline]
            fn fields(&self, has_flag: bool) -> Result<Summary, DecodeError> {
                Ok(Summary {
                    token: token(self.token)?,
                    book_type: self.book_type.get(),
                    status: SecurityStatus::from_code(self.trading_status.get()),
                    trades: Trades {
                        volume: quantity(self.volume_traded_today.get())?,
                        volume_exceeded: has_flag && is_set(self.volume_exceeded),
                        last_price: price(self.last_traded_price)?,
                        net_change: signed_change(self.net_change_indicator, self.net_price_change),
                        last_quantity: quantity(self.last_trade_quantity.get())?,
                        last_time: time(self.last_trade_time)?,
                        average_price: price(self.average_trade_price)?,
                    },
                    auction: self.auction.to_auction()?,
                })
            }
        }
    )+};
}
summaries! { NarrowSummary WideSummary }

impl Summary {
    /// The update without totals and prices of the day, which the caller fills in.
    #[inline]
    fn with_levels<L: WireLevel>(
        self,
        context: &Context,
        levels: &[L; 2 * DEPTH],
    ) -> Result<MarketByPrice, DecodeError> {
        let (bids, asks) = levels.split_at(DEPTH);
        Ok(MarketByPrice {
            segment: context.segment,
            token: self.token,
            time: context.time,
            book_type: self.book_type,
            status: self.status,
            trades: self.trades,
            auction: self.auction,
            bids: side(bids)?,
            asks: side(asks)?,
            total_buy: 0,
            total_sell: 0,
            indicator: [0; 2],
            prices: DayPrices::default(),
            indicative_close: Px::ZERO,
        })
    }
}

impl WideTotals {
    #[inline]
    fn to_totals(self) -> Result<(u64, u64), DecodeError> {
        Ok((quantity(self.total_buy_quantity.get())?, quantity(self.total_sell_quantity.get())?))
    }
}

impl NarrowMarketByPrice {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        Ok(Update::MarketByPrice(MarketByPrice {
            total_buy: quantity_float(self.total_buy_quantity)?,
            total_sell: quantity_float(self.total_sell_quantity)?,
            indicator: self.indicator,
            prices: self.prices.to_prices()?,
            ..self.summary.fields(true)?.with_levels(context, &self.levels)?
        }))
    }
}

impl WideMarketByPrice {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        self.market_by_price(context, true).map(Update::MarketByPrice)
    }

    #[inline]
    fn market_by_price(
        &self,
        context: &Context,
        has_flag: bool,
    ) -> Result<MarketByPrice, DecodeError> {
        let update = self.summary.fields(has_flag)?.with_levels(context, &self.levels)?;
        let (total_buy, total_sell) = self.totals.to_totals()?;
        let (indicator, prices) = (self.indicator, self.prices.to_prices()?);
        Ok(MarketByPrice { total_buy, total_sell, indicator, prices, ..update })
    }
}

impl CashMarketByPrice {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        let update = self.record.market_by_price(context, false)?;
        let indicative_close = price(self.indicative_close_price)?;
        Ok(Update::MarketByPrice(MarketByPrice { indicative_close, ..update }))
    }
}

impl MarketByOrderFo {
    pub(super) fn market_by_price(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        let update = self.summary.fields(false)?.with_levels(context, &self.levels)?;
        Ok(Update::MarketByPrice(MarketByPrice {
            total_buy: quantity_float(self.total_buy_quantity)?,
            total_sell: quantity_float(self.total_sell_quantity)?,
            indicator: self.indicator,
            prices: self.prices.to_prices()?,
            ..update
        }))
    }

    pub(super) fn market_by_order(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        market_by_order(context, self.summary.token, &self.orders)
    }
}

impl MarketByOrderCm {
    pub(super) fn market_by_price(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        let update = self.summary.fields(false)?.with_levels(context, &self.levels)?;
        let (total_buy, total_sell) = self.totals.to_totals()?;
        let (indicator, prices) = (self.indicator, self.prices.to_prices()?);
        let update = MarketByPrice { total_buy, total_sell, indicator, prices, ..update };
        Ok(Update::MarketByPrice(update))
    }

    pub(super) fn market_by_order(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        market_by_order(context, self.summary.token, &self.orders)
    }
}

fn market_by_order<'a>(
    context: &Context,
    wire_token: BeI32,
    wire: &[OrderEntry; 2 * DEPTH],
) -> Result<Update<'a>, DecodeError> {
    let token = token(wire_token)?;
    let mut orders = [OrderAtTouch::default(); 2 * DEPTH];
    for (order, wire) in orders.iter_mut().zip(wire) {
        *order = OrderAtTouch {
            quantity: quantity(wire.quantity.get())?,
            price: price(wire.price)?,
            min_fill: quantity(wire.min_fill_quantity.get())?,
        };
    }
    let [b0, b1, b2, b3, b4, a0, a1, a2, a3, a4] = orders;
    Ok(Update::MarketByOrder(MarketByOrder {
        segment: context.segment,
        token,
        time: context.time,
        bids: [b0, b1, b2, b3, b4],
        asks: [a0, a1, a2, a3, a4],
    }))
}

impl AuctionRecord {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        let token = token(self.token)?;
        let volume = quantity(self.volume_traded_today.get())?;
        let indicative_quantity = quantity(self.indicative_traded_qty.get())?;
        let trades = Trades {
            volume,
            volume_exceeded: false,
            last_price: price(self.last_traded_price)?,
            net_change: signed_change(self.net_change_indicator, self.net_price_change),
            last_quantity: quantity(self.last_trade_quantity.get())?,
            last_time: time(self.last_trade_time)?,
            average_price: price(self.average_trade_price)?,
        };
        let first_open = price(self.first_open_price)?;
        let (bids, asks) = self.levels.split_at(DEPTH);
        let (bids, asks) = (side(bids)?, side(asks)?);
        let (total_buy, total_sell) = self.totals.to_totals()?;
        Ok(Update::CallAuction(CallAuction {
            token,
            time: context.time,
            book_type: self.book_type.get(),
            status: SecurityStatus::from_code(self.trading_status.get()),
            trades,
            indicative_quantity,
            first_open,
            bids,
            asks,
            total_buy,
            total_sell,
            prices: self.prices.to_prices()?,
        }))
    }
}

macro_rules! spreads {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
                let update = SpreadMarketByPrice {
                    tokens: [token(self.token_1)?, token(self.token_2)?],
                    time: context.time,
                    last_active: time(self.last_active_time)?,
                    volume: quantity(self.traded_volume.get())?,
                    value: finite(self.total_traded_value)?,
                    bids: side(&self.buys)?,
                    asks: side(&self.sells)?,
                    total_buy: 0,
                    total_sell: 0,
                    prices: DayPrices::default(),
                    last_price: Px::ZERO,
                    last_update: Nanos::ZERO,
                };
                self.prices.fill(update).map(Update::Spread)
            }
        }
    )+};
}
spreads! { NarrowSpread WideSpread }

impl SpreadPrices {
    fn fill(&self, update: SpreadMarketByPrice) -> Result<SpreadMarketByPrice, DecodeError> {
        Ok(SpreadMarketByPrice {
            total_buy: quantity_float(self.total_buy_volume)?,
            total_sell: quantity_float(self.total_sell_volume)?,
            prices: DayPrices {
                open: difference(self.open_price_difference),
                high: difference(self.day_high_price_difference),
                low: difference(self.day_low_price_difference),
                close: Px::ZERO,
            },
            last_price: difference(self.last_traded_price_difference),
            last_update: time(self.last_update_time)?,
            ..update
        })
    }
}
