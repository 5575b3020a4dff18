//! Which message the bytes are. The framing (MoldUDP64 or a file) says where they end.

use bytemuck::Pod;

use super::DecodeError;
use super::layout::{
    AddOrder, AddOrderWithMpid, BrokenTrade, CrossTrade, DirectListing, Header, LuldAuctionCollar,
    MarketParticipantPosition, MwcbDeclineLevel, MwcbStatus, NetOrderImbalance, OperationalHalt,
    OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice, OrderReplace,
    QuotingPeriodUpdate, RegShoRestriction, RetailInterest, StockDirectory, StockTradingAction,
    SystemEvent, Trade,
};

macro_rules! message_types {
    ($($(#[$doc:meta])* $name:ident($layout:ident) = $letter:literal, header $($path:ident).+;)+) => {
        /// One message, still in the bytes it came in. Its fields are not checked yet.
        #[derive(Clone, Copy, Debug)]
        pub enum Message<'a> {
            $($(#[$doc])* $name(&'a $layout),)+
        }

        impl Message<'_> {
            /// Every type of message, by its letter.
            pub const TYPES: &'static [u8] = &[$($letter,)+];

            /// The header that leads the message.
            #[inline]
            #[must_use]
            pub const fn header(&self) -> &Header {
                match self {
                    $(Self::$name(message) => &message.$($path).+,)+
                }
            }

            /// The bytes a message of a type has, `None` for an unknown type.
            #[must_use]
            pub const fn size_of_type(message_type: u8) -> Option<usize> {
                match message_type {
                    $($letter => Some(size_of::<$layout>()),)+
                    _ => None,
                }
            }
        }

        /// The message that `bytes` are: all of one, and nothing else.
        ///
        /// ```
        /// use tezi_feed_handler::wire::itch::{Message, decode};
        /// let bytes = [b'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'O'];
        /// let Ok(Message::SystemEvent(event)) = decode(&bytes) else { unreachable!() };
        /// assert_eq!((event.event_code, event.header.timestamp.get()), (b'O', 1));
        /// ```
        ///
        /// # Errors
        ///
        /// [`DecodeError::Empty`], [`DecodeError::UnknownType`], [`DecodeError::WrongLength`].
        #[inline]
        pub fn decode(bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
            let Some(&message_type) = bytes.first() else { return Err(DecodeError::Empty) };
            Ok(match message_type {
                $($letter => Message::$name(layout(bytes)?),)+
                _ => return Err(DecodeError::UnknownType),
            })
        }
    };
}

message_types! {
    /// `A`.
    AddOrder(AddOrder) = b'A', header header;
    /// `F`.
    AddOrderWithMpid(AddOrderWithMpid) = b'F', header order.header;
    /// `E`.
    OrderExecuted(OrderExecuted) = b'E', header header;
    /// `C`.
    OrderExecutedWithPrice(OrderExecutedWithPrice) = b'C', header header;
    /// `X`.
    OrderCancel(OrderCancel) = b'X', header header;
    /// `D`.
    OrderDelete(OrderDelete) = b'D', header header;
    /// `U`.
    OrderReplace(OrderReplace) = b'U', header header;
    /// `P`.
    Trade(Trade) = b'P', header header;
    /// `Q`.
    CrossTrade(CrossTrade) = b'Q', header header;
    /// `B`.
    BrokenTrade(BrokenTrade) = b'B', header header;
    /// `S`.
    SystemEvent(SystemEvent) = b'S', header header;
    /// `R`.
    StockDirectory(StockDirectory) = b'R', header header;
    /// `H`.
    StockTradingAction(StockTradingAction) = b'H', header header;
    /// `Y`.
    RegShoRestriction(RegShoRestriction) = b'Y', header header;
    /// `L`.
    MarketParticipantPosition(MarketParticipantPosition) = b'L', header header;
    /// `V`.
    MwcbDeclineLevel(MwcbDeclineLevel) = b'V', header header;
    /// `W`.
    MwcbStatus(MwcbStatus) = b'W', header header;
    /// `K`.
    QuotingPeriodUpdate(QuotingPeriodUpdate) = b'K', header header;
    /// `J`.
    LuldAuctionCollar(LuldAuctionCollar) = b'J', header header;
    /// `h`.
    OperationalHalt(OperationalHalt) = b'h', header header;
    /// `I`.
    NetOrderImbalance(NetOrderImbalance) = b'I', header header;
    /// `N`.
    RetailInterest(RetailInterest) = b'N', header header;
    /// `O`.
    DirectListing(DirectListing) = b'O', header header;
}

/// The bytes as a layout, when they are as many as it has.
#[inline]
pub(super) fn layout<T: Pod>(bytes: &[u8]) -> Result<&T, DecodeError> {
    bytemuck::try_from_bytes(bytes).map_err(|_| DecodeError::WrongLength)
}
