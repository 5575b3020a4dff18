//! `records.parquet`: every record of the journal, whatever it says.

use arrow_array::types::{UInt16Type, UInt32Type};
use tezi::journal::Record;
use tezi::record_type_name;

use super::columns;
use crate::column::{Label, MaybeBytes, Name, Number, Serial, Time};

columns! {
    Records, RecordRow {
        sequence: Serial,
        time: Time,
        record_type: Name,
        flags: Number<UInt16Type>,
        length: Number<UInt32Type>,
        segment: Number<UInt32Type>,
        payload: MaybeBytes,
    }
}

impl<'a> RecordRow<'a> {
    /// The row of a record.
    pub(crate) fn new(record: &Record<'a>, with_payload: bool) -> Self {
        Self {
            sequence: record.sequence,
            time: record.time,
            record_type: Label::of(record_type_name(record.record_type), record.record_type),
            flags: record.flags,
            // A record fits into a segment, and that has at most a gibibyte.
            length: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
            segment: record.segment,
            payload: with_payload.then_some(record.payload),
        }
    }
}
