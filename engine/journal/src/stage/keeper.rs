//! The thread that makes segments ready, in memory and on the disk, and takes back those written out.
//!
//! A segment is offered to the writer only when its file on the disk has all its blocks: a full disk
//! shows before the writer gets there, and never after.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, SyncSender},
    },
    thread,
};

use crate::{
    JournalError,
    mapping::{Mapping, ReadHalf, WriteHalf},
    segment::SEGMENT_NUMBER_MAX,
};

use super::{Shared, disk::DiskSegment, place::Place};

/// A segment that the writer will begin, as the thread that writes out sees it.
pub(super) struct Prepared {
    pub(super) number: u32,
    pub(super) reader: ReadHalf,
    pub(super) disk: DiskSegment,
}

/// A segment that is on the disk, its memory free when the writer has let go of it.
pub(super) struct Drained {
    pub(super) number: u32,
    pub(super) reader: ReadHalf,
}

/// See the module.
///
/// # Invariants
///
/// - Segments are offered in order of their numbers, each to the thread that writes out first.
/// - At most `unmade` more mappings are made; beyond that they go round.
pub(super) struct Keeper {
    pub(super) dir: PathBuf,
    pub(super) place: Place,
    pub(super) segment_bytes: u64,
    pub(super) number_next: u32,
    pub(super) unmade: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) ready: SyncSender<Result<(u32, WriteHalf), JournalError>>,
    pub(super) begun: SyncSender<Prepared>,
    pub(super) drained: Receiver<Drained>,
}

impl Keeper {
    /// Works until the thread that writes out ends, or a segment cannot be made.
    pub(super) fn run(mut self) {
        while let Some(mapping) = self.mapping() {
            let number = self.number_next;
            self.number_next += 1;
            let offered = mapping.and_then(|mapping| self.prepare(number, mapping));
            let has_failed = offered.is_err();
            if self.ready.send(offered).is_err() || has_failed {
                return;
            }
        }
    }

    /// The memory of the next segment: new while there is to be more, else of one written out.
    fn mapping(&mut self) -> Option<Result<Mapping, JournalError>> {
        if SEGMENT_NUMBER_MAX < self.number_next || self.is_closing() {
            return None;
        }
        if 0 < self.unmade {
            self.unmade -= 1;
            return Some(self.place.make_segment(self.number_next, self.segment_bytes));
        }
        let Drained { number, mut reader } = self.drained.recv().ok()?;
        let bytes_used = reader.committed().len();
        let mut mapping = loop {
            match reader.reclaim() {
                Ok(mapping) => break mapping,
                Err(held) if !self.is_closing() => reader = held,
                Err(_) => return None,
            }
            // The writer is between beginning the next segment and letting go of this one.
            thread::yield_now();
        };
        mapping.clear(bytes_used);
        Some(self.place.rename_segment(number, self.number_next).map(|()| mapping))
    }

    fn prepare(&self, number: u32, map: Mapping) -> Result<(u32, WriteHalf), JournalError> {
        let closing = &self.shared.is_closing;
        let disk = DiskSegment::prepare(&self.dir, number, self.segment_bytes, closing)?;
        let (writer, reader) = map.split(0);
        // A thread that has ended takes nothing, and has said why.
        drop(self.begun.send(Prepared { number, reader, disk }));
        Ok((number, writer))
    }

    fn is_closing(&self) -> bool {
        self.shared.is_closing.load(Ordering::Acquire) || self.shared.has_failed()
    }
}
