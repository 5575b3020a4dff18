//! What the tests of an export share: a journal of a hosted session, journals written record by record,
//! files read back with Arrow's own reader, and the rows that a journal's bytes must give, reckoned by the
//! offsets of `docs/wire/session.md` alone.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

#[path = "../../../../tests/common/mod.rs"]
pub mod engine;
pub mod expected;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int32Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tezi::Session;
use tezi::journal::{JournalReader, JournalWriter, WriterConfig};
use tezi::model::Nanos;
use tezi_parquet::{ExportError, ExportOptions, ExportReport, Table, export};

use engine::tape::{Faults, both_lines, tape, write_capture};
use engine::{Scratch, captures, host, quoter};

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i128),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, by column.
pub type Row = BTreeMap<String, Cell>;

/// A record as it lies in a journal.
#[derive(Clone, Debug)]
pub struct Raw {
    pub sequence: u64,
    pub time: i64,
    pub record_type: u16,
    pub flags: u16,
    pub segment: u32,
    pub payload: Vec<u8>,
}

/// The journal of a quoter that trades on `count` generated messages, in segments of 64 KiB.
pub fn hosted(scratch: &Scratch, seed: u64, count: usize) -> PathBuf {
    let (file, journal) = (scratch.path("session.pcap"), scratch.path("journal"));
    let tape = tape(seed, count);
    let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.05 };
    write_capture(&file, &tape, &both_lines(&tape, seed, faults, |_| false));
    let session = Session::Capture(captures([file]));
    let host = host().journal(&journal).segment_bytes(64 << 10);
    let report = host.run(&session, quoter()).unwrap();
    assert!(report.is_fine() && report.core.counters.fills > 5, "{:?}", report.problems());
    journal
}

/// A journal of these records: type, flags, time, payload.
pub fn written(scratch: &Scratch, records: &[(u16, u16, i64, Vec<u8>)]) -> PathBuf {
    let journal = scratch.path("journal");
    let created = Nanos(1_790_000_000_000_000_000);
    let config = WriterConfig { segment_bytes: 1 << 20, session_id: 0xABCD, created };
    let mut writer = JournalWriter::create(&journal, &config).unwrap();
    for (record_type, flags, time, payload) in records {
        writer.append(*record_type, *flags, Nanos(*time), payload).unwrap();
    }
    writer.close().unwrap();
    journal
}

/// Every record that can be read, behind damage too.
pub fn raw(journal: &Path) -> Vec<Raw> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut records = Vec::new();
    loop {
        while let Some(record) = reader.next_record() {
            records.push(Raw {
                sequence: record.sequence,
                time: record.time.0,
                record_type: record.record_type,
                flags: record.flags,
                segment: record.segment,
                payload: record.payload.to_vec(),
            });
        }
        if !reader.skip_damage() {
            return records;
        }
    }
}

/// Exports without a look at the progress.
pub fn exported(
    journal: &Path,
    to: &Path,
    options: &ExportOptions,
) -> Result<ExportReport, ExportError> {
    export(journal, to, options, |_| ControlFlow::Continue(()))
}

/// The rows of a file, read by Arrow's reader.
pub fn rows(dir: &Path, table: Table) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file(dir, table)).unwrap();
    assert_eq!(reader.schema().fields(), table.schema().fields(), "{table:?}");
    let mut rows = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let schema = batch.schema();
        let columns: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
        for index in 0..batch.num_rows() {
            let cells = columns.iter().map(|(it, array)| (it.name().clone(), cell(array, index)));
            rows.push(cells.collect());
        }
    }
    rows
}

/// What a file says of itself.
pub fn metadata(dir: &Path, table: Table) -> BTreeMap<String, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file(dir, table)).unwrap();
    let entries = reader.metadata().file_metadata().key_value_metadata().unwrap();
    entries.iter().map(|it| (it.key.clone(), it.value.clone().unwrap_or_default())).collect()
}

/// Rows of each row group of a file.
pub fn row_groups(dir: &Path, table: Table) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file(dir, table)).unwrap();
    reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect()
}

/// The names in a directory; none when there is no directory.
pub fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(dir: &Path, table: Table) -> File {
    File::open(dir.join(table.file_name())).unwrap()
}

fn cell(array: &ArrayRef, index: usize) -> Cell {
    if array.is_null(index) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::UInt8 => Cell::Int(array.as_primitive::<UInt8Type>().value(index).into()),
        DataType::UInt16 => Cell::Int(array.as_primitive::<UInt16Type>().value(index).into()),
        DataType::UInt32 => Cell::Int(array.as_primitive::<UInt32Type>().value(index).into()),
        DataType::UInt64 => Cell::Int(array.as_primitive::<UInt64Type>().value(index).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(index).into()),
        DataType::Timestamp(..) => {
            Cell::Int(array.as_primitive::<TimestampNanosecondType>().value(index).into())
        }
        DataType::Boolean => Cell::Int(array.as_boolean().value(index).into()),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(index).into()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(index).to_vec()),
        DataType::Dictionary(..) => {
            let names = array.as_dictionary::<Int32Type>();
            let key = names.keys().value(index) as usize;
            Cell::Text(names.values().as_string::<i32>().value(key).into())
        }
        other => panic!("no column is {other}"),
    }
}
