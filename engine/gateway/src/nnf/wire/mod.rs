//! NNF structures: the struct is the layout, and constant assertions prove every offset.
//!
//! Big-endian, packed to two bytes: a field of odd length is followed by a pad byte where a number
//! or a structure comes next. Every field type here has alignment 1 and every pad byte is named, so
//! the compiler adds nothing. Field names are the documents' own, in snake case.

mod field;
mod full;
mod trimmed;

pub use field::{BeF64, BeI16, BeI32, BeI64, BeU16, BeU32, Text, TextError};
pub use full::{ContractDesc, ErrorResponse, MessageHeader, MsOeRequest};
pub use trimmed::{
    AdditionalOrderFlags, ContractDescTr, Envelope, MsOeRequestTr, MsOeResponseTr, MsOmRequestTr,
    MsTradeConfirmTr, OrderChangePacket, OrderEntryPacket, StOrderFlags,
};

/// Declares a structure with the offset of each field, and asserts size, alignment and offsets.
macro_rules! layout {
    ($(#[$doc:meta])* $name:ident, $size:literal bytes {
        $($(#[$field_doc:meta])* $offset:literal $field:ident: $type:ty,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };

        impl $name {
            /// Bytes on the wire.
            pub const SIZE: usize = $size;

            /// Offset, size and name of each field, to hold the documentation against.
            #[cfg(test)]
            pub(crate) const FIELDS: &'static [(usize, usize, &'static str)] =
                &[$(($offset, size_of::<$type>(), stringify!($field)),)+];
        }
    };
}
use layout;

/// Transaction codes of the order path, futures and options (FO 9.48, chapters 4-6 and appendix).
pub struct TransactionCode;

impl TransactionCode {
    /// New order, trimmed.
    pub const BOARD_LOT_IN_TR: i16 = 20000;
    /// Modify, trimmed.
    pub const ORDER_MOD_IN_TR: i16 = 20040;
    /// Quick cancel: listed beside modify and cancel, its meaning is not described.
    pub const ORDER_QUICK_CANCEL_IN_TR: i16 = 20060;
    /// Cancel, trimmed.
    pub const ORDER_CANCEL_IN_TR: i16 = 20070;
    /// The new order is confirmed.
    pub const ORDER_CONFIRMATION_TR: i16 = 20073;
    /// The modification is confirmed.
    pub const ORDER_MOD_CONFIRMATION_TR: i16 = 20074;
    /// The order is cancelled, asked or unasked.
    pub const ORDER_CXL_CONFIRMATION_TR: i16 = 20075;
    /// A trade.
    pub const TRADE_CONFIRMATION_TR: i16 = 20222;
    /// The modification is refused.
    pub const ORDER_MOD_REJECT: i16 = 2042;
    /// The cancel is refused.
    pub const ORDER_CXL_REJECT: i16 = 2072;
    /// [`Self::ORDER_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_CONFIRMATION: i16 = 2073;
    /// [`Self::ORDER_MOD_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_MOD_CONFIRMATION: i16 = 2074;
    /// [`Self::ORDER_CXL_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_CXL_CONFIRMATION: i16 = 2075;
    /// The new order is refused.
    pub const ORDER_ERROR: i16 = 2231;
    /// Cancelled by the exchange in a batch.
    pub const BATCH_ORDER_CANCEL: i16 = 9002;
}

/// Values of `Buy/SellIndicator`.
pub struct BuySell;

impl BuySell {
    /// Buy.
    pub const BUY: i16 = 1;
    /// Sell.
    pub const SELL: i16 = 2;
}

/// Values of `BookType`.
pub struct BookType;

impl BookType {
    /// Regular lot, `RL`.
    pub const REGULAR_LOT: i16 = 1;
}
