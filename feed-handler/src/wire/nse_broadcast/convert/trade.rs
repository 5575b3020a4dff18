//! Tickers, market watch, open interest, ranges, indices and status.

use super::Context;
use crate::wire::big_endian::BeI16;
use crate::wire::nse_broadcast::DecodeError;
use crate::wire::nse_broadcast::field::{
    count, difference, finite, price, quantity, time, token, token_or_none,
};
use crate::wire::nse_broadcast::layout::{
    AuctionCancelRecord, AuctionWatchRecord, CashTicker, CashWatch, ExecutionRangeRecord,
    IndexRecord, IndustryIndexCm, IndustryIndexFo, MarketStatusCm, MarketStatusFo,
    NarrowOpenInterest, NarrowTicker, NarrowWatch, NarrowWatchMarket, StatusRecordCm,
    StatusRecordFo, SymbolActionRecord, WideOpenInterest, WideTicker, WideWatch, WideWatchMarket,
};
use crate::wire::nse_broadcast::update::{
    AuctionCancels, AuctionWatch, DayPrices, ExecutionRange, Index, IndicativeIndex, IndustryIndex,
    Level, MarketAction, MarketStatus, MarketWatch, OpenInterest, SecurityStatus,
    SecurityStatusChange, SymbolAction, Text, Ticker, Update, WatchMarket,
};
use tezi_model::Px;

macro_rules! tickers {
    ($($name:ident)+) => {$(
        impl $name {
            #[inline]
            pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
                Ok(Update::Ticker(Ticker {
                    segment: context.segment,
                    token: token(self.token)?,
                    time: context.time,
                    market_type: self.market_type.get(),
                    price: price(self.fill_price)?,
                    quantity: quantity(self.fill_volume.get())?,
                    open_interest: Some([
                        quantity(self.open_interest.get())?,
                        quantity(self.day_hi_oi.get())?,
                        quantity(self.day_lo_oi.get())?,
                    ]),
                    index_value: Px::ZERO,
                }))
            }
        }
    )+};
}
tickers! { NarrowTicker WideTicker }

impl CashTicker {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        Ok(Update::Ticker(Ticker {
            segment: context.segment,
            token: token(self.token)?,
            time: context.time,
            market_type: self.market_type.get(),
            price: price(self.fill_price)?,
            quantity: quantity(self.fill_volume.get())?,
            open_interest: None,
            index_value: price(self.market_index_value)?,
        }))
    }
}

macro_rules! watch_markets {
    ($($name:ident)+) => {$(
        impl $name {
            #[inline]
            fn market(&self) -> Result<WatchMarket, DecodeError> {
                let bid_quantity = quantity(self.buy_volume.get())?;
                let bid = Level { price: price(self.buy_price)?, quantity: bid_quantity, orders: 0 };
                let ask_quantity = quantity(self.sell_volume.get())?;
                let ask = Level { price: price(self.sell_price)?, quantity: ask_quantity, orders: 0 };
                let last_price = price(self.last_trade_price)?;
                let last_time = time(self.last_trade_time)?;
                Ok(WatchMarket { bid, ask, last_price, last_time, indicator: self.indicator })
            }
        }
    )+};
}
watch_markets! { NarrowWatchMarket WideWatchMarket AuctionWatchRecord }

macro_rules! watches {
    ($($name:ident |$self:ident| $open_interest:expr;)+) => {$(
        impl $name {
            #[inline]
            pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
                let $self = self;
                let token = token(self.token)?;
                let [normal, odd_lot, spot] = &self.markets;
                Ok(Update::MarketWatch(MarketWatch {
                    segment: context.segment,
                    token,
                    time: context.time,
                    markets: [normal.market()?, odd_lot.market()?, spot.market()?],
                    open_interest: $open_interest,
                }))
            }
        }
    )+};
}
watches! {
    NarrowWatch |record| quantity(record.open_interest.get())?;
    WideWatch |record| quantity(record.open_interest.get())?;
    CashWatch |_record| 0;
}

impl AuctionWatchRecord {
    #[inline]
    pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        Ok(Update::AuctionWatch(AuctionWatch {
            token: token(self.token)?,
            time: context.time,
            market_type: self.market_type.get(),
            market: self.market()?,
        }))
    }
}

impl AuctionCancelRecord {
    pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
        Ok(Update::AuctionCancels(AuctionCancels {
            token: token(self.token)?,
            buy_count: count(self.buy_cancel_count.get())?,
            buy_quantity: quantity(self.buy_cancel_volume.get())?,
            sell_count: count(self.sell_cancel_count.get())?,
            sell_quantity: quantity(self.sell_cancel_volume.get())?,
        }))
    }
}

