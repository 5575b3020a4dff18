//! Journals as Parquet files, for pandas, DuckDB, Spark and whoever else reads Arrow.
//!
//! [`export()`] reads a journal once and writes a file for each [`Table`]: all records, and by what they
//! say market events, own orders, fills, instruments and what began and stopped trading. What a column
//! holds and when it is null is in `docs/wire/parquet.md`; [`Table::schema`] is the same for programs.
//! Times are UTC, prices integers of the model's unit.
//!
//! Nothing of the journal is changed, and memory is bounded whatever its size. Records behind damage
//! are exported too, and what was lost is in the [`ExportReport`].

mod column;
mod error;
mod export;
mod names;
mod output;
mod report;
mod sink;
mod tables;
mod words;

pub use error::ExportError;
pub use export::{Compression, ExportOptions, Progress, Range, RowGroups, export};
pub use report::{ExportReport, JournalEnd, TableReport};
pub use tables::Table;

/// The version of the tables: their names, columns, types and words. A column that is added at the end
/// keeps it; any other change counts it up.
pub const SCHEMA_VERSION: u32 = 1;
