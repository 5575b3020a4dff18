//! The layouts the other way: what the simulated exchange and the tests send.

use bytemuck::{Zeroable, bytes_of};
use tezi_model::{Px, Segment};

use super::datagram::{HEAD_SIZE, LEAD_SIZE, MESSAGE_SIZE_MAX, NETWORK_CM, NETWORK_FO};
use super::field::wire_time;
use super::layout::{
    AuctionInfo, CashMarketByPrice, DatagramHeader, DayPrices as WireDayPrices, MessageHeader,
    NarrowLevel, NarrowMarketByPrice, NarrowSummary, WideLevel, WideMarketByPrice, WideSummary,
    WideTotals, transaction_code as code,
};
use super::update::{DEPTH, Level, MarketByPrice};
use super::{DayPrices, compress};
use crate::named::named_reasons;
use crate::wire::big_endian::{BeF64, BeI16, BeI32, BeI64, BeU32};

named_reasons! {
    /// The reason a message is not encoded, one code each.
    EncodeError {
        /// Neither F&O nor CM.
        UnsupportedSegment = 0, "unsupported_segment", "the segment has no broadcast layout";
        /// None, or more than a message has room for.
        RecordCountOutOfRange = 1, "record_count_out_of_range", "a message has one or two records";
        /// A price that is no whole number of paise, or does not fit the wire.
        PriceOutOfRange = 2, "price_out_of_range", "a price does not fit the wire";
        /// A quantity or count that does not fit the wire.
        QuantityOutOfRange = 3, "quantity_out_of_range", "a quantity does not fit the wire";
        /// The message does not fit what is left of the datagram.
        DatagramFull = 4, "datagram_full", "the message does not fit the datagram";
    }
}

/// The most bytes a datagram holds: its header and 512 bytes of messages (FO 9.48, chapter 9).
pub const DATAGRAM_SIZE_MAX: usize = size_of::<DatagramHeader>() + 512;

/// Which of the five-level messages is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketByPriceForm {
    /// The F&O 7208: 32-bit quantities.
    Narrow,
    /// The F&O 17208.
    Wide,
    /// The CM 7208.
    Cash,
}

impl MarketByPriceForm {
    const fn transaction_code(self) -> i16 {
        match self {
            Self::Narrow | Self::Cash => code::MARKET_BY_PRICE,
            Self::Wide => code::MARKET_BY_PRICE_WIDE,
        }
    }

    const fn record_size(self) -> usize {
        match self {
            Self::Narrow => size_of::<NarrowMarketByPrice>(),
            Self::Wide => size_of::<WideMarketByPrice>(),
            Self::Cash => size_of::<CashMarketByPrice>(),
        }
    }
}

/// A message in the clear, its eight leading bytes included.
#[derive(Clone, Debug)]
pub struct ClearMessage {
    bytes: [u8; MESSAGE_SIZE_MAX],
    length: usize,
}

