//! Reference data: the exchanges' daily files into one model of an instrument.
//!
//! [`load`] takes the bytes of a file as downloaded, opens gzip and zip, recognises the format by
//! content ([`detect`]) and gives a [`LoadedFile`]: instruments, spreads and a [`LoadReport`] whose
//! counts add up. [`ReferenceData::merge`] makes one set of several files, keyed by segment and
//! token. The formats, their fields and what is sourced are in `docs/wire/reference-data.md`.
//!
//! Promises: no file is opened and no clock read here; bytes from outside never panic; a line that
//! is wrong is named by line, field and value, and never silently dropped; files of
//! different kinds or days give the same data in whatever order they are merged.
//!
//! ```
//! use tezi_feed_handler::reference::{LoadOptions, ReferenceData, load};
//! use tezi_model::{Segment, Token};
//!
//! let text = b"1474449300,1,\nC,2,48125,OPTSTK,INFY,1474904400,120000,CE\n";
//! let file = load(text, &LoadOptions::of_segment(Segment::NseFo))?;
//! let data = ReferenceData::merge([file]);
//! let option = data.get(Segment::NseFo, Token(48_125)).unwrap();
//! assert_eq!(option.instrument.to_string(), "INFY 2026-09-26 1200 CE");
//! # Ok::<(), tezi_feed_handler::reference::LoadError>(())
//! ```

mod bhavcopy;
mod broker_master;
mod contract;
mod dates;
mod kind;
mod loader;
mod merge;
mod mii;
mod record;
mod report;
mod row;
mod security;
mod spread;
mod stream_info;
mod terms;
#[cfg(test)]
mod tests;
mod unpack;

pub use kind::{FileKind, detect};
pub use loader::{LoadOptions, LoadedFile, load};
pub use merge::{Conflict, ReferenceData};
pub use record::{
    DailyPrices, InstrumentDetails, InstrumentRecord, Isin, SecurityType, SettlementMethod,
    SpreadRecord, TradingPermission, UnderlyingKind,
};
pub use report::{FaultReason, LineFault, LoadError, LoadReport, Policy};
pub use stream_info::parse_stream_info;
pub use unpack::{UnpackError, unpack};
