//! One Parquet file under way: rows are gathered here and encoded by a thread of the file's own, into a
//! file that gets its name only when it is whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{self, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::column::Encoding;
use crate::error::ExportError;
use crate::export::{Compression, RowGroups};
use crate::report::TableReport;
use crate::tables::{Columns, Table};

/// Rows that cross to the encoding thread at once.
const BATCH_ROWS: usize = 32_768;
/// Bytes of texts and payloads that make a batch earlier.
const BATCH_BYTES: usize = 8 << 20;
/// Batches that may wait for the encoding thread.
const BATCHES_WAITING: usize = 2;

/// What crosses to the encoding thread.
enum Message {
    Rows(RecordBatch),
    /// Everything is there: the file ends, with this about it.
    End(Vec<KeyValue>),
}

/// What the encoding thread found at the end.
struct Encoded {
    rows: u64,
    row_groups: usize,
}

/// A table being written.
pub(crate) struct Sink<C: Columns> {
    columns: C,
    rows: usize,
    bytes: usize,
    schema: SchemaRef,
    part: Part,
    sender: SyncSender<Message>,
    /// `None` once its end was waited for.
    thread: Option<JoinHandle<Result<Encoded, ParquetError>>>,
}

/// A file without its name; removed unless it gets it.
pub(crate) struct Part {
    part: PathBuf,
    target: PathBuf,
    is_named: bool,
}

/// A file that is whole and waits for its name.
pub(crate) struct Whole {
    part: Part,
    report: TableReport,
}

impl<C: Columns> Sink<C> {
    /// Begins the file of a table in `dir`.
    pub(crate) fn begin(
        dir: &Path,
        compression: Compression,
        bounds: RowGroups,
    ) -> Result<Self, ExportError> {
        let target = dir.join(C::TABLE.file_name());
        let name = format!("{}.part-{}", C::TABLE.file_name(), std::process::id());
        let part = dir.join(name);
        let file = File::create_new(&part)
            .map_err(|source| ExportError::io("create", part.clone(), source))?;
        let part = Part { part, target, is_named: false };
        let schema = C::TABLE.schema();
        let properties = properties(C::TABLE, compression, bounds);
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|source| part.error(source))?;
        let (sender, receiver) = sync_channel(BATCHES_WAITING);
        let thread = Builder::new()
            .name(format!("tezi-{}", C::TABLE.name()))
            .spawn(move || encode(writer, &receiver))
            .map_err(|source| ExportError::io("start a thread for", part.target.clone(), source))?;
        let thread = Some(thread);
        Ok(Self { columns: C::default(), rows: 0, bytes: 0, schema, part, sender, thread })
    }

    /// Appends a row.
    #[inline]
    pub(crate) fn push(&mut self, row: C::Row<'_>) -> Result<(), ExportError> {
        self.bytes += self.columns.push(row);
        self.rows += 1;
        if self.rows < BATCH_ROWS && self.bytes < BATCH_BYTES { Ok(()) } else { self.send() }
    }

    /// Ends the file, with what is to be said of it.
    pub(crate) fn finish(mut self, about: Vec<KeyValue>) -> Result<Whole, ExportError> {
        if 0 < self.rows {
            self.send()?;
        }
        // A thread that has ended does not take it, and says below why it has.
        let _ = self.sender.send(Message::End(about));
        let Encoded { rows, row_groups } = self.join()?;
        let part = self.part;
        let bytes = part.part.metadata().map(|it| it.len());
        let bytes =
            bytes.map_err(|source| ExportError::io("look at", part.part.clone(), source))?;
        let path = part.target.clone();
        let report = TableReport { table: C::TABLE, path, rows, bytes, row_groups };
        Ok(Whole { part, report })
    }

    #[cold]
    fn send(&mut self) -> Result<(), ExportError> {
        (self.rows, self.bytes) = (0, 0);
        let batch = RecordBatch::try_new(self.schema.clone(), self.columns.finish());
        let batch = batch.map_err(|source| self.part.error(source.into()))?;
        match self.sender.send(Message::Rows(batch)) {
            Ok(()) => Ok(()),
            // The thread takes nothing more: it has ended, and not in order.
            Err(_) => match self.join() {
                Err(error) => Err(error),
                Ok(_) => Err(ExportError::Thread { path: self.part.target.clone() }),
            },
        }
    }

    /// Waits for the thread's end.
    fn join(&mut self) -> Result<Encoded, ExportError> {
        let ended = self.thread.take().map(JoinHandle::join);
        match ended {
            Some(Ok(encoded)) => encoded.map_err(|source| self.part.error(source)),
            _ => Err(ExportError::Thread { path: self.part.target.clone() }),
        }
    }
}

impl Part {
    fn error(&self, source: ParquetError) -> ExportError {
        ExportError::Parquet { path: self.target.clone(), source }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_named {
            // What cannot be removed is no export either: its name says so.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl Whole {
    /// Gives the file its name.
    pub(crate) fn name(mut self, force: bool) -> Result<TableReport, ExportError> {
        let Part { part, target, is_named } = &mut self.part;
        if !force && target.symlink_metadata().is_ok() {
            return Err(ExportError::Exists { path: target.clone() });
        }
        std::fs::rename(&*part, &*target)
            .map_err(|source| ExportError::io("rename to", target.clone(), source))?;
        *is_named = true;
        Ok(self.report)
    }
}

/// Encodes what comes until the end. Without an end nobody wants the file any more.
fn encode(
    mut writer: ArrowWriter<File>,
    receiver: &Receiver<Message>,
) -> Result<Encoded, ParquetError> {
    while let Ok(message) = receiver.recv() {
        match message {
            Message::Rows(batch) => writer.write(&batch)?,
            Message::End(about) => {
                about.into_iter().for_each(|it| writer.append_key_value_metadata(it));
                let metadata = writer.finish()?;
                writer.inner().sync_all()?;
                let rows = metadata.file_metadata().num_rows().unsigned_abs();
                return Ok(Encoded { rows, row_groups: metadata.num_row_groups() });
            }
        }
    }
    Err(ParquetError::General("given up".into()))
}

fn properties(table: Table, compression: Compression, bounds: RowGroups) -> WriterProperties {
    let codec = match compression {
        // Level 1: level 3 took longer for files 4 % smaller.
        Compression::Zstd => basic::Compression::ZSTD(ZstdLevel::default()),
        Compression::Snappy => basic::Compression::SNAPPY,
        Compression::None => basic::Compression::UNCOMPRESSED,
    };
    let mut builder = WriterProperties::builder()
        .set_compression(codec)
        .set_max_row_group_row_count(Some(bounds.rows_max.max(1)))
        .set_max_row_group_bytes(Some(bounds.bytes_max.max(1)))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Rows lie in the order of the journal, and every table begins with the sequence.
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: false,
        }]));
    for column in table.columns() {
        let path = ColumnPath::from(column.name);
        builder = match column.encoding {
            Encoding::Dictionary => continue,
            // By sequence and time a reader finds its page, not only its row group.
            Encoding::Delta => builder
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::Page)
                .set_column_encoding(path.clone(), basic::Encoding::DELTA_BINARY_PACKED)
                .set_column_dictionary_enabled(path, false),
            Encoding::Plain => builder
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
                .set_column_dictionary_enabled(path, false),
        };
    }
    builder.build()
}
