//! Databento Binary Encoding (DBN), versions 1 to 3: recorded order-by-order data for research.
//!
//! Source: Databento's "DBN" and "Market by order" pages (2023 to 2025). Little-endian. A file is
//! metadata and records, each with its length; delivered files are compressed:
//!
//! ```text
//! 0       1      2             4              8         16
//! length  rtype  publisher_id  instrument_id  ts_event  body …     length counts 4-byte words
//! ```
//!
//! [`decompress`] opens a file, [`Records`] walks it, [`Decoder`] checks every field and makes the
//! model's events. What becomes of each action, and why, is in `docs/wire/dbn.md`.

mod compression;
mod decoder;
mod error;
mod metadata;
mod record;
#[cfg(test)]
mod tests;

pub use compression::decompress;
pub use decoder::{Decoder, DecoderCounters, INSTRUMENTS_MAX};
pub use error::{FileError, RecordError};
pub use metadata::{MappingInterval, Metadata, SymbolMapping};
pub use record::{
    MboMessage, PRICE_UNDEFINED, Record, RecordHeader, Records, TIME_UNDEFINED, flags, rtype,
};