impl ClearMessage {
    /// The bytes, ready for [`DatagramWriter`].
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A five-level message of one or two records, as long as the exchange sends it: room for two, the
/// second zero when there is one. The first record's time is the message's; `stream` is the
/// machine number.
///
/// # Errors
///
/// [`EncodeError::RecordCountOutOfRange`], [`EncodeError::PriceOutOfRange`],
/// [`EncodeError::QuantityOutOfRange`].
pub fn encode_market_by_price(
    form: MarketByPriceForm,
    stream: u8,
    records: &[MarketByPrice],
) -> Result<ClearMessage, EncodeError> {
    let [first, ..] = records else { return Err(EncodeError::RecordCountOutOfRange) };
    if records.len() > 2 {
        return Err(EncodeError::RecordCountOutOfRange);
    }
    let size = form.record_size();
    let length = HEAD_SIZE + 2 + 2 * size;
    let mut filler_2 = [0; 8];
    filler_2[0] = stream;
    let header = MessageHeader {
        log_time: wire_time(first.time),
        transaction_code: BeI16::new(form.transaction_code()),
        filler_2,
        message_length: BeI16::new((length - LEAD_SIZE) as i16),
        ..MessageHeader::zeroed()
    };
    let mut bytes = [0; MESSAGE_SIZE_MAX];
    bytes[LEAD_SIZE..HEAD_SIZE].copy_from_slice(bytes_of(&header));
    bytes[HEAD_SIZE..HEAD_SIZE + 2].copy_from_slice(&(records.len() as i16).to_be_bytes());
    for (slot, record) in bytes[HEAD_SIZE + 2..].chunks_exact_mut(size).zip(records) {
        match form {
            MarketByPriceForm::Narrow => slot.copy_from_slice(bytes_of(&narrow(record)?)),
            MarketByPriceForm::Wide => slot.copy_from_slice(bytes_of(&wide(record, true)?)),
            MarketByPriceForm::Cash => slot.copy_from_slice(bytes_of(&cash(record)?)),
        }
    }
    Ok(ClearMessage { bytes, length })
}

/// Packs messages into one datagram.
#[derive(Clone, Debug)]
pub struct DatagramWriter {
    bytes: [u8; DATAGRAM_SIZE_MAX],
    length: usize,
    count: i16,
}

impl DatagramWriter {
    /// An empty datagram of a segment.
    ///
    /// # Errors
    ///
    /// [`EncodeError::UnsupportedSegment`].
    pub fn new(segment: Segment) -> Result<Self, EncodeError> {
        let mut bytes = [0; DATAGRAM_SIZE_MAX];
        bytes[0] = match segment {
            Segment::NseFo => NETWORK_FO,
            Segment::NseCm => NETWORK_CM,
            _ => return Err(EncodeError::UnsupportedSegment),
        };
        Ok(Self { bytes, length: size_of::<DatagramHeader>(), count: 0 })
    }

    /// Adds a message (its eight leading bytes included), compressed.
    ///
    /// # Errors
    ///
    /// [`EncodeError::DatagramFull`]; the datagram is as it was.
    pub fn push_compressed(&mut self, clear: &[u8]) -> Result<(), EncodeError> {
        let body = self.bytes.get_mut(self.length + 2..).ok_or(EncodeError::DatagramFull)?;
        let size = compress(clear, body).ok_or(EncodeError::DatagramFull)?;
        self.close(size as i16, size);
        Ok(())
    }

    /// Adds a message (its eight leading bytes included) as it is. Readers find its end by its
    /// `MessageLength`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::DatagramFull`]; the datagram is as it was.
    pub fn push_plain(&mut self, clear: &[u8]) -> Result<(), EncodeError> {
        let start = self.length + 2;
        let body = self.bytes.get_mut(start..start + clear.len());
        body.ok_or(EncodeError::DatagramFull)?.copy_from_slice(clear);
        self.close(0, clear.len());
        Ok(())
    }

    /// The datagram so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn close(&mut self, compressed_length: i16, size: usize) {
        let length = self.length;
        self.bytes[length..length + 2].copy_from_slice(&compressed_length.to_be_bytes());
        self.length += 2 + size;
        self.count += 1;
        self.bytes[2..4].copy_from_slice(&self.count.to_be_bytes());
    }
}

fn price(price: Px) -> Result<BeI32, EncodeError> {
    let paise = price.to_paise().and_then(|paise| i32::try_from(paise).ok());
    paise.map(BeI32::new).ok_or(EncodeError::PriceOutOfRange)
}

fn fit<T: TryFrom<u64>>(quantity: u64) -> Result<T, EncodeError> {
    T::try_from(quantity).map_err(|_| EncodeError::QuantityOutOfRange)
}

fn day_prices(prices: &DayPrices) -> Result<WireDayPrices, EncodeError> {
    Ok(WireDayPrices {
        closing_price: price(prices.close)?,
        open_price: price(prices.open)?,
        high_price: price(prices.high)?,
        low_price: price(prices.low)?,
    })
}

fn auction(record: &MarketByPrice) -> Result<AuctionInfo, EncodeError> {
    let auction = &record.auction;
    Ok(AuctionInfo {
        auction_number: BeI16::new(auction.number),
        auction_status: BeI16::new(auction.status),
        initiator_type: BeI16::new(auction.initiator_type),
        initiator_price: price(auction.initiator_price)?,
        initiator_quantity: BeI32::new(fit(auction.initiator_quantity)?),
        auction_price: price(auction.price)?,
        auction_quantity: BeI32::new(fit(auction.quantity)?),
    })
}

const fn change_indicator(change: Px) -> u8 {
    match change.0 {
        0 => b' ',
        1.. => b'+',
        _ => b'-',
    }
}

