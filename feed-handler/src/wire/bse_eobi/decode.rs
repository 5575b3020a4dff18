//! Framing: what a datagram holds, and which message each part of it is.

use bytemuck::Pod;

use super::DecodeError;
use super::layout::{
    AddComplexInstrument, AuctionClearingPrice, BestBidOffer, Execution, ExecutionSummary,
    Heartbeat, InstrumentInfo, InstrumentState, InstrumentSummary, Leg, LppRange, MdEntry,
    MessageHeader, OrderAdd, OrderDelete, OrderMassDelete, OrderModify, OrderModifySamePriority,
    PacketHeader, ProductState, ProductSummary, SnapshotOrder, TradeReversal, template,
};

/// A datagram whose packet header is right.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Leads the datagram.
    pub header: &'a PacketHeader,
    /// The messages.
    body: &'a [u8],
}

/// The packet of a datagram.
///
/// # Errors
///
/// [`DecodeError::TruncatedHeader`], [`DecodeError::ForeignProtocol`],
/// [`DecodeError::WrongHeaderLength`].
#[inline]
pub fn packet(datagram: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let Some((header, body)) = datagram.split_at_checked(size_of::<PacketHeader>()) else {
        return Err(short_packet(datagram));
    };
    let header: &PacketHeader =
        bytemuck::try_from_bytes(header).map_err(|_| DecodeError::TruncatedHeader)?;
    if header.template_id.get() != template::PACKET_HEADER {
        return Err(DecodeError::ForeignProtocol);
    }
    if usize::from(header.body_len.get()) != size_of::<PacketHeader>() {
        return Err(DecodeError::WrongHeaderLength);
    }
    Ok(Packet { header, body })
}

/// Too short for a packet header: cut off, or of another protocol where enough is left to tell.
#[cold]
fn short_packet(datagram: &[u8]) -> DecodeError {
    match datagram.get(2..4) {
        Some(id) if id != template::PACKET_HEADER.to_le_bytes() => DecodeError::ForeignProtocol,
        _ => DecodeError::TruncatedHeader,
    }
}

impl<'a> Packet<'a> {
    /// The messages as bytes, bodies unread.
    #[inline]
    #[must_use]
    pub const fn frames(&self) -> Frames<'a> {
        Frames { rest: self.body }
    }

    /// The messages.
    #[inline]
    #[must_use]
    pub const fn messages(&self) -> Messages<'a> {
        Messages { frames: self.frames() }
    }
}

/// The bytes of one message.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Leads the message.
    pub header: &'a MessageHeader,
    /// The message, header included; as long as `BodyLen` says.
    pub bytes: &'a [u8],
}

/// The frames of a packet, in order. An error ends it: what follows cannot be found.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = frame(self.rest);
        self.rest = frame.map_or(&[], |frame| &self.rest[frame.bytes.len()..]);
        Some(frame)
    }
}

/// The first message of `bytes`.
#[inline]
fn frame(bytes: &[u8]) -> Result<Frame<'_>, DecodeError> {
    let Some(header) = bytes.get(..size_of::<MessageHeader>()) else {
        return Err(DecodeError::TruncatedHeader);
    };
    let header: &MessageHeader =
        bytemuck::try_from_bytes(header).map_err(|_| DecodeError::TruncatedHeader)?;
    let length = usize::from(header.body_len.get());
    if length < size_of::<MessageHeader>() || !length.is_multiple_of(8) {
        return Err(DecodeError::ImpossibleLength);
    }
    match bytes.get(..length) {
        Some(bytes) => Ok(Frame { header, bytes }),
        None => Err(DecodeError::TruncatedMessage),
    }
}

