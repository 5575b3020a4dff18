//! Which message the bytes are: a transaction code and a segment to a body of the right layout.

use bytemuck::Pod;
use tezi_model::{Nanos, Segment};

use super::datagram::{LEAD_SIZE, prefix};
use super::field::time;
use super::layout::{
    AuctionCancelRecord, AuctionRecord, AuctionWatchRecord, CashMarketByPrice, CashTicker,
    CashWatch, ContractChange, ExecutionRangeRecord, IndexRecord, IndustryIndexCm, IndustryIndexFo,
    MarketByOrderCm, MarketByOrderFo, MarketStatusCm, MarketStatusFo, MessageHeader,
    NarrowMarketByPrice, NarrowOpenInterest, NarrowSpread, NarrowTicker, NarrowWatch,
    SecurityChange, SpreadChange, StatusRecordCm, StatusRecordFo, SymbolActionRecord,
    WideMarketByPrice, WideOpenInterest, WideSpread, WideTicker, WideWatch,
    transaction_code as code,
};
use super::{DecodeError, MarketAction};

/// One message, still in the bytes it came in. Its fields are not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The segment of its datagram.
    pub segment: Segment,
    /// Leads every message.
    pub header: &'a MessageHeader,
    /// Whether `MessageLength` is more than the bytes that are there.
    pub is_short: bool,
    /// The rest, by transaction code.
    pub body: Body<'a>,
}