/// Bids, then asks.
fn levels<L: Zeroable + Copy>(
    record: &MarketByPrice,
    encode: impl Fn(&Level) -> Result<L, EncodeError>,
) -> Result<[L; 2 * DEPTH], EncodeError> {
    let mut levels = [L::zeroed(); 2 * DEPTH];
    for (wire, level) in levels.iter_mut().zip(record.bids.iter().chain(&record.asks)) {
        *wire = encode(level)?;
    }
    Ok(levels)
}

fn orders(level: &Level) -> Result<BeI16, EncodeError> {
    i16::try_from(level.orders).map(BeI16::new).map_err(|_| EncodeError::QuantityOutOfRange)
}

fn narrow(record: &MarketByPrice) -> Result<NarrowMarketByPrice, EncodeError> {
    let trades = &record.trades;
    let status = record.status.map_or(0, |status| status as i16);
    let level = |level: &Level| {
        Ok(NarrowLevel {
            quantity: BeI32::new(fit(level.quantity)?),
            price: price(level.price)?,
            number_of_orders: orders(level)?,
            bb_buy_sell_flag: BeI16::new(0),
        })
    };
    Ok(NarrowMarketByPrice {
        summary: NarrowSummary {
            token: BeI32::new(fit(u64::from(record.token.0))?),
            book_type: BeI16::new(record.book_type),
            trading_status: BeI16::new(status),
            volume_traded_today: BeU32::new(fit(trades.volume)?),
            last_traded_price: price(trades.last_price)?,
            net_change_indicator: change_indicator(trades.net_change),
            volume_exceeded: if trades.volume_exceeded { b'Y' } else { b' ' },
            net_price_change: price(trades.net_change)?,
            last_trade_quantity: BeI32::new(fit(trades.last_quantity)?),
            last_trade_time: wire_time(trades.last_time),
            average_trade_price: price(trades.average_price)?,
            auction: auction(record)?,
        },
        levels: levels(record, level)?,
        bb_total_buy_flag: BeI16::new(0),
        bb_total_sell_flag: BeI16::new(0),
        total_buy_quantity: BeF64::new(record.total_buy as f64),
        total_sell_quantity: BeF64::new(record.total_sell as f64),
        indicator: record.indicator,
        prices: day_prices(&record.prices)?,
    })
}

/// `has_flag` is false where the byte of the volume flag is a pad.
fn wide(record: &MarketByPrice, has_flag: bool) -> Result<WideMarketByPrice, EncodeError> {
    let trades = &record.trades;
    let status = record.status.map_or(0, |status| status as i16);
    let flag = if trades.volume_exceeded { b'Y' } else { b' ' };
    let level = |level: &Level| {
        Ok(WideLevel {
            quantity: BeI64::new(fit(level.quantity)?),
            price: price(level.price)?,
            number_of_orders: orders(level)?,
            bb_buy_sell_flag: BeI16::new(0),
        })
    };
    Ok(WideMarketByPrice {
        summary: WideSummary {
            token: BeI32::new(fit(u64::from(record.token.0))?),
            book_type: BeI16::new(record.book_type),
            trading_status: BeI16::new(status),
            volume_traded_today: BeI64::new(fit(trades.volume)?),
            last_traded_price: price(trades.last_price)?,
            net_change_indicator: change_indicator(trades.net_change),
            volume_exceeded: if has_flag { flag } else { 0 },
            net_price_change: price(trades.net_change)?,
            last_trade_quantity: BeI32::new(fit(trades.last_quantity)?),
            last_trade_time: wire_time(trades.last_time),
            average_trade_price: price(trades.average_price)?,
            auction: auction(record)?,
        },
        levels: levels(record, level)?,
        totals: WideTotals {
            total_buy_quantity: BeI64::new(fit(record.total_buy)?),
            total_sell_quantity: BeI64::new(fit(record.total_sell)?),
            ..WideTotals::zeroed()
        },
        indicator: record.indicator,
        prices: day_prices(&record.prices)?,
    })
}

fn cash(record: &MarketByPrice) -> Result<CashMarketByPrice, EncodeError> {
    let indicative_close_price = price(record.indicative_close)?;
    Ok(CashMarketByPrice { record: wide(record, false)?, indicative_close_price })
}
