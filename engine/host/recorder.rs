//! The journal of one session: every input before the core acts on it, every output after.

use std::path::{Path, PathBuf};

use tezi_core::collateral::Valuation;
use tezi_core::control::{Assignment, Control, ControlRecord};
use tezi_core::oms::OrderSessionState;
use tezi_core::{CoreConfig, Emitted, Opening, OpeningRecord};
use tezi_journal::{
    DurableWatermark, JournalError, JournalStats, JournalWriter, StageConfig, WriterConfig,
};
use tezi_model::{Event, ExecutionReport, Instrument, Nanos};

use crate::clock::Clock;
use crate::journaling::DurabilityReport;
use crate::latency::{PathStage, StageRecorder};
use crate::records::{ControlHead, RecordType, WHO_MAX, WHY_MAX, output_bytes, valuation_bytes};

/// Writes a session's journal, or nothing when the session has none.
pub(crate) struct Recorder {
    writer: Option<JournalWriter>,
    path: Option<PathBuf>,
    /// Follows the way to the disk, where the journal says how far it is.
    meter: Option<DurabilityMeter>,
}

/// What a recorder leaves behind.
pub(crate) struct Recorded {
    pub(crate) stats: JournalStats,
    pub(crate) durability: Option<DurabilityReport>,
}

/// Looks at the durable watermark once in each turn of the core's loop.
///
/// One record at a time is timed, from the turn that appended it to the first turn that finds it on
/// the disk: what the core could see, at the price of one load and one comparison a turn.
struct DurabilityMeter {
    watermark: DurableWatermark,
    lag_max: u64,
    /// The record that is timed and when it was appended; 0 when none is.
    timed: u64,
    timed_raw: u64,
}

impl DurabilityMeter {
    fn new(watermark: DurableWatermark) -> Self {
        Self { watermark, lag_max: 0, timed: 0, timed_raw: 0 }
    }

    #[inline]
    fn look(&mut self, appended: u64, clock: &Clock, stages: &mut StageRecorder) {
        let durable = self.watermark.sequence();
        self.lag_max = self.lag_max.max(appended.saturating_sub(durable));
        if self.timed != 0 && self.timed <= durable {
            stages.record(PathStage::ToDisk, clock.between(self.timed_raw, clock.raw()));
            self.timed = 0;
        }
        if self.timed == 0 && durable < appended {
            (self.timed, self.timed_raw) = (appended, clock.raw());
        }
    }
}

impl Recorder {
    /// A recorder that keeps nothing.
    pub(crate) const fn off() -> Self {
        Self { writer: None, path: None, meter: None }
    }

    /// Begins the journal in a directory that has none yet, staged in memory where `stage` says how.
    pub(crate) fn create(
        dir: &Path,
        segment_bytes: u64,
        stage: Option<&StageConfig>,
        now: Nanos,
    ) -> Result<Self, JournalError> {
        // The time and the process make it differ from every other journal of this machine.
        let session_id = now.0.cast_unsigned() ^ (u64::from(std::process::id()) << 40);
        let config = WriterConfig { segment_bytes, session_id, created: now };
        let writer = match stage {
            Some(stage) => JournalWriter::create_staged(dir, &config, stage)?,
            None => JournalWriter::create(dir, &config)?,
        };
        let meter = writer.durable().map(DurabilityMeter::new);
        Ok(Self { writer: Some(writer), path: Some(dir.to_path_buf()), meter })
    }

    /// Goes on with a journal that ends cleanly, staged in memory where `stage` says how.
    pub(crate) fn append_to(
        dir: &Path,
        segment_bytes: u64,
        stage: Option<&StageConfig>,
    ) -> Result<Self, JournalError> {
        let writer = match stage {
            Some(stage) => JournalWriter::open_append_staged(dir, segment_bytes, stage)?,
            None => JournalWriter::open_append(dir, segment_bytes)?,
        };
        let meter = writer.durable().map(DurabilityMeter::new);
        Ok(Self { writer: Some(writer), path: Some(dir.to_path_buf()), meter })
    }

    /// Where the journal lies.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// How far the journal is on the disk, for those who wait for it; `None` when it does not say.
    pub(crate) fn durable(&self) -> Option<DurableWatermark> {
        self.meter.as_ref().map(|meter| meter.watermark.clone())
    }

    /// What was written so far; `None` when nothing is kept.
    pub(crate) fn stats(&self) -> Option<JournalStats> {
        self.writer.as_ref().map(JournalWriter::stats)
    }

    /// Looks at what became of the records on their way to the disk: once a turn.
    ///
    /// # Errors
    ///
    /// The fault that keeps the journal from the disk: the session must end, even when nothing more
    /// is to be appended.
    #[inline]
    pub(crate) fn look(
        &mut self,
        clock: &Clock,
        stages: &mut StageRecorder,
    ) -> Result<(), JournalError> {
        let (Some(writer), Some(meter)) = (&self.writer, &mut self.meter) else { return Ok(()) };
        meter.look(writer.sequence_last(), clock, stages);
        writer.check()
    }