macro_rules! open_interests {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
                Ok(Update::OpenInterest(OpenInterest {
                    token: token(self.token)?,
                    open_interest: quantity(self.current_oi.get())?,
                }))
            }
        }
    )+};
}
open_interests! { NarrowOpenInterest WideOpenInterest }

impl ExecutionRangeRecord {
    pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
        let token = token(self.token)?;
        let high = price(self.high_exec_band)?;
        let low = price(self.low_exec_band)?;
        if high < low {
            return Err(DecodeError::RangeInverted);
        }
        Ok(Update::ExecutionRange(ExecutionRange { token, low, high }))
    }
}

impl IndexRecord {
    pub(super) fn index(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        let moves = |wire: i32| u32::try_from(wire).map_err(|_| DecodeError::CountNegative);
        Ok(Update::Index(Index {
            segment: context.segment,
            name: Text::new(&self.index_name),
            time: context.time,
            value: price(self.value)?,
            prices: DayPrices {
                high: price(self.high)?,
                low: price(self.low)?,
                open: price(self.open)?,
                close: price(self.close)?,
            },
            change_basis_points: self.percent_change.get(),
            yearly_high: price(self.yearly_high)?,
            yearly_low: price(self.yearly_low)?,
            up_moves: moves(self.no_of_upmoves.get())?,
            down_moves: moves(self.no_of_downmoves.get())?,
            market_capitalisation: finite(self.market_capitalisation)?,
            net_change_indicator: self.net_change_indicator,
        }))
    }

    pub(super) fn indicative(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
        Ok(Update::IndicativeIndex(IndicativeIndex {
            name: Text::new(&self.index_name),
            time: context.time,
            close: price(self.value)?,
            change: difference(self.no_of_upmoves),
            change_basis_points: self.percent_change.get(),
            market_capitalisation: finite(self.market_capitalisation)?,
        }))
    }
}

macro_rules! industry_indices {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn update(&self, context: &Context) -> Result<Update<'_>, DecodeError> {
                Ok(Update::IndustryIndex(IndustryIndex {
                    segment: context.segment,
                    name: Text::new(&self.industry_name),
                    value: price(self.index_value)?,
                }))
            }
        }
    )+};
}
industry_indices! { IndustryIndexFo IndustryIndexCm }

macro_rules! security_statuses {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn update(
                &self,
                context: &Context,
                is_preopen: bool,
            ) -> Result<Update<'_>, DecodeError> {
                Ok(Update::SecurityStatus(SecurityStatusChange {
                    segment: context.segment,
                    token: token(self.token)?,
                    time: context.time,
                    is_preopen,
                    markets: statuses(&self.status),
                }))
            }
        }
    )+};
}
security_statuses! { StatusRecordFo StatusRecordCm }

fn statuses(wire: &[BeI16]) -> [Option<SecurityStatus>; 6] {
    let mut markets = [None; 6];
    for (market, wire) in markets.iter_mut().zip(wire) {
        *market = SecurityStatus::from_code(wire.get());
    }
    markets
}

/// The text in a field, by its length on the wire.
fn text(field: &[u8], length: BeI16) -> Result<Text<'_>, DecodeError> {
    let text = usize::try_from(length.get()).ok().and_then(|length| field.get(..length));
    text.map(Text::new).ok_or(DecodeError::TextLengthOutOfRange)
}

impl MarketStatusFo {
    pub(super) fn update(
        &self,
        context: &Context,
        action: MarketAction,
    ) -> Result<Update<'_>, DecodeError> {
        Ok(Update::MarketStatus(MarketStatus {
            segment: context.segment,
            action,
            time: context.time,
            market_type: self.market_type.get(),
            token: token_or_none(self.token)?,
            symbol: Text::new(&self.sec_info.symbol),
            text: text(&self.broadcast_message, self.broadcast_message_length)?,
        }))
    }
}

impl MarketStatusCm {
    pub(super) fn update(
        &self,
        context: &Context,
        action: MarketAction,
    ) -> Result<Update<'_>, DecodeError> {
        Ok(Update::MarketStatus(MarketStatus {
            segment: context.segment,
            action,
            time: context.time,
            market_type: self.market_type.get(),
            token: None,
            symbol: Text::new(&self.sec_info.symbol),
            text: text(&self.broadcast_message, self.broadcast_message_length)?,
        }))
    }
}

impl SymbolActionRecord {
    pub(super) fn update(&self, context: &Context) -> Update<'_> {
        Update::SymbolAction(SymbolAction {
            symbol: Text::new(&self.sec_info.symbol).to_symbol(),
            series: self.sec_info.series,
            time: context.time,
            market_type: self.market_type.get(),
            action_code: self.action_code.get(),
        })
    }
}
