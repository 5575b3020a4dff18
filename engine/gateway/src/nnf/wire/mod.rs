//! NNF structures: the struct is the layout, and constant assertions prove every offset.
//!
//! Big-endian, packed to two bytes: a field of odd length is followed by a pad byte where a number
//! or a structure comes next. Every field type here has alignment 1 and every pad byte is named, so
//! the compiler adds nothing. Field names are the documents' own, in snake case.

mod cm;
mod cm_full;
mod code;
mod field;
mod full;
mod requests;
mod session;
mod trimmed;

pub use cm::{
    CmErrorResponse, CmOrderEntryRequestTr, CmOrderFlags, CmOrderOmRequestTr, CmOrderOmResponseTr,
    CmTradeConfirmTr, SecInfo,
};
pub use cm_full::{
    CmOrderEntryRequest, CmSignon, CmSystemInformationOut, CmTradeConfirm, CmTradeInquiryData,
    CmUpdateLocaldbIn,
};
pub use code::TransactionCode;
pub use field::{BeF64, BeI16, BeI32, BeI64, BeU16, BeU32, Secret, Text, TextError};
pub use full::{ContractDesc, ErrorResponse, MessageHeader, MsOeRequest};
pub use requests::{
    MsAckResponse, MsSpdLegInfo, MsSpdOeRequest, MsTradeConfirm, MsTradeInqData, PriceMod,
};
pub use session::{
    BoxMessage, BoxSignOnRequestIn, BoxSignOnRequestOut, GrRequest, GrResponse, GrResponseNew,
    InnerMessageHeader, LocaldbMark, MarketStatus, MessageDownload, MsSignon, StreamOutage,
    SystemInformationIn, SystemInformationOut, UpdateLocaldbIn,
};
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
    /// Special terms, `ST`.
    pub const SPECIAL_TERMS: i16 = 2;
    /// Stop-loss, `SL`.
    pub const STOP_LOSS: i16 = 3;
    /// Odd lot, `OL`. Capital market only, as all that follow.
    pub const ODD_LOT: i16 = 5;
    /// Spot, `SP`.
    pub const SPOT: i16 = 6;
    /// Auction, `AU`.
    pub const AUCTION: i16 = 7;
    /// First call auction.
    pub const CALL_AUCTION_1: i16 = 11;
    /// Second call auction.
    pub const CALL_AUCTION_2: i16 = 12;
}
