//! Instruments from the exchange's files: the parts of the feed handler's reference data that a
//! host needs.

pub use tezi_feed_handler::reference::{
    LoadError, LoadOptions, LoadReport, LoadedFile, ReferenceData, SpreadRecord, load,
    parse_stream_info,
};
