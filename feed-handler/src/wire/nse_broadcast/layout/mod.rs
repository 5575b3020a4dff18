//! The layouts: each struct is the bytes it names, and every offset is proven when it compiles.
//!
//! Sources: NSE F&O "NNF Protocol" 9.48 (March 2026), in short FO 9.48, and NSE CM "NNF Protocol"
//! 6.3 (October 2025), in short CM 6.3. Big-endian, packed to 2: pad bytes are fields of their own.
//! Where a printed offset is odd, packing to 2 gives the printed total; those are marked *derived*
//! in `docs/wire/nse_broadcast.md`.

mod depth;
mod master;
mod status;
mod trade;

pub use depth::*;
pub use master::*;
pub use status::*;
pub use trade::*;

/// Structs whose fields carry their offsets: `offset name: type, "doc";` in order, the size after
/// the name. A hole, an overlap or a wrong total does not compile.
macro_rules! layout {
    ($(
        $(#[$outer:meta])*
        $name:ident = $size:literal { $($offset:literal $field:ident: $type:ty, $doc:literal;)+ }
    )+) => {$(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name {
            $(#[doc = $doc] pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };
    )+};
}
use layout;

use crate::wire::big_endian::{BeI16, BeI32};

layout! {
    /// FO 9.48, chapter 9, p. 148: leads a datagram.
    DatagramHeader = 4 {
        0 net_id: [u8; 2], "Byte 0 is the segment: 2 F&O, 4 CM, 6 CD.";
        2 no_packets: BeI16, "Messages that follow.";
    }

    /// `BCAST_HEADER`, FO 9.48, p. 23: leads every message, behind eight bytes that are not used.
    MessageHeader = 40 {
        0 reserved: [u8; 4], "Not used.";
        4 log_time: BeI32, "Seconds since 1980-01-01 00:00:00 in India.";
        8 alpha_char: [u8; 2], "The first characters of the symbol; in 7130 and 17130 the market type.";
        10 transaction_code: BeI16, "What the message is: see [`transaction_code`].";
        12 error_code: BeI16, "In 7130 and 17130 the record count.";
        14 bc_seq_no: BeI32, "Neither unique nor without gaps: of no use for sequencing (CM 6.3).";
        18 reserved_2: [u8; 4], "Not used.";
        22 time_stamp_2: [u8; 8], "In 7130 and 17130 a time in nanoseconds.";
        30 filler_2: [u8; 8], "Byte 0 is the machine (stream) number.";
        38 message_length: BeI16, "Bytes of the message, this header included.";
    }

    /// FO 9.48: an F&O contract as messages name it. The order of its fields is that of the
    /// contract descriptor of orders with `Series` behind the symbol.
    ContractInfo = 30 {
        0 instrument_name: [u8; 6], "`FUTIDX`, `OPTSTK`, …";
        6 symbol: [u8; 10], "The underlying.";
        16 series: [u8; 2], "Blank.";
        18 expiry_date: BeI32, "Seconds since 1980.";
        22 strike_price: BeI32, "Paise; 0 or -1 for a future.";
        26 option_type: [u8; 2], "`CE`, `PE`, `XX`.";
        28 ca_level: BeI16, "Corporate-action level.";
    }

    /// CM 6.3: a security as messages name it.
    SecurityInfo = 12 {
        0 symbol: [u8; 10], "The symbol.";
        10 series: [u8; 2], "`EQ`, `BE`, …";
    }
}

/// The transaction codes this module decodes; F&O and CM use some for different messages.
pub mod transaction_code {
    /// Five levels by price and ten orders, one token.
    pub const MARKET_BY_ORDER: i16 = 7200;
    /// Five levels by price.
    pub const MARKET_BY_PRICE: i16 = 7208;
    /// Five levels by price, 64-bit quantities (F&O).
    pub const MARKET_BY_PRICE_WIDE: i16 = 17208;
    /// Market watch, round robin.
    pub const MARKET_WATCH: i16 = 7201;
    /// Market watch with 32-bit quantities and 64-bit open interest (F&O).
    pub const MARKET_WATCH_NARROW: i16 = 17201;
    /// Last trade and open interest (F&O).
    pub const TICKER: i16 = 7202;
    /// Last trade and 64-bit open interest (F&O).
    pub const TICKER_WIDE: i16 = 17202;
    /// Last trade (CM).
    pub const TICKER_CM: i16 = 18703;
    /// Five levels of a spread (F&O).
    pub const SPREAD: i16 = 7211;
    /// Five levels of a spread, 64-bit quantities (F&O).
    pub const SPREAD_WIDE: i16 = 17211;
    /// Five levels of a call auction (CM).
    pub const AUCTION: i16 = 7214;
    /// Market watch of the call auction (CM).
    pub const AUCTION_WATCH: i16 = 7215;
    /// Cancelled quantities of the call auction (CM); security status in the pre-open (F&O).
    pub const AUCTION_CANCELS: i16 = 7210;
    /// Security status in the pre-open (F&O): the same number as [`AUCTION_CANCELS`].
    pub const STATUS_PREOPEN: i16 = 7210;
    /// Security status (F&O).
    pub const STATUS: i16 = 7320;
    /// Security status (CM).
    pub const STATUS_CM: i16 = 18130;
    /// Security status in the pre-open (CM).
    pub const STATUS_PREOPEN_CM: i16 = 18707;
    /// Execution range (F&O).
    pub const EXECUTION_RANGE: i16 = 7220;
    /// Open interest of underlyings (F&O).
    pub const OPEN_INTEREST: i16 = 7130;
    /// Open interest of underlyings, 64-bit (F&O).
    pub const OPEN_INTEREST_WIDE: i16 = 17130;
    /// Indices.
    pub const INDICES: i16 = 7207;
    /// Indicative indices of the closing auction.
    pub const INDICES_INDICATIVE: i16 = 8207;
    /// India VIX.
    pub const VIX: i16 = 7216;
    /// Industry indices.
    pub const INDUSTRY_INDICES: i16 = 7203;
    /// Contract master change (F&O).
    pub const CONTRACT_CHANGE: i16 = 7305;
    /// Contract master, periodic (F&O).
    pub const CONTRACT_PERIODIC: i16 = 7340;
    /// Spread master change (F&O).
    pub const SPREAD_CHANGE: i16 = 7309;
    /// Spread master, periodic (F&O).
    pub const SPREAD_PERIODIC: i16 = 7341;
    /// Security master change (CM).
    pub const SECURITY_CHANGE: i16 = 18720;
    /// Market open.
    pub const MARKET_OPEN: i16 = 6511;
    /// Market closed.
    pub const MARKET_CLOSED: i16 = 6521;
    /// Pre-open shut down.
    pub const PREOPEN_SHUTDOWN: i16 = 6531;
    /// Pre-open ended.
    pub const PREOPEN_ENDED: i16 = 6571;
    /// Post-close session (F&O).
    pub const POST_CLOSE: i16 = 6522;
    /// Closing session begins (CM).
    pub const CLOSING_SESSION_START: i16 = 6583;
    /// Closing session ends (CM).
    pub const CLOSING_SESSION_END: i16 = 6584;
    /// Symbol status action (CM).
    pub const SYMBOL_ACTION: i16 = 7764;
    /// Circuit check: the feed is alive.
    pub const CIRCUIT_CHECK: i16 = 6541;
}
