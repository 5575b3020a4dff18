//! Framing: which message the bytes are, and where the next one begins.

use bytemuck::Pod;

use super::layout::{
    HeartbeatMessage, OldContractMessage, OldCountMessage, OrderMessage, ReplyMessage,
    StreamHeader, TradeMessage,
};
use super::{DecodeError, message_type as kind};

/// A header and a type: the least a message has.
const FRAME_SIZE_MIN: usize = size_of::<StreamHeader>() + 1;

/// One message, still in the bytes it came in. Its fields are not checked yet.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// `N M X G H J`.
    Order(&'a OrderMessage),
    /// `T K C`.
    Trade(&'a TradeMessage),
    /// `Z`.
    Heartbeat(&'a HeartbeatMessage),
    /// `Y` or `B` of the TCP services.
    Reply(&'a ReplyMessage),
    /// A contract of the in-band master of feeds before 2018.
    OldContract(&'a OldContractMessage),
    /// Start or end of the in-band master of feeds before 2018.
    OldCount(&'a OldCountMessage),
}

impl Message<'_> {
    /// The header that leads the message.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> &StreamHeader {
        match self {
            Self::Order(message) => &message.header,
            Self::Trade(message) => &message.header,
            Self::Heartbeat(message) => &message.header,
            Self::Reply(message) => &message.header,
            Self::OldContract(message) => &message.header,
            Self::OldCount(message) => &message.header,
        }
    }
}

/// The first message of `bytes`, and its length: the next one begins there.
///
/// Works on a datagram and on a TCP byte stream; in the latter
/// [`DecodeError::TruncatedMessage`] and [`DecodeError::TruncatedHeader`] mean "read more".
///
/// ```
/// use tezi_feed_handler::wire::nse_mtbt::{Message, decode};
/// let heartbeat = [13, 0, 2, 0, 0, 0, 0, 0, b'Z', 2, 0, 0, 0];
/// let Ok((Message::Heartbeat(message), 13)) = decode(&heartbeat) else { unreachable!() };
/// assert_eq!(message.last_seq_no.get(), 2);
/// ```
///
/// # Errors
///
/// The framing reasons of [`DecodeError`], up to [`DecodeError::TruncatedMessage`].
#[inline]
pub fn decode(bytes: &[u8]) -> Result<(Message<'_>, usize), DecodeError> {
    let Some(&[len_low, len_high, .., message_type]) = bytes.first_chunk::<FRAME_SIZE_MIN>() else {
        return Err(DecodeError::TruncatedHeader);
    };
    let msg_len = i16::from_le_bytes([len_low, len_high]);
    let message = match message_type {
        kind::ORDER_NEW
        | kind::ORDER_MODIFY
        | kind::ORDER_CANCEL
        | kind::SPREAD_ORDER_NEW
        | kind::SPREAD_ORDER_MODIFY
        | kind::SPREAD_ORDER_CANCEL => Message::Order(body(bytes, msg_len)?),
        kind::TRADE | kind::SPREAD_TRADE => Message::Trade(body(bytes, msg_len)?),
        kind::TRADE_CANCEL if is_length::<OldContractMessage>(msg_len) => {
            Message::OldContract(body(bytes, msg_len)?)
        }
        kind::TRADE_CANCEL => Message::Trade(body(bytes, msg_len)?),
        kind::HEARTBEAT => Message::Heartbeat(body(bytes, msg_len)?),
        kind::SNAPSHOT_REPLY if is_length::<OldCountMessage>(msg_len) => {
            Message::OldCount(body(bytes, msg_len)?)
        }
        kind::RECOVERY_REPLY | kind::SNAPSHOT_REPLY => Message::Reply(body(bytes, msg_len)?),
        kind::OLD_MASTER_END => Message::OldCount(body(bytes, msg_len)?),
        _ => return Err(unknown_type(bytes, msg_len)),
    };
    Ok((message, msg_len as usize))
}

/// Whether `msg_len` is the size of `T`.
#[inline]
const fn is_length<T>(msg_len: i16) -> bool {
    msg_len as usize == size_of::<T>()
}

/// The bytes of a message as its layout, when `msg_len` is the layout's size and all are there.
#[inline]
fn body<T: Pod>(bytes: &[u8], msg_len: i16) -> Result<&T, DecodeError> {
    if !is_length::<T>(msg_len) {
        return Err(wrong_length(msg_len));
    }
    match bytes.get(..size_of::<T>()).map(bytemuck::try_from_bytes) {
        Some(Ok(message)) => Ok(message),
        _ => Err(DecodeError::TruncatedMessage),
    }
}

#[cold]
fn wrong_length(msg_len: i16) -> DecodeError {
    if msg_len < FRAME_SIZE_MIN as i16 {
        DecodeError::ImpossibleLength
    } else {
        DecodeError::WrongLength
    }
}

/// An unknown type is a newer message when its length fits the datagram, else another protocol.
#[cold]
fn unknown_type(bytes: &[u8], msg_len: i16) -> DecodeError {
    match usize::try_from(msg_len) {
        Ok(length) if FRAME_SIZE_MIN <= length && length <= bytes.len() => DecodeError::UnknownType,
        _ => DecodeError::ForeignProtocol,
    }
}

/// The messages of one datagram, in order. Each bad one is an error in its place.
///
/// A message whose framing holds (an unknown type, or a wrong length that lies within the datagram)
/// is skipped by its `msg_len`, and what follows is read; any other error ends the datagram.
///
/// **Shape**: an empty datagram is one [`DecodeError::TruncatedHeader`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    /// What is still to be read, `None` after the end.
    rest: Option<&'a [u8]>,
}

/// The messages of a datagram.
#[inline]
#[must_use]
pub const fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: Some(datagram) }
}

impl Messages<'_> {
    /// Whether everything is read.
    #[inline]
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest?;
        match decode(bytes) {
            Ok((message, length)) => {
                self.rest = bytes.get(length..).filter(|rest| !rest.is_empty());
                Some(Ok(message))
            }
            Err(error) => {
                self.rest = after_error(bytes, error);
                Some(Err(error))
            }
        }
    }
}

/// Where to read on after a bad message; `None` when its framing cannot be trusted.
#[cold]
fn after_error(bytes: &[u8], error: DecodeError) -> Option<&[u8]> {
    if !matches!(error, DecodeError::UnknownType | DecodeError::WrongLength) {
        return None;
    }
    let &[len_low, len_high] = bytes.first_chunk::<2>()?;
    let length = usize::try_from(i16::from_le_bytes([len_low, len_high])).ok()?;
    bytes.get(length..).filter(|rest| !rest.is_empty())
}
