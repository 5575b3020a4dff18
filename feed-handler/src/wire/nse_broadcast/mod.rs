//! NSE broadcast market data, the slower feed: five levels by price, tickers, indices, status.
//!
//! Sources: NSE F&O "NNF Protocol" 9.48 (March 2026, FO 9.48) and NSE CM "NNF Protocol" 6.3
//! (October 2025, CM 6.3). Big-endian, packed to 2. A datagram packs messages, most of them
//! compressed by LZO1Z:
//!
//! ```text
//! 0       2            4
//! cNetId  iNoPackets   iNoPackets × { iCompLen, bytes }    0 = not compressed
//!
//! in the clear: 8 unused bytes, 40 bytes BCAST_HEADER, body by transaction code
//! ```
//!
//! [`Reader`] does all of it and counts what it refuses. Its parts: [`packets`] frames a datagram,
//! [`Packet::unpack`] decompresses, [`decode`] finds the layout, [`Message::for_each_update`] checks
//! every field and makes an [`Update`]. Every message is a whole picture of what it covers, and
//! nothing on the feed tells of a loss. Layouts and choices are in `docs/wire/nse_broadcast.md`.

mod book;
mod convert;
mod datagram;
mod encode;
mod error;
mod field;
pub mod layout;
mod lzo1z;
mod message;
mod reader;
#[cfg(test)]
mod tests;
mod update;

pub use book::DepthBook;
pub use datagram::{LEAD_SIZE, MESSAGE_SIZE_MAX, Packet, Packets, packets};
pub use encode::{
    ClearMessage, DATAGRAM_SIZE_MAX, DatagramWriter, EncodeError, MarketByPriceForm,
    encode_market_by_price,
};
pub use error::DecodeError;
pub use layout::transaction_code;
pub use lzo1z::{COMPRESS_SIZE_MAX, compress, decompress};
pub use message::{Body, Message, decode};
pub use reader::{CodeCount, Counters, Reader};
pub use update::*;