/// One message, still in the bytes it came in. Its fields are not checked yet.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// 13001.
    Heartbeat(&'a Heartbeat),
    /// 13100.
    OrderAdd(&'a OrderAdd),
    /// 13101.
    OrderModify(&'a OrderModify),
    /// 13106.
    OrderModifySamePriority(&'a OrderModifySamePriority),
    /// 13102.
    OrderDelete(&'a OrderDelete),
    /// 13103.
    OrderMassDelete(&'a OrderMassDelete),
    /// 13104 and 13105; the header tells which.
    Execution(&'a Execution),
    /// 13200.
    TradeReversal(&'a TradeReversal, &'a [MdEntry]),
    /// 13202.
    ExecutionSummary(&'a ExecutionSummary),
    /// 13203.
    InstrumentInfo(&'a InstrumentInfo),
    /// 13204.
    LppRange(&'a LppRange),
    /// 13300.
    ProductState(&'a ProductState),
    /// 13301.
    InstrumentState(&'a InstrumentState),
    /// 13400.
    AddComplexInstrument(&'a AddComplexInstrument, &'a [Leg]),
    /// 13500 and 13504; the header tells which.
    BestBidOffer(&'a BestBidOffer),
    /// 13501.
    AuctionClearingPrice(&'a AuctionClearingPrice),
    /// 13600.
    ProductSummary(&'a ProductSummary),
    /// 13601.
    InstrumentSummary(&'a InstrumentSummary, &'a [MdEntry]),
    /// 13602.
    SnapshotOrder(&'a SnapshotOrder),
    /// A template this version does not know. It takes its number all the same.
    Unknown(&'a MessageHeader),
}

impl<'a> Message<'a> {
    /// The message in a frame.
    ///
    /// # Errors
    ///
    /// [`DecodeError::WrongLength`], [`DecodeError::GroupMismatch`].
    #[inline]
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let bytes = frame.bytes;
        Ok(match frame.header.template_id.get() {
            template::ORDER_ADD => Self::OrderAdd(body(bytes)?),
            template::ORDER_DELETE => Self::OrderDelete(body(bytes)?),
            template::ORDER_MODIFY => Self::OrderModify(body(bytes)?),
            template::ORDER_MODIFY_SAME_PRIORITY => Self::OrderModifySamePriority(body(bytes)?),
            template::FULL_EXECUTION | template::PARTIAL_EXECUTION => Self::Execution(body(bytes)?),
            template::EXECUTION_SUMMARY => Self::ExecutionSummary(body(bytes)?),
            template::HEARTBEAT => Self::Heartbeat(body(bytes)?),
            template::ORDER_MASS_DELETE => Self::OrderMassDelete(body(bytes)?),
            template::SNAPSHOT_ORDER => Self::SnapshotOrder(body(bytes)?),
            template::PRODUCT_SUMMARY => Self::ProductSummary(body(bytes)?),
            template::INSTRUMENT_SUMMARY => {
                let (fixed, entries) =
                    group(bytes, |fixed: &InstrumentSummary| fixed.no_md_entries)?;
                Self::InstrumentSummary(fixed, entries)
            }
            template::TRADE_REVERSAL => {
                let (fixed, entries) = group(bytes, |fixed: &TradeReversal| fixed.no_md_entries)?;
                Self::TradeReversal(fixed, entries)
            }
            template::ADD_COMPLEX_INSTRUMENT => {
                let (fixed, legs) = group(bytes, |fixed: &AddComplexInstrument| fixed.no_legs)?;
                Self::AddComplexInstrument(fixed, legs)
            }
            template::INSTRUMENT_INFO => Self::InstrumentInfo(body(bytes)?),
            template::LPP_RANGE => Self::LppRange(body(bytes)?),
            template::PRODUCT_STATE => Self::ProductState(body(bytes)?),
            template::INSTRUMENT_STATE => Self::InstrumentState(body(bytes)?),
            template::AUCTION_BBO | template::TOP_OF_BOOK => Self::BestBidOffer(body(bytes)?),
            template::AUCTION_CLEARING_PRICE => Self::AuctionClearingPrice(body(bytes)?),
            _ => Self::Unknown(frame.header),
        })
    }
}

/// The bytes of a message as its layout, when they are as many.
#[inline]
fn body<T: Pod>(bytes: &[u8]) -> Result<&T, DecodeError> {
    bytemuck::try_from_bytes(bytes).map_err(|_| DecodeError::WrongLength)
}

/// A layout and the group behind it, which `count` of the layout says the length of.
fn group<T: Pod, E: Pod>(
    bytes: &[u8],
    count: impl FnOnce(&T) -> u8,
) -> Result<(&T, &[E]), DecodeError> {
    let (fixed, rest) = bytes.split_at_checked(size_of::<T>()).ok_or(DecodeError::WrongLength)?;
    let fixed = body(fixed)?;
    match bytemuck::try_cast_slice(rest) {
        Ok(entries) if entries.len() == usize::from(count(fixed)) => Ok((fixed, entries)),
        _ => Err(DecodeError::GroupMismatch),
    }
}

/// The messages of a packet, in order. A bad body is an error in its place, bad framing ends it.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    frames: Frames<'a>,
}

impl<'a> Iterator for Messages<'a> {
    /// The header, which holds the number, and the message.
    type Item = Result<(&'a MessageHeader, Message<'a>), DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.frames.next()?;
        Some(frame.and_then(|frame| Ok((frame.header, Message::decode(&frame)?))))
    }
}