/// The records of a message. As many as it says, not as many as it has room for.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each variant is named for its layout, which is documented")]
pub enum Body<'a> {
    MarketByOrderFo(&'a MarketByOrderFo),
    MarketByOrderCm(&'a MarketByOrderCm),
    NarrowMarketByPrice(&'a [NarrowMarketByPrice]),
    WideMarketByPrice(&'a [WideMarketByPrice]),
    CashMarketByPrice(&'a [CashMarketByPrice]),
    CallAuction(&'a [AuctionRecord]),
    NarrowSpread(&'a NarrowSpread),
    WideSpread(&'a WideSpread),
    NarrowTicker(&'a [NarrowTicker]),
    WideTicker(&'a [WideTicker]),
    CashTicker(&'a [CashTicker]),
    NarrowWatch(&'a [NarrowWatch]),
    WideWatch(&'a [WideWatch]),
    CashWatch(&'a [CashWatch]),
    AuctionWatch(&'a [AuctionWatchRecord]),
    AuctionCancels(&'a [AuctionCancelRecord]),
    NarrowOpenInterest(&'a [NarrowOpenInterest]),
    WideOpenInterest(&'a [WideOpenInterest]),
    ExecutionRange(&'a [ExecutionRangeRecord]),
    Indices(&'a [IndexRecord]),
    IndicativeIndices(&'a [IndexRecord]),
    IndustryIndicesFo(&'a [IndustryIndexFo]),
    IndustryIndicesCm(&'a [IndustryIndexCm]),
    MarketStatusFo(MarketAction, &'a MarketStatusFo),
    MarketStatusCm(MarketAction, &'a MarketStatusCm),
    StatusFo(&'a [StatusRecordFo]),
    StatusCm(&'a [StatusRecordCm]),
    SymbolAction(&'a SymbolActionRecord),
    Contract(&'a ContractChange),
    SpreadContract(&'a SpreadChange),
    Security(&'a SecurityChange),
    CircuitCheck,
    /// A transaction code this module does not decode: counted, not an error.
    Other,
}

impl Message<'_> {
    /// When the exchange wrote the message; zero when it does not say so.
    #[inline]
    #[must_use]
    pub fn time(&self) -> Nanos {
        time(self.header.log_time).unwrap_or(Nanos::ZERO)
    }

    /// The number of the machine (stream) that sent it.
    #[inline]
    #[must_use]
    pub const fn stream(&self) -> u8 {
        self.header.filler_2[0]
    }
}

/// The message in `clear`: a packet's bytes in the clear, its eight unused bytes first.
///
/// The layout's size decides how many bytes must be there, not `MessageLength`: the documents
/// disagree with themselves on some sizes, and a message with fewer records may be sent shorter.
///
/// # Errors
///
/// [`DecodeError::TruncatedHeader`], [`DecodeError::RecordCountOutOfRange`],
/// [`DecodeError::TruncatedMessage`].
#[inline]
pub fn decode(segment: Segment, clear: &[u8]) -> Result<Message<'_>, DecodeError> {
    let bytes = clear.get(LEAD_SIZE..).ok_or(DecodeError::TruncatedHeader)?;
    let (header, _) = prefix::<MessageHeader>(bytes).ok_or(DecodeError::TruncatedHeader)?;
    let transaction = header.transaction_code.get();
    let body = match segment {
        Segment::NseFo => body_fo(transaction, bytes)?,
        Segment::NseCm => body_cm(transaction, bytes)?,
        _ => return Err(DecodeError::UnsupportedNetwork),
    };
    let is_short = usize::try_from(header.message_length.get()).is_ok_and(|len| bytes.len() < len);
    Ok(Message { segment, header, is_short, body })
}

fn body_fo(transaction: i16, bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    Ok(match transaction {
        code::MARKET_BY_PRICE_WIDE => Body::WideMarketByPrice(records(bytes, 2)?),
        code::MARKET_BY_PRICE => Body::NarrowMarketByPrice(records(bytes, 2)?),
        code::MARKET_BY_ORDER => Body::MarketByOrderFo(whole(bytes)?),
        code::TICKER_WIDE => Body::WideTicker(records(bytes, 12)?),
        code::TICKER => Body::NarrowTicker(records(bytes, 17)?),
        code::MARKET_WATCH => Body::WideWatch(records(bytes, 4)?),
        code::MARKET_WATCH_NARROW => Body::NarrowWatch(records(bytes, 5)?),
        code::SPREAD_WIDE => Body::WideSpread(whole(bytes)?),
        code::SPREAD => Body::NarrowSpread(whole(bytes)?),
        code::EXECUTION_RANGE => Body::ExecutionRange(execution_ranges(bytes)?),
        code::OPEN_INTEREST => Body::NarrowOpenInterest(open_interests(bytes, 58)?),
        code::OPEN_INTEREST_WIDE => Body::WideOpenInterest(open_interests(bytes, 39)?),
        code::INDUSTRY_INDICES => Body::IndustryIndicesFo(records(bytes, 20)?),
        code::STATUS | code::STATUS_PREOPEN => Body::StatusFo(records(bytes, 35)?),
        code::CONTRACT_CHANGE | code::CONTRACT_PERIODIC => Body::Contract(whole(bytes)?),
        code::SPREAD_CHANGE | code::SPREAD_PERIODIC => Body::SpreadContract(whole(bytes)?),
        _ => match (market_action(transaction), transaction) {
            (_, code::CLOSING_SESSION_START | code::CLOSING_SESSION_END) => Body::Other,
            (Some(action), _) => Body::MarketStatusFo(action, whole(bytes)?),
            (None, _) => body_any(transaction, bytes)?,
        },
    })
}

fn body_cm(transaction: i16, bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    Ok(match transaction {
        code::MARKET_BY_PRICE => Body::CashMarketByPrice(records(bytes, 2)?),
        code::MARKET_BY_ORDER => Body::MarketByOrderCm(whole(bytes)?),
        code::TICKER_CM => Body::CashTicker(records(bytes, 28)?),
        code::MARKET_WATCH => Body::CashWatch(records(bytes, 4)?),
        code::AUCTION => Body::CallAuction(records(bytes, 2)?),
        code::AUCTION_WATCH => Body::AuctionWatch(records(bytes, 11)?),
        code::AUCTION_CANCELS => Body::AuctionCancels(records(bytes, 8)?),
        code::INDICES_INDICATIVE => Body::IndicativeIndices(records(bytes, 6)?),
        code::INDUSTRY_INDICES => Body::IndustryIndicesCm(records(bytes, 17)?),
        code::STATUS_CM | code::STATUS_PREOPEN_CM => Body::StatusCm(records(bytes, 25)?),
        code::SECURITY_CHANGE => Body::Security(whole(bytes)?),
        code::SYMBOL_ACTION => Body::SymbolAction(whole(bytes)?),
        _ => match (market_action(transaction), transaction) {
            (_, code::POST_CLOSE) => Body::Other,
            (Some(action), _) => Body::MarketStatusCm(action, whole(bytes)?),
            (None, _) => body_any(transaction, bytes)?,
        },
    })
}

/// What both segments send alike.
fn body_any(transaction: i16, bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    Ok(match transaction {
        code::INDICES | code::VIX => Body::Indices(records(bytes, 6)?),
        code::CIRCUIT_CHECK => Body::CircuitCheck,
        _ => Body::Other,
    })
}

const fn market_action(transaction: i16) -> Option<MarketAction> {
    Some(match transaction {
        code::MARKET_OPEN => MarketAction::Open,
        code::MARKET_CLOSED => MarketAction::Close,
        code::POST_CLOSE => MarketAction::PostClose,
        code::PREOPEN_SHUTDOWN => MarketAction::PreOpenShutdown,
        code::PREOPEN_ENDED => MarketAction::PreOpenEnd,
        code::CLOSING_SESSION_START => MarketAction::ClosingSessionStart,
        code::CLOSING_SESSION_END => MarketAction::ClosingSessionEnd,
        _ => return None,
    })
}

/// A message that is one layout from its header on.
#[inline]
fn whole<T: Pod>(bytes: &[u8]) -> Result<&T, DecodeError> {
    prefix(bytes).map(|(layout, _)| layout).ok_or(DecodeError::TruncatedMessage)
}

/// The usual form: a 16-bit count behind the header, then the records.
#[inline]
fn records<T: Pod>(bytes: &[u8], count_max: usize) -> Result<&[T], DecodeError> {
    let count = chunk(bytes, 40).map(i16::from_be_bytes)?;
    slice(bytes, 42, i32::from(count), count_max)
}

/// 7220 has a 32-bit count.
fn execution_ranges<T: Pod>(bytes: &[u8]) -> Result<&[T], DecodeError> {
    let count = chunk(bytes, 40).map(i32::from_be_bytes)?;
    slice(bytes, 44, count, 25)
}

/// 7130 and 17130 have their count within the header, in the place of the error code.
fn open_interests<T: Pod>(bytes: &[u8], count_max: usize) -> Result<&[T], DecodeError> {
    let count = chunk(bytes, 12).map(i16::from_be_bytes)?;
    slice(bytes, 40, i32::from(count), count_max)
}

#[inline]
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], DecodeError> {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk);
    chunk.copied().ok_or(DecodeError::TruncatedMessage)
}

#[inline]
fn slice<T: Pod>(bytes: &[u8], at: usize, count: i32, max: usize) -> Result<&[T], DecodeError> {
    let count = usize::try_from(count).map_err(|_| DecodeError::RecordCountOutOfRange)?;
    if max < count {
        return Err(DecodeError::RecordCountOutOfRange);
    }
    let records = bytes.get(at..at + count * size_of::<T>()).map(bytemuck::try_cast_slice);
    match records {
        Some(Ok(records)) => Ok(records),
        _ => Err(DecodeError::TruncatedMessage),
    }
}
