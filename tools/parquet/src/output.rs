//! The files of an export side by side: a row goes to the table it is of, if that is written.

use std::fs::{self, File};
use std::path::Path;

use parquet::file::metadata::KeyValue;
use tezi::journal::Record;
use tezi::model::{Event, ExecutionKind, ExecutionReport, Instrument, OrderCommand};
use tezi::{Entry, Origin, Refusal};

use crate::error::ExportError;
use crate::export::ExportOptions;
use crate::names::Names;
use crate::report::TableReport;
use crate::sink::Sink;
use crate::tables::controls::ControlRow;
use crate::tables::fills::{FillEvent, FillRow};
use crate::tables::instruments::InstrumentRow;
use crate::tables::market::MarketRow;
use crate::tables::orders::OrderRow;
use crate::tables::records::RecordRow;
use crate::tables::{Columns, Controls, Fills, Instruments, Market, Orders, Records, Table};

/// Every file; `None` for those that are not asked for.
pub(crate) struct Outputs {
    with_payload: bool,
    records: Option<Sink<Records>>,
    instruments: Option<Sink<Instruments>>,
    market: Option<Sink<Market>>,
    orders: Option<Sink<Orders>>,
    fills: Option<Sink<Fills>>,
    controls: Option<Sink<Controls>>,
}

impl Outputs {
    /// Begins the files that are asked for, unless one of them is there and may not be replaced.
    pub(crate) fn begin(dir: &Path, options: &ExportOptions) -> Result<Self, ExportError> {
        fs::create_dir_all(dir).map_err(|source| ExportError::io("create", dir, source))?;
        for table in &options.tables {
            let path = dir.join(table.file_name());
            if !options.force && path.symlink_metadata().is_ok() {
                return Err(ExportError::Exists { path });
            }
        }
        Ok(Self {
            with_payload: options.payload,
            records: begin(dir, options)?,
            instruments: begin(dir, options)?,
            market: begin(dir, options)?,
            orders: begin(dir, options)?,
            fills: begin(dir, options)?,
            controls: begin(dir, options)?,
        })
    }

    /// Ends all files, and gives them their names when every one is whole.
    pub(crate) fn finish(
        self,
        dir: &Path,
        force: bool,
        about: impl Fn(Table) -> Vec<KeyValue>,
    ) -> Result<Vec<TableReport>, ExportError> {
        let mut whole = Vec::with_capacity(Table::ALL.len());
        whole.extend(self.records.map(|it| it.finish(about(Table::Records))));
        whole.extend(self.instruments.map(|it| it.finish(about(Table::Instruments))));
        whole.extend(self.market.map(|it| it.finish(about(Table::Market))));
        whole.extend(self.orders.map(|it| it.finish(about(Table::Orders))));
        whole.extend(self.fills.map(|it| it.finish(about(Table::Fills))));
        whole.extend(self.controls.map(|it| it.finish(about(Table::Controls))));
        let whole = whole.into_iter().collect::<Result<Vec<_>, _>>()?;
        let named = whole.into_iter().map(|it| it.name(force)).collect::<Result<_, _>>()?;
        // A name that is not on the disk yet may be lost by a power cut; the journal is not.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
        Ok(named)
    }

    pub(crate) fn record(&mut self, record: &Record<'_>) -> Result<(), ExportError> {
        let with_payload = self.with_payload;
        push(&mut self.records, || RecordRow::new(record, with_payload))
    }

    pub(crate) fn event(
        &mut self,
        record: &Record<'_>,
        event: &Event,
        names: &Names,
    ) -> Result<(), ExportError> {
        push(&mut self.market, || MarketRow::new(record, event, names))
    }

    pub(crate) fn instrument(
        &mut self,
        record: &Record<'_>,
        instrument: &Instrument,
        names: &Names,
    ) -> Result<(), ExportError> {
        let (id, name) = (names.number(instrument), instrument.to_string());
        push(&mut self.instruments, || InstrumentRow::new(record, instrument, id, &name))
    }

    pub(crate) fn command(
        &mut self,
        record: &Record<'_>,
        origin: Origin,
        command: &OrderCommand,
        names: &Names,
    ) -> Result<(), ExportError> {
        push(&mut self.orders, || OrderRow::sent(record, origin, command, names))
    }

    pub(crate) fn refusal(
        &mut self,
        record: &Record<'_>,
        origin: Origin,
        refusal: &Refusal,
        names: &Names,
    ) -> Result<(), ExportError> {
        push(&mut self.orders, || OrderRow::refused(record, origin, refusal, names))
    }

    pub(crate) fn report(
        &mut self,
        record: &Record<'_>,
        report: &ExecutionReport,
        is_simulated: bool,
        names: &Names,
    ) -> Result<(), ExportError> {
        if report.kind() == Some(ExecutionKind::Fill) {
            let what = FillEvent::Fill { is_simulated };
            return push(&mut self.fills, || FillRow::new(record, report, what, names));
        }
        push(&mut self.orders, || OrderRow::reported(record, report, is_simulated, names))
    }

    pub(crate) fn trade_canceled(
        &mut self,
        record: &Record<'_>,
        report: &ExecutionReport,
        names: &Names,
    ) -> Result<(), ExportError> {
        push(&mut self.fills, || FillRow::new(record, report, FillEvent::TakenBack, names))
    }

    pub(crate) fn control(
        &mut self,
        record: &Record<'_>,
        entry: &Entry,
        names: &Names,
    ) -> Result<(), ExportError> {
        match (&mut self.controls, ControlRow::new(record, entry, names)) {
            (Some(sink), Some(row)) => sink.push(row),
            _ => Ok(()),
        }
    }
}

fn begin<C: Columns>(dir: &Path, options: &ExportOptions) -> Result<Option<Sink<C>>, ExportError> {
    if !options.tables.contains(&C::TABLE) {
        return Ok(None);
    }
    Sink::begin(dir, options.compression, options.row_groups).map(Some)
}

#[inline]
fn push<'a, C: Columns>(
    sink: &mut Option<Sink<C>>,
    row: impl FnOnce() -> C::Row<'a>,
) -> Result<(), ExportError> {
    match sink {
        Some(sink) => sink.push(row()),
        None => Ok(()),
    }
}
