//! What a datagram is, and its records.

use bytemuck::Pod;
use tezi_model::Segment;

use super::layout::{ClosePrice, Header, LppRange, OpenInterest, ProductState};
use super::picture::MarketPictures;
use super::{DecodeError, Dialect, PICTURES_MAX};

/// Message types (NFCAST 5.0).
pub mod message_type {
    /// The time.
    pub const TIME: i32 = 2001;
    /// A product's session began or ended.
    pub const PRODUCT_STATE: i32 = 2002;
    /// State of a shortage auction.
    pub const AUCTION_STATE: i32 = 2003;
    /// News.
    pub const NEWS: i32 = 2004;
    /// Indices.
    pub const INDEX: i32 = 2011;
    /// Indices, the other set.
    pub const INDEX_OTHER: i32 = 2012;
    /// Close prices.
    pub const CLOSE_PRICE: i32 = 2014;
    /// Open interest.
    pub const OPEN_INTEREST: i32 = 2015;
    /// Value-at-risk percentages.
    pub const VALUE_AT_RISK: i32 = 2016;
    /// Market picture of an auction.
    pub const AUCTION_PICTURE: i32 = 2017;
    /// Market picture.
    pub const MARKET_PICTURE: i32 = 2020;
    /// Market picture with 64-bit instrument codes.
    pub const MARKET_PICTURE_WIDE: i32 = 2021;
    /// Reference rate of the Reserve Bank.
    pub const REFERENCE_RATE: i32 = 2022;
    /// Odd lots.
    pub const ODD_LOT: i32 = 2027;
    /// Implied volatility.
    pub const IMPLIED_VOLATILITY: i32 = 2028;
    /// The line is alive.
    pub const KEEP_ALIVE: i32 = 2030;
    /// Market picture of debt.
    pub const DEBT_PICTURE: i32 = 2033;
    /// Limit price protection ranges.
    pub const LPP_RANGE: i32 = 2034;
    /// Quantity cancelled in a call auction.
    pub const AUCTION_CANCELLED: i32 = 2035;
    /// The lowest and the highest type.
    pub const RANGE: core::ops::RangeInclusive<i32> = TIME..=AUCTION_CANCELLED;
}

/// The most records of a message, by type (NFCAST 5.0).
const CLOSE_PRICES_MAX: usize = 80;
const OPEN_INTERESTS_MAX: usize = 26;
const LPP_RANGES_MAX: usize = 20;

/// One datagram.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// 2020 and 2021.
    MarketPictures(&'a Header, MarketPictures<'a>),
    /// 2002.
    ProductState(&'a ProductState),
    /// 2014.
    ClosePrices(&'a Header, &'a [ClosePrice]),
    /// 2015.
    OpenInterests(&'a Header, &'a [OpenInterest]),
    /// 2034.
    LppRanges(&'a Header, &'a [LppRange]),
    /// Any other type of the range, its bytes unread: time, keep-alive, news, indices, …
    Other(i32, &'a [u8]),
}

/// What a datagram is. The pictures of one are read as the iterator goes.
///
/// # Errors
///
/// [`DecodeError`], up to [`DecodeError::WrongLength`].
#[inline]
pub fn decode(
    datagram: &[u8],
    segment: Segment,
    dialect: Dialect,
) -> Result<Message<'_>, DecodeError> {
    let Some(first) = datagram.first_chunk::<4>() else {
        return Err(DecodeError::TruncatedHeader);
    };
    let message_type = i32::from_be_bytes(*first);
    Ok(match message_type {
        message_type::MARKET_PICTURE | message_type::MARKET_PICTURE_WIDE => {
            let (header, rest) = header(datagram)?;
            let count = record_count(header, PICTURES_MAX)?;
            let is_wide = message_type == message_type::MARKET_PICTURE_WIDE;
            let pictures = MarketPictures::new(rest, count, is_wide, segment, dialect);
            Message::MarketPictures(header, pictures)
        }
        message_type::PRODUCT_STATE => Message::ProductState(match datagram {
            short if short.len() < size_of::<ProductState>() => {
                return Err(DecodeError::TruncatedHeader);
            }
            bytes => bytemuck::try_from_bytes(bytes).map_err(|_| DecodeError::WrongLength)?,
        }),
        message_type::CLOSE_PRICE => {
            let (header, records) = records(datagram, CLOSE_PRICES_MAX)?;
            Message::ClosePrices(header, records)
        }
        message_type::OPEN_INTEREST => {
            let (header, records) = records(datagram, OPEN_INTERESTS_MAX)?;
            Message::OpenInterests(header, records)
        }
        message_type::LPP_RANGE => {
            let (header, records) = records(datagram, LPP_RANGES_MAX)?;
            Message::LppRanges(header, records)
        }
        other if message_type::RANGE.contains(&other) => Message::Other(other, datagram),
        _ => return Err(foreign(datagram)),
    })
}

/// The relay puts a slot number and a length in front and sends little-endian numbers.
#[cold]
fn foreign(datagram: &[u8]) -> DecodeError {
    let relayed = datagram.get(8..12).and_then(|bytes| bytes.first_chunk::<4>());
    match relayed.map(|bytes| i32::from_le_bytes(*bytes)) {
        Some(inner) if message_type::RANGE.contains(&inner) => DecodeError::RelayForm,
        _ => DecodeError::ForeignProtocol,
    }
}

#[inline]
fn header(datagram: &[u8]) -> Result<(&Header, &[u8]), DecodeError> {
    let Some((header, rest)) = datagram.split_at_checked(size_of::<Header>()) else {
        return Err(DecodeError::TruncatedHeader);
    };
    let header = bytemuck::try_from_bytes(header).map_err(|_| DecodeError::TruncatedHeader)?;
    Ok((header, rest))
}

#[inline]
fn record_count(header: &Header, records_max: usize) -> Result<usize, DecodeError> {
    match usize::try_from(header.record_count.get()) {
        Ok(count) if count <= records_max => Ok(count),
        _ => Err(DecodeError::CountOutOfRange),
    }
}

/// The records of a message that has nothing else.
fn records<T: Pod>(datagram: &[u8], records_max: usize) -> Result<(&Header, &[T]), DecodeError> {
    let (header, rest) = header(datagram)?;
    let count = record_count(header, records_max)?;
    match bytemuck::try_cast_slice(rest) {
        Ok(records) if records.len() == count => Ok((header, records)),
        _ => Err(DecodeError::WrongLength),
    }
}
