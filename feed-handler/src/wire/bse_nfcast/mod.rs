//! BSE NFCAST: the five best prices of every instrument, netted, without sequence or recovery.
//!
//! Source: "BSE Direct NFCAST Manual" 5.0 (May 2025), in short NFCAST 5.0. Big-endian, packed, one
//! message a datagram; the first four bytes are its type. Market pictures are compressed: plain
//! fields, then 16-bit differences with an escape to the value itself.
//!
//! ```text
//! 0    4            14                22        26           28
//! type reserved …   hour min sec ms   reserved  record count records …
//! ```
//!
//! [`decode`] tells what a datagram is; [`MarketPictures`] reads the pictures of one. The manual
//! contradicts itself on the form of a level and of an escape: a [`Dialect`] says which reading to
//! use, and a [`DialectFinder`] finds it from live datagrams. The layouts, and what is done where
//! the manual is silent, are in `docs/wire/bse_nfcast.md`.

mod decode;
mod encode;
mod error;
mod layout;
mod picture;
#[cfg(test)]
mod tests;

pub use decode::{Message, decode, message_type};
pub use encode::{encode_header, encode_market_pictures};
pub use error::DecodeError;
pub use layout::{ClosePrice, Header, LppRange, OpenInterest, PictureHead, ProductState};
pub use picture::{
    Dialect, DialectFinder, LEVELS_MAX, Level, LevelFields, Levels, MarketPicture, MarketPictures,
    QuantityEscape,
};

/// The most pictures in one datagram. The field table says 6, a worked example says 5.
pub const PICTURES_MAX: usize = 6;