    pub(crate) fn session(&mut self, now: Nanos, text: &str) -> Result<(), JournalError> {
        self.append(RecordType::SESSION, now, text.as_bytes())
    }

    pub(crate) fn resume(&mut self, now: Nanos, text: &str) -> Result<(), JournalError> {
        self.append(RecordType::RESUME, now, text.as_bytes())
    }

    pub(crate) fn config(&mut self, now: Nanos, config: &CoreConfig) -> Result<(), JournalError> {
        self.append(RecordType::CONFIG, now, bytemuck::bytes_of(config))
    }

    pub(crate) fn instrument(&mut self, now: Nanos, it: &Instrument) -> Result<(), JournalError> {
        self.append(RecordType::INSTRUMENT, now, bytemuck::bytes_of(it))
    }

    pub(crate) fn valuation(&mut self, now: Nanos, line: &Valuation) -> Result<(), JournalError> {
        let (record_type, bytes) = valuation_bytes(line);
        self.append(record_type, now, bytes)
    }

    pub(crate) fn opening(&mut self, now: Nanos, it: &Opening) -> Result<(), JournalError> {
        let record = OpeningRecord::from(it);
        self.append(RecordType::OPENING, now, bytemuck::bytes_of(&record))
    }

    pub(crate) fn start(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.append(RecordType::START, now, &[])
    }

    #[inline]
    pub(crate) fn event(&mut self, now: Nanos, event: &Event) -> Result<(), JournalError> {
        self.append(RecordType::EVENT, now, bytemuck::bytes_of(event))
    }

    #[inline]
    pub(crate) fn report(&mut self, now: Nanos, it: &ExecutionReport) -> Result<(), JournalError> {
        self.append(RecordType::REPORT, now, bytemuck::bytes_of(it))
    }

    pub(crate) fn trade_canceled(
        &mut self,
        now: Nanos,
        it: &ExecutionReport,
    ) -> Result<(), JournalError> {
        self.append(RecordType::TRADE_CANCEL, now, bytemuck::bytes_of(it))
    }

    pub(crate) fn order_session(
        &mut self,
        now: Nanos,
        state: OrderSessionState,
    ) -> Result<(), JournalError> {
        self.append(RecordType::ORDER_SESSION, now, &[state as u8, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Journals what an operator does and returns its sequence, 0 when there is no journal.
    #[cold]
    pub(crate) fn control(
        &mut self,
        now: Nanos,
        control: &Control,
        uid: u32,
        who: &[u8],
        why: &[u8],
    ) -> Result<u64, JournalError> {
        let Some(writer) = &mut self.writer else { return Ok(0) };
        let (who_length, why_length) = (who.len() as u16, why.len() as u16);
        let head =
            ControlHead { record: ControlRecord::from(control), uid, who_length, why_length };
        let mut texts = [0; WHO_MAX + WHY_MAX + Assignment::BYTES_MAX];
        let behind = control.text().as_bytes();
        let length = (who.len() + why.len() + behind.len()).min(size_of_val(&texts));
        let places = texts.iter_mut().zip(who.iter().chain(why).chain(behind));
        places.for_each(|(place, byte)| *place = *byte);
        let texts = &texts[..length];
        writer.append_parts(RecordType::CONTROL, 0, now, bytemuck::bytes_of(&head), texts)
    }

    /// Begins a new segment of the journal.
    #[cold]
    pub(crate) fn rotate(&mut self, now: Nanos) -> Result<(), JournalError> {
        match &mut self.writer {
            Some(writer) => writer.rotate(now),
            None => Ok(()),
        }
    }

    pub(crate) fn stop(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.append(RecordType::STOP, now, &[])
    }

    /// Journals an output and returns its sequence, 0 when there is no journal.
    #[inline]
    pub(crate) fn output(&mut self, now: Nanos, emitted: &Emitted) -> Result<u64, JournalError> {
        let (record_type, bytes) = output_bytes(&emitted.output);
        match &mut self.writer {
            Some(writer) => writer.append(record_type, emitted.origin.0, now, bytes),
            None => Ok(0),
        }
    }

    /// Ends the journal with the state hash. What it came to is `None` when there is none.
    pub(crate) fn end(mut self, now: Nanos, hash: u64) -> Result<Option<Recorded>, JournalError> {
        self.append(RecordType::END, now, &hash.to_le_bytes())?;
        let Some(writer) = self.writer else { return Ok(None) };
        let (before, write_out) = (writer.stats(), writer.write_out());
        let stats = writer.close()?;
        let durability = self
            .meter
            .as_ref()
            .map(|meter| DurabilityReport::new(write_out, meter.lag_max, &before, &stats));
        Ok(Some(Recorded { stats, durability }))
    }

    #[inline]
    fn append(&mut self, record_type: u16, now: Nanos, bytes: &[u8]) -> Result<(), JournalError> {
        match &mut self.writer {
            Some(writer) => writer.append(record_type, 0, now, bytes).map(|_| ()),
            None => Ok(()),
        }
    }
}
